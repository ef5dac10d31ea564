"""Container registries and their builds through azure-mgmt-containerregistry and azure-mgmt-containerregistrytasks."""

import io
import tarfile

import pytest
import requests
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.containerregistry.models import RegistryNameCheckRequest
from azure.mgmt.containerregistrytasks.models import DockerBuildRequest, EncodedTaskRunRequest, PlatformProperties

from tests.conftest import Sandbox, bearer
from tests.sdk.registry_builds import Registry, pack, server_files


@pytest.fixture
def registry(sandbox: Sandbox, resource_group: str) -> Registry:
    return Registry(sandbox, resource_group)


def test_registry_lifecycle(registry: Registry) -> None:
    seen = registry.client.registries.get(registry.group, registry.name)
    assert (seen.login_server, seen.sku.tier, seen.provisioning_state) == (
        f"{registry.name}.azurecr.io",
        "Basic",
        "Succeeded",
    )
    changed = registry.client.registries.begin_update(registry.group, registry.name, {"tags": {"of": "test"}}).result()
    assert (changed.tags, changed.admin_user_enabled) == ({"of": "test"}, True)
    assert [one.name for one in registry.client.registries.list_by_resource_group(registry.group)] == [registry.name]
    assert registry.name in [one.name for one in registry.client.registries.list()]
    registry.client.registries.begin_delete(registry.group, registry.name).result()
    with pytest.raises(ResourceNotFoundError):
        registry.client.registries.get(registry.group, registry.name)


def test_names(registry: Registry) -> None:
    def check(name: str) -> object:
        wanted = RegistryNameCheckRequest(name=name, type="Microsoft.ContainerRegistry/registries")
        found = registry.client.registries.check_name_availability(wanted)
        return (found.name_available, found.reason)

    assert check("unused" + registry.name) == (True, None)
    assert check(registry.name.upper()) == (False, "AlreadyExists")
    assert check("with-dash") == (False, "Invalid")


def test_admin_credentials(registry: Registry) -> None:
    first = registry.client.registries.list_credentials(registry.group, registry.name)
    assert first.username == registry.name
    assert [one.name for one in first.passwords] == ["password", "password2"]
    second = registry.client.registries.regenerate_credential(registry.group, registry.name, {"name": "password"})
    assert second.passwords[0].value != first.passwords[0].value
    assert second.passwords[1].value == first.passwords[1].value


def test_no_credentials_without_admin_user(sandbox: Sandbox, resource_group: str) -> None:
    registry = Registry(sandbox, resource_group, admin=False)
    with pytest.raises(HttpResponseError) as seen:
        registry.client.registries.list_credentials(registry.group, registry.name)
    assert seen.value.error.code == "UnAuthorizedForCredentialOperations"


def test_secrets_are_in_no_answer(sandbox: Sandbox, registry: Registry) -> None:
    found = registry.client.registries.list_credentials(registry.group, registry.name)
    text = requests.get(f"{sandbox.base}{registry.resource.id}?api-version=2023-07-01", headers=bearer(sandbox)).text
    assert registry.name in text
    assert not [one.name for one in found.passwords if one.value in text]


def test_build(registry: Registry) -> None:
    run = registry.wait(registry.schedule(pack(server_files()), "lessons/echo:1", "lessons/echo:latest").run_id)
    assert (run.run_id, run.status, run.run_type) == ("ca1", "Succeeded", "QuickBuild")
    assert run.start_time <= run.finish_time
    images = [(one.registry, one.repository, one.tag) for one in run.output_images]
    assert images == [(registry.server, "lessons/echo", "1"), (registry.server, "lessons/echo", "latest")]
    assert len({one.digest for one in run.output_images}) == 1
    text, metadata = registry.log(run.run_id)
    assert "COPY server.py" in text
    assert f"1: digest: {run.output_images[0].digest}" in text
    assert text.endswith("Run ID: ca1 was successful\r\n")
    assert metadata == {"complete": "successful"}
    usages = registry.client.registries.list_usages(registry.group, registry.name).value
    assert usages[0].current_value > 0


