"""Whether what the checker says is what it should say: of a mistake, of a variation, of a starter, of a solution."""

from collections.abc import Mapping
from dataclasses import dataclass

from journey.mistakes.registry import UNKNOWN, Mistake
from journey.proving.looking import Seen

PASS, BLOCKED = "pass", "blocked"
QUIET = (PASS, BLOCKED)


@dataclass(frozen=True)
class Verdict:
    """One proof. `found` is whether the expected check came to the expected outcome, `wrong` the checks that cried out
    and should not have, `problem` a sentence on either; '' when all is as it should be.
    """

    id: str
    module: str
    found: bool
    wrong: tuple[str, ...] = ()
    problem: str = ""

    @property
    def good(self) -> bool:
        return not self.problem


def judge_mistake(mistake: Mistake, seen: Mapping[str, Seen]) -> Verdict:
    """The expected check, with the expected hint, and no other check."""
    expected = seen.get(mistake.code)
    found = expected is not None and expected.outcome == mistake.outcome
    others = [one for one in seen.values() if one.code != mistake.code and one.outcome not in QUIET]
    hinted = expected is not None and _hinted(mistake, expected)
    problems = [
        *([] if found else [f"{mistake.code} is {expected.outcome if expected else 'not looked at'}{_said(expected)}"]),
        *(
            [f"no hint of {mistake.code} says `{mistake.hint}`{_said(expected)}, but: {_hints(expected)}"]
            if found and not hinted
            else []
        ),
        *(f"{one.code} is {one.outcome}{_said(one)}" for one in others),
    ]
    wrong = tuple(one.code for one in others) + ((mistake.code,) if found and not hinted else ())
    return Verdict(mistake.id, mistake.module, found, wrong, "; ".join(problems))


def judge_pass(id: str, module: str, seen: Mapping[str, Seen]) -> Verdict:
    """Every check passes: what is right may not be called wrong."""
    alarms = [one for one in seen.values() if one.outcome != PASS]
    said = "; ".join(f"{one.code} is {one.outcome}{_said(one)}" for one in alarms)
    return Verdict(id, module, not alarms, tuple(one.code for one in alarms), said)


def judge_starter(module: str, work: tuple[str, ...], seen: Mapping[str, Seen]) -> Verdict:
    """None of the checks that a module's work is about passes before the work is done."""
    early = [code for code in work if code in seen and seen[code].outcome == PASS]
    missing = [] if work else ["the module has no check that its work is about"]
    problems = [*(f"{code} passes already" for code in early), *missing]
    return Verdict("starter", module, not problems, tuple(early), "; ".join(problems))


def _hinted(mistake: Mistake, seen: Seen) -> bool:
    """Whether one of the hints says it; where nobody could look there is none to give."""
    return mistake.outcome == UNKNOWN or any(mistake.hint.lower() in hint.lower() for hint in seen.hints)


def _hints(seen: Seen | None) -> str:
    return " / ".join(seen.hints) if seen else ""


def _said(seen: Seen | None) -> str:
    return f" ({seen.text[:200]})" if seen and seen.text else ""
