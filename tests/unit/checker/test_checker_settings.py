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


# Azure DevOps


def test_without_an_organisation_azure_devops_is_not_configured() -> None:
    found = read_settings(WORKSHOP, ENVIRONMENT).devops
    assert (found.organization, found.token) == (None, None)
    assert (found.staging_environment, found.production_environment) == ("diabetes-staging", "diabetes-production")


@pytest.mark.parametrize(
    ("named", "address"),
    [
        ("ada", "https://dev.azure.com/ada"),
        ("https://dev.azure.com/ada/", "https://dev.azure.com/ada"),
        ("https://ada.visualstudio.com", "https://ada.visualstudio.com"),
    ],
)
def test_the_file_names_an_organisation_of_microsofts_hosts(tmp_path: Path, named: str, address: str) -> None:
    file = write(tmp_path, 'organization = ""', f'organization = "{named}"')
    assert read_settings(file, ENVIRONMENT).devops.organization == address


@pytest.mark.parametrize(
    "named",
    [
        "https://evil.example/ada",
        "http://dev.azure.com/ada",
        "https://dev.azure.com",
        "https://dev.azure.com@evil.example/x",
        "https://evilvisualstudio.com/ada",
        "ada?x=1",
        "ada/../https://evil.example",
        "my org",
    ],
)
def test_the_file_cannot_send_the_token_elsewhere(tmp_path: Path, named: str) -> None:
    """The file may be an attendee's, the token is the instructor's."""
    problem = refused(write(tmp_path, 'organization = ""', f'organization = "{named}"'))
    assert "organization" in problem.seen
    assert "line" in problem.looked_at


def test_the_environment_names_any_https_address_and_wins(tmp_path: Path) -> None:
    file = write(tmp_path, 'organization = ""', 'organization = "ada"')
    more = {"AZURE_DEVOPS_ORG_URL": "https://127.0.0.1:9000/zoe/", "AZURE_DEVOPS_EXT_PAT": "a-token"}
    found = read_settings(file, {**ENVIRONMENT, **more}).devops
    assert (found.organization, found.token) == ("https://127.0.0.1:9000/zoe", "a-token")
    assert "a-token" not in repr(found)


@pytest.mark.parametrize("address", ["http://127.0.0.1/zoe", "zoe", "https://dev.azure.com/"])
def test_the_environment_is_held_to_https_and_a_name(address: str) -> None:
    problem = refused(WORKSHOP, {**ENVIRONMENT, "AZURE_DEVOPS_ORG_URL": address})
    assert "AZURE_DEVOPS_ORG_URL" in problem.looked_at
    assert any(command.startswith("export AZURE_DEVOPS_ORG_URL=") for command in problem.commands)


@pytest.mark.parametrize("value", ['"one"', '["one"]', '["one", 2]', '["one", ""]'])
def test_environments_are_two_names(tmp_path: Path, value: str) -> None:
    problem = refused(write(tmp_path, '["diabetes-staging", "diabetes-production"]', value))
    assert "a list of 2 texts" in problem.expected


def test_names_of_azure_devops_take_the_suffix_and_no_other_placeholder(tmp_path: Path) -> None:
    file = write(tmp_path, 'project = "AIDevCollege"', 'project = "AI Dev {suffix}"')
    assert read_settings(file, ENVIRONMENT).devops.project == "AI Dev abc"
    problem = refused(write(tmp_path, 'project = "AIDevCollege"', 'project = "AI {you}"'))
    assert "{you}" in problem.seen
