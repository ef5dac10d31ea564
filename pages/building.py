"""The site by its builder, and what is made of the built site: an archive to read offline, and one page to print."""

import html
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from pages.errors import PageError, Problem
from pages.site import BUILD, CONFIGURATION, Site

OFFLINE = "mkdocs.offline.yml"
PRINTED = Path("print") / "index.html"
ARTICLE = re.compile(r"<article\b[^>]*>(?P<inside>.*?)</article>", re.DOTALL)
REFERENCE = re.compile(r'(?P<name>\b(?:id|for|name|href|src|aria-labelledby))="(?P<value>[^"]*)"')
PERMALINK = re.compile(r'<a class="headerlink"[^>]*>[^<]*</a>')
DATED = (2026, 1, 1, 0, 0, 0)  # every entry of the archive, so that one site gives one archive
QUIET = {"NO_MKDOCS_2_WARNING": "1"}  # the theme's advertisement of its successor
SCHEMES = ("http", "https", "mailto", "data")


def build_site(site: Site, configuration: str = CONFIGURATION, output: Path | None = None) -> Path:
    """Build strictly; the folder of the site. Raises PageError with the builder's own words."""
    target = output or site.output
    shutil.rmtree(target, ignore_errors=True)
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--config-file", configuration]
    done = subprocess.run(  # not quietly: a warning that is not shown is not counted either
        [*command, "--site-dir", str(target)],
        cwd=site.root,
        env={**os.environ, **QUIET},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if done.returncode:
        raise PageError(Problem(configuration, 0, f"the builder ends with an error:\n{done.stdout}{done.stderr}"))
    return target


def write_archive(site: Site) -> Path:
    """A zip of the site that a browser reads from the disk: links with file names, and a search without a server."""
    folder = build_site(site, OFFLINE, site.root / BUILD / "offline")
    path = site.root / BUILD / "mlops-on-azure-site.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(one for one in folder.rglob("*") if one.is_file()):
            entry = zipfile.ZipInfo(f"mlops-on-azure/{file.relative_to(folder).as_posix()}", DATED)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, file.read_bytes())
    return path


def write_print(site: Site) -> Path:
    """All pages of the navigation on one, in the built site. Raises PageError for a page that was not built."""
    target = site.output / PRINTED
    target.parent.mkdir(parents=True, exist_ok=True)
    articles = "\n".join(_article(site, page) for page in site.pages)
    styles = "\n".join(
        f'<link rel="stylesheet" href="../{one.relative_to(site.output).as_posix()}">'
        for one in sorted(site.output.glob("assets/**/*.css"))
    )
    target.write_text(_document(articles, styles), encoding="utf-8")
    return target


def _document(articles: str, styles: str) -> str:
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>MLOps on Azure, on one page</title>\n{styles}\n</head>\n"
        f'<body data-md-color-scheme="default" class="one-page">\n<main class="md-content">\n{articles}\n</main>\n'
        "</body>\n</html>\n"
    )


def _article(site: Site, page: str) -> str:
    built = site.output / _address(page) / "index.html"
    found = ARTICLE.search(built.read_text(encoding="utf-8")) if built.is_file() else None
    if found is None:
        raise PageError(Problem(page, 0, f"{built} has no article: build the site first"))
    inside = PERMALINK.sub("", found["inside"])
    moved = REFERENCE.sub(lambda one: _moved(site, page, one), inside)
    return f'<article class="md-typeset" id="{_key(page)}">{moved}</article>'


def _moved(site: Site, page: str, found: re.Match[str]) -> str:
    """An attribute as it is right on the one page: names made distinct, links to pages turned into links to them."""
    name, value = found["name"], html.unescape(found["value"])
    if name in ("id", "for", "name", "aria-labelledby"):
        return f'{name}="{_key(page)}--{value}"'
    parts = urlsplit(value)
    if parts.scheme in SCHEMES:
        return found[0]
    if not parts.path:
        return f'{name}="#{_key(page)}--{parts.fragment}"'
    path = _resolved(_address(page), parts.path)
    linked = next((one for one in site.pages if _address(one) == path), None)
    if linked is None:
        return f'{name}="../{path}"'
    return f'{name}="#{_key(linked)}{f"--{parts.fragment}" if parts.fragment else ""}"'


def _resolved(base: str, relative: str) -> str:
    parts: list[str] = list(PurePosixPath(base).parts)
    for part in PurePosixPath(relative).parts:
        if part == "..":
            parts = parts[:-1]
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


def _address(page: str) -> str:
    """Where the builder puts a page, relative to the site."""
    path = PurePosixPath(page)
    return path.parent.as_posix().replace(".", "", 1) if path.name == "index.md" else path.with_suffix("").as_posix()


def _key(page: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", page.removesuffix(".md").lower()).strip("-")


def weights(folder: Path) -> Iterator[tuple[str, int]]:
    """Each page of a built site with its bytes, without what it loads."""
    for file in sorted(folder.rglob("*.html")):
        yield file.relative_to(folder).as_posix(), file.stat().st_size
