"""A diagnosis to paste: what is installed, what is looked at, what the last looks found. Made without any call.

Redaction is by construction: of the environment only names are told, but for a few whose values are no secret; every
text passes through the masking, and ids and the home folder are shortened.
"""

import platform
import re
import sys
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from checker import VERSION as CHECKER_VERSION
from checker.errors import CheckerError
from checker.masking import MASK, Secrets
from checker.model import Outcome
from checker.progress import open_store, remembered, remembered_quizzes
from checker.settings import GUID, ConfigurationError, Settings, read_settings

SCHEMA = "mlops-workshop/checker-bundle"
VERSION = 1
PACKAGES = ("azure-identity", "azure-core", "msal", "requests", "typer", "rich", "PyYAML", "azure-ai-ml")
PREFIXES = ("AZURE_", "ARM_", "WORKSHOP_", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "HTTPS_PROXY", "NO_PROXY", "MLOPS_")
SECRET_NAME = re.compile(r"SECRET|TOKEN|PAT(_|$)|KEY|PASSWORD|CREDENTIAL", re.IGNORECASE)
# What a log or a message may hold though nobody told the masking: tokens, signatures of addresses, keys.
SECRET_TEXT = re.compile(
    r"eyJ[\w-]{10,}\.[\w-]+\.[\w-]*|(?<=[?&]sig=)[^&\s]+|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"
    r"|(?<=AccountKey=)[^;\s]+|(?<=Bearer )\S+|(?<=Basic )\S+|\b[A-Za-z0-9]{52}\b|\b[A-Za-z0-9]{76,84}\b"
)
LOG_LINES = 40
SHOWN_OF_ID = 8


def collect(file: Path, environment: Mapping[str, str], log_file: Path) -> dict[str, Any]:
    """The diagnosis as a document for JSON. What cannot be read is said in its place, so that it always succeeds."""
    secrets = Secrets()
    for name, value in environment.items():
        if SECRET_NAME.search(name):
            secrets.add(value)
    document = {
        "schema": SCHEMA,
        "version": VERSION,
        "checker": CHECKER_VERSION,
        "python": f"{platform.python_version()} ({sys.implementation.name})",
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "packages": {name: _version(name) for name in PACKAGES},
        "environment": _environment(environment),
        **_attendee(file, environment),
        "log": _tail(log_file),
    }
    redacted: dict[str, Any] = _mapped(document, lambda text: redact(text, secrets))
    return redacted


def redact(text: str, secrets: Secrets) -> str:
    """The text without known secrets, without what looks like one, with short ids and `~` for the home folder."""
    masked = SECRET_TEXT.sub(MASK, secrets.mask(text))
    short = GUID.sub(lambda found: f"{found.group()[:SHOWN_OF_ID]}...", masked)
    return short.replace(str(Path.home()), "~") if Path.home() != Path(Path.home().anchor) else short


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def _environment(environment: Mapping[str, str]) -> dict[str, str]:
    named = sorted(name for name in environment if name.startswith(PREFIXES))
    return {name: MASK if SECRET_NAME.search(name) else environment[name] or "empty" for name in named}


def _attendee(file: Path, environment: Mapping[str, str]) -> dict[str, Any]:
    """Settings and last results; or why there are none."""
    try:
        settings = read_settings(file, environment)
    except ConfigurationError as error:
        return {"settings": f"{error.looked_at}: {error.seen}", "results": {}, "quizzes": {}}
    return {"settings": _settings(settings), **_history(settings)}


def _settings(settings: Settings) -> dict[str, Any]:
    devops = settings.devops
    return {
        "target": settings.metadata_url or "public Azure",
        "subscription": settings.subscription,
        "suffix": settings.suffix,
        "location": settings.location,
        "resource group": settings.names.resource_group,
        "organization": devops.organization or "not configured",
        "project": devops.project,
        "repository": devops.repository,
        "pipeline": f"{devops.pipeline} ({devops.yaml})",
        "service connection": devops.service_connection,
        "token": "given" if devops.token else "none",
        "staging key": "given" if settings.staging_key else "none",
    }


def _history(settings: Settings) -> dict[str, Any]:
    try:
        store = open_store()
        checks, quizzes = remembered(store, settings), remembered_quizzes(store, settings)
    except (CheckerError, OSError) as error:
        return {"results": f"they cannot be read: {error}", "quizzes": {}}
    open_ones = {code: memory for code, memory in checks.items() if memory.outcome is not Outcome.PASS}
    return {
        "passed": sum(memory.outcome is Outcome.PASS for memory in checks.values()),
        "results": {
            code: f"{memory.outcome.value} since {memory.since:%Y-%m-%d %H:%M} UTC  {memory.seen}".rstrip()
            for code, memory in open_ones.items()
        },
        "quizzes": {module: f"{quiz.right} of {quiz.total}" for module, quiz in quizzes.items()},
    }


def _tail(file: Path) -> list[str]:
    try:
        with file.open(encoding="utf-8", errors="replace") as lines:
            return [line.rstrip() for line in lines][-LOG_LINES:]
    except FileNotFoundError:
        return []
    except OSError as error:
        return [f"the log cannot be read: {error.strerror or error}"]


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {key: _mapped(one, change) for key, one in value.items()}
    if isinstance(value, list):
        return [_mapped(one, change) for one in value]
    return change(value) if isinstance(value, str) else value
