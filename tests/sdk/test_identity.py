"""azure-identity, unmodified, against the token service."""

import os
import subprocess
import sys

import pytest
import requests

from tests.conftest import Sandbox, bearer


def test_default_credential_gets_a_token_with_the_audience_asked_for(sandbox: Sandbox) -> None:
    import jwt

    token = sandbox.credential.get_token(f"{sandbox.base}/.default").token
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["aud"] == sandbox.base
    assert claims["appid"] == sandbox.environment["AZURE_CLIENT_ID"]


def test_wrong_secret_is_refused_in_the_services_words(sandbox: Sandbox) -> None:
    from azure.core.exceptions import ClientAuthenticationError
    from azure.identity import ClientSecretCredential

    credential = ClientSecretCredential("adfs", sandbox.environment["AZURE_CLIENT_ID"], "wrong")
    with pytest.raises(ClientAuthenticationError, match="AADSTS7000215"):
        credential.get_token(f"{sandbox.base}/.default")


def test_tenant_guid_works_where_instance_discovery_is_off(sandbox: Sandbox) -> None:
    from azure.identity import ClientSecretCredential

    tenants = requests.get(f"{sandbox.base}/tenants?api-version=2022-12-01", headers=bearer(sandbox), timeout=10)
    credential = ClientSecretCredential(
        tenants.json()["value"][0]["tenantId"],
        sandbox.environment["AZURE_CLIENT_ID"],
        sandbox.environment["AZURE_CLIENT_SECRET"],
        authority=sandbox.base,
        disable_instance_discovery=True,
    )
    assert credential.get_token(f"{sandbox.base}/.default").token


def test_managed_identity_serves_code_inside_jobs(sandbox: Sandbox) -> None:
    """A child process with nothing but the managed-identity variables gets a token."""
    import sqlite3

    row = sqlite3.connect(sandbox.state / "sandbox.db").execute(
        "SELECT json_extract(body, '$.managed_secret') FROM documents WHERE kind = 'identity'"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AZURE_", "AZUREML_"))}
    environment |= {"IDENTITY_ENDPOINT": f"{sandbox.base}/identity/token", "IDENTITY_HEADER": row.fetchone()[0]}
    program = (
        "from azure.identity import DefaultAzureCredential;"
        f"print(DefaultAzureCredential().get_token('{sandbox.base}/.default').token.count('.'))"
    )
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "2", done.stderr


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ({}, "AuthenticationFailed"),
        ({"authorization": "Bearer not.a.token"}, "InvalidAuthenticationToken"),
        ({"authorization": "Basic dXNlcjpzZWNyZXQ="}, "AuthenticationFailed"),
    ],
)
def test_arm_refuses_calls_without_a_good_token(sandbox: Sandbox, header: dict[str, str], code: str) -> None:
    answer = requests.get(f"{sandbox.base}/subscriptions?api-version=2022-12-01", headers=header, timeout=10)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == code
    assert "Bearer" in answer.headers["www-authenticate"]
