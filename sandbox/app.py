"""The composition root: builds the store and the services, wires what one needs of another, mounts every table.

The only file that knows everything.
"""

from dataclasses import dataclass
from pathlib import Path

from sandbox import __version__
from sandbox.arm import ResourceManager
from sandbox.clock import Clock
from sandbox.control import Control
from sandbox.identity import Account, Identity, get_account
from sandbox.ids import Ids
from sandbox.settings import Settings
from sandbox.store import Store
from sandbox.wire import Router
from sandbox.wire.faults import Faults
from sandbox.wire.gateway import Gateway


@dataclass(frozen=True)
class Application:
    """A built sandbox: what answers, who it is, and how it ends."""

    gateway: Gateway
    router: Router
    account: Account
    control: Control
    secret: str

    def recover(self) -> None:
        """Bring back what an earlier server left: ends orphans, fails what was under way, serves deployments again."""

    def close(self) -> None:
        self.gateway.close()


def build(settings: Settings) -> Application:
    clock, ids, faults = Clock(), Ids(), Faults()
    store = Store(settings.database, clock)
    account = get_account(store, ids)
    identity = Identity(account, clock)
    secret = ids.secret()
    control = Control(secret, faults, lambda: gateway.seen, __version__)
    arm = ResourceManager(store, clock, ids, account.subscription, account.tenant, None, ())  # type: ignore[arg-type]
    router = Router([*control.operations(), *identity.operations(), *arm.operations()])
    gateway = Gateway(router, faults, identity.authenticate, _fresh(settings.state / "incoming"), ids)
    return Application(gateway, router, account, control, secret)


def _fresh(folder: Path) -> Path:
    """An empty folder for bodies on their way in; what a killed server left there is of no use."""
    folder.mkdir(parents=True, exist_ok=True)
    for leftover in folder.iterdir():
        leftover.unlink()
    return folder
