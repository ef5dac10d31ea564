"""What the agent-side steps decide before they call Azure: settings, passport, the gate's memory, build context."""

import gzip
import io
import json
import os
import stat
import subprocess
import sys
import tarfile
import threading
import tomllib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import package
import pytest
import register
import release
import staging
import submit_evaluation
import submit_training
import workshop

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*(should not be instantiated|class Meta)"
)  # azure-ai-ml, at its import
ROOT = Path(__file__).resolve().parents[3]
SOLUTION = ROOT / "solution"
STEPS = sorted(
    path
    for path in SOLUTION.rglob("*.py")
    if "tests" not in path.parts
    and path.name not in {"workshop.py", "release.py", "score.py", "train.py", "evaluate.py", "drift.py"}
)
# What comes after a release reads no passport.
AFTERWARDS = {
    "blue_green": ["roll-back"],
    "send": [],
    "submit_drift": ["--window", "of-nobody"],
    "monitor": [],
    "false_alarms": ["--draws", "none"],
    "by_group": [],
    "model_card": ["write"],
}
PASSPORT: dict[str, Any] = {
    "format": 1,
    "source": {"commit": "c" * 40, "build": "17"},
    "data": {"data": "diabetes-abc:1", "holdout": "diabetes-holdout-abc:1"},
    "training": {"job": "kind_pear", "alpha": 0.25, "mse": 3019.4, "r2": 0.48, "test_size": 0.2},
    "evaluation": {"job": "calm_fig", "candidate": "kind_pear", "accepted": True, "against": "none", "mse": 2963.0},
}


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of the shell that runs the tests decides what they see."""
    for name in ("WORKSHOP_SUFFIX", "AZURE_SUBSCRIPTION_ID", "AZURE_LOCATION", "ARM_CLOUD_METADATA_URL"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AZUREML_CURRENT_CLOUD", "BUILD_SOURCEVERSION", "BUILD_BUILDID", *workshop.PIPELINE_VARIABLES):
        monkeypatch.delenv(name, raising=False)
    workshop.cloud_options.cache_clear()


def test_every_name_carries_the_suffix(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment's suffix wins over the file's, in every name."""
    monkeypatch.setenv("WORKSHOP_SUFFIX", "xyz9")
    names = vars(workshop.load().names)
    assert len(names) == 15
    assert all("xyz9" in name for name in names.values()), names


@pytest.mark.parametrize("suffix", ["ab", "Abc", "abc-d", "abcdefghi"])
def test_a_bad_suffix_is_said(monkeypatch: pytest.MonkeyPatch, suffix: str) -> None:
    """Azure's own message about a bad registry name comes ten minutes later and names a rule nobody knows."""
    monkeypatch.setenv("WORKSHOP_SUFFIX", suffix)
    with pytest.raises(workshop.ConfigurationError, match="3 to 8 lower-case letters and digits"):
        workshop.load()


def test_the_pipelines_variables_win(monkeypatch: pytest.MonkeyPatch) -> None:
    """The block at the top of azure-pipelines.yml decides; what it does not name stays the file's."""
    monkeypatch.setenv("AZUREML_RESOURCEGROUP", "ada-aidevcollege")
    monkeypatch.setenv("AZUREML_LOCATION", "northeurope")
    monkeypatch.setenv("AMLCOMPUTE_MAXNODES", "4")
    settings = workshop.load()
    assert settings.names.resource_group == "ada-aidevcollege"
    assert settings.location == "northeurope"
    assert settings.compute.max_nodes == 4
    assert settings.names.workspace == "mlw-diabetes-abc"


