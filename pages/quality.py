"""The gates that a page passes: headings, pictures, links, words. Each gives problems with their lines."""

import re
import subprocess
import sys
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from pages.errors import Problem
from pages.site import Site
from pages.words import AVOIDED, KNOWN

LINKS = "links.toml"
LINKS_HEAD = """# Every address outside the site. `seen` is the day on which somebody last opened it and found there
# what the page says; an address without it was not opened yet. Nothing here is fetched by a test.
"""
FENCE = re.compile(r"\s*(`{3,}|~{3,})")
HEADING = re.compile(r"(?P<marks>#{1,6})\s+(?P<text>.*?)\s*(?:\{[^}]*#(?P<id>[\w-]+)[^}]*\})?\s*#*$")
IMAGE = re.compile(r"!\[(?P<alt>[^\]]*)\]\(")
IMAGE_TAG = re.compile(r"<img\b(?P<rest>[^>]*)>", re.IGNORECASE)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<target>[^)\s]+)(?:\s+\"[^\"]*\")?\)")
BARE = re.compile(r"<(?P<target>https?://[^>]+)>")
CODE = re.compile(r"`[^`]*`")
COMMENT = re.compile(r"<!--.*?-->")
QUOTED = re.compile(r"\*[^*]+\*|\([^)\s]*\)|What just happened")  # the last is a heading of every module
EMPTY_ALT = frozenset({"", "image", "logo", "picture", "screenshot", "figure", "diagram"})


@dataclass(frozen=True)
class Line:
    """A line of a page outside its fences and comments; `plain` is the line without inline code."""

    number: int
    text: str
    plain: str


def check_pages(site: Site, names: Iterable[str] | None = None) -> list[Problem]:
    """Every problem of the pages, or of some of them."""
    chosen = tuple(names) if names is not None else site.pages
    links = read_links(site.docs / LINKS)
    problems: list[Problem] = []
    for page in chosen:
        lines = list(prose((site.docs / page).read_text(encoding="utf-8")))
        for gate in (headings, pictures, words):
            problems += [Problem(page, number, message) for number, message in gate(lines)]
        problems += _links(site, page, lines, links)
    return sorted([*problems, *spelling(site, chosen)])


def prose(text: str) -> Iterator[Line]:
    """The lines of a page that are not code."""
    closing = ""
    for number, line in enumerate(text.splitlines(), start=1):
        fence = FENCE.match(line)
        if closing:
            closing = "" if line.strip() == closing else closing
        elif fence:
            closing = fence[1]
        else:
            shown = COMMENT.sub("", line)
            yield Line(number, shown, CODE.sub("", shown))


def headings(lines: Iterable[Line]) -> Iterator[tuple[int, str]]:
    """One title, at the beginning; no level left out; no two headings of one page with the same text."""
    last, seen = 0, set[str]()
    for line in lines:
        found = HEADING.match(line.text)
        if not found:
            continue
        level = len(found["marks"])
        if level == 1 and last:
            yield line.number, "a second title: a page has one heading of level 1"
        if level > last + 1:
            yield line.number, f"a heading of level {level} after one of level {last}: no level is left out"
        if found["text"].lower() in seen:
            yield line.number, f"two headings say '{found['text']}': a link cannot tell them apart"
        seen.add(found["text"].lower())
        last = level
    if not last:
        yield 0, "a page begins with a title: # Title"


def pictures(lines: Iterable[Line]) -> Iterator[tuple[int, str]]:
    """Every picture says in words what it shows."""
    for line in lines:
        for found in IMAGE.finditer(line.text):
            if found["alt"].strip().lower() in EMPTY_ALT:
                yield line.number, f"a picture whose text is '{found['alt']}': say what it shows"
        for found in IMAGE_TAG.finditer(line.text):
            alt = re.search(r"alt=[\"']([^\"']*)", found["rest"])
            if not alt or alt[1].strip().lower() in EMPTY_ALT:
                yield line.number, "an <img> without a text: say in alt what it shows"


def words(lines: Iterable[Line]) -> Iterator[tuple[int, str]]:
    """Words that belittle, exclude, or leave the present tense. What is quoted from a screen, in italics, stays."""
    for line in lines:
        text = QUOTED.sub("", line.plain)
        for found in _avoided().finditer(text):
            word = found[0].lower()
            yield line.number, f"'{found[0]}': {AVOIDED[word]}"


