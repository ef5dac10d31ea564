"""A job runs its command over copies of its inputs, and what it writes is stored, also when it fails."""

import stat
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from compute_waiting import wait_until

from sandbox.compute.errors import TrainingError
from sandbox.compute.processes import Processes
from sandbox.compute.runtime import Runtime
from sandbox.compute.training import AssetInput, Input, LiteralInput, TrainingRun, TrainingSpec

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the commands are for a POSIX shell")

Run = Callable[..., TrainingRun]


@pytest.fixture
def run(processes: Processes, runtime: Runtime, tmp_path: Path) -> Run:
    """A started run of a command."""

    def start(command: str, inputs: Mapping[str, Input] | None = None, **fields: Any) -> TrainingRun:
        spec = TrainingSpec(
            name="job-1",
            command=command,
            runtime=runtime,
            log=tmp_path / "artifacts" / "user_logs" / "std_log.txt",
            artifacts=tmp_path / "artifacts",
            inputs=inputs or {},
            outputs={"model": tmp_path / "store" / "model"},
            **fields,
        )
        made = TrainingRun(spec, processes, tmp_path / "work folder")
        made.start()
        return made

    return start


def log_of(tmp_path: Path) -> str:
    return (tmp_path / "artifacts" / "user_logs" / "std_log.txt").read_text()


def test_code_inputs_outputs_and_artifacts(run: Run, tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "train.py").write_text(
        "import os, pathlib, sys\n"
        "data, folder, model, rate = sys.argv[1:]\n"
        "print(pathlib.Path(data).read_text(), sorted(os.listdir(folder)), rate, os.environ['KEY'])\n"
        "pathlib.Path(model, 'deep').mkdir()\n"
        "pathlib.Path(model, 'deep', 'model.pkl').write_bytes(b'model')\n"
        "pathlib.Path('outputs', 'metrics.json').write_text('{}')\n"
        "pathlib.Path('logs', 'x.log').write_text('x')\n"
    )
    (tmp_path / "data" / "deep").mkdir(parents=True)
    (tmp_path / "data" / "rows.csv").write_text("1,2")
    job = run(
        "python train.py ${{inputs.rows}} ${{inputs.all}} ${{outputs.model}} ${{inputs.rate}} $[[${{inputs.no}}]]",
        {
            "rows": AssetInput(tmp_path / "data" / "rows.csv"),
            "all": AssetInput(tmp_path / "data", "download"),
            "rate": LiteralInput("0.1"),
        },
        code=tmp_path / "code",
        environment_variables={"KEY": "value"},
    )
    result = job.wait()
    assert (result.status, result.exit_code, result.message) == ("Completed", 0, "")
    assert log_of(tmp_path) == "1,2 ['deep', 'rows.csv'] 0.1 value\n"
    assert (tmp_path / "store" / "model" / "deep" / "model.pkl").read_bytes() == b"model"
    assert (tmp_path / "artifacts" / "outputs" / "metrics.json").read_text() == "{}"
    assert (tmp_path / "artifacts" / "logs" / "x.log").exists()
    assert not job.folder.exists()
    assert job.wait() is result


def test_a_job_cannot_change_its_input_or_its_code(run: Run, tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "a.txt").write_text("code")
    (tmp_path / "d.csv").write_text("original")
    (tmp_path / "d.csv").chmod(0o666)
    command = "stat -c %a ${{inputs.d}}; chmod 666 ${{inputs.d}}; echo changed > ${{inputs.d}}; echo changed > a.txt"
    job = run(command, {"d": AssetInput(tmp_path / "d.csv")}, code=tmp_path / "code")
    assert job.wait().status == "Completed"
    assert log_of(tmp_path) == "444\n"
    assert (tmp_path / "d.csv").read_text() == "original"
    assert (tmp_path / "code" / "a.txt").read_text() == "code"


def test_a_failing_job_tells_code_and_last_lines_and_keeps_what_it_wrote(run: Run, tmp_path: Path) -> None:
    command = "echo half > ${{outputs.model}}/part; for n in $(seq 40); do echo line $n; done; echo why >&2; exit 7"
    result = run(command).wait()
    assert (result.status, result.exit_code) == ("Failed", 7)
    assert result.message.startswith("The command failed with exit code 7.")
    assert result.message.endswith("line 40\nwhy")
    assert "line 1\n" not in result.message
    assert (tmp_path / "store" / "model" / "part").read_text() == "half\n"


def test_a_command_that_is_not_there_and_one_that_is_killed(run: Run, tmp_path: Path) -> None:
    result = run("no-such-command").wait()
    assert result.exit_code == 127
    assert "no-such-command" in result.message
    assert "9 (SIGKILL)" in run("kill -9 $$").wait().message


def test_a_job_is_canceled(run: Run) -> None:
    job = run("echo started; sleep 60")
    wait_until(lambda: job.spec.log.read_text())
    threading.Thread(target=job.cancel).start()
    result = job.wait()
    assert (result.status, result.message) == ("Canceled", "The job was canceled.")
    assert not job.folder.exists()


def test_a_job_canceled_before_it_started_never_runs(processes: Processes, runtime: Runtime, tmp_path: Path) -> None:
    spec = TrainingSpec("job", f"echo ran > {tmp_path}/evidence", runtime, tmp_path / "log", tmp_path / "artifacts")
    job = TrainingRun(spec, processes, tmp_path / "work")
    with pytest.raises(TrainingError, match="was not started"):
        job.wait()
    job.cancel()
    job.start()
    assert job.wait().status == "Canceled"
    assert not (tmp_path / "evidence").exists()


def test_a_job_past_its_limit_is_ended(run: Run) -> None:
    result = run("sleep 60", timeout_seconds=0.2).wait()
    assert result.status == "Failed"
    assert result.message == "The job exceeded its limit of 0.2 s."


def test_a_job_ended_with_the_sandbox_says_so(run: Run, processes: Processes) -> None:
    job = run("sleep 60")
    processes.stop_all()
    assert job.wait().message == "The sandbox stopped while the job was running."


@pytest.mark.parametrize(
    ("command", "inputs", "reason"),
    [
        ("cat ${{inputs.dta}}", {"data": AssetInput(Path(__file__))}, r"inputs\.dta.*inputs\.data, outputs\.model"),
        ("cat ${{inputs.data}}", {"data": AssetInput(Path("gone.csv"))}, r"nothing is stored at gone\.csv"),
        ("cat ${{inputs.data}}", {"data": AssetInput(Path(__file__), "rw_mount")}, "mode rw_mount, which is not impl"),
    ],
)
def test_a_definition_that_cannot_run_leaves_nothing(
    run: Run, tmp_path: Path, command: str, inputs: Mapping[str, Input], reason: str
) -> None:
    with pytest.raises(TrainingError, match=reason):
        run(command, inputs)
    assert not (tmp_path / "work folder").exists()


def test_code_that_is_stored_read_only_is_writable_for_the_job(run: Run, tmp_path: Path) -> None:
    code = tmp_path / "code"
    code.mkdir()
    (code / "run.sh").write_text("#!/bin/sh\ntouch outputs/here\n")
    (code / "run.sh").chmod(stat.S_IRUSR | stat.S_IXUSR)
    code.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        assert run("./run.sh && stat -c %a . run.sh", code=code).wait().status == "Completed"
    finally:
        code.chmod(0o755)
    assert log_of(tmp_path).split() == ["755", "755"]
    assert [path.name for path in (tmp_path / "artifacts" / "outputs").iterdir()] == ["here"]
