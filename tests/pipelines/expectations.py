"""The header language of pipeline cases: comments before the YAML say what a load is given and what must come out.

Given:  parameter: NAME=VALUE · variable: NAME=VALUE · repository: ALIAS=FOLDER · skip: STAGE
Expect: problem: [FILE] LINE:COL MESSAGE  (all problems, in order; a message may end in `...`; `-` is no place)
        help: TEXT                       (within the help of some problem)
        valid:                           (it loads; said when nothing else is)
        plan: A -> B                     (stage B depends on A; `A` alone depends on nothing)
        jobs: STAGE: A -> B              (the same within a stage)
        runs: | skipped: | depends: NAME because TEXT      (a stage, or STAGE.JOB)
        expanded: PATH = YAML            (a part of the expanded file; the path has dots)
        final: PATH = YAML               (a part of the service's finalYaml)
        steps: STAGE.JOB[.HOOK]: KIND, TASK@1, KIND*       (a star marks a step that nobody wrote)
        instances: STAGE.JOB: NAME, NAME
        parameter-value: NAME = TEXT
        notice: TEXT
        trigger: push REF [path=P] [message=TEXT] -> yes|no, TEXT    (also `pull-request BRANCH [host=GitHub] [draft]`)
        due: TIME -> TIME, TIME          (of the first schedule)
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from sandbox.pipelines.errors import LoadError, Problem
from sandbox.pipelines.final import final_yaml
from sandbox.pipelines.loading import Loaded, LoadRequest, load_file
from sandbox.pipelines.planning import PlannedJob, PlannedStage
from sandbox.pipelines.rendering import render
from sandbox.pipelines.schedules import list_due
from sandbox.pipelines.triggers import Event, PullRequest, Push, decide

HEADER = re.compile(r"# (?:(expect)-)?([a-z-]+):(?: (.*))?")
GIVEN = frozenset({"parameter", "variable", "repository", "skip"})
PLACE = re.compile(r"(?:(/\S+|queue-time parameter '\w+') )?(?:(\d+):(\d+)|-) (.*)")


@dataclass(frozen=True)
class Line:
    word: str
    text: str
    expects: bool


def read_header(text: str) -> tuple[Line, ...]:
    """The lines before the YAML. A comment that is no header line is an error: a misspelt one must not pass."""
    lines = []
    for raw in text.splitlines():
        if not raw.startswith("#"):
            break
        if raw.startswith("##"):
            continue
        found = HEADER.fullmatch(raw.rstrip())
        assert found, f"not a header line: {raw}"
        line = Line(found.group(2), (found.group(3) or "").strip(), found.group(1) is not None)
        assert line.expects or line.word in GIVEN, f"not a word of the header language: {raw}"
        assert not line.expects or line.word in CHECKS or line.word in ("problem", "help", "valid"), raw
        lines.append(line)
    assert any(line.expects for line in lines), "the case expects nothing"
    return tuple(lines)


def check_case(folder: Path) -> None:
    """Load a case and compare what comes out with its header."""
    file = folder / "azure-pipelines.yml"
    header = read_header(file.read_text(encoding="utf-8"))
    expected = [line for line in header if line.expects]
    loaded, problems = load_case(file, header)
    compare_problems([line.text for line in expected if line.word == "problem"], problems)
    for line in expected:
        if line.word == "help":
            assert any(line.text in one.help for one in problems), [one.help for one in problems]
        elif line.word in CHECKS:
            assert loaded is not None
            CHECKS[line.word](loaded, line.text)


def load_case(file: Path, header: tuple[Line, ...]) -> tuple[Loaded | None, tuple[Problem, ...]]:
    given = {word: [line.text for line in header if not line.expects and line.word == word] for word in GIVEN}
    request = LoadRequest(_pairs(given["parameter"]), _pairs(given["variable"]), tuple(given["skip"]))
    others = {alias: file.parent / folder for alias, folder in _pairs(given["repository"]).items()}
    try:
        return load_file(file, file.parent, others, request), ()
    except LoadError as error:
        return None, error.problems


def compare_problems(expected: list[str], found: tuple[Problem, ...]) -> None:
    shown = "\n".join(f"{one}  [{one.help}]" for one in found)
    assert len(expected) == len(found), f"expected {len(expected)} problem(s), found:\n{shown}"
    for text, problem in zip(expected, found, strict=True):
        match = PLACE.fullmatch(text)
        assert match, f"not a problem: {text}"
        file, line, column, message = match.groups()
        mark = problem.mark
        place = (str(mark.line), str(mark.column)) if mark and mark.line else (None, None)
        assert place == (line, column), shown
        assert mark is None or not file or mark.file == file, shown
        assert mark is None or file or mark.file in ("", "/azure-pipelines.yml"), shown
        if message.endswith("..."):
            assert problem.message.startswith(message[:-3]), shown
        else:
            assert problem.message == message, shown


def _pairs(lines: list[str]) -> dict[str, str]:
    return dict(line.split("=", 1) for line in lines)  # type: ignore[misc]


def _parts(text: str, arrow: str = " -> ") -> list[str]:
    return [part.strip() for part in text.split(arrow)]


def _stage(loaded: Loaded, name: str) -> PlannedStage:
    return next(one for one in loaded.plan.stages if one.name == name)


def _job(loaded: Loaded, name: str) -> PlannedJob:
    stage, job = name.split(".")[:2]
    return next(one for one in _stage(loaded, stage).jobs if one.name == job)


def _check_edges(edges: dict[str, tuple[str, ...]], text: str) -> None:
    names = _parts(text)
    for before, after in zip([None, *names], names, strict=False):
        folded = [one.lower() for one in edges[after]]
        if before is None:
            assert len(names) > 1 or not folded, f"{after} depends on {folded}"
        else:
            assert before.lower() in folded, f"{after} depends on {folded}"


def check_plan(loaded: Loaded, text: str) -> None:
    _check_edges({one.name: one.depends_on for one in loaded.plan.stages}, text)


def check_jobs(loaded: Loaded, text: str) -> None:
    stage, edges = text.split(": ", 1)
    _check_edges({one.name: one.depends_on for one in _stage(loaded, stage).jobs}, edges)


def _check_outlook(outlook: str) -> Callable[[Loaded, str], None]:
    def check(loaded: Loaded, text: str) -> None:
        name, reason = text.split(" because ", 1)
        found = _job(loaded, name).prediction if "." in name else _stage(loaded, name).prediction
        assert found.outlook == outlook, found
        assert reason in found.reason, found.reason

    return check


def _check_path(text: str, document: str) -> None:
    path, wanted = text.split(" = ", 1)
    node: Any = yaml.load(document, Loader=yaml.BaseLoader)
    for part in path.split("."):
        if isinstance(node, list):
            node = node[int(part)]
        else:
            assert part in node, f"{part} is not in {sorted(node)}:\n{document}"
            node = node[part]
    assert node == yaml.load(wanted, Loader=yaml.BaseLoader), f"{node!r}\n{document}"


def check_expanded(loaded: Loaded, text: str) -> None:
    _check_path(text, render(loaded.expanded))


def check_final(loaded: Loaded, text: str) -> None:
    _check_path(text, final_yaml(loaded))


def check_steps(loaded: Loaded, text: str) -> None:
    name, wanted = text.split(": ", 1)
    stage, job, *hook = name.split(".", 2)
    activities = _job(loaded, f"{stage}.{job}").activities
    chosen = [one for one in activities if not hook or (one.hook and one.hook.value == hook[0])]
    found = [_step_word(step.step) for one in chosen for step in one.steps]
    assert found == [part.strip() for part in wanted.split(",")], found


def _step_word(step: Any) -> str:
    word = str(step.task) if step.kind == "task" else step.kind.value
    return f"{word}*" if step.implicit else word


def check_instances(loaded: Loaded, text: str) -> None:
    name, wanted = text.split(": ", 1)
    found = [one.name for one in _job(loaded, name).instances]
    assert found == [part.strip() for part in wanted.split(",")], found


def check_parameter(loaded: Loaded, text: str) -> None:
    name, wanted = text.split(" = ", 1)
    assert next(one.value for one in loaded.pipeline.parameters if one.name == name) == wanted


def check_notice(loaded: Loaded, text: str) -> None:
    messages = [one.message for one in loaded.plan.notices]
    assert any(text in message for message in messages), messages


def check_trigger(loaded: Loaded, text: str) -> None:
    event, answer = _parts(text)
    yes, _, why = answer.partition(", ")
    decision = decide(loaded.pipeline, _event(event))
    assert decision.starts == (yes == "yes"), decision
    assert why in decision.why, decision


def _event(text: str) -> Event:
    kind, target, *rest = text.split(" ", 2)
    options = list(_options(rest[0] if rest else ""))
    paths = tuple(value for name, value in options if name == "path")
    if kind == "push":
        return Push(target, paths, tuple(value for name, value in options if name == "message"))
    assert kind == "pull-request", kind
    named = dict(options)
    return PullRequest(target, paths, "draft" in named, named.get("host", "AzureRepos"))


def _options(text: str) -> Iterator[tuple[str, str]]:
    for found in re.finditer(r'(\w+)(?:=(?:"([^"]*)"|(\S+)))?', text):
        yield found.group(1), found.group(2) or found.group(3) or ""


def check_due(loaded: Loaded, text: str) -> None:
    after, wanted = _parts(text)
    times = [one.strip() for one in wanted.split(",")]
    moment = datetime.fromisoformat(f"{after}+00:00")
    found = list_due(loaded.pipeline.schedules[0], moment, len(times))
    assert [one.strftime("%Y-%m-%dT%H:%M") for one in found] == times


CHECKS: dict[str, Callable[[Loaded, str], None]] = {
    "plan": check_plan,
    "jobs": check_jobs,
    "runs": _check_outlook("runs"),
    "skipped": _check_outlook("skipped"),
    "depends": _check_outlook("depends"),
    "expanded": check_expanded,
    "final": check_final,
    "steps": check_steps,
    "instances": check_instances,
    "parameter-value": check_parameter,
    "notice": check_notice,
    "trigger": check_trigger,
    "due": check_due,
}
