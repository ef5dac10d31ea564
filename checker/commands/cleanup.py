"""`checker cleanup plan|run|verify`: what the workshop made, its removal, and the proof."""

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from checker.console import log_file, write
from checker.endings import FAILED, INTERRUPTED, NOT_CHECKED, PASSED
from checker.errors import CheckerError, UsageError
from checker.masking import Secrets
from checker.options import Config, FormatOption, Verbose
from checker.settings import find_file, read_settings
from checker.store import home

if TYPE_CHECKING:
    from checker.cleanup.model import Plan
    from checker.context import CheckContext

KeepDevOps = Annotated[bool, typer.Option("--keep-devops", help="Leave Azure DevOps as it is.")]
WithRepository = Annotated[bool, typer.Option("--repository", help="The repository too; else it stays.")]
WithProject = Annotated[bool, typer.Option("--project", help="The whole project too, unless others use it.")]
Yes = Annotated[str | None, typer.Option("--yes", metavar="SUFFIX", help="The suffix, typed here and not asked for.")]
Output = Annotated[Path | None, typer.Option("--output", metavar="FILE", help="Where the certificate is written too.")]


def register(app: typer.Typer) -> None:
    """Add `cleanup` with its three commands."""
    group = typer.Typer(
        no_args_is_help=True, help="List what the workshop made, remove it, and prove that nothing is left."
    )
    group.command("plan")(plan)
    group.command("run")(run)
    group.command("verify")(verify)
    app.add_typer(group, name="cleanup")


def plan(
    form: FormatOption = "terminal",
    config: Config = None,
    keep_devops: KeepDevOps = False,
    repository: WithRepository = False,
    project: WithProject = False,
    verbose: Verbose = False,
) -> None:
    """List what would be removed, in its order, with its cost per day. Nothing is changed."""
    from checker.cleanup.listing import plan_json, plan_text

    look = _Look(config, keep_devops, repository, project, verbose)
    found = look.plan()
    _write_as(form, plan_text(found), plan_json(found), look.secrets)


def run(
    config: Config = None,
    yes: Yes = None,
    keep_devops: KeepDevOps = False,
    repository: WithRepository = False,
    project: WithProject = False,
    verbose: Verbose = False,
) -> None:
    """Remove it, after you have typed your suffix. Interrupted, run it again: it goes on."""
    from checker.cleanup.client import open_writer
    from checker.cleanup.listing import outcome_text, plan_text
    from checker.cleanup.planning import require_agreement
    from checker.cleanup.removal import remove, require_confirmation

    look = _Look(config, keep_devops, repository, project, verbose)
    found = look.plan()
    write(look.secrets.mask(plan_text(found)))
    require_agreement(found)
    if found.items or found.group_exists:
        require_confirmation(found, _typed(found.suffix) if yes is None else yes)
    try:
        outcome = remove(look.context, found, open_writer(look.context), look.journal, look.say)
    except KeyboardInterrupt:
        write("\ninterrupted: what is gone is noted; `checker cleanup run` goes on\n", sys.stderr)
        raise typer.Exit(INTERRUPTED) from None
    write(look.secrets.mask("\n" + outcome_text(outcome)))
    raise typer.Exit(FAILED if outcome.refused else PASSED)


def verify(
    form: FormatOption = "terminal",
    config: Config = None,
    output: Output = None,
    keep_devops: KeepDevOps = False,
    repository: WithRepository = False,
    project: WithProject = False,
    verbose: Verbose = False,
) -> None:
    """Look again; when nothing is left, write the certificate and end with 0.

    It ends with 1 while something is there, and with 3 while Azure is still deleting all that is.
    """
    from checker.cleanup.certificate import certify, to_json, to_text
    from checker.cleanup.listing import plan_json, plan_text

    look = _Look(config, keep_devops, repository, project, verbose)
    found = look.plan()
    if found.items:
        _write_as(form, plan_text(found), plan_json(found), look.secrets)
        going = all(item.is_going for item in found.items)
        write("waiting: Azure is still deleting\n" if going else "not empty yet: checker cleanup run\n", sys.stderr)
        raise typer.Exit(NOT_CHECKED if going else FAILED)
    proof = certify(found, look.journal.read(), look.context.machine_learning.path)
    _write_as(form, to_text(proof), to_json(proof), look.secrets)
    if output:
        as_json = json.dumps(to_json(proof), indent=2) + "\n"
        _keep(output, look.secrets.mask(as_json if output.suffix == ".json" else to_text(proof)))


class _Look:
    """What the three commands share: settings, one context, the journal, and how far to go."""

    def __init__(self, config: Path | None, keep_devops: bool, repository: bool, project: bool, verbose: bool) -> None:
        from checker.cleanup.journal import Journal
        from checker.cleanup.model import Scope
        from checker.logs import log_to
        from checker.sweep import look

        if keep_devops and (repository or project):
            wanted = "--project" if project else "--repository"
            raise UsageError(
                "the command line", f"--keep-devops and {wanted}", "one of them", ("checker cleanup plan",)
            )
        self.secrets = Secrets()
        log_to(log_file(), self.secrets, verbose)
        settings = read_settings(config or find_file(Path.cwd()), os.environ)
        self.scope = Scope(not keep_devops, repository, project)
        self.context: CheckContext = look(settings, self.secrets)
        self.journal: Journal = Journal(home(), settings.subscription, settings.suffix)

    def plan(self) -> "Plan":
        from checker.cleanup.planning import make_plan

        return make_plan(self.context, self.scope)

    def say(self, line: str) -> None:
        write(self.secrets.mask(line + "\n"))


def _typed(suffix: str) -> str:
    """What a person types; '' at the end of an input that nobody types into."""
    write(f"\nType the suffix {suffix} to remove all of this: ")
    return sys.stdin.readline()


def _write_as(form: str, as_text: str, document: object, secrets: Secrets) -> None:
    if form not in ("terminal", "json"):
        raise UsageError(f"--format {form}", "there is no such format", "terminal or json", ("checker cleanup plan",))
    text = as_text if form == "terminal" else json.dumps(document, indent=2) + "\n"
    write(secrets.mask(text))


def _keep(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        reason = error.strerror or str(error)
        raise CheckerError(str(file), reason, "a file that can be written", ("checker cleanup verify",)) from error
