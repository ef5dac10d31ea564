"""Import requests: another repository fetched into an empty one, in the background, with a record to poll (3.2)."""

import base64
from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import urlsplit

from sandbox.devops.context import Context, address, collection, flag_option, next_number
from sandbox.devops.front import Action
from sandbox.devops.git import GitFailed, further_setting
from sandbox.devops.locations import location
from sandbox.devops.problems import GIT, invalid, missing
from sandbox.devops.pushes import Pushes, repository_address
from sandbox.devops.repositories import Repositories
from sandbox.errors import Conflict
from sandbox.store import Document
from sandbox.wire import Call, Reply

IMPORTS = "devops/imports"
STEPS = (
    "Processing request",
    "Analyzing repository objects",
    "Storing objects",
    "Storing index file",
    "Updating references",
    "Import completed successfully",
)
SCHEMES = ("https", "http", "file")
INTERRUPTED = "The sandbox was stopped while this import was under way."
UNFINISHED = ("queued", "inProgress")


class Credentials(Protocol):
    """User name and password of a Git connection in the repository's project; None where there is none."""

    def __call__(self, document: Document, endpoint_id: str, /) -> tuple[str, str] | None: ...


class Imports:
    """The import requests of repositories."""

    def __init__(self, context: Context, repositories: Repositories, pushes: Pushes, credentials: Credentials) -> None:
        self._context = context
        self._store = context.store
        self._git = context.git
        self._repositories = repositories
        self._pushes = pushes
        self._credentials = credentials

    def actions(self) -> list[Action]:
        row = location("git", "importRequests")
        return [
            Action("git_import_requests_list", "GET", row, self.list),
            Action("git_import_requests_create", "POST", row, self.create),
            Action("git_import_requests_get", "GET", row, self.get, one=True),
        ]

    def list(self, call: Call) -> Reply:
        document = self._repositories.require(call)
        found = self._store.list(IMPORTS, f"{document.id}/imports")
        abandoned = flag_option(call, "includeAbandoned")
        return collection(self._wire(call, document, one) for one in found if abandoned or not _abandoned(one))

    def get(self, call: Call) -> Reply:
        document, number = self._repositories.require(call), call.params["importRequestId"]
        found = self._store.get(IMPORTS, f"{document.id}/imports/{number}")
        if found is None:
            raise missing("ImportRequest", f"There is no import request with the id {number}.", GIT)
        return Reply.json(self._wire(call, document, found))

    def create(self, call: Call) -> Reply:
        document, body = self._repositories.require(call), call.json()
        url = _source(body)
        if self._git.refs(self._repositories.folder(document)):
            raise Conflict(
                f"{GIT}.GitImportForbiddenOnNonEmptyRepository",
                f"TF402448: The repository '{document.body['name']}' is not empty. Import into an empty one.",
            )
        extra = self._authorization(document, (body.get("parameters") or {}).get("serviceEndpointId"))
        with self._store.write() as change:
            number = next_number(change, call.params["organization"], "imports")
            record = {"number": number, "url": url, "status": "queued", "step": 1, "error": ""}
            key = f"{document.id}/imports/{number}"
            found = change.put(IMPORTS, key, record, f"{document.id}/imports")
        person = self._context.person(call)
        self._context.work.begin(lambda: self._run(document, found, extra, person))
        return Reply.json(self._wire(call, document, found), 201)

    def _authorization(self, document: Document, endpoint_id: str | None) -> Mapping[str, str]:
        """A private source's password travels in a variable of git's process."""
        if not endpoint_id:
            return {}
        pair = self._credentials(document, endpoint_id)
        if pair is None:
            raise invalid(f"The service endpoint '{endpoint_id}' is not a connection of type Git in this project.", GIT)
        value = base64.b64encode(":".join(pair).encode()).decode()
        return further_setting("http.extraHeader", f"Authorization: Basic {value}")

    def _run(self, document: Document, record: Document, extra: Mapping[str, str], person: dict[str, str]) -> None:
        failure = self._context.switchboard.get().import_error
        self._note(record, status="inProgress", step=2)
        if not failure:
            failure = self._fetch(document, record, extra, person)
        if failure:
            self._note(record, status="failed", error=failure)
        else:
            self._note(record, status="completed", step=len(STEPS))

    def _fetch(self, document: Document, record: Document, extra: Mapping[str, str], person: dict[str, str]) -> str:
        """Fetch all branches and tags; returns why it failed, or nothing."""
        folder, url = self._repositories.folder(document), record.body["url"]
        try:
            head = _head(self._git.run_remote(folder, "ls-remote", "--symref", "--", url, "HEAD", extra=extra))
            self._note(record, step=3)
            specs = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
            with self._pushes.recording(document, person):
                self._git.run_remote(folder, "fetch", "--quiet", "--no-tags", "--", url, *specs, extra=extra)
                if head and head in self._git.refs(folder):
                    self._git.run(folder, "symbolic-ref", "HEAD", head)
        except GitFailed as error:
            return f"TF402463: The repository at {url} cannot be imported. git says: {error}"
        return "" if self._git.refs(folder) else f"The repository at {url} has no branch."

    def _note(self, record: Document, **fields: Any) -> None:
        with self._store.write() as change:
            found = change.get(IMPORTS, record.id)
            if found:
                change.put(IMPORTS, record.id, {**found.body, **fields})

    def recover(self) -> None:
        """Say of each import that a killed server left under way that it failed."""
        for record in self._store.list(IMPORTS):
            if record.body["status"] in UNFINISHED:
                self._note(record, status="failed", error=INTERRUPTED)

    def _wire(self, call: Call, document: Document, record: Document) -> dict[str, Any]:
        body = record.body
        url = repository_address(call, document, "importRequests", str(body["number"]))
        detail = {"currentStep": body["step"], "allSteps": list(STEPS)}
        if body["error"]:
            detail["errorMessage"] = body["error"]
        fresh = self._repositories.by_key(document.id) or document
        repository = address(call, "git", "repositories", document.body["id"], project=document.id.split("/")[4])
        return {
            "importRequestId": body["number"],
            "repository": self._repositories.wire(call, fresh),
            "parameters": {"tfvcSource": None, "gitSource": {"url": body["url"], "overwrite": False}},
            "status": body["status"],
            "detailedStatus": detail,
            "_links": {"self": {"href": url}, "repository": {"href": repository}},
            "url": url,
        }


def _source(body: Mapping[str, Any]) -> str:
    """The address to import from. Raises BadRequest."""
    parameters = body.get("parameters") or {}
    url = str((parameters.get("gitSource") or {}).get("url") or "")
    if parameters.get("tfvcSource"):
        raise invalid("The sandbox imports Git repositories only; the request has a tfvcSource.", GIT)
    if urlsplit(url).scheme not in SCHEMES:
        raise invalid(f"gitSource.url is an address that begins with https://; this is '{url}'.", GIT)
    return url


def _head(listed: str) -> str:
    """The branch that HEAD names at the source: `ref: refs/heads/main<TAB>HEAD`."""
    for line in listed.splitlines():
        if line.startswith("ref: "):
            return line.removeprefix("ref: ").split("\t", 1)[0]
    return ""


def _abandoned(record: Document) -> bool:
    return bool(record.body["status"] == "abandoned")
