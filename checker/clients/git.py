"""git on this machine: its version, who commits, and what the history of a clone once held. Read only."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from checker.errors import AccessError

SECONDS = 60
VERSION = re.compile(r"git version (\d+)\.(\d+)")
ELSEWHERE = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE")  # would make git look at another repository
COMMIT, FILE = "commit ", "+++ "


@dataclass(frozen=True)
class AddedLine:
    """A line that a commit put into a file."""

    commit: str
    file: str
    text: str


class Git:
    """The git program, asked about one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def version(self) -> tuple[int, int] | None:
        """Major and minor version, or None without git."""
        if shutil.which("git") is None:
            return None
        found = VERSION.search(self._run("--version") or "")
        return (int(found[1]), int(found[2])) if found else (0, 0)

    def setting(self, name: str) -> str:
        """A setting as git reads it in the folder, '' when it is not set."""
        return (self._run("config", "--get", name) or "").strip()

    def commit(self) -> str:
        """The commit that the folder has, '' when it is no clone or has none yet."""
        return (self._run("rev-parse", "--verify", "--quiet", "HEAD") or "").strip()

    def added_lines(self, commits: int) -> Iterator[AddedLine]:
        """What the newest commits put into text files, newest first."""
        plain = ("--no-color", "--no-ext-diff", "--no-textconv", "--no-renames", "--src-prefix=a/", "--dst-prefix=b/")
        shown = self._run("log", "-p", f"-n{commits}", "--unified=0", "--format=commit %h", *plain, "HEAD") or ""
        commit, file = "", ""
        for line in shown.splitlines():
            if line.startswith(COMMIT):
                commit = line.removeprefix(COMMIT)
            elif line.startswith(FILE):
                file = line.removeprefix(FILE).removeprefix("b/")
            elif line.startswith("+"):
                yield AddedLine(commit, file, line[1:])

    def file(self, path: str) -> str:
        """A file as the newest commit has it, '' when it has none."""
        return self._run("show", f"HEAD:{path}") or ""

    def _run(self, *arguments: str) -> str | None:
        """What git prints, or None when it says no. Raises AccessError when it cannot be asked."""
        kept = {name: value for name, value in os.environ.items() if name not in ELSEWHERE}
        try:
            ended = subprocess.run(
                ["git", *arguments],
                cwd=self._folder,
                env={**kept, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            reason = "it does not answer in time" if isinstance(error, subprocess.TimeoutExpired) else str(error)
            raise AccessError(f"git in {self._folder}", reason, "git that answers", ("git --version",)) from error
        return ended.stdout if ended.returncode == 0 else None
