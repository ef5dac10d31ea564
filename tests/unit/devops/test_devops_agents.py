"""Agents of the server: one job each at a time, and a Python environment that stays unless a job is cut short."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from sandbox.devops.builds.agents import Agents
from sandbox.pipelines.running.pythons import distrust_environments, make_environment


def execute(command: Sequence[str], cwd: Path, env: Mapping[str, str]) -> int:
    return subprocess.run(command, cwd=cwd, env=dict(env), capture_output=True).returncode


def test_two_jobs_at_once_have_two_agents(tmp_path: Path) -> None:
    agents = Agents(tmp_path)
    with agents.lease() as first:
        with agents.lease() as second:
            assert first != second
        with agents.lease() as third:
            assert third == second
    with agents.lease() as again:
        assert again == first


def test_an_agent_is_free_again_after_a_job_that_raised(tmp_path: Path) -> None:
    agents, seen = Agents(tmp_path), []
    for _ in range(2):
        try:
            with agents.lease() as tools:
                seen.append(tools)
                raise RuntimeError("a job that broke")
        except RuntimeError:
            continue
    assert seen[0] == seen[1]


def test_an_environment_stays_until_it_is_distrusted(tmp_path: Path) -> None:
    python, tools = Path(sys.executable), tmp_path / "Python"
    programs = make_environment(python, tools, execute, {"PATH": "/usr/bin:/bin"})
    installed = programs.parent / "what-a-job-installed"
    installed.touch()
    assert make_environment(python, tools, execute, {"PATH": "/usr/bin:/bin"}) == programs
    assert installed.exists()
    distrust_environments(tools)
    assert make_environment(python, tools, execute, {"PATH": "/usr/bin:/bin"}) == programs
    assert not installed.exists()
