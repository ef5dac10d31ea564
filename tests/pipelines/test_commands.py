"""Logging commands as lines: what is one, its properties, its escapes."""

import pytest

from sandbox.pipelines.commands import (
    CommandError,
    LoggingCommand,
    escape_data,
    escape_property,
    format_of,
    parse_command,
)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("##vso[task.setvariable variable=a]v", LoggingCommand("task.setvariable", {"variable": "a"}, "v")),
        ("x ##vso[Task.SetVariable Variable=A;isSecret=true;]v w", LoggingCommand(
            "task.setvariable", {"variable": "A", "issecret": "true"}, "v w")),
        ("##vso[build.addbuildtag]t", LoggingCommand("build.addbuildtag", {}, "t")),
        ("##vso[task.logissue type=error;code=1=2]m",
         LoggingCommand("task.logissue", {"type": "error", "code": "1=2"}, "m")),
        ("##vso[task.logissue type = error ; nonsense ;]m", LoggingCommand("task.logissue", {"type": " error "}, "m")),
        ("##vso[a.b k=x%3By%5Dz%0A%AZP253B]%0D%0A%AZP250A", LoggingCommand("a.b", {"k": "x;y]z\n%3B"}, "\r\n%0A")),
        ("##vso[a.b]d ] e", LoggingCommand("a.b", {}, "d ] e")),
    ],
)  # fmt: skip
def test_a_command(line: str, expected: LoggingCommand) -> None:
    assert parse_command(line) == expected


@pytest.mark.parametrize(
    "line", ["", "vso[a.b]", "##vso[a.b", "##vso[ab]c", "##vso[a.b.c]d", "##vso[.b]c", "##[error]x"]
)
def test_no_command(line: str) -> None:
    assert parse_command(line) is None


@pytest.mark.parametrize("text", ["plain", "a;b]c", "100 %", "%3B%5D", "two\nlines\r\n", "%AZP25"])
def test_escapes_come_back(text: str) -> None:
    found = parse_command(f"##vso[a.b k={escape_property(text)};z=1]{escape_data(text)}")
    assert found == LoggingCommand("a.b", {"k": text, "z": "1"}, text)


def test_a_property_that_is_needed() -> None:
    command = LoggingCommand("a.b", {"k": "v", "on": "True", "off": "yes"})
    assert command.required("k") == "v"
    assert command.is_true("on") and not command.is_true("off") and not command.is_true("none")
    with pytest.raises(CommandError, match="'other' is missing"):
        command.required("other")


def test_formats() -> None:
    assert format_of("##[group]Title") == "group"
    assert format_of("##[WARNING]x") == "warning"
    assert format_of("##[other]x") == ""
    assert format_of("x ##[group]") == ""
