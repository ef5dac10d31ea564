"""Secrets in texts: every form, merged hits, and chunks that cut one in two."""

import base64
import json
import random
from urllib.parse import quote

import pytest

from sandbox.pipelines.masking import Masker, forms_of

SECRET = 'pa"ss\\w/ö rd+1%&'


def masker(*secrets: str) -> Masker:
    made = Masker()
    for one in secrets:
        made.add(one)
    return made


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        quote(SECRET, safe=""),
        base64.b64encode(SECRET.encode()).decode(),
    ],
)
def test_a_form_of_a_secret_is_masked(form: str) -> None:
    assert masker(SECRET).mask(f"a {form} b") == "a *** b"


@pytest.mark.parametrize("before", ["", "u", "us", "user:", "user:x"])
def test_base64_of_a_longer_text_does_not_give_the_secret_away(before: str) -> None:
    secret = "correct-horse-battery-staple"
    encoded = base64.b64encode(f"{before}{secret}tail".encode()).decode()
    shown = masker(secret).mask(encoded)
    around = len(base64.b64encode(f"{before}tail".encode()))
    assert "***" in shown
    assert len(shown.replace("***", "")) <= around + 8  # at most two groups that hold a byte or two of it


def test_lines_of_a_secret_are_secrets_and_blank_ones_are_not() -> None:
    made = masker("first line\n\n  second line  \r\n")
    assert made.mask("x first line y") == "x *** y"
    assert made.mask("x second line y") == "x *** y"
    assert made.mask("a  b") == "a  b"
    assert made.mask(json.dumps("first line\n\n  second line  \r\n")) == '"***"'


def test_overlapping_and_touching_hits_become_one() -> None:
    made = masker("abcd", "cdef", "x1")
    assert made.mask("-abcdef-") == "-***-"
    assert made.mask("-x1x1x1-") == "-***-"
    assert made.mask("-x1 x1-") == "-*** ***-"
    assert masker("aa").mask("aaaa!") == "***!"


def test_nothing_is_masked_without_a_secret() -> None:
    assert masker("", "  ", "\n").mask("any text") == "any text"
    assert forms_of(" \n ") == ()


def test_a_job_masks_the_secrets_of_its_run_and_keeps_its_own() -> None:
    run = masker("of-the-run")
    job = Masker(run)
    job.add("of-the-job")
    run.add("later-one")
    assert job.mask("of-the-run of-the-job later-one") == "*** *** ***"
    assert run.mask("of-the-run of-the-job") == "*** of-the-job"


def test_a_secret_across_chunks_is_found_wherever_the_border_lies() -> None:
    text = "start SECRET-one middle SECRET-twoSECRET-one end" * 3
    made = masker("SECRET-one", "SECRET-two")
    for size in range(1, 60):
        shown, rest = "", ""
        for start in range(0, len(text), size):
            done, rest = made.split(rest + text[start : start + size])
            shown += done
        shown += made.mask(rest)
        assert "SECRET" not in shown
        assert shown.replace("******", "***") == made.mask(text).replace("******", "***"), size


def test_split_gives_nothing_away_in_random_texts() -> None:
    chance = random.Random(7)
    for _ in range(200):
        secrets = ["".join(chance.choices("ab", k=chance.randint(4, 7))) for _ in range(2)]
        text = "".join(chance.choices("abc", k=80))
        made = masker(*secrets)
        shown, rest = "", ""
        for start in range(0, len(text), 9):
            done, rest = made.split(rest + text[start : start + 9])
            shown += done
        shown += made.mask(rest)
        assert not any(secret in shown for secret in secrets), (secrets, text)
