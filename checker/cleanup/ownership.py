"""Whose a resource on Azure is: by its tags, or by its exact name where no tag says otherwise. Pure functions."""

from collections.abc import Mapping
from dataclasses import dataclass

from checker.cleanup.model import ATTENDEE_TAG, WORKSHOP, WORKSHOP_TAG, Kind
from checker.settings import Settings

LETTERS_KEPT = 8  # azure-ai-ml begins the names of what a workspace needs with so many of the workspace's letters


@dataclass(frozen=True)
class Type:
    """How a type of resource is called, and deleted: the API version and the query of its DELETE."""

    kind: Kind
    version: str
    query: Mapping[str, str]


def _type(kind: Kind, version: str, **query: str) -> Type:
    return Type(kind, version, query)


# The versions are each provider's stable ones that the kit's other clients send too. forceToPurge: 2024-04-01.
TYPES: Mapping[str, Type] = {
    "microsoft.machinelearningservices/workspaces": _type(Kind.WORKSPACE, "2024-04-01", forceToPurge="true"),
    "microsoft.containerservice/managedclusters": _type(Kind.CLUSTER, "2024-05-01"),
    "microsoft.containerinstance/containergroups": _type(Kind.CONTAINERS, "2023-05-01"),
    "microsoft.containerregistry/registries": _type(Kind.REGISTRY, "2023-07-01"),
    "microsoft.storage/storageaccounts": _type(Kind.STORAGE, "2023-01-01"),
    "microsoft.keyvault/vaults": _type(Kind.VAULT, "2022-07-01"),
    "microsoft.insights/components": _type(Kind.INSIGHTS, "2020-02-02"),
    "microsoft.operationalinsights/workspaces": _type(Kind.LOGS, "2022-10-01", force="true"),
    "microsoft.managedidentity/userassignedidentities": _type(Kind.IDENTITY, "2023-01-31"),
    "microsoft.alertsmanagement/smartdetectoralertrules": _type(Kind.ALERTS, "2021-04-01"),
}
ALERT_RULE = "Failure Anomalies - "  # Azure makes one beside every Application Insights component, without tags


@dataclass(frozen=True)
class Resource:
    """A row of a list of resources. Names of tags are lower case: Azure does not tell them apart."""

    id: str
    name: str
    type: str
    tags: Mapping[str, str]
    state: str

    def is_beneath(self, other_id: str) -> bool:
        return self.id.lower().startswith(other_id.lower().rstrip("/") + "/")

    @property
    def group(self) -> str:
        """The id of the resource group, as it is spelt."""
        return "/".join(self.id.split("/")[:5])


def exact_names(settings: Settings) -> Mapping[str, str]:
    """The name of workshop.toml for a type, where it carries the suffix: any other could be somebody else's as well."""
    names = settings.names
    known = {
        "microsoft.machinelearningservices/workspaces": names.workspace,
        "microsoft.containerservice/managedclusters": names.kubernetes_cluster,
        "microsoft.containerinstance/containergroups": names.staging,
        "microsoft.containerregistry/registries": names.registry,
        "microsoft.resources/resourcegroups": names.resource_group,
    }
    return {kind: name for kind, name in known.items() if settings.suffix in name}


def is_tagged(tags: Mapping[str, str], suffix: str) -> bool:
    """Both tags, letter by letter: abcd is not abc."""
    return tags.get(WORKSHOP_TAG) == WORKSHOP and tags.get(ATTENDEE_TAG) == suffix


def is_foreign(tags: Mapping[str, str], suffix: str) -> bool:
    """Whether a tag names another workshop or another attendee."""
    return tags.get(WORKSHOP_TAG, WORKSHOP) != WORKSHOP or tags.get(ATTENDEE_TAG, suffix) != suffix


def reason_of(resource: Resource, settings: Settings) -> str:
    """Why a resource is the attendee's; '' when it is not. A foreign tag is for `disagreement_of` to say."""
    if is_tagged(resource.tags, settings.suffix):
        return f"tagged {ATTENDEE_TAG}={settings.suffix}"
    if is_foreign(resource.tags, settings.suffix):
        return ""
    return "named in workshop.toml" if is_exact(resource, settings) else ""


def is_exact(resource: Resource, settings: Settings) -> bool:
    """Whether it has the name of its type in workshop.toml and lies in the group of workshop.toml."""
    wanted = exact_names(settings).get(resource.type.lower())
    in_group = resource.group.lower().endswith(f"/resourcegroups/{settings.names.resource_group.lower()}")
    return wanted is not None and in_group and resource.name.lower() == wanted.lower()


def disagreement_of(resource: Resource, settings: Settings) -> str:
    """What is wrong where the name is ours and a tag says that it is somebody else's; '' otherwise."""
    if not (is_exact(resource, settings) and is_foreign(resource.tags, settings.suffix)):
        return ""
    said = ", ".join(f"{key}={resource.tags[key]}" for key in (WORKSHOP_TAG, ATTENDEE_TAG) if key in resource.tags)
    return f"{resource.name} has the name of workshop.toml and the tags {said}"


def beginning(workspace: str) -> str:
    """What the names of a workspace's storage, vault and insights begin with, where azure-ai-ml made them."""
    return "".join(letter for letter in workspace.lower() if letter.isalnum())[:LETTERS_KEPT]