@cache
def _avoided() -> re.Pattern[str]:
    names = "|".join(re.escape(word) for word in sorted(AVOIDED, key=len, reverse=True))
    return re.compile(rf"(?<![\w-])(?:{names})(?![\w-])", re.IGNORECASE)


# Links


def read_links(path: Path) -> Mapping[str, date | None]:
    """External addresses with the day on which somebody last opened each; None for one that nobody has opened yet.
    Raises OSError and TOMLDecodeError."""
    return {entry["url"]: entry.get("seen") for entry in tomllib.loads(path.read_text(encoding="utf-8"))["link"]}


def write_links(site: Site) -> None:
    """Bring the list in step with the pages: days stay, new addresses come without one, others go."""
    path = site.docs / LINKS
    known = read_links(path) if path.exists() else {}
    rows = [LINKS_HEAD]
    for url in sorted({target for _, _, target in external(site, site.pages)}):
        seen = known.get(url)
        rows.append(f'[[link]]\nurl = "{url}"\n' + (f"seen = {seen.isoformat()}\n" if seen else ""))
    path.write_text("\n".join(rows), encoding="utf-8")


def external(site: Site, names: Iterable[str]) -> Iterator[tuple[str, int, str]]:
    """Every external address: page, line, address."""
    for page in names:
        for line in prose((site.docs / page).read_text(encoding="utf-8")):
            for target in _targets(line):
                if urlsplit(target).scheme in ("http", "https"):
                    yield page, line.number, target


def _targets(line: Line) -> Iterator[str]:
    for pattern in (LINK, BARE):
        yield from (found["target"] for found in pattern.finditer(line.plain))


def _links(site: Site, page: str, lines: Iterable[Line], known: Mapping[str, date | None]) -> Iterator[Problem]:
    for line in lines:
        for target in _targets(line):
            message = _wrong(site, page, target, known)
            if message:
                yield Problem(page, line.number, message)


def _wrong(site: Site, page: str, target: str, known: Mapping[str, date | None]) -> str:
    """What is wrong with a link; empty where nothing is."""
    parts = urlsplit(target)
    if parts.scheme in ("http", "https"):
        return (
            ""
            if target in known
            else f"{target} is not in {LINKS}: python -m pages links --write, open it, and note the day"
        )
    if parts.scheme:
        return f"{target} is a link of the kind {parts.scheme}, which the pages do without"
    path = _joined(page, parts.path) if parts.path else page
    file = site.docs / path
    if path.startswith("../") or not file.is_file():
        return f"{target} leads to no file"
    if parts.fragment and path.endswith(".md") and parts.fragment not in anchors(file):
        return f"{target}: {path} has no heading with the anchor {parts.fragment}"
    return ""


def _joined(page: str, target: str) -> str:
    parts: list[str] = []
    for part in (*PurePosixPath(page).parent.parts, *PurePosixPath(target).parts):
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


def anchors(file: Path) -> set[str]:
    """The anchors of a page's headings, as Python-Markdown's toc makes them."""
    found: set[str] = set()
    for line in prose(file.read_text(encoding="utf-8")):
        heading = HEADING.match(line.text)
        if heading:
            found.add(heading["id"] or slug(heading["text"]))
        found.update(re.findall(r"\bid=[\"']([\w-]+)", line.text))
    return found


def slug(text: str) -> str:
    """The anchor of a heading, by the rule of Python-Markdown's toc extension."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text).replace("`", "").replace("*", "")
    letters = unicodedata.normalize("NFKD", plain).encode("ascii", "ignore").decode()
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", letters).strip().lower())


# Spelling


def spelling(site: Site, names: Iterable[str]) -> list[Problem]:
    """What codespell finds, in prose and in code. Raises FileNotFoundError where it is not installed."""
    files = [str(site.docs / page) for page in names]
    known = ",".join(KNOWN)
    command = [sys.executable, "-m", "codespell_lib", "--builtin", "clear,rare", f"--ignore-words-list={known}", *files]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    problems = []
    for row in done.stdout.splitlines():
        found = re.match(rf"{re.escape(str(site.docs))}/(?P<page>[^:]+):(?P<line>\d+): (?P<what>.*)", row)
        if found:
            problems.append(Problem(found["page"], int(found["line"]), f"spelling: {found['what']}"))
    if done.returncode and not problems:
        raise FileNotFoundError(f"codespell did not run: {done.stderr.strip()}")
    return problems