def test_the_same_context_is_the_same_digest(registry: Registry) -> None:
    first = registry.build("echo:1")
    assert registry.build("echo:2") == first
    assert registry.build("echo:3", greeting="other") != first
    changed = {**server_files(), "server.py": "print('other')"}
    assert registry.build("echo:4", files=changed) != first


def test_failed_build(registry: Registry) -> None:
    files = {"Dockerfile": "FROM python:3.12-slim\nCOPY missing.py /app/\n"}
    run = registry.wait(registry.schedule(pack(files), "echo:1").run_id)
    assert run.status == "Failed"
    assert not run.output_images
    assert "Dockerfile:2" in run.run_error_message
    text, metadata = registry.log(run.run_id)
    assert "missing.py" in text
    assert metadata == {"complete": "failed"}


def test_an_archive_cannot_write_outside(registry: Registry) -> None:
    for name in ("../escaped.py", "/escaped.py"):
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as archive:
            archive.addfile(tarfile.TarInfo(name))
            link = tarfile.TarInfo("link")
            link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
            archive.addfile(link)
        run = registry.wait(registry.schedule(packed.getvalue(), "echo:1").run_id)
        assert run.status == "Failed"
        assert "cannot be unpacked" in run.run_error_message


def test_what_is_no_archive_fails(registry: Registry) -> None:
    run = registry.wait(registry.schedule(b"no archive at all", "echo:1").run_id)
    assert (run.status, "cannot be unpacked" in run.run_error_message) == ("Failed", True)


def test_names_with_the_run_and_without_push(registry: Registry) -> None:
    run = registry.wait(registry.schedule(pack(server_files()), "echo:{{.Run.ID}}").run_id)
    assert [one.tag for one in run.output_images] == [run.run_id]
    dry = registry.wait(registry.schedule(pack(server_files()), "echo:dry", is_push_enabled=False).run_id)
    assert (dry.status, dry.output_images) == ("Succeeded", [])
    runs = [one.name for one in registry.tasks.runs.list(registry.group, registry.name)]
    assert runs == [dry.run_id, run.run_id]
    failed = list(registry.tasks.runs.list(registry.group, registry.name, filter="Status eq 'Failed'"))
    assert failed == []


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"source_location": "https://github.com/x/y.git"}, 501, "RemoteSourceNotImplemented"),
        ({"source_location": "source/nothing.tar.gz"}, 400, "SourceLocationNotFound"),
        ({"image_names": ["Upper:1"]}, 400, "InvalidImageName"),
        ({"target": "stage"}, 501, "BuildOptionNotImplemented"),
        ({"platform": PlatformProperties(os="Windows")}, 501, "PlatformNotImplemented"),
    ],
)
def test_refused_requests(registry: Registry, change: dict[str, object], status: int, code: str) -> None:
    fields = {
        "source_location": "source/x.tar.gz",
        "docker_file_path": "Dockerfile",
        "platform": PlatformProperties(os="Linux"),
        "image_names": ["echo:1"],
    }
    with pytest.raises(HttpResponseError) as seen:
        request = DockerBuildRequest(**{**fields, **change})
        registry.tasks.registries.schedule_run(registry.group, registry.name, request, retry_total=0)
    assert (seen.value.status_code, seen.value.error.code) == (status, code)
    assert list(registry.tasks.runs.list(registry.group, registry.name)) == []


def test_other_run_types_are_named(registry: Registry) -> None:
    request = EncodedTaskRunRequest(encoded_task_content="", platform=PlatformProperties(os="Linux"))
    with pytest.raises(HttpResponseError, match="EncodedTaskRunRequest"):
        registry.tasks.registries.schedule_run(registry.group, registry.name, request, retry_total=0)


def test_cancel_after_the_end_changes_nothing(registry: Registry) -> None:
    run = registry.wait(registry.schedule(pack(server_files()), "echo:1").run_id)
    registry.tasks.runs.cancel(registry.group, registry.name, run.run_id)
    assert registry.tasks.runs.get(registry.group, registry.name, run.run_id).status == "Succeeded"
    with pytest.raises(ResourceNotFoundError):
        registry.tasks.runs.cancel(registry.group, registry.name, "ca99")
