"""Command jobs and pipeline jobs through azure-ai-ml: submitted, streamed, downloaded, canceled, failing."""

import io
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest

Write = Callable[[str, str], Path]


def submit(workspace: Any, code: Path, command_text: str, environment: str, **options: Any) -> Any:
    from azure.ai.ml import command

    job = command(code=str(code), command=command_text, environment=environment, compute="cpu", **options)
    return workspace.jobs.create_or_update(job)


def stream(workspace: Any, name: str) -> str:
    output = io.StringIO()
    with redirect_stdout(output):
        workspace.jobs.stream(name)
    return output.getvalue()


def wait_for(workspace: Any, name: str, *statuses: str, seconds: float = 60) -> str:
    """Look until the job has one of the statuses; a test fails with the last one seen."""
    deadline = time.monotonic() + seconds
    status = ""
    while time.monotonic() < deadline:
        status = workspace.jobs.get(name).status
        if status in statuses:
            return status
        time.sleep(0.1)
    raise AssertionError(f"job {name} is {status}, waited for {statuses}")


TRAIN = """
import argparse, pathlib
parser = argparse.ArgumentParser()
parser.add_argument("--data"); parser.add_argument("--alpha", type=float); parser.add_argument("--out")
given = parser.parse_args()
rows = pathlib.Path(given.data).read_text().splitlines()
print("rows", len(rows), "alpha", given.alpha)
pathlib.Path(given.out, "model.txt").write_text(f"{len(rows)} {given.alpha}")
pathlib.Path("outputs/notes.txt").write_text("left by the job")
"""


def test_a_job_reads_its_data_streams_its_log_and_leaves_its_outputs(
    workspace: Any, cluster: str, environment_name: str, write: Write, tmp_path: Path
) -> None:
    from azure.ai.ml import Input, Output
    from azure.ai.ml.entities import Data, Model

    code = write("src/train.py", TRAIN).parent
    rows = write("rows.csv", "a\n1\n2\n")
    workspace.data.create_or_update(Data(name="rows", path=str(rows), type="uri_file"))
    job = submit(
        workspace,
        code,
        "python train.py --data ${{inputs.data}} --alpha ${{inputs.alpha}} --out ${{outputs.model}}",
        environment_name,
        inputs={"data": Input(type="uri_file", path="azureml:rows:1"), "alpha": 0.5},
        outputs={"model": Output(type="uri_folder")},
        experiment_name="diabetes",
    )
    log = stream(workspace, job.name)
    assert "rows 3 alpha 0.5" in log
    assert workspace.jobs.get(job.name).status == "Completed"
    workspace.jobs.download(job.name, download_path=str(tmp_path / "all"), all=True)
    found = {one.name: one.read_text() for one in (tmp_path / "all").rglob("*") if one.is_file()}
    assert found["model.txt"] == "3 0.5"
    assert found["notes.txt"] == "left by the job"
    assert "rows 3" in found["std_log.txt"]
    model = Model(name="fromjob", path=f"azureml://jobs/{job.name}/outputs/model/paths/model.txt", type="custom_model")
    workspace.models.create_or_update(model)
    workspace.models.download("fromjob", "1", download_path=str(tmp_path / "model"))
    assert next((tmp_path / "model").rglob("model.txt")).read_text() == "3 0.5"


def test_a_failing_job_raises_with_the_last_lines_of_its_log(
    workspace: Any, cluster: str, environment_name: str, write: Write
) -> None:
    from azure.ai.ml.exceptions import JobException

    code = write("src/train.py", "print('about to fail')\nraise ValueError('BMI has no column')\n").parent
    job = submit(workspace, code, "python train.py", environment_name)
    with pytest.raises(JobException) as caught:
        stream(workspace, job.name)
    assert "exit code 1" in str(caught.value)
    assert "BMI has no column" in str(caught.value)
    assert workspace.jobs.get(job.name).status == "Failed"


