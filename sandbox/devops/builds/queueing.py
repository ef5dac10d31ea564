"""Queueing runs: by hand, by a push, again after a failure; and what becomes of a run that cannot begin."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.devops.builds.counters import Counters
from sandbox.devops.builds.definitions import Definitions
from sandbox.devops.builds.execution import Executions
from sandbox.devops.builds.preparing import MissingFile, Origin, Preparing, Version
from sandbox.devops.builds.problems import (
    BUILD,
    bad_pipeline,
    build_wrong_state,
    invalid_pipeline,
    not_settable,
    problem_text,
    stage_missing,
)
from sandbox.devops.builds.records import BuildRecords
from sandbox.devops.builds.resources import Resources
from sandbox.devops.context import Context, next_number
from sandbox.devops.problems import invalid
from sandbox.devops.repositories import project_of
from sandbox.errors import BadRequest
from sandbox.pipelines.errors import LoadError
from sandbox.pipelines.loading import Loaded
from sandbox.pipelines.running.numbers import build_number
from sandbox.store import Document

ALWAYS_SETTABLE = ("system.debug", "agent.diagnostic")
LACKS_PARAMETER = "parameter must be provided."  # whoever queues a run gives it
PAUSED = "The pipeline is paused: its runs are queued and begin when it is enabled again."


@dataclass(frozen=True)
class RunOptions:
    """What somebody asks for who queues a run. `parameters` are template parameters as JSON values."""

    branch: str = ""
    commit: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    skip: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cause:
    """Where a run comes from: `by` is None for the service itself, `trigger` is the build's triggerInfo."""

    origin: Origin
    by: dict[str, str] | None
    trigger: Mapping[str, str]


