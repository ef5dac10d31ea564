"""Approvals that wait for people, and what people answered (3.7). An approval's id is that of its timeline record."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sandbox.clock import iso
from sandbox.devops.builds.problems import APPROVALS, approval_decided, approval_missing, not_an_approver
from sandbox.devops.builds.signal import Bell
from sandbox.devops.context import (
    Context,
    address,
    collection,
    flag_option,
    identity,
    read_list,
    require_project,
    wire_time,
)
from sandbox.devops.front import Action
from sandbox.devops.locations import location
from sandbox.devops.problems import invalid
from sandbox.devops.repositories import project_of
from sandbox.store import Document
from sandbox.wire import Call, Reply

APPROVAL_RECORDS = "devops/approvals"
ANSWERS = ("approved", "rejected")
OPEN = ("pending", "uninitiated")


class Approvals:
    """The approvals of a project. `bell` rings when somebody answers, so that waiting runs look again."""

    def __init__(self, context: Context, bell: Bell) -> None:
        self._context = context
        self._store = context.store
        self._bell = bell

    def actions(self) -> list[Action]:
        row = location("approval", "approvals")
        return [
            Action("pipelines_approvals_list", "GET", row, self.list),
            Action("pipelines_approvals_update", "PATCH", row, self.update),
            Action("pipelines_approvals_get", "GET", row, self.get, one=True),
        ]

    # For runs

    def open(self, project: Document, guid: str, build: Document, stage: str, check: Document) -> Document:
        """The approval that a stage waits for; one that is there already is taken up again."""
        key = f"{project.id}/approvals/{guid}"
        found = self._store.get(APPROVAL_RECORDS, key)
        if found:
            return found
        settings = check.body["settings"]
        ordered = str(settings.get("executionOrder") or "anyOrder")
        minutes = int(check.body["timeout"])
        body = {
            "id": guid,
            "status": "pending",
            "build": build.id,
            "stage": stage,
            "steps": [_step(one, index) for index, one in enumerate(settings["approvers"], 1)],
            "executionOrder": ordered,
            "minRequiredApprovers": int(settings.get("minRequiredApprovers") or len(settings["approvers"])),
            "instructions": str(settings.get("instructions") or ""),
            "blockedApprovers": settings.get("blockedApprovers") or [],
            "requesterCannotApprove": bool(settings.get("requesterCannotBeApprover")),
            "until": iso(self._context.clock.now() + timedelta(minutes=minutes)),
            "minutes": minutes,
        }
        return self._store.put(APPROVAL_RECORDS, key, body, f"{project.id}/approvals")

    def status(self, approval: Document) -> tuple[str, str]:
        """`pending` or how it ended, and a sentence about it. One whose time is over ends now."""
        with self._store.write() as change:
            found = change.get(APPROVAL_RECORDS, approval.id) or approval
            body = found.body
            if body["status"] == "pending" and datetime.fromisoformat(body["until"]) <= self._context.clock.now():
                found = change.put(APPROVAL_RECORDS, found.id, _closed(body, "timedOut", self._context.now()))
        return str(found.body["status"]), _sentence(found.body)

    def close(self, approval: Document, status: str) -> None:
        """The run does not wait any more."""
        with self._store.write() as change:
            found = change.get(APPROVAL_RECORDS, approval.id)
            if found and found.body["status"] == "pending":
                change.put(APPROVAL_RECORDS, found.id, _closed(found.body, status, self._context.now()))

    def of_build(self, build: Document) -> list[Document]:
        project = project_of(self._store, build)
        return [one for one in self._listed(project) if one.body["build"] == build.id]

    def _listed(self, project: Document) -> list[Document]:
        return self._store.list(APPROVAL_RECORDS, f"{project.id}/approvals")

    # Calls

    def list(self, call: Call) -> Reply:
        """By `state`, `approvalIds` and `userIds`; `top` limits."""
        project = require_project(self._store, call)
        for one in self._listed(project):
            self.status(one)
        states, ids, users = (_csv(call, name) for name in ("state", "approvalIds", "userIds"))
        found = [
            one
            for one in self._listed(project)
            if (not states or "all" in states or one.body["status"].lower() in states)
            and (not ids or one.body["id"] in ids)
            and (not users or {step["approver"]["id"].lower() for step in one.body["steps"]} & set(users))
        ]
        top = call.option("top") or call.option("$top")
        return collection(self.wire(call, one) for one in found[: int(top) if top.isdigit() else None])

    def get(self, call: Call) -> Reply:
        return Reply.json(self.wire(call, self._require(call, call.params["approvalId"])))

    def _require(self, call: Call, guid: str) -> Document:
        project = require_project(self._store, call)
        found = self._store.get(APPROVAL_RECORDS, f"{project.id}/approvals/{guid.lower()}")
        if found is None:
            raise approval_missing(guid)
        self.status(found)
        return self._store.get(APPROVAL_RECORDS, found.id) or found

    def update(self, call: Call) -> Reply:
        """Answer approvals: a list of `{"approvalId", "status", "comment"}`."""
        person, answered = self._context.person(call), []
        with self._store.write():
            for row in read_list(call):
                found = self._require(call, str(row.get("approvalId") or ""))
                answered.append(self._answer(found, row, person))
        self._bell.ring()
        return collection(self.wire(call, one) for one in answered)

    def _answer(self, approval: Document, row: Mapping[str, Any], person: Mapping[str, str]) -> Document:
        status = str(row.get("status") or "").lower()
        if status not in ANSWERS:
            raise invalid(f"An approval is answered {' or '.join(ANSWERS)}; this is '{row.get('status')}'.", APPROVALS)
        body = approval.body
        if body["status"] != "pending":
            raise approval_decided(body["id"], body["status"])
        self._check_person(body, person)
        mine = self._own_step(body, person)
        now, comment = self._context.now(), str(row.get("comment") or "")
        steps = [
            {**one, "status": status, "by": dict(person), "comment": comment, "at": now} if one is mine else one
            for one in body["steps"]
        ]
        changed = {**body, "steps": steps, "status": _decision(body, steps)}
        if changed["status"] != "pending":
            changed = _closed(changed, changed["status"], now)
        return self._store.put(APPROVAL_RECORDS, approval.id, changed, approval.parent)

    def _check_person(self, body: Mapping[str, Any], person: Mapping[str, str]) -> None:
        """Raises Forbidden for somebody who must not answer."""
        if person["id"] in {str(one.get("id")) for one in body["blockedApprovers"]}:
            raise not_an_approver(f"{person['displayName']} is blocked as an approver of this stage.")
        build = self._store.get("devops/builds", body["build"])
        asked = build.body["requestedFor"]["id"] if build else ""
        if body["requesterCannotApprove"] and asked == person["id"]:
            raise not_an_approver("The person who requested a run cannot approve it here: another approver has to.")

    def _own_step(self, body: Mapping[str, Any], person: Mapping[str, str]) -> Mapping[str, Any]:
        """The open step that this person may answer: their own, or one of a group, whose members are not known here."""
        waiting: list[Mapping[str, Any]] = [one for one in body["steps"] if one["status"] in OPEN]
        if body["executionOrder"].lower() == "insequence":
            waiting = waiting[:1]
        for one in waiting:
            if one["approver"]["id"].lower() == person["id"]:
                return one
        for one in waiting:
            if not self._is_user(one["approver"]["id"]):
                return one
        names = ", ".join(one["approver"].get("displayName") or one["approver"]["id"] for one in waiting)
        raise not_an_approver(f"This approval waits for {names}; the request comes from {person['displayName']}.")

    def _is_user(self, guid: str) -> bool:
        try:
            self._context.access.get_user(guid)
        except KeyError:
            return False
        return True

    def wire(self, call: Call, document: Document) -> dict[str, Any]:
        body, project = document.body, project_of(self._store, document)
        url = address(call, "pipelines", "approvals", body["id"], project=project.body["id"])
        steps = {"steps": [_step_wire(call, one) for one in body["steps"]]}
        whole = call.method != "GET" or "steps" in call.option("$expand").lower() or flag_option(call, "steps")
        return {
            "id": body["id"],
            **(steps if whole else {}),
            "status": body["status"],
            "createdOn": wire_time(document.created),
            "lastModifiedOn": wire_time(document.changed),
            "executionOrder": body["executionOrder"],
            "minRequiredApprovers": body["minRequiredApprovers"],
            "instructions": body["instructions"],
            "blockedApprovers": [_approver(call, one) for one in body["blockedApprovers"]],
            "_links": {"self": {"href": url}},
        }


def _step(approver: Mapping[str, Any], order: int) -> dict[str, Any]:
    person = {"id": str(approver.get("id") or ""), "displayName": str(approver.get("displayName") or "")}
    return {"approver": person, "status": "pending", "order": order, "comment": "", "by": None, "at": None}


def _decision(body: Mapping[str, Any], steps: Sequence[Mapping[str, Any]]) -> str:
    if any(one["status"] == "rejected" for one in steps):
        return "rejected"
    approved = sum(one["status"] == "approved" for one in steps)
    return "approved" if approved >= int(body["minRequiredApprovers"]) else "pending"


def _closed(body: Mapping[str, Any], status: str, now: str) -> dict[str, Any]:
    """Ended: steps that nobody answered are skipped, or end with the whole."""
    left = "skipped" if status in ANSWERS else status
    steps = [{**one, "status": left, "at": now} if one["status"] in OPEN else one for one in body["steps"]]
    return {**body, "status": status, "steps": steps}


def _sentence(body: Mapping[str, Any]) -> str:
    names = ", ".join(one["approver"]["displayName"] or one["approver"]["id"] for one in body["steps"])
    answers = [one for one in body["steps"] if one["status"] == body["status"] and one["by"]]
    who = ", ".join(f"{one['by']['displayName']} ({one['comment'] or 'no comment'})" for one in answers)
    sentences = {
        "pending": f"waiting for approval by {names}",
        "approved": f"approved by {who}",
        "rejected": f"rejected by {who}",
        "timedOut": f"nobody of {names} answered within {body['minutes']} minutes",
    }
    return sentences.get(body["status"], str(body["status"]))


def _approver(call: Call, person: Mapping[str, Any]) -> dict[str, Any]:
    name = str(person.get("displayName") or "")
    return identity(call, {"id": str(person.get("id")), "displayName": name, "uniqueName": name})


def _step_wire(call: Call, step: Mapping[str, Any]) -> dict[str, Any]:
    answered = {"actualApprover": identity(call, step["by"]), "comment": step["comment"]} if step["by"] else {}
    at = {"lastModifiedOn": step["at"]} if step["at"] else {}
    return {
        "assignedApprover": _approver(call, step["approver"]),
        **answered,
        "status": step["status"],
        **at,
        "order": step["order"],
    }


def _csv(call: Call, name: str) -> list[str]:
    return [one.strip().lower() for one in call.option(name).split(",") if one.strip()]
