"""Microsoft's own language service finds nothing in the pipelines that attendees see (azure-pipelines.md, 1).

It says that a file has the right shape, not that it runs. The service is an npm package, its schema is part of a PyPI
package; both are fetched once and kept in pytest's cache. Without node or a registry the tests are skipped.
"""

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.node import fetch, install_packages

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = Path(__file__).with_name("language_service.js")
PACKAGES = ("azure-pipelines-language-service@0.9.2", "azure-pipelines-language-server@0.9.3")
SCHEMA_PACKAGE = "check-jsonschema==0.39.0"
SCHEMA = "check_jsonschema/builtin_schemas/vendor/azure-pipelines.json"
PIPELINES = (
    ROOT / "azure-pipelines.yml",
    ROOT / "solution" / "azure-pipelines.yml",
    *sorted((ROOT / "solution" / "pipelines").glob("*.yml")),
)
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("language-service")]


@pytest.fixture(scope="module")
def service(request: pytest.FixtureRequest) -> Path:
    """The folder that has the service and its schema; what can be had only from a registry is had once."""
    folder = install_packages(Path(request.config.cache.mkdir("language-service")), *PACKAGES)
    if not (folder / SCHEMA).is_file():
        fetch(
            [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", str(folder), SCHEMA_PACKAGE], folder
        )
        with zipfile.ZipFile(next(folder.glob("check_jsonschema-*.whl"))) as wheel:
            wheel.extract(SCHEMA, folder)
    return folder


def findings(folder: Path, *files: Path) -> dict[str, list[dict[str, Any]]]:
    """What the service says about each file."""
    command = ["node", str(SCRIPT), SCHEMA, *map(str, files)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode in (0, 1), f"exit code {done.returncode}: {done.stdout}{done.stderr}"
    return {Path(one["file"]).name: one["problems"] for one in json.loads(done.stdout)}


@pytest.mark.parametrize("file", PIPELINES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_service_finds_nothing(service: Path, file: Path) -> None:
    """Not even a warning: an editor with Microsoft's extension shows the attendee a clean file."""
    assert findings(service, file) == {file.name: []}


def test_the_service_sees_what_is_wrong(service: Path, tmp_path: Path) -> None:
    """The comparison above is one that can fail: a misspelt key, an unknown task and a missing input are found."""
    text = (ROOT / "solution" / "pipelines" / "python.yml").read_text(encoding="utf-8")
    misspelt, unknown, missing = (tmp_path / name for name in ("misspelt.yml", "unknown.yml", "missing.yml"))
    misspelt.write_text(text.replace("displayName: Install", "dispayName: Install"), encoding="utf-8")
    unknown.write_text(text.replace("UsePythonVersion@0", "UsePythonVersions@0"), encoding="utf-8")
    missing.write_text("steps:\n- task: AzureCLI@2\n  inputs:\n    scriptType: bash\n", encoding="utf-8")
    found = findings(service, misspelt, unknown, missing)
    assert [name for name, problems in found.items() if not problems] == []
