"""Which steps lead from the start of one module to the end of another.

What several modules change goes to main in one commit, and through the pipeline in one run, where the first module does
not need to have run before the second begins: a catch-up to module 8 needs one run, not three.
"""

from collections.abc import Collection
from functools import partial

from journey.day.batches import bring
from journey.day.connection import create_connection
from journey.day.context import DayStep
from journey.day.damage import see_data_refused
from journey.day.environments import create_production, create_staging
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
SECOND_VERSION = (10, 11)  # these need a version before them
COMPARING = (
    DayStep(10, "compare the versions", compare_versions),
    DayStep(11, "see damaged data refused", see_data_refused),
)
REFRESHED = DayStep(9, "bring the passport up to date", refresh_passport)
AFTERWARDS = (
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
}


def plan(first: int = FIRST, last: int = LAST) -> tuple[DayStep, ...]:
    """The steps from one module to another, both included, in their order. The clean-up, module 16, is none of them."""
    wanted = range(first, last + 1)
    second = _batch(wanted, SECOND_VERSION)
    alone = 1 in wanted and last < REPOSITORY
    return (
        *((DayStep(1, "mend the training script", mend_script),) if alone else ()),
        *_of(PREPARING, wanted),
        *(() if alone else _batch(wanted, FIRST_VERSION)),
        *((PASSPORT,) if 9 in wanted and not second else ()),
        *second,
        *_of(COMPARING, wanted),
        *((PASSPORT if 9 in wanted else REFRESHED,) if second else ()),
        *_of(AFTERWARDS, wanted),
    )


def _of(steps: Collection[DayStep], wanted: Collection[int]) -> tuple[DayStep, ...]:
    return tuple(step for step in steps if step.module in wanted)


def _batch(wanted: Collection[int], together: Collection[int]) -> tuple[DayStep, ...]:
    """One step for the changes of several modules; none where there is none."""
    modules = tuple(module for module in together if module in wanted)
    if not modules:
        return ()
    title = f"push {', '.join(WORK[module] for module in modules)}"
    return (DayStep(modules[-1], title, partial(bring, modules=modules)),)
