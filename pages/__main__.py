"""The command `python -m pages`: the one place where this package prints."""

import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from pages.errors import PageError, Problem
from pages.site import read_site

ROOT = Path(__file__).resolve().parent.parent
program = typer.Typer(add_completion=False, no_args_is_help=True, help="The workshop's site.")
Pages = Annotated[list[str] | None, typer.Argument(help="Pages as in docs/, such as modules/06-first-run.md.")]


@program.command()
def plan(pages: Pages = None) -> None:
    """Show what would run, in order, and what would not and why."""
    from pages.running import planned

    site = read_site(ROOT)
    for block in planned(site, pages or site.modules()):
        given = block.attributes
        why = "hook" if block.hidden else f"skip: {given.skip}" if given.skip else f"lane {given.lane}"
        mark = "run " if block.runs else "    "
        limit = "" if given.timeout == type(given)().timeout else f"  [{given.timeout} s]"
        failing = f"  [has to fail: {given.expect_error}]" if given.expect_error else ""
        typer.echo(f"{mark} {block.place:42} {why}{limit}{failing}")
        typer.echo("".join(f"       | {line}\n" for line in block.text.splitlines()), nl=False)


@program.command()
def run(
    pages: Pages = None,
    folder: Annotated[Path | None, typer.Option(help="An empty folder to read in; else one of its own.")] = None,
    own_environments: Annotated[bool, typer.Option(help="Install as the set-up says, in place of lending.")] = False,
    measure: Annotated[bool, typer.Option(help="Write the seconds to docs/measured.json.")] = False,
) -> None:
    """Execute every block of the sandbox lane, as one reader from an empty folder. Exit code 1 at the first fault."""
    from journey.source import make_source
    from pages.running import Reader, run_pages, write_measured

    site = read_site(ROOT)
    scratch = (folder or Path(tempfile.mkdtemp(prefix="reader-"))).absolute()
    reader = Reader(scratch, ROOT, make_source(ROOT, scratch / "kit"), not own_environments)
    outcome = run_pages(site, pages or site.modules(), reader, _tell)
    for finding in outcome.findings:
        typer.echo(f"\n{finding}")
    if measure:
        write_measured(site.docs / "measured.json", outcome, datetime.now(UTC).date())
    typer.echo(f"{len(outcome.seconds)} pages, {sum(outcome.seconds.values()):.1f} s of commands, in {scratch}")
    raise typer.Exit(1 if outcome.findings else 0)


@program.command()
def check(pages: Pages = None) -> None:
    """Look at headings, pictures, links, words, spelling, calls of the Azure CLI and of our own programs. Exit code 1
    for any problem."""
    from pages.azure import check_commands
    from pages.programs import check_programs
    from pages.quality import check_pages

    site = read_site(ROOT)
    _report([*check_pages(site, pages), *(() if pages else (*check_commands(site), *check_programs(site)))])


@program.command()
def write(check_only: Annotated[bool, typer.Option("--check", help="Only say what is out of step.")] = False) -> None:
    """Write the reference pages and the facts of the modules from the registries."""
    from pages.facts import write_facts
    from pages.reference import out_of_step, write_reference

    site = read_site(ROOT, strict=False)
    if check_only:
        _report(
            [Problem(f"reference/{name}.md", 0, "out of step: python -m pages write") for name in out_of_step(site)]
        )
        return
    for path in (*write_reference(site), *write_facts(site)):
        typer.echo(str(path.relative_to(ROOT)))


@program.command()
def build() -> None:
    """Build the site strictly into build/site, with the page to print."""
    from pages.building import build_site, write_print
    from pages.facts import write_facts

    site = read_site(ROOT)
    write_facts(site)
    typer.echo(str(build_site(site).relative_to(ROOT)))
    typer.echo(str(write_print(site).relative_to(ROOT)))


@program.command("zip")
def archive() -> None:
    """Write the archive that is read offline."""
    from pages.building import write_archive
    from pages.facts import write_facts

    site = read_site(ROOT)
    write_facts(site)
    typer.echo(str(write_archive(site).relative_to(ROOT)))


@program.command()
def links(write_list: Annotated[bool, typer.Option("--write", help="Bring docs/links.toml in step.")] = False) -> None:
    """Show external addresses, those that nobody has opened yet first, then by the day they were last seen."""
    from pages.quality import LINKS, read_links, write_links

    site = read_site(ROOT)
    if write_list:
        write_links(site)
    found = read_links(site.docs / LINKS)
    for url, seen in sorted(found.items(), key=lambda one: (str(one[1] or ""), one[0])):
        typer.echo(f"{seen or 'not opened':10}  {url}")


def _tell(line: str) -> None:
    typer.echo(line)


def _report(problems: Sequence[Problem]) -> None:
    for problem in problems:
        typer.echo(str(problem))
    raise typer.Exit(1 if problems else 0)


def main() -> None:
    try:
        program()
    except PageError as error:
        typer.echo(str(error), err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
