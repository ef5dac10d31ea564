"""A class of three through the sandbox: each mistake under its attendee, in every form, and nobody ends the others."""

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as Xml

import jsonschema
import pytest

import checker.reports
from tests.checks.worlds import World
from tests.conftest import REPOSITORY, Sandbox

SCHEMA = json.loads((Path(checker.reports.__file__).parent / "class.schema.json").read_text(encoding="utf-8"))
CODES = ("WSP001", "WSP002", "WSP003")


@dataclass(frozen=True)
class Room:
    """A roster: Ada has everything, Ben no cluster, Cem a suffix that Azure would not take."""

    roster: Path
    ada: World
    ben: World
    environment: dict[str, str]

    def command(self, *words: str, codes: tuple[str, ...] = CODES) -> list[str]:
        asked = [word for code in codes for word in ("--module", code)]
        return [sys.executable, "-m", "checker", "class", "check", "--roster", str(self.roster), *asked, *words]

    def run(self, *words: str, codes: tuple[str, ...] = CODES) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*words, codes=codes),
            cwd=REPOSITORY,
            env=self.environment,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
            timeout=120,
        )


@pytest.fixture(scope="module")
def room(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Room:
    ada, ben = World(sandbox), World(sandbox)
    for world in (ada, ben):
        world.make_group()
        world.make_workspace()
    ada.make_cluster()
    folder = tmp_path_factory.mktemp("class")
    organization = sandbox.environment["AZURE_DEVOPS_ORG_URL"].rsplit("/", 1)[1]
    rest = f"{organization},AIDevCollege,{sandbox.subscription}"
    roster = folder / "roster.csv"
    roster.write_text(
        "name,suffix,organization,project,subscription\n"
        f"Ada,{ada.suffix},{rest}\nBen,{ben.suffix},{rest}\n=Cem<b>,Not A Suffix,{rest}\n",
        encoding="utf-8",
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WORKSHOP_")}
    environment = {**kept, **sandbox.environment, "MLOPS_CHECKER_HOME": str(folder), "PYTHONUTF8": "1"}
    return Room(roster, ada, ben, environment)


def test_each_is_where_they_are_and_the_broken_one_is_unknown_with_a_reason(room: Room) -> None:
    done = room.run("--format", "json")
    assert done.returncode == 1, done.stderr
    document = json.loads(done.stdout)
    jsonschema.Draft202012Validator(SCHEMA, format_checker=jsonschema.FormatChecker()).validate(document)
    ada, ben, cem = document["attendees"]
    assert (ada["state"], ada["at"], ada["passed"]) == ("done", None, 3)
    assert (ben["state"], ben["at"], ben["passed"]) == ("stuck", "WSP003", 2)
    assert {result["outcome"] for result in cem["results"]} == {"unknown"}
    assert "Not A Suffix" in cem["results"][0]["seen"]
    assert document["summary"] == {"stuck": 1, "waiting on the cloud": 0, "done": 1, "not looked at": 1}
    assert {check["code"]: check["pass_rate"] for check in document["checks"]}["WSP002"] == pytest.approx(0.6667)
    assert not document["partial"]


def test_terminal_shows_three_lists_and_the_hardest_checks(room: Room) -> None:
    text = room.run().stdout
    order = [text.index(word) for word in ("stuck: 1", "Ben", "not looked at: 1", "=Cem", "done: 1", "Ada")]
    assert order == sorted(order)
    assert "WSP003" in text
    assert "1 of 3 passed, 1 to fix" in text


def test_csv_and_junit_say_the_same(room: Room, tmp_path: Path) -> None:
    lines = list(csv.DictReader(io.StringIO(room.run("--format", "csv").stdout)))
    assert [line["outcome"] for line in lines if line["name"] == "Ben"] == ["pass", "pass", "fail"]
    assert {line["name"] for line in lines} == {"Ada", "Ben", "'=Cem<b>"}
    file = tmp_path / "class.xml"
    assert room.run("--format", "junit", "--output", str(file)).stdout == ""
    suites = {suite.get("name"): suite for suite in Xml.parse(file).getroot()}
    assert [suites["Ben"].get(count) for count in ("tests", "failures", "errors", "skipped")] == ["3", "1", "0", "0"]
    assert suites["=Cem<b>"].get("errors") == "3"
    assert [file.name for file in tmp_path.iterdir()] == ["class.xml"]


class Page(HTMLParser):
    """Collects what a page would fetch, and how its tables are headed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.unscoped = 0
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        named = dict(attributes)
        self.tags.append(tag)
        self.fetched += [str(named[name]) for name in ("src", "href", "action") if name in named]
        self.unscoped += tag == "th" and "scope" not in named


def test_html_is_one_file_that_fetches_nothing_and_takes_names_as_text(room: Room) -> None:
    text = room.run("--format", "html").stdout
    page = Page(text)
    assert page.fetched == []
    assert page.unscoped == 0
    assert page.tags.count("caption") == page.tags.count("table")
    assert "b" not in page.tags
    assert not re.search(r"https?://|url\(|@import", re.sub(r"https://127\.0\.0\.1\S*", "", text))
    for word in ("=Cem&lt;b&gt;", "to fix", "prefers-color-scheme", 'lang="en"'):
        assert word in text


@pytest.mark.parametrize("form", ["json", "html", "csv", "junit", "terminal"])
def test_anonymous_says_how_many_and_not_who(room: Room, form: str) -> None:
    text = room.run("--anonymous", "--format", form).stdout
    for word in ("Ada", "Ben", "Cem", room.ada.suffix, room.ben.suffix, "AIDevCollege", room.ada.settings.subscription):
        assert word not in text
    assert "attendee 3" in text


def test_ctrl_c_gives_a_partial_report_and_130(room: Room) -> None:
    if os.name == "nt":
        pytest.skip("no SIGINT to a child on Windows")
    process = subprocess.Popen(
        [*room.command("--threads", "1", "--watch", "-v"), "--format", "json"],
        cwd=REPOSITORY,
        env=room.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "/workspaces/" in line:
            break
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=30)
    document = json.loads(out)
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    assert process.returncode == 130
    assert document["partial"]
    assert len(document["attendees"]) < document["asked"] == 3


def test_nothing_of_a_class_is_kept_on_this_machine_and_no_token_is_shown(room: Room) -> None:
    done = room.run("-v", "--format", "json", codes=("PRJ001", "WSP001"))
    assert not (room.roster.parent / "progress.json").exists()
    for name in ("AZURE_DEVOPS_EXT_PAT", "AZURE_CLIENT_SECRET"):
        assert room.environment[name] not in done.stdout + done.stderr


def test_one_sign_in_serves_all(room: Room) -> None:
    asked = [line for line in room.run("-v", codes=("WSP001",)).stderr.splitlines() if "metadata/endpoints" in line]
    assert len(asked) == 1


def test_machines_are_left_out_and_what_nothing_is_left_of_is_refused(room: Room) -> None:
    document = json.loads(room.run("--format", "json", codes=("SCR001", "WSP001")).stdout)
    assert [(one["service"], one["codes"]) for one in document["left_out"]] == [("this machine", ["SCR001"])]
    done = room.run(codes=("SCR001",))
    assert done.returncode == 2
    assert "never looked at for a class" in done.stderr


def test_a_roster_with_a_secret_is_one_screen(room: Room, tmp_path: Path) -> None:
    file = tmp_path / "roster.csv"
    file.write_text("suffix,pat\nabc,x\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "checker", "class", "check", "--roster", str(file)],
        cwd=REPOSITORY,
        env=room.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert "column 2 is `pat`" in done.stderr
