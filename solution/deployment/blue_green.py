"""Tries another model version beside the live one, moves the traffic to it, and moves it back in one operation.

    python solution/deployment/blue_green.py add [--model NAME:VERSION]
    python solution/deployment/blue_green.py try
    python solution/deployment/blue_green.py shift --percent 10
    python solution/deployment/blue_green.py shift --percent 100
    python solution/deployment/blue_green.py roll-back
    python solution/deployment/blue_green.py remove

`add` takes the newest version that is not live, from the image that the release of that version built. The endpoint's
tags keep the record: `live` and `previous`, each a deployment and its model, and `rolled_back`.
A copy of the traffic (mirroring) is for managed endpoints only; production is on Kubernetes, so a small share it is.
"""

import argparse
import csv
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "training"))
import production
import workshop
from submit_evaluation import model_reference
from workshop import StepError, Workshop

if TYPE_CHECKING:
    from azure.ai.ml import MLClient
    from azure.ai.ml.entities import Model, OnlineEndpoint

GREEN = "green"
TRIED_ROWS = 5
TIMEOUT_SECONDS = 60
HEADER = "azureml-model-deployment"  # names the deployment that answers, whatever the traffic says


def shares(endpoint: "OnlineEndpoint") -> dict[str, int]:
    """Returns the deployments that get traffic, with their share in percent."""
    return {name: share for name, share in (endpoint.traffic or {}).items() if share}


def live_name(endpoint: "OnlineEndpoint") -> str:
    """Returns the deployment with the largest share. Raises StepError when none has any."""
    traffic = shares(endpoint)
    if not traffic:
        raise StepError(f"No deployment of {endpoint.name} has traffic: run solution/deployment/production.py first.")
    return max(traffic, key=lambda name: traffic[name])


def served(ml: "MLClient", endpoint: str, deployment: str) -> str:
    """Returns name:version of the model that a deployment names. Raises StepError when it names none, or is none."""
    found = workshop.existing(lambda: ml.online_deployments.get(name=deployment, endpoint_name=endpoint))
    reference = model_reference(str(found.model or "")) if found else None
    if reference is None:
        raise StepError(f"{endpoint} has no deployment {deployment} that names a registered model.")
    return reference


def other(ml: "MLClient", endpoint: "OnlineEndpoint", deployment: str | None) -> str:
    """Returns the deployment beside the live one. Raises StepError unless there is exactly one, or the named one."""
    live = live_name(endpoint)
    beside = [str(one.name) for one in ml.online_deployments.list(str(endpoint.name)) if one.name != live]
    if deployment in beside:
        return str(deployment)
    if deployment or len(beside) != 1:
        raise StepError(
            f"{live} is live; beside it there is {', '.join(beside) or 'nothing'}. "
            f"Expected {deployment or 'one other'}: `add` makes it."
        )
    return beside[0]


def candidate(ml: "MLClient", settings: Workshop, live: str, named: str | None) -> "Model":
    """Returns the version to add: the named one, else the newest that is not live. Raises StepError for none."""
    versions = sorted(ml.models.list(name=settings.names.model), key=workshop.version_number, reverse=True)
    found = [one for one in versions if f"{one.name}:{one.version}" in ([named] if named else [])]
    if named is None:
        found = [one for one in versions if f"{one.name}:{one.version}" != live]
    if not found or f"{found[0].name}:{found[0].version}" == live:
        known = ", ".join(f"{one.name}:{one.version}" for one in versions)
        raise StepError(
            f"{named or 'Another version'} cannot be added: {live} is live, and the versions are {known or 'none'}. "
            "A pipeline run that its gate accepts registers another one."
        )
    return found[0]


def find_image(settings: Workshop, model: "Model") -> tuple[str, str]:
    """Returns reference and digest of the image that the release of a version built. Raises StepError for none.

    package.py tags an image with the version and the start of the commit; the registry's runs know its digest.
    """
    from azure.mgmt.containerregistry import ContainerRegistryManagementClient
    from azure.mgmt.containerregistrytasks import ContainerRegistryTasksMgmtClient

    names, tag = settings.names, f"{model.version}-{(model.tags or {}).get('commit', '')[:7]}"
    tasks = workshop.management_client(ContainerRegistryTasksMgmtClient, settings)
    for run in tasks.runs.list(names.resource_group, names.registry):  # newest first
        for image in run.output_images or []:
            if (image.repository, image.tag) == (names.image, tag) and image.digest:
                registries = workshop.management_client(ContainerRegistryManagementClient, settings).registries
                server = registries.get(names.resource_group, names.registry).login_server
                return f"{server}/{names.image}@{image.digest}", str(image.digest)
    raise StepError(
        f"No build in {names.registry} made {names.image}:{tag}, the image of {model.name}:{model.version}. "
        "Its release has to go as far as solution/image/package.py."
    )


