"""Blob Storage through the unmodified azure-storage-blob, over TLS."""

import base64
import hashlib
import os
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests
from azure.core import MatchConditions
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.storage.blob import BlobBlock, BlobClient, BlobPrefix, BlobServiceClient, ContainerClient, ContentSettings

from tests.conftest import Sandbox, bearer

BODY = b"age,bmi\n59,32.1\n"


@pytest.fixture
def account(sandbox: Sandbox, resource_group: str) -> str:
    """A fresh storage account's name."""
    name = f"st{uuid.uuid4().hex[:12]}"
    group = f"{sandbox.base}/subscriptions/{sandbox.subscription}/resourceGroups/{resource_group}"
    url = f"{group}/providers/Microsoft.Storage/storageAccounts/{name}?api-version=2023-05-01"
    body = {"location": "westeurope", "sku": {"name": "Standard_LRS"}, "kind": "StorageV2", "properties": {}}
    requests.put(url, json=body, headers=bearer(sandbox), timeout=30).raise_for_status()
    return name


@pytest.fixture
def service(sandbox: Sandbox, account: str) -> BlobServiceClient:
    return BlobServiceClient(f"{sandbox.base}/{account}.blob.core.windows.net", credential=sandbox.credential)


@pytest.fixture
def container(service: BlobServiceClient) -> ContainerClient:
    return service.create_container("data")


def test_container_lifecycle(service: BlobServiceClient) -> None:
    made = service.create_container("lessons", metadata={"course": "mlops"})
    assert made.exists()
    assert made.get_container_properties().metadata == {"course": "mlops"}
    made.set_container_metadata({"course": "mlops-2"})
    assert [(one.name, one.metadata) for one in service.list_containers(include_metadata=True)] == [
        ("lessons", {"course": "mlops-2"})
    ]
    with pytest.raises(ResourceExistsError) as seen:
        service.create_container("lessons")
    assert seen.value.error_code == "ContainerAlreadyExists"
    service.delete_container("lessons")
    assert not made.exists()
    assert list(service.list_containers()) == []


def test_container_names_are_checked(service: BlobServiceClient) -> None:
    for name in ("ab", "Upper", "a--b", "-ab"):
        with pytest.raises(HttpResponseError) as seen:
            service.create_container(name)
        assert seen.value.status_code == 400
        assert seen.value.error_code == "InvalidResourceName"


def test_unknown_account(sandbox: Sandbox) -> None:
    client = BlobServiceClient(f"{sandbox.base}/nobody0.blob.core.windows.net", credential=sandbox.credential)
    with pytest.raises(ResourceNotFoundError, match="nobody0"):
        client.create_container("data")


def test_account_information(service: BlobServiceClient) -> None:
    assert service.get_account_information()["sku_name"] == "Standard_LRS"


def test_upload_and_download(container: ContainerClient) -> None:
    blob = container.upload_blob(
        "train/diabetes.csv", BODY, metadata={"version": "1"}, content_settings=ContentSettings("text/csv")
    )
    seen = blob.get_blob_properties()
    assert (seen.size, seen.content_settings.content_type, seen.metadata) == (len(BODY), "text/csv", {"version": "1"})
    assert seen.blob_type == "BlockBlob"
    assert seen.content_settings.content_md5 == bytearray(hashlib.md5(BODY).digest())
    assert blob.download_blob().readall() == BODY
    assert blob.download_blob(offset=4, length=3).readall() == BODY[4:7]
    assert blob.download_blob(offset=4, length=3, validate_content=True).readall() == BODY[4:7]


def test_upload_does_not_overwrite_unasked(container: ContainerClient) -> None:
    blob = container.upload_blob("a", b"1")
    with pytest.raises(ResourceExistsError) as seen:
        container.upload_blob("a", b"2")
    assert seen.value.error_code == "BlobAlreadyExists"
    container.upload_blob("a", b"2", overwrite=True)
    assert blob.download_blob().readall() == b"2"


