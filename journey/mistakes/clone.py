"""Mistakes in the attendee's clone: the training script, the pipeline's file, the tests, the passport, the gates."""

from collections.abc import Iterable

from journey.errors import JourneyError
from journey.mistakes.registry import Undo, mistake
from journey.worlds import World
from journey.worlds.clones import PASSPORT
from manifest import wanted_files

TRAIN, PIPELINE = "labs/training/train.py", "azure-pipelines.yml"
SCORE, SCORING_TESTS = "labs/image/score.py", "labs/tests/integration/test_scoring.py"
DATA_TESTS, EVALUATE = "labs/tests/data_quality/test_diabetes.py", "labs/training/evaluate.py"
LAST = "M14"  # one clone for whatever is looked at in it alone, as each world takes seconds to make
DATA_STEP = "          - template: labs/pipelines/data-quality.yml\n"


def edited(world: World, file: str, *changes: tuple[str, str]) -> Undo:
    """A file of the clone with texts replaced, each of which must be there; undone by the file as it was.

    Raises JourneyError when one is not there: the kit has changed, and the mistake with it.
    """
    path = world.folder / file
    before = text = path.read_text(encoding="utf-8")
    for old, new in changes:
        if old not in text:
            raise JourneyError(file, f"no `{old.strip()}` in it", "the text that the mistake replaces")
        text = text.replace(old, new, 1)
    path.write_text(text, encoding="utf-8")

    def undo() -> None:
        path.write_text(before, encoding="utf-8")

    return undo


def unsolved(world: World, files: Iterable[str], without: str) -> Undo:
    """Files of the clone as they are while one module is not done yet."""
    solved = [f"M{number}" for number in range(18) if f"M{number}" != without]
    texts = wanted_files(world.ground.kit, solved)
    before = {file: (world.folder / file).read_text(encoding="utf-8") for file in files}
    for file in before:
        (world.folder / file).write_text(texts[file], encoding="utf-8")

    def undo() -> None:
        for file, text in before.items():
            (world.folder / file).write_text(text, encoding="utf-8")

    return undo


# M1 ------------------------------------------------------------------------------------------------------------------


@mistake("seed-after-the-draw", "M1", "SCR002", "Something random happens before your seed", "M1", clone=True)
def seed_after_the_draw(world: World) -> Undo:
    """The seed is set after alpha was drawn."""
    return edited(
        world,
        TRAIN,
        (
            "return random.Random(seed).choice(ALPHAS)",
            "alpha = random.choice(ALPHAS)\n    random.seed(seed)\n    return alpha",
        ),
    )


@mistake("notebook-in-place-of-a-script", "M1", "SCR001", "A pipeline runs scripts", "M1", clone=True)
def notebook_in_place_of_a_script(world: World) -> Undo:
    """The training is still a notebook."""
    script = world.folder / TRAIN
    notebook = script.with_suffix(".ipynb")
    text = script.read_text(encoding="utf-8")
    script.unlink()
    notebook.write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}\n', encoding="utf-8")

    def undo() -> None:
        notebook.unlink()
        script.write_text(text, encoding="utf-8")

    return undo


@mistake(
    "record-without-the-data", "M1", "SCR003", "What would somebody need to make this model again", "M1", clone=True
)
def record_without_the_data(world: World) -> Undo:
    """The record of the model does not say on which data it was trained."""
    return edited(world, TRAIN, ('        "data_sha256": hashlib.sha256(data.read_bytes()).hexdigest(),\n', ""))


# M5 ------------------------------------------------------------------------------------------------------------------


@mistake("tab-in-the-yaml", "M5", "YML002", "YAML wants spaces", "M5", clone=True)
def tab_in_the_yaml(world: World) -> Undo:
    """A line is indented with a tab."""
    return edited(world, PIPELINE, ("    jobs:\n", "\tjobs:\n"))


@mistake("placeholder-in-the-yaml", "M5", "YML002", "Angle brackets are a placeholder", "M5", clone=True)
def placeholder_in_the_yaml(world: World) -> Undo:
    """A variable still has its placeholder."""
    return edited(world, PIPELINE, ("rg-diabetes-$(workshop.suffix)", "<yourname>-aidevcollege"))


@mistake("step-where-a-job-belongs", "M5", "YML002", "found where a `job` is expected", "M5", clone=True)
def step_where_a_job_belongs(world: World) -> Undo:
    """A step is not far enough in, and stands among the jobs."""
    return edited(world, PIPELINE, ("      - job: Train\n", "      - task: CopyFiles@2\n      - job: Train\n"))