@pytest.mark.parametrize(
    ("variable", "text", "message"),
    [
        ("AZUREML_RESOURCEGROUP", "rg-$(workshop.sufix)", r"no variable of the name inside \$\( \)"),
        ("AMLCOMPUTE_MAXNODES", "two", "expected a whole number"),
    ],
)
def test_a_variable_that_cannot_be_used_is_said(
    variable: str, text: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An agent leaves the name of an unknown variable as it is; Azure would complain about the dollar much later."""
    monkeypatch.setenv(variable, text)
    with pytest.raises(workshop.ConfigurationError, match=message):
        workshop.load()


def test_every_variable_of_the_pipeline_names_a_setting() -> None:
    """A table or key that workshop.toml does not have would be ignored without a word."""
    document = tomllib.loads((ROOT / "workshop.toml").read_text(encoding="utf-8"))
    assert [one for one in workshop.PIPELINE_VARIABLES.values() if one[1] not in document[one[0]]] == []


def test_a_shell_reads_one_value_of_the_passport(tmp_path: Path) -> None:
    """The value alone on the line; what is not there names the step that writes it."""
    path = tmp_path / "release.json"
    release.write(path, PASSPORT)
    command = [sys.executable, str(SOLUTION / "release.py"), "--release", str(path)]
    assert run([*command, "training.job"]).stdout == "kind_pear\n"
    lost = run([*command, "staging.url"])
    assert (lost.returncode, lost.stdout) == (2, "")
    assert "run solution/deployment/staging.py first" in lost.stderr
    assert "is no section.key" in run([*command, "url"]).stderr


def test_staging_takes_the_key_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret variable of the pipeline; one that nobody set arrives as the text of its own macro."""
    monkeypatch.setenv("STAGING_KEY", "chosen")
    assert staging.scoring_key() == "chosen"
    monkeypatch.setenv("STAGING_KEY", "$(staging.key)")
    made = staging.scoring_key()
    assert len(made) > 30
    monkeypatch.delenv("STAGING_KEY")
    assert staging.scoring_key() not in ("", made)


def test_an_incomplete_table_is_said() -> None:
    """The message names the table and the key."""
    with pytest.raises(workshop.ConfigurationError, match=r"\[gate\].*baseline_share"):
        workshop.section(workshop.Gate, "gate", {"tolerance": 0.05})


def test_the_public_cloud_needs_no_options() -> None:
    """The SDK's defaults are right on Azure."""
    assert workshop.cloud_options() == {}


class Metadata(BaseHTTPRequestHandler):
    """Answers with a metadata document of two clouds, the second of them at the address that was asked."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        """Answers one request."""
        self.asked.append(self.path)
        here = f"http://{self.headers['Host']}/"
        clouds = [{"name": "AzureOther", "resourceManager": "https://management.other.example/"}]
        body = json.dumps([*clouds, {"name": "AzurePrivate", "resourceManager": here}]).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Keeps the test's output clean."""


@pytest.fixture
def metadata_url() -> Iterator[str]:
    """The address of a metadata document on loopback."""
    with HTTPServer(("127.0.0.1", 0), Metadata) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/metadata/endpoints?api-version=2019-05-01"
        server.shutdown()
        thread.join()


def test_another_cloud_is_read_from_its_metadata(monkeypatch: pytest.MonkeyPatch, metadata_url: str) -> None:
    """Address and scope come from the cloud of the document's own address, or from the named one; asked once."""
    monkeypatch.setenv("ARM_CLOUD_METADATA_URL", metadata_url)
    Metadata.asked.clear()
    address = metadata_url.partition("/metadata")[0]
    for _ in range(3):
        assert workshop.cloud_options() == {"base_url": address, "credential_scopes": [f"{address}/.default"]}
    assert len(Metadata.asked) == 1
    workshop.cloud_options.cache_clear()
    monkeypatch.setenv("AZUREML_CURRENT_CLOUD", "AzureOther")
    assert workshop.cloud_options()["base_url"] == "https://management.other.example"


def test_a_cloud_that_does_not_answer_is_said(monkeypatch: pytest.MonkeyPatch, metadata_url: str) -> None:
    """Nothing listens on port 9 of loopback."""
    monkeypatch.setenv("ARM_CLOUD_METADATA_URL", "http://127.0.0.1:9/metadata")
    with pytest.raises(workshop.ConfigurationError, match=r"ARM_CLOUD_METADATA_URL is http://127\.0\.0\.1:9/metadata"):
        workshop.cloud_options()
    monkeypatch.setenv("ARM_CLOUD_METADATA_URL", metadata_url)
    monkeypatch.setenv("AZUREML_CURRENT_CLOUD", "AzureNowhere")
    with pytest.raises(workshop.ConfigurationError, match="no cloud AzureNowhere"):
        workshop.cloud_options()


def test_a_section_written_again_voids_the_later_ones(tmp_path: Path) -> None:
    """A new training must not be registered on an old gate's word."""
    path = tmp_path / "build" / "release.json"
    release.write(path, PASSPORT)
    release.extend(path, "training", {"job": "new_plum"})
    document = release.read(path)
    assert document["training"] == {"job": "new_plum"}
    assert document["data"] == PASSPORT["data"]
    assert "evaluation" not in document
    assert [entry.name for entry in path.parent.iterdir()] == ["release.json"]


def test_a_missing_value_names_the_step_that_writes_it() -> None:
    """What to type next is in the message."""
    with pytest.raises(workshop.ConfigurationError, match=r"no model\.version yet: run solution/training/register\.py"):
        release.need(PASSPORT, "model", "version")
    assert set(release.WRITTEN_BY) == set(release.SECTIONS)
    assert all((SOLUTION / script).is_file() for script in release.WRITTEN_BY.values())


@pytest.mark.parametrize("content", ["{", "[]", '{"format": 99}'])
def test_a_file_that_is_no_passport_is_said(tmp_path: Path, content: str) -> None:
    """A broken file is not taken for an empty one."""
    (tmp_path / "release.json").write_text(content)
    with pytest.raises(workshop.ConfigurationError, match=r"release\.json"):
        release.read(tmp_path / "release.json")


def test_the_pipeline_says_where_a_release_comes_from(monkeypatch: pytest.MonkeyPatch) -> None:
    """On Azure Pipelines its variables, elsewhere git."""
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()
    assert release.source() == {"commit": head, "build": "local"}
    monkeypatch.setenv("BUILD_SOURCEVERSION", "d" * 40)
    monkeypatch.setenv("BUILD_BUILDID", "42")
    assert release.source() == {"commit": "d" * 40, "build": "42"}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such file modes")
def test_a_key_file_is_private(tmp_path: Path) -> None:
    """Also where an old file was not."""
    path = tmp_path / "build" / "staging.key"
    path.parent.mkdir()
    path.write_text("old")
    path.chmod(0o644)
    release.write_key(path, "new")
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("new", 0o600)


def test_only_the_accepted_job_is_registered() -> None:
    """The gate must have said yes, and to this job."""
    assert register.require_acceptance(PASSPORT) == "kind_pear"
    for change in ({"accepted": False}, {"accepted": "yes"}, {"candidate": "old_plum"}):
        refused = {**PASSPORT, "evaluation": {**PASSPORT["evaluation"], **change}}
        with pytest.raises(workshop.StepError, match="has not accepted the model of job kind_pear"):
            register.require_acceptance(refused)


def test_the_tags_lead_back_to_the_commit() -> None:
    """Every tag has a value, as text: Azure takes nothing else."""
    tags = register.tags(PASSPORT)
    assert {"commit", "build", "data", "job", "mse", "r2", "alpha", "test_size", "evaluated_against"} <= set(tags)
    assert all(isinstance(value, str) and value for value in tags.values())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/subscriptions/s/resourceGroups/g/providers/x/workspaces/w/models/diabetes-abc/versions/7", "diabetes-abc:7"),
        ("azureml:/subscriptions/s/resourceGroups/g/providers/x/workspaces/w/models/m/versions/12", "m:12"),
        ("azureml:diabetes-abc:3", "diabetes-abc:3"),
        ("", None),
        ("/subscriptions/s/environments/e/versions/1", None),
    ],
)
def test_a_model_is_known_in_both_forms(text: str, expected: str | None) -> None:
    """A deployment names its model by resource id or by name and version."""
    assert submit_evaluation.model_reference(text) == expected


