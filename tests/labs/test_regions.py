"""Marked regions of a text: found, read, replaced and cut; and every way in which markers are wrong, with its line."""

import pytest

from manifest import Region, RegionError, cut, get_region, list_regions, replace_region, rewrite
from manifest.regions import copy_region, holders

TEXT = """\
stages:
  # --8<-- [start:m7-outer]
  - one
  # --8<-- [start:m12-inner]
  - two
  # --8<-- [end:m12-inner]
  # --8<-- [end:m7-outer]
# --8<-- [start:m8-last]
# --8<-- [end:m8-last]
"""


def region(identity: str, text: str) -> Region:
    return Region(identity, identity.split("-")[0].upper(), "file", "a reason", text)


def test_regions_are_listed_from_top_to_bottom() -> None:
    """An outer region comes before what it holds; an empty one is one."""
    found = list_regions(TEXT)
    assert [(one.id, one.start, one.end, one.indentation) for one in found] == [
        ("m7-outer", 1, 6, "  "),
        ("m12-inner", 3, 5, "  "),
        ("m8-last", 7, 8, ""),
    ]
    assert holders(TEXT, "m12-inner") == ("m7-outer",)
    assert get_region(TEXT, "m12-inner") == "  - two\n"
    assert get_region(TEXT, "m8-last") == ""


def test_the_comment_may_be_that_of_another_language() -> None:
    text = "<!-- --8<-- [start:m1-page] -->\nhello\n<!-- --8<-- [end:m1-page] -->\n"
    assert get_region(text, "m1-page") == "hello\n"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("# --8<-- [start:m1-a]\nx\n", 1, "without its end"),
        ("x\n# --8<-- [end:m1-a]\n", 2, "a start before it"),
        ("# --8<-- [start:m1-a]\n# --8<-- [end:m1-a]\n# --8<-- [start:m1-a]\n", 3, "a second start of m1-a"),
        ("# --8<-- [start:m1-a]\n# --8<-- [start:m1-b]\n# --8<-- [end:m1-a]\n", 3, "the end of m1-b"),
        ("x = 1  # --8<-- [start:m1-a]\n", 1, "a comment of its own"),
        ("# --8<-- [begin:m1-a]\n", 1, "a comment of its own"),
    ],
)
def test_wrong_markers_are_refused_with_their_line(text: str, line: int, words: str) -> None:
    with pytest.raises(RegionError) as caught:
        list_regions(text)
    assert caught.value.line == line
    assert words in str(caught.value)


def test_an_unknown_region_is_said_with_what_there_is() -> None:
    with pytest.raises(RegionError, match="no region m9-none; there is m7-outer, m12-inner, m8-last"):
        get_region(TEXT, "m9-none")


def test_a_body_gets_the_indentation_of_its_marker() -> None:
    """Deeper lines stay deeper, empty ones stay empty."""
    new = replace_region(TEXT, "m12-inner", "- a:\n\n    b\n")
    assert get_region(new, "m12-inner") == "  - a:\n\n      b\n"
    assert new.replace(get_region(new, "m12-inner"), "  - two\n") == TEXT


def test_a_body_moves_from_one_indentation_to_another() -> None:
    """Where it stays where it is, nothing inside it changes, such as a text between quotes."""
    moved = TEXT.replace("  #", "#").replace("  -", "-")
    assert get_region(copy_region(moved, "m12-inner", TEXT), "m12-inner") == "- two\n"
    assert get_region(copy_region(TEXT, "m12-inner", moved), "m12-inner") == "  - two\n"
    left = "  # --8<-- [start:m1-a]\n  x = '''\nleft\n'''\n  # --8<-- [end:m1-a]\n"
    assert copy_region(left, "m1-a", left) == left


def test_line_ends_are_those_of_the_text() -> None:
    """A clone on Windows stays one."""
    windows = TEXT.replace("\n", "\r\n")
    new = replace_region(windows, "m12-inner", "- a\n- b\n")
    assert "\n" not in new.replace("\r\n", "")
    assert get_region(new, "m12-inner") == "  - a\r\n  - b\r\n"


def test_a_cut_takes_the_inner_region_along() -> None:
    """Whatever the order in which they are named."""
    regions = [region("m12-inner", "never seen\n"), region("m7-outer", "# TODO\n")]
    for order in (regions, regions[::-1]):
        text = cut(TEXT, order)
        assert get_region(text, "m7-outer") == "  # TODO\n"
        assert "never seen" not in text
    assert get_region(cut(TEXT, regions[:1]), "m7-outer").splitlines()[2] == "  never seen"


def test_a_cut_of_what_is_not_there_is_refused() -> None:
    with pytest.raises(RegionError, match="no region m3-none"):
        cut(TEXT, [region("m3-none", "")])


@pytest.mark.parametrize(
    ("solution", "labs"),
    [
        ("python solution/training/train.py", "python labs/training/train.py"),
        ("      - solution\n      - workshop.toml\n", "      - labs\n      - workshop.toml\n"),
        ("- solution/azure-pipelines.yml", "- azure-pipelines.yml"),
        ("the solution is dissolution/x", "the solution is dissolution/x"),
        ("see labs/data and my/solution/x", "see labs/data and my/solution/x"),
    ],
)
def test_paths_become_the_attendees(solution: str, labs: str) -> None:
    assert rewrite(solution) == labs


def test_only_the_pipelines_templates_move() -> None:
    """The pipeline goes to the root; a template that names a neighbour stays beside it."""
    line = "    - template: pipelines/python.yml\n"
    assert rewrite(line, "azure-pipelines.yml") == "    - template: labs/pipelines/python.yml\n"
    assert rewrite(line, "pipelines/other.yml") == line
