"""The attendee's clone: fetched, edited, committed and pushed with git itself."""

import base64
import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from journey.errors import JourneyError

BRANCH = "main"
SECONDS = 300


@dataclass(frozen=True)
class Access:
    """How git gets in: the token travels in a variable of git's process, where a command line would show it."""

    token: str = field(repr=False)
    bundle: str | None = None
    name: str = "Attendee"
    email: str = "attendee@example.org"

    def variables(self) -> dict[str, str]:
        header = base64.b64encode(f":{self.token}".encode()).decode()
        trust = {"GIT_SSL_CAINFO": self.bundle} if self.bundle else {}
        return {
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "http.extraHeader",
            "GIT_CONFIG_VALUE_0": f"Authorization: Basic {header}",
            "GIT_AUTHOR_NAME": self.name,
            "GIT_AUTHOR_EMAIL": self.email,
            "GIT_COMMITTER_NAME": self.name,
            "GIT_COMMITTER_EMAIL": self.email,
            **trust,
        }


class Clone:
    """A working copy of main, as it is on the service now."""

    def __init__(self, folder: Path, remote: str, access: Access) -> None:
        self.folder = folder
        self._access = access
        if (folder / ".git").is_dir():
            self._git("fetch", "--quiet", "origin", BRANCH)
            self._git("reset", "--quiet", "--hard", f"origin/{BRANCH}")
            return
        folder.mkdir(parents=True, exist_ok=True)
        self._git("clone", "--quiet", "--depth", "1", "--branch", BRANCH, _without_user(remote), ".")

    @property
    def commit(self) -> str:
        """The commit that is checked out, 40 hexadecimal digits."""
        return self._git("rev-parse", "HEAD").strip()

    def edit(self, file: str, pattern: str, value: str) -> bool:
        """Puts `value` behind the one place that `pattern` matches up to; whether that changed anything.

        The pattern has two groups: what stays before the value, and the value. Raises JourneyError unless it matches
        exactly once.
        """
        path = self.folder / file
        text = path.read_text(encoding="utf-8")
        found = list(re.finditer(pattern, text, re.MULTILINE))
        if len(found) != 1:
            raise JourneyError(
                file, f"{len(found)} places like {pattern}", "exactly one", "compare it with the imported file"
            )
        start, end = found[0].span(2)
        edited = text[:start] + value + text[end:]
        path.write_text(edited, encoding="utf-8", newline="")
        return edited != text

    def push(self, message: str, branch: str = BRANCH) -> str:
        """Commits what was edited and pushes it; returns the commit. A branch of one's own is begun anew."""
        self._git("commit", "--quiet", "--all", "--message", message)
        anew = "" if branch == BRANCH else "+"
        self._git("push", "--quiet", "origin", f"{anew}HEAD:refs/heads/{branch}")
        return self.commit

    def _git(self, *arguments: str) -> str:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.folder,
            env={**inherited, **self._access.variables()},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        if done.returncode:
            raise JourneyError(f"git {arguments[0]}", done.stderr.strip() or f"exit code {done.returncode}", "success")
        return done.stdout


def _without_user(remote: str) -> str:
    """The service puts the organisation before the host as a user name; git would ask for its password."""
    parts = urlsplit(remote)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
