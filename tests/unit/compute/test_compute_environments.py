"""Environment definitions are compared with the runtime; every difference is one plain sentence."""

from pathlib import Path

import pytest

from sandbox.compute.environments import differences, parse_conda, parse_requirements
from sandbox.compute.errors import EnvironmentBuildError, RequirementsError, RuntimeNotUsableError
from sandbox.compute.processes import Processes
from sandbox.compute.runtime import Inventory, Runtime
from sandbox.compute.venvs import build, pip_lines


class Held(Runtime):
    """A runtime whose inventory is given: what is installed where the tests run is not the question here."""

    @property
    def inventory(self) -> Inventory:  # type: ignore[override]
        return Inventory("3.11.7", {"numpy": "2.4.6", "scikit-learn": "1.9.1", "mlflow-skinny": "2.22.5"})


def sentences(text: str, conda: bool = False) -> list[str]:
    found = parse_conda(text) if conda else parse_requirements(text)
    return [str(difference) for difference in differences(found, Held(Path("python")))]


@pytest.mark.parametrize(
    "line",
    [
        "numpy",
        "numpy==2.4.6",
        "NumPy>=2,<3  # why",
        "scikit_learn~=1.9.0",
        "mlflow-skinny[pipelines]==2.22.5 --hash=sha256:00",
        "--extra-index-url https://example.org/simple",
        'pandas; python_version < "3.10"',
        "pip==1.0",
    ],
)
def test_what_is_held_makes_no_difference(line: str) -> None:
    assert sentences(line) == []


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("numpy==1.26.4", "numpy ==1.26.4 is asked for; the runtime environment has numpy 2.4.6."),
        ("xgboost>=2", "xgboost is asked for (>=2) and is not installed in the runtime environment."),
        ("xgboost", "xgboost is asked for (any version) and is not installed in the runtime environment."),
        ('xgboost; python_version >= "3.11"', "xgboost is asked for (any version) and is not installed"),
        ("./package", "./package cannot be compared with the runtime environment"),
        ("-e .", "-e . cannot be compared"),
        ("-r more.txt", "-r more.txt cannot be compared"),
        ("numpy @ https://example.org/numpy.whl", "numpy @ https://example.org/numpy.whl cannot be compared"),
    ],
)
def test_a_difference_is_told(line: str, sentence: str) -> None:
    (told,) = sentences(line)
    assert told.startswith(sentence)


def test_an_included_file_is_read() -> None:
    found = parse_requirements("-r more.txt\nnumpy", {"more.txt": "xgboost"}.__getitem__)
    assert [requirement.name for requirement in found.pip] == ["xgboost", "numpy"]


def test_a_line_that_is_not_understood_is_named_with_its_number() -> None:
    with pytest.raises(RequirementsError, match=r"Line 3 .*'not a package!'"):
        parse_requirements("numpy\n# comment\nnot a package!")


def test_continued_lines_are_one() -> None:
    found = parse_requirements("numpy \\\n  >=2\npandas")
    assert [str(requirement) for requirement in found.pip] == ["numpy>=2", "pandas"]


@pytest.mark.parametrize(
    ("dependency", "told"),
    [
        ("python=3.11", []),
        ("python>=3.9", []),
        ("python=3.10", ["Python ==3.10.* is asked for; the runtime environment has Python 3.11.7."]),
        ("numpy=2.4", []),
        ("numpy=2.4.6=py311_0", []),
        ("conda-forge::numpy==2.4.6", []),
        ("numpy 2.*", []),
        ("numpy=1.26", ["numpy ==1.26.* is asked for; the runtime environment has numpy 2.4.6."]),
        ("cudatoolkit=11", ["conda package cudatoolkit ==11.* cannot be compared with the runtime environment: "]),
        ("pip=23", []),
    ],
)
def test_conda_dependencies(dependency: str, told: list[str]) -> None:
    found = sentences(f"dependencies:\n  - {dependency}\n", conda=True)
    assert len(found) == len(told)
    assert all(sentence.startswith(start) for sentence, start in zip(found, told, strict=True))


def test_a_conda_file_with_a_pip_section_and_variables() -> None:
    found = parse_conda("name: a\nchannels: [x]\nvariables: {A: 1}\ndependencies: [pip, {pip: [xgboost, numpy]}]")
    assert [requirement.name for requirement in found.pip] == ["xgboost", "numpy"]
    assert found.variables == {"A": "1"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("- numpy", "holds a list"),
        ("dependencies: [1]", "1 is not understood"),
        ("dependencies: ['numpy=>1']", "'numpy=>1' is not understood"),
        ("depends: [numpy]", "unknown key depends"),
        ("{", "not YAML"),
    ],
)
def test_a_conda_file_that_is_none(text: str, reason: str) -> None:
    with pytest.raises(RequirementsError, match=reason):
        parse_conda(text)


def test_the_inventory_is_the_environments_own(runtime: Runtime) -> None:
    assert "psutil" in runtime.inventory.distributions
    assert differences(parse_requirements("psutil\npytest"), runtime) == []


def test_a_python_that_is_not_there() -> None:
    with pytest.raises(RuntimeNotUsableError, match="does not answer"):
        _ = Runtime(Path("no-such-python")).inventory


def test_the_base_environment_is_not_the_servers(
    runtime: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "s3cret")
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    found = runtime.environment(tmp_path / "home", {"PATH": "/mine", "PYTHONPATH": "/code", "A": "1"})
    assert "AZURE_CLIENT_SECRET" not in found
    assert (found["OMP_NUM_THREADS"], found["A"]) == ("3", "1")
    assert found["PATH"].split(":")[0] == str(runtime.bin)
    assert found["PATH"].endswith("/mine")
    assert found["PYTHONPATH"].split(":")[1] == "/code"
    assert Path(found["TMPDIR"]).is_dir()
    assert Path(found["TMPDIR"]).is_relative_to(tmp_path)


def test_conda_packages_are_installed_by_their_own_names() -> None:
    found = parse_conda("dependencies: [python=3.11, pip, scikit-learn=1.9, {pip: ['numpy>=2']}]")
    assert pip_lines(found) == ["numpy>=2", "scikit-learn==1.9.*"]
    with pytest.raises(EnvironmentBuildError, match=r"'\./mine'"):
        pip_lines(parse_requirements("./mine"))


def test_an_environment_is_built_once(runtime: Runtime, processes: Processes, tmp_path: Path) -> None:
    wanted = parse_conda("dependencies: [pip]")
    first = build(wanted, tmp_path / "e", tmp_path / "log", base=runtime, processes=processes)
    assert "psutil" not in first.inventory.distributions
    again = build(wanted, tmp_path / "e", tmp_path / "log", base=runtime, processes=processes)
    assert again == first


def test_an_environment_that_cannot_be_built_leaves_the_reason_and_no_folder(
    runtime: Runtime, processes: Processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    wanted = parse_requirements("a-package-that-does-not-exist==1")
    with pytest.raises(EnvironmentBuildError, match="No matching distribution found for a-package-that-does-not-exist"):
        build(wanted, tmp_path / "e", tmp_path / "log", base=runtime, processes=processes)
    assert list((tmp_path / "e").iterdir()) == []


def test_a_python_that_no_machine_has(runtime: Runtime, processes: Processes, tmp_path: Path) -> None:
    with pytest.raises(EnvironmentBuildError, match=r"Python ==3\.0\.\* is asked for"):
        wanted = parse_conda("dependencies: [python=3.0]")
        build(wanted, tmp_path / "e", tmp_path / "log", base=runtime, processes=processes)
