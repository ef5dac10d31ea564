"""Writes the model card of a registered version, and ties the version to it.

    python labs/responsible/model_card.py write [--model NAME:VERSION]
    python labs/responsible/model_card.py link

`write` makes labs/responsible/model_card.md: the numbers of that version's training, its error by group, and the
statements beside this script. `link` notes the card's hash in the version's tag `card`: a card that was changed, or
that belongs to another version, is found out.
"""

import argparse
import hashlib
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import workshop
from by_group import HOLDOUT, GroupError, chosen_model, errors_by_group, read_holdout, read_model
from workshop import StepError, Workshop

if TYPE_CHECKING:
    from azure.ai.ml import MLClient

STATEMENTS = Path(__file__).resolve().parent / "statements.md"
CARD = Path("labs") / "responsible" / "model_card.md"
NUMBERS = ("mse", "r2", "holdout_mse")
ORIGIN = ("job", "commit", "data", "holdout")
COMMENT = re.compile(r"<!--.*?-->\n?", re.DOTALL)
NAMED = re.compile(r"^# Model card: (\S+:\S+)$", re.MULTILINE)


def numbers_table(tags: dict[str, Any]) -> list[str]:
    """Returns where the version comes from and what its training measured, as the version's tags say it."""
    rows = [(name, str(tags[name])) for name in ORIGIN if name in tags]
    rows += [(name, f"{float(tags[name]):.4f}") for name in NUMBERS if name in tags]
    return ["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)]


def groups_table(errors: list[GroupError]) -> list[str]:
    """Returns the errors as a table, with how many patients they rest on."""
    head = ["| group | patients | mse | 95 % interval | mean error |", "|---|---|---|---|---|"]
    return head + [
        f"| {one.group} | {one.patients} | {one.mse:.2f} | {one.low:.0f} to {one.high:.0f} | {one.mean:.2f} |"
        for one in errors
    ]


def card_text(reference: str, tags: dict[str, Any], errors: list[GroupError], statements: str) -> str:
    """Returns the card."""
    parts = [
        f"# Model card: {reference}",
        "## Numbers",
        "\n".join(numbers_table(tags)),
        "## Error by group",
        f"On the {errors[-1].patients} held-out patients, whom the training has never seen.",
        "\n".join(groups_table(errors)),
        COMMENT.sub("", statements).strip(),
    ]
    return "\n\n".join(parts) + "\n"


def write(ml: "MLClient", settings: Workshop, options: argparse.Namespace) -> None:
    """Writes the card of a version; not named: of the one that is live."""
    reference = chosen_model(ml, settings, options.model)
    version = ml.models.get(*reference.split(":"))
    errors = errors_by_group(read_model(ml, reference), read_holdout(settings.root / HOLDOUT))
    text = card_text(reference, dict(version.tags or {}), errors, STATEMENTS.read_text(encoding="utf-8"))
    path = settings.root / CARD
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    print(f"{CARD}: {reference}")
    if "TODO" in text:
        print(f"What only you can say is still to be written: {STATEMENTS.name}, then write the card again.")


def fingerprint(text: str) -> str:
    """Returns what the tag says of a card: its place, and the hash of its text whatever the line ends."""
    content = text.replace("\r\n", "\n").encode()
    return f"{CARD.as_posix()}@sha256:{hashlib.sha256(content).hexdigest()}"


def link(ml: "MLClient", settings: Workshop, options: argparse.Namespace) -> None:
    """Ties the card to its version. Raises StepError for a card that is not there, or is not finished."""
    path = settings.root / CARD
    text = path.read_bytes().decode() if path.is_file() else ""
    named = NAMED.search(text)
    if not named or "TODO" in text:
        raise StepError(f"{CARD} is {'not finished' if named else 'not there'}: fill in the statements, and write it.")
    version = ml.models.get(*named[1].split(":"))
    version.tags = {**(version.tags or {}), "card": fingerprint(text)}
    ml.models.create_or_update(version)
    print(f"{named[1]}: card {version.tags['card']}")


STEPS = {"write": write, "link": link}


def main() -> int:
    """Does one step."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    steps = parser.add_subparsers(dest="step", required=True, metavar="step")
    for name, step in STEPS.items():
        one = steps.add_parser(name, help=(step.__doc__ or "").splitlines()[0])
        if name == "write":
            one.add_argument("--model", help="name:version; not given: what is live")
    options, settings = parser.parse_args(), workshop.load()
    STEPS[options.step](workshop.ml_client(settings), settings, options)
    return 0


if __name__ == "__main__":
    raise SystemExit(workshop.run_step(main))
