"""git over HTTPS: clone, fetch and push, by git's own http-backend (azure-devops.md, 4).

The backend writes a CGI answer into a scratch file, which is then sent as it is; a pack is never held in memory.
Refused credentials are always 401 here, never a page to sign in on: git asks its credential helper and says so.
"""

import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from sandbox.devops.access import check_scope
from sandbox.devops.context import Context, find_project, require_organization
from sandbox.devops.policies import Policies
from sandbox.devops.problems import project_missing, repository_missing
from sandbox.devops.pushes import Pushes
from sandbox.devops.receiving import read_push, report, without
from sandbox.devops.repositories import REPOSITORIES, Repositories, collection_of
from sandbox.errors import ApiError, Forbidden
from sandbox.log import event
from sandbox.store import Document
from sandbox.wire import Body, Call, FilePart, Operation, Reply

LONGEST_HEADERS = 64 * 1024
SERVICES = {"upload": "git-upload-pack", "receive": "git-receive-pack"}
DISABLED = "TF401019: The repository '{name}' is disabled."


@dataclass(frozen=True)
class _Request:
    """One request to the backend: the repository, the path behind it, and who asks."""

    document: Document
    folder: Path
    suffix: str
    user: dict[str, str]


class Transport:
    """The `_git` addresses, with the project or, where it is named like the repository, without."""

    def __init__(self, context: Context, repositories: Repositories, pushes: Pushes, policies: Policies) -> None:
        self._context = context
        self._repositories = repositories
        self._pushes = pushes
        self._policies = policies
        self._outgoing = context.folder / "outgoing"
        self._outgoing.mkdir(parents=True, exist_ok=True)

    def operations(self) -> list[Operation]:
        made = []
        for where in ("/{organization}/{project}/_git/{repository}", "/{organization}/_git/{repository}"):
            rows: list[tuple[str, str, str, Callable[[Call], Reply]]] = [
                ("git_transport_info_refs", "GET", "/info/refs", self.info_refs),
                ("git_transport_upload_pack", "POST", "/git-upload-pack", self.upload_pack),
                ("git_transport_receive_pack", "POST", "/git-receive-pack", self.receive_pack),
            ]
            made += [
                Operation(name, method, where + suffix, handler, dialect="text", anonymous=True)
                for name, method, suffix, handler in rows
            ]
        return made

    def recover(self) -> None:
        """Answers that a killed server did not finish."""
        for leftover in self._outgoing.iterdir():
            leftover.unlink(missing_ok=True)

    def info_refs(self, call: Call) -> Reply:
        service = call.option("service")
        if service not in SERVICES.values():
            raise Forbidden("GitProtocol", "The sandbox speaks git's smart protocol only; update git.")
        return self._backend(call, self._request(call, "/info/refs", service == SERVICES["receive"]))

    def upload_pack(self, call: Call) -> Reply:
        return self._backend(call, self._request(call, "/git-upload-pack", False))

    def receive_pack(self, call: Call) -> Reply:
        """Refs that policies guard are refused one by one; the others of the same push go on."""
        request = self._request(call, "/git-receive-pack", True)
        push = read_push(call)
        asked = {one.name: self._policies.refusal(request.document, one) for one in push.updates}
        refused = {name: why for name, why in asked.items() if why}
        if push.updates and len(refused) == len(push.updates):
            return _reported(report(push, refused))
        with self._pushes.recording(request.document, request.user):
            if not refused:
                return self._backend(call, request)
            headers = {name: value for name, value in call.headers.items() if name != "content-encoding"}
            data = without(call, push, refused)
            fewer = replace(call, body=Body(data, None, len(data)), headers=headers)
            done = self._backend(fewer, request)
        return _reported(report(push, refused, _taken(done)))

    def _request(self, call: Call, suffix: str, writing: bool) -> _Request:
        user, scope = self._context.access.identify(call.headers)
        check_scope(scope, "git", "POST" if writing else "GET")
        document = self._find(call)
        if document.body["isDisabled"]:
            raise Forbidden("GitRepositoryDisabled", DISABLED.format(name=document.body["name"]))
        return _Request(document, self._repositories.folder(document), suffix, user.fields())

    def _find(self, call: Call) -> Document:
        """Raises NotFound with the text that git prints behind `remote:`."""
        name = call.params["repository"]
        organization = require_organization(self._context.store, call)
        project = find_project(self._context.store, organization, call.params.get("project", name))
        if project is None:
            raise project_missing(call.params.get("project", name))
        for one in self._context.store.list(REPOSITORIES, collection_of(project)):
            if name.lower() in (one.body["name"].lower(), one.body["id"]):
                return one
        raise repository_missing(name)

    def _backend(self, call: Call, request: _Request) -> Reply:
        path = self._outgoing / self._context.ids.guid()
        with path.open("wb") as output:
            errors = self._run(call, request, output.fileno())
        reply = _parsed(path)
        if reply is None:
            path.unlink(missing_ok=True)
            event("git failed", 40, path=call.path, error=errors)
            raise ApiError("GitFailed", f"git's http-backend gave no answer. It says: {errors or 'nothing'}")
        return reply

    def _run(self, call: Call, request: _Request, output: int) -> str:
        """Run the backend; returns what it wrote on standard error."""
        variables = self._context.git.environment(_variables(call, request))
        command = ["git", "http-backend"]
        if call.body.file:
            with call.body.file.open("rb") as spooled:
                done = subprocess.run(command, env=variables, stdin=spooled, stdout=output, stderr=subprocess.PIPE)
        else:
            done = subprocess.run(command, env=variables, input=call.body.data, stdout=output, stderr=subprocess.PIPE)
        return done.stderr.decode("utf-8", "replace").strip()


