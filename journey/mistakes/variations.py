"""Valid variations: what an attendee may do otherwise, and no check may call wrong."""

from journey.mistakes.cards import carded
from journey.mistakes.clone import edited
from journey.mistakes.monitoring import DECISION, monitored
from journey.mistakes.pipelines import changed
from journey.mistakes.registry import NOTHING, Undo, variation
from journey.mistakes.repository import TRIGGER, push_edited
from journey.mistakes.staging import staged
from journey.worlds import World
from journey.worlds.cards import CARD
from journey.worlds.monitoring import production_window
from journey.worlds.serving import DEPLOYMENTS, make_deployment, make_image, make_staging, set_traffic

EVERYTHING = "trigger:\n  branches:\n    include:\n      - '*'\n"


@variation("another-suffix", "M2", NOTHING, spoils=True)
def another_suffix(world: World) -> None:
    """A suffix of three characters, the shortest there may be: every world has one of its own anyway."""
    world.project.make()
    world.configure("suffix", world.suffix[:3])


@variation("project-name-in-capitals", "M2", NOTHING, spoils=True)
def project_name_in_capitals(world: World) -> None:
    """The name is written in capitals in workshop.toml: the service does not tell them apart."""
    world.project.make()
    world.configure("project", world.project.name.upper())


@variation("repository-of-its-own", "M3", "M2", spoils=True)
def repository_of_its_own(world: World) -> None:
    """The code is in a second repository, aidevcollege, as the original has it, and workshop.toml says so."""
    world.project.make_repository("aidevcollege")
    world.project.push({world.project.file: world.project.text()}, repository="aidevcollege")
    world.configure("repository", "aidevcollege")


@variation("default-repository", "M3", "M2", spoils=True)
def default_repository(world: World) -> None:
    """workshop.toml asks for aidevcollege, and the code is in the repository that came with the project."""
    world.project.push()
    world.configure("repository", "aidevcollege")


@variation("master-throughout", "M3", "M2", spoils=True)
def master_throughout(world: World) -> None:
    """The default branch is master, and the trigger names it."""
    world.project.push(world.project.text().replace("- main ", "- master "), branch="master")
    world.project.make_default("master")


@variation("trigger-of-all-branches", "M3", "M2", spoils=True)
def trigger_of_all_branches(world: World) -> None:
    """The trigger takes every branch."""
    push_edited(world, TRIGGER, EVERYTHING)


@variation("trigger-as-a-flow-list", "M3", "M2", spoils=True)
def trigger_as_a_flow_list(world: World) -> None:
    """The branches stand in brackets, on one line."""
    push_edited(world, TRIGGER, "trigger:\n  branches:\n    include: [develop, 'main']\n")


@variation("trigger-excludes-pages", "M3", "M2", spoils=True)
def trigger_excludes_pages(world: World) -> None:
    """The trigger's paths exclude the pages within a folder that they include."""
    push_edited(world, "      - labs\n", "      - labs\n    exclude:\n      - labs/README.md\n")


@variation("extra-files-and-branches", "M3", "M2", spoils=True)
def extra_files_and_branches(world: World) -> None:
    """The repository holds more than the kit: other pipelines, notes, a branch."""
    text = world.project.text()
    world.project.push({world.project.file: text, "other/azure-pipelines.yml": text, "notes.md": "# Notes\n"})
    world.project.branch("trying", world.project.tip())


@variation("connection-scoped-to-the-subscription", "M4", "M3", spoils=True)
def connection_scoped_to_the_subscription(world: World) -> None:
    """The field for the group was left empty, as the original has it."""
    scope = f"/subscriptions/{world.resources.subscription}"
    world.project.make_connection(parameters={"scope": scope})


@variation("two-connections", "M4", "M3", spoils=True)
def two_connections(world: World) -> None:
    """A second connection, with a secret, that this workshop does not use."""
    world.project.make_connection()
    secret = {"serviceprincipalkey": "not-a-real-one-0123", "authenticationType": "spnKey"}
    world.project.make_connection("Another", scheme="ServicePrincipal", parameters=secret)


@variation("connection-open-to-all", "M4", "M4")
def connection_open_to_all(world: World) -> Undo:
    """Every pipeline of the project may use the connection: a warning, and no mistake of this module."""
    world.project.permit("endpoint", world.connection)
    return lambda: world.project.permit("endpoint", world.connection, everybody=False)


@variation("suffix-in-quotes", "M5", "M4", spoils=True)
def suffix_in_quotes(world: World) -> None:
    """The suffix is written in quotes."""
    world.project.push(world.project.text(suffix=f"'{world.suffix}'"))


