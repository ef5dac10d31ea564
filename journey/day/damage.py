"""Module 11: a run that the data tests stop, on a branch of its own: main stays as it is."""

import shutil
from typing import Any

from journey.day.context import Day
from journey.day.runs import follow_to_end, start_run
from journey.errors import JourneyError
from journey.following import Look, first_failed

BRANCH = "damaged-data"
DAMAGED, REAL = "labs/data/diabetes_bad_dist.csv", "labs/data/diabetes.csv"
TITLE = "Damage the data"
STEP = "Check the data"  # as labs/pipelines/data-quality.yml calls it


def see_data_refused(day: Day) -> str:
    """Runs the pipeline on damaged data, and sees it stop before the training. Raises JourneyError when it does not."""
    if found := _find_refused(day):
        return f"run {found['buildNumber']} of {BRANCH} was stopped before the training"
    copy = day.copy
    copy.update()
    shutil.copyfile(copy.folder / DAMAGED, copy.folder / REAL)
    copy.push(TITLE, BRANCH)
    build = start_run(day, f"refs/heads/{BRANCH}")
    look, _ = follow_to_end(day, build)
    if not _refused(look):
        stopped = first_failed(look)
        seen = f"{look.build.get('result')}, in {stopped['name']}" if stopped else str(look.build.get("result"))
        raise JourneyError(f"run {build['buildNumber']} of {BRANCH}", seen, f"it to fail in the step {STEP}")
    return f"run {build['buildNumber']} of {BRANCH} ended in {STEP}: nothing was trained"


def _find_refused(day: Day) -> dict[str, Any] | None:
    """A run of the branch that ended as it should."""
    query = {"definitions": day.definition["id"], "branchName": f"refs/heads/{BRANCH}", "resultFilter": "failed"}
    for build in day.organization.get(day.path("build/builds"), query)["value"]:
        timeline = day.organization.find(day.path(f"build/builds/{build['id']}/timeline")) or {}
        if _refused(Look(build, tuple(timeline.get("records") or ()))):
            return dict(build)
    return None


def _refused(look: Look) -> bool:
    stopped = first_failed(look)
    return look.build.get("result") == "failed" and stopped is not None and stopped["name"] == STEP
