"""From a prediction in production back to the run, the commit, the data and the job."""

from checker.checks.environments import newest_deployment
from checker.checks.judgement import quote
from checker.checks.models import TAGS, find_version, lineage_problems
from checker.checks.production import live_deployment
from checker.checks.registry import check, devops_check
from checker.checks.runs import pipeline_runs
from checker.clients.machinelearning import AssetVersion
from checker.context import CheckContext
from checker.model import Evidence, failed


@check("LIN001", "M9", ("PRD004", "MOD003"))
def prediction_leads_to_commit(context: CheckContext) -> Evidence:
    """A prediction in production can be traced to its commit.

    The passport of the served version: model, commit, build, job and data, each of them where it says it is.
    """
    reference = live_deployment(context).model
    version = find_version(context, reference)
    lacking = list(TAGS) if version is None else [key for key in TAGS if not version.tags.get(key)]
    problems = [] if version is None else lineage_problems(context, version)
    if version is None or lacking or problems:
        seen = "; ".join([f"{reference} lacks {', '.join(lacking)}"] * bool(lacking) + problems)
        raise failed(seen, "every step from the prediction to the commit", commands=("checker check MOD002 MOD003",))
    steps = " → ".join(quote(version.tags[key])[:24] for key in ("data", "job", "commit", "build"))
    return Evidence(f"{reference} → {steps}", {"model": reference, **{key: version.tags[key] for key in TAGS}})


@devops_check("LIN002", "M9", ("LIN001", "DEP002"))
def run_leads_to_the_endpoint(context: CheckContext) -> Evidence:
    """The served version comes from the run that deployed it.

    Run, commit, version, endpoint: four records in two services, and each of them names the next.
    """
    reference = live_deployment(context).model
    version = find_version(context, reference)
    problems = [] if version is None else _run_problems(context, version)
    if version is None or problems:
        raise failed(
            "; ".join(problems) or f"{reference} is not registered",
            "one run that registered the version, from its commit, and deployed it to production",
            *_run_hints(context, version),
            "The run that deploys takes the version from its own artifact, not the newest one.",
            commands=("checker check LIN001 DEP002 -v",),
        )
    build, commit = version.tags["build"], version.tags["commit"]
    return Evidence(f"run {build} → {commit[:7]} → {reference} → production", {"run": build, "commit": commit})


def _run_hints(context: CheckContext, version: AssetVersion | None) -> tuple[str, ...]:
    build = version.tags.get("build", "") if version else ""
    run = next((one for one in pipeline_runs(context) if one.id == build), None)
    if version is None or run is None:
        return ("Was the version registered, or deployed, from a laptop?",)
    if run.commit != version.tags.get("commit", ""):
        return ("The version does not name its run's commit: the register step takes it from BUILD_SOURCEVERSION.",)
    return ("Of a run, and another run has deployed since: did that one register and deploy a version of its own?",)


def _run_problems(context: CheckContext, version: AssetVersion) -> list[str]:
    """What does not fit between a version, the run that its tag names, and the newest deployment to production."""
    build, commit = version.tags.get("build", ""), version.tags.get("commit", "")
    run = next((one for one in pipeline_runs(context) if one.id == build), None)
    if run is None:
        return [f"{version.reference} names the build `{quote(build)}`, which is no run of the pipeline"]
    found = []
    if run.commit != commit:
        found.append(
            f"{version.reference} names the commit {quote(commit)[:12]}, run {quote(run.number)} has {run.commit[:12]}"
        )
    deployed = newest_deployment(context, context.settings.devops.production_environment)
    if deployed is None or deployed.run != run.id:
        by = f"run {quote(deployed.run_number)}" if deployed else "no run"
        found.append(f"{version.reference} is of run {quote(run.number)}, and {by} deployed to production last")
    return found
