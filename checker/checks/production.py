"""Production: an online endpoint that serves, by digest, what staging tested."""

from checker.checks.images import built_images
from checker.checks.judgement import missing, quote, settled
from checker.checks.keys import check_no_key_refused, reach
from checker.checks.models import find_version
from checker.checks.parity import check_parity
from checker.checks.registry import check
from checker.clients.containers import split_reference
from checker.clients.machinelearning import OnlineDeployment, OnlineEndpoint
from checker.context import CheckContext
from checker.model import Evidence, failed

DEPLOY = "python solution/deployment/production.py"


@check("PRD001", "M8", ("WSP002",))
def endpoint_is_ready(context: CheckContext) -> Evidence:
    """The production endpoint is Succeeded.

    Callers know the endpoint's address and key; deployments behind it come and go.
    """
    name = context.names.production
    endpoint = context.production()
    if endpoint is None:
        raise missing(
            "online endpoint",
            name,
            context.machine_learning.list_names("onlineEndpoints"),
            "Production is the third stage: somebody must approve it.",
            commands=(DEPLOY,),
        )
    settled(f"endpoint {name}", endpoint.state, "The endpoint's page shows the reason.", commands=(DEPLOY,))
    where = f"on {endpoint.compute}" if endpoint.compute else "managed"
    return Evidence(f"{name}, {where}", {"scoring_uri": endpoint.scoring_uri, "compute": endpoint.compute})


@check("PRD002", "M8", ("PRD001",))
def traffic_reaches_a_deployment(context: CheckContext) -> Evidence:
    """All traffic goes to deployments that are Succeeded.

    A deployment without traffic is healthy and useless; traffic to a failed one is lost.
    """
    traffic = _endpoint(context).traffic
    shown = ", ".join(f"{name} {share} %" for name, share in traffic.items()) or "none"
    if sum(traffic.values()) != 100:
        raise failed(
            f"traffic: {shown}; deployments: {_names(context)}",
            "100 % in all",
            "The deployment may be healthy, but no traffic reaches it."
            if not sum(traffic.values())
            else "The shares add up to another sum: some requests are lost, or the weights are wrong.",
            "Traffic is set on the endpoint, after the deployment is Succeeded.",
            commands=(DEPLOY,),
        )
    states = {deployment.name: deployment.state for deployment in context.deployments()}
    for name in traffic:
        if name not in states:
            raise failed(
                f"traffic: {shown}; deployments: {_names(context)}", f"a deployment `{name}`", commands=(DEPLOY,)
            )
        settled(f"deployment {name}", states[name], "Its log holds the reason.", commands=(_logs(context, name),))
    return Evidence(shown, {name: str(share) for name, share in traffic.items()})


@check("PRD003", "M8", ("PRD004", "STG002"))
def same_digest_as_staging(context: CheckContext) -> Evidence:
    """Production runs the same digest as staging.

    What was tested is what is released; a second build is another program, whatever its version says.
    """
    live = live_deployment(context)
    production = _image(context, live)
    staging = context.staging()
    tested = staging.image if staging else ""
    if staging and staging.tags.get("model", "") != live.model:
        return _served_before(context, production)
    digest = split_reference(production)[1]
    if not digest or digest != split_reference(tested)[1]:
        raise failed(
            f"production runs `{quote(production)}`",
            f"`{quote(tested)}`, as staging",
            "Was the image built a second time? Its content is then another, whatever its version says."
            if digest
            else "The image is named by its tag, which can be moved to other content after the test.",
            "The deployment takes the digest that the packaging step noted.",
            "Promote: deploy to staging first, then to production, without packaging between.",
            commands=("python solution/deployment/staging.py", DEPLOY),
        )
    tags = {image.tag for image in built_images(context) if image.digest == digest}
    return Evidence(f"{digest[:19]}… ({', '.join(sorted(tags))})", {"image": production})


@check("PRD004", "M8", ("PRD002", "MOD001", "STG003"))
def deployment_names_the_model(context: CheckContext) -> Evidence:
    """The deployment names the model version that staging runs.

    The image alone would be enough to serve; the name is what connects production with the workspace's records.
    """
    model = live_deployment(context).model
    staging = context.staging()
    tested = staging.tags.get("model", "") if staging else ""
    if find_version(context, model) and _is_older(model, tested):
        return Evidence(f"{model}; staging has gone on to {quote(tested)}, which nobody has released", {"model": model})
    if find_version(context, model) is None or model != tested:
        raise failed(
            f"the deployment names `{quote(model)}`, staging `{quote(tested)}`",
            f"`{quote(tested)}`, a registered version",
            "Deploy the version that was tested, not the latest.",
            "The version is noted when it is registered; later steps read it there.",
            commands=(DEPLOY,),
        )
    return Evidence(model, {"model": model})


