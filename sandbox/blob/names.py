"""Names: which ones the service accepts, and how a blob's name becomes a path that any file system holds.

The coding is reversible. A segment that is empty becomes `%`, `.` and `..` become `%2E` and `%2E%2E`; in any other
segment only the characters that a file system refuses, and a dot or space at its end, are percent-encoded.
"""

import os
import re
from urllib.parse import unquote

from sandbox.errors import BadRequest

ACCOUNT = re.compile(r"[a-z0-9]{3,24}")
CONTAINER = re.compile(r"\$(?:root|web|logs)|(?=.{3,63}$)[a-z0-9]+(?:-[a-z0-9]+)*")
REFUSED = re.compile(r'[%\x00-\x1f\x7f:\\<>"|?*]|[. ]$')
LONGEST_NAME = 1024
LONGEST_SEGMENT = 255  # bytes; what the usual file systems hold


def check_account(account: str) -> str:
    """The account's name. Raises BadRequest in the service's words."""
    if not ACCOUNT.fullmatch(account):
        raise BadRequest("InvalidResourceName", f"The specified resource name contains invalid characters: {account}.")
    return account


def check_container(container: str) -> str:
    """The container's name: 3 to 63 of a-z, 0-9 and single dashes, or $root, $web, $logs. Raises BadRequest."""
    if not CONTAINER.fullmatch(container):
        raise BadRequest(
            "InvalidResourceName", f"The specified resource name contains invalid characters: {container}."
        )
    return container


def encode_segment(segment: str) -> str:
    """One segment of a blob's name as the name of a file or folder."""
    if segment in ("", ".", ".."):
        return "%" + segment.replace(".", "2E%").rstrip("%")
    return REFUSED.sub(lambda found: f"%{ord(found[0]):02X}", segment)


def decode_segment(name: str) -> str:
    """The inverse of `encode_segment`."""
    return "" if name == "%" else unquote(name)


def encode_name(name: str) -> tuple[str, ...]:
    """The path of a blob's name below its container. Raises BadRequest for a name that cannot be a path."""
    if not name or len(name) > LONGEST_NAME:
        raise BadRequest("InvalidUri", f"A blob's name has 1 to {LONGEST_NAME} characters; this one has {len(name)}.")
    segments = tuple(encode_segment(segment) for segment in name.split("/"))
    longest = max(len(segment.encode("utf-8", "surrogatepass")) for segment in segments)
    if longest > LONGEST_SEGMENT:
        raise BadRequest(
            "InvalidUri",
            f"The sandbox keeps a blob as a file: each part of its name between slashes has at most {LONGEST_SEGMENT} "
            f"bytes; one has {longest}.",
        )
    return segments


def decode_name(segments: tuple[str, ...]) -> str:
    """The inverse of `encode_name`."""
    return "/".join(decode_segment(segment) for segment in segments)


def local_name(name: str) -> tuple[str, ...]:
    """The path of a blob's name in a folder that is not the store's: as it is, where that stays in the folder."""
    if os.name == "nt":
        return encode_name(name)
    return tuple(encode_segment(one) if one in ("", ".", "..") or "\0" in one else one for one in name.split("/"))
