"""Which Python runs a job or a deployment: the runtime environment, compared with what the definition asks for.

An environment definition is never silently ignored: what differs is said in the job's build log, and with
`--build-environments` the definition is really built.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.compute.environments import differences, parse_conda
from sandbox.compute.errors import RuntimeNotUsableError
from sandbox.compute.processes import Processes
from sandbox.compute.runtime import Runtime
from sandbox.compute.venvs import build
from sandbox.errors import BadRequest
from sandbox.machinelearning.context import kind_of
from sandbox.store import Store

VERSIONS = kind_of("environments", "versions")
NO_RUNTIME = (
    "The sandbox has no runtime environment, so it cannot run Python. Make one (`make runtime`) and start the "
    "sandbox again, or name one with --runtime-python."
)


@dataclass(frozen=True)
class PreparedRuntime:
    """A runtime and what preparing it found: lines for the build log."""

    runtime: Runtime
    report: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)


class Runtimes:
    """Prepares runtimes for environment versions."""

    def __init__(
        self, store: Store, runtime: Runtime | None, processes: Processes, folder: Path, build_environments: bool
    ) -> None:
        self._store = store
        self._runtime = runtime
        self._processes = processes
        self._folder = folder
        self._build = build_environments

    @property
    def default(self) -> Runtime:
        """The runtime environment. Raises RuntimeNotUsableError where the sandbox was started without one."""
        if self._runtime is None:
            raise RuntimeNotUsableError(NO_RUNTIME)
        return self._runtime

    def prepare(self, environment_id: str, log: Path) -> PreparedRuntime:
        """The runtime for an environment version. Raises ComputeError where a build fails."""
        found = self._store.get(VERSIONS, environment_id)
        if found is None:
            raise BadRequest("UserError", f"The environment '{environment_id}' was not found.")
        properties = found.body["properties"]
        label = f"{environment_id.split('/')[-3]}:{found.name}"
        head = f"Environment {label}: image {properties['image']} is not pulled; its packages come from the runtime."
        if not properties.get("condaFile"):
            return PreparedRuntime(self.default, (head, "It has no conda file, so there is nothing to compare."))
        requirements = parse_conda(properties["condaFile"])
        if self._build:
            runtime = build(requirements, self._folder, log, base=self.default, processes=self._processes)
            said = f"Environment {label} is built from its conda file."
            return PreparedRuntime(runtime, (said,), variables=requirements.variables)
        warnings = tuple(str(one) for one in differences(requirements, self.default))
        verdict = "The definition and the runtime differ:" if warnings else "Every requirement is met."
        return PreparedRuntime(self.default, (head, verdict, *warnings), warnings, requirements.variables)
