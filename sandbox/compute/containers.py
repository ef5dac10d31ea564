"""Running an image: a private copy of its root file system, and the paths of the image translated to that copy."""

from __future__ import annotations

import posixpath
import re
import shutil
import sys
from dataclasses import replace
from pathlib import Path

from sandbox.compute.errors import ServerError
from sandbox.compute.folders import copy_tree, removed_on_error
from sandbox.compute.images import Image
from sandbox.compute.placeholders import inside_quotes
from sandbox.compute.processes import Processes
from sandbox.compute.runtime import Runtime
from sandbox.compute.serving import (
    SCORING_PORT,
    ModelServer,
    ModelSource,
    ServerSpec,
    ServingOptions,
    place_model,
    server_spec,
)

# Every Linux image has these; the machine's own stand in for them.
SHELLS = ("sh", "bash")
UNSAFE_IN_SHELL = re.compile(r"([^\w@%+=:,./\\-])")


def serve_image(
    image: Image,
    options: ServingOptions,
    processes: Processes,
    *,
    ports: tuple[int, ...] = (),
    readiness_path: str = "/",
    model: ModelSource | None = None,
    command: tuple[str, ...] = (),
) -> ModelServer:
    """A server of the image's ENTRYPOINT and CMD (`command` replaces CMD), in a private copy of its root file system.

    `ports` are the container's ports, by default those of EXPOSE, else 5001. A path of the image in the command or in
    an environment value means the copy; a path written in the image's own programs is not translated. `model` is
    mounted as AZUREML_MODEL_DIR. Raises `ServerError` when there is nothing to run or the program is not to be found.
    """
    with removed_on_error(options.folder):
        spec = _image_spec(image, options, model, command)
    chosen = ports or image.config.ports or (SCORING_PORT,)
    return ModelServer(replace(spec, ports=chosen, readiness_path=readiness_path), processes)


def _image_spec(
    image: Image, options: ServingOptions, model: ModelSource | None, command: tuple[str, ...]
) -> ServerSpec:
    rootfs = copy_tree(image.rootfs, options.folder / "rootfs")
    runtime = options.runtime if image.python is None else Runtime(image.python)
    paths = ImagePaths(rootfs)
    environment = {**image.config.environment, **options.environment}
    translated = {name: paths.translate_value(value) for name, value in environment.items()}
    if model is not None:
        translated["AZUREML_MODEL_DIR"] = str(place_model(model, options.folder))
    started = replace(options, environment=translated, runtime=runtime)
    cwd = paths.place(image.config.working_directory)
    cwd.mkdir(parents=True, exist_ok=True)
    return server_spec(started, command_line(image, command, paths, started), cwd)


class ImagePaths:
    """Absolute paths of an image, as they are in one copy of its root file system."""

    def __init__(self, rootfs: Path) -> None:
        self.rootfs = rootfs
        names = "|".join(sorted((re.escape(entry.name) for entry in rootfs.iterdir()), reverse=True))
        # A path of the image begins with one of its top-level names and is not the tail of another path or address.
        self._pattern = re.compile(rf"(?<![\w.}}/-])/(?=(?:{names})(?![\w.-]))") if names else None

    def place(self, path: str) -> Path:
        """Where an absolute path of the image lies in the copy."""
        return self.rootfs / path.lstrip("/")

    def translate(self, text: str) -> str:
        """The text with every path of the image replaced; `--x=/app/m`, `/a:/app` and plain paths are found."""
        return self._pattern.sub(lambda _: f"{self.rootfs}/", text) if self._pattern else text

    def translate_value(self, value: str) -> str:
        """The same for an environment value, which may also name a file of this machine (a certificate bundle)."""
        of_this_machine = Path(value).is_absolute() and Path(value).exists() and not self.place(value).exists()
        return value if of_this_machine else self.translate(value)

    def translate_shell(self, text: str) -> str:
        """The same for a shell's text, where a space in the copy's own path must not end a word."""
        if self._pattern is None:
            return text

        def prefix(match: re.Match[str]) -> str:
            place = f"{self.rootfs}/"
            return place if inside_quotes(text[: match.start()]) else UNSAFE_IN_SHELL.sub(r"\\\1", place)

        return self._pattern.sub(prefix, text)


def command_line(image: Image, command: tuple[str, ...], paths: ImagePaths, options: ServingOptions) -> list[str]:
    """The program and its arguments on this machine. Raises `ServerError`."""
    words = (*image.config.entrypoint, *(command or image.config.command))
    if not words:
        raise ServerError("The image has neither ENTRYPOINT nor CMD, so there is nothing to run.")
    shell_text = len(words) > 2 and Path(words[0]).name in SHELLS and words[1] == "-c"
    translate = paths.translate_shell if shell_text else paths.translate
    program = words[0] if "/" not in words[0] else posixpath.join(image.config.working_directory, words[0])
    return [find_executable(program, paths, options), *map(translate, words[1:])]


def find_executable(name: str, paths: ImagePaths, options: ServingOptions) -> str:
    """The program a container would run, looked up where its image would have it.

    In this order: a file of the image; a program of the runtime environment, also when the image names it by a folder
    of the base image (/opt/venv/bin/gunicorn); a shell; a file on the image's PATH. The rest of this machine is not in
    the image: what is only there is not found, as in the real container.
    """
    if "/" in name and paths.place(name).is_file():
        return str(paths.place(name))
    base = Path(name).name
    found = shutil.which(base, path=str(options.runtime.bin))
    if found is None and base in SHELLS and sys.platform != "win32":
        found = shutil.which(base, path="/usr/bin:/bin")
    if found is None and base == name:
        inside = [part for part in options.environment.get("PATH", "").split(":") if part.startswith(str(paths.rootfs))]
        found = shutil.which(name, path=":".join(inside)) if inside else None
    if found is None:
        raise ServerError(f'exec: "{name}": executable file not found in $PATH')
    return found
