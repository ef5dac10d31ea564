"""TLS of one state folder: its own CA, a leaf for loopback, and the bundle that clients trust.

azure-core refuses to send a bearer token over plain http, so TLS is not optional (azure-machine-learning.md, b).
"""

import datetime
import os
import ssl
from pathlib import Path

from sandbox.settings import HOST, Settings


def ensure_certificates(settings: Settings) -> None:
    """Make what is missing. The CA's key stays in the state folder, readable by its owner only."""
    folder = settings.tls
    if (folder / "server.pem").exists() and settings.bundle.exists():
        return
    import trustme

    folder.mkdir(parents=True, exist_ok=True)
    years = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=3 * 365)
    authority = trustme.CA(organization_name="MLOps workshop sandbox")
    leaf = authority.issue_cert("localhost", HOST, organization_name="MLOps workshop sandbox", not_after=years)
    _write(folder / "ca.key", authority.private_key_pem.bytes(), secret=True)
    _write(folder / "ca.pem", authority.cert_pem.bytes())
    _write(folder / "server.key", leaf.private_key_pem.bytes(), secret=True)
    _write(settings.bundle, _public_roots() + b"\n" + authority.cert_pem.bytes())
    _write(folder / "server.pem", b"".join(part.bytes() for part in leaf.cert_chain_pems))


def _public_roots() -> bytes:
    """The roots that requests trusts today: a job still has to reach its package registry."""
    chosen = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("PIP_CERT")
    if chosen and Path(chosen).is_file():
        return Path(chosen).read_bytes()
    import certifi

    return Path(certifi.where()).read_bytes()


def _write(path: Path, content: bytes, secret: bool = False) -> None:
    scratch = path.with_suffix(path.suffix + ".new")
    scratch.touch(mode=0o600 if secret else 0o644)
    scratch.write_bytes(content)
    scratch.replace(path)


def server_context(settings: Settings) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(settings.tls / "server.pem", settings.tls / "server.key")
    return context
