"""Service connections (service endpoints): made at the organisation, shared with projects, secrets kept in (3.3)."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sandbox.clock import iso
from sandbox.devops.context import (
    Context,
    View,
    collection,
    find_project,
    flag_option,
    identity,
    organization_id,
    project_name,
    read_list,
    require_organization,
    require_project,
    wire_time,
    without_nulls,
)
from sandbox.devops.endpointtypes import FEDERATION, PRINCIPAL, checked_type
from sandbox.devops.front import Action
from sandbox.devops.locations import location
from sandbox.devops.problems import ENDPOINT, invalid, missing, project_missing
from sandbox.errors import Conflict
from sandbox.ids import derived_guid
from sandbox.store import Document, Transaction
from sandbox.wire import Call, Reply

ENDPOINTS = "devops/endpoints"
SECRETS = ("serviceprincipalkey", "servicePrincipalCertificate", "password", "apitoken", "accesstoken", "secret")
SECONDS_TO_READY = 1.0  # an automatic connection is not ready before its app registration is there (3.3, INF)
NOT_READY = "The app registration could not be created: insufficient privileges in the directory."


Grant = Callable[[str, str, str], str]
"""Assigns a role at a scope to a principal in Azure; returns the assignment's name."""


@dataclass(frozen=True)
class Connection:
    """A service connection with its secrets, for the code that runs pipelines; never for the wire."""

    id: str
    name: str
    type: str
    scheme: str
    ready: bool
    data: Mapping[str, str]
    parameters: Mapping[str, str]


