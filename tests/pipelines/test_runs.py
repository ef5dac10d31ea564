"""Every folder below `runs/` is one case: a small pipeline that is really run, whose header says what must come out.

The semantics are those of the azure-pipelines contract; the folder's name begins with the part it belongs to.
"""

import sys
from pathlib import Path

import pytest

from tests.pipelines.run_expectations import check_case, read_header

RUNS = Path(__file__).with_name("runs")
FOLDERS = sorted(one for one in RUNS.iterdir() if one.is_dir())
PARTS = ("variables", "secrets", "commands", "steps", "jobs", "stages", "deployments", "workspace", "tasks", "runs")

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the cases are written for bash")


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_run(folder: Path, tmp_path: Path) -> None:
    check_case(folder, tmp_path)


def test_every_part_of_the_contract_has_cases() -> None:
    count = {part: sum(folder.name.startswith(f"{part}-") for folder in FOLDERS) for part in PARTS}
    assert sum(count.values()) == len(FOLDERS)
    assert all(number >= 3 for number in count.values()), count


def test_a_misspelt_header_does_not_pass() -> None:
    for text in ("# expect-lgo: x\nsteps: []\n", "# expct-log: x\nsteps: []\n", "steps: []\n"):
        with pytest.raises(AssertionError):
            read_header(text)
