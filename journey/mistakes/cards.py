"""Mistakes of module 14: the model card, its numbers, and the tag that ties a version to it."""

from collections.abc import Callable

from journey.errors import JourneyError
from journey.mistakes.registry import Undo, mistake
from journey.worlds import World
from journey.worlds.cards import CARD, card_text, link_card, write_card
from journey.worlds.reaching import mse_of

NEEDS = "M14"


def carded(world: World, change: Callable[[str], str]) -> Undo:
    """Another card, linked as it is; undone by the right one. Raises JourneyError when the change changes nothing."""
    right = (world.folder / CARD).read_text(encoding="utf-8")
    text = change(right)
    if text == right:
        raise JourneyError(CARD, "the text that the mistake replaces is not there", "a card that it fits")
    write_linked(world, text)
    return lambda: write_linked(world, right)


def write_linked(world: World, text: str) -> None:
    write_card(world.folder, text)
    link_card(world.resources, world.models[-1], text)


@mistake("card-missing", "M14", "CRD001", "The step write makes the card", NEEDS, clone=True)
def card_missing(world: World) -> Undo:
    """There is no model card."""
    file = world.folder / CARD
    text = file.read_text(encoding="utf-8")
    file.unlink()
    return lambda: write_card(world.folder, text)


@mistake("card-with-an-empty-section", "M14", "CRD001", "somebody who has never met you", NEEDS, clone=True)
def card_with_an_empty_section(world: World) -> Undo:
    """Nobody has written down who can stop the model."""
    return carded(world, lambda text: text.partition("## Who can stop the model")[0] + "## Who can stop the model\n")


@mistake("card-with-the-numbers-of-another-version", "M14", "CRD002", "keeps the old numbers", NEEDS, clone=True)
def card_with_the_numbers_of_another_version(world: World) -> Undo:
    """The card was copied from the one of the version before, and kept its numbers."""
    older = card_text(world.folder, world.models[-1], mse_of(world, 1))
    return carded(world, lambda _: older)


@mistake("card-with-a-typed-number", "M14", "CRD002", "A number that is typed is wrong one day", NEEDS, clone=True)
def card_with_a_typed_number(world: World) -> Undo:
    """Somebody has typed the error, and two digits have changed places."""
    right = f"| mse | {float(mse_of(world, len(world.models))):.4f} |"
    return carded(world, lambda text: text.replace(right, "| mse | 2300.5000 |"))


@mistake("card-of-no-version", "M14", "CRD002", "A card belongs to one version", NEEDS, clone=True)
def card_of_no_version(world: World) -> Undo:
    """The card names the model, and a version that is not registered."""
    return carded(world, lambda text: text.replace(world.models[-1], f"{world.names['model']}:7"))


def without_groups(text: str) -> str:
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith("| SEX"))


@mistake("card-with-the-overall-error-only", "M14", "CRD003", "for whom is the model worse", NEEDS, clone=True)
def card_with_the_overall_error_only(world: World) -> Undo:
    """The card has the error of all patients, and of no group."""
    return carded(world, without_groups)


def with_groups_swapped(text: str) -> str:
    return text.replace("| SEX 1 |", "| SEX - |").replace("| SEX 2 |", "| SEX 1 |").replace("| SEX - |", "| SEX 2 |")


@mistake("card-with-the-groups-swapped", "M14", "CRD003", "Are these numbers of the held-out rows", NEEDS, clone=True)
def card_with_the_groups_swapped(world: World) -> Undo:
    """The errors of the two groups have changed places."""
    return carded(world, with_groups_swapped)


@mistake("card-never-linked", "M14", "CRD004", "the model does not know its card", NEEDS, clone=True)
def card_never_linked(world: World) -> Undo:
    """The version has no tag that names the card."""
    text = (world.folder / CARD).read_text(encoding="utf-8")
    world.resources.retag_model(world.models[-1], card="")
    return lambda: link_card(world.resources, world.models[-1], text)


@mistake("card-changed-since", "M14", "CRD004", "was changed after it was linked", NEEDS, clone=True)
def card_changed_since(world: World) -> Undo:
    """The card was softened after it had been linked."""
    text = (world.folder / CARD).read_text(encoding="utf-8")
    write_card(world.folder, text + "\nIt has always done well.\n")
    return lambda: write_card(world.folder, text)
