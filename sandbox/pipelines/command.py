"""`sandbox pipeline validate | expand | plan | trigger | run FILE`: a typer program that `sandbox.cli` mounts.

It prints, as the command line does. Exit codes: 0 the answer is yes, 1 it is no (problems, no run), 2 usage.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from sandbox.pipelines.documents import plan_document, trigger_document, validation_document
from sandbox.pipelines.errors import LoadError, Problem
from sandbox.pipelines.filters import HEADS, TAGS
from sandbox.pipelines.final import final_yaml
from sandbox.pipelines.loading import Loaded, LoadRequest, load_file, repository_root
from sandbox.pipelines.rendering import render
from sandbox.pipelines.triggers import Decision, Event, PullRequest, Push, decide

pipeline_program = typer.Typer(help="Work on an Azure Pipelines file, without a server.", no_args_is_help=True)
File = Annotated[Path, typer.Argument(help="A pipeline's YAML file.", dir_okay=False)]
Parameters = Annotated[list[str] | None, typer.Option("--parameter", "-p", help="NAME=VALUE, as in the run dialogue.")]
Variables = Annotated[list[str] | None, typer.Option("--variable", "-v", help="NAME=VALUE, known before the run.")]
Branch = Annotated[str, typer.Option(help="The branch that the run is of.")]
Repositories = Annotated[list[str] | None, typer.Option("--repository", help="ALIAS=FOLDER for another repository.")]
Root = Annotated[Path | None, typer.Option(help="The repository's folder. Default: the nearest one with .git.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document.")]


@pipeline_program.command()
def validate(
    file: File,
    parameter: Parameters = None,
    variable: Variables = None,
    branch: Branch = "main",
    repository: Repositories = None,
    root: Root = None,
    as_json: AsJson = False,
) -> None:
    """Say what the service would refuse, with line and column. Exit code 1 when there is a problem."""
    loaded, error = _load(file, root, repository, _request(parameter, variable, branch))
    document = validation_document(str(file), loaded, error)
    if as_json:
        _print_json(document)
    elif error:
        _print_problems(error)
    else:
        counted = ", ".join(f"{count} {word}" for word, count in document["counts"].items() if word != "agentJobs")
        typer.echo(f"{file}: no problem found by the sandbox's own checks ({counted}).")
        typer.echo("Microsoft's language service did not run: see `layers` in --json.")
        _print_notices(document)
    raise typer.Exit(1 if error else 0)


@pipeline_program.command()
def expand(
    file: File,
    parameter: Parameters = None,
    variable: Variables = None,
    branch: Branch = "main",
    repository: Repositories = None,
    root: Root = None,
    final: Annotated[bool, typer.Option("--final", help="As the service answers: shorthands written out.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print the file with its templates and ${{ }} expanded."""
    loaded = _loaded(file, root, repository, _request(parameter, variable, branch), as_json)
    text = final_yaml(loaded) if final else render(loaded.expanded)
    if as_json:
        _print_json({"version": 1, "file": str(file), "files": list(loaded.files), "yaml": text})
    else:
        typer.echo(text.rstrip())


