"""Who is in a class: attendees from CSV or YAML, and the settings to look at each of them. Never a secret in the file.

The file names organisation, project, subscription and suffix of each attendee; the resource group where it is not the
one of workshop.toml. Tokens of Azure DevOps come from the environment: AZURE_DEVOPS_EXT_PAT_<ORGANISATION> (capitals,
an underscore for what is neither letter nor digit), else AZURE_DEVOPS_EXT_PAT; the keys of staging, which Azure does
not give back, from WORKSHOP_STAGING_KEY_<SUFFIX>, else WORKSHOP_STAGING_KEY.
"""

import csv
import difflib
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from checker.errors import UsageError
from checker.settings import (
    DEVOPS_HOST,
    DEVOPS_SUFFIX,
    ORGANIZATION_TOKEN,
    ORGANIZATION_URL,
    ConfigurationError,
    DevOpsSettings,
    Names,
    Settings,
    read_settings,
)

SECRET = re.compile(r"(^|[^a-z])(pat|tokens?|keys?|secrets?|passwords?|pwd|sas|credentials?)($|[^a-z])")
REQUIRED = ("organization", "project", "subscription", "suffix")
ALSO_CALLED = {"organisation": "organization", "display": "name", "display_name": "name", "attendee": "name"}
STAGING_KEY = "WORKSHOP_STAGING_KEY"


@dataclass(frozen=True)
class Attendee:
    """One row. What is '' is as workshop.toml says; `name` is what the instructor says, the suffix without one."""

    name: str
    organization: str
    project: str
    subscription: str
    suffix: str
    resource_group: str = ""
    repository: str = ""
    service_connection: str = ""
    pipeline: str = ""
    yaml: str = ""


COLUMNS = tuple(entry.name for entry in fields(Attendee))


@dataclass(frozen=True)
class Roster:
    """A class, in the order of the file."""

    file: Path
    attendees: tuple[Attendee, ...]


@dataclass(frozen=True)
class _Row:
    """One row as it was read: its place in the file, in words, and its cells by column."""

    place: str
    cells: Mapping[str, str]


def read_roster(file: Path) -> Roster:
    """The attendees of a file that ends in .csv, .yml or .yaml. Raises UsageError with row and column."""
    text = _text(file)
    rows = list(_yaml_rows(file, text) if file.suffix in (".yml", ".yaml") else _csv_rows(file, text))
    attendees = tuple(_attendee(file, row) for row in rows)
    if not attendees:
        raise _refused(file, "no attendee", f"a row for each attendee, with {', '.join(REQUIRED)}")
    _refuse_doubles(file, rows, attendees)
    return Roster(file, attendees)


def settings_of(attendee: Attendee, kit: Path, environment: Mapping[str, str]) -> Settings:
    """What to look at for an attendee: the kit's workshop.toml with the attendee's names. Raises ConfigurationError."""
    address = _address(attendee, environment)
    own = {
        "WORKSHOP_SUFFIX": attendee.suffix,
        "AZURE_SUBSCRIPTION_ID": attendee.subscription,
        ORGANIZATION_URL: address,
        ORGANIZATION_TOKEN: token_of(address, environment),
        STAGING_KEY: environment.get(f"{STAGING_KEY}_{attendee.suffix.upper()}") or environment.get(STAGING_KEY, ""),
    }
    settings = read_settings(kit, {**environment, **own})
    return replace(settings, names=_names(attendee, settings.names), devops=_devops(attendee, settings.devops))


