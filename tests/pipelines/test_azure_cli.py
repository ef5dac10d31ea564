"""AzureCLI with an `az` on the PATH: which commands it is given, in which configuration, and that nothing is left.

The `az` here is a script that writes down how it was called: Azure's own is driven by tests/az.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.pipelines.events import Event, LogLines
from sandbox.pipelines.expressions.contexts import Result
from sandbox.pipelines.loading import load_file
from sandbox.pipelines.running.host import ServiceConnection
from sandbox.pipelines.running.local import LocalHost, LocalSettings, connection_of_environment
from sandbox.pipelines.running.runs import PipelineRun
from sandbox.pipelines.running.settings import RunOutcome, RunRequest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="written for a POSIX shell")

Write = Callable[[str, str], Path]
AZ = """#!/bin/sh
test -d "$AZURE_CONFIG_DIR" || mkdir -p "$AZURE_CONFIG_DIR"
touch "$AZURE_CONFIG_DIR/session"
echo "$AZURE_CONFIG_DIR $*" >> "$CALLS"
test "$1 $2" != "login --refused"
"""
PIPELINE = """
steps:
- checkout: none
- task: AzureCLI@2
  inputs:
    azureSubscription: MyAzure
    scriptType: bash
    scriptLocation: inlineScript
    inlineScript: az acr list
"""
KEY = "the-key-of-the-connection"


def run(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *login: tuple[str, ...]
) -> tuple[RunOutcome, list[str], list[str]]:
    """The outcome, the calls of az, the lines of the log."""
    write("bin/az", AZ).chmod(0o755)
    calls = tmp_path / "calls"
    calls.touch()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
    monkeypatch.setenv("CALLS", str(calls))
    connection = ServiceConnection("MyAzure", "t", "s", "c", KEY, login=login, secrets=(KEY,))
    file = write("repo/azure-pipelines.yml", PIPELINE)
    lines: list[str] = []

    def watch(event: Event) -> None:
        if isinstance(event, LogLines):
            lines.extend(event.lines)

    host = LocalHost(LocalSettings(tmp_path / "run", file.parent, connections={"myazure": connection}))
    outcome = PipelineRun(RunRequest(load_file(file, file.parent).plan, 1), host, watch).run()
    return outcome, calls.read_text().splitlines(), lines


def test_it_signs_in_runs_and_leaves_no_session(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    login = (("login", "--service-principal", f"-p={KEY}"), ("account", "set", "--subscription", "s"))
    outcome, calls, lines = run(write, tmp_path, monkeypatch, *login)
    assert outcome.result == Result.SUCCEEDED
    folders = {call.split(" ")[0] for call in calls}
    assert [call.partition(" ")[2] for call in calls] == [" ".join(one) for one in (*login, ("acr", "list"))]
    assert len(folders) == 1 and not Path(folders.pop()).exists()
    assert "##[command]az login --service-principal -p=***" in lines
    assert not any(KEY in line for line in lines)


def test_a_refused_sign_in_fails_before_the_script(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome, calls, lines = run(write, tmp_path, monkeypatch, ("login", "--refused"))
    assert outcome.result == Result.FAILED
    assert len(calls) == 1
    assert any("Azure login failed: az login exited with code '1'." in line for line in lines)


def test_the_identity_of_the_environment(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("federated\n")
    known = {"AZURE_CLIENT_ID": "c", "AZURE_TENANT_ID": "t", "AZURE_SUBSCRIPTION_ID": "s", "OTHER": "x"}
    assert connection_of_environment("n", known) is None
    with_key = connection_of_environment("n", {**known, "AZURE_CLIENT_SECRET": KEY})
    assert with_key is not None and with_key.secrets == (KEY,) and "OTHER" not in with_key.environment
    with_token = connection_of_environment("n", {**known, "AZURE_FEDERATED_TOKEN_FILE": str(token)})
    assert with_token is not None and with_token.id_token == "federated"
    assert with_token.login[0][-4:-2] == ("--federated-token", "federated")
