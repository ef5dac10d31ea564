"""Commands of the Azure CLI on the pages, which nobody executes here: words, options, and the names they use."""

import re
import shlex
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

from pages.errors import Problem
from pages.fences import read_page
from pages.quality import CODE, prose
from pages.site import Site

# What the pages use of `az`, with the options that they may give. Looked up in the CLI's own help; an addition is too.
EVERYWHERE = frozenset({"--query", "--output", "-o", "--only-show-errors", "--subscription", "--help"})
OF_DEVOPS = frozenset({"--organization", "--org", "--project", "-p", "--detect"})
COMMANDS: Mapping[str, frozenset[str]] = {
    "login": frozenset({"--tenant", "--use-device-code", "--allow-no-subscriptions"}),
    "logout": frozenset(),
    "account list": frozenset({"--all"}),
    "account set": frozenset({"--subscription", "--name"}),
    "account show": frozenset({"--name"}),
    "account tenant list": frozenset(),
    "ad app delete": frozenset({"--id"}),
    "ad app federated-credential list": frozenset({"--id"}),
    "ad app list": frozenset({"--display-name", "--filter", "--all", "--show-mine"}),
    "ad app owner add": frozenset({"--id", "--owner-object-id"}),
    "aks show": frozenset({"--name", "--resource-group", "-n", "-g"}),
    "aks start": frozenset({"--name", "--resource-group", "-n", "-g"}),
    "aks stop": frozenset({"--name", "--resource-group", "-n", "-g"}),
    "consumption budget list": frozenset({"--resource-group"}),
    "container logs": frozenset({"--name", "--resource-group", "-n", "-g"}),
    "extension add": frozenset({"--name", "--upgrade"}),
    "group delete": frozenset({"--name", "-n", "--yes", "--no-wait"}),
    "group list": frozenset({"--tag"}),
    "ml workspace delete": frozenset({"--name", "--resource-group", "-n", "-g", "--permanently-delete", "--yes"}),
    "pipelines runs list": frozenset({*OF_DEVOPS, "--pipeline-ids", "--top"}),
    "provider register": frozenset({"--namespace", "--wait"}),
    "provider show": frozenset({"--namespace"}),
    "repos policy approver-count create": frozenset(
        {
            *OF_DEVOPS,
            *("--allow-downvotes", "--blocking", "--branch", "--creator-vote-counts", "--enabled"),
            *("--minimum-approver-count", "--repository-id", "--reset-on-source-push"),
        }
    ),
    "repos pr create": frozenset({*OF_DEVOPS, "--source-branch", "--target-branch", "--title", "--repository"}),
    "repos pr set-vote": frozenset({*OF_DEVOPS, "--id", "--vote"}),
    "repos pr update": frozenset({*OF_DEVOPS, "--id", "--status", "--auto-complete"}),
    "role assignment create": frozenset({"--assignee", "--role", "--scope"}),
    "role assignment delete": frozenset({"--assignee", "--role", "--scope", "--ids"}),
    "role assignment list": frozenset({"--assignee", "--all", "--scope", "--include-inherited"}),
    "vm list-usage": frozenset({"--location", "-l"}),
}
CALL = re.compile(r"(?:^|[\s$(`;|&])az (?P<rest>[a-z][^`\n]*)")
SUFFIXES = ("ada42", "$WORKSHOP_SUFFIX", "${WORKSHOP_SUFFIX}", "<suffix>", "{suffix}")
TOKEN = re.compile(r"[\w.-]*[\w](?:-?(?:\$\{?\w+\}?|<suffix>))?")


def check_commands(site: Site) -> list[Problem]:
    """Every call of `az` that no known command is, or that gives an option which the command has not; and names that
    workshop.toml has not."""
    names = known_names(site.root / "workshop.toml")
    problems: list[Problem] = []
    for page in site.pages:
        for line, text in _codes(site, page):
            problems += [Problem(page, line, message) for message in (*wrong_calls(text), *wrong_names(text, names))]
    return sorted(problems)


def _codes(site: Site, page: str) -> Iterator[tuple[int, str]]:
    """Every line of code of a page, inline code included."""
    for block in read_page(site.docs, page):
        if block.language == "bash":
            joined = block.text.replace("\\\n", " ")
            yield from ((block.line, line) for line in joined.splitlines())
    for line in prose((site.docs / page).read_text(encoding="utf-8")):
        yield from ((line.number, found.strip("`")) for found in CODE.findall(line.text))


def wrong_calls(text: str) -> Iterator[str]:
    """What is wrong with the calls of `az` in a line of code."""
    for found in CALL.finditer(f" {text}"):
        words = _words(found["rest"])
        if words is None:
            yield f"az {found['rest']}: its quotes do not close"
            continue
        name = _command(words)
        if name is None and any(known.startswith(f"{' '.join(words)} ") for known in COMMANDS):
            continue  # a group of commands, mentioned
        if name is None:
            yield f"az {' '.join(words[:4])}: no command that the pages know (pages/azure.py)"
            continue
        options = {word.partition("=")[0] for word in words if word.startswith("-")}
        for option in sorted(options - COMMANDS[name] - EVERYWHERE):
            yield f"az {name} has no option {option} that the pages know (pages/azure.py)"


def _words(rest: str) -> list[str] | None:
    """The words of a call, also of one within `"$(...)"`; None where quotes do not close."""
    for text in (rest, rest.rstrip('"'), rest.rstrip(')"')):
        try:
            return shlex.split(text)
        except ValueError:
            continue
    return None


def _command(words: list[str]) -> str | None:
    for length in range(min(4, len(words)), 0, -1):
        name = " ".join(words[:length])
        if name in COMMANDS:
            return name
    return None


def known_names(path: Path) -> frozenset[str]:
    """Every name of workshop.toml, with each way in which a page may write the suffix."""
    found = tomllib.loads(path.read_text(encoding="utf-8"))
    names = [str(name) for name in found["names"].values()]
    spelt = {name.replace("{suffix}", suffix) for name in names for suffix in SUFFIXES}
    devops = [value for value in found["devops"].values() if isinstance(value, str)]
    return frozenset({*spelt, *devops, *found["devops"]["environments"]})


def wrong_names(text: str, names: frozenset[str]) -> Iterator[str]:
    """Words that begin like the names of the workshop, and are none of them."""
    for word in TOKEN.findall(text):
        if word.startswith(("rg-diabetes", "mlw-diabetes", "aks-diabetes", "crdiabetes")) and word not in names:
            yield f"{word} is no name of workshop.toml"
