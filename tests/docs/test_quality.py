"""Each gate finds the fault that it is for, on a small site; the workshop's own pages have none."""

from pathlib import Path

import pytest

from pages.azure import known_names, wrong_calls, wrong_names
from pages.quality import check_pages, external, read_links, slug, write_links
from pages.site import Site, read_site

REPOSITORY = Path(__file__).resolve().parents[2]
GOOD = (
    "# Title\n\n## One heading\n\n[down](other.md#one-heading), <https://example.org/>\n\n```bash\n# no heading\n```\n"
)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "index.md").write_text(GOOD)
    (docs / "other.md").write_text(GOOD)
    (docs / "links.toml").write_text('[[link]]\nurl = "https://example.org/"\nseen = 2026-11-24\n')
    (tmp_path / "mkdocs.yml").write_text("nav:\n  - index.md\n  - Other: other.md\n")
    return read_site(tmp_path)


def found(site: Site, text: str) -> list[str]:
    (site.docs / "index.md").write_text(text)
    return [str(one) for one in check_pages(site)]


def test_good_pages_have_no_problem(site: Site) -> None:
    assert check_pages(site) == []


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        ("## Second level\n", 1, "level 2 after one of level 0"),
        ("# Title\n\n### Third\n", 3, "level 3 after one of level 1"),
        ("# Title\n\n# Another\n", 3, "a second title"),
        ("# Title\n\n## Same\n\n## Same\n", 5, "two headings say 'Same'"),
        ("# Title\n\n![](x.png)\n", 3, "a picture whose text is ''"),
        ("# Title\n\n![Screenshot](x.png)\n", 3, "a picture whose text is 'Screenshot'"),
        ('# Title\n\n<img src="x.png">\n', 3, "an <img> without a text"),
        ("# Title\n\n[x](nowhere.md)\n", 3, "nowhere.md leads to no file"),
        ("# Title\n\n[x](other.md#nowhere)\n", 3, "no heading with the anchor nowhere"),
        ("# Title\n\n[x](../mkdocs.yml)\n", 3, "leads to no file"),
        ("# Title\n\n[x](https://example.com/new)\n", 3, "is not in links.toml"),
        ("# Title\n\nThis is simply done.\n", 3, "'simply': leave it out"),
        ("# Title\n\nPut it on the Whitelist.\n", 3, "'Whitelist': allow list"),
        ("# Title\n\nWe will see.\n", 3, "'We will'"),
        ("# Title\n\nThe seperate file.\n", 3, "spelling: seperate"),
    ],
)
def test_every_fault_is_found_where_it_is(site: Site, text: str, line: int, part: str) -> None:
    problems = [one for one in found(site, text) if part in one]
    assert problems, found(site, text)
    assert problems[0].startswith(f"index.md:{line}: ")


def test_page_without_a_title(site: Site) -> None:
    assert found(site, "Text.\n") == ["index.md: a page begins with a title: # Title"]


@pytest.mark.parametrize(
    "text",
    [
        "# Title\n\n`just code`, *just what the screen says*\n",
        "# Title\n\n## What just happened\n\nA justified, adjusted thing.\n",
        "# Title\n\n```text\n## no heading\nsimply\n```\n",
        "# Title\n\n<!-- [x](nowhere.md) -->\n",
    ],
)
def test_what_is_no_fault_is_none(site: Site, text: str) -> None:
    assert found(site, text) == []


def test_list_of_links_follows_the_pages_and_keeps_the_days(site: Site) -> None:
    (site.docs / "index.md").write_text("# Title\n\n[new](https://example.com/new)\n")
    write_links(site)
    days = read_links(site.docs / "links.toml")
    assert {url: str(day) for url, day in days.items()} == {
        "https://example.com/new": "None",
        "https://example.org/": "2026-11-24",
    }


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [("What *is* `az`?", "what-is-az"), ("Gates, and why", "gates-and-why"), ("Ünïcode", "unicode")],
)
def test_anchors_are_those_of_the_builder(heading: str, anchor: str) -> None:
    assert slug(heading) == anchor


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("az acount show", "no command that the pages know"),
        ("az login --tennant x", "no option --tennant"),
        ('x="$(az account show --querry id)"', "no option --querry"),
        ('az login --tenant "open', "its quotes do not close"),
    ],
)
def test_wrong_calls_of_the_azure_cli(text: str, part: str) -> None:
    (problem,) = wrong_calls(text)
    assert part in problem


def test_right_calls_of_the_azure_cli() -> None:
    text = 'export X="$(az account show --query id --output tsv)" && az login --tenant "<your directory>"'
    assert list(wrong_calls(text)) == []
    assert list(wrong_calls("the command jazz up")) == []
    assert list(wrong_calls("az ml")) == []


def test_names_are_those_of_workshop_toml() -> None:
    names = known_names(REPOSITORY / "workshop.toml")
    assert list(wrong_names("echo rg-diabetes-ada42 rg-diabetes-$WORKSHOP_SUFFIX crdiabetesada42", names)) == []
    assert list(wrong_names("echo rg-diabtes rg-diabetes-group", names)) == [
        "rg-diabetes-group is no name of workshop.toml"
    ]


def test_the_workshops_pages_pass_every_gate() -> None:
    from pages.azure import check_commands

    site = read_site(REPOSITORY)
    assert [str(one) for one in (*check_pages(site), *check_commands(site))] == []
    used = {target for _, _, target in external(site, site.pages)}
    assert used == set(read_links(site.docs / "links.toml")), "python -m pages links --write"
