"""The Tasks API of a registry, as far as a quick build needs it: upload a context, schedule a run, follow its log.

Shaped after azure-mgmt-containerregistrytasks 1.0.0b1; `az acr build` makes the same calls and reads the log's metadata
`complete` to know that the run has ended.
"""

import logging
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sandbox.clock import Clock
from sandbox.compute.errors import ComputeError
from sandbox.containers.build_requests import BuildRequest, parse_request, quick_filters
from sandbox.containers.builds import BuildCanceled, Builder
from sandbox.containers.context import GROUP, BlobStore, SharedAccess, resource_id
from sandbox.containers.repositories import REGISTRIES, Repositories
from sandbox.containers.workers import Workers
from sandbox.errors import ApiError, BadRequest, NotFound
from sandbox.ids import Ids, derived_guid
from sandbox.settings import STORAGE_SUFFIX
from sandbox.store import Document, Store
from sandbox.store.resources import envelope, require, require_group
from sandbox.wire import Call, Operation, Reply
from sandbox.wire.paging import page

PROVIDER = "Microsoft.ContainerRegistry/registries"
TYPE = PROVIDER + "/runs"
KIND = TYPE.lower()
SOURCES, LOGS = "source", "logs"
UPLOAD_SECONDS = 3600
LOG_SECONDS = 24 * 3600
AT_ONCE = 2
UNDER_WAY = ("Queued", "Started", "Running")
WORDS = {"Succeeded": "successful", "Failed": "failed", "Canceled": "canceled"}  # the log's metadata, as `az` reads it
RESTARTED = "The sandbox was stopped while this run was under way."


