"""The data files are what their script makes, and the data quality tests are red on every bad one."""

import csv
import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
DATA = ROOT / "labs" / "data"
QUALITY = ROOT / "solution/tests/data_quality"


def rows_of(path: Path) -> list[list[str]]:
    """Returns the rows below the header."""
    with path.open(encoding="utf-8", newline="") as text:
        return list(csv.reader(text))[1:]


def failed_tests(data: Path, tmp_path: Path) -> set[str]:
    """Returns the names of the data quality tests that are red on a file, from the JUnit report that CI publishes."""
    report = tmp_path / "report.xml"
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(QUALITY), "--junitxml", str(report)]
    done = subprocess.run(
        command, env={**os.environ, "DATA_FILE": str(data)}, capture_output=True, text=True, check=False
    )
    cases = list(ElementTree.parse(report).getroot().iter("testcase"))
    assert len(cases) > 40, done.stdout
    red = {case.attrib["name"] for case in cases if case.find("failure") is not None or case.find("error") is not None}
    assert done.returncode == (1 if red else 0), done.stdout
    return red


def test_the_script_makes_the_committed_files(runtime: Path) -> None:
    """Byte for byte."""
    command = [str(runtime), str(DATA / "make_data.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_check_sees_a_changed_byte(runtime: Path, tmp_path: Path) -> None:
    """The comparison above is one that can fail."""
    for path in DATA.glob("diabetes*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    changed = tmp_path / "diabetes.csv"
    changed.write_bytes(changed.read_bytes().replace(b"151", b"152", 1))
    command = [str(runtime), str(DATA / "make_data.py"), "--check", "--folder", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "diabetes.csv: 74628 bytes, different" in done.stdout


def test_the_holdout_is_89_different_rows_of_the_data() -> None:
    """It is part of the 442, so that training has something to leave out."""
    everything, holdout = rows_of(DATA / "diabetes.csv"), rows_of(DATA / "diabetes_holdout.csv")
    assert (len(everything), len(holdout)) == (442, 89)
    assert {tuple(row) for row in holdout} < {tuple(row) for row in everything}


def test_the_good_file_is_green(tmp_path: Path) -> None:
    """No test is red on the data of the workshop."""
    assert failed_tests(DATA / "diabetes.csv", tmp_path) == set()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "diabetes_bad_dist.csv",
            {"test_mean[BMI]", "test_mean[S5]", "test_distribution[BMI]", "test_distribution[S5]"},
        ),
        ("diabetes_missing_values.csv", {"test_no_missing_values"}),
    ],
)
def test_a_bad_file_is_red_for_its_own_reason(name: str, expected: set[str], tmp_path: Path) -> None:
    """Each fault is found by the tests that look for it, and by no other."""
    assert failed_tests(DATA / name, tmp_path) == expected


def test_the_bad_schema_is_red(tmp_path: Path) -> None:
    """A missing column and a renamed one are found by name; the columns that are right stay green."""
    red = failed_tests(DATA / "diabetes_bad_schema.csv", tmp_path)
    assert {"test_schema", "test_range[S6]", "test_mean[BMI]"} <= red
    assert not {"test_mean[AGE]", "test_no_duplicates", "test_row_count"} & red


def write_csv(path: Path, rows: list[list[str]]) -> Path:
    """Writes rows below the header of the data."""
    header = (DATA / "diabetes.csv").read_text(encoding="utf-8").splitlines()[0]
    path.write_text("\n".join([header, *(",".join(row) for row in rows)]) + "\n", encoding="utf-8")
    return path


def test_30_per_cent_of_bmi_zeroed_is_red(tmp_path: Path) -> None:
    """The fault that no metric sees: zero is the mean of a standardised column."""
    rows = rows_of(DATA / "diabetes.csv")
    for row in rows[::10] + rows[3::10] + rows[6::10]:
        row[2] = "0"
    assert {"test_distribution[BMI]", "test_standard_deviation[BMI]"} == failed_tests(
        write_csv(tmp_path / "z.csv", rows), tmp_path
    )


def test_repeated_rows_and_a_fragment_are_red(tmp_path: Path) -> None:
    """Half the file, and twenty rows twice."""
    rows = rows_of(DATA / "diabetes.csv")
    assert "test_no_duplicates" in failed_tests(write_csv(tmp_path / "twice.csv", rows + rows[:20]), tmp_path)
    assert "test_row_count" in failed_tests(write_csv(tmp_path / "half.csv", rows[:221]), tmp_path)


def test_a_lost_spread_is_red(tmp_path: Path) -> None:
    """The standard deviation is really computed: halving a column about its mean leaves the mean where it was."""
    rows = rows_of(DATA / "diabetes.csv")
    for row in rows:
        row[3] = str(float(row[3]) / 2)
    assert "test_standard_deviation[BP]" in failed_tests(write_csv(tmp_path / "half.csv", rows), tmp_path)
