"""`checker doctor`, as somebody types it before the day."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.checks.switches import switched
from tests.conftest import REPOSITORY, Sandbox

PERSON = "[user]\n\tname = Ada\n\temail = ada@example.org\n"
ORGANIZATION, SUBSCRIPTION = "AZURE_DEVOPS_ORG_URL", "AZURE_SUBSCRIPTION_ID"


@pytest.fixture
def shell(sandbox: Sandbox, tmp_path: Path) -> dict[str, str]:
    """The variables of somebody who is signed in to the sandbox and whom git knows."""
    (tmp_path / "gitconfig").write_text(PERSON)
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "SYSTEMROOT") if name in os.environ}
    own = {"GIT_CONFIG_GLOBAL": str(tmp_path / "gitconfig"), "HOME": str(tmp_path), "WORKSHOP_SUFFIX": "doc1"}
    return {**kept, **sandbox.environment, **own}


def doctor(shell: Mapping[str, str], *options: str, without: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in shell.items() if name not in without}
    command = [sys.executable, "-m", "checker", "doctor", *options]
    return subprocess.run(
        command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def outcomes(ended: subprocess.CompletedProcess[str]) -> dict[str, str]:
    report: dict[str, Any] = json.loads(ended.stdout)
    return {one["code"]: one["outcome"] for one in report["results"]}


def test_all_is_ready(shell: dict[str, str]) -> None:
    ended = doctor(shell, "--format", "json")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    found = outcomes(ended)
    assert set(found.values()) == {"pass"}
    assert {"MAC001", "MAC005", "SUB001", "SUB008", "ORG002", "ORG003"} <= set(found)
    assert all(code[:3] in ("MAC", "SUB", "ORG") for code in found), "module 0 and nothing else"


def test_neither_subscription_nor_organisation_yet(shell: dict[str, str]) -> None:
    without = (SUBSCRIPTION, ORGANIZATION)
    ended = doctor(shell, "--format", "json", without=without)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert {code[:3] for code in outcomes(ended)} == {"MAC"}
    spoken = doctor(shell, without=without).stdout
    assert "no subscription is configured" in spoken
    assert "not configured" in spoken
    assert "00000000-" not in spoken


def test_what_is_missing_is_shown_with_its_remedy(sandbox: Sandbox, shell: dict[str, str]) -> None:
    with switched(sandbox, unregistered=["Microsoft.KeyVault"]):
        ended = doctor(shell)
    assert ended.returncode == 1, ended.stderr
    assert "Microsoft.KeyVault: NotRegistered" in ended.stdout
    assert "az provider register --namespace Microsoft.KeyVault" in ended.stdout


def test_nobody_is_signed_in(shell: dict[str, str]) -> None:
    ended = doctor({**shell, "AZURE_CLIENT_SECRET": "wrong"}, "--format", "json")
    assert ended.returncode == 3, ended.stdout + ended.stderr
    found = outcomes(ended)
    assert (found["SUB001"], found["SUB002"], found["MAC002"]) == ("unknown", "blocked", "pass")


def test_settings_that_cannot_be_read_are_said(shell: dict[str, str]) -> None:
    ended = doctor({**shell, "WORKSHOP_SUFFIX": "Too Long A Suffix"}, without=(SUBSCRIPTION,))
    assert ended.returncode == 2
    assert "3 to 8 lower-case letters and digits" in ended.stderr
