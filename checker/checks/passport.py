"""Module 9: the passport that the learner fills in, compared with what the services say."""

import tomllib
from collections.abc import Mapping

from checker.checks.judgement import quote
from checker.checks.models import find_version
from checker.checks.production import live_deployment
from checker.checks.registry import machine_check
from checker.checks.workbench import source
from checker.context import CheckContext
from checker.model import Evidence, Fail, failed

FILE = "labs/passport.toml"
LINES = ("model_version", "run_id", "commit", "data_version", "approver")
CHECKPOINT = "Checkpoint.Approval"
SHOW = "checker check LIN001 --verbose"


@machine_check("PAS001", "M9", ("LIN001",))
def passport_agrees_with_the_records(context: CheckContext) -> Evidence:
    """The passport agrees with the records.

    Model, job, commit, data, approver: whoever can fill in these five lines can answer for a prediction.
    """
    written = _written(context)
    if empty := [line for line in LINES if not written.get(line)]:
        raise failed(
            f"{FILE}: {', '.join(empty)} {'is' if len(empty) == 1 else 'are'} not filled in",
            f"the five lines {', '.join(LINES)}",
            "Start with the deployment of production: it names a model version.",
            "The version's tags name job, data and commit; the tag build names the run, and the run who approved it.",
            commands=(SHOW,),
        )
    tags = _tags(context)
    for line in LINES[:4]:
        if written[line] not in _right(line, tags[line]):
            raise _wrong(line, written[line], tags)
    approvers = _approvers(context, tags["build"])
    if approvers and written["approver"].lower() not in {name.lower() for name in approvers}:
        raise failed(
            f"{FILE}: approver is `{quote(written['approver'])}`; the approval names {quote(', '.join(approvers))}",
            "who approved the run that deployed this version",
            "Who started a run and who approved it are two questions.",
            f"Open run {quote(tags['build'])}, its stage Production, and the approval in front of it.",
        )
    shown = ", ".join(f"{line} {quote(written[line])[:24]}" for line in LINES)
    note = "" if approvers else "; the approver was not compared: no approval of a run was found"
    return Evidence(shown + note, {line: written[line] for line in LINES})


def _written(context: CheckContext) -> Mapping[str, str]:
    text = source(context, FILE, "Five lines of text: " + ", ".join(f'{line} = "..."' for line in LINES))
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise failed(
            f"{FILE}: {problem}", 'lines as commit = "..."', "Text stands in double quotes.", commands=(f"open {FILE}",)
        ) from None
    return {line: str(document.get(line, "")).strip() for line in LINES}


def _tags(context: CheckContext) -> Mapping[str, str]:
    """What the passport must say, by its lines; and the build, which names the run."""
    reference = live_deployment(context).model
    version = find_version(context, reference)
    if version is None:
        raise LookupError("a check that reads the live version's tags does not require LIN001")
    tags = version.tags
    return {
        "model_version": reference,
        "run_id": tags["job"],
        "commit": tags["commit"],
        "data_version": tags["data"],
        "build": tags["build"],
    }


def _right(line: str, value: str) -> tuple[str, ...]:
    """What may stand in a line: a version with or without its asset's name."""
    return (value, value.rpartition(":")[2]) if line.endswith("_version") else (value,)


def _wrong(line: str, seen: str, tags: Mapping[str, str]) -> Fail:
    expected = tags[line]
    if line == "run_id" and seen == tags["build"]:
        hint = f"That is the build number; the job id starts with `{quote(expected)[:8]}`."
    elif line == "commit" and len(seen) >= 4 and expected.startswith(seen):
        hint = "That is the beginning of it: a passport has all forty digits."
    elif line == "model_version":
        hint = "Which version does the deployment with the traffic name? The newest one need not be live."
    else:
        tag = "job" if line == "run_id" else line.partition("_")[0]
        hint = f"Compare with the tag {tag} of {tags['model_version']}."
    return failed(
        f"{FILE}: {line} is `{quote(seen)}`",
        f"what {tags['model_version']}, which production runs, says about itself",
        hint,
        "The tags of a version are on its page in the studio: Models, the version, Tags.",
        f"`{quote(expected)}`",
        commands=(SHOW,),
    )


def _approvers(context: CheckContext, build: str) -> list[str]:
    """Who approved the run, by all their names; none where nobody looks at Azure DevOps, or no run made the version."""
    if context.settings.devops.organization is None or not build.isdecimal():
        return []
    checkpoints = (record for record in context.timeline(build) if record.kind == CHECKPOINT)
    passed = [record.id for record in checkpoints if record.result == "succeeded"]
    return [name for approval in passed for name in context.devops.list_approvers(approval)]
