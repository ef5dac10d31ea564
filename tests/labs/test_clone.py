"""A learner's clone: filled module by module, put back, compared; what the learner wrote elsewhere stays."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from manifest import ManifestError, difference, fill, read_manifest, restore, rewrite, starter, wanted_files
from sandbox.pipelines.command import pipeline_program
from tests.labs.conftest import ROOT, git

MANIFEST = read_manifest(ROOT / "labs" / "labs.toml")
WITH_REGIONS = sorted({region.module for region in MANIFEST.regions}, key=lambda module: int(module[1:]))
WORKING = [WITH_REGIONS[:count] for count in range(len(WITH_REGIONS) + 1)]


def state(clone: Path) -> dict[str, str]:
    """Every file that is cut from the solution, as it is now."""
    return {name: (clone / name).read_text(encoding="utf-8") for name in wanted_files(ROOT)}


def plan(clone: Path) -> dict[str, list[str]]:
    """Stage and job of the pipeline, when it is valid. Fails the test with its problems otherwise."""
    file = str(clone / "azure-pipelines.yml")
    problems = CliRunner().invoke(pipeline_program, ["validate", file, "--json"])
    assert json.loads(problems.stdout)["problems"] == []
    planned = CliRunner().invoke(pipeline_program, ["plan", file, "--json"])
    assert planned.exit_code == 0, planned.output
    return {stage["name"]: [job["name"] for job in stage["jobs"]] for stage in json.loads(planned.stdout)["stages"]}


@pytest.mark.parametrize("modules", WORKING, ids=lambda modules: modules[-1] if modules else "starter")
def test_the_pipeline_is_valid_after_every_module(clone: Path, modules: list[str]) -> None:
    """The stages grow: one from the start, staging with module 7, production with module 8."""
    fill(clone, modules)
    expected = {"Build": ["Train"]}
    if "M7" in modules:
        expected["Staging"] = ["DeployStaging"]
    if "M8" in modules:
        expected["Production"] = ["DeployProduction"]
    assert plan(clone) == expected


def test_all_modules_filled_are_the_solution(clone: Path) -> None:
    """With the attendee's paths: no file of labs/ names one of solution/."""
    filled = fill(clone, [module.id for module in MANIFEST.modules])
    assert filled.unmarked == ()
    after = state(clone)
    assert after == {
        file.labs: rewrite((ROOT / file.solution).read_text(encoding="utf-8"), file.path) for file in MANIFEST.files
    }
    assert [name for name, text in after.items() if "solution/" in text] == []
    assert [module.id for module in MANIFEST.modules if difference(clone, module.id)] == []


MADE = {"labs/responsible/model_card.md"}  # model_card.py writes it


def test_every_path_that_a_file_names_is_there(clone: Path) -> None:
    """In commands, templates, messages and TODOs; before and after."""
    for modules in ([], WITH_REGIONS):
        fill(clone, modules)
        for name, text in state(clone).items():
            named = set(re.findall(r"(?<![\w/.-])labs/[\w/.-]*\w", text))
            assert [path for path in sorted(named - MADE) if not (clone / path).exists()] == [], name


@pytest.mark.parametrize("module", WITH_REGIONS)
def test_a_module_is_filled_and_put_back_alone(clone: Path, module: str) -> None:
    """Only its files change, a second run changes nothing, and the starter comes back as it was."""
    before = state(clone)
    written = fill(clone, [module]).written
    regions = {region.file for region in MANIFEST.regions if region.module == module}
    assert {path.relative_to(clone).as_posix() for path in written} == {
        file.labs for file in MANIFEST.files if file.path in regions
    }
    assert fill(clone, [module]).written == ()
    assert starter(clone, [module]).written == written
    assert state(clone) == before


def test_the_order_of_filling_does_not_matter(clone: Path) -> None:
    for module in reversed(WITH_REGIONS):
        fill(clone, [module])
    assert state(clone) == wanted_files(ROOT, WITH_REGIONS)


