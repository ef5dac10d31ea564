"""Images: content-addressed bundles of a root file system and a configuration.

An image's digest is the SHA-256 of its manifest: every file with its hash and mode, and the configuration, without any
time. The same context and Dockerfile give the same digest on every machine. There are no layers.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sandbox.compute.building import ImageBuild, ImageConfig
from sandbox.compute.environments import Requirements
from sandbox.compute.errors import ImageNotFoundError
from sandbox.compute.folders import files_of, remove_folder
from sandbox.compute.runtime import Runtime

SCHEMA_VERSION = 1
READ_BYTES = 1024 * 1024

Log = Callable[[str], None]
EnvironmentBuilder = Callable[[Requirements], Runtime]


@dataclass(frozen=True)
class Image:
    """A stored image. `python` is the environment that was built for it, None when the shared runtime stands in."""

    digest: str
    folder: Path
    config: ImageConfig
    manifest: bytes
    python: Path | None = None
    files: Mapping[str, Any] = field(default_factory=dict)

    @property
    def rootfs(self) -> Path:
        """The image's root file system. Nothing may write to it: copy it first."""
        return self.folder / "rootfs"

    @property
    def size(self) -> int:
        """The bytes of all its files."""
        return sum(int(entry["size"]) for entry in self.files.values())


class Images:
    """The images in one folder, one subfolder per digest."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder

    def build(
        self,
        context: Path,
        dockerfile: str,
        build_arguments: Mapping[str, str],
        log: Log,
        runtime: Runtime,
        builder: EnvironmentBuilder | None = None,
    ) -> Image:
        """Build the Dockerfile at that path of the context, telling `log` every step as docker does.

        With `builder`, what the Dockerfile installs with pip is really installed, into an environment the image then
        keeps; without it, it is compared with `runtime`, and the log tells each difference. Raises `BuildError` with
        file and line; then nothing is stored.
        """
        working = self._folder / f"building-{secrets.token_hex(8)}"
        try:
            build = ImageBuild(context, dockerfile, build_arguments, working / "rootfs", runtime, log)
            config = build.run()
            python = builder(build.requirements).python if builder is not None and build.installs else None
            image = self._store(working, config, python)
        finally:
            remove_folder(working)
        log(f"Successfully built {image.digest.removeprefix('sha256:')[:12]}")
        return image

    def get(self, digest: str) -> Image:
        """The image of that digest (`sha256:...`). Raises `ImageNotFoundError`."""
        folder = self._place(digest)
        if not (folder / "manifest.json").is_file():
            raise ImageNotFoundError(f"There is no image {digest}.")
        manifest = (folder / "manifest.json").read_bytes()
        document = json.loads(manifest)
        local = json.loads((folder / "local.json").read_text(encoding="utf-8"))
        python = Path(local["python"]) if local["python"] else None
        return Image(digest, folder, config_from(document["config"]), manifest, python, document["files"])

    def list(self) -> list[str]:
        """The digests of all images, sorted."""
        return sorted(f"sha256:{path.parent.name}" for path in self._folder.glob("*/manifest.json"))

    def delete(self, digest: str) -> None:
        """Remove the image. Raises `ImageNotFoundError`."""
        image = self.get(digest)
        leaving = self._folder / f"leaving-{secrets.token_hex(8)}"
        image.folder.rename(leaving)
        remove_folder(leaving)

    def sweep(self) -> None:
        """Remove what a killed server left half-built or half-deleted. Call it once, before the first build."""
        for pattern in ("building-*", "leaving-*"):
            for folder in self._folder.glob(pattern):
                remove_folder(folder)

    def _place(self, digest: str) -> Path:
        name = digest.removeprefix("sha256:")
        if len(name) != 64 or not set(name) <= set("0123456789abcdef"):
            raise ImageNotFoundError(f"{digest!r} is not a digest: sha256: and 64 hexadecimal digits are expected.")
        return self._folder / name

    def _store(self, working: Path, config: ImageConfig, python: Path | None) -> Image:
        manifest = manifest_of(working / "rootfs", config)
        digest = "sha256:" + hashlib.sha256(manifest).hexdigest()
        (working / "manifest.json").write_bytes(manifest)
        (working / "local.json").write_text(json.dumps({"python": str(python) if python else ""}), encoding="utf-8")
        place = self._place(digest)
        try:
            working.rename(place)
        except OSError:
            # The same content is stored already, perhaps a moment ago by another build. What was installed for this
            # build is only told on this machine, not part of the digest, and replaces what was known.
            if not place.is_dir():
                raise
            (working / "local.json").replace(place / "local.json")
        return self.get(digest)


def manifest_of(rootfs: Path, config: ImageConfig) -> bytes:
    """The canonical manifest: sorted files with hash, size and mode, and the configuration."""
    files = {path.relative_to(rootfs).as_posix(): _entry(path) for path in files_of(rootfs)}
    folders = sorted(path.relative_to(rootfs).as_posix() for path in rootfs.rglob("*") if path.is_dir())
    document = {"schemaVersion": SCHEMA_VERSION, "config": asdict(config), "files": files, "folders": folders}
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _entry(path: Path) -> dict[str, object]:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(READ_BYTES):
            digest.update(block)
    return {"sha256": digest.hexdigest(), "size": path.stat().st_size, "mode": f"{path.stat().st_mode & 0o777:o}"}


def config_from(document: Mapping[str, Any]) -> ImageConfig:
    """The configuration a manifest describes."""
    listed: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in document.items()
    }
    return ImageConfig(**listed)
