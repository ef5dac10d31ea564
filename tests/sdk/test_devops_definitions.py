"""Pipelines as they are made, found, changed and deleted: build definitions and their view."""

from typing import Any

import pytest

from tests.sdk.openapi import conforms
from tests.sdk.runs import HELLO, Pipelines


def test_pipeline_by_request_is_a_definition_with_the_same_id(pipelines: Pipelines) -> None:
    number = pipelines.create(name="ML pipeline")
    organization = pipelines.organization
    whole = organization.get(pipelines.path(f"pipelines/{number}"))
    assert whole["configuration"]["path"] == "/azure-pipelines.yml"
    assert (whole["name"], whole["folder"], whole["revision"]) == ("ML pipeline", "\\", 1)
    conforms({name: value for name, value in whole.items() if name != "configuration"}, "pipelines", "Pipeline")
    listed = organization.get(pipelines.path("pipelines"))
    assert listed["count"] == 1
    assert "configuration" not in listed["value"][0]
    definition = organization.get(pipelines.path(f"build/definitions/{number}"))
    assert definition["process"] == {"yamlFilename": "/azure-pipelines.yml", "type": 2}
    assert definition["repository"]["type"] == "TfsGit"
    assert definition["triggers"][0]["settingsSourceType"] == 2
    assert (definition["queueStatus"], definition["path"], definition["type"]) == ("enabled", "\\", "build")
    assert definition["queue"]["pool"]["isHosted"] is True


def test_definition_by_the_client(pipelines: Pipelines) -> None:
    from azure.devops.v7_0.build.models import BuildDefinition, BuildRepository

    pipelines.push(HELLO)
    client = pipelines.organization.client("build")
    repository = BuildRepository(id=pipelines.repository["id"], type="TfsGit", default_branch="main")
    process = {"yamlFilename": "azure-pipelines.yml", "type": 2}
    given = BuildDefinition(name="by client", path="\\ml", repository=repository, process=process, type="build")
    made = client.create_definition(given, pipelines.project)
    assert (made.name, made.path, made.revision) == ("by client", "\\ml", 1)
    found = client.get_definition(pipelines.project, made.id)
    assert found.process["yamlFilename"] == "/azure-pipelines.yml"
    assert found.repository.default_branch == "refs/heads/main"
    assert [one.id for one in client.get_definitions(pipelines.project, name="by*")] == [made.id]
    listed = pipelines.organization.client("pipelines").list_pipelines(pipelines.project)
    assert [one.id for one in listed] == [made.id]
    client.delete_definition(pipelines.project, made.id)
    assert client.get_definitions(pipelines.project) == []


def test_client_model_that_drops_the_path_is_told_so(pipelines: Pipelines) -> None:
    answer = pipelines.organization.call(
        "POST", pipelines.path("pipelines"), {"name": "x", "configuration": {"type": "yaml"}}
    )
    assert answer.status_code == 400
    assert answer.json()["typeKey"] == "PipelineValidationException"
    assert "plain request" in answer.json()["message"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("name=tr*", ["train"]),
        ("yamlFilename=other.yml", ["serve"]),
        ("path=\\", ["train", "serve"]),
        ("path=\\nowhere", []),
        ("processType=2", ["train", "serve"]),
        ("processType=1", []),
        ("queryOrder=definitionNameAscending", ["serve", "train"]),
        ("repositoryId=00000000-0000-0000-0000-000000000000&repositoryType=TfsGit", []),
    ],
)
def test_list_of_definitions_is_filtered(pipelines: Pipelines, query: str, found: list[str]) -> None:
    pipelines.create(name="train")
    pipelines.create(name="serve", file="other.yml")
    listed = pipelines.organization.get(pipelines.path(f"build/definitions?{query}"))
    assert [one["name"] for one in listed["value"]] == found


def test_all_properties_and_latest_builds(pipelines: Pipelines) -> None:
    number = pipelines.create()
    run = pipelines.run(number)
    pipelines.finish(run)
    query = "build/definitions?includeAllProperties=true&includeLatestBuilds=true"
    found = pipelines.organization.get(pipelines.path(query))["value"][0]
    assert found["process"]["type"] == 2
    assert found["latestBuild"]["id"] == found["latestCompletedBuild"]["id"] == run
    plain = pipelines.organization.get(pipelines.path("build/definitions"))["value"][0]
    assert not {"process", "latestBuild"} & plain.keys()
    conforms(plain, "build", "BuildDefinitionReference")


def _definition(pipelines: Pipelines, number: int) -> dict[str, Any]:
    return dict(pipelines.organization.get(pipelines.path(f"build/definitions/{number}")))


def _put(pipelines: Pipelines, definition: dict[str, Any]) -> Any:
    return pipelines.organization.call("PUT", pipelines.path(f"build/definitions/{definition['id']}"), definition)


def test_update_counts_revisions_and_refuses_a_stale_one(pipelines: Pipelines) -> None:
    definition = _definition(pipelines, pipelines.create())
    changed = _put(pipelines, {**definition, "name": "renamed"})
    assert changed.status_code == 200
    assert (changed.json()["name"], changed.json()["revision"]) == ("renamed", 2)
    stale = _put(pipelines, {**definition, "name": "again"})
    assert stale.status_code == 409
    assert "revision 2" in stale.json()["message"]