def _variables(call: Call, request: _Request) -> Mapping[str, str]:
    """The CGI variables that the backend reads. The protocol version and gzip come as headers."""
    found = {
        "GIT_PROJECT_ROOT": str(request.folder.parent),
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": f"/{request.folder.name}{request.suffix}",
        "REQUEST_METHOD": call.method,
        "QUERY_STRING": "&".join(f"{name}={value}" for name, value in call.query.items()),
        "CONTENT_TYPE": call.headers.get("content-type", ""),
        "CONTENT_LENGTH": str(call.body.size),
        "REMOTE_USER": request.user["uniqueName"],
        "REMOTE_ADDR": "127.0.0.1",
        "GIT_COMMITTER_NAME": request.user["displayName"],
        "GIT_COMMITTER_EMAIL": request.user["uniqueName"],
    }
    if call.headers.get("content-encoding"):
        found["HTTP_CONTENT_ENCODING"] = call.headers["content-encoding"]
    if call.headers.get("git-protocol"):
        found["GIT_PROTOCOL"] = call.headers["git-protocol"]
    return found


def _reported(data: bytes) -> Reply:
    headers = {"content-type": "application/x-git-receive-pack-result", "cache-control": "no-cache"}
    return Reply(200, data, headers)


def _taken(reply: Reply) -> bytes:
    """The body of a backend's answer, and its scratch file removed."""
    part = reply.body
    assert isinstance(part, FilePart), "the backend answers with a file"
    with part.path.open("rb") as file:
        file.seek(part.start)
        data = file.read(part.length)
    part.path.unlink(missing_ok=True)
    return data


def _parsed(path: Path) -> Reply | None:
    """The reply in a file of CGI output: headers, an empty line, the body. None where there is no such line."""
    with path.open("rb") as file:
        head = file.read(LONGEST_HEADERS)
    end = head.find(b"\r\n\r\n")
    if end < 0:
        return None
    lines = head[:end].decode("latin-1").split("\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    status = int(headers.pop("status", "200").split()[0])
    start = end + 4
    part = FilePart(path, start, path.stat().st_size - start, scratch=True)
    return replace(Reply(status, part), headers=headers)
