"""The words of a clean-up. Data only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from checker.errors import CheckerError

WORKSHOP_TAG, ATTENDEE_TAG = "workshop", "attendee"
WORKSHOP = "mlops-on-azure"


class Kind(StrEnum):
    """What an item is. Items are removed in this order: nothing goes before what still uses it or may make it anew."""

    PIPELINE = "pipeline"
    ENDPOINT = "online endpoint"
    COMPUTE = "compute"
    CONTAINERS = "container group"
    ALERTS = "alert rule"
    INSIGHTS = "application insights"
    LOGS = "log analytics workspace"
    VAULT = "key vault"
    STORAGE = "storage account"
    WORKSPACE = "workspace"
    CLUSTER = "kubernetes cluster"
    REGISTRY = "container registry"
    IDENTITY = "managed identity"
    OTHER = "resource"
    ASSIGNMENT = "role assignment"
    GROUP = "resource group"
    DELETED_VAULT = "deleted key vault"
    ENVIRONMENT = "environment"
    CONNECTION = "service connection"
    REPOSITORY = "repository"
    PROJECT = "project"

    @property
    def is_devops(self) -> bool:
        return self in DEVOPS_KINDS


DEVOPS_KINDS = frozenset({Kind.PIPELINE, Kind.ENVIRONMENT, Kind.CONNECTION, Kind.REPOSITORY, Kind.PROJECT})


@dataclass(frozen=True)
class Cost:
    """USD a day; None where nobody knows. `note` says how it comes about."""

    usd: float | None
    note: str = ""


UNKNOWN_COST = Cost(None, "not known")
FREE = Cost(0.0)


@dataclass(frozen=True)
class Item:
    """One thing to remove. `id` is its ARM id, or its identifier on Azure DevOps; `reason` is why it is the workshop's.

    `state` is Azure's provisioning state, '' where there is none; `facts` is what its removal needs to know.
    """

    kind: Kind
    name: str
    id: str
    reason: str
    state: str = ""
    cost: Cost = UNKNOWN_COST
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_going(self) -> bool:
        """Whether its removal is under way."""
        return self.state.lower() in ("deleting", "terminating")


@dataclass(frozen=True)
class Left:
    """Something beside ours that stays, and why: nothing says that the workshop made it."""

    what: str
    name: str
    reason: str


@dataclass(frozen=True)
class Manual:
    """What only a person can remove, and how."""

    what: str
    how: str


@dataclass(frozen=True)
class Scope:
    """How far a clean-up goes on Azure DevOps: not at all, what is in the project, its repository, the project."""

    devops: bool = True
    repository: bool = False
    project: bool = False


@dataclass(frozen=True)
class Plan:
    """Everything that a clean-up would remove, in its order, and everything beside it that it would not."""

    suffix: str
    subscription: str
    organization: str
    scope: Scope
    items: tuple[Item, ...]
    left: tuple[Left, ...]
    manual: tuple[Manual, ...]
    disagreements: tuple[str, ...] = ()
    group_exists: bool = True
    priced: str = ""

    @property
    def cost(self) -> float:
        """USD a day, of what is known."""
        return sum(item.cost.usd or 0.0 for item in self.items)

    def of(self, *kinds: Kind) -> list[Item]:
        return [item for item in self.items if item.kind in kinds]


@dataclass(frozen=True)
class Removed:
    """One thing that is gone, and when (ISO 8601, UTC). `how` is the operation, or that it was gone already."""

    kind: str
    name: str
    id: str
    when: str
    how: str


class Disagreement(CheckerError):
    """Names and tags tell different stories about whose something is: nothing is removed."""


class NotConfirmed(CheckerError):
    """Nobody typed the suffix."""


class Refused(CheckerError):
    """The service does not remove it: a lock, a policy, something that still uses it."""
