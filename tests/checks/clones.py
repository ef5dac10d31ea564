"""Clones for the checks of this machine: the starter with the modules solved that a test asks for.

No sandbox: what these checks look at is a folder. Nothing in it is a link, so a test may change any file.
"""

import shutil
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from checker.checks import CHECKS
from checker.clients.http import HttpClient
from checker.context import CheckContext, open_context
from checker.masking import Secrets
from checker.model import CheckResult, Outcome
from checker.runner import run_check
from checker.settings import read_settings
from manifest import wanted_files
from tests.conftest import REPOSITORY

SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
ALL = tuple(f"M{number}" for number in range(18))


@dataclass(frozen=True)
class Clone:
    """A learner's clone. A context remembers what it saw, so each change of a file starts with a new one."""

    root: Path

    @cached_property
    def _contexts(self) -> list[CheckContext]:
        return []

    @property
    def context(self) -> CheckContext:
        if not self._contexts:
            settings = read_settings(self.root / "workshop.toml", {"AZURE_SUBSCRIPTION_ID": SUBSCRIPTION})
            self._contexts.append(open_context(settings, HttpClient(Secrets()), seed=11))
        return self._contexts[0]

    def write(self, name: str, text: str) -> None:
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_text(text, encoding="utf-8")
        self._contexts.clear()

    def read(self, name: str) -> str:
        return (self.root / name).read_text(encoding="utf-8")

    def change(self, name: str, before: str, after: str) -> None:
        """Replace a text that is there."""
        text = self.read(name)
        assert before in text, f"{name} has no {before!r}"
        self.write(name, text.replace(before, after))

    def check(self, code: str) -> CheckResult:
        """One check, without its prerequisites."""
        return run_check(CHECKS[code], self.context)

    def passes(self, code: str) -> str:
        """What a check saw that passes."""
        result = self.check(code)
        assert result.outcome is Outcome.PASS, result
        assert result.evidence is not None
        return result.evidence.seen

    def finds(self, code: str, outcome: Outcome = Outcome.FAIL) -> str:
        """What a check saw that does not pass, and its hints, one a line."""
        result = self.check(code)
        assert result.outcome is outcome, result
        assert result.finding is not None
        return "\n".join((result.finding.seen, *result.finding.hints))


def make_clone(folder: Path, solved: Collection[str] = ALL) -> Clone:
    """A clone whose modules are solved, all of them unless others are named."""
    shutil.copytree(REPOSITORY / "labs" / "data", folder / "labs" / "data")
    for name in ("workshop.toml", "labs/passport.toml"):
        shutil.copy(REPOSITORY / name, folder / name)
    clone = Clone(folder)
    for name, text in wanted_files(REPOSITORY, solved).items():
        clone.write(name, text)
    return clone
