"""Settings of one run: `workshop.toml`, overridden by the environment, in one frozen object.

The command line makes it once. Nobody else reads the environment, but for azure-identity and requests, which read
their own documented variables.
"""

import difflib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

FILE_NAME = "workshop.toml"
SUFFIX = re.compile(r"[a-z0-9]{3,8}")
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
RUNTIME_VARIABLE = "WORKSHOP_RUNTIME"  # the Python that has what the learner's scripts import
ORGANIZATION_URL = "AZURE_DEVOPS_ORG_URL"
ORGANIZATION_TOKEN = "AZURE_DEVOPS_EXT_PAT"  # the variable that the Azure DevOps extension of the Azure CLI reads
DEVOPS_HOST = "dev.azure.com"
DEVOPS_SUFFIX = ".visualstudio.com"
ENVIRONMENTS = 2  # staging, then production


class ConfigurationError(Exception):
    """A configuration that cannot be used: which file, which line where it is known, what is there, what belongs there.

    Not one of `errors.CheckerError`: settings sit at the bottom of the checker and import nothing of it.
    """

    def __init__(
        self, file: str, seen: str, expected: str, commands: tuple[str, ...] = (), line: int | None = None
    ) -> None:
        super().__init__(f"{file}: {seen}")
        self.looked_at = file if line is None else f"{file}, line {line}"
        self.seen = seen
        self.expected = expected
        self.commands = commands


@dataclass(frozen=True)
class Names:
    """The names of the attendee's resources, as `[names]` of workshop.toml gives them with the suffix put in."""

    resource_group: str
    workspace: str
    compute: str
    registry: str
    kubernetes_cluster: str
    data_asset: str
    holdout_asset: str
    environment: str
    experiment: str
    model: str
    image: str
    staging: str
    production: str


@dataclass(frozen=True)
class DevOpsSettings:
    """Where the attendee works on Azure DevOps: `[devops]` of workshop.toml, and who looks.

    `organization` is its address, or None when none is configured; `token` is a personal access token, a secret.
    """

    organization: str | None
    project: str
    repository: str
    service_connection: str
    pipeline: str
    yaml: str
    staging_environment: str
    production_environment: str
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Settings:
    """What one run looks at. `metadata_url` is None on public Azure; `staging_key` is None when nobody gave one.

    `runtime` is the interpreter that somebody chose for the learner's scripts, None when the checker is to look for it.
    """

    file: Path
    suffix: str
    subscription: str
    location: str
    names: Names
    devops: DevOpsSettings
    metadata_url: str | None = None
    client_secret_login: bool = False
    staging_key: str | None = None
    runtime: Path | None = None


def find_file(start: Path) -> Path:
    """The nearest workshop.toml, from `start` upwards. Raises ConfigurationError when there is none."""
    for folder in (start, *start.parents):
        candidate = folder / FILE_NAME
        if candidate.is_file():
            return candidate
    raise ConfigurationError(
        str(start),
        f"there is no {FILE_NAME} here or in any folder above",
        f"{FILE_NAME} at the root of your repository",
        ("cd <your repository>", f"checker check --config <path to {FILE_NAME}>"),
    )


def read_settings(file: Path, environment: Mapping[str, str], staging_key_file: Path | None = None) -> Settings:
    """Settings from the file and the environment, which wins. Raises ConfigurationError."""
    text = _read(file)
    document = _parse(file, text)
    reader = _Reader(file, text, document)
    suffix = _suffix(reader, environment)
    return Settings(
        file=file,
        suffix=suffix,
        subscription=_subscription(reader, environment),
        location=environment.get("AZURE_LOCATION") or reader.text("azure", "location"),
        names=_names(reader, suffix),
        devops=_devops(reader, suffix, environment),
        metadata_url=_metadata_url(environment),
        client_secret_login=bool(environment.get("AZURE_CLIENT_ID") and environment.get("AZURE_CLIENT_SECRET")),
        staging_key=_staging_key(environment, staging_key_file),
        runtime=Path(environment[RUNTIME_VARIABLE]).expanduser() if environment.get(RUNTIME_VARIABLE) else None,
    )