def add(ml: "MLClient", settings: Workshop, options: argparse.Namespace) -> None:
    """Makes the second deployment. It gets no traffic: who wants an answer from it asks for it by name."""
    endpoint = ml.online_endpoints.get(settings.names.production)
    live = live_name(endpoint)
    model = candidate(ml, settings, served(ml, str(endpoint.name), live), options.model)
    reference, digest = find_image(settings, model)
    name = options.deployment or (GREEN if live != GREEN else production.DEPLOYMENT)
    if name == live:
        raise StepError(f"{name} is live: a second deployment needs another name.")
    known = model.tags or {}
    labels = {
        "model": f"{model.name}:{model.version}",
        "build": str(known.get("build", "")),
        "commit": str(known.get("commit", "")),
        "digest": digest,
    }
    environment = production.image_environment(ml, settings, reference, digest)
    production.deploy(ml, production.wanted_deployment(settings, name, labels, environment))
    print(f"{name} has {labels['model']} and no traffic; {live} is live")


def try_it(ml: "MLClient", settings: Workshop, options: argparse.Namespace) -> None:
    """Asks both deployments by name for the same patients and prints the answers. Raises StepError for a bad one."""
    endpoint = ml.online_endpoints.get(settings.names.production)
    live = live_name(endpoint)
    beside = other(ml, endpoint, options.deployment)
    key = str(ml.online_endpoints.get_keys(endpoint.name).primary_key)
    rows = holdout_rows(settings.root / "labs" / "data" / "diabetes_holdout.csv")
    answers = {}
    for name in (live, beside):
        answers[name] = ask(str(endpoint.scoring_uri), key, name, rows)
        expected = served(ml, str(endpoint.name), name)
        if answers[name].get("model") != expected:
            raise StepError(f"{name} names {expected}, and its image answers as {answers[name].get('model')!r}.")
    print(f"{'patient':>8} {live:>10} {beside:>10}")
    for number, pair in enumerate(zip(*(answers[name]["predictions"] for name in (live, beside)), strict=True), 1):
        print(f"{number:>8} {pair[0]:>10.2f} {pair[1]:>10.2f}")


def holdout_rows(path: Path) -> list[list[float]]:
    """Returns the features of the first patients of the hold-out. Raises ConfigurationError when it is not there."""
    if not path.is_file():
        raise workshop.ConfigurationError(f"{path} is not there. Run the steps from the repository.")
    with path.open(encoding="utf-8", newline="") as text:
        return [[float(value) for value in line[:-1]] for line in list(csv.reader(text))[1 : TRIED_ROWS + 1]]


def ask(url: str, key: str, deployment: str, rows: list[list[float]]) -> dict[str, Any]:
    """Returns the answer of one deployment, whatever its traffic. Raises StepError for any other status than 200."""
    import requests

    headers = {"Authorization": f"Bearer {key}", HEADER: deployment}
    reply = requests.post(url, json={"data": rows}, headers=headers, timeout=TIMEOUT_SECONDS)
    if reply.status_code != 200:
        raise StepError(f"{deployment} answers with status {reply.status_code}: {reply.text[:300]}")
    document: dict[str, Any] = reply.json()
    return document


def shift(ml: "MLClient", settings: Workshop, options: argparse.Namespace) -> None:
    """Gives the deployment beside the live one a share of the traffic; with 100 it is the live one.

    The tag `previous` keeps where the traffic comes from: that is what a roll-back goes back to.
    """
    endpoint = ml.online_endpoints.get(settings.names.production)
    tags, traffic = dict(endpoint.tags or {}), shares(endpoint)
    live = str(tags.get("previous", "")).partition(" ")[0]
    if len(traffic) < 2 or live not in traffic:  # no exchange is under way: this starts one
        live = live_name(endpoint)
        tags["previous"] = note(ml, endpoint, live)
        tags.pop("rolled_back", None)
    beside = next((name for name in traffic if name != live), None) or other(ml, endpoint, options.deployment)
    state = ml.online_deployments.get(name=beside, endpoint_name=str(endpoint.name)).provisioning_state
    if options.percent and state != "Succeeded":
        raise StepError(f"{beside} is {state}: traffic goes to deployments that are Succeeded.")
    if options.percent == 100:
        tags["live"] = note(ml, endpoint, beside)
    route(ml, endpoint, {live: 100 - options.percent, beside: options.percent}, tags)


