"""Known lines of logs: what they mean, and what to do. The catalogue is data; the site makes its page from it."""

from checker.troubleshooting import machine, organization, pipeline, serving, subscription, training
from checker.troubleshooting.model import Trouble

CATALOGUE: tuple[Trouble, ...] = (
    *machine.TROUBLES,
    *organization.TROUBLES,
    *pipeline.TROUBLES,
    *subscription.TROUBLES,
    *training.TROUBLES,
    *serving.TROUBLES,
)

__all__ = ["CATALOGUE", "Trouble"]
