"""Repositories over the REST API: the Python client and plain requests, bodies against the published schemas."""

import base64
import io
import re
import uuid
import zipfile
from typing import Any

import pytest
import requests

from tests.sdk.devops import ZERO, Organization, wait_for
from tests.sdk.openapi import conforms

SHA = re.compile(r"[0-9a-f]{40}")
YAML = "trigger: [main]\nsteps:\n- script: echo é\n"


@pytest.fixture
def filled(devops: Organization, project: str) -> str:
    """A project whose repository has two commits on main."""
    devops.push_files(project, {"azure-pipelines.yml": YAML, "training/train.py": "alpha = 1\n"}, comment="First")
    devops.push_files(project, {"training/train.py": "alpha = 2\n"}, comment="Second\n\nWith a body.")
    return project


def repository(project: str) -> str:
    return f"{project}/_apis/git/repositories/{project}"


# Repositories


def test_new_project_has_an_empty_repository_of_its_name(devops: Organization, project: str) -> None:
    rows = devops.get(f"{project}/_apis/git/repositories")["value"]
    assert [one["name"] for one in rows] == [project]
    assert rows[0]["size"] == 0
    assert "defaultBranch" not in rows[0]
    conforms(rows[0], "git", "GitRepository")
    assert rows[0]["remoteUrl"].startswith("https://mlops-workshop@127.0.0.1:")
    assert devops.get(f"{repository(project)}/refs") == {"count": 0, "value": []}
    assert devops.call("GET", f"{repository(project)}/items?path=/x").status_code == 404
    assert devops.get(f"{repository(project)}/commits")["value"] == []


def test_create_rename_delete(devops: Organization, project: str) -> None:
    answer = devops.call("POST", f"{project}/_apis/git/repositories", {"name": "second"})
    assert answer.status_code == 201
    guid = answer.json()["id"]
    renamed = devops.patch(f"{project}/_apis/git/repositories/{guid}", {"name": "Third"})
    assert renamed["name"] == "Third"
    assert devops.get(f"{project}/_apis/git/repositories/third")["id"] == guid
    assert devops.get(f"_apis/git/repositories/{guid}")["id"] == guid
    assert devops.call("DELETE", f"{project}/_apis/git/repositories/Third").status_code == 400
    assert devops.call("DELETE", f"{project}/_apis/git/repositories/{guid}").status_code == 204
    gone = devops.call("GET", f"{project}/_apis/git/repositories/{guid}")
    assert (gone.status_code, gone.json()["typeKey"]) == (404, "GitRepositoryNotFoundException")


def test_lower_case_twin_of_the_default_repository_is_refused(devops: Organization, project: str) -> None:
    answer = devops.call("POST", f"{project}/_apis/git/repositories", {"name": project.lower()})
    assert answer.status_code == 409
    assert answer.json()["typeKey"] == "GitRepositoryNameAlreadyExistsException"
    assert answer.json()["message"] == f"TF400948: A Git repository with the name {project} already exists."


@pytest.mark.parametrize("name", ["", "a/b", ".a", "a?"])
def test_names_that_are_refused(devops: Organization, project: str, name: str) -> None:
    assert devops.call("POST", f"{project}/_apis/git/repositories", {"name": name}).status_code == 400


def test_create_by_the_client_with_the_project_in_the_body(devops: Organization, project: str) -> None:
    client = devops.client("git")
    guid = devops.get(f"_apis/projects/{project}")["id"]
    made = client.create_repository({"name": "by-client", "project": {"id": guid}})
    assert made.project.name == project
    assert made.id in [one.id for one in client.get_repositories()]
    client.delete_repository(made.id)
    assert made.id not in [one.id for one in client.get_repositories(project)]


def test_default_branch(devops: Organization, filled: str) -> None:
    found = devops.get(repository(filled))
    assert found["defaultBranch"] == "refs/heads/main"
    assert found["size"] > 0
    devops.push_files(filled, {"a.txt": "a"}, branch="other")
    assert devops.get(repository(filled))["defaultBranch"] == "refs/heads/main"
    changed = devops.patch(repository(filled), {"defaultBranch": "refs/heads/other"})
    assert changed["defaultBranch"] == "refs/heads/other"
    assert devops.call("PATCH", repository(filled), {"defaultBranch": "refs/heads/none"}).status_code == 400


