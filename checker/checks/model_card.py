"""Module 14: the model card in the clone, its numbers, and the tag that ties a model version to it."""

import csv
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from checker.checks.judgement import neighbours, quote
from checker.checks.models import find_version
from checker.checks.parity import LinearModel, read_model
from checker.checks.registry import machine_check
from checker.checks.workbench import source
from checker.clients.machinelearning import AssetVersion
from checker.context import FEATURE_RANGES, CheckContext
from checker.model import Evidence, Fail, failed

CARD = "labs/responsible/model_card.md"
HOLDOUT = "labs/data/diabetes_holdout.csv"
WRITE = "python solution/responsible/model_card.py write"
LINK = "python solution/responsible/model_card.py link"
SECTIONS = ("Intended use", "Limits", "Data and licence", "Who can stop the model")
FEWEST_WORDS = 8
SEX = list(FEATURE_RANGES).index("SEX")
NAMED = re.compile(r"^# Model card: (\S+:\S+)\s*$", re.MULTILINE)
HEADING = re.compile(r"^##\s+(.+?)\s*$", re.MULTILINE)
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Card:
    """The learner's card: the version it names, or '', its text, and its sections by their headings in lower case."""

    model: str
    text: str
    sections: Mapping[str, str]

    def rows(self, section: str) -> list[list[str]]:
        """The cells of the tables of a section, row by row."""
        lines = (line.strip() for line in self.sections.get(section.lower(), "").splitlines())
        return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]


@machine_check("CRD001", "M14", ("MOD001",))
def card_says_what_people_must_say(context: CheckContext) -> Evidence:
    """The model card is filled in.

    A number says how good a model is, and not what for. Intended use, limits, data, who can stop it: people know that.
    """
    card = _card(context)
    lacking = [name for name in SECTIONS if not _is_written(card.sections.get(name.lower(), ""))]
    if lacking:
        raise failed(
            f"{CARD}: {', '.join(lacking)} {'is' if len(lacking) == 1 else 'are'} not filled in",
            f"{', '.join(SECTIONS)}, each in a sentence or more",
            "Write for somebody who has never met you and is about to use the model.",
            "The statements are in labs/responsible/statements.md; the step write puts them into the card.",
            commands=(WRITE,),
        )
    return Evidence(f"{CARD} of {quote(card.model) or 'no version'}, {len(SECTIONS)} sections")


@machine_check("CRD002", "M14", ("CRD001", "MOD002"))
def card_has_the_numbers_of_its_version(context: CheckContext) -> Evidence:
    """The card's numbers are those of the version it names.

    A card is copied from the last one, and then it vouches for a model with the numbers of another.
    """
    card = _card(context)
    version = _version(context, card)
    written = {row[0].lower(): row[1] for row in card.rows("Numbers") if len(row) == 2}
    for name in ("mse", "r2"):
        if version.tags.get(name) and not _tag_agrees(version, name, written.get(name, "")):
            raise _wrong_number(context, version, name, written.get(name, ""))
    return Evidence(f"{version.reference}: mse {quote(written.get('mse', ''))}", {"model": version.reference})


@machine_check("CRD003", "M14", ("CRD002",))
def card_has_the_error_by_group(context: CheckContext) -> Evidence:
    """The card has the error of each group, and the numbers are right.

    One error for all hides who pays for it. The number of patients beside each says how much it is worth.
    """
    card = _card(context)
    expected = _errors(context, _version(context, card))
    written = {row[0].lower(): row[1:] for row in card.rows("Error by group") if len(row) >= 3}
    lacking = [name for name in expected if name.lower() not in written]
    if lacking:
        raise failed(
            f"{CARD}: no error for {', '.join(lacking)}; the table has {quote(', '.join(written)) or 'no rows'}",
            f"a row for each of {', '.join(expected)}: group, patients, mse",
            "An error for all patients is there, and none by group: for whom is the model worse?",
            "SEX has two values, and the lower one is code 1: see groups_of in by_group.py.",
            commands=("python solution/responsible/by_group.py", WRITE),
        )
    for name, (patients, mse) in expected.items():
        row = written[name.lower()]
        if row[0] != str(patients) or not _agrees(row[1], mse):
            raise failed(
                f"{CARD}: {name} has {quote(row[0])} patients and mse {quote(row[1])}",
                f"{patients} patients and mse {mse:.2f}, of {card.model} on {HOLDOUT}",
                "Are these numbers of the held-out rows, and of this version?",
                "Groups by the value of SEX, and no row in two of them.",
                commands=(WRITE,),
            )
    return Evidence(", ".join(f"{name}: {mse:.0f} ({patients} patients)" for name, (patients, mse) in expected.items()))


