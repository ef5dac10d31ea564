"""A world whose production serves the solution's own image, model and scoring script, with collection on."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from journey.worlds.serving import build
from tests.checks.worlds import World
from tests.conftest import REPOSITORY
from tests.sdk.test_kubernetes_endpoints import install_extension, make_cluster

SOLUTION = REPOSITORY / "solution"
DATA = REPOSITORY / "labs" / "data"
COMMIT = "0123abc"
FOLDERS = ("", "deployment", "training", "monitoring", "responsible")


@dataclass(frozen=True)
class Real:
    """The world, the live model as name:version, and the metrics that its training wrote."""

    world: World
    model: str
    metrics: dict[str, Any]


def use_steps(monkeypatch: pytest.MonkeyPatch, world: World) -> None:
    """Lets this process import the solution's scripts, with the names of this world."""
    for folder in FOLDERS:
        monkeypatch.syspath_prepend(str(SOLUTION / folder))
    monkeypatch.setenv("WORKSHOP_SUFFIX", world.suffix)


def run_step(monkeypatch: pytest.MonkeyPatch, script: Any, *arguments: str) -> None:
    """One step of the solution, as it is typed. Raises what it raises."""
    monkeypatch.setattr(sys, "argv", [f"{script.__name__}.py", *arguments])
    assert script.main() == 0


def attach_cluster(world: World, workshop: Any) -> None:
    """A Kubernetes cluster as the workspace's compute."""
    from azure.ai.ml.entities import KubernetesCompute

    settings = workshop.load()
    cluster = make_cluster(world.sandbox, settings.names.resource_group)
    install_extension(world.sandbox, cluster)
    attached = KubernetesCompute(name=settings.names.kubernetes_compute, resource_id=cluster, namespace="default")
    workshop.ml_client(settings).compute.begin_create_or_update(attached).result()


def train(folder: Path, runtime: Path) -> Path:
    """The output folder of the solution's training, run as the job runs it."""
    output = folder / "trained"
    options = ["--data", str(DATA / "diabetes.csv"), "--holdout", str(DATA / "diabetes_holdout.csv")]
    options += ["--output", str(output), "--test-size", "0.2", "--seed", "20"]
    environment = {**os.environ, "MLFLOW_TRACKING_URI": (folder / "runs").as_uri(), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [str(runtime), str(SOLUTION / "training" / "train.py"), *options]
    subprocess.run(command, env=environment, check=True, capture_output=True, timeout=120)
    return output


def make_real(world: World, folder: Path, runtime: Path) -> Real:
    """Trained, registered as version 2, packaged with the solution's files, and live on Kubernetes."""
    import production
    import workshop

    world.make_trained()
    names = world.settings.names
    for asset, file in ((names.data_asset, "diabetes.csv"), (names.holdout_asset, "diabetes_holdout.csv")):
        world.put_blob(f"data/{asset}.csv", (DATA / file).read_bytes())
    trained = train(folder, runtime)
    metrics = json.loads((trained / "metrics.json").read_text())
    artifact = json.loads((trained / "model" / "model.json").read_text())
    job, data = world.make_job(), f"{names.data_asset}:1"
    model = world.make_model("2", artifact, job=job, data=data, mse=str(metrics["mse"]), r2=str(metrics["r2"]))
    reference = f"{names.model}/2"
    context = {name: (SOLUTION / "image" / name).read_bytes() for name in ("requirements.txt", "score.py")}
    dockerfile = (SOLUTION / "image" / "Dockerfile").read_text()
    context["Dockerfile"] = dockerfile.replace("ARG MODEL=unregistered", f"ARG MODEL={model}").encode()
    for name in ("model.joblib", "model.json"):
        context[f"model/{reference}/{name}"] = (trained / "model" / name).read_bytes()
    image = build(world, context, f"{names.image}:2-{COMMIT}")["outputImages"][0]

    attach_cluster(world, workshop)
    settings = workshop.load()
    ml = workshop.ml_client(settings)
    production.provision_endpoint(ml, settings)
    digest = image["digest"]
    place = f"{image['registry']}/{image['repository']}@{digest}"
    labels = {"model": model, "build": "41", "commit": COMMIT, "digest": digest}
    environment = production.image_environment(ml, settings, place, digest)
    production.deploy(ml, production.wanted_deployment(settings, "blue", labels, environment))
    production.route_traffic(ml, settings.names.production)
    return Real(world, model, metrics)
