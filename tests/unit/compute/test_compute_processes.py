"""Children are recorded before they run, end as whole trees, and do not outlive a server that was killed."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from compute_waiting import runs, wait_until

from sandbox.compute.errors import ExecutableNotFoundError, ProcessesClosedError
from sandbox.compute.processes import Process, Processes, open_gate, spawn
from sandbox.compute.records import ProcessRecord, create_time_of, new_mark, read_records, write_record

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sessions and signals are POSIX")

ENVIRONMENT = {"PATH": os.environ["PATH"]}


def start(processes: Processes, folder: Path, text: str, owner: str = "job/a") -> Process:
    return processes.start(owner, ["bash", "-c", text], cwd=folder, env=ENVIRONMENT, log=folder / "log")


def pids(folder: Path, count: int) -> list[int]:
    """The process ids a script wrote to its log, once it has written that many."""
    wait_until(lambda: (folder / "log").exists() and len((folder / "log").read_text().split()) >= count)
    return [int(word) for word in (folder / "log").read_text().split()]


def test_output_of_both_streams_is_appended_and_the_exit_code_is_told(processes: Processes, tmp_path: Path) -> None:
    (tmp_path / "log").write_text("before\n")
    process = start(processes, tmp_path, "echo out; echo err >&2; exit 3")
    assert process.wait(30) == 3
    assert (tmp_path / "log").read_text() == "before\nout\nerr\n"


def test_the_record_is_there_while_the_child_runs_and_gone_after_it(processes: Processes, tmp_path: Path) -> None:
    process = start(processes, tmp_path, "echo $$; exec sleep 60")
    (record,) = read_records(tmp_path / "records")
    assert (record.pid, record.owner) == (process.pid, "job/a")
    assert record.command == ("bash", "-c", "echo $$; exec sleep 60")
    assert pids(tmp_path, 1) == [process.pid]
    process.stop()
    assert read_records(tmp_path / "records") == []


def test_a_command_does_not_run_when_the_server_dies_before_it_is_recorded(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as log:
        child = spawn(["/bin/sh", "-c", "echo ran > evidence"], tmp_path, ENVIRONMENT, log.fileno())
    assert child.stdin is not None
    child.stdin.close()  # what the system does with the pipe of a killed server
    assert child.wait(30) == 125
    assert not (tmp_path / "evidence").exists()


def test_the_same_command_runs_once_the_gate_is_opened(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as log:
        child = spawn(["/bin/sh", "-c", "echo ran > evidence"], tmp_path, ENVIRONMENT, log.fileno())
    open_gate(child)
    assert child.wait(30) == 0
    assert (tmp_path / "evidence").read_text() == "ran\n"


def test_a_child_is_in_a_session_of_its_own_so_that_ctrl_c_does_not_reach_it(
    processes: Processes, tmp_path: Path
) -> None:
    process = start(processes, tmp_path, "sleep 60")
    assert os.getsid(process.pid) == process.pid != os.getsid(0)


def test_what_a_command_leaves_in_the_background_ends_with_it(processes: Processes, tmp_path: Path) -> None:
    # The second one leaves the group as well; the command waits until it has said so from its own session.
    escape = "setsid sh -c 'echo $$; exec sleep 60' & until [ $(wc -l < log) -ge 2 ]; do sleep 0.01; done"
    process = start(processes, tmp_path, f"sleep 60 & echo $!; {escape}; exit 0")
    assert process.wait(30) == 0
    assert [runs(pid) for pid in pids(tmp_path, 2)] == [False, False]


def test_stop_asks_first_and_then_ends_the_tree(processes: Processes, tmp_path: Path) -> None:
    # Both shells ignore the request, and so do their sleeps, which inherit that.
    stubborn = "trap '' TERM; (echo $BASHPID; sleep 60) & sleep 60"
    process = start(processes, tmp_path, stubborn)
    (inner,) = pids(tmp_path, 1)
    process.stop(0.2)
    assert process.returncode == -signal.SIGKILL
    assert not runs(inner)


def test_stop_lets_a_child_tidy_up_within_the_grace(processes: Processes, tmp_path: Path) -> None:
    process = start(processes, tmp_path, "trap 'echo tidied > evidence; exit 7' TERM; echo 1; sleep 60 & wait")
    pids(tmp_path, 1)
    process.stop(20)
    assert process.returncode == 7
    assert process.stopped
    assert (tmp_path / "evidence").exists()


def test_stop_after_the_end_changes_nothing(processes: Processes, tmp_path: Path) -> None:
    process = start(processes, tmp_path, "exit 0")
    process.wait(30)
    process.stop()
    assert (process.returncode, process.stopped) == (0, False)


def test_stop_all_ends_every_child_and_starts_none_after(processes: Processes, tmp_path: Path) -> None:
    children = [start(processes, tmp_path, "sleep 60", f"job/{number}") for number in range(3)]
    processes.stop_all(20)
    assert [child.returncode for child in children] == [-signal.SIGTERM] * 3
    assert processes.live() == []
    with pytest.raises(ProcessesClosedError, match="job/late"):
        start(processes, tmp_path, "true", "job/late")


def test_a_program_that_is_not_there_is_named(processes: Processes, tmp_path: Path) -> None:
    with pytest.raises(ExecutableNotFoundError, match='exec: "no-such-program"'):
        processes.start("a", ["no-such-program"], cwd=tmp_path, env=ENVIRONMENT, log=tmp_path / "log")
    assert read_records(tmp_path / "records") == []


KILLED_SERVER = """
import os, sys
from pathlib import Path
from sandbox.compute.processes import Processes
folder = Path(sys.argv[1])
command = ["bash", "-c", "echo $$; sleep 60 & echo $!; setsid sleep 60 & echo $!; wait"]
Processes(folder / "records").start("job/orphan", command, cwd=folder, env=dict(os.environ), log=folder / "log")
input()
"""


def test_sweep_ends_the_tree_a_killed_server_left_behind(tmp_path: Path) -> None:
    server = subprocess.Popen([sys.executable, "-c", KILLED_SERVER, str(tmp_path)], stdin=subprocess.PIPE)
    try:
        left = pids(tmp_path, 3)
    finally:
        server.kill()
        server.wait()
        assert server.stdin is not None
        server.stdin.close()
    assert [runs(pid) for pid in left] == [True, True, True]
    assert Processes(tmp_path / "records").sweep() == ["job/orphan"]
    assert [runs(pid) for pid in left] == [False, False, False]
    assert Processes(tmp_path / "records").sweep() == []


def test_sweep_finds_the_children_of_a_child_that_is_gone(tmp_path: Path) -> None:
    server = subprocess.Popen([sys.executable, "-c", KILLED_SERVER, str(tmp_path)], stdin=subprocess.PIPE)
    leader, *others = pids(tmp_path, 3)
    server.kill()
    server.wait()
    assert server.stdin is not None
    server.stdin.close()
    os.kill(leader, signal.SIGKILL)
    wait_until(lambda: not runs(leader))
    assert [runs(pid) for pid in others] == [True, True]
    assert Processes(tmp_path / "records").sweep() == ["job/orphan"]
    assert [runs(pid) for pid in others] == [False, False]


def test_sweep_leaves_alone_whoever_has_the_pid_now(tmp_path: Path) -> None:
    bystander = subprocess.Popen(["sleep", "60"])
    try:
        created = create_time_of(bystander.pid)
        assert created is not None
        record = ProcessRecord(new_mark(), bystander.pid, created - 100, "job/long-gone", ("sleep", "60"))
        processes = Processes(tmp_path)
        write_record(tmp_path, record)
        assert processes.sweep() == ["job/long-gone"]
        assert bystander.poll() is None
        write_record(tmp_path, replace(record, create_time=created))
        assert processes.sweep() == ["job/long-gone"]
        assert bystander.wait(30) == -signal.SIGKILL
    finally:
        bystander.kill()
        bystander.wait()


def test_a_record_emptied_by_a_power_cut_does_not_stop_the_sweep(tmp_path: Path) -> None:
    (tmp_path / "abc.json").write_text("")
    (tmp_path / "def.writing").write_text(json.dumps({"half": "written"})[:5])
    assert Processes(tmp_path).sweep() == ["unknown"]
    assert list(tmp_path.iterdir()) == []


def test_no_process_of_ours_is_left(processes: Processes, tmp_path: Path) -> None:
    start(processes, tmp_path, "sleep 60")
    processes.stop_all()
    assert [child for child in psutil.Process().children() if child.name() == "sleep"] == []