def test_default_branch_by_switch(switches: Organization, project: str) -> None:
    switches.switch(default_branch="master")
    made = switches.post(f"{project}/_apis/git/repositories", {"name": "old"})
    update = {"name": "refs/heads/master", "oldObjectId": ZERO}
    change = {"changeType": "add", "item": {"path": "/a"}, "newContent": {"content": "a"}}
    body = {"refUpdates": [update], "commits": [{"comment": "a", "changes": [change]}]}
    switches.post(f"_apis/git/repositories/{made['id']}/pushes", body)
    assert switches.get(f"_apis/git/repositories/{made['id']}")["defaultBranch"] == "refs/heads/master"


def test_disabled_repository(devops: Organization, filled: str) -> None:
    assert devops.patch(repository(filled), {"isDisabled": True})["isDisabled"] is True
    done = devops.git("ls-remote", devops.remote(filled), check=False)
    assert done.returncode != 0


# Pushes and commits


def test_push_by_the_api(devops: Organization, project: str) -> None:
    change = {
        "changeType": "add",
        "item": {"path": "/data/raw.bin"},
        "newContent": {"content": base64.b64encode(b"\0\1").decode(), "contentType": "base64encoded"},
    }
    body = {
        "refUpdates": [{"name": "refs/heads/main", "oldObjectId": ZERO}],
        "commits": [{"comment": "Add raw", "changes": [change], "author": {"name": "Grace", "email": "g@example.org"}}],
    }
    answer = devops.call("POST", f"{repository(project)}/pushes", body)
    assert answer.status_code == 201
    push = answer.json()
    conforms(push, "git", "GitPush")
    assert push["refUpdates"][0]["oldObjectId"] == ZERO
    assert SHA.fullmatch(push["refUpdates"][0]["newObjectId"])
    assert push["commits"][0]["author"]["name"] == "Grace"
    assert push["commits"][0]["committer"]["name"] == "Ada Attendee"
    item = devops.get(f"{repository(project)}/items?path=/data/raw.bin&$format=json")
    assert item["contentMetadata"]["isBinary"] is True
    assert devops.call("GET", f"{repository(project)}/items?path=/data/raw.bin").content == b"\0\1"


def test_edit_rename_and_delete_in_one_push(devops: Organization, filled: str) -> None:
    tip = devops.get(f"{repository(filled)}/refs?filter=heads/main")["value"][0]["objectId"]
    changes = [
        {"changeType": "edit", "item": {"path": "/azure-pipelines.yml"}, "newContent": {"content": "steps: []\n"}},
        {"changeType": "rename", "item": {"path": "/training/fit.py"}, "sourceServerItem": "/training/train.py"},
        {"changeType": "add", "item": {"path": "/b.txt"}, "newContent": {"content": "b"}},
    ]
    second = [{"changeType": "delete", "item": {"path": "/b.txt"}}]
    body = {
        "refUpdates": [{"name": "refs/heads/main", "oldObjectId": tip}],
        "commits": [{"comment": "One", "changes": changes}, {"comment": "Two", "changes": second}],
    }
    push = devops.post(f"{repository(filled)}/pushes", body)
    assert [one["comment"] for one in push["commits"]] == ["Two", "One"]
    items = devops.get(f"{repository(filled)}/items?scopePath=/&recursionLevel=full")["value"]
    files = [one["path"] for one in items if not one.get("isFolder")]
    assert files == ["/azure-pipelines.yml", "/training/fit.py"]
    assert devops.call("GET", f"{repository(filled)}/items?path=/training/fit.py").text == "alpha = 2\n"


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"changeType": "edit", "item": {"path": "/none"}, "newContent": {"content": "x"}}, "does not exist"),
        ({"changeType": "add", "item": {"path": "/azure-pipelines.yml"}, "newContent": {"content": "x"}}, "already"),
        ({"changeType": "add", "item": {"path": "/new"}}, "newContent"),
        ({"changeType": "fold", "item": {"path": "/new"}}, "changeType"),
        ({"changeType": "add", "item": {"path": "/x/../../y"}, "newContent": {"content": "x"}}, "cannot be made"),
    ],
)
def test_changes_that_are_refused(devops: Organization, filled: str, change: dict[str, Any], text: str) -> None:
    tip = devops.get(f"{repository(filled)}/refs?filter=heads/main")["value"][0]["objectId"]
    update = {"name": "refs/heads/main", "oldObjectId": tip}
    answer = devops.call(
        "POST",
        f"{repository(filled)}/pushes",
        {"refUpdates": [update], "commits": [{"comment": "x", "changes": [change]}]},
    )
    assert answer.status_code == 400
    assert text in answer.json()["message"]
    after = devops.get(f"{repository(filled)}/refs?filter=heads/main")["value"][0]["objectId"]
    assert after == tip