@mistake("stage-that-does-not-exist", "M5", "YML003", "`Build` is near it", LAST, clone=True)
def stage_that_does_not_exist(world: World) -> Undo:
    """A stage waits for one whose name is misspelt."""
    return edited(world, PIPELINE, ("    dependsOn: Build\n", "    dependsOn: Bulid\n"))


@mistake("production-that-does-not-wait", "M5", "YML003", "it would run what nothing has tried", LAST, clone=True)
def production_that_does_not_wait(world: World) -> Undo:
    """Production waits for the build, and not for staging."""
    return edited(world, PIPELINE, ("    dependsOn: Staging\n", "    dependsOn: Build\n"))


@mistake("task-misspelt", "M5", "YML004", "There is no task of this name", "M6", clone=True)
def task_misspelt(world: World) -> Undo:
    """The name of a task is misspelt."""
    return edited(world, PIPELINE, ("CopyFiles@2", "CopyFile@2"))


@mistake("task-without-a-version", "M5", "YML004", "A task without a version is refused", "M6", clone=True)
def task_without_a_version(world: World) -> Undo:
    """A task is named without its version."""
    return edited(world, PIPELINE, ("CopyFiles@2", "CopyFiles"))


@mistake("connection-misspelt-in-the-yaml", "M5", "YML005", "MyAzureSubscription", "M6", clone=True)
def connection_misspelt_in_the_yaml(world: World) -> Undo:
    """The file names a service connection that there is not."""
    return edited(world, "labs/pipelines/azure-script.yml", ("MyAzureSubscription", "MyAzureSubscriptions"))


@mistake("image-named-latest", "M5", "YML006", "a different one tomorrow", "M6", clone=True)
def image_named_latest(world: World) -> Undo:
    """A job runs in a container of whatever is newest."""
    return edited(world, PIPELINE, ("      - job: Train\n", "      - job: Train\n        container: python:latest\n"))


# M7 ------------------------------------------------------------------------------------------------------------------


@mistake("score-dresses-up-its-failure", "M7", "TST001", "HTTP 200 with an error inside", "M7", clone=True)
def score_dresses_up_its_failure(world: World) -> Undo:
    """score.py catches every exception and returns it as the answer."""
    return unsolved(world, [SCORE], "M7")


@mistake("score-takes-any-number", "M7", "TST001", "Look before the model is asked", "M7", clone=True)
def score_takes_any_number(world: World) -> Undo:
    """score.py does not look whether the numbers are standardised."""
    return edited(world, SCORE, *_without_the_range(world))


def _without_the_range(world: World) -> list[tuple[str, str]]:
    """The line that refuses what is far from 0, and what lets it through."""
    text = (world.folder / SCORE).read_text(encoding="utf-8")
    line = next((one for one in text.splitlines() if "LARGEST" in one and one.lstrip().startswith("if ")), "")
    if not line:
        raise JourneyError(SCORE, "no line that looks at the range", "one")
    return [(line, line[: len(line) - len(line.lstrip())] + "if False:")]


@mistake("tests-content-with-the-status", "M7", "TST002", "the test is content with the status", "M7", clone=True)
def tests_content_with_the_status(world: World) -> Undo:
    """The integration test asserts that the status is 200, and nothing about the answer."""
    return unsolved(world, [SCORING_TESTS], "M7")


# M9 ------------------------------------------------------------------------------------------------------------------


def written(world: World, line: str, value: str) -> Undo:
    """The passport with another value in one line."""
    text = (world.folder / PASSPORT).read_text(encoding="utf-8")
    old = next(one for one in text.splitlines() if one.startswith(f"{line} ="))
    return edited(world, PASSPORT, (old, f'{line} = "{value}"'))


@mistake("passport-with-the-build-as-run", "M9", "PAS001", "That is the build number", LAST, clone=True)
def passport_with_the_build_as_run(world: World) -> Undo:
    """The passport names the pipeline's run where the training job belongs."""
    return written(world, "run_id", str(world.runs[-1].id))


@mistake("passport-with-a-short-commit", "M9", "PAS001", "a passport has all forty digits", LAST, clone=True)
def passport_with_a_short_commit(world: World) -> Undo:
    """The commit is cut to seven digits."""
    return written(world, "commit", world.runs[-1].commit[:7])


