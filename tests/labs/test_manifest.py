"""labs.toml: what it says agrees with the programs and the project, and every mistake in it is found with its line."""

import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from checker.checks import CHECKS
from checker.model import MODULES
from manifest import ManifestError, find_manifest, read_manifest

ROOT = Path(__file__).resolve().parents[2]
MANIFEST = read_manifest(ROOT / "labs" / "labs.toml")
WORKSHOP = tomllib.loads((ROOT / "workshop.toml").read_text(encoding="utf-8"))


def test_the_modules_are_the_checkers() -> None:
    """The same modules, in order, under the same titles."""
    assert [(module.id, module.title) for module in MANIFEST.modules] == [
        (module.code, module.title) for module in MODULES.values()
    ]


@pytest.mark.parametrize("module", MODULES)
def test_the_checks_of_a_module_are_the_registrys(module: str) -> None:
    """On failure: the line to write into labs.toml."""
    registered = [code for code, check in CHECKS.items() if check.module == module]
    found = MANIFEST.module(module)
    assert found is not None
    line = f"{module}: checks = [{', '.join(repr(code) for code in registered)}]".replace("'", '"')
    assert sorted(found.checks) == sorted(registered), line


def test_what_is_not_usual_costs_nothing_by_itself() -> None:
    """The preflight and the clean-up leave nothing running; the cluster is what costs."""
    costs = {module.id: module.cost_per_day for module in MANIFEST.modules}
    assert costs["M0"] == costs["M16"] == 0
    assert max(costs, key=lambda module: costs[module]) == "M6"
    node = MANIFEST.prices["kubernetes-node"]
    assert costs["M6"] > 24 * node.usd


def test_prices_are_dated_and_honest() -> None:
    """What was not read from a page of the vendor's is marked."""
    for price in MANIFEST.prices.values():
        assert price.checked <= MANIFEST.checked
        assert price.estimate or "microsoft.com" in price.source, price.id
        assert 0.8 < price.eur / price.usd < 1, price.id


def test_names_are_the_workshops() -> None:
    """What both files have, both have alike."""
    devops = WORKSHOP["devops"]
    for key in ("project", "repository", "service_connection", "pipeline"):
        assert MANIFEST.names[key] == devops[key]
    environments = [MANIFEST.names["staging_environment"], MANIFEST.names["production_environment"]]
    assert environments == devops["environments"]


def test_versions_are_the_projects() -> None:
    """The numbers that a page shows are those that run."""
    files = ("conf/train-environment.yml", "conf/agent-requirements.txt", "image/requirements.txt")
    text = "\n".join((ROOT / "solution" / name).read_text(encoding="utf-8") for name in files)
    pinned = dict(re.findall(r"^[ -]*([a-z-]+)((?:==|>=)\S+)$", text, re.MULTILINE))
    for name in ("scikit-learn", "mlflow-skinny", "azureml-mlflow", "azureml-inference-server-http"):
        assert pinned[name] == f"=={MANIFEST.versions[name]}"
    assert pinned["azure-ai-ml"] == MANIFEST.versions["azure-ai-ml"]
    pipeline = (ROOT / "solution" / "azure-pipelines.yml").read_text(encoding="utf-8")
    assert f"python.version: '{MANIFEST.versions['python']}'" in pipeline
    assert f"FROM python:{MANIFEST.versions['image_python']}-" in (ROOT / "solution/image/Dockerfile").read_text()


def test_every_module_has_objectives_that_one_can_do() -> None:
    """A verb first, no full stop; a minute figure that a day can be planned with."""
    for module in MANIFEST.modules:
        assert 1 <= len(module.objectives) <= 3, module.id
        assert all(re.match(r"[A-Z][a-z]+ [^.]+$", text) for text in module.objectives), module.id
        assert 10 <= module.minutes <= 60, module.id
        assert module.slug.startswith(f"{int(module.id[1:]):02}-")


def test_the_manifest_is_found_from_below(tmp_path: Path) -> None:
    """From any folder of the clone; elsewhere the message says what to look for."""
    assert find_manifest(ROOT / "labs" / "data") == ROOT / "labs" / "labs.toml"
    with pytest.raises(ManifestError, match=r"no labs/labs\.toml"):
        find_manifest(tmp_path)


SMALL = """\
checked = 2026-11-24

[[price]]
id = "node"
what = "a node"
region = "any"
unit = "hour"
usd = 2
eur = 1.8
checked = 2026-11-24
source = "here"
estimate = true

[[module]]
id = "M7"
slug = "07-staging"
title = "Staging"
minutes = 30
lane = "both"
level = "beginner"
objectives = ["Deploy it"]
checks = ["STG001"]
units_per_day = { node = 24 }

[[file]]
path = "score.py"
module = "M7"
reason = "so"

[[region]]
id = "m7-errors"
module = "M7"
file = "score.py"
reason = "so"
starter = '''
[[region]]
id = 5
'''

[[region]]
id = "m7-more"
module = "M7"
file = "score.py"
reason = "so"
starter = ""
"""


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        (tmp_path / "labs.toml").write_text(text, encoding="utf-8")
        return tmp_path / "labs.toml"

    return write


def test_a_small_manifest_is_read(write: Callable[[str], Path]) -> None:
    found = read_manifest(write(SMALL))
    assert found.modules[0].cost_per_day == 48.0
    assert found.modules[0].page == "modules/07-staging.md"
    assert found.regions[0].starter == "[[region]]\nid = 5\n"
    assert (found.files[0].solution, found.files[0].labs) == ("solution/score.py", "labs/score.py")


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("minutes = 30", 'minutes = "30"', 18, "minutes is '30'; expected int"),
        ("minutes = 30", "minutes = true", 18, "expected int"),
        ("minutes = 30", "minuts = 30", 14, "[module] has no minutes"),
        ('lane = "both"', 'lane = "both"\nlanes = 1', 20, "the key lanes"),
        ('lane = "both"', 'lane = "C"', 19, "lane is 'C'; expected both or azure or sandbox"),
        ('checks = ["STG001"]', 'checks = ["STG1"]', 22, "checks has 'STG1'"),
        ("{ node = 24 }", "{ knot = 24 }", 23, "knot = 24"),
        ('slug = "07-staging"', 'slug = "staging"', 16, "such as 07-staging"),
        ('id = "m7-more"', 'id = "m7-errors"', 41, "a second region m7-errors"),
        ('id = "m7-more"', 'id = "m8-more"', 41, "starts with m7-"),
        ('id = "m7-more"\nmodule = "M7"', 'id = "m9-more"\nmodule = "M9"', 42, "module is 'M9', which is not declared"),
        ('starter = ""', "starter = 3", 45, "starter is 3"),
        ("[[price]]", "[[prize]]", 3, "[prize]"),
        ("checked = 2026-11-24\n\n", 'checked = "today"\n\n', 1, "a date"),
    ],
)
def test_a_mistake_is_found_with_its_line(
    write: Callable[[str], Path], old: str, new: str, line: int, words: str
) -> None:
    assert SMALL.count(old) >= 1
    with pytest.raises(ManifestError) as caught:
        read_manifest(write(SMALL.replace(old, new, 1)))
    assert caught.value.line == line, str(caught.value)
    assert words in str(caught.value)


def test_a_file_that_is_no_toml_is_said_with_line_and_column(write: Callable[[str], Path]) -> None:
    with pytest.raises(ManifestError) as caught:
        read_manifest(write('checked = 2026-11-24\n[names]\nkit "x"\n'))
    assert (caught.value.line, caught.value.column) == (3, 5)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="No such file"):
        read_manifest(tmp_path / "labs.toml")
