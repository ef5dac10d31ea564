"""`$( )`: replaced in texts just before a step runs (azure-pipelines contract, 2.5)."""

from collections.abc import Mapping

MOST_DEPTH = 50


def expand_macros(text: str, variables: Mapping[str, str]) -> str:
    """Replace each `$(name)` whose name is a variable. Scans from `$(` to the first `)`; on a miss the text stays and
    the scan goes on one character later, so that an inner macro is found; what is inserted is not scanned again.
    `variables` has lower-case keys."""
    out: list[str] = []
    position = 0
    while (start := text.find("$(", position)) >= 0:
        end = text.find(")", start)
        if end < 0:
            break
        value = variables.get(text[start + 2 : end].lower())
        out.append(text[position:start])
        if value is None:
            out.append("$")
            position = start + 1
        else:
            out.append(value)
            position = end + 1
    return "".join((*out, text[position:]))


def expand_variables(variables: Mapping[str, str]) -> dict[str, str]:
    """All variables with the macros in their values replaced, deep; a variable within a cycle, or deeper than 50, keeps
    the macro that leads back. Keys are lower case."""
    return {name: _expanded(value, variables, (name,)) for name, value in variables.items()}


def _expanded(text: str, variables: Mapping[str, str], path: tuple[str, ...]) -> str:
    if "$(" not in text or len(path) > MOST_DEPTH:
        return text
    names = {name for name in _names(text) if name in variables and name not in path}
    return expand_macros(text, {name: _expanded(variables[name], variables, (*path, name)) for name in names})


def _names(text: str) -> set[str]:
    found: set[str] = set()
    start = text.find("$(")
    while start >= 0:
        end = text.find(")", start)
        if end >= 0:
            found.add(text[start + 2 : end].lower())
        start = text.find("$(", start + 1)
    return found
