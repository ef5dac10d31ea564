"""What one sandbox is started with: made once in the command line, read everywhere, changed nowhere."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

HOST = "127.0.0.1"
DEFAULT_PORT = 8443
STORAGE_SUFFIX = "core.windows.net"  # azure-ai-ml's code download has this suffix hard-coded, contract (g) 1


@dataclass(frozen=True)
class Settings:
    """Where the state lives, where the server listens, and how children run.

    `runtime_python` is the interpreter of the runtime environment: jobs and model servers use it.
    `build_environments` makes a real venv for every environment definition instead of comparing it.
    """

    state: Path
    port: int = DEFAULT_PORT
    runtime_python: Path | None = None
    build_environments: bool = False

    @property
    def base(self) -> str:
        return f"https://{HOST}:{self.port}"

    @property
    def database(self) -> Path:
        return self.state / "sandbox.db"

    @property
    def tls(self) -> Path:
        return self.state / "tls"

    @property
    def bundle(self) -> Path:
        """Public roots and the sandbox's CA in one file: REQUESTS_CA_BUNDLE replaces, it does not add."""
        return self.tls / "bundle.pem"

    @property
    def log(self) -> Path:
        return self.state / "logs" / "sandbox.log"


def default_state(environment: Mapping[str, str] = os.environ) -> Path:
    """The state folder: SANDBOX_STATE, else a folder in the user's home."""
    chosen = environment.get("SANDBOX_STATE")
    return Path(chosen).expanduser().absolute() if chosen else Path.home() / ".mlops-sandbox"


def default_runtime(environment: Mapping[str, str] = os.environ) -> Path | None:
    """The runtime interpreter: SANDBOX_RUNTIME_PYTHON, else the checkout's `.venv-runtime`, else none."""
    chosen = environment.get("SANDBOX_RUNTIME_PYTHON")
    if chosen:
        return Path(chosen)
    folder = Path(__file__).resolve().parent.parent / ".venv-runtime"
    candidates = (folder / "bin" / "python", folder / "Scripts" / "python.exe")
    return next((candidate for candidate in candidates if candidate.exists()), None)
