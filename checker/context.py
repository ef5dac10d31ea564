"""One attendee, looked at once: the clients, and every fact that checks share.

A fact is fetched by the first check that asks and handed to all others, from whichever thread they ask. That includes
a failure to look: a service that throttles is not asked again by the next check.
"""

import random
import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import TypeVar, cast

from checker.clients.arm import ArmClient
from checker.clients.cloud import Cloud, get_cloud
from checker.clients.containers import ContainerGroup, ContainersClient, RegistryRun
from checker.clients.devops import (
    Approval,
    Connection,
    Definition,
    Deployment,
    DevOpsClient,
    Environment,
    Record,
    Repository,
    Workplace,
)
from checker.clients.devops import Run as PipelineRun
from checker.clients.http import HttpClient, Reply
from checker.clients.identity import Tokens
from checker.clients.machinelearning import (
    AssetVersion,
    Compute,
    Datastore,
    Job,
    MachineLearningClient,
    OnlineDeployment,
    OnlineEndpoint,
    Run,
    Workspace,
    datastore_path,
)
from checker.clients.monitors import Monitor, collected_rows
from checker.clients.organization import Organization
from checker.clients.pullrequests import Branch, Policy, PullRequest, PullRequestClient
from checker.clients.scoring import ScoringClient
from checker.clients.storage import get_blob, list_blobs
from checker.settings import Names, Settings

# Where the artifact may lie beneath the registered folder: the folder itself, or the job's whole output.
ARTIFACTS = ("model.json", "model/model.json")
WORKSPACE_STORE = "workspaceblobstore"
COLLECTED_LIMIT = 16 * 1024 * 1024  # bytes: an hour of some ten thousand requests
WRONG_KEY = "this-is-not-the-key"

# Within the observed range of every feature of scikit-learn's copy of the data, rounded inwards.
FEATURE_RANGES = {
    "AGE": (-0.10, 0.11),
    "SEX": (-0.044, 0.05),
    "BMI": (-0.09, 0.17),
    "BP": (-0.11, 0.13),
    "S1": (-0.12, 0.15),
    "S2": (-0.11, 0.19),
    "S3": (-0.10, 0.18),
    "S4": (-0.07, 0.18),
    "S5": (-0.12, 0.13),
    "S6": (-0.13, 0.13),
}
ROWS = 8

T = TypeVar("T")


