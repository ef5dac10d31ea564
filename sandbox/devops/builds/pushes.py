"""Runs that pushes start: for each pipeline and branch, whether and why (5.1). One waits behind another in a batch."""

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.devops import history
from sandbox.devops.builds.definitions import Definitions
from sandbox.devops.builds.preparing import MissingFile, Origin, Preparing, Version
from sandbox.devops.builds.queueing import Cause, Queueing
from sandbox.devops.builds.records import BuildRecords
from sandbox.devops.builds.stages import Stages
from sandbox.devops.context import PROJECTS, Context, organization_id
from sandbox.devops.git import ZERO, GitFailed
from sandbox.devops.repositories import RefUpdate, Repository, project_of
from sandbox.log import event
from sandbox.pipelines.model import Filter, Trigger
from sandbox.pipelines.triggers import Decision, Push, decide_push
from sandbox.store import Document

BATCHED = "devops/batched-pushes"
CI_REASONS = ("individualCI", "batchedCI")
OVERRIDDEN = 1
LONGEST_TITLE = 400


class PushRuns:
    """Listens to pushes. Told twice of one, it starts one run."""

    def __init__(
        self,
        context: Context,
        definitions: Definitions,
        records: BuildRecords,
        preparing: Preparing,
        queueing: Queueing,
        stages: Stages,
    ) -> None:
        self._context = context
        self._store = context.store
        self._definitions = definitions
        self._records = records
        self._preparing = preparing
        self._queueing = queueing
        self._stages = stages
        self._deciding = threading.RLock()

    def on_push(
        self, repository: Repository, updates: Sequence[RefUpdate], pusher: dict[str, str], moment: str
    ) -> None:
        """A pipeline that was made after the push, and before it is heard of here, is not meant by it."""
        key = f"{organization_id(repository.organization)}/projects/{repository.project_id}"
        project = self._store.get(PROJECTS, key)
        if project is None:
            return
        for definition in self._definitions.of_project(project):
            if definition.body["repository"] == repository.id and definition.created <= moment:
                for update in updates:
                    self._consider(definition, repository, update, pusher)

    def _consider(
        self, definition: Document, repository: Repository, update: RefUpdate, pusher: dict[str, str]
    ) -> None:
        decision, version = self._decide(definition, repository, update)
        names = {"pipeline": definition.body["name"], "ref": update.name}
        event("push considered", **names, starts=decision.starts, why=decision.why)
        if decision.starts and version:
            self._start(definition, version, decision, pusher)

    def _decide(
        self, definition: Document, repository: Repository, update: RefUpdate
    ) -> tuple[Decision, Version | None]:
        """The YAML at the pushed commit decides, unless the pipeline's settings do."""
        if update.new == ZERO:
            return Decision(False, "the ref is deleted"), None
        if definition.body["queueStatus"] != "enabled":
            return Decision(False, f"the pipeline is {definition.body['queueStatus']}"), None
        version = self._preparing.version(definition, update.name, update.new)
        if version is None:
            return Decision(False, "the ref does not lead to a commit"), None
        try:
            trigger = self._trigger(definition, version)
        except MissingFile as error:
            return Decision(False, str(error)), None
        if trigger is None:
            return Decision(False, "the pipeline's settings override the file: they start no run by a push"), None
        if not trigger.written and self._stages.is_implied_trigger_off(project_of(self._store, definition)):
            return Decision(False, "the file has no trigger, and the implied one is switched off"), None
        paths = self._paths(repository, update) if trigger.paths else ()
        return decide_push(trigger, Push(update.name, paths, (version.message,))), version

    def _trigger(self, definition: Document, version: Version) -> Trigger | None:
        """The trigger that counts; None for a pipeline whose settings say that there is none."""
        triggers = definition.body["triggers"]
        if not triggers:
            return None
        own = triggers[0]
        if int(own.get("settingsSourceType") or 2) != OVERRIDDEN:
            return self._preparing.trigger(definition, version)
        if not own.get("branchFilters"):
            return None
        self._preparing.text(definition, version)
        branches, paths = _filter(own["branchFilters"]), _filter(own.get("pathFilters") or [])
        return Trigger(written=True, batch=bool(own.get("batchChanges")), branches=branches, paths=paths)

    def _paths(self, repository: Repository, update: RefUpdate) -> tuple[str, ...]:
        """The files that a push changed; of a new branch those that differ from where it left the default one."""
        git, old = self._context.git, update.old
        if old == ZERO and repository.default_branch and repository.default_branch != update.name:
            try:
                old = git.text(repository.folder, "merge-base", repository.default_branch, update.new).strip()
            except GitFailed:
                old = ZERO  # the branches have no commit in common
        return tuple(one.path for one in history.changes(git, repository.folder, old, update.new))

    def _start(self, definition: Document, version: Version, decision: Decision, pusher: Mapping[str, str]) -> None:
        reason = str(decision.reason or "IndividualCI")
        reason = reason[0].lower() + reason[1:]
        with self._deciding:
            mine = [one for one in self._ci_runs(definition) if one.body["sourceBranch"] == version.ref]
            if any(one.body["sourceVersion"] == version.commit for one in mine):
                return
            if decision.batched and any(one.body["status"] != "completed" for one in mine):
                body = {"ref": version.ref, "commit": version.commit, "pusher": dict(pusher), "reason": reason}
                self._store.put(BATCHED, _batch_key(definition, version.ref), body, definition.id)
                return
            self._queue(definition, version, reason, pusher)

    def _ci_runs(self, definition: Document) -> list[Document]:
        return [one for one in self._records.of_definition(definition) if one.body["reason"] in CI_REASONS]

    def _queue(self, definition: Document, version: Version, reason: str, pusher: Mapping[str, str]) -> None:
        trigger = {
            "ci.sourceBranch": version.ref,
            "ci.sourceSha": version.commit,
            "ci.message": version.title[:LONGEST_TITLE],
            "ci.triggerRepository": version.repository.body["id"],
        }
        cause = Cause(Origin(reason, dict(pusher), {}, {}), None, trigger)
        self._queueing.queue_by_event(definition, version, cause)

    def on_finished(self, build: Document) -> None:
        """What was pushed meanwhile is built as one run."""
        definition = self._definitions.find(self._records.project_of(build), build.body["definition"])
        if definition is None:
            return
        with self._deciding:
            for waiting in self._store.list(BATCHED, definition.id):
                self._queue_batch(definition, waiting)

    def _queue_batch(self, definition: Document, waiting: Document) -> None:
        body: dict[str, Any] = waiting.body
        runs = [one for one in self._ci_runs(definition) if one.body["sourceBranch"] == body["ref"]]
        if any(one.body["status"] != "completed" for one in runs):
            return
        version = self._preparing.version(definition, body["ref"], body["commit"])
        self._store.delete(BATCHED, waiting.id)
        if version:
            self._queue(definition, version, body["reason"], body["pusher"])

    def recover(self) -> None:
        """Batches whose run ended with an earlier server."""
        for waiting in self._store.list(BATCHED):
            definition = self._store.get("devops/definitions", waiting.parent)
            if definition is None:
                self._store.delete(BATCHED, waiting.id)
                continue
            with self._deciding:
                self._queue_batch(definition, waiting)


def _batch_key(definition: Document, ref: str) -> str:
    return f"{definition.id}/batches/{ref.replace('/', '|')}"


def _filter(patterns: Sequence[str]) -> Filter:
    """`+refs/heads/main` includes and `-docs/*` excludes, as the settings of a definition write them."""
    include = tuple(one.removeprefix("+").lstrip("/") for one in patterns if not one.startswith("-"))
    exclude = tuple(one[1:].lstrip("/") for one in patterns if one.startswith("-"))
    return Filter(include, exclude)
