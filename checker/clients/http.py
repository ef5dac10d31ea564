"""One HTTP client for one run: a reused connection pool, counted requests, and retries inside a time budget.

It knows no service. A redirect is never followed, so that a credential never travels to another host.
"""

import email.utils
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from checker.errors import AccessError, NothingListens, ServiceFault, Throttled, Unreachable
from checker.masking import Secrets

if TYPE_CHECKING:
    import requests

ATTEMPTS = 4
BUDGET_SECONDS = 20.0  # for one request, its retries and their pauses
CONNECT_SECONDS = 5.0
CONNECTIONS = 8  # to one host, kept
READ_SECONDS = 30.0
BODY_LIMIT = 16 * 1024 * 1024  # bytes; lists of a busy workspace stay far below
TRANSIENT = frozenset({408, 429, 500, 502, 503, 504})
FIRST_PAUSE_SECONDS = 0.2

log = logging.getLogger("checker.http")

Kind = Literal["read", "score", "devops"]


@dataclass(frozen=True)
class Request:
    """One request. `retried` are the statuses worth asking again for; `limit` bounds the answer in bytes."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: object = None
    kind: Kind = "read"
    retried: frozenset[int] = TRANSIENT
    limit: int = BODY_LIMIT

    @property
    def where(self) -> str:
        """The address without its query, which may hold a signature."""
        return self.url.split("?", 1)[0]

    @property
    def shown(self) -> str:
        return short(self.url)


@dataclass(frozen=True)
class Reply:
    """One answer, whole. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    where: str

    def json(self) -> Any:
        """The parsed body. Raises ServiceFault when it is not JSON."""
        try:
            return json.loads(self.content)
        except (ValueError, RecursionError) as error:
            kind = self.headers.get("content-type", "no content type")
            raise ServiceFault(
                short(self.where), f"the answer ({self.status}) is not JSON but {kind}", "JSON"
            ) from error

    @property
    def request_id(self) -> str:
        """Azure's request id, or what Azure DevOps calls the activity's."""
        return self.headers.get("x-ms-request-id") or self.headers.get("activityid", "")


def short(url: str) -> str:
    """The telling end of an ARM address: what follows the last provider; else the address without its query."""
    return url.split("?", 1)[0].rpartition("/providers/")[2]


