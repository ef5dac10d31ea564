"""From a prediction in production back to the commit, the data and the job."""

from checker.checks.judgement import quote
from checker.checks.models import TAGS, find_version, lineage_problems
from checker.checks.production import live_deployment
from checker.checks.registry import check
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
