"""Pull requests and branch policies, by the Python client, by requests and by git itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.sdk.devops import ZERO, Organization, create_token, wait_for
from tests.sdk.openapi import conforms
from tests.sdk.runs import HELLO, Pipelines

REVIEWERS = "fa4e907d-c16b-4a4c-9dfa-4906e5d171dd"
BUILD = "0609b952-1397-4640-95ec-e00a01b2c241"
COMMENTS = "c6a1889d-b943-4856-b76f-9e46bb6b0df2"
REFUSED = "TF402455: Pushes to this branch are not permitted; you must use a pull request to update this branch."
PREVIEW = "7.1-preview.1"


@dataclass(frozen=True)
class Review:
    """A project whose repository has a file on main, and what people do with branches of it."""

    pipelines: Pipelines

    @property
    def organization(self) -> Organization:
        return self.pipelines.organization

    @property
    def path(self) -> str:
        return self.pipelines.path(f"git/repositories/{self.pipelines.project}")

    def branch(self, name: str, files: Mapping[str, str], comment: str = "Change") -> str:
        """A branch off main with one commit more; its tip."""
        main = self.tip("main")
        self.organization.post(
            f"{self.path}/refs", [{"name": f"refs/heads/{name}", "oldObjectId": ZERO, "newObjectId": main}]
        )
        return self.pipelines.push(files, branch=name, comment=comment)

    def tip(self, branch: str) -> str:
        refs = self.organization.get(f"{self.path}/refs?filter=heads/{branch}")["value"]
        return next((str(one["objectId"]) for one in refs if one["name"] == f"refs/heads/{branch}"), "")

    def open(self, source: str = "feature", title: str = "Test on a third", **fields: Any) -> dict[str, Any]:
        body = {
            "sourceRefName": f"refs/heads/{source}",
            "targetRefName": "refs/heads/main",
            "title": title,
            "description": "Because.",
            **fields,
        }
        return dict(self.organization.post(f"{self.path}/pullrequests", body))

    def get(self, number: int) -> dict[str, Any]:
        return dict(self.organization.get(f"{self.path}/pullrequests/{number}"))

    def patch(self, number: int, **fields: Any) -> Any:
        return self.organization.call("PATCH", f"{self.path}/pullrequests/{number}", fields)

    def complete(self, number: int, **options: Any) -> Any:
        """Complete at the commit that is there now; the answer, good or not."""
        commit = self.get(number)["lastMergeSourceCommit"]
        return self.patch(number, status="completed", lastMergeSourceCommit=commit, completionOptions=options)

    def vote(self, number: int, vote: int) -> None:
        me = self.pipelines.me["id"]
        answer = self.organization.call("PUT", f"{self.path}/pullrequests/{number}/reviewers/{me}", {"vote": vote})
        assert answer.ok, answer.text

    def add_policy(self, kind: str, blocking: bool = True, **settings: Any) -> int:
        scope = [{"repositoryId": self.pipelines.repository["id"], "refName": "refs/heads/main", "matchKind": "exact"}]
        body = {
            "type": {"id": kind},
            "isEnabled": True,
            "isBlocking": blocking,
            "settings": {**settings, "scope": scope},
        }
        path = self.pipelines.path("policy/configurations")
        return int(self.organization.post(path, body, version=PREVIEW)["id"])

    def evaluations(self, number: int) -> dict[str, dict[str, Any]]:
        """By the name of the policy's type."""
        guid = self.organization.get(f"_apis/projects/{self.pipelines.project}")["id"]
        path = self.pipelines.path(f"policy/evaluations?artifactId=vstfs:///CodeReview/CodeReviewId/{guid}/{number}")
        found = self.organization.get(path, version=PREVIEW)["value"]
        return {one["configuration"]["type"]["displayName"]: one for one in found}

    def clone(self, folder: Path) -> Path:
        self.organization.git(
            "clone", "--quiet", self.organization.remote(self.pipelines.project), str(folder / "clone")
        )
        return folder / "clone"

    def log(self, folder: Path, *arguments: str) -> str:
        self.organization.git("fetch", "--quiet", "origin", folder=folder)
        return self.organization.git("log", *arguments, folder=folder).stdout.strip()


@pytest.fixture
def review(pipelines: Pipelines) -> Review:
    pipelines.push({"a.txt": "one\ntwo\nthree\n"})
    return Review(pipelines)


