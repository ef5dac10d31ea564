"""That a scoring address refuses who does not hold its key."""

from checker.checks.judgement import quote
from checker.clients.http import Reply
from checker.context import WRONG_KEY, CheckContext
from checker.errors import NothingListens, ServiceFault
from checker.model import Evidence, failed

REFUSED = frozenset({401, 403})
NOT_COMPARED = (
    "A key is there, and nobody compares it: score.py must compare the whole of it, not ask whether there is one."
)


def check_no_key_refused(context: CheckContext, url: str, *hints: str) -> Evidence:
    """Score without a key: enough where the platform, not the learner's code, compares keys. Raises as below."""
    without = _status(context, url, None, "a request without a key", hints)
    return Evidence(f"without a key {without}", {"without": str(without), "url": url})


def check_key_required(context: CheckContext, url: str, *hints: str) -> Evidence:
    """Score without a key and with a wrong one. Raises Fail when either is answered, AccessError when unreachable."""
    without = _status(context, url, None, "a request without a key", hints)
    wrong = _status(context, url, WRONG_KEY, "a request with a wrong key", (NOT_COMPARED,))
    return Evidence(
        f"without a key {without}, with a wrong one {wrong}", {"without": str(without), "wrong": str(wrong), "url": url}
    )


def _status(context: CheckContext, url: str, key: str | None, what: str, hints: tuple[str, ...]) -> int:
    reply = reach(context, url, key)
    if reply.status in REFUSED:
        return reply.status
    if reply.status in (502, 503, 504):
        raise ServiceFault(url, f"status {reply.status} from what stands before the model", "status 401")
    detail = "" if reply.status == 200 else f": {quote(reply.content.decode(errors='replace'))}"
    raise failed(f"{what} is answered with status {reply.status}{detail}", "status 401", *hints)


def reach(context: CheckContext, url: str, key: str | None) -> Reply:
    """The address's answer. Raises Fail when its host is there and nothing listens, AccessError otherwise."""
    try:
        return context.score(url, key)
    except NothingListens as error:
        raise failed(
            f"{url}: {error.seen}",
            "a model server at this address",
            "The platform says it runs, but nothing answers at its port.",
            "Compare the port in the deployment with the one the server listens on.",
        ) from error
