"""Work items, as far as a tour of Boards needs them: made, changed, read, and found by a simple query."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.devops.context import (
    PROJECTS,
    Context,
    address,
    collection,
    find_project,
    identity,
    next_number,
    organization_id,
    page,
    read_list,
    require_organization,
    require_project,
)
from sandbox.devops.front import Action
from sandbox.devops.locations import location
from sandbox.devops.problems import WORK, invalid, missing, not_here
from sandbox.devops.processes import PROCESSES, TYPES
from sandbox.store import Document
from sandbox.wire import Call, Reply

WORK_ITEMS = "devops/work-items"
FIRST_STATE = {"Agile": "New", "Basic": "To Do", "Scrum": "New", "CMMI": "Proposed"}
MOST = 200
CONDITION = re.compile(
    r"\[(?P<field>[^\]]+)\]\s*(?P<operator>=|<>|in|contains)\s*(?P<value>\([^)]*\)|'(?:[^']|'')*'|@\w+|\d+)",
    re.IGNORECASE,
)
QUERY = re.compile(
    r"select\s+(?P<columns>.+?)\s+from\s+workitems(?:\s+where\s+(?P<where>.+?))?(?:\s+order\s+by\s+(?P<order>.+?))?\s*$",
    re.IGNORECASE | re.DOTALL,
)
TEXT = re.compile(r"'((?:[^']|'')*)'")

Test = Callable[[Mapping[str, Any]], bool]


@dataclass(frozen=True)
class Query:
    """A parsed query: the columns, the tests that all hold, the field to order by."""

    columns: tuple[str, ...]
    tests: tuple[Test, ...]
    order: str
    descending: bool


class WorkItems:
    """The work items of an organisation, numbered across its projects."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    def actions(self) -> list[Action]:
        row, types = location("wit", "workItems"), location("wit", "workItemTypes")
        return [
            Action("wit_work_items_list", "GET", row, self.list),
            Action("wit_work_items_get", "GET", row, self.get, one=True),
            Action("wit_work_items_update", "PATCH", row, self.update, one=True),
            Action("wit_work_items_delete", "DELETE", row, self.delete, one=True),
            Action("wit_work_items_create", "POST", location("wit", "newWorkItems"), self.create, one=True),
            Action("wit_work_items_get_batch", "POST", location("wit", "workItemsBatch"), self.batch),
            Action("wit_wiql_query", "POST", location("wit", "wiql"), self.query),
            Action("wit_work_item_types_list", "GET", types, self.types),
        ]

    # Reading

    def list(self, call: Call) -> Reply:
        """`ids` names up to 200."""
        return self._several(call, [one for one in call.option("ids").split(",") if one], call.option("fields"))

    def batch(self, call: Call) -> Reply:
        body = call.json()
        return self._several(call, [str(one) for one in body.get("ids") or []], ",".join(body.get("fields") or []))

    def _several(self, call: Call, numbers: Any, fields: str) -> Reply:
        if not 0 < len(numbers) <= MOST:
            raise invalid(f"VS402337: 1 to {MOST} work items can be asked for at once; these are {len(numbers)}.", WORK)
        return collection(self._wire(call, self._require(call, number), fields) for number in numbers)

    def get(self, call: Call) -> Reply:
        return Reply.json(self._wire(call, self._require(call, call.params["id"]), call.option("fields")))

    def _require(self, call: Call, number: str) -> Document:
        found = self._store.get(WORK_ITEMS, f"{_collection(call)}/{number}")
        if found is None:
            raise missing(
                "WorkItem",
                f"TF401232: Work item {number} does not exist, or you do not have permissions to read it.",
                WORK,
            )
        return found

    # Writing

    def create(self, call: Call) -> Reply:
        project, kind = require_project(self._store, call), call.params["type"].removeprefix("$")
        process = PROCESSES[project.body["template"]][0]
        known = {one.lower(): one for one in TYPES[process]}
        if kind.lower() not in known:
            raise missing("WorkItemType", f"VS402323: Work item type {kind} does not exist in project.", WORK)
        fields: dict[str, Any] = {"System.State": FIRST_STATE[process], "System.Reason": "New"}
        fields = _patched(fields, read_list(call))
        if not fields.get("System.Title"):
            raise invalid("TF401320: Rule Error for field Title. Error code: Required, InvalidEmpty.", WORK)
        with self._store.write() as change:
            number = next_number(change, call.params["organization"], "work-items")
            stamp = {"System.CreatedDate": self._context.now(), "System.CreatedBy": self._context.person(call)}
            fixed = {"System.WorkItemType": known[kind.lower()], **stamp}
            body = {"id": number, "rev": 1, "project": project.body["id"], "fields": {**fields, **fixed}}
            document = change.put(WORK_ITEMS, f"{_collection(call)}/{number}", body, _collection(call))
        return Reply.json(self._wire(call, document, ""))

    def update(self, call: Call) -> Reply:
        rows = read_list(call)
        with self._store.write() as change:
            found = self._require(call, call.params["id"])
            _check_revision(found, rows)
            fields = _patched(found.body["fields"], rows)
            body = {**found.body, "rev": found.body["rev"] + 1, "fields": fields}
            document = change.put(WORK_ITEMS, found.id, body)
        return Reply.json(self._wire(call, document, ""))

    def delete(self, call: Call) -> Reply:
        found = self._require(call, call.params["id"])
        self._store.delete(WORK_ITEMS, found.id)
        return Reply.json({"id": found.body["id"], "code": 200, "deletedDate": self._context.now()})

    def forget_project(self, project: Document) -> None:
        parent = f"{organization_id(project.id.split('/')[2])}/work-items"
        with self._store.write() as change:
            for one in change.list(WORK_ITEMS, parent):
                if one.body["project"] == project.body["id"]:
                    change.delete(WORK_ITEMS, one.id)

    # Queries and types

    def query(self, call: Call) -> Reply:
        """Flat queries: conditions joined by AND, one order. Anything else is refused, not half-answered."""
        name = call.params.get("project") or call.params.get("team") or ""
        project = find_project(self._store, require_organization(self._store, call), name) if name else None
        query = _parsed(str(call.json().get("query") or ""), project)
        items = [(one, self._fields(one)) for one in self._store.list(WORK_ITEMS, _collection(call))]
        if project:
            items = [pair for pair in items if pair[0].body["project"] == project.body["id"]]
        found = [pair for pair in items if all(test(pair[1]) for test in query.tests)]
        found.sort(key=lambda pair: _sortable(pair[1].get(query.order)), reverse=query.descending)
        rows, _ = page(call, found, 20000)
        return Reply.json(
            {
                "queryType": "flat",
                "queryResultType": "workItem",
                "asOf": self._context.now(),
                "columns": [{"referenceName": one, "name": one.rsplit(".", 1)[-1]} for one in query.columns],
                "workItems": [
                    {"id": one.body["id"], "url": address(call, "wit", "workItems", str(one.body["id"]))}
                    for one, _ in rows
                ],
            }
        )

    def types(self, call: Call) -> Reply:
        project = require_project(self._store, call)
        names = TYPES[PROCESSES[project.body["template"]][0]]
        return collection(
            {
                "name": name,
                "referenceName": f"Microsoft.VSTS.WorkItemTypes.{name.replace(' ', '')}",
                "isDisabled": False,
            }
            for name in names
        )

    # On the wire

    def _fields(self, document: Document) -> dict[str, Any]:
        """The stored fields with those that follow from the record."""
        project = self._store.get(PROJECTS, f"/devops/{document.id.split('/')[2]}/projects/{document.body['project']}")
        name = project.body["name"] if project else ""
        changed = f"{document.changed[:-1]}1Z"
        return {
            "System.Id": document.body["id"],
            "System.TeamProject": name,
            "System.AreaPath": name,
            "System.IterationPath": name,
            "System.Rev": document.body["rev"],
            "System.ChangedDate": changed,
            **document.body["fields"],
        }

    def _wire(self, call: Call, document: Document, wanted: str) -> dict[str, Any]:
        fields = self._fields(document)
        fields["System.CreatedBy"] = identity(call, fields["System.CreatedBy"])
        names = [one.strip().lower() for one in wanted.split(",") if one.strip()]
        shown = {name: value for name, value in fields.items() if not names or name.lower() in names}
        url = address(call, "wit", "workItems", str(document.body["id"]))
        return {"id": document.body["id"], "rev": document.body["rev"], "fields": shown, "url": url}


