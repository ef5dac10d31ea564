"""The road from a file to a plan, in one call each: the only module that knows all phases."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.pipelines.binding.root import bind_pipeline
from sandbox.pipelines.errors import LoadError, Mark, Problem, Problems
from sandbox.pipelines.expressions.values import Value, is_simple, to_text
from sandbox.pipelines.model import Parameter, Pipeline
from sandbox.pipelines.planning import Plan, plan
from sandbox.pipelines.rendering import render
from sandbox.pipelines.schedules import check_schedules
from sandbox.pipelines.syntax import Node, ScalarNode, compose
from sandbox.pipelines.templates.expansion import Expanded, Expander, Request
from sandbox.pipelines.templates.scalars import to_node
from sandbox.pipelines.templates.sources import SELF, FolderSources, Location, Sources

DEFAULT_VARIABLES: Mapping[str, str] = {"Build.Reason": "Manual", "System.HostType": "build"}


@dataclass(frozen=True, slots=True)
class LoadRequest:
    """What a load is given. `parameters` are queue-time texts; `variables` are known at template time and stay visible
    to conditions (Build.SourceBranch, Build.Reason, queue-time variables); `skip` names stages to leave out."""

    parameters: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    skip: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Loaded:
    """`expanded` is the file with everything `${{ }}` done; `files` are the labels of all that were read."""

    expanded: Node
    pipeline: Pipeline
    plan: Plan
    files: tuple[str, ...]


def load(text: str, path: str, sources: Sources, request: LoadRequest | None = None) -> Loaded:
    """Load a pipeline from its text. `path` is the file's, from the repository's root. Raises LoadError with all
    that is wrong, up to ten."""
    asked = request or LoadRequest()
    variables = {**DEFAULT_VARIABLES, **asked.variables}
    expanded, problems = expand(text, path, sources, Request(asked.parameters, variables))
    pipeline = bind_pipeline(expanded.root, _parameters(expanded), problems)
    check_schedules(pipeline, problems)
    problems.raise_if_any()
    return Loaded(expanded.root, pipeline, plan(pipeline, variables, asked.skip), expanded.files)


def expand(text: str, path: str, sources: Sources, request: Request) -> tuple[Expanded, Problems]:
    """Expand only. Problems that do not stop it are returned with the result. Raises LoadError for those that do."""
    problems = Problems()
    location = Location(SELF, path.lstrip("/"))
    root = compose(text, location.label)
    try:
        return Expander(sources, problems).expand(root, location, request), problems
    except LoadError as error:
        for one in error.problems:
            problems.add(one.message, one.mark, one.help)
        raise problems.error() from error


def load_file(
    file: Path, root: Path | None = None, others: Mapping[str, Path] | None = None, request: LoadRequest | None = None
) -> Loaded:
    """Load a file of this machine. `root` is its repository's folder, by default the nearest one upwards with `.git`,
    else the file's own. Raises LoadError."""
    base = (root or repository_root(file)).absolute()
    sources = FolderSources(base, {name.lower(): folder for name, folder in (others or {}).items()})
    if not file.absolute().is_relative_to(base):
        help = "Give the repository's folder with --root, or a file within it."
        raise LoadError([Problem(f"{file} is not within the repository {base}", None, help)])
    path = file.absolute().relative_to(base).as_posix()
    text = sources.read(SELF, path)
    if text is None:
        raise LoadError([Problem(f"There is no file {file}", Mark(f"/{path}"), "Give the path of a pipeline file.")])
    return load(text, path, sources, request)


def repository_root(file: Path) -> Path:
    """The folder that paths with a leading slash start from."""
    folder = file.absolute().parent
    return next((one for one in (folder, *folder.parents) if (one / ".git").exists()), folder)


def _parameters(expanded: Expanded) -> tuple[Parameter, ...]:
    return tuple(
        Parameter(
            one.name,
            one.type,
            one.display_name,
            None if one.default is None else _text(one.default),
            _shown(expanded.parameters.entries.get(one.name)),
            tuple(value.text for value in one.values),
        )
        for one in expanded.declarations.items
    )


def _shown(value: Value) -> str:
    return to_text(value) if is_simple(value) else _text(to_node(value, Mark("")))


def _text(node: Node) -> str:
    return node.text if isinstance(node, ScalarNode) else render(node)
