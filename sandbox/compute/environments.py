"""An environment definition is verified, never silently ignored.

What a conda file or a requirements file asks for is compared with what the runtime environment holds; each difference
is one plain sentence. `sandbox.compute.venvs` really builds an environment when the sandbox is asked to.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import yaml
from packaging.markers import default_environment
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from sandbox.compute.errors import RequirementsError
from sandbox.compute.runtime import Runtime

CONDA_KEYS = ("name", "channels", "dependencies", "variables", "prefix")
CONDA_PACKAGE = re.compile(r"^(?:[^:\s]+::)?(?P<name>[A-Za-z0-9_.-]+?)\s*(?P<pin>[=<>!~\s].*)?$")

# The installers themselves do not run in a job, so their version makes no difference to it.
INSTALLERS = ("pip", "setuptools", "wheel", "conda")

Kind = Literal["missing", "version", "python", "unchecked"]
ReadFile = Callable[[str], str]


@dataclass(frozen=True)
class CondaPackage:
    """A conda dependency; `pin` is its version condition in pip's spelling ("" for any), build strings left out."""

    name: str
    pin: str = ""


@dataclass(frozen=True)
class Requirements:
    """What an environment definition asks for. `python` is a condition in pip's spelling, "" for any version.

    `unchecked` are lines that name no distribution (a path, an address); `variables` is the conda file's own section.
    """

    python: str = ""
    pip: tuple[Requirement, ...] = ()
    conda: tuple[CondaPackage, ...] = ()
    unchecked: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)

    def __add__(self, other: Requirements) -> Requirements:
        """Both together; the later definition's python condition wins."""
        return Requirements(
            other.python or self.python,
            self.pip + other.pip,
            self.conda + other.conda,
            self.unchecked + other.unchecked,
            {**self.variables, **other.variables},
        )


@dataclass(frozen=True)
class Difference:
    """One thing an environment definition asks for that the runtime does not hold, or that cannot be compared."""

    kind: Kind
    package: str
    wanted: str
    found: str | None = None

    def __str__(self) -> str:
        """One sentence for a person."""
        if self.kind == "missing":
            return f"{self.package} is asked for ({self.wanted}) and is not installed in the runtime environment."
        if self.kind == "python":
            return f"Python {self.wanted} is asked for; the runtime environment has Python {self.found}."
        if self.kind == "version":
            return (
                f"{self.package} {self.wanted} is asked for; the runtime environment has {self.package} {self.found}."
            )
        return f"{self.wanted} cannot be compared with the runtime environment: it names no Python distribution there."


def parse_conda(text: str, read: ReadFile | None = None) -> Requirements:
    """Read a conda environment file. Raises `RequirementsError` for text that is not one.

    `read` gives the text of a requirements file that the pip section includes with `-r`.
    """
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise RequirementsError(f"The conda file is not YAML: {error}") from error
    if not isinstance(document, dict):
        raise RequirementsError(
            f"The conda file holds a {type(document).__name__}; an object with dependencies is expected."
        )
    unknown = sorted(str(key) for key in document if key not in CONDA_KEYS)
    if unknown:
        raise RequirementsError(f"The conda file has the unknown key {unknown[0]}; known are {', '.join(CONDA_KEYS)}.")
    variables = {str(key): str(value) for key, value in (document.get("variables") or {}).items()}
    found = Requirements(variables=variables)
    for entry in document.get("dependencies") or []:
        found += _conda_entry(entry, read)
    return found


def _conda_entry(entry: Any, read: ReadFile | None) -> Requirements:
    if isinstance(entry, dict) and set(entry) == {"pip"} and isinstance(entry["pip"], list):
        return parse_requirements("\n".join(str(line) for line in entry["pip"]), read)
    match = CONDA_PACKAGE.match(entry.strip()) if isinstance(entry, str) else None
    if match is None:
        raise RequirementsError(f"The conda dependency {entry!r} is not understood; `name=1.2` is expected.")
    name, pin = match["name"].lower(), conda_pin(match["pin"] or "", entry)
    if name == "python":
        return Requirements(python=pin)
    return Requirements(conda=(CondaPackage(name, pin),))