def _collection(call: Call) -> str:
    return f"{organization_id(call.params['organization'])}/work-items"


def _patched(fields: Mapping[str, Any], rows: Any) -> dict[str, Any]:
    """JSON patch on fields. Relations are not kept here, and a patch that names them is refused."""
    after = dict(fields)
    for row in rows:
        verb, path = str(row.get("op") or "").lower(), str(row.get("path") or "")
        if verb == "test":
            continue
        if not path.startswith("/fields/"):
            raise not_here(f"The sandbox keeps the fields of work items; a patch of '{path}' is not implemented.")
        name = path.removeprefix("/fields/")
        if verb in ("add", "replace"):
            after[name] = row.get("value")
        elif verb == "remove":
            after.pop(name, None)
        else:
            raise invalid(f"A patch has the op add, replace, remove or test; this is '{verb}'.", WORK)
    return after


def _check_revision(document: Document, rows: Any) -> None:
    for row in rows:
        if row.get("op") == "test" and row.get("path") == "/rev" and row.get("value") != document.body["rev"]:
            raise invalid(f"TF26071: This work item has been changed; it is at revision {document.body['rev']}.", WORK)


def _parsed(text: str, project: Document | None) -> Query:
    found = QUERY.match(text.strip())
    if not found:
        raise invalid(f"TF51006: The query is not 'SELECT ... FROM WorkItems ...': '{text}'.", WORK)
    columns = tuple(one.strip().strip("[]") for one in found["columns"].split(","))
    order, _, direction = (found["order"] or "[System.Id]").strip().partition(" ")
    if "," in (found["order"] or ""):
        raise not_here("The sandbox orders a query by one field.")
    tests = _tests(found["where"] or "", project)
    return Query(columns, tests, order.strip("[]"), direction.strip().lower() == "desc")


