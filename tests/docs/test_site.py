"""The site: built strictly by its builder and by the successor, its archive, its page to print, what is generated."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

from pages.building import OFFLINE, build_site, weights, write_archive, write_print
from pages.errors import PageError
from pages.facts import facts, write_facts
from pages.reference import out_of_step
from pages.site import CONFIGURATION, Site, read_site

REPOSITORY = Path(__file__).resolve().parents[2]
NAV = "nav:\n  - Start: index.md\n  - Module:\n      - Six: modules/06.md\n"
INDEX = "# Start\n\n[six](modules/06.md#step), [down](#down)\n\n## Down\n\nText.\n"
MODULE = """# Six

--8<-- "facts/M6.md"

## Step

=== "One"

    ```bash
    echo one
    ```

=== "Two"

    Back to the [start](../index.md).
"""


@pytest.fixture
def small(tmp_path: Path) -> Site:
    """Two pages with the workshop's own configuration."""
    head = (REPOSITORY / CONFIGURATION).read_text(encoding="utf-8").partition("\nnav:")[0]
    (tmp_path / CONFIGURATION).write_text(f"{head}\n{NAV}", encoding="utf-8")
    shutil.copy(REPOSITORY / OFFLINE, tmp_path / OFFLINE)
    shutil.copytree(REPOSITORY / "docs" / "assets", tmp_path / "docs" / "assets")
    (tmp_path / "docs" / "modules").mkdir()
    (tmp_path / "docs" / "index.md").write_text(INDEX, encoding="utf-8")
    (tmp_path / "docs" / "modules" / "06.md").write_text(MODULE, encoding="utf-8")
    (tmp_path / "labs").mkdir()
    shutil.copy(REPOSITORY / "labs" / "labs.toml", tmp_path / "labs" / "labs.toml")
    (tmp_path / "docs" / "measured.json").write_text(json.dumps({"date": "", "machine": "", "seconds": {}}))
    site = read_site(tmp_path)
    write_facts(site)
    return site


def test_built_printed_and_read_offline(small: Site) -> None:
    folder = build_site(small)
    module = (folder / "modules" / "06" / "index.html").read_text(encoding="utf-8")
    assert "You learn to:" in module, "the facts of the module are included"
    assert not re.search(r'(?:src|href)="https?://(?!squidfunk|github)[^"]*\.(?:css|js|woff2?)"', module)
    printed = write_print(small).read_text(encoding="utf-8")
    assert 'href="#modules-06--step"' in printed
    assert 'href="#index--down"' in printed
    assert 'href="#index"' in printed
    targets = set(re.findall(r'href="#([^"]+)"', printed))
    assert targets <= set(re.findall(r'\bid="([^"]+)"', printed)), "every link of the one page leads somewhere on it"
    assert dict(weights(folder))["index.html"] < 60_000
    with zipfile.ZipFile(write_archive(small)) as archive:
        names = archive.namelist()
        assert "mlops-on-azure/modules/06.html" in names
        assert 'href="modules/06.html#step"' in archive.read("mlops-on-azure/index.html").decode()


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("# Start\n\n[x](nowhere.md)\n", "nowhere.md"),
        ("# Start\n\n[x](modules/06.md#nowhere)\n", "nowhere"),
        ('# Start\n\n--8<-- "facts/M99.md"\n', "M99"),
        ('# Start\n\n--8<-- "docs/modules/06.md:no-such-region"\n', "no-such-region"),
    ],
)
def test_builder_refuses_what_leads_nowhere(small: Site, text: str, part: str) -> None:
    (small.docs / "index.md").write_text(text, encoding="utf-8")
    with pytest.raises(PageError) as caught:
        build_site(small)
    assert part in str(caught.value)


def test_page_that_the_navigation_names_and_nobody_wrote(small: Site) -> None:
    (small.docs / "modules" / "06.md").unlink()
    with pytest.raises(PageError, match=r"modules/06\.md, which does not exist"):
        read_site(small.root)


def test_facts_tell_time_cost_and_what_was_measured() -> None:
    from manifest import read_manifest

    manifest = read_manifest(REPOSITORY / "labs" / "labs.toml")
    module = manifest.module("M6")
    assert module is not None
    bare = facts(manifest, module, {"seconds": {}})
    assert f"{module.minutes} minutes" in bare
    assert "measured" not in bare
    times = {"date": "2026-11-24", "machine": "Linux, 2 cores", "seconds": {module.page: 31.4}}
    assert "31 seconds (measured on 2026-11-24, Linux, 2 cores)" in facts(manifest, module, times)
    assert all(one in bare for one in (*module.objectives, *module.checks))


def test_configuration_keeps_to_what_the_successor_reads() -> None:
    """No plugin but search, no hook, no macro: what Zensical does not read is what nobody may need."""
    text = (REPOSITORY / CONFIGURATION).read_text(encoding="utf-8")
    found = yaml.safe_load(re.sub(r"!!python/\S+", "''", text))
    assert found["plugins"] == ["search"]
    assert "hooks" not in found
    assert found["theme"]["font"] is False


def test_the_site_of_the_workshop_builds_strictly(tmp_path: Path) -> None:
    site = read_site(REPOSITORY)
    write_facts(site)
    folder = build_site(site, output=tmp_path / "site")
    assert len(list(folder.rglob("index.html"))) == len(site.pages)


def test_generated_reference_is_in_step() -> None:
    assert out_of_step(read_site(REPOSITORY)) == [], "python -m pages write"


@pytest.mark.skipif(importlib.util.find_spec("zensical") is None, reason="Zensical is not installed")
def test_the_successor_builds_it_too(small: Site) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "zensical", "build", "--clean"],
        cwd=small.root,
        env={**os.environ, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "You learn to:" in (small.output / "modules" / "06" / "index.html").read_text(encoding="utf-8")
