"""The pipeline of the clone: stages, jobs and steps with their templates put in. Conditional parts count as there.

Nothing is evaluated: this reads a file as a person would, with a finger on the line. What the service would make of it
is the service's to say.
"""

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import yaml

from checker.clone.grammar import check_job, check_root, check_stage, check_step
from checker.clone.indentation import JOB_KINDS, STEP_KINDS
from checker.clone.nodes import Place, Problem, Unreadable, compose, entry, items, pairs, place, scalar, spread

PARAMETER = re.compile(r"\$\{\{\s*parameters\.([\w.-]+)\s*\}\}")
VARIABLE = re.compile(r"\$\(([\w.-]+)\)")
SCRIPTS = ("script", "bash", "pwsh", "powershell")
TEMPLATES_DEEP = 20
FAULTLESS = frozenset({"", "false"})

Read = Callable[[str], str | None]


@dataclass(frozen=True)
class Step:
    """One step that is not switched off. `kind` is its first word (`task`, `bash`), `uses` what stands behind it."""

    place: Place
    kind: str
    uses: str
    name: str
    condition: str
    goes_on: bool
    script: str
    inputs: Mapping[str, str] = field(default_factory=dict)

    @property
    def shown(self) -> str:
        """What a message calls it."""
        return self.name or self.uses.partition("\n")[0] or self.kind


@dataclass(frozen=True)
class Job:
    """A job or a deployment job. `depends_on` is None where the file says nothing."""

    place: Place
    name: str
    depends_on: tuple[str, ...] | None
    condition: str
    goes_on: bool
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Stage:
    """A stage. `depends_on` is None where the file says nothing: then it follows the stage before it."""

    place: Place
    name: str
    depends_on: tuple[str, ...] | None
    condition: str
    jobs: tuple[Job, ...]


@dataclass(frozen=True)
class Pipeline:
    """What the file and its templates say. `documents` are all roots, `variables` those of the first, as written."""

    file: str
    stages: tuple[Stage, ...]
    variables: Mapping[str, str]
    documents: tuple[yaml.Node, ...]
    problems: tuple[Problem, ...]

    def steps(self) -> Iterator[Step]:
        """All steps in the order of the file."""
        for stage in self.stages:
            for job in stage.jobs:
                yield from job.steps

    def filled(self, text: str) -> str:
        """A text with the pipeline's variables put in where they are known."""
        return VARIABLE.sub(lambda found: self.variables.get(found[1], found[0]), text)


def read_pipeline(read: Read, file: str) -> Pipeline:
    """The pipeline in a file. `read` gives a file of the clone, or None. Raises Unreadable, FileNotFoundError."""
    return _Reader(read).pipeline(file)


@dataclass(frozen=True)
class _Scope:
    """The file that is read, how deep it is in templates, and the parameters that it was given."""

    file: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    depth: int = 0

    def text(self, node: yaml.Node | None) -> str:
        return PARAMETER.sub(lambda found: self.parameters.get(found[1], found[0]), scalar(node))


