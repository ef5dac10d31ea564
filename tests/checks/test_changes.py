"""REP004, REP005 and the hints of AUT001: the path filter, the policy on main, and branches that were never merged."""

import re

import pytest

from checker.model import CheckResult, Outcome
from tests.checks.test_module_6 import seen
from tests.checks.workplace import Workplace

FILTER = re.compile(r"^  paths:\n(?: {4}.*\n)+", re.MULTILINE)


def hints(result: CheckResult) -> str:
    assert result.finding is not None
    return "\n".join(result.finding.hints)


def filtered(workplace: Workplace, paths: str) -> None:
    """A project whose pipeline has this path filter."""
    workplace.make_project()
    text = workplace.yaml()
    replaced, count = FILTER.subn(lambda _: paths, text)
    assert count == 1, text
    workplace.push(replaced)


@pytest.mark.parametrize(
    ("paths", "part"),
    [
        ("", "has no path filter"),
        ("  paths:\n    include: [docs]\n", "labs/training/train.py is not in the path filter"),
        ("  paths:\n    exclude:\n      - labs/training/**\n", "everything, without labs/training/**"),
        ("  paths:\n    include: [labs]\n    exclude: [labs/training]\n", "labs, without labs/training"),
    ],
)
def test_filter_that_leaves_the_training_code_out_is_shown(workplace: Workplace, paths: str, part: str) -> None:
    filtered(workplace, paths)
    results = workplace.check("REP004")
    assert part in seen(results, "REP004")
    assert results["REP003"].outcome is Outcome.PASS


@pytest.mark.parametrize(
    "paths",
    [
        "  paths:\n    include:\n    - labs/training/*\n",
        "  paths:\n    include: ['/labs']\n    exclude: [labs/README.md]\n",
        "  paths:\n    include: [labs/training]\n    exclude: [labs]\n",
        "  paths:\n    exclude: [docs]\n",
    ],
)
def test_filter_that_has_the_training_code(workplace: Workplace, paths: str) -> None:
    filtered(workplace, paths)
    assert workplace.check("REP004")["REP004"].outcome is Outcome.PASS


def test_from_a_manual_run_to_a_merged_pull_request(workplace: Workplace) -> None:
    """Every state on the way has its own finding: a run by hand, a branch, an open pull request, no policy, done."""
    project = workplace.project
    workplace.pipelines.finish(_run(workplace))
    results = workplace.check("REP005")
    assert "was started by manual" in seen(results, "AUT001")
    assert "was started manually; the exercise is the push." in hints(results["AUT001"])
    assert results["REP005"].blocked_by == ("AUT001",)

    project.branch("solution", project.tip())
    project.push({"labs/finished.py": "1"}, branch="solution", comment="The finished project")
    project.branch("larger-test-set", project.tip())
    project.push({"labs/note.txt": "0.33"}, branch="larger-test-set", comment="Test on 0.33 of the data")
    told = hints(workplace.check("AUT001")["AUT001"])
    assert "Never merged into main: `larger-test-set` (Test on 0.33 of the data)." in told
    assert "solution" not in told

    workplace.pipelines.finish(workplace.await_run_of(workplace.push(build="echo again")))
    assert "main has no branch policy" in seen(workplace.check("REP005"), "REP005")
    project.guard()
    assert "no pull request was merged into main" in seen(workplace.check("REP005"), "REP005")
    path = workplace.pipelines.path(f"git/repositories/{workplace.pipelines.repository['id']}/pullrequests")
    branches = {"sourceRefName": "refs/heads/larger-test-set", "targetRefName": "refs/heads/main"}
    made = workplace.organization.post(path, {**branches, "title": "Larger test set"})
    number = made["pullRequestId"]
    found = seen(workplace.check("REP005"), "REP005", Outcome.WAITING)
    assert f"pull request {number} (Larger test set) is open" in found
    workplace.organization.patch(f"{path}/{number}", {"status": "abandoned"})
    merged = workplace.push(build="echo once more", comment="Once more")
    workplace.pipelines.finish(workplace.await_run_of(merged))
    evidence = workplace.check("REP005")["REP005"].evidence
    assert evidence is not None
    assert evidence.facts["commit"] == merged


def test_policy_that_does_not_hold_is_named(workplace: Workplace) -> None:
    workplace.pipelines.finish(_run(workplace))
    workplace.pipelines.finish(workplace.await_run_of(workplace.push(build="echo again")))
    scope = {"repositoryId": workplace.pipelines.repository["id"], "refName": "refs/heads/main", "matchKind": "exact"}
    body = {
        "isEnabled": True,
        "isBlocking": False,
        "type": {"id": "c6a1889d-b943-4856-b76f-9e46bb6b0df2"},
        "settings": {"scope": [scope]},
    }
    path = workplace.pipelines.path("policy/configurations")
    made = workplace.organization.post(path, body)
    assert "only Comment requirements (optional)" in seen(workplace.check("REP005"), "REP005")
    workplace.organization.call("PUT", f"{path}/{made['id']}", {**body, "isBlocking": True, "isEnabled": False})
    assert "only Comment requirements (switched off)" in seen(workplace.check("REP005"), "REP005")


def _run(workplace: Workplace) -> int:
    """A pipeline of one stage, started by hand; the run's id."""
    workplace.make_project()
    workplace.make_environments()
    return workplace.pipelines.run(workplace.make_pipeline())
