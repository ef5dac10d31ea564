"""Module 5 and the gates of module 11 in the pipeline's file: what passes, and one mistake at a time."""

from pathlib import Path

import pytest

from checker.model import Outcome
from tests.checks.clones import Clone, make_clone

FILE = "azure-pipelines.yml"
TEMPLATE = "labs/pipelines/azure-script.yml"
CODES = ("YML002", "YML003", "YML004", "YML006", "GAT001", "GAT002", "GAT003")


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return make_clone(tmp_path)


def test_the_solution_passes(clone: Clone) -> None:
    assert [clone.check(code).outcome for code in CODES] == [Outcome.PASS] * len(CODES)
    assert "Build → Staging → Production" in clone.passes("YML003")


def test_the_starter_can_be_read_and_has_no_gates(tmp_path: Path) -> None:
    clone = make_clone(tmp_path, ())
    for code in ("YML002", "YML003", "YML004", "YML006", "GAT003"):
        clone.passes(code)
    assert "no step of azure-pipelines.yml runs the data tests" in clone.finds("GAT001")


def test_one_mistake_fails_one_check(clone: Clone) -> None:
    clone.change(FILE, "dependsOn: Staging", "dependsOn: Build")
    outcomes = {code: clone.check(code).outcome for code in CODES}
    assert [code for code, outcome in outcomes.items() if outcome is Outcome.FAIL] == ["YML003"]


def test_a_tab_is_shown_with_its_place(clone: Clone) -> None:
    line = next(n for n, text in enumerate(clone.read(FILE).splitlines(), 1) if "fetchDepth: 1" in text)
    clone.change(FILE, "            fetchDepth: 1", "\t    fetchDepth: 1")
    found = clone.finds("YML002")
    assert f"{FILE}, line {line}" in found
    assert f"YAML wants spaces: there is a tab in line {line}, column 1." in found


def test_a_step_that_became_a_job(clone: Clone) -> None:
    """Moved as a whole, it is YAML still."""
    text = clone.read(FILE)
    at = text.index("  - stage: Staging")
    clone.write(FILE, text[:at].rstrip() + "\n\n      - task: Delay@1\n        displayName: Wait\n\n" + text[at:])
    line = next(n for n, one in enumerate(clone.read(FILE).splitlines(), 1) if "Delay@1" in one)
    assert f"`task` found where a `job` is expected, line {line}." in clone.finds("YML002")


@pytest.mark.parametrize("whole", [True, False], ids=["with its inputs", "its first line alone"])
def test_a_step_among_others_that_became_a_job(clone: Clone, whole: bool) -> None:
    """Between other steps it makes the file unreadable; the hint is the same."""
    text = clone.read(FILE)
    start = text.index("          - task: CopyFiles@2\n")
    end = text.index("          - publish:", start) if whole else text.index("\n", start) + 1
    moved = "".join(line.removeprefix("    ") for line in text[start:end].splitlines(keepends=True))
    clone.write(FILE, text[:start] + moved + text[end:])
    line = text[:start].count("\n") + 1
    assert f"`task` found where a `job` is expected, line {line}." in clone.finds("YML002")


def test_other_unreadable_yaml_and_a_missing_file(clone: Clone) -> None:
    clone.change(FILE, "stages:\n", "stages: [\n")
    assert "azure-pipelines.yml, line" in clone.finds("YML002")
    (clone.root / FILE).rename(clone.root / "azure-pipeline.yml")
    clone.write("notes.md", "")
    assert "there is no `azure-pipelines.yml`" in clone.finds("YML002")


@pytest.mark.parametrize(
    ("before", "after", "hint"),
    [
        ("rg-diabetes-$(workshop.suffix)", "<yourname>-aidevcollege", "Angle brackets are a placeholder"),
        ("- stage: Staging", "- stag: Staging", "`stag` may be meant as `stage`"),
        ("dependsOn: Build", "dependOn: Build", "`dependOn` may be meant as `dependsOn`"),
        ("template: labs/pipelines/python.yml", "template: pipelines/python.yml", "starts at the folder of the file"),
        (
            "strategy:\n          runOnce:\n            deploy:\n              steps:",
            "steps:",
            "belong to its strategy",
        ),
    ],
)
def test_words_at_the_wrong_place(clone: Clone, before: str, after: str, hint: str) -> None:
    clone.write(FILE, clone.read(FILE).replace(before, after, 1))
    assert hint in clone.finds("YML002")