def test_client_makes_reviews_and_completes_one(review: Review, devops: Organization) -> None:
    from azure.devops.v7_1.git.models import (
        GitPullRequest,
        GitPullRequestCompletionOptions,
        GitPullRequestSearchCriteria,
        IdentityRefWithVote,
    )

    project = review.pipelines.project
    tip = review.branch("feature", {"b.txt": "b"})
    client, me = devops.client("git", "7.1"), review.pipelines.me["id"]
    asked = GitPullRequest(source_ref_name="refs/heads/feature", target_ref_name="refs/heads/main", title="Add b")
    made = client.create_pull_request(asked, project, project=project)
    assert (made.status, made.merge_status, made.last_merge_source_commit.commit_id) == ("active", "succeeded", tip)
    number = made.pull_request_id
    assert client.get_pull_request_by_id(number).title == "Add b"
    criteria = GitPullRequestSearchCriteria(status="active", source_ref_name="refs/heads/feature")
    assert [one.pull_request_id for one in client.get_pull_requests(project, criteria, project=project)] == [number]
    assert number in [one.pull_request_id for one in client.get_pull_requests_by_project(project, criteria)]
    assert [one.commit_id for one in client.get_pull_request_commits(project, number, project=project)] == [tip]
    voted = client.create_pull_request_reviewer(IdentityRefWithVote(vote=10), project, number, me, project=project)
    assert (voted.id, voted.vote) == (me, 10)
    options = GitPullRequestCompletionOptions(merge_strategy="squash", delete_source_branch=True)
    change = GitPullRequest(
        status="completed", last_merge_source_commit=made.last_merge_source_commit, completion_options=options
    )
    done = client.update_pull_request(change, project, number, project=project)
    assert (done.status, done.closed_by.id) == ("completed", me)
    assert done.last_merge_commit.commit_id == review.tip("main")
    assert review.tip("feature") == ""
    conforms(review.get(number), "git", "GitPullRequest")


@pytest.mark.parametrize(
    ("strategy", "graph"),
    [
        ("noFastForward", ["Merged PR {n}: Test on a third", "Second", "First", "Meanwhile", "Change"]),
        ("squash", ["Merged PR {n}: Test on a third", "Meanwhile", "Change"]),
        ("rebase", ["Second", "First", "Meanwhile", "Change"]),
        ("rebaseMerge", ["Merged PR {n}: Test on a third", "Second", "First", "Meanwhile", "Change"]),
    ],
)
def test_strategies_make_the_commits_they_are_named_for(
    review: Review, tmp_path: Path, strategy: str, graph: list[str]
) -> None:
    first = review.branch("feature", {"b.txt": "b"}, "First")
    second = review.pipelines.push({"c.txt": "c"}, branch="feature", comment="Second")
    meanwhile = review.pipelines.push({"d.txt": "d"}, comment="Meanwhile")
    number = review.open()["pullRequestId"]
    done = review.complete(number, mergeStrategy=strategy)
    assert done.json()["status"] == "completed", done.text
    folder = review.clone(tmp_path)
    shown = review.log(folder, "--topo-order", "--format=%s", "origin/main").splitlines()
    assert sorted(shown) == sorted(one.format(n=number) for one in graph)
    parents = review.log(folder, "-1", "--format=%P", "origin/main").split()
    assert parents[0] == meanwhile if strategy in ("noFastForward", "squash", "rebaseMerge") else len(parents) == 1
    kept = review.log(folder, "--format=%H", "origin/main").splitlines()
    assert (first in kept, second in kept) == ((True, True) if strategy == "noFastForward" else (False, False))
    assert {one.name for one in folder.iterdir()} >= {"a.txt", "b.txt", "c.txt", "d.txt"}
    body = review.log(folder, "-1", "--format=%b", "origin/main")
    assert body == ("" if strategy == "rebase" else "Because.")


def test_conflicts_are_told_and_nothing_is_merged(review: Review) -> None:
    review.branch("feature", {"a.txt": "one\nzwei\nthree\n"})
    tip = review.pipelines.push({"a.txt": "one\ndeux\nthree\n"})
    made = review.open()
    assert (made["mergeStatus"], "lastMergeCommit" in made) == ("conflicts", False)
    assert made["mergeFailureMessage"] == "a.txt"
    answer = review.complete(made["pullRequestId"]).json()
    assert (answer["status"], answer["mergeStatus"]) == ("active", "conflicts")
    assert review.tip("main") == tip
    review.pipelines.push({"a.txt": "one\ndeux\nthree\n"}, branch="feature", comment="Agree")
    assert review.get(made["pullRequestId"])["mergeStatus"] == "succeeded"


