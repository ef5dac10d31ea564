"""Module 0: the subscription: readable, of the right directory, with its providers."""

import re

from checker.checks.judgement import neighbours, quote
from checker.checks.registry import check
from checker.clients.subscription import Resource, Subscription, SubscriptionClient
from checker.context import CheckContext
from checker.errors import TokenRefused
from checker.model import Evidence, Fail, failed, waiting

WRONG_DIRECTORY = "InvalidAuthenticationTokenTenant"
OTHER_DIRECTORY = re.compile(r"must match the tenant 'https://[^/']+/([^/']+)")
REGISTERED, REGISTERING = "registered", "registering"
PROVIDERS = (
    "Microsoft.MachineLearningServices",
    "Microsoft.Storage",
    "Microsoft.KeyVault",
    "Microsoft.ContainerRegistry",
    "Microsoft.ContainerInstance",
    "Microsoft.ContainerService",
    "Microsoft.Compute",  # the nodes of a Kubernetes cluster, and their network
    "Microsoft.Network",
    "Microsoft.KubernetesConfiguration",
    "Microsoft.Insights",
    "Microsoft.OperationalInsights",
    "Microsoft.ManagedIdentity",
    "Microsoft.PolicyInsights",
)


@check("SUB001", "M0")
def subscription_is_yours(context: CheckContext) -> Evidence:
    """The subscription can be read, and trusts the directory that you are signed in to.

    Whatever is made in another subscription, or by an account of another directory, is made in the wrong place.
    """
    wanted, mine = context.settings.subscription, context.arm.directory_of_sign_in()
    try:
        found = context.once("subscription", SubscriptionClient(context.arm).get_subscription)
    except TokenRefused as refused:
        if WRONG_DIRECTORY not in refused.seen:
            raise
        other = OTHER_DIRECTORY.search(refused.seen)
        raise _wrong_directory(mine, other[1] if other else "another") from refused
    if found is None:
        raise _not_there(context, wanted)
    if mine and found.tenant and found.tenant.lower() != mine:
        raise _wrong_directory(mine, found.tenant)
    if found.state.lower() not in ("enabled", ""):
        raise failed(
            f"the subscription {quote(found.name)} is {quote(found.state)}",
            "it is Enabled",
            "A subscription that has no credit left, or whose bill was not paid, is switched off for changes.",
            "Its owner sees the reason in the portal: Subscriptions, Overview.",
        )
    return Evidence(
        f"{quote(found.name)}, directory {found.tenant}", {"subscription": found.id, "tenant": found.tenant}
    )


@check("SUB002", "M0", ("SUB001",))
def providers_are_registered(context: CheckContext) -> Evidence:
    """The providers that the workshop uses are registered.

    A subscription may use a service once its provider is registered; that takes minutes, and a role on the whole
    subscription, which the pipeline does not have.
    """
    states = SubscriptionClient(context.arm).list_providers()
    left = [name for name in PROVIDERS if states.get(name.lower(), "").lower() != REGISTERED]
    moving = [name for name in left if states.get(name.lower(), "").lower() == REGISTERING]
    if moving and moving == left:
        raise waiting(f"{', '.join(moving)}: Registering", "Registered, in a few minutes; check again")
    if left:
        shown = ", ".join(f"{name}: {quote(states.get(name.lower(), '')) or 'not known here'}" for name in left)
        raise failed(
            shown,
            "Registered",
            f"The subscription may not use {left[0]} yet: a run would end with MissingSubscriptionRegistration.",
            "Register it once, now. It takes minutes, and a right that the owner of the subscription has.",
            commands=tuple(f"az provider register --namespace {name}" for name in left),
        )
    return Evidence(f"{len(PROVIDERS)} of {len(PROVIDERS)}", {"providers": ", ".join(PROVIDERS)})


def resources(context: CheckContext) -> list[Resource]:
    """What is in the group; nothing while there is no group."""
    return context.once("resources", SubscriptionClient(context.arm).list_resources) or []


def _wrong_directory(mine: str, other: str) -> Fail:
    return failed(
        f"you are signed in to the directory {mine or 'of an unreadable token'}; the subscription lives in {other}",
        "one directory for both",
        f"You are in directory {mine}; the subscription lives in {other}. Switch directory before creating anything.",
        "One e-mail address can have accounts in several directories. The portal's top right corner shows which one.",
        commands=(f"az login --tenant {other}", "az account show --query tenantId"),
    )


def _not_there(context: CheckContext, wanted: str) -> Fail:
    found: list[Subscription] = SubscriptionClient(context.arm).list_subscriptions()
    near = neighbours(wanted, [one.id for one in found])
    return failed(
        f"there is no subscription {wanted} that you may see; {near}",
        "a subscription that you may read",
        "A subscription that you have no role on looks like one that does not exist.",
        "Compare it with the list; it is set as AZURE_SUBSCRIPTION_ID, or as subscription in workshop.toml.",
        commands=("az account list --output table",),
    )
