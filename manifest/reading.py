"""Reads labs.toml and refuses what nobody could work with. Every error names the line."""

import re
import tomllib
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from manifest.errors import ManifestError
from manifest.lines import line_of, place_of
from manifest.model import File, Manifest, Module, Price, Region

T = TypeVar("T")
NAME = Path("labs") / "labs.toml"
LANES = ("both", "azure", "sandbox")
LEVELS = ("beginner", "intermediate", "advanced")
MODULE_ID = re.compile(r"M\d{1,2}")
CHECK_CODE = re.compile(r"[A-Z]{3}\d{3}")
REGION_ID = re.compile(r"m\d{1,2}-[a-z0-9-]+")


def find_manifest(start: Path) -> Path:
    """labs/labs.toml in the nearest folder at or above `start`. Raises ManifestError when there is none."""
    for folder in (start.absolute(), *start.absolute().parents):
        if (folder / NAME).is_file():
            return folder / NAME
    raise ManifestError(start, 0, f"no {NAME.as_posix()} here or in a folder above", "the folder of your clone")


def read_manifest(path: Path) -> Manifest:
    """What the file says. Raises ManifestError, with the line, for what is missing, unknown, doubled or of another
    type, and for a file that cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
        document = tomllib.loads(text)
    except OSError as problem:
        raise ManifestError(path, 0, problem.strerror or str(problem), "a file that can be read") from problem
    except UnicodeDecodeError as problem:
        raise ManifestError(path, 0, "bytes that are no UTF-8", "a text file") from problem
    except tomllib.TOMLDecodeError as problem:
        line, column = place_of(problem, text)
        raise ManifestError(path, line, str(problem), "TOML", column) from problem
    return _Reader(path, text, document).read()


class _Table:
    """One table of the document: hands out its values, typed, and remembers which keys were asked for."""

    def __init__(self, reader: "_Reader", name: str, index: int, values: Mapping[str, Any]) -> None:
        self.reader, self.name, self.index, self.values = reader, name, index, values
        self.asked: set[str] = set()

    def get(self, key: str, kind: type[T], default: T | None = None) -> T:
        """A value. Without a default it must be there. Raises ManifestError."""
        self.asked.add(key)
        value = self.values.get(key, default)
        if value is None:
            raise self.error(f"[{self.name}] has no {key}", f"{key} = ... ({kind.__name__})")
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise self.error(f"{key} is {value!r}", f"{kind.__name__}", key)
        return value

    def words(self, key: str, default: list[str] | None = None) -> tuple[str, ...]:
        """A list of texts."""
        values: list[Any] = self.get(key, list, default)
        if not all(isinstance(value, str) and value for value in values):
            raise self.error(f"{key} is {values!r}", "a list of texts", key)
        return tuple(values)

    def chosen(self, key: str, choices: tuple[str, ...]) -> str:
        """A text that is one of the choices."""
        value = self.get(key, str)
        if value not in choices:
            raise self.error(f"{key} is {value!r}", " or ".join(choices), key)
        return value

    def matching(self, key: str, pattern: re.Pattern[str], expected: str) -> str:
        """A text of a certain form."""
        value = self.get(key, str)
        if not pattern.fullmatch(value):
            raise self.error(f"{key} is {value!r}", expected, key)
        return value

    def end(self) -> None:
        """Raises ManifestError for a key that nobody asked for: most of them are typing errors."""
        for key in self.values:
            if key not in self.asked:
                raise self.error(f"the key {key}", f"one of {', '.join(sorted(self.asked))}", key)

    def error(self, seen: str, expected: str, key: str = "") -> ManifestError:
        return self.reader.error(seen, expected, self.name, self.index, key)


class _Reader:
    """One reading of one file."""

    def __init__(self, path: Path, text: str, document: Mapping[str, Any]) -> None:
        self.path, self.text, self.document = path, text, document
        self.prices: dict[str, Price] = {}

    def read(self) -> Manifest:
        known = {"checked", "names", "versions", "price", "module", "file", "region"}
        for key in self.document:
            if key not in known:
                raise self.error(f"[{key}]", f"one of {', '.join(sorted(known))}", key)
        self.prices = {price.id: price for price in self.each("price", self.price)}
        modules, files = self.each("module", self.module), self.each("file", self.file)
        regions = self.each("region", self.region)
        self.refer("file", [file.module for file in files], "module", {module.id for module in modules})
        self.refer("region", [region.module for region in regions], "module", {module.id for module in modules})
        self.refer("region", [region.file for region in regions], "file", {file.path for file in files})
        return Manifest(
            modules, regions, files, self.texts("names"), self.prices, self.texts("versions"), self.checked()
        )

    def checked(self) -> date:
        value = self.document.get("checked")
        if type(value) is not date:
            raise ManifestError(self.path, 1, f"checked is {value!r}", "a date, such as checked = 2026-11-24")
        return value

    def texts(self, table: str) -> Mapping[str, str]:
        values = self.document.get(table, {})
        for key, value in values.items():
            if not isinstance(value, str):
                raise self.error(f"{key} is {value!r}", "a text", table, 0, key)
        return dict(values)

    def each(self, table: str, make: Callable[[_Table], T]) -> tuple[T, ...]:
        """The entries of an array of tables. Raises ManifestError when two have the same identity."""
        entries = self.document.get(table, [])
        if not isinstance(entries, list):
            raise self.error(f"[{table}]", f"[[{table}]]: there are several", table)
        seen: set[str] = set()
        made = []
        for index, values in enumerate(entries):
            one = _Table(self, table, index, values)
            made.append(make(one))
            one.end()
            key = "path" if table == "file" else "id"
            if values[key] in seen:
                raise one.error(f"a second {table} {values[key]}", "each once", key)
            seen.add(values[key])
        return tuple(made)

    def refer(self, table: str, values: list[str], key: str, known: set[str]) -> None:
        """Raises ManifestError for a reference to something that is not there."""
        for index, value in enumerate(values):
            if value not in known:
                raise self.error(f"{key} is {value!r}, which is not declared", f"a [[{key}]]", table, index, key)

    def error(self, seen: str, expected: str, table: str, index: int = 0, key: str = "") -> ManifestError:
        return ManifestError(self.path, line_of(self.text, table, index, key), seen, expected)

    def price(self, table: _Table) -> Price:
        return Price(
            id=table.get("id", str),
            what=table.get("what", str),
            region=table.get("region", str),
            unit=table.get("unit", str),
            usd=table.get("usd", float),
            eur=table.get("eur", float),
            checked=table.get("checked", date),
            source=table.get("source", str),
            estimate=table.get("estimate", bool),
        )

    def module(self, table: _Table) -> Module:
        checks = table.words("checks", [])
        if wrong := [code for code in checks if not CHECK_CODE.fullmatch(code)]:
            raise table.error(f"checks has {wrong[0]!r}", "codes of three letters and three digits", "checks")
        return Module(
            id=table.matching("id", MODULE_ID, "M and a number"),
            slug=table.matching("slug", re.compile(r"\d\d-[a-z0-9-]+"), "the name of the page, such as 07-staging"),
            title=table.get("title", str),
            minutes=table.get("minutes", int),
            wait_minutes=table.get("wait_minutes", int, 0),
            lane=table.chosen("lane", LANES),
            level=table.chosen("level", LEVELS),
            objectives=table.words("objectives"),
            checks=checks,
            cost_per_day=self.cost(table),
            optional=table.get("optional", bool, False),
        )

    def cost(self, table: _Table) -> float:
        """USD per day of what a module leaves running: its units of each price a day."""
        total = 0.0
        for identity, units in table.get("units_per_day", dict, {}).items():
            if identity not in self.prices or not isinstance(units, int | float):
                raise table.error(
                    f"units_per_day has {identity} = {units!r}", "a [[price]] and a number", "units_per_day"
                )
            total += self.prices[identity].usd * units
        return round(total, 2)

    def file(self, table: _Table) -> File:
        return File(table.get("path", str), table.get("module", str), table.get("reason", str))

    def region(self, table: _Table) -> Region:
        region = Region(
            id=table.matching("id", REGION_ID, "the module and a name, such as m7-honest-errors"),
            module=table.get("module", str),
            file=table.get("file", str),
            reason=table.get("reason", str),
            starter=table.get("starter", str),
        )
        if not region.id.startswith(f"{region.module.lower()}-"):
            raise table.error(
                f"{region.id} of module {region.module}", f"an id that starts with {region.module.lower()}-", "id"
            )
        return region
