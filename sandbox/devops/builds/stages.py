"""Stages of a build, settings of pipelines, and the resources that a definition may use."""

from typing import Any

from sandbox.devops.builds.definitions import Definitions
from sandbox.devops.builds.enumerations import STAGE_STATE
from sandbox.devops.builds.problems import BUILD, stage_missing
from sandbox.devops.builds.queueing import Queueing
from sandbox.devops.builds.records import BuildRecords
from sandbox.devops.context import Context, collection, read_list, require_project
from sandbox.devops.enumerations import name_of
from sandbox.devops.front import Action
from sandbox.devops.locations import location
from sandbox.devops.permissions import PERMISSIONS, Permissions
from sandbox.devops.problems import invalid, not_here
from sandbox.devops.repositories import project_of
from sandbox.store import Document
from sandbox.wire import Call, Reply

SETTINGS = "devops/general-settings"
DEFAULTS = {
    "enforceReferencedRepoScopedToken": True,
    "disableClassicPipelineCreation": True,
    "disableClassicBuildPipelineCreation": True,
    "disableClassicReleasePipelineCreation": True,
    "enforceSettableVar": True,
    "enforceJobAuthScope": True,
    "enforceJobAuthScopeForReleases": True,
    "publishPipelineMetadata": False,
    "statusBadgesArePrivate": True,
}


class Stages:
    """The stage, settings and authorisation calls."""

    def __init__(
        self,
        context: Context,
        definitions: Definitions,
        records: BuildRecords,
        queueing: Queueing,
        permissions: Permissions,
    ) -> None:
        self._context = context
        self._store = context.store
        self._definitions = definitions
        self._records = records
        self._queueing = queueing
        self._permissions = permissions

    def actions(self) -> list[Action]:
        settings, resources = location("build", "generalSettings"), location("build", "resources")
        return [
            Action("build_stages_update", "PATCH", location("build", "stages"), self.update, one=True),
            Action("build_general_settings_get", "GET", settings, self.settings),
            Action("build_general_settings_update", "PATCH", settings, self.update_settings),
            Action("build_definition_resources_list", "GET", resources, self.resources),
            Action("build_definition_resources_authorize", "PATCH", resources, self.authorize),
        ]

    def update(self, call: Call) -> Reply:
        """`state` retry runs the stage again, run lets a manual one go. Of a retried stage every job runs again."""
        build, body, name = self._records.require(call), call.json(), call.params["stageRefName"]
        state = name_of(body.get("state"), STAGE_STATE)
        if state == "retry":
            self._queueing.retry(build, name, bool(body.get("forceRetryAllJobs")))
        elif state == "run":
            self._queueing.run_stage(build, self._waiting(build, name))
        elif state == "cancel":
            raise not_here("The sandbox cancels a whole run: PATCH the build with status cancelling.")
        else:
            raise invalid(f"A stage's state is set to retry, run or cancel; this is '{body.get('state')}'.", BUILD)
        return Reply(204)

    def _waiting(self, build: Document, name: str) -> str:
        """The stage's own spelling. Raises NotFound where it is not waiting."""
        listed = self._store.list("devops/timeline-records", f"{build.id}/timeline")
        for one in listed:
            if one.body["type"] == "Stage" and str(one.body["identifier"]).lower() == name.lower():
                return str(one.body["identifier"])
        raise stage_missing(name, build.body["id"])

    # Settings

    def settings(self, call: Call) -> Reply:
        return Reply.json(self._settings(require_project(self._store, call)))

    def _settings(self, project: Document) -> dict[str, Any]:
        found = self._store.get(SETTINGS, f"{project.id}/general-settings")
        implied = self._context.switchboard.get().implied_trigger_disabled
        return {**DEFAULTS, "disableImpliedYAMLCiTrigger": implied, **(found.body if found else {})}

    def is_implied_trigger_off(self, project: Document) -> bool:
        return bool(self._settings(project)["disableImpliedYAMLCiTrigger"])

    def update_settings(self, call: Call) -> Reply:
        project, body = require_project(self._store, call), call.json()
        given = {name: value for name, value in body.items() if name in (*DEFAULTS, "disableImpliedYAMLCiTrigger")}
        with self._store.write() as change:
            key = f"{project.id}/general-settings"
            found = change.get(SETTINGS, key)
            change.put(SETTINGS, key, {**(found.body if found else {}), **given})
        return Reply.json(self._settings(project))

    # Resources of a definition: the older way to the Permit button

    def resources(self, call: Call) -> Reply:
        """What the definition was permitted."""
        definition = self._definitions.require(call)
        project, number = project_of(self._store, definition), int(definition.body["id"])
        with self._store.read() as view:
            listed = [one for one in view.beneath(f"{project.id}/permissions") if one.kind == PERMISSIONS]
        rows = []
        for one in listed:
            kind, resource_id = one.key.split("/")[-2:]
            if self._permissions.is_authorized(project, kind, resource_id, number):
                rows.append({"type": kind, "id": resource_id, "authorized": True})
        return collection(rows)

    def authorize(self, call: Call) -> Reply:
        definition, person = self._definitions.require(call), self._context.person(call)
        project, number = project_of(self._store, definition), int(definition.body["id"])
        rows = read_list(call)
        for row in rows:
            if row.get("authorized"):
                self._permissions.authorize(project, str(row.get("type")), str(row.get("id")), number, person)
        return collection(rows)
