"""git, as a subprocess: the reference implementation reads and writes every repository.

It runs apart from this machine's own settings, never asks a question and leaves no maintenance process behind.
"""

import os
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path

from sandbox.compute.errors import ProcessesClosedError
from sandbox.compute.processes import Processes
from sandbox.errors import SandboxError

STOPPED = "The sandbox was stopped."
ZERO = "0" * 40
SETTINGS = {
    "core.quotePath": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "receive.autogc": "false",
    "uploadpack.allowFilter": "true",
    "uploadpack.allowAnySHA1InWant": "true",
    "http.receivepack": "true",
    "safe.directory": "*",
}


class GitFailed(SandboxError):
    """git ended with an error; the message is what it said."""


class Git:
    """Runs git. One lock a repository orders its writes.

    `children` holds the records of what talks to other machines: it may hang, so it is ended with the server, and by
    the next server where this one is killed.
    """

    def __init__(self, home: Path, children: Path, bundle: Path | None = None) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self._home = home
        self._environment = _environment(home, bundle)
        self._guard = threading.Lock()
        self._locks: dict[Path, threading.RLock] = {}
        self._children = Processes(children)

    def lock(self, folder: Path) -> threading.RLock:
        with self._guard:
            return self._locks.setdefault(folder, threading.RLock())

    def environment(self, extra: Mapping[str, str]) -> dict[str, str]:
        """The variables of a git process, with some more."""
        return {**self._environment, **extra}

    def run(self, folder: Path, *arguments: str, data: bytes = b"", extra: Mapping[str, str] | None = None) -> bytes:
        """Standard output of work on this machine. Raises GitFailed with what git wrote on standard error."""
        done = self.attempt(folder, *arguments, data=data, extra=extra)
        if done.returncode:
            raise GitFailed(_said(done))
        return done.stdout

    def attempt(
        self, folder: Path, *arguments: str, data: bytes = b"", extra: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        """Work on this machine whose exit code is an answer."""
        return subprocess.run(
            ["git", *arguments],
            cwd=folder,
            env=self.environment(extra or {}),
            input=data,
            capture_output=True,
        )

    def run_remote(self, folder: Path, *arguments: str, extra: Mapping[str, str] | None = None) -> str:
        """The output of work that talks to another machine. Raises GitFailed, also when the server stops meanwhile."""
        log = self._home / f"{threading.get_ident()}.log"
        log.unlink(missing_ok=True)
        try:
            command, environment = ["git", *arguments], self.environment(extra or {})
            child = self._children.start("git", command, cwd=folder, env=environment, log=log)
            code = child.wait()
            said = log.read_text(encoding="utf-8", errors="replace")
        except ProcessesClosedError as error:
            raise GitFailed(STOPPED) from error
        finally:
            log.unlink(missing_ok=True)
        if child.stopped or code:
            raise GitFailed(STOPPED if child.stopped else said.strip() or f"git ended with {code}")
        return said

    def recover(self) -> None:
        """End what a killed server left running."""
        self._children.sweep()

    def close(self) -> None:
        """End what still talks to other machines."""
        self._children.stop_all()

    def text(self, folder: Path, *arguments: str, extra: Mapping[str, str] | None = None) -> str:
        return self.run(folder, *arguments, extra=extra).decode("utf-8", "replace")

    def create(self, folder: Path, branch: str) -> None:
        """An empty bare repository whose first branch will be `branch`."""
        folder.mkdir(parents=True, exist_ok=True)
        self.run(folder, "init", "--quiet", "--bare", "--template=", f"--initial-branch={branch}", ".")

    def refs(self, folder: Path) -> dict[str, str]:
        """Object ids by full ref name, in git's order."""
        listed = self.text(folder, "for-each-ref", "--format=%(objectname) %(refname)")
        pairs = (line.split(" ", 1) for line in listed.splitlines())
        return {name: value for value, name in pairs}

    def head(self, folder: Path) -> str:
        """The full name of the branch that HEAD names, whether it exists or not."""
        return self.text(folder, "symbolic-ref", "HEAD").strip()


def _said(done: "subprocess.CompletedProcess[bytes]") -> str:
    return done.stderr.decode("utf-8", "replace").strip() or f"git ended with {done.returncode}"


def _environment(home: Path, bundle: Path | None) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    fixed = {
        "HOME": str(home),
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_LITERAL_PATHSPECS": "1",
        "GIT_ALLOW_PROTOCOL": "https:http:file",
        "GIT_CONFIG_COUNT": str(len(SETTINGS)),
    }
    for index, (name, value) in enumerate(SETTINGS.items()):
        fixed |= {f"GIT_CONFIG_KEY_{index}": name, f"GIT_CONFIG_VALUE_{index}": value}
    trusted = {"GIT_SSL_CAINFO": str(bundle)} if bundle else {}
    return {**kept, **fixed, **trusted}


def further_setting(name: str, value: str) -> dict[str, str]:
    """Variables that give one git process one more setting, unseen in the list of processes."""
    index = len(SETTINGS)
    return {
        "GIT_CONFIG_COUNT": str(index + 1),
        f"GIT_CONFIG_KEY_{index}": name,
        f"GIT_CONFIG_VALUE_{index}": value,
    }
