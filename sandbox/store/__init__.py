"""State: documents in SQLite and the records of long-running operations. Knows nothing of HTTP."""

from sandbox.store.database import Document, Documents, Store, Transaction, key_of
from sandbox.store.operations import LongOperation, begin_operation, finish_operation, get_operation

__all__ = [
    "Document",
    "Documents",
    "LongOperation",
    "Store",
    "Transaction",
    "begin_operation",
    "finish_operation",
    "get_operation",
    "key_of",
]
