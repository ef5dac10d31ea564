"""Runs checks: in the order of their prerequisites, independent ones side by side, every ending turned into an outcome.

The threads are daemons fed by a queue, not an executor's: an executor is joined at exit, and Ctrl-C would wait for it.
"""

import logging
import queue
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from graphlib import TopologicalSorter

from checker.context import CheckContext
from checker.errors import AccessError
from checker.model import MODULES, Check, CheckResult, Evidence, Finding, Outcome, Verdict

THREADS = 6
POLL_SECONDS = 0.2  # Windows does not interrupt a wait without a limit

log = logging.getLogger("checker.runner")

Report = Callable[[CheckResult], None]


def with_prerequisites(selected: Iterable[str], checks: Mapping[str, Check]) -> list[Check]:
    """The selected checks and everything they need, in registry order."""
    wanted: set[str] = set()
    pending = list(selected)
    while pending:
        code = pending.pop()
        if code not in wanted:
            wanted.add(code)
            pending.extend(checks[code].requires)
    return [check for code, check in checks.items() if code in wanted]


def run_checks(checks: list[Check], context: CheckContext, on_result: Report | None = None) -> list[CheckResult]:
    """The results, in the order of `checks`. `on_result` hears each one when it is decided, on the calling thread.

    Every prerequisite of a check must be in `checks`.
    """
    by_code = {check.code: check for check in checks}
    order = TopologicalSorter({check.code: check.requires for check in checks})
    order.prepare()
    todo: queue.Queue[Check | None] = queue.Queue()
    done: queue.Queue[CheckResult] = queue.Queue()
    _start_threads(todo, done, context, min(THREADS, len(checks)))
    results: dict[str, CheckResult] = {}
    try:
        while order.is_active():
            for code in order.get_ready():
                _dispatch(by_code[code], results, todo, done)
            result = _next(done)
            results[result.check.code] = result
            order.done(result.check.code)
            if on_result:
                on_result(result)
    finally:
        for _ in range(THREADS):
            todo.put(None)
    return [results[check.code] for check in checks]


def _dispatch(
    check: Check,
    results: Mapping[str, CheckResult],
    todo: "queue.Queue[Check | None]",
    done: "queue.Queue[CheckResult]",
) -> None:
    blockers = tuple(code for code in check.requires if results[code].outcome is not Outcome.PASS)
    if blockers:
        done.put(CheckResult(check, Outcome.BLOCKED, None, None, 0.0, blockers))
    else:
        todo.put(check)


def _start_threads(
    todo: "queue.Queue[Check | None]", done: "queue.Queue[CheckResult]", context: CheckContext, count: int
) -> None:
    def work() -> None:
        while (check := todo.get()) is not None:
            done.put(run_check(check, context))

    for number in range(count):
        threading.Thread(target=work, name=f"check-{number}", daemon=True).start()


def _next(done: "queue.Queue[CheckResult]") -> CheckResult:
    while True:
        try:
            return done.get(timeout=POLL_SECONDS)
        except queue.Empty:
            continue


def run_check(check: Check, context: CheckContext) -> CheckResult:
    """One check's result. Nothing a check raises gets past here: this is the edge."""
    began = time.monotonic()
    outcome, finding, evidence = Outcome.PASS, None, None
    try:
        evidence = check.run(context)
    except Verdict as verdict:
        outcome, finding = verdict.outcome, _with_page(check, verdict.finding)
    except AccessError as error:
        outcome, finding = Outcome.UNKNOWN, could_not_look(error)
    except Exception as error:  # noqa: BLE001  (the edge: a defect of one check must not end the others)
        outcome, finding = Outcome.ERROR, _defect(check, error)
    return CheckResult(
        check, outcome, finding, evidence if isinstance(evidence, Evidence) else None, time.monotonic() - began
    )


def could_not_look(error: AccessError) -> Finding:
    """What a person can do about a look that was not possible."""
    return Finding(f"{error.looked_at}: {error.seen}", error.expected, commands=error.commands)


def _with_page(check: Check, finding: Finding) -> Finding:
    module = MODULES[check.module]
    if finding.page is not None or module.page is None:
        return finding
    return Finding(finding.seen, finding.expected, finding.hints, finding.commands, module.page)


def _defect(check: Check, error: Exception) -> Finding:
    reference = uuid.uuid4().hex[:8]
    log.error("%s reference %s", check.code, reference, exc_info=error)
    return Finding(
        f"the check itself broke: {type(error).__name__} (log reference {reference})",
        "an answer from the check; this says nothing about the work",
        commands=(f"checker check {check.code} -v",),
    )
