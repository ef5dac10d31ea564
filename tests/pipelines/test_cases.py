"""Every folder below `cases/` is one case: a small pipeline whose header says what must come out of it.

The semantics are those of the azure-pipelines contract; the folder's name begins with the part it belongs to.
"""

from pathlib import Path

import pytest

from tests.pipelines.expectations import check_case, compare_problems, read_header

CASES = Path(__file__).with_name("cases")
FOLDERS = sorted(one for one in CASES.iterdir() if one.is_dir())
PARTS = ("loading", "shapes", "expressions", "templates", "parameters", "variables", "graph", "jobs", "triggers")


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_case(folder: Path) -> None:
    check_case(folder)


def test_every_part_of_the_contract_has_cases() -> None:
    count = {part: sum(folder.name.startswith(f"{part}-") for folder in FOLDERS) for part in PARTS}
    assert sum(count.values()) == len(FOLDERS)
    assert all(number >= 6 for number in count.values()), count


def test_a_misspelt_header_does_not_pass() -> None:
    with pytest.raises(AssertionError):
        read_header("# expect-problm: 1:1 x\nsteps: []\n")
    with pytest.raises(AssertionError):
        read_header("steps: []\n")


def test_an_expected_problem_that_is_not_found_does_not_pass() -> None:
    with pytest.raises(AssertionError):
        compare_problems(["1:1 Unexpected value 'x'"], ())
