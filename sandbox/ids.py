"""Identifiers, from one place so that a test can make them predictable."""

import secrets
import uuid


class Ids:
    """Random identifiers. GUIDs are lower-case text, as Azure writes them."""

    def guid(self) -> str:
        return str(uuid.uuid4())

    def secret(self, size: int = 32) -> str:
        """A URL-safe secret made from `size` random bytes."""
        return secrets.token_urlsafe(size)

    def short(self) -> str:
        """Eight hexadecimal digits, for names that people read."""
        return secrets.token_hex(4)


def derived_guid(*parts: str) -> str:
    """The same GUID for the same parts, whatever their case: for facts that are not stored."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "/".join(parts).lower()))
