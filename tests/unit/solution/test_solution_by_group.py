"""The error by group is that of the group's own patients, and a small group has a wide interval."""

from pathlib import Path

import by_group
import model_card
import pytest

ROOT = Path(__file__).resolve().parents[3]
ROWS = by_group.read_holdout(ROOT / by_group.HOLDOUT)
MODEL = {"coefficients": [0.0] * 10, "intercept": 150.0}


def test_the_groups_share_out_all_patients() -> None:
    groups = by_group.groups_of(ROWS)
    assert sorted(place for places in groups.values() for place in places) == list(range(len(ROWS)))
    assert {ROWS[place][by_group.SEX] for place in groups["SEX 1"]} == {min(row[by_group.SEX] for row in ROWS)}


def test_errors_are_the_groups_own() -> None:
    first, second, everybody = by_group.errors_by_group(MODEL, ROWS)
    assert first.patients + second.patients == everybody.patients == 89
    weighed = (first.patients * first.mse + second.patients * second.mse) / everybody.patients
    assert weighed == pytest.approx(everybody.mse)
    assert everybody.mean == pytest.approx(150 - sum(row[-1] for row in ROWS) / len(ROWS))
    assert all(one.low < one.mse < one.high for one in (first, second, everybody))
    assert second.high - second.low > everybody.high - everybody.low


def test_a_card_has_no_comment_of_its_source_and_one_fingerprint_whatever_the_line_ends() -> None:
    statements = model_card.STATEMENTS.read_text(encoding="utf-8")
    text = model_card.card_text("m:1", {"mse": "3019.4"}, by_group.errors_by_group(MODEL, ROWS), statements)
    assert "<!--" not in text
    assert "| mse | 3019.4000 |" in text
    assert model_card.fingerprint(text) == model_card.fingerprint(text.replace("\n", "\r\n"))
    assert model_card.fingerprint(text) != model_card.fingerprint(text + " ")
