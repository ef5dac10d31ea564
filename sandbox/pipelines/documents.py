"""The JSON documents of `sandbox pipeline validate`, `plan` and `trigger`. `version` counts breaking changes."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sandbox.pipelines.errors import LoadError, Problem
from sandbox.pipelines.loading import Loaded
from sandbox.pipelines.model import DEFAULT_STAGE, Pipeline, Pool, VariableGroupReference
from sandbox.pipelines.notices import Notice
from sandbox.pipelines.planning import Activity, JobInstance, Plan, PlannedEntry, PlannedJob, PlannedStage, PlannedStep
from sandbox.pipelines.running.runs import unknown_tasks
from sandbox.pipelines.schedules import list_due
from sandbox.pipelines.triggers import Decision

VERSION: Final = 1
LAYERS: Final[Mapping[str, str]] = {
    "ownChecks": "ran",
    "languageService": "not run here: it needs node, see the reference page",
}
Document = dict[str, Any]


def validation_document(file: str, loaded: Loaded | None, error: LoadError | None) -> Document:
    """What `validate` found: validity by our own checks, problems, counts, and what is not honoured here."""
    plan = loaded.plan if loaded else None
    return {
        "version": VERSION,
        "file": file,
        "valid": error is None,
        "layers": dict(LAYERS),
        "problems": [problem_document(one) for one in error.problems] if error else [],
        "moreProblems": error.more if error else 0,
        "counts": counts(plan) if plan else None,
        "files": list(loaded.files) if loaded else [],
        "notRehearsed": list(unknown_tasks(plan)) if plan else [],
        "notices": [_notice(one) for one in plan.notices] if plan else [],
    }


def problem_document(problem: Problem) -> Document:
    mark = problem.mark
    return {
        "message": problem.message,
        "file": mark.file if mark else None,
        "line": mark.line if mark and mark.line else None,
        "column": mark.column if mark and mark.line else None,
        "help": problem.help or None,
    }


def counts(plan: Plan) -> dict[str, int]:
    """Stages, jobs (each leg counts) and steps (as written, without implicit ones)."""
    jobs = [job for stage in plan.stages for job in stage.jobs]
    written = [step for job in jobs for one in job.activities for step in one.steps if not step.step.implicit]
    return {
        "stages": len(plan.stages),
        "jobs": len(jobs),
        "agentJobs": sum(max(1, len(job.instances)) * max(1, len(job.activities)) for job in jobs),
        "steps": len(written),
    }


def plan_document(file: str, plan: Plan) -> Document:
    """The graph, with the reason why each stage and job would run or be skipped."""
    return {
        "version": VERSION,
        "file": file,
        "name": plan.pipeline.name or "$(Date:yyyyMMdd).$(Rev:r)",
        "parameters": [
            {"name": one.name, "type": one.type, "default": one.default, "value": one.value, "values": list(one.values)}
            for one in plan.pipeline.parameters
        ],
        "variables": _variables(plan.variables),
        "stages": [_stage(one) for one in plan.stages],
        "environments": list(environments(plan)),
        "notRehearsed": list(unknown_tasks(plan)),
        "counts": counts(plan),
        "notices": [_notice(one) for one in plan.notices],
    }


def environments(plan: Plan) -> tuple[str, ...]:
    """Names of the environments that a plan deploys to, each once."""
    jobs = (job.job for stage in plan.stages for job in stage.jobs)
    return tuple(dict.fromkeys(job.deployment.environment.name for job in jobs if job.deployment))


def trigger_document(file: str, pipeline: Pipeline, event: str, decision: Decision, now: datetime) -> Document:
    """Whether an event starts a run and why, and when the schedules are next due."""
    return {
        "version": VERSION,
        "file": file,
        "event": event,
        "starts": decision.starts,
        "why": decision.why,
        "reason": decision.reason.value if decision.reason else None,
        "batched": decision.batched,
        "schedules": [
            {
                "cron": one.cron,
                "displayName": one.display_name,
                "always": one.always,
                "branches": {"include": list(one.branches.include), "exclude": list(one.branches.exclude)},
                "next": [moment.isoformat() for moment in list_due(one, now)],
            }
            for one in pipeline.schedules
        ],
    }


def _stage(stage: PlannedStage) -> Document:
    return {
        "name": stage.name,
        "displayName": stage.stage.display_name or stage.name,
        "implicit": stage.name == DEFAULT_STAGE,
        "dependsOn": list(stage.depends_on),
        "condition": stage.condition.text,
        "outlook": stage.prediction.outlook.value,
        "why": stage.prediction.reason,
        "trigger": stage.stage.trigger or "automatic",
        "variables": _variables(stage.variables),
        "jobs": [_job(one) for one in stage.jobs],
    }


def _job(job: PlannedJob) -> Document:
    deployment = job.job.deployment
    return {
        "name": job.name,
        "displayName": job.job.display_name or job.name,
        "kind": "deployment" if deployment else "job",
        "dependsOn": list(job.depends_on),
        "condition": job.condition.text,
        "outlook": job.prediction.outlook.value,
        "why": job.prediction.reason,
        "pool": _pool(job.pool),
        "environment": deployment.environment.name if deployment else None,
        "strategy": deployment.strategy if deployment else None,
        "instances": [_instance(one) for one in job.instances],
        "variables": _variables(job.variables),
        "activities": [_activity(one) for one in job.activities],
    }


def _instance(instance: JobInstance) -> Document:
    return {
        "name": instance.name,
        "displayName": instance.display_name,
        "position": instance.position,
        "total": instance.total,
        "variables": dict(instance.variables),
    }


def _activity(activity: Activity) -> Document:
    hook = activity.hook.value if activity.hook else None
    return {"hook": hook, "increment": activity.increment or None, "steps": [_step(one) for one in activity.steps]}


def _step(planned: PlannedStep) -> Document:
    step = planned.step
    return {
        "kind": step.kind.value,
        "task": str(step.task) if step.task else None,
        "name": step.name or None,
        "displayName": step.display_name or None,
        "condition": planned.condition.text,
        "implicit": step.implicit,
        "enabled": step.enabled,
    }


def _variables(entries: Sequence[PlannedEntry]) -> list[Document]:
    return [
        {"group": one.name}
        if isinstance(one, VariableGroupReference)
        else {
            "name": one.variable.name,
            "value": None if one.variable.secret else one.variable.value,
            "readonly": one.variable.readonly,
            "runtime": one.expression is not None,
        }
        for one in entries
    ]


def _pool(pool: Pool | None) -> Document | None:
    return {"name": pool.name or None, "vmImage": pool.vm_image or None, "server": pool.server} if pool else None


def _notice(notice: Notice) -> Document:
    mark = notice.mark
    return {"message": notice.message, "file": mark.file if mark else None, "line": mark.line if mark else None}
