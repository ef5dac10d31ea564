"""Module 1: the training script of the clone, run here, several times, with the same seed."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from checker.checks.judgement import quote
from checker.checks.parity import LinearModel, read_model
from checker.checks.registry import machine_check
from checker.checks.workbench import SCIENCE, absent, clone, run_driver, runtime, scratch, source
from checker.clone.processes import Ended
from checker.context import CheckContext
from checker.model import Evidence, Fail, failed

SCRIPT = "labs/training/train.py"
NOTEBOOK = "labs/training/train.ipynb"
DATA, HOLDOUT = "labs/data/diabetes.csv", "labs/data/diabetes_holdout.csv"
RUNS = 5  # nineteen values of alpha: two unseeded runs agree once in nineteen times, five once in 130 000
SEED, TEST_SIZE = 20, 0.2
TRY = f"python {SCRIPT} --data {DATA} --holdout {HOLDOUT} --output build/try --test-size {TEST_SIZE} --seed {SEED}"


@dataclass(frozen=True)
class Trained:
    """One local run: the model as numbers, and the document that it was read from."""

    model: LinearModel
    document: Mapping[str, Any]

    @property
    def alpha(self) -> str:
        """Regularisation strength, as the run recorded it; '' when it did not."""
        parameters = self.document.get("parameters")
        return str(parameters.get("alpha", "")) if isinstance(parameters, Mapping) else ""


@machine_check("SCR001", "M1")
def training_script_makes_a_model(context: CheckContext) -> Evidence:
    """The training script runs on this machine, and its model can be read.

    What a pipeline is to run on a machine that nobody watches must run on one that you watch.
    """
    first = _trained(context)[0]
    largest = max(abs(value) for value in first.model.coefficients)
    return Evidence(
        f"{SCRIPT}: alpha {first.alpha or 'not recorded'}, ten coefficients up to {largest:.0f}",
        {"alpha": first.alpha, "intercept": repr(first.model.intercept)},
    )


@machine_check("SCR002", "M1", ("SCR001",))
def same_seed_gives_the_same_model(context: CheckContext) -> Evidence:
    """Runs with the same seed give the same model.

    A gate compares two models. That says something about the change only when no change means no difference.
    """
    runs = _trained(context)
    other = next((run for run in runs if run.model != runs[0].model), None)
    if other is not None:
        raise _differing(runs[0], other)
    return Evidence(f"{len(runs)} runs with seed {SEED}, one model", {"seed": str(SEED), "runs": str(len(runs))})


@machine_check("SCR003", "M1", ("SCR001",))
def run_records_seed_and_data(context: CheckContext) -> Evidence:
    """The run's record holds the seed and the data's hash.

    Months later, seed, data and commit are what it takes to make the same model again.
    """
    document = _trained(context)[0].document
    parameters = document.get("parameters")
    seed = parameters.get("seed") if isinstance(parameters, Mapping) else None
    digest = hashlib.sha256(clone(context).path(DATA).read_bytes()).hexdigest()
    wrong = [f"its seed is {quote(str(seed))}"] * (seed != SEED)
    wrong += [f"its data_sha256 is {quote(str(document.get('data_sha256')))[:24]}"] * (
        document.get("data_sha256") != digest
    )
    if wrong:
        raise failed(
            f"model.json of a run with seed {SEED}: {'; '.join(wrong)}",
            f"parameters.seed {SEED}, and data_sha256 {digest[:12]}…, the hash of {DATA}",
            "What would somebody need to make this model again?",
            "The record is made by describe(), and takes the parameters that main() hands to it.",
            'Write "seed" into the parameters, and hashlib.sha256(data.read_bytes()).hexdigest() as data_sha256.',
            commands=(TRY,),
        )
    return Evidence(f"seed {seed}, data {digest[:12]}…", {"seed": str(seed), "data_sha256": digest})


def _differing(one: Trained, other: Trained) -> Fail:
    alphas = one.alpha != other.alpha
    what = f"alpha {one.alpha} and {other.alpha}" if alphas else "equal parameters, other coefficients"
    return failed(
        f"two runs of {SCRIPT} with --seed {SEED} give two models ({what})",
        "equal coefficients",
        f"Two runs still differ ({what}). Something random happens before your seed.",
        "Look for every draw: alpha, the split, the model. Which generator does each draw from?"
        if alphas
        else "alpha is the same: look at the split. Does it get the seed?",
        "random.Random(seed).choice(ALPHAS) draws from a generator that the seed started.",
        commands=(TRY,),
    )


def _trained(context: CheckContext) -> list[Trained]:
    return context.once("trained here", lambda: _train(context))


def _train(context: CheckContext) -> list[Trained]:
    """The models of several runs of the learner's script. Raises Fail where it does not make them."""
    folder = clone(context)
    if not folder.path(SCRIPT).is_file() and folder.path(NOTEBOOK).is_file():
        raise absent(folder, SCRIPT, "A pipeline runs scripts; export the cells.", f"Save {NOTEBOOK} as {SCRIPT}.")
    for name in (SCRIPT, DATA, HOLDOUT):
        source(context, name)
    interpreter = runtime(context, SCIENCE)
    with scratch(context) as copy:
        options = ["--data", DATA, "--holdout", HOLDOUT, "--output", "{output}"]
        options += ["--test-size", str(TEST_SIZE), "--seed", str(SEED)]
        arguments = [str(copy / SCRIPT), str(RUNS), str(copy / "out"), *options]
        ended = run_driver(context, interpreter, "train_repeatedly.py", arguments, copy)
        if ended.code != 0:
            raise _broken(ended)
        return [_read(copy / "out" / str(number) / "model") for number in range(RUNS)]


def _read(folder: Path) -> Trained:
    path = folder / "model.json"
    if not path.is_file() or not (folder / "model.joblib").is_file():
        found = sorted(str(one.relative_to(folder.parent)) for one in folder.parent.rglob("*") if one.is_file())
        raise failed(
            f"a run left {quote(', '.join(found)) or 'nothing'}",
            "model/model.json and model/model.joblib in the output folder",
            "The script ran to its end: which of its functions writes the model?",
        )
    model = read_model(path.read_bytes(), "a local run")
    return Trained(model, json.loads(path.read_text(encoding="utf-8")))


def _broken(ended: Ended) -> Fail:
    how = "is not done after its time" if ended.code is None else f"ends with code {ended.code}"
    return failed(
        f"{SCRIPT} {how}: {quote(ended.last_line)}",
        "a run that ends with code 0",
        "The last line of the trace names the error, the line above it the place.",
        "The script takes --data, --holdout, --output, --test-size and --seed.",
        commands=(TRY,),
    )