class Queueing:
    """Makes builds and hands them to the executions."""

    def __init__(
        self,
        context: Context,
        definitions: Definitions,
        records: BuildRecords,
        preparing: Preparing,
        counters: Counters,
        resources: Resources,
        executions: Executions,
    ) -> None:
        self._context = context
        self._store = context.store
        self._definitions = definitions
        self._records = records
        self._preparing = preparing
        self._counters = counters
        self._resources = resources
        self._executions = executions
        definitions.check = self.check
        definitions.forget = self.forget_definition
        definitions.changed = self.release

    # By hand

    def check(self, definition: Document) -> None:
        """Saving a pipeline whose YAML is there and wrong is refused; a missing file shows at its first run."""
        version = self._preparing.version(definition)
        if version is None:
            return
        try:
            self._preparing.load(definition, version, Origin("manual", definition.body["authoredBy"], {}, {}))
        except MissingFile:
            return
        except LoadError as error:
            if not all(one.message.endswith(LACKS_PARAMETER) for one in error.problems):
                raise invalid_pipeline(error) from error

    def version(self, definition: Document, options: RunOptions) -> Version:
        """The version that somebody asks for. Raises BadRequest where there is no such branch or commit."""
        version = self._preparing.version(definition, options.branch, options.commit)
        if version is None:
            asked = options.commit or options.branch or "the default branch"
            name = self._definitions.repository(definition).body["name"]
            raise bad_pipeline(f"The repository {name} has no {asked}. Push a commit to it, or name a branch it has.")
        return version

    def queue_by_hand(self, definition: Document, options: RunOptions, person: dict[str, str]) -> Document:
        """A manual run. Raises BadRequest for a YAML that cannot be loaded, a variable that cannot be set at queue
        time, and a pipeline that is disabled."""
        if definition.body["queueStatus"] == "disabled":
            raise BadRequest(
                f"{BUILD}.DefinitionDisabledException",
                f"The pipeline {definition.body['name']} is disabled. Enable it in its settings to run it.",
            )
        self._check_settable(definition, options.variables)
        version = self.version(definition, options)
        origin = Origin("manual", person, options.variables, options.parameters, options.skip)
        cause = Cause(origin, person, {})
        try:
            loaded = self._preparing.load(definition, version, origin)
        except LoadError as error:
            raise invalid_pipeline(error) from error
        except MissingFile as error:
            return self._refused(definition, version, cause, str(error))
        self._check_stages(loaded, options.skip)
        return self._queued(definition, version, cause, loaded)

    def _check_settable(self, definition: Document, given: Mapping[str, Any]) -> None:
        settable = {name.lower() for name, one in definition.body["variables"].items() if one.get("allowOverride")}
        refused = [name for name in given if name.lower() not in settable and name.lower() not in ALWAYS_SETTABLE]
        if refused:
            raise not_settable(refused)

    def _check_stages(self, loaded: Loaded, skip: tuple[str, ...]) -> None:
        known = {one.name.lower() for one in loaded.plan.stages}
        for name in skip:
            if name.lower() not in known:
                names = ", ".join(one.name for one in loaded.plan.stages)
                raise bad_pipeline(f"stagesToSkip names '{name}', which is no stage of this pipeline: it has {names}.")

    # By an event

    def queue_by_event(self, definition: Document, version: Version, cause: Cause) -> Document:
        """A run that nobody is told an error of: one that cannot be loaded is there, failed, with the text."""
        try:
            loaded = self._preparing.load(definition, version, cause.origin)
        except LoadError as error:
            return self._refused(definition, version, cause, problem_text(error))
        except MissingFile as error:
            return self._refused(definition, version, cause, str(error))
        return self._queued(definition, version, cause, loaded)

    # Making

    def _queued(self, definition: Document, version: Version, cause: Cause, loaded: Loaded) -> Document:
        build = self._make(definition, version, cause)
        variables = self._preparing.number_variables(definition, version, cause.origin, loaded)
        variables.define("Build.BuildId", str(build.body["id"]))

        def revision(rest: str) -> int:
            return self._counters.revision(definition, build, rest)

        now = self._context.clock.now()
        number = build_number(loaded.plan.pipeline.name, variables.expanded(), now, revision)
        append = loaded.plan.pipeline.append_commit_message_to_run_name
        build = self._records.update(build, buildNumber=number, appendCommitMessage=append)
        known = {one.name: one.value for one in self._preparing.variables(definition, cause.origin)}
        lacking = self._resources.missing(project_of(self._store, definition), loaded.plan, known)
        if lacking:
            return self._failed(build, "\n".join(lacking))
        if definition.body["queueStatus"] == "paused":
            return self._records.update(build, waiting=PAUSED)
        self._executions.start(build)
        return build

    def _refused(self, definition: Document, version: Version, cause: Cause, message: str) -> Document:
        """A run that is over at once."""
        build = self._make(definition, version, cause)
        variables = {"buildNumber": f"{self._context.clock.now():%Y%m%d}"}
        revision = self._counters.revision(definition, build, f"{variables['buildNumber']}.")
        build = self._records.update(build, buildNumber=f"{variables['buildNumber']}.{revision}")
        return self._failed(build, message)

    def _failed(self, build: Document, message: str) -> Document:
        now = self._context.now()
        problems = [{"result": "error", "message": message}]
        return self._records.update(
            build, status="completed", result="failed", startTime=now, finishTime=now, validationResults=problems
        )

    def _make(self, definition: Document, version: Version, cause: Cause) -> Document:
        project, origin, now = project_of(self._store, definition), cause.origin, self._context.now()
        body = {
            "definition": definition.body["id"],
            "definitionRevision": definition.body["revision"],
            "buildNumber": "",
            "buildNumberRevision": 1,
            "status": "notStarted",
            "result": None,
            "queueTime": now,
            "startTime": None,
            "finishTime": None,
            "reason": origin.reason,
            "repository": version.repository.body["id"],
            "sourceBranch": version.ref,
            "sourceVersion": version.commit,
            "requestedFor": dict(origin.person),
            "requestedBy": cause.by,
            "lastChangedBy": cause.by,
            "lastChangedDate": now,
            "triggerInfo": dict(cause.trigger),
            "tags": [],
            "parameters": dict(origin.parameters),
            "variables": {name: dict(one) for name, one in origin.variables.items()},
            "skip": list(origin.skip),
            "pullRequest": dict(origin.pull_request),
            "validationResults": [],
            "planId": self._context.ids.guid(),
            "queue": definition.body["queue"],
            "keepForever": False,
            "retainedByRelease": False,
            "appendCommitMessage": True,
            "waiting": "",
            "stages": {},
            "startedStages": [],
            "attempts": {},
            "executions": 0,
        }
        with self._store.write() as change:
            number = next_number(change, project.id.split("/")[2], "builds")
            return self._records.create(change, project, number, body)

    # Under way, and over

    def cancel(self, build: Document, person: dict[str, str]) -> Document:
        """Ask a run to end; one that has not begun is over at once."""
        return self._executions.cancel(build, f"The run was canceled by {person['displayName']}.", person)

    def retry(self, build: Document, stage: str | None, whole: bool) -> Document:
        """Run what failed again, or one stage. Raises Conflict while the run is under way, and where nothing failed."""
        if build.body["status"] != "completed":
            raise build_wrong_state(f"The build {build.body['id']} is under way: only a completed one is retried.")
        stages = build.body["stages"]
        names = {name.lower(): name for name in stages}
        if stage is not None and stage.lower() not in names:
            raise stage_missing(stage, build.body["id"])
        failed = [name for name, one in stages.items() if one["result"] in ("Failed", "Canceled")]
        again = [names[stage.lower()]] if stage is not None else failed
        if not again:
            raise build_wrong_state(f"No stage of the build {build.body['id']} failed: there is nothing to retry.")
        return self._executions.again(build, again)

    def run_stage(self, build: Document, stage: str) -> None:
        """Let a stage go on whose trigger is manual."""
        with self._store.write():
            started = self._records.fresh(build).body["startedStages"]
            self._records.update(build, startedStages=[*started, stage])
        self._executions.ring()

    def release(self, definition: Document) -> None:
        """The pipeline is enabled again: what waited begins."""
        if definition.body["queueStatus"] != "enabled":
            return
        for build in self._records.of_definition(definition):
            if build.body["status"] == "notStarted" and build.body["waiting"] == PAUSED:
                self._executions.start(self._records.update(build, waiting=""))

    def forget(self, build: Document) -> None:
        """Delete a build with all that it left."""
        self._executions.forget(build)

    def forget_definition(self, definition: Document) -> None:
        builds = self._records.of_definition(definition)
        if any(one.body["status"] != "completed" for one in builds):
            raise invalid("A run of this pipeline is under way: cancel it before the pipeline is deleted.", BUILD)
        for one in builds:
            self.forget(one)
