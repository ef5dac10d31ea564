"""What the two pipelines promise beyond their shape: names, keys, artifacts, and scripts that exist."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
SOLUTION = ROOT / "solution"
FINISHED, STARTER = SOLUTION / "azure-pipelines.yml", ROOT / "azure-pipelines.yml"
# Variable of the pipeline, and where workshop.toml has the same.
SAME = {
    "workshop.suffix": ("attendee", "suffix"),
    "azureml.resourceGroup": ("names", "resource_group"),
    "azureml.workspaceName": ("names", "workspace"),
    "azureml.location": ("azure", "location"),
    "amlcompute.clusterName": ("names", "compute"),
    "amlcompute.vmSize": ("compute", "vm_size"),
    "amlcompute.minNodes": ("compute", "min_nodes"),
    "amlcompute.maxNodes": ("compute", "max_nodes"),
    "aci.name": ("names", "staging"),
    "aks.clusterName": ("names", "kubernetes_cluster"),
    "aks.vmSize": ("compute", "kubernetes_vm_size"),
    "aks.agentCount": ("compute", "kubernetes_nodes"),
    "aks.endpointName": ("names", "production"),
}


def load(path: Path) -> dict[str, Any]:
    """A file as plain data."""
    document: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return document


def steps(node: Any, folder: Path) -> Iterator[dict[str, Any]]:
    """Every step beneath a node, those of the step templates included, in order."""
    if isinstance(node, list):
        for one in node:
            yield from steps(one, folder)
    elif isinstance(node, dict):
        if "template" in node:
            yield node
            yield from steps(load(folder / node["template"])["steps"], folder)
        elif {"task", "bash", "script", "checkout", "download", "publish"} & set(node):
            yield node
        else:
            for value in node.values():
                yield from steps(value, folder)


def stage(name: str) -> list[dict[str, Any]]:
    """The steps of one stage of the finished pipeline."""
    found = next(one for one in load(FINISHED)["stages"] if one["stage"] == name)
    return list(steps(found["jobs"], SOLUTION))


@pytest.mark.parametrize("file", [FINISHED, STARTER], ids=["finished", "starter"])
def test_variables_and_workshop_file_agree(file: Path) -> None:
    """One attendee has one set of names, whether a step runs on a laptop or in the pipeline."""
    workshop, variables = tomllib.loads((ROOT / "workshop.toml").read_text(encoding="utf-8")), load(file)["variables"]
    for variable, (table, key) in SAME.items():
        expected = str(workshop[table][key]).replace("{suffix}", "$(workshop.suffix)")
        assert str(variables[variable]) == expected, variable


def test_every_variable_reaches_the_steps() -> None:
    """The scripts read each of them by the name that the agent gives it in a step's environment."""
    source = (SOLUTION / "workshop.py").read_text(encoding="utf-8")
    for variable, (table, key) in SAME.items():
        name = variable.upper().replace(".", "_")
        assert f'"{name}": ("{table}", "{key}")' in source or name == "WORKSHOP_SUFFIX", name


def test_every_script_that_is_named_exists() -> None:
    """A renamed script is found here, not in minute 20 of a run."""
    texts = [path.read_text(encoding="utf-8") for path in (FINISHED, *(SOLUTION / "pipelines").glob("*.yml"))]
    named = {name for text in texts for name in re.findall(r"solution/[\w/.-]+\.(?:py|txt|yml)", text)}
    assert len(named) >= 10
    assert [name for name in sorted(named) if not (ROOT / name).is_file()] == []


def test_the_stages_are_the_workshops() -> None:
    """Build, staging, production, each after the one before; the last two deploy into their environments."""
    document = load(FINISHED)
    assert [one["stage"] for one in document["stages"]] == ["Build", "Staging", "Production"]
    assert [one.get("dependsOn") for one in document["stages"]] == [None, "Build", "Staging"]
    deployments = [job for one in document["stages"] for job in one["jobs"] if "deployment" in job]
    assert [job["environment"] for job in deployments] == ["diabetes-staging", "diabetes-production"]
    assert all(list(job["strategy"]) == ["runOnce"] for job in deployments)
    assert document["trigger"]["branches"]["include"] == ["main"]
    assert document["pr"] == "none"


def test_nothing_is_checked_out_after_the_build() -> None:
    """What is deployed is what was built: it comes in the artifact."""
    assert [step for step in stage("Build") if "checkout" in step]
    for name in ("Staging", "Production"):
        assert not [step for step in stage(name) if "checkout" in step]
        assert next(step["artifact"] for step in stage(name) if "download" in step) == "drop"


def test_the_finished_pipeline_packages_once() -> None:
    """Only the build stage makes an image; the stages after it promote that one."""
    scripts = {name: str(stage(name)) for name in ("Build", "Staging", "Production")}
    assert [name for name, text in scripts.items() if "image/package.py" in text] == ["Build"]


def test_every_key_stays_off_the_command_line_and_in_its_stage() -> None:
    """A key goes from a file into a masked variable into the environment of one step; no artifact has it."""
    tests = list(steps(load(SOLUTION / "pipelines" / "integration-tests.yml")["steps"], SOLUTION))
    assert tests[0]["bash"].count("variable=scoring.key;isSecret=true") == 1
    assert [step.get("env") for step in tests if "pytest" in step.get("bash", "")] == [
        {"SCORING_KEY": "$(scoring.key)"}
    ]
    for name in ("Staging", "Production"):
        for step in stage(name):
            command = str(step.get("bash", "")) + str(step.get("inputs", {}).get("inlineScript", ""))
            assert "$(scoring.key)" not in command
            assert "$(staging.key)" not in command
        published = [step["publish"] for step in stage(name) if "publish" in step]
        assert published
        assert not [path for path in published if "Agent.TempDirectory" in path]
        key_files = re.findall(r'--key-file "([^"]+)"', str(stage(name)))
        assert key_files == ["$(Agent.TempDirectory)/scoring.key"]


def test_results_are_published_when_tests_fail() -> None:
    """A red test without its report is a riddle."""
    for name in ("Build", "Staging", "Production"):
        published = [step for step in stage(name) if step.get("task") == "PublishTestResults@2"]
        assert [step["condition"] for step in published] == ["succeededOrFailed()"], name


def test_the_service_connection_has_one_name() -> None:
    """The connection that module 4 makes, wherever a task signs in."""
    tasks = [step for name in ("Build", "Staging", "Production") for step in stage(name) if "task" in step]
    signing = [step["inputs"] for step in tasks if step["task"].startswith("AzureCLI@")]
    assert len(signing) == 8
    assert {inputs["azureSubscription"] for inputs in signing} == {"MyAzureSubscription"}
    assert not [inputs for inputs in signing if inputs.get("addSpnToEnvironment")]


def test_a_change_of_the_training_starts_a_run_and_a_page_does_not() -> None:
    """The exercise of module 10 edits workshop.toml."""
    paths = load(FINISHED)["trigger"]["paths"]
    assert {"solution", "labs/data", "workshop.toml"} <= set(paths["include"])
    assert "README.md" not in paths["include"]
