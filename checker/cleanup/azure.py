"""What the workshop made on Azure: read, never changed."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from checker.cleanup.model import Cost, Item, Kind, Left, Manual
from checker.cleanup.ownership import (
    ALERT_RULE,
    TYPES,
    Resource,
    beginning,
    disagreement_of,
    exact_names,
    is_foreign,
    is_tagged,
    reason_of,
)
from checker.cleanup.prices import Prices
from checker.clients.arm import GROUPS_VERSION
from checker.clients.documents import mapping, text, texts, value
from checker.clients.machinelearning import COMPUTES_VERSION, ENDPOINTS_VERSION
from checker.context import CheckContext
from checker.settings import Settings

RESOURCES_VERSION = "2021-04-01"
VAULTS_VERSION = "2022-07-01"
WORKSPACE_TYPE = "microsoft.machinelearningservices/workspaces"
GROUP_TYPE = "microsoft.resources/resourcegroups"
BILLING_GROUPS = "visualstudioonline-"
NEEDED = ("storageAccount", "keyVault", "applicationInsights")  # properties of a workspace that name a resource


@dataclass(frozen=True)
class AzureFinding:
    """Items without an order, what stays, what only a person removes, and contradictions."""

    items: tuple[Item, ...]
    left: tuple[Left, ...]
    manual: tuple[Manual, ...]
    disagreements: tuple[str, ...]
    group_exists: bool


def find_on_azure(context: CheckContext, prices: Prices) -> AzureFinding:
    """Everything of the attendee's in the subscription. Raises AccessError."""
    return _Search(context, prices).run()


def list_held(context: CheckContext, group_id: str) -> list[str]:
    """The names of whatever is in a group now; none when the group is gone. Raises AccessError."""
    return context.arm.names(f"{group_id}/resources", RESOURCES_VERSION)


