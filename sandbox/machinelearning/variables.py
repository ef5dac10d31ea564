"""The environment variables that code inside a job or a server finds (azure-machine-learning.md, c and e)."""

from collections.abc import Mapping
from typing import Protocol

from sandbox.compute.runtime import Runtime
from sandbox.ids import derived_guid
from sandbox.store import Document

PLUGIN = "azureml-mlflow"


class JobIdentity(Protocol):
    """The managed identity of jobs and servers, and the token their MLflow client uses."""

    def server_variables(self) -> Mapping[str, str]: ...
    def tracking_token(self) -> str: ...


def job_variables(base: str, workspace: str, job: Document, runtime: Runtime, identity: JobIdentity) -> dict[str, str]:
    """What Azure ML sets for a job. Run id is job name; the tracking address is `azureml://` where its plug-in is."""
    _, _, subscription, _, group, _, _, _, name = workspace.split("/")
    experiment = job.body["properties"]["experimentName"]
    host = base.removeprefix("https://")
    has_plugin = PLUGIN in runtime.inventory.distributions
    tracking = f"azureml://{host}/mlflow/v1.0{workspace}" if has_plugin else f"{base}/mlflow/v2.0{workspace}"
    return {
        **identity.server_variables(),
        "AZUREML_RUN_ID": job.name,
        "AZUREML_ARM_SUBSCRIPTION": subscription,
        "AZUREML_ARM_RESOURCEGROUP": group,
        "AZUREML_ARM_WORKSPACE_NAME": name,
        "AZUREML_ARM_PROJECT_NAME": experiment,
        "AZUREML_EXPERIMENT_ID": derived_guid(f"{workspace}/experiments/{experiment}"),
        "MLFLOW_EXPERIMENT_ID": derived_guid(f"{workspace}/experiments/{experiment}"),
        "MLFLOW_EXPERIMENT_NAME": experiment,
        "MLFLOW_TRACKING_URI": tracking,
        "MLFLOW_TRACKING_TOKEN": identity.tracking_token(),
        "MLFLOW_RUN_ID": job.name,
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
