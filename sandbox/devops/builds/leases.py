"""Retention leases: while one is valid, the run it names is kept, and its pipeline too where the lease says so.

`keepForever` of a build is kept on the build; a lease is somebody's, of an owner that is any text.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sandbox.devops.builds.definitions import Definitions
from sandbox.devops.builds.problems import BUILD, build_missing
from sandbox.devops.builds.records import BuildRecords
from sandbox.devops.context import (
    Context,
    collection,
    next_number,
    number_option,
    read_list,
    require_project,
    wire_time,
)
from sandbox.devops.front import Action
from sandbox.devops.locations import location
from sandbox.devops.problems import invalid, missing
from sandbox.errors import Conflict
from sandbox.store import Document
from sandbox.wire import Call, Reply

LEASES = "devops/retention-leases"
LONGEST_DAYS = 36500  # more is for ever to the service; a date cannot hold it


class Leases:
    """The leases of every project's runs."""

    def __init__(self, context: Context, definitions: Definitions, records: BuildRecords) -> None:
        self._context = context
        self._store = context.store
        self._definitions = definitions
        self._records = records
        definitions.retained = self.check

    def actions(self) -> list[Action]:
        row = location("build", "leases")
        return [
            Action("build_leases_list", "GET", row, self.list_leases),
            Action("build_leases_add", "POST", row, self.add),
            Action("build_leases_get", "GET", row, self.get, one=True),
            Action("build_leases_delete", "DELETE", row, self.delete),
        ]

    def list_leases(self, call: Call) -> Reply:
        """By `ownerId`, `definitionId` and `runId`; the service wants one of the first two."""
        project, owner = require_project(self._store, call), call.option("ownerId")
        definition, run = number_option(call, "definitionId", 0), number_option(call, "runId", 0)
        if not owner and not definition:
            raise invalid("A list of leases names ownerId or definitionId.", BUILD)
        found = [
            one
            for one in self._of_project(project)
            if owner in ("", one.body["owner"])
            and definition in (0, one.body["definition"])
            and run in (0, one.body["run"])
        ]
        return collection(map(_wire, found))

    def add(self, call: Call) -> Reply:
        project, rows = require_project(self._store, call), read_list(call)
        wanted = [self._given(project, row) for row in rows]
        parent = f"{project.id}/leases"
        with self._store.write() as change:
            made = []
            for body in wanted:
                number = next_number(change, project.id.split("/")[2], "leases")
                made.append(change.put(LEASES, f"{parent}/{number}", {"id": number, **body}, parent))
        return collection(map(_wire, made))

    def _given(self, project: Document, row: Mapping[str, Any]) -> dict[str, Any]:
        """A lease of a body as it is stored. Raises NotFound for its run, BadRequest for its days."""
        number, days = row.get("runId"), row.get("daysValid")
        run = next((one for one in self._records.of_project(project) if one.body["id"] == number), None)
        if run is None or run.body["definition"] != row.get("definitionId"):
            raise build_missing(number or 0)
        if type(days) is not int or days < 1 or not row.get("ownerId"):
            raise invalid("A lease names its ownerId and daysValid, one day at least.", BUILD)
        until = self._context.clock.now() + timedelta(days=min(days, LONGEST_DAYS))
        return {
            "owner": str(row["ownerId"]),
            "definition": run.body["definition"],
            "run": number,
            "protectPipeline": row.get("protectPipeline") is True,
            "validUntil": until.isoformat(),
        }

    def get(self, call: Call) -> Reply:
        project, number = require_project(self._store, call), call.params["leaseId"]
        found = self._store.get(LEASES, f"{project.id}/leases/{number}")
        if found is None:
            raise missing("RetentionLease", f"There is no retention lease {number}.", BUILD)
        return Reply.json(_wire(found))

    def delete(self, call: Call) -> Reply:
        """Those that `ids` names."""
        project, ids = require_project(self._store, call), [one for one in call.option("ids").split(",") if one]
        if not ids:
            raise invalid("ids names the leases to delete.", BUILD)
        with self._store.write() as change:
            for number in ids:
                change.delete(LEASES, f"{project.id}/leases/{number}")
        return Reply(204)

    def check(self, definition: Document) -> None:
        """Before a pipeline is deleted. Raises Conflict while a run of it is kept; the type's name is inferred."""
        now = self._context.clock.now()
        runs = self._records.of_definition(definition)
        kept = {one.body["id"] for one in runs if one.body["keepForever"] or one.body["retainedByRelease"]}
        project = definition.id.rsplit("/definitions/", 1)[0]
        for one in self._store.list(LEASES, f"{project}/leases"):
            if one.body["protectPipeline"] and datetime.fromisoformat(one.body["validUntil"]) > now:
                kept |= {one.body["run"]} & {run.body["id"] for run in runs}
        if kept:
            raise Conflict(
                f"{BUILD}.CannotDeleteRetainedBuildException",
                "One or more builds associated with the requested pipeline(s) are retained by a release. The "
                "pipeline(s) and builds will not be deleted.",
            )

    def _of_project(self, project: Document) -> list[Document]:
        return self._store.list(LEASES, f"{project.id}/leases")


def _wire(lease: Document) -> dict[str, Any]:
    body = lease.body
    return {
        "leaseId": body["id"],
        "ownerId": body["owner"],
        "runId": body["run"],
        "definitionId": body["definition"],
        "createdOn": wire_time(lease.created),
        "validUntil": wire_time(datetime.fromisoformat(body["validUntil"])),
        "protectPipeline": body["protectPipeline"],
    }
