"""The host of the command line: one folder, this machine's environment, answers given beforehand."""

import os
import shutil
import threading
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from sandbox.pipelines.running.checkouts import copy_working_tree, fetch_commit, head_of
from sandbox.pipelines.running.errors import StepError
from sandbox.pipelines.running.host import (
    Cancellation,
    CheckoutRequest,
    Coverage,
    Execute,
    GateAnswer,
    GateRequest,
    ServiceConnection,
    StoredArtifact,
    TestRunResults,
    VariableGroup,
)
from sandbox.pipelines.running.pythons import find_interpreter, make_environment

T = TypeVar("T")
GATE_SENTENCES = {
    "environment": "Approvals and checks live on the environment '{name}' in Azure DevOps; none is asked for here.",
    "manual": "Stage '{name}' is manual and waits for a person. Next: run it with --approve {name}=yes",
    "validation": "Nobody answers '{name}' here. Next: run it with --approve '{name}=yes' (or =no)",
}


@dataclass(frozen=True, slots=True)
class LocalSettings:
    """`repository` is the folder of `self`; `others` those of further repositories by alias; `dirty` takes its files as
    they are instead of the last commit. `approvals` are answers by the name of a stage, environment or validation."""

    folder: Path
    repository: Path
    others: Mapping[str, Path] = field(default_factory=dict)
    dirty: bool = False
    approvals: Mapping[str, bool] = field(default_factory=dict)
    groups: Mapping[str, VariableGroup] = field(default_factory=dict)
    connections: Mapping[str, ServiceConnection] = field(default_factory=dict)
    revision: int = 1


class LocalHost:
    """A RunHost without a server. What a run leaves is in its folder: artifacts, logs, attachments."""

    def __init__(self, settings: LocalSettings) -> None:
        self._settings = settings
        self._artifacts: dict[str, StoredArtifact] = {}
        self._lock = threading.Lock()
        self._attached = 0
        self._counters: dict[str, int] = {}
        self._commits: dict[Path, str | None] = {}

    @property
    def folder(self) -> Path:
        return self._settings.folder

    def now(self) -> datetime:
        return datetime.now(UTC)

    def environment(self) -> Mapping[str, str]:
        """This process's own, so that a step finds what the shell finds."""
        return os.environ

    def counter(self, prefix: str, seed: int) -> int:
        """There is no earlier run to count on from: the seed."""
        with self._lock:
            return self._counters.setdefault(prefix, seed)

    def revision(self, number: str) -> int:
        return self._settings.revision

    def variable_group(self, name: str) -> VariableGroup | None:
        return _by_name(self._settings.groups, name)

    def service_connection(self, name: str) -> ServiceConnection | None:
        """One that was given, else the identity that this machine's own environment or `az` session has."""
        return _by_name(self._settings.connections, name) or connection_of_environment(name, os.environ)

    def repository_name(self, alias: str) -> str:
        return self._repository(alias).name

    def checkout(self, request: CheckoutRequest) -> None:
        """The last commit, in detached HEAD; a folder without git, or with `dirty`, as it is now."""
        source = self._repository(request.repository)
        commit = self._commit(source)
        if commit is not None:
            request.write(f"Checking out '{source.name}' at its last commit {commit}.")
            fetch_commit(request, source.absolute().as_uri(), commit, self.environment())
        if commit is None or self._settings.dirty:
            reason = "because of --dirty" if commit else "it has no commit"
            request.write(f"Copying the files of '{source.name}' as they are now: {reason}.")
            copy_working_tree(source, request.folder, leave=self.folder)

    def await_gate(self, request: GateRequest, cancellation: Cancellation) -> GateAnswer:
        """The answer given beforehand. Without one an environment lets pass, a person's word counts as not given."""
        answer = _by_name(self._settings.approvals, request.name)
        if answer is not None:
            return GateAnswer(answer, f"'{request.name}' was {'approved' if answer else 'rejected'} by --approve.")
        sentence = GATE_SENTENCES[request.kind].format(name=request.name)
        return GateAnswer(request.kind == "environment", sentence, timed_out=request.kind != "environment")

    def publish_artifact(self, name: str, source: Path, kind: str) -> StoredArtifact:
        with self._lock:
            before = self._artifacts.get(name.lower())
            if before is not None and kind == "PipelineArtifact":
                raise StepError(f"Artifact {name} already exists for this run.")
            stored = before or StoredArtifact(name, kind, self.folder / "artifacts" / name)
            self._artifacts[name.lower()] = stored
        stored.folder.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, stored.folder, dirs_exist_ok=True, symlinks=True)
        else:
            shutil.copy2(source, stored.folder / source.name)
        return stored

    def list_artifacts(self) -> Sequence[StoredArtifact]:
        with self._lock:
            return tuple(self._artifacts.values())

    def attach(self, kind: str, name: str, source: Path) -> Path:
        with self._lock:
            self._attached += 1
            folder = self.folder / "attachments" / str(self._attached)
        folder.mkdir(parents=True)
        kept = folder / source.name
        shutil.copy2(source, kept)
        return kept

    def publish_test_results(self, results: TestRunResults) -> None:
        """Nothing is kept here: the sums are in the run's events, the failures in the step's log."""

    def publish_coverage(self, coverage: Coverage, report: Path) -> None:
        """Nothing is kept here: the sums are in the run's events."""

    def agent(self) -> AbstractContextManager[None]:
        """Nothing is kept: what a job installs stays in the job."""
        return nullcontext()

    def find_python(self, version: str, tools: Path, execute: Execute) -> Path | None:
        """A virtual environment of an installed Python, below the folder given."""
        found = find_interpreter(version, self.environment())
        return make_environment(found, tools, execute, self.environment()) if found else None

    def _commit(self, source: Path) -> str | None:
        """Looked up once: all jobs of a run get the same commit."""
        with self._lock:
            if source not in self._commits:
                self._commits[source] = head_of(source)
            return self._commits[source]

    def _repository(self, alias: str) -> Path:
        if alias.lower() == "self":
            return self._settings.repository
        found = _by_name(self._settings.others, alias)
        if found is None:
            raise StepError(f"Repository '{alias}' has no folder here. Next: run it with --repository {alias}=FOLDER")
        return found


def _by_name(table: Mapping[str, T], name: str) -> T | None:
    return next((value for key, value in table.items() if key.lower() == name.lower()), None)


def connection_of_environment(name: str, environment: Mapping[str, str]) -> ServiceConnection | None:
    """The identity of the AZURE_* variables, or None when there is none."""
    client, tenant = environment.get("AZURE_CLIENT_ID", ""), environment.get("AZURE_TENANT_ID", "")
    key = environment.get("AZURE_CLIENT_SECRET", "")
    subscription = environment.get("AZURE_SUBSCRIPTION_ID", "")
    token = _token_of(environment)
    if not client or not tenant or not (key or token):
        return None
    credential = ("--password", key) if key else ("--federated-token", token)
    login: list[tuple[str, ...]] = [
        ("login", "--service-principal", "--username", client, "--tenant", tenant, *credential, "--output", "none")
    ]
    if subscription:
        login.append(("account", "set", "--subscription", subscription))
    kept = {one: value for one, value in environment.items() if one.startswith("AZURE_")}
    return ServiceConnection(
        name, tenant, subscription, client, key, token, kept, tuple(login), tuple(one for one in (key, token) if one)
    )


def _token_of(environment: Mapping[str, str]) -> str:
    path = environment.get("AZURE_FEDERATED_TOKEN_FILE", "")
    return Path(path).read_text("utf-8").strip() if path and Path(path).is_file() else ""