@dataclass(frozen=True)
class _Reader:
    """The parsed document together with its text, so that a message can name the line."""

    file: Path
    source: str
    document: Mapping[str, Any]

    def text(self, section: str, key: str) -> str:
        value = self._value(section, key)
        if not isinstance(value, str):
            raise self.error(section, key, f"{key} = {value!r}", f"{key} as text in double quotes")
        return value

    def texts(self, section: str, key: str, count: int) -> list[str]:
        value = self._value(section, key)
        fits = isinstance(value, list) and len(value) == count and all(isinstance(one, str) and one for one in value)
        if not fits:
            raise self.error(section, key, f"{key} = {value!r}", f"{key} as a list of {count} texts")
        return [str(one) for one in value]

    def _value(self, section: str, key: str) -> Any:
        table = self.document.get(section, {})
        if not isinstance(table, dict):
            raise self.error(section, None, f"`{section}` is not a table", f"a section [{section}]")
        if key not in table:
            raise self._missing(section, key, list(table))
        return table[key]

    def _missing(self, section: str, key: str, present: list[str]) -> ConfigurationError:
        near = difflib.get_close_matches(key, present, n=1)
        seen = f"[{section}] has no `{key}`" + (f", but it has `{near[0]}`" if near else "")
        return self.error(section, near[0] if near else None, seen, f'{key} = "..." in [{section}]')

    def error(self, section: str, key: str | None, seen: str, expected: str) -> ConfigurationError:
        line = line_of(self.source, section, key)
        return ConfigurationError(str(self.file), seen, expected, (f"open {self.file.name}", "checker check"), line)


def line_of(source: str, section: str, key: str | None) -> int | None:
    """The line, from 1, of a key in a section (of the section itself without a key), or None."""
    current = ""
    for number, line in enumerate(source.splitlines(), start=1):
        header = re.match(r"\s*\[([^\[\]]+)\]", line)
        if header:
            current = header.group(1).strip()
            if current == section and key is None:
                return number
        elif key is not None and current == section and re.match(rf'\s*"?{re.escape(key)}"?\s*=', line):
            return number
    return None


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "the file is not UTF-8 text"
        raise ConfigurationError(
            str(file), f"the file cannot be read: {reason}", f"a readable {FILE_NAME}", ("checker check --config FILE",)
        ) from error


