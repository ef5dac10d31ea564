"""What clients ask before anything else: locations, resource areas, connection data (azure-devops.md, 2)."""

from collections.abc import Iterable
from typing import Any

from sandbox.devops.access import sign_in
from sandbox.devops.context import SERVICE_OWNER, Context, collection, require_organization
from sandbox.devops.front import Action, Front
from sandbox.devops.locations import AREAS, Location, location
from sandbox.devops.problems import missing
from sandbox.ids import derived_guid
from sandbox.wire import Call, Operation, Reply


class Discovery:
    """Answers from the table of the locations that are mounted."""

    def __init__(self, context: Context, front: Front) -> None:
        self._context = context
        self._front = front
        self._mounted: tuple[Location, ...] = ()

    def actions(self) -> list[Action]:
        areas = location("Location", "ResourceAreas")
        return [
            Action("location_connection_data_get", "GET", location("Location", "ConnectionData"), self.connection),
            Action("location_resource_areas_list", "GET", areas, self.areas),
            Action("location_resource_areas_get", "GET", areas, self.area, one=True),
        ]

    def operations(self, mounted: Iterable[Action]) -> list[Operation]:
        """The OPTIONS calls over what is mounted. The root of the server knows no locations, and says so (2.3)."""
        self._mounted = tuple(dict.fromkeys(action.location for action in mounted))
        everything = self._front.unversioned(self.locations)
        rows = [
            ("location_locations_list", "OPTIONS", "/{organization}/_apis", everything),
            ("location_locations_list_of_area", "OPTIONS", "/{organization}/_apis/{area}", everything),
            ("location_deployment_locations_list", "OPTIONS", "/_apis", _nothing),
            ("location_deployment_locations_list_of_area", "OPTIONS", "/_apis/{area}", _nothing),
            ("sign_in_get", "GET", "/_signin", _sign_in),
        ]
        return [Operation(*row, dialect="devops", anonymous=True) for row in rows]

    def locations(self, call: Call) -> Reply:
        require_organization(self._context.store, call)
        area = call.params.get("area", "").lower()
        return collection(one.wire() for one in self._mounted if not area or one.area.lower() == area)

    def areas(self, call: Call) -> Reply:
        return collection(_area(call, name) for name in AREAS)

    def area(self, call: Call) -> Reply:
        wanted = call.params["areaId"].lower()
        for name, guid in AREAS.items():
            if wanted in (guid, name.lower()):
                return Reply.json(_area(call, name))
        raise missing("ResourceArea", f"There is no resource area '{call.params['areaId']}'.")

    def connection(self, call: Call) -> Reply:
        organization = require_organization(self._context.store, call)
        user = _authenticated(self._context.person(call))
        number = derived_guid("change", organization.id).replace("-", "")[:7]
        change = int(number, 16)
        return Reply.json(
            {
                "authenticatedUser": user,
                "authorizedUser": user,
                "instanceId": organization.body["id"],
                "deploymentId": derived_guid("deployment", organization.id),
                "deploymentType": "hosted",
                "locationServiceData": {
                    "serviceOwner": SERVICE_OWNER,
                    "defaultAccessMappingMoniker": "PublicAccessMapping",
                    "lastChangeId": change,
                    "lastChangeId64": change,
                },
            }
        )


def _area(call: Call, name: str) -> dict[str, str]:
    return {"id": AREAS[name], "name": name, "locationUrl": f"{call.base}/{call.params['organization']}/"}


def _authenticated(person: dict[str, str]) -> dict[str, Any]:
    tenant, account = derived_guid("tenant", "devops"), person["uniqueName"]
    return {
        "id": person["id"],
        "descriptor": f"Microsoft.IdentityModel.Claims.ClaimsIdentity;{tenant}\\{account}",
        "subjectDescriptor": f"aad.{derived_guid('descriptor', person['id']).replace('-', '')}",
        "providerDisplayName": person["displayName"],
        "isActive": True,
        "properties": {"Account": {"$type": "System.String", "$value": account}},
        "resourceVersion": 2,
        "metaTypeId": 0,
    }


def _nothing(call: Call) -> Reply:
    return collection([])


def _sign_in(call: Call) -> Reply:
    return sign_in()
