"""Mistakes of modules 8 and 9: the endpoint of production, its environment, the run that goes there, the lineage."""

from journey.mistakes.pipelines import another_pipeline, changed
from journey.mistakes.registry import WAITING, Undo, mistake
from journey.mistakes.staging import renamed_environments, retagged
from journey.worlds import World
from journey.worlds.project import PRODUCTION
from journey.worlds.serving import (
    DEPLOYMENTS,
    ENDPOINTS,
    make_deployment,
    make_endpoint,
    make_image,
    set_traffic,
)

MANUAL = """      - job: Ask
        pool: server
        steps:
          - task: ManualValidation@0
            inputs:
              notifyUsers: ''
      - deployment: DeployProduction
        dependsOn: Ask
"""


@mistake("production-environment-misspelt", "M8", "ENV002", "is nearly the name", "M8")
def production_environment_misspelt(world: World) -> Undo:
    """The environment for production has nearly the right name."""
    return renamed_environments(world, '["diabetes-staging", "diabetes-productive"]')


def without_approval(world: World) -> Undo:
    """Takes the approval away; undone by another one."""
    world.project.remove_check(world.approval)

    def undo() -> None:
        world.approval = world.project.require_approval(world.environments[PRODUCTION])

    return undo


@mistake("production-without-approval", "M8", "ENV003", "it was made without anybody asking", "M8")
def production_without_approval(world: World) -> Undo:
    """The environment has no approval: whatever is pushed goes to production."""
    return without_approval(world)


@mistake("approval-in-the-yaml", "M8", "ENV003", "ManualValidation is a step of the file", "M8")
def approval_in_the_yaml(world: World) -> Undo:
    """The gate is a ManualValidation task in the file, where whoever may push can take it away."""
    back = without_approval(world)
    text = world.project.text()
    world.project.push(text.replace("      - deployment: DeployProduction\n", MANUAL), comment="Ask [skip ci]")

    def undo() -> None:
        back()
        world.project.push(text, comment="Do not ask [skip ci]")

    return undo


@mistake("run-waits-for-approval", "M8", "RUN003", "Open the run, Review", "M8", outcome=WAITING)
def run_waits_for_approval(world: World) -> Undo:
    """The run waits for somebody to approve it, who has not looked."""
    undo, run = _releasing(world, world.project.text())
    world.project.await_record(run, "Checkpoint.Approval")
    return undo


def _releasing(world: World, text: str) -> tuple[Undo, int]:
    """Another pipeline, whose run has registered what is in staging; what undoes both, and the run."""
    undo, run = another_pipeline(world, text)
    back = retagged(world, build=str(run), commit=world.project.tip())

    def both() -> None:
        undo()
        back()

    return both, run


@mistake("production-stage-breaks", "M8", "RUN003", "This is the first error, not the last", "M8")
def production_stage_breaks(world: World) -> Undo:
    """The step that releases breaks."""
    undo, run = _releasing(world, world.project.text(production="exit 5"))
    world.project.approve(run)
    return undo


@mistake("approval-rejected", "M8", "RUN003", "Somebody has said no", "M8")
def approval_rejected(world: World) -> Undo:
    """Whoever looked at staging has rejected the release."""
    undo, run = _releasing(world, world.project.text())
    world.project.approve(run, "rejected")
    return undo


@mistake("production-job-instead-of-deployment", "M8", "DEP002", "Only a deployment job makes a record", "M8")
def production_job_instead_of_deployment(world: World) -> Undo:
    """The stage has a job and not a deployment job: no approval, no record."""
    head, _, _ = world.project.text().partition("      - deployment: DeployProduction")
    undo, run = _releasing(
        world, f"{head}      - job: DeployProduction\n        steps:\n          - bash: echo released\n"
    )
    world.project.finish(run)
    return undo


@mistake("endpoint-misspelt", "M8", "PRD001", "is nearly the name", "M8")
def endpoint_misspelt(world: World) -> Undo:
    """The endpoint has another name than workshop.toml says."""
    return changed(world, "production", "diabetis-production-{suffix}")