def _parse(file: Path, text: str) -> Mapping[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        place = re.search(r"\s*\(at line (\d+), column (\d+)\)", message)
        line = int(place.group(1)) if place else None
        seen = message.replace(place.group(0), f", column {place.group(2)}") if place else message
        raise ConfigurationError(
            str(file), seen, 'TOML: sections as [names], lines as key = "value"', ("checker check",), line
        ) from error


def _suffix(reader: _Reader, environment: Mapping[str, str]) -> str:
    expected = "3 to 8 lower-case letters and digits"
    given = environment.get("WORKSHOP_SUFFIX")
    if given:
        if not SUFFIX.fullmatch(given):
            raise ConfigurationError(
                "environment variable WORKSHOP_SUFFIX", f"`{given}`", expected, ("unset WORKSHOP_SUFFIX",)
            )
        return given
    suffix = reader.text("attendee", "suffix")
    if not SUFFIX.fullmatch(suffix):
        raise reader.error("attendee", "suffix", f'suffix = "{suffix}"', expected)
    return suffix


def _subscription(reader: _Reader, environment: Mapping[str, str]) -> str:
    given = environment.get("AZURE_SUBSCRIPTION_ID") or reader.text("azure", "subscription")
    if GUID.fullmatch(given):
        return given
    where = "environment variable AZURE_SUBSCRIPTION_ID" if environment.get("AZURE_SUBSCRIPTION_ID") else None
    commands = ("export AZURE_SUBSCRIPTION_ID=$(az account show --query id --output tsv)", "checker check")
    expected = "the id of a subscription, as 00000000-0000-0000-0000-000000000000"
    if where is None:
        line = line_of(reader.source, "azure", "subscription")
        seen = f'subscription = "{given}", and AZURE_SUBSCRIPTION_ID is not set'
        raise ConfigurationError(str(reader.file), seen, expected, commands, line)
    raise ConfigurationError(where, f"`{given}`", expected, commands)


def _names(reader: _Reader, suffix: str) -> Names:
    return Names(**{entry.name: _name(reader, entry.name, suffix) for entry in fields(Names)})


def _name(reader: _Reader, key: str, suffix: str) -> str:
    template = reader.text("names", key)
    name = _filled(reader, "names", key, template, suffix)
    if not NAME.fullmatch(name):
        raise reader.error("names", key, f'{key} = "{template}"', "a name of letters, digits, dots and hyphens")
    return name


def _filled(reader: _Reader, section: str, key: str, template: str, suffix: str) -> str:
    unknown = [word for word in PLACEHOLDER.findall(template) if word != "suffix"]
    if unknown:
        raise reader.error(section, key, f"{key} has the placeholder {{{unknown[0]}}}", "no placeholder but {suffix}")
    return template.replace("{suffix}", suffix)


def _devops(reader: _Reader, suffix: str, environment: Mapping[str, str]) -> DevOpsSettings:
    """Names on Azure DevOps may hold spaces; they are quoted where they become part of an address."""

    def name(key: str) -> str:
        text = _filled(reader, "devops", key, reader.text("devops", key), suffix)
        if not text.strip():
            raise reader.error("devops", key, f'{key} = "{text}"', "a name")
        return text

    staging, production = reader.texts("devops", "environments", ENVIRONMENTS)
    return DevOpsSettings(
        organization=_organization(reader, environment),
        project=name("project"),
        repository=name("repository"),
        service_connection=name("service_connection"),
        pipeline=name("pipeline"),
        yaml=name("yaml").lstrip("/"),
        staging_environment=_filled(reader, "devops", "environments", staging, suffix),
        production_environment=_filled(reader, "devops", "environments", production, suffix),
        token=environment.get(ORGANIZATION_TOKEN) or None,
    )


def _organization(reader: _Reader, environment: Mapping[str, str]) -> str | None:
    """The organisation's address, or None. A file may name Microsoft's hosts only: the token goes to this address, and
    the file may be somebody else's. The environment belongs to whoever runs the checker.
    """
    given = environment.get(ORGANIZATION_URL, "").rstrip("/")
    if given:
        if not _is_https(given):
            raise ConfigurationError(
                f"environment variable {ORGANIZATION_URL}",
                f"`{given}`",
                "https://dev.azure.com/<organisation>: a token is not sent over plain http",
                (f"export {ORGANIZATION_URL}=https://dev.azure.com/<organisation>", 'eval "$(sandbox env)"'),
            )
        return given
    named = reader.text("devops", "organization").rstrip("/")
    if not named:
        return None
    address = named if "/" in named else f"https://{DEVOPS_HOST}/{named}"
    host = urlsplit(address).hostname or ""
    if not _is_https(address) or not (host == DEVOPS_HOST or host.endswith(DEVOPS_SUFFIX)):
        expected = f"the organisation's name, or its address on {DEVOPS_HOST}; {ORGANIZATION_URL} may name another host"
        raise reader.error("devops", "organization", f'organization = "{named}"', expected)
    return address


def _is_https(address: str) -> bool:
    """Whether this is a plain https address that names an organisation: by its path, or by its host."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    named = bool(parts.path.strip("/")) or host.endswith(DEVOPS_SUFFIX)
    plain = not (parts.query or parts.fragment or parts.username or any(letter.isspace() for letter in address))
    return parts.scheme == "https" and bool(host) and named and plain


def _metadata_url(environment: Mapping[str, str]) -> str | None:
    url = environment.get("ARM_CLOUD_METADATA_URL")
    if url and not url.startswith("https://"):
        raise ConfigurationError(
            "environment variable ARM_CLOUD_METADATA_URL",
            f"`{url}`",
            "an https address: a token is not sent over plain http",
            ("sandbox env", "unset ARM_CLOUD_METADATA_URL    (for public Azure)"),
        )
    return url or None


def _staging_key(environment: Mapping[str, str], file: Path | None) -> str | None:
    if file is None:
        return environment.get("WORKSHOP_STAGING_KEY") or None
    try:
        key = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigurationError(
            str(file), f"the key file cannot be read: {reason}", "a file that holds the staging key", ("checker check",)
        ) from error
    if not key:
        raise ConfigurationError(str(file), "the key file is empty", "the staging key", ("checker check",))
    return key