class _Reader:
    """Reads one pipeline and collects what is wrong with its shape."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._problems: list[Problem] = []
        self._documents: list[yaml.Node] = []

    def pipeline(self, file: str) -> Pipeline:
        root, scope = self._document(file), _Scope(file)
        self._problems += check_root(root)
        stages = tuple(self._stages(root, scope))
        return Pipeline(file, stages, variables(root), tuple(self._documents), tuple(self._problems))

    def _document(self, file: str) -> yaml.Node:
        text = self._read(file)
        if text is None:
            raise FileNotFoundError(file)
        root = compose(text, file)
        if root is None:
            hint = "An empty file is no pipeline."
            raise Unreadable(Problem(Place(file, 1), "the file is empty", "stages, jobs or steps", (hint,)))
        self._documents.append(root)
        return root

    def _stages(self, root: yaml.Node, scope: _Scope) -> Iterator[Stage]:
        """The stages of a root; a root of jobs or of steps is one stage without a name."""
        listed = entry(root, "stages")
        if listed is None:
            jobs = tuple(self._jobs_of(root, scope))
            yield Stage(place(root), "", None, "", jobs)
            return
        for node, inner in self._expanded(items(listed), scope, "stages"):
            self._problems += check_stage(node)
            yield Stage(
                place(node),
                inner.text(entry(node, "stage")),
                _names(entry(node, "dependsOn"), inner),
                inner.text(entry(node, "condition")),
                tuple(self._jobs_of(node, inner)),
            )

    def _jobs_of(self, node: yaml.Node, scope: _Scope) -> Iterator[Job]:
        if entry(node, "jobs") is None:
            yield Job(place(node), "", None, "", False, tuple(self._steps(entry(node, "steps"), scope)))
            return
        for job, inner in self._expanded(items(entry(node, "jobs")), scope, "jobs"):
            self._problems += check_job(job)
            kind = next((kind for kind in JOB_KINDS if entry(job, kind) is not None), "job")
            yield Job(
                place(job),
                inner.text(entry(job, kind)),
                _names(entry(job, "dependsOn"), inner),
                inner.text(entry(job, "condition")),
                _goes_on(job, inner),
                tuple(self._steps_of(job, inner)),
            )

    def _steps_of(self, job: yaml.Node, scope: _Scope) -> Iterator[Step]:
        """The steps of a job, or those of each hook of a deployment job's strategy, in the order of the file."""
        if entry(job, "steps") is not None:
            yield from self._steps(entry(job, "steps"), scope)
        for _, strategy in pairs(entry(job, "strategy")):
            for _, hook in pairs(strategy):
                yield from self._steps_of(hook, scope) if entry(hook, "steps") is not None else self._on(hook, scope)

    def _on(self, hook: yaml.Node, scope: _Scope) -> Iterator[Step]:
        """`on:` has the hooks `success` and `failure` beneath it."""
        for _, ending in pairs(hook):
            yield from self._steps(entry(ending, "steps"), scope)

    def _steps(self, listed: yaml.Node | None, scope: _Scope) -> Iterator[Step]:
        for node, inner in self._expanded(items(listed), scope, "steps"):
            self._problems += check_step(node)
            if scalar(entry(node, "enabled")).lower() == "false":
                continue
            kind = next((kind for kind in STEP_KINDS if entry(node, kind) is not None), "")
            inputs = {scalar(key): inner.text(value) for key, value in pairs(entry(node, "inputs"))}
            uses = inner.text(entry(node, kind))
            script = uses if kind in SCRIPTS else "\n".join(inputs.get(key, "") for key in ("inlineScript", "script"))
            yield Step(
                place(node),
                kind,
                uses,
                inner.text(entry(node, "displayName")),
                inner.text(entry(node, "condition")),
                _goes_on(node, inner),
                "\n".join(filter(None, (script, inputs.get("scriptPath", ""), inputs.get("arguments", "")))).strip(),
                inputs,
            )

    def _expanded(self, nodes: list[yaml.Node], scope: _Scope, what: str) -> Iterator[tuple[yaml.Node, _Scope]]:
        """The items of a list, with those of a template in the place of its name."""
        for node in spread(nodes):
            name = scope.text(entry(node, "template"))
            if not name:
                yield node, scope
            elif "@" in name:  # of another repository, which is not here
                continue
            else:
                yield from self._template(node, name, scope, what)

    def _template(self, node: yaml.Node, name: str, scope: _Scope, what: str) -> Iterator[tuple[yaml.Node, _Scope]]:
        path = posixpath.normpath(posixpath.join("/" if name.startswith("/") else posixpath.dirname(scope.file), name))
        path = path.lstrip("/")
        try:
            if scope.depth >= TEMPLATES_DEEP:
                raise FileNotFoundError(path)
            root = self._document(path)
        except FileNotFoundError:
            self._problems.append(_no_template(place(node), name, path))
            return
        given = {scalar(key): scope.text(value) for key, value in pairs(entry(node, "parameters"))}
        inner = _Scope(path, {**_defaults(entry(root, "parameters")), **given}, scope.depth + 1)
        yield from self._expanded(items(entry(root, what)), inner, what)


def variables(root: yaml.Node) -> dict[str, str]:
    """The variables of a root, as a mapping or as a list of names and values."""
    listed = entry(root, "variables")
    if isinstance(listed, yaml.MappingNode):
        return {scalar(key): scalar(value) for key, value in pairs(listed)}
    named = ((scalar(entry(item, "name")), scalar(entry(item, "value"))) for item in spread(items(listed)))
    return {name: value for name, value in named if name}


def _defaults(listed: yaml.Node | None) -> dict[str, str]:
    """The defaults of a template's parameters, in the list form or the older mapping form."""
    if isinstance(listed, yaml.MappingNode):
        return {scalar(key): scalar(value) for key, value in pairs(listed)}
    return {scalar(entry(one, "name")): scalar(entry(one, "default")) for one in items(listed)}


def _names(node: yaml.Node | None, scope: _Scope) -> tuple[str, ...] | None:
    return None if node is None else tuple(filter(None, (scope.text(item) for item in spread(items(node)))))


def _goes_on(node: yaml.Node, scope: _Scope) -> bool:
    return scope.text(entry(node, "continueOnError")).lower() not in FAULTLESS


def _no_template(where: Place, name: str, path: str) -> Problem:
    return Problem(
        where,
        f"the template `{name}`, and there is no file {path}",
        f"a file at {path}",
        (
            "A template's path starts at the folder of the file that names it.",
            "A path with a slash in front starts at the repository's root.",
        ),
    )