def test_blocks_of_a_large_blob(container: ContainerClient) -> None:
    data = os.urandom(9 * 1024 * 1024 + 17)
    client = container.get_blob_client("model.bin")
    small = ContainerClient(
        client.primary_endpoint.rsplit("/", 2)[0],
        "data",
        credential=container.credential,
        max_single_put_size=1024 * 1024,
        max_block_size=4 * 1024 * 1024,
    )
    blob = small.upload_blob("model.bin", data, max_concurrency=2)
    assert blob.download_blob(max_concurrency=2).readall() == data
    committed, staged = blob.get_block_list("all")
    assert [block.size for block in committed] == [4 * 1024 * 1024, 4 * 1024 * 1024, 1024 * 1024 + 17]
    assert staged == []


def test_block_list_order_and_reuse(container: ContainerClient) -> None:
    blob = container.get_blob_client("parts")
    for name in ("1", "2"):
        blob.stage_block(name, f"part{name};".encode())
    assert not blob.exists()
    assert [block.id for block in blob.get_block_list("uncommitted")[1]] == ["1", "2"]
    blob.commit_block_list([BlobBlock("2"), BlobBlock("1")])
    assert blob.download_blob().readall() == b"part2;part1;"
    blob.stage_block("3", b"part3;")
    blob.commit_block_list([BlobBlock("1"), BlobBlock("3")])
    assert blob.download_blob().readall() == b"part1;part3;"
    with pytest.raises(HttpResponseError) as seen:
        blob.commit_block_list([BlobBlock("9")])
    assert seen.value.error_code == "InvalidBlockList"
    assert blob.download_blob().readall() == b"part1;part3;"


def test_conditions(container: ContainerClient) -> None:
    blob = container.upload_blob("a", b"1")
    first = blob.get_blob_properties().etag
    blob.set_blob_metadata({"k": "v"})
    assert blob.get_blob_properties().etag != first
    stale = {"etag": first, "match_condition": MatchConditions.IfNotModified}
    with pytest.raises(ResourceModifiedError):
        blob.upload_blob(b"2", overwrite=True, **stale)
    with pytest.raises(ResourceModifiedError):
        blob.download_blob(**stale)
    with pytest.raises(ResourceModifiedError):
        blob.delete_blob(**stale)
    current = blob.get_blob_properties().etag
    blob.upload_blob(b"2", overwrite=True, etag=current, match_condition=MatchConditions.IfNotModified)
    with pytest.raises(HttpResponseError) as seen:
        etag = blob.get_blob_properties().etag
        blob.download_blob(etag=etag, match_condition=MatchConditions.IfModified)
    assert seen.value.status_code == 304


def test_empty_blob(sandbox: Sandbox, container: ContainerClient) -> None:
    """The client asks for a range first, meets 416, and asks again."""
    blob = container.upload_blob("empty.log", b"")
    assert blob.download_blob().readall() == b""
    headers = {**_storage_token(sandbox), "x-ms-range": "bytes=0-10"}
    answer = requests.get(blob.url, headers=headers, timeout=30)
    assert (answer.status_code, answer.headers["x-ms-error-code"]) == (416, "InvalidRange")


def test_a_name_with_a_slash_at_its_end_is_another_blob(container: ContainerClient) -> None:
    container.upload_blob("model", b"1")
    assert not container.get_blob_client("model/").exists()
    container.upload_blob("folder/", b"marker")
    assert container.get_blob_client("folder/").download_blob().readall() == b"marker"
    assert not container.get_blob_client("folder").exists()


# `.` and `..` never arrive: clients resolve them before they send. tests/unit/blob has them.
@pytest.mark.parametrize(
    "name", ["a//b", "100%.csv", "a:b\\c", "Größe 模型.txt", "a+b&c=d?#", "%2E", "nul\x01", "x. ", 'q"<>|*']
)
def test_names_survive(container: ContainerClient, name: str) -> None:
    blob = container.upload_blob(name, name.encode())
    assert blob.download_blob().readall() == name.encode()
    assert [one.name for one in container.list_blobs()] == [name]
    blob.delete_blob()
    assert list(container.list_blobs()) == []


def test_names_are_case_sensitive(container: ContainerClient) -> None:
    container.upload_blob("Model", b"1", metadata={"n": "1"})
    container.upload_blob("model", b"2", metadata={"n": "2"})
    assert container.get_blob_client("Model").get_blob_properties().metadata == {"n": "1"}