@mistake("passport-of-another-version", "M9", "PAS001", "The newest one need not be live", LAST, clone=True)
def passport_of_another_version(world: World) -> Undo:
    """The passport is of a version that production does not run."""
    return written(world, "model_version", f"{world.names['model']}:7")


@mistake("passport-of-another-approver", "M9", "PAS001", "who approved it are two questions", LAST, clone=True)
def passport_of_another_approver(world: World) -> Undo:
    """The passport names somebody who has not approved."""
    return written(world, "approver", "Grace Hopper")


@mistake("passport-not-filled-in", "M9", "PAS001", "Start with the deployment of production", LAST, clone=True)
def passport_not_filled_in(world: World) -> Undo:
    """The passport is empty."""
    return edited(world, PASSPORT, *((one, f'{one.split(" = ")[0]} = ""') for one in _lines(world)))


def _lines(world: World) -> list[str]:
    return [one for one in (world.folder / PASSPORT).read_text(encoding="utf-8").splitlines() if " = " in one]


# M11 -----------------------------------------------------------------------------------------------------------------


@mistake("data-tests-look-at-samples", "M11", "DQT001", "which file do the tests look at", LAST, clone=True)
def data_tests_look_at_samples(world: World) -> Undo:
    """The data tests look at the bad sample files, and not at the data that is trained on."""
    return unsolved(world, [DATA_TESTS], "M11")


@mistake("gate-after-the-registration", "M11", "GAT001", "the gate stands behind the registration", LAST, clone=True)
def gate_after_the_registration(world: World) -> Undo:
    """The model is registered, and then judged."""
    return edited(
        world,
        PIPELINE,
        ("submit_evaluation.py", "@"),
        ("training/register.py", "training/submit_evaluation.py"),
        ("training/@", "training/register.py"),
    )


@mistake("data-looked-at-after-training", "M11", "GAT001", "then its data was looked at", LAST, clone=True)
def data_looked_at_after_training(world: World) -> Undo:
    """The data tests come after the training."""
    after = "              script: python labs/training/submit_training.py\n"
    return edited(world, PIPELINE, (DATA_STEP, ""), (after, f"{after}\n{DATA_STEP}"))


@mistake("gate-that-may-fail", "M11", "GAT002", "nobody listened", LAST, clone=True)
def gate_that_may_fail(world: World) -> Undo:
    """The step of the gate goes on after an error."""
    file = "labs/pipelines/azure-script.yml"
    return edited(world, file, ("  - task: AzureCLI@2\n", "  - task: AzureCLI@2\n    continueOnError: true\n"))


@mistake("tolerance-of-nothing", "M11", "GAT003", "every second time", LAST, clone=True)
def tolerance_of_nothing(world: World) -> Undo:
    """The gate has no tolerance, and refuses a retrain of the same code."""
    return edited(world, "workshop.toml", ("tolerance = 0.05", "tolerance = 0.0"))


@mistake("tolerance-of-everything", "M11", "GAT003", "whose BMI has the wrong sign", LAST, clone=True)
def tolerance_of_everything(world: World) -> Undo:
    """The gate lets a model through that is half as good."""
    return edited(world, "workshop.toml", ("tolerance = 0.05", "tolerance = 1.0"))


@mistake("gate-never-seen-closed", "M11", "GAT005", "on a branch, put a damaged file", "M11", clone=True, spoils=True)
def gate_never_seen_closed(world: World) -> None:
    """The gate has never said no."""
    world.project.delete_run(world.stopped)


@mistake("gate-that-says-yes", "M11", "GAT006", "a rule that always passes is a remark", LAST, clone=True)
def gate_that_says_yes(world: World) -> Undo:
    """The evaluation accepts whatever it is shown."""
    return unsolved(world, [EVALUATE], "M11")


@mistake("version-by-another-door", "M11", "GAT004", "A version came in by another door", "M12", looks=("M11",))
def version_by_another_door(world: World) -> Undo:
    """A version was registered past the gate."""
    run = world.runs[-1]
    tags = {"commit": run.commit, "build": str(run.id), "job": world.job, "data": f"{world.names['data_asset']}:1"}
    world.resources.make_model("9", **tags)
    return lambda: world.resources.call(
        "DELETE", f"{world.resources.workspace}/models/{world.names['model']}/versions/9"
    )
