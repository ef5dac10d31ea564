"""The HTTP edge: an ASGI application that turns requests into Calls and Replies back into responses.

Order: read the body (spooled to a file when large) -> match -> fault -> authenticate -> handler in a worker
thread -> render. It is the only asynchronous code of the server, and one of the two places that catch everything.
"""

import asyncio
import logging
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl, unquote

from starlette.types import Receive, Scope, Send

from sandbox.errors import ApiError, NotImplementedHere
from sandbox.ids import Ids
from sandbox.log import event
from sandbox.wire.call import Body, Call, Principal
from sandbox.wire.faults import Fault, Faults
from sandbox.wire.render import render
from sandbox.wire.reply import FilePart, Reply
from sandbox.wire.routing import Match, Router

SPOOL_FROM = 1024 * 1024
CHUNK = 256 * 1024
WORKERS = 40

Authenticate = Callable[[Mapping[str, str]], Principal]


class _Disconnected(Exception):
    """The client went away while it sent the body: there is nobody to answer."""


class Gateway:
    """The ASGI application over a router."""

    def __init__(self, router: Router, faults: Faults, authenticate: Authenticate, incoming: Path, ids: Ids) -> None:
        self._router = router
        self._faults = faults
        self._authenticate = authenticate
        self._incoming = incoming
        self._ids = ids
        self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="call")
        self.seen: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        call = _call(scope)
        match = self._router.match(call.method, call.path, call.query)
        name = match.operation.name if match else "unmatched"
        self.seen[name] += 1
        fault = self._faults.take(name)
        if fault and fault.delay:
            await asyncio.sleep(fault.delay)
        if fault and not fault.status:
            event("dropped", operation=name, path=call.path)
            await _break_off(send)
            return
        try:
            body = await self._read_body(receive)
        except _Disconnected:
            event("disconnected", operation=name, path=call.path)
            return
        try:
            loop = asyncio.get_running_loop()
            reply = await loop.run_in_executor(self._workers, self._answer, replace(call, body=body), match, fault)
        finally:
            if body.file:
                body.file.unlink(missing_ok=True)
        try:
            await _send(send, reply, call, self._ids.guid())
        finally:
            if isinstance(reply.body, FilePart) and reply.body.scratch:
                reply.body.path.unlink(missing_ok=True)
        took = round((time.perf_counter() - started) * 1000, 1)
        level = logging.WARNING if reply.status >= 500 else logging.INFO
        event("request", level, operation=name, method=call.method, path=call.path, status=reply.status, ms=took)

    async def _read_body(self, receive: Receive) -> Body:
        chunks, size = [], 0
        stream = _stream(receive)
        async for chunk in stream:
            chunks.append(chunk)
            size += len(chunk)
            if size > SPOOL_FROM:
                return await self._spool(chunks, stream)
        return Body(data=b"".join(chunks), size=size)

    async def _spool(self, chunks: list[bytes], stream: AsyncIterator[bytes]) -> Body:
        with tempfile.NamedTemporaryFile(dir=self._incoming, delete=False) as file:
            path = Path(file.name)
            try:
                file.writelines(chunks)
                async for chunk in stream:
                    file.write(chunk)
            except _Disconnected:
                path.unlink()
                raise
            return Body(file=path, size=file.tell())

    def _answer(self, call: Call, match: Match | None, fault: Fault | None) -> Reply:
        """The reply to one call; runs in a worker thread."""
        dialect = match.operation.dialect if match else "arm"
        try:
            if fault:
                raise _injected(fault)
            if match is None:
                raise self._not_implemented(call)
            principal = None if match.operation.anonymous else self._authenticate(call.headers)
            named = replace(call, operation=match.operation.name, params=match.params, principal=principal)
            return match.operation.handler(named)
        except ApiError as error:
            return render(error, dialect)
        except Exception:
            logging.getLogger("sandbox").exception("handler failed", extra={"fields": {"path": call.path}})
            failure = ApiError("InternalServerError", "The sandbox failed. `sandbox logs` shows the traceback.")
            return render(failure, dialect)

    def _not_implemented(self, call: Call) -> NotImplementedHere:
        nearest = self._router.nearest(call.method, call.path)
        event("not implemented", logging.WARNING, method=call.method, path=call.path, nearest=nearest)
        return NotImplementedHere(
            "NotImplementedInSandbox",
            f"The sandbox does not implement {call.method} {call.path}. The nearest operation is {nearest}.",
        )

    def close(self) -> None:
        self._workers.shutdown(wait=False, cancel_futures=True)


def _injected(fault: Fault) -> ApiError:
    return ApiError(fault.code, fault.message, fault.headers, fault.status)


def _call(scope: Scope) -> Call:
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    path = unquote(scope["raw_path"].split(b"?", 1)[0].decode("latin-1"))
    query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
    host, port = scope["server"]
    base = f"{scope['scheme']}://{headers.get('host', f'{host}:{port}')}"
    return Call("", scope["method"], _single_slashes(path), base, query=query, headers=headers)


def _single_slashes(path: str) -> str:
    """`//metadata/endpoints` is `/metadata/endpoints`: `az` makes such paths (azure-cli.md); blob names keep theirs."""
    if ".blob." in path.split("/", 2)[1]:
        return path
    while "//" in path:
        path = path.replace("//", "/")
    return path


async def _stream(receive: Receive) -> AsyncIterator[bytes]:
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Disconnected
        more = message.get("more_body", False)
        yield message.get("body", b"")


async def _send(send: Send, reply: Reply, call: Call, request_id: str) -> None:
    length = reply.body.length if isinstance(reply.body, FilePart) else len(reply.body)
    named = {"x-ms-request-id": request_id, "content-length": str(length), **reply.headers}
    if call.headers.get("x-ms-client-request-id"):
        named["x-ms-client-request-id"] = call.headers["x-ms-client-request-id"]
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in named.items()]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    if call.method == "HEAD":
        await send({"type": "http.response.body", "body": b""})
    elif isinstance(reply.body, FilePart):
        await _send_file(send, reply.body)
    else:
        await send({"type": "http.response.body", "body": reply.body})


async def _break_off(send: Send) -> None:
    """Promise a byte and never send it: the server then closes the connection under the client."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")]})


async def _send_file(send: Send, part: FilePart) -> None:
    left = part.length
    with part.path.open("rb") as file:
        file.seek(part.start)
        while left > 0:
            chunk = file.read(min(CHUNK, left))
            if not chunk:
                break
            left -= len(chunk)
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


def parse_form(body: bytes) -> Mapping[str, str]:
    """A urlencoded form; Starlette's own parser would ask for a further package (azure-machine-learning.md, d 16)."""
    return dict(parse_qsl(body.decode("utf-8"), keep_blank_values=True))
