"""What `sandbox pipeline run FILE` does. It prints, as the command line does.

Exit codes: 0 the run succeeded, with issues or without; 1 it did not, or the file has problems; 130 interrupted.
"""

import contextlib
import getpass
import json
import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import typer
import yaml

from sandbox.pipelines import events
from sandbox.pipelines.events import Event
from sandbox.pipelines.expressions.contexts import Result
from sandbox.pipelines.loading import Loaded
from sandbox.pipelines.model import Variable
from sandbox.pipelines.running.checkouts import head_of
from sandbox.pipelines.running.host import VariableGroup
from sandbox.pipelines.running.local import LocalHost, LocalSettings
from sandbox.pipelines.running.logs import read_tail
from sandbox.pipelines.running.reports import RunReport
from sandbox.pipelines.running.runs import PipelineRun
from sandbox.pipelines.running.settings import RunOutcome, RunRequest
from sandbox.pipelines.running.variables import environment_name

GOOD = frozenset({Result.SUCCEEDED, Result.SUCCEEDED_WITH_ISSUES})
INTERRUPTED = 130
SHOWN_LINES = 20


@dataclass(frozen=True, slots=True)
class LocalRun:
    """The options of the command, read."""

    file: Path
    root: Path
    branch: str = "main"
    others: Mapping[str, Path] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    groups: Mapping[str, Path] = field(default_factory=dict)
    approvals: Mapping[str, str] = field(default_factory=dict)
    stages: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    dirty: bool = False
    work: Path | None = None
    caches: Path | None = None
    as_json: bool = False


def run_file(options: LocalRun, loaded: Loaded) -> int:
    """Run a loaded pipeline to its end, print it, and give the exit code. Raises typer.BadParameter for an option that
    does not fit the pipeline."""
    _check_stages(options, loaded)
    with _folder(options.work) as folder:
        report = RunReport(str(options.file))
        sinks = (report,) if options.as_json else (report, Progress())
        run = PipelineRun(_request(options, loaded), LocalHost(_settings(options, folder)), *sinks)
        with _canceled_by_signals(run) as seen:
            outcome = run.run()
        if options.as_json:
            document = report.document(keep_logs=options.work is not None)
            typer.echo(json.dumps(document, indent=2, ensure_ascii=False))
        else:
            _print_end(outcome, options.work)
    if seen:
        return INTERRUPTED
    return 0 if outcome.result in GOOD else 1


def _check_stages(options: LocalRun, loaded: Loaded) -> None:
    known = {stage.name.lower(): stage.name for stage in loaded.plan.stages}
    for name in (*options.stages, *options.skip):
        if name.lower() not in known:
            raise typer.BadParameter(f"There is no stage '{name}'; there are: {', '.join(known.values())}.")


@contextlib.contextmanager
def _folder(work: Path | None) -> Iterator[Path]:
    if work is not None:
        work.mkdir(parents=True, exist_ok=True)
        yield work.absolute()
        return
    with tempfile.TemporaryDirectory(prefix="pipeline-run-", ignore_cleanup_errors=True) as scratch:
        yield Path(scratch)


@contextlib.contextmanager
def _canceled_by_signals(run: PipelineRun) -> Iterator[list[int]]:
    """Ctrl-C or SIGTERM cancels; the second one ends at once. Gives the signals that came."""
    seen: list[int] = []

    def handle(number: int, frame: FrameType | None) -> None:
        seen.append(number)
        # Not here: the interrupted thread may hold the very lock that a cancel needs.
        end = run.cancel if len(seen) == 1 else run.abort
        threading.Thread(target=end, args=("The run was interrupted.",), daemon=True).start()

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield seen
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _request(options: LocalRun, loaded: Loaded) -> RunRequest:
    given = [Variable(name, value) for name, value in options.variables.items()]
    given += [Variable(name, _secret(name), secret=True) for name in options.secrets]
    return RunRequest(
        plan=loaded.plan,
        run_id=1,
        facts=_facts(options),
        variables=tuple(given),
        only=frozenset(options.stages),
        skip=frozenset(options.skip),
        keep_workspaces=options.work is not None,
        caches=options.caches,
    )


def _secret(name: str) -> str:
    """A secret comes by the environment, so that it stands on no command line. Raises typer.BadParameter."""
    for one in (name, environment_name(name)):
        if one in os.environ:
            return os.environ[one]
    raise typer.BadParameter(f"The environment has no variable '{environment_name(name)}' for the secret '{name}'.")


