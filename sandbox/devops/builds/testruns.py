"""Test runs and their results, as steps publish them, and the code coverage of builds (3.8)."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from sandbox.devops.builds.enumerations import OUTCOME
from sandbox.devops.builds.problems import test_run_missing
from sandbox.devops.builds.records import BUILDS, BuildRecords
from sandbox.devops.builds.timeline import build_address
from sandbox.devops.context import (
    Context,
    address,
    collection,
    flag_option,
    identity,
    next_number,
    number_option,
    require_project,
    web_address,
)
from sandbox.devops.enumerations import name_of
from sandbox.devops.front import Action
from sandbox.devops.locations import location
from sandbox.devops.problems import invalid
from sandbox.pipelines.running.host import Coverage, TestRunResults
from sandbox.store import Document
from sandbox.wire import Call, Reply

TEST_RUNS = "devops/test-runs"
TEST_RESULTS = "devops/test-results"
COVERAGE = "devops/coverage"
BUILD_URI = "vstfs:///Build/Build/"


class TestRuns:
    """The test runs of a project."""

    __test__ = False

    def __init__(self, context: Context, builds: BuildRecords) -> None:
        self._context = context
        self._store = context.store
        self._builds = builds

    def actions(self) -> list[Action]:
        runs, results = location("Test", "Runs"), location("Test", "Results")
        return [
            Action("test_runs_list", "GET", runs, self.list),
            Action("test_runs_get", "GET", runs, self.get, one=True),
            Action("test_run_statistics_get", "GET", location("Test", "statistics"), self.statistics),
            Action("test_results_list", "GET", results, self.results),
            Action("test_results_get", "GET", results, self.result, one=True),
            Action("test_result_summary_get", "GET", location("Test", "ResultSummaryByBuild"), self.summary),
            Action("test_code_coverage_get", "GET", location("Test", "codeCoverage"), self.coverage),
        ]

    # For runs

    def publish(self, build: Document, results: TestRunResults, person: dict[str, str]) -> Document:
        """Keep the results that a step read. Texts are masked by whoever read them."""
        project = self._builds.project_of(build)
        parent = f"{project.id}/test-runs"
        rows = [
            {
                "name": one.name,
                "suite": one.suite,
                "outcome": one.outcome,
                "milliseconds": one.seconds * 1000,
                "message": one.message,
                "stack": one.stack_trace,
            }
            for one in results.cases
        ]
        now = self._context.now()
        body = {
            "name": results.title,
            "build": build.id,
            "stage": results.stage,
            "job": results.job,
            "outcomes": dict(Counter(row["outcome"] for row in rows)),
            "total": len(rows),
            "person": person,
            "completed": now,
        }
        with self._store.write() as change:
            number = next_number(change, project.id.split("/")[2], "test-runs")
            change.put(TEST_RESULTS, f"{parent}/{number}/results", {"rows": rows})
            return change.put(TEST_RUNS, f"{parent}/{number}", {"id": number, **body}, parent)

    def publish_coverage(self, build: Document, coverage: Coverage) -> None:
        """A build's coverage is the sum of what its steps published."""
        counts = {"Lines": (coverage.lines_covered, coverage.lines_valid)}
        if coverage.branches_valid:
            counts["Branches"] = (coverage.branches_covered, coverage.branches_valid)
        with self._store.write() as change:
            found = change.get(COVERAGE, f"{build.id}/coverage")
            before = found.body if found else {}
            for label, (covered, valid) in counts.items():
                old = before.get(label, [0, 0])
                before[label] = [old[0] + covered, old[1] + valid]
            change.put(COVERAGE, f"{build.id}/coverage", before)

    # Calls

    def list(self, call: Call) -> Reply:
        """Of a build by `buildUri`, else all; with `includeRunDetails` every field."""
        project = require_project(self._store, call)
        wanted = call.option("buildUri").rsplit("/", 1)[-1]
        key = f"{project.id}/builds/{wanted}"
        found = [one for one in self._of_project(project) if not wanted or one.body["build"].lower() == key.lower()]
        skip, top = number_option(call, "$skip", 0), number_option(call, "$top", 100)
        details = flag_option(call, "includeRunDetails")
        return collection(self._wire(call, one, details) for one in found[skip : skip + top])

    def _of_project(self, project: Document) -> Sequence[Document]:
        return sorted(self._store.list(TEST_RUNS, f"{project.id}/test-runs"), key=lambda one: int(one.body["id"]))

    def get(self, call: Call) -> Reply:
        return Reply.json(self._wire(call, self._require(call), True))

    def _require(self, call: Call) -> Document:
        project, number = require_project(self._store, call), call.params["runId"]
        found = self._store.get(TEST_RUNS, f"{project.id}/test-runs/{number}")
        if found is None:
            raise test_run_missing(number)
        return found

    def statistics(self, call: Call) -> Reply:
        found = self._require(call)
        return Reply.json({"run": self._reference(call, found), "runStatistics": _statistics(found)})

    def results(self, call: Call) -> Reply:
        """By `outcomes`, with `$skip` and `$top`."""
        run = self._require(call)
        wanted = {name_of(one, OUTCOME) for one in call.option("outcomes").split(",") if one.strip()}
        rows = [
            (number, row)
            for number, row in enumerate(self._rows(run), 100_000)
            if not wanted or row["outcome"].lower() in wanted
        ]
        skip, top = number_option(call, "$skip", 0), number_option(call, "$top", 1000)
        return collection(self._result(call, run, number, row) for number, row in rows[skip : skip + top])

    def result(self, call: Call) -> Reply:
        run, wanted = self._require(call), call.params["testCaseResultId"]
        for number, row in enumerate(self._rows(run), 100_000):
            if str(number) == wanted:
                return Reply.json(self._result(call, run, number, row))
        raise test_run_missing(f"{run.body['id']} result {wanted}")

    def _rows(self, run: Document) -> Any:
        found = self._store.get(TEST_RESULTS, f"{run.id}/results")
        return found.body["rows"] if found else []

    def summary(self, call: Call) -> Reply:
        """The tests tab of a build: totals by outcome."""
        build = self._build(call)
        outcomes: Counter[str] = Counter()
        for one in self._of_project(self._builds.project_of(build)):
            if one.body["build"] == build.id:
                outcomes.update(one.body["outcomes"])
        by_outcome = {name: {"outcome": name, "count": count} for name, count in outcomes.items()}
        analysis = {"totalTests": outcomes.total(), "resultsByOutcome": by_outcome}
        reference = {"id": build.body["id"], "number": build.body["buildNumber"], "uri": f"{BUILD_URI}{build.name}"}
        return Reply.json({"aggregatedResultsAnalysis": analysis, "resultsContext": {"build": reference}})

    def coverage(self, call: Call) -> Reply:
        """The summary of a build, or with `flags` the list that older clients read."""
        build = self._build(call)
        found = self._store.get(COVERAGE, f"{build.id}/coverage")
        if call.option("flags"):
            return collection([{"state": "ok", "configuration": {}, "modules": []}] if found else [])
        statistics = [
            {"label": label, "position": place, "covered": covered, "total": valid, "isDeltaAvailable": False}
            for place, (label, (covered, valid)) in enumerate((found.body if found else {}).items(), 4)
        ]
        data = [{"coverageStats": statistics, "buildPlatform": "", "buildFlavor": ""}] if found else []
        reference = {"id": str(build.body["id"]), "url": build_address(call, build)}
        status = "finalized" if found else "none"
        return Reply.json({"coverageData": data, "build": reference, "deltaBuild": None, "status": status})

    def _build(self, call: Call) -> Document:
        project, number = require_project(self._store, call), call.option("buildId")
        found = self._store.get(BUILDS, f"{project.id}/builds/{number}") if number.isdigit() else None
        if found is None:
            raise invalid(f"buildId names the build; '{number}' is none of this project.")
        return found

    # On the wire

    def _reference(self, call: Call, run: Document) -> dict[str, Any]:
        url = address(call, "test", "Runs", str(run.body["id"]), project=run.id.split("/")[4])
        return {"id": run.body["id"], "name": run.body["name"], "url": url}

    def _wire(self, call: Call, run: Document, details: bool) -> dict[str, Any]:
        body, project = run.body, run.id.split("/")[4]
        outcomes = Counter(body["outcomes"])
        web = web_address(call, project, "_TestManagement", "Runs") + f"?runId={body['id']}&_a=runCharts"
        shown = {
            **self._reference(call, run),
            "isAutomated": True,
            "project": {"id": project},
            "state": "Completed",
            "totalTests": body["total"],
            "incompleteTests": 0,
            "notApplicableTests": outcomes["NotExecuted"],
            "passedTests": outcomes["Passed"],
            "unanalyzedTests": outcomes["Failed"],
            "revision": 1,
            "webAccessUrl": web,
        }
        return {**shown, **self._details(call, run)} if details else shown

    def _details(self, call: Call, run: Document) -> dict[str, Any]:
        body = run.body
        build = self._store.get(BUILDS, body["build"])
        number = body["build"].rsplit("/", 1)[-1]
        reference = {"id": number, "url": address(call, "build", "Builds", number, project=run.id.split("/")[4])}
        name = build.body["buildNumber"] if build else ""
        pipeline = {
            "pipelineId": int(number),
            "stageReference": {"stageName": body["stage"], "attempt": 1},
            "phaseReference": {"phaseName": body["job"], "attempt": 1},
            "jobReference": {"jobName": body["job"], "attempt": 1},
        }
        return {
            "owner": identity(call, body["person"]),
            "build": {**reference, "name": name},
            "pipelineReference": pipeline,
            "startedDate": body["completed"],
            "completedDate": body["completed"],
            "runStatistics": _statistics(run),
        }

    def _result(self, call: Call, run: Document, number: int, row: dict[str, Any]) -> dict[str, Any]:
        reference = self._reference(call, run)
        texts = {"errorMessage": row["message"], "stackTrace": row["stack"]}
        return {
            "id": number,
            "testCaseTitle": row["name"],
            "automatedTestName": f"{row['suite']}.{row['name']}" if row["suite"] else row["name"],
            "automatedTestStorage": row["suite"],
            "automatedTestType": "JUnit",
            "outcome": row["outcome"],
            "durationInMs": row["milliseconds"],
            "state": "Completed",
            "completedDate": run.body["completed"],
            **{name: value for name, value in texts.items() if value},
            "testRun": {**reference, "id": str(reference["id"])},
            "url": f"{reference['url']}/Results/{number}",
        }


def _statistics(run: Document) -> list[dict[str, Any]]:
    return [
        {"state": "Completed", "outcome": outcome, "count": count} for outcome, count in run.body["outcomes"].items()
    ]
