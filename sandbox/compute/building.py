"""One image build: the Dockerfile's instructions, carried out one after the other.

What a build does here: it copies files, keeps the configuration, and looks at what `RUN pip install` asks for. What it
does not do, and says so in its log: pull the base image, run other commands, change the user.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from sandbox.compute.context import read_context
from sandbox.compute.copying import UNAPPLIED_FLAGS, copy_into_image, place_in_image, refuse_what_add_does_more
from sandbox.compute.dockerfile import EXPANDED, Instruction, command_words, expand, pairs_of, parse, words_of
from sandbox.compute.environments import Difference, Requirements, differences
from sandbox.compute.errors import BuildError, RequirementsError
from sandbox.compute.installs import Install, installs_of, requirements_of
from sandbox.compute.runtime import Runtime

SHELL = ("/bin/sh", "-c")
# A base image whose tag names a Python, with or without a registry: python:3.12-slim.
PYTHON_BASE = re.compile(r"(?:^|/)python:(\d+\.\d+)")
BASE_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# Build arguments every builder knows without an ARG.
PREDEFINED_ARGUMENTS = ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY")


@dataclass(frozen=True)
class ImageConfig:
    """How a container of the image starts, by the names of the instructions that set it."""

    base: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    working_directory: str = "/"
    ports: tuple[int, ...] = ()
    user: str = ""
    stop_signal: str = ""
    health_check: str = ""
    volumes: tuple[str, ...] = ()
    history: tuple[str, ...] = ()


class ImageBuild:
    """A build in progress: `rootfs` is filled, `requirements` gathers what the Dockerfile installs.

    Raises `BuildError` when the context cannot be used.
    """

    def __init__(
        self,
        context: Path,
        dockerfile: str,
        build_arguments: Mapping[str, str],
        rootfs: Path,
        runtime: Runtime,
        log: Callable[[str], None],
    ) -> None:
        self.requirements = Requirements()
        self.installs = False
        self._dockerfile = dockerfile
        self._root = context
        self._context = read_context(context, dockerfile)
        self._given = dict(build_arguments)
        self._rootfs = rootfs
        self._runtime = runtime
        self._log = log
        self._arguments: dict[str, str] = {}
        self._shell: tuple[str, ...] = SHELL
        self._config = ImageConfig(environment={"PATH": BASE_PATH})

    def run(self) -> ImageConfig:
        """Carry out every instruction. Raises `BuildError` with file and line."""
        instructions = parse(read_dockerfile(self._root, self._dockerfile), self._dockerfile)
        self._rootfs.mkdir(parents=True)
        for number, each in enumerate(instructions, start=1):
            self._log(f"Step {number}/{len(instructions)} : {each}")
            self._carry_out(each)
        unused = sorted(set(self._given) - set(self._arguments) - set(PREDEFINED_ARGUMENTS))
        if unused:
            self._note(f"warning: the Dockerfile has no ARG for the build arguments {', '.join(unused)}")
        return replace(self._config, history=tuple(map(str, instructions)))

    def _note(self, text: str) -> None:
        self._log(f" ---> {text}")

    def _carry_out(self, instruction: Instruction) -> None:
        value = instruction.value
        if instruction.keyword in EXPANDED:
            # ENV wins over ARG of the same name, as in docker.
            value = expand(value, {**self._arguments, **self._config.environment})
        try:
            HANDLERS[instruction.keyword](self, instruction, value)
        except (OSError, UnicodeDecodeError) as error:
            raise instruction.error(f"{instruction.keyword} failed: {error}") from error

    def _from(self, instruction: Instruction, value: str) -> None:
        base = value.split()[0] if value.split() else ""
        if not base:
            raise instruction.error("FROM names no image; has the ARG it uses a value?")
        self._config = replace(self._config, base=base)
        if base != "scratch":
            python = self._runtime.inventory.python_version
            self._note(f"{base} is not pulled here; the runtime environment with Python {python} stands in for it")
        version = PYTHON_BASE.search(base)
        if version is not None:
            wanted = Requirements(python=f"=={version[1]}.*")
            self.requirements += wanted
            self._warn(differences(wanted, self._runtime))

    def _arg(self, instruction: Instruction, value: str) -> None:
        for word in words_of(instruction, value):
            name, _, default = word.partition("=")
            self._arguments[name] = self._given.get(name, default)

    def _env(self, instruction: Instruction, value: str) -> None:
        environment = {**self._config.environment, **pairs_of(instruction, value)}
        self._config = replace(self._config, environment=environment)

    def _label(self, instruction: Instruction, value: str) -> None:
        self._config = replace(self._config, labels={**self._config.labels, **pairs_of(instruction, value)})

    def _maintainer(self, _: Instruction, value: str) -> None:
        self._config = replace(self._config, labels={**self._config.labels, "maintainer": value})

    def _workdir(self, instruction: Instruction, value: str) -> None:
        folder = posixpath.normpath(posixpath.join(self._config.working_directory, value.strip("\"'")))
        self._config = replace(self._config, working_directory=folder)
        place_in_image(instruction, self._rootfs, folder).mkdir(parents=True, exist_ok=True)

    def _expose(self, instruction: Instruction, value: str) -> None:
        names = [word.partition("/")[0] for word in value.split()]
        if not all(name.isdigit() and 0 < int(name) < 65536 for name in names):
            raise instruction.error(f"EXPOSE takes port numbers, not {value!r}")
        ports = (*self._config.ports, *map(int, names))
        self._config = replace(self._config, ports=tuple(dict.fromkeys(ports)))

    def _user(self, _: Instruction, value: str) -> None:
        self._config = replace(self._config, user=value)
        self._note(f"the user {value} is kept in the configuration; processes run as you here")

    def _volume(self, instruction: Instruction, value: str) -> None:
        self._config = replace(self._config, volumes=(*self._config.volumes, *words_of(instruction, value)))
        self._note("a volume is an ordinary folder here")

    def _stopsignal(self, _: Instruction, value: str) -> None:
        self._config = replace(self._config, stop_signal=value)

    def _healthcheck(self, instruction: Instruction, _: str) -> None:
        self._config = replace(self._config, health_check=str(instruction).partition(" ")[2])
        self._note("the health check is kept in the configuration and not run here")

    def _shell_form(self, instruction: Instruction, value: str) -> None:
        self._shell = tuple(words_of(instruction, value))

    def _onbuild(self, instruction: Instruction, _: str) -> None:
        raise instruction.error("ONBUILD is not implemented here")

    def _cmd(self, _: Instruction, value: str) -> None:
        self._config = replace(self._config, command=command_words(value, self._shell))

    def _entrypoint(self, _: Instruction, value: str) -> None:
        # A new entry point forgets the command of the base image, not the one of this file.
        self._config = replace(self._config, entrypoint=command_words(value, self._shell))

    def _run(self, instruction: Instruction, value: str) -> None:
        for install in installs_of(instruction, value):
            if install.kind == "other":
                self._note(f"not run here: {install.text}")
            else:
                self._verify(instruction, install)

    def _verify(self, instruction: Instruction, install: Install) -> None:
        try:
            wanted = requirements_of(install, lambda path: self._text_in_image(instruction, path))
        except RequirementsError as error:
            raise instruction.error(str(error)) from error
        self.installs = True
        self.requirements += wanted
        found = differences(wanted, self._runtime)
        count = len(wanted.pip) + len(wanted.conda) + len(wanted.unchecked)
        self._note(f"{install.text}: {count} asked for, {len(found)} different in the runtime environment")
        self._warn(found)

    def _warn(self, found: list[Difference]) -> None:
        for difference in found:
            self._note(f"warning: {difference}")

    def _text_in_image(self, instruction: Instruction, path: str) -> str:
        file = place_in_image(instruction, self._rootfs, posixpath.join(self._config.working_directory, path))
        if not file.is_file():
            raise instruction.error(f"there is no file {path} in the image; copy it first")
        return file.read_text(encoding="utf-8")

    def _add(self, instruction: Instruction, value: str) -> None:
        refuse_what_add_does_more(instruction, words_of(instruction, value), self._context)
        self._copy(instruction, value)

    def _copy(self, instruction: Instruction, value: str) -> None:
        if "from" in instruction.flags:
            raise instruction.error("COPY --from needs build stages, which are not implemented here")
        for flag in sorted(set(instruction.flags) & UNAPPLIED_FLAGS):
            self._note(f"--{flag} is not applied here")
        words = words_of(instruction, value)
        if len(words) < 2:
            raise instruction.error(f"{instruction.keyword} needs a source and a destination")
        copied = copy_into_image(instruction, self._context, words, self._config.working_directory, self._rootfs)
        self._note(f"{copied} file{'' if copied == 1 else 's'}")


# One handler for each keyword of the Dockerfile; a test holds it and the parser's keywords together.
HANDLERS: dict[str, Callable[[ImageBuild, Instruction, str], None]] = {
    "ADD": ImageBuild._add,
    "ARG": ImageBuild._arg,
    "CMD": ImageBuild._cmd,
    "COPY": ImageBuild._copy,
    "ENTRYPOINT": ImageBuild._entrypoint,
    "ENV": ImageBuild._env,
    "EXPOSE": ImageBuild._expose,
    "FROM": ImageBuild._from,
    "HEALTHCHECK": ImageBuild._healthcheck,
    "LABEL": ImageBuild._label,
    "MAINTAINER": ImageBuild._maintainer,
    "ONBUILD": ImageBuild._onbuild,
    "RUN": ImageBuild._run,
    "SHELL": ImageBuild._shell_form,
    "STOPSIGNAL": ImageBuild._stopsignal,
    "USER": ImageBuild._user,
    "VOLUME": ImageBuild._volume,
    "WORKDIR": ImageBuild._workdir,
}


def read_dockerfile(root: Path, dockerfile: str) -> str:
    """The Dockerfile's text. Raises `BuildError` when it is not in the context."""
    file = root / dockerfile
    if not file.resolve().is_relative_to(root.resolve()) or not file.is_file():
        near = ", ".join(sorted(path.name for path in root.iterdir())[:10]) or "nothing"
        raise BuildError(f"there is no such file in the build context, which holds {near}", dockerfile)
    return file.read_text(encoding="utf-8-sig")
