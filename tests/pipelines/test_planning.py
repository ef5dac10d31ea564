"""What the runner asks of planning once it knows a value, and what a plan carries that no header shows."""

from pathlib import Path

import pytest

from sandbox.pipelines.errors import ExpressionError, LoadError
from sandbox.pipelines.loading import Loaded, LoadRequest, load
from sandbox.pipelines.model import Matrix, Parallel
from sandbox.pipelines.planning import PlannedVariable, list_instances, names_in, parse_matrix
from sandbox.pipelines.templates.sources import FolderSources

JOB = "jobs:\n- job: A\n  displayName: Fit\n  steps: []\n"


def loaded(text: str, request: LoadRequest | None = None) -> Loaded:
    return load(text, "azure-pipelines.yml", FolderSources(Path(__file__).parent), request)


def test_a_matrix_from_text() -> None:
    matrix = parse_matrix('{"small": {"size": 1, "gpu": false}, "large": {"size": "2"}}', "1")
    assert matrix.legs == {"small": {"size": "1", "gpu": "false"}, "large": {"size": "2"}}
    assert matrix.max_parallel == "1"
    assert parse_matrix("  ").legs == {}


@pytest.mark.parametrize("text", ["nonsense", "[1]", '{"a": 1}'])
def test_a_matrix_that_is_none(text: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_matrix(text)
    assert text in caught.value.help


def test_instances_of_a_matrix_and_of_slices() -> None:
    job = loaded(JOB).plan.stages[0].jobs[0].job
    legs = list_instances(job, "A", Matrix({"x": {"v": "1"}, "y": {"v": "2"}}))
    assert [(one.name, one.identifier, one.display_name, one.variables) for one in legs] == [
        ("x", "A.x", "Fit x", {"v": "1"}),
        ("y", "A.y", "Fit y", {"v": "2"}),
    ]
    slices = list_instances(job, "A", Parallel("2"))
    assert [(one.name, one.display_name, one.position, one.total) for one in slices] == [
        ("A1", "Fit 1", 1, 2),
        ("A2", "Fit 2", 2, 2),
    ]


@pytest.mark.parametrize("count", ["many", "300"])
def test_slices_that_cannot_be(count: str) -> None:
    job = loaded(JOB).plan.stages[0].jobs[0].job
    with pytest.raises(ExpressionError):
        list_instances(job, "A", Parallel(count))
    with pytest.raises(LoadError):
        loaded(f"jobs:\n- job: A\n  strategy:\n    parallel: {count}\n  steps: []\n")


def test_what_a_strategy_needs_of_the_run_is_left_to_it() -> None:
    text = "strategy:\n  parallel: $(count)\nsteps: []\n"
    assert loaded(text).plan.stages[0].jobs[0].instances == ()
    text = "strategy:\n  maxParallel: 2\n  matrix: $[ variables.legs ]\nsteps: []\n"
    job = loaded(text).plan.stages[0].jobs[0]
    assert job.instances == ()
    assert job.matrix_expression is not None
    assert job.max_parallel == 2


def test_names_that_an_expression_gave() -> None:
    assert names_in("") == ()
    assert names_in(" A ") == ("A",)
    assert names_in('["A", "B"]') == ("A", "B")


def test_a_hooks_pool_is_its_own_or_the_nearest() -> None:
    text = """\
pool: root
stages:
- stage: S
  pool: stage
  jobs:
  - deployment: D
    environment: e
    strategy:
      runOnce:
        preDeploy:
          pool: hook
          steps: []
        deploy:
          steps: []
"""
    activities = loaded(text).plan.stages[0].jobs[0].activities
    assert [one.pool.name for one in activities if one.pool] == ["hook", "stage"]


def test_runtime_values_are_parsed_and_others_are_not() -> None:
    text = "variables:\n  a: $[ counter('x', 1) ]\n  b: text $[ x ]\nsteps: []\n"
    entries = [one for one in loaded(text).plan.variables if isinstance(one, PlannedVariable)]
    assert [one.expression is not None for one in entries] == [True, False]


def test_what_a_step_says_is_all_in_the_plan() -> None:
    text = """\
steps:
- task: AzureCLI@2
  name: deploy
  displayName: Deploy
  condition: always()
  continueOnError: true
  enabled: false
  timeoutInMinutes: 5
  retryCountOnTaskFailure: 2
  target: {container: host, commands: restricted, settableVariables: none}
  env: {KEY: $(key)}
  inputs: {azureSubscription: c, workingDirectory: sub}
"""
    planned = loaded(text).plan.stages[0].jobs[0].activities[0].steps[1]
    step = planned.step
    assert str(step.task) == "AzureCLI@2"
    assert (step.name, step.display_name, planned.condition.text) == ("deploy", "Deploy", "always()")
    assert (step.continue_on_error, step.enabled) == (True, False)
    assert (step.timeout_in_minutes, step.retry_count_on_task_failure) == ("5", "2")
    assert step.target is not None
    assert (step.target.container, step.target.commands, step.target.settable_variables) == ("host", "restricted", ())
    assert step.env == {"KEY": "$(key)"}
    assert step.input("connectedServiceNameARM", "AzureSubscription") == "c"