def test_what_the_learner_wrote_elsewhere_stays(clone: Path) -> None:
    """A suffix, an extra step, a module done in another way, a file of their own; and line ends as git on Windows."""
    pipeline = clone / "azure-pipelines.yml"
    text = pipeline.read_text(encoding="utf-8").replace("workshop.suffix: abc", "workshop.suffix: ada7")
    text = text.replace("Look at the data", "My own look")
    pipeline.write_bytes(text.replace("\n", "\r\n").encode())
    fill(clone, ["M6", "M7"])
    after = pipeline.read_bytes().decode()
    assert "\n" not in after.replace("\r\n", "")
    assert "workshop.suffix: ada7" in after
    assert "My own look" in after
    assert "stage: Staging" in after
    assert "stage: Production" not in after
    assert [one.region for one in difference(clone, "M6")] == []


def test_markers_that_are_gone_are_said_and_nothing_is_guessed(clone: Path) -> None:
    """Removed, half removed, file removed: each a sentence; the other regions are written."""
    score, train = clone / "labs/image/score.py", clone / "labs/training/train.py"
    marker = "# --8<-- [end:m7-honest-errors]\n"
    score.write_text(score.read_text(encoding="utf-8").replace(marker, ""), encoding="utf-8")
    before = score.read_text(encoding="utf-8")
    train.unlink()
    done = fill(clone, ["M1", "M7"])
    line = before.splitlines().index("# --8<-- [start:m7-honest-errors]") + 1
    broken = f"labs/image/score.py: line {line}: the start of m7-honest-errors without its end; expected both markers"
    assert {one.region: one.seen for one in done.unmarked} == {
        "m1-seed": "labs/training/train.py: it is not there",
        "m7-honest-errors": broken,
        "m7-standardised-input": broken,
    }
    assert score.read_text(encoding="utf-8") == before
    assert "stage: Staging" in (clone / "azure-pipelines.yml").read_text(encoding="utf-8")


def test_a_file_is_restored_as_a_whole(clone: Path) -> None:
    """For the case before: the state of a module, whatever was in the file."""
    score = clone / "labs/image/score.py"
    score.write_text("lost\n", encoding="utf-8")
    assert restore(clone, "labs/image/score.py", ["M7"]) == score
    assert score.read_text(encoding="utf-8") == wanted_files(ROOT, ["M7"])["labs/image/score.py"]
    pipeline = clone / "azure-pipelines.yml"
    pipeline.write_text("variables:\n  workshop.suffix: ada7\n", encoding="utf-8")
    restore(clone, pipeline.name, [])
    restored = wanted_files(ROOT)[pipeline.name].replace("workshop.suffix: abc", "workshop.suffix: ada7")
    assert pipeline.read_text(encoding="utf-8") == restored
    with pytest.raises(ManifestError, match=r"no file labs/none\.py"):
        restore(clone, "labs/none.py", [])


@pytest.mark.parametrize("module", WITH_REGIONS)
def test_the_difference_is_a_patch(clone: Path, module: str) -> None:
    """git takes it, and gets what `fill` writes; each region has the reason that labs.toml gives."""
    found = difference(clone, module)
    reasons = {region.id: region.reason for region in MANIFEST.regions}
    assert {one.region for one in found} == {region.id for region in MANIFEST.regions if region.module == module}
    assert all(one.reason == reasons[one.region] for one in found if one.region)
    git(clone, "apply", given="".join(f"{line}\n" for one in found for line in one.lines))
    after = state(clone)
    git(clone, "checkout", "--quiet", "--", ".")
    fill(clone, [module])
    assert state(clone) == after


