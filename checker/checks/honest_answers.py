"""Module 7, on this machine: the scoring script and the integration tests, each shown what must not pass."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from checker.checks.judgement import quote
from checker.checks.registry import machine_check
from checker.checks.workbench import (
    GREEN,
    RED,
    SERVING,
    TestRun,
    clone,
    run_driver,
    run_tests,
    runtime,
    scratch,
    side_by_side,
    source,
)
from checker.clone.faults import FAULTS, HEALTHY, MODEL, Fault, FaultyService, Predict, fit
from checker.context import CheckContext
from checker.model import Evidence, Fail, failed

SCORE = "labs/image/score.py"
TESTS = "labs/tests/integration"
HOLDOUT = "labs/data/diabetes_holdout.csv"
NO_MODEL = 500  # and above: the server's own failure
ERROR = re.compile(r"[\w.]*(Error|Exception)\b.*: ")


@machine_check("TST001", "M7")
def failures_are_no_answers(context: CheckContext) -> Evidence:
    """The scoring script refuses bad input, and a failure is never an answer.

    A caller, a test and a monitor look at the status. A 200 with an error inside is an answer to all of them.
    """
    source(context, SCORE)
    cases = {case["name"]: case for case in _cases(context)}
    good, raising = cases.pop("good"), cases.pop("raising")
    if good["status"] != 200 or "predictions" not in good["answer"]:
        raise _good_request_refused(good)
    if raising["status"] < NO_MODEL:
        raise _dressed_up(raising)
    if accepted := [case for case in cases.values() if not 400 <= case["status"] < 500]:
        raise _bad_input_accepted(accepted)
    return Evidence(
        f"a model that raises gives {raising['status']}, {len(cases)} kinds of bad input 4xx",
        {"cases": str(len(cases))},
    )


@machine_check("TST002", "M7")
def integration_tests_can_fail(context: CheckContext) -> Evidence:
    """The integration tests go red for a wrong service, and green for a healthy one.

    A test suite is worth what it turns red for: yours is shown three services that must not go to production.
    """
    folder = clone(context)
    if not any(name.startswith("test_") for name in folder.names(TESTS)):
        raise failed(f"{TESTS} holds no file test_*.py", "integration tests", commands=(f"ls {TESTS}",))
    text = source(context, HOLDOUT)
    try:
        predict = fit(text)
    except ValueError as problem:
        raise failed(
            f"{HOLDOUT}: {problem}", "the hold-out as it came", commands=(f"git checkout {HOLDOUT}",)
        ) from None
    runs = _shown(context, predict, (HEALTHY, *FAULTS))
    if green := [fault.name for fault in FAULTS if runs[fault.name].code == GREEN]:
        raise _stayed_green(green)
    if runs[HEALTHY.name].code != GREEN:
        raise _red_on_health(runs[HEALTHY.name])
    if broken := [fault.name for fault in FAULTS if runs[fault.name].code != RED]:
        raise failed(
            f"with {broken[0]} the tests do not end as tests do: {runs[broken[0]].first_problem}", "red, code 1"
        )
    return Evidence(f"green when healthy, red for {', '.join(fault.name for fault in FAULTS)}")


def _cases(context: CheckContext) -> Sequence[Mapping[str, Any]]:
    """What the learner's scoring script answered, case by case. Raises Fail when it cannot even be served."""
    interpreter = runtime(context, SERVING)
    with scratch(context) as copy:
        arguments = [str(copy / SCORE), str(copy / "models")]
        ended = run_driver(context, interpreter, "score_honestly.py", arguments, copy)
        written = copy / "models" / "cases.json"
        if ended.code != 0 or not written.is_file():
            raise failed(
                f"{SCORE} cannot be served: {quote(_reason(ended.output) or ended.last_line)}",
                "init() that loads model.joblib beneath AZUREML_MODEL_DIR, and run()",
                "The server imports the script, calls init() once, and run() for every request.",
                commands=("azmlinfsrv --entry_script labs/image/score.py",),
            )
        cases: list[Mapping[str, Any]] = json.loads(written.read_text(encoding="utf-8"))
        return cases