class Endpoints:
    """The service endpoints of an organisation."""

    def __init__(self, context: Context, tenant: str, grant: Grant | None = None) -> None:
        self._context = context
        self._store = context.store
        self._tenant = tenant
        self._grant = grant

    def actions(self) -> list[Action]:
        inside, shared = location("serviceendpoint", "endpoints"), location("serviceendpoint", "sharedendpoints")
        return [
            Action("serviceendpoint_endpoints_list", "GET", inside, self.list),
            Action("serviceendpoint_endpoints_get", "GET", inside, self.get, one=True),
            Action("serviceendpoint_endpoints_create_in_project", "POST", inside, self.create),
            Action("serviceendpoint_endpoints_update_in_project", "PUT", inside, self.update, one=True),
            Action("serviceendpoint_endpoints_delete_in_project", "DELETE", inside, self.delete, one=True),
            Action("serviceendpoint_endpoints_create", "POST", shared, self.create),
            Action("serviceendpoint_endpoints_update", "PUT", shared, self.update, one=True),
            Action("serviceendpoint_endpoints_share", "PATCH", shared, self.share, one=True),
            Action("serviceendpoint_endpoints_delete", "DELETE", shared, self.delete, one=True),
        ]

    # Reading

    def list(self, call: Call) -> Reply:
        """Of a project; a name that there is not gives an empty list, not 404 (3.3)."""
        project = require_project(self._store, call)
        found = [one for one in self._in_project(call, project) if self._wanted(call, one)]
        return collection(self._wire(call, one, project) for one in found)

    def _in_project(self, call: Call, project: Document) -> Iterable[Document]:
        listed = self._store.list(ENDPOINTS, f"{organization_id(call.params['organization'])}/endpoints")
        return [one for one in listed if project.body["id"] in one.body["references"]]

    def _wanted(self, call: Call, document: Document) -> bool:
        body = document.body
        values = {
            "endpointNames": body["name"],
            "endpointIds": body["id"],
            "type": body["type"],
            "authSchemes": body["authorization"]["scheme"],
            "owner": body["owner"],
        }
        for option, value in values.items():
            asked = [one.strip().lower() for one in call.option(option).split(",") if one.strip()]
            if asked and str(value).lower() not in asked:
                return False
        return flag_option(call, "includeFailed") or self._state(document) != "Failed"

    def get(self, call: Call) -> Reply:
        """One, or `null` with 200 where there is none (3.3, INF)."""
        project = require_project(self._store, call)
        found = self._find(call)
        if found is None or project.body["id"] not in found.body["references"]:
            return Reply.json(None)
        return Reply.json(self._wire(call, found, project))

    def _find(self, call: Call) -> Document | None:
        return self._store.get(ENDPOINTS, _key(call.params["organization"], call.params["endpointId"]))

    def _require(self, call: Call) -> Document:
        found = self._find(call)
        if found is None:
            wanted = call.params["endpointId"]
            raise missing("ServiceEndpoint", f"The service connection '{wanted}' does not exist.", ENDPOINT)
        return found

    def connection(self, project: Document, wanted: str) -> Connection | None:
        """A project's connection by id or by name, with its secrets; None where there is none."""
        organization = project.id.split("/")[2]
        for one in self._store.list(ENDPOINTS, f"{organization_id(organization)}/endpoints"):
            reference = one.body["references"].get(project.body["id"])
            if reference and wanted.lower() in (one.body["id"], reference["name"].lower()):
                return self._connection(one, reference["name"])
        return None

    def _connection(self, document: Document, name: str) -> Connection:
        body = document.body
        authorization = body["authorization"]
        ready = self._state(document) == "Ready"
        return Connection(
            body["id"],
            name,
            body["type"],
            authorization["scheme"],
            ready,
            body["data"],
            authorization["parameters"],
        )

    # Writing

    def create(self, call: Call) -> Reply:
        body = call.json()
        kind, scheme = checked_type(body)
        organization = require_organization(self._store, call)
        guid = self._context.ids.guid()
        with self._store.write() as change:
            references = self._references(change, call, body)
            self._check_names(change, call, references, guid)
            name = str(body.get("name") or next(iter(references.values()))["name"])
            parameters = dict((body.get("authorization") or {}).get("parameters") or {})
            data = dict(body.get("data") or {})
            if kind == "azurerm":
                parameters = self._azure(organization, references, name, scheme, data, parameters)
                data |= self._granted(data, parameters)
            record = {
                "id": guid,
                "name": name,
                "type": str(body["type"]),
                "url": str(body.get("url") or "https://management.azure.com/"),
                "description": str(body.get("description") or ""),
                "owner": str(body.get("owner") or "library"),
                "data": data,
                "authorization": {"scheme": scheme, "parameters": parameters},
                "references": references,
                "createdBy": self._context.person(call),
                "readyAt": self._ready_at(data),
            }
            document = change.put(
                ENDPOINTS, _key(call.params["organization"], guid), record, f"{organization.id}/endpoints"
            )
        return Reply.json(self._wire(call, document, None))

    def _azure(
        self,
        organization: Document,
        references: Mapping[str, Mapping[str, str]],
        name: str,
        scheme: str,
        data: Mapping[str, Any],
        parameters: dict[str, Any],
    ) -> dict[str, Any]:
        """What the service fills in for Azure: a federation's issuer and subject, the principal of an automatic one."""
        if not data.get("subscriptionId") and data.get("scopeLevel") != "ManagementGroup":
            raise invalid("A connection of type AzureRM names its subscription in data.subscriptionId.", ENDPOINT)
        automatic = _is_automatic(data)
        if automatic:
            whose = (organization.body["id"], next(iter(references)), name)
            parameters.setdefault("serviceprincipalid", derived_guid("app", *whose))
        parameters.setdefault("tenantid", self._tenant)
        if not parameters.get("serviceprincipalid") and scheme != "ManagedServiceIdentity":
            raise invalid("A manual connection names its application in parameters.serviceprincipalid.", ENDPOINT)
        if scheme == FEDERATION:
            project = project_name(self._store, organization.body["name"], next(iter(references)))
            parameters["workloadIdentityFederationIssuer"] = f"https://vstoken.dev.azure.com/{organization.body['id']}"
            parameters["workloadIdentityFederationSubject"] = f"sc://{organization.body['name']}/{project}/{name}"
        elif scheme == PRINCIPAL and not automatic and not parameters.get("serviceprincipalkey"):
            raise invalid("A connection by secret needs parameters.serviceprincipalkey.", ENDPOINT)
        return parameters

    def _granted(self, data: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[str, str]:
        """What an automatic connection notes about its principal, which is given Contributor on what it may reach."""
        if not _is_automatic(data) or self._grant is None:
            return {}
        application = str(parameters["serviceprincipalid"])
        principal = derived_guid("principal", application)
        scope = str(parameters.get("scope") or f"/subscriptions/{data.get('subscriptionId')}")
        return {
            "appObjectId": derived_guid("application", application),
            "spnObjectId": principal,
            "azureSpnRoleAssignmentId": self._grant(scope, principal, "Contributor"),
        }

    def _ready_at(self, data: Mapping[str, Any]) -> str:
        now = self._context.clock.now()
        return iso(now + timedelta(seconds=SECONDS_TO_READY) if _is_automatic(data) else now)

    def update(self, call: Call) -> Reply:
        """The whole connection again; a secret that comes as null stays what it was."""
        body = call.json()
        _, scheme = checked_type(body)
        with self._store.write() as change:
            found = self._require(call)
            references = self._references(change, call, body) if body.get(REFERENCES) else found.body["references"]
            self._check_names(change, call, references, found.body["id"])
            old = found.body["authorization"]["parameters"]
            given = (body.get("authorization") or {}).get("parameters") or {}
            kept = {name: old.get(name) if value is None else value for name, value in given.items()}
            record = {
                **found.body,
                **{name: body[name] for name in ("name", "url", "description", "data") if body.get(name) is not None},
                "authorization": {"scheme": scheme, "parameters": {**old, **kept}},
                "references": references,
            }
            document = change.put(ENDPOINTS, found.id, record)
        return Reply.json(self._wire(call, document, None))

    def share(self, call: Call) -> Reply:
        """Add projects to a connection."""
        rows = read_list(call)
        with self._store.write() as change:
            found = self._require(call)
            added = self._references(change, call, {REFERENCES: rows, "name": found.body["name"]})
            self._check_names(change, call, added, found.body["id"])
            references = {**found.body["references"], **added}
            change.put(ENDPOINTS, found.id, {**found.body, "references": references})
        return Reply(204)

    def delete(self, call: Call) -> Reply:
        """From the projects that `projectIds` names; the connection goes with its last project."""
        given = call.option("projectIds")
        project = (
            find_project(self._store, require_organization(self._store, call), call.params["project"])
            if call.params.get("project")
            else None
        )
        wanted = [one for one in given.split(",") if one] or ([project.body["id"]] if project else [])
        if not wanted:
            raise invalid("projectIds names the projects to delete the connection from.", ENDPOINT)
        with self._store.write() as change:
            found = self._require(call)
            left = {guid: one for guid, one in found.body["references"].items() if guid not in wanted}
            self._keep(change, found, left)
        return Reply(204)

    def _keep(self, change: Transaction, found: Document, references: Mapping[str, Any]) -> None:
        if references:
            change.put(ENDPOINTS, found.id, {**found.body, "references": dict(references)})
        else:
            change.delete(ENDPOINTS, found.id)

    def forget_project(self, project: Document) -> None:
        """A deleted project takes its share of each connection with it."""
        organization = project.id.split("/")[2]
        with self._store.write() as change:
            for one in change.list(ENDPOINTS, f"{organization_id(organization)}/endpoints"):
                references = one.body["references"]
                if project.body["id"] in references:
                    self._keep(change, one, {k: v for k, v in references.items() if k != project.body["id"]})

    def _references(self, view: View, call: Call, body: Mapping[str, Any]) -> dict[str, dict[str, str]]:
        """The projects of a body by GUID. Raises BadRequest for none and NotFound for one that there is not."""
        organization = require_organization(view, call)
        rows = body.get(REFERENCES) or []
        if not rows and call.params.get("project"):
            rows = [{"projectReference": {"id": call.params["project"]}}]
        found: dict[str, dict[str, str]] = {}
        for row in rows:
            given = row.get("projectReference") or {}
            wanted = str(given.get("id") or given.get("name") or "")
            project = find_project(view, organization, wanted) if wanted else None
            if project is None:
                raise project_missing(wanted)
            name = str(row.get("name") or body.get("name") or "")
            if not name:
                raise invalid("A service connection needs a name.", ENDPOINT)
            description = str(row.get("description") or "")
            found[project.body["id"]] = {"name": name, "description": description}
        if not found:
            raise invalid("serviceEndpointProjectReferences names at least one project.", ENDPOINT)
        return found

    def _check_names(self, view: View, call: Call, references: Mapping[str, Mapping[str, str]], own: str) -> None:
        for one in view.list(ENDPOINTS, f"{organization_id(call.params['organization'])}/endpoints"):
            for guid, reference in references.items():
                other = one.body["references"].get(guid)
                if one.body["id"] != own and other and other["name"].lower() == reference["name"].lower():
                    raise Conflict(
                        f"{ENDPOINT}.DuplicateServiceConnectionException",
                        f"Service connection with name {reference['name']} already exists in the project.",
                    )

    # On the wire

    def _state(self, document: Document) -> str:
        """Ready, InProgress or Failed; time and a switch decide, so that a restart changes nothing."""
        if self._context.switchboard.get().endpoint_not_ready:
            return "Failed"
        ready = datetime.fromisoformat(document.body["readyAt"]) <= self._context.clock.now()
        return "Ready" if ready else "InProgress"

    def _wire(self, call: Call, document: Document, project: Document | None) -> dict[str, Any]:
        body, state = document.body, self._state(document)
        mine = body["references"].get(project.body["id"]) if project else None
        authorization = body["authorization"]
        status = {"state": state, "statusMessage": NOT_READY if state == "Failed" else "", "severity": ""}
        return without_nulls(
            {
                "data": body["data"],
                "id": body["id"],
                "name": mine["name"] if mine else body["name"],
                "type": body["type"],
                "url": body["url"],
                "createdBy": identity(call, body["createdBy"]),
                "description": mine["description"] if mine else body["description"],
                "authorization": {**authorization, "parameters": _shown(authorization["parameters"])},
                "isShared": len(body["references"]) > 1,
                "isOutdated": False,
                "isReady": state == "Ready",
                "operationStatus": {"errorCode": None, **status},
                "creationDate": wire_time(document.created),
                "owner": body["owner"],
                REFERENCES: [self._reference(call, guid, one) for guid, one in body["references"].items()],
            }
        )

    def _reference(self, call: Call, guid: str, reference: Mapping[str, str]) -> dict[str, Any]:
        return {
            "projectReference": {"id": guid, "name": project_name(self._store, call.params["organization"], guid)},
            "name": reference["name"],
            "description": reference["description"],
        }


REFERENCES = "serviceEndpointProjectReferences"


def _key(organization: str, guid: str) -> str:
    return f"{organization_id(organization)}/endpoints/{guid}"


def _shown(parameters: Mapping[str, Any]) -> dict[str, Any]:
    hidden = {one.lower() for one in SECRETS}
    return {name: None if name.lower() in hidden else value for name, value in parameters.items()}


def _is_automatic(data: Mapping[str, Any]) -> bool:
    return str(data.get("creationMode") or "Manual").lower() == "automatic"
