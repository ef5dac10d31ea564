"""Where the pages are and in which order: what mkdocs.yml says, read without the builder."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pages.errors import PageError, Problem

CONFIGURATION = "mkdocs.yml"
BUILD = Path("build")


@dataclass(frozen=True)
class Site:
    """A checkout with its pages. `pages` are relative to `docs`, in the order of the navigation."""

    root: Path
    docs: Path
    pages: tuple[str, ...]
    titles: dict[str, str]

    @property
    def output(self) -> Path:
        """Where the built site goes."""
        return self.root / BUILD / "site"

    def modules(self) -> tuple[str, ...]:
        """What a reader of the sandbox lane goes through: the set-up, then the modules."""
        return tuple(one for one in self.pages if one == "set-up.md" or one.startswith("modules/"))


class _Loader(yaml.SafeLoader):
    """Reads a configuration whose tags name Python functions, which only the builder follows."""


def _name(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> str:
    return suffix


_Loader.add_multi_constructor("tag:yaml.org,2002:python/", _name)
_Loader.add_multi_constructor("!", _name)


def read_site(root: Path, strict: bool = True) -> Site:
    """The site of a checkout. Raises PageError for a page of the navigation that does not exist, unless the pages that
    are made are to be made now."""
    path = root / CONFIGURATION
    loaded: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    docs = root / str(loaded.get("docs_dir", "docs"))
    titles = dict(_entries(loaded["nav"]))
    for page in titles:
        if strict and not (docs / page).is_file():
            raise PageError(Problem(CONFIGURATION, 0, f"the navigation names {page}, which does not exist"))
    return Site(root, docs, tuple(titles), titles)


def _entries(nav: list[Any]) -> Iterator[tuple[str, str]]:
    for entry in nav:
        if isinstance(entry, str):
            yield entry, ""
            continue
        for title, value in entry.items():
            if isinstance(value, list):
                yield from _entries(value)
            else:
                yield str(value), str(title)