def _settings(options: LocalRun, folder: Path) -> LocalSettings:
    approvals = {name: _answer(name, text) for name, text in options.approvals.items()}
    groups = {name: read_group(path) for name, path in options.groups.items()}
    return LocalSettings(folder, options.root, options.others, options.dirty, approvals, groups)


def _answer(name: str, text: str) -> bool:
    if text.lower() not in ("yes", "no"):
        raise typer.BadParameter(f"'{name}={text}' is no answer; write {name}=yes or {name}=no.")
    return text.lower() == "yes"


def read_group(path: Path) -> VariableGroup:
    """A variable group from a YAML or JSON file: `name: value`, or `name: {value: ..., isSecret: true}`. Raises
    typer.BadParameter."""
    try:
        found = yaml.load(path.read_text("utf-8"), Loader=yaml.BaseLoader)
    except (OSError, yaml.YAMLError) as error:
        raise typer.BadParameter(f"The variable group file '{path}' cannot be read: {error}") from error
    if not isinstance(found, dict):
        raise typer.BadParameter(f"The variable group file '{path}' holds no mapping of names to values.")
    values, secrets = {}, set()
    for name, entry in found.items():
        member = entry if isinstance(entry, dict) else {"value": entry}
        values[str(name)] = str(member.get("value", ""))
        if str(member.get("isSecret", "")).lower() == "true":
            secrets.add(str(name))
    return VariableGroup(values, frozenset(secrets))


def _facts(options: LocalRun) -> dict[str, str]:
    ref = options.branch if options.branch.startswith("refs/") else f"refs/heads/{options.branch}"
    commit = head_of(options.root)
    name = options.root.absolute().name
    return {
        "Build.SourceBranch": ref,
        "Build.SourceVersion": commit or "",
        "Build.SourceVersionMessage": _message(options.root) if commit else "",
        "Build.DefinitionName": name,
        "Build.Repository.Name": name,
        "Build.Repository.ID": name,
        "Build.Repository.Uri": options.root.absolute().as_uri(),
        "Build.RequestedFor": getpass.getuser(),
        "Build.QueuedBy": getpass.getuser(),
        "System.TeamProject": name,
        "System.DefinitionId": "1",
    }


def _message(folder: Path) -> str:
    command = ["git", "-C", str(folder), "log", "-1", "--format=%s"]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60).stdout.strip()


class Progress:
    """Prints what happens, a line each; of a step that fails also the end of its log."""

    def __init__(self) -> None:
        self._logs: dict[int, Path] = {}

    def __call__(self, event: Event) -> None:
        for line in self._lines(event):
            typer.echo(line)

    def _lines(self, event: Event) -> Iterator[str]:
        match event:
            case events.RunStarted():
                yield f"run {event.build_number}"
                yield from (f"note: {notice}" for notice in event.notices)
            case events.StageStarted():
                yield f"stage {event.stage}"
            case events.GateAnswered():
                yield f"stage {event.stage}, {event.what}: {event.reason}"
            case events.StageFinished():
                yield f"stage {event.stage}: {event.result}{_because(event.reason)}"
            case events.PhaseFinished() if event.result in (Result.SKIPPED, Result.ABANDONED):
                yield f"  job {event.job}: {event.result}{_because(event.reason)}"
            case events.JobStarted():
                yield f"  job {event.job}"
            case events.JobFinished():
                yield f"  job {event.job}: {event.result}{_because(event.reason)}"
            case events.StepStarted():
                self._logs[event.log_id] = event.log
            case events.StepFinished() if event.step.kind != "agent":
                yield f"    {event.step.job}, {event.step.display_name}: {event.result}{_because(event.condition)}"
                if event.result == Result.FAILED:
                    yield from (f"      | {line}" for line in read_tail(self._logs[event.log_id], SHOWN_LINES))
            case events.IssueLogged():
                yield f"    {event.kind}: {event.message}"
            case events.ArtifactPublished():
                yield f"    artifact {event.name}: {event.files} files, {event.size} bytes"
            case events.TestResultsPublished():
                yield f"    tests {event.title}: {event.passed} of {event.total} passed"


def _because(reason: str) -> str:
    return f" ({reason})" if reason else ""


def _print_end(outcome: RunOutcome, work: Path | None) -> None:
    typer.echo(f"run {outcome.build_number}: {outcome.result}{_because(outcome.reason)}")
    if work is not None:
        typer.echo(f"logs, artifacts and workspaces are in {work}")
