"""The runner on small pages: one shell from page to page, what fails and what should, time limits, what is measured."""

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from pages.running import Outcome, Reader, planned, run_pages, write_measured
from pages.shell import Shell
from pages.site import Site, read_site

REPOSITORY = Path(__file__).resolve().parents[2]
FIRST = """# One

```bash
mkdir -p made && cd made
export SUFFIX=ada42
greet() { echo "hello $1"; }
```

<!-- run: expect-error="there is no such file" -->
```bash
cat missing.txt
```

<!-- run: skip="asks a person" -->
```bash
read -r answer
```
"""
SECOND = """# Two

<!-- hook
echo prepared > hooked.txt
-->

```bash
greet "$SUFFIX" > greeting.txt
read -r nothing || echo "nothing to read"
until [ -e greeting.txt ]; do sleep 1; done
```
"""

Make = Callable[..., Site]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def make_site(**pages: str) -> Site:
        docs = tmp_path / "docs"
        docs.mkdir()
        names = {f"{name}.md": text for name, text in pages.items()}
        for name, text in names.items():
            (docs / name).write_text(text)
        (tmp_path / "mkdocs.yml").write_text("nav:\n" + "".join(f"  - {name}\n" for name in names))
        return read_site(tmp_path)

    return make_site


def run(site: Site, tmp_path: Path) -> tuple[Outcome, list[str], Path]:
    told: list[str] = []
    reader = Reader(tmp_path / "reader", REPOSITORY, "https://kit.example")
    return run_pages(site, site.pages, reader, told.append), told, tmp_path / "reader" / "work"


def test_pages_share_a_shell_from_an_empty_folder(make: Make, tmp_path: Path) -> None:
    outcome, told, work = run(make(one=FIRST, two=SECOND), tmp_path)
    assert outcome.findings == []
    assert [line.split()[0] for line in told] == ["ran", "ran", "hook", "ran"]
    assert (work / "made" / "greeting.txt").read_text() == "hello ada42\n"
    assert (work / "made" / "hooked.txt").exists()
    assert set(outcome.seconds) == {"one.md", "two.md"}


@pytest.mark.parametrize(
    ("block", "why"),
    [
        ("false\necho later", "status 0, first in `false`"),
        ("ls /nowhere-at-all", "first in `ls /nowhere-at-all`"),
        ("(exit 3)", "it failed with status 3"),
        ("exit 0", "it ended the shell"),
        ("if true; then", "it failed with status"),
    ],
)
def test_block_that_fails_ends_the_run_with_its_place(make: Make, tmp_path: Path, block: str, why: str) -> None:
    outcome, told, _ = run(make(one=f"# One\n\n```bash\n{block}\n```\n", two=SECOND), tmp_path)
    (finding,) = outcome.findings
    assert finding.block.place == "one.md:4"
    assert why in finding.why
    assert len(told) == 1, "nothing runs after the first that fails"


def test_block_that_should_fail_and_does_not(make: Make, tmp_path: Path) -> None:
    outcome, _, _ = run(make(one='<!-- run: expect-error="no" -->\n```bash\ntrue\n```\n'), tmp_path)
    assert "should have failed: no" in outcome.findings[0].why


def test_block_that_does_not_end_is_ended(make: Make, tmp_path: Path) -> None:
    page = "<!-- run: timeout=1 -->\n```bash\necho before; sleep 60 & echo $! > pid; wait\n```\n"
    outcome, _, work = run(make(one=page), tmp_path)
    assert "not ended after its timeout of 1 seconds" in outcome.findings[0].why
    assert "before" in outcome.findings[0].output
    assert not _lives(int((work / "pid").read_text()))


def test_sandbox_of_a_page_ends_with_the_run(make: Make, tmp_path: Path) -> None:
    up = '```bash\n"$PAGES_LENT/.venv/bin/python" -m sandbox up --detach --port "$PAGES_PORT"\n```\n'
    page = up + "<!-- run: timeout=1 -->\n```bash\nsleep 60\n```\n"
    outcome, told, _ = run(make(one=page), tmp_path)
    assert [line.split()[0] for line in told] == ["ran", "failed"], outcome.findings
    status = [sys.executable, "-m", "sandbox", "status", "--state", str(tmp_path / "reader" / "state")]
    assert subprocess.run(status, cwd=REPOSITORY, check=False).returncode == 1


def test_conditions_may_fail(tmp_path: Path) -> None:
    shell = Shell(tmp_path, {"PATH": "/usr/bin:/bin"}, tmp_path)
    text = "if grep -q x /dev/null; then :; fi\ngrep -q x /dev/null || true\nn=0; until [ $n = 2 ]; do n=$((n+1)); done"
    assert shell.run(text, 10).succeeded
    shell.close()


def test_output_without_an_end_of_line_is_kept(tmp_path: Path) -> None:
    shell = Shell(tmp_path, {"PATH": "/usr/bin:/bin"}, tmp_path)
    assert shell.run("printf 'no end'", 10).output == "no end"
    assert shell.run("echo again >&2", 10).output == "again"
    shell.close()


def test_measured_seconds_of_other_pages_stay(tmp_path: Path) -> None:
    path = tmp_path / "measured.json"
    write_measured(path, Outcome({"a.md": 1.04, "b.md": 2.0}), date(2026, 11, 23))
    write_measured(path, Outcome({"b.md": 3.25}), date(2026, 11, 24))
    found = json.loads(path.read_text())
    assert found["seconds"] == {"a.md": 1.0, "b.md": 3.2}
    assert found["date"] == "2026-11-24"


def test_every_bash_block_of_the_workshop_can_be_planned() -> None:
    site = read_site(REPOSITORY)
    blocks = list(planned(site, site.modules()))
    assert len(blocks) > 50
    assert all(block.runs or block.attributes.skip or block.attributes.lane == "azure" for block in blocks)


def _lives(pid: int) -> bool:
    import psutil

    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
