"""Deployment records of environments: one for each run of a deployment job, newest first (3.7)."""

from typing import Any

from sandbox.devops.builds.definitions import Definitions
from sandbox.devops.builds.records import BuildRecords
from sandbox.devops.builds.timeline import build_address
from sandbox.devops.context import (
    SERVICE_OWNER,
    Context,
    address,
    next_number,
    number_option,
    require_project,
    without_nulls,
)
from sandbox.devops.environments import ENVIRONMENTS
from sandbox.devops.front import Action
from sandbox.devops.locations import location
from sandbox.devops.problems import missing
from sandbox.devops.repositories import project_of
from sandbox.store import Document
from sandbox.wire import Call, Reply

DEPLOYMENTS = "devops/deployment-records"


class Deployments:
    """The deployment records of a project's environments."""

    def __init__(self, context: Context, builds: BuildRecords, definitions: Definitions) -> None:
        self._context = context
        self._store = context.store
        self._builds = builds
        self._definitions = definitions

    def actions(self) -> list[Action]:
        rows = {
            "distributedtask": location("distributedtask", "environmentdeploymentRecords"),
            "pipelines": location("environments", "environmentdeploymentrecords"),
        }
        return [Action(f"{prefix}_environment_deployments_list", "GET", row, self.list) for prefix, row in rows.items()]

    # Writing

    def begin(self, environment: Document, build: Document, stage: str, job: str, attempt: int) -> Document:
        """A deployment job starts."""
        parent = f"{environment.id}/records"
        with self._store.write() as change:
            number = next_number(change, environment.id.split("/")[2], "deployments")
            body = {
                "id": number,
                "environment": environment.body["id"],
                "build": build.id,
                "definition": build.body["definition"],
                "stage": stage,
                "job": job,
                "attempt": attempt,
                "result": None,
                "queueTime": self._context.now(),
                "startTime": self._context.now(),
                "finishTime": None,
            }
            return change.put(DEPLOYMENTS, f"{parent}/{number}", body, parent)

    def finish(self, record: Document, result: str) -> None:
        with self._store.write() as change:
            found = change.get(DEPLOYMENTS, record.id)
            if found and not found.body["result"]:
                change.put(DEPLOYMENTS, found.id, {**found.body, "result": result, "finishTime": self._context.now()})

    def open_of(self, build: Document) -> list[Document]:
        """Those of a build that have not finished."""
        project = project_of(self._store, build)
        listed = (
            record
            for environment in self._store.list(ENVIRONMENTS, f"{project.id}/environments")
            for record in self._store.list(DEPLOYMENTS, f"{environment.id}/records")
        )
        return [one for one in listed if one.body["build"] == build.id and not one.body["result"]]

    # Calls

    def list(self, call: Call) -> Reply:
        """Newest first; the query names are `top` and `continuationToken`, not `$top` (1.5)."""
        project, number = require_project(self._store, call), call.params["environmentId"]
        environment = self._store.get(ENVIRONMENTS, f"{project.id}/environments/{number}")
        if environment is None:
            raise missing("Environment", f"Environment with ID {number} does not exist.")
        found = self._store.list(DEPLOYMENTS, f"{environment.id}/records")
        found.sort(key=lambda one: -int(one.body["id"]))
        start, top = number_option(call, "continuationToken", 0), number_option(call, "top", 25)
        more = {"x-ms-continuationtoken": str(start + top)} if start + top < len(found) else {}
        rows = [self._wire(call, project, one) for one in found[start : start + top]]
        return Reply.json({"count": len(rows), "value": rows}, headers=more)

    def _wire(self, call: Call, project: Document, record: Document) -> dict[str, Any]:
        body = record.body
        build = self._store.get("devops/builds", body["build"])
        return without_nulls(
            {
                "id": body["id"],
                "environmentId": body["environment"],
                "requestIdentifier": f"{body['stage']}.{body['job']}.{body['job']}",
                "stageName": body["stage"],
                "jobName": body["job"],
                "stageAttempt": body["attempt"],
                "jobAttempt": 1,
                "planType": "Build",
                "planId": build.body["planId"] if build else None,
                "scopeId": project.body["id"],
                "serviceOwner": SERVICE_OWNER,
                "definition": self._definition(call, project, body["definition"]),
                "owner": self._owner(call, build) if build else None,
                "result": body["result"],
                "queueTime": body["queueTime"],
                "startTime": body["startTime"],
                "finishTime": body["finishTime"],
            }
        ) | {"resourceId": None}

    def _definition(self, call: Call, project: Document, number: int) -> dict[str, Any] | None:
        found = self._definitions.find(project, number)
        if found is None:
            return None
        url = address(call, "build", "Definitions", str(number), project=project.body["id"])
        return {"id": number, "name": found.body["name"], "_links": {"self": {"href": url}}}

    def _owner(self, call: Call, build: Document) -> dict[str, Any]:
        url = build_address(call, build)
        return {"id": build.body["id"], "name": build.body["buildNumber"], "_links": {"self": {"href": url}}}
