"""Pipelines and runs: the views of definitions and builds with the same ids (3.5)."""

from collections.abc import Mapping
from typing import Any

from sandbox.devops.builds.artifacts import Artifacts
from sandbox.devops.builds.definitions import FROM_YAML, POOL, Definitions, folder_path, yaml_path
from sandbox.devops.builds.enumerations import CONFIGURATION, SIGNED
from sandbox.devops.builds.logs import BuildLogs
from sandbox.devops.builds.preparing import MissingFile, Origin, Preparing
from sandbox.devops.builds.problems import bad_pipeline, build_missing, invalid_pipeline, pipeline_missing
from sandbox.devops.builds.queueing import Queueing, RunOptions
from sandbox.devops.builds.records import BuildRecords
from sandbox.devops.context import (
    Context,
    address,
    collection,
    page,
    require_project,
    web_address,
    wire_time,
    without_nulls,
)
from sandbox.devops.enumerations import name_of
from sandbox.devops.front import Action
from sandbox.devops.locations import location
from sandbox.devops.problems import invalid
from sandbox.devops.repositories import project_of
from sandbox.pipelines.errors import LoadError
from sandbox.pipelines.final import final_yaml
from sandbox.store import Document
from sandbox.wire import Call, Reply

STATES = {"completed": "completed", "cancelling": "canceling"}
RESULTS = {"succeeded": "succeeded", "partiallySucceeded": "succeeded", "failed": "failed", "canceled": "canceled"}
NO_CONFIGURATION = (
    "The configuration has no path or no repository. The models of the azure-devops and azure-devops-node-api packages "
    "leave both out: create the pipeline with a plain request, or as a build definition."
)


