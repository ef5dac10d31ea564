"""Module 12: the steps of the solution, looked at by the checks on the way; and records that are no roll-back."""

import sys
from collections.abc import Mapping
from typing import Any

import pytest

from checker.checks import CHECKS as ALL
from checker.model import CheckResult, Outcome
from checker.runner import run_checks, with_prerequisites
from journey.worlds.serving import ENDPOINTS, make_deployment, make_endpoint
from tests.checks.test_module_6 import seen
from tests.checks.worlds import MODEL, World
from tests.conftest import REPOSITORY
from tests.sdk.test_kubernetes_endpoints import install_extension, make_cluster

SOLUTION = REPOSITORY / "solution"
CHECKS = ("BGR001", "BGR003", "BGR004", "BGR005")
COMMIT = "0123abc"
PLACES = [str(SOLUTION / folder) for folder in ("", "deployment", "training")]


@pytest.fixture
def blue_green(monkeypatch: pytest.MonkeyPatch, world: World) -> Any:
    """The solution's script, with the settings of this world."""
    for place in PLACES:
        monkeypatch.syspath_prepend(place)
    monkeypatch.setenv("WORKSHOP_SUFFIX", world.suffix)
    import blue_green

    return blue_green


def make_versions(world: World) -> tuple[str, str]:
    """Two registered versions, each with the image that its release built."""
    data = f"{world.settings.names.data_asset}:1"
    job = world.make_trained()
    other = world.make_model("2", {**MODEL, "intercept": 140.0}, job="j", data=data)
    world.make_image(job, tag=f"1-{COMMIT}")
    world.make_image(other, artifact={**MODEL, "intercept": 140.0}, tag=f"2-{COMMIT}")
    return job, other


def make_live(world: World, blue_green: Any, model: str) -> None:
    """Version 1 behind a Kubernetes endpoint, by the functions of the production step."""
    from azure.ai.ml.entities import KubernetesCompute

    production, workshop = blue_green.production, blue_green.workshop
    settings = workshop.load()
    cluster = make_cluster(world.sandbox, settings.names.resource_group)
    install_extension(world.sandbox, cluster)
    ml = workshop.ml_client(settings)
    attached = KubernetesCompute(name=settings.names.kubernetes_compute, resource_id=cluster, namespace="default")
    ml.compute.begin_create_or_update(attached).result()
    production.provision_endpoint(ml, settings)
    version = ml.models.get(*model.split(":"))
    reference, digest = blue_green.find_image(settings, version)
    labels = {"model": model, "build": "41", "commit": COMMIT, "digest": digest}
    environment = production.image_environment(ml, settings, reference, digest)
    production.deploy(ml, production.wanted_deployment(settings, "blue", labels, environment))
    production.route_traffic(ml, settings.names.production)


def step(blue_green: Any, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", ["blue_green.py", *arguments])
    assert blue_green.main() == 0


def outcomes(results: Mapping[str, CheckResult]) -> str:
    """The outcomes of the module's checks, one letter each: p, f, b or w."""
    return "".join(results[code].outcome.value[0] for code in CHECKS)


@pytest.mark.slow
def test_an_exchange_and_the_way_back(
    world: World, blue_green: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = make_versions(world)
    make_live(world, blue_green, first)
    results = world.check(*CHECKS)
    assert outcomes(results) == "fbbb"
    assert "no exchange on record" in seen(results, "BGR001")

    step(blue_green, monkeypatch, "add")
    results = world.check(*CHECKS)
    assert outcomes(results) == "ppfb"
    assert f"agree with {second}" in str(results["BGR003"].evidence)
    step(blue_green, monkeypatch, "try")
    assert "green" in capsys.readouterr().out

    step(blue_green, monkeypatch, "shift", "--percent", "10")
    with pytest.raises(blue_green.StepError, match="still carries 10 %"):
        step(blue_green, monkeypatch, "remove", "--deployment", "green")
    step(blue_green, monkeypatch, "shift", "--percent", "100")
    results = world.check(*CHECKS)
    assert outcomes(results) == "ppfb"
    assert "way back is not tried" in hints(results, "BGR004")

    step(blue_green, monkeypatch, "roll-back")
    results = world.check(*CHECKS)
    assert outcomes(results) == "pppf"
    assert f"from {second} to {first}" in str(results["BGR004"].evidence)
    assert "green has 0 %" in seen(results, "BGR005")
    with pytest.raises(blue_green.StepError, match="no exchange is on record"):
        step(blue_green, monkeypatch, "roll-back")

    step(blue_green, monkeypatch, "remove")
    context = world.context()
    results = {one.check.code: one for one in run_checks(with_prerequisites(CHECKS, ALL), context)}
    assert outcomes(results) == "pppp", [result.finding for result in results.values()]
    assert context.http.reads + context.http.scores <= 5, "nothing that the other modules do not ask"


def hints(results: Mapping[str, CheckResult], code: str) -> str:
    finding = results[code].finding
    assert finding is not None
    return "\n".join(finding.hints)


def route(world: World, traffic: Mapping[str, int], **tags: str) -> None:
    """Traffic and tags of the endpoint, as somebody writes them by hand."""
    properties = {"authMode": "Key", "traffic": dict(traffic)}
    body = {
        "location": world.location,
        "tags": {**world.tags, **tags},
        "identity": {"type": "SystemAssigned"},
        "properties": properties,
    }
    world.call("PUT", world.endpoint, body, ENDPOINTS)


@pytest.mark.slow
def test_records_that_are_no_roll_back(world: World) -> None:
    first, second = make_versions(world)
    make_endpoint(world)
    right, wrong = world.make_image(first, tag="a"), world.make_image(second, tag="b")
    make_deployment(world, right, first, "blue", "1")
    make_deployment(world, wrong, second, "green", "2")
    route(world, {"blue": 100})
    results = world.check(*CHECKS)
    assert "8 of 8 rows differ" in seen(results, "BGR003"), "the image of green has another model's numbers"
    assert "has never had all the traffic" in hints(results, "BGR004")

    exchanged = {"live": f"green {second}", "previous": f"blue {first}"}
    route(world, {"green": 100}, **exchanged)
    assert "way back is not tried" in hints(world.check("BGR004"), "BGR004")
    route(world, {"blue": 100}, **exchanged)
    by_hand = world.check("BGR004")["BGR004"]
    assert by_hand.outcome is Outcome.PASS, "traffic set by the CLI is a roll-back too"
    route(world, {"green": 100}, **exchanged, rolled_back=f"2026-11-24T12:00:00Z from {second} to {first}")
    assert "that is what the roll-back left" in seen(world.check("BGR004"), "BGR004")
    route(world, {"green": 100}, live=f"green {first}", previous=f"blue {first}")
    assert "You have the old version" in hints(world.check("BGR004"), "BGR004")
