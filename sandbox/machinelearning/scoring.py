"""The scoring address of every endpoint: checks the key, splits the traffic, passes the request on."""

import http.client
import random
import threading
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from sandbox.compute.serving import ModelServer
from sandbox.errors import ApiError, FailedDependency, NotFound, Unauthenticated
from sandbox.machinelearning.context import Context, kind_of
from sandbox.machinelearning.endpoints import DEPLOYMENTS, KEYS, endpoint_by_name
from sandbox.machinelearning.serving import Serving
from sandbox.machinelearning.specification import seconds
from sandbox.store import Document
from sandbox.store.resources import require
from sandbox.wire import Call, Operation, Reply

ENVIRONMENTS = kind_of("environments", "versions")
DEPLOYMENT_HEADER = "azureml-model-deployment"
USUAL_TIMEOUT = 60.0
STARTING_SECONDS = 120.0
KEPT_FROM_SERVER = ("authorization", "host", "content-length", "connection", "transfer-encoding", DEPLOYMENT_HEADER)
KEPT_FROM_CLIENT = ("content-length", "connection", "transfer-encoding", "server", "date", "keep-alive")
Authenticate = Callable[[Mapping[str, str]], Any]


class Scoring:
    """A reverse proxy in front of the model servers."""

    def __init__(self, context: Context, serving: Serving, authenticate: Authenticate) -> None:
        self._context = context
        self._store = context.store
        self._serving = serving
        self._authenticate = authenticate

    def operations(self) -> list[Operation]:
        template = "/endpoint/{endpoint}/{route+}"
        return [
            Operation("endpoint_score", "POST", template, self.forward, anonymous=True),
            Operation("endpoint_get", "GET", template, self.forward, anonymous=True),
        ]

    def forward(self, call: Call) -> Reply:
        endpoint = endpoint_by_name(self._context, call.params["endpoint"])
        self._check_key(call, endpoint)
        deployment = self._choose(call, endpoint)
        self._mirror(call, endpoint)
        reply = self._send(call, deployment)
        if reply.status >= 400 and not endpoint.body["properties"].get("compute"):
            return _model_error(reply)
        return reply

    def _check_key(self, call: Call, endpoint: Document) -> None:
        """Keys for authMode Key, else a token of the sandbox's own."""
        scheme, _, given = call.headers.get("authorization", "").partition(" ")
        if endpoint.body["properties"]["authMode"] == "Key":
            keys = require(self._store, KEYS, endpoint.id).body.values()
            if scheme.lower() != "bearer" or given not in keys:
                raise Unauthenticated("key_auth_access_denied", "Access denied due to an invalid or missing key.")
        else:
            self._authenticate(call.headers)

    def _choose(self, call: Call, endpoint: Document) -> Document:
        """The deployment the client names, else one by the traffic's weights."""
        named = call.headers.get(DEPLOYMENT_HEADER)
        if named:
            found = self._store.get(DEPLOYMENTS, f"{endpoint.id}/deployments/{named}")
            if found is None:
                raise NotFound("DeploymentNotFound", f"The endpoint '{endpoint.name}' has no deployment '{named}'.")
            return found
        shares = {name: share for name, share in endpoint.body["properties"]["traffic"].items() if share > 0}
        if not shares:
            raise FailedDependency(
                "NoTraffic", f"No deployment of '{endpoint.name}' has traffic. Set it to 100 for one."
            )
        name = random.choices(list(shares), list(shares.values()))[0]
        return require(self._store, DEPLOYMENTS, f"{endpoint.id}/deployments/{name}")

    def _mirror(self, call: Call, endpoint: Document) -> None:
        """A copy of a share of the requests goes to the mirror deployment; its answer goes nowhere."""
        for name, share in endpoint.body["properties"]["mirrorTraffic"].items():
            deployment = self._store.get(DEPLOYMENTS, f"{endpoint.id}/deployments/{name}")
            if deployment and random.uniform(0, 100) < share:
                threading.Thread(target=self._send, args=(call, deployment), name="mirror", daemon=True).start()

    def _send(self, call: Call, deployment: Document) -> Reply:
        server = self._serving.get(deployment.id, STARTING_SECONDS)
        if server is None:
            raise FailedDependency("DeploymentNotServing", f"The deployment '{deployment.name}' does not answer.")
        path = self._path(call, deployment)
        timeout = seconds((deployment.body["properties"].get("requestSettings") or {}).get("requestTimeout"))
        try:
            reply = _exchange(server, call, path, timeout or USUAL_TIMEOUT)
        except TimeoutError as error:
            raise ApiError(
                "RequestTimeout", f"The model took longer than {timeout or USUAL_TIMEOUT} s.", status=408
            ) from error
        except (OSError, http.client.HTTPException) as error:
            raise ApiError("UpstreamError", f"The model server did not answer: {error}.", status=502) from error
        return Reply(reply.status, reply.body, {**reply.headers, DEPLOYMENT_HEADER: deployment.name})

    def _path(self, call: Call, deployment: Document) -> str:
        """`score` is wherever the image says its scoring route is; anything else is passed as it is."""
        route = call.params["route"]
        if route != "score":
            return f"/{route}"
        environment = self._store.get(ENVIRONMENTS, deployment.body["properties"].get("environmentId") or "")
        routes = (environment.body["properties"].get("inferenceConfig") if environment else None) or {}
        return str((routes.get("scoringRoute") or {}).get("path") or "/score")


def _exchange(server: ModelServer, call: Call, path: str, timeout: float) -> Reply:
    address = urlsplit(server.base_url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=timeout)
    headers = {name: value for name, value in call.headers.items() if name not in KEPT_FROM_SERVER}
    try:
        connection.request(call.method, path, call.body.read() or None, headers)
        answer = connection.getresponse()
        kept = {name.lower(): value for name, value in answer.getheaders() if name.lower() not in KEPT_FROM_CLIENT}
        return Reply(answer.status, answer.read(), kept)
    finally:
        connection.close()


def _model_error(reply: Reply) -> Reply:
    """A managed endpoint answers 424 for any failure of the model's container, with its status in a header."""
    headers = {
        **reply.headers,
        "ms-azureml-model-error-statuscode": str(reply.status),
        "ms-azureml-model-error-reason": "model_error",
    }
    return Reply(424, reply.body, headers)
