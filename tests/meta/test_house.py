"""The house rules that a machine can keep: style, types, direction of imports, sizes, and what must not be written."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
PACKAGES = ("checker", "sandbox", "journey", "manifest", "pages", "solution", "labs", "bench")
PROGRAMS = {"sandbox", "checker", "journey", "manifest", "pages"}
LONGEST_FUNCTION = 60
LONGEST_FILE = 500


def run(*command: str) -> None:
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stdout + done.stderr


def sources() -> list[Path]:
    return sorted(path for package in PACKAGES for path in (REPOSITORY / package).rglob("*.py"))


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    return [REPOSITORY / name for name in listed.stdout.split("\0") if name and (REPOSITORY / name).is_file()]


def test_style_is_kept() -> None:
    run(str(BIN / "ruff"), "check", ".")
    run(str(BIN / "ruff"), "format", "--check", ".")


def test_types_are_strict() -> None:
    run(str(BIN / "mypy"))


def test_imports_point_downwards() -> None:
    run(str(BIN / "lint-imports"))


@pytest.mark.parametrize("folder", ["solution", "labs"])
def test_the_attendees_project_imports_neither_program(folder: str) -> None:
    for path in (REPOSITORY / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not {name.split(".")[0] for name in names} & PROGRAMS, path


def test_functions_and_files_stay_short() -> None:
    for path in sources():
        text = path.read_text(encoding="utf-8")
        assert len(text.splitlines()) <= LONGEST_FILE, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                assert length <= LONGEST_FUNCTION, f"{path}:{node.lineno} {node.name} has {length} lines"


def test_locks_are_pinned_without_addresses_or_hashes() -> None:
    for name in ("requirements.lock", "runtime.lock", "az.lock"):
        for line in (REPOSITORY / name).read_text().splitlines():
            assert "==" in line, f"{name}: {line}"
            assert "://" not in line, f"{name}: {line}"
            assert "--hash" not in line, f"{name}: {line}"


def test_nothing_of_one_machine_is_written_down() -> None:
    forbidden = ("/" + "work/", "/" + "root/", "files.python" + "hosted", "py" + "pi.org", "registry." + "npmjs")
    for path in tracked():
        text = path.read_bytes().decode("utf-8", errors="ignore")
        for word in forbidden:
            assert word not in text, f"{path}: {word}"
