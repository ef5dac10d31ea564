"""What Azure DevOps says about pipelines, builds and their parts when something is wrong (azure-devops.md, 1.3)."""

from sandbox.errors import BadRequest, Conflict, Forbidden, NotFound
from sandbox.pipelines.errors import LoadError

BUILD = "Microsoft.TeamFoundation.Build.WebApi"
PIPELINES = "Microsoft.Azure.Pipelines.WebApi"
CHECKS = "Microsoft.Azure.Pipelines.Checks.WebApi"
APPROVALS = "Microsoft.Azure.Pipelines.Approval.WebApi"
TEST = "Microsoft.TeamFoundation.TestManagement.WebApi"


def build_missing(number: str | int) -> NotFound:
    return NotFound(f"{BUILD}.BuildNotFoundException", f"The requested build {number} could not be found.")


def definition_missing(number: str | int) -> NotFound:
    return NotFound(
        f"{BUILD}.DefinitionNotFoundException",
        f"The build definition {number} does not exist in this project, or it was deleted.",
    )


def pipeline_missing(number: str | int) -> NotFound:
    return NotFound(f"{PIPELINES}.PipelineNotFoundException", f"The pipeline {number} does not exist in this project.")


def definition_exists(name: str, folder: str) -> Conflict:
    return Conflict(
        f"{BUILD}.DefinitionExistsException", f"The build definition {name} already exists in the folder {folder}."
    )


def stale_definition(given: int, stored: int) -> Conflict:
    return Conflict(
        f"{BUILD}.DefinitionChangedException",
        f"The build definition was changed by somebody else: it is at revision {stored}, the request is of {given}. "
        "Get it again and make the change on top of it.",
    )


def bad_pipeline(message: str) -> BadRequest:
    return BadRequest(f"{PIPELINES}.PipelineValidationException", message)


def invalid_pipeline(error: LoadError) -> BadRequest:
    """File, line and column of each problem, as the service answers them, and its help where there is some."""
    return bad_pipeline(problem_text(error))


def problem_text(error: LoadError) -> str:
    lines = [f"{one} {one.help}".rstrip() for one in error.problems]
    more = [f"There are {error.more} more."] if error.more else []
    return "\n".join(lines + more)


def not_settable(names: list[str]) -> BadRequest:
    return bad_pipeline(
        f"You can't set the following variables ({', '.join(names)}). If you want to be able to set these variables, "
        "then edit the pipeline and select Settable at queue time on the variables tab of the pipeline editor."
    )


def log_missing(number: str | int, build: int) -> NotFound:
    return NotFound(f"{BUILD}.BuildLogNotFoundException", f"The build {build} has no log {number}.")


def artifact_missing(name: str, build: int) -> NotFound:
    return NotFound(f"{BUILD}.ArtifactNotFoundException", f"Artifact {name} was not found for build {build}.")


def stage_missing(name: str, build: int) -> NotFound:
    return NotFound(f"{BUILD}.StageNotFoundException", f"The build {build} has no stage '{name}'.")


def build_wrong_state(message: str) -> Conflict:
    return Conflict(f"{BUILD}.InvalidBuildStateException", message)


def check_missing(number: str | int) -> NotFound:
    return NotFound(f"{CHECKS}.CheckConfigurationNotFoundException", f"There is no check with the id {number}.")


def approval_missing(guid: str) -> NotFound:
    return NotFound(f"{APPROVALS}.ApprovalNotFoundException", f"There is no approval with the id {guid}.")


def not_an_approver(message: str) -> Forbidden:
    return Forbidden(f"{APPROVALS}.ApprovalUnauthorizedException", message)


def approval_decided(guid: str, status: str) -> BadRequest:
    return BadRequest(
        f"{APPROVALS}.ApprovalUpdateException", f"The approval {guid} is {status} and cannot be changed any more."
    )


def test_run_missing(number: str | int) -> NotFound:
    return NotFound(f"{TEST}.TestObjectNotFoundException", f"Test run {number} was not found.")