def test_merge_that_is_tried_can_be_fetched(review: Review, tmp_path: Path) -> None:
    review.branch("feature", {"b.txt": "b"})
    made = review.open()
    folder = review.clone(tmp_path)
    ref = f"refs/pull/{made['pullRequestId']}/merge"
    review.organization.git("fetch", "--quiet", "origin", f"{ref}:tried", folder=folder)
    assert review.log(folder, "-1", "--format=%H", "tried") == made["lastMergeCommit"]["commitId"]
    refused = review.organization.git("push", "origin", f"+HEAD:{ref}", folder=folder, check=False)
    assert "refs/pull belong to pull requests" in refused.stderr
    pushes = review.organization.get(f"{review.path}/pushes?searchCriteria.refName={ref}")
    assert pushes["value"] == [], "a merge that is tried is nobody's push"


def test_what_cannot_be_opened_or_changed(review: Review) -> None:
    review.branch("feature", {"b.txt": "b"})
    call, path = review.organization.call, f"{review.path}/pullrequests"
    body = {"sourceRefName": "refs/heads/none", "targetRefName": "refs/heads/main", "title": "x"}
    missing = call("POST", path, body)
    assert (missing.status_code, missing.json()["typeKey"]) == (409, "GitPullRequestStaleException")
    number = review.open()["pullRequestId"]
    again = call("POST", path, {**body, "sourceRefName": "refs/heads/feature"})
    assert (again.status_code, again.json()["message"].split(":")[0]) == (409, "TF401179")
    assert call("GET", f"{path}/999999").json()["message"].startswith("TF401180")
    seen = review.get(number)["lastMergeSourceCommit"]
    review.pipelines.push({"b.txt": "bb"}, branch="feature")
    stale = review.patch(number, status="completed", lastMergeSourceCommit=seen)
    assert (stale.status_code, stale.json()["typeKey"]) == (409, "GitPullRequestStaleException")
    assert review.patch(number, description="x" * 4001).status_code == 400
    assert review.patch(number, title="Better", description="More.").json()["title"] == "Better"
    assert review.patch(number, status="abandoned").json()["status"] == "abandoned"
    closed = review.patch(number, title="Later")
    assert (closed.status_code, closed.json()["typeKey"]) == (400, "GitPullRequestNotEditableException")
    assert review.patch(number, status="active").json()["status"] == "active"
    linked = call("POST", path, {**body, "sourceRefName": "refs/heads/feature", "workItemRefs": [{"id": "1"}]})
    assert (linked.status_code, "work items" in linked.json()["message"]) == (501, True)


def test_completing_starts_the_run_that_a_push_would(review: Review) -> None:
    review.pipelines.push({"azure-pipelines.yml": f"trigger: [main]\n{HELLO}"})
    review.pipelines.create_existing("ci")
    review.branch("feature", {"b.txt": "b"})
    done = review.complete(review.open()["pullRequestId"]).json()
    runs = wait_for(lambda: review.pipelines.builds("?branchName=refs/heads/main"), bool)
    assert (runs[0]["reason"], runs[0]["sourceVersion"]) == ("individualCI", done["lastMergeCommit"]["commitId"])
    assert runs[0]["triggerInfo"]["ci.message"].startswith("Merged PR")


def test_guarded_branch_refuses_pushes_of_every_kind(review: Review, tmp_path: Path) -> None:
    folder = review.clone(tmp_path)
    git = review.organization.git
    review.add_policy(REVIEWERS, minimumApproverCount=1, creatorVoteCounts=True)
    git("commit", "--quiet", "--allow-empty", "-m", "Straight", folder=folder)
    straight = git("push", "origin", "HEAD:main", folder=folder, check=False)
    assert straight.returncode
    assert f"! [remote rejected] HEAD -> main ({REFUSED})" in straight.stderr
    git("branch", "side", folder=folder)
    both = git("push", "origin", "HEAD:main", "side", folder=folder, check=False)
    assert f"({REFUSED})" in both.stderr
    assert "* [new branch]" in both.stderr
    assert review.tip("side")
    removed = git("push", "origin", ":main", folder=folder, check=False)
    assert f"({REFUSED})" in removed.stderr
    tip = review.tip("main")
    change = {"changeType": "add", "item": {"path": "/c"}, "newContent": {"content": "c", "contentType": "rawtext"}}
    body = {
        "refUpdates": [{"name": "refs/heads/main", "oldObjectId": tip}],
        "commits": [{"comment": "x", "changes": [change]}],
    }
    answer = review.organization.call("POST", f"{review.path}/pushes", body)
    assert (answer.status_code, answer.json()["message"]) == (403, REFUSED)
    assert answer.json()["typeKey"] == "GitRefUpdateRejectedByPolicyException"
    update = [{"name": "refs/heads/main", "oldObjectId": tip, "newObjectId": review.tip("side")}]
    row = review.organization.post(f"{review.path}/refs", update)["value"][0]
    assert (row["success"], row["updateStatus"]) == (False, "rejectedByPolicy")


