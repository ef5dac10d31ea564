"""The site alone, from an empty folder to every check green: its blocks in their order, and nothing else."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pages.site import read_site

REPOSITORY = Path(__file__).resolve().parents[2]
LINE = re.compile(r"(?P<mark>ran|hook|failed) +[\d.]+ s +(?P<page>\S+?):\d+  (?P<command>.*)")
LIMIT = 900  # seconds; on two cores with nothing else to do it takes a third of that
BEFORE_THE_CLEAN_UP = "modules/16-clean-up.md"


@pytest.mark.walk
@pytest.mark.timeout(LIMIT + 60)
def test_reader_of_the_site_gets_from_nothing_to_every_check(tmp_path: Path) -> None:
    """The log is the evidence: no block failed, each page's last word is its check, and `checker check` without a
    name, which looks at all that the reader has made, passed before it was cleaned up."""
    command = [sys.executable, "-m", "pages", "run", "--folder", str(tmp_path / "reader")]
    environment = {name: value for name, value in os.environ.items() if name != "MLOPS_CHECKER_HOME"}
    done = subprocess.run(
        command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=LIMIT, check=False
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    told = [found for line in done.stdout.splitlines() if (found := LINE.fullmatch(line))]
    assert list(dict.fromkeys(one["page"] for one in told)) == list(read_site(REPOSITORY).modules())
    assert {one["mark"] for one in told} == {"ran"}, "no hook: the reader sees every command"
    assert (BEFORE_THE_CLEAN_UP, "checker check") in [(one["page"], one["command"]) for one in told]