@pipeline_program.command()
def plan(
    file: File,
    parameter: Parameters = None,
    variable: Variables = None,
    branch: Branch = "main",
    repository: Repositories = None,
    root: Root = None,
    skip: Annotated[list[str] | None, typer.Option(help="A stage to leave out.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show stages and jobs, and why each would run or be skipped."""
    request = _request(parameter, variable, branch, skip or ())
    document = plan_document(str(file), _loaded(file, root, repository, request, as_json).plan)
    if as_json:
        _print_json(document)
        return
    for stage in document["stages"]:
        _print_line(stage, "" if not stage["dependsOn"] else f"  after {', '.join(stage['dependsOn'])}", "")
        for job in stage["jobs"]:
            legs = f"  {len(job['instances'])} legs" if len(job["instances"]) > 1 else ""
            place = f"  environment {job['environment']}" if job["environment"] else ""
            after = f"  after {', '.join(job['dependsOn'])}" if job["dependsOn"] else ""
            _print_line(job, f"{after}{legs}{place}", "  ")
    _print_notices(document)


@pipeline_program.command()
def trigger(
    file: File,
    branch: Annotated[str, typer.Option(help="A push to this branch.")] = "main",
    tag: Annotated[str, typer.Option(help="A push of this tag instead.")] = "",
    pull_request: Annotated[str, typer.Option(help="A pull request into this branch instead.")] = "",
    host: Annotated[str, typer.Option(help="Of a pull request: AzureRepos, GitHub or Bitbucket.")] = "AzureRepos",
    draft: Annotated[bool, typer.Option("--draft", help="The pull request is a draft.")] = False,
    path: Annotated[list[str] | None, typer.Option(help="A changed file, from the root. Repeat it.")] = None,
    message: Annotated[list[str] | None, typer.Option(help="A commit message. Repeat it.")] = None,
    parameter: Parameters = None,
    repository: Repositories = None,
    root: Root = None,
    as_json: AsJson = False,
) -> None:
    """Say whether an event would start a run, and why. Exit code 1 when it would not."""
    event = make_event(branch, tag, pull_request, host, draft, tuple(path or ()), tuple(message or ()))
    loaded = _loaded(file, root, repository, _request(parameter, None, branch), as_json)
    decision = decide(loaded.pipeline, event)
    document = trigger_document(str(file), loaded.pipeline, describe(event), decision, datetime.now(UTC))
    if as_json:
        _print_json(document)
    else:
        _print_decision(document, decision)
    raise typer.Exit(0 if decision.starts else 1)


@pipeline_program.command()
def run(
    file: File,
    parameter: Parameters = None,
    variable: Variables = None,
    branch: Branch = "main",
    repository: Repositories = None,
    root: Root = None,
    stage: Annotated[list[str] | None, typer.Option(help="Run this stage only. Repeat it.")] = None,
    skip: Annotated[list[str] | None, typer.Option(help="A stage to leave out.")] = None,
    secret: Annotated[
        list[str] | None, typer.Option(help="NAME of a secret variable: its value is in the environment.")
    ] = None,
    group: Annotated[list[str] | None, typer.Option(help="NAME=FILE, a variable group as YAML or JSON.")] = None,
    approve: Annotated[
        list[str] | None, typer.Option(help="NAME=yes or no: of a stage, environment, validation.")
    ] = None,
    dirty: Annotated[
        bool, typer.Option("--dirty", help="Check out the files as they are, not the last commit.")
    ] = False,
    cache: Annotated[Path | None, typer.Option(help="Folder that Cache tasks keep things in from run to run.")] = None,
    work: Annotated[Path | None, typer.Option(help="Folder to keep logs, artifacts and workspaces in.")] = None,
    as_json: AsJson = False,
) -> None:
    """Run the pipeline on this machine. Exit code 1 when it does not succeed."""
    from sandbox.pipelines.running.command import LocalRun, run_file

    request = _request(parameter, variable, branch, skip or ())
    loaded = _loaded(file, root, repository, request, as_json)
    options = LocalRun(
        file=file,
        root=root or repository_root(file),
        branch=branch,
        others={name: Path(folder) for name, folder in pairs(repository, "--repository").items()},
        variables=pairs(variable, "--variable"),
        secrets=tuple(secret or ()),
        groups={name: Path(path) for name, path in pairs(group, "--group").items()},
        approvals=pairs(approve, "--approve"),
        stages=tuple(stage or ()),
        skip=tuple(skip or ()),
        dirty=dirty,
        work=work,
        caches=cache.absolute() if cache else None,
        as_json=as_json,
    )
    raise typer.Exit(run_file(options, loaded))


def make_event(
    branch: str, tag: str, pull_request: str, host: str, draft: bool, paths: tuple[str, ...], messages: tuple[str, ...]
) -> Event:
    """The event that the options of `trigger` speak of."""
    if pull_request:
        return PullRequest(pull_request, paths, draft, host)
    if tag:
        return Push(tag if tag.startswith("refs/") else f"{TAGS}{tag}", paths, messages)
    return Push(full_ref(branch), paths, messages)


def describe(event: Event) -> str:
    """An event in a few words."""
    if isinstance(event, PullRequest):
        return f"pull request into {event.target}"
    if isinstance(event, Push):
        return f"push to {event.ref}"
    return f"schedule {event.schedule.cron} on {event.ref}"


def full_ref(branch: str) -> str:
    return branch if branch.startswith("refs/") else f"{HEADS}{branch}"


def ref_facts(branch: str) -> dict[str, str]:
    """The predefined variables that a branch gives."""
    ref = full_ref(branch)
    return {"Build.SourceBranch": ref, "Build.SourceBranchName": ref.rsplit("/", 1)[-1]}


def pairs(given: Sequence[str] | None, option: str) -> dict[str, str]:
    """NAME=VALUE options. Raises typer.BadParameter for one without `=`."""
    found = {}
    for one in given or ():
        name, equals, value = one.partition("=")
        if not equals or not name:
            raise typer.BadParameter(f"'{one}' has no NAME=VALUE form.", param_hint=option)
        found[name] = value
    return found


def _request(
    parameter: Sequence[str] | None, variable: Sequence[str] | None, branch: str, skip: Sequence[str] = ()
) -> LoadRequest:
    facts = {**ref_facts(branch), **pairs(variable, "--variable")}
    return LoadRequest(pairs(parameter, "--parameter"), facts, tuple(skip))


def _load(
    file: Path, root: Path | None, repository: Sequence[str] | None, request: LoadRequest
) -> tuple[Loaded | None, LoadError | None]:
    others = {alias: Path(folder) for alias, folder in pairs(repository, "--repository").items()}
    if not file.is_file():
        problem = Problem(f"There is no file {file}.", None, "Give the path of a pipeline's YAML file.")
        return None, LoadError([problem])
    try:
        return load_file(file, root, others, request), None
    except LoadError as error:
        return None, error


def _loaded(
    file: Path, root: Path | None, repository: Sequence[str] | None, request: LoadRequest, as_json: bool
) -> Loaded:
    """The loaded file, or the problems printed and exit code 1."""
    loaded, error = _load(file, root, repository, request)
    if loaded is not None:
        return loaded
    assert error is not None
    if as_json:
        _print_json(validation_document(str(file), None, error))
    else:
        _print_problems(error)
    raise typer.Exit(1)


def _print_problems(error: LoadError) -> None:
    for problem in error.problems:
        typer.echo(str(problem), err=True)
        if problem.help:
            typer.echo(f"    {problem.help}", err=True)
    if error.more:
        typer.echo(f"... and {error.more} more.", err=True)


def _print_line(node: Mapping[str, Any], after: str, indent: str) -> None:
    typer.echo(f"{indent}{node['name']:24} {node['outlook']:8} {node['why']}{after}")


def _print_notices(document: Mapping[str, Any]) -> None:
    messages = [*(notice["message"] for notice in document["notices"]), *document["notRehearsed"]]
    for message in dict.fromkeys(messages):
        typer.echo(f"note: {message}")


def _print_decision(document: Mapping[str, Any], decision: Decision) -> None:
    word = "starts a run" if decision.starts else "starts no run"
    batched = " (waits while a run of this branch is under way)" if decision.batched else ""
    typer.echo(f"{document['event']} {word}{batched}: {decision.why}.")
    for schedule in document["schedules"]:
        typer.echo(f"schedule {schedule['cron']}: next at {', '.join(schedule['next']) or 'no time'}")


def _print_json(document: Mapping[str, Any]) -> None:
    typer.echo(json.dumps(document, indent=2, ensure_ascii=False))
