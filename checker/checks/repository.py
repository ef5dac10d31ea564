"""Modules 3 and 5: the repository, and what the pipeline's file in it says."""

import re

from checker.checks.judgement import missing, nearly, neighbours, quote
from checker.checks.organization import at_project
from checker.checks.registry import devops_check
from checker.checks.triggers import NotReadHere, Trigger, read_document, read_trigger, read_variable
from checker.clients.devops import Definition, Repository
from checker.context import CheckContext
from checker.model import Evidence, Fail, failed

SUFFIX_VARIABLE = "workshop.suffix"
STARTER_SUFFIX = "abc"  # what the file says before anybody has changed it
PAGE = re.compile(r"/(tree|blob)/|[?&]version=", re.IGNORECASE)  # what a browser shows of a branch


@devops_check("REP001", "M3", ("PRJ001",))
def repository_has_code(context: CheckContext) -> Evidence:
    """The repository holds the code.

    The import copies commits and branches; from then on the code is yours to change, and yours to break.
    """
    found = find_repository(context)
    if found is None:
        raise _no_repository(context)
    if not found.branch:
        raise _empty(context, found)
    return Evidence(f"{found.name}, default branch {found.branch}", {"repository": found.id, "branch": found.branch})


@devops_check("REP002", "M3", ("REP001",))
def pipeline_file_is_there(context: CheckContext) -> Evidence:
    """The pipeline's file is on the default branch.

    The file that is pushed is the pipeline: the service reads it from the branch, at the commit it runs.
    """
    path, repository = yaml_path(context), _repository(context)
    source = _file(context)
    if source is None:
        files = context.devops.list_files(repository.id, repository.branch)
        found = [name for name in files if name.endswith((".yml", ".yaml"))]
        raise failed(
            f"`{quote(path)}` is not on {repository.branch}; {neighbours(path, found)}",
            f"a file at `{quote(path)}` on {repository.branch}",
            *nearly("path", path, found),
            "The path is that of the pipeline, or yaml in the section [devops] of workshop.toml; case matters.",
            "In the portal: Pipelines, Edit, the three dots, Settings, YAML file path.",
        )
    _require_yaml(path, repository.branch, source)
    return Evidence(quote(f"{path} on {repository.branch}"), {"path": path, "branch": repository.branch})


@devops_check("REP003", "M3", ("REP002",))
def default_branch_starts_the_pipeline(context: CheckContext) -> Evidence:
    """The default branch is one that the pipeline's trigger names.

    A push to main starts nothing when the file listens to master, and nobody says so.
    """
    branch, path = _repository(context).branch, yaml_path(context)
    try:
        trigger = read_trigger(_file(context) or "")
    except NotReadHere as reason:
        raise failed(
            f"the trigger of {quote(path)} has a form that the service does not know: {quote(str(reason))}",
            "trigger: none, a branch, a list of branches, or branches and paths",
            "A trigger is read before anything is expanded: it takes no expressions, and few words.",
            "Compare it with the trigger of solution/azure-pipelines.yml.",
        ) from reason
    named = ", ".join(trigger.include) or "none"
    if not trigger.starts_on(branch):
        but = f", but not {', '.join(trigger.exclude)}" if trigger.exclude else ""
        raise failed(
            f"the default branch is {branch}; the trigger of {quote(path)} is {quote(named + but)}",
            f"a trigger that names {branch}",
            *_trigger_hints(trigger, branch),
            "An import keeps the branch of its source, which may be master.",
            f"Change the trigger to {branch}, or the default branch: Repos, Branches, Set as default branch.",
            commands=(f'az repos update --repository "{_repository(context).name}" --default-branch <branch>',),
        )
    return Evidence(quote(f"{branch} starts {path} (trigger {named})"), {"branch": branch, "trigger": named})


@devops_check("YML001", "M5", ("REP002",))
def variables_carry_the_suffix(context: CheckContext) -> Evidence:
    """The pipeline's variables carry your suffix.

    All names of what the run makes are put together from it; two attendees with one suffix share, and break, one group.
    """
    path, wanted = yaml_path(context), context.settings.suffix
    found = read_variable(_file(context) or "", SUFFIX_VARIABLE)
    if found != wanted:
        seen = f"{SUFFIX_VARIABLE} is `{quote(found)}`" if found else f"there is no variable {SUFFIX_VARIABLE}"
        raise failed(
            f"in {quote(path)}, {seen}",
            f"{SUFFIX_VARIABLE}: {wanted}",
            *_suffix_hints(found),
            "Change it before the first run: the run makes what the variables name.",
            "The checker takes your suffix from workshop.toml, or from WORKSHOP_SUFFIX.",
        )
    return Evidence(f"{SUFFIX_VARIABLE}: {found}", {"suffix": found, "path": path})


