"""Who walks the day: read from the environment, and every missing piece is named."""

from pathlib import Path

import pytest

from journey.attendee import read_attendee
from journey.errors import JourneyError

WORKSHOP = Path(__file__).resolve().parents[2] / "workshop.toml"
ENVIRONMENT = {
    "AZURE_DEVOPS_ORG_URL": "https://dev.azure.com/ada/",
    "AZURE_DEVOPS_EXT_PAT": "token-of-ada",
    "AZURE_SUBSCRIPTION_ID": "guid",
    "WORKSHOP_SUFFIX": "ada1",
    "WORKSHOP_STAGING_KEY": "key-of-ada",
}


def test_names_carry_the_suffix_and_secrets_stay_out_of_sight() -> None:
    """An attendee in a traceback shows neither token nor key."""
    attendee = read_attendee(ENVIRONMENT, WORKSHOP, "https://example.org/kit.git")
    assert attendee.organization == "https://dev.azure.com/ada"
    assert attendee.names["resource_group"] == "rg-diabetes-ada1"
    assert attendee.staging_key == "key-of-ada"
    assert "token-of-ada" not in repr(attendee)
    assert "key-of-ada" not in repr(attendee)


@pytest.mark.parametrize("name", ["AZURE_DEVOPS_ORG_URL", "AZURE_DEVOPS_EXT_PAT", "AZURE_SUBSCRIPTION_ID"])
def test_a_missing_variable_is_named(name: str) -> None:
    """With what to type."""
    environment = {key: value for key, value in ENVIRONMENT.items() if key != name}
    with pytest.raises(JourneyError, match=f"the environment variable {name}: not set") as caught:
        read_attendee(environment, WORKSHOP, "https://example.org/kit.git")
    assert caught.value.command == f"export {name}=..."


def test_a_bad_suffix_is_refused() -> None:
    """Before anything is made with it."""
    with pytest.raises(JourneyError, match="3 to 8 lower-case letters and digits"):
        read_attendee({**ENVIRONMENT, "WORKSHOP_SUFFIX": "Ada Lovelace"}, WORKSHOP, "https://example.org/kit.git")
