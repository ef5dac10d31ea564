"""What `scheduleRun` is asked for: a quick build of a Dockerfile. Everything else is refused by its name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.containers.repositories import NAME, SUFFIX
from sandbox.errors import BadRequest, NotImplementedHere

REMOTE = ("http://", "https://", "git@", "git://", "github.com/", "oci://")
FILTERED = {"status": "status", "runid": "runId", "runtype": "runType"}


@dataclass(frozen=True)
class BuildRequest:
    """A checked DockerBuildRequest. `image_names` may hold `{{.Run.ID}}` and `{{.Run.Registry}}`."""

    source: str
    dockerfile: str
    image_names: tuple[str, ...]
    push: bool
    arguments: Mapping[str, str]
    platform: Mapping[str, str]

    def names(self, run: str, server: str) -> list[tuple[str, str]]:
        """(repository, tag) of every name, for one run."""
        return [_name(text, run, server) for text in self.image_names]


def parse_request(body: Mapping[str, Any], registry: str) -> BuildRequest:
    """Raises BadRequest, and NotImplementedHere for requests that the sandbox does not carry out."""
    kind = body.get("type", "")
    if kind != "DockerBuildRequest":
        raise NotImplementedHere("RunTypeNotImplemented", f"The sandbox runs a DockerBuildRequest; this is a '{kind}'.")
    _refuse_options(body)
    source = str(body.get("sourceLocation") or "")
    if source.lower().startswith(REMOTE):
        raise NotImplementedHere(
            "RemoteSourceNotImplemented", f"The sandbox builds uploaded sources only; this is '{source}'."
        )
    if not source or not body.get("dockerFilePath"):
        raise BadRequest("InvalidRunRequest", "A DockerBuildRequest needs sourceLocation and dockerFilePath.")
    request = BuildRequest(
        source,
        str(body["dockerFilePath"]),
        tuple(str(name) for name in body.get("imageNames") or ()),
        bool(body.get("isPushEnabled", True)),
        {str(one["name"]): str(one.get("value", "")) for one in body.get("arguments") or ()},
        _platform(body.get("platform") or {}),
    )
    request.names("ca0", registry.lower() + SUFFIX)  # a bad name is refused now, not in the run's log
    return request


def _refuse_options(body: Mapping[str, Any]) -> None:
    for option in ("agentPoolName", "target", "logTemplate"):
        if body.get(option):
            raise NotImplementedHere(
                "BuildOptionNotImplemented", f"The sandbox does not implement the build option '{option}'."
            )


def _platform(given: Mapping[str, Any]) -> dict[str, str]:
    system = str(given.get("os") or "Linux")
    if system.lower() != "linux":
        raise NotImplementedHere("PlatformNotImplemented", f"The sandbox builds for Linux only; this is '{system}'.")
    return {"os": "linux", "architecture": str(given.get("architecture") or "amd64").lower()}


def _name(text: str, run: str, server: str) -> tuple[str, str]:
    """(repository, tag) of one image name. Raises BadRequest."""
    filled = text.replace("{{.Run.ID}}", run).replace("{{.Run.Registry}}", server)
    head, slash, tail = filled.partition("/")
    if slash and head.lower() == server:
        filled = tail
    found = NAME.fullmatch(filled)
    if not found:
        raise BadRequest(
            "InvalidImageName",
            f"'{text}' is not an image name of {server}: a repository in lower case and a tag are expected, "
            "such as diabetes:1.",
        )
    return found["repository"], found["tag"] or "latest"


def quick_filters(text: str) -> Callable[[Mapping[str, Any]], bool]:
    """A test of a run's properties for `Status eq 'Succeeded' and RunType eq 'QuickBuild'`."""
    wanted = [_filter(part) for part in text.split(" and ")] if text.strip() else []
    return lambda properties: all(str(properties.get(field)) == value for field, value in wanted)


def _filter(part: str) -> tuple[str, str]:
    field, separator, value = part.strip().partition(" eq ")
    if not separator or field.strip().lower() not in FILTERED:
        raise NotImplementedHere("FilterNotImplemented", f"The sandbox does not implement the filter '{part}'.")
    return FILTERED[field.strip().lower()], value.strip().strip("'")
