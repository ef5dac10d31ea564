"""Process templates: the four that every organisation has. The default is Basic, so Agile must be asked for."""

from typing import Any

from sandbox.devops.context import address, collection
from sandbox.devops.front import Action
from sandbox.devops.locations import location
from sandbox.devops.problems import CORE, missing
from sandbox.wire import Call, Reply

DEFAULT = "b8a3a935-7e91-48b8-a94c-606d37c3e9f2"
PROCESSES = {
    "adcc42ab-9882-485e-a3ed-7678f01f66bc": ("Agile", "Plans work as user stories, tasks, bugs and features."),
    DEFAULT: ("Basic", "Plans work as issues, tasks and epics."),
    "6b724908-ef14-45cf-84f8-768b5384da45": ("Scrum", "Plans work as backlog items, tasks, bugs and impediments."),
    "27450541-8e31-4150-9947-dc59f998fc01": ("CMMI", "Plans work as requirements, tasks, change requests and risks."),
}
TYPES = {
    "Agile": ("Epic", "Feature", "User Story", "Task", "Bug", "Issue", "Test Case"),
    "Basic": ("Epic", "Issue", "Task", "Test Case"),
    "Scrum": ("Epic", "Feature", "Product Backlog Item", "Task", "Bug", "Impediment", "Test Case"),
    "CMMI": ("Epic", "Feature", "Requirement", "Task", "Bug", "Change Request", "Risk", "Review", "Issue", "Test Case"),
}
"""Work item types by process."""


class Processes:
    """Read-only: processes cannot be changed here."""

    def actions(self) -> list[Action]:
        row = location("core", "processes")
        return [
            Action("core_processes_list", "GET", row, self.list),
            Action("core_processes_get", "GET", row, self.get, one=True),
        ]

    def list(self, call: Call) -> Reply:
        return collection(_wire(call, guid) for guid in PROCESSES)

    def get(self, call: Call) -> Reply:
        guid = call.params["processId"].lower()
        if guid not in PROCESSES:
            raise missing("Process", f"VS402362: There is no process with the id {guid}.", CORE)
        return Reply.json(_wire(call, guid))


def _wire(call: Call, guid: str) -> dict[str, Any]:
    name, description = PROCESSES[guid]
    return {
        "id": guid,
        "description": description,
        "isDefault": guid == DEFAULT,
        "type": "system",
        "url": address(call, "process", "processes", guid),
        "name": name,
    }