def _tests(where: str, project: Document | None) -> tuple[Test, ...]:
    rest = where.strip()
    tests: list[Test] = []
    while rest:
        found = CONDITION.match(rest)
        if not found:
            raise not_here(f"The sandbox's queries join simple conditions with AND; it does not read '{rest}'.")
        tests.append(_test(found["field"], found["operator"].lower(), _values(found["value"], project)))
        rest = rest[found.end() :].strip()
        if rest and not rest.lower().startswith("and "):
            raise not_here(f"The sandbox's queries join simple conditions with AND; it does not read '{rest}'.")
        rest = rest[4:].strip()
    return tuple(tests)


def _values(text: str, project: Document | None) -> tuple[str, ...]:
    if text.lower() == "@project":
        return (project.body["name"].lower() if project else "",)
    if text.startswith("@"):
        raise not_here(f"The sandbox's queries know the macro @project; this is '{text}'.")
    quoted = TEXT.findall(text)
    return tuple(one.replace("''", "'").lower() for one in quoted) if quoted else (text,)


def _test(field: str, operator: str, values: tuple[str, ...]) -> Test:
    def holds(fields: Mapping[str, Any]) -> bool:
        actual = str(fields.get(field, "")).lower()
        if operator == "contains":
            return values[0] in actual
        return (actual in values) == (operator != "<>")

    return holds


def _sortable(value: Any) -> tuple[int, float, str]:
    """Numbers before texts, so that a field of either kind can be ordered by."""
    return (0, float(value), "") if isinstance(value, int | float) else (1, 0.0, str(value or ""))
