"""Module 0: the machine that the learner sits at."""

import email.utils
import shutil
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from checker.checks.registry import machine_check
from checker.clients.git import Git
from checker.clients.http import Request
from checker.context import CheckContext
from checker.errors import ServiceFault
from checker.model import Evidence, failed

PYTHONS = ((3, 11), (3, 13))  # the oldest and the newest that the locks hold for
GIT = (2, 28)  # the first with `git init --initial-branch`, which the pages type
FREE_GIGABYTES = 2.0  # both environments of the kit take 0.83
SKEW_SECONDS = 300.0  # a token's times may differ by this much before services refuse it
METADATA = "/metadata/endpoints?api-version=2019-05-01"  # answers without a token on every Azure


@machine_check("MAC001", "M0")
def python_is_supported(context: CheckContext) -> Evidence:
    """Python is 3.11, 3.12 or 3.13.

    The kit's packages are pinned for these; others may install something else, or nothing.
    """
    return check_python(sys.version_info[:3])


@machine_check("MAC002", "M0")
def git_is_installed(context: CheckContext) -> Evidence:
    """Git is installed, and not too old.

    The code lives in Git on Azure DevOps, and every change of the workshop is pushed with it.
    """
    found, wanted = _git(context).version(), f"git {GIT[0]}.{GIT[1]} or newer"
    if found is None:
        raise failed(
            "there is no git on the path",
            wanted,
            "A terminal that was open while git was installed does not know it yet.",
            "Windows: winget install Git.Git. macOS: xcode-select --install. Debian, Ubuntu: sudo apt install git.",
            commands=("git --version",),
        )
    spelt = f"git {found[0]}.{found[1]}"
    if found < GIT:
        raise failed(spelt, wanted, "Bring git up to date by the way it was installed.", commands=("git --version",))
    return Evidence(spelt, {"git": f"{found[0]}.{found[1]}"})


@machine_check("MAC003", "M0", ("MAC002",))
def git_identity_is_set(context: CheckContext) -> Evidence:
    """Git knows your name and your e-mail address.

    A commit carries both; without them git refuses to commit, in the middle of module 10.
    """
    git = _git(context)
    values = {name: git.setting(name) for name in ("user.name", "user.email")}
    absent = [name for name, value in values.items() if not value]
    if absent:
        raise failed(
            f"{' and '.join(absent)} {'is' if len(absent) == 1 else 'are'} not set",
            "user.name and user.email",
            "Git writes both into every commit; anybody who may read the repository reads them.",
            "Set them once for this machine with the commands below.",
            commands=tuple(f'git config --global {name} "<{name.partition(".")[2]}>"' for name in absent),
        )
    return Evidence(f"{values['user.name']} <{values['user.email']}>", {"name": values["user.name"]})


@machine_check("MAC004", "M0")
def disk_has_room(context: CheckContext) -> Evidence:
    """There are 2 GB free where the kit lies.

    The two environments take 0.8 GB; what runs leave behind comes on top.
    """
    folder = _folder(context)
    return check_disk(shutil.disk_usage(folder).free)


@machine_check("MAC005", "M0")
def clock_is_right(context: CheckContext) -> Evidence:
    """The clock of this machine agrees with the service's.

    Tokens are valid from one moment to another: a wrong clock makes good tokens look expired, or not yet valid.
    """
    url = f"{context.cloud.resource_manager}{METADATA}"
    return check_clock(context.http.send(Request("GET", url)).headers, datetime.now(UTC))


def check_python(version: tuple[int, ...]) -> Evidence:
    """Raises Fail for a Python that the kit is not made for."""
    spelt = ".".join(map(str, version))
    if not PYTHONS[0] <= tuple(version[:2]) <= PYTHONS[1]:
        raise failed(
            f"Python {spelt}",
            "Python 3.11, 3.12 or 3.13",
            "This is the Python that the checker runs in; another may be installed beside it.",
            "Make the environment again with one of the three.",
            commands=("python3.12 -m venv .venv", "make install"),
        )
    return Evidence(f"Python {spelt}", {"python": spelt})


def check_disk(free: int) -> Evidence:
    """`free` in bytes. Raises Fail for too few."""
    gigabytes = free / 1e9
    if gigabytes < FREE_GIGABYTES:
        raise failed(
            f"{gigabytes:.1f} GB are free",
            f"{FREE_GIGABYTES:.0f} GB",
            "The kit's environments take 0.8 GB, and training runs, images and logs come on top.",
            "Make room, or clone the kit onto another disk.",
        )
    return Evidence(f"{gigabytes:.1f} GB free", {"free": f"{gigabytes:.1f}"})


def check_clock(headers: Mapping[str, str], now: datetime) -> Evidence:
    """Compare with the answer's Date. Raises Fail when they differ by too much, ServiceFault without a date."""
    try:
        there = email.utils.parsedate_to_datetime(headers.get("date", ""))
    except ValueError as error:
        raise ServiceFault("the service's clock", "an answer without a date", "the header Date") from error
    there = there if there.tzinfo else there.replace(tzinfo=UTC)
    skew = (now - there).total_seconds()
    if abs(skew) > SKEW_SECONDS:
        direction = "ahead of" if skew > 0 else "behind"
        raise failed(
            f"this machine's clock is {abs(skew) / 60:.0f} minutes {direction} the service's",
            f"at most {SKEW_SECONDS / 60:.0f} minutes",
            "Sign-in will fail with words about tokens that are expired or not yet valid.",
            "Let the operating system set date and time by itself. A virtual machine that slept is a usual reason.",
            commands=("timedatectl status",),
        )
    return Evidence(f"{abs(skew):.0f} s apart", {"seconds": f"{skew:.0f}"})


def _folder(context: CheckContext) -> Path:
    return context.settings.file.resolve().parent


def _git(context: CheckContext) -> Git:
    return Git(_folder(context))
