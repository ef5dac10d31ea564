"""Mistakes of module 6 on Azure DevOps: the pipeline, its runs and their artifact."""

from journey.mistakes.pipelines import another_pipeline, ended
from journey.mistakes.registry import WAITING, Undo, mistake
from journey.worlds import World
from journey.worlds.project import CONNECTION

AZURE_STEP = f"""task: AzureCLI@2
            displayName: Sign in
            inputs:
              azureSubscription: {CONNECTION}
              scriptType: bash
              scriptLocation: inlineScript
              inlineScript: echo signed in
          - bash: echo trained"""
OVERRIDE = {"triggerType": "continuousIntegration", "settingsSourceType": 1, "branchFilters": ["+refs/heads/x"]}


@mistake("pipeline-missing", "M6", "PIP001", "Existing Azure Pipelines YAML file", "M8", spoils=True)
def pipeline_missing(world: World) -> None:
    """The pipeline was deleted, and with it its runs."""
    world.project.delete_pipeline(world.pipeline)


@mistake("pipeline-of-another-repository", "M6", "PIP001", "Get sources", "M8")
def pipeline_of_another_repository(world: World) -> Undo:
    """The pipeline takes the file of another repository of the project."""
    project = world.project
    name = f"elsewhere-{world.suffix}"
    number = project.make_repository(name)
    project.push(repository=name)
    repository = {"id": number, "name": name, "type": "TfsGit", "defaultBranch": "refs/heads/main"}
    before = project.update_pipeline(world.pipeline, repository=repository)
    return lambda: restore(world, repository=before["repository"])


@mistake("pipeline-path-wrong", "M3", "REP002", "Settings, YAML file path", "M8")
def pipeline_path_wrong(world: World) -> Undo:
    """The pipeline's path leads to no file."""
    process = {"type": 2, "yamlFilename": "pipelines/mlops.yml"}
    before = world.project.update_pipeline(world.pipeline, process=process)
    return lambda: restore(world, process=before["process"])


@mistake("pipeline-paused", "M6", "PIP002", "Processing of new run requests", "M8")
def pipeline_paused(world: World) -> Undo:
    """The pipeline is paused: runs queue, and none starts."""
    world.project.update_pipeline(world.pipeline, queueStatus="paused")
    return lambda: restore(world, queueStatus="enabled")


@mistake("trigger-overridden", "M6", "PIP002", "take the override away", "M8")
def trigger_overridden(world: World) -> Undo:
    """The push trigger was set in the portal, and the file's does not count."""
    before = world.project.update_pipeline(world.pipeline, triggers=[OVERRIDE])
    return lambda: restore(world, triggers=before.get("triggers", []))


def restore(world: World, **fields: object) -> None:
    """Puts fields of the pipeline back, on top of what it is by then."""
    world.project.update_pipeline(world.pipeline, **fields)


@mistake("pipeline-never-ran", "M6", "RUN001", "The first run is started by hand", "M8")
def pipeline_never_ran(world: World) -> Undo:
    """The pipeline is there, and nobody has run it."""
    return another_pipeline(world, world.project.text(), run=False)[0]


@mistake("run-waits-to-be-permitted", "M6", "RUN001", "press View, then Permit", "M8", outcome=WAITING)
def run_waits_to_be_permitted(world: World) -> Undo:
    """The first run waits for a permission, and its owner waits for the run."""
    undo, run = another_pipeline(world, world.project.text().replace("bash: echo trained", AZURE_STEP))
    world.project.await_record(run, "Checkpoint.Authorization")
    return undo


@mistake("first-step-breaks", "M6", "RUN001", "This is the first error, not the last", "M8")
def first_step_breaks(world: World) -> Undo:
    """A step of the first stage breaks."""
    return ended(world, world.project.text(build="exit 3"))


@mistake("file-is-not-read", "M6", "RUN001", "no step has run", "M8")
def file_is_not_read(world: World) -> Undo:
    """The service cannot make a pipeline of the file: a key is misspelt."""
    undo, _ = another_pipeline(world, world.project.text(), run=False)
    text = world.project.text().replace("deployment: DeployStaging", "deplyment: DeployStaging")
    commit = world.project.push({"release.yml": text.replace("azure-pipelines.yml", "release.yml", 1)})
    world.project.finish(world.project.await_run_of(commit))
    return undo


@mistake(
    "no-hosted-parallelism",
    "M6",
    "RUN001",
    "Ask for the free grant",
    "M8",
    switches={"hosted_parallelism": False},
)
def no_hosted_parallelism(world: World) -> Undo:
    """The organisation has no agent of Microsoft's yet."""
    return ended(world, world.project.text())


@mistake("artifact-of-another-name", "M6", "RUN002", "is nearly the name", "M6")
def artifact_of_another_name(world: World) -> Undo:
    """The artifact is published under another name."""
    return ended(world, world.project.text("Build", artifact="drops"))


@mistake("artifact-never-published", "M6", "RUN002", "A step with a condition may have been skipped", "M6")
def artifact_never_published(world: World) -> Undo:
    """The step that publishes the artifact was skipped."""
    text = world.project.text("Build").replace("artifact: drop", "artifact: drop\n            condition: false")
    return ended(world, text)
