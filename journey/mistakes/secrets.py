"""Mistakes of module 15: secrets where they can be read, an identity that may too much, a bill that nobody sees."""

from journey.mistakes.registry import Undo, mistake
from journey.worlds import World
from journey.worlds.clones import commit_clone, run_git

OWNER = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
# Put together, so that no scanner takes the kit's own source for a leak.
KEY_LINE = "AZURE_CLIENT_" + 'SECRET = "' + "qZ8Q~" + "Xk2mP0vT7yR4sW9bN1cL5dF8gH3jK6aE" + '"\n'


@mistake(
    "secret-variable-not-marked", "M15", "SEC002", "Whoever may see the pipeline may read it", "M15", looks=("M15",)
)
def secret_variable_not_marked(world: World) -> Undo:
    """A secret is a plain variable of the pipeline."""
    variables = {"client.secret": {"value": "not-a-real-one-0123456789", "isSecret": False}}
    before = world.project.update_pipeline(world.pipeline, variables=variables)
    return lambda: _restore(world, variables=before.get("variables", {}))


def _restore(world: World, **fields: object) -> None:
    world.project.update_pipeline(world.pipeline, **fields)


@mistake("connection-for-everybody", "M15", "SEC005", "was ticked when the connection was made", "M15", looks=("M15",))
def connection_for_everybody(world: World) -> Undo:
    """The connection is open to every pipeline of the project."""
    world.project.permit("endpoint", world.connection)
    return lambda: world.project.permit("endpoint", world.connection, everybody=False)


def assigned(world: World, role: str, scope: str) -> Undo:
    """A further role of the connection's identity at a scope."""
    connection = world.project.organization.get(world.project.path(f"serviceendpoint/endpoints/{world.connection}"))
    principal = connection["data"].get("spnObjectId") or connection["authorization"]["parameters"]["spnObjectId"]
    name = f"{world.connection[:-12]}{role[-12:]}"
    path = f"{scope}/providers/Microsoft.Authorization/roleAssignments/{name}"
    definition = (
        f"/subscriptions/{world.resources.subscription}/providers/Microsoft.Authorization/roleDefinitions/{role}"
    )
    body = {"properties": {"roleDefinitionId": definition, "principalId": principal}}
    world.resources.call("PUT", path, body, "2022-04-01")
    return lambda: world.resources.call("DELETE", path, version="2022-04-01")


@mistake("identity-is-owner", "M15", "SEC003", "gives access to others", "M15", looks=("M15",))
def identity_is_owner(world: World) -> Undo:
    """The pipeline's identity is Owner of the group."""
    return assigned(world, OWNER, world.resources.group)


@mistake(
    "identity-of-the-whole-subscription",
    "M15",
    "SEC003",
    "reaches further than your resource group",
    "M15",
    looks=("M15",),
)
def identity_of_the_whole_subscription(world: World) -> Undo:
    """The pipeline's identity is Contributor of the subscription, as when the group's field stays empty."""
    contributor = "b24988ac-6180-42a0-ab88-20f7382dd24c"
    return assigned(world, contributor, f"/subscriptions/{world.resources.subscription}")


@mistake("no-budget", "M15", "CST001", "the first to tell you is the bill", "M15", looks=("M15",))
def no_budget(world: World) -> Undo:
    """The group has no budget."""
    path = f"{world.resources.group}/providers/Microsoft.Consumption/budgets/workshop"
    world.resources.call("DELETE", path, version="2023-11-01")
    return world.resources.make_budget


@mistake("budget-without-an-alert", "M15", "CST001", "is a number in a form", "M15", looks=("M15",))
def budget_without_an_alert(world: World) -> Undo:
    """The budget tells nobody."""
    world.resources.make_budget(alert=False)
    return world.resources.make_budget


@mistake("resource-without-tags", "M15", "CST002", "The clean-up would not know it", "M15", looks=("M15",))
def resource_without_tags(world: World) -> Undo:
    """A resource was made by hand, without the tags."""
    path = f"{world.resources.registries}/crbyhand{world.suffix}"
    body = {"location": world.resources.location, "sku": {"name": "Basic"}, "properties": {}}
    world.resources.call("PUT", path, body, "2023-07-01")
    return lambda: world.resources.call("DELETE", path, version="2023-07-01")


@mistake("secret-in-a-log", "M15", "SEC004", "A step printed it", "M15", looks=("M15",))
def secret_in_a_log(world: World) -> Undo:
    """A step prints a secret that nobody has told the service of."""
    value = KEY_LINE.strip().replace('"', "").replace(" ", "")
    text = world.project.text("Build", build=f"echo {value}")
    world.project.branch("prints", world.project.tip())
    world.project.push(text, branch="prints", comment="Print")
    run = world.project.start(world.pipeline, "prints")
    world.project.finish(run)

    def undo() -> None:
        world.project.delete_run(run)
        world.project.remove_branch("prints")

    return undo


def rewound(world: World) -> Undo:
    """Takes back what is committed from here on."""
    tip = run_git(world.folder, "rev-parse", "HEAD").strip()

    def undo() -> None:
        run_git(world.folder, "reset", "--quiet", "--hard", tip)

    return undo


@mistake("secret-in-the-history", "M15", "SEC001", "Deletion is not enough", "M15", clone=True)
def secret_in_the_history(world: World) -> Undo:
    """A secret was committed, and deleted with the next commit."""
    undo = rewound(world)
    file = world.folder / "labs" / "settings.py"
    file.write_text(KEY_LINE, encoding="utf-8")
    commit_clone(world.folder, "Add settings")
    file.unlink()
    commit_clone(world.folder, "Remove settings")
    return undo


@mistake(
    "secret-in-the-clone",
    "M15",
    "SEC001",
    "Everybody who may clone the repository has it",
    "M15",
    clone=True,
)
def secret_in_the_clone(world: World) -> Undo:
    """A secret is in a file of the newest commit."""
    undo = rewound(world)
    (world.folder / "labs" / "settings.py").write_text(KEY_LINE, encoding="utf-8")
    commit_clone(world.folder, "Add settings")
    return undo