class _Search:
    """One look at a subscription: the lists once, then each question from them.

    Groups that a resource manages, such as that of a cluster's nodes, carry the cluster's tags and go with the cluster.
    """

    def __init__(self, context: CheckContext, prices: Prices) -> None:
        self._context = context
        self._arm = context.arm
        self._settings: Settings = context.settings
        self._prices = prices

    def run(self) -> AzureFinding:
        rows = self._entries(f"{self._arm.subscription}/resourcegroups")
        managed = {text(row, "id").lower() for row in rows if text(row, "managedBy")}
        groups = [_resource(row, GROUP_TYPE) for row in rows if not text(row, "managedBy")]
        mine = [one for one in groups if reason_of(one, self._settings)]
        listed = self._resources([*mine, *(one for one in groups if disagreement_of(one, self._settings))])
        found = [one for one in listed if one.group.lower() not in managed]
        owned = self._owned(found)
        children = [child for item in owned if item.kind is Kind.WORKSPACE for child in self._children(item)]
        strangers = [one for one in found if not _is_covered(one, owned)]
        kept = {one.group.lower() for one in strangers}
        vaults = self._deleted_vaults()
        items = [*owned, *(item for item, _ in children)]
        items += [self._deleted(row) for row in vaults if not _is_protected(row)]
        items += [self._group(one) for one in mine if one.id.lower() not in kept]
        foreign = [said for _, said in children if said]
        disagreements = [disagreement_of(one, self._settings) for one in (*groups, *found)]
        return AzureFinding(
            tuple(items),
            (*map(self._left, strangers), *(self._kept(one) for one in mine if one.id.lower() in kept)),
            (*_billing(groups), *(_protected(row) for row in vaults if _is_protected(row))),
            tuple(filter(None, (*disagreements, *foreign))),
            any(one.id.lower() == self._arm.group.lower() for one in groups),
        )

    def _resources(self, groups: Iterable[Resource]) -> list[Resource]:
        """Everything in these groups, and everything with the attendee's tag wherever it is."""
        tag = {"$filter": f"tagName eq 'attendee' and tagValue eq '{self._settings.suffix}'"}
        rows = self._entries(f"{self._arm.subscription}/resources", **tag, **{"$expand": "provisioningState"})
        for group in groups:
            rows += self._entries(f"{group.id}/resources", **{"$expand": "provisioningState"})
        found = {text(row, "id").lower(): _resource(row) for row in rows}
        return [one for one in found.values() if one.type.lower() != GROUP_TYPE]

    def _owned(self, found: list[Resource]) -> list[Item]:
        """Tagged or exactly named, and what a workspace of ours needs that Azure ML made for it."""
        known = [one for one in found if one.type.lower() in TYPES]
        reasons = {one.id.lower(): reason_of(one, self._settings) for one in known}
        workspaces = [one for one in known if one.type.lower() == WORKSPACE_TYPE and reasons[one.id.lower()]]
        for workspace in workspaces:
            reasons |= {name: reason for name, reason in self._needed(workspace, known).items() if not reasons[name]}
        insights = {
            one.name.lower() for one in known if TYPES[one.type.lower()].kind is Kind.INSIGHTS and _of(one, reasons)
        }
        for one in known:
            if TYPES[one.type.lower()].kind is Kind.ALERTS and one.name.removeprefix(ALERT_RULE).lower() in insights:
                reasons[one.id.lower()] = "made by Azure beside application insights"
        owned = [self._item(one, _of(one, reasons)) for one in known if _of(one, reasons)]
        return [*owned, *self._others(found, owned)]

    def _others(self, found: list[Resource], owned: list[Item]) -> list[Item]:
        """What has the attendee's tags and a type that the workshop does not use: somebody experimented."""
        tagged = [one for one in found if one.type.lower() not in TYPES and is_tagged(one.tags, self._settings.suffix)]
        reason = f"tagged attendee={self._settings.suffix}"
        return [
            Item(Kind.OTHER, one.name, one.id, f"{reason}, {one.type}", one.state, facts={"type": one.type})
            for one in tagged
            if not _is_covered(one, owned)
        ]

    def _needed(self, workspace: Resource, known: list[Resource]) -> Mapping[str, str]:
        """Ids of the storage, vault and insights that the workspace names, where their names are those of Azure ML."""
        document = self._arm.get(self._arm.url(workspace.id, TYPES[WORKSPACE_TYPE].version))
        named = {text(document, "properties", key).lower() for key in NEEDED}
        made = [
            one
            for one in known
            if one.id.lower() in named
            and one.group.lower() == workspace.group.lower()
            and one.name.startswith(beginning(workspace.name))
            and not is_foreign(one.tags, self._settings.suffix)
        ]
        return {one.id.lower(): f"made for {workspace.name}" for one in made}

    def _item(self, resource: Resource, reason: str) -> Item:
        kind = TYPES[resource.type.lower()]
        cost = self._cost(resource, kind.kind)
        facts = {"type": resource.type.lower()}
        return Item(kind.kind, resource.name, resource.id, reason, resource.state, cost, facts)

    def _cost(self, resource: Resource, kind: Kind) -> Cost:
        """Only what costs by its size is read again."""
        if kind not in (Kind.CLUSTER, Kind.CONTAINERS, Kind.REGISTRY):
            return self._prices.of(kind, {})
        return self._prices.of(kind, self._arm.get(self._arm.url(resource.id, TYPES[resource.type.lower()].version)))

    def _children(self, workspace: Item) -> Iterator[tuple[Item, str]]:
        """Endpoints and computes, each with what contradicts its removal."""
        for kind, segment, version in (
            (Kind.ENDPOINT, "onlineEndpoints", ENDPOINTS_VERSION),
            (Kind.COMPUTE, "computes", COMPUTES_VERSION),
        ):
            for row in self._entries(f"{workspace.id}/{segment}", version):
                name, properties = text(row, "name"), mapping(row, "properties")
                said = ""
                if is_foreign(_tags(row), self._settings.suffix):
                    said = f"{kind} {name} in {workspace.name} has the tag attendee={_tags(row).get('attendee', '')}"
                state = text(properties, "provisioningState")
                facts = {"computeType": text(properties, "computeType")}
                cost = self._prices.of(kind, self._sized(kind, row))
                identifier = f"{workspace.id}/{segment}/{name}"
                yield Item(kind, name, identifier, f"in {workspace.name}", state, cost, facts), said

    def _sized(self, kind: Kind, row: Mapping[str, Any]) -> Mapping[str, Any]:
        """An endpoint costs by its deployments: they are read with it."""
        if kind is not Kind.ENDPOINT:
            return row
        return {"deployments": self._entries(f"{text(row, 'id')}/deployments", ENDPOINTS_VERSION)}

    def _deleted_vaults(self) -> list[Mapping[str, Any]]:
        path = f"{self._arm.subscription}/providers/Microsoft.KeyVault/deletedVaults"
        return [row for row in self._entries(path, VAULTS_VERSION) if self._is_my_vault(row)]

    def _deleted(self, row: Mapping[str, Any]) -> Item:
        reason = f"was {text(row, 'properties', 'vaultId').rpartition('/resourceGroups/')[2]}"
        name, cost = text(row, "name"), Cost(0.0, f"until {text(row, 'properties', 'scheduledPurgeDate')[:10]}")
        return Item(Kind.DELETED_VAULT, name, text(row, "id"), reason, "", cost)

    def _is_my_vault(self, row: Mapping[str, Any]) -> bool:
        """Tagged; or untagged, of the attendee's group, and named as Azure ML names one for the workspace."""
        tags, was = _tags(row.get("properties")), text(row, "properties", "vaultId").lower()
        if is_tagged(tags, self._settings.suffix):
            return True
        names = self._settings.names
        in_group = GROUP_TYPE in exact_names(self._settings) and was.startswith(f"{self._arm.group.lower()}/")
        named = text(row, "name").startswith(f"{beginning(names.workspace)}keyvault"[:16])
        return in_group and named and not is_foreign(tags, self._settings.suffix)

    def _group(self, group: Resource) -> Item:
        return Item(Kind.GROUP, group.name, group.id, reason_of(group, self._settings), group.state, Cost(0.0))

    def _left(self, resource: Resource) -> Left:
        tags = resource.tags
        reason = f"tagged attendee={tags['attendee']}" if tags.get("attendee") else "no tag and no name of the workshop"
        return Left(resource.type.rpartition("/")[2], resource.name, reason)

    def _kept(self, group: Resource) -> Left:
        return Left("resource group", group.name, "it holds what the workshop did not make")

    def _entries(self, path: str, version: str = RESOURCES_VERSION, **query: str) -> list[Mapping[str, Any]]:
        """The rows of a list; none when its parent has gone meanwhile."""
        version = GROUPS_VERSION if path.endswith("/resourcegroups") else version
        return list(self._arm.entries(self._arm.url(path, version, **query)) or ())