# --8<-- [start:m12-roll-back]
def roll_back(ml: "MLClient", settings: Workshop, options: argparse.Namespace) -> None:
    """Sends all traffic to the deployment that was live before, and notes it: one write, traffic and tags together.

    The old version still runs, so this takes seconds: nothing is trained, built or deployed. In the middle of an
    exchange it takes the share of the new one away. Raises StepError when there is nothing to go back to.
    """
    endpoint = ml.online_endpoints.get(settings.names.production)
    tags, traffic = dict(endpoint.tags or {}), shares(endpoint)
    deployment, _, model = str(tags.get("previous", "")).partition(" ")
    left = max((name for name in traffic if name != deployment), key=lambda name: traffic[name], default=None)
    if not deployment or left is None:
        raise StepError(f"{live_name(endpoint)} is live, and no exchange is on record that could be taken back.")
    if served(ml, str(endpoint.name), deployment) != model:
        raise StepError(f"{deployment} was live with {model}, and has another model now: it is not what was live.")
    tags["rolled_back"] = f"{now()} from {served(ml, str(endpoint.name), left)} to {model}"
    tags["live"] = f"{deployment} {model}"
    route(ml, endpoint, {deployment: 100, left: 0}, tags)


# --8<-- [end:m12-roll-back]


def now() -> str:
    """Returns the moment, for the record."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def note(ml: "MLClient", endpoint: "OnlineEndpoint", deployment: str) -> str:
    """Returns what the record says of a deployment: its name and its model."""
    return f"{deployment} {served(ml, str(endpoint.name), deployment)}"


def route(ml: "MLClient", endpoint: "OnlineEndpoint", traffic: dict[str, int], tags: dict[str, str]) -> None:
    """Writes traffic and tags at once: nobody sees the one without the other."""
    endpoint.traffic, endpoint.tags = traffic, tags
    ml.online_endpoints.begin_create_or_update(endpoint).result()
    print(", ".join(f"{name} {share} %" for name, share in traffic.items()))


def remove(ml: "MLClient", settings: Workshop, options: argparse.Namespace) -> None:
    """Deletes the deployment beside the live one. Raises StepError while it carries traffic."""
    endpoint = ml.online_endpoints.get(settings.names.production)
    beside = options.deployment or other(ml, endpoint, None)
    if share := shares(endpoint).get(beside):
        raise StepError(f"{beside} still carries {share} % of the traffic: move it first, with shift or roll-back.")
    if beside in (endpoint.traffic or {}):  # a share of 0 still names it
        endpoint.traffic = shares(endpoint)
        ml.online_endpoints.begin_create_or_update(endpoint).result()
    ml.online_deployments.begin_delete(name=beside, endpoint_name=str(endpoint.name)).result()
    print(f"deployment {beside} is deleted")


STEPS = {"add": add, "try": try_it, "shift": shift, "roll-back": roll_back, "remove": remove}


def percentage(text: str) -> int:
    """Returns a share of the traffic. Raises ValueError, which argparse reports."""
    if not text.isdecimal() or int(text) > 100:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a whole number from 0 to 100")
    return int(text)


def read_options() -> argparse.Namespace:
    """Returns the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    steps = parser.add_subparsers(dest="step", required=True, metavar="step")
    for name, step in STEPS.items():
        one = steps.add_parser(name, help=(step.__doc__ or "").splitlines()[0])
        one.add_argument("--deployment", help="the deployment beside the live one, when there are several")
        if name == "add":
            one.add_argument("--model", help="name:version; not given: the newest version that is not live")
        if name == "shift":
            one.add_argument("--percent", type=percentage, required=True, help="its share of the traffic, 0 to 100")
    return parser.parse_args()


def main() -> int:
    """Does one step."""
    options, settings = read_options(), workshop.load()
    STEPS[options.step](workshop.ml_client(settings), settings, options)
    return 0


if __name__ == "__main__":
    raise SystemExit(workshop.run_step(main))