@variation("variables-as-a-list", "M5", "M4", spoils=True)
def variables_as_a_list(world: World) -> None:
    """The variables are a list of names and values, as the portal's help shows them."""
    listed = f"variables:\n  - name: workshop.suffix\n    value: {world.suffix}\n"
    push_edited(world, f"variables:\n  workshop.suffix: {world.suffix}\n", listed)


@variation("pipeline-of-another-name", "M6", "M8")
def pipeline_of_another_name(world: World) -> Undo:
    """The pipeline has the name that the form proposed."""
    before = world.project.update_pipeline(world.pipeline, name=world.project.name)
    return lambda: rename(world, str(before["name"]))


def rename(world: World, name: str) -> None:
    world.project.update_pipeline(world.pipeline, name=name)


@variation("second-pipeline", "M6", "M8")
def second_pipeline(world: World) -> Undo:
    """The project has a second pipeline, whose runs break."""
    world.project.push({"other.yml": "trigger: none\nsteps:\n  - bash: exit 1\n"}, comment="Try something")
    other = world.project.make_pipeline("Something else", "other.yml")
    world.project.finish(world.project.start(other))
    return lambda: world.project.delete_pipeline(other)


@variation("failed-run-after-a-good-one", "M6", "M10")
def failed_run_after_a_good_one(world: World) -> Undo:
    """A run by hand was cancelled after all had been well."""
    run = world.project.start(world.pipeline)
    world.project.cancel(run)
    return lambda: world.project.delete_run(run)


@variation("larger-cluster", "M6", "M8")
def larger_cluster(world: World) -> Undo:
    """The cluster was made by hand with another size, and still costs nothing when idle."""
    path = f"{world.resources.workspace}/computes/{world.names['compute']}"
    scale = {"minNodeCount": 0, "maxNodeCount": 1, "nodeIdleTimeBeforeScaleDown": "PT10M"}
    inner = {"vmSize": "STANDARD_DS3_V2", "scaleSettings": scale}
    body = {"location": "westeurope", "properties": {"computeType": "AmlCompute", "properties": inner}}
    world.resources.call("DELETE", path)
    world.resources.call("PUT", path, body)

    def undo() -> None:
        world.resources.call("DELETE", path)
        world.resources.make_cluster()

    return undo


@variation("several-data-versions", "M6", "M8")
def several_data_versions(world: World) -> Undo:
    """The data has three versions, and the model names the first."""
    data, later = world.names["data_asset"], ("2", "3")
    for version in later:
        world.resources.make_data(data, version=version)

    def undo() -> None:
        for version in later:
            world.resources.call("DELETE", f"{world.resources.workspace}/data/{data}/versions/{version}")

    return undo


@variation("tags-of-ones-own", "M6", "M8")
def tags_of_ones_own(world: World) -> Undo:
    """A version has tags that nobody asked for."""
    newest = world.models[-1]
    world.resources.retag_model(newest, owner="Ada", why="I wanted to see")
    return lambda: world.resources.retag_model(newest, owner="", why="")


@variation("jobs-that-failed-before", "M6", "M8")
def jobs_that_failed_before(world: World) -> Undo:
    """The experiment has a failed job beside the completed one."""
    job = world.resources.make_job("exit 3")
    return lambda: world.resources.call("DELETE", f"{world.resources.workspace}/jobs/{job}")


@variation("workspace-renamed-everywhere", "M6", NOTHING, spoils=True, looks=("M2",))
def workspace_renamed_everywhere(world: World) -> None:
    """Names in workshop.toml are not the proposed ones."""
    world.project.make()
    world.configure("workspace", "mlw-of-{suffix}")
    world.configure("model", "patients-{suffix}")


@variation("staging-in-a-group-of-another-name", "M7", "M7")
def staging_in_a_group_of_another_name(world: World) -> Undo:
    """The container group has a name of one's own, and workshop.toml says so."""
    return staged(world)


@variation("image-with-several-tags", "M7", "M7")
def image_with_several_tags(world: World) -> Undo:
    """The image was built twice, and staging runs the older build."""
    make_image(world.resources, world.models[-1], "none", tag=f"newer-{world.suffix}")
    return lambda: None


@variation("environments-open-to-permitted-only", "M7", "M7")
def environments_open_to_permitted_only(world: World) -> Undo:
    """The environment is closed to pipelines that nobody has permitted; this one has deployed already."""
    number = world.environments["diabetes-staging"]
    world.project.permit("environment", number, everybody=False)
    return lambda: world.project.permit("environment", number)


@variation("extra-environment", "M8", "M8")
def extra_environment(world: World) -> Undo:
    """A third environment, for trying."""
    number = world.project.make_environment(f"trying-{world.suffix}")
    return lambda: world.project.organization.delete(world.project.path(f"distributedtask/environments/{number}"))


