"""The site in a real browser: no accessibility violation in light and dark, names in commands, nothing from afar."""

import functools
import http.server
import shutil
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from pages.building import build_site, write_print
from pages.facts import write_facts
from pages.site import read_site
from tests.docs.test_site import REPOSITORY

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
LOOKED_AT = ("", "modules/00-preflight/", "modules/06-first-run/", "concepts/gates/")

browser_path = next(filter(None, map(shutil.which, BROWSERS)), None)
pytestmark = [pytest.mark.slow, pytest.mark.skipif(browser_path is None, reason="no Chromium is installed")]


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing: pytest shows what matters."""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The workshop's site, on a port of this machine."""
    site = read_site(REPOSITORY)
    write_facts(site)
    folder = build_site(site)
    write_print(site)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        opened = started.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Any]:
    """A page whose every request is noted in `asked`."""
    context = browser.new_context()
    opened = context.new_page()
    opened.asked = []
    opened.on("request", lambda request: opened.asked.append(request.url))
    yield opened
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_accessibility_violations(page: Any, address: str, scheme: str) -> None:
    """axe-core's rules, contrast among them, with every tab and note as a reader meets them."""
    from axe_playwright_python.sync_playwright import Axe

    page.emulate_media(color_scheme=scheme)
    found = []
    for path in LOOKED_AT:
        page.goto(f"{address}{path}", wait_until="load")
        for one in Axe().run(page).response["violations"]:
            found += [f"{path or 'start'}: {one['id']}: {_seen(node)}" for node in one["nodes"][:3]]
    assert not found, "\n".join(found)


def test_nothing_is_loaded_from_elsewhere(page: Any, address: str) -> None:
    """But for Mermaid, which the theme loads where a page has a diagram; the words beside it say the same."""
    page.goto(f"{address}modules/06-first-run/", wait_until="networkidle")
    assert [url for url in page.asked if not url.startswith((address, "data:"))] == []


def test_names_go_into_the_commands_and_stay(page: Any, address: str) -> None:
    page.goto(f"{address}modules/00-preflight/")
    command = page.locator("code", has_text="export WORKSHOP_SUFFIX=")
    assert "ada42" in command.first.text_content()
    page.get_by_role("button", name="Names").click()
    page.get_by_label("Suffix").fill("bob77")
    page.get_by_role("button", name="Keep").click()
    assert "WORKSHOP_SUFFIX=bob77" in command.first.text_content()
    page.reload()
    assert "WORKSHOP_SUFFIX=bob77" in command.first.text_content()
    page.get_by_role("button", name="Names").click()
    page.get_by_role("button", name="Forget").click()
    assert "ada42" in command.first.text_content()


def test_names_come_in_an_address_and_what_is_no_name_does_not(page: Any, address: str) -> None:
    page.goto(f"{address}modules/00-preflight/#names?suffix=eve33&organisation={'x' * 52}")
    assert "WORKSHOP_SUFFIX=eve33" in page.locator("code", has_text="export WORKSHOP_SUFFIX=").first.text_content()
    assert "names?" not in page.url
    assert page.evaluate("localStorage.getItem('mlops-workshop-names')") == '{"suffix":"eve33"}'


def test_everything_is_on_the_page_to_print(page: Any, address: str) -> None:
    page.goto(f"{address}print/")
    titles = page.locator("article > h1").all_text_contents()
    assert len(titles) == len(read_site(REPOSITORY).pages)
    hidden = page.locator(".tabbed-block:not(:visible)").count()
    assert hidden == 0, "paper has no tabs"


def _seen(node: dict[str, Any]) -> str:
    reason = node["any"][0]["message"] if node["any"] else node["failureSummary"]
    return f"{node['html'][:100]} ({reason})"
