"""The third leg: every typical mistake is found by its check, with its hint, and no other check cries out."""

import os
from collections.abc import Iterator

import pytest

from journey.mistakes import MISTAKES, VARIATIONS
from journey.mistakes.registry import Mistake, Variation, modules_to
from journey.proving.corpus import Switchboard, Worlds, prove_mistake, prove_variation
from journey.proving.judging import judge_pass
from journey.proving.looking import codes_of
from journey.worlds import Ground, open_ground
from tests.checks.proofs import InProcess
from tests.conftest import REPOSITORY, Sandbox

pytestmark = pytest.mark.xdist_group("mistakes")  # the worlds are lent from one test to the next

LEAST_MISTAKES, LEAST_VARIATIONS = 65, 20
QUICK = {one.id: one for one in MISTAKES.values() if not one.clone}
IN_CLONES = {one.id: one for one in MISTAKES.values() if one.clone}


@pytest.fixture(scope="module")
def ground(sandbox: Sandbox) -> Ground:
    return open_ground({**os.environ, **sandbox.environment}, REPOSITORY)


@pytest.fixture(scope="module")
def switchboard(ground: Ground, sandbox: Sandbox) -> Switchboard:
    return Switchboard(ground, sandbox.secret)


@pytest.fixture(scope="module")
def checker() -> InProcess:
    return InProcess()


@pytest.fixture(scope="module")
def worlds(ground: Ground, checker: InProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worlds]:
    """Lent from test to test; at the end those that came back must be as right as they were when they were lent."""
    made = Worlds(ground, tmp_path_factory.mktemp("worlds"))
    yield made
    for world in made.idle():
        seen = checker.look(world, codes_of(checker, modules_to(world.module), machine=False))
        verdict = judge_pass("afterwards", world.module, seen)
        assert verdict.good, verdict.problem


@pytest.mark.parametrize("one", QUICK.values(), ids=QUICK.keys())
def test_mistake_is_found_by_its_check_and_no_other(
    one: Mistake, worlds: Worlds, checker: InProcess, switchboard: Switchboard
) -> None:
    verdict = prove_mistake(one, worlds, checker, switchboard)
    assert verdict.good, verdict.problem


@pytest.mark.parametrize("one", VARIATIONS.values(), ids=VARIATIONS.keys())
def test_variation_passes_every_check(one: Variation, worlds: Worlds, checker: InProcess) -> None:
    verdict = prove_variation(one, worlds, checker)
    assert verdict.good, verdict.problem


@pytest.mark.slow
@pytest.mark.parametrize("one", IN_CLONES.values(), ids=IN_CLONES.keys())
def test_mistake_in_a_clone_is_found_by_its_check(one: Mistake, worlds: Worlds, checker: InProcess) -> None:
    """`journey prove` looks at the whole module; here it is the one check, as each look takes seconds."""
    verdict = prove_mistake(one, worlds, checker, whole=False)
    assert verdict.good, verdict.problem


def test_corpus_is_as_large_as_promised_and_says_something_of_each() -> None:
    assert len(MISTAKES) >= LEAST_MISTAKES
    assert len(VARIATIONS) >= LEAST_VARIATIONS
    pairs = [(one.code, one.hint) for one in MISTAKES.values() if one.hint]
    assert len({one.title for one in MISTAKES.values()}) == len(MISTAKES)
    shared = {pair for pair in pairs if pairs.count(pair) > 1}
    assert not shared, "two mistakes with one hint are one mistake"


def test_every_mistake_names_a_check_that_there_is(checker: InProcess) -> None:
    known = {one.code: one.module for one in checker.statements}
    assert {one.id: one.code for one in MISTAKES.values() if known.get(one.code) != one.module} == {}
