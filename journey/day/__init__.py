"""The attendee's day, step by step: what a person does in the portal and at the keyboard, over the public wire.

Each step looks first and does only what is missing, so that the same scripts test the content, catch somebody up and
rehearse the whole.
"""

from collections.abc import Iterator

from journey.day.changes import change_suffix
from journey.day.connection import create_connection
from journey.day.context import Day, DayStep
from journey.day.environments import create_environments
from journey.day.pipeline import create_pipeline
from journey.day.project import create_project
from journey.day.repository import import_repository
from journey.day.runs import approve, permit, retrain, start_run
from journey.day.versions import compare_versions

DAY: tuple[DayStep, ...] = (
    DayStep(1, "M2", "create the project", create_project),
    DayStep(2, "M3", "import the repository", import_repository),
    DayStep(3, "M4", "make the service connection", create_connection),
    DayStep(4, "M8", "make the environments", create_environments),
    DayStep(5, "M5", "change the suffix", change_suffix),
    DayStep(6, "M6", "create the pipeline", create_pipeline),
    DayStep(7, "M6", "start the first run", start_run),
    DayStep(8, "M6", "permit what it uses", permit),
    DayStep(9, "M8", "approve production", approve),
    DayStep(10, "M10", "push a larger test set", retrain),
    DayStep(11, "M10", "compare the versions", compare_versions),
)


def chosen(first: int = 1, last: int = len(DAY)) -> Iterator[DayStep]:
    """The steps from one number to another, both included."""
    return (step for step in DAY if first <= step.number <= last)


__all__ = ["DAY", "Day", "DayStep", "chosen"]
