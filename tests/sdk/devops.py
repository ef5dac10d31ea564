"""An organisation of the sandbox, as a person with a PAT reaches it: by requests, by the Python client and by git."""

import base64
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from tests.conftest import Sandbox, bearer

ORGANIZATION = "mlops-workshop"
AGILE = "adcc42ab-9882-485e-a3ed-7678f01f66bc"
ZERO = "0" * 40
PATIENCE = 30


@dataclass(frozen=True)
class Organization:
    """Its address and a PAT. Paths are relative to the organisation; `version` is added unless the path has one."""

    sandbox: Sandbox
    token: str

    @property
    def base(self) -> str:
        return f"{self.sandbox.base}/{ORGANIZATION}"

    def call(self, method: str, path: str, body: Any = None, version: str = "7.1", **options: Any) -> requests.Response:
        """One call with the PAT; nothing is followed or raised."""
        parameters = {"api-version": version} if version and "api-version" not in path else {}
        options.setdefault("auth", ("", self.token))
        headers = {"X-TFS-FedAuthRedirect": "Suppress", **options.pop("headers", {})}
        return requests.request(
            method,
            f"{self.base}/{path}",
            params=parameters,
            json=body,
            headers=headers,
            timeout=PATIENCE,
            allow_redirects=False,
            **options,
        )

    def get(self, path: str, **options: Any) -> Any:
        return self._json(self.call("GET", path, **options))

    def post(self, path: str, body: Any, **options: Any) -> Any:
        return self._json(self.call("POST", path, body, **options))

    def patch(self, path: str, body: Any, **options: Any) -> Any:
        return self._json(self.call("PATCH", path, body, **options))

    def _json(self, answer: requests.Response) -> Any:
        assert answer.ok, f"{answer.status_code} {answer.text}"
        return answer.json()

    def client(self, name: str, version: str = "7.0") -> Any:
        """A client of the `azure-devops` package: `core`, `git` and so on, from the 7.0 or the 7.1 factory."""
        from azure.devops.connection import Connection
        from msrest.authentication import BasicAuthentication

        connection = Connection(base_url=self.base, creds=BasicAuthentication("", self.token))
        factory = connection.clients if version == "7.0" else connection.clients_v7_1
        return getattr(factory, f"get_{name}_client")()

    def create_project(self, name: str, template: str = AGILE) -> dict[str, Any]:
        capabilities = {"versioncontrol": {"sourceControlType": "Git"}, "processTemplate": {"templateTypeId": template}}
        body = {"name": name, "description": "", "visibility": "private", "capabilities": capabilities}
        self.finish(self.post("_apis/projects", body))
        return dict(self.get(f"_apis/projects/{name}"))

    def finish(self, operation: Mapping[str, Any]) -> dict[str, Any]:
        """Poll an operation to its end."""
        path = f"_apis/operations/{operation['id']}"
        return dict(wait_for(lambda: self.get(path), lambda found: found["status"] in ("succeeded", "failed")))

    def push_files(self, project: str, files: Mapping[str, str], branch: str = "main", comment: str = "Change") -> Any:
        """A commit through the API on top of a branch of the project's own repository."""
        path = f"{project}/_apis/git/repositories/{project}"
        refs = self.get(f"{path}/refs?filter=heads/{branch}")["value"]
        tip = next((one["objectId"] for one in refs if one["name"] == f"refs/heads/{branch}"), ZERO)
        known = [one["path"] for one in self._items(path, branch)] if tip != ZERO else []
        changes = [
            {
                "changeType": "edit" if f"/{name}" in known else "add",
                "item": {"path": f"/{name}"},
                "newContent": {"content": text, "contentType": "rawtext"},
            }
            for name, text in files.items()
        ]
        update = {"name": f"refs/heads/{branch}", "oldObjectId": tip}
        return self.post(
            f"{path}/pushes", {"refUpdates": [update], "commits": [{"comment": comment, "changes": changes}]}
        )

    def _items(self, path: str, branch: str) -> list[dict[str, Any]]:
        query = f"scopePath=/&recursionLevel=full&versionDescriptor.version={branch}"
        return list(self.get(f"{path}/items?{query}")["value"])

    def switch(self, **values: Any) -> None:
        """Set failure switches, as the owner of the server."""
        self._switches("PATCH", values)

    def reset_switches(self) -> None:
        self._switches("DELETE", None)

    def _switches(self, method: str, body: Any) -> None:
        headers = {"x-sandbox-secret": self.sandbox.secret}
        url = f"{self.sandbox.base}/_sandbox/devops/switches"
        requests.request(method, url, json=body, headers=headers, timeout=PATIENCE).raise_for_status()

    def remote(self, project: str, repository: str = "") -> str:
        """The address of a repository for git, without credentials."""
        return f"{self.base}/{project}/_git/{repository or project}"

    def git(
        self, *arguments: str, folder: Path | None = None, token: str | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """git with the PAT as a Basic header, apart from this machine's settings; never asks."""
        value = base64.b64encode(f":{self.token if token is None else token}".encode()).decode()
        return self.plain_git(
            "-c", f"http.extraHeader=Authorization: Basic {value}", *arguments, folder=folder, check=check
        )

    def plain_git(
        self, *arguments: str, folder: Path | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        import os

        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
            "GIT_SSL_CAINFO": self.sandbox.environment["REQUESTS_CA_BUNDLE"],
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_AUTHOR_NAME": "Ada",
            "GIT_AUTHOR_EMAIL": "ada@example.org",
            "GIT_COMMITTER_NAME": "Ada",
            "GIT_COMMITTER_EMAIL": "ada@example.org",
        }
        done = subprocess.run(
            ["git", *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=120
        )
        assert not check or done.returncode == 0, done.stderr
        return done


def create_token(sandbox: Sandbox, scope: str = "app_token", valid_to: str | None = None) -> str:
    """A PAT, made with an Entra token as on the cloud."""
    body = {"displayName": "tests", "scope": scope, **({"validTo": valid_to} if valid_to else {})}
    answer = requests.post(
        f"{sandbox.base}/{ORGANIZATION}/_apis/tokens/pats?api-version=7.1-preview.1",
        json=body,
        headers=bearer(sandbox),
        timeout=PATIENCE,
    )
    answer.raise_for_status()
    return str(answer.json()["patToken"]["token"])


def wait_for(read: Callable[[], Any], done: Callable[[Any], bool], seconds: float = PATIENCE) -> Any:
    """Read until the condition holds. Fails with what was read last."""
    deadline = time.monotonic() + seconds
    while True:
        found = read()
        if done(found):
            return found
        assert time.monotonic() < deadline, f"still not so after {seconds} s: {found}"
        time.sleep(0.05)