def test_push_on_an_old_tip_is_a_conflict(devops: Organization, filled: str) -> None:
    change = {"changeType": "add", "item": {"path": "/new"}, "newContent": {"content": "x"}}
    body = {
        "refUpdates": [{"name": "refs/heads/main", "oldObjectId": ZERO}],
        "commits": [{"comment": "x", "changes": [change]}],
    }
    answer = devops.call("POST", f"{repository(filled)}/pushes", body)
    assert answer.status_code == 409
    assert "TF401028" in answer.json()["message"]


def test_pushes_are_recorded_newest_first(devops: Organization, filled: str) -> None:
    devops.push_files(filled, {"x": "x"}, branch="side")
    rows = devops.get(f"{repository(filled)}/pushes?searchCriteria.includeRefUpdates=true")["value"]
    assert [one["refUpdates"][0]["name"] for one in rows] == ["refs/heads/side", "refs/heads/main", "refs/heads/main"]
    assert rows[0]["pushId"] > rows[1]["pushId"] > rows[2]["pushId"]
    assert rows[1]["refUpdates"][0]["oldObjectId"] == rows[2]["refUpdates"][0]["newObjectId"]
    only = devops.get(f"{repository(filled)}/pushes?searchCriteria.refName=refs/heads/side&$top=5")["value"]
    assert [one["pushId"] for one in only] == [rows[0]["pushId"]]
    assert "refUpdates" not in only[0]
    assert devops.get(f"{repository(filled)}/pushes?$skip=1&$top=1")["value"][0]["pushId"] == rows[1]["pushId"]
    one = devops.client("git").get_push(project=filled, repository_id=filled, push_id=rows[1]["pushId"])
    assert [commit.comment for commit in one.commits] == ["Second"]
    assert one.pushed_by.unique_name == "ada@example.org"
    assert devops.call("GET", f"{repository(filled)}/pushes/999999").status_code == 404


def test_commits(devops: Organization, filled: str) -> None:
    rows = devops.get(f"{repository(filled)}/commits?searchCriteria.itemVersion.version=main")["value"]
    assert [one["comment"] for one in rows] == ["Second", "First"]
    assert rows[0]["changeCounts"] == {"Add": 0, "Edit": 1, "Delete": 0}
    assert rows[1]["changeCounts"] == {"Add": 2, "Edit": 0, "Delete": 0}
    for row in rows:
        conforms(row, "git", "GitCommitRef")
    of_yaml = devops.get(f"{repository(filled)}/commits?searchCriteria.itemPath=/azure-pipelines.yml")["value"]
    assert [one["comment"] for one in of_yaml] == ["First"]
    assert len(devops.get(f"{repository(filled)}/commits?searchCriteria.$top=1")["value"]) == 1
    assert devops.get(f"{repository(filled)}/commits?$skip=1")["value"][0]["comment"] == "First"
    missing = devops.call("GET", f"{repository(filled)}/commits?searchCriteria.itemVersion.version=nope")
    assert missing.status_code == 404


def test_one_commit_and_its_changes(devops: Organization, filled: str) -> None:
    newest, oldest = devops.get(f"{repository(filled)}/commits")["value"]
    commit = devops.get(f"{repository(filled)}/commits/{newest['commitId']}")
    conforms(commit, "git", "GitCommit")
    assert commit["comment"] == "Second\n\nWith a body."
    assert commit["parents"] == [oldest["commitId"]]
    changes = devops.get(f"{repository(filled)}/commits/{newest['commitId']}/changes")
    conforms(changes, "git", "GitCommitChanges")
    assert changes["changeCounts"] == {"Edit": 1}
    assert [(one["changeType"], one["item"]["path"]) for one in changes["changes"]] == [("edit", "/training/train.py")]
    first = devops.client("git").get_changes(oldest["commitId"], filled, filled)
    assert first.change_counts == {"Add": 2}
    assert devops.call("GET", f"{repository(filled)}/commits/{'f' * 40}").status_code == 404