@check("PRD005", "M8", ("PRD002",))
def production_requires_a_key(context: CheckContext) -> Evidence:
    """Production refuses a request without the key.

    Who may ask the model is part of the release: an open endpoint serves, and bills, anybody.
    """
    return check_no_key_refused(
        context,
        _endpoint(context).scoring_uri,
        "The endpoint's auth mode is set when it is made, and it cannot be changed later.",
        "Delete the endpoint and deploy it again, with auth mode key.",
    )


@check("PRD006", "M8", ("PRD004", "PRD005"))
def production_predicts_as_registered(context: CheckContext) -> Evidence:
    """Production predicts what the registered version predicts.

    The last link: the numbers that callers get are the numbers of the version in the registry.
    """
    endpoint = _endpoint(context)
    if endpoint.auth_mode.lower() != "key":
        raise failed(
            f"the endpoint's auth mode is {quote(endpoint.auth_mode)}",
            "auth mode Key",
            "The auth mode is set when the endpoint is made: delete it, and deploy again with auth mode key.",
            commands=(DEPLOY,),
        )
    key = context.production_key()
    if reach(context, endpoint.scoring_uri, key).status in (401, 403):
        raise failed(
            "the endpoint refuses its own primary key",
            "status 200 with the key that the workspace gives out",
            "What answers may check a key of its own: is SCORING_KEY set in this image?",
            commands=(_logs(context, live_deployment(context).name),),
        )
    live = live_deployment(context)
    # Where two versions share the traffic, chance would say which of them answers: then the live one is asked by name.
    asked = live.name if len(endpoint.traffic) > 1 else ""
    return check_parity(context, live.model, endpoint.scoring_uri, key, asked)


def _is_older(model: str, than: str) -> bool:
    """Whether a version comes before another of the same model: between two releases staging is ahead."""
    (name, _, number), (other, _, newer) = model.rpartition(":"), than.rpartition(":")
    return name == other and number.isdecimal() and newer.isdecimal() and int(number) < int(newer)


def _served_before(context: CheckContext, image: str) -> Evidence:
    """What can be said of an image that staging has run before: that a build made it, and by which digest."""
    digest = split_reference(image)[1]
    if digest not in {one.digest for one in built_images(context)}:
        raise failed(
            f"production runs `{quote(image)}`",
            "an image by its digest, which a build in the registry made",
            "It was not built by the registry, or is named by its tag: nobody can say that it was tested.",
            commands=(DEPLOY,),
        )
    return Evidence(f"{digest[:19]}…, tested before staging went on to a newer version", {"image": image})


def live_deployment(context: CheckContext) -> OnlineDeployment:
    """The deployment with the largest share of the traffic, for checks that require PRD002."""
    traffic = _endpoint(context).traffic
    live = max(traffic, key=lambda name: traffic[name])
    return next(deployment for deployment in context.deployments() if deployment.name == live)


def _endpoint(context: CheckContext) -> OnlineEndpoint:
    endpoint = context.production()
    if endpoint is None:
        raise LookupError("a check that reads the endpoint does not require PRD001")
    return endpoint


def _image(context: CheckContext, deployment: OnlineDeployment) -> str:
    """The image that the deployment's environment version names. Raises Fail when it names none."""
    environment = context.environment(deployment.environment) if ":" in deployment.environment else None
    if environment is None or not environment.image:
        raise failed(
            f"`{deployment.name}` has the environment `{quote(deployment.environment)}`, which names no image",
            "an environment version that names an image by digest",
            "The serving environment is registered by the production step.",
            commands=(DEPLOY,),
        )
    return environment.image


def _names(context: CheckContext) -> str:
    return ", ".join(deployment.name for deployment in context.deployments()) or "none"


def _logs(context: CheckContext, deployment: str) -> str:
    names = context.names
    scope = f"--workspace-name {names.workspace} --resource-group {names.resource_group}"
    return f"az ml online-deployment get-logs --endpoint-name {names.production} --name {deployment} {scope}"
