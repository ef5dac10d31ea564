"""The pipeline runner's own cost: many empty steps, many empty jobs, beside the same commands in a plain shell loop."""

import json
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from bench.measure import median_seconds
from bench.measure import run as measure_run
from sandbox.pipelines.loading import load_file
from sandbox.pipelines.running.local import LocalHost, LocalSettings
from sandbox.pipelines.running.runs import PipelineRun
from sandbox.pipelines.running.settings import RunRequest

STEPS = 50
JOBS = 30
RUNS = 5
MANY_STEPS = "steps:\n" + "- script: 'true'\n" * STEPS
MANY_JOBS = "jobs:\n" + "".join(f"- job: j{number}\n  steps:\n  - script: 'true'\n" for number in range(JOBS))
COMMIT = (
    ("init", "--quiet"),
    ("add", "."),
    ("-c", "user.name=bench", "-c", "user.email=bench@localhost", "commit", "--quiet", "-m", "bench"),
)
LONG = "parameters:\n- name: words\n  type: object\n  default: [a, b, c]\njobs:\n" + "".join(
    f"- job: j{number}\n"
    "  steps:\n"
    "  - ${{ each word in parameters.words }}:\n"
    f"    - script: echo ${{{{ upper(word) }}}} {number}\n"
    "      displayName: Say ${{ word }}\n"
    "  - ${{ if eq(variables['Build.Reason'], 'Manual') }}:\n"
    "    - script: echo by hand\n"
    "  - ${{ else }}:\n"
    "    - script: echo by itself\n"
    "      condition: and(succeeded(), ne(variables['quiet'], 'true'))\n"
    for number in range(200)
)
LARGE_BYTES = 200_000_000
LARGE = f"steps:\n- checkout: none\n- script: yes 0123456789012345678901234567890123456789 | head -c {LARGE_BYTES}\n"


def measure() -> dict[str, float]:
    """Seconds, medians of five; one run for the step that prints 200 MB."""
    with tempfile.TemporaryDirectory(prefix="bench-pipelines-") as scratch:
        folder = Path(scratch)
        return {
            "pipeline_50_steps_seconds": median_seconds(lambda: run(MANY_STEPS, folder), RUNS),
            "pipeline_30_jobs_seconds": median_seconds(lambda: run(MANY_JOBS, folder), RUNS),
            "pipeline_30_jobs_of_a_repository_seconds": median_seconds(lambda: run(MANY_JOBS, folder, True), RUNS),
            "expand_2000_lines_seconds": median_seconds(lambda: expand(folder), RUNS),
            "pipeline_200_mb_of_output_seconds": median_seconds(lambda: run(LARGE, folder), 1),
            "shell_loop_of_50_seconds": median_seconds(lambda: loop(STEPS), RUNS),
            "shell_loop_of_30_seconds": median_seconds(lambda: loop(JOBS), RUNS),
            **measure_neighbour(folder),
        }


def measure_neighbour(folder: Path) -> dict[str, float]:
    """The same shapes in gitlab-ci-local, where it is on the PATH; its own start is in its figures."""
    if shutil.which("gitlab-ci-local") is None:
        return {}
    one_job = "job:\n  script:\n" + "    - 'true'\n" * STEPS
    many_jobs = "".join(f"j{number}:\n  script:\n    - 'true'\n" for number in range(JOBS))
    shapes = {"gitlab_ci_local_50_steps_seconds": one_job, "gitlab_ci_local_30_jobs_seconds": many_jobs}
    figures = {}
    for name, text in shapes.items():
        home = folder / name
        home.mkdir()
        (home / ".gitlab-ci.yml").write_text(text)
        for command in COMMIT:
            subprocess.run(["git", "-C", str(home), *command], check=True)
        remote = ["git", "-C", str(home), "remote", "add", "origin", "https://example.test/a/b.git"]
        subprocess.run(remote, check=True)
        figures[name] = median_seconds(lambda home=home: measure_run(["gitlab-ci-local"], folder=home), RUNS)
    return figures


def run(text: str, folder: Path, repository: bool = False) -> None:
    """Load and run a pipeline as the command line does, without starting Python; in a plain folder, or in a repository
    that each job checks out."""
    home = folder / str(time.monotonic_ns())
    home.mkdir()
    file = home / "azure-pipelines.yml"
    file.write_text(text)
    if repository:
        for command in COMMIT:
            subprocess.run(["git", "-C", str(home), *command], check=True)
    request = RunRequest(load_file(file, home).plan, 1)
    outcome = PipelineRun(request, LocalHost(LocalSettings(home / "run", home))).run()
    assert outcome.result == "Succeeded", outcome


def expand(folder: Path) -> None:
    """Load a pipeline of 2,000 lines with a loop, conditions and expressions: read, expanded, bound and planned."""
    file = folder / "long.yml"
    file.write_text(LONG)
    assert len(load_file(file, folder).plan.stages) == 1


def loop(count: int) -> None:
    """What a person's shell takes to start bash that many times."""
    subprocess.run(["bash", "-c", f"for i in $(seq {count}); do bash --noprofile --norc -c true; done"], check=True)


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
