"""The writing client: the only part of the checker that changes anything, and all that it can do is delete.

It takes items of a plan, never an address. What a delete needs first (cancelling runs, ending leases) is in it as well.
"""

import base64
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from checker.cleanup.model import Item, Kind, Refused
from checker.cleanup.ownership import TYPES
from checker.clients.arm import GROUPS_VERSION
from checker.clients.cloud import Cloud
from checker.clients.documents import sequence, text, value
from checker.clients.http import HttpClient, Reply, Request, retry_after_seconds
from checker.clients.identity import Tokens
from checker.clients.machinelearning import COMPUTES_VERSION, ENDPOINTS_VERSION
from checker.clients.organization import VERSION, reason_of
from checker.context import CheckContext
from checker.errors import AddressRefused, Forbidden, NotSignedIn, ServiceFault, TokenRefused
from checker.settings import DevOpsSettings

ASSIGNMENTS_VERSION = "2022-04-01"
PROVIDERS_VERSION = "2021-04-01"
VAULTS_VERSION = "2022-07-01"
CLEARED = frozenset({200, 202, 204})
GONE = frozenset({404, 410})
IN_USE = frozenset({400, 409, 412, 423})
PAUSE_SECONDS = 5.0  # between two looks at an operation whose service does not say
PATIENCE_SECONDS = 45 * 60.0  # a cluster or a workspace may take half an hour
RUN_PATIENCE_SECONDS = 180.0
UNFINISHED = "inProgress,notStarted,cancelling,postponed"

Sleep = Callable[[float], None]


@dataclass(frozen=True)
class Waiting:
    """How patient a writer is: tests and a sandbox need less than Azure."""

    sleep: Sleep = time.sleep
    clock: Callable[[], float] = time.monotonic
    patience: float = PATIENCE_SECONDS


class AzureWriter:
    """Deletes on Azure, each followed to its end. Sends its token to the cloud that was looked at and nowhere else."""

    def __init__(self, cloud: Cloud, http: HttpClient, tokens: Tokens, waiting: Waiting) -> None:
        self._cloud = cloud
        self._http = http
        self._tokens = tokens
        self._waiting = waiting

    def delete(self, item: Item) -> str:
        """Remove it, and wait until it is gone; how it went. Raises Refused, or an AccessError."""
        if item.kind is Kind.DELETED_VAULT:
            return self._finished(self._send("POST", f"{item.id}/purge", VAULTS_VERSION), item, "purged")
        version, query = (self._newest_version(item), {}) if item.kind is Kind.OTHER else _call_of(item)
        return self._finished(self._send("DELETE", item.id, version, **query), item, "deleted")

    def _newest_version(self, item: Item) -> str:
        """The newest stable API version of a type that the workshop does not use. Raises Refused where none is told."""
        namespace, _, type_name = item.facts["type"].partition("/")
        subscription = "/".join(item.id.split("/")[:3])
        reply = self._send("GET", f"{subscription}/providers/{namespace}", PROVIDERS_VERSION)
        self._require(reply, item)
        types = sequence(reply.json(), "resourceTypes")
        mine = [one for one in types if text(one, "resourceType").lower() == type_name.lower()]
        versions = [str(version) for one in mine for version in sequence(one, "apiVersions")]
        stable = [version for version in versions if "preview" not in version]
        if not versions:
            seen, command = f"no API version of {item.facts['type']} is told", f"az resource delete --ids {item.id}"
            raise Refused(f"{item.kind} {item.name}", seen, "one to delete it by", (command,))
        return max(stable or versions)

    def purge_workspace(self, workspace_id: str) -> bool:
        """Take a workspace that is no longer there out of the recycle bin; whether there was one.

        Azure lists no deleted workspaces: to ask for the purge is the only way to know. Raises as `delete` does.
        """
        kind = TYPES["microsoft.machinelearningservices/workspaces"]
        reply = self._send("DELETE", workspace_id, kind.version, **kind.query)
        item = Item(Kind.WORKSPACE, workspace_id.rpartition("/")[2], workspace_id, "in the recycle bin")
        return reply.status not in (204, *GONE) and bool(self._finished(reply, item, "purged"))

    def _finished(self, reply: Reply, item: Item, how: str) -> str:
        if reply.status == 204 or reply.status in GONE:
            return "gone already"  # ARM answers 204 to the delete of what is not there
        if reply.status in IN_USE:
            raise _refused(item, reply)
        self._require(reply, item)
        address = reply.headers.get("azure-asyncoperation") or reply.headers.get("location")
        if reply.status in (201, 202) and address:
            self._follow(address, item)
        return how

    def _follow(self, address: str, item: Item) -> None:
        """Ask until the operation has ended. Raises Refused when it failed, ServiceFault when it takes too long."""
        until = self._waiting.clock() + self._waiting.patience
        while self._waiting.clock() < until:
            reply = self._ask("GET", address)
            if reply.status in (204, *GONE):
                return
            if reply.status in IN_USE:
                raise _refused(item, reply)
            self._require(reply, item)
            if reply.status != 202 and self._has_ended(reply, item):
                return
            asked = retry_after_seconds(reply.headers)
            self._waiting.sleep(PAUSE_SECONDS if asked is None else asked)
        minutes = self._waiting.patience / 60
        seen = f"its removal has not ended after {minutes:.0f} minutes"
        raise ServiceFault(f"{item.kind} {item.name}", seen, "an end", ("checker cleanup run",))

    def _has_ended(self, reply: Reply, item: Item) -> bool:
        """A status document says how far it is; a result behind a Location has no status."""
        status = text(reply.json(), "status").lower() if reply.content.strip() else ""
        if status in ("failed", "canceled"):
            raise _refused(item, reply)
        return status in ("", "succeeded")

    def _send(self, method: str, path: str, version: str, **query: str) -> Reply:
        url = f"{self._cloud.resource_manager}{quote(path)}?{urlencode({'api-version': version, **query})}"
        return self._ask(method, url)

    def _ask(self, method: str, url: str) -> Reply:
        if not self._cloud.takes_token(url):
            host = url.split("?", 1)[0]
            raise AddressRefused(
                host, "this is not an address of the cloud that is cleaned up", "no token leaves Azure"
            )
        headers = {"Authorization": f"Bearer {self._tokens.get(self._cloud.scope)}"}
        return self._http.send(Request(method, url, headers))

    def _require(self, reply: Reply, item: Item) -> None:
        if reply.status in CLEARED or reply.status == 201:
            return
        what, seen = f"{item.kind} {item.name}", f"{reply.status} {_azure_reason(reply)}".strip()
        if reply.status == 401:
            raise TokenRefused(what, seen, "a token that the cloud accepts", ("az login", "checker cleanup run"))
        if reply.status == 403:
            raise Forbidden(what, seen, "the role Contributor, or Owner for role assignments", ("checker cleanup run",))
        raise ServiceFault(what, seen, "status 200, 202 or 204", ("checker cleanup run",))


