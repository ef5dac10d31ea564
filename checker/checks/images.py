"""The container registry and the image that was built in it."""

from checker.checks.judgement import missing, quote
from checker.checks.registry import check
from checker.clients.containers import Image, RegistryRun
from checker.context import CheckContext
from checker.model import Evidence, Verdict, failed, waiting

PACKAGE = "python solution/image/package.py"
BUILDING = frozenset({"Queued", "Started", "Running"})


@check("IMG001", "M6", ("WSP001",))
def registry_exists(context: CheckContext) -> Evidence:
    """The container registry exists.

    The image that goes to staging and to production is kept in one place, by digest.
    """
    name = context.names.registry
    if context.registry_runs() is None:
        raise missing(
            "container registry",
            name,
            context.containers.list_registries(),
            "The provisioning step makes the registry, before the workspace.",
            "Names of registries are unique in all of Azure: another suffix helps when the name is taken.",
            commands=("python solution/provision.py", f"az acr show --name {name}"),
        )
    return Evidence(name)


@check("IMG002", "M6", ("IMG001",))
def image_was_built(context: CheckContext) -> Evidence:
    """A build in the registry made the image.

    An image built by the registry itself has a run and a log that anyone can read; one pushed from a laptop has none.
    """
    images = built_images(context)
    if not images:
        raise _no_image(context)
    newest = images[0]
    shown = f"{newest.repository}:{newest.tag} {newest.digest[:19]}…"
    return Evidence(shown, {"image": newest.reference, "tag": newest.tag})


def built_images(context: CheckContext) -> list[Image]:
    """Images of the workshop's repository that succeeded builds made, newest first."""
    return [
        image
        for run in context.registry_runs() or ()
        if run.status == "Succeeded"
        for image in run.images
        if image.repository == context.names.image and image.digest
    ]


def _no_image(context: CheckContext) -> Verdict:
    runs = context.registry_runs() or []
    logs = f"az acr task logs --registry {context.names.registry}"
    expected = f"a Succeeded build that made {context.names.image}"
    if not runs:
        return failed(
            "the registry has not built anything", expected, "The packaging step sends a build.", commands=(PACKAGE,)
        )
    newest = runs[0]
    if newest.status in BUILDING:
        return waiting(f"build {newest.name} is {newest.status}", "the build is Succeeded; it takes a few minutes")
    return failed(
        f"{len(runs)} builds, the newest ({newest.name}) is {quote(newest.status)}{_made(newest)}",
        expected,
        "The build's log names the line of the Dockerfile that failed.",
        "The repository's name comes from `image` in workshop.toml.",
        commands=(logs, PACKAGE),
    )


def _made(run: RegistryRun) -> str:
    return "".join(f" and made {quote(image.repository)}:{quote(image.tag)}" for image in run.images)
