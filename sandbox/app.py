"""The composition root: builds the store and the services, wires what one needs of another, mounts every table.

The only file that knows everything.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox import __version__
from sandbox.arm import ResourceManager, Subscriptions, Switchboard
from sandbox.blob import BlobFiles, Blobs, SharedAccess
from sandbox.clock import Clock
from sandbox.compute.folders import remove_folder
from sandbox.compute.images import Images
from sandbox.compute.processes import Processes
from sandbox.compute.runtime import Runtime
from sandbox.compute.venvs import build as build_environment
from sandbox.containers import Clusters, Extensions, Groups, Registries
from sandbox.containers.builds import Builder, MakeEnvironment
from sandbox.control import Control
from sandbox.devops import DevOps
from sandbox.identity import CLOUD, JOB_LIFETIME, Account, Identity, get_account
from sandbox.ids import Ids
from sandbox.log import event
from sandbox.machinelearning import MachineLearning
from sandbox.machinelearning.context import Context
from sandbox.machinelearning.service import Surroundings
from sandbox.settings import Settings
from sandbox.store import Store
from sandbox.store.operations import fail_unfinished
from sandbox.wire import Router
from sandbox.wire.faults import Faults
from sandbox.wire.gateway import Gateway

STORAGE = "microsoft.storage/storageaccounts"
RESTARTED = "The sandbox was stopped while this operation was under way."


@dataclass(frozen=True)
class Application:
    """A built sandbox: what answers, who it is, and how it begins and ends."""

    gateway: Gateway
    router: Router
    account: Account
    control: Control
    secret: str
    organization: str
    devops_token: str
    recover: Callable[[], None]
    close: Callable[[], None]


@dataclass(frozen=True)
class ChildIdentity:
    """What code in jobs and servers finds: a managed identity, the cloud, the trusted roots."""

    settings: Settings
    identity: Identity

    def server_variables(self) -> Mapping[str, str]:
        endpoint, secret = f"{self.settings.base}/identity/token", self.identity.account.managed_secret
        return {
            "IDENTITY_ENDPOINT": endpoint,
            "IDENTITY_HEADER": secret,
            "MSI_ENDPOINT": endpoint,
            "MSI_SECRET": secret,
            "ARM_CLOUD_METADATA_URL": f"{self.settings.base}/metadata/endpoints?api-version=2019-05-01",
            "AZUREML_CURRENT_CLOUD": CLOUD,
            "REQUESTS_CA_BUNDLE": str(self.settings.bundle),
            "SSL_CERT_FILE": str(self.settings.bundle),
        }

    def tracking_token(self) -> str:
        return self.identity.issue(self.settings.base, JOB_LIFETIME)


@dataclass(frozen=True)
class PipelineIdentity:
    """What AzureCLI steps of pipelines sign in with: the sandbox's own service principal."""

    settings: Settings
    account: Account

    def environment(self) -> Mapping[str, str]:
        metadata = f"{self.settings.base}/metadata/endpoints?api-version=2019-05-01"
        return {
            "ARM_CLOUD_METADATA_URL": metadata,
            "AZUREML_CURRENT_CLOUD": CLOUD,
            "AZURE_AUTHORITY_HOST": self.settings.base,
            "AZURE_CORE_INSTANCE_DISCOVERY": "false",
            "AZURE_CORE_COLLECT_TELEMETRY": "no",
            "AZURE_TENANT_ID": "adfs",
            "AZURE_CLIENT_ID": self.account.client_id,
            "AZURE_CLIENT_SECRET": self.account.client_secret,
            "AZURE_SUBSCRIPTION_ID": self.account.subscription,
            "REQUESTS_CA_BUNDLE": str(self.settings.bundle),
            "SSL_CERT_FILE": str(self.settings.bundle),
            "CURL_CA_BUNDLE": str(self.settings.bundle),
            "GIT_SSL_CAINFO": str(self.settings.bundle),
        }


@dataclass(frozen=True)
class Core:
    """What every service is built from."""

    settings: Settings
    store: Store
    clock: Clock
    ids: Ids
    account: Account
    identity: Identity
    processes: Processes
    runtime: Runtime | None


@dataclass(frozen=True)
class Services:
    """The services, wired to each other."""

    blobs: Blobs
    registries: Registries
    groups: Groups
    clusters: Clusters
    extensions: Extensions
    learning: MachineLearning
    delete_accounts: Callable[[str], None]


