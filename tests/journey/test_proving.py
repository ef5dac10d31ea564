"""How a proof is judged and printed, without a world: what the checker says is made up here."""

from journey.mistakes import MISTAKES
from journey.proving.judging import Verdict, judge_mistake, judge_pass, judge_starter
from journey.proving.looking import Seen
from journey.proving.proof import MISTAKE, SOLUTION, STARTER, VARIATION, Proof, document, is_perfect, rates, table, text

BASIC = MISTAKES["project-basic"]


def seen(**outcomes: str) -> dict[str, Seen]:
    hints = {BASIC.code: (f"Well, {BASIC.hint.upper()}.",)}
    return {code: Seen(code, "M2", outcome, "seen", hints.get(code, ())) for code, outcome in outcomes.items()}


def test_mistake_is_right_when_its_check_alone_cries_out_with_its_hint() -> None:
    verdict = judge_mistake(BASIC, seen(ORG001="pass", PRJ002="fail", PRJ003="blocked"))
    assert verdict == Verdict("project-basic", "M2", True)


def test_mistake_that_nobody_finds_is_not_detected() -> None:
    verdict = judge_mistake(BASIC, seen(PRJ002="pass"))
    assert not verdict.found
    assert "PRJ002 is pass" in verdict.problem


def test_another_check_that_cries_out_is_a_wrong_hint() -> None:
    verdict = judge_mistake(BASIC, seen(PRJ002="fail", PRJ003="waiting", ORG001="unknown"))
    assert verdict.found
    assert verdict.wrong == ("PRJ003", "ORG001")


def test_hint_that_does_not_say_it_is_a_wrong_hint() -> None:
    verdict = judge_mistake(BASIC, {"PRJ002": Seen("PRJ002", "M2", "fail", "seen", ("Something else.",))})
    assert verdict.wrong == ("PRJ002",)


def test_check_that_was_not_looked_at_is_no_detection() -> None:
    assert "not looked at" in judge_mistake(BASIC, {}).problem


def test_right_state_with_a_blocked_check_is_a_false_alarm() -> None:
    assert judge_pass("x", "M2", seen(PRJ002="pass", PRJ003="blocked")).wrong == ("PRJ003",)


def test_starter_that_passes_a_check_of_the_work_is_no_starter() -> None:
    assert judge_starter("M2", ("PRJ002",), seen(PRJ002="pass")).problem == "PRJ002 passes already"
    assert judge_starter("M2", ("PRJ002",), seen(PRJ002="blocked", ORG001="pass")).good
    assert not judge_starter("M2", (), {}).good


def proofs(*bad: str) -> list[Proof]:
    def one(leg: str, name: str, module: str) -> Proof:
        wrong = ("X",) if name in bad else ()
        return Proof(leg, Verdict(name, module, True, wrong, "X cries" if wrong else ""))

    legs = ((STARTER, "starter"), (SOLUTION, "solution"), (MISTAKE, "m1"), (MISTAKE, "m2"), (VARIATION, "v"))
    return [one(leg, name, "M10") for leg, name in legs] + [one(MISTAKE, "m3", "M2")]


def test_table_counts_by_module_in_the_order_of_the_workshop() -> None:
    assert table(proofs("m2")) == [("M2", "-", "-", "1 / 1", "-"), ("M10", "yes", "yes", "1 / 2", "1 / 1")]


def test_rates_are_shares_of_mistakes_and_of_right_states() -> None:
    found = rates(proofs("m2", "solution"))
    assert (found.detection, found.wrong_hint, found.false_alarm) == (1.0, 1 / 3, 0.5)
    assert rates([]).detection is None


def test_one_verdict_that_is_not_good_spoils_the_proof() -> None:
    assert is_perfect(proofs())
    assert not is_perfect(proofs("v"))
    assert document(proofs("v"), 1.0)["perfect"] is False
    assert "false alarms           50.0 %" in text(proofs("v"), 1.0)