def test_the_difference_shows_what_is_outside_of_the_regions_and_what_has_no_markers(clone: Path) -> None:
    """A file's own reason, and the diff of a file without line end or without markers is a patch as well."""
    pipeline, train = clone / "azure-pipelines.yml", clone / "labs/training/train.py"
    text = pipeline.read_text(encoding="utf-8").replace("suffix: abc", "suffix: ada7")
    pipeline.write_text(text, encoding="utf-8")
    assert difference(clone, "M5") == ()
    pipeline.write_text(text.replace("amlcompute.minNodes: 0 ", "amlcompute.minNodes: 1 "), encoding="utf-8")
    (own,) = difference(clone, "M5")
    assert (own.region, own.file) == (None, "azure-pipelines.yml")
    assert [line.split("#")[0].split() for line in own.lines if line[0] in "+-"][2:] == [
        ["-", "amlcompute.minNodes:", "1"],
        ["+", "amlcompute.minNodes:", "0"],
    ]
    lines = [line for line in train.read_text(encoding="utf-8").splitlines() if "--8<--" not in line]
    train.write_text("\n".join(lines), encoding="utf-8")
    (whole,) = difference(clone, "M1")
    assert whole.region is None
    git(clone, "apply", given="".join(f"{line}\n" for line in whole.lines))
    assert difference(clone, "M1") == ()


def test_an_unknown_module_is_refused(clone: Path) -> None:
    with pytest.raises(ManifestError, match="no module M99; expected one of M0, M1"):
        fill(clone, ["M99"])


def test_a_clone_without_its_solution_is_said(clone: Path) -> None:
    (clone / "solution/training/train.py").unlink()
    with pytest.raises(ManifestError, match=r"solution/training/train\.py is not there"):
        difference(clone, "M1")


OUTER_AND_INNER = """\
checked = 2026-11-24
[[module]]
id = "M7"
slug = "07-outer"
title = "Outer"
minutes = 10
lane = "both"
level = "beginner"
objectives = ["Do it"]
[[module]]
id = "M12"
slug = "12-inner"
title = "Inner"
minutes = 10
lane = "both"
level = "beginner"
objectives = ["Do it"]
[[file]]
path = "a.py"
module = "M7"
reason = "so"
[[region]]
id = "m7-outer"
module = "M7"
file = "a.py"
reason = "so"
starter = "# outer TODO"
[[region]]
id = "m12-inner"
module = "M12"
file = "a.py"
reason = "so"
starter = "# inner TODO"
"""
NESTED = """\
# --8<-- [start:m7-outer]
outer = 1
# --8<-- [start:m12-inner]
inner = 2
# --8<-- [end:m12-inner]
# --8<-- [end:m7-outer]
"""


def test_a_region_inside_another_is_the_learners(tmp_path: Path) -> None:
    """It comes with the outer one in its starter state, and stays what it is when the outer one is filled again."""
    (tmp_path / "labs").mkdir()
    (tmp_path / "solution").mkdir()
    (tmp_path / "labs/labs.toml").write_text(OUTER_AND_INNER, encoding="utf-8")
    (tmp_path / "solution/a.py").write_text(NESTED, encoding="utf-8")
    labs = restore(tmp_path, "labs/a.py", [])
    (waiting,) = fill(tmp_path, ["M12"]).unmarked
    assert waiting.seen == "labs/a.py: m12-inner is inside m7-outer of M7, which is in its starter state"
    assert starter(tmp_path, ["M12"]).unmarked == ()
    assert [one.region for one in difference(tmp_path, "M12")] == ["m12-inner"]
    fill(tmp_path, ["M7"])
    assert labs.read_text(encoding="utf-8") == NESTED.replace("inner = 2", "# inner TODO")
    labs.write_text(NESTED.replace("inner = 2", "inner = 'mine'"), encoding="utf-8")
    assert fill(tmp_path, ["M7"]).written == ()
    fill(tmp_path, ["M12"])
    assert labs.read_text(encoding="utf-8") == NESTED
    starter(tmp_path, ["M7", "M12"])
    assert "inner" not in labs.read_text(encoding="utf-8")