def build(settings: Settings) -> Application:
    """Everything, wired. Nothing runs yet; raises StartupError for a state folder that cannot be used."""
    clock, ids, faults = Clock(), Ids(), Faults()
    store = Store(settings.database, clock)
    account = get_account(store, ids)
    runtime = Runtime(settings.runtime_python) if settings.runtime_python else None
    processes = Processes(settings.state / "processes")
    core = Core(settings, store, clock, ids, account, Identity(account, clock), processes, runtime)
    made = _services(core)
    hooks = (
        made.learning.before_delete,
        made.registries.before_delete,
        made.groups.before_delete,
        made.delete_accounts,
    )
    secret = ids.secret()
    control = Control(secret, faults, lambda: gateway.seen, __version__)
    switchboard = Switchboard(store, control.check)
    subscriptions = Subscriptions(account.subscription, account.tenant, switchboard)
    arm = ResourceManager(
        store, clock, ids, subscriptions, switchboard, account.object_id, made.learning.deploy_workspace, hooks
    )
    devops = DevOps(
        store,
        clock,
        ids,
        settings.state,
        core.identity.authenticate,
        control.check,
        account.tenant,
        settings.bundle,
        settings.base,
        PipelineIdentity(settings, account),
        arm.grant,
    )
    containers = (made.registries, made.groups, made.clusters, made.extensions)
    tables = (control, core.identity, arm, made.blobs, *containers, made.learning, devops)
    router = Router([arm.guarded(operation) for table in tables for operation in table.operations()])
    gateway = Gateway(router, faults, core.identity.authenticate, _fresh(settings.state / "incoming"), ids)

    def recover() -> None:
        _recover(core, made)
        devops.recover()

    def close() -> None:
        for service in (made.registries, made.groups, made.learning, devops):
            service.close()
        processes.stop_all()
        gateway.close()

    return Application(
        gateway, router, account, control, secret, devops.organization, devops.access.first_token, recover, close
    )


def _services(core: Core) -> Services:
    settings, store, clock, ids = core.settings, core.store, core.clock, core.ids
    files = BlobFiles(settings.state / "blobs", store)
    shared = SharedAccess(core.account.signing_key, clock)
    builder = Builder(Images(settings.state / "images"), core.runtime, settings.state / "contexts", _installer(core))
    registries = Registries(store, clock, ids, builder.images, files, shared, builder)
    surroundings = Surroundings(
        core.processes,
        core.runtime,
        settings.build_environments,
        settings.state,
        settings.base,
        registries,
        ChildIdentity(settings, core.identity),
        core.identity.authenticate,
    )

    def delete_accounts(resource_id: str) -> None:
        """The blobs of a storage account go with it."""
        with store.read() as view:
            going = [view.get(STORAGE, resource_id), *view.beneath(resource_id)]
        for one in going:
            if one and one.kind == STORAGE:
                files.delete_account(one.name)

    return Services(
        Blobs(files, store, shared, core.identity.authenticate),
        registries,
        Groups(store, clock, ids, registries, core.processes, core.runtime, settings.state / "groups"),
        Clusters(store, clock, ids, core.account.tenant),
        Extensions(store),
        MachineLearning(Context(store, clock, ids, files, shared.issue_for), surroundings),
        delete_accounts,
    )


def _recover(core: Core, made: Services) -> None:
    """Bring back what an earlier server left: end orphans, fail what was under way, serve deployments again."""
    for owner in core.processes.sweep():
        event("orphan ended", owner=owner)
    for leftover in (core.settings.state / "work").glob("*"):
        remove_folder(leftover)
    fail_unfinished(core.store, RESTARTED)
    for service in (made.registries, made.groups, made.learning):
        service.recover()


def _installer(core: Core) -> MakeEnvironment | None:
    """Really installs what an image asks for, where the sandbox was started to do so."""
    settings, base = core.settings, core.runtime
    if base is None or not settings.build_environments:
        return None
    log = settings.state / "logs" / "environments.log"
    return lambda wanted: build_environment(
        wanted, settings.state / "environments", log, base=base, processes=core.processes
    )


def _fresh(folder: Path) -> Path:
    """An empty folder for bodies on their way in; what a killed server left there is of no use."""
    folder.mkdir(parents=True, exist_ok=True)
    for leftover in folder.iterdir():
        leftover.unlink()
    return folder
