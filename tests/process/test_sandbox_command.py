"""The `sandbox` command: what it prints, its exit codes, and one screen for each bad input."""

import json
import socket
import sqlite3
from pathlib import Path

import pytest

from tests.conftest import Sandbox, free_port, run_sandbox, start_sandbox, stop_sandbox


def assert_one_screen(text: str) -> None:
    """Seen, expected and the next command, without a traceback."""
    assert [line.split()[0] for line in text.strip().splitlines()] == ["seen", "expected", "next"], text


def test_a_taken_port_is_named_with_a_free_one(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run_sandbox("up", "--port", str(port), state=tmp_path / "state", check=False)
    assert done.returncode == 2
    assert_one_screen(done.stderr)
    assert f"127.0.0.1:{port}" in done.stderr
    assert "sandbox up --port" in done.stderr


@pytest.mark.parametrize("port", ["0", "70000", "abc"])
def test_a_wrong_port_is_a_usage_error(tmp_path: Path, port: str) -> None:
    done = run_sandbox("up", "--port", port, state=tmp_path / "state", check=False)
    assert done.returncode == 2
    assert "--port" in done.stderr


def test_a_state_folder_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    database = sqlite3.connect(state / "sandbox.db")
    database.execute("PRAGMA user_version = 99")
    database.close()
    done = run_sandbox("up", "--port", str(free_port()), state=state, check=False)
    assert done.returncode == 2
    assert_one_screen(done.stderr)
    assert "newer sandbox (schema 99)" in done.stderr


@pytest.mark.parametrize("command", [("env",), ("fault", "workspaces_get")])
def test_without_a_server_the_next_command_is_up(tmp_path: Path, command: tuple[str, ...]) -> None:
    done = run_sandbox(*command, state=tmp_path / "state", check=False)
    assert done.returncode == 2
    assert_one_screen(done.stderr)
    assert "sandbox up --detach" in done.stderr


def test_status_says_no_with_exit_code_one(tmp_path: Path) -> None:
    done = run_sandbox("status", "--json", state=tmp_path / "state", check=False)
    assert done.returncode == 1
    assert json.loads(done.stdout)["running"] is False


def test_stopping_what_does_not_run_is_no_error(tmp_path: Path) -> None:
    assert "No sandbox runs" in run_sandbox("down", state=tmp_path / "state").stdout


def test_up_status_env_logs_reset(tmp_path: Path) -> None:
    state = tmp_path / "state"
    started = start_sandbox(state)
    status = json.loads(run_sandbox("status", "--json", state=state).stdout)
    assert (status["running"], status["address"]) == (True, started.base)
    shell = run_sandbox("env", state=state).stdout
    assert f"export ARM_CLOUD_METADATA_URL='{started.base}/metadata/endpoints" in shell
    power = run_sandbox("env", "--format", "powershell", state=state).stdout
    assert "$env:AZURE_CLIENT_SECRET = '" in power
    recipe = json.loads(run_sandbox("env", "--az", "--format", "json", state=state).stdout)
    assert any("az cloud register" in line for line in recipe["commands"])
    assert '"message": "ready"' in run_sandbox("logs", state=state).stdout
    run_sandbox("reset", "--yes", state=state)
    assert not state.exists()


def test_reset_touches_only_a_state_folder(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis.txt").write_text("years of work")
    done = run_sandbox("reset", "--yes", state=precious, check=False)
    assert done.returncode == 2
    assert (precious / "thesis.txt").read_text() == "years of work"


def test_an_asked_for_fault_meets_the_next_call_only(sandbox: Sandbox) -> None:
    import requests

    run_sandbox("fault", "cloud_metadata_get", "--status", "429", "--retry-after", "7", state=sandbox.state)
    url = sandbox.environment["ARM_CLOUD_METADATA_URL"]
    answers = [requests.get(url, timeout=10) for _ in range(2)]
    assert [one.status_code for one in answers] == [429, 200]
    assert answers[0].headers["retry-after"] == "7"


def test_a_dropped_connection_is_a_fault_too(sandbox: Sandbox) -> None:
    import requests

    run_sandbox("fault", "tenants_list", "--status", "0", state=sandbox.state)
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        requests.get(f"{sandbox.base}/tenants", timeout=10)


def test_operations_lists_names_without_a_server(tmp_path: Path) -> None:
    import subprocess
    import sys

    done = subprocess.run([sys.executable, "-m", "sandbox", "operations", "--json"], capture_output=True, text=True)
    names = [one["name"] for one in json.loads(done.stdout)]
    assert {"workspaces_get", "jobs_create_or_update", "token_create"} <= set(names)


def test_stop_leaves_no_record(tmp_path: Path) -> None:
    state = tmp_path / "state"
    start_sandbox(state)
    stop_sandbox(state)
    assert not (state / "server.json").exists()
