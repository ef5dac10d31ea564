"""Rosters: what is read, what is refused with row and column, and what settings come of an attendee."""

from pathlib import Path

import pytest
from checker_wire import SUBSCRIPTION, WORKSHOP

from checker.errors import UsageError
from checker.roster import Attendee, read_roster, settings_of, token_of
from checker.settings import ConfigurationError

HEADER = "organization,project,subscription,suffix"
LOCAL = {"AZURE_DEVOPS_ORG_URL": "https://127.0.0.1:8443/local"}


def written(folder: Path, text: str, name: str = "roster.csv") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def test_columns_come_in_any_order_and_some_are_optional(tmp_path: Path) -> None:
    text = f"Suffix;Name;organisation;project;subscription;Resource Group\nada;Ada;contoso;P;{SUBSCRIPTION};rg-a\n\n"
    found = read_roster(written(tmp_path, "\ufeff" + text)).attendees
    assert found == (Attendee("Ada", "contoso", "P", SUBSCRIPTION, "ada", "rg-a"),)


@pytest.mark.parametrize("head", ["attendees:\n", ""])
def test_yaml_with_and_without_a_head(tmp_path: Path, head: str) -> None:
    text = f"{head}- suffix: 123\n  organization: contoso\n  project: P\n  subscription: {SUBSCRIPTION}\n"
    found = read_roster(written(tmp_path, text, "roster.yml")).attendees
    assert found == (Attendee("123", "contoso", "P", SUBSCRIPTION, "123"),)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("", "no organization, project, subscription, suffix"),
        (HEADER, "no attendee"),
        (f"{HEADER},token\nc,p,s,a,x", "column 5 is `token`"),
        (f"{HEADER},staging key\nc,p,s,a,x", "column 5 is `staging key`"),
        (f"{HEADER},sufix\nc,p,s,a,x", "near it is `suffix`"),
        (f"{HEADER},organisation\nc,p,s,a,x", "`organization` is there twice"),
        (f"{HEADER}\nc,p,s", "row 2 has 3 cells"),
        (f"{HEADER}\nc,p,s,a\nc,,s,b", "row 3, column project is empty"),
        (f"{HEADER}\nc,p,s,a\nC,P,s,a", "row 3 is the same attendee as row 2"),
    ],
)
def test_what_nobody_could_work_with_is_refused_with_its_place(tmp_path: Path, text: str, seen: str) -> None:
    with pytest.raises(UsageError) as problem:
        read_roster(written(tmp_path, text))
    assert seen in problem.value.seen


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("a: [", "line 1"),
        ("a: b", "no list"),
        ("- x", "entry 1 is 'x'"),
        ("- suffix: a", "entry 1: no organization"),
        ("- password: a", "entry 1 is `password`"),
    ],
)
def test_yaml_is_refused_with_its_place(tmp_path: Path, text: str, seen: str) -> None:
    with pytest.raises(UsageError) as problem:
        read_roster(written(tmp_path, text, "roster.yaml"))
    assert seen in problem.value.seen


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"roster\.csv"):
        read_roster(tmp_path / "roster.csv")


def test_settings_take_the_attendees_names_and_the_kits_others() -> None:
    attendee = Attendee("Ada", "contoso", "Room 1", SUBSCRIPTION, "ada", resource_group="rg-given", yaml="/a.yml")
    settings = settings_of(attendee, WORKSHOP, {"AZURE_DEVOPS_EXT_PAT": "all", "AZURE_DEVOPS_EXT_PAT_CONTOSO": "own"})
    assert (settings.suffix, settings.names.resource_group, settings.names.workspace) == (
        "ada", "rg-given", "mlw-diabetes-ada",
    )  # fmt: skip
    assert (settings.devops.organization, settings.devops.token) == ("https://dev.azure.com/contoso", "own")
    assert (settings.devops.project, settings.devops.repository, settings.devops.yaml) == ("Room 1", "Room 1", "a.yml")


@pytest.mark.parametrize(
    ("organization", "address"),
    [
        ("contoso", "https://127.0.0.1:8443/contoso"),
        ("https://127.0.0.1:8443/contoso/", "https://127.0.0.1:8443/contoso"),
        ("https://dev.azure.com/contoso", "https://dev.azure.com/contoso"),
        ("https://contoso.visualstudio.com", "https://contoso.visualstudio.com"),
    ],
)
def test_an_organisation_is_on_the_host_of_the_environment_or_microsofts(organization: str, address: str) -> None:
    attendee = Attendee("Ada", organization, "P", SUBSCRIPTION, "ada")
    assert settings_of(attendee, WORKSHOP, LOCAL).devops.organization == address


@pytest.mark.parametrize("organization", ["https://evil.example/contoso", "http://dev.azure.com/contoso", "a/b"])
def test_a_token_goes_to_no_host_that_only_a_roster_names(organization: str) -> None:
    attendee = Attendee("Ada", organization, "P", SUBSCRIPTION, "ada")
    with pytest.raises(ConfigurationError, match="organization"):
        settings_of(attendee, WORKSHOP, LOCAL)


def test_a_suffix_that_azure_would_not_take_is_a_problem_of_one_attendee() -> None:
    with pytest.raises(ConfigurationError, match="WORKSHOP_SUFFIX"):
        settings_of(Attendee("Ada", "contoso", "P", SUBSCRIPTION, "A B"), WORKSHOP, {})


def test_tokens_are_found_by_the_organisations_name() -> None:
    environment = {"AZURE_DEVOPS_EXT_PAT_MY_ORG": "own", "AZURE_DEVOPS_EXT_PAT": "all"}
    assert token_of("https://dev.azure.com/my-org", environment) == "own"
    assert token_of("https://my-org.visualstudio.com", environment) == "own"
    assert token_of("https://dev.azure.com/other", environment) == "all"
    assert token_of("https://dev.azure.com/other", {}) == ""
