"""Module 12: a second deployment beside the live one, the exchange of the two, and the way back.

The record is in the tags of the endpoint, as solution/deployment/blue_green.py writes them: `live` and `previous`
("deployment name:version") since the last exchange, and `rolled_back` ("moment from name:version to name:version").
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from checker.checks.judgement import MOVING, quote
from checker.checks.parity import check_parity
from checker.checks.production import live_deployment
from checker.checks.registry import check
from checker.clients.machinelearning import OnlineDeployment, OnlineEndpoint
from checker.context import CheckContext
from checker.model import Evidence, failed, waiting

STEP = "python solution/deployment/blue_green.py"
ROLLED_BACK = re.compile(r"(\S+) from (\S+:\S+) to (\S+:\S+)")
NOTED = re.compile(r"(\S+) (\S+:\S+)")


@dataclass(frozen=True)
class Record:
    """What the endpoint's tags say: models, as `name:version`; '' where a tag is missing or is no such note."""

    live: str
    previous: str
    rolled_from: str
    rolled_to: str

    @property
    def models(self) -> set[str]:
        return {self.live, self.previous, self.rolled_from, self.rolled_to} - {""}


@check("BGR001", "M12", ("PRD002",))
def two_versions_have_served(context: CheckContext) -> Evidence:
    """Two versions have been deployed side by side.

    Whoever replaces the live deployment has no way back but another deployment; beside it, the old one keeps running.
    """
    deployments, record = context.deployments(), read_record(_endpoint(context).tags)
    models = {deployment.model for deployment in deployments}
    shown = ", ".join(f"{deployment.name} with {quote(deployment.model)}" for deployment in deployments)
    for deployment in deployments:
        if deployment.state.lower() in MOVING:
            raise waiting(f"deployment {deployment.name} is {deployment.state}", "it is Succeeded; that takes minutes")
    if len(models) > 1 or len(record.models) > 1:
        return Evidence(f"{shown}; on record: {', '.join(sorted(record.models)) or 'no exchange yet'}")
    if len(deployments) > 1:
        raise failed(
            f"{shown}: one version twice",
            "two deployments of two versions",
            "Both give the same answers: there is nothing to compare, and a roll-back would change nothing.",
            "Name the other version when you add the deployment.",
            commands=(f"{STEP} remove", f"{STEP} add --model {context.names.model}:<version>"),
        )
    raise failed(
        f"{shown}, and no exchange on record",
        "a second deployment beside the live one, of another version",
        "The pipeline updates the deployment in its place: then there is only one version to go to.",
        "Two deployments need room for two: when the second one stays Creating, look at the quota or at the nodes.",
        "The step add makes the second one, without traffic.",
        commands=(f"{STEP} add",),
    )


@check("BGR003", "M12", ("BGR001", "PRD005"))
def each_deployment_predicts_as_registered(context: CheckContext) -> Evidence:
    """Each deployment, asked by name, predicts what its version predicts.

    A deployment without traffic can be asked, by a header with its name: before any caller sees it.
    """
    endpoint, live = _endpoint(context), live_deployment(context)
    beside = [one for one in context.deployments() if one.name != live.name]
    if not beside:
        return Evidence(f"{live.name} is the only one, and PRD006 asks it")
    if endpoint.auth_mode.lower() != "key":
        raise failed(f"the endpoint's auth mode is {quote(endpoint.auth_mode)}", "auth mode Key")
    key = context.production_key()
    seen = [
        f"{one.name}: {check_parity(context, one.model, endpoint.scoring_uri, key, one.name).seen}" for one in beside
    ]
    return Evidence("; ".join(seen))


