"""Data collection: what a deployment's `dataCollector` asks for, and the sidecar that takes what its program sends.

On Azure a container beside the model takes each record from the package azureml-ai-monitoring and writes it to blob
storage. The package, unmodified, reads AZUREML_MDC_CONFIG_PATH, AZUREML_MDC_HOST and AZUREML_MDC_PORT and sends
`POST /modeldata/log` over plain HTTP (azureml/ai/monitoring/config/config.py and worker/sender.py of its 1.0.0).
Records are JSON lines in the workspace's blob store, beneath modelDataCollector/{endpoint}/{deployment}/{collection}/,
at {yyyy}/{MM}/{dd}/{HH}/{instance}.jsonl.
"""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from sandbox.clock import iso
from sandbox.errors import BadRequest, NotImplementedHere
from sandbox.log import event
from sandbox.machinelearning.assets import AssetKind, register_version
from sandbox.machinelearning.context import BLOB_STORE, Context, kind_of
from sandbox.machinelearning.datastores import container_of
from sandbox.machinelearning.uris import Location, locate
from sandbox.store import Document, Transaction

PATH = "/modeldata/log"
PAYLOADS = ("request", "response")  # collected by the platform in front of the program, not by the program
ROLLING = {"minute": "%Y/%m/%d/%H/%M", "hour": "%Y/%m/%d/%H", "day": "%Y/%m/%d"}
LARGEST_RECORD = 4 * 1024 * 1024  # bytes
EVENT_TYPE = "azureml.inference."
ENABLED = "Enabled"


def checked_collector(
    change: Transaction, data: AssetKind, workspace: str, deployment: tuple[str, str], given: Mapping[str, Any]
) -> dict[str, Any]:
    """The collector as the service keeps it: modes spelt out, and a data asset for each collection.

    `deployment` is endpoint and name. Raises BadRequest, and NotImplementedHere for the payload collections.
    """
    rate = str(given.get("rollingRate") or "Hour")
    if rate.lower() not in ROLLING:
        raise BadRequest("UserError", f"rollingRate must be one of minute, hour, day, not '{rate}'.")
    collections = {
        name: _checked_collection(change, data, workspace, (*deployment, name), entry or {})
        for name, entry in (given.get("collections") or {}).items()
    }
    if not collections:
        raise BadRequest("UserError", "A data collector needs at least one collection.")
    return {**given, "rollingRate": rate.capitalize(), "collections": collections}


def _checked_collection(
    change: Transaction, data: AssetKind, workspace: str, path: tuple[str, str, str], given: Mapping[str, Any]
) -> dict[str, Any]:
    if path[2].lower() in PAYLOADS:
        raise NotImplementedHere(
            "PayloadCollectionNotImplemented",
            f"The sandbox does not collect the payload '{path[2]}'. Collect from the scoring script, with the package "
            "azureml-ai-monitoring.",
        )
    share = given.get("samplingRate")
    share = 1.0 if share is None else float(share)
    if not 0 <= share <= 1:
        raise BadRequest("UserError", f"samplingRate lies between 0 and 1, not {share}.")
    mode = ENABLED if str(given.get("dataCollectionMode") or "").lower() == "enabled" else "Disabled"
    kept = {**given, "dataCollectionMode": mode, "samplingRate": share}
    return {**kept, "dataId": given.get("dataId") or _register(change, data, workspace, path)}


def _register(change: Transaction, data: AssetKind, workspace: str, path: tuple[str, str, str]) -> str:
    """The id of the data asset `{endpoint}-{deployment}-{collection}`, which is the folder of the collection."""
    name = "-".join(path)
    existing = change.get(kind_of("data", "versions"), f"{workspace}/data/{name}/versions/1")
    if existing is None:
        uri = Location(workspace, BLOB_STORE, f"modelDataCollector/{'/'.join(path)}/").uri
        existing = register_version(change, data, workspace, name, "1", {"dataUri": uri, "dataType": "uri_folder"})
    return existing.id


@dataclass(frozen=True)
class Place:
    """Where the records of one collection go, and what one says of its origin."""

    account: str
    container: str
    folder: str
    rolling: str
    instance: str
    source: str

    def blob(self, moment: datetime) -> str:
        return f"{self.folder.rstrip('/')}/{moment.strftime(self.rolling)}/{self.instance}.jsonl"


