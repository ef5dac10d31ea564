"""Container groups through azure-mgmt-containerinstance: real processes on an address of their own."""

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.containerinstance import ContainerInstanceManagementClient
from azure.mgmt.containerinstance import models as aci

from tests.conftest import LOCATION, Sandbox, bearer, start_sandbox, stop_sandbox
from tests.sdk.registry_builds import Registry

PORT = 8080
SECRET = "lesson-secret-value"


class Host:
    """Container Instances in one resource group, with a registry that has the test server's image."""

    def __init__(self, sandbox: Sandbox, resource_group: str) -> None:
        self.group = resource_group
        self.port = int(sandbox.base.rsplit(":", 1)[-1])
        self.registry = Registry(sandbox, resource_group)
        self.digest = self.registry.build("echo:1")
        self.client = ContainerInstanceManagementClient(
            sandbox.credential, sandbox.subscription, **sandbox.management_arguments()
        )

    @property
    def image(self) -> str:
        return f"{self.registry.server}/echo@{self.digest}"

    def credential(self, **change: str) -> aci.ImageRegistryCredential:
        found = self.registry.client.registries.list_credentials(self.group, self.registry.name)
        fields = {"server": self.registry.server, "username": found.username, "password": found.passwords[0].value}
        return aci.ImageRegistryCredential(**{**fields, **change})

    def container(self, name: str = "echo", **change: Any) -> aci.Container:
        fields = {
            "image": self.image,
            "resources": aci.ResourceRequirements(requests=aci.ResourceRequests(cpu=1, memory_in_gb=1)),
            "ports": [aci.ContainerPort(port=PORT)],
            "environment_variables": [
                aci.EnvironmentVariable(name="LESSON_PLAIN", value="seen"),
                aci.EnvironmentVariable(name="LESSON_SECRET", secure_value=SECRET),
            ],
        }
        return aci.Container(name=name, **{**fields, **change})

    def wanted(self, *containers: aci.Container, **change: Any) -> aci.ContainerGroup:
        fields = {
            "location": LOCATION,
            "containers": list(containers or [self.container()]),
            "os_type": "Linux",
            "restart_policy": "Always",
            "ip_address": aci.IpAddress(type="Public", ports=[aci.Port(port=PORT)]),
            "image_registry_credentials": [self.credential()],
        }
        return aci.ContainerGroup(**{**fields, **change})

    def create(self, name: str = "echo", **change: Any) -> aci.ContainerGroup:
        return self.client.container_groups.begin_create_or_update(self.group, name, self.wanted(**change)).result()

    def get(self, name: str = "echo") -> aci.ContainerGroup:
        return self.client.container_groups.get(self.group, name)

    def state(self, name: str = "echo") -> aci.ContainerState:
        return self.get(name).containers[0].instance_view.current_state

    def answer(self, name: str = "echo") -> dict[str, Any]:
        """What the group's server answers; it may still be starting, as on Azure."""
        address = f"http://{self.get(name).ip_address.ip}:{PORT}/"
        return dict(eventually(lambda: requests.get(address, timeout=5).json(), requests.RequestException))


@pytest.fixture
def host(sandbox: Sandbox, resource_group: str) -> Host:
    return Host(sandbox, resource_group)


