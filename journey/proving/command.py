"""A proof from start to end: a sandbox of its own, the worlds in it, and nothing left behind."""

import json
import os
import tempfile
import time
from collections.abc import Collection
from pathlib import Path

from journey.errors import JourneyError
from journey.local import running_sandbox
from journey.mistakes import MISTAKES
from journey.proving.corpus import Switchboard, Worlds
from journey.proving.looking import Command
from journey.proving.modules import REACHED
from journey.proving.proof import Tell, Wanted, document, is_perfect, prove, text
from journey.worlds import open_ground

ATTENDEES_OWN = ("WORKSHOP_SUFFIX", "WORKSHOP_STAGING_KEY")  # every world has its own, and the environment would win


def run_proof(
    kit: Path, modules: Collection[str], mistake: str, threads: int, as_json: bool, tell: Tell
) -> tuple[str, bool]:
    """The report of a proof, and whether all is as it should be. Raises JourneyError for a name that there is not."""
    wanted = Wanted(tuple(one.upper() for one in modules), mistake)
    _require_known(wanted)
    started = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="proof-") as scratch,
        running_sandbox(Path(scratch) / "state") as environment,
    ):
        # azure-identity and requests read the variables of the shell, and this shell is the proof's own.
        os.environ.update(environment)
        for name in ATTENDEES_OWN:
            os.environ.pop(name, None)
        ground = open_ground(dict(os.environ), kit)
        secret = str(json.loads((Path(scratch) / "state" / "server.json").read_text())["secret"])
        worlds = Worlds(ground, Path(scratch) / "worlds")
        proofs = prove(wanted, worlds, Command(ground), Switchboard(ground, secret), threads, tell)
    seconds = time.monotonic() - started
    report = json.dumps(document(proofs, seconds), indent=2) if as_json else text(proofs, seconds)
    return report, is_perfect(proofs)


def _require_known(wanted: Wanted) -> None:
    if wanted.mistake and wanted.mistake not in MISTAKES:
        near = [one for one in MISTAKES if wanted.mistake in one][:5]
        raise JourneyError(f"--mistake {wanted.mistake}", "no such mistake", f"one as {', '.join(near or MISTAKES)}")
    known = {*REACHED, *(one.module for one in MISTAKES.values())}
    for module in wanted.modules:
        if module not in known:
            raise JourneyError(f"--module {module}", "nothing to prove", f"one of {', '.join(sorted(known))}")