def test_listing(container: ContainerClient) -> None:
    names = ["top/a-b", "top/a/1", "top/a/2", "top/b/c/d", "top/z", "topping"]
    for name in names:
        container.upload_blob(name, name.encode(), metadata={"of": name})
    assert [one.name for one in container.list_blobs()] == names
    seen = list(container.list_blobs(name_starts_with="top/", include=["metadata"]))
    assert [(one.name, one.size, one.metadata) for one in seen] == [(n, len(n), {"of": n}) for n in names[:-1]]
    pages = container.list_blobs(results_per_page=2).by_page()
    assert [[one.name for one in page] for page in pages] == [names[0:2], names[2:4], names[4:6]]


def test_listing_by_delimiter(container: ContainerClient) -> None:
    for name in ("top/a-b", "top/a/1", "top/a/2", "top/b/c/d", "top/z"):
        container.upload_blob(name, b"")
    rows = [(isinstance(one, BlobPrefix), one.name) for one in container.walk_blobs("top/")]
    # The client shows the prefixes of a page before its blobs.
    assert rows == [(True, "top/a/"), (True, "top/b/"), (False, "top/a-b"), (False, "top/z")]
    pages = container.walk_blobs("top/", results_per_page=1).by_page()
    assert [[one.name for one in page] for page in pages] == [["top/a-b"], ["top/a/"], ["top/b/"], ["top/z"]]


def test_a_blob_and_a_folder_of_one_name(container: ContainerClient) -> None:
    container.upload_blob("model/weights", b"1")
    for name in ("model", "model/weights/x"):
        with pytest.raises(HttpResponseError, match="cannot be a blob and also the folder") as seen:
            container.upload_blob(name, b"2")
        assert seen.value.status_code == 409
    container.delete_blob("model/weights")
    container.upload_blob("model", b"3")


def test_append_blob_grows(container: ContainerClient) -> None:
    blob = container.get_blob_client("build.log")
    blob.create_append_blob(metadata={"Complete": "no"})
    for line in (b"Step 1\n", b"Step 2\n"):
        blob.append_block(line)
    assert blob.download_blob().readall() == b"Step 1\nStep 2\n"
    with pytest.raises(HttpResponseError) as seen:
        blob.append_block(b"x", appendpos_condition=3)
    assert seen.value.error_code == "AppendPositionConditionNotMet"
    assert blob.get_blob_properties().blob_type == "AppendBlob"


def test_copy(container: ContainerClient) -> None:
    source = container.upload_blob("a", BODY, metadata={"of": "a"})
    target = container.get_blob_client("copy/of/a")
    assert target.start_copy_from_url(source.url)["copy_status"] == "success"
    assert target.download_blob().readall() == BODY
    seen = target.get_blob_properties()
    assert (seen.metadata, seen.copy.status) == ({"of": "a"}, "success")
    with pytest.raises(HttpResponseError, match="own storage accounts only"):
        target.start_copy_from_url("https://elsewhere.test/a.blob.core.windows.net/data/a")


def test_properties_are_replaced_together(container: ContainerClient) -> None:
    blob = container.upload_blob("a", b"1", content_settings=ContentSettings("text/csv", content_encoding="gzip"))
    blob.set_http_headers(ContentSettings("text/plain", cache_control="no-store"))
    settings = blob.get_blob_properties().content_settings
    assert (settings.content_type, settings.content_encoding, settings.cache_control) == (
        "text/plain",
        None,
        "no-store",
    )


def test_damaged_upload_is_refused(sandbox: Sandbox, container: ContainerClient) -> None:
    digest = base64.b64encode(hashlib.md5(b"other").digest()).decode()
    headers = {**_storage_token(sandbox), "x-ms-blob-type": "BlockBlob", "content-md5": digest}
    answer = requests.put(container.get_blob_client("a").url, data=b"body", headers=headers, timeout=30)
    assert (answer.status_code, answer.headers["x-ms-error-code"]) == (400, "Md5Mismatch")
    assert not container.get_blob_client("a").exists()


