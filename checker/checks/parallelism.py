"""Module 0: whether the organisation can run a job at all, and which directory it trusts."""

import re

from checker.checks.registry import devops_check
from checker.clients.library import NO_DIRECTORY, LibraryClient, Pool
from checker.context import CheckContext
from checker.errors import AccessError
from checker.model import Evidence, failed

NAMED_POOL = re.compile(
    r"""^\s*(?:pool:|-?\s*name:)\s*["']?(?P<name>[^"'\s#][^"'#]*?)["']?\s*(?:#.*)?$""", re.MULTILINE
)
GRANT = "https://aka.ms/azpipelines-parallelism-request"


@devops_check("ORG002", "M0")
def organization_can_run_jobs(context: CheckContext) -> Evidence:
    """The organisation can run a job.

    On a hosted agent, or on one of your own that is online, in the pool that the pipeline names. A new organisation has
    neither: every run would queue for ever. A grant takes days, a paid job minutes.
    """
    library = _library(context)
    jobs = library.count_hosted_jobs()
    if jobs:
        return Evidence(f"{jobs} Microsoft-hosted at a time", {"hosted": str(jobs)})
    online = {
        pool.name: agents for pool in library.list_pools() if not pool.hosted for agents in _online(library, pool)
    }
    named = [name for name in online if name.lower() in _pools_named(context)]
    if named:
        return Evidence(f"the agent {online[named[0]]} of the pool {named[0]} is online", {"pool": named[0]})
    agents = next(
        (
            f"The agent {agent} of the pool {pool} is online: name it in the YAML (pool: {pool})."
            for pool, agent in online.items()
        ),
        "Or start an agent of your own, and name its pool in the YAML.",
    )
    address = context.devops.organization.address
    raise failed(
        f"the organisation {address} may run 0 Microsoft-hosted jobs, and the YAML names no pool with an agent online",
        "1 Microsoft-hosted job, or a pool of your own with an agent",
        f"Your organisation `{address}` may run 0 Microsoft-hosted jobs. Every run would queue for ever.",
        f"Ask for the free grant now (days): {GRANT}. Or link billing and set 1 paid job (minutes).",
        f"{agents} The sandbox needs none of it.",
    )


@devops_check("ORG003", "M0")
def organization_trusts_your_directory(context: CheckContext) -> Evidence:
    """The organisation trusts the directory that you are signed in to on Azure.

    A service connection is made by an account that both know. An organisation of personal accounts knows no directory.
    """
    theirs, mine = _library(context).get_directory(), context.arm.directory_of_sign_in()
    if not theirs or not mine:
        what = "the organisation does not tell its directory" if mine else "the token does not name its directory"
        raise AccessError("the directory", what, "a directory to compare with the other")
    if theirs == NO_DIRECTORY:
        raise failed(
            "the organisation is not connected to any directory",
            f"it is connected to {mine}",
            "An organisation that a personal account made knows personal accounts only.",
            "Organization settings, Microsoft Entra, Connect directory; or make one while signed in to the directory.",
        )
    if theirs != mine:
        raise failed(
            f"the organisation is connected to the directory {theirs}; on Azure you are signed in to {mine}",
            "one directory for both",
            f"You are in directory {mine}; the organisation lives in {theirs}.",
            "Make an organisation while signed in to the subscription's directory, or sign in to the other directory.",
            commands=("az account show --query tenantId",),
        )
    return Evidence(f"directory {theirs}", {"tenant": theirs})


def _online(library: LibraryClient, pool: Pool) -> list[str]:
    return library.list_online_agents(pool)[:1]


def _pools_named(context: CheckContext) -> set[str]:
    """The pools that the pipeline's file in the clone names, in lower case; vmImage is Microsoft's own."""
    file = context.settings.file.resolve().parent / context.settings.devops.yaml
    if not file.is_file():
        return set()
    found = NAMED_POOL.finditer(file.read_text(encoding="utf-8", errors="replace"))
    return {match["name"].strip().lower() for match in found}


def _library(context: CheckContext) -> LibraryClient:
    return LibraryClient(context.devops.organization, context.settings.devops.project)