class HttpClient:
    """A session with a lifetime of one run. Safe to use from several threads."""

    def __init__(
        self,
        secrets: Secrets,
        *,
        budget: float = BUDGET_SECONDS,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.secrets = secrets
        self.budget = budget
        self._sleep = sleep
        self._clock = clock
        self._lock = threading.Lock()
        self._session: requests.Session | None = None
        self._counts: dict[Kind, int] = {"read": 0, "score": 0, "devops": 0}
        self._request_ids: list[str] = []

    def send(self, request: Request) -> Reply:
        """The answer, whatever its status, after retries.

        Raises Throttled when 429 outlasts the budget, Unreachable when there is no answer, ServiceFault when the
        answer is larger than the limit.
        """
        began = self._clock()
        for attempt in range(1, ATTEMPTS + 1):
            outcome = self._attempt(request)
            if not worth_retrying(request, outcome):
                break
            pause = pause_seconds(outcome, attempt)
            if attempt == ATTEMPTS or self._clock() - began + pause > self.budget:
                break
            self._sleep(pause)
        if isinstance(outcome, AccessError):
            raise outcome
        if outcome.status == 429:
            raise throttled(request, outcome)
        return outcome

    @property
    def reads(self) -> int:
        return self._counts["read"]

    @property
    def scores(self) -> int:
        return self._counts["score"]

    @property
    def devops_reads(self) -> int:
        return self._counts["devops"]

    @property
    def request_ids(self) -> tuple[str, ...]:
        with self._lock:
            return tuple(self._request_ids)

    def _attempt(self, request: Request) -> Reply | AccessError:
        import requests

        with self._lock:
            self._counts[request.kind] += 1
        began = self._clock()
        try:
            reply = self._exchange(request)
        except requests.RequestException as error:
            log.debug("%s %s: %s", request.method, request.where, type(error).__name__)
            return unreachable(request, error)
        except ServiceFault as error:
            return error
        milliseconds = (self._clock() - began) * 1000
        log.debug("%s %s %s %.0f ms %s", request.method, request.where, reply.status, milliseconds, reply.request_id)
        if reply.request_id:
            with self._lock:
                self._request_ids.append(reply.request_id)
        return reply

    def _exchange(self, request: Request) -> Reply:
        with self._open().request(
            request.method,
            request.url,
            headers={"User-Agent": "mlops-workshop-checker", **request.headers},
            json=request.body,
            timeout=(CONNECT_SECONDS, READ_SECONDS),
            allow_redirects=False,
            stream=True,
            auth=_as_it_is,
        ) as answer:
            headers = {name.lower(): content for name, content in answer.headers.items()}
            content = self._read_body(request, answer.iter_content(65536))
            return Reply(answer.status_code, headers, content, request.where)

    def _read_body(self, request: Request, chunks: Iterator[bytes]) -> bytes:
        deadline = self._clock() + READ_SECONDS
        content = bytearray()
        for chunk in chunks:
            content += chunk
            if len(content) > request.limit:
                raise ServiceFault(request.shown, f"the answer is larger than {request.limit} bytes", "a small answer")
            if self._clock() > deadline:
                raise ServiceFault(
                    request.where, f"the answer trickles for over {READ_SECONDS:.0f} s", "a whole answer"
                )
        return bytes(content)

    def _open(self) -> "requests.Session":
        import requests
        from requests.adapters import HTTPAdapter

        from checker.clients.trust import TrustingAdapter

        with self._lock:
            if self._session is None:
                self._session = requests.Session()
                self._session.mount("https://", TrustingAdapter(CONNECTIONS))
                self._session.mount("http://", HTTPAdapter(pool_connections=CONNECTIONS, pool_maxsize=CONNECTIONS))
            return self._session


def _as_it_is(request: "requests.PreparedRequest") -> "requests.PreparedRequest":
    """An `auth` that changes nothing: without one, requests would put a ~/.netrc password over our header."""
    return request


def worth_retrying(request: Request, outcome: Reply | AccessError) -> bool:
    """Transient statuses and broken connections are asked again; a refused connection or a huge answer is not."""
    if isinstance(outcome, Reply):
        return outcome.status in request.retried
    return isinstance(outcome, Unreachable) and not isinstance(outcome, NothingListens)


def pause_seconds(outcome: Reply | AccessError, attempt: int, now: Callable[[], datetime] | None = None) -> float:
    """What the service asks for, else 0.2 s doubled with every attempt."""
    asked = retry_after_seconds(outcome.headers, now) if isinstance(outcome, Reply) else None
    return FIRST_PAUSE_SECONDS * 2 ** (attempt - 1) if asked is None else asked


def retry_after_seconds(headers: Mapping[str, str], now: Callable[[], datetime] | None = None) -> float | None:
    """Seconds from x-ms-retry-after-ms, retry-after-ms, or Retry-After (seconds or an HTTP date); None without."""
    for name in ("x-ms-retry-after-ms", "retry-after-ms"):
        milliseconds = _seconds(headers.get(name, ""))
        if milliseconds is not None:
            return milliseconds / 1000
    asked = headers.get("retry-after", "")
    seconds = _seconds(asked)
    return seconds if seconds is not None else _until(asked, now)


def _seconds(text: str) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if 0 <= seconds < float("inf") else None


def _until(text: str, now: Callable[[], datetime] | None) -> float | None:
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - (now() if now else datetime.now(UTC))).total_seconds())


def throttled(request: Request, reply: Reply) -> Throttled:
    asked = retry_after_seconds(reply.headers)
    when = f"in {asked:.0f} s" if asked else "in a minute"
    return Throttled(
        request.shown, f"429: too many requests; ask again {when}", "an answer", (f"checker check    ({when})",)
    )


def unreachable(request: Request, error: Exception) -> Unreachable:
    """The plain reason why there is no answer. Exception texts are not shown: they hold whole addresses."""
    import requests

    host = urlsplit(request.url).netloc
    if _caused_by(error, ConnectionRefusedError):
        return NothingListens(request.shown, f"nothing listens at {host}", "a service")
    if isinstance(error, requests.exceptions.SSLError):
        return Unreachable(
            request.shown,
            f"the certificate of {host} is not trusted here, or it does not speak TLS",
            "a certificate that REQUESTS_CA_BUNDLE (or the public roots) vouches for",
            ("echo $REQUESTS_CA_BUNDLE",),
        )
    if isinstance(error, requests.Timeout):
        return Unreachable(request.shown, f"{host} does not answer in time", "an answer")
    if _caused_by(error, OSError) and "resolve" in str(error).lower():
        return Unreachable(request.shown, f"the name {host} is not known to DNS", "a name that resolves")
    return Unreachable(request.shown, f"the connection to {host} broke", "an answer")


def _caused_by(error: BaseException | None, kind: type[BaseException]) -> bool:
    while error is not None:
        if isinstance(error, kind):
            return True
        error = error.__cause__ or error.__context__
    return False
