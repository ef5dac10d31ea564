"""What the cases cannot show: processes, memory, time, the command line, a run that is killed."""

import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from sandbox.pipelines.events import Event, LogLines, StepStarted
from sandbox.pipelines.expressions.contexts import Result
from sandbox.pipelines.loading import load_file
from sandbox.pipelines.masking import Masker
from sandbox.pipelines.patterns import find_files, matches
from sandbox.pipelines.running.local import LocalHost, LocalSettings
from sandbox.pipelines.running.logs import LONGEST_LINE, StepLog, read_tail
from sandbox.pipelines.running.numbers import build_number, format_date
from sandbox.pipelines.running.processes import LOOKUP, end_left_behind, write_mark
from sandbox.pipelines.running.pythons import allows
from sandbox.pipelines.running.runs import PipelineRun
from sandbox.pipelines.running.settings import Patience, RunOutcome, RunRequest
from sandbox.pipelines.running.variables import Variables

NOW = datetime(2026, 3, 7, 9, 5, 1, tzinfo=UTC)
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="written for a POSIX shell")

Write = Callable[[str, str], Path]


def start(file: Path, folder: Path, *sinks: Callable[[Event], None], **options: object) -> PipelineRun:
    loaded = load_file(file, file.parent)
    request = RunRequest(loaded.plan, 1, patience=Patience(60, 0.01, 0.2, 0.2), **options)  # type: ignore[arg-type]
    return PipelineRun(request, LocalHost(LocalSettings(folder, file.parent)), *sinks)