def test_diff_and_branch_statistics(devops: Organization, filled: str) -> None:
    main = devops.get(f"{repository(filled)}/refs?filter=heads/main")["value"][0]["objectId"]
    devops.post(f"{repository(filled)}/refs", [{"name": "refs/heads/side", "oldObjectId": ZERO, "newObjectId": main}])
    devops.push_files(filled, {"side.txt": "s"}, branch="side")
    devops.push_files(filled, {"main.txt": "m"}, branch="main")
    diff = devops.get(f"{repository(filled)}/diffs/commits?baseVersion=main&targetVersion=side&diffCommonCommit=true")
    conforms(diff, "git", "GitCommitDiffs")
    assert (diff["aheadCount"], diff["behindCount"], diff["commonCommit"]) == (1, 1, main)
    assert [(one["changeType"], one["item"]["path"]) for one in diff["changes"]] == [("add", "/side.txt")]
    rows = {one["name"]: one for one in devops.get(f"{repository(filled)}/stats/branches")["value"]}
    assert (rows["side"]["aheadCount"], rows["side"]["behindCount"], rows["side"]["isBaseVersion"]) == (1, 1, False)
    assert rows["main"]["isBaseVersion"] is True
    one = devops.get(f"{repository(filled)}/stats/branches?name=side")
    conforms(one, "git", "GitBranchStats")
    assert devops.client("git").get_branch(filled, "side", filled).ahead_count == 1
    assert devops.call("GET", f"{repository(filled)}/stats/branches?name=none").status_code == 404


# Items


def test_accept_decides_what_an_item_looks_like(devops: Organization, filled: str) -> None:
    path = f"{repository(filled)}/items?path=/azure-pipelines.yml"
    raw = devops.call("GET", path)
    assert raw.content == YAML.encode()
    assert raw.headers["content-type"] == "application/octet-stream"
    text = devops.call("GET", path, headers={"accept": "text/plain"})
    assert text.headers["content-type"].startswith("text/plain")
    assert text.content == YAML.encode()
    wire = devops.get(f"{path}&includeContent=true", headers={"accept": "application/json"})
    conforms(wire, "git", "GitItem")
    assert wire["content"] == YAML
    assert wire["contentMetadata"]["encoding"] == 65001
    assert "content" not in devops.get(f"{path}&$format=json")
    download = devops.call("GET", f"{path}&download=true")
    assert download.headers["content-disposition"] == 'attachment; filename="azure-pipelines.yml"'


def test_items_by_the_client(devops: Organization, filled: str) -> None:
    client = devops.client("git")
    assert client.get_item(filled, "/training/train.py", project=filled).git_object_type == "blob"
    text = b"".join(client.get_item_text(filled, "/training/train.py", project=filled))
    assert text == b"alpha = 2\n"
    assert b"".join(client.get_item_content(filled, "/training/train.py", project=filled)) == text
    listed = client.get_items(filled, project=filled, scope_path="/", recursion_level="full")
    assert [one.path for one in listed] == ["/", "/azure-pipelines.yml", "/training", "/training/train.py"]
    archive = io.BytesIO(b"".join(client.get_item_zip(filled, "/training", project=filled)))
    assert "training/train.py" in zipfile.ZipFile(archive).namelist()


def test_items_of_branches_tags_and_commits(devops: Organization, filled: str) -> None:
    first = devops.get(f"{repository(filled)}/commits")["value"][1]["commitId"]
    tag = {"name": "refs/tags/v1", "oldObjectId": ZERO, "newObjectId": first}
    devops.post(f"{repository(filled)}/refs", [tag])
    base = f"{repository(filled)}/items?path=/training/train.py"
    for query, expected in (
        ("versionDescriptor.version=main&versionDescriptor.versionType=branch", "alpha = 2\n"),
        ("versionDescriptor.version=refs/heads/main", "alpha = 2\n"),
        ("versionDescriptor.version=v1&versionDescriptor.versionType=tag", "alpha = 1\n"),
        (f"versionDescriptor.version={first}&versionDescriptor.versionType=commit", "alpha = 1\n"),
    ):
        assert devops.call("GET", f"{base}&{query}").text == expected, query
    changed = devops.get(f"{base}&$format=json&latestProcessedChange=true")
    assert changed["latestProcessedChange"]["comment"] == "Second"


