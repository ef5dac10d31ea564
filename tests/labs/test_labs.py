"""The starters: cut from the solution, able to run, and each with the defect that its module is about."""

import importlib.util
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from typer.testing import CliRunner

from manifest import read_manifest, restore, wanted_files
from sandbox.pipelines.command import pipeline_program
from tests.labs.conftest import ROOT, git

DATA = ROOT / "labs" / "data"
MANIFEST = read_manifest(ROOT / "labs" / "labs.toml")


def run(*arguments: str, folder: Path = ROOT, **variables: str) -> subprocess.CompletedProcess[str]:
    """A Python command in a folder."""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **variables}
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_labs_are_in_step_with_the_solution() -> None:
    """`make labs` would change nothing, and every finished file and region is declared."""
    done = run("-m", "manifest", "check")
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_is_out_of_step_is_named_and_written(clone: Path) -> None:
    """A changed starter, a lost one, a stranger; `write` mends the first two."""
    (clone / "labs/training/train.py").write_text("mine\n")
    (clone / "labs/image/score.py").unlink()
    (clone / "solution/stranger.py").write_text("")
    done = run("-m", "manifest", "--root", str(clone), "check")
    assert done.returncode == 1
    assert [line.split(" ")[0].rstrip(":") for line in done.stdout.splitlines()] == [
        "labs/training/train.py",
        "labs/image/score.py",
        "solution/stranger.py",
    ]
    (clone / "solution/stranger.py").unlink()
    assert run("-m", "manifest", "--root", str(clone), "write").returncode == 0
    assert run("-m", "manifest", "--root", str(clone), "check").returncode == 0
    assert (clone / "labs/training/train.py").read_text(encoding="utf-8") == wanted_files(clone)[
        "labs/training/train.py"
    ]


def test_the_solution_branch_is_a_command(clone: Path) -> None:
    """It says which commit it made."""
    done = run("-m", "manifest", "--root", str(clone / "labs"), "solution-branch")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["solution", git(clone, "rev-parse", "refs/heads/solution").strip()]


def test_a_manifest_that_cannot_be_read_is_an_exit_code_of_its_own(clone: Path) -> None:
    """With the line, and without a trace."""
    (clone / "labs/labs.toml").write_text("checked = 2026-11-24\n[nonsense]\n")
    done = run("-m", "manifest", "--root", str(clone), "check")
    assert done.returncode == 2
    assert "labs.toml:2: [nonsense]; expected one of" in done.stderr
    assert "Traceback" not in done.stderr


def test_every_starter_parses_and_says_where_the_work_is() -> None:
    """A region that differs has a TODO with its module; Python compiles."""
    for file in MANIFEST.files:
        text = (ROOT / file.labs).read_text(encoding="utf-8")
        for region in MANIFEST.regions_of(file.path):
            assert f"TODO (module {region.module[1:]})" in region.starter, region.id
        if file.path.endswith(".py"):
            compile(text, file.labs, "exec")


def load(name: str, path: Path) -> ModuleType:
    """A script as a module, by its path: labs/ and solution/ have the same names."""
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def evaluate() -> Iterator[ModuleType]:
    """labs/training/evaluate.py, with the train.py beside it."""
    before = sys.modules.pop("train", None)
    sys.path.insert(0, str(ROOT / "labs" / "training"))
    try:
        yield load("labs_evaluate", ROOT / "labs" / "training" / "evaluate.py")
    finally:
        sys.path.remove(str(ROOT / "labs" / "training"))
        for name in ("labs_evaluate", "train"):
            sys.modules.pop(name, None)
        if before is not None:
            sys.modules["train"] = before


def test_module_1_starts_with_an_unseeded_draw() -> None:
    """One seed, many alphas; the solution's function gives one."""
    starter = load("labs_train", ROOT / "labs/training/train.py")
    solution = load("solution_train", ROOT / "solution/training/train.py")
    assert len({starter.choose_alpha(20) for _ in range(100)}) > 3
    assert len({solution.choose_alpha(20) for _ in range(100)}) == 1


