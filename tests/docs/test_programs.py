"""Calls of the kit's own programs on the pages."""

from pathlib import Path

import pytest

from pages.programs import check_programs, read_commands, wrong_calls
from pages.site import read_site

REPOSITORY = Path(__file__).resolve().parents[2]
COMMANDS = read_commands(REPOSITORY / "docs" / "reference" / "commands.md")


def test_pages_call_what_the_programs_have() -> None:
    assert [str(one) for one in check_programs(read_site(REPOSITORY))] == []


@pytest.mark.parametrize(
    "line",
    [
        "checker check M7 STG003 --verbose",
        "checker --version",
        "checker cleanup",
        'eval "$(sandbox env)"',
        ".venv/bin/journey rehearse --road scripts",
        "checker diff M1 --patch | git apply --check",
    ],
)
def test_call_that_is_right(line: str) -> None:
    assert list(wrong_calls(line, COMMANDS)) == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("checker verify M7", "checker verify M7: no such command"),
        ("checker check M7 --quick", "checker check has no option --quick"),
        ("checker cleanup --yes ada42", "checker cleanup --yes ada42: no such command"),
        ("sandbox up && checker class check --rooster=r.csv", "checker class check has no option --rooster"),
        ("sandbox pipeline guess azure-pipelines.yml", "sandbox pipeline guess azure-pipelines.yml: no such command"),
    ],
)
def test_call_that_is_wrong(line: str, expected: str) -> None:
    assert list(wrong_calls(line, COMMANDS)) == [expected]