def alive(pid: int) -> bool:
    """A zombie runs nothing any more; an orphan stays one until the machine's init looks at it."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def step_log(path: Path, secrets: tuple[str, ...], lines: list[str], commands: list[str]) -> StepLog:
    masker = Masker()
    for one in secrets:
        masker.add(one)

    def take(line: str) -> None:
        commands.append(line)

    def keep(first: int, found: tuple[str, ...]) -> None:
        assert first == len(lines) + 1
        lines.extend(found)

    return StepLog(path, masker, lambda: NOW, keep, take)


def test_a_log_has_lines_with_times_and_carries_commands_out(tmp_path: Path) -> None:
    lines: list[str] = []
    commands: list[str] = []
    log = step_log(tmp_path / "log", ("s3cret",), lines, commands)
    for chunk in (b"one s3c", b"ret\r\ntwo\n##vso[a.b]c\nth", b"ree \xc3", b"\xa4 \xff"):
        log.feed(chunk)
    log.close()
    assert lines == ["one ***", "two", "three \u00e4 \ufffd"]
    assert commands == ["##vso[a.b]c"]
    assert (tmp_path / "log").read_text().splitlines()[1] == "2026-03-07T09:05:01.0000000Z two"
    assert read_tail(tmp_path / "log", 2) == ["two", "three \u00e4 \ufffd"]


def test_a_line_without_an_end_is_cut_and_still_masked(tmp_path: Path) -> None:
    lines: list[str] = []
    log = step_log(tmp_path / "log", ("s3cret-word",), lines, [])
    text = ("x" * 1000 + "s3cret-word\u00e4") * 3000
    data = text.encode()
    for position in range(0, len(data), 65521):
        log.feed(data[position : position + 65521])
        assert len(log._waiting) <= LONGEST_LINE + 65536
    log.close()
    assert len(lines) >= 3
    assert "".join(lines) == text.replace("s3cret-word", "***")


def test_a_step_that_prints_much_does_not_grow_memory(write: Write, tmp_path: Path) -> None:
    """60 MB, in a process of its own whose peak is measured; the bar is far below what was printed."""
    file = write(
        "azure-pipelines.yml",
        "steps:\n- checkout: none\n- script: yes 0123456789012345678901234567890123456789 | head -c 60000000\n",
    )
    program = (
        "import resource, sys\nfrom pathlib import Path\n"
        "from sandbox.pipelines.loading import load_file\n"
        "from sandbox.pipelines.running.local import LocalHost, LocalSettings\n"
        "from sandbox.pipelines.running.reports import RunReport\n"
        "from sandbox.pipelines.running.runs import PipelineRun\n"
        "from sandbox.pipelines.running.settings import RunRequest\n"
        "file, folder = Path(sys.argv[1]), Path(sys.argv[2])\n"
        "report = RunReport('x')\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "host = LocalHost(LocalSettings(folder, file.parent))\n"
        "run = PipelineRun(RunRequest(load_file(file, file.parent).plan, 1), host, report)\n"
        "outcome = run.run()\n"
        "report.document(True)\n"
        "print(outcome.result, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    command = [sys.executable, "-c", program, str(file), str(tmp_path / "run")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    result, grown = done.stdout.split()
    assert result == "Succeeded"
    assert int(grown) < 40_000, f"{grown} KiB more"
    assert sum(path.stat().st_size for path in (tmp_path / "run" / "logs").iterdir()) > 60_000_000


def test_events_carry_bounded_batches(write: Write, tmp_path: Path) -> None:
    file = write("azure-pipelines.yml", "steps:\n- checkout: none\n- script: seq 200000\n")
    batches: list[LogLines] = []
    start(file, tmp_path / "run", lambda event: batches.append(event) if isinstance(event, LogLines) else None).run()
    numbers = [line for batch in batches for line in batch.lines if line.isdigit()]
    assert numbers == [str(number) for number in range(1, 200001)]
    assert max(sum(len(line) + 1 for line in batch.lines) for batch in batches) <= 2 * 65536
    of_step = [batch for batch in batches if batch.step.kind == "script"]
    assert all(a.first + len(a.lines) == b.first for a, b in itertools.pairwise(of_step))


def test_abort_ends_everything_at_once(write: Write, tmp_path: Path) -> None:
    text = (
        "stages:\n- stage: A\n  jobs:\n  - job: J\n    steps:\n    - checkout: none\n"
        "    - script: 'trap \"\" INT TERM; echo $$; sleep 60; sleep 60'\n      condition: always()\n"
        "    - {script: echo never, condition: always()}\n"
        "- stage: B\n  condition: always()\n  jobs:\n"
        "  - {job: J, condition: always(), steps: [{script: echo never, condition: always()}]}\n"
    )
    pids: list[int] = []
    lines: list[str] = []

    def watch(event: Event) -> None:
        if isinstance(event, LogLines):
            lines.extend(event.lines)
            pids.extend(int(line) for line in event.lines if line.isdigit())

    run = start(write("azure-pipelines.yml", text), tmp_path / "run", watch)
    outcomes: list[RunOutcome] = []
    thread = threading.Thread(target=lambda: outcomes.append(run.run()))
    thread.start()
    wait_until(lambda: bool(pids))
    began = time.monotonic()
    run.abort("The server stops.")
    thread.join(20)
    assert time.monotonic() - began < 5
    assert outcomes[0].result == Result.CANCELED
    assert outcomes[0].stages["B"].result == Result.CANCELED
    assert "never" not in lines
    assert not alive(pids[0])


def test_a_later_run_takes_finished_stages_over(write: Write, tmp_path: Path) -> None:
    text = (
        "stages:\n- stage: A\n  jobs:\n  - job: J\n    steps:\n    - checkout: none\n"
        "    - {script: 'echo \"##vso[task.setvariable variable=x;isOutput=true]v\"', name: s}\n"
        "- stage: B\n  jobs:\n  - job: J\n    variables:\n"
        "      x: $[ stageDependencies.A.J.outputs['s.x'] ]\n      attempt: $(System.StageAttempt)\n"
        "    steps: [{checkout: none}, {script: 'echo got $(x) $(Attempt); test $(Attempt) = 2'}]\n"
    )
    file = write("azure-pipelines.yml", text)
    first = start(file, tmp_path / "one").run()
    assert (first.result, first.stages["B"].result) == (Result.FAILED, Result.FAILED)
    seen: list[Event] = []
    second = start(file, tmp_path / "two", seen.append, earlier={"A": first.stages["A"]}, stage_attempts={"B": 2}).run()
    assert second.result == Result.SUCCEEDED
    assert {event.step.job.stage for event in seen if isinstance(event, StepStarted)} == {"B"}
    assert "got v 2" in [line for event in seen if isinstance(event, LogLines) for line in event.lines]


def test_a_cache_is_saved_after_the_job_and_restored_by_its_key(write: Write, tmp_path: Path) -> None:
    text = (
        "steps:\n- task: Cache@2\n"
        "  inputs: {key: '\"pip\" | lock.txt', path: kept, cacheHitVar: hit, restoreKeys: pip}\n"
        "- script: echo hit $(hit); ls kept; mkdir -p kept; touch kept/$(Build.BuildId)-$RANDOM\n"
    )
    file = write("repo/azure-pipelines.yml", text)
    found: list[list[str]] = []
    for number, lock in enumerate(("one", "one", "two")):
        write("repo/lock.txt", lock)
        lines: list[str] = []
        found.append(lines)
        outcome = start(
            file,
            tmp_path / str(number),
            lambda event, lines=lines: lines.extend(event.lines) if isinstance(event, LogLines) else None,
            caches=tmp_path / "caches",
        ).run()
        assert outcome.result == Result.SUCCEEDED, lines
    assert [next(line for line in lines if line.startswith("hit ")) for lines in found] == [
        "hit false",
        "hit true",
        "hit inexact",
    ]
    assert sum("Saved as" in line for lines in found for line in lines) == 2
    assert any(line.startswith("1-") for line in found[1]) and any(line.startswith("1-") for line in found[2])


def test_two_runs_at_once_do_not_mix(write: Write, tmp_path: Path) -> None:
    file = write("azure-pipelines.yml", "steps:\n- checkout: none\n- script: touch x; sleep 0.2; ls | wc -l; pwd\n")
    found: dict[str, list[str]] = {"a": [], "b": []}

    def go(name: str) -> None:
        def watch(event: Event) -> None:
            if isinstance(event, LogLines):
                found[name].extend(event.lines)

        start(file, tmp_path / name, watch).run()

    threads = [threading.Thread(target=go, args=(name,)) for name in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    for name, lines in found.items():
        assert "1" in lines
        assert str(tmp_path / name / "_work" / "1" / "s") in lines


def run_command(file: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "sandbox", "pipeline", "run", str(file), *arguments]


def test_the_command_prints_one_document(write: Write) -> None:
    text = (
        "parameters: [{name: who, type: string}]\nvariables: [{group: G}]\n"
        "stages:\n- stage: A\n  jobs:\n  - job: J\n    steps:\n"
        "    - script: echo ${{ parameters.who }} $(v) $(key) $(pin) $(Build.SourceBranchName)\n"
        "- stage: B\n  dependsOn: A\n  jobs: [{job: J, steps: [{script: exit 1}]}]\n"
    )
    file = write("azure-pipelines.yml", text)
    group = write("group.yml", "key: {value: group-secret, isSecret: true}\n")
    options = ("--parameter", "who=me", "--variable", "v=1", "--group", f"G={group}", "--secret", "pin", "--stage", "A")
    environment = {**os.environ, "PIN": "secret-pin-1"}
    command = run_command(file, *options, "--branch", "topic", "--json")
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment, check=False)
    document = json.loads(done.stdout)
    assert (done.returncode, document["version"], document["result"]) == (0, 1, "Succeeded")
    assert [(one["name"], one["result"]) for one in document["stages"]] == [("A", "Succeeded"), ("B", "Skipped")]
    steps = document["stages"][0]["jobs"][0]["instances"][0]["steps"]
    assert "me 1 *** *** topic" in [line for step in steps for line in step["log"]]
    assert "group-secret" not in done.stdout and "secret-pin-1" not in done.stdout


def test_the_command_says_what_failed(write: Write, tmp_path: Path) -> None:
    file = write(
        "azure-pipelines.yml", "steps:\n- checkout: none\n- script: 'echo why; exit 4'\n  displayName: Do it\n"
    )
    work = tmp_path / "kept"
    done = subprocess.run(
        run_command(file, "--work", str(work)), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert "Do it: Failed" in done.stdout and "| why" in done.stdout and "exited with code '4'" in done.stdout
    assert (work / "logs").is_dir() and (work / "_work" / "1" / "s").is_dir()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--stage", "Nope"), "no stage 'Nope'"),
        (("--secret", "NOT_THERE_AT_ALL"), "has no variable"),
        (("--approve", "A=maybe"), "write A=yes"),
    ],
)
def test_the_command_refuses_options_that_do_not_fit(write: Write, arguments: tuple[str, ...], words: str) -> None:
    file = write("azure-pipelines.yml", "steps:\n- script: echo\n")
    environment = {**os.environ, "COLUMNS": "200"}
    done = subprocess.run(
        run_command(file, *arguments), capture_output=True, text=True, timeout=60, env=environment, check=False
    )
    assert done.returncode == 2
    assert words in " ".join(done.stderr.split())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_no_process_outlives_the_command(write: Write, tmp_path: Path, number: signal.Signals) -> None:
    pids = tmp_path / "pids"
    script = f"echo $$ >> {pids}; sleep 300 & echo $! >> {pids}; echo done >> {pids}; wait"
    file = write("azure-pipelines.yml", f"steps:\n- checkout: none\n- script: |\n    {script}\n")
    with subprocess.Popen(run_command(file, "--json"), stdout=subprocess.PIPE, start_new_session=True) as command:
        wait_until(lambda: pids.exists() and "done" in pids.read_text())
        command.send_signal(number)
        printed, _ = command.communicate(timeout=60)
    children = [int(line) for line in pids.read_text().split() if line.isdigit()]
    wait_until(lambda: not any(alive(pid) for pid in children))
    if number != signal.SIGKILL:
        assert command.returncode == 130
        assert json.loads(printed)["result"] == "Canceled"


def test_a_daemon_that_left_its_group_ends_when_the_command_is_killed(write: Write, tmp_path: Path) -> None:
    pids, work = tmp_path / "pids", tmp_path / "work"
    script = f"setsid sh -c 'echo $$ > {pids}; exec sleep 300' > /dev/null 2>&1 & wait; sleep 300"
    file = write("azure-pipelines.yml", f"steps:\n- checkout: none\n- script: |\n    {script}\n")
    with subprocess.Popen(run_command(file, "--work", str(work)), stdout=subprocess.DEVNULL) as command:
        wait_until(lambda: pids.exists() and pids.read_text().strip().isdigit())
        command.kill()
    daemon = int(pids.read_text())
    wait_until(lambda: not alive(daemon))


def test_what_an_interrupted_run_left_behind_is_found_by_its_mark(tmp_path: Path) -> None:
    environment = {**os.environ, LOOKUP: "vsts_of-this-test"}
    command = [sys.executable, "-c", "print(1, flush=True); import time; time.sleep(300)"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline() == b"1\n"
        assert end_left_behind(tmp_path) == []
        write_mark(tmp_path, "vsts_of-this-test")
        assert [one.pid for one in end_left_behind(tmp_path)] == [process.pid]
        assert process.wait(20) == -signal.SIGKILL
    assert end_left_behind(tmp_path) == []


def test_a_chatty_process_in_the_background_does_not_hold_the_step(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.pipelines.running.processes.LONGEST_DRAIN_SECONDS", 0.5)
    file = write("azure-pipelines.yml", "steps:\n- checkout: none\n- script: yes &\n- script: echo after\n")
    lines: list[str] = []

    def watch(event: Event) -> None:
        if isinstance(event, LogLines):
            lines.extend(line for line in event.lines if line != "y")

    began = time.monotonic()
    assert start(file, tmp_path / "run", watch).run().result == Result.SUCCEEDED
    assert time.monotonic() - began < 20
    assert "after" in lines


def test_a_git_repository_is_checked_out_at_its_commit(write: Write, tmp_path: Path) -> None:
    file = write(
        "repo/azure-pipelines.yml", "steps:\n- script: cat note.txt; git status --short --branch; git rev-parse HEAD\n"
    )
    write("repo/note.txt", "committed")
    write("repo/gone.txt", "committed")
    git = ["git", "-C", str(file.parent), "-c", "user.name=a", "-c", "user.email=a@b.c"]
    for arguments in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "first"]):
        subprocess.run([*git, *arguments], check=True, capture_output=True)
    commit = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    write("repo/note.txt", "changed")
    write("repo/.gitignore", "ignored.txt\n")
    write("repo/ignored.txt", "x")
    (file.parent / "gone.txt").unlink()
    lines: dict[bool, list[str]] = {False: [], True: []}
    for dirty, found in lines.items():
        loaded = load_file(file, file.parent)
        host = LocalHost(LocalSettings(tmp_path / f"run-{dirty}", file.parent, dirty=dirty))
        PipelineRun(
            RunRequest(loaded.plan, 1),
            host,
            lambda event, found=found: found.extend(event.lines) if isinstance(event, LogLines) else None,
        ).run()
    assert "committed## HEAD (no branch)" in lines[False] and commit in lines[False]
    assert "changed## HEAD (no branch)" in lines[True] and commit in lines[True]
    assert {" M note.txt", " D gone.txt", "?? .gitignore"} <= set(lines[True])
    assert not any("ignored.txt" in line for line in lines[True])


def test_jobs_of_a_run_have_clones_of_their_own(write: Write, tmp_path: Path) -> None:
    change = "echo changed > note.txt; git -c user.name=a -c user.email=a@b.c commit --quiet -am mine; git gc --quiet"
    look = "git status --short --branch; cat note.txt; git log --format=%s; git fsck --strict; git fetch --quiet origin"
    text = (
        f"jobs:\n- job: A\n  steps: [{{script: '{change}'}}]\n"
        f"- job: B\n  dependsOn: A\n  steps: [{{script: '{look}', name: look}}]\n"
    )
    file = write("repo/azure-pipelines.yml", text)
    write("repo/note.txt", "committed\n")
    git = ["git", "-C", str(file.parent), "-c", "user.name=a", "-c", "user.email=a@b.c"]
    for arguments in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "first"]):
        subprocess.run([*git, *arguments], check=True, capture_output=True)
    lines: dict[str, list[str]] = {"A": [], "B": []}
    outcome = start(
        file,
        tmp_path / "run",
        lambda event: lines[event.step.job.job].extend(event.lines) if isinstance(event, LogLines) else None,
    ).run()
    assert outcome.result == Result.SUCCEEDED, lines
    assert "This run has fetched it already: its files are copied." in lines["B"]
    began = lines["B"].index("## HEAD (no branch)")
    assert lines["B"][began : began + 3] == ["## HEAD (no branch)", "committed", "first"]


def test_patterns() -> None:
    assert matches("a/b/c.txt", ["**/*.txt"]) and matches("c.txt", ["**/*.txt"]) and matches("a/b", ["**"])
    assert not matches("a/c.txt", ["*.txt"]) and matches("c.txt", ["?.tx[st]"]) and matches("x.md", ["*.{txt,md}"])
    assert not matches("a/b.txt", ["**", "!a/**"]) and matches("a/b.txt", ["!a/**", "**"])
    assert not matches("a", ["# a", ""])


def test_files_of_patterns(write: Write, tmp_path: Path) -> None:
    for name in ("a/TEST-1.xml", "a/b/TEST-2.xml", "a/other.xml"):
        write(name, "x")
    assert [path.name for path in find_files(tmp_path / "a", "**/TEST-*.xml")] == ["TEST-1.xml", "TEST-2.xml"]
    assert [path.name for path in find_files(Path("/nowhere"), f"{tmp_path}/a/*.xml")] == ["TEST-1.xml", "other.xml"]
    assert find_files(tmp_path / "none", "**") == []


def test_run_numbers() -> None:
    asked: list[str] = []

    def revision(rest: str) -> int:
        asked.append(rest)
        return 7

    variables = Variables()
    variables.define("Build.SourceBranchName", "feature/x")
    variables.define("v", "1")
    expanded = variables.expanded()
    assert build_number("", expanded, NOW, revision) == "20260307.7"
    assert (
        build_number("$(SourceBranchName)-$(v)-$(Date:yy.M.d)-$(rev:rrr)", expanded, NOW, revision)
        == "feature_x-1-26.3.7-007"
    )
    assert build_number("$(Year:yyyy)$(Month)$(DayOfMonth)$(Hours)", expanded, NOW, revision) == "2026379"
    assert asked == ["20260307.", "feature_x-1-26.3.7-"]
    assert format_date(NOW, "ddd dd MMM HH:mm:ss") == "Sat 07 Mar 09:05:01"


@pytest.mark.parametrize(
    ("spec", "allowed", "refused"),
    [
        ("3.x", (3, 9, 1), (2, 7, 18)),
        ("3.12", (3, 12, 4), (3, 11, 9)),
        (">=3.11 <3.13", (3, 12, 0), (3, 13, 0)),
        ("3.10 || 3.12.x", (3, 10, 2), (3, 11, 0)),
        ("~3.11.2", (3, 11, 9), (3, 12, 0)),
        ("*", (3, 14, 0), None),
    ],
)
def test_python_version_ranges(spec: str, allowed: tuple[int, ...], refused: tuple[int, ...] | None) -> None:
    assert allows(spec, allowed)
    assert refused is None or not allows(spec, refused)
