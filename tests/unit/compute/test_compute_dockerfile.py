"""Reading Dockerfiles and `.dockerignore`."""

import pytest

from sandbox.compute.building import HANDLERS
from sandbox.compute.context import ignored, parse_dockerignore
from sandbox.compute.dockerfile import KEYWORDS, Instruction, command_words, expand, pairs_of, parse, words_of
from sandbox.compute.errors import BuildError
from sandbox.compute.installs import installs_of


def test_every_instruction_has_a_handler() -> None:
    assert set(HANDLERS) == KEYWORDS


def test_continuations_comments_and_lines() -> None:
    found = parse("# a comment\nFROM a\n\nRUN one && \\\n  # between\n\n  two\nCOPY --chown=1:1 a b\n")
    assert [(item.keyword, item.value, item.line) for item in found] == [
        ("FROM", "a", 2),
        ("RUN", "one && two", 4),
        ("COPY", "a b", 8),
    ]
    assert found[2].flags == {"chown": "1:1"}
    assert str(found[2]) == "COPY --chown=1:1 a b"


def test_the_escape_directive_changes_the_continuation() -> None:
    (_, run) = parse("# escape=`\nFROM a\nRUN one `\n  C:\\two\n")
    assert run.value == "one C:\\two"


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("FROM a\nCPY a b", 2, "unknown instruction CPY"),
        ("FROM a\nCOPY", 2, "COPY needs an argument"),
        ("FROM a AS x\nFROM b", 2, "several build stages"),
        ("RUN a\nFROM b", 1, "only ARG may come before FROM"),
        ("FROM a\nRUN <<EOF\nx\nEOF", 2, "here-documents"),
        ("# nothing", 0, "no FROM"),
    ],
)
def test_what_cannot_be_built_is_told_with_its_line(text: str, line: int, reason: str) -> None:
    with pytest.raises(BuildError, match=reason) as caught:
        parse(text, "docker/Dockerfile")
    assert (caught.value.file, caught.value.line) == ("docker/Dockerfile", line)
    assert str(caught.value).startswith(f"docker/Dockerfile:{line}: " if line else "docker/Dockerfile: ")


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("$A/${A}/$AB", "1/1/"),
        ("${B:-two} ${A:-two} ${B:-$A}", "two 1 1"),
        ("${A:+set} ${B:+set}.", "set ."),
        ("\\$A", "$A"),
    ],
)
def test_variables(text: str, expanded: str) -> None:
    assert expand(text, {"A": "1", "B": ""}) == expanded


def test_pairs_in_both_spellings() -> None:
    env = Instruction("ENV", "", 1)
    assert pairs_of(env, "A=1 B=\"two words\" C='x'") == {"A": "1", "B": "two words", "C": "x"}
    assert pairs_of(env, "A one two") == {"A": "one two"}
    with pytest.raises(BuildError, match="needs a name and a value"):
        pairs_of(env, "A")
    with pytest.raises(BuildError, match="without a value: B"):
        pairs_of(env, "A=1 B")
    with pytest.raises(BuildError, match="cannot be split"):
        words_of(env, 'A="1')


def test_exec_and_shell_form() -> None:
    assert command_words('["a", "b c"]', ("/bin/sh", "-c")) == ("a", "b c")
    assert command_words("a b", ("/bin/sh", "-c")) == ("/bin/sh", "-c", "a b")
    assert command_words("[a, b]", ("/bin/sh", "-c")) == ("/bin/sh", "-c", "[a, b]")


@pytest.mark.parametrize(
    ("rules", "left_out", "kept"),
    [
        ("*.pyc", ["a.pyc"], ["b/a.pyc", "a.py"]),
        ("**/*.pyc", ["a.pyc", "b/c/a.pyc"], ["a.py"]),
        ("data", ["data", "data/x/y"], ["database", "a/data"]),
        ("/data/", ["data/x"], ["a/data"]),
        ("a/*/c", ["a/b/c", "a/b/c/d"], ["a/b/b/c"]),
        ("*\n!keep.txt", ["a", "b/keep.txt"], ["keep.txt"]),
        ("*.md\n!README*.md\nREADME-secret.md", ["a.md", "README-secret.md"], ["README.md"]),
        ("# data\n\nx?[ab]", ["x1a"], ["data", "x1c"]),
    ],
)
def test_dockerignore(rules: str, left_out: list[str], kept: list[str]) -> None:
    found = parse_dockerignore(rules)
    assert [path for path in left_out if not ignored(path, found)] == []
    assert [path for path in kept if ignored(path, found)] == []


def test_what_a_run_installs() -> None:
    run = Instruction("RUN", "", 1)
    text = (
        "apt-get update && python3 -m pip install --no-cache-dir -i https://x -r a.txt -rb.txt 'numpy>=2' --upgrade six"
        " && /opt/venv/bin/pip install --requirement=c.txt; conda env create -n x -f env.yml && rm -rf /x"
    )
    found = installs_of(run, text)
    assert [item.kind for item in found] == ["other", "pip", "pip", "conda", "other"]
    assert (found[1].packages, found[1].files) == (("numpy>=2", "six"), ("a.txt", "b.txt"))
    assert [item.files for item in found[2:4]] == [("c.txt",), ("env.yml",)]
    assert installs_of(run, '["pip", "install", "six"]')[0].packages == ("six",)
    assert [item.kind for item in installs_of(run, "pip uninstall six || pip download six")] == ["other", "other"]
