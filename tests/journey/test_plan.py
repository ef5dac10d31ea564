"""Which steps lead from one module to another: in their order, and with as few runs as can be."""

import pytest

from journey.day import FIRST, LAST, DayStep, plan


def titles(steps: tuple[DayStep, ...]) -> list[str]:
    return [step.title for step in steps]


def pushes(steps: tuple[DayStep, ...]) -> list[str]:
    return [title for title in titles(steps) if title.startswith("bring ")]


def test_a_module_alone_is_its_own_work() -> None:
    """What comes before is taken to be done."""
    assert titles(plan(4, 4)) == ["make the service connection"]
    assert titles(plan(7, 7)) == ["make the environment for staging", "bring the stage Staging"]
    assert titles(plan(9, 9)) == ["fill in the passport"]


def test_a_catch_up_to_production_takes_one_push() -> None:
    """And so one run: environments and connection are there before it."""
    steps = titles(plan(0, 8))
    assert pushes(plan(0, 8)) == [
        "bring the training script, the names, the stage Build, the stage Staging, the stage Production"
    ]
    assert (
        steps.index("make the service connection")
        < steps.index("make the environment for production")
        == len(steps) - 2
    )


def test_a_second_version_takes_a_second_run() -> None:
    """The gates come with it; the passport is that of the last release."""
    steps = plan(0, 11)
    assert pushes(steps)[1:] == ["bring a larger test set, both gates"]
    assert titles(steps).count("fill in the passport") == 1
    assert titles(steps)[-1] == "fill in the passport"
    assert titles(plan(10, 10))[-1] == "bring the passport up to date"


def test_before_there_is_a_repository_the_script_is_mended_where_it_lies() -> None:
    """With module 3 it goes into the clone."""
    assert titles(plan(0, 2))[0] == "mend the training script"
    assert titles(plan(1, 3))[-1] == "bring the training script"


@pytest.mark.parametrize("module", [one for one in range(FIRST, LAST + 1) if one != 16])
def test_every_module_but_the_clean_up_is_in_the_plan(module: int) -> None:
    """On its own, and as the part of a walk."""
    assert plan(module, module)
    assert not plan(16, 16)