def test_the_training_command_has_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Test size and seed of workshop.toml reach train.py; data and hold-out are inputs: the job's lineage has them."""
    monkeypatch.setenv("WORKSHOP_SUFFIX", "abc")
    settings = workshop.load()
    job = submit_training.training_job(settings, PASSPORT)
    assert str(job.command).endswith(f"--test-size {settings.training.test_size} --seed {settings.training.seed}")
    assert {name: value.path for name, value in (job.inputs or {}).items()} == {
        "data": "azureml:diabetes-abc:1",
        "holdout": "azureml:diabetes-holdout-abc:1",
    }
    assert (job.compute, (job.tags or {}).get("commit")) == (settings.names.compute, "c" * 40)


def test_the_evaluation_reads_production_only_when_there_is_one() -> None:
    """The second rule has a model to compare with, or is left out of the command."""
    settings = workshop.load()
    first = submit_evaluation.evaluation_job(settings, PASSPORT, None)
    assert "--production" not in str(first.command)
    assert set(first.inputs) == {"candidate", "holdout"}
    later = submit_evaluation.evaluation_job(settings, PASSPORT, "diabetes-abc:3")
    assert str(later.command).endswith("--production ${{inputs.production}} --production-name diabetes-abc:3")
    assert later.inputs["production"].path == "azureml:diabetes-abc:3"