def _reason(output: str) -> str:
    """The first line of the output that names an error: what comes after it is the server's."""
    lines = (line.strip() for line in output.splitlines())
    return next((line for line in lines if ERROR.match(line)), "")


def _good_request_refused(case: Mapping[str, Any]) -> Fail:
    return failed(
        f"a good request is answered {case['status']}: {quote(case['answer'])}",
        "status 200 and predictions, one for each row",
        "The request holds two rows of ten standardised numbers, as the head of the script describes it.",
    )


def _dressed_up(case: Mapping[str, Any]) -> Fail:
    return failed(
        f"a model that raises is answered {case['status']}: {quote(case['answer'])}",
        "status 500, and no answer",
        "HTTP 200 with an error inside: your test cannot see it."
        if case["status"] < 300
        else f"The model broke, and {case['status']} tells the caller that they did.",
        f"Which `except` of {SCORE} catches what the model raises?",
        "Leave what the model raises to the server: it answers 500 and logs it. Catch BadInput alone, and answer 400.",
        commands=("checker diff M7",),
    )


def _bad_input_accepted(cases: Sequence[Mapping[str, Any]]) -> Fail:
    answered = [case for case in cases if case["status"] < 300]
    first = (answered or cases)[0]
    shown = ", ".join(f"{case['name']} {case['status']}" for case in cases)
    return failed(
        f"bad input is not refused as the caller's error: {shown}; {first['name']}: {quote(first['answer'])}",
        "a status from 400 to 499, with what was seen and what is expected",
        f"`{first['name']}` got an answer: a number that means nothing looks like any other number."
        if answered
        else "A 500 says that you failed; it was the caller who sent something else.",
        "The features are standardised, within 0.2 of 0: an age of 59 is none. Look before the model is asked."
        if answered
        else "Raise BadInput while the request is read, and answer it with 400.",
        "See read_value() in solution/image/score.py.",
        commands=("checker diff M7",),
    )


def _fitted(context: CheckContext) -> Predict:
    """A model of the hold-out's own rows, for the services that the tests are shown. Raises Fail for a damaged file."""
    try:
        return fit(source(context, HOLDOUT))
    except ValueError as problem:
        restore = f"git checkout {HOLDOUT}"
        raise failed(f"{HOLDOUT}: {problem}", "the hold-out as it came", commands=(restore,)) from None


def _shown(context: CheckContext, predict: Predict, faults: Sequence[Fault]) -> Mapping[str, TestRun]:
    """What the learner's tests say of each service, by its name."""
    with scratch(context) as copy:
        results = side_by_side(lambda fault: _ask(context, copy, FaultyService(predict, fault)), faults)
        return {fault.name: result for fault, result in zip(faults, results, strict=True)}


def _ask(context: CheckContext, copy: Path, service: FaultyService) -> TestRun:
    with service.running() as url:
        variables = {"SCORING_URL": url, "SCORING_KEY": service.key, "SCORING_MODEL": MODEL}
        return run_tests(context, TESTS, copy, variables)


def _stayed_green(green: Sequence[str]) -> Fail:
    first = "an error text" in green[0]
    return failed(
        f"the tests stay green for {'; for '.join(green)}",
        f"red for each of the {len(FAULTS)} faults that the tests are shown",
        "The service answered an error with status 200, and the test is content with the status."
        if first
        else f"Which assertion looks at the values? With {green[0]} all of yours hold.",
        "Assert about the answer: one finite number a row, in the target's range, nearer to the truth than its mean.",
        "Assert about a refusal too: raw values, such as an age of 59, get a 4xx.",
        "See solution/tests/integration/test_scoring.py.",
        commands=("checker diff M7",),
    )


def _red_on_health(run: TestRun) -> Fail:
    how = "are not done in time" if run.code is None else "are red"
    return failed(
        f"for a healthy service the tests {how}: {run.first_problem}",
        "green for a service that keeps the contract of score.py",
        "A test that is always red says as little as one that is always green.",
        "The address is SCORING_URL, the key SCORING_KEY; the contract stands at the head of labs/image/score.py.",
        commands=("checker diff M7",),
    )
