"""Data, environments, components and models through azure-ai-ml."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Write = Callable[[str, str], Path]


def data_asset(path: Path, name: str = "rows", **options: Any) -> Any:
    from azure.ai.ml.constants import AssetTypes
    from azure.ai.ml.entities import Data

    kind = AssetTypes.URI_FOLDER if path.is_dir() else AssetTypes.URI_FILE
    return Data(name=name, path=str(path), type=kind, **options)


def test_a_file_becomes_versions_one_and_two(workspace: Any, write: Write) -> None:
    first = workspace.data.create_or_update(data_asset(write("rows.csv", "a,b\n1,2\n")))
    second = workspace.data.create_or_update(data_asset(write("rows.csv", "a,b\n3,4\n")))
    assert (first.version, second.version) == ("1", "2")
    assert first.path != second.path
    assert workspace.data.get("rows", label="latest").version == "2"
    assert [one.version for one in workspace.data.list("rows")] == ["2", "1"]


def test_a_folder_is_uploaded_whole_and_once(workspace: Any, write: Write) -> None:
    write("set/one.csv", "1")
    folder = write("set/deep/two.csv", "2").parent.parent
    first = workspace.data.create_or_update(data_asset(folder, "folder"))
    again = workspace.data.create_or_update(data_asset(folder, "folder"))
    assert first.path == again.path
    assert first.path.endswith("/")


def test_what_an_asset_points_at_never_changes(workspace: Any, write: Write) -> None:
    from azure.core.exceptions import HttpResponseError

    workspace.data.create_or_update(data_asset(write("rows.csv", "1"), version="7"))
    with pytest.raises(HttpResponseError, match="cannot be changed"):
        workspace.data.create_or_update(data_asset(write("rows.csv", "2"), version="7"))


def test_archived_data_is_hidden_and_comes_back(workspace: Any, write: Write) -> None:
    workspace.data.create_or_update(data_asset(write("rows.csv", "1")))
    workspace.data.archive("rows")
    assert list(workspace.data.list()) == []
    workspace.data.restore("rows")
    assert [one.name for one in workspace.data.list()] == ["rows"]


def test_environments_are_versioned_and_checked(workspace: Any, write: Write) -> None:
    from azure.ai.ml.entities import Environment
    from azure.core.exceptions import HttpResponseError

    conda = write("conda.yml", "dependencies:\n  - python=3.12\n  - pip:\n      - numpy==2.4.6\n")
    made = workspace.environments.create_or_update(Environment(name="train", image="python:3.12", conda_file=conda))
    assert (made.name, made.version) == ("train", "1")
    assert workspace.environments.get("train", label="latest").version == "1"
    broken = write("broken.yml", "name: nothing\n")
    with pytest.raises(HttpResponseError, match="no list of dependencies"):
        workspace.environments.create_or_update(Environment(name="bad", image="python:3.12", conda_file=broken))


def test_two_models_of_one_name_are_versions_one_and_two_with_the_same_bytes(
    workspace: Any, write: Write, tmp_path: Path
) -> None:
    from azure.ai.ml.entities import Model

    contents = [os.urandom(1000), os.urandom(2000)]
    for content in contents:
        path = tmp_path / "model.bin"
        path.write_bytes(content)
        workspace.models.create_or_update(Model(name="diabetes", path=str(path), type="custom_model"))
    assert [one.version for one in workspace.models.list("diabetes")] == ["2", "1"]
    for version, content in enumerate(contents, start=1):
        target = tmp_path / f"download-{version}"
        workspace.models.download("diabetes", str(version), download_path=str(target))
        assert [one.read_bytes() for one in target.rglob("model.bin")] == [content]


@pytest.mark.slow
def test_a_model_of_seventy_megabytes_travels_in_blocks(workspace: Any, tmp_path: Path) -> None:
    from azure.ai.ml.entities import Model

    path = tmp_path / "large.bin"
    block = os.urandom(1024 * 1024)
    with path.open("wb") as file:
        for number in range(70):
            file.write(number.to_bytes(4, "big") + block[4:])
    workspace.models.create_or_update(Model(name="large", path=str(path), type="custom_model"))
    workspace.models.download("large", "1", download_path=str(tmp_path / "down"))
    found = next((tmp_path / "down").rglob("large.bin"))
    assert found.read_bytes() == path.read_bytes()


def test_archiving_and_tagging_a_model(workspace: Any, write: Write) -> None:
    from azure.ai.ml.entities import Model

    made = workspace.models.create_or_update(Model(name="m", path=str(write("m.txt", "1")), type="custom_model"))
    made.tags["stage"] = "production"
    workspace.models.create_or_update(made)
    assert workspace.models.get("m", "1").tags == {"stage": "production"}
    workspace.models.archive("m", version="1")
    assert list(workspace.models.list("m")) == []


def test_an_mlflow_model_without_its_file_is_refused(workspace: Any, write: Write) -> None:
    from azure.ai.ml.entities import Model
    from azure.core.exceptions import HttpResponseError

    folder = write("model/weights.txt", "1").parent
    with pytest.raises(HttpResponseError, match="MLmodel"):
        workspace.models.create_or_update(Model(name="m", path=str(folder), type="mlflow_model"))
