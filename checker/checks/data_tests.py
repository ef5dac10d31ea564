"""Module 11, on this machine: the data tests, shown damaged files in the place of the real one."""

import ast
from collections.abc import Iterator, Mapping, Sequence

from checker.checks.judgement import quote
from checker.checks.registry import machine_check
from checker.checks.workbench import GREEN, TestRun, clone, run_tests, scratch, side_by_side, source
from checker.clone.damage import MADE, empty_cells
from checker.context import CheckContext
from checker.model import Evidence, Fail, failed

TESTS = "labs/tests/data_quality"
DATA = "labs/data/diabetes.csv"
SAMPLES = ("diabetes_bad_dist.csv", "diabetes_bad_schema.csv", "diabetes_missing_values.csv")
MISSING = "diabetes_missing_values.csv"
MEANS = frozenset({"mean", "fmean", "average"})
SPREADS = ("std", "stdev", "deviation", "spread")
SPREAD_CALLS = frozenset({"std", "stdev", "pstdev", "var", "variance", "pvariance", "sqrt"})


@machine_check("DQT001", "M11")
def data_tests_can_fail(context: CheckContext) -> Evidence:
    """The data tests go red for damaged data, and green for the data as it is.

    With 30 % of BMI set to zero the model's error even falls: no metric sees it, only a look at the data.
    """
    if not any(name.startswith("test_") for name in clone(context).names(TESTS)):
        raise failed(f"{TESTS} holds no file test_*.py", "data tests", commands=(f"ls {TESTS}",))
    good = source(context, DATA)
    files = {name: source(context, f"labs/data/{name}") for name in SAMPLES}
    try:
        files |= {name: damage(good) for name, damage in MADE.items()}
    except (ValueError, IndexError) as problem:
        raise failed(
            f"{DATA} is damaged itself: {problem}", "the data as it came", commands=(f"git checkout {DATA}",)
        ) from None
    runs = _shown(context, {DATA: good, **files})
    if green := [name for name in files if runs[name].code == GREEN]:
        raise _stayed_green(context, green, files)
    if runs[DATA].code != GREEN:
        raise _red_on_good(context, runs[DATA])
    return Evidence(f"green for {DATA}, red for {', '.join(files)}", {"files": str(len(files))})


def _shown(context: CheckContext, files: Mapping[str, str]) -> Mapping[str, TestRun]:
    """What the learner's tests say of each file, by its name."""
    results = side_by_side(lambda text: _look(context, text), list(files.values()))
    return dict(zip(files, results, strict=True))


def _look(context: CheckContext, text: str) -> TestRun:
    """The tests with this text as the training file: at its place, and by DATA_FILE."""
    with scratch(context) as copy:
        (copy / DATA).write_text(text, encoding="utf-8")
        return run_tests(context, TESTS, copy, {"DATA_FILE": str(copy / DATA)})


def _stayed_green(context: CheckContext, green: Sequence[str], files: Mapping[str, str]) -> Fail:
    return failed(
        f"the data tests stay green for {', '.join(green)}",
        f"red for each of {len(files)} damaged files",
        *_why_green(context, green, files),
        "See solution/tests/data_quality/test_diabetes.py.",
        commands=("checker diff M11", f"DATA_FILE=labs/data/{SAMPLES[0]} python -m pytest {TESTS}"),
    )


def _why_green(context: CheckContext, green: Sequence[str], files: Mapping[str, str]) -> Iterator[str]:
    place = _mean_for_spread(context)
    if MISSING in green:
        nulls = empty_cells(files[MISSING])
        yield f"All green, and your training file has {nulls} nulls: which file do the tests look at?"
        yield "A test of a bad sample is glad that the sample is bad. Look at the file that is trained on: DATA_FILE."
    elif not place:
        yield f"Nothing looks at what is wrong with {green[0]}."
    if place:
        yield _mean_hint(place)
    yield "Look at columns, empty cells, range, mean, spread, distribution; labs/data/diabetes_reference.json has them."


def _red_on_good(context: CheckContext, run: TestRun) -> Fail:
    place = _mean_for_spread(context)
    how = "are not done in time" if run.code is None else "are red"
    return failed(
        f"for {DATA} as it came the data tests {how}: {run.first_problem}",
        "green for the data that the workshop starts with",
        _mean_hint(place) if place else "A gate that always says no is taken away in a week.",
        "Bounds have to be wide enough for another sample of the same patients.",
        commands=(f"python -m pytest {TESTS}", "checker diff M11"),
    )


def _mean_hint(place: str) -> str:
    return f"{place}: the standard deviation is computed with the function for the mean. statistics.stdev is the one."


def _mean_for_spread(context: CheckContext) -> str:
    """Where the tests call a mean a spread, as `file, line N`; '' where they do not, or cannot be read."""
    folder = clone(context)
    for name in folder.names(TESTS):
        if name.endswith(".py"):
            try:
                tree = ast.parse(source(context, f"{TESTS}/{name}"))
            except SyntaxError:
                continue  # pytest has said so already, with the line
            if line := next(_misnamed(tree), 0):
                return quote(f"{TESTS}/{name}, line {line}")
    return ""


def _misnamed(tree: ast.AST) -> Iterator[int]:
    """Lines where a name that means spread gets a mean: `std = mean(...)`, or a function that returns one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
            calls = _called(node.value)
            if any(_means_spread(name) for name in names) and calls & MEANS and not calls & SPREAD_CALLS:
                yield node.lineno
        elif isinstance(node, ast.FunctionDef) and _means_spread(node.name):
            calls = _called(node)
            if calls & MEANS and not calls & SPREAD_CALLS and not any(_means_spread(name) for name in calls):
                yield node.lineno


def _means_spread(name: str) -> bool:
    return any(word in name.lower() for word in SPREADS)


def _called(node: ast.AST) -> frozenset[str]:
    """The last part of the name of everything that is called beneath a node."""
    functions = (call.func for call in ast.walk(node) if isinstance(call, ast.Call))
    named = (
        function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "") for function in functions
    )
    return frozenset(filter(None, named))