def test_secret_variables_go_in_and_never_come_out(pipelines: Pipelines) -> None:
    number = pipelines.create('steps:\n- bash: test "$KEY" = hush && echo same\n  env:\n    KEY: $(key)\n')
    definition = _definition(pipelines, number)
    definition["variables"] = {"key": {"value": "hush", "isSecret": True}, "size": {"value": "1"}}
    changed = _put(pipelines, definition).json()
    assert changed["variables"]["key"] == {"value": None, "isSecret": True}
    again = _put(pipelines, changed).json()
    assert again["revision"] == 3
    run = pipelines.run(number)
    assert pipelines.finish(run)["result"] == "succeeded"
    assert "same" in pipelines.log(run, "Bash")
    assert "hush" not in pipelines.organization.call("GET", pipelines.path(f"build/builds/{run}/logs")).text


def test_disabled_pipeline_refuses_and_paused_one_holds(pipelines: Pipelines) -> None:
    number = pipelines.create()
    disabled = _put(pipelines, {**_definition(pipelines, number), "queueStatus": "disabled"}).json()
    answer = pipelines.organization.call("POST", pipelines.path(f"pipelines/{number}/runs"), {})
    assert (answer.status_code, answer.json()["typeKey"]) == (400, "DefinitionDisabledException")
    paused = _put(pipelines, {**disabled, "queueStatus": "paused"}).json()
    run = pipelines.run(number)
    assert pipelines.build(run)["status"] == "notStarted"
    _put(pipelines, {**paused, "queueStatus": "enabled"})
    assert pipelines.finish(run)["result"] == "succeeded"


def test_wrong_yaml_is_refused_with_its_place(pipelines: Pipelines) -> None:
    pipelines.push("steps:\n- script: echo\n  bogus: 1\n")
    body = {"type": "yaml", "path": "azure-pipelines.yml", "repository": {"id": pipelines.repository["id"]}}
    answer = pipelines.organization.call("POST", pipelines.path("pipelines"), {"name": "broken", "configuration": body})
    assert (answer.status_code, answer.json()["typeKey"]) == (400, "PipelineValidationException")
    assert "/azure-pipelines.yml (Line: 3, Col: 3)" in answer.json()["message"]
    assert "bogus" in answer.json()["message"]
    assert pipelines.organization.get(pipelines.path("pipelines"))["count"] == 0


def test_parameter_without_a_default_is_given_with_the_run(pipelines: Pipelines) -> None:
    number = pipelines.create("parameters:\n- name: n\nsteps:\n- bash: echo n is ${{ parameters.n }}\n")
    runs = pipelines.path(f"pipelines/{number}/runs")
    answer = pipelines.organization.call("POST", runs, {})
    assert answer.status_code == 400
    assert "A value for the 'n' parameter must be provided." in answer.json()["message"]
    run = pipelines.run(number, {"templateParameters": {"n": "7"}})
    assert pipelines.finish(run)["result"] == "succeeded"
    assert "n is 7" in pipelines.log(run, "Bash")


def test_missing_file_is_accepted_and_fails_its_run(pipelines: Pipelines) -> None:
    pipelines.push({"README.md": "Nothing here"})
    number = pipelines.create_existing("later", "ci/later.yml")
    build = pipelines.build(pipelines.run(number))
    assert (build["status"], build["result"]) == ("completed", "failed")
    assert "File /ci/later.yml not found" in build["validationResults"][0]["message"]
    assert pipelines.records(build["id"]) == []


def test_same_name_in_the_same_folder_is_refused(pipelines: Pipelines) -> None:
    pipelines.create(name="once")
    repository = {"id": pipelines.repository["id"], "type": "azureReposGit"}
    body = {"name": "ONCE", "configuration": {"type": "yaml", "path": "x.yml", "repository": repository}}
    assert pipelines.organization.call("POST", pipelines.path("pipelines"), body).status_code == 409
    assert pipelines.organization.call("POST", pipelines.path("pipelines"), {**body, "folder": "ml"}).ok


@pytest.mark.parametrize("path", ["build/definitions/99999", "pipelines/99999", "pipelines/nonsense"])
def test_unknown_pipeline(pipelines: Pipelines, path: str) -> None:
    answer = pipelines.organization.call("GET", pipelines.path(path))
    assert answer.status_code == 404
    assert answer.json()["typeKey"].endswith("NotFoundException")


def test_classic_definitions_are_not_pretended(pipelines: Pipelines) -> None:
    body = {"name": "classic", "process": {"type": 1, "phases": []}, "repository": {"id": "x"}}
    answer = pipelines.organization.call("POST", pipelines.path("build/definitions"), body)
    assert answer.status_code == 501


def test_settings_of_pipelines(pipelines: Pipelines) -> None:
    path = pipelines.path("build/generalsettings")
    found = pipelines.organization.get(path)
    assert found["enforceSettableVar"] is True
    assert found["disableImpliedYAMLCiTrigger"] is False
    changed = pipelines.organization.patch(path, {"disableImpliedYAMLCiTrigger": True})
    assert changed["disableImpliedYAMLCiTrigger"] is True
