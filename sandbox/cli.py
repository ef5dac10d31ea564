"""The `sandbox` command. The only module that prints, and the only one that knows exit codes.

0 done · 1 the answer is no (not running) · 2 usage or configuration · 130 interrupted
"""

import http.client
import json
import shutil
import ssl
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from sandbox.errors import StartupError
from sandbox.settings import DEFAULT_PORT, HOST, Settings, default_runtime, default_state

START_SECONDS = 60
STOP_SECONDS = 30

program = typer.Typer(help="A local Azure to learn and rehearse on.", no_args_is_help=True, add_completion=False)
State = Annotated[Path | None, typer.Option("--state", help="SANDBOX_STATE, else a folder in your home.")]
Runtime = Annotated[
    Path | None,
    typer.Option(help="Python for jobs and servers. SANDBOX_RUNTIME_PYTHON, else .venv-runtime."),
]


def main() -> None:
    """Run the command; a StartupError is one screen and exit code 2."""
    if len(sys.argv) < 2 or sys.argv[1] in ("pipeline", "--help"):
        _mount_pipelines()
    try:
        program()
    except StartupError as error:
        typer.echo(f"seen       {error.seen}\nexpected   {error.expected}\nnext       {error.command}", err=True)
        raise SystemExit(2) from error


@program.command()
def up(
    state: State = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")] = DEFAULT_PORT,
    runtime_python: Runtime = None,
    build_environments: Annotated[bool, typer.Option(help="Make a venv for every environment and image.")] = False,
    detach: Annotated[bool, typer.Option("--detach", help="Return once it answers.")] = False,
    until_orphaned: Annotated[bool, typer.Option(hidden=True)] = False,
) -> None:
    """Start the sandbox."""
    settings = Settings(
        (state or default_state()).absolute(), port, runtime_python or default_runtime(), build_environments
    )
    if detach:
        _detach(settings)
        return
    from sandbox.server import serve

    serve(settings, lambda running: typer.echo(_ready_text(settings, running.pid)), until_orphaned)


@program.command()
def down(state: State = None) -> None:
    """Stop the sandbox and every process it started."""
    from sandbox.running import get_running, is_alive, is_locked, wait_until

    folder = (state or default_state()).absolute()
    if not is_locked(folder):
        typer.echo(f"No sandbox runs on {folder}.")
        return
    # One that is only starting is waited for: it cannot be told to stop before it listens.
    wait_until(lambda: get_running(folder) is not None or not is_locked(folder), START_SECONDS)
    running = get_running(folder)
    if running:
        _control(folder, "POST", "/_sandbox/stop")
    if not wait_until(lambda: not is_locked(folder) and not (running and is_alive(running)), STOP_SECONDS):
        raise StartupError(
            f"The sandbox still runs {STOP_SECONDS} seconds after it was told to stop.",
            "It ends within a few seconds.",
            "sandbox logs",
        )
    typer.echo("Stopped.")


