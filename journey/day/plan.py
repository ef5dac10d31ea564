"""Which steps lead from the start of one module to the end of another.

What several modules change goes to main in one commit, and through the pipeline in one run, where the first module does
not need to have run before the second begins: a catch-up to module 8 needs one run, not three.
"""

from collections.abc import Collection
from functools import partial

from journey.day.batches import RELEASED, bring
from journey.day.card import write_card
from journey.day.connection import create_connection
from journey.day.context import DayStep
from journey.day.damage import see_data_refused
from journey.day.drift import create_monitor, judge_windows
from journey.day.environments import create_production, create_staging
from journey.day.exchange import exchange_and_roll_back
from journey.day.passport import fill_in_passport, refresh_passport
from journey.day.project import create_project
from journey.day.repository import import_repository
from journey.day.subscription import create_budget, register_providers, tag_resources
from journey.day.versions import compare_versions
from journey.day.workplace import clone_repository, compare_with_solution, mend_script

FIRST, LAST = 0, 17
REPOSITORY = 3  # the module in which the attendee gets a repository to push to
PREPARING = (
    DayStep(0, "register the providers", register_providers),
    DayStep(2, "create the project", create_project),
    DayStep(3, "import the repository", import_repository),
    DayStep(3, "clone it", clone_repository),
    DayStep(4, "make the service connection", create_connection),
    DayStep(7, "make the environment for staging", create_staging),
    DayStep(8, "make the environment for production", create_production),
)
FIRST_VERSION = (1, 5, 6, 7, 8)  # the commits of these modules need no run between them
PASSPORT = DayStep(9, "fill in the passport", fill_in_passport)
SECOND_VERSION = (10, 11, 12, 13, 14)  # these need a version before them
COMPARING = (
    DayStep(10, "compare the versions", compare_versions),
    DayStep(11, "see damaged data refused", see_data_refused),
)
PRODUCTION = (
    DayStep(12, "exchange two versions, and roll back", exchange_and_roll_back),
    DayStep(13, "judge windows of requests", judge_windows),
    DayStep(13, "make the monitor", create_monitor),
)
REFRESHED = DayStep(9, "bring the passport up to date", refresh_passport)
AFTERWARDS = (
    DayStep(14, "write the model card", write_card),
    DayStep(15, "tag what has no tags", tag_resources),
    DayStep(15, "set a budget", create_budget),
    DayStep(17, "compare with the solution", compare_with_solution),
)
WORK = {
    1: "the training script",
    5: "the names",
    6: "the stage Build",
    7: "the stage Staging",
    8: "the stage Production",
    10: "a larger test set",
    11: "both gates",
    12: "the roll-back",
    13: "the collection",
    14: "the statements",
}


def plan(first: int = FIRST, last: int = LAST) -> tuple[DayStep, ...]:
    """The steps from one module to another, both included, in their order. The clean-up, module 16, is none of them."""
    wanted = range(first, last + 1)
    second = _batch(wanted, SECOND_VERSION)
    released = any(module in RELEASED for module in wanted if module in SECOND_VERSION)
    alone = 1 in wanted and last < REPOSITORY
    return (
        *((DayStep(1, "mend the training script", mend_script),) if alone else ()),
        *_of(PREPARING, wanted),
        *(() if alone else _batch(wanted, FIRST_VERSION)),
        *((PASSPORT,) if 9 in wanted and not released else ()),
        *second,
        *_of(COMPARING, wanted),
        *_of(PRODUCTION, wanted),
        *((PASSPORT if 9 in wanted else REFRESHED,) if released else ()),
        *_of(AFTERWARDS, wanted),
    )


def _of(steps: Collection[DayStep], wanted: Collection[int]) -> tuple[DayStep, ...]:
    return tuple(step for step in steps if step.module in wanted)


def _batch(wanted: Collection[int], together: Collection[int]) -> tuple[DayStep, ...]:
    """One step for the changes of several modules; none where there is none."""
    modules = tuple(module for module in together if module in wanted)
    if not modules:
        return ()
    title = f"bring {', '.join(WORK[module] for module in modules)}"
    return (DayStep(modules[-1], title, partial(bring, modules=modules)),)
