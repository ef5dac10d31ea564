"""The command line as a person meets it: a process, its output, its exit code."""

import base64
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from checker_wire import SUBSCRIPTION, WORKSHOP, Answer, Wire

KEPT_IN = tempfile.mkdtemp(prefix="checker-home-")
HEAVY = ("requests", "azure", "rich", "jsonschema", "sandbox")


def run(*words: str, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AZURE_", "ARM_", "WORKSHOP_"))}
    return subprocess.run(
        [sys.executable, "-m", "checker", *words],
        cwd=cwd or WORKSHOP.parent,
        env={
            **kept,
            "PYTHONPATH": str(WORKSHOP.parent),
            "PYTHONUTF8": "1",
            "MLOPS_CHECKER_HOME": KEPT_IN,
            **environment,
        },
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


def is_one_screen(text: str) -> bool:
    return "Traceback" not in text and 0 < len(text.splitlines()) <= 15


def test_help_imports_nothing_heavy() -> None:
    script = "import sys, checker.cli\ntry:\n    checker.cli.app(['--help'])\nexcept SystemExit:\n    pass\n"
    script += "print(sorted({name.split('.')[0] for name in sys.modules}))"
    kept = {**os.environ, "PYTHONPATH": str(WORKSHOP.parent)}
    done = subprocess.run([sys.executable, "-c", script], env=kept, capture_output=True, text=True, check=True)
    loaded = set(eval(done.stdout.splitlines()[-1]))
    assert "check" in done.stdout
    assert not loaded & set(HEAVY)


def test_version() -> None:
    done = run("--version")
    assert (done.returncode, done.stdout) == (0, "checker 0.1.0\n")


@pytest.mark.parametrize(
    ("word", "near"), [("M66", "M6"), ("STG33", "STG003"), ("WPS001", "WSP001"), ("nonsense", "checker list")]
)
def test_unknown_module_or_code_shows_neighbours(word: str, near: str) -> None:
    done = run("check", word)
    assert done.returncode == 2
    assert word in done.stderr
    assert near in done.stderr
    assert is_one_screen(done.stderr)
    assert done.stdout == ""


def test_unknown_code_to_explain_and_unknown_format() -> None:
    assert run("explain", "STG03").returncode == 2
    done = run("list", "--format", "xml")
    assert done.returncode == 2
    assert "json" in done.stderr


def test_explain_is_not_case_sensitive_and_gives_the_reason() -> None:
    done = run("explain", "prd003")
    assert done.returncode == 0
    for part in ("PRD003", "same digest", "PRD004, STG002", "What was tested is what is released"):
        assert part in done.stdout


def test_list_as_json_has_a_schema_name_and_a_version() -> None:
    document = json.loads(run("list", "--format", "json").stdout)
    assert (document["schema"], document["version"]) == ("mlops-workshop/checker-catalogue", 2)
    assert {"code", "title", "why", "module", "requires", "service"} == set(document["checks"][0])


def test_no_workshop_file(tmp_path: Path) -> None:
    done = run("check", cwd=tmp_path, AZURE_SUBSCRIPTION_ID=SUBSCRIPTION)
    assert done.returncode == 2
    assert "workshop.toml" in done.stderr
    assert is_one_screen(done.stderr)


def test_unreadable_configuration_names_the_line(tmp_path: Path) -> None:
    file = tmp_path / "workshop.toml"
    file.write_text("[attendee]\nsuffix = abc\n", encoding="utf-8")
    done = run("check", "--config", str(file), AZURE_SUBSCRIPTION_ID=SUBSCRIPTION)
    assert done.returncode == 2
    assert "line 2" in done.stderr
    assert is_one_screen(done.stderr)


def test_no_sandbox_running(free_port: int) -> None:
    url = f"https://127.0.0.1:{free_port}/metadata/endpoints"
    done = run("check", AZURE_SUBSCRIPTION_ID=SUBSCRIPTION, ARM_CLOUD_METADATA_URL=url)
    assert done.returncode == 3
    assert "nothing listens" in done.stderr
    assert "sandbox up" in done.stderr
    assert is_one_screen(done.stderr)


def test_port_of_another_program(wire: Wire) -> None:
    wire.queue(Answer(404, b"not here"))
    done = run(
        "check",
        AZURE_SUBSCRIPTION_ID=SUBSCRIPTION,
        ARM_CLOUD_METADATA_URL=f"{wire.base}/metadata/endpoints",
        REQUESTS_CA_BUNDLE=str(wire.bundle),
    )
    assert done.returncode == 3
    assert "another program" in done.stderr
    assert is_one_screen(done.stderr)


def signed_in(wire: Wire) -> dict[str, str]:
    """What a shell of a test cloud has; queues the answers up to and including the token."""
    metadata = {"name": "Test", "resourceManager": wire.base, "authentication": {"loginEndpoint": wire.base}}
    endpoints = {
        "token_endpoint": f"{wire.base}/adfs/token",
        "authorization_endpoint": f"{wire.base}/adfs/authorize",
        "issuer": f"{wire.base}/adfs",
    }
    token = {"token_type": "Bearer", "expires_in": 3599, "access_token": "a.secret.token"}
    wire.queue(*(Answer(200, json.dumps(document).encode()) for document in (metadata, endpoints, token)))
    return {
        "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION,
        "ARM_CLOUD_METADATA_URL": f"{wire.base}/metadata/endpoints",
        "AZURE_TENANT_ID": "adfs",
        "AZURE_CLIENT_ID": "client",
        "AZURE_CLIENT_SECRET": "client-secret",
        "REQUESTS_CA_BUNDLE": str(wire.bundle),
    }


def test_expired_token_is_one_screen_not_a_table(wire: Wire) -> None:
    environment = signed_in(wire)
    refusal = {"error": {"code": "ExpiredAuthenticationToken", "message": "The access token has expired."}}
    wire.queue(Answer(401, json.dumps(refusal).encode()))
    done = run("check", **environment)
    assert done.returncode == 3
    assert "ExpiredAuthenticationToken" in done.stderr
    assert is_one_screen(done.stderr)
    assert done.stdout == ""


def test_403_is_unknown_with_the_role_and_blocks_the_rest(wire: Wire) -> None:
    environment = signed_in(wire)
    wire.queue(Answer(403, b'{"error": {"code": "AuthorizationFailed", "message": "No."}}'))
    done = run("check", "M6", "--format", "json", **environment)
    assert done.returncode == 3
    results = {result["code"]: result for result in json.loads(done.stdout)["results"]}
    assert results["WSP001"]["outcome"] == "unknown"
    assert "Reader" in results["WSP001"]["finding"]["expected"]
    assert results["WSP002"]["blocked_by"] == ["WSP001"]


def test_verbose_shows_calls_and_no_token(wire: Wire) -> None:
    environment = signed_in(wire)
    wire.queue(Answer(403, b'{"error": {"code": "a.secret.token", "message": "a.secret.token"}}'))
    done = run("check", "WSP001", "-v", **environment)
    assert "GET https://127.0.0.1" in done.stderr
    assert "a.secret.token" not in done.stdout + done.stderr
    assert "***" in done.stdout


@pytest.mark.parametrize("first", [(), (Answer(200, b'{"properties": {"provisioningState": "Succeeded"}}'),)])
def test_ctrl_c_ends_at_once_with_130(wire: Wire, first: tuple[Answer, ...]) -> None:
    """The interrupt arrives while an answer does not come: to the first look, and to a check on its thread."""
    import signal

    if os.name == "nt":
        pytest.skip("no SIGINT to a child on Windows")
    environment = signed_in(wire)
    wire.queue(*first)
    wire.hold()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AZURE_", "ARM_", "WORKSHOP_"))}
    process = subprocess.Popen(
        [sys.executable, "-m", "checker", "check"],
        cwd=WORKSHOP.parent,
        env={**kept, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert wire.held.wait(60)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    wire.release.set()
    assert process.returncode == 130


def test_checks_on_azure_devops_without_an_organisation_are_refused_with_what_to_type() -> None:
    for words in (("check", "M2"), ("check", "CON001", "PRJ001")):
        done = run(*words, AZURE_SUBSCRIPTION_ID=SUBSCRIPTION)
        assert done.returncode == 2
        assert "not configured" in done.stderr
        assert "export AZURE_DEVOPS_ORG_URL=" in done.stderr
        assert is_one_screen(done.stderr)


def test_they_are_left_out_of_a_module_and_the_head_says_so(wire: Wire) -> None:
    environment = signed_in(wire)
    wire.queue(Answer(403, b"{}"))
    done = run("check", "M6", **environment)
    assert "Azure DevOps: not configured, 4 checks left out" in done.stdout.splitlines()[0]
    assert "RUN001" not in done.stdout


def test_no_devops_leaves_them_out_though_an_organisation_is_configured(wire: Wire) -> None:
    environment = signed_in(wire)
    wire.queue(Answer(403, b"{}"))
    more = {"AZURE_DEVOPS_ORG_URL": f"{wire.base}/ada", "AZURE_DEVOPS_EXT_PAT": "a-personal-access-token"}
    done = run("check", "--no-devops", "--format", "json", **environment, **more)
    document = json.loads(done.stdout)
    assert document["left_out"][0]["reason"] == "--no-devops"
    assert document["organization"] is None
    assert not any("/ada/" in path for _, path, _ in wire.asked)


def test_module_2_needs_no_sign_in_to_azure_and_shows_no_token(wire: Wire) -> None:
    """Only the organisation is asked; the token is in no output, not even in the verbose one, nor as Basic."""
    page = Answer(203, b"<html>", {"Content-Type": "text/html"})
    wire.queue(page)
    token = "a-personal-access-token"
    environment = {"AZURE_DEVOPS_ORG_URL": f"{wire.base}/ada", "AZURE_DEVOPS_EXT_PAT": token}
    done = run(
        "check", "M2", "-v", AZURE_SUBSCRIPTION_ID=SUBSCRIPTION, REQUESTS_CA_BUNDLE=str(wire.bundle), **environment
    )
    assert done.returncode == 3
    assert "the token is refused" in done.stdout
    sent = wire.asked[0][2]["Authorization"].removeprefix("Basic ")
    assert base64.b64decode(sent).decode() == f":{token}"
    assert token not in done.stdout + done.stderr
    assert sent not in done.stdout + done.stderr
    assert len(wire.asked) == 1


def test_watching_wants_an_organisation_to_watch() -> None:
    done = run("check", "WSP001", "--watch", AZURE_SUBSCRIPTION_ID=SUBSCRIPTION)
    assert done.returncode == 2
    assert "--watch follows runs: not configured" in done.stderr
    assert is_one_screen(done.stderr)


def test_watching_ends_when_all_is_well(wire: Wire) -> None:
    """A sweep that fails, a poll that sees a run move, a sweep that passes: the answers run out if it asks for more."""
    moved = json.dumps({"value": [{"id": 1, "status": "completed", "queueTime": "2025-01-10T12:22:41.71Z"}]}).encode()
    kind = {"Content-Type": "application/json"}
    missing = Answer(404, b'{"typeKey": "ProjectDoesNotExistWithNameException"}', kind)
    nothing = Answer(200, b'{"value": []}', kind)
    found = Answer(200, b'{"name": "AIDevCollege", "state": "wellFormed"}', kind)
    wire.queue(missing, nothing, nothing, Answer(200, moved, kind), found)
    more = {"AZURE_DEVOPS_ORG_URL": f"{wire.base}/ada", "AZURE_DEVOPS_EXT_PAT": "a-personal-access-token"}
    more |= {"AZURE_SUBSCRIPTION_ID": SUBSCRIPTION, "REQUESTS_CA_BUNDLE": str(wire.bundle)}
    done = run("check", "PRJ001", "--watch", **more)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "there is no project" in done.stdout
    assert done.stdout.index("1 of 2 checks passed") < done.stdout.index("2 of 2 checks passed: all is well")
    assert "whether a run moves" in done.stderr
    assert wire.answers == []
