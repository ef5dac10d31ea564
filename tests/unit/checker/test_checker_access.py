"""What a refusal of Azure turns into: a remedy for whoever runs the checker, never a finding about the work."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from checker_wire import Answer, Wire, make_settings

from checker.clients.arm import ArmClient
from checker.clients.cloud import Cloud, get_cloud
from checker.clients.http import HttpClient
from checker.clients.identity import Tokens
from checker.context import CheckContext, open_context
from checker.errors import AddressRefused, Forbidden, NotSignedIn, ServiceFault, Throttled, TokenRefused
from checker.masking import MASK, Secrets

TOKEN = "a-token-that-nobody-may-see"


class GivenTokens(Tokens):
    """Hands out one token without asking anybody."""

    def get(self, scope: str) -> str:
        return self._secrets.add(TOKEN)


@pytest.fixture
def arm(wire: Wire) -> ArmClient:
    secrets = Secrets()
    cloud = Cloud("Test", wire.base, "core.windows.net", wire.base)
    http = HttpClient(secrets, sleep=[].append)
    return ArmClient(cloud, http, GivenTokens(cloud, secrets, client_secret=True), "S", "rg-x")


def error(status: int, code: str = "Code", message: str = "A sentence.", **headers: str) -> Answer:
    return Answer(status, json.dumps({"error": {"code": code, "message": message}}).encode(), headers)


def test_404_reads_as_none(wire: Wire, arm: ArmClient) -> None:
    wire.queue(error(404, "ResourceNotFound"))
    assert arm.get(arm.url(arm.group, "v")) is None


def test_401_says_that_the_token_was_refused(wire: Wire, arm: ArmClient) -> None:
    wire.queue(error(401, "ExpiredAuthenticationToken", "The access token expiry UTC time is earlier than now."))
    with pytest.raises(TokenRefused) as caught:
        arm.get(arm.url(arm.group, "v"))
    assert "ExpiredAuthenticationToken" in caught.value.seen
    assert caught.value.commands


def test_403_names_role_and_scope(wire: Wire, arm: ArmClient) -> None:
    wire.queue(error(403, "AuthorizationFailed"))
    with pytest.raises(Forbidden) as caught:
        arm.post(arm.url(arm.group + "/x/listKeys", "v"), None, "AzureML Data Scientist")
    assert "AzureML Data Scientist" in caught.value.expected
    assert arm.group in caught.value.commands[0]


def test_429_says_when_to_ask_again(wire: Wire, arm: ArmClient) -> None:
    wire.queue(error(429, **{"Retry-After": "3600"}))
    with pytest.raises(Throttled) as caught:
        arm.get(arm.url(arm.group, "v"))
    assert "3600" in caught.value.seen


def test_500_is_a_service_fault_after_retries(wire: Wire, arm: ArmClient) -> None:
    wire.queue(*[error(500)] * 9)
    with pytest.raises(ServiceFault):
        arm.get(arm.url(arm.group, "v"))
    assert len(wire.asked) > 1


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/subscriptions",
        "http://127.0.0.1/subscriptions",
        "https://management.azure.com.evil.example/",
        "https://x.azureml.ms.evil.example/",
        "https://westeurope.api.azureml.ms/mlflow",
    ],
)
def test_no_token_leaves_the_cloud(wire: Wire, arm: ArmClient, url: str) -> None:
    with pytest.raises(AddressRefused):
        arm.get(url)
    assert wire.asked == []


def test_public_azure_sends_tokens_to_its_machine_learning_hosts_only() -> None:
    cloud = Cloud("AzureCloud", "https://management.azure.com", "core.windows.net")
    assert cloud.takes_token("https://management.azure.com/subscriptions")
    assert cloud.takes_token("https://westeurope.api.azureml.ms/mlflow/v2.0")
    assert not cloud.takes_token("https://westeurope.inference.ml.azure.com/score")
    assert not cloud.takes_token("http://management.azure.com/subscriptions")


def test_next_page_on_another_host_is_not_followed(wire: Wire, arm: ArmClient) -> None:
    wire.queue(Answer(200, json.dumps({"value": [{"name": "a"}], "nextLink": "https://evil.example/"}).encode()))
    with pytest.raises(AddressRefused):
        arm.names("/x", "v")


def test_pages_are_joined(wire: Wire, arm: ArmClient) -> None:
    following = json.dumps({"value": [{"name": "a"}], "nextLink": f"{wire.base}/next"}).encode()
    wire.queue(Answer(200, following), Answer(200, b'{"value": [{"name": "b"}]}'))
    assert arm.names("/x", "v") == ["a", "b"]


def test_a_fact_is_fetched_once_and_so_is_its_failure(wire: Wire, arm: ArmClient) -> None:
    settings = make_settings()
    tokens = GivenTokens(arm.cloud, arm.http.secrets, client_secret=True)
    context = CheckContext(settings, arm.cloud, arm.http, tokens, seed=1)
    wire.queue(error(403), error(403))
    for _ in range(3):
        with pytest.raises(Forbidden):
            context.workspace()
    assert len(wire.asked) == 1


def test_a_fact_asked_for_from_many_threads_is_fetched_once(arm: ArmClient) -> None:
    tokens = GivenTokens(arm.cloud, arm.http.secrets, client_secret=True)
    context = CheckContext(make_settings(), arm.cloud, arm.http, tokens, seed=1)
    fetched: list[int] = []
    everyone = threading.Barrier(8, timeout=20)

    def fetch() -> int:
        fetched.append(1)
        return 7

    def ask(number: int) -> int:
        everyone.wait()
        return context.once("fact", fetch)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(8))) == [7] * 8
    assert len(fetched) == 1


def test_one_token_serves_a_whole_run(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    """azure-identity itself: its discovery and its token request, once."""
    for name, value in {"CLIENT_ID": "c", "CLIENT_SECRET": "s-e-c-r-e-t", "TENANT_ID": "adfs"}.items():
        monkeypatch.setenv(f"AZURE_{name}", value)
    monkeypatch.setenv("AZURE_AUTHORITY_HOST", wire.base)
    endpoints = {
        "token_endpoint": f"{wire.base}/adfs/token",
        "authorization_endpoint": f"{wire.base}/adfs/authorize",
        "issuer": f"{wire.base}/adfs",
    }
    token = {"token_type": "Bearer", "expires_in": 3599, "access_token": "a.secret.token"}
    wire.queue(*(Answer(200, json.dumps(document).encode()) for document in (endpoints, token)))
    secrets = Secrets()
    tokens = Tokens(Cloud("Test", wire.base, "x", wire.base), secrets, client_secret=True)
    scope = f"{wire.base}/.default"
    assert {tokens.get(scope) for _ in range(3)} == {"a.secret.token"}
    assert len(wire.asked) == 2
    assert secrets.mask("a.secret.token") == MASK


def test_metadata_names_the_cloud(wire: Wire) -> None:
    document = {"name": "Sandbox", "resourceManager": f"{wire.base}/", "suffixes": {"storage": "blob.test"}}
    wire.queue(Answer(200, json.dumps([document]).encode()))
    cloud = get_cloud(HttpClient(Secrets()), f"{wire.base}/metadata/endpoints")
    assert (cloud.resource_manager, cloud.storage_suffix, cloud.scope) == (
        wire.base,
        "blob.test",
        f"{wire.base}/.default",
    )
    assert cloud.is_loopback


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"resourceManager": "https://evil.example/"}', b"null"])
def test_metadata_of_another_host_is_refused(wire: Wire, body: bytes) -> None:
    wire.queue(Answer(200, body))
    with pytest.raises(ServiceFault) as caught:
        get_cloud(HttpClient(Secrets()), f"{wire.base}/metadata/endpoints")
    assert "sandbox status" in caught.value.commands


def test_client_secret_that_is_refused_is_not_signed_in(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    """azure-identity itself, against a token endpoint that says no."""
    for name, value in {"CLIENT_ID": "c", "CLIENT_SECRET": "s-e-c-r-e-t", "TENANT_ID": "adfs"}.items():
        monkeypatch.setenv(f"AZURE_{name}", value)
    monkeypatch.setenv("AZURE_AUTHORITY_HOST", wire.base)
    endpoints = {
        "token_endpoint": f"{wire.base}/adfs/token",
        "authorization_endpoint": f"{wire.base}/adfs/authorize",
        "issuer": f"{wire.base}/adfs",
    }
    refusal = {"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret provided."}
    wire.queue(Answer(200, json.dumps(endpoints).encode()), Answer(401, json.dumps(refusal).encode()))
    tokens = Tokens(Cloud("Test", wire.base, "x", wire.base), Secrets(), client_secret=True)
    with pytest.raises(NotSignedIn) as caught:
        tokens.get(f"{wire.base}/.default")
    assert "AADSTS7000215" in caught.value.seen


def test_secrets_of_the_settings_are_masked(wire: Wire) -> None:
    wire.queue(Answer(200, json.dumps({"name": "S", "resourceManager": wire.base}).encode()))
    secrets = Secrets()
    settings = replace(make_settings(), metadata_url=f"{wire.base}/m", staging_key="the-staging-key")
    open_context(settings, HttpClient(secrets), seed=1)
    assert secrets.mask("key: the-staging-key.") == f"key: {MASK}."


def test_longer_secret_is_masked_before_the_one_it_contains() -> None:
    secrets = Secrets()
    secrets.add("abcdef")
    secrets.add("abcdefghij")
    assert secrets.mask("abcdefghij abcdef abc") == f"{MASK} {MASK} abc"
