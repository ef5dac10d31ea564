"""Staging: a container group on Azure Container Instances, from the image that was built once."""

from checker.checks.environments import newest_deployment
from checker.checks.images import built_images
from checker.checks.judgement import missing, quote, settled
from checker.checks.keys import check_key_required, reach
from checker.checks.models import find_version
from checker.checks.parity import check_parity
from checker.checks.registry import check, devops_check
from checker.checks.runs import pipeline_runs
from checker.clients.containers import ContainerGroup, split_reference
from checker.context import CheckContext
from checker.errors import AccessError
from checker.model import Evidence, failed, waiting

DEPLOY = "python solution/deployment/staging.py"
STARTING = frozenset({"", "Pending", "Waiting", "Creating"})


@check("STG001", "M7", ("WSP001",))
def container_group_runs(context: CheckContext) -> Evidence:
    """The staging container group is running.

    Staging is where a model meets its real surroundings for the first time, without anybody depending on it.
    """
    name = context.names.staging
    group = context.staging()
    if group is None:
        raise missing(
            "container group",
            name,
            context.containers.list_container_groups(),
            "Staging is the second stage of the pipeline; the first must have ended well.",
            "Compare the name in workshop.toml with the one in the portal, suffix included.",
            commands=(DEPLOY,),
        )
    logs = f"az container logs --name {name} --resource-group {context.names.resource_group}"
    settled(f"container group {name}", group.state, "Its events say what failed.", commands=(logs, DEPLOY))
    if group.instance in STARTING:
        raise waiting(
            f"{name} is {group.instance or 'without an instance yet'}", "the instance is Running", commands=(logs,)
        )
    if group.instance != "Running":
        raise failed(
            f"{name} is Succeeded, but its instance is {quote(group.instance)}",
            "the instance is Running",
            "The container starts and ends again: its log says why.",
            "A model that cannot be loaded, or a package that is missing in requirements.txt, ends the server.",
            commands=(logs,),
        )
    return Evidence(f"{name} at {group.address}:{group.port}", {"image": group.image, "address": group.address})


@check("STG002", "M7", ("STG001", "IMG002"))
def runs_the_built_image(context: CheckContext) -> Evidence:
    """Staging runs the built image, named by its digest.

    A tag can be moved to other content; a digest cannot. Only a digest can be promoted.
    """
    image = _staging(context).image
    digest = split_reference(image)[1]
    if not digest:
        raise failed(
            f"the image is `{quote(image)}`: a tag, no digest",
            "registry/repository@sha256:…",
            "What a tag points at can change after it was tested.",
            "The packaging step notes the digest that the build reported.",
            commands=(DEPLOY,),
        )
    built = {entry.reference for entry in built_images(context)}
    if image not in built:
        raise failed(
            f"`{quote(image)}` was made by none of the {len(built)} builds",
            "an image that a build in the registry made",
            "Compare it with the build's own output.",
            commands=("python solution/image/package.py", DEPLOY),
        )
    return Evidence(f"{digest[:19]}…", {"image": image})


@check("STG003", "M7", ("STG001", "MOD001"))
def tag_names_the_model(context: CheckContext) -> Evidence:
    """The tag model of the container group names a registered version.

    The group is not part of the workspace: its tag is the only thread from what runs back to the model.
    """
    tagged = _staging(context).tags.get("model", "")
    newest = context.models()[0].reference
    if find_version(context, tagged) is None:
        raise failed(
            f"the tag model is `{quote(tagged)}`; the newest registered version is {newest}",
            "name:version of a registered version",
            "The deployment writes the tag: which version does it deploy?",
            commands=(DEPLOY,),
        )
    return Evidence(f"{tagged}, newest registered {newest}", {"model": tagged})


@devops_check("STG006", "M7", ("STG003", "DEP001"))
def staging_serves_its_runs_version(context: CheckContext) -> Evidence:
    """Staging serves the version that the run which deployed it has registered.

    A deployment that takes the newest version serves, on the day two runs overlap, what another run has made.
    """
    reference = _staging(context).tags.get("model", "")
    version = find_version(context, reference)
    deployed = newest_deployment(context, context.settings.devops.staging_environment)
    build, run = version.tags.get("build", "") if version else "", deployed.run if deployed else ""
    if not deployed or build != run:
        number = quote(deployed.run_number) if deployed else "?"
        mine = [one.reference for one in context.models() if one.tags.get("build") == run]
        by_hand = not any(one.id == build for one in pipeline_runs(context))
        raise failed(
            f"staging serves {quote(reference)} of build `{quote(build)}`; run {number} (build {run}) has deployed last"
            + (f" and registered {', '.join(mine)}" if mine else ""),
            f"a version whose tag build is {run}",
            "The tag build names no run: was this version registered, or deployed, from a laptop?"
            if by_hand
            else "Deploy the version that this run registered, not the newest: it travels in the artifact.",
            commands=(DEPLOY,),
        )
    return Evidence(f"{reference}, of run {quote(deployed.run_number)}", {"model": reference, "run": run})


@check("STG004", "M7", ("STG001",))
def staging_requires_a_key(context: CheckContext) -> Evidence:
    """Staging refuses a request without the key.

    The container has a public address; without a key anybody who finds it can use the model.
    """
    return check_key_required(
        context,
        scoring_address(_staging(context)),
        "score.py compares the key only when SCORING_KEY is set: is it in the container's environment?",
        "It is a secure value, so the portal shows its name and not its content.",
    )


@check("STG005", "M7", ("STG003", "STG004"))
def staging_predicts_as_registered(context: CheckContext) -> Evidence:
    """Staging predicts what the registered version predicts.

    A deployment can be healthy and serve the wrong model; only comparing numbers shows it.
    """
    key = context.settings.staging_key
    group = _staging(context)
    if key is None:
        raise AccessError(
            "the staging key",
            "Azure does not give a secure value back, and nobody gave the key to the checker",
            "WORKSHOP_STAGING_KEY, or the file that the staging step wrote the key to",
            ("checker check STG005 --staging-key-file build/staging.key",),
        )
    url = scoring_address(group)
    if reach(context, url, key).status in (401, 403):
        raise AccessError(
            url,
            "this key is refused; a new deployment makes a new key",
            "the key of the deployment that runs now",
            ("checker check STG005 --staging-key-file build/staging.key", DEPLOY),
        )
    return check_parity(context, group.tags.get("model", ""), url, key)


def scoring_address(group: ContainerGroup) -> str:
    """The group's address; plain http, as Azure Container Instances puts no TLS before a container. Raises Fail."""
    if not group.address or group.port is None:
        raise failed(
            f"{group.name} has no address", "an IP address and a port", "The deployment asks for a public address."
        )
    host = f"[{group.address}]" if ":" in group.address else group.address
    return f"http://{host}:{group.port}/score"


def _staging(context: CheckContext) -> ContainerGroup:
    group = context.staging()
    if group is None:
        raise LookupError("a check that reads the container group does not require STG001")
    return group