def test_missing_items_and_versions(devops: Organization, filled: str) -> None:
    item = devops.call("GET", f"{repository(filled)}/items?path=/nope.yml")
    assert (item.status_code, item.json()["typeKey"]) == (404, "GitItemNotFoundException")
    assert item.json()["message"].startswith("TF401174: The item '/nope.yml' could not be found")
    version = devops.call("GET", f"{repository(filled)}/items?path=/x&versionDescriptor.version=nope")
    assert (version.status_code, version.json()["typeKey"]) == (404, "GitUnresolvableToCommitException")
    evil = devops.call("GET", f"{repository(filled)}/items?path=/x&versionDescriptor.version=--output=/tmp/x")
    assert evil.status_code == 404
    outside = devops.call("GET", f"{repository(filled)}/items?path=/../../sandbox.db")
    assert outside.status_code == 404


def test_blobs_and_trees(devops: Organization, filled: str) -> None:
    item = devops.get(f"{repository(filled)}/items?path=/azure-pipelines.yml&$format=json")
    blob = devops.get(f"{repository(filled)}/blobs/{item['objectId']}")
    conforms(blob, "git", "GitBlobRef")
    assert blob["size"] == len(YAML.encode())
    headers = {"accept": "application/octet-stream"}
    assert devops.call("GET", f"{repository(filled)}/blobs/{item['objectId']}", headers=headers).text == YAML
    commit = devops.get(f"{repository(filled)}/commits")["value"][0]["commitId"]
    tree_id = devops.get(f"{repository(filled)}/commits/{commit}")["treeId"]
    tree = devops.get(f"{repository(filled)}/trees/{tree_id}?recursive=true")
    conforms(tree, "git", "GitTreeRef")
    assert [one["relativePath"] for one in tree["treeEntries"]] == [
        "azure-pipelines.yml",
        "training",
        "training/train.py",
    ]
    for kind in ("blobs", "trees"):
        assert devops.call("GET", f"{repository(filled)}/{kind}/{'f' * 40}").status_code == 404
        assert devops.call("GET", f"{repository(filled)}/{kind}/short").status_code == 400


# Refs


def test_refs_filter_is_a_prefix(devops: Organization, filled: str) -> None:
    devops.push_files(filled, {"a": "a"}, branch="main2")
    rows = devops.get(f"{repository(filled)}/refs?filter=heads/main")["value"]
    assert [one["name"] for one in rows] == ["refs/heads/main", "refs/heads/main2"]
    conforms(rows[0], "git", "GitRef")
    assert rows[0]["creator"]["uniqueName"] == "ada@example.org"
    contains = devops.get(f"{repository(filled)}/refs?filterContains=in2")["value"]
    assert [one["name"] for one in contains] == ["refs/heads/main2"]
    first = devops.call("GET", f"{repository(filled)}/refs?$top=1")
    token = first.headers["x-ms-continuationtoken"]
    rest = devops.call("GET", f"{repository(filled)}/refs?$top=1&continuationToken={token}")
    assert rest.json()["value"][0]["name"] == "refs/heads/main2"
    assert "x-ms-continuationtoken" not in rest.headers


def test_refs_are_made_moved_and_deleted(devops: Organization, filled: str) -> None:
    newest, oldest = (one["commitId"] for one in devops.get(f"{repository(filled)}/commits")["value"])
    path, name = f"{repository(filled)}/refs", "refs/heads/topic"

    def update(old: str, new: str) -> dict[str, Any]:
        rows = devops.post(path, [{"name": name, "oldObjectId": old, "newObjectId": new}])["value"]
        conforms(rows[0], "git", "GitRefUpdateResult")
        return dict(rows[0])

    assert update(ZERO, oldest)["updateStatus"] == "succeeded"
    assert update(ZERO, newest) == update(ZERO, newest) | {"updateStatus": "staleOldObjectId", "success": False}
    assert update(oldest, "f" * 40)["updateStatus"] == "unresolvableToCommit"
    assert update(oldest, newest)["success"] is True
    assert update(newest, ZERO)["success"] is True
    assert devops.get(f"{path}?filter=heads/topic")["value"] == []
    bad = devops.post(path, [{"name": "refs/heads/a..b", "oldObjectId": ZERO, "newObjectId": newest}])["value"][0]
    assert bad["success"] is False
    assert devops.call("POST", path, [{"name": "topic", "newObjectId": newest}]).status_code == 400


# Imports


def begin_import(devops: Organization, project: str, url: str, **extra: Any) -> Any:
    body = {"parameters": {"gitSource": {"url": url, "overwrite": False}, **extra}}
    return devops.call("POST", f"{repository(project)}/importRequests", body)


def finished(devops: Organization, project: str, number: int) -> Any:
    path = f"{repository(project)}/importRequests/{number}"
    return wait_for(lambda: devops.get(path), lambda one: one["status"] in ("completed", "failed"))