def test_a_canceled_job_ends_with_its_children(
    workspace: Any, cluster: str, environment_name: str, write: Write, tmp_path: Path
) -> None:
    import psutil

    marker = tmp_path / "pid"
    script = f"import os, pathlib, time\npathlib.Path({str(marker)!r}).write_text(str(os.getpid()))\ntime.sleep(600)\n"
    job = submit(workspace, write("src/train.py", script).parent, "python train.py", environment_name)
    wait_for(workspace, job.name, "Running")
    deadline = time.monotonic() + 30
    while not (marker.exists() and marker.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    pid = int(marker.read_text())
    workspace.jobs.begin_cancel(job.name).wait()
    assert wait_for(workspace, job.name, "Canceled") == "Canceled"
    assert not psutil.pid_exists(pid)


def test_a_difference_between_environment_and_runtime_is_reported(workspace: Any, cluster: str, write: Write) -> None:
    from azure.ai.ml.entities import Environment

    conda = write("conda.yml", "dependencies:\n  - python>=3.11\n  - pip:\n      - a-package-nobody-has==1.0\n")
    workspace.environments.create_or_update(Environment(name="odd", image="python:3.12", conda_file=conda))
    job = submit(workspace, write("src/a.py", "print('ran')").parent, "python a.py", "odd:1")
    log = stream(workspace, job.name)
    assert "a-package-nobody-has" in log
    assert "Warnings:" in log
    assert "ran" in log


def test_unknown_compute_and_environment_are_refused_at_once(
    workspace: Any, cluster: str, environment_name: str, write: Write
) -> None:
    from azure.ai.ml import command
    from azure.core.exceptions import HttpResponseError

    code = write("src/a.py", "print(1)").parent
    job = command(code=str(code), command="python a.py", environment=environment_name, compute="absent")
    with pytest.raises(HttpResponseError, match="Unknown compute target 'absent'"):
        workspace.jobs.create_or_update(job)


def test_jobs_are_listed_newest_first_and_archived(
    workspace: Any, cluster: str, environment_name: str, write: Write
) -> None:
    code = write("src/a.py", "print(1)").parent
    names = [submit(workspace, code, "python a.py", environment_name).name for _ in range(2)]
    for name in names:
        wait_for(workspace, name, "Completed")
    assert [one.name for one in workspace.jobs.list()] == names[::-1]
    workspace.jobs.archive(names[0])
    assert [one.name for one in workspace.jobs.list()] == names[1:]


def test_a_pipeline_runs_its_steps_in_the_order_of_their_data(
    workspace: Any, cluster: str, environment_name: str, write: Write, tmp_path: Path
) -> None:
    from azure.ai.ml import Input, Output, command, dsl

    code = write(
        "src/copy.py", "import sys, pathlib\npathlib.Path(sys.argv[2], 'x.txt').write_text(sys.argv[1])\n"
    ).parent
    write(
        "src/double.py",
        "import sys, pathlib\nt = pathlib.Path(sys.argv[1], 'x.txt').read_text()\nprint('doubled', t * 2)\n",
    )
    make = command(
        name="make",
        code=str(code),
        command="python copy.py ${{inputs.word}} ${{outputs.folder}}",
        environment=environment_name,
        inputs={"word": Input(type="string")},
        outputs={"folder": Output(type="uri_folder")},
    )
    double = command(
        name="double",
        code=str(code),
        command="python double.py ${{inputs.folder}}",
        environment=environment_name,
        inputs={"folder": Input(type="uri_folder")},
    )

    @dsl.pipeline(default_compute="cpu")
    def both(word: str) -> None:
        first = make(word=word)
        double(folder=first.outputs.folder)

    job = workspace.jobs.create_or_update(both(word="ab"))
    stream(workspace, job.name)
    assert workspace.jobs.get(job.name).status == "Completed"
    children = list(workspace.jobs.list(parent_job_name=job.name))
    assert len(children) == 2
    last = next(one for one in children if one.display_name == "double")
    workspace.jobs.download(last.name, download_path=str(tmp_path / "log"))
    assert "doubled abab" in next((tmp_path / "log").rglob("std_log.txt")).read_text()
