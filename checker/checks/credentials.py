"""What a credential looks like. The patterns are those that Azure, Azure DevOps and GitHub print into their secrets so
that they can be recognised, and assignments to names that nobody gives to anything else.
"""

import re
from dataclasses import dataclass

WORDS = r"password|passwd|pwd|secret|client[_-]?secret|api[_-]?key|access[_-]?key|account[_-]?key|token|credential"
SHOWN = 4  # letters of a secret that a message may show
REFERENCE = re.compile(r"^\s*(\$[({\[]|\{\{|<|%)")  # a variable, a template, a placeholder
PLACEHOLDER = re.compile(
    r"example|sample|dummy|placeholder|changeme|your[-_ ]|not[-_ ]|x{4}|\*{3}|\.\.\.", re.IGNORECASE
)
SECRET_NAME = re.compile(
    rf"({WORDS}|connection[._-]?string|private[._-]?key|(scoring|storage|primary|secondary|shared|staging)[._-]?key)$",
    re.IGNORECASE,
)
PAT_NAME = re.compile(r"(^|[._-])(pat|PAT)$|[a-z]Pat$")  # not `spat`, nor a path


@dataclass(frozen=True)
class Credential:
    """Something that looks like a secret. `text` is the secret: it never goes into a message."""

    kind: str
    text: str

    @property
    def shown(self) -> str:
        """Enough of it to recognise it, not enough to use it."""
        return f"{self.kind} {self.text[:SHOWN]}…"


KINDS = (
    ("a key of a storage account", re.compile(r"AccountKey=([A-Za-z0-9+/]{86}==)")),
    ("a client secret of Entra ID", re.compile(r"(?<![\w~.-])([\w~.-]{3}[78]Q~[\w~.-]{31,34})(?![\w~.-])")),
    ("a personal access token", re.compile(r"(?<!\w)([A-Za-z0-9]{76}AZDO[A-Za-z0-9]{4})(?!\w)")),
    ("a key of a container registry", re.compile(r"(?<![\w+/])([A-Za-z0-9+/]{42}\+ACR[A-Za-z0-9]{6})(?![\w+/])")),
    ("a key of an Azure service", re.compile(r"(?<!\w)([A-Za-z0-9]{52}JQQJ99[A-Za-z0-9]{18,})")),
    ("a token of GitHub", re.compile(r"(?<!\w)(gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{60,})")),
    ("a private key", re.compile(r"(-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----)")),
    ("a signature of a shared access", re.compile(r"[?&]sig=([A-Za-z0-9%]{40,}%3D)")),
)
ASSIGNMENT = re.compile(
    rf"(?:^|[\s\"'_.-])(?:{WORDS})[\"']?\s*[:=]\s*[\"']?([^\s\"'`,;#=]{{12,}}={{0,2}})[\"']?\s*(?:#.*|[,;])?$",
    re.IGNORECASE,
)


def find_credential(line: str) -> Credential | None:
    """The first credential in a line, or None."""
    for kind, pattern in KINDS:
        found = pattern.search(line)
        if found:
            return Credential(kind, found[1])
    found = ASSIGNMENT.search(line.rstrip())
    return Credential("a secret in plain text", found[1]) if found and is_secret_text(found[1]) else None


def is_secret_text(text: str) -> bool:
    """Whether a value looks made by a machine: letters and digits, no reference, no call, no placeholder."""
    if REFERENCE.match(text) or PLACEHOLDER.search(text) or any(letter in text for letter in "(){}[]<>"):
        return False
    return any(letter.isdigit() for letter in text) and any(letter.isalpha() for letter in text)


def is_secret_name(name: str) -> bool:
    """Whether a variable of this name is a secret, whatever it holds."""
    return bool(SECRET_NAME.search(name) or PAT_NAME.search(name))