def test_the_suffix_is_judged_elsewhere(clone: Clone) -> None:
    """The check on the variables' suffix has a hint of its own; one mistake, one finding."""
    clone.change(FILE, "workshop.suffix: abc", "workshop.suffix: '<you>'")
    clone.passes("YML002")


@pytest.mark.parametrize(
    ("before", "after", "hint"),
    [
        ("dependsOn: Build", "dependsOn: Buld", "`Build` is near it"),
        ("dependsOn: Staging", "dependsOn: Build", "Production does not wait for Staging"),
        ("dependsOn: Build", "dependsOn: []", "Staging does not wait for Build"),
        ("dependsOn: Build", "dependsOn: Production", "none of them can be the first"),
    ],
)
def test_stages_that_do_not_follow_each_other(clone: Clone, before: str, after: str, hint: str) -> None:
    clone.change(FILE, before, after)
    assert hint in clone.finds("YML003")


def test_a_stage_without_a_word_follows_the_one_before_it(clone: Clone) -> None:
    for word in ("    dependsOn: Build\n", "    dependsOn: Staging\n"):
        clone.change(FILE, word, "")
    clone.passes("YML003")


@pytest.mark.parametrize(
    ("file", "before", "after", "hint"),
    [
        (TEMPLATE, "AzureCLI@2", "AzureCLI@1", "`AzureCLI@1` is deprecated: take AzureCLI@3"),
        (TEMPLATE, "AzureCLI@2", "AzureCLI", "A task without a version is refused"),
        (TEMPLATE, "AzureCLI@2", "AzureCLl@2", "`AzureCLI` is near it"),
        (FILE, "CopyFiles@2", "CopyFiles@7", "There is CopyFiles@2"),
    ],
)
def test_tasks_that_are_not_known(clone: Clone, file: str, before: str, after: str, hint: str) -> None:
    clone.change(file, before, after)
    assert hint in clone.finds("YML004")


def test_a_task_of_an_extension_is_said_and_not_judged(clone: Clone) -> None:
    clone.change(
        FILE, "          - task: CopyFiles@2", "          - task: acme.Sign.Artifacts@4\n          - task: CopyFiles@2"
    )
    assert "acme.Sign.Artifacts@4" in clone.passes("YML004")


def test_tags_that_float(clone: Clone) -> None:
    clone.change("labs/image/Dockerfile", "FROM python:3.12-slim", "FROM python:latest")
    assert "`FROM python:latest`" in clone.finds("YML006")
    clone.change("labs/image/Dockerfile", "FROM python:latest", "FROM python")
    assert "`FROM python`" in clone.finds("YML006")
    clone.change("labs/image/Dockerfile", "FROM python", "FROM python:3.12 AS base\nFROM base")
    clone.passes("YML006")
    clone.change(FILE, "vmImage: $(pool.image)", "vmImage: $(pool.image)\n    demands: registry.example/tool:latest")
    assert "registry.example/tool:latest" in clone.finds("YML006")


def test_renamed_names_and_more_steps_are_fine(clone: Clone) -> None:
    """Valid variations: nothing here is a mistake."""
    clone.change(FILE, "displayName: Evaluate the model, the gate", "displayName: Anything else")
    clone.change(FILE, "            fetchDepth: 1\n", "            fetchDepth: 1\n\n          - bash: echo hello\n")
    assert [clone.check(code).outcome for code in CODES] == [Outcome.PASS] * len(CODES)


def swap(clone: Clone, first: str, second: str) -> None:
    """Exchange two scripts, and with them what the steps do."""
    text = clone.read(FILE)
    assert first in text
    assert second in text
    clone.write(FILE, text.replace(first, "@").replace(second, first).replace("@", second))


def test_a_gate_behind_the_door(clone: Clone) -> None:
    swap(clone, "labs/training/submit_evaluation.py", "labs/training/register.py")
    assert "was registered, then rejected" in clone.finds("GAT001")


def test_data_tests_after_the_training(clone: Clone) -> None:
    text = clone.read(FILE)
    line = "          - template: labs/pipelines/data-quality.yml\n"
    assert line in text
    moved = text.replace(line, "").replace(
        "          # A deployment job checks", f"{line}          # A deployment job checks"
    )
    clone.write(FILE, moved)
    assert "trained, then its data was looked at" in clone.finds("GAT001")


