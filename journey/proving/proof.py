"""The whole proof: every leg of every module, several at once, and the table of what came out."""

import threading
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial

from journey.mistakes import MISTAKES, VARIATIONS
from journey.mistakes.registry import Mistake, Variation, number
from journey.proving.corpus import Switchboard, Worlds, prove_mistake, prove_variation
from journey.proving.judging import Verdict
from journey.proving.looking import Checker
from journey.proving.modules import REACHED, after, before, prove_solution, prove_starter

SCHEMA, VERSION = "mlops-workshop/proof", 1
STARTER, SOLUTION, MISTAKE, VARIATION = "starter", "solution", "mistake", "variation"
YES, NO, NONE = "yes", "NO", "-"

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Proof:
    """One leg: what was proven, and how it came out."""

    leg: str
    verdict: Verdict


@dataclass(frozen=True)
class Rates:
    """Shares from 0 to 1: mistakes that their check found, mistakes with a cry of another check or without their hint,
    right states (solutions, variations) that were called wrong. None where there is nothing to count.
    """

    detection: float | None
    wrong_hint: float | None
    false_alarm: float | None


@dataclass(frozen=True)
class Wanted:
    """What is to be proven: all of it, or some modules, or one mistake."""

    modules: Collection[str] = ()
    mistake: str = ""

    def takes(self, module: str) -> bool:
        return not self.modules or module in self.modules


def prove(
    wanted: Wanted, worlds: Worlds, checker: Checker, switchboard: Switchboard, threads: int, tell: Tell
) -> list[Proof]:
    """Every leg that is wanted. `tell` hears of each that is not as it should be, from any thread."""
    told = threading.Lock()

    def done(proof: Proof) -> Proof:
        if not proof.verdict.good:
            with told:
                tell(f"{proof.leg} {proof.verdict.module} {proof.verdict.id}: {proof.verdict.problem}")
        return proof

    alone = [one for one in _mistakes(wanted) if one.switches]
    jobs = list(_jobs(wanted, worlds, checker))
    with ThreadPoolExecutor(threads) as pool:
        proofs = [done(proof) for proof in pool.map(lambda job: job(), jobs)]
    # Switches hold for the whole organisation, so these mistakes are made when nothing else is under way.
    return proofs + [done(Proof(MISTAKE, prove_mistake(one, worlds, checker, switchboard))) for one in alone]


def _mistakes(wanted: Wanted) -> list[Mistake]:
    if wanted.mistake:
        return [MISTAKES[wanted.mistake]]
    return [one for one in MISTAKES.values() if wanted.takes(one.module)]


def _jobs(wanted: Wanted, worlds: Worlds, checker: Checker) -> Iterable[Callable[[], Proof]]:
    """The slow legs first."""
    if not wanted.mistake:
        for module in (one for one in REACHED if wanted.takes(one)):
            yield partial(_prove_starter, module, worlds, checker)
            yield partial(_prove_solution, module, worlds, checker)
        for variation in (one for one in VARIATIONS.values() if wanted.takes(one.module)):
            yield partial(_prove_variation, variation, worlds, checker)
    for mistake in (one for one in _mistakes(wanted) if not one.switches):
        yield partial(_prove_mistake, mistake, worlds, checker)


def _prove_starter(module: str, worlds: Worlds, checker: Checker) -> Proof:
    return Proof(STARTER, prove_starter(module, worlds.fresh(before(module), clone=True), checker))


def _prove_solution(module: str, worlds: Worlds, checker: Checker) -> Proof:
    return Proof(SOLUTION, prove_solution(module, worlds.fresh(after(module), clone=True), checker))


def _prove_variation(one: Variation, worlds: Worlds, checker: Checker) -> Proof:
    return Proof(VARIATION, prove_variation(one, worlds, checker))


def _prove_mistake(one: Mistake, worlds: Worlds, checker: Checker) -> Proof:
    return Proof(MISTAKE, prove_mistake(one, worlds, checker))


def rates(proofs: Sequence[Proof]) -> Rates:
    mistakes = [one.verdict for one in proofs if one.leg == MISTAKE]
    right = [one.verdict for one in proofs if one.leg in (SOLUTION, VARIATION)]
    return Rates(
        detection=_share([one.found for one in mistakes]),
        wrong_hint=_share([bool(one.wrong) for one in mistakes]),
        false_alarm=_share([not one.good for one in right]),
    )


def _share(found: Sequence[bool]) -> float | None:
    return sum(found) / len(found) if found else None


def is_perfect(proofs: Sequence[Proof]) -> bool:
    return all(one.verdict.good for one in proofs)


def table(proofs: Sequence[Proof]) -> list[tuple[str, str, str, str, str]]:
    """Rows of module, starter fails, solution passes, mistakes and variations as `found / total`."""
    modules = sorted({one.verdict.module for one in proofs}, key=number)
    return [(module, *_cells([one for one in proofs if one.verdict.module == module])) for module in modules]


def _cells(proofs: Sequence[Proof]) -> tuple[str, str, str, str]:
    return _one(proofs, STARTER), _one(proofs, SOLUTION), _counted(proofs, MISTAKE), _counted(proofs, VARIATION)


def _one(proofs: Sequence[Proof], leg: str) -> str:
    found = [one for one in proofs if one.leg == leg]
    return NONE if not found else YES if is_perfect(found) else NO


def _counted(proofs: Sequence[Proof], leg: str) -> str:
    found = [one for one in proofs if one.leg == leg]
    return f"{sum(one.verdict.good for one in found)} / {len(found)}" if found else NONE


def document(proofs: Sequence[Proof], seconds: float) -> dict[str, object]:
    """The proof for programs."""
    return {
        "schema": SCHEMA,
        "version": VERSION,
        "seconds": round(seconds, 1),
        "perfect": is_perfect(proofs),
        "rates": asdict(rates(proofs)),
        "proofs": [{"leg": one.leg, **asdict(one.verdict), "good": one.verdict.good} for one in proofs],
    }


def text(proofs: Sequence[Proof], seconds: float) -> str:
    """The proof for people: the table, the rates, and the time."""
    heads = ("module", "starter fails", "solution passes", "mistakes", "variations")
    rows = [heads, *table(proofs)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(heads))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    found = rates(proofs)
    return "\n".join(
        [
            *lines,
            "",
            f"mistakes recognised    {_percent(found.detection)}",
            f"wrong hints            {_percent(found.wrong_hint)}",
            f"false alarms           {_percent(found.false_alarm)}",
            f"{len(proofs)} proofs in {seconds:.0f} s",
        ]
    )


def _percent(share: float | None) -> str:
    return NONE if share is None else f"{100 * share:.1f} %"
