"""Mistakes of modules 3 and 5 on the service: the import, the branch, the trigger, the suffix in the file."""

from urllib.parse import quote

from journey.mistakes.registry import UNKNOWN, mistake
from journey.worlds import World
from journey.worlds.wire import soon

TRIGGER = """trigger:
  branches:
    include:
      - main                                   # the default branch
"""


def push_edited(world: World, before: str, after: str) -> None:
    """Pushes the pipeline's file with one text in place of another."""
    text = world.project.text()
    assert before in text, before
    world.project.push(text.replace(before, after), comment="Edit the pipeline")


@mistake("import-never-done", "M3", "REP001", "Repos, Import", "M2", spoils=True)
def import_never_done(world: World) -> None:
    """The project's repository is still empty."""


@mistake("import-of-a-page", "M3", "REP001", "is the address of a page", "M2", spoils=True)
def import_of_a_page(world: World) -> None:
    """The address of a browser's page, with /tree/main at its end, was imported."""
    path = world.project.path(f"git/repositories/{world.project.repository()['id']}/importRequests")
    url = f"{world.project.organization.url}/{quote(world.project.name)}/_git/kit/tree/main"
    body = {"parameters": {"gitSource": {"url": url, "overwrite": False}}}
    request = world.project.organization.post(path, body)["importRequestId"]
    soon(
        lambda: world.project.organization.get(f"{path}/{request}")["status"],
        lambda status: status in ("failed", "completed"),
        f"import {request}",
    )


@mistake("code-in-another-repository", "M3", "REP001", "The code lies in", "M2", spoils=True)
def code_in_another_repository(world: World) -> None:
    """The code was imported into a second repository, and the first is empty."""
    world.project.make_repository("aidevcollege")
    world.project.push({world.project.file: world.project.text()}, repository="aidevcollege")


@mistake("repository-of-another-name", "M3", "REP001", "A project comes with a repository", "M2", spoils=True)
def repository_of_another_name(world: World) -> None:
    """There is one repository, and workshop.toml knows it by no name."""
    organization, project = world.project.organization, world.project
    project.make_repository("aidevcollege")
    organization.delete(project.path(f"git/repositories/{project.repository()['id']}"))


@mistake("code-may-not-be-read", "M3", "REP001", "", "M3", outcome=UNKNOWN, spoils=True)
def code_may_not_be_read(world: World) -> None:
    """The token may read the project and not its code.

    What nobody may look at is not wrong.
    """
    body = {"displayName": f"narrow {world.suffix}", "scope": "vso.project"}
    url = f"{world.project.organization.url}/_apis/tokens/pats?api-version=7.1-preview.1"
    answer = world.resources.wire.post_signed(url, body).json()
    world.variables["AZURE_DEVOPS_EXT_PAT"] = str(answer["patToken"]["token"])


@mistake("pipeline-file-misspelt", "M3", "REP002", "is nearly the path", "M2", spoils=True)
def pipeline_file_misspelt(world: World) -> None:
    """The pipeline's file has another name than the one that is looked for."""
    world.project.push({"azure-pipeline.yml": world.project.text(), "README.md": "# Kit\n"})


@mistake("default-branch-master", "M3", "REP003", "An import keeps the branch", "M2", spoils=True)
def default_branch_master(world: World) -> None:
    """The repository's default branch is master, and the trigger names main."""
    world.project.push(branch="master")
    world.project.make_default("master")


@mistake("trigger-none", "M3", "REP003", "no push starts it", "M2", spoils=True)
def trigger_none(world: World) -> None:
    """The file says trigger: none, which was meant for a day of trying."""
    text = world.project.text()
    start, end = text.index("trigger:"), text.index("variables:")
    world.project.push(text[:start] + "trigger: none\n" + text[end:])


@mistake("trigger-excludes-main", "M3", "REP003", "is excluded", "M2", spoils=True)
def trigger_excludes_main(world: World) -> None:
    """The trigger includes everything and excludes main."""
    excluded = "trigger:\n  branches:\n    include:\n      - '*'\n    exclude:\n      - main\n"
    push_edited(world, TRIGGER, excluded)


@mistake("trigger-of-another-branch", "M3", "REP003", "Which branch do you push to", "M2", spoils=True)
def trigger_of_another_branch(world: World) -> None:
    """The trigger names a branch that nobody pushes to."""
    push_edited(world, TRIGGER, "trigger:\n  branches:\n    include:\n      - develop\n")


@mistake("trigger-with-an-expression", "M3", "REP003", "it takes no expressions", "M2", spoils=True)
def trigger_with_an_expression(world: World) -> None:
    """The trigger asks a template expression which branches it has."""
    push_edited(world, TRIGGER, "trigger:\n  ${{ if eq(variables.x, 1) }}:\n    branches:\n      include: [main]\n")


@mistake("pushed-file-is-no-yaml", "M3", "REP002", "What was pushed cannot be read", "M2", spoils=True)
def pushed_file_is_no_yaml(world: World) -> None:
    """A tab stands where the pipeline's file is indented, and it was pushed unseen."""
    push_edited(world, TRIGGER, "trigger:\n\tbranches:\n\t\tinclude:\n\t\t\t- main\n")


@mistake("suffix-placeholder", "M5", "YML001", "Angle brackets are a placeholder", "M4", spoils=True)
def suffix_placeholder(world: World) -> None:
    """The variable still holds the placeholder in angle brackets."""
    world.project.push(world.project.text(suffix="'<yourname>'"))


@mistake("suffix-never-changed", "M5", "YML001", "It is what the file came with", "M4", spoils=True)
def suffix_never_changed(world: World) -> None:
    """The suffix is the one that everybody's file came with."""
    world.project.push(world.project.text(suffix="abc"), comment="Nothing")


@mistake("suffix-of-a-neighbour", "M5", "YML001", "The checker takes your suffix", "M4", spoils=True)
def suffix_of_a_neighbour(world: World) -> None:
    """The suffix in the file is not the one in workshop.toml."""
    world.project.push(world.project.text(suffix="neighbor"))


@mistake("suffix-without-a-variable", "M5", "YML001", "was it renamed", "M4", spoils=True)
def suffix_without_a_variable(world: World) -> None:
    """The variable of the suffix was renamed."""
    push_edited(world, "workshop.suffix:", "workshop.initials:")
