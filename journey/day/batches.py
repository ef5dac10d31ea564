"""Changes that go to main together, and the run that they need: an attendee makes one of each module, a catch-up one of
all."""

from collections.abc import Sequence

from journey.day.changes import change, keep, put_in, title_of
from journey.day.context import Day
from journey.day.pipeline import create_pipeline, give_staging_key
from journey.day.runs import release

RELEASED = frozenset({6, 7, 8, 10, 11, 13})  # modules whose work is done once a run has brought it to where it leads
BESIDE = frozenset({12, 14})  # modules whose files are run by hand, beside the pipeline


def bring(day: Day, modules: Sequence[int]) -> str:
    """Brings the work of some modules to main, and what is on main through the pipeline. Raises JourneyError."""
    if BESIDE.issuperset(modules):
        day.copy.update()
        return f"committed as {keep(day, title_of(modules), put_in(day, modules))[:7]}"
    if 10 in modules:
        day.changes.guard()
    # A run takes its variables when it is started, and a push may start one.
    done = [give_staging_key(day)] if 7 in modules else []
    pushed = change(day, modules)
    done.append(f"pushed as {pushed.commit[:7]}" if pushed.new else "it is on main")
    if 6 in modules:
        done.append(create_pipeline(day))
        done += [give_staging_key(day)] if 7 in modules else []
    if RELEASED & set(modules) or (pushed.new and pushed.heard):
        done.append(release(day, pushed))
    return "; ".join(filter(None, done))
