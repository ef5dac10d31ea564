"""The attendee's day, module by module: what a person does in the portal and at the keyboard, over the public wire.

Each step looks first and does only what is missing, so that the same scripts test the content, catch somebody up and
rehearse the whole.
"""

from journey.day.context import Day, DayStep
from journey.day.plan import FIRST, LAST, plan

__all__ = ["FIRST", "LAST", "Day", "DayStep", "plan"]