def eventually(look: Callable[[], Any], *ignored: type[Exception], seconds: float = 30) -> Any:
    """What `look` returns once it is true, looked at every 50 ms."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            found = look()
        except ignored:
            if time.monotonic() > deadline:
                raise
            found = None
        if found:
            return found
        assert time.monotonic() < deadline, f"{look} has not come true within {seconds} seconds"
        time.sleep(0.05)


def unreachable(address: str) -> bool:
    try:
        requests.get(address, timeout=5)
    except requests.ConnectionError:
        return True
    return False


def test_a_group_serves(host: Host) -> None:
    made = host.create(tags={"of": "test"})
    assert (made.provisioning_state, made.tags) == ("Succeeded", {"of": "test"})
    assert made.ip_address.ip.startswith("127.")
    assert [(one.port, one.protocol) for one in made.ip_address.ports] == [(PORT, "TCP")]
    seen = host.answer()
    assert (seen["LESSON_PLAIN"], seen["LESSON_SECRET"], seen["LESSON_GREETING"]) == ("seen", SECRET, "hello")
    group = host.get()
    assert (group.instance_view.state, host.state().state) == ("Running", "Running")
    assert group.containers[0].instance_view.restart_count == 0
    assert "Started" in [one.name for one in group.containers[0].instance_view.events]
    assert host.client.containers.list_logs(host.group, "echo", "echo").content.startswith("listening")


def test_it_listens_on_its_own_address_only(host: Host) -> None:
    address = host.create().ip_address.ip
    host.answer()
    listening = {(one.laddr.ip, one.laddr.port) for one in psutil.net_connections("tcp") if one.status == "LISTEN"}
    assert {ip for ip, port in listening if port == PORT} >= {address}
    assert not {ip for ip, port in listening if port == PORT and not ip.startswith("127.")}


def test_two_groups_of_one_port(host: Host) -> None:
    first, second = host.create("first"), host.create("second")
    assert first.ip_address.ip != second.ip_address.ip
    assert host.answer("first")["LESSON_PLAIN"] == host.answer("second")["LESSON_PLAIN"] == "seen"
    assert sorted(one.name for one in host.client.container_groups.list_by_resource_group(host.group)) == [
        "first",
        "second",
    ]


def test_secrets_are_never_returned(sandbox: Sandbox, host: Host) -> None:
    made = host.create()
    shown = {one.name: one for one in made.containers[0].environment_variables}
    assert (shown["LESSON_PLAIN"].value, shown["LESSON_SECRET"].value) == ("seen", None)
    text = requests.get(f"{sandbox.base}{made.id}?api-version=2023-05-01", headers=bearer(sandbox), timeout=30).text
    assert "LESSON_SECRET" in text
    assert SECRET not in text
    assert host.credential().password not in text


def test_a_label_leads_to_the_address_itself(host: Host) -> None:
    address = aci.IpAddress(type="Public", ports=[aci.Port(port=PORT)], dns_name_label="lesson")
    made = host.create(ip_address=address)
    assert made.ip_address.fqdn == made.ip_address.ip


@pytest.mark.parametrize(
    "change", [{"password": "wrong"}, {"username": "nobody"}, {"server": "other.azurecr.io"}, None], ids=str
)
def test_an_image_that_the_credentials_do_not_open(host: Host, change: dict[str, str] | None) -> None:
    credentials = None if change is None else [host.credential(**change)]
    with pytest.raises(HttpResponseError) as seen:
        host.create(image_registry_credentials=credentials)
    assert (seen.value.status_code, seen.value.error.code) == (400, "InaccessibleImage")
    with pytest.raises(ResourceNotFoundError):
        host.get()


def test_an_image_that_is_not_there(host: Host) -> None:
    for image in (f"{host.registry.server}/echo:none", f"{host.registry.server}/echo@sha256:{'0' * 64}"):
        with pytest.raises(HttpResponseError) as seen:
            host.create(containers=[host.container(image=image)])
        assert seen.value.error.code == "InaccessibleImage"
    with pytest.raises(HttpResponseError, match="built in its own registries"):
        host.create(containers=[host.container(image="mcr.microsoft.com/azuredocs/aci-helloworld")])


def test_a_failed_update_leaves_the_group_as_it_was(host: Host) -> None:
    host.create()
    host.answer()
    with pytest.raises(HttpResponseError):
        host.create(image_registry_credentials=None)
    assert host.answer()["LESSON_PLAIN"] == "seen"


def test_an_update_replaces_the_process_and_keeps_the_address(host: Host) -> None:
    before = host.create().ip_address.ip
    host.answer()
    digest = host.registry.build("echo:2", greeting="changed")
    after = host.create(containers=[host.container(image=f"{host.registry.server}/echo@{digest}")])
    assert after.ip_address.ip == before
    assert eventually(lambda: host.answer().get("LESSON_GREETING") == "changed", requests.RequestException)


def test_a_crash_is_restarted_and_counted(host: Host) -> None:
    address = f"http://{host.create().ip_address.ip}:{PORT}"
    host.answer()
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{address}/die", timeout=5)
    view = eventually(lambda: _restarted(host))
    assert (view.previous_state.state, view.previous_state.exit_code) == ("Terminated", 3)
    assert host.answer()["LESSON_PLAIN"] == "seen"


def _restarted(host: Host) -> Any:
    view = host.get().containers[0].instance_view
    return view if view.restart_count == 1 and view.current_state.state == "Running" else None


def test_back_off_is_shown(host: Host) -> None:
    host.create(containers=[host.container(command=["python", "-c", "print('broken'); raise SystemExit(7)"])])
    state = eventually(lambda: host.state() if host.state().state == "Waiting" else None)
    assert "CrashLoopBackOff" in state.detail_status
    assert host.get().containers[0].instance_view.previous_state.exit_code == 7
    assert "broken" in host.client.containers.list_logs(host.group, "echo", "echo").content


@pytest.mark.parametrize(
    ("policy", "code", "group_state"),
    [("Never", 3, "Failed"), ("Never", 0, "Succeeded"), ("OnFailure", 0, "Succeeded")],
)
def test_a_container_that_ends(host: Host, policy: str, code: int, group_state: str) -> None:
    command = ["python", "-c", f"raise SystemExit({code})"]
    host.create(containers=[host.container(command=command)], restart_policy=policy)
    assert eventually(lambda: host.get().instance_view.state == group_state)
    state = host.state()
    assert (state.state, state.exit_code) == ("Terminated", code)


def test_a_program_that_is_not_in_the_image(host: Host) -> None:
    with pytest.raises(HttpResponseError, match='exec: "node": executable file not found'):
        host.create(containers=[host.container(command=["node", "server.js"])], restart_policy="Never")
    assert host.get().provisioning_state == "Failed"


def test_stop_start_and_restart(host: Host) -> None:
    address = f"http://{host.create().ip_address.ip}:{PORT}"
    host.answer()
    host.client.container_groups.stop(host.group, "echo")
    assert unreachable(address)
    assert (host.get().instance_view.state, host.state().state) == ("Stopped", "Terminated")
    host.client.container_groups.begin_start(host.group, "echo").result()
    assert host.answer()["LESSON_SECRET"] == SECRET
    host.client.container_groups.begin_restart(host.group, "echo").result()
    assert host.answer()["LESSON_SECRET"] == SECRET


def test_start_pulls_with_the_stored_password(host: Host) -> None:
    host.create()
    host.client.container_groups.stop(host.group, "echo")
    host.registry.client.registries.regenerate_credential(host.group, host.registry.name, {"name": "password"})
    with pytest.raises(HttpResponseError) as seen:
        host.client.container_groups.begin_start(host.group, "echo").result()
    assert seen.value.error.code == "InaccessibleImage"


def test_delete_ends_the_process(host: Host) -> None:
    address = f"http://{host.create().ip_address.ip}:{PORT}"
    host.answer()
    host.client.container_groups.begin_delete(host.group, "echo").result()
    assert unreachable(address)
    with pytest.raises(ResourceNotFoundError):
        host.get()


def test_the_resource_group_takes_its_processes_along(sandbox: Sandbox, host: Host) -> None:
    address = f"http://{host.create().ip_address.ip}:{PORT}"
    host.answer()
    url = f"{sandbox.base}/subscriptions/{sandbox.subscription}/resourceGroups/{host.group}?api-version=2024-11-01"
    assert requests.delete(url, headers=bearer(sandbox), timeout=60).status_code == 202
    assert unreachable(address)


def test_logs_tail(host: Host) -> None:
    command = ["python", "-c", "for number in range(50): print('line', number)"]
    host.create(containers=[host.container(command=command)], restart_policy="Never")
    eventually(lambda: host.state().state == "Terminated")
    logs = host.client.containers.list_logs
    assert logs(host.group, "echo", "echo", tail=2).content == "line 48\nline 49\n"
    assert len(logs(host.group, "echo", "echo").content.splitlines()) == 50
    with pytest.raises(ResourceNotFoundError):
        logs(host.group, "echo", "other")


def test_tags_are_patched(host: Host) -> None:
    host.create(tags={"a": "1"})
    assert host.client.container_groups.update(host.group, "echo", aci.Resource(tags={"b": "2"})).tags == {"b": "2"}
    assert host.answer()["LESSON_PLAIN"] == "seen"


def test_what_is_not_implemented_says_so(host: Host) -> None:
    volumes = [aci.Volume(name="v", empty_dir={})]
    with pytest.raises(HttpResponseError, match="volumes") as seen:
        host.client.container_groups.begin_create_or_update(
            host.group, "echo", host.wanted(volumes=volumes), retry_total=0
        )
    assert seen.value.status_code == 501
    host.create()
    with pytest.raises(HttpResponseError, match="terminal") as seen:
        request = aci.ContainerExecRequest(command="/bin/sh")
        host.client.containers.execute_command(host.group, "echo", "echo", request, retry_total=0)
    assert seen.value.status_code == 501


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"ip_address": aci.IpAddress(type="Public", ports=[aci.Port(port=9)])}, "MissingContainerPorts"),
        ({"containers": []}, "InvalidContainers"),
        ({"restart_policy": "Sometimes"}, "InvalidRequestContent"),
    ],
    ids=("no container ports", "no containers", "unknown restart policy"),
)
def test_bad_requests(host: Host, change: dict[str, Any], code: str) -> None:
    with pytest.raises(HttpResponseError) as seen:
        host.create(**change)
    assert (seen.value.status_code, seen.value.error.code) == (400, code)


@pytest.fixture
def own_host(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, Host]]:
    """A host on a sandbox of the test's own, which it may stop and kill, and that sandbox's state folder."""
    state = tmp_path_factory.mktemp("own") / "state"
    sandbox = start_sandbox(state)
    for name, value in sandbox.environment.items():
        monkeypatch.setenv(name, value)
    try:
        url = f"{sandbox.base}/subscriptions/{sandbox.subscription}/resourceGroups/lessons?api-version=2024-11-01"
        requests.put(url, json={"location": LOCATION}, headers=bearer(sandbox), timeout=30).raise_for_status()
        yield state, Host(sandbox, "lessons")
    finally:
        stop_sandbox(state)


def start_again(state: Path, host: Host) -> None:
    start_sandbox(state, port=host.port)


def test_groups_come_back_with_the_server(own_host: tuple[Path, Host]) -> None:
    """Stopped and started again: what ran runs, what was stopped stays stopped, what had ended is not run again."""
    state, host = own_host
    host.create("runs")
    host.create("stopped")
    host.client.container_groups.stop("lessons", "stopped")
    ends = host.container(command=["python", "-c", "print('once')"])
    host.create("ended", containers=[ends], restart_policy="Never")
    eventually(lambda: host.get("ended").instance_view.state == "Succeeded")
    address = host.get("runs").ip_address.ip
    host.answer("runs")
    stop_sandbox(state)
    assert unreachable(f"http://{address}:{PORT}")
    start_again(state, host)
    assert host.answer("runs")["LESSON_SECRET"] == SECRET
    assert host.get("stopped").instance_view.state == "Stopped"
    assert (host.get("ended").instance_view.state, host.state("ended").exit_code) == ("Succeeded", 0)
    assert host.client.containers.list_logs("lessons", "ended", "echo").content == "once\n"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_killed_server_leaves_no_second_process(own_host: tuple[Path, Host]) -> None:
    state, host = own_host
    address = f"http://{host.create().ip_address.ip}:{PORT}"
    before = host.answer()["LESSON_PID"]
    os.kill(json.loads((state / "server.json").read_text())["pid"], signal.SIGKILL)
    start_again(state, host)
    after = eventually(lambda: _other_process(address, before), requests.RequestException)
    assert after["LESSON_SECRET"] == SECRET
    assert not _runs(int(before))
    assert host.get().provisioning_state == "Succeeded"


def _other_process(address: str, before: str) -> Any:
    seen = requests.get(address, timeout=5).json()
    return seen if seen["LESSON_PID"] != before else None


def _runs(pid: int) -> bool:
    """A zombie runs nothing: an orphan stays one for as long as the machine's init does not reap it."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_deleted_while_it_starts(host: Host) -> None:
    """What was started for a group that has gone meanwhile ends all the same."""
    for turn in range(5):
        name = f"hasty{turn}"
        making = host.client.container_groups.begin_create_or_update(host.group, name, host.wanted())
        address = f"http://{host.get(name).ip_address.ip}:{PORT}"
        host.client.container_groups.begin_delete(host.group, name).result()
        with suppress(HttpResponseError):
            making.result()  # the operation ends; the group it is about is not there any more
        eventually(lambda address=address: not _servers(address))


def test_many_restarts_leave_one_process(host: Host) -> None:
    address = f"http://{host.create().ip_address.ip}:{PORT}"
    host.answer()
    with ThreadPoolExecutor(4) as pool:
        turns = [
            pool.submit(lambda: host.client.container_groups.begin_restart(host.group, "echo").result())
            for _ in range(6)
        ]
        assert [turn.result() for turn in turns] == [None] * 6
    pid = int(host.answer()["LESSON_PID"])
    assert _servers(address) == [pid]


def _servers(address: str) -> list[int]:
    """The processes that were started for this address."""
    seen = psutil.process_iter(["pid", "environ"])
    hosts = {one.pid: (one.info["environ"] or {}).get("SANDBOX_LOOPBACK_HOST") for one in seen}
    return [pid for pid, found in hosts.items() if f"http://{found}:{PORT}" == address]
