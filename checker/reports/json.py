"""A report as JSON, for programs. Its form is `schema.json`; VERSION moves when a field changes its meaning."""

import json
from collections.abc import Mapping
from typing import Any

from checker.model import AttendeeReport, Check, CheckResult, Evidence, Finding, LeftOut, Outcome
from checker.reports import View

SCHEMA = "mlops-workshop/checker-report"
CATALOGUE_SCHEMA = "mlops-workshop/checker-catalogue"
VERSION = 2


def render_report(report: AttendeeReport, view: View) -> str:
    """The whole report. `view` changes nothing here: a program gets every hint and every fact."""
    del view
    return _text(
        {
            "schema": SCHEMA,
            "version": VERSION,
            "started": report.started.isoformat(timespec="seconds"),
            "seconds": round(report.seconds, 3),
            "target": report.target,
            "subscription": report.subscription,
            "suffix": report.suffix,
            "seed": report.seed,
            "organization": report.organization or None,
            "left_out": [_left_out(entry) for entry in report.left_out],
            "calls": {"reads": report.calls.reads, "scores": report.calls.scores, "devops": report.calls.devops},
            "request_ids": list(report.request_ids),
            "summary": {outcome.value: report.count(outcome) for outcome in Outcome},
            "results": [_result(result) for result in report.results],
        }
    )


def render_catalogue(checks: Mapping[str, Check], view: View) -> str:
    """All checks, without looking at anything."""
    del view
    return _text(
        {"schema": CATALOGUE_SCHEMA, "version": VERSION, "checks": [_check(check) for check in checks.values()]}
    )


def _text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _check(check: Check) -> dict[str, Any]:
    return {
        "code": check.code,
        "title": check.title,
        "why": check.why,
        "module": check.module,
        "requires": list(check.requires),
        "service": check.service.value,
    }


def _left_out(left_out: LeftOut) -> dict[str, Any]:
    return {"service": left_out.service.value, "reason": left_out.reason, "codes": list(left_out.codes)}


def _result(result: CheckResult) -> dict[str, Any]:
    return {
        **_check(result.check),
        "outcome": result.outcome.value,
        "seconds": round(result.seconds, 3),
        "blocked_by": list(result.blocked_by),
        "first_passed_at": result.first_passed_at.isoformat() if result.first_passed_at else None,
        "hints_used": result.hints_used,
        "finding": _finding(result.finding) if result.finding else None,
        "evidence": _evidence(result.evidence) if result.evidence else None,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "seen": finding.seen,
        "expected": finding.expected,
        "hints": list(finding.hints),
        "commands": list(finding.commands),
        "page": finding.page,
    }


def _evidence(evidence: Evidence) -> dict[str, Any]:
    return {"seen": evidence.seen, "facts": dict(evidence.facts)}