@variation("approval-by-somebody-else", "M8", "M8")
def approval_by_somebody_else(world: World) -> Undo:
    """Who starts a run may not approve it, as in a team."""
    world.project.remove_check(world.approval)
    world.approval = world.project.require_approval(world.environments["diabetes-production"], requester_may=False)

    def undo() -> None:
        world.project.remove_check(world.approval)
        world.approval = world.project.require_approval(world.environments["diabetes-production"])

    return undo


@variation("second-deployment-without-traffic", "M8", "M8")
def second_deployment_without_traffic(world: World) -> Undo:
    """A second deployment stands by at 0 %."""
    make_deployment(world.resources, world.image, world.models[-1], "green", version="50")
    set_traffic(world.resources, {"blue": 100, "green": 0})
    return lambda: _without_green(world)


@variation("deployment-named-green", "M8", "M8")
def deployment_named_green(world: World) -> Undo:
    """The one that serves is called green."""
    make_deployment(world.resources, world.image, world.models[-1], "green", version="51")
    set_traffic(world.resources, {"green": 100})
    return lambda: _without_green(world)


def _without_green(world: World) -> None:
    set_traffic(world.resources, {"blue": 100})
    world.resources.call("DELETE", f"{world.resources.endpoint}/deployments/green", version=DEPLOYMENTS)


@variation("traffic-shared", "M8", "M8")
def traffic_shared(world: World) -> Undo:
    """Two deployments of one image share the traffic, 90 to 10."""
    make_deployment(world.resources, world.image, world.models[-1], "green", version="52")
    set_traffic(world.resources, {"blue": 90, "green": 10})
    return lambda: _without_green(world)


@variation("push-that-starts-nothing", "M10", "M10")
def push_that_starts_nothing(world: World) -> Undo:
    """Pages are pushed after all is done: they start nothing, and are not meant to."""
    world.project.push({"labs/notes.md": "# What I saw\n"}, comment="Take notes [skip ci]")
    world.project.push({"README.md": "# Mine\n"}, comment="Say whose it is")
    return lambda: None


@variation("two-pushes", "M10", "M10", spoils=True)
def two_pushes(world: World) -> None:
    """A second push: its version is in staging, its run waits to be released, the one before is in production."""
    commit = world.project.push(world.project.text(build="echo trained on more"), comment="Test on 0.25 of the data")
    run = world.project.await_run_of(commit)
    world.project.await_record(run, "Checkpoint.Approval")
    tags = {"commit": commit, "build": str(run), "job": world.job, "data": f"{world.names['data_asset']}:1"}
    model = world.resources.make_model("3", **tags)
    make_staging(world.resources, make_image(world.resources, model, tag="3"), model, world.key)


@variation("names-of-stages", "M8", "M8")
def names_of_stages(world: World) -> Undo:
    """The stages have other display names: what counts is what they do."""
    text = world.project.text().replace("Train, evaluate and register", "Do it all")
    world.project.push(text, comment="Rename [skip ci]")
    return lambda: None


@variation("experiment-of-another-name", "M6", "M8")
def experiment_of_another_name(world: World) -> Undo:
    """The experiment has a name of one's own, and workshop.toml says so."""
    name = f"mine-{world.suffix}"
    return changed(world, "experiment", name, lambda: world.resources.make_job(experiment=name))


@variation("reference-of-last-week", "M13", "M14", clone=True)
def reference_of_last_week(world: World) -> Undo:
    """Production is compared with what it was asked a week ago: a slow drift escapes, a sudden one does not."""
    week = production_window(world.resources, offset="P7D")
    return monitored(world, referenceData=week)


@variation("decision-in-bold", "M13", "M14", clone=True)
def decision_in_bold(world: World) -> Undo:
    """The decision is another one, and written with emphasis."""
    return edited(world, DECISION, ("Decision: ignore", "**Decision: Roll-back**"))


@variation("card-with-another-section", "M14", "M14", clone=True)
def card_with_another_section(world: World) -> Undo:
    """The card says more than it has to, with fewer decimals, and was linked again."""
    return carded(world, lambda text: text.replace(".5000 |", ".5 |") + "\n## Who wrote this\n\nThe team.\n")


@variation("card-with-the-line-ends-of-windows", "M14", "M14", clone=True)
def card_with_the_line_ends_of_windows(world: World) -> Undo:
    """git on Windows has changed the line ends after the card was linked."""
    file = world.folder / CARD
    before = file.read_bytes()
    file.write_bytes(before.replace(b"\n", b"\r\n"))

    def undo() -> None:
        file.write_bytes(before)

    return undo
