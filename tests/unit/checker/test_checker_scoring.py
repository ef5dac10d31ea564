"""Which addresses are scored, and how an answer is compared with the registered numbers."""

import json

import pytest

from checker.checks.judgement import neighbours, quote, settled
from checker.checks.parity import TOLERANCE, compare, read_answer, read_model
from checker.clients.cloud import PUBLIC, Cloud
from checker.clients.containers import split_reference
from checker.clients.http import Reply
from checker.clients.machinelearning import datastore_path, reference
from checker.clients.scoring import permit, permitted
from checker.context import FEATURE_RANGES, ROWS
from checker.errors import AddressRefused
from checker.model import Fail, Waiting

LOOPBACK = Cloud("Sandbox", "https://127.0.0.1:8443", "core.windows.net")
PRIVATE = Cloud("Stack", "https://management.stack.example", "stack.example")
ARTIFACT = {
    "format": 1,
    "kind": "linear",
    "features": list(FEATURE_RANGES),
    "coefficients": [float(number) for number in range(10)],
    "intercept": 150.5,
}


@pytest.mark.parametrize(
    ("address", "clouds"),
    [
        ("20.50.1.2", (PUBLIC, LOOPBACK, PRIVATE)),
        ("2603:1020::1", (PUBLIC, LOOPBACK, PRIVATE)),
        ("127.0.0.1", (LOOPBACK,)),
        ("127.18.0.7", (LOOPBACK,)),
        ("::1", (LOOPBACK,)),
        ("::ffff:127.0.0.1", (LOOPBACK,)),
        ("10.0.0.4", (PRIVATE,)),
        ("192.168.1.1", (PRIVATE,)),
        ("fd00::1", (PRIVATE,)),
        ("169.254.169.254", ()),
        ("fe80::1%eth0", ()),
        ("0.0.0.0", ()),
        ("224.0.0.1", ()),
        ("::ffff:169.254.169.254", ()),
    ],
)
def test_only_addresses_that_the_cloud_gives_out_are_scored(address: str, clouds: tuple[Cloud, ...]) -> None:
    assert tuple(cloud for cloud in (PUBLIC, LOOPBACK, PRIVATE) if permitted(cloud, address)) == clouds


@pytest.mark.parametrize(
    "url", ["", "file:///etc/passwd", "ftp://20.50.1.2/x", "https:///score", "http://127.0.0.1/score"]
)
def test_public_azure_refuses_other_addresses(url: str) -> None:
    with pytest.raises(AddressRefused):
        permit(PUBLIC, url)


def answer(document: object, status: int = 200) -> Reply:
    return Reply(status, {}, json.dumps(document).encode(), "https://x/score")


def test_model_predicts_by_hand() -> None:
    model = read_model(json.dumps(ARTIFACT).encode(), "m:1")
    assert model.predict([1.0] * 10) == 150.5 + 45
    assert model.predict([0.0] * 10) == 150.5


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"kind": "tree"},
        {"features": list(reversed(FEATURE_RANGES))},
        {"coefficients": [1.0] * 9},
        {"coefficients": [1.0] * 9 + [float("nan")]},
        {"coefficients": [1.0] * 9 + [True]},
        {"coefficients": "1111111111"},
        {"intercept": None},
        {"intercept": float("inf")},
    ],
)
def test_artifact_of_another_form_fails(change: dict[str, object]) -> None:
    with pytest.raises(Fail):
        read_model(json.dumps({**ARTIFACT, **change}).encode(), "m:1")


@pytest.mark.parametrize("content", [b"", b"\x80\x04", b"[]", b"[" * 100_000])
def test_artifact_that_is_no_object_fails(content: bytes) -> None:
    with pytest.raises(Fail):
        read_model(content, "m:1")


@pytest.mark.parametrize(
    "reply",
    [
        answer({"predictions": [1.0] * ROWS, "model": "m:1"}, 500),
        answer({"predictions": [1.0] * (ROWS - 1), "model": "m:1"}),
        answer({"predictions": ["1"] * ROWS, "model": "m:1"}),
        answer({"predictions": [float("nan")] * ROWS, "model": "m:1"}),
        answer({"predictions": [1.0] * ROWS, "model": "m:2"}),
        answer({"predictions": [1.0] * ROWS}),
        answer({"error": "oops"}),
        answer([1.0] * ROWS),
        Reply(200, {}, b"<html>", "https://x/score"),
    ],
)
def test_answer_of_another_form_fails(reply: Reply) -> None:
    with pytest.raises(Fail):
        read_answer(reply, "m:1")


def test_answer_of_the_agreed_form_is_read() -> None:
    assert read_answer(answer({"predictions": list(range(ROWS)), "model": "m:1"}), "m:1") == [
        float(n) for n in range(ROWS)
    ]


def test_rounding_error_passes_and_a_rounded_answer_fails() -> None:
    expected = [152.123456789, 98.7654321]
    assert compare(expected, [value * (1 + 1e-12) for value in expected], 7, "m:1") < TOLERANCE
    with pytest.raises(Fail) as caught:
        compare(expected, [152.123456789, 98.77], 7, "m:1")
    assert "1 of 2 rows" in caught.value.finding.seen
    assert "seed 7" in caught.value.finding.seen
    assert "98.765432" in caught.value.finding.expected


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("r.azurecr.io/d@sha256:aa", ("r.azurecr.io/d", "sha256:aa")),
        ("r.azurecr.io/d:1-abc", ("r.azurecr.io/d", "")),
        ("r.azurecr.io:443/d", ("r.azurecr.io:443/d", "")),
        ("d:latest", ("d", "")),
        ("", ("", "")),
    ],
)
def test_image_references_are_split(image: str, expected: tuple[str, str]) -> None:
    assert split_reference(image) == expected


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("azureml://datastores/blob/paths/a/b.csv", ("blob", "a/b.csv")),
        ("azureml://subscriptions/S/resourcegroups/G/workspaces/W/datastores/blob/paths/m/", ("blob", "m/")),
        ("https://acct.blob.core.windows.net/c/x.csv", None),
        ("", None),
    ],
)
def test_datastore_paths_are_read(uri: str, expected: tuple[str, str] | None) -> None:
    assert datastore_path(uri) == expected


@pytest.mark.parametrize(
    ("arm_id", "expected"),
    [
        ("/subscriptions/S/x/workspaces/W/models/m/versions/3", "m:3"),
        ("azureml:m:3", "m:3"),
        ("azureml://registries/r/models/m/versions/3", "m:3"),
        ("", ""),
    ],
)
def test_asset_ids_become_references(arm_id: str, expected: str) -> None:
    assert reference(arm_id) == expected


def test_misspelt_name_shows_its_neighbour() -> None:
    assert neighbours("diabetes-staging-abc", ["diabetes-stagin-abc", "other"]) == "found `diabetes-stagin-abc`"
    assert neighbours("x", []) == "there is none at all"
    assert neighbours("x", [f"name-{n}" for n in range(9)]).endswith("and 4 more")


def test_states_wait_or_fail() -> None:
    settled("it", "Succeeded")
    with pytest.raises(Waiting):
        settled("it", "Updating")
    for state in ("Failed", "Canceled", ""):
        with pytest.raises(Fail):
            settled("it", state)


def test_foreign_text_cannot_draw_on_the_screen() -> None:
    assert quote("a\x1b[31m\nb\u202e") == "a [31m b"
    assert len(quote("x" * 1000)) == 160
