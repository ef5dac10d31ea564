"""Where data lives: the many spellings of a data address, brought to one place in a container.

azureml://datastores/<ds>/paths/<p>                                  short form, of the workspace at hand
azureml://subscriptions/<s>/resourcegroups/<g>/workspaces/<w>/datastores/<ds>/paths/<p>
azureml://jobs/<job>/outputs/<output>[/paths/<p>]
/subscriptions/.../workspaces/<w>/data/<name>/versions/<v>           an asset's ARM id
azureml:<name>:<version>
"""

import re
from dataclasses import dataclass

from sandbox.errors import BadRequest
from sandbox.machinelearning.context import ARTIFACT_STORE, BLOB_STORE, kind_of
from sandbox.machinelearning.datastores import container_of
from sandbox.store import Store, Transaction

LONG = re.compile(
    r"^azureml:/+subscriptions/(?P<s>[^/]+)/resource[gG]roups/(?P<g>[^/]+)"
    r"/(?:providers/[^/]+/)?workspaces/(?P<w>[^/]+)/datastores/(?P<ds>[^/]+)/paths/(?P<p>.*)$"
)
SHORT = re.compile(r"^azureml:/+datastores/(?P<ds>[^/]+)/paths/(?P<p>.*)$")
JOB = re.compile(r"^azureml:/+jobs/(?P<job>[^/]+)/outputs/(?P<output>[^/]+)(?:/paths)?(?:/(?P<p>.*))?$")
ASSET = re.compile(r"/(?P<kind>data|models)/(?P<name>[^/]+)/versions/(?P<version>[^/]+)$", re.IGNORECASE)


@dataclass(frozen=True)
class Location:
    """A path in a datastore of a workspace (its ARM id)."""

    workspace: str
    datastore: str
    path: str

    @property
    def uri(self) -> str:
        """The long form. Clients split it at `datastores/<x>/paths/` (b.7)."""
        _, _, subscription, _, group, _, _, _, name = self.workspace.split("/")
        scope = f"subscriptions/{subscription}/resourcegroups/{group}/workspaces/{name}"
        return f"azureml://{scope}/datastores/{self.datastore}/paths/{self.path}"

    def container(self, store: Store | Transaction) -> tuple[str, str]:
        """Account and container. Raises BadRequest where the datastore is not there."""
        return container_of(store, self.workspace, self.datastore)


def job_output(workspace: str, job: str, output: str) -> Location:
    """Where a job's named output lies; `artifacts` is what the run itself stored (b.7)."""
    if output == "artifacts":
        return Location(workspace, ARTIFACT_STORE, f"ExperimentRun/dcid.{job}/")
    return Location(workspace, BLOB_STORE, f"azureml/{job}/{output}/")


def locate(store: Store | Transaction, workspace: str, address: str) -> Location:
    """The location an address means. Raises BadRequest in one sentence where it means none."""
    if found := LONG.match(address):
        owner = (
            f"/subscriptions/{found['s']}/resourceGroups/{found['g']}"
            f"/providers/Microsoft.MachineLearningServices/workspaces/{found['w']}"
        )
        return Location(owner, found["ds"], found["p"])
    if found := SHORT.match(address):
        return Location(workspace, found["ds"], found["p"])
    if found := JOB.match(address):
        return _of_job(store, workspace, found["job"], found["output"], found["p"] or "")
    if found := ASSET.search(address):
        return _of_asset(store, workspace, found["kind"].lower(), found["name"], found["version"])
    if found := re.match(r"^azureml:(?P<name>[^/:@]+):(?P<version>[^/:@]+)$", address):
        return _of_asset(store, workspace, "data", found["name"], found["version"])
    raise BadRequest("UserError", f"The sandbox cannot read '{address}': it knows data of this workspace only.")


def _of_job(store: Store | Transaction, workspace: str, job: str, output: str, path: str) -> Location:
    document = store.get(kind_of("jobs"), f"{workspace}/jobs/{job}")
    if document is None:
        raise BadRequest("UserError", f"The job '{job}' was not found in this workspace.")
    declared = (document.body["properties"].get("outputs") or {}).get(output)
    if output != "artifacts" and declared is None:
        raise BadRequest("UserError", f"The job '{job}' has no output '{output}'.")
    if declared and declared.get("uri"):
        base = locate(store, workspace, declared["uri"])
    else:
        base = job_output(workspace, job, output)
    return Location(base.workspace, base.datastore, base.path.rstrip("/") + "/" + path if path else base.path)


def _of_asset(store: Store | Transaction, workspace: str, kind: str, name: str, version: str) -> Location:
    document = store.get(kind_of(kind, "versions"), f"{workspace}/{kind}/{name}/versions/{version}")
    if document is None:
        raise BadRequest("UserError", f"The {kind} asset '{name}:{version}' was not found in this workspace.")
    properties = document.body["properties"]
    return locate(store, workspace, properties.get("dataUri") or properties["modelUri"])
