"""Blob Storage: containers and blobs as files of this machine, shared access signatures, and the REST operations.

`files.py` is what other services use, as Protocols of their own; `operations.py` is what clients reach.
"""

from sandbox.blob.files import BlobFiles
from sandbox.blob.operations import Blobs
from sandbox.blob.sas import SharedAccess

__all__ = ["BlobFiles", "Blobs", "SharedAccess"]
