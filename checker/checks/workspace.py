"""Resource group, workspace and compute cluster."""

from checker.checks.judgement import missing, settled
from checker.checks.registry import check
from checker.clients.machinelearning import Workspace
from checker.context import CheckContext
from checker.model import Evidence, failed

PROVISION = "python solution/provision.py"


@check("WSP001", "M6")
def resource_group_exists(context: CheckContext) -> Evidence:
    """The resource group exists.

    Everything the workshop makes lives in one group, so that one delete removes it all.
    """
    name = context.names.resource_group
    if context.workspace() is None and not context.resource_group_exists():
        raise missing(
            "resource group",
            name,
            context.arm.list_resource_groups(),
            "The pipeline makes the group in its first step: has that step run?",
            "Compare the name in workshop.toml with the one in the portal, suffix included.",
            "Create it with the first command below, or run the provisioning step.",
            commands=(f"az group create --name {name} --location {context.settings.location}", PROVISION),
        )
    return Evidence(name, {"resource_group": context.arm.group})


@check("WSP002", "M6", ("WSP001",))
def workspace_is_ready(context: CheckContext) -> Evidence:
    """The workspace is Succeeded.

    Jobs, data, models and endpoints are recorded in the workspace; the later checks read them there.
    """
    name = context.names.workspace
    found = context.workspace()
    show = f"az ml workspace show --name {name} --resource-group {context.names.resource_group}"
    if found is None:
        raise missing(
            "workspace",
            name,
            context.machine_learning.list_workspaces(),
            "The workspace is made by the provisioning step, after the group.",
            "A workspace of another name is not used by the pipeline: compare it with workshop.toml.",
            "Run the provisioning step again; it changes nothing that is already there.",
            commands=(PROVISION, show),
        )
    settled(
        f"workspace {name}",
        found.state,
        "The portal shows the failed deployment of the group, with its reason.",
        "A provider that is not registered and a name in the recycle bin are the usual reasons.",
        commands=(show,),
    )
    return Evidence(f"{name}, {found.location}", {"id": found.id, "state": found.state})


@check("WSP003", "M6", ("WSP002",))
def cluster_costs_nothing_when_idle(context: CheckContext) -> Evidence:
    """The compute cluster exists and scales down to zero nodes.

    A cluster with a minimum above zero costs money around the clock, whether or not a job runs.
    """
    name = context.names.compute
    found = context.compute()
    scope = f"--workspace-name {context.names.workspace} --resource-group {context.names.resource_group}"
    if found is None:
        raise missing(
            "compute cluster",
            name,
            context.machine_learning.list_names("computes"),
            "The cluster is made by the provisioning step, after the workspace.",
            "Quota is the usual reason: the step's log names the VM size and the number of cores.",
            commands=(PROVISION, f"az ml compute list {scope} --output table"),
        )
    if found.kind != "AmlCompute":
        raise failed(f"{name} is {found.kind or 'of no kind'}", f"{name} is AmlCompute", "Jobs run on a cluster.")
    settled(f"cluster {name}", found.state, commands=(f"az ml compute show --name {name} {scope}",))
    if found.min_nodes != 0:
        raise failed(
            f"{name} keeps {found.min_nodes} nodes when idle",
            "0 nodes when idle",
            "This cluster costs money even when nothing runs.",
            "Look at min_nodes in the section [compute] of workshop.toml.",
            "The command below sets it without making the cluster again.",
            commands=(f"az ml compute update --name {name} --min-instances 0 {scope}",),
        )
    nodes = f"0 to {found.max_nodes} nodes"
    return Evidence(f"{name}, {found.vm_size}, {nodes}", {"vm_size": found.vm_size, "state": found.state})


def ready_workspace(context: CheckContext) -> Workspace:
    """The workspace, for checks that require WSP002."""
    found = context.workspace()
    if found is None:
        raise LookupError("a check that reads the workspace does not require WSP002")
    return found
