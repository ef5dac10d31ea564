"""One build: the uploaded archive is unpacked, the Dockerfile carried out, the image kept."""

import shutil
import tarfile
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox.archives import extract
from sandbox.compute.environments import Requirements
from sandbox.compute.errors import BuildError
from sandbox.compute.folders import remove_folder
from sandbox.compute.images import Image, Images
from sandbox.compute.runtime import Runtime

Log = Callable[[str], None]
MakeEnvironment = Callable[[Requirements], Runtime]


class BuildCanceled(Exception):
    """Somebody canceled the run: raised by the log, at the next line that the build writes."""


@dataclass(frozen=True)
class Builder:
    """Builds images with one runtime environment; `scratch` is a folder for contexts.

    With `make_environment`, what a Dockerfile installs is really installed; else it is compared with the runtime.
    """

    images: Images
    runtime: Runtime | None
    scratch: Path
    make_environment: MakeEnvironment | None = None

    def build(self, archive: Path, dockerfile: str, arguments: Mapping[str, str], log: Log) -> Image:
        """Raises BuildError, EnvironmentBuildError, or BuildCanceled by way of `log`."""
        if self.runtime is None:
            raise BuildError("There is no runtime environment to build for. Make it with: make runtime", dockerfile)
        self.scratch.mkdir(parents=True, exist_ok=True)
        context = Path(tempfile.mkdtemp(prefix="context-", dir=self.scratch))
        try:
            unpack(archive, context)
            return self.images.build(context, dockerfile, arguments, log, self.runtime, self.make_environment)
        finally:
            remove_folder(context)

    def sweep(self) -> None:
        """Remove what a killed server left half-built. Call it once, before the first build."""
        self.images.sweep()
        if self.scratch.is_dir():
            shutil.rmtree(self.scratch)


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a tar, compressed or not. Raises BuildError for what is none, and for a member that leads out of it."""
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                if member.name.strip("/."):  # `az acr build` packs the root folder itself under an empty name
                    extract(tar, member, folder)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise BuildError(f"The source archive cannot be unpacked: {error}", "context") from error
