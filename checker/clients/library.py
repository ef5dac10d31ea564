"""What an organisation can run, and where secrets can lie in a project: agents, variables, logs.

Facts: azure-devops.md, 3.8 (resourceusage, undocumented) and 3.6 (logs).
"""

import io
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from checker.clients.devops import BUILD_SCOPE
from checker.clients.documents import mapping, number, text, value
from checker.clients.organization import VERSION, Organization
from checker.errors import ServiceFault

USAGE_VERSION = "7.1-preview.2"
DIRECTORY = "x-vss-resourcetenant"
NO_DIRECTORY = "00000000-0000-0000-0000-000000000000"  # an organisation of personal accounts
AGENT_SCOPE = "Agent Pools (Read)"
VARIABLE_SCOPE = "Variable Groups (Read)"
LOG_LIMIT = 4 * 1024 * 1024  # bytes of one log that are looked at: an archive can unpack to anything


@dataclass(frozen=True)
class Pool:
    id: str
    name: str
    hosted: bool


@dataclass(frozen=True)
class Variable:
    """A variable, and where it stands. `value` is '' for a secret one: the service keeps it."""

    place: str
    name: str
    value: str
    secret: bool


class LibraryClient:
    """One project, with its organisation. Every method raises what `Organization.get` raises."""

    def __init__(self, organization: Organization, project: str) -> None:
        self._organization = organization
        self._beneath = f"{project}/_apis"

    def get_directory(self) -> str:
        """The tenant that the organisation is connected to, by the header that every answer carries; '' without one."""
        reply = self._organization.look("_apis/connectionData", "any", "7.1-preview.1")
        return reply.headers.get(DIRECTORY, "").lower()

    def count_hosted_jobs(self) -> int:
        """How many Microsoft-hosted jobs may run at a time in private projects."""
        query = {"parallelismTag": "Private", "poolIsHosted": "true"}
        found = self._organization.get("_apis/distributedtask/resourceusage", BUILD_SCOPE, USAGE_VERSION, **query)
        return number(found, "resourceLimit", "totalCount") or 0

    def list_pools(self) -> list[Pool]:
        found = self._organization.entries("_apis/distributedtask/pools", AGENT_SCOPE)
        return [Pool(text(one, "id"), text(one, "name"), value(one, "isHosted") is True) for one in found]

    def list_online_agents(self, pool: Pool) -> list[str]:
        """The names of a pool's agents that take work."""
        found = self._organization.entries(f"_apis/distributedtask/pools/{pool.id}/agents", AGENT_SCOPE)
        return [
            text(one, "name") for one in found if text(one, "status") == "online" and value(one, "enabled") is not False
        ]

    def list_variables(self) -> list[Variable]:
        """Those of the pipelines' definitions, then those of variable groups."""
        definitions = self._entries("build/definitions", BUILD_SCOPE, includeAllProperties="true")
        groups = self._entries("distributedtask/variablegroups", VARIABLE_SCOPE)
        found = [one for entry in definitions for one in variables(f"pipeline {text(entry, 'name')}", entry)]
        return found + [one for entry in groups for one in variables(f"variable group {text(entry, 'name')}", entry)]

    def get_logs(self, run: str) -> Mapping[str, str]:
        """All logs of a run by the names that they have in the archive: one request, as the page's download makes.

        Raises ServiceFault when the answer is no archive, as well.
        """
        path = f"{self._beneath}/build/builds/{run}/logs"
        reply = self._organization.look(path, BUILD_SCOPE, VERSION, **{"$format": "zip"})
        try:
            with zipfile.ZipFile(io.BytesIO(reply.content)) as archive:
                return {one.filename: _text(archive, one) for one in archive.infolist() if not one.is_dir()}
        except zipfile.BadZipFile as error:
            raise ServiceFault(reply.where, f"the answer ({reply.status}) is no archive", "a zip archive") from error

    def _entries(self, path: str, scope: str, **query: str) -> Iterator[Mapping[str, Any]]:
        return self._organization.entries(f"{self._beneath}/{path}", scope, VERSION, **query)


def variables(place: str, document: Any) -> list[Variable]:
    """The variables of a definition or of a group, whose shapes are the same."""
    found = mapping(document, "variables")
    return [Variable(place, name, text(one, "value"), value(one, "isSecret") is True) for name, one in found.items()]


def _text(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> str:
    with archive.open(member) as file:
        return file.read(LOG_LIMIT).decode("utf-8", errors="replace")