@pytest.mark.parametrize(
    ("file", "before", "after", "seen"),
    [
        (
            "labs/pipelines/data-quality.yml",
            "    displayName: Check the data\n",
            "    displayName: Check the data\n    continueOnError: true\n",
            "continueOnError",
        ),
        ("labs/pipelines/data-quality.yml", 'data-quality.xml"\n', 'data-quality.xml" || true\n', "|| true"),
        (FILE, "submit_evaluation.py", "submit_evaluation.py || exit 0", "|| exit 0"),
        (
            FILE,
            "    timeoutInMinutes: 60\n        steps:",
            "    timeoutInMinutes: 60\n        continueOnError: true\n        steps:",
            "of the job `Train`",
        ),
        (
            FILE,
            "    dependsOn: Build\n",
            "    dependsOn: Build\n    condition: always()\n",
            "condition: always() of its stage",
        ),
    ],
)
def test_a_no_that_nobody_hears(clone: Clone, file: str, before: str, after: str, seen: str) -> None:
    clone.write(file, clone.read(file).replace(before, after, 1))
    found = clone.finds("GAT002")
    assert seen in found
    assert "The gate said no; nobody listened." in found


def test_a_script_that_goes_on_after_the_gate(clone: Clone) -> None:
    clone.change(
        TEMPLATE, "        ${{ parameters.script }}\n", "        ${{ parameters.script }}\n        echo done\n"
    )
    clone.passes("GAT002")
    clone.change(TEMPLATE, "        set -euo pipefail\n", "")
    assert "without `set -e`" in clone.finds("GAT002")


def test_a_gate_that_was_switched_off(clone: Clone) -> None:
    clone.change(
        "labs/pipelines/data-quality.yml",
        "    displayName: Check the data\n",
        "    displayName: Check the data\n    enabled: false\n",
    )
    assert "runs the data tests" in clone.finds("GAT001")


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("0", "about every second time"),
        ("0.5", "wrong sign"),
        ("-0.1", "about every second time"),
        ('"5 %"', "5 % is 0.05"),
    ],
)
def test_tolerances_that_nobody_can_defend(clone: Clone, value: str, hint: str) -> None:
    clone.change("workshop.toml", "tolerance = 0.05 ", f"tolerance = {value} ")
    assert hint in clone.finds("GAT003")


def test_expressions_in_the_place_of_steps_are_no_mistake(clone: Clone) -> None:
    """What is not known before it is evaluated is not judged; what stands in a conditional block counts."""
    clone.change(
        FILE,
        "            fetchDepth: 1\n",
        """            fetchDepth: 1

          - ${{ if eq(parameters.agents, 'hosted') }}:
              - task: AzureCLl@2
          - ${{ else }}:
              - bash: echo here
          - ${{ parameters.more }}
""",
    )
    clone.change(FILE, "\nparameters:\n", "\nparameters:\n  - name: more\n    type: stepList\n    default: []\n")
    clone.passes("YML002")
    assert "`AzureCLI` is near it" in clone.finds("YML004")


def test_a_file_of_jobs_or_of_steps_is_a_pipeline_too(clone: Clone) -> None:
    clone.write(
        FILE,
        "jobs:\n  - job: A\n    steps:\n      - bash: echo a\n  - job: B\n    dependsOn: a\n    steps: []\n",
    )
    assert "1 steps" in clone.passes("YML002")
    clone.passes("YML003")
    clone.write(FILE, "steps:\n  - bash: echo a\n")
    clone.passes("YML002")
    clone.write(FILE, "name: nothing\n")
    assert "neither stages nor jobs nor steps" in clone.finds("YML002")
    clone.write(FILE, "")
    assert "the file is empty" in clone.finds("YML002")


def test_a_template_that_includes_itself_ends(clone: Clone) -> None:
    clone.write("labs/pipelines/python.yml", "steps:\n  - template: python.yml\n")
    assert "the template `python.yml`" in clone.finds("YML002")


def test_a_gate_in_a_job_of_its_own(clone: Clone) -> None:
    """Jobs run side by side; one that depends on the other comes after it."""
    steps = "    steps:\n      - bash: python {}\n"
    names = (
        "-m pytest labs/tests/data_quality",
        "labs/training/submit_training.py",
        "labs/training/submit_evaluation.py",
        "labs/training/register.py",
    )
    jobs = [f"  - job: J{number}\n{{}}{steps.format(name)}" for number, name in enumerate(names)]
    chained = "jobs:\n" + "".join(
        job.format(f"    dependsOn: J{number - 1}\n" if number else "") for number, job in enumerate(jobs)
    )
    clone.write(FILE, chained)
    clone.passes("GAT001")
    clone.passes("GAT002")
    clone.change(FILE, "    dependsOn: J2\n", "")
    assert "was registered, then rejected" in clone.finds("GAT001")