def test_missing_things(service: BlobServiceClient, container: ContainerClient) -> None:
    with pytest.raises(ResourceNotFoundError) as seen:
        container.download_blob("nothing")
    assert seen.value.error_code == "BlobNotFound"
    with pytest.raises(ResourceNotFoundError) as seen:
        service.get_container_client("nowhere").upload_blob("a", b"")
    assert seen.value.error_code == "ContainerNotFound"
    with pytest.raises(ResourceNotFoundError):
        list(service.get_container_client("nowhere").list_blobs())


def test_what_is_not_implemented_says_so(container: ContainerClient) -> None:
    blob = container.upload_blob("a", BODY)
    for call in (blob.create_snapshot, blob.get_blob_tags, lambda: blob.set_standard_blob_tier("Cool")):
        with pytest.raises(HttpResponseError) as seen:
            call()
        assert seen.value.status_code == 501
    assert blob.download_blob().readall() == BODY
    key = base64.b64encode(b"k" * 64).decode()
    with pytest.raises(HttpResponseError, match="SharedKey"):
        BlobClient.from_blob_url(blob.url, credential=key).download_blob(retry_total=0)


# Access


@pytest.fixture
def signature(sandbox: Sandbox, workspace: Any) -> str:
    """The address of a workspace's container with the signature that `datastores/listSecrets` gives."""
    store = workspace.datastores.get("workspaceblobstore", include_secrets=True)
    host = f"https://{store.account_name}.blob.core.windows.net"
    return f"{host}/{store.container_name}?{store.credentials.sas_token}"


def test_signature_opens_its_container_only(signature: str) -> None:
    container = ContainerClient.from_container_url(signature)
    container.upload_blob("LocalUpload/a", BODY)
    assert [one.name for one in container.list_blobs()] == ["LocalUpload/a"]
    assert container.get_blob_client("LocalUpload/a").download_blob().readall() == BODY
    parts = urlsplit(signature)
    other = parts._replace(path=parts.path.rsplit("/", 1)[0] + "/azureml").geturl()
    with pytest.raises(ClientAuthenticationError) as seen:
        list(ContainerClient.from_container_url(other).list_blobs())
    assert seen.value.error_code == "AuthenticationFailed"


@pytest.mark.parametrize(("field", "value"), [("se", "2099-01-01T00:00:00Z"), ("sp", "racwdltmeop"), ("sig", "AAAA")])
def test_changed_signature_is_refused(signature: str, field: str, value: str) -> None:
    parts = urlsplit(signature)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    assert query[field] != value
    changed = parts._replace(query=urlencode({**query, field: value})).geturl()
    with pytest.raises(ClientAuthenticationError) as seen:
        list(ContainerClient.from_container_url(changed).list_blobs())
    assert seen.value.error_code == "AuthenticationFailed"


def test_a_signature_does_not_make_containers(signature: str) -> None:
    with pytest.raises(HttpResponseError) as seen:
        ContainerClient.from_container_url(signature).delete_container()
    assert (seen.value.status_code, seen.value.error_code) == (403, "AuthorizationFailure")


def test_no_credentials_and_wrong_tokens(sandbox: Sandbox, container: ContainerClient) -> None:
    url = container.upload_blob("a", BODY).url
    answer = requests.get(url, timeout=30)
    assert (answer.status_code, answer.headers["x-ms-error-code"]) == (409, "PublicAccessNotPermitted")
    answer = requests.get(url, headers={"authorization": "Bearer nonsense"}, timeout=30)
    assert (answer.status_code, answer.headers["x-ms-error-code"]) == (401, "InvalidAuthenticationInfo")
    answer = requests.get(url, headers=bearer(sandbox), timeout=30)
    assert answer.status_code == 401
    assert "https://storage.azure.com" in answer.text
    answer = requests.get(url, headers=_storage_token(sandbox), timeout=30)
    assert answer.content == BODY


def test_large_download_to_a_file(container: ContainerClient, tmp_path: Path) -> None:
    data = os.urandom(3 * 1024 * 1024)
    container.upload_blob("big", data)
    path = tmp_path / "big"
    with path.open("wb") as file:
        container.download_blob("big").readinto(file)
    assert path.read_bytes() == data


def _storage_token(sandbox: Sandbox) -> dict[str, str]:
    return {"authorization": f"Bearer {sandbox.credential.get_token('https://storage.azure.com/.default').token}"}
