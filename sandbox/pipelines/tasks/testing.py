"""Test results: JUnit files read and given to the run."""

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from sandbox.pipelines.events import TestResultsPublished
from sandbox.pipelines.running.context import StepContext
from sandbox.pipelines.running.errors import StepError
from sandbox.pipelines.running.host import TestCase, TestRunResults

PASSED, FAILED, NOT_EXECUTED = "Passed", "Failed", "NotExecuted"


class UnreadableResults(StepError):
    """A result file cannot be read."""


def publish(step: StepContext, kind: str, files: Sequence[Path], title: str, merge: bool) -> int:
    """Read and publish result files, as one run or one a file; how many tests failed. Raises UnreadableResults, and
    StepError for a format that is not rehearsed."""
    if kind.strip().lower() != "junit":
        raise StepError(f"Test results of type {kind} are not rehearsed here; JUnit is.")
    job = step.job.reference
    read = [(path, tuple(_masked(step, case) for case in _read(path))) for path in files]
    if merge:
        read_all = [(tuple(files), tuple(case for _, cases in read for case in cases))]
    else:
        read_all = [((path,), cases) for path, cases in read]
    failed = 0
    for number, (paths, cases) in enumerate(read_all, 1):
        shown = title or f"JUnit_TestResults_{step.run.request.run_id}"
        name = f"{shown}_{number}" if len(read_all) > 1 else shown
        step.host.publish_test_results(TestRunResults(name, cases, job.stage, job.job, paths))
        failed += _announce(step, name, cases, len(paths))
    return failed


def _masked(step: StepContext, case: TestCase) -> TestCase:
    """What a test printed may hold a secret."""
    return replace(
        case,
        name=step.mask(case.name),
        suite=step.mask(case.suite),
        message=step.mask(case.message),
        stack_trace=step.mask(case.stack_trace),
    )


def _announce(step: StepContext, title: str, cases: Sequence[TestCase], files: int) -> int:
    passed = sum(case.outcome == PASSED for case in cases)
    failed = sum(case.outcome == FAILED for case in cases)
    skipped = len(cases) - passed - failed
    step.write(f"{title}: total {len(cases)}, passed {passed}, failed {failed}, not executed {skipped}")
    for case in cases:
        if case.outcome == FAILED:
            step.write(f"  failed: {case.suite}.{case.name}: {case.message.splitlines()[0] if case.message else ''}")
    counts = (len(cases), passed, failed, skipped, files)
    step.emit(TestResultsPublished(step.host.now(), step.reference, step.mask(title), *counts))
    return failed


def _read(path: Path) -> Iterator[TestCase]:
    """Test cases as they come; the file is not held in memory as a whole."""
    try:
        found = False
        for _, element in ElementTree.iterparse(path):
            if element.tag in ("testsuite", "testsuites"):
                found = True
            if element.tag == "testcase":
                found = True
                yield _case(element)
                element.clear()
    except ElementTree.ParseError as error:
        raise UnreadableResults(f"Failed to read '{path}': {error}. Expected a JUnit file.") from error
    if not found:
        raise UnreadableResults(f"'{path}' holds no testsuite element. Expected a JUnit file.")


def _case(element: ElementTree.Element) -> TestCase:
    bad = next((one for one in element if one.tag in ("failure", "error")), None)
    skipped = element.find("skipped")
    outcome = FAILED if bad is not None else NOT_EXECUTED if skipped is not None else PASSED
    shown = bad if bad is not None else skipped
    return TestCase(
        name=element.get("name", ""),
        suite=element.get("classname", ""),
        outcome=outcome,
        seconds=_seconds(element.get("time", "")),
        message=(shown.get("message") or "") if shown is not None else "",
        stack_trace=(bad.text or "") if bad is not None else "",
    )


def _seconds(text: str) -> float:
    try:
        return float(text.replace(",", "") or "0")
    except ValueError:
        return 0.0