def token_of(address: str, environment: Mapping[str, str]) -> str:
    """The token for an organisation's address, '' when there is none."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    name = host.removesuffix(DEVOPS_SUFFIX) if host.endswith(DEVOPS_SUFFIX) else parts.path.strip("/")
    variable = re.sub(r"[^A-Z0-9]", "_", name.upper())
    return environment.get(f"{ORGANIZATION_TOKEN}_{variable}") or environment.get(ORGANIZATION_TOKEN, "")


def _names(attendee: Attendee, names: Names) -> Names:
    return replace(names, resource_group=attendee.resource_group) if attendee.resource_group else names


def _devops(attendee: Attendee, kit: DevOpsSettings) -> DevOpsSettings:
    """The repository that comes with a project has its name: where the kit takes that one, so does the attendee."""
    repository = attendee.project if kit.repository == kit.project else kit.repository
    return replace(
        kit,
        project=attendee.project,
        repository=attendee.repository or repository,
        service_connection=attendee.service_connection or kit.service_connection,
        pipeline=attendee.pipeline or kit.pipeline,
        yaml=attendee.yaml.lstrip("/") or kit.yaml,
    )


def _address(attendee: Attendee, environment: Mapping[str, str]) -> str:
    """The organisation's address. A token goes there, so a roster may name Microsoft's hosts, and the one that the
    environment names: a name alone is taken to be on that one, else on dev.azure.com. Raises ConfigurationError.
    """
    given = attendee.organization.rstrip("/")
    ours = urlsplit(environment.get(ORGANIZATION_URL, ""))
    foreign = bool(ours.hostname) and not _is_microsofts(ours.hostname or "")
    if "/" not in given:
        return f"{ours.scheme}://{ours.netloc}/{given}" if foreign else f"https://{DEVOPS_HOST}/{given}"
    parts = urlsplit(given)
    if parts.scheme == "https" and (_is_microsofts(parts.hostname or "") or parts.netloc == ours.netloc):
        return given
    raise ConfigurationError(
        f"the roster, attendee {attendee.name}, organization",
        f"`{given}`",
        f"a name, or an https address on {DEVOPS_HOST} or on the host of {ORGANIZATION_URL}: a token is sent there",
    )


def _is_microsofts(host: str) -> bool:
    return host == DEVOPS_HOST or host.endswith(DEVOPS_SUFFIX)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        seen = error.strerror or str(error) if isinstance(error, OSError) else "it is not UTF-8 text"
        raise _refused(file, f"it cannot be read: {seen}", "a CSV or YAML file of attendees") from error


def _csv_rows(file: Path, text: str) -> Iterator[_Row]:
    """Separated by commas or, as some spreadsheets write it, by semicolons; the separator is that of the first line."""
    first = text.split("\n", 1)[0]
    reader = csv.reader(io.StringIO(text), delimiter=";" if first.count(";") > first.count(",") else ",")
    header = [_column(file, name, f"column {index}") for index, name in enumerate(next(reader, []), start=1)]
    _check_header(file, header)
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            raise _refused(file, f"row {reader.line_num} has {len(cells)} cells", f"{len(header)}, as the first row")
        yield _Row(f"row {reader.line_num}", dict(zip(header, (cell.strip() for cell in cells), strict=True)))


def _yaml_rows(file: Path, text: str) -> Iterator[_Row]:
    import yaml

    try:
        document: Any = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise _refused(file, f"{place}{getattr(error, 'problem', error)}", "YAML") from error
    entries = document.get("attendees") if isinstance(document, dict) else document
    if not isinstance(entries, list):
        raise _refused(file, "no list of attendees", "attendees: and below it a list")
    for number, entry in enumerate(entries, start=1):
        if not isinstance(entry, dict):
            raise _refused(file, f"entry {number} is {entry!r}", "names and values, as suffix: abc")
        cells = {_column(file, str(name), f"entry {number}"): _cell(value) for name, value in entry.items()}
        _check_header(file, list(cells), f"entry {number}: ")
        yield _Row(f"entry {number}", cells)


def _cell(value: object) -> str:
    return "" if value is None else str(value).strip()


def _column(file: Path, name: str, place: str) -> str:
    """A column by its proper name. Raises UsageError for one that is unknown, or looks as if it held secrets."""
    plain = re.sub(r"[\s-]+", "_", name.strip().lower())
    column = ALSO_CALLED.get(plain, plain)
    if SECRET.search(plain.replace("_", " ")):
        expected = (
            f"no secret in a roster: tokens come from {ORGANIZATION_TOKEN} or {ORGANIZATION_TOKEN}_<ORGANISATION>"
        )
        raise _refused(file, f"{place} is `{name}`", expected)
    if column not in COLUMNS:
        near = difflib.get_close_matches(column, COLUMNS, n=1)
        seen = f"{place} is `{name}`" + (f"; near it is `{near[0]}`" if near else "")
        raise _refused(file, seen, f"one of {', '.join(COLUMNS)}")
    return column


def _check_header(file: Path, header: list[str], place: str = "") -> None:
    if missing := [name for name in REQUIRED if name not in header]:
        raise _refused(file, f"{place}no {', '.join(missing)}", f"{', '.join(REQUIRED)}; name and resource_group too")
    if doubled := [name for name in header if header.count(name) > 1]:
        raise _refused(file, f"{place}`{doubled[0]}` is there twice", "each column once")


def _attendee(file: Path, row: _Row) -> Attendee:
    for column in REQUIRED:
        if not row.cells[column]:
            raise _refused(file, f"{row.place}, column {column} is empty", f"the attendee's {column}")
    cells = {name: value for name, value in row.cells.items() if name != "name"}
    return Attendee(name=row.cells.get("name") or row.cells["suffix"], **cells)


def _refuse_doubles(file: Path, rows: list[_Row], attendees: tuple[Attendee, ...]) -> None:
    places: dict[tuple[str, ...], str] = {}
    for row, attendee in zip(rows, attendees, strict=True):
        names = (attendee.organization, attendee.project, attendee.subscription, attendee.suffix)
        for key in (("name", attendee.name), tuple(part.lower() for part in names)):
            if key in places:
                raise _refused(file, f"{row.place} is the same attendee as {places[key]}", "each attendee once")
            places[key] = row.place


def _refused(file: Path, seen: str, expected: str) -> UsageError:
    return UsageError(f"the roster {file.name}", seen, expected, (f"open {file.name}", "checker class check --help"))