class Runs:
    """Quick builds: at most two at once, the others wait as Queued."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        ids: Ids,
        blobs: BlobStore,
        shared: SharedAccess,
        builder: Builder,
        repositories: Repositories,
        workers: Workers,
    ) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._blobs = blobs
        self._shared = shared
        self._builder = builder
        self._repositories = repositories
        self._workers = workers
        self._slots = threading.Semaphore(AT_ONCE)
        self._left = [one.id for one in store.list(KIND) if one.body["properties"]["status"] in UNDER_WAY]
        builder.sweep()
        repositories.discard_unknown()

    def operations(self) -> list[Operation]:
        registry = GROUP + "/providers/" + PROVIDER + "/{registry}"
        upload = registry + "/listBuildSourceUploadUrl"
        rows: list[tuple[str, str, str, Callable[[Call], Reply]]] = [
            ("registries_get_build_source_upload_url", "POST", upload, self.get_upload_url),
            ("registries_schedule_run", "POST", registry + "/scheduleRun", self.schedule),
            ("registry_runs_list", "GET", registry + "/runs", self.list),
            ("registry_runs_get", "GET", registry + "/runs/{run}", self.get),
            ("registry_runs_cancel", "POST", registry + "/runs/{run}/cancel", self.cancel),
            ("registry_runs_get_log_sas_url", "POST", registry + "/runs/{run}/listLogSasUrl", self.get_log_url),
        ]
        return [Operation(*row) for row in rows]

    def get_upload_url(self, call: Call) -> Reply:
        """Where a client puts the context, and the name by which it then asks for the build."""
        account = _account(self._registry(call).id)
        self._blobs.ensure_container(account, SOURCES)
        name = f"{self._clock.now():%Y%m%d%H%M}/{self._ids.guid()}.tar.gz"
        url = self._blob_url(call, account, SOURCES, name, "rcw", UPLOAD_SECONDS)
        return Reply.json({"uploadUrl": url, "relativePath": f"{SOURCES}/{name}"})

    def schedule(self, call: Call) -> Reply:
        registry = self._registry(call)
        request = parse_request(call.json(), registry.name)
        account = _account(registry.id)
        source = request.source.removeprefix(f"{SOURCES}/")
        if not self._blobs.exists(account, SOURCES, source):
            raise BadRequest(
                "SourceLocationNotFound",
                f"There is no uploaded source at '{request.source}'. Ask listBuildSourceUploadUrl for a place first.",
            )
        run = self._add(registry, request)
        self._blobs.ensure_container(account, LOGS)
        self._blobs.create_append_blob(account, LOGS, _log_name(run.name), "text/plain; charset=utf-8")
        self._workers.start(f"build {run.name}", lambda: self._work(run.id, registry, request))
        return Reply.json(envelope(run, TYPE))

    def _add(self, registry: Document, request: BuildRequest) -> Document:
        """A new run with the registry's next number: ca1, ca2..."""
        now = self._clock.timestamp()
        with self._store.write() as change:
            require(change, REGISTRIES, registry.id)
            numbers = [int(one.name.removeprefix("ca")) for one in change.list(KIND, registry.id)]
            name = f"ca{max(numbers, default=0) + 1}"
            properties = {
                "runId": name,
                "status": "Queued",
                "runType": "QuickBuild",
                "createTime": now,
                "lastUpdatedTime": now,
                "platform": request.platform,
                "provisioningState": "Succeeded",
                "isArchiveEnabled": False,
            }
            return change.put(KIND, f"{registry.id}/runs/{name}", {"properties": properties}, registry.id)

    # The build itself, in a thread

    def _work(self, run: str, registry: Document, request: BuildRequest) -> None:
        with self._slots:
            if self._workers.stopping.is_set() or not self._begin(run):
                return
            try:
                images = self._build(run, registry, request)
                self._finish(run, "Succeeded", images)
            except BuildCanceled:
                self._finish(run, "Canceled", [])
            except (ComputeError, ApiError) as error:
                self._finish(run, "Failed", [], str(error))
            except Exception:
                # The edge of a thread: a run whose thread is gone must not stay Running for ever.
                logging.getLogger("sandbox").exception("build failed", extra={"fields": {"run": run}})
                self._finish(run, "Failed", [], "The sandbox failed while it built. `sandbox logs` has more.")

    def _build(self, run: str, registry: Document, request: BuildRequest) -> list[dict[str, str]]:
        name = run.rsplit("/", 1)[-1]
        archive = self._blobs.path(_account(registry.id), SOURCES, request.source.removeprefix(f"{SOURCES}/"))
        server = registry.body["properties"]["loginServer"]

        def log(line: str) -> None:
            if self._status(run) == "Canceled":
                raise BuildCanceled
            self._write_log(registry.id, name, line)

        log("Downloading source code...")
        image = self._builder.build(archive, request.dockerfile, request.arguments, log)
        rows = []
        for repository, tag in request.names(name, server):
            log(f"Successfully tagged {server}/{repository}:{tag}")
            if request.push:
                self._repositories.push(registry.id, repository, tag, image.digest)
                log(f"Pushing image: {server}/{repository}:{tag}")
                log(f"{tag}: digest: {image.digest} size: {image.size}")
                rows.append({"registry": server, "repository": repository, "tag": tag, "digest": image.digest})
        return rows

    def _begin(self, run: str) -> bool:
        """Queued becomes Running; False where it was canceled, or has gone with its registry."""
        now = self._clock.timestamp()
        return self._change(run, ("Queued",), {"status": "Running", "startTime": now, "lastUpdatedTime": now})

    def _finish(self, run: str, status: str, images: list[dict[str, str]], error: str = "") -> None:
        """The log first: a client that sees the end of the run then sees all of the log. Canceled stays Canceled."""
        status = "Canceled" if self._status(run) == "Canceled" else status
        registry, name = run.split("/runs/")
        ended = f"Run ID: {name} {'was successful' if status == 'Succeeded' else status.lower()}"
        self._write_log(registry, name, f"{ended}{f', error: {error}' if error else ''}")
        account = _account(registry)
        if self._blobs.exists(account, LOGS, _log_name(name)):
            self._blobs.set_metadata(account, LOGS, _log_name(name), {"complete": WORDS[status]})
        now = self._clock.timestamp()
        fields = {"status": status, "finishTime": now, "lastUpdatedTime": now, "outputImages": images}
        if error:
            fields["runErrorMessage"] = error
        self._change(run, ("Canceled",) if status == "Canceled" else UNDER_WAY, fields)

    def _change(self, run: str, expected: tuple[str, ...], fields: dict[str, Any]) -> bool:
        with self._store.write() as change:
            found = change.get(KIND, run)
            if found is None or found.body["properties"]["status"] not in expected:
                return False
            change.put(KIND, run, {"properties": {**found.body["properties"], **fields}}, found.parent)
        return True

    def _write_log(self, registry: str, name: str, line: str) -> None:
        """Lines end as in the service's logs: `az` prints a line when it sees CR and LF."""
        account = _account(registry)
        if self._blobs.exists(account, LOGS, _log_name(name)):
            text = "".join(f"{one}\r\n" for one in line.splitlines() or [""])
            self._blobs.append(account, LOGS, _log_name(name), text.encode())

    def _status(self, run: str) -> str:
        found = self._store.get(KIND, run)
        return found.body["properties"]["status"] if found else "Canceled"

    # Looking at runs

    def list(self, call: Call) -> Reply:
        """Newest first. `$filter` by Status, RunId or RunType; another is refused."""
        registry = self._registry(call)
        wanted = quick_filters(call.option("$filter"))
        runs = [one for one in reversed(self._store.list(KIND, registry.id)) if wanted(one.body["properties"])]
        return page(call, [envelope(one, TYPE) for one in runs])

    def get(self, call: Call) -> Reply:
        return Reply.json(envelope(self._run(call), TYPE))

    def cancel(self, call: Call) -> Reply:
        """A build ends at its next line. A run that has ended stays as it is."""
        run = self._run(call)
        queued = run.body["properties"]["status"] == "Queued"
        self._change(run.id, UNDER_WAY, {"status": "Canceled", "lastUpdatedTime": self._clock.timestamp()})
        if queued:
            self._finish(run.id, "Canceled", [])
        return Reply(200)

    def get_log_url(self, call: Call) -> Reply:
        run = self._run(call)
        account = _account(run.id.split("/runs/")[0])
        return Reply.json({"logLink": self._blob_url(call, account, LOGS, _log_name(run.name), "r", LOG_SECONDS)})

    def recover(self) -> None:
        """Fail what was under way when the server ended; a run of this server is none of them."""
        for run in self._left:
            self._finish(run, "Failed", [], RESTARTED)

    def delete_all(self, registry: str) -> None:
        """Forget a registry's runs, logs and uploads; a build under way ends at its next line."""
        with self._store.write() as change:
            for run in change.list(KIND, registry):
                change.delete(KIND, run.id)
        self._blobs.delete_account(_account(registry))

    def _blob_url(self, call: Call, account: str, container: str, name: str, letters: str, seconds: int) -> str:
        expires = self._clock.now() + timedelta(seconds=seconds)
        signature = self._shared.issue(account, container, letters, expires, name)
        return f"{call.base}/{account}.blob.{STORAGE_SUFFIX}/{container}/{name}?{signature}"

    def _registry(self, call: Call) -> Document:
        require_group(self._store, call.params)
        return require(self._store, REGISTRIES, resource_id(call, PROVIDER, call.params["registry"]))

    def _run(self, call: Call) -> Document:
        registry, name = self._registry(call), call.params["run"]
        found = self._store.get(KIND, f"{registry.id}/runs/{name}")
        if found is None:
            raise NotFound("RunNotFound", f"The run '{name}' could not be found in registry '{registry.name}'.")
        return found


def _account(registry: str) -> str:
    """The storage account that the tasks of a registry keep for themselves."""
    return "acrtasks" + derived_guid("acr-tasks", registry).replace("-", "")[:16]


def _log_name(run: str) -> str:
    return f"{run}/rawtext.log"
