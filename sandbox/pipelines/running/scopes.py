"""Which variables are visible where: settings and queue time, root, stage, job; the inner scope's word counts."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from sandbox.pipelines.errors import ExpressionError
from sandbox.pipelines.expressions.contexts import RunContext
from sandbox.pipelines.expressions.runtime import RuntimeExpression, evaluate_runtime_text, is_runtime, parse_runtime
from sandbox.pipelines.model import VariableGroupReference
from sandbox.pipelines.planning import PlannedEntry
from sandbox.pipelines.running.context import RunState
from sandbox.pipelines.running.errors import RunRefused
from sandbox.pipelines.running.host import VariableGroup
from sandbox.pipelines.running.predefined import define_run
from sandbox.pipelines.running.variables import Variables


def root_scope(run: RunState) -> Variables:
    """The variables of the whole run. Raises RunRefused when a group is unknown or an expression does not hold."""
    _check_groups(run)
    variables = Variables()
    for one in run.request.variables:
        variables.define(one.name, one.value, secret=one.secret, readonly=one.readonly)
        if one.secret:
            run.add_secret(one.value)
    define_run(variables, run)
    define_entries(variables, run.request.plan.variables, run, RunContext(start_time=run.host.now()))
    return variables


def define_entries(
    variables: Variables, entries: Iterable[PlannedEntry], run: RunState, context: RunContext | None
) -> None:
    """Add a scope's entries in document order, each `$[ ]` seeing those before it. With no context, as for conditions,
    a `$[ ]` stays out: nothing of it is visible there. Raises RunRefused."""
    for entry in entries:
        if isinstance(entry, VariableGroupReference):
            _define_group(variables, entry.name, run)
            continue
        one = entry.variable
        if entry.expression is None:
            variables.define(one.name, one.value, secret=one.secret, readonly=one.readonly)
        elif context is not None:
            value = _evaluated(one.name, entry.expression, variables, run, context)
            variables.define(one.name, value, secret=one.secret, readonly=one.readonly)


def expand(text: str, variables: Variables, run: RunState, context: RunContext) -> str:
    """A setting of a job that may hold macros or be one `$[ ]`. Raises ExpressionError."""
    if is_runtime(text):
        return evaluate_runtime_text(parse_runtime(text, root=False), _with(context, variables), run.host.counter)
    return variables.expanded().expand(text)


def evaluate(expression: RuntimeExpression, variables: Variables, run: RunState, context: RunContext) -> str:
    """A planned `$[ ]` as text. Raises ExpressionError."""
    return evaluate_runtime_text(expression, _with(context, variables), run.host.counter)


def _evaluated(
    name: str, expression: RuntimeExpression, variables: Variables, run: RunState, context: RunContext
) -> str:
    try:
        return evaluate(expression, variables, run, context)
    except ExpressionError as error:
        raise RunRefused(f"Variable '{name}' cannot be evaluated: $[ {expression.text} ]: {error.message}") from error


def _with(context: RunContext, variables: Variables) -> RunContext:
    return replace(context, variables=variables.expanded().by_name)


def _check_groups(run: RunState) -> None:
    """The service refuses a run before it starts when any group, wherever it is named, is unknown."""
    plan = run.request.plan
    jobs = [job for stage in plan.stages for job in stage.jobs]
    scopes = [plan.variables, *(stage.variables for stage in plan.stages), *(job.variables for job in jobs)]
    names = {entry.name: None for scope in scopes for entry in scope if isinstance(entry, VariableGroupReference)}
    for name in names:
        _group(name, run)


def _group(name: str, run: RunState) -> VariableGroup:
    group = run.host.variable_group(name)
    if group is None:
        raise RunRefused(
            f"Variable group {name} could not be found. The variable group does not exist or has not been authorized "
            "for use."
        )
    return group


def _define_group(variables: Variables, name: str, run: RunState) -> None:
    group = _group(name, run)
    secrets = {one.lower() for one in group.secrets}
    members: Mapping[str, str] = group.values
    for member, value in members.items():
        secret = member.lower() in secrets
        variables.define(member, value, secret=secret)
        if secret:
            run.add_secret(value)
