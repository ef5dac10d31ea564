"""Registered model versions: that there is one, that its tags are complete, that what they name exists."""

from checker.checks.judgement import is_asset_name, missing, neighbours, quote
from checker.checks.registry import check
from checker.clients.machinelearning import AssetVersion
from checker.context import CheckContext
from checker.model import Evidence, failed

REGISTER = "python solution/training/register.py"
TAGS = ("commit", "build", "data", "job", "mse")


@check("MOD001", "M6", ("WSP002",))
def model_is_registered(context: CheckContext) -> Evidence:
    """The model has a registered version.

    What is deployed is a version of a registered model, never a file from a build folder.
    """
    name = context.names.model
    versions = context.models()
    if not versions:
        raise missing(
            "model",
            name,
            context.machine_learning.list_names("models"),
            "Registering is the step after the quality gate: did the gate say yes?",
            "A version that was archived does not count.",
            commands=(REGISTER,),
        )
    return Evidence(f"{versions[0].reference} ({len(versions)} in all)", {"newest": versions[0].reference})


@check("MOD002", "M6", ("MOD001",))
def tags_are_complete(context: CheckContext) -> Evidence:
    """Every version of the model says where it comes from.

    The tags commit, build, data, job and mse are what lets a prediction be traced back, months later.
    """
    versions = context.models()
    problems = [problem for version in versions if (problem := _tag_problem(version))]
    if problems:
        raise failed(
            "; ".join(problems),
            f"the tags {', '.join(TAGS)} on every version, mse a number",
            *_number_hints(versions),
            "A version without tags is a model nobody can explain.",
            "The register step takes commit and build from the pipeline's own variables.",
            "Tags can be added to a version later; a version made by hand is better archived.",
            commands=(REGISTER,),
        )
    newest = versions[0]
    shown = ", ".join(f"{key} {quote(newest.tags[key])[:16]}" for key in TAGS)
    return Evidence(f"{newest.reference}: {shown}", {key: newest.tags[key] for key in TAGS})


@check("MOD003", "M6", ("MOD002", "TRN002", "DAT001"))
def lineage_exists(context: CheckContext) -> Evidence:
    """The job and the data version that each model version names exist.

    A tag is only text: it proves something when the job and the data can be opened.
    """
    versions = context.models()
    problems = [problem for version in versions for problem in lineage_problems(context, version)]
    if problems:
        raise failed(
            "; ".join(problems),
            "the tag job names a Completed job, the tag data a version of the data asset",
            *_lineage_hints(context, versions),
            "Compare the tags with the Jobs and Data pages of the workspace.",
            "The number of the pipeline's run is not the name of the job: that one goes into the tag build.",
            commands=(REGISTER,),
        )
    newest = versions[0]
    job, data = newest.tags.get("job", ""), newest.tags.get("data", "")
    return Evidence(f"{newest.reference} from job {quote(job)} and data {quote(data)}", {"job": job, "data": data})


def lineage_problems(context: CheckContext, version: AssetVersion) -> list[str]:
    """What one version's tags name that is not there, one sentence each."""
    return [*_job_problems(context, version), *_data_problems(context, version)]


def find_version(context: CheckContext, reference: str) -> AssetVersion | None:
    """The registered version of the workshop's model that `name:version` names."""
    return next((version for version in context.models() if version.reference == reference), None)


def _tag_problem(version: AssetVersion) -> str:
    lacking = [key for key in TAGS if not version.tags.get(key)]
    if lacking:
        return f"{version.reference} lacks {', '.join(lacking)}"
    try:
        float(version.tags["mse"])
    except ValueError:
        return f"{version.reference} has mse `{quote(version.tags['mse'])}`"
    return ""


def _number_hints(versions: list[AssetVersion]) -> tuple[str, ...]:
    """For who wrote a number that is none, where no tag is lacking."""
    lacking = any(not version.tags.get(key) for version in versions for key in TAGS)
    return () if lacking else ("The tag mse is a number with a point, as Python prints it: not 3200,5 and no word.",)


def _lineage_hints(context: CheckContext, versions: list[AssetVersion]) -> list[str]:
    hints = []
    jobs = [context.job(name) for version in versions if is_asset_name(name := version.tags.get("job", ""))]
    if any(job is not None and job.status != "Completed" for job in jobs):
        hints.append("A job that failed has no model: register the output of one that is Completed.")
    if not any(_job_problems(context, version) for version in versions):
        hints.append("The tag data is name:version of the data asset, as the data step registered it.")
    return hints


def _job_problems(context: CheckContext, version: AssetVersion) -> list[str]:
    name = version.tags.get("job", "")
    if not name:
        return [f"{version.reference} names no job"]
    job = context.job(name) if is_asset_name(name) else None
    if job is None:
        near = neighbours(name, (job.name for job in context.jobs()))
        return [f"{version.reference} names the job `{quote(name)}`, which does not exist; {near}"]
    if job.status != "Completed":
        return [f"{version.reference} names the job `{quote(name)}`, which is {quote(job.status)}"]
    return []


def _data_problems(context: CheckContext, version: AssetVersion) -> list[str]:
    reference = version.tags.get("data", "")
    name, _, number = reference.rpartition(":")
    if not number or not is_asset_name(name):
        return [f"{version.reference} names the data `{quote(reference)}`, which is not name:version"]
    present = context.data(name)
    if all(entry.version != number for entry in present):
        near = neighbours(reference, (entry.reference for entry in present))
        return [f"{version.reference} names the data `{quote(reference)}`, which does not exist; {near}"]
    return []