def _is_covered(resource: Resource, owned: list[Item]) -> bool:
    """Ours, or beneath one of ours: deployments of endpoints and extensions of clusters are listed as well."""
    return any(resource.id.lower() == item.id.lower() or resource.is_beneath(item.id) for item in owned)


def _of(resource: Resource, reasons: Mapping[str, str]) -> str:
    return reasons[resource.id.lower()]


def _billing(groups: Iterable[Resource]) -> Iterator[Manual]:
    for group in groups:
        if group.name.lower().startswith(BILLING_GROUPS):
            how = "Only a person can remove this: Organization settings -> Billing -> Remove."
            yield Manual(f"resource group {group.name}, of the organisation's billing", how)


def _is_protected(vault: Mapping[str, Any]) -> bool:
    return value(vault, "properties", "purgeProtectionEnabled") is True


def _protected(vault: Mapping[str, Any]) -> Manual:
    day = text(vault, "properties", "scheduledPurgeDate")[:10]
    return Manual(f"deleted key vault {text(vault, 'name')}", f"Nobody can purge it: it is protected until {day}.")


def _tags(document: Any) -> Mapping[str, str]:
    return {key.lower(): content for key, content in texts(document, "tags").items()}


def _resource(row: Mapping[str, Any], kind: str = "") -> Resource:
    state = text(row, "provisioningState") or text(row, "properties", "provisioningState")
    return Resource(text(row, "id"), text(row, "name"), kind or text(row, "type"), _tags(row), state)