@check("BGR004", "M12", ("BGR001",))
def roll_back_is_on_record(context: CheckContext) -> Evidence:
    """A roll-back is on record, and what it left is not live.

    A way back that nobody has walked is a hope. The old version still runs: going back is one write.
    """
    endpoint, live = _endpoint(context), live_deployment(context)
    record = read_record(endpoint.tags)
    if record.rolled_to:
        return _judge_record(record, live)
    if record.live and live.model == record.previous and record.live != record.previous:
        return Evidence(f"{record.live} was live, and {live.name} with {live.model} has all its traffic back")
    raise failed(
        f"{live.name} with {quote(live.model)} is live; tags: {_tags(endpoint)}",
        "an exchange, and after it the traffic back on the version before, noted in the tag rolled_back",
        *_next_steps(record, live),
        commands=(f"{STEP} roll-back",) if record.live else (f"{STEP} shift --percent 100", f"{STEP} roll-back"),
    )


@check("BGR005", "M12", ("BGR004",))
def no_deployment_idles(context: CheckContext) -> Evidence:
    """No deployment is left without traffic.

    Each deployment holds its share of a node, or a machine of its own, whether somebody asks it or not.
    """
    traffic = _endpoint(context).traffic
    idle = [deployment for deployment in context.deployments() if not traffic.get(deployment.name)]
    if not idle:
        return Evidence(", ".join(f"{name} {share} %" for name, share in traffic.items()))
    shown = ", ".join(deployment.name for deployment in idle)
    if all(deployment.state.lower() == "deleting" for deployment in idle):
        raise waiting(f"{shown} is being deleted", "it is gone; check again in a minute")
    raise failed(
        f"{shown} has 0 % of the traffic",
        "only deployments that somebody is sent to",
        "After the exchange one of the two does nothing, and it is paid for like the other.",
        "Delete the loser: what is live stays as it is.",
        commands=(f"{STEP} remove",),
    )


def read_record(tags: Mapping[str, str]) -> Record:
    """The record in the endpoint's tags."""
    live, previous = (NOTED.fullmatch(tags.get(name, "")) for name in ("live", "previous"))
    rolled = ROLLED_BACK.fullmatch(tags.get("rolled_back", ""))
    return Record(
        live[2] if live else "",
        previous[2] if previous else "",
        rolled[2] if rolled else "",
        rolled[3] if rolled else "",
    )


def _judge_record(record: Record, live: OnlineDeployment) -> Evidence:
    """Evidence for a roll-back that holds, also when a newer release went live after it."""
    if record.rolled_from == record.rolled_to:
        raise failed(
            f"the tag rolled_back goes from {quote(record.rolled_from)} to the same version",
            "a roll-back from one version to another",
            "Both deployments had one version: add another one, exchange, and go back.",
        )
    if live.model == record.rolled_from:
        raise failed(
            f"{live.name} with {quote(live.model)} is live, and that is what the roll-back left",
            f"the traffic on {quote(record.rolled_to)}, as the tag rolled_back says",
            "The traffic was moved again after the roll-back.",
            "Writing the tag is not the roll-back: traffic and tag are one write.",
            commands=(f"{STEP} roll-back",),
        )
    later = "" if live.model == record.rolled_to else f"; {live.model} was released after it"
    return Evidence(f"from {record.rolled_from} to {record.rolled_to}{later}")


def _next_steps(record: Record, live: OnlineDeployment) -> tuple[str, ...]:
    if not record.live:
        return (
            "The second deployment has never had all the traffic: there is nothing to go back from.",
            "Give it 10 %, look, give it 100 %, and then go back.",
        )
    if live.model != record.live:
        return (
            "You have the old version; route to it. Training or deploying again takes minutes, and makes another one.",
            f"The tag previous names it: {quote(record.previous)}.",
        )
    return (
        "The exchange is done, and the way back is not tried: try it now, while nothing depends on it.",
        "One operation: traffic to the deployment before, and the tag rolled_back with the moment and both versions.",
    )


def _tags(endpoint: OnlineEndpoint) -> str:
    names = ("live", "previous", "rolled_back")
    return ", ".join(f"{name} `{quote(endpoint.tags[name])}`" for name in names if endpoint.tags.get(name)) or "none"


def _endpoint(context: CheckContext) -> OnlineEndpoint:
    endpoint = context.production()
    if endpoint is None:
        raise LookupError("a check that reads the endpoint does not require PRD001")
    return endpoint
