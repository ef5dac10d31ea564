"""A simulated class: attendees at different points of the workshop, some of them with a mistake of the corpus.

Who stands where follows from the seed alone, so that two rehearsals of an instructor are the same.
"""

import csv
import json
import random
import tomllib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from journey.errors import JourneyError
from journey.mistakes import MISTAKES
from journey.mistakes.registry import number
from journey.worlds import Ground, new_world, reach
from journey.worlds.world import WORKSHOP

SCHEMA, VERSION = "mlops-workshop/answer-key", 1
COLUMNS = ("name", "organization", "project", "subscription", "suffix")
REACHED = ("M2", "M3", "M4", "M5", "M6", "M7", "M8", "M9", "M10")
THREADS = 4
MOST = 100
NAMES = ("Ada", "Ben", "Cleo", "Dana", "Emil", "Fay", "Gus", "Hana", "Ivo", "Jona")
# Mistakes that are seen from outside: nothing of them lies in the attendee's own workshop.toml, shell or clone.
SEEN_FROM_OUTSIDE = (
    *("project-basic", "project-scrum", "project-public", "import-never-done", "pipeline-file-misspelt"),
    *("default-branch-master", "trigger-none", "trigger-excludes-main", "trigger-of-another-branch"),
    *("connection-name-with-space", "connection-with-a-secret", "connection-to-another-subscription"),
    *("connection-renamed", "suffix-placeholder", "suffix-never-changed", "suffix-without-a-variable"),
    *("cluster-costs-when-idle", "cluster-missing", "version-with-a-word-for-mse", "version-names-the-build-as-job"),
    *("trigger-overridden", "pipeline-paused", "first-step-breaks", "staging-version-from-a-laptop"),
    *("production-without-approval", "traffic-nowhere", "image-built-twice", "production-by-tag"),
    *("run-waits-for-approval", "version-of-another-commit", "change-never-merged", "change-skips-ci"),
    *("automatic-run-broke", "older-version-deleted"),
)


@dataclass(frozen=True)
class Seat:
    """One attendee. `module` is the last one that counts: all of it is right but for the mistake, where there is one.

    `code` is the check that must find the mistake, `outcome` what it comes to; '' without a mistake.
    """

    name: str
    suffix: str
    project: str
    module: str
    mistake: str = ""
    code: str = ""
    outcome: str = ""


def plan_class(attendees: int, mistakes: float, seed: int) -> list[Seat]:
    """Who stands where. `mistakes` is the share of attendees with one, from 0 to 1. Raises JourneyError for numbers
    that make no class.
    """
    if not (1 <= attendees <= MOST and 0 <= mistakes <= 1):
        raise JourneyError("the class", f"{attendees} attendees, {mistakes} mistakes", f"1 to {MOST}, and 0 to 1")
    chance = random.Random(seed)
    wrong = set(chance.sample(range(attendees), round(attendees * mistakes)))
    corpus = list(SEEN_FROM_OUTSIDE)
    chance.shuffle(corpus)
    return [_seat(place, seed, chance, corpus if place in wrong else []) for place in range(attendees)]


def _seat(place: int, seed: int, chance: random.Random, corpus: list[str]) -> Seat:
    """One attendee; takes the next mistake of the corpus, and puts it back at its end."""
    suffix = f"c{seed % 1000}x{place:02}"
    name = f"{NAMES[place % len(NAMES)]} {place + 1:02}"
    module = chance.choice(REACHED)
    if not corpus:
        return Seat(name, suffix, f"AIDevCollege {suffix}", module)
    chosen = MISTAKES[corpus.pop(0)]
    corpus.append(chosen.id)
    last = max(chosen.module, chosen.needs, key=number)
    return Seat(name, suffix, f"AIDevCollege {suffix}", last, chosen.id, chosen.code, chosen.outcome)


def fill_class(seats: Sequence[Seat], ground: Ground, scratch: Path, tell: Callable[[str], None]) -> None:
    """Brings every attendee where they stand; `tell` hears of each. Raises JourneyError."""
    with ThreadPoolExecutor(THREADS) as pool:
        for seat in pool.map(lambda one: _fill(one, ground, scratch), seats):
            tell(f"{seat.name:8} {seat.module:4} {seat.mistake}".rstrip())


def _fill(seat: Seat, ground: Ground, scratch: Path) -> Seat:
    """The pipeline's file is where the kit's workshop.toml says: an instructor has no other names of an attendee."""
    kit = tomllib.loads((ground.kit / WORKSHOP).read_text(encoding="utf-8"))
    file = str(kit["devops"]["yaml"]).lstrip("/")
    chosen = MISTAKES.get(seat.mistake)
    world = new_world(ground, scratch / seat.suffix, seat.suffix, seat.project, file)
    before = world.file.read_text(encoding="utf-8"), dict(world.variables)
    reach(world, chosen.needs if chosen else seat.module)
    if chosen:
        chosen.apply(world)
    if before != (world.file.read_text(encoding="utf-8"), world.variables):
        raise JourneyError(seat.mistake, "it changed the attendee's own settings", "one that is seen from outside")
    return seat


def write_roster(seats: Sequence[Seat], ground: Ground, file: Path) -> None:
    """The class as `checker class check --roster` reads it: CSV, no secrets."""
    address = ground.organization.url
    organization = urlsplit(address).path.strip("/") or address
    with file.open("w", encoding="utf-8", newline="") as target:
        rows = csv.writer(target)
        rows.writerow(COLUMNS)
        for seat in seats:
            rows.writerow((seat.name, organization, seat.project, ground.subscription, seat.suffix))


def write_answers(seats: Sequence[Seat], file: Path) -> None:
    """Who has which mistake, and the check that must find it."""
    document = {"schema": SCHEMA, "version": VERSION, "attendees": [asdict(seat) for seat in seats]}
    file.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
