"""Settings: the file, the environment that wins, and messages that name the line."""

from pathlib import Path

import pytest
from checker_wire import SUBSCRIPTION, WORKSHOP

from checker.settings import ConfigurationError, find_file, read_settings

ENVIRONMENT = {"AZURE_SUBSCRIPTION_ID": SUBSCRIPTION}


def write(tmp_path: Path, old: str, new: str) -> Path:
    """The repository's own workshop.toml with one change."""
    text = WORKSHOP.read_text(encoding="utf-8")
    assert old in text
    file = tmp_path / "workshop.toml"
    file.write_text(text.replace(old, new), encoding="utf-8")
    return file


def refused(file: Path, environment: dict[str, str] | None = None) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        read_settings(file, ENVIRONMENT if environment is None else environment)
    return caught.value


def test_names_carry_the_suffix() -> None:
    settings = read_settings(WORKSHOP, ENVIRONMENT)
    assert settings.names.workspace == f"mlw-diabetes-{settings.suffix}"
    assert settings.names.registry == f"crdiabetes{settings.suffix}"


def test_environment_wins_over_the_file() -> None:
    settings = read_settings(
        WORKSHOP,
        {**ENVIRONMENT, "WORKSHOP_SUFFIX": "zoe1", "AZURE_LOCATION": "swedencentral", "WORKSHOP_STAGING_KEY": "k"},
    )
    assert (settings.suffix, settings.location, settings.staging_key) == ("zoe1", "swedencentral", "k")
    assert settings.names.workspace == "mlw-diabetes-zoe1"


def test_file_is_found_from_a_folder_below(tmp_path: Path) -> None:
    file = write(tmp_path, "abc", "abd")
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert find_file(below) == file


def test_no_file_names_the_folder_and_the_option(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        find_file(tmp_path)
    assert str(tmp_path) in caught.value.looked_at
    assert any("--config" in command for command in caught.value.commands)


@pytest.mark.parametrize("suffix", ["ab", "ninechars", "ABC", "a-b", "<you>", ""])
def test_bad_suffix_names_its_line(tmp_path: Path, suffix: str) -> None:
    problem = refused(write(tmp_path, 'suffix = "abc"', f'suffix = "{suffix}"'))
    assert problem.looked_at.endswith("line 6")
    assert "3 to 8" in problem.expected


def test_bad_suffix_in_the_environment_names_the_variable() -> None:
    assert "WORKSHOP_SUFFIX" in refused(WORKSHOP, {**ENVIRONMENT, "WORKSHOP_SUFFIX": "x"}).looked_at


def test_broken_toml_names_line_and_column(tmp_path: Path) -> None:
    problem = refused(write(tmp_path, 'location = "westeurope"', 'location = "westeurope'))
    assert problem.looked_at.endswith("line 10")
    assert "column" in problem.seen


def test_misspelt_key_shows_its_neighbour_and_line(tmp_path: Path) -> None:
    problem = refused(write(tmp_path, "workspace =", "worksapce ="))
    assert "worksapce" in problem.seen
    assert problem.looked_at.endswith("line 14")


@pytest.mark.parametrize(
    ("old", "new", "seen"),
    [
        ('workspace = "mlw-diabetes-{suffix}"', "workspace = 3", "3"),
        ('workspace = "mlw-diabetes-{suffix}"', 'workspace = "mlw-{sufix}"', "sufix"),
        ('workspace = "mlw-diabetes-{suffix}"', 'workspace = "<name>"', "<name>"),
        ('workspace = "mlw-diabetes-{suffix}"', 'workspace = "../other"', "../other"),
    ],
)
def test_unusable_name_is_shown(tmp_path: Path, old: str, new: str, seen: str) -> None:
    assert seen in refused(write(tmp_path, old, new)).seen


def test_no_subscription_says_how_to_get_one() -> None:
    problem = refused(WORKSHOP, {})
    assert any("az account show" in command for command in problem.commands)


def test_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "workshop.toml"
    file.write_bytes(b"\xff\xfe\x00")
    assert "UTF-8" in refused(file).seen


def test_metadata_over_plain_http_is_refused() -> None:
    problem = refused(WORKSHOP, {**ENVIRONMENT, "ARM_CLOUD_METADATA_URL": "http://127.0.0.1:1/metadata"})
    assert "https" in problem.expected


def test_staging_key_comes_from_the_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("s3cret\n", encoding="utf-8")
    assert read_settings(WORKSHOP, {**ENVIRONMENT, "WORKSHOP_STAGING_KEY": "k"}, file).staging_key == "s3cret"
    with pytest.raises(ConfigurationError):
        read_settings(WORKSHOP, ENVIRONMENT, tmp_path / "none")
