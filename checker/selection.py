"""Which checks a person means, and which of them are left out because nobody is to look there."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass

from checker.errors import UsageError
from checker.model import MODULES, Check, LeftOut, Service
from checker.settings import ORGANIZATION_TOKEN, ORGANIZATION_URL, ConfigurationError, Settings

NOT_CONFIGURED = "not configured"
NAMES_SHOWN = 4


@dataclass(frozen=True)
class Places:
    """Where to look: Azure always, the others when asked to. `machine_reason` says why this machine is not."""

    devops: bool = True
    machine: bool = True
    machine_reason: str = "--no-machine"

    def closed(self, settings: Settings) -> dict[Service, str]:
        """The services that are not looked at, and why."""
        reasons = {}
        if settings.devops.organization is None:
            reasons[Service.DEVOPS] = NOT_CONFIGURED
        elif not self.devops:
            reasons[Service.DEVOPS] = "--no-devops"
        if not self.machine:
            reasons[Service.MACHINE] = self.machine_reason
        return reasons

    def closed_for_class(self) -> dict[Service, str]:
        """The services that are not looked at for a class, whose roster names the organisations."""
        reasons = {} if self.devops else {Service.DEVOPS: "--no-devops"}
        return reasons if self.machine else {**reasons, Service.MACHINE: self.machine_reason}


def select(wanted: list[str], checks: Mapping[str, Check]) -> list[str]:
    """The codes that modules (M7), families (STG) and codes (STG003) name; those of the usual modules without.

    Raises UsageError.
    """
    codes: list[str] = []
    usual = [code for code, check in checks.items() if MODULES[check.module].usual]
    for word in wanted or usual:
        name = word.upper()
        found = [code for code, check in checks.items() if name in (code, code[:3], check.module)]
        if name in MODULES and not found:
            raise asks_for_nothing(name)
        if not found:
            raise unknown(word, [*checks, *MODULES])
        codes += found
    return list(dict.fromkeys(codes))


def leave_out(
    codes: list[str], checks: Mapping[str, Check], settings: Settings, places: Places
) -> tuple[list[str], tuple[LeftOut, ...]]:
    """The codes to look at, and those that look where nobody is to look, or need a check that does.

    Raises ConfigurationError when nothing is left: whoever names only such checks wants them.
    """
    closed = places.closed(settings)
    kept, left_out = leave_out_of(codes, checks, closed)
    if codes and not kept:
        service = left_out[0].service
        raise nothing_there(settings, f"{_names(codes)} look at {service}", closed[service])
    return kept, left_out


def leave_out_of(
    codes: list[str], checks: Mapping[str, Check], closed: Mapping[Service, str]
) -> tuple[list[str], tuple[LeftOut, ...]]:
    """The same for services that are known to be closed, and why; nothing may be left."""
    left: dict[Service, list[str]] = {}
    for code in codes:
        service = _closed_service(code, checks, closed)
        if service is not None:
            left.setdefault(service, []).append(code)
    gone = {code for found in left.values() for code in found}
    kept = [code for code in codes if code not in gone]
    return kept, tuple(LeftOut(service, closed[service], tuple(found)) for service, found in left.items())


def _closed_service(code: str, checks: Mapping[str, Check], closed: Mapping[Service, str]) -> Service | None:
    """The service for whose sake a check is left out: its own, or that of anything it needs."""
    check = checks[code]
    if check.service in closed:
        return check.service
    found = (_closed_service(needed, checks, closed) for needed in check.requires)
    return next((service for service in found if service is not None), None)


def _names(codes: list[str]) -> str:
    return ", ".join(codes[:NAMES_SHOWN]) + ", ..." * (len(codes) > NAMES_SHOWN)


def nothing_there(settings: Settings, what: str, reason: str) -> ConfigurationError:
    """A ConfigurationError to raise: everything that was asked for lies where nobody is to look."""
    if reason.startswith("--"):
        return ConfigurationError("the command line", f"{what}: {reason}", "something to look at", ("checker list",))
    return ConfigurationError(
        f"where Azure DevOps is: [devops] organization of {settings.file.name}, and {ORGANIZATION_URL}",
        f"{what}: {reason}",
        "an organisation to look at, and a token of it",
        (f"export {ORGANIZATION_URL}=https://dev.azure.com/<organisation>", f"export {ORGANIZATION_TOKEN}=<token>"),
    )


def asks_for_nothing(module: str) -> UsageError:
    """A UsageError to raise for a module that has no checks: it only looks back."""
    seen = "a module of the workshop that asks for nothing of its own"
    return UsageError(f"`{module}`", seen, "a module with checks", ("checker diff", "checker progress"))


def unknown(word: str, known: list[str]) -> UsageError:
    """A UsageError to raise for a word that is neither a module nor a check, with its near neighbours."""
    near = difflib.get_close_matches(word.upper(), known, n=3, cutoff=0.5)
    seen = "there is no such module or check" + (f"; near it are {', '.join(near)}" if near else "")
    return UsageError(f"`{word}`", seen, "a module as M7, or a code as STG003", ("checker list",))
