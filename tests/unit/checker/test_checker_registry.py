"""The registry: what a check must have, and that ours have it."""

from types import ModuleType

import pytest
from checker_wire import make_check

from checker.checks import CHECKS
from checker.checks.registry import check, devops_check, gather
from checker.model import MODULES, Evidence, Service


def subject(*codes: tuple[str, tuple[str, ...]]) -> ModuleType:
    module = ModuleType("subject")
    for code, requires in codes:
        setattr(module, code, make_check(code, Evidence, requires))
    return module


def test_docstring_gives_title_and_reason() -> None:
    @check("AAA001", "M6", ("BBB001",))
    def statement(context: object) -> Evidence:
        """It is so.

        Because of this,
        and that.
        """
        return Evidence("x")

    assert (statement.title, statement.why, statement.requires) == (
        "It is so",
        "Because of this, and that.",
        ("BBB001",),
    )


@pytest.mark.parametrize(("code", "module"), [("AA001", "M6"), ("AAA1", "M6"), ("aaa001", "M6"), ("AAA001", "M99")])
def test_malformed_check_is_refused(code: str, module: str) -> None:
    def statement(context: object) -> Evidence:
        """Title.

        Why.
        """
        return Evidence("x")

    with pytest.raises(ValueError, match=code):
        check(code, module)(statement)


def test_check_without_a_reason_is_refused() -> None:
    def statement(context: object) -> Evidence:
        """Only a title."""
        return Evidence("x")

    with pytest.raises(ValueError, match="reason"):
        check("AAA001", "M6")(statement)


@pytest.mark.parametrize(
    "subjects",
    [
        (subject(("AAA001", ())), subject(("AAA001", ()))),
        (subject(("AAA001", ("BBB001",))),),
        (subject(("AAA001", ("BBB001",)), ("BBB001", ("AAA001",))),),
    ],
)
def test_taken_unknown_and_circular_codes_are_refused(subjects: tuple[ModuleType, ...]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        gather(*subjects)


def test_our_checks_are_ordered_by_module_and_cover_the_modules() -> None:
    modules = [found.module for found in CHECKS.values()]
    assert modules == sorted(modules, key=lambda module: int(module[1:]))
    assert set(modules) == set(MODULES) - {"M17"}, "the wrap-up asks for nothing of its own"


def test_a_check_requires_nothing_of_a_later_module() -> None:
    for found in CHECKS.values():
        assert all(int(CHECKS[code].module[1:]) <= int(found.module[1:]) for code in found.requires)


def test_our_titles_are_statements_of_one_line() -> None:
    for found in CHECKS.values():
        assert len(found.title) <= 80, found.code
        assert found.why.endswith("."), found.code


def test_a_check_of_azure_alone_may_not_require_one_that_can_be_left_out() -> None:
    def statement(context: object) -> Evidence:
        """Title.

        Why.
        """
        return Evidence("x")

    found = ModuleType("subject")
    found.one = devops_check("AAA001", "M6")(statement)  # type: ignore[attr-defined]
    found.two = check("BBB001", "M6", ("AAA001",))(statement)  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match="BBB001 looks at Azure alone"):
        gather(found)


def test_the_checks_of_azure_alone_are_as_many_as_before_azure_devops() -> None:
    of_the_day = [found for found in CHECKS.values() if 1 <= int(found.module[1:]) <= 10]
    assert sum(found.service is Service.AZURE for found in of_the_day) == 25