@pytest.mark.parametrize(
    ("name", "red"),
    [
        ("diabetes", []),
        ("diabetes_bad_dist", []),
        ("diabetes_missing_values", []),
        ("diabetes_bad_schema", ["test_schema"]),
    ],
)
def test_module_11_starts_with_data_tests_that_are_green_on_bad_data(name: str, red: list[str], tmp_path: Path) -> None:
    """As in the workshop's first edition: of three bad files, one is noticed."""
    tests = "labs/tests/data_quality"
    done = run("-m", "pytest", "-p", "no:cacheprovider", tests, DATA_FILE=str(DATA / f"{name}.csv"))
    failed = [line.split("::")[1].split(" ")[0] for line in done.stdout.splitlines() if line.startswith("FAILED")]
    assert failed == red, done.stdout
    assert done.returncode == (1 if red else 0)


def test_module_11_starts_with_rules_that_never_say_no(evaluate: ModuleType) -> None:
    """What was measured is written down, whatever it is."""
    assert evaluate.beats_baseline(1e9, 5000.0, 0.8).passed
    rule = evaluate.holds_against_production(1e9, 3000.0, 0.05, "diabetes:1")
    assert rule.passed
    assert rule.mse == 1e9


@pytest.fixture(scope="module")
def runtime() -> Path:
    """The Python that has the inference server."""
    named = os.environ.get("WORKSHOP_RUNTIME_PYTHON")
    python = Path(named) if named else ROOT / ".venv-runtime" / "bin" / "python"
    if not python.is_file():
        pytest.fail(f"no runtime environment at {python}: run `make test`, which makes it", pytrace=False)
    return python


ANSWERS = """
import json, logging, sys
logging.disable()
sys.path.insert(0, sys.argv[1])
import score
class Broken:
    def predict(self, rows): raise RuntimeError("no coefficients")
class Linear:
    def predict(self, rows): return [152 + 500 * sum(row) for row in rows]
def ask(model, values):
    score.model = model
    try:
        reply = score.run(json.dumps({"data": [values]}), {})
    except RuntimeError:
        return [500, {}]
    return [reply.status_code, json.loads(reply.get_data(as_text=True))]
print(json.dumps([ask(Broken(), [0] * 10), ask(Linear(), [59] * 10)]))
"""


def answers(runtime: Path, folder: str) -> list[tuple[int, dict[str, Any]]]:
    """Status and body for a model that raises, and for an age of 59; what reaches the server is a 500."""
    command = [str(runtime), "-B", "-c", ANSWERS, str(ROOT / folder / "image")]
    environment = {name: value for name, value in os.environ.items() if name != "SCORING_KEY"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return [(status, body) for status, body in json.loads(done.stdout.splitlines()[-1])]


def test_module_7_starts_with_a_script_that_answers_whatever_happens(runtime: Path) -> None:
    """200 with an error inside, and a prediction of a patient that cannot be; the solution gives neither."""
    (broken, absurd), (failure, refusal) = answers(runtime, "labs"), answers(runtime, "solution")
    assert broken == (200, {"error": "no coefficients"})
    assert absurd[0] == 200
    assert absurd[1]["predictions"][0] > 10_000
    assert failure[0] == 500
    assert refusal[0] == 400
    assert "standardised" in refusal[1]["error"]["message"]


class Dishonest(BaseHTTPRequestHandler):
    """Answers 200 and an error, to anything."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        body = b'{"error": "no coefficients"}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing is printed."""


@pytest.fixture
def dishonest() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Dishonest)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/score"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(("folder", "code"), [("labs", 0), ("solution", 1)])
def test_module_7_starts_with_a_test_that_is_green_on_errors(dishonest: str, folder: str, code: int) -> None:
    """The solution's are red on the same server."""
    tests = f"{folder}/tests/integration"
    variables = {"SCORING_URL": dishonest, "SCORING_KEY": "any", "SCORING_MODEL": ""}
    done = run("-m", "pytest", "-p", "no:cacheprovider", tests, **variables)
    assert done.returncode == code, done.stdout


def test_the_first_run_is_green_before_anything_is_filled(clone: Path) -> None:
    """Azure Pipelines would say the same: one stage, one look at the data."""
    restore(clone, "azure-pipelines.yml", [])
    arguments = ["run", str(clone / "azure-pipelines.yml"), "--root", str(clone), "--json"]
    done = CliRunner().invoke(pipeline_program, arguments)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["result"] == "Succeeded"
