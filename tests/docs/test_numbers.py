"""The numbers of the page on gates are those that its command prints."""

import json
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = (REPOSITORY / "docs" / "concepts" / "gates.md").read_text(encoding="utf-8")


def test_page_on_gates_has_the_numbers_of_its_command() -> None:
    python = REPOSITORY / ".venv-runtime" / "bin" / "python"
    if not python.exists():
        pytest.skip("the runtime is not installed: make runtime")
    done = subprocess.run([python, "bench/gates.py"], cwd=REPOSITORY, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    said = [found[name] for name in ("predicting_the_mean", "undamaged", "bmi_sign_flipped")]
    said += [
        found["bmi_zeroed"]["median"],
        found["labels_shuffled"]["median"],
        *found["splits"].values(),
        *found["alphas"],
    ]
    assert [number for number in said if str(number) not in PAGE] == []
    assert found["bmi_zeroed"]["better_than_undamaged_percent"] == 100, "in every one of the draws"
    rows = [f"| {limit.replace('%', ' %')} | {share} % |" for limit, share in found["accepted_percent"].items()]
    assert [row for row in rows if row not in PAGE] == []
