"""Reference pages, made from the registries that the programs themselves use: checks, commands, manifest, tasks."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from manifest import read_manifest
from pages.site import Site

Writer = Callable[[Path], str]
MADE = "Made by `python -m pages write`; a test keeps it in step.\n"


def write_reference(site: Site) -> list[Path]:
    """Write every page; those that changed."""
    changed = []
    for name, text in texts(site.root).items():
        path = site.docs / "reference" / f"{name}.md"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            changed.append(path)
    return changed


def out_of_step(site: Site) -> list[str]:
    """The names of pages that are not what they are made from."""
    folder = site.docs / "reference"
    found = {name: folder / f"{name}.md" for name in PAGES}
    wanted = texts(site.root)
    return [name for name, path in found.items() if not path.exists() or path.read_text("utf-8") != wanted[name]]


def texts(root: Path) -> Mapping[str, str]:
    return {name: write(root) for name, write in PAGES.items()}


def checks_page(root: Path) -> str:
    """Every check with its reason, by module."""
    from checker.checks import CHECKS
    from checker.model import MODULES

    parts = [f"# Checks\n\n`checker explain CODE` says the same about one. {MADE}"]
    for module in MODULES.values():
        mine = [one for one in CHECKS.values() if one.module == module.code]
        if not mine:
            continue
        parts.append(f"\n## {module.code}: {module.title}\n")
        for one in mine:
            needs = f" Needs {', '.join(f'`{code}`' for code in one.requires)}." if one.requires else ""
            parts.append(
                f"\n### {one.code}\n\n**{_plain(one.title)}.** {_plain(one.why)}\n\nLooks at {one.service}.{needs}\n"
            )
    return "".join(parts)


def tasks_page(root: Path) -> str:
    """The pipeline tasks that run in the sandbox, with their inputs."""
    from sandbox.pipelines.tasks import TASKS

    parts = [
        "# Pipeline tasks\n\nThese run in the sandbox. A task that is not here fails its step and says its name: it "
        f"never passes for done. {MADE}"
    ]
    for task in sorted(TASKS.values(), key=lambda one: one.NAME.lower()):
        versions = ", ".join(f"{task.NAME}@{version}" for version in task.VERSIONS)
        parts.append(f"\n## {task.NAME}\n\nVersions: {versions}\n\n| input | required | default |\n|---|---|---|\n")
        for one in task.INPUTS:
            default = f"`{one.default}`" if one.default else ""
            parts.append(f"| `{one.name}` | {'yes' if one.required else ''} | {default} |\n")
    return "".join(parts)


def commands_page(root: Path) -> str:
    """The commands of the three programs, as their own help has them."""
    import typer

    import checker.cli
    import journey.cli
    import sandbox.cli
    from sandbox.pipelines.command import pipeline_program

    programs = {
        "checker": _program(checker.cli),
        "sandbox": _program(sandbox.cli),
        "sandbox pipeline": pipeline_program,
        "journey": _program(journey.cli),
    }
    parts = [f"# Commands\n\nEach command says the same with `--help`. {MADE}"]
    for name, program in programs.items():
        parts.append(f"\n## `{name}`\n")
        parts += _commands(typer.main.get_command(program), name)
    return "".join(parts)


def _program(module: Any) -> Any:
    """The typer application of a module."""
    import typer

    return next(one for one in vars(module).values() if isinstance(one, typer.Typer))


def _commands(command: Any, path: str) -> Iterator[str]:
    children = getattr(command, "commands", None)
    if children is None:
        yield f"\n### `{path}`\n\n{_help(command)}\n{_parameters(command)}"
        return
    for name, child in sorted(children.items()):
        if not child.hidden:
            yield from _commands(child, f"{path} {name}")


def _help(command: Any) -> str:
    return _plain(command.help or command.short_help or "")


def _parameters(command: Any) -> str:
    rows = []
    for one in command.params:
        if getattr(one, "hidden", False) or one.name == "help":
            continue
        shown = ", ".join(f"`{part}`" for part in (*one.opts, *one.secondary_opts))
        if one.param_type_name == "argument":
            shown = f"`{str(one.name).upper()}`"
        said = _cell(getattr(one, "help", "") or "")
        rows.append(f"| {shown} | {said} |\n")
    return f"\n| parameter | meaning |\n|---|---|\n{''.join(rows)}" if rows else ""


def troubleshooting_page(root: Path) -> str:
    """Known lines of logs, by the module that treats them. Anchors are the ids that `checker explain --log` prints."""
    from checker.model import MODULES
    from checker.troubleshooting import CATALOGUE

    parts = [
        "# Troubleshooting\n\nBy the text that you see. `checker explain --log FILE` finds it in a log for you: copy "
        f"the log of a run into a file first. {MADE}"
    ]
    for module in MODULES.values():
        mine = [one for one in CATALOGUE if one.module == module.code]
        if mine:
            parts.append(f"\n## {module.code}: {module.title}\n")
        for one in mine:
            check = f" The check `{one.check}` sees the same." if one.check else ""
            parts.append(f"\n### {_plain(one.title)} {{ #{one.id} }}\n\n```text\n{one.example}\n```\n")
            parts.append(f"\n{_plain(one.cause)}\n\n**Do:** {_plain(one.remedy)}{check}\n")
            if one.commands:
                parts.append("\n```sh\n" + "\n".join(one.commands) + "\n```\n")
    return "".join(parts)


def manifest_page(root: Path) -> str:
    """Modules, regions, prices and versions of labs.toml."""
    found = read_manifest(root / "labs" / "labs.toml")
    parts = [f"# Manifest\n\nWhat `labs/labs.toml` says, looked at on {found.checked.isoformat()}. {MADE}"]
    parts.append("\n## Modules\n\n| module | title | minutes | waiting | level |\n|---|---|---|---|---|\n")
    for one in found.modules:
        level = f"{one.level}{', optional' if one.optional else ''}"
        parts.append(f"| {one.id} | {one.title} | {one.minutes} | {one.wait_minutes or ''} | {level} |\n")
    parts.append("\n## Regions\n\nWhat a module works on, and why the solution does it so.\n")
    parts.append("\n| module | file | region | reason |\n|---|---|---|---|\n")
    for region in found.regions:
        parts.append(f"| {region.module} | `{region.file}` | `{region.id}` | {_cell(region.reason)} |\n")
    parts.append("\n## Prices\n\nWithout tax. *Estimate* is an order of magnitude, not read from the price list.\n")
    parts.append("\n| what | unit | USD | EUR | from |\n|---|---|---|---|---|\n")
    for price in found.prices.values():
        source = f"{'*estimate*, ' if price.estimate else ''}{_cell(price.source)}"
        parts.append(f"| {_cell(price.what)} | {price.unit} | {price.usd:g} | {price.eur:g} | {source} |\n")
    parts.append("\n## Versions\n\n| package | version |\n|---|---|\n")
    parts += [f"| `{name}` | `{version}` |\n" for name, version in found.versions.items()]
    return "".join(parts)


def _plain(text: str) -> str:
    """Text that is no markup: an angle bracket is one, outside of code."""
    parts = " ".join(text.split()).split("`")
    return "`".join(part if index % 2 else part.replace("<", "&lt;") for index, part in enumerate(parts))


def _cell(text: str) -> str:
    return _plain(text).replace("|", "\\|")


PAGES: Mapping[str, Writer] = {
    "checks": checks_page,
    "commands": commands_page,
    "manifest": manifest_page,
    "tasks": tasks_page,
    "troubleshooting": troubleshooting_page,
}
