"""Modules 7 to 9 on real images, containers and endpoints: the world that passes, and one fault at a time."""

from dataclasses import dataclass

import pytest

from checker.checks import CHECKS
from checker.model import CheckResult, Outcome, Service
from checker.runner import run_checks, with_prerequisites
from tests.checks.test_module_6 import outcomes, seen
from tests.checks.worlds import MODEL, World


@dataclass(frozen=True)
class Release:
    """A world in which a model is registered and an image of it is built."""

    world: World
    model: str
    image: str


@pytest.fixture
def release(world: World) -> Release:
    model = world.make_trained()
    return Release(world, model, world.make_image(model))


def staged(release: Release, image: str | None = None, model: str | None = None, key: str | None = None) -> World:
    more = {} if key is None else {"key": key}
    release.world.make_staging(image or release.image, model or release.model, **more)
    return release.world


def test_a_whole_release_passes_every_check_in_under_25_calls(release: Release) -> None:
    world = staged(release)
    world.make_production(release.image, release.model)
    context = world.context()
    modules = range(1, 11)  # what a release makes; the modules after it have tests of their own
    codes = [
        code for code, check in CHECKS.items() if check.service is Service.AZURE and int(check.module[1:]) in modules
    ]
    results = {result.check.code: result for result in run_checks(with_prerequisites(codes, CHECKS), context)}
    assert outcomes(results) == dict.fromkeys(codes, Outcome.PASS), [result.finding for result in results.values()]
    assert context.http.reads + context.http.scores < 25
    evidence = results["PRD006"].evidence
    assert evidence is not None
    assert "seed 11" in evidence.seen


def test_registry_that_is_missing_and_one_that_built_nothing(world: World) -> None:
    world.make_group()
    world.make_workspace()
    assert "there is none at all" in seen(world.check("IMG001"), "IMG001")
    world.make_registry(f"crdiabete{world.suffix}")
    assert f"found `crdiabete{world.suffix}`" in seen(world.check("IMG001"), "IMG001")
    world.make_registry()
    assert "has not built anything" in seen(world.check("IMG002"), "IMG002")


def test_staging_that_is_missing(release: Release) -> None:
    assert "there is no container group" in seen(release.world.check("STG001"), "STG001")


def test_staging_by_tag_is_no_digest(release: Release) -> None:
    world = staged(release, image=release.image.partition("@")[0] + ":1")
    assert "a tag, no digest" in seen(world.check("STG002"), "STG002")


def test_staging_that_names_another_version(release: Release) -> None:
    world = staged(release, model=f"{release.world.settings.names.model}:7")
    results = world.check("STG005")
    assert ":7" in seen(results, "STG003")
    assert results["STG005"].blocked_by == ("STG003",)


def test_staging_without_a_key(release: Release) -> None:
    world = staged(release, key="")
    results = world.check("STG005")
    assert "a request without a key is answered with status 200" in seen(results, "STG004")
    assert results["STG005"].outcome is Outcome.BLOCKED


def test_staging_key_that_nobody_gave_or_that_is_old_is_unknown(release: Release) -> None:
    world = staged(release)
    assert "nobody gave the key" in seen(world.check("STG005", staging_key=None), "STG005", Outcome.UNKNOWN)
    assert "refused" in seen(world.check("STG005", staging_key="an-older-key"), "STG005", Outcome.UNKNOWN)


@pytest.mark.parametrize(
    ("fault", "part"),
    [("rounded", "rows differ"), ("raises", "status 500"), ("named", "another:9")],
)
def test_staging_that_answers_something_else(release: Release, fault: str, part: str) -> None:
    world = staged(release, image=release.world.make_image(release.model, fault, tag=fault))
    assert part in seen(world.check("STG005"), "STG005")


def test_another_model_in_the_image_is_found_by_its_numbers(release: Release) -> None:
    """The name and the tag are right, the metrics are right: only the predictions tell."""
    other = {**MODEL, "intercept": 152.0}
    world = staged(release, image=release.world.make_image(release.model, artifact=other, tag="other"))
    results = world.check("STG002", "STG005")
    assert results["STG002"].outcome is Outcome.PASS
    assert "8 of 8 rows differ" in seen(results, "STG005")


def test_version_without_an_artifact_cannot_be_compared(release: Release) -> None:
    world = release.world
    model = world.make_model("2", None, job="j", data="d:1")
    world.make_staging(world.make_image(model, tag="2"), model)
    assert "no model.json" in seen(world.check("STG005"), "STG005")


def test_production_that_was_never_deployed(release: Release) -> None:
    assert "there is no online endpoint" in seen(staged(release).check("PRD001"), "PRD001")


def test_production_without_traffic(release: Release) -> None:
    world = staged(release)
    world.make_production(release.image, release.model, traffic=0)
    assert "traffic: none; deployments: blue" in seen(world.check("PRD002"), "PRD002")


def test_production_from_a_second_build(release: Release) -> None:
    world = staged(release)
    world.make_production(world.make_image(release.model, "none", tag="again"), release.model)
    results = world.check("PRD003", "PRD004")
    assert "@sha256:" in seen(results, "PRD003")
    assert results["PRD004"].outcome is Outcome.PASS


def test_production_that_names_another_version_than_staging(release: Release) -> None:
    world = staged(release)
    newer = world.make_model("2", job="j", data="d:1")
    world.make_production(release.image, newer)
    found = seen(world.check("PRD004"), "PRD004")
    assert newer in found
    assert release.model in found


def test_production_whose_image_rounds(release: Release) -> None:
    world = staged(release)
    world.make_production(world.make_image(release.model, "rounded", tag="rounded"), release.model)
    results: dict[str, CheckResult] = dict(world.check("PRD006"))
    assert "rows differ" in seen(results, "PRD006")


def test_lineage_of_the_served_version_is_evidence(release: Release) -> None:
    world = staged(release)
    world.make_production(release.image, release.model)
    results = world.check("LIN001")
    evidence = results["LIN001"].evidence
    assert evidence is not None
    assert evidence.facts["model"] == release.model
    assert evidence.facts["commit"] == "0123abc"
