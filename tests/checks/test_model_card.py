"""Module 14: the card that the solution writes and links, and cards that say something else."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from checker.model import Outcome
from tests.checks.test_module_6 import seen
from tests.checks.worlds import MODEL, World
from tests.conftest import REPOSITORY

CHECKS = ("CRD001", "CRD002", "CRD003", "CRD004")
CARD = "labs/responsible/model_card.md"
PARTS = ("workshop.py", "release.py", "responsible", "training")


@dataclass(frozen=True)
class Learner:
    """A clone in a folder of its own, of somebody whose versions are registered."""

    world: World
    root: Path
    models: tuple[str, str]

    def step(self, *arguments: str, code: int = 0) -> str:
        """The card's step, as it is typed; what it said."""
        environment = {**os.environ, "WORKSHOP_SUFFIX": self.world.suffix, "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, "solution/responsible/model_card.py", *arguments]
        done = subprocess.run(command, cwd=self.root, env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == code, done.stderr
        return done.stdout + done.stderr

    def outcomes(self) -> str:
        results = self.world.check(*CHECKS, file=self.root / "workshop.toml")
        return "".join(results[code].outcome.value[0] for code in CHECKS)

    def finds(self, code: str) -> str:
        """What a check saw that fails, and its hints."""
        results = self.world.check(*CHECKS, file=self.root / "workshop.toml")
        finding = results[code].finding
        assert finding is not None
        return "\n".join((seen(results, code), *finding.hints))

    def change(self, before: str, after: str) -> None:
        path = self.root / CARD
        text = path.read_text(encoding="utf-8")
        assert before in text, text
        path.write_text(text.replace(before, after), encoding="utf-8")


@pytest.fixture
def learner(world: World, tmp_path: Path) -> Learner:
    first = world.make_trained()
    data = f"{world.settings.names.data_asset}:1"
    second = world.make_model("2", {**MODEL, "intercept": 150.0}, job="j", data=data, mse="3100.25", r2="0.47")
    for part in PARTS:
        source, target = REPOSITORY / "solution" / part, tmp_path / "solution" / part
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
    (tmp_path / "labs" / "data").mkdir(parents=True)
    shutil.copy(REPOSITORY / "labs" / "data" / "diabetes_holdout.csv", tmp_path / "labs" / "data")
    shutil.copy(REPOSITORY / "workshop.toml", tmp_path)
    return Learner(world, tmp_path, (first, second))


@pytest.mark.slow
def test_a_card_is_written_linked_and_found_out(learner: Learner) -> None:
    assert "there is no `labs/responsible/model_card.md`" in learner.finds("CRD001")
    assert "is not there" in learner.step("link", code=1)
    learner.step("write", "--model", learner.models[1])
    assert learner.outcomes() == "pppf"
    assert "has no tag `card`" in learner.finds("CRD004")
    learner.step("link")
    assert learner.outcomes() == "pppp"

    path = learner.root / CARD
    linked = path.read_text(encoding="utf-8")
    path.write_bytes(linked.replace("\n", "\r\n").encode())
    assert learner.outcomes() == "pppp", "git on Windows changes the line ends"
    path.write_text(linked + "\nOne more thing.\n", encoding="utf-8")
    assert "changed after it was linked" in learner.finds("CRD004")
    path.write_text(linked, encoding="utf-8")

    learner.change("| mse | 3100.2500 |", "| mse | 3200.5 |")
    assert f"That is the mse of {learner.models[0]}" in learner.finds("CRD002")
    path.write_text(linked, encoding="utf-8")
    learner.change("| SEX 2 |", "| everybody |")
    assert "none by group" in learner.finds("CRD003")
    path.write_text(linked, encoding="utf-8")
    learner.change("## Limits\n", "## Limits\n\nTODO\n")
    assert "Limits is not filled in" in learner.finds("CRD001")
    path.write_text(linked, encoding="utf-8")
    learner.change(f"# Model card: {learner.models[1]}", "# Model card: another-model:9")
    assert "is of `another-model:9`" in learner.finds("CRD002")


def test_the_statements_of_the_solution_are_whole_and_those_of_the_starter_are_not() -> None:
    for folder, whole in (("solution", True), ("labs", False)):
        text = (REPOSITORY / folder / "responsible" / "statements.md").read_text(encoding="utf-8")
        assert ("TODO" not in text) is whole
        assert text.count("\n## ") == 4


def test_without_a_registered_version_the_card_is_not_looked_at(world: World) -> None:
    results = world.check(*CHECKS)
    assert {results[code].outcome for code in CHECKS} == {Outcome.BLOCKED}
