"""The wire: calls and replies, operation tables, error dialects, long-running operations, faults.

Knows HTTP and nothing of SQLite. A request goes: adapter -> router -> fault -> authentication -> handler -> reply,
or an ApiError that the operation's dialect renders.
"""

from sandbox.wire.call import Body, Call, Principal
from sandbox.wire.reply import FilePart, Reply
from sandbox.wire.routing import Operation, Router

__all__ = ["Body", "Call", "FilePart", "Operation", "Principal", "Reply", "Router"]
