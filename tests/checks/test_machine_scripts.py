"""Modules 1, 7 and 11 on this machine: the learner's scripts and tests, really run, and one mistake at a time."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from checker.checks import CHECKS
from checker.clone.damage import narrowed, zeroed
from checker.clone.faults import FAULTS, HEALTHY, MODEL, FaultyService, fit
from checker.clone.folder import Folder
from checker.clone.processes import Processes
from checker.model import Outcome
from checker.runner import run_check
from tests.checks.clones import SUBSCRIPTION, Clone, make_clone
from tests.conftest import REPOSITORY
from tests.sdk.devops import wait_for

TRAIN, SCORE, EVALUATE = "labs/training/train.py", "labs/image/score.py", "labs/training/evaluate.py"
DATA_TESTS, INTEGRATION = "labs/tests/data_quality/test_diabetes.py", "labs/tests/integration/test_scoring.py"
DATA, HOLDOUT = "labs/data/diabetes.csv", "labs/data/diabetes_holdout.csv"


@pytest.fixture(scope="module")
def solved(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A clone with every module solved, which no test changes."""
    return make_clone(tmp_path_factory.mktemp("solved"))


@pytest.fixture(scope="module")
def starter(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A clone as it is imported, which no test changes."""
    return make_clone(tmp_path_factory.mktemp("starter"), ())


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return make_clone(tmp_path)


@pytest.mark.parametrize("code", ["SCR001", "SCR002", "SCR003", "TST001", "TST002", "DQT001", "GAT006"])
def test_the_solution_passes(solved: Clone, runtime_python: Path, code: str) -> None:
    solved.passes(code)


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        ("SCR002", "Something random happens before your seed."),
        ("TST001", "HTTP 200 with an error inside: your test cannot see it."),
        ("TST002", "content with the status"),
        ("DQT001", "All green, and your training file has"),
        ("GAT006", "a rule that always passes is a remark"),
    ],
)
def test_the_starter_fails(starter: Clone, runtime_python: Path, code: str, hint: str) -> None:
    assert hint in starter.finds(code)


# module 1 ------------------------------------------------------------------------------------------------------------


def test_a_seed_that_comes_after_the_draw(clone: Clone, runtime_python: Path) -> None:
    clone.change(
        TRAIN,
        "    return random.Random(seed).choice(ALPHAS)\n",
        "    alpha = random.choice(ALPHAS)\n    random.seed(seed)\n    return alpha\n",
    )
    before = sorted(clone.root.rglob("*"))
    found = clone.finds("SCR002")
    assert sorted(clone.root.rglob("*")) == before, "a run leaves nothing in the clone"
    assert "Two runs still differ (alpha 0." in found
    assert "Something random happens before your seed" in found


def test_a_split_without_the_seed(clone: Clone, runtime_python: Path) -> None:
    clone.change(TRAIN, "test_size=test_size, random_state=seed", "test_size=test_size")
    assert "alpha is the same: look at the split" in clone.finds("SCR002")


def test_a_record_without_seed_and_hash(clone: Clone, runtime_python: Path) -> None:
    clone.change(TRAIN, '"test_size": options.test_size, "seed": options.seed}', '"test_size": options.test_size}')
    clone.change(TRAIN, "data.read_bytes()", "b''")
    found = clone.finds("SCR003")
    assert "its seed is None" in found
    assert "its data_sha256 is e3b0c442" in found


def test_a_notebook_is_no_script(clone: Clone) -> None:
    (clone.root / TRAIN).rename(clone.root / "labs/training/train.ipynb")
    assert "A pipeline runs scripts; export the cells." in clone.finds("SCR001")


def test_a_script_that_breaks_quotes_its_error(clone: Clone, runtime_python: Path) -> None:
    clone.change(TRAIN, "    options = read_options()\n", "    options = read_option()\n")
    assert "NameError: name 'read_option' is not defined" in clone.finds("SCR001")


# module 7 ------------------------------------------------------------------------------------------------------------


def test_raw_values_that_get_an_answer(clone: Clone, runtime_python: Path) -> None:
    clone.change(SCORE, "    if not abs(value) <= LARGEST:\n", "    if not math.isfinite(value):\n")
    found = clone.finds("TST001")
    assert "raw values 200" in found
    assert "`raw values` got an answer" in found


def test_bad_input_that_breaks_the_server(clone: Clone, runtime_python: Path) -> None:
    clone.change(
        SCORE,
        "    except BadInput as problem:\n        return error(",
        "    except KeyError as problem:\n        return error(",
    )
    assert "A 500 says that you failed" in clone.finds("TST001")


def test_a_script_that_cannot_be_served(clone: Clone, runtime_python: Path) -> None:
    clone.change(SCORE, '"AZUREML_MODEL_DIR"', '"MODEL_FOLDER"')
    found = clone.finds("TST001")
    assert "cannot be served" in found
    assert "MODEL_FOLDER" in found


def test_tests_that_do_not_look_at_the_values(clone: Clone) -> None:
    text = clone.read(INTEGRATION)
    for name in ("test_predictions_are_in_the_range_of_the_target", "test_predictions_follow_the_target"):
        text = text.replace(f"def {name}", f"def not_a_{name}")
    clone.write(INTEGRATION, text.replace('    "not standardised"', '    "a list": b"[]",\n    # "not standardised"'))
    found = clone.finds("TST002")
    assert "raw values taken" in found
    assert "columns in another order" in found
    assert "an error text" not in found


def test_tests_that_are_always_red(clone: Clone) -> None:
    clone.write(INTEGRATION, "def test_it() -> None:\n    assert not 'always red'\n")
    found = clone.finds("TST002")
    assert "for a healthy service the tests are red" in found
    assert "says as little as one that is always green" in found


@pytest.fixture(scope="module")
def holdout() -> str:
    return (REPOSITORY / HOLDOUT).read_text(encoding="utf-8")


def test_the_services_that_tests_are_shown(holdout: str) -> None:
    """Each fault breaks what it says, for a caller over HTTP, and only that."""
    row = [float(cell) for cell in holdout.splitlines()[1].split(",")][:-1]
    answers = {}
    for fault in (HEALTHY, *FAULTS):
        service = FaultyService(fit(holdout), fault)
        with service.running() as url:
            headers = {"Authorization": f"Bearer {service.key}"}
            assert requests.post(url, json={"data": [row]}, timeout=10).status_code == 401
            raw = requests.post(url, json={"data": [[59] * 10]}, headers=headers, timeout=10)
            answers[fault.name] = (requests.post(url, json={"data": [row]}, headers=headers, timeout=10).json(), raw)
    healthy, error, large, shuffled = (answers[fault.name] for fault in (HEALTHY, *FAULTS))
    assert healthy[0]["model"] == MODEL
    assert (healthy[1].status_code, shuffled[1].status_code) == (400, 400)
    assert (error[1].status_code, large[1].status_code) == (200, 200)
    assert "error" in error[0]
    assert large[0]["predictions"] == [pytest.approx(100 * healthy[0]["predictions"][0])]
    assert shuffled[0]["predictions"] != healthy[0]["predictions"]


def test_the_model_of_the_services_is_a_good_one(holdout: str) -> None:
    """Fitted in plain Python: it predicts its own rows better than half the error of their mean."""
    rows = [[float(cell) for cell in line.split(",")] for line in holdout.splitlines()[1:]]
    predicted = fit(holdout)([row[:-1] for row in rows])
    mean = sum(row[-1] for row in rows) / len(rows)
    error = sum((value - row[-1]) ** 2 for value, row in zip(predicted, rows, strict=True))
    assert error < 0.5 * sum((row[-1] - mean) ** 2 for row in rows)


# module 11 -----------------------------------------------------------------------------------------------------------


def test_a_spread_that_is_a_mean(clone: Clone) -> None:
    clone.change(DATA_TESTS, "    return statistics.stdev(values)\n", "    return statistics.fmean(values)\n")
    line = next(n for n, text in enumerate(clone.read(DATA_TESTS).splitlines(), 1) if text.startswith("def spread"))
    found = clone.finds("DQT001")
    assert f"line {line}: the standard deviation is computed with the function for the mean" in found


def test_tests_that_miss_one_file_name_it(clone: Clone) -> None:
    """Without mean, spread and distribution, what is in range gets through; empty cells and columns do not."""
    text = clone.read(DATA_TESTS)
    for name in ("test_mean", "test_standard_deviation", "test_distribution"):
        text = text.replace(f"def {name}(", f"def not_a_{name}(")
    clone.write(DATA_TESTS, text)
    found = clone.finds("DQT001").splitlines()
    assert "diabetes_bad_dist.csv, 30 % of BMI zeroed, BMI with half its spread" in found[0]
    assert "missing" not in found[0]
    assert "Nothing looks at what is wrong with diabetes_bad_dist.csv" in found[1]


def test_a_gate_that_refuses_everything(clone: Clone, runtime_python: Path) -> None:
    clone.change(EVALUATE, '"accepted": all(rule.passed for rule in rules)', '"accepted": False')
    assert "no worse than before" in clone.finds("GAT006")


def test_damage_keeps_what_it_should() -> None:
    text = (REPOSITORY / DATA).read_text(encoding="utf-8")
    rows, zero, narrow = (len(one.splitlines()) for one in (text, zeroed(text), narrowed(text)))
    assert rows == zero == narrow
    column = [line.split(",")[2] for line in zeroed(text).splitlines()[1:]]
    assert 0.29 < column.count("0.0") / len(column) < 0.31


# the machine ---------------------------------------------------------------------------------------------------------


def test_a_script_gets_none_of_the_checkers_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AZURE_CLIENT_SECRET", "AZURE_DEVOPS_EXT_PAT", "WORKSHOP_STAGING_KEY", "HTTPS_PROXY", "MY_TOKEN"):
        monkeypatch.setenv(name, "hush-hush")
    show = "import json, os; print(json.dumps(dict(os.environ)))"
    seen = json.loads(Processes().run([sys.executable, "-c", show], tmp_path, 30, {"GIVEN": "yes"}).output)
    assert "hush-hush" not in seen.values()
    assert (seen["GIVEN"], seen["HOME"]) == ("yes", str(tmp_path))


def test_a_script_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    ended = Processes().run(
        [sys.executable, "-c", "print('begun', flush=True); input_ = __import__('time').sleep(60)"], tmp_path, 1
    )
    assert (ended.code, ended.last_line) == (None, "begun")
    assert ended.seconds < 20


@pytest.mark.skipif(os.name == "nt", reason="SIGINT to one process is not to be had there")
def test_an_interrupted_checker_leaves_no_child_and_no_folder(clone: Clone, tmp_path: Path) -> None:
    """The script that would run for a minute is what the interruption meets."""
    slow = "    Path('begun').touch()\n    __import__('time').sleep(60)\n"
    clone.change(TRAIN, "def main() -> int:\n", f"def main() -> int:\n{slow}")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environment = {**os.environ, "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION, "TMPDIR": str(temporary)}
    command = [sys.executable, "-m", "checker", "check", "SCR001", "--config", str(clone.root / "workshop.toml")]
    checker = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: list(temporary.glob("checker-*/begun")), bool, seconds=60)
    checker.send_signal(signal.SIGINT)
    began = time.monotonic()
    assert checker.wait(30) == 130
    assert time.monotonic() - began < 15
    assert list(temporary.iterdir()) == []


def test_no_interpreter_says_nothing_about_the_work(clone: Clone) -> None:
    context = clone.context
    context.settings = replace(context.settings, runtime=Path("/nowhere/python"))
    result = run_check(CHECKS["SCR001"], context)
    assert result.outcome is Outcome.UNKNOWN
    assert result.finding is not None
    assert "make runtime" in result.finding.commands
    assert any("WORKSHOP_RUNTIME" in command for command in result.finding.commands)


@pytest.mark.skipif(os.name == "nt", reason="a link needs a right there")
def test_a_link_out_of_the_clone_is_not_followed(clone: Clone, tmp_path_factory: pytest.TempPathFactory) -> None:
    secret = tmp_path_factory.mktemp("elsewhere") / "secret.txt"
    secret.write_text("hush")
    (clone.root / "labs" / "link").symlink_to(secret.parent)
    with Processes().folder() as copy:
        Folder(clone.root).copy_to(copy)
        assert (copy / "labs" / "link").is_symlink()
    assert not copy.exists()