class CheckContext:
    """The clients and cached facts of one run. Every method that fetches may raise an AccessError."""

    def __init__(self, settings: Settings, cloud: Cloud, http: HttpClient, tokens: Tokens, seed: int) -> None:
        self.settings = settings
        self.cloud = cloud
        self.http = http
        self.seed = seed
        self.arm = ArmClient(cloud, http, tokens, settings.subscription, settings.names.resource_group)
        self.machine_learning = MachineLearningClient(self.arm, settings.names.workspace)
        self.containers = ContainersClient(self.arm)
        self.scoring = ScoringClient(cloud, http)
        organization = Organization(http, settings.devops.organization, settings.devops.token)
        self.devops = DevOpsClient(organization, settings.devops.project)
        self.changes = PullRequestClient(organization, settings.devops.project)
        self._lock = threading.Lock()
        self._facts: dict[Hashable, Future[object]] = {}

    @property
    def names(self) -> Names:
        return self.settings.names

    def once(self, key: Hashable, fetch: Callable[[], T]) -> T:
        """What `fetch` gave, or raised, the first time anyone asked for `key`."""
        with self._lock:
            future = self._facts.get(key)
            first = future is None
            if future is None:
                future = self._facts[key] = Future()
        if first:
            try:
                future.set_result(fetch())
            except BaseException as error:
                future.set_exception(error)
                raise
        return cast(T, future.result())

    def resource_group_exists(self) -> bool:
        """Read only when the workspace is not there: a workspace that was read proves its group."""
        return self.once("group", self.arm.resource_group_exists)

    def workspace(self) -> Workspace | None:
        return self.once("workspace", self.machine_learning.get_workspace)

    def compute(self) -> Compute | None:
        return self.once("compute", lambda: self.machine_learning.get_compute(self.names.compute))

    def data(self, name: str) -> list[AssetVersion]:
        return self.once(("data", name), lambda: self.machine_learning.list_data(name))

    def environments(self) -> list[AssetVersion]:
        return self.once("environments", lambda: self.machine_learning.list_environments(self.names.environment))

    def environment(self, reference: str) -> AssetVersion | None:
        return self.once(("environment", reference), lambda: self.machine_learning.get_environment(reference))

    def jobs(self) -> list[Job]:
        return self.once("jobs", self.machine_learning.list_jobs)

    def job(self, name: str) -> Job | None:
        """From the list where it is in it, else by its own request: lists of a busy workspace are cut."""
        listed = next((job for job in self.jobs() if job.name == name), None)
        return listed or self.once(("job", name), lambda: self.machine_learning.get_job(name))

    def run(self, workspace: Workspace, name: str) -> Run | None:
        return self.once(("run", name), lambda: self.machine_learning.get_run(workspace, name))

    def models(self) -> list[AssetVersion]:
        return self.once("models", lambda: self.machine_learning.list_models(self.names.model))

    def registry_runs(self) -> list[RegistryRun] | None:
        return self.once("registry runs", lambda: self.containers.list_registry_runs(self.names.registry))

    def staging(self) -> ContainerGroup | None:
        return self.once("staging", lambda: self.containers.get_container_group(self.names.staging))

    def production(self) -> OnlineEndpoint | None:
        return self.once("production", lambda: self.machine_learning.get_online_endpoint(self.names.production))

    def deployments(self) -> list[OnlineDeployment]:
        return self.once("deployments", lambda: self.machine_learning.list_online_deployments(self.names.production))

    def monitors(self) -> list[Monitor]:
        return self.once("monitors", self.machine_learning.list_monitors)

    def collected(self, deployment: str, enough: int) -> int:
        """How many rows of inputs a deployment of production has collected, counted from the newest to `enough`."""
        return self.once(("collected", deployment), lambda: self._collected(deployment, enough))

    def _collected(self, deployment: str, enough: int) -> int:
        datastore = self.datastore(WORKSPACE_STORE)
        if datastore is None:
            return 0
        folder = f"modelDataCollector/{self.names.production}/{deployment}/model_inputs/"
        rows = 0
        for name in reversed(list_blobs(self.cloud, self.http, datastore, folder)):
            content = get_blob(self.cloud, self.http, datastore, name, COLLECTED_LIMIT)
            rows += sum(1 for _ in collected_rows(content or b""))
            if rows >= enough:
                break
        return rows

    def production_key(self) -> str:
        return self.once("key", lambda: self.machine_learning.get_endpoint_key(self.names.production))

    def datastore(self, name: str) -> Datastore | None:
        return self.once(("datastore", name), lambda: self.machine_learning.get_datastore(name))

    def artifact(self, model: AssetVersion) -> bytes | None:
        """The bytes of the version's model.json, or None when its folder has none."""
        return self.once(("artifact", model.reference), lambda: self._artifact(model))

    def _artifact(self, model: AssetVersion) -> bytes | None:
        place = datastore_path(model.uri)
        datastore = self.datastore(place[0]) if place else None
        if place is None or datastore is None:
            return None
        folder = place[1].rstrip("/")
        paths = (f"{folder}/{artifact}" for artifact in ARTIFACTS)
        contents = (get_blob(self.cloud, self.http, datastore, path) for path in paths)
        return next((content for content in contents if content is not None), None)

    def rows(self) -> list[list[float]]:
        """Random rows that the model may meet, the same for one seed."""
        source = random.Random(self.seed)
        return [[round(source.uniform(*bounds), 6) for bounds in FEATURE_RANGES.values()] for _ in range(ROWS)]

    def score(self, url: str, key: str | None, deployment: str = "") -> Reply:
        """The answer to the random rows with a key, or without; of one deployment, where one is named."""
        return self.once(("score", url, key, deployment), lambda: self.scoring.score(url, self.rows(), key, deployment))

    # Azure DevOps

    def workplace(self) -> Workplace:
        return self.once("workplace", self.devops.get_workplace)

    def repositories(self) -> list[Repository]:
        return self.once("repositories", self.devops.list_repositories)

    def file(self, repository: str, path: str, branch: str) -> str | None:
        return self.once(("file", path), lambda: self.devops.get_file(repository, path, branch))

    def branch_policies(self, repository: str, branch: str) -> list[Policy]:
        return self.once(("policies", branch), lambda: self.changes.list_policies(repository, branch))

    def pull_requests(self, repository: str, branch: str) -> list[PullRequest]:
        return self.once(("pull requests", branch), lambda: self.changes.list_pull_requests(repository, branch))

    def branches(self, repository: str) -> list[Branch]:
        """Read for somebody whom no push has started a run."""
        return self.once("branches", lambda: self.changes.list_branches(repository))

    def changed_files(self, repository: str, commit: str) -> list[str]:
        """Read for somebody whom no push has started a run."""
        return self.once(("changed", commit), lambda: self.changes.list_changed_files(repository, commit))

    def connections(self) -> list[Connection]:
        return self.once("connections", self.devops.list_connections)

    def is_open_to_all(self, connection: str) -> bool:
        return self.once(("open", connection), lambda: self.devops.is_open_to_all(connection))

    def definitions(self) -> list[Definition]:
        return self.once("definitions", self.devops.list_definitions)

    def pipeline_runs(self) -> list[PipelineRun]:
        """Newest first, of every pipeline of the project."""
        return self.once("pipeline runs", self.devops.list_runs)

    def timeline(self, run: str) -> list[Record]:
        """Read for a run that has not succeeded; one that has is proven by what it left (the budget is 14 calls)."""
        return self.once(("timeline", run), lambda: self.devops.get_timeline(run))

    def artifacts(self, run: str) -> list[str]:
        return self.once(("artifacts", run), lambda: self.devops.list_artifacts(run))

    def devops_environments(self) -> list[Environment]:
        return self.once("devops environments", self.devops.list_environments)

    def deployment_records(self, environment: str) -> list[Deployment]:
        return self.once(("deployments", environment), lambda: self.devops.list_deployments(environment))

    def approvals(self, environment: str) -> list[Approval]:
        return self.once(("approvals", environment), lambda: self.devops.list_approvals(environment))


def open_context(settings: Settings, http: HttpClient, seed: int) -> CheckContext:
    """Find the cloud and make the clients. Raises AccessError when the cloud cannot be found."""
    cloud = get_cloud(http, settings.metadata_url)
    tokens = Tokens(cloud, http.secrets, client_secret=settings.client_secret_login)
    if settings.staging_key:
        http.secrets.add(settings.staging_key)
    return CheckContext(settings, cloud, http, tokens, seed)
