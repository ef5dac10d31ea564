"""Microsoft.ContainerInstance/containerGroups: each container is a real process tree on the group's own address.

Secrets (secure values, registry passwords) and what the group is meant to do lie in a document of their own, which no
answer shows. Operations and answers are those of azure-mgmt-containerinstance 10.1 (packages-and-classic-track.md, 4).
"""

import logging
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from sandbox.clock import Clock
from sandbox.compute.folders import remove_folder
from sandbox.compute.images import Image
from sandbox.compute.processes import Processes
from sandbox.compute.runtime import Runtime
from sandbox.containers.addresses import free_address, usable_address
from sandbox.containers.context import GROUP, SUBSCRIPTION, check_name, collection_id, location_of, resource_id
from sandbox.containers.group_requests import CONTAINER_NAME, Credential, GroupRequest, parse_group
from sandbox.containers.group_views import newest, show_group
from sandbox.containers.instances import ContainerSpec, Place
from sandbox.containers.running import RunningGroups
from sandbox.containers.workers import Workers
from sandbox.errors import ApiError, BadRequest, Conflict, NotFound, NotImplementedHere
from sandbox.ids import Ids
from sandbox.store import Document, Store, Transaction, begin_operation, finish_operation
from sandbox.store.resources import require, require_group
from sandbox.wire import Call, Operation, Reply
from sandbox.wire.lro import in_progress, status_url
from sandbox.wire.paging import page

NAMESPACE = "Microsoft.ContainerInstance"
PROVIDER = f"{NAMESPACE}/containerGroups"
KIND = PROVIDER.lower()
RUNTIME = "container-group-runtime"
NAME_RULE = "a container group's name has a-z, 0-9 and dashes, at most 63 characters"


Listed = list[dict[str, Any]]
Wanted = list[tuple[ContainerSpec, Place]]


class ImageStore(Protocol):
    """The registries, as a container host sees them."""

    def resolve(self, reference: str) -> Image | None: ...
    def registry_of(self, reference: str) -> str | None: ...
    def credentials_match(self, registry: str, username: str, password: str) -> bool: ...


