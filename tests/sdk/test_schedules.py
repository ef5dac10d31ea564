"""Components and schedules through azure-ai-ml: registered, listed, disabled."""

from typing import Any

from tests.sdk.test_jobs import Write


def test_a_component_keeps_its_definition(workspace: Any, environment_name: str, write: Write) -> None:
    from azure.ai.ml import Input, command

    code = write("src/a.py", "print(1)").parent
    component = command(
        name="echo",
        code=str(code),
        command="python a.py ${{inputs.word}}",
        environment=environment_name,
        inputs={"word": Input(type="string", default="hello")},
    ).component
    made = workspace.components.create_or_update(component)
    found = workspace.components.get("echo", made.version)
    assert found.command == "python a.py ${{inputs.word}}"
    assert found.inputs["word"]["default"] == "hello"
    assert [one.name for one in workspace.components.list()] == ["echo"]


def test_a_schedule_is_listed_and_disabled(workspace: Any, cluster: str, environment_name: str, write: Write) -> None:
    from azure.ai.ml import command, dsl
    from azure.ai.ml.entities import JobSchedule, RecurrenceTrigger

    step = command(
        name="tick", code=str(write("src/a.py", "print(1)").parent), command="python a.py", environment=environment_name
    )

    @dsl.pipeline(default_compute="cpu")
    def nightly() -> None:
        step()

    schedule = JobSchedule(name="nightly", trigger=RecurrenceTrigger(frequency="day", interval=1), create_job=nightly())
    workspace.schedules.begin_create_or_update(schedule).result()
    assert [one.name for one in workspace.schedules.list()] == ["nightly"]
    workspace.schedules.begin_disable("nightly").result()
    assert workspace.schedules.get("nightly").is_enabled is False
    assert list(workspace.schedules.list()) == []
    workspace.schedules.begin_delete("nightly").result()
