"""What a shell needs to talk to the sandbox, and the recipe for `az` (azure-machine-learning.md, c; azure-cli.md)."""

import json
from collections.abc import Callable, Mapping

from sandbox.identity import CLOUD, Account
from sandbox.running import Running
from sandbox.settings import Settings


def variables(settings: Settings, account: Account, running: Running) -> dict[str, str]:
    """Names and values for unmodified SDKs.

    `adfs` as the tenant is the environment-only way past msal's instance discovery. The polling intervals keep
    `jobs.stream` at one look a second. The names of the Azure DevOps pair are those of its own command line.
    """
    return {
        "ARM_CLOUD_METADATA_URL": f"{settings.base}/metadata/endpoints?api-version=2019-05-01",
        "AZUREML_CURRENT_CLOUD": CLOUD,
        "AZURE_AUTHORITY_HOST": settings.base,
        "AZURE_TENANT_ID": "adfs",
        "AZURE_CLIENT_ID": account.client_id,
        "AZURE_CLIENT_SECRET": account.client_secret,
        "AZURE_SUBSCRIPTION_ID": account.subscription,
        "AZURE_DEVOPS_ORG_URL": f"{settings.base}/{running.organization}",
        "AZURE_DEVOPS_EXT_PAT": running.devops_token,
        "REQUESTS_CA_BUNDLE": str(settings.bundle),
        "SSL_CERT_FILE": str(settings.bundle),
        "GIT_SSL_CAINFO": str(settings.bundle),
        "AZUREML_RUN_POLLING_INTERVAL_MIN": "1",
        "AZUREML_RUN_POLLING_INTERVAL_MAX": "2",
    }


def az_recipe(settings: Settings, account: Account) -> tuple[dict[str, str], list[str]]:
    """Variables and commands that sign the Azure CLI in. It takes the real tenant once discovery is off."""
    environment = {
        "AZURE_CONFIG_DIR": str(settings.state / "azure-cli"),
        "AZURE_CORE_COLLECT_TELEMETRY": "no",
        "AZURE_CORE_INSTANCE_DISCOVERY": "false",
        "REQUESTS_CA_BUNDLE": str(settings.bundle),
    }
    commands = [
        f"az cloud register -n {CLOUD} --endpoint-resource-manager {settings.base}",
        f"az cloud set -n {CLOUD}",
        f"az login --service-principal -u {account.client_id} -p={account.client_secret} --tenant {account.tenant}",
        f"az account set -s {account.subscription}",
    ]
    return environment, commands


def _sh(values: Mapping[str, str]) -> str:
    return "\n".join(f"export {name}='{value}'" for name, value in values.items())


def _powershell(values: Mapping[str, str]) -> str:
    return "\n".join(f"$env:{name} = '{value}'" for name, value in values.items())


def _json(values: Mapping[str, str]) -> str:
    return json.dumps(values, indent=2)


FORMATS: dict[str, Callable[[Mapping[str, str]], str]] = {"sh": _sh, "powershell": _powershell, "json": _json}
