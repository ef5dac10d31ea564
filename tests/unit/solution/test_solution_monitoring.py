"""Drift is measured as it is defined, from records as the collector files them; too few rows are not judged."""

import json
import random
from datetime import UTC, datetime
from pathlib import Path

import drift
import false_alarms
import pytest
import send
import submit_drift
import workshop

ROOT = Path(__file__).resolve().parents[3]

REFERENCE = drift.read_reference(ROOT / "labs" / "data" / "diabetes.csv")


def test_equal_samples_have_index_zero_and_a_moved_one_has_not() -> None:
    bmi = REFERENCE["BMI"]
    assert drift.stability_index(bmi, bmi) == 0
    moved = [value + 0.5 * 0.0476 for value in bmi]
    assert 0.2 < drift.stability_index(bmi, moved) < 1


def test_a_column_of_two_values_has_two_bins_and_an_empty_bin_is_finite() -> None:
    sex = REFERENCE["SEX"]
    assert len(drift.bin_edges(sex)) == 1
    assert 0 < drift.stability_index(sex, [min(sex)]) < 20


@pytest.mark.parametrize("feature", drift.FEATURES)
def test_rounding_is_no_drift(feature: str) -> None:
    """The collector's records have ten decimals; S4 has a value that fifty patients share."""
    rounded = [round(value, 10) for value in REFERENCE[feature]]
    assert drift.stability_index(REFERENCE[feature], rounded) == 0


def test_false_alarms_are_the_rule_at_20_rows_and_gone_at_200() -> None:
    """The lesson of the module, measured: about nine in ten, one in two, two in a hundred, none."""
    source = random.Random(1)
    rates = [false_alarms.alert_rates(REFERENCE, rows, 0.0, 60, source)[0] for rows in false_alarms.SIZES]
    assert rates[0] > 0.8
    assert 0.25 < rates[1] < 0.7
    assert rates[2] < 0.15
    assert rates[3] == 0
    assert false_alarms.alert_rates(REFERENCE, 100, 0.5, 60, source)[0] > 0.9


def records(folder: Path, second: int, rows: int) -> None:
    line = {
        "time": f"2026-11-24T10:00:{second:02}Z",
        "data": [dict.fromkeys(drift.FEATURES, 0.01 * number) for number in range(rows)],
    }
    path = folder / "2026" / "11" / "24" / "10" / "a.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as text:
        text.write(json.dumps(line) + "\n")


def test_a_window_has_its_own_rows_only(tmp_path: Path) -> None:
    for second in (4, 5, 6, 7):
        records(tmp_path, second, 2)
    since, until = (datetime(2026, 11, 24, 10, 0, second, tzinfo=UTC) for second in (5, 7))
    collected = drift.read_collected(tmp_path, since, until)
    assert len(collected["BMI"]) == 4
    report = drift.judge(REFERENCE, collected, even_if_few=False)
    assert (report["judged"], report["alert"], report["rows"]) == (False, False, 4)
    assert drift.judge(REFERENCE, collected, even_if_few=True)["alert"] is True
    with pytest.raises(workshop.StepError, match="4 rows of 20 requests"):
        submit_drift.require_calm(report, 20)


def test_a_moment_without_its_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="names no time zone"):
        drift.moment("2026-11-24T10:00:00")


def test_a_shift_moves_bmi_alone_and_no_patient_comes_twice() -> None:
    patients = send.read_patients(ROOT / "labs" / "data" / "diabetes.csv")
    plain, moved = (send.choose(patients, 200, shift, seed=3) for shift in (0.0, 0.5))
    assert len({tuple(row) for row in plain}) == 200
    apart = [[a - b for a, b in zip(one, two, strict=True)] for one, two in zip(moved, plain, strict=True)]
    assert {round(row[send.BMI], 4) for row in apart} == {0.0238}
    assert not any(value for row in apart for place, value in enumerate(row) if place != send.BMI)
    with pytest.raises(workshop.ConfigurationError, match="1 to 442"):
        send.choose(patients, 443, 0.0, seed=3)
