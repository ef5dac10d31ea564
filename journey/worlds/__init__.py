"""Worlds: an attendee's state as it is after a module, put there quickly through the public wire.

A world holds what the checks look at, and nothing that takes long: images of a tiny server with the model's numbers, a
pipeline whose steps are echoes. Its shape, names, environments, artifact, tags and lineage are the attendee's.
"""

from journey.worlds.project import Project, Run
from journey.worlds.reaching import reach
from journey.worlds.resources import Resources
from journey.worlds.wire import Wire, sign_in
from journey.worlds.world import Ground, World, new_suffix, new_world, open_ground

__all__ = [
    "Ground",
    "Project",
    "Resources",
    "Run",
    "Wire",
    "World",
    "new_suffix",
    "new_world",
    "open_ground",
    "reach",
    "sign_in",
]