@program.command()
def status(state: State = None, as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """Say whether it runs, where, and how large it is. Exit code 1 when it does not run."""
    import psutil

    from sandbox.running import get_running

    folder = (state or default_state()).absolute()
    running = get_running(folder)
    facts: dict[str, Any] = {"running": running is not None, "state": str(folder)}
    if running:
        process = psutil.Process(running.pid)
        facts |= {
            "address": running.base,
            "pid": running.pid,
            "uptime_seconds": round(time.time() - running.created),
            "memory_megabytes": round(process.memory_info().rss / 1e6),
            "children": len(process.children(recursive=True)),
        }
    if as_json:
        typer.echo(json.dumps(facts, indent=2))
    else:
        typer.echo("\n".join(f"{name:17} {value}" for name, value in facts.items()))
        if not running:
            typer.echo("next              sandbox up --detach")
    raise typer.Exit(0 if running else 1)


@program.command()
def env(
    state: State = None,
    form: Annotated[str, typer.Option("--format", help="sh, powershell or json.")] = "sh",
    az: Annotated[bool, typer.Option("--az", help="The recipe for the Azure CLI instead.")] = False,
) -> None:
    """Print the variables a shell needs: eval "$(sandbox env)"."""
    from sandbox.environment import FORMATS, az_recipe, variables

    if form not in FORMATS:
        raise StartupError(f"The format '{form}'.", f"One of {', '.join(FORMATS)}.", "sandbox env --format sh")
    running, settings, account = _running_account(state)
    if not az:
        typer.echo(FORMATS[form](variables(settings, account, running)))
        return
    environment, commands = az_recipe(settings, account)
    recipe = {"environment": environment, "commands": commands}
    typer.echo(json.dumps(recipe, indent=2) if form == "json" else "\n".join([FORMATS[form](environment), *commands]))


@program.command()
def reset(state: State = None, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Stop the sandbox and delete its state folder."""
    folder = (state or default_state()).absolute()
    if folder.exists() and not (folder / "sandbox.db").exists():
        raise StartupError(
            f"{folder} is not a sandbox's state folder.", "A folder with sandbox.db in it.", "sandbox status"
        )
    if not yes and not typer.confirm(f"Delete everything in {folder}?"):
        raise typer.Exit(1)
    down(folder)
    shutil.rmtree(folder, ignore_errors=False) if folder.exists() else None
    typer.echo(f"{folder} is gone.")


@program.command()
def logs(
    state: State = None,
    lines: Annotated[int, typer.Option("-n", help="How many lines from the end.")] = 40,
    follow: Annotated[bool, typer.Option("-f", "--follow")] = False,
) -> None:
    """Show the server's log: one JSON object a line."""
    path = Settings((state or default_state()).absolute()).log
    if not path.exists():
        raise StartupError(f"There is no log at {path}.", "A sandbox that was started once.", "sandbox up --detach")
    with path.open(encoding="utf-8") as file:
        for line in file.readlines()[-lines:]:
            typer.echo(line.rstrip())
        while follow:
            line = file.readline()
            typer.echo(line.rstrip()) if line else time.sleep(0.2)


@program.command()
def fault(
    operation: Annotated[str, typer.Argument(help="Operation name or pattern; `sandbox operations` lists them.")],
    status_code: Annotated[int, typer.Option("--status", help="HTTP status; 0 drops the connection.")] = 503,
    times: Annotated[int, typer.Option(min=1)] = 1,
    delay: Annotated[float, typer.Option(min=0, help="Seconds before the answer.")] = 0.0,
    retry_after: Annotated[int | None, typer.Option(help="Seconds in a Retry-After header.")] = None,
    state: State = None,
) -> None:
    """Let the next calls of an operation fail."""
    headers = {} if retry_after is None else {"retry-after": str(retry_after)}
    body = {"operation": operation, "status": status_code, "times": times, "delay": delay, "headers": headers}
    _control((state or default_state()).absolute(), "POST", "/_sandbox/faults", body)
    typer.echo(f"The next {times} call(s) of {operation} answer {status_code or 'nothing'}.")


@program.command()
def operations(as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """List every operation the sandbox implements."""
    import tempfile

    from sandbox.app import build

    with tempfile.TemporaryDirectory() as scratch:
        application = build(Settings(Path(scratch)))
        rows = [(one.name, one.method, one.template) for one in application.router.operations]
        application.close()
    if as_json:
        typer.echo(json.dumps([dict(zip(("name", "method", "template"), row, strict=True)) for row in rows], indent=2))
    else:
        typer.echo("\n".join(f"{name:50} {method:6} {template}" for name, method, template in rows))


def _mount_pipelines() -> None:
    """The pipelines library has a program of its own; only those who ask for it wait for its import."""
    from sandbox.pipelines.command import pipeline_program

    program.add_typer(pipeline_program, name="pipeline")


def _detach(settings: Settings) -> None:
    """Start the server as a process of its own and wait until it answers."""
    from sandbox.running import STAY, get_running

    command = [sys.executable, "-m", "sandbox", "up", "--until-orphaned", "--state", str(settings.state)]
    command += ["--port", str(settings.port)]
    if settings.runtime_python:
        command += ["--runtime-python", str(settings.runtime_python)]
    if settings.build_environments:
        command.append("--build-environments")
    settings.state.mkdir(parents=True, exist_ok=True, mode=0o700)
    output = settings.state / "up.log"
    with output.open("wb") as sink:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=sink, stderr=sink, start_new_session=True)
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        running = get_running(settings.state)
        if running and running.pid == process.pid and process.stdin:
            process.stdin.write(STAY)
            process.stdin.close()
            typer.echo(_ready_text(settings, running.pid))
            return
        time.sleep(0.02)
    if process.poll() is None:
        process.terminate()
    typer.echo(output.read_text().rstrip(), err=True)
    raise SystemExit(process.returncode or 2)


def _ready_text(settings: Settings, pid: int) -> str:
    runtime = settings.runtime_python or "none: jobs and deployments fail until --runtime-python is given"
    rows = {"state": settings.state, "runtime": runtime, "next": 'eval "$(sandbox env)"'}
    title = f"Sandbox ready at {settings.base} (process {pid})"
    return "\n".join([title, *(f"{name:9} {value}" for name, value in rows.items())])


def _running_account(state: Path | None) -> tuple[Any, Settings, Any]:
    from sandbox.clock import Clock
    from sandbox.identity import get_account
    from sandbox.ids import Ids
    from sandbox.running import get_running
    from sandbox.store import Store

    folder = (state or default_state()).absolute()
    running = get_running(folder)
    if running is None:
        raise StartupError(f"No sandbox runs on {folder}.", "A running sandbox.", "sandbox up --detach")
    settings = Settings(folder, running.port)
    return running, settings, get_account(Store(settings.database, Clock()), Ids())


def _control(state: Path, method: str, path: str, body: dict[str, Any] | None = None) -> None:
    """One call to the running server's switchboard."""
    from sandbox.running import get_running

    running = get_running(state)
    if running is None:
        raise StartupError(f"No sandbox runs on {state}.", "A running sandbox.", "sandbox up --detach")
    context = ssl.create_default_context(cafile=str(state / "tls" / "ca.pem"))
    connection = http.client.HTTPSConnection(HOST, running.port, context=context, timeout=10)
    connection.request(method, path, json.dumps(body or {}), {"x-sandbox-secret": running.secret})
    answer = connection.getresponse()
    if answer.status >= 400:
        raise StartupError(f"The sandbox answered {answer.status}: {answer.read().decode()}", "A 2xx.", "sandbox logs")