@machine_check("CRD004", "M14", ("CRD002",))
def version_names_its_card(context: CheckContext) -> Evidence:
    """The version's tag names this very card.

    Whoever meets the model in the registry finds the card; and a card that was changed since is found out by its hash.
    """
    card = _card(context)
    version, digest = _version(context, card), card_digest(card.text)
    tag = version.tags.get("card", "")
    if not tag:
        raise failed(
            f"{version.reference} has no tag `card`",
            f"a tag with the place and the hash of {CARD}",
            "The card knows its model; the model does not know its card.",
            commands=(LINK,),
        )
    if digest not in tag:
        raise failed(
            f"{version.reference} has the tag card `{quote(tag)}`; the card's hash is {digest[:12]}…",
            "the hash of the card as it is now",
            "The card was changed after it was linked, or another card was linked.",
            "Read what has changed, then link it again.",
            commands=(f"git log -p -- {CARD}", LINK),
        )
    return Evidence(f"{version.reference} names {CARD}, {digest[:12]}…")


def card_digest(text: str) -> str:
    """The SHA-256 of a card whatever its line ends, as 64 hexadecimal digits."""
    return hashlib.sha256(text.replace("\r\n", "\n").encode()).hexdigest()


def _card(context: CheckContext) -> Card:
    text = source(context, CARD, "The step write makes the card, of the version that is live.", f"Run: {WRITE}")
    named = NAMED.search(text)
    parts = HEADING.split(COMMENT.sub("", text))
    sections = {title.lower(): body for title, body in zip(parts[1::2], parts[2::2], strict=True)}
    return Card(named[1] if named else "", text, sections)


def _is_written(body: str) -> bool:
    return "TODO" not in body and len(WORD.findall(body)) >= FEWEST_WORDS


def _version(context: CheckContext, card: Card) -> AssetVersion:
    """The version that the card names. Raises Fail when it is not registered."""
    version = find_version(context, card.model)
    if version is None:
        registered = (one.reference for one in context.models())
        raise failed(
            f"{CARD} is of `{quote(card.model) or 'no version'}`; {neighbours(card.model, registered)}",
            "a first line `# Model card: name:version`, of a registered version",
            "A card belongs to one version, not to a model in general.",
            commands=(WRITE,),
        )
    return version


def _agrees(written: str, measured: float) -> bool:
    """Whether a number is the measured one, to the decimals it is written with, of which there is one at least."""
    try:
        value = float(written)
    except ValueError:
        return False
    decimals = len(written.partition(".")[2])
    return decimals > 0 and abs(value - measured) <= 0.51 * 10**-decimals


def _wrong_number(context: CheckContext, version: AssetVersion, name: str, written: str) -> Fail:
    others = [one for one in context.models() if one.reference != version.reference and _tag_agrees(one, name, written)]
    hint = (
        f"That is the {name} of {others[0].reference}: a card that was copied keeps the old numbers."
        if others
        else "A number that is typed is wrong one day: the step write takes it from the version's tags."
    )
    return failed(
        f"{CARD}: {name} is `{quote(written) or 'not there'}`",
        f"{quote(version.tags[name])}, as {version.reference} says in its tags",
        hint,
        "The numbers of a version are in its tags and in the metrics of its job.",
        commands=(WRITE,),
    )


def _tag_agrees(version: AssetVersion, name: str, written: str) -> bool:
    try:
        return _agrees(written, float(version.tags.get(name, "")))
    except ValueError:
        return False


def _errors(context: CheckContext, version: AssetVersion) -> dict[str, tuple[int, float]]:
    """Patients and mean squared error of each group on the held-out rows, computed from the version's artifact."""
    content = context.artifact(version)
    if content is None:
        raise failed(
            f"{version.reference} has no model.json beneath {quote(version.uri)}", "the training job's output in it"
        )
    model, rows = read_model(content, version.reference), _holdout(context)
    low, high = min(row[SEX] for row in rows), max(row[SEX] for row in rows)
    groups = {"SEX 1": low, "SEX 2": high}
    return {name: _error(model, [row for row in rows if row[SEX] == value]) for name, value in groups.items()}


def _error(model: LinearModel, rows: Sequence[Sequence[float]]) -> tuple[int, float]:
    squares = [(model.predict(row[:-1]) - row[-1]) ** 2 for row in rows]
    return len(squares), sum(squares) / len(squares)


def _holdout(context: CheckContext) -> list[list[float]]:
    """The held-out rows of the clone. Raises Fail when they are not what came with the kit."""
    lines = list(csv.reader(source(context, HOLDOUT).splitlines()))[1:]
    try:
        rows = [[float(cell) for cell in line] for line in lines]
    except ValueError as problem:
        raise failed(f"{HOLDOUT}: {problem}", "rows of eleven numbers, as in the kit") from None
    if not rows or any(len(row) != len(FEATURE_RANGES) + 1 for row in rows):
        raise failed(f"{HOLDOUT} has {len(rows)} rows, or some are cut", "rows of eleven numbers, as in the kit")
    return rows
