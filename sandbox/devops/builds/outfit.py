"""What a run is given: its plan, its facts, its sources, an identity of its own, and what it asks for at each stage."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sandbox.devops.access import USERS, Token, User
from sandbox.devops.builds.approvals import Approvals
from sandbox.devops.builds.checkpoints import Checkpoint, Guards, StageOfRun
from sandbox.devops.builds.definitions import Definitions
from sandbox.devops.builds.host import Facilities, RunFacts, Source
from sandbox.devops.builds.preparing import MissingFile, Origin, Preparing, Version, declared_repositories
from sandbox.devops.builds.recording import Books, Recorder
from sandbox.devops.builds.records import BuildRecords
from sandbox.devops.context import Context
from sandbox.devops.repositories import Repositories
from sandbox.ids import derived_guid
from sandbox.pipelines.expressions.contexts import DependencyState, Result
from sandbox.pipelines.loading import Loaded
from sandbox.pipelines.running.host import Cancellation, GateAnswer
from sandbox.pipelines.running.settings import Patience, RunRequest, StageOutcome
from sandbox.store import Document

AGENT = "Azure Pipelines 1"
TOKEN_HOURS = 48


@dataclass(frozen=True)
class Workshop:
    """What executions are made of."""

    context: Context
    records: BuildRecords
    definitions: Definitions
    repositories: Repositories
    preparing: Preparing
    books: Books
    guards: Guards
    facilities: Facilities
    approvals: Approvals
    address: str


class Outfit:
    """Gives runs what they need. Keeps nothing of its own."""

    def __init__(self, parts: Workshop) -> None:
        self._parts = parts
        self._records = parts.records

    def request(self, build: Document, loaded: Loaded, earlier: Mapping[str, StageOutcome], token: Token) -> RunRequest:
        definition, version, origin = self._definition(build), self._version(build), _origin(build)
        return RunRequest(
            plan=loaded.plan,
            run_id=int(build.body["id"]),
            facts=self._parts.preparing.facts(definition, version, origin),
            variables=self._parts.preparing.variables(definition, origin),
            skip=frozenset(origin.skip),
            earlier=earlier,
            stage_attempts={name: int(number) for name, number in build.body["attempts"].items()},
            access_token=token.secret,
            agent_name=AGENT,
            checkpoints=True,
            patience=Patience(),
        )

    def _definition(self, build: Document) -> Document:
        found = self._parts.definitions.find(self._records.project_of(build), build.body["definition"])
        assert found is not None, "a definition with runs under way is not deleted"
        return found

    def _version(self, build: Document) -> Version:
        found = self._parts.preparing.version(
            self._definition(build), build.body["sourceBranch"], build.body["sourceVersion"]
        )
        if found is None:
            raise MissingFile(f"The commit {build.body['sourceVersion']} is not in the repository any more.")
        return found

    def load(self, build: Document) -> Loaded:
        return self._parts.preparing.load(self._definition(build), self._version(build), _origin(build))

    def folder(self, build: Document) -> Path:
        return self._records.folder(build) / "agent" / str(self._records.fresh(build).body["executions"])

    def facts(self, build: Document, loaded: Loaded, recorder: Recorder, token: Token) -> RunFacts:
        definition, origin = self._definition(build), _origin(build)
        known = {one.name: one.value for one in self._parts.preparing.variables(definition, origin)}
        stages = {one.name: one for one in loaded.plan.stages}

        def checkpoint(stage: str, cancellation: Cancellation) -> GateAnswer:
            asked = StageOfRun(build, loaded.plan, stages[stage], known)
            return Checkpoint(self._parts.guards, asked, recorder.ids, cancellation).wait()

        return RunFacts(
            build=build,
            project=self._records.project_of(build),
            definition=definition,
            folder=self.folder(build),
            sources=self._sources(build, definition),
            person=build.body["requestedFor"],
            access_token=token.secret,
            checkpoint=checkpoint,
        )

    def _sources(self, build: Document, definition: Document) -> dict[str, Source]:
        """`self` at the run's commit, and the repositories that the file declares at their branches' tips."""
        preparing = self._parts.preparing
        version = self._version(build)
        text = preparing.text(definition, version)
        refs = {alias.lower(): ref for alias, (_, ref) in declared_repositories(text).items()}
        found = {"self": self._source(version.repository, version.commit)}
        for alias, document in preparing.others(definition, text).items():
            commit = preparing.tip(document, refs.get(alias, ""))
            if commit:
                found[alias] = self._source(document, commit.commit)
        return found

    def _source(self, repository: Document, commit: str) -> Source:
        seen = self._parts.repositories.view(repository)
        names = (seen.organization, seen.project_name, "_git", seen.name)
        url = "/".join((self._parts.address, *(quote(one) for one in names)))
        return Source(repository.body["name"], self._parts.repositories.folder(repository), commit, url)

    def identity(self, build: Document) -> User:
        """The project's build service: whoever a job is when it calls Azure DevOps."""
        project = self._records.project_of(build)
        guid = derived_guid("build-service", project.body["id"])
        user = User(guid, f"{project.body['name']} Build Service", f"Build\\{guid}")
        self._parts.context.store.put(USERS, f"/devops-users/{guid}", user.fields())
        return user

    def token(self, build: Document) -> Token:
        ends = self._parts.context.clock.now() + timedelta(hours=TOKEN_HOURS)
        access = self._parts.context.access
        return access.create_token(self.identity(build), f"run {build.body['id']}", valid_to=ends)


def _origin(build: Document) -> Origin:
    body = build.body
    return Origin(
        body["reason"],
        body["requestedFor"],
        body["variables"],
        body["parameters"],
        tuple(body["skip"]),
        body.get("pullRequest", {}),
    )


def stored_outcome(outcome: StageOutcome) -> dict[str, Any]:
    jobs = {name: {"result": str(one.result), "outputs": dict(one.outputs)} for name, one in outcome.jobs.items()}
    return {"result": str(outcome.result), "reason": outcome.reason, "jobs": jobs}


def read_outcome(stored: Mapping[str, Any]) -> StageOutcome:
    jobs = {name: DependencyState(Result(one["result"]), dict(one["outputs"])) for name, one in stored["jobs"].items()}
    return StageOutcome(Result(stored["result"]), jobs, stored["reason"])
