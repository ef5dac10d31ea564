"""The proof: what was looked for and not found, when, what was removed before, and what only a person can remove."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from checker.cleanup.journal import Record, now
from checker.cleanup.model import Left, Manual, Plan, Removed

FORMAT = "mlops-workshop-cleanup-certificate"
VERSION = 1
BIN = (
    "no removal of it is recorded here: if it was deleted by hand, it keeps its name in the recycle bin for 14 days, "
    "which Azure does not list. Portal, Azure Machine Learning, Recently deleted"
)


@dataclass(frozen=True)
class Certificate:
    """Nothing of the attendee's was found at `when`. `workspace` is what is known about its recycle bin."""

    when: str
    suffix: str
    subscription: str
    organization: str
    looked_for: tuple[str, ...]
    removed: tuple[Removed, ...]
    manual: tuple[Manual, ...]
    left: tuple[Left, ...]
    workspace: str


def certify(plan: Plan, record: Record, workspace_id: str) -> Certificate:
    """Of an empty plan. Raises ValueError for one that still has items."""
    if plan.items:
        raise ValueError(f"{len(plan.items)} items are left: there is nothing to certify")
    gone = workspace_id.lower() in record.purged
    known = {one.what for one in plan.manual}
    return Certificate(
        now(),
        plan.suffix,
        plan.subscription,
        plan.organization,
        _looked_for(plan),
        record.removed,
        (*plan.manual, *(one for one in record.manual if one.what not in known)),
        plan.left,
        "purged by this clean-up" if gone else BIN,
    )


def to_json(certificate: Certificate) -> Mapping[str, Any]:
    return {"format": FORMAT, "version": VERSION, **asdict(certificate)}


def to_text(certificate: Certificate) -> str:
    """For a person, to be kept and handed in."""
    lines = [
        "Clean-up certificate, MLOps on Azure",
        "",
        f"attendee      {certificate.suffix}",
        f"subscription  {certificate.subscription}",
        f"organisation  {certificate.organization or 'not looked at'}",
        f"looked at     {certificate.when}",
        "",
        "Looked for, and not found:",
        *(f"  - {one}" for one in certificate.looked_for),
        "",
        f"Removed: {len(certificate.removed) or 'nothing is recorded here'}",
        *(f"  {one.when}  {one.kind} {one.name}: {one.how}" for one in certificate.removed),
        "",
        f"The workspace's name: {certificate.workspace}.",
    ]
    if certificate.manual:
        lines += ["", "What only a person can remove:"]
        lines += [line for one in certificate.manual for line in (f"  - {one.what}", f"    {one.how}")]
    if certificate.left:
        lines += ["", "Not the workshop's, and left alone:"]
        lines += [f"  - {one.what} {one.name}: {one.reason}" for one in certificate.left]
    return "\n".join(lines) + "\n"


def _looked_for(plan: Plan) -> tuple[str, ...]:
    azure = (
        f"resources and resource groups with the tags workshop=mlops-on-azure and attendee={plan.suffix}",
        "the resource group of workshop.toml, and in it what has a name of workshop.toml",
        "deleted key vaults of that group",
    )
    if not plan.organization:
        return azure
    project = ("the project itself",) if plan.scope.project else ()
    repository = ("the repository",) if plan.scope.repository else ()
    devops = ("pipeline, environments and service connection of workshop.toml, and the connection's roles on Azure",)
    return (*azure, *devops, *repository, *project)