@mistake("production-never-deployed", "M8", "PRD001", "somebody must approve it", "M8")
def production_never_deployed(world: World) -> Undo:
    """There is no endpoint."""
    return changed(world, "production", "nowhere-{suffix}")


@mistake("traffic-nowhere", "M8", "PRD002", "no traffic reaches it", "M8")
def traffic_nowhere(world: World) -> Undo:
    """The deployment is healthy, and no traffic goes to it."""
    set_traffic(world.resources, {})
    return lambda: set_traffic(world.resources, {"blue": 100})


def released(world: World, image: str, model: str = "") -> Undo:
    """All traffic to another deployment, green; undone by sending it back to blue and taking green away."""
    make_deployment(world.resources, image, model or world.models[-1], "green", next_environment(world))
    set_traffic(world.resources, {"green": 100})

    def undo() -> None:
        set_traffic(world.resources, {"blue": 100})
        world.resources.call("DELETE", f"{world.resources.endpoint}/deployments/green", version=DEPLOYMENTS)

    return undo


def next_environment(world: World) -> str:
    """The number of the next version of the environment that serves: a version never changes."""
    path = f"{world.resources.workspace}/environments/{world.names['image_environment']}/versions"
    found = world.resources.call("GET", path, version=DEPLOYMENTS)["value"]
    return str(1 + max((int(one["name"]) for one in found), default=0))


@mistake("image-built-twice", "M8", "PRD003", "Was the image built a second time", "M8")
def image_built_twice(world: World) -> Undo:
    """Production has a second build of the same model, which nobody has tested."""
    return released(world, make_image(world.resources, world.models[-1], "none", tag=f"again-{world.suffix}"))


@mistake("production-by-tag", "M8", "PRD003", "The image is named by its tag", "M8")
def production_by_tag(world: World) -> Undo:
    """Production names the image by a tag."""
    return released(world, world.image.partition("@")[0] + ":1")


@mistake("production-names-another-version", "M8", "PRD004", "not the latest", "M8")
def production_names_another_version(world: World) -> Undo:
    """The deployment names the newest version, and staging has tested another."""
    tags = {"commit": world.runs[-1].commit, "build": str(world.runs[-1].id), "job": world.job}
    newer = world.resources.make_model("8", data=f"{world.names['data_asset']}:1", **tags)
    back = released(world, world.image, newer)

    def undo() -> None:
        back()
        world.resources.call("DELETE", f"{world.resources.workspace}/models/{world.names['model']}/versions/8")

    return undo


@mistake("endpoint-takes-tokens", "M8", "PRD006", "auth mode is set when the endpoint is made", "M8")
def endpoint_takes_tokens(world: World) -> Undo:
    """The endpoint wants tokens of Azure Machine Learning, and callers have a key."""
    name, home = f"tokens-{world.suffix}", world.names["production"]
    other = world.elsewhere(production=name)
    make_endpoint(other, "AMLToken")
    make_deployment(other, world.image, world.models[-1], version=next_environment(world))
    set_traffic(other, {"blue": 100}, "AMLToken")
    assert home != name
    back = changed(world, "production", name)

    def undo() -> None:
        back()
        world.resources.call("DELETE", other.endpoint, version=ENDPOINTS)

    return undo


@mistake("version-of-another-commit", "M9", "LIN002", "does not name its run's commit", "M8")
def version_of_another_commit(world: World) -> Undo:
    """The tag commit of the served version is not the commit of its run."""
    return retagged(world, commit="0123abcd")


@mistake("production-deployed-by-another-run", "M9", "LIN002", "another run has deployed since", "M8", spoils=True)
def production_deployed_by_another_run(world: World) -> None:
    """A later run has gone to production, and what is served is of an earlier one."""
    text = world.project.text()
    start, end = text.index("  - stage: Staging"), text.index("  - stage: Production")
    branch = f"later-{world.suffix}"
    world.project.branch(branch, world.project.tip())
    short = text[:start] + text[end:].replace("dependsOn: Staging", "dependsOn: Build")
    world.project.push(short, branch=branch)
    world.project.approve(world.project.start(world.pipeline, branch))
