"""Lists: `{"value": [...]}` with a `nextLink` where there is more."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from sandbox.wire.call import Call
from sandbox.wire.reply import Reply

PAGE = 200


def page(call: Call, items: Sequence[Any], size: int = PAGE) -> Reply:
    """One page of `items`: `$skip` says where it starts, `$top` or `count` caps its size."""
    start = _number(call.option("$skip"), 0)
    size = min(_number(call.option("$top") or call.option("count"), size), size)
    answer: dict[str, Any] = {"value": list(items[start : start + size])}
    if start + size < len(items) and not call.option("$top"):
        query = {key: value for key, value in call.query.items() if key.lower() != "$skip"}
        answer["nextLink"] = f"{call.base}{call.path}?{urlencode({**query, '$skip': start + size})}"
    return Reply.json(answer)


def _number(text: str, default: int) -> int:
    return int(text) if text.isdigit() else default
