"""What each logging command does (azure-pipelines contract, 2.8).

A handler raises CommandError; the step then fails and its output goes on. A command that is not in the table is a
warning, and its line stays visible.
"""

import uuid
from collections.abc import Callable, Mapping
from pathlib import Path

from sandbox.pipelines.commands import CommandError, LoggingCommand, parse_command
from sandbox.pipelines.events import ArtifactPublished, FileAttached, ProgressSet, VariableSet
from sandbox.pipelines.expressions.contexts import Result
from sandbox.pipelines.masking import STARS
from sandbox.pipelines.running.artifacts import publish
from sandbox.pipelines.running.context import StepContext, worst
from sandbox.pipelines.running.errors import StepError

SUMMARY = "Distributedtask.Core.Summary"
ATTACHED_FILE = "Distributedtask.Core.FileAttachment"
BUILD_LOG = "Distributedtask.Core.Log"
SHOWN = frozenset({SUMMARY, BUILD_LOG})
RESULTS = {str(one).lower(): one for one in Result}
# What a step may still say about itself when its target restricts commands; it changes nothing outside the step.
IN_RESTRICTED_MODE = frozenset(
    {"task.setvariable", "task.setsecret", "task.complete", "task.logissue", "task.issue", "task.logdetail"}
) | {"task.setprogress", "task.debug"}
ISSUE_KINDS = frozenset({"error", "warning"})

Handler = Callable[[StepContext, LoggingCommand], None]


def handle_line(step: StepContext, line: str) -> str | None:
    """Carry out the command in a line; the line to show instead of it, or None."""
    command = parse_command(line)
    if command is None:
        return line
    handler = HANDLERS.get(command.name)
    if handler is None:
        step.warn(f"Can't find command extension for ##vso[{command.name}]: the agent knows no such logging command.")
        return line
    if _is_restricted(step) and command.name not in IN_RESTRICTED_MODE:
        step.warn(f"##vso[{command.name}] is not allowed in this step: its target has `commands: restricted`.")
        return line
    try:
        handler(step, command)
    except (CommandError, StepError, OSError) as error:
        step.fail(f"Unable to process command '##vso[{command.name}]' successfully: {error}")
        return line
    return f"##[debug]Processed: {line}" if _debugs(step) else None


def _is_restricted(step: StepContext) -> bool:
    return step.step.target is not None and step.step.target.commands.lower() == "restricted"


def _debugs(step: StepContext) -> bool:
    return step.variables.values.get("system.debug", "").lower() == "true"


def _set_variable(step: StepContext, command: LoggingCommand) -> None:
    name, value = command.required("variable"), command.data
    output = command.is_true("isoutput")
    before = step.job.variables.get(name)
    secret = command.is_true("issecret") or (before is not None and before.secret)
    if secret and ("\n" in value or "\r" in value):
        raise CommandError(
            "A secret variable cannot hold more than one line; register such a value with task.setsecret."
        )
    _check_settable(step, name)
    if secret:
        step.job.add_secret(value)
    if output and not step.step.name:
        raise CommandError(f"The output variable '{name}' needs a step with a name: write `name:` on the step.")
    full = f"{step.step.name}.{name}" if output else name
    step.job.variables.assign(full, value, secret=secret, readonly=output or command.is_true("isreadonly"))
    if output:
        step.job.outputs[full] = value
        if secret:
            step.run.add_secret(value)
    shown = STARS if secret or full.lower() in step.variables.secrets else step.mask(value)
    step.emit(VariableSet(step.host.now(), step.reference, full, shown, shown == STARS, output))


def _check_settable(step: StepContext, name: str) -> None:
    allowed = step.step.target.settable_variables if step.step.target else None
    if allowed is not None and name.lower() not in {one.lower() for one in allowed}:
        raise CommandError(f"Setting variable '{name}' is not allowed by the step's target: settableVariables.")


def _set_secret(step: StepContext, command: LoggingCommand) -> None:
    step.job.add_secret(command.data)


def _complete(step: StepContext, command: LoggingCommand) -> None:
    result = RESULTS.get(command.get("result").strip().lower())
    if result is None:
        raise CommandError(f"Command doesn't have a valid result value: '{command.get('result')}'.")
    if result in (Result.SKIPPED, Result.ABANDONED):
        raise CommandError(f"A step cannot complete as {result}.")
    step.result = worst(step.result, result)
    if command.data:
        step.write(command.data)


def _log_issue(step: StepContext, command: LoggingCommand) -> None:
    kind = command.get("type").strip().lower()
    if not kind:
        step.warn("##vso[task.logissue] has no type: write type=error or type=warning.")
        return
    if kind not in ISSUE_KINDS:
        raise CommandError(f"issue type {kind} is not an expected issue type.")
    details = {key: value for key, value in command.properties.items() if key != "type"}
    place = ":".join(details[key] for key in ("sourcepath", "linenumber", "columnnumber") if details.get(key))
    step.write(f"##[{kind}]{place + ': ' if place else ''}{command.data}")
    step.add_issue(kind, command.data, details)


def _set_progress(step: StepContext, command: LoggingCommand) -> None:
    text = command.get("value").strip()
    if not text.isdigit() or int(text) > 100:
        raise CommandError(f"Command doesn't have valid progress value: '{text}', expected a whole number to 100.")
    step.emit(ProgressSet(step.host.now(), step.reference, int(text), step.mask(command.data)))


