"""The header language of run cases: comments before the YAML say what a run is given and what must come out.

Given:  parameter: | variable: | secret: NAME=VALUE    group: GROUP NAME=VALUE [secret]    approve: NAME=yes|no
        stage: | skip: STAGE    connection: NAME    minute: SECONDS (how long a minute lasts)    agents: NUMBER
        cancel-at: TEXT (cancel the run when a log line has it)
Expect: result: RESULT [because TEXT]
        stage: NAME RESULT [because TEXT]
        job: STAGE.JOB RESULT [because TEXT]
        step: DISPLAY NAME = RESULT [because TEXT]         (the first step of that name)
        log: | no-log: TEXT            (part of a line, in any step's log)
        line: TEXT                     (a whole line)
        order: TEXT | TEXT             (parts of lines, by their time)
        issue: error|warning TEXT      no-issue: TEXT
        artifact: NAME FILES           (how many files)    artifact-file: NAME/PATH
        output: STAGE.JOB NAME=VALUE   deployment: ENVIRONMENT RESULT   tests: TITLE TOTAL/PASSED/FAILED
        coverage: COVERED/VALID        tag: TEXT    build-number: REGEX    attachment: TYPE NAME    attached: NAME TEXT
        notice: TEXT    attempts: DISPLAY NAME = NUMBER    instances: STAGE.JOB NAME, NAME    waited: STAGE TEXT
A secret that is found in the document, in an event or in a log file fails its case, whatever the header says.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.pipelines.events import Event, LogLines
from sandbox.pipelines.loading import LoadRequest, load_file
from sandbox.pipelines.model import Variable
from sandbox.pipelines.running.host import ServiceConnection, VariableGroup
from sandbox.pipelines.running.local import LocalHost, LocalSettings
from sandbox.pipelines.running.reports import RunReport
from sandbox.pipelines.running.runs import PipelineRun
from sandbox.pipelines.running.settings import Patience, RunRequest

HEADER = re.compile(r"# (expect-)?([a-z-]+):(?: (.*))?")
GIVEN = frozenset(
    ("parameter", "variable", "secret", "group", "approve", "stage", "skip", "connection", "minute", "agents")
) | {"cancel-at"}
CONNECTION_KEY = "connection-key-0123456789"


@dataclass(frozen=True)
class Header:
    """`given` and `expected` are (word, text) in the order of the file."""

    given: tuple[tuple[str, str], ...]
    expected: tuple[tuple[str, str], ...]

    def all(self, word: str) -> list[str]:
        return [text for one, text in self.given if one == word]

    def pairs(self, word: str) -> dict[str, str]:
        return dict(text.split("=", 1) for text in self.all(word))

    def one(self, word: str, default: str) -> str:
        return next(iter(self.all(word)), default)


@dataclass
class Finished:
    """A run that is over: its document, all log lines in the order of their time, its folder."""

    document: dict[str, Any]
    folder: Path
    lines: list[str] = field(default_factory=list)

    def stage(self, name: str) -> dict[str, Any]:
        return one_of(self.document["stages"], name)

    def job(self, name: str) -> dict[str, Any]:
        stage, _, job = name.rpartition(".")
        return one_of(self.stage(stage or "__default")["jobs"], job)

    def steps(self) -> Iterator[dict[str, Any]]:
        for stage in self.document["stages"]:
            for job in stage["jobs"]:
                for instance in job["instances"]:
                    yield from instance["steps"]

    def step(self, name: str) -> dict[str, Any]:
        found = [one for one in self.steps() if one["displayName"] == name]
        assert found, f"no step '{name}' among {[one['displayName'] for one in self.steps()]}"
        return found[0]


def one_of(nodes: list[dict[str, Any]], name: str) -> dict[str, Any]:
    found = [one for one in nodes if one["name"] == name]
    assert found, f"no '{name}' among {[one['name'] for one in nodes]}"
    return found[0]


def read_header(text: str) -> Header:
    """A comment that is no header line is an error: a misspelt one must not pass."""
    given, expected = [], []
    for raw in text.splitlines():
        if not raw.startswith("#"):
            break
        if raw.startswith("##"):
            continue
        found = HEADER.fullmatch(raw.rstrip())
        assert found, f"not a header line: {raw}"
        word, line = found.group(2), (found.group(3) or "").strip()
        assert word in (CHECKS if found.group(1) else GIVEN), f"not a word of the header language: {raw}"
        (expected if found.group(1) else given).append((word, line))
    assert expected, "the case expects nothing"
    return Header(tuple(given), tuple(expected))


def check_case(folder: Path, scratch: Path) -> None:
    """Run a case and compare what comes out with its header."""
    file = folder / "azure-pipelines.yml"
    header = read_header(file.read_text("utf-8"))
    finished = run_case(file, header, scratch)
    for word, text in header.expected:
        CHECKS[word](finished, text)
    check_secrets(header, finished)


def run_case(file: Path, header: Header, scratch: Path) -> Finished:
    plain = header.pairs("variable")
    facts = {"Build.SourceBranch": "refs/heads/main", "Build.DefinitionName": "case", "System.TeamProject": "project"}
    loaded = load_file(file, file.parent, request=LoadRequest(header.pairs("parameter"), {**facts, **plain}))
    variables = [Variable(name, value) for name, value in plain.items()]
    variables += [Variable(name, value, secret=True) for name, value in header.pairs("secret").items()]
    request = RunRequest(
        plan=loaded.plan,
        run_id=7,
        facts=facts,
        variables=tuple(variables),
        only=frozenset(header.all("stage")),
        skip=frozenset(header.all("skip")),
        agents=int(header.one("agents", "4")),
        patience=Patience(float(header.one("minute", "60")), 0.01, 0.3, 0.3),
    )
    finished = Finished({}, scratch)
    report = RunReport(file.name)
    marker = header.one("cancel-at", "")

    def watch(event: Event) -> None:
        if isinstance(event, LogLines):
            finished.lines.extend(event.lines)
            if marker and any(marker in line for line in event.lines):
                run.cancel("Somebody canceled the run.")

    run = PipelineRun(request, LocalHost(settings(file, header, scratch)), report, watch)
    run.run()
    finished.document = report.document(keep_logs=True)
    return finished


def settings(file: Path, header: Header, scratch: Path) -> LocalSettings:
    connections = {
        name: ServiceConnection(
            name=name,
            tenant_id="tenant",
            service_principal_id="client",
            service_principal_key=CONNECTION_KEY,
            environment={"AZURE_CLIENT_ID": "client", "AZURE_CLIENT_SECRET": CONNECTION_KEY},
        )
        for name in header.all("connection")
    }
    approvals = {name: answer == "yes" for name, answer in header.pairs("approve").items()}
    return LocalSettings(scratch, file.parent, {}, False, approvals, groups_of(header), connections)


def groups_of(header: Header) -> dict[str, VariableGroup]:
    groups: dict[str, VariableGroup] = {}
    for text in header.all("group"):
        name, rest = text.split(" ", 1)
        member, value = rest.removesuffix(" [secret]").split("=", 1)
        before = groups.get(name, VariableGroup({}))
        secrets = before.secrets | ({member} if rest.endswith(" [secret]") else set())
        groups[name] = VariableGroup({**before.values, member: value}, frozenset(secrets))
    return groups


def check_secrets(header: Header, finished: Finished) -> None:
    secrets = list(header.pairs("secret").values())
    secrets += [
        value for group in groups_of(header).values() for name, value in group.values.items() if name in group.secrets
    ]
    texts = [json.dumps(finished.document), "\n".join(finished.lines)]
    for folder in ("logs", "attachments"):
        texts += [path.read_text("utf-8") for path in (finished.folder / folder).rglob("*") if path.is_file()]
    for secret in [*secrets, CONNECTION_KEY]:
        assert not any(secret in text for text in texts), f"the secret '{secret}' shows"


def _because(text: str) -> tuple[str, str]:
    result, _, reason = text.partition(" because ")
    return result, reason


def _same(node: dict[str, Any], text: str, reasons: str = "reason") -> None:
    result, reason = _because(text)
    assert node["result"] == result, f"{node['result']} ({node[reasons]}), expected {result}"
    assert reason in (node[reasons] or ""), node[reasons]


def _named(text: str) -> tuple[str, str]:
    name, _, rest = text.partition(" ")
    return name, rest


def _step(finished: Finished, text: str) -> None:
    name, result = text.rsplit(" = ", 1)
    _same(finished.step(name), result, "condition")


def _has(finished: Finished, text: str) -> None:
    assert any(text in line for line in finished.lines), "\n".join(finished.lines)


def _has_not(finished: Finished, text: str) -> None:
    assert not any(text in line for line in finished.lines), "\n".join(finished.lines)


def _line(finished: Finished, text: str) -> None:
    assert text in finished.lines, "\n".join(finished.lines)


def _order(finished: Finished, text: str) -> None:
    places = []
    for part in text.split(" | "):
        _has(finished, part)
        places.append(next(index for index, line in enumerate(finished.lines) if part in line))
    assert places == sorted(places), "\n".join(finished.lines)


def _issue(finished: Finished, text: str) -> None:
    kind, message = _named(text)
    issues = finished.document["issues"]
    assert any(one["type"] == kind and message in one["message"] for one in issues), issues


def _no_issue(finished: Finished, text: str) -> None:
    assert not any(text in one["message"] for one in finished.document["issues"]), finished.document["issues"]


def _artifact(finished: Finished, text: str) -> None:
    name, files = text.rsplit(" ", 1)
    assert str(one_of(finished.document["artifacts"], name)["files"]) == files


def _artifact_file(finished: Finished, text: str) -> None:
    assert (finished.folder / "artifacts" / text).is_file(), sorted((finished.folder / "artifacts").rglob("*"))


def _output(finished: Finished, text: str) -> None:
    job, pair = _named(text)
    name, value = pair.split("=", 1)
    assert finished.job(job)["outputs"].get(name) == value, finished.job(job)["outputs"]


def _deployment(finished: Finished, text: str) -> None:
    name, result = text.rsplit(" ", 1)
    assert [(one["environment"], one["result"]) for one in finished.document["deployments"]].count((name, result)) == 1


def _tests(finished: Finished, text: str) -> None:
    title, counts = text.rsplit(" ", 1)
    found = [one for one in finished.document["testRuns"] if one["title"] == title]
    assert [f"{one['total']}/{one['passed']}/{one['failed']}" for one in found] == [counts], finished.document[
        "testRuns"
    ]


def _coverage(finished: Finished, text: str) -> None:
    found = [f"{one['linesCovered']}/{one['linesValid']}" for one in finished.document["coverage"]]
    assert found == [text]


def _tag(finished: Finished, text: str) -> None:
    assert text in finished.document["tags"], finished.document["tags"]


def _build_number(finished: Finished, text: str) -> None:
    assert re.fullmatch(text, finished.document["buildNumber"]), finished.document["buildNumber"]


def _attachment(finished: Finished, text: str) -> None:
    found = [f"{one['type']} {one['name']}" for one in finished.document["attachments"]]
    assert text in found, found


def _attached(finished: Finished, text: str) -> None:
    name, content = _named(text)
    found = [path.read_text("utf-8") for path in (finished.folder / "attachments").rglob(name)]
    assert len(found) == 1 and content in found[0], found


def _notice(finished: Finished, text: str) -> None:
    assert any(text in one for one in finished.document["notices"]), finished.document["notices"]


def _attempts(finished: Finished, text: str) -> None:
    name, number = text.rsplit(" = ", 1)
    assert finished.step(name)["attempts"] == int(number)


def _instances(finished: Finished, text: str) -> None:
    job, names = _named(text)
    assert sorted(one["name"] for one in finished.job(job)["instances"]) == sorted(names.split(", "))


def _waited(finished: Finished, text: str) -> None:
    stage, what = _named(text)
    waited = finished.stage(stage)["waitedFor"]
    assert any(what in f"{one['for']}: {one['reason']}" for one in waited), waited


CHECKS: dict[str, Callable[[Finished, str], None]] = {
    "result": lambda finished, text: _same(finished.document, text),
    "stage": lambda finished, text: _same(finished.stage(_named(text)[0]), _named(text)[1]),
    "job": lambda finished, text: _same(finished.job(_named(text)[0]), _named(text)[1]),
    "step": _step,
    "log": _has,
    "no-log": _has_not,
    "line": _line,
    "order": _order,
    "issue": _issue,
    "no-issue": _no_issue,
    "artifact": _artifact,
    "artifact-file": _artifact_file,
    "output": _output,
    "deployment": _deployment,
    "tests": _tests,
    "coverage": _coverage,
    "tag": _tag,
    "build-number": _build_number,
    "attachment": _attachment,
    "attached": _attached,
    "notice": _notice,
    "attempts": _attempts,
    "instances": _instances,
    "waited": _waited,
}
