"""Module 13: windows of requests, the drift of each, and a monitor that looks every day."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from journey.day.context import Day
from journey.day.scripts import failed, run_script, try_script

SEND, JUDGE, MONITOR = "monitoring/send.py", "monitoring/submit_drift.py", "monitoring/monitor.py"
MADE_BY = ("labs/monitoring", "labs/image", "labs/deployment/production.py")
API_VERSION = "2024-04-01"
EMAIL = "attendee@example.org"
SENT = {"few": ("--requests", "20", "--window", "few"), "control": (), "shifted": ("--shift-bmi", "0.5")}
# What each window shows: too few rows for a word, no alert, an alert. The last two words are exit codes.
VERDICTS = {"few": (1, "No judgement"), "control": (0, "no alert"), "shifted": (1, "ALERT")}


def judge_windows(day: Day) -> str:
    """Sends each window and has it judged, unless that was done since the scripts last changed. Raises JourneyError
    for a verdict that should be another.
    """
    done = _judged(day)
    for window in SENT:
        if window not in done:
            day.tell(f"  {window}: {run_script(day, SEND, *SENT[window])}")
            _judge(day, window)
    return f"{', '.join(done)} judged before" if done else "a control that is calm, and a shift that is seen"


def _judge(day: Day, window: str) -> None:
    arguments, (code, word) = ("--window", window), VERDICTS[window]
    ended = try_script(day, JUDGE, *arguments)
    if ended.code != code or not ended.says(word):
        raise failed(JUDGE, arguments, ended, f"{word}; on Azure records come minutes after the answers")
    day.tell(f"  {window}: {ended.lines[-1]}")


def _judged(day: Day) -> list[str]:
    """The windows that a completed job has judged with the scripts as they are."""
    experiment = f"{day.attendee.names['experiment']}-drift"
    jobs = day.azure.call("GET", f"{day.workspace}/jobs", version=API_VERSION)["value"]
    found = {
        str((job["properties"].get("tags") or {}).get("window"))
        for job in jobs
        if job["properties"].get("experimentName") == experiment
        and job["properties"].get("status") == "Completed"
        and _is_current(day, job)
    }
    return [window for window in SENT if window in found]


def _is_current(day: Day, thing: Mapping[str, Any]) -> bool:
    """Whether something was made after the scripts that make it last changed."""
    times = thing["systemData"]
    made = datetime.fromisoformat(times.get("lastModifiedAt") or times["createdAt"])
    return made > day.copy.changed_at(MADE_BY)


def create_monitor(day: Day) -> str:
    """The schedule that compares production, every day, with what the model learned from."""
    name = f"{day.attendee.names['production']}-drift"
    listed = day.azure.call("GET", f"{day.workspace}/schedules", version=API_VERSION)["value"]
    if any(one["name"] == name and _is_current(day, one) for one in listed):
        return f"{name} is there"
    return run_script(day, MONITOR, "--email", EMAIL)