class Groups:
    """The container groups of the subscription."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        ids: Ids,
        images: ImageStore,
        processes: Processes,
        runtime: Runtime | None,
        folder: Path,
    ) -> None:
        self._store = store
        self._ids = ids
        self._images = images
        self._runtime = runtime
        self._folder = folder
        self._workers = Workers()
        self._running = RunningGroups(processes, clock, ids, self._workers, self._ended)
        self._left = [one.parent for one in store.list(RUNTIME) if one.body["wanted"] == "Running"]

    def operations(self) -> list[Operation]:
        many = GROUP + "/providers/" + PROVIDER
        one = many + "/{name}"
        container = one + "/containers/{container}"
        rows: list[tuple[str, str, str, Callable[[Call], Reply]]] = [
            ("container_groups_list", "GET", SUBSCRIPTION + "/providers/" + PROVIDER, self.list_all),
            ("container_groups_list_by_resource_group", "GET", many, self.list),
            ("container_groups_create_or_update", "PUT", one, self.put),
            ("container_groups_get", "GET", one, self.get),
            ("container_groups_update", "PATCH", one, self.patch),
            ("container_groups_delete", "DELETE", one, self.delete),
            ("container_groups_start", "POST", one + "/start", self.start),
            ("container_groups_stop", "POST", one + "/stop", self.stop),
            ("container_groups_restart", "POST", one + "/restart", self.restart),
            ("containers_list_logs", "GET", container + "/logs", self.list_logs),
            ("containers_execute_command", "POST", container + "/exec", self.refuse_command),
            ("containers_attach", "POST", container + "/attach", self.refuse_command),
        ]
        return [Operation(*row) for row in rows]

    def recover(self) -> None:
        """Start the groups again that ran when the server ended. Call it after the children left behind were ended."""
        for key in self._left:
            group = self._store.get(KIND, key)
            if group:
                self._workers.start(f"group {group.name}", partial(self._provision, group.id, ""))

    def before_delete(self, resource_group: str) -> None:
        """Stop every group of the resource group, and remove its logs."""
        with self._store.read() as view:
            going = [one for one in view.beneath(resource_group) if one.kind == KIND]
        for group in going:
            self._running.stop(group.id)
            remove_folder(self._folder_of(group.id))

    def close(self) -> None:
        """Stop all processes; the next server starts them again."""
        self._workers.stopping.set()
        self._running.close()
        self._workers.close()

    # The resource

    def put(self, call: Call) -> Reply:
        """201 or 200; the operation ends when the processes run. An image that cannot be had is refused at once."""
        name, body = call.params["name"], call.json()
        check_name(name, CONTAINER_NAME, NAME_RULE)
        request = parse_group(body)
        self._pull(name, request.properties["containers"], request.credentials)
        operation = self._ids.guid()
        with self._store.write() as change:
            location = location_of(change, call, body)
            found = change.get(KIND, resource_id(call, PROVIDER, name))
            if found and found.body["properties"]["provisioningState"] == "Creating":
                raise _transitioning(name)
            fields = {"location": location, "tags": body.get("tags") or {}, "zones": body.get("zones") or []}
            fields["properties"] = {**request.properties, "provisioningState": "Creating"}
            group = change.put(KIND, resource_id(call, PROVIDER, name), fields, collection_id(call, PROVIDER))
            self._put_runtime(change, group, request)
            begin_operation(self._store, operation, group.id)
        self._workers.start(f"group {name}", partial(self._provision, group.id, operation))
        return Reply.json(self._shown(group), 200 if found else 201, self._progress(call, group, operation))

    def _put_runtime(self, change: Transaction, group: Document, request: GroupRequest) -> None:
        """The secrets, the address and what the group is meant to do. An update keeps the address."""
        found = change.get(RUNTIME, f"{group.id}/runtime")
        taken = {one.body["address"] for one in change.list(RUNTIME)}
        ports = {port["port"] for one in request.properties["containers"] for port in one["properties"]["ports"]}
        body: dict[str, Any] = {
            "address": found.body["address"] if found else free_address(group.id, taken, ports),
            "folder": found.body["folder"] if found else self._ids.guid(),
            "environments": request.environments,
            "credentials": [asdict(one) for one in request.credentials],
            "wanted": "Running",
            "views": {},
        }
        change.put(RUNTIME, f"{group.id}/runtime", {**body, "host": usable_address(body["address"])}, group.id)

    def get(self, call: Call) -> Reply:
        return Reply.json(self._shown(self._require(call)))

    def patch(self, call: Call) -> Reply:
        """Tags, as on the service."""
        with self._store.write() as change:
            found = require(change, KIND, resource_id(call, PROVIDER, call.params["name"]))
            body = {**found.body, "tags": call.json().get("tags") or {}}
            group = change.put(KIND, found.id, body, found.parent)
        return Reply.json(self._shown(group))

    def delete(self, call: Call) -> Reply:
        """Answers with the group that is gone, as the service does."""
        require_group(self._store, call.params)
        group = self._store.get(KIND, resource_id(call, PROVIDER, call.params["name"]))
        if group is None:
            return Reply(204)
        shown = self._shown(group)
        self._running.stop(group.id)
        remove_folder(self._folder_of(group.id))
        with self._store.write() as change:
            change.delete_beneath(group.id)
            change.delete(KIND, group.id)
        return Reply.json(shown)

    def list(self, call: Call) -> Reply:
        require_group(self._store, call.params)
        found = self._store.list(KIND, collection_id(call, PROVIDER))
        return page(call, [self._shown(one) for one in found])

    def list_all(self, call: Call) -> Reply:
        return page(call, [self._shown(one) for one in self._store.list(KIND)])

    def _require(self, call: Call) -> Document:
        require_group(self._store, call.params)
        return require(self._store, KIND, resource_id(call, PROVIDER, call.params["name"]))

    def _progress(self, call: Call, group: Document, operation: str) -> dict[str, str]:
        subscription, location = call.params["subscription"], group.body["location"]
        return dict(in_progress(status_url(call.base, subscription, NAMESPACE, location, operation)))

    # What is seen

    def _shown(self, group: Document) -> dict[str, Any]:
        """The group with its address and what its containers do now."""
        return show_group(group, PROVIDER, self._runtime_of(group.id), self._running.views(group.id))

    def list_logs(self, call: Call) -> Reply:
        """The newest lines; `tail` says how many."""
        group, name = self._require(call), call.params["container"]
        if name not in {one["name"] for one in group.body["properties"]["containers"]}:
            raise NotFound("ContainerNotFound", f"The container '{name}' is not in container group '{group.name}'.")
        if call.option("timestamps").lower() == "true":
            raise NotImplementedHere("LogTimestampsNotImplemented", "The sandbox keeps no time for each line of a log.")
        text = newest(self._folder_of(group.id) / f"{name}.log")
        tail = call.option("tail")
        if tail and not tail.isdigit():
            raise BadRequest("InvalidLogTail", f"'tail' is a number of lines; this is '{tail}'.")
        lines = text.splitlines(keepends=True)
        return Reply.json({"content": "".join(lines[-int(tail) :] if tail and int(tail) else lines)})

    def refuse_command(self, call: Call) -> Reply:
        raise NotImplementedHere(
            "ContainerExecNotImplemented",
            f"The sandbox does not implement {call.operation}: it opens no terminal in a container.",
        )

    # Starting and stopping

    def start(self, call: Call) -> Reply:
        group = self._require(call)
        if self._wanted(group.id) == "Running":
            return Reply(204)
        self._pull_stored(group)
        operation = self._ids.guid()
        self._set_wanted(group.id, "Running")
        begin_operation(self._store, operation, group.id)
        self._workers.start(f"group {group.name}", partial(self._provision, group.id, operation))
        return Reply(202, headers=self._progress(call, group, operation))

    def stop(self, call: Call) -> Reply:
        group = self._require_settled(call)
        self._set_wanted(group.id, "Stopped")  # first: a server that dies now does not start it again
        self._set_wanted(group.id, "Stopped", self._running.stop(group.id))
        return Reply(204)

    def restart(self, call: Call) -> Reply:
        """Stops and starts; on an image that cannot be had any more it is refused, and the group goes on as it is."""
        group = self._require_settled(call)
        self._pull_stored(group)
        self._set_wanted(group.id, "Running")
        self._provision(group.id, "")
        return Reply(204)

    def _require_settled(self, call: Call) -> Document:
        group = self._require(call)
        if group.body["properties"]["provisioningState"] == "Creating":
            raise _transitioning(group.name)
        return group

    def _pull_stored(self, group: Document) -> None:
        runtime = require(self._store, RUNTIME, f"{group.id}/runtime")
        credentials = tuple(Credential(**one) for one in runtime.body["credentials"])
        self._pull(group.name, group.body["properties"]["containers"], credentials)

    def _pull(self, group: str, containers: Listed, credentials: tuple[Credential, ...]) -> None:
        """Raises BadRequest (InaccessibleImage) for an image that is not there, or not opened by these credentials."""
        for container in containers:
            reference = container["properties"]["image"]
            registry = self._images.registry_of(reference)
            server = reference.partition("/")[0].lower()
            given = [one for one in credentials if one.server == server]
            opened = registry and any(
                self._images.credentials_match(registry, one.username, one.password) for one in given
            )
            if registry is None:
                raise _inaccessible(
                    reference, group, "The sandbox has only the images that were built in its own registries."
                )
            if not opened or self._images.resolve(reference) is None:
                raise _inaccessible(reference, group, "")

    def _provision(self, group_id: str, operation: str) -> None:
        """Make the group run as its documents say; in a thread. Without an operation nobody waits for the end."""
        error: dict[str, str] | None = None
        try:
            failure = self._running.start(group_id, self._wanted_containers(group_id))
            error = {"code": "ContainerGroupFailed", "message": failure} if failure else None
        except ApiError as failed:
            error = {"code": failed.code, "message": failed.message}
        except Exception:
            # The edge of a thread: an operation whose thread is gone must not be in progress for ever.
            logging.getLogger("sandbox").exception("group failed", extra={"fields": {"group": group_id}})
            error = {"code": "InternalServerError", "message": "The sandbox failed. `sandbox logs` has more."}
        if self._workers.stopping.is_set():
            return
        with self._store.write() as change:
            group = change.get(KIND, group_id)
            if group:
                state = {"provisioningState": "Failed" if error else "Succeeded"}
                change.put(KIND, group_id, {**group.body, "properties": {**group.body["properties"], **state}})
            if operation:
                finish_operation(self._store, operation, error)
        if group is None:
            self._running.stop(group_id)  # it was deleted while its containers started

    def _wanted_containers(self, group_id: str) -> Wanted:
        """Raises NotFound for a group that has gone meanwhile, BadRequest without an image or a runtime."""
        group, runtime = require(self._store, KIND, group_id), require(self._store, RUNTIME, f"{group_id}/runtime")
        if self._runtime is None:
            raise BadRequest(
                "RuntimeMissing", "There is no runtime environment to run containers in. Make it with: make runtime"
            )
        folder, host = self._folder / runtime.body["folder"], runtime.body["host"]
        specs = [self._spec(group, one, runtime) for one in group.body["properties"]["containers"]]
        return [
            (one, Place(group.name, host, folder / "run", folder / f"{one.name}.log", self._runtime)) for one in specs
        ]

    def _spec(self, group: Document, container: dict[str, Any], runtime: Document) -> ContainerSpec:
        name, properties = container["name"], container["properties"]
        image = self._images.resolve(properties["image"])
        if image is None:
            raise _inaccessible(properties["image"], group.name, "")
        return ContainerSpec(
            name=name,
            image=image,
            reference=properties["image"],
            command=tuple(properties["command"]),
            ports=tuple(port["port"] for port in properties["ports"]),
            environment=runtime.body["environments"][name],
            policy=group.body["properties"]["restartPolicy"],
        )

    def _ended(self, group_id: str) -> None:
        """All containers ended by themselves: a later server shows how, and does not start them again."""
        if not self._workers.stopping.is_set():
            self._set_wanted(group_id, "Ended")

    def _set_wanted(self, group_id: str, wanted: str, views: dict[str, Any] | None = None) -> None:
        """What the group is meant to do, and what its containers were last seen to do."""
        views = views or self._running.views(group_id)
        with self._store.write() as change:
            found = change.get(RUNTIME, f"{group_id}/runtime")
            if found:
                body = {**found.body, "wanted": wanted, "views": views or found.body["views"]}
                change.put(RUNTIME, found.id, body, found.parent)

    def _wanted(self, group_id: str) -> str:
        runtime = self._runtime_of(group_id)
        return str(runtime.body["wanted"]) if runtime else "Stopped"

    def _runtime_of(self, group_id: str) -> Document | None:
        return self._store.get(RUNTIME, f"{group_id}/runtime")

    def _folder_of(self, group_id: str) -> Path:
        runtime = self._runtime_of(group_id)
        return self._folder / (runtime.body["folder"] if runtime else "none")


def _transitioning(name: str) -> Conflict:
    return Conflict(
        "ContainerGroupTransitioning", f"The container group '{name}' is still transitioning, please retry later."
    )


def _inaccessible(reference: str, group: str, more: str) -> BadRequest:
    message = (
        f"The image '{reference}' in container group '{group}' is not accessible. "
        f"Please check the image and registry credential. {more}"
    )
    return BadRequest("InaccessibleImage", message.rstrip())
