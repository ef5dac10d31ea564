"""The result of several jobs, or of several stages, together (azure-pipelines contract, 2.6)."""

from collections.abc import Iterable

from sandbox.pipelines.expressions.contexts import Result


def combined(results: Iterable[Result]) -> Result:
    """A failure counts most, then a cancel; all skipped, or none at all, is Skipped. A job whose condition could not be
    evaluated (Abandoned) counts as a failure."""
    found = set(results)
    if found & {Result.FAILED, Result.ABANDONED}:
        return Result.FAILED
    for one in (Result.CANCELED, Result.SUCCEEDED_WITH_ISSUES, Result.SUCCEEDED):
        if one in found:
            return one
    return Result.SKIPPED


def run_result(stages: Iterable[Result], canceled: bool) -> Result:
    """Of a run: skipped stages do not count, and a run without any other has succeeded."""
    result = combined(stages)
    if canceled and result != Result.FAILED:
        return Result.CANCELED
    return Result.SUCCEEDED if result == Result.SKIPPED else result