def _require_yaml(path: str, branch: str, source: str) -> None:
    """Return when the pushed file is a mapping in YAML. Raises Fail, with what the reader said and where."""
    try:
        read_document(source)
    except NotReadHere as reason:
        raise failed(
            f"`{quote(path)}` on {branch} is no pipeline in YAML: {quote(str(reason))}",
            "a file that can be read as YAML, with words as trigger and stages at its left edge",
            "What was pushed cannot be read, so no run can begin: look at the line that the message names.",
            "YAML wants spaces, never tabs, and a space after each colon.",
            commands=("checker check YML002",),
        ) from reason


def _trigger_hints(trigger: Trigger, branch: str) -> tuple[str, ...]:
    if not trigger.include:
        return ("The file says `trigger: none`: no push starts it, on whichever branch.",)
    if Trigger(trigger.include).starts_on(branch):
        return (f"{branch} is among what the trigger includes, and is excluded again.",)
    return ("Which branch do you push to, and which does the file listen to?",)


def _suffix_hints(found: str | None) -> tuple[str, ...]:
    if found is None:
        return (f"The names are put together from {SUFFIX_VARIABLE}: was it renamed, or taken out?",)
    if "<" in found:
        return ("Angle brackets are a placeholder: Azure refuses such a name.",)
    if found == STARTER_SUFFIX:
        return ("It is what the file came with: everybody who changes nothing shares one group.",)
    return ()


def find_repository(context: CheckContext) -> Repository | None:
    """The repository of the configured name, else the one that came with the project and is named like it."""
    named = {one.name.lower(): one for one in context.repositories()}
    wanted = context.settings.devops
    return named.get(wanted.repository.lower()) or named.get(wanted.project.lower())


def find_definition(context: CheckContext) -> Definition | None:
    """The pipeline: by its name, else by its file, else the only one of the repository (the form proposes a name)."""
    wanted, found = context.settings.devops, context.definitions()
    repository = find_repository(context)
    mine = [one for one in found if repository and one.repository == repository.id]
    by_name = [one for one in found if one.name.lower() == wanted.pipeline.lower()]
    by_file = [one for one in mine if one.yaml == wanted.yaml]
    only = mine if len(mine) == 1 else []
    return next(iter([*by_name, *by_file, *only]), None)


def yaml_path(context: CheckContext) -> str:
    """The pipeline's file: what the pipeline says, and before there is one, what workshop.toml says."""
    found = find_definition(context)
    return found.yaml if found else context.settings.devops.yaml


def _file(context: CheckContext) -> str | None:
    repository = _repository(context)
    return context.file(repository.id, yaml_path(context), repository.branch)


def _repository(context: CheckContext) -> Repository:
    found = find_repository(context)
    if found is None:
        raise LookupError("a check that reads the repository does not require REP001")
    return found


def _empty(context: CheckContext, found: Repository) -> Fail:
    """Why nothing is in it: the code went elsewhere, an import failed, or nobody has imported."""
    full = [f"`{quote(one.name)}`" for one in context.repositories() if one.branch][:3]
    elsewhere = f"; there is code in {', '.join(full)}" if full else ""
    tried = [] if full else [url for url in context.devops.list_failed_imports(found.id) if url]
    broken = f"; the import of {quote(tried[0])} failed" if tried else ""
    return failed(
        f"`{found.name}` is empty{elsewhere}{broken}",
        "a repository with commits",
        *(f"The code lies in {name}: name it as repository in the section [devops] of workshop.toml." for name in full),
        *(f"`{quote(url)}` is the address of a page, not of a repository." for url in tried if PAGE.search(url)),
        "Repos, Import: the address ends in .git, or is the one that `git clone` takes; a page of a branch is not.",
        "An import that failed leaves the repository empty: the page of the import says why.",
        commands=(
            f'az repos import create --git-source-url <address> --repository "{found.name}" {at_project(context)}',
        ),
    )


def _no_repository(context: CheckContext) -> Fail:
    wanted = context.settings.devops.repository
    return missing(
        "repository",
        wanted,
        (one.name for one in context.repositories()),
        "A project comes with a repository of its own name; the import can fill that one.",
        "Compare the name with repository in the section [devops] of workshop.toml.",
        commands=(f'az repos create --name "{wanted}" {at_project(context)}',),
    )
