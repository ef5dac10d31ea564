"""How a function becomes a check, and how the modules of checks become one registry."""

import inspect
import re
from collections.abc import Callable, Mapping
from graphlib import TopologicalSorter
from types import ModuleType

from checker.context import CheckContext
from checker.model import MODULES, Check, Evidence, Service

CODE = re.compile(r"[A-Z]{3}[0-9]{3}")

Run = Callable[[CheckContext], Evidence]


def check(
    code: str, module: str, requires: tuple[str, ...] = (), service: Service = Service.AZURE
) -> Callable[[Run], Check]:
    """Turn a function into a Check. The docstring's first line is its title, a statement that can be true; the rest
    says why it matters. Raises ValueError for a malformed code, an unknown module, or a docstring without a reason.
    """

    def make(run: Run) -> Check:
        title, _, why = (inspect.getdoc(run) or "").partition("\n")
        if not CODE.fullmatch(code):
            raise ValueError(f"the code {code} is not three letters and three digits")
        if module not in MODULES:
            raise ValueError(f"{code}: there is no module {module}")
        if not (title and why.strip()):
            raise ValueError(f"{code}: the docstring needs a title and a reason")
        return Check(code, title.rstrip("."), " ".join(why.split()), module, requires, run, service)

    return make


def devops_check(code: str, module: str, requires: tuple[str, ...] = ()) -> Callable[[Run], Check]:
    """A check that looks at Azure DevOps, if only among others. No check of Azure alone may require it."""
    return check(code, module, requires, Service.DEVOPS)


def machine_check(code: str, module: str, requires: tuple[str, ...] = ()) -> Callable[[Run], Check]:
    """A check that looks at the learner's machine and clone, if only among others."""
    return check(code, module, requires, Service.MACHINE)


def gather(*subjects: ModuleType) -> Mapping[str, Check]:
    """All checks of these modules by code: in the order of the workshop's modules, then of the subjects.

    Raises ValueError for a code that is taken or a prerequisite that does not exist or may be left out, CycleError for
    a circle.
    """
    checks: dict[str, Check] = {}
    found = [entry for subject in subjects for entry in vars(subject).values() if isinstance(entry, Check)]
    for entry in sorted(found, key=lambda check: int(check.module[1:])):
        if entry.code in checks:
            raise ValueError(f"the code {entry.code} is taken")
        checks[entry.code] = entry
    for entry in found:
        if unknown := set(entry.requires) - set(checks):
            raise ValueError(f"{entry.code} requires {', '.join(sorted(unknown))}, which does not exist")
        if entry.service is Service.AZURE and any(checks[code].service is not Service.AZURE for code in entry.requires):
            raise ValueError(f"{entry.code} looks at Azure alone and requires a check that looks at more")
    TopologicalSorter({code: entry.requires for code, entry in checks.items()}).prepare()
    return checks