class Sidecar:
    """The listener of one deployment, on a loopback port of its own, from `open_sidecar` to `close`."""

    def __init__(self, context: Context, places: Mapping[str, Place], settings: Path) -> None:
        self._context = context
        self._places = places
        self._settings = settings
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, name="collector", daemon=True).start()

    @property
    def variables(self) -> Mapping[str, str]:
        """What tells the package where to send."""
        return {
            "AZUREML_MDC_CONFIG_PATH": str(self._settings),
            "AZUREML_MDC_HOST": "127.0.0.1",
            "AZUREML_MDC_PORT": str(self._server.server_address[1]),
        }

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._settings.unlink(missing_ok=True)

    def take(self, headers: Mapping[str, str], content: bytes) -> tuple[int, str]:
        """Keep one record. Status and reason, as the program sees them."""
        collection = headers.get("ce-type", "").removeprefix(EVENT_TYPE).lower()
        place = self._places.get(collection)
        if place is None:
            return 404, f"no collection '{collection}' is enabled"
        if headers.get("content-type", "") != "application/json":
            return 501, "PayloadFormatNotImplemented: the sandbox takes application/json only"
        try:
            rows = json.loads(content)
        except ValueError as problem:
            return 400, f"the record is no JSON: {problem}"
        self._append(place, record(place, collection, headers, rows, len(content)))
        return 200, "collected"

    def _append(self, place: Place, line: Mapping[str, Any]) -> None:
        blob, payloads = place.blob(self._context.clock.now()), self._context.payloads
        with self._lock:
            if not payloads.exists(place.account, place.container, blob):
                payloads.create_append_blob(place.account, place.container, blob, "application/octet-stream")
            payloads.append(place.account, place.container, blob, json.dumps(line).encode() + b"\n")


def record(place: Place, collection: str, headers: Mapping[str, str], rows: Any, size: int) -> dict[str, Any]:
    """One line of a collection, a cloud event: the fields that the service documents for collected data."""
    sent = headers.get("ce-time", "")
    moment = datetime.fromtimestamp(int(sent), UTC) if sent.isdecimal() else datetime.now(UTC)
    correlation = headers.get("ce-x-request-id", "")
    return {
        "specversion": "1.0",
        "id": headers.get("trace-id", ""),
        "source": place.source,
        "type": f"{EVENT_TYPE}{collection}",
        "datacontenttype": "application/json",
        "time": iso(moment).partition(".")[0] + "Z",
        "data": rows,
        "correlationid": correlation,
        "xrequestid": correlation,
        "modelversion": headers.get("ce-model-version", ""),
        "collectdatatype": headers.get("ce-collect-data-type", ""),
        "agent": headers.get("ce-agent", ""),
        "contentrange": f"bytes 0-{size - 1}/{size}",
    }


def _handler(sidecar: Sidecar) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """One request of the package."""

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if self.path != PATH or not length.isdecimal():
                self.send_error(404)
            elif int(length) > LARGEST_RECORD:
                self.send_error(413)
            else:
                self.answer(*sidecar.take(_lower(self.headers), self.rfile.read(int(length))))

        def answer(self, status: int, reason: str) -> None:
            if status >= 400:
                event("record refused", status=status, reason=reason)
            self.send_response(status)
            self.send_header("Content-Length", str(len(reason.encode())))
            self.end_headers()
            self.wfile.write(reason.encode())

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet: the model server's own log tells what it could not send."""

    return Handler


def _lower(headers: Message) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def open_sidecar(context: Context, deployment: Document, instance: str, settings: Path) -> Sidecar | None:
    """The sidecar of a deployment; None where it collects nothing. `settings` is the file that the package reads."""
    collector = deployment.body["properties"].get("dataCollector")
    wanted = (collector or {}).get("collections") or {}
    enabled = {name.lower(): entry for name, entry in wanted.items() if entry["dataCollectionMode"] == ENABLED}
    if not enabled:
        return None
    rolling = ROLLING[collector["rollingRate"].lower()]
    places = {name: _place(context, deployment, entry["dataId"], instance, rolling) for name, entry in enabled.items()}
    shares = {
        name: {"enabled": True, "sampleRatePercentage": round(entry["samplingRate"] * 100)}
        for name, entry in enabled.items()
    }
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(json.dumps({"runMode": "cloud", "collections": shares}))
    return Sidecar(context, places, settings)


def _place(context: Context, deployment: Document, data: str, instance: str, rolling: str) -> Place:
    workspace = deployment.id.split("/onlineEndpoints/")[0]
    location = locate(context.store, workspace, data)
    account, container = container_of(context.store, location.workspace, location.datastore)
    return Place(account, container, location.path, rolling, instance, deployment.id)