def test_one_context_is_one_archive(tmp_path: Path) -> None:
    """Time and owner of the files do not reach the archive; the model lies where the server looks for it."""
    model = tmp_path / "model" / "diabetes" / "1"
    model.mkdir(parents=True)
    (model / "model.json").write_text("{}")
    (tmp_path / "score.py").write_text("x = 1\n")
    first = package.pack(tmp_path)
    os.utime(tmp_path / "score.py", (1, 1))
    (tmp_path / "score.py").chmod(0o600)
    assert package.pack(tmp_path) == first
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(first))) as archive:
        assert archive.getnames() == [
            "model",
            "model/diabetes",
            "model/diabetes/1",
            "model/diabetes/1/model.json",
            "score.py",
        ]


def test_another_scikit_learn_is_refused() -> None:
    """Unpickling with another version than the one that wrote is a guess."""
    package.require_same_library({"scikit_learn": pinned("image/requirements.txt")}, "m:1")
    with pytest.raises(workshop.StepError, match=r"trained with scikit-learn 0\.1"):
        package.require_same_library({"scikit_learn": "0.1"}, "m:1")


def pinned(name: str) -> str:
    """Returns the scikit-learn version that a file of the solution asks for."""
    lines = (SOLUTION / name).read_text(encoding="utf-8").splitlines()
    return next(line.partition("==")[2].strip() for line in lines if "scikit-learn==" in line)


def test_job_and_image_agree_on_their_libraries() -> None:
    """The model is read with what wrote it."""
    assert pinned("image/requirements.txt") == pinned("conf/train-environment.yml")


@pytest.mark.parametrize("step", STEPS, ids=lambda path: path.stem)
def test_a_step_runs_from_the_repository_root(step: Path, tmp_path: Path) -> None:
    """--help is 0 and imports no Azure SDK; an unknown option is 2, and so is what is not there, with what to type."""
    script = str(step.relative_to(ROOT))
    helped = run([sys.executable, "-X", "importtime", script, "--help"])
    assert helped.returncode == 0, helped.stderr
    assert "azure.core" not in helped.stderr
    assert run([sys.executable, script, "--no-such-option"]).returncode == 2
    options = AFTERWARDS.get(step.stem, ["--release", str(tmp_path / "release.json")])
    options = [] if step.stem == "provision" else options
    lost = run([sys.executable, script, *options])
    assert lost.returncode == 2, lost.stderr
    assert "Traceback" not in lost.stderr
    if step.stem != "false_alarms":  # it needs nothing but the data
        assert "run solution/" in lost.stderr or "AZURE_SUBSCRIPTION_ID" in lost.stderr


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    """Runs a command from the repository root."""
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_solution_knows_azure_only() -> None:
    """It would run unchanged on Azure: no word of what stands in for it, and no import of our own programs."""
    tracked = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "solution"]
    files = subprocess.run(tracked, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    assert "solution/workshop.py" in files
    for name in files:
        words = (ROOT / name).read_text(encoding="utf-8").lower()
        assert not [word for word in ("sandbox", "checker", "127.0.0.1", "localhost") if word in words], name