def test_import_of_a_repository_whose_head_is_not_main(devops: Organization, project: str, tmp_path: Any) -> None:
    source = tmp_path / "source"
    source.mkdir()
    devops.plain_git("init", "-q", "-b", "master", folder=source)
    (source / "README.md").write_text("hello\n")
    devops.plain_git("add", ".", folder=source)
    devops.plain_git("commit", "-q", "-m", "Begin", folder=source)
    devops.plain_git("branch", "a-first", folder=source)
    devops.plain_git("tag", "v1", folder=source)
    answer = begin_import(devops, project, source.as_uri())
    assert answer.status_code == 201
    request = answer.json()
    conforms(request, "git", "GitImportRequest")
    assert request["status"] == "queued"
    done = finished(devops, project, request["importRequestId"])
    assert (done["status"], done["detailedStatus"]["currentStep"]) == ("completed", 6)
    assert done["repository"]["defaultBranch"] == "refs/heads/master"
    names = [one["name"] for one in devops.get(f"{repository(project)}/refs")["value"]]
    assert names == ["refs/heads/a-first", "refs/heads/master", "refs/tags/v1"]
    assert len(devops.get(f"{repository(project)}/pushes")["value"]) == 1
    again = begin_import(devops, project, source.as_uri())
    assert again.status_code == 409


def test_import_from_a_private_repository_with_a_connection(devops: Organization, filled: str) -> None:
    target = f"Target-{uuid.uuid4().hex[:8]}"
    guid = devops.create_project(target)["id"]
    url = devops.remote(filled)
    failed = begin_import(devops, target, url).json()
    done = finished(devops, target, failed["importRequestId"])
    assert done["status"] == "failed"
    assert "git says" in done["detailedStatus"]["errorMessage"]
    endpoint = devops.post(
        "_apis/serviceendpoint/endpoints",
        {
            "name": "source",
            "type": "git",
            "url": url,
            "authorization": {
                "scheme": "UsernamePassword",
                "parameters": {"username": "", "password": devops.token},
            },
            "serviceEndpointProjectReferences": [{"projectReference": {"id": guid}, "name": "source"}],
        },
    )
    assert devops.token not in str(endpoint)
    request = devops.client("git").create_import_request(
        {"parameters": {"gitSource": {"url": url}, "serviceEndpointId": endpoint["id"]}}, target, target
    )
    assert finished(devops, target, request.import_request_id)["status"] == "completed"
    assert devops.call("GET", f"{repository(target)}/items?path=/training/train.py").text == "alpha = 2\n"
    assert len(devops.get(f"{repository(target)}/importRequests")["value"]) == 2


def test_imports_that_are_refused(devops: Organization, project: str) -> None:
    for url in ("", "ssh://x/y", "ext::sh -c id", "--upload-pack=x"):
        assert begin_import(devops, project, url).status_code == 400, url
    unknown = begin_import(devops, project, "https://127.0.0.1:1/x", serviceEndpointId=str(uuid.uuid4()))
    assert unknown.status_code == 400
    assert devops.call("GET", f"{repository(project)}/importRequests/1").status_code == 404


def test_import_that_fails_by_switch(switches: Organization, project: str) -> None:
    switches.switch(import_error="The source is out of order.")
    request = begin_import(switches, project, "https://127.0.0.1:1/x").json()
    done = finished(switches, project, request["importRequestId"])
    assert done["status"] == "failed"
    assert done["detailedStatus"]["errorMessage"] == "The source is out of order."


def test_unknown_repository_everywhere(devops: Organization, project: str) -> None:
    for path in ("refs", "pushes", "commits", "items?path=/x", "stats/branches", "importRequests"):
        answer = devops.call("GET", f"{project}/_apis/git/repositories/none/{path}")
        assert (answer.status_code, answer.json()["typeKey"]) == (404, "GitRepositoryNotFoundException"), path


def test_repository_of_another_project_by_its_id(devops: Organization, filled: str) -> None:
    guid = devops.get(repository(filled))["id"]
    other = f"Other-{uuid.uuid4().hex[:8]}"
    devops.create_project(other)
    assert devops.call("GET", f"{other}/_apis/git/repositories/{guid}").status_code == 404
    url = f"{devops.base}/_apis/git/repositories/{guid}/items?path=/training/train.py&api-version=7.1"
    assert requests.get(url, auth=("", devops.token), timeout=10).text == "alpha = 2\n"
