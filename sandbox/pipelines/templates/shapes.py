"""Which part of a pipeline a node is, as far as expansion must know: where templates may stand and scopes begin."""

from collections.abc import Mapping
from typing import Final

ANY: Final = "any"
LITERAL: Final = "literal"  # no expression is looked at
PLAIN: Final = "plain"  # texts may hold expressions, but there are no directives
REFUSED: Final = "refused"  # an expression here is an error
_HOOK: Final = {"steps": "steps"}

KEYS: Final[Mapping[str, Mapping[str, str]]] = {
    "root": {
        "stages": "stages",
        "jobs": "jobs",
        "steps": "steps",
        "variables": "variables",
        "parameters": LITERAL,
        "extends": LITERAL,
        "trigger": PLAIN,
        "pr": PLAIN,
        "schedules": PLAIN,
        "strategy": "strategy",
        "resources": "resources",
    },
    "resources": {"repositories": REFUSED},
    "stage": {"jobs": "jobs", "variables": "variables"},
    "job": {"steps": "steps", "variables": "variables", "strategy": "strategy"},
    "strategy": {"runOnce": "hooks", "rolling": "hooks", "canary": "hooks"},
    "hooks": {
        "preDeploy": "hook",
        "deploy": "hook",
        "routeTraffic": "hook",
        "postRouteTraffic": "hook",
        "on": "outcomes",
    },
    "outcomes": {"success": "hook", "failure": "hook"},
    "hook": _HOOK,
}
ITEMS: Final[Mapping[str, str]] = {"stages": "stage", "jobs": "job", "steps": "step", "variables": "variable"}
SCOPES: Final = frozenset({"root", "stage", "job"})  # mappings with variables of their own
BY_TYPE: Final[Mapping[str, str]] = {
    "stage": "stage",
    "stageList": "stages",
    "job": "job",
    "jobList": "jobs",
    "deployment": "job",
    "deploymentList": "jobs",
    "step": "step",
    "stepList": "steps",
}


def shape_of_key(shape: str, key: str) -> str:
    """What a key of a mapping of this shape holds."""
    return KEYS.get(shape, {}).get(key, ANY)
