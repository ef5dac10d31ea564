"""What Azure DevOps says when something is wrong: the type a program reads and the sentence a person reads.

Types, numbers and states are facts of azure-devops.md, 1.3; where it says INF so do we.
"""

from sandbox.errors import BadRequest, Conflict, Forbidden, NotFound, NotImplementedHere

CORE = "Microsoft.TeamFoundation.Core.WebApi"
GIT = "Microsoft.TeamFoundation.Git.Server"
TASK = "Microsoft.TeamFoundation.DistributedTask.WebApi"
ENDPOINT = "Microsoft.VisualStudio.Services.ServiceEndpoints.WebApi"
WORK = "Microsoft.TeamFoundation.WorkItemTracking.Server"
SERVICES = "Microsoft.VisualStudio.Services.Common"


def organization_missing(name: str) -> NotFound:
    return NotFound(f"{SERVICES}.HostDoesNotExistException", f"The organization '{name}' does not exist here.")


def project_missing(name: str) -> NotFound:
    return NotFound(
        f"{CORE}.ProjectDoesNotExistWithNameException",
        f"TF200016: The following project does not exist: {name}. Verify that the name of the project is correct and "
        "that the project exists on the specified Azure DevOps Server.",
    )


def project_exists(name: str) -> BadRequest:
    return BadRequest(
        f"{CORE}.ProjectAlreadyExistsException",
        f"TF200019: The following project already exists: {name}. Choose another name.",
    )


def repository_missing(name: str) -> NotFound:
    return NotFound(
        f"{GIT}.GitRepositoryNotFoundException",
        f"TF401019: The Git repository with name or identifier {name} does not exist or you do not have permissions "
        "for the operation you are attempting.",
    )


def repository_exists(name: str) -> Conflict:
    return Conflict(
        f"{GIT}.GitRepositoryNameAlreadyExistsException",
        f"TF400948: A Git repository with the name {name} already exists.",
    )


def version_missing(kind: str, version: str, repository: str) -> NotFound:
    return NotFound(
        f"{GIT}.GitUnresolvableToCommitException",
        f"TF401175: The version descriptor <{kind.capitalize()}: {version}> could not be resolved to a version in the "
        f"repository {repository}.",
    )


def item_missing(path: str, repository: str, version: str, commit: str) -> NotFound:
    return NotFound(
        f"{GIT}.GitItemNotFoundException",
        f"TF401174: The item '{path}' could not be found in the repository '{repository}' at the version specified by "
        f"'<{version}>' (resolved to commit '{commit}').",
    )


def object_missing(sha: str, repository: str) -> NotFound:
    return NotFound(
        f"{GIT}.GitObjectDoesNotExistException",
        f"TF401035: The object '{sha}' does not exist in the repository '{repository}'.",
    )


def pull_request_missing() -> NotFound:
    return NotFound(f"{GIT}.GitPullRequestNotFoundException", "TF401180: The requested pull request was not found.")


def pull_request_exists() -> Conflict:
    return Conflict(
        f"{GIT}.GitPullRequestExistsException",
        "TF401179: An active pull request for the source and target branch already exists.",
    )


def pull_request_closed() -> BadRequest:
    return BadRequest(
        f"{GIT}.GitPullRequestNotEditableException",
        "TF401181: The pull request cannot be edited due to its state.",
    )


def pull_request_stale() -> Conflict:
    return Conflict(
        f"{GIT}.GitPullRequestStaleException",
        "TF401192: The source branch has been modified since the last merge attempt.",
    )


def push_refused(message: str) -> Forbidden:
    """A ref that policies guard (recorded answers of the service)."""
    return Forbidden(f"{GIT}.GitRefUpdateRejectedByPolicyException", message)


def invalid(message: str, namespace: str = SERVICES) -> BadRequest:
    """A request that cannot be read as what it should be."""
    return BadRequest(f"{namespace}.VssPropertyValidationException", message)


def missing(kind: str, message: str, namespace: str = TASK) -> NotFound:
    return NotFound(f"{namespace}.{kind}NotFoundException", message)


def exists(kind: str, message: str, namespace: str = TASK) -> Conflict:
    return Conflict(f"{namespace}.{kind}ExistsException", message)


def not_here(message: str) -> NotImplementedHere:
    return NotImplementedHere("NotImplementedInSandbox", message)