class DevOpsWriter:
    """Deletes in one project of Azure DevOps, with the token of `AZURE_DEVOPS_EXT_PAT`."""

    def __init__(self, settings: DevOpsSettings, http: HttpClient, waiting: Waiting) -> None:
        self._settings = settings
        self._http = http
        self._waiting = waiting

    def delete(self, item: Item) -> str:
        """Remove it; how it went. Raises Refused, or an AccessError."""
        if item.kind is Kind.PIPELINE:
            self._end_runs(item)
            return self._delete(item, self._in_project(f"build/definitions/{item.id}"))
        if item.kind is Kind.ENVIRONMENT:
            return self._delete(item, self._in_project(f"distributedtask/environments/{item.id}"))
        if item.kind is Kind.CONNECTION:
            # deep: Azure DevOps deletes the application too that it registered, where it still may
            query = {"projectIds": item.facts["project"], "deep": "true"}
            return self._delete(item, f"_apis/serviceendpoint/endpoints/{item.id}", **query)
        if item.kind is Kind.REPOSITORY:
            return self._delete(item, self._in_project(f"git/repositories/{item.id}"))
        if item.kind is Kind.PROJECT:
            return self._delete_project(item)
        raise LookupError(f"no way to delete a {item.kind}")

    def _end_runs(self, item: Item) -> None:
        """Runs under way would make again what is removed; kept runs would keep the pipeline."""
        running = {"definitions": item.id, "statusFilter": UNFINISHED}
        for run in self._list(item, self._in_project("build/builds"), **running):
            path = self._in_project(f"build/builds/{text(run, 'id')}")
            self._accept(item, self._send("PATCH", path, {"status": "cancelling"}))
        self._await_end(item, running)
        leases = self._list(item, self._in_project("build/retention/leases"), definitionId=item.id)
        if leases:
            ids = ",".join(text(one, "leaseId") for one in leases)
            self._accept(item, self._send("DELETE", self._in_project("build/retention/leases"), ids=ids))
        for run in self._list(item, self._in_project("build/builds"), definitions=item.id):
            if value(run, "keepForever") is True:
                path = self._in_project(f"build/builds/{text(run, 'id')}")
                self._accept(item, self._send("PATCH", path, {"keepForever": False}))

    def _await_end(self, item: Item, running: dict[str, str]) -> None:
        until = self._waiting.clock() + min(self._waiting.patience, RUN_PATIENCE_SECONDS)
        while self._list(item, self._in_project("build/builds"), **running):
            if self._waiting.clock() > until:
                seen = "its runs are cancelled and have not ended"
                raise ServiceFault(f"pipeline {item.name}", seen, "no run under way", ("checker cleanup run",))
            self._waiting.sleep(1.0)

    def _delete_project(self, item: Item) -> str:
        reply = self._send("DELETE", f"_apis/projects/{item.id}")
        if reply.status in GONE:
            return "gone already"
        self._accept(item, reply)
        number = text(reply.json(), "id")
        until = self._waiting.clock() + self._waiting.patience
        while self._waiting.clock() < until:
            operation = self._accept(item, self._send("GET", f"_apis/operations/{number}"))
            status = text(operation.json(), "status").lower()
            if status == "succeeded":
                return "deleted"
            if status in ("failed", "cancelled"):
                raise _refused(item, operation)
            self._waiting.sleep(1.0)
        raise ServiceFault(f"project {item.name}", "its removal has not ended", "an end", ("checker cleanup run",))

    def _delete(self, item: Item, path: str, **query: str) -> str:
        reply = self._send("DELETE", path, **query)
        if reply.status in GONE:
            return "gone already"
        self._accept(item, reply)
        return "deleted"

    def _list(self, item: Item, path: str, **query: str) -> list[object]:
        return list(sequence(self._accept(item, self._send("GET", path, **query)).json(), "value"))

    def _in_project(self, rest: str) -> str:
        return f"{quote(self._settings.project)}/_apis/{rest}"

    def _send(self, method: str, path: str, body: object = None, **query: str) -> Reply:
        if not self._settings.organization or not self._settings.token:
            raise NotSignedIn("Azure DevOps", "no organisation, or no token of it", "both", ("sandbox env",))
        credential = base64.b64encode(f":{self._settings.token}".encode()).decode("ascii")
        headers = {
            "Authorization": f"Basic {self._http.secrets.add(credential)}",
            "Accept": "application/json",
            "X-TFS-FedAuthRedirect": "Suppress",
        }
        url = f"{self._settings.organization}/{path}?{urlencode({'api-version': VERSION, **query})}"
        return self._http.send(Request(method, url, headers, body, kind="devops"))

    def _accept(self, item: Item, reply: Reply) -> Reply:
        page = "text/html" in reply.headers.get("content-type", "").lower()
        if reply.status in CLEARED and not page:
            return reply
        what, seen = f"{item.kind} {item.name}", f"{reply.status} {reason_of(reply)}".strip()
        if reply.status in (203, 302, 401) or page:
            raise TokenRefused(what, seen, "a token of this organisation, not expired", ("checker cleanup run",))
        if reply.status == 403:
            raise Forbidden(what, seen, "a token that may read, write and manage this", ("checker cleanup run",))
        if reply.status in IN_USE:
            raise _refused(item, reply)
        raise ServiceFault(what, seen, "status 200, 202 or 204", ("checker cleanup run",))