def test_optional_policy_guards_nothing(review: Review) -> None:
    review.add_policy(REVIEWERS, blocking=False, minimumApproverCount=1)
    review.pipelines.push({"b.txt": "b"})
    review.branch("feature", {"c.txt": "c"})
    number = review.open()["pullRequestId"]
    assert review.evaluations(number)["Minimum number of reviewers"]["status"] == "running"
    assert review.complete(number).json()["status"] == "completed"


def test_policies_hold_a_pull_request_until_they_are_met(review: Review) -> None:
    review.add_policy(REVIEWERS, minimumApproverCount=1, creatorVoteCounts=True, resetOnSourcePush=True)
    review.add_policy(COMMENTS)
    review.branch("feature", {"b.txt": "b"})
    number = review.open()["pullRequestId"]
    refused = review.complete(number, bypassPolicy=True)
    assert refused.status_code == 403
    assert refused.json()["typeKey"] == "GitPullRequestUpdateRejectedByPolicyException"
    assert "Minimum number of reviewers" in refused.json()["message"]
    review.vote(number, 10)
    review.pipelines.push({"b.txt": "bb"}, branch="feature")
    assert review.evaluations(number)["Minimum number of reviewers"]["status"] == "running", "the vote was for less"
    review.vote(number, -5)
    assert review.evaluations(number)["Minimum number of reviewers"]["status"] == "rejected"
    threads = f"{review.path}/pullrequests/{number}/threads"
    thread = review.organization.post(threads, {"comments": [{"content": "Why?"}], "status": "active"})
    conforms(thread, "git", "GitPullRequestCommentThread")
    review.vote(number, 10)
    assert "Comment requirements" in review.complete(number).json()["message"]
    review.organization.patch(f"{threads}/{thread['id']}", {"status": "fixed"})
    assert {name: one["status"] for name, one in review.evaluations(number).items()} == {
        "Minimum number of reviewers": "approved",
        "Comment requirements": "approved",
    }
    assert review.complete(number).json()["status"] == "completed"


def test_own_vote_counts_only_where_it_may(review: Review) -> None:
    review.add_policy(REVIEWERS, minimumApproverCount=1, creatorVoteCounts=False)
    review.branch("feature", {"b.txt": "b"})
    number = review.open()["pullRequestId"]
    review.vote(number, 10)
    assert review.complete(number).status_code == 403


def test_build_validation_runs_the_merge_and_auto_complete_follows(review: Review) -> None:
    """The run is of refs/pull/N/merge with reason pullRequest; main moves when it has succeeded."""
    pipelines = review.pipelines
    echo = "trigger: none\nsteps:\n- checkout: self\n- bash: cat b.txt; echo $SYSTEM_PULLREQUEST_SOURCEBRANCH\n"
    pipelines.push({"azure-pipelines.yml": echo})
    definition = pipelines.create_existing("validate")
    review.add_policy(BUILD, buildDefinitionId=definition, displayName="Try it", validDuration=0)
    review.branch("feature", {"b.txt": "from the branch"})
    made = review.open()
    number, ref = made["pullRequestId"], f"refs/pull/{made['pullRequestId']}/merge"
    run = wait_for(lambda: pipelines.builds(f"?branchName={ref}"), bool)[0]
    assert (run["reason"], run["sourceVersion"]) == ("pullRequest", made["lastMergeCommit"]["commitId"])
    assert run["triggerInfo"]["pr.number"] == str(number)
    answer = review.patch(number, autoCompleteSetBy={"id": pipelines.me["id"]}, completionOptions={"squashMerge": True})
    assert answer.json()["autoCompleteSetBy"]["id"] == pipelines.me["id"]
    assert pipelines.finish(run["id"])["result"] == "succeeded"
    log = pipelines.log(run["id"], "Bash")
    assert "from the branch" in log
    assert "refs/heads/feature" in log
    done = wait_for(lambda: review.get(number), lambda found: found["status"] == "completed")
    assert done["lastMergeCommit"]["commitId"] == review.tip("main")