def conda_pin(text: str, entry: str) -> str:
    """A conda version condition in pip's spelling: `=1.2` and `1.2` become `==1.2.*`; a build string is left out."""
    pin = text.strip()
    if not pin or pin == "*":
        return ""
    if not pin.startswith(("==", ">", "<", "!", "~")):
        version = re.split(r"[=\s]", pin.lstrip("= "))[0]
        pin = f"=={version.removesuffix('.*').removesuffix('*')}.*" if version not in ("", "*") else ""
    elif pin.startswith("=="):
        pin = "==" + re.split(r"[=\s]", pin[2:].strip())[0]
    try:
        return str(SpecifierSet(pin))
    except InvalidSpecifier as error:
        raise RequirementsError(
            f"The version condition of the conda dependency {entry!r} is not understood."
        ) from error


def parse_requirements(text: str, read: ReadFile | None = None) -> Requirements:
    """Read a requirements file. Raises `RequirementsError` with the line number for a line that is not understood.

    `read` gives the text of a file included with `-r`; without it such a line is reported as one that is not compared.
    """
    found = Requirements()
    for number, line in logical_lines(text):
        found += _requirement_line(line, number, read)
    return found


def logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """(number, line) with continuations joined, comments and empty lines left out."""
    start, gathered = 0, ""
    for number, raw in enumerate(text.splitlines(), start=1):
        line = re.sub(r"(^|\s)#.*$", "", raw).rstrip()
        start = start if gathered else number
        if line.endswith("\\"):
            gathered += line[:-1] + " "
            continue
        if (gathered + line).strip():
            yield start, (gathered + line).strip()
        gathered = ""
    if gathered.strip():
        yield start, gathered.strip()


def _requirement_line(line: str, number: int, read: ReadFile | None) -> Requirements:
    include = re.match(r"^(?:-r|--requirement)[ =]?\s*(\S+)$", line)
    if include and read is not None:
        return parse_requirements(read(include[1]), read)
    if line.startswith(("-r", "--requirement", "-c", "--constraint", "-e", "--editable")):
        return Requirements(unchecked=(line,))
    if line.startswith("-"):
        return Requirements()  # where and how pip looks for packages, not which ones
    if re.match(r"^(\.{0,2}/|\.$|[a-z+]+://)", line):
        return Requirements(unchecked=(line,))
    try:
        return Requirements(pip=(Requirement(re.split(r"\s--\w", line)[0]),))
    except InvalidRequirement as error:
        reason = str(error).splitlines()[0]
        raise RequirementsError(f"Line {number} of the requirements is not understood: {line!r} ({reason}).") from error


def differences(requirements: Requirements, runtime: Runtime) -> list[Difference]:
    """What the runtime environment does not hold of what is asked for, in the order it is asked for."""
    held = runtime.inventory
    found = [*_python(requirements.python, held.python_version)]
    for package in requirements.conda:
        found += _conda(package, held.distributions)
    for requirement in requirements.pip:
        found += _pip(requirement, held.distributions, held.python_version)
    return [*found, *(Difference("unchecked", "", line) for line in requirements.unchecked)]


def _python(wanted: str, version: str) -> Iterator[Difference]:
    if wanted and not SpecifierSet(wanted).contains(Version(version), prereleases=True):
        yield Difference("python", "Python", wanted, version)


def _conda(package: CondaPackage, held: Mapping[str, str]) -> Iterator[Difference]:
    if package.name in INSTALLERS:
        return
    if canonicalize_name(package.name) in held:
        yield from _compare(package.name, package.pin, held)
    else:
        # Most conda packages have a distribution of the same name, others (cudatoolkit, libgomp) have none at all.
        yield Difference("unchecked", package.name, f"conda package {package.name} {package.pin}".strip())


def _pip(requirement: Requirement, held: Mapping[str, str], python_version: str) -> Iterator[Difference]:
    if requirement.marker is not None and not requirement.marker.evaluate(marker_environment(python_version)):
        return
    if requirement.url:
        yield Difference("unchecked", requirement.name, str(requirement))
    elif requirement.name.lower() not in INSTALLERS:
        yield from _compare(requirement.name, str(requirement.specifier), held)


def _compare(name: str, pin: str, held: Mapping[str, str]) -> Iterator[Difference]:
    version = held.get(canonicalize_name(name))
    if version is None:
        yield Difference("missing", name, pin or "any version")
    elif pin and not SpecifierSet(pin).contains(Version(version), prereleases=True):
        yield Difference("version", name, pin, version)


def marker_environment(python_version: str) -> dict[str, str]:
    """What a requirement's marker is judged by: this machine, with the runtime's Python."""
    short = ".".join(python_version.split(".")[:2])
    names = {key: str(value) for key, value in default_environment().items()}
    return {**names, "python_version": short, "python_full_version": python_version, "extra": ""}