def _prepend_path(step: StepContext, command: LoggingCommand) -> None:
    if not command.data:
        raise CommandError("Required value for 'task.prependpath' is missing: the path comes behind the bracket.")
    step.job.prepend_path(command.data)


def _debug(step: StepContext, command: LoggingCommand) -> None:
    if _debugs(step):
        step.write(f"##[debug]{command.data}")


def _log_detail(step: StepContext, command: LoggingCommand) -> None:
    step.write(
        f"{command.get('name') or 'detail'}: {command.get('state') or command.get('result')} {command.data}".strip()
    )


def _attach(step: StepContext, kind: str, name: str, text: str) -> None:
    path = step.path(text)
    if not text or not path.is_file():
        raise CommandError(f"Cannot find the file '{text}': it must exist when the command is written.")
    source = _masked_copy(step, path) if kind in SHOWN else path
    kept = step.host.attach(kind, name or path.name, source)
    step.emit(FileAttached(step.host.now(), step.reference, kind, name or path.name, kept))


def _masked_copy(step: StepContext, path: Path) -> Path:
    """The text of what is shown on the run's page, without secrets. Line by line: it may be long."""
    copy = step.folders.temp / str(uuid.uuid4()) / path.name
    copy.parent.mkdir()
    with path.open(encoding="utf-8", errors="replace") as source, copy.open("w", encoding="utf-8") as target:
        target.writelines(step.mask(line) for line in source)
    return copy


def _add_attachment(step: StepContext, command: LoggingCommand) -> None:
    _attach(step, command.required("type"), command.required("name"), command.data)


def _upload_summary(step: StepContext, command: LoggingCommand) -> None:
    _attach(step, SUMMARY, command.get("name"), command.data)


def _upload_file(step: StepContext, command: LoggingCommand) -> None:
    _attach(step, ATTACHED_FILE, "", command.data)


def _upload_log(step: StepContext, command: LoggingCommand) -> None:
    _attach(step, BUILD_LOG, "", command.data)


def _upload_artifact(step: StepContext, command: LoggingCommand) -> None:
    source = step.path(command.data)
    if not command.data or not source.exists():
        raise CommandError(f"Path does not exist: '{command.data}'.")
    if source.is_dir() and not any(source.iterdir()):
        step.warn(f"Directory '{source}' is empty. Nothing will be added to the artifact.")
        return
    folder = command.get("containerfolder") or command.required("artifactname")
    publish(step, command.get("artifactname") or folder, source, "Container")


def _associate_artifact(step: StepContext, command: LoggingCommand) -> None:
    name, kind = command.required("artifactname"), command.get("type") or "filepath"
    step.write(f"Associated artifact '{name}' of type {kind} with the run: {command.data}")
    step.emit(ArtifactPublished(step.host.now(), step.reference, step.mask(name), kind, 0, 0))


def _update_build_number(step: StepContext, command: LoggingCommand) -> None:
    number = command.data.strip()
    if not number:
        raise CommandError("The build number is missing: it comes behind the bracket.")
    step.run.set_build_number(number)
    step.job.variables.define("Build.BuildNumber", number, readonly=True)


def _add_tag(step: StepContext, command: LoggingCommand) -> None:
    tag = command.data.strip()
    if not tag:
        raise CommandError("The tag is missing: it comes behind the bracket.")
    step.run.add_tag(tag)


def _set_endpoint(step: StepContext, command: LoggingCommand) -> None:
    step.warn("##vso[task.setendpoint] is not rehearsed here: service connections are not changed by a step.")


def _publish_results(step: StepContext, command: LoggingCommand) -> None:
    from sandbox.pipelines.tasks import testing

    files = [step.path(one.strip()) for one in command.get("resultfiles").split(",") if one.strip()]
    missing = [str(path) for path in files if not path.is_file()]
    if not files or missing:
        raise CommandError(f"Test result files were not found: {', '.join(missing) or 'resultFiles is empty'}.")
    kind = command.get("type") or "JUnit"
    testing.publish(step, kind, files, command.get("runtitle"), command.is_true("mergeresults"))


def _publish_coverage(step: StepContext, command: LoggingCommand) -> None:
    from sandbox.pipelines.tasks import coverage

    path = step.path(command.required("summaryfile"))
    if not path.is_file():
        raise CommandError(f"The coverage summary '{path}' was not found.")
    coverage.publish(step, path)


HANDLERS: Mapping[str, Handler] = {
    "task.setvariable": _set_variable,
    "task.setsecret": _set_secret,
    "task.complete": _complete,
    "task.logissue": _log_issue,
    "task.issue": _log_issue,
    "task.setprogress": _set_progress,
    "task.logdetail": _log_detail,
    "task.debug": _debug,
    "task.prependpath": _prepend_path,
    "task.uploadsummary": _upload_summary,
    "task.uploadfile": _upload_file,
    "task.addattachment": _add_attachment,
    "task.setendpoint": _set_endpoint,
    "artifact.upload": _upload_artifact,
    "artifact.associate": _associate_artifact,
    "build.uploadlog": _upload_log,
    "build.updatebuildnumber": _update_build_number,
    "build.addbuildtag": _add_tag,
    "results.publish": _publish_results,
    "codecoverage.publish": _publish_coverage,
}