@dataclass(frozen=True)
class Writer:
    """Both services behind one verb."""

    azure: AzureWriter
    devops: DevOpsWriter

    def delete(self, item: Item) -> str:
        """Remove one item of a plan; how it went. Raises Refused, or an AccessError."""
        return self.devops.delete(item) if item.kind.is_devops else self.azure.delete(item)


def open_writer(context: CheckContext, waiting: Waiting | None = None) -> Writer:
    """A writer for what a context looks at, with a sign-in of its own."""
    settings, cloud, http = context.settings, context.cloud, context.http
    tokens = Tokens(cloud, http.secrets, client_secret=settings.client_secret_login)
    patient = waiting or Waiting()
    return Writer(AzureWriter(cloud, http, tokens, patient), DevOpsWriter(settings.devops, http, patient))


def _call_of(item: Item) -> tuple[str, dict[str, str]]:
    """API version and query of an item's DELETE."""
    if item.kind is Kind.COMPUTE:
        # A cluster of the workspace is deleted; what was attached is only detached: it is a resource of its own.
        attached = item.facts.get("computeType", "").lower() not in ("amlcompute", "computeinstance")
        return COMPUTES_VERSION, {"underlyingResourceAction": "Detach" if attached else "Delete"}
    versions = {
        Kind.ENDPOINT: ENDPOINTS_VERSION,
        Kind.GROUP: GROUPS_VERSION,
        Kind.ASSIGNMENT: ASSIGNMENTS_VERSION,
    }
    if item.kind in versions:
        return versions[item.kind], {}
    kind = TYPES[item.facts["type"]]
    return kind.version, dict(kind.query)


def _azure_reason(reply: Reply) -> str:
    """The service's code and first line, wherever it puts them."""
    try:
        document = reply.json()
    except ServiceFault:
        return ""
    error = value(document, "error") or document
    said = text(error, "message").strip().splitlines()
    return ": ".join(filter(None, (text(error, "code"), said[0][:200] if said else "")))


def _refused(item: Item, reply: Reply) -> Refused:
    reason = reason_of(reply) if item.kind.is_devops else _azure_reason(reply)
    locked = "lock" in reason.lower() or "polic" in reason.lower()
    expected = "no lock and no policy on it: ask who protects it" if locked else "that nothing uses it any more"
    seen = f"{reply.status} {reason}".strip()
    return Refused(f"{item.kind} {item.name}", seen, expected, ("checker cleanup run    (again, when that is so)",))