class Pipelines:
    """The pipelines calls."""

    def __init__(
        self,
        context: Context,
        definitions: Definitions,
        records: BuildRecords,
        preparing: Preparing,
        queueing: Queueing,
        logs: BuildLogs,
        artifacts: Artifacts,
    ) -> None:
        self._context = context
        self._store = context.store
        self._definitions = definitions
        self._records = records
        self._preparing = preparing
        self._queueing = queueing
        self._logs = logs
        self._artifacts = artifacts

    def actions(self) -> list[Action]:
        row, runs, logs = (location("Pipelines", name) for name in ("pipelines", "runs", "logs"))
        return [
            Action("pipelines_list", "GET", row, self.list),
            Action("pipelines_create", "POST", row, self.create),
            Action("pipelines_get", "GET", row, self.get, one=True),
            Action("pipelines_preview", "POST", location("pipelines", "preview"), self.preview),
            Action("pipelines_runs_list", "GET", runs, self.runs),
            Action("pipelines_runs_create", "POST", runs, self.run),
            Action("pipelines_runs_get", "GET", runs, self.get_run, one=True),
            Action("pipelines_logs_list", "GET", logs, self.list_logs),
            Action("pipelines_logs_get", "GET", logs, self.get_log, one=True),
            Action("pipelines_artifacts_get", "GET", location("Pipelines", "artifacts"), self.artifact),
        ]

    # Pipelines

    def list(self, call: Call) -> Reply:
        """Without their configuration; `orderBy` takes `name asc` and `name desc`."""
        found = self._definitions.of_project(require_project(self._store, call))
        order = call.option("orderBy").lower().split()
        if order and order[0] == "name":
            found.sort(key=lambda one: str(one.body["name"]).lower(), reverse=order[-1] == "desc")
        rows, headers = page(call, found, 10_000)
        return collection((self._wire(call, one) for one in rows), headers)

    def get(self, call: Call) -> Reply:
        return Reply.json(self._whole(call, self._require(call)))

    def _require(self, call: Call) -> Document:
        number = call.params["pipelineId"]
        found = self._definitions.find(require_project(self._store, call), number)
        if found is None or not number.isdigit():
            raise pipeline_missing(number)
        return found

    def create(self, call: Call) -> Reply:
        project, body = require_project(self._store, call), call.json()
        configuration = body.get("configuration") or {}
        if name_of(configuration.get("type") or "yaml", CONFIGURATION) != "yaml":
            raise invalid(f"A pipeline's configuration is of type yaml; this is '{configuration.get('type')}'.")
        given = configuration.get("repository") or {}
        if not configuration.get("path") or not (given.get("id") or given.get("name")):
            raise bad_pipeline(NO_CONFIGURATION)
        repository = self._definitions.find_repository(call, project, str(given.get("id") or given.get("name")))
        fields = {
            "name": str(body.get("name") or repository.body["name"]),
            "folder": folder_path(str(body.get("folder") or "")),
            "yaml": yaml_path(str(configuration["path"])),
            "repository": repository.body["id"],
            "defaultBranch": "",
            "queue": POOL,
            "triggers": [dict(FROM_YAML)],
        }
        made = self._definitions.make(project, fields, self._context.person(call))
        return Reply.json(self._whole(call, made))

    def preview(self, call: Call) -> Reply:
        """The expanded YAML; `yamlOverride` stands in for the file."""
        definition, body = self._require(call), call.json()
        return Reply.json({"finalYaml": self._final(call, definition, body)})

    def _final(self, call: Call, definition: Document, body: Mapping[str, Any]) -> str:
        options = _options(body)
        version = self._queueing.version(definition, options)
        origin = Origin("manual", self._context.person(call), options.variables, options.parameters, options.skip)
        override = body.get("yamlOverride")
        try:
            return final_yaml(self._preparing.load(definition, version, origin, str(override) if override else None))
        except LoadError as error:
            raise invalid_pipeline(error) from error
        except MissingFile as error:
            raise bad_pipeline(str(error)) from error

    # Runs

    def runs(self, call: Call) -> Reply:
        """Newest first, all of them (3.5, INF)."""
        definition = self._require(call)
        found = reversed(self._records.of_definition(definition))
        return collection(self._run_wire(call, definition, one) for one in found)

    def run(self, call: Call) -> Reply:
        """Queue a run, or with `previewRun` only show the expanded YAML."""
        definition, body = self._require(call), call.json()
        if body.get("previewRun"):
            return Reply.json({"finalYaml": self._final(call, definition, body)})
        made = self._queueing.queue_by_hand(definition, _options(body), self._context.person(call))
        return Reply.json(self._run_wire(call, definition, made, with_resources=True))

    def get_run(self, call: Call) -> Reply:
        definition = self._require(call)
        return Reply.json(self._run_wire(call, definition, self._build(call, definition), with_resources=True))

    def _build(self, call: Call, definition: Document) -> Document:
        build = self._records.require(call, "runId")
        if build.body["definition"] != definition.body["id"]:
            raise build_missing(call.params["runId"])
        return build

    def list_logs(self, call: Call) -> Reply:
        definition = self._require(call)
        build = self._build(call, definition)
        rows = [self._log_wire(call, definition, build, one) for one in self._logs.of_build(build)]
        return Reply.json({"logs": rows, "url": self._run_address(call, definition, build, "logs")})

    def get_log(self, call: Call) -> Reply:
        definition = self._require(call)
        build = self._build(call, definition)
        return Reply.json(self._log_wire(call, definition, build, self._logs.require(build, call.params["logId"])))

    def _log_wire(self, call: Call, definition: Document, build: Document, log: Document) -> dict[str, Any]:
        wire = self._logs.wire(call, build, log)
        signed = self._signed(call, wire["url"])
        url = self._run_address(call, definition, build, "logs", str(wire["id"]))
        kept = {name: wire[name] for name in ("createdOn", "id", "lastChangedOn", "lineCount")}
        return {**kept, "url": url, **signed}

    def artifact(self, call: Call) -> Reply:
        definition = self._require(call)
        build = self._build(call, definition)
        found = self._artifacts.require(build, call.option("artifactName"))
        wire = self._artifacts.wire(call, build, found)
        url = self._run_address(call, definition, build, "artifacts") + f"?artifactName={found.body['name']}"
        return Reply.json(
            {"name": found.body["name"], "url": url, **self._signed(call, wire["resource"]["downloadUrl"])}
        )

    def _signed(self, call: Call, url: str) -> dict[str, Any]:
        """The content's address. Here it needs the same credentials as any call; on the cloud it carries its own."""
        if "signedcontent" not in name_of(call.option("$expand"), SIGNED):
            return {}
        expires = wire_time(self._context.clock.now().isoformat(timespec="microseconds").replace("+00:00", "Z"))
        return {"signedContent": {"url": url, "signatureExpires": expires}}

    # On the wire

    def _wire(self, call: Call, document: Document) -> dict[str, Any]:
        body, project = document.body, project_of(self._store, document)
        number = str(body["id"])
        url = f"{address(call, 'pipelines', number, project=project.body['id'])}?revision={body['revision']}"
        web = web_address(call, project.body["id"], "_build", "definition") + f"?definitionId={number}"
        return {
            "_links": {"self": {"href": url}, "web": {"href": web}},
            "url": url,
            "id": body["id"],
            "revision": body["revision"],
            "name": body["name"],
            "folder": body["folder"],
        }

    def _whole(self, call: Call, document: Document) -> dict[str, Any]:
        repository = {"id": document.body["repository"], "type": "azureReposGit"}
        configuration = {"path": document.body["yaml"], "repository": repository, "type": "yaml"}
        return {**self._wire(call, document), "configuration": configuration}

    def _run_address(self, call: Call, definition: Document, build: Document, *more: str) -> str:
        numbers = (str(definition.body["id"]), "runs", str(build.body["id"]))
        return address(call, "pipelines", *numbers, *more, project=build.id.split("/")[4])

    def _run_wire(
        self, call: Call, definition: Document, build: Document, with_resources: bool = False
    ) -> dict[str, Any]:
        body, own = build.body, self._wire(call, definition)
        url = self._run_address(call, definition, build)
        web = web_address(call, build.id.split("/")[4], "_build", "results") + f"?buildId={body['id']}"
        links = {
            "self": {"href": url},
            "web": {"href": web},
            "pipeline.web": own["_links"]["web"],
            "pipeline": own["_links"]["self"],
        }
        variables = {
            name: {"value": one["value"]} for name, one in body["variables"].items() if not one.get("isSecret")
        }
        return without_nulls(
            {
                "_links": links,
                "templateParameters": body["parameters"],
                "variables": variables or None,
                "pipeline": {name: own[name] for name in ("url", "id", "revision", "name", "folder")},
                "state": STATES.get(body["status"], "inProgress"),
                "result": RESULTS.get(body["result"] or ""),
                "createdDate": body["queueTime"],
                "finishedDate": body["finishTime"],
                "url": url,
                "resources": _resources(body) if with_resources else None,
                "id": body["id"],
                "name": body["buildNumber"],
            }
        )


def _resources(body: Mapping[str, Any]) -> dict[str, Any]:
    repository = {"id": body["repository"], "type": "azureReposGit"}
    own = {"repository": repository, "refName": body["sourceBranch"], "version": body["sourceVersion"]}
    return {"repositories": {"self": own}}


def _options(body: Mapping[str, Any]) -> RunOptions:
    """What a body of `runs` or `preview` asks for. Raises BadRequest."""
    own = ((body.get("resources") or {}).get("repositories") or {}).get("self") or {}
    variables = body.get("variables") or {}
    parameters, skip = body.get("templateParameters") or {}, body.get("stagesToSkip") or []
    if not isinstance(variables, dict) or not all(isinstance(one, dict) for one in variables.values()):
        raise invalid('variables are written such as {"name": {"value": "1", "isSecret": false}}.')
    if not isinstance(parameters, dict) or not isinstance(skip, list):
        raise invalid("templateParameters is an object, and stagesToSkip a list of stages.")
    return RunOptions(
        branch=str(own.get("refName") or ""),
        commit=str(own.get("version") or ""),
        parameters=parameters,
        variables=variables,
        skip=tuple(str(one) for one in skip),
    )
