"""Microsoft.Consumption/budgets of a subscription or a group. Nothing costs here, so that what is spent is always 0."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sandbox.arm.names import GROUP, SUBSCRIPTION
from sandbox.arm.subscriptions import Subscriptions
from sandbox.errors import BadRequest, NotFound, PreconditionFailed
from sandbox.ids import derived_guid
from sandbox.store import Document, Store
from sandbox.store.resources import require_group
from sandbox.wire import Call, Operation, Reply
from sandbox.wire.paging import page

KIND = "microsoft.consumption/budgets"
TYPE = "Microsoft.Consumption/budgets"
GRAINS = ("Monthly", "Quarterly", "Annually", "BillingMonth", "BillingQuarter", "BillingAnnual")
OPERATORS = ("EqualTo", "GreaterThan", "GreaterThanOrEqualTo")
CURRENCY = "USD"
MOST_NOTIFICATIONS = 5


class Budgets:
    """The budgets of the subscription and of its groups."""

    def __init__(self, store: Store, subscriptions: Subscriptions) -> None:
        self._store = store
        self._subscriptions = subscriptions

    def operations(self) -> list[Operation]:
        rows: list[tuple[str, str, str, Callable[[Call], Reply]]] = []
        for scope in (SUBSCRIPTION, GROUP):
            many = f"{scope}/providers/{TYPE}"
            rows += [
                ("budgets_list", "GET", many, self.list),
                ("budgets_create_or_update", "PUT", many + "/{budget}", self.put),
                ("budgets_get", "GET", many + "/{budget}", self.get),
                ("budgets_delete", "DELETE", many + "/{budget}", self.delete),
            ]
        return [Operation(*row) for row in rows]

    def list(self, call: Call) -> Reply:
        self._check_scope(call)
        return page(call, [_answer(one) for one in self._store.list(KIND, call.path)])

    def put(self, call: Call) -> Reply:
        """A change needs the eTag of what is there, as on the service."""
        self._check_scope(call)
        body = call.json()
        properties = dict(body.get("properties") or {})
        _check(properties)
        with self._store.write() as change:
            found = change.get(KIND, call.path)
            if found and body.get("eTag") not in (None, _etag(found)):
                raise PreconditionFailed("412", "The eTag does not match the budget that is there.")
            stored = change.put(KIND, call.path, {"properties": properties}, call.path.rsplit("/", 1)[0])
        return Reply.json(_answer(stored), 200 if found else 201)

    def get(self, call: Call) -> Reply:
        self._check_scope(call)
        return Reply.json(_answer(self._require(call)))

    def delete(self, call: Call) -> Reply:
        self._check_scope(call)
        self._store.delete(KIND, self._require(call).id)
        return Reply(200)

    def _require(self, call: Call) -> Document:
        found = self._store.get(KIND, call.path)
        if found is None:
            raise NotFound("404", f"Budget with name {call.params['budget']} does not exist.")
        return found

    def _check_scope(self, call: Call) -> None:
        self._subscriptions.require(call)
        if "group" in call.params:
            require_group(self._store, call.params)


def _answer(budget: Document) -> dict[str, Any]:
    spent = {"amount": 0, "unit": CURRENCY}
    properties = {**budget.body["properties"], "currentSpend": spent}
    return {"id": budget.id, "name": budget.name, "type": TYPE, "eTag": _etag(budget), "properties": properties}


def _etag(budget: Document) -> str:
    return f'"{derived_guid(budget.id, budget.changed)[:16]}"'


def _check(properties: Mapping[str, Any]) -> None:
    """Raises BadRequest for a budget that the service refuses."""
    if properties.get("category") != "Cost":
        raise _invalid("category is Cost")
    amount = properties.get("amount")
    if not isinstance(amount, int | float) or isinstance(amount, bool) or amount <= 0:
        raise _invalid("amount is a number above 0")
    if properties.get("timeGrain") not in GRAINS:
        raise _invalid(f"timeGrain is one of {', '.join(GRAINS)}")
    _check_period(properties.get("timePeriod") or {})
    notifications = properties.get("notifications") or {}
    if len(notifications) > MOST_NOTIFICATIONS:
        raise _invalid(f"a budget has at most {MOST_NOTIFICATIONS} notifications")
    for name, notification in notifications.items():
        _check_notification(name, notification)


def _check_period(period: Mapping[str, Any]) -> None:
    try:
        start = datetime.fromisoformat(str(period.get("startDate")))
    except ValueError as error:
        raise _invalid("timePeriod.startDate is a date") from error
    if start.day != 1:
        raise _invalid("timePeriod.startDate is the first day of a month")


def _check_notification(name: str, notification: Mapping[str, Any]) -> None:
    if notification.get("operator") not in OPERATORS:
        raise _invalid(f"notifications.{name}.operator is one of {', '.join(OPERATORS)}")
    threshold = notification.get("threshold")
    if not isinstance(threshold, int | float) or isinstance(threshold, bool) or not 0 < threshold <= 1000:
        raise _invalid(f"notifications.{name}.threshold is a percentage, above 0 and at most 1000")
    if not any(notification.get(key) for key in ("contactEmails", "contactRoles", "contactGroups")):
        raise _invalid(f"notifications.{name} names somebody in contactEmails, contactRoles or contactGroups")


def _invalid(rule: str) -> BadRequest:
    return BadRequest("400", f"Invalid budget configuration: {rule}.")