def test_failed_validation_blocks_until_the_branch_is_mended(review: Review) -> None:
    pipelines = review.pipelines
    pipelines.push({"azure-pipelines.yml": "trigger: none\nsteps:\n- bash: test -e good\n"})
    definition = pipelines.create_existing("validate")
    review.add_policy(BUILD, buildDefinitionId=definition)
    review.branch("feature", {"b.txt": "b"})
    number = review.open()["pullRequestId"]
    state = wait_for(lambda: review.evaluations(number)["Build"], lambda found: found["status"] == "rejected")
    assert state["context"]["buildDefinitionName"] == "validate"
    assert review.complete(number).status_code == 403
    requeued = review.organization.patch(
        pipelines.path(f"policy/evaluations/{state['evaluationId']}"), {}, version=PREVIEW
    )
    assert requeued["context"]["buildId"] > state["context"]["buildId"]
    pipelines.push({"good": "1"}, branch="feature")
    wait_for(lambda: review.evaluations(number)["Build"], lambda found: found["status"] == "approved")
    assert review.complete(number).json()["status"] == "completed"


def test_draft_is_neither_validated_nor_completed(review: Review) -> None:
    pipelines = review.pipelines
    pipelines.push({"azure-pipelines.yml": f"trigger: none\n{HELLO}"})
    definition = pipelines.create_existing("validate")
    review.add_policy(BUILD, buildDefinitionId=definition)
    review.branch("feature", {"b.txt": "b"})
    number = review.open(isDraft=True)["pullRequestId"]
    assert review.complete(number).status_code == 400
    assert review.evaluations(number)["Build"]["status"] == "queued"
    assert pipelines.builds() == []
    review.patch(number, isDraft=False)
    wait_for(lambda: review.evaluations(number)["Build"], lambda found: found["status"] == "approved")


def test_configurations_by_the_client(review: Review, devops: Organization) -> None:
    from azure.devops.v7_1.policy.models import PolicyConfiguration, PolicyTypeRef

    project, repository = review.pipelines.project, review.pipelines.repository["id"]
    client = devops.client("policy", "7.1")
    assert {one.display_name for one in client.get_policy_types(project)} == {
        *("Minimum number of reviewers", "Build", "Comment requirements")
    }
    scope = [{"repositoryId": repository, "refName": "refs/heads/", "matchKind": "prefix"}]
    settings = {"minimumApproverCount": 2, "scope": scope}
    asked = PolicyConfiguration(is_enabled=True, is_blocking=True, type=PolicyTypeRef(id=REVIEWERS), settings=settings)
    made = client.create_policy_configuration(asked, project)
    assert (made.revision, made.type.display_name) == (1, "Minimum number of reviewers")
    asked.is_enabled = False
    changed = client.update_policy_configuration(asked, project, made.id)
    assert (changed.revision, changed.is_enabled) == (2, False)
    assert [one.id for one in client.get_policy_configurations(project, policy_type=REVIEWERS)] == [made.id]
    assert client.get_policy_configurations(project, policy_type=BUILD) == []
    of_branch = devops.client("git", "7.1").get_policy_configurations(
        project, repository_id=repository, ref_name="refs/heads/main"
    )
    assert [one.id for one in of_branch.policy_configurations] == [made.id]
    client.delete_policy_configuration(project, made.id)
    assert client.get_policy_configurations(project) == []


def test_policies_that_are_not_enforced_are_refused_by_name(review: Review) -> None:
    body = {
        "type": {"id": "40e92b44-2fe1-4dd6-b3d8-74a9c21d0c6e"},
        "settings": {"scope": [{"refName": "refs/heads/main", "matchKind": "exact"}]},
    }
    answer = review.organization.call("POST", review.pipelines.path("policy/configurations"), body, version=PREVIEW)
    assert (answer.status_code, "Work item linking" in answer.json()["message"]) == (501, True)


def test_reading_scope_reads_and_does_not_vote(review: Review) -> None:
    review.branch("feature", {"b.txt": "b"})
    number = review.open()["pullRequestId"]
    reader = Organization(review.organization.sandbox, create_token(review.organization.sandbox, "vso.code"))
    path = f"{review.path}/pullrequests/{number}"
    assert reader.call("GET", path).ok
    vote = reader.call("PUT", f"{path}/reviewers/{review.pipelines.me['id']}", {"vote": 10})
    assert vote.status_code == 401
    policies = review.pipelines.path("policy/configurations")
    assert reader.call("GET", policies, version=PREVIEW).ok


def test_pools_have_an_agent_online(devops: Organization) -> None:
    client = devops.client("task_agent", "7.1")
    for pool in client.get_agent_pools():
        agents = client.get_agents(pool.id)
        assert [(one.status, one.enabled) for one in agents] == [("online", True)]
        assert client.get_agent(pool.id, agents[0].id).name == agents[0].name
    listed = devops.get("_apis/distributedtask/pools/1/agents")["value"]
    conforms(listed[0], "taskAgent", "TaskAgent")
    assert devops.call("GET", "_apis/distributedtask/pools/77/agents").status_code == 404
