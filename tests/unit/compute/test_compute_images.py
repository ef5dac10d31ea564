"""An image is a content-addressed bundle of what the Dockerfile copies and configures."""

import hashlib
import os
import sys
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from sandbox.compute.containers import ImagePaths
from sandbox.compute.context import unpack_context
from sandbox.compute.environments import Requirements
from sandbox.compute.errors import BuildError, ImageNotFoundError
from sandbox.compute.images import Image, Images
from sandbox.compute.runtime import Runtime

Build = Callable[..., Image]


def write(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def images(tmp_path: Path) -> Images:
    return Images(tmp_path / "images")


@pytest.fixture
def log() -> list[str]:
    return []


@pytest.fixture
def build(images: Images, runtime: Runtime, tmp_path: Path, log: list[str]) -> Build:
    """Build a Dockerfile's text over a context of the given files."""

    def build_image(text: str, files: Mapping[str, str] | None = None, **arguments: str) -> Image:
        context = write(tmp_path / "context", {"Dockerfile": text, **(files or {})})
        return images.build(context, "Dockerfile", arguments, log.append, runtime)

    return build_image


def rootfs(image: Image) -> set[str]:
    return {path.relative_to(image.rootfs).as_posix() for path in image.rootfs.rglob("*") if path.is_file()}


FILES = {"a.txt": "a", "b.txt": "b", "src/x.py": "x", "src/deep/y.py": "y", "other/z.py": "z"}


@pytest.mark.parametrize(
    ("copy", "files"),
    [
        ("COPY a.txt /", {"a.txt"}),
        ("COPY a.txt /app/", {"app/a.txt"}),
        ("COPY a.txt /app", {"app"}),
        ("COPY a.txt renamed.txt", {"renamed.txt"}),
        ("WORKDIR /app\nCOPY a.txt .", {"app/a.txt"}),
        ("WORKDIR /app\nWORKDIR code\nCOPY a.txt b.txt ./", {"app/code/a.txt", "app/code/b.txt"}),
        ("COPY src /app", {"app/x.py", "app/deep/y.py"}),
        ("COPY src/ other /app/", {"app/x.py", "app/deep/y.py", "app/z.py"}),
        ("COPY *.txt /t/", {"t/a.txt", "t/b.txt"}),
        ("COPY s*/x.py /t/", {"t/x.py"}),
        ('COPY ["a.txt", "/with space/"]', {"with space/a.txt"}),
        ("COPY . .", {"Dockerfile", *FILES}),
        ("ADD ./a.txt /x/", {"x/a.txt"}),
        ("COPY a.txt /../../../escape/", {"escape/a.txt"}),
        ("RUN true\nWORKDIR /app\nCOPY src .\nCOPY a.txt x.py", {"app/x.py", "app/deep/y.py"}),
    ],
)
def test_copy(build: Build, copy: str, files: set[str]) -> None:
    assert rootfs(build(f"FROM scratch\n{copy}", FILES)) == files


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("FROM a\nCOPY nothing.txt /", 2, "nothing.txt is not in the build context"),
        ("FROM a\n\nCOPY ../secret /", 3, "leads out of the build context"),
        ("FROM a\nCOPY a.txt b.txt /app", 2, "ends with /"),
        ("FROM a\nCOPY a.txt", 2, "needs a source and a destination"),
        ("FROM a\nCOPY --from=x a.txt /", 2, "stages"),
        ("FROM a\nADD https://example.org/x /", 2, "ADD of the address"),
        ("FROM a\nCOPY a.txt /app\nCOPY b.txt /app/b.txt", 3, "COPY failed"),
        ("FROM a\nEXPOSE http", 2, "EXPOSE takes port numbers"),
        ("FROM a\nONBUILD RUN x", 2, "ONBUILD is not implemented"),
        ("FROM $BASE", 1, "FROM names no image"),
        ("FROM a\nRUN pip install -r missing.txt", 2, "no file missing.txt in the image"),
        ("FROM a\nCOPY a.txt .\nRUN pip install 'not a package'", 3, "not understood"),
    ],
)
def test_a_build_that_stops_tells_where_and_stores_nothing(
    build: Build, images: Images, tmp_path: Path, text: str, line: int, reason: str
) -> None:
    with pytest.raises(BuildError, match=reason) as caught:
        build(text, FILES)
    assert caught.value.line == line
    assert list((tmp_path / "images").iterdir()) == []


def test_the_configuration(build: Build) -> None:
    image = build(
        "ARG TAG=3.11\nFROM base:$TAG\nARG COMMIT\nENV A=1 PATH=/opt/bin:$PATH\nLABEL commit=$COMMIT model='m 1'\n"
        "WORKDIR /app\nEXPOSE 5001 8080/tcp 5001\nUSER nobody\nSTOPSIGNAL SIGINT\nHEALTHCHECK --interval=5s CMD true\n"
        'VOLUME /data\nENTRYPOINT ["run"]\nCMD serve --port $A',
        COMMIT="abc",
    )
    config = image.config
    assert config.base == "base:3.11"
    assert config.environment["A"] == "1"
    assert config.environment["PATH"].startswith("/opt/bin:/usr/local/sbin:")
    assert config.labels == {"commit": "abc", "model": "m 1"}
    assert (config.entrypoint, config.command) == (("run",), ("/bin/sh", "-c", "serve --port $A"))
    assert (config.working_directory, config.ports, config.user) == ("/app", (5001, 8080), "nobody")
    assert (config.stop_signal, config.health_check) == ("SIGINT", "--interval=5s CMD true")
    assert config.volumes == ("/data",)


def test_the_log_reads_like_dockers_and_says_what_was_not_done(build: Build, log: list[str]) -> None:
    image = build(
        "FROM python:3.0-slim\nCOPY r.txt .\nRUN apt-get update && pip install -r r.txt psutil\nUSER me",
        {"r.txt": "psutil<1\nsome-package==2\n"},
        UNUSED="1",
    )
    text = "\n".join(log)
    assert log[0] == "Step 1/4 : FROM python:3.0-slim"
    assert "Step 3/4 : RUN apt-get update && pip install -r r.txt psutil" in log
    assert "warning: Python ==3.0.* is asked for" in text
    assert " ---> not run here: apt-get update" in log
    assert "warning: psutil <1 is asked for; the runtime environment has psutil" in text
    assert "warning: some-package is asked for (==2) and is not installed" in text
    assert "has no ARG for the build arguments UNUSED" in text
    assert log[-1] == f"Successfully built {image.digest[7:19]}"


def test_the_same_context_gives_the_same_digest_wherever_and_whenever(
    runtime: Runtime, tmp_path: Path, log: list[str]
) -> None:
    digests = set()
    for name in ("one", "two"):
        context = write(tmp_path / name / "context", {"Dockerfile": "FROM a\nCOPY . /app", **FILES})
        os.utime(context / "a.txt", (0, 1000 if name == "one" else 2000))
        (context / "b.txt").chmod(0o600 if name == "one" else 0o664)
        images = Images(tmp_path / name / "images")
        digests.add(images.build(context, "Dockerfile", {}, log.append, runtime).digest)
        digests.add(images.build(context, "Dockerfile", {}, log.append, runtime).digest)
        assert images.list() == sorted(digests)
    assert len(digests) == 1


@pytest.mark.parametrize(
    ("text", "files"),
    [
        ("FROM a\nCOPY . /app", {**FILES, "a.txt": "changed"}),
        ("FROM a\nCOPY . /app", {**FILES, "new.txt": ""}),
        ("FROM a\nCOPY . /app2", FILES),
        ("FROM a\nCOPY . /app\nENV A=1", FILES),
        ("FROM a\nCOPY . /app\nRUN make", FILES),
    ],
)
def test_another_content_gives_another_digest(build: Build, text: str, files: Mapping[str, str]) -> None:
    assert build("FROM a\nCOPY . /app", FILES).digest != build(text, files).digest


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no execute bit")
def test_the_execute_bit_is_part_of_the_content(build: Build, tmp_path: Path) -> None:
    before = build("FROM a\nCOPY a.txt /", FILES)
    (tmp_path / "context" / "a.txt").chmod(0o755)
    after = build("FROM a\nCOPY a.txt /")
    assert before.digest != after.digest
    assert os.access(after.rootfs / "a.txt", os.X_OK)


def test_the_digest_is_the_hash_of_the_manifest(build: Build, images: Images) -> None:
    image = build("FROM a\nCOPY . /", FILES)
    assert image.digest == "sha256:" + hashlib.sha256(image.manifest).hexdigest()
    assert images.get(image.digest) == image
    assert image.files["a.txt"] == {"sha256": hashlib.sha256(b"a").hexdigest(), "size": 1, "mode": "644"}


def test_an_image_that_is_not_there(images: Images) -> None:
    for digest in ("sha256:" + "0" * 64, "latest", "sha256:../../etc"):
        with pytest.raises(ImageNotFoundError):
            images.get(digest)


def test_an_image_is_deleted_and_leftovers_are_swept(build: Build, images: Images, tmp_path: Path) -> None:
    image = build("FROM a\nCOPY . /", FILES)
    (tmp_path / "images" / "building-1" / "rootfs").mkdir(parents=True)
    images.delete(image.digest)
    images.sweep()
    assert list((tmp_path / "images").iterdir()) == []


def test_dockerignore_is_honoured(build: Build) -> None:
    image = build("FROM a\nCOPY . /", {**FILES, ".dockerignore": "src\n*.txt\n!a.txt\nDockerfile\n.dockerignore"})
    assert rootfs(image) == {"a.txt", "other/z.py"}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows lets few users make links")
def test_a_link_out_of_the_context_is_refused_and_one_inside_is_followed(build: Build, tmp_path: Path) -> None:
    write(tmp_path, {"secret.txt": "s"})
    context = write(tmp_path / "context", FILES)
    (context / "inside").symlink_to("a.txt")
    image = build("FROM a\nCOPY inside /")
    assert (image.rootfs / "inside").read_text() == "a"
    assert not (image.rootfs / "inside").is_symlink()
    (context / "outside").symlink_to(tmp_path / "secret.txt")
    with pytest.raises(BuildError, match="outside is a link that leads out"):
        build("FROM a\nCOPY . /")


def test_a_dockerfile_that_is_not_there(images: Images, runtime: Runtime, tmp_path: Path, log: list[str]) -> None:
    context = write(tmp_path / "context", FILES)
    for name in ("Dockerfile", "../records"):
        with pytest.raises(BuildError, match=r"no such file in the build context, which holds a\.txt, b\.txt"):
            images.build(context, name, {}, log.append, runtime)


def test_a_builder_is_asked_for_what_the_dockerfile_installs(
    images: Images, runtime: Runtime, tmp_path: Path, log: list[str]
) -> None:
    asked: list[Requirements] = []

    def builder(requirements: Requirements) -> Runtime:
        asked.append(requirements)
        return runtime

    context = write(tmp_path / "context", {"Dockerfile": "FROM python:3.12\nRUN pip install numpy six==1.17"})
    image = images.build(context, "Dockerfile", {}, log.append, runtime, builder)
    assert [str(item) for item in asked[0].pip] == ["numpy", "six==1.17"]
    assert asked[0].python == "==3.12.*"
    assert image.python == runtime.python
    assert images.get(image.digest).python == runtime.python


def test_an_uploaded_context_cannot_write_elsewhere(tmp_path: Path) -> None:
    write(tmp_path, {"a.txt": "a"})
    for name, ok in (("dir/a.txt", True), ("../escape.txt", False), ("/etc/escape.txt", None)):
        with tarfile.open(tmp_path / "context.tar.gz", "w:gz") as archive:
            member = archive.gettarinfo(tmp_path / "a.txt")
            member.name = name
            with (tmp_path / "a.txt").open("rb") as stream:
                archive.addfile(member, stream)
        if ok is False:
            with pytest.raises(BuildError, match="cannot be unpacked"):
                unpack_context(tmp_path / "context.tar.gz", tmp_path / "out")
        else:
            unpack_context(tmp_path / "context.tar.gz", tmp_path / "out")
    assert not (tmp_path / "escape.txt").exists()
    assert (tmp_path / "out" / "etc" / "escape.txt").exists()
    (tmp_path / "context.tar.gz").write_text("not a tar")
    with pytest.raises(BuildError, match=r"context\.tar\.gz: .*cannot be unpacked"):
        unpack_context(tmp_path / "context.tar.gz", tmp_path / "out")


@pytest.mark.parametrize(
    ("text", "translated"),
    [
        ("/app/model", "ROOT/app/model"),
        ("--model_dir=/app", "--model_dir=ROOT/app"),
        ("/app:/usr/lib:/app/src", "ROOT/app:/usr/lib:ROOT/app/src"),
        ("/application", "/application"),
        ("/var/app/x", "/var/app/x"),
        ("https://host/app/x", "https://host/app/x"),
        ("app/x", "app/x"),
    ],
)
def test_paths_of_the_image_are_translated(tmp_path: Path, text: str, translated: str) -> None:
    write(tmp_path, {"app/model/m": ""})
    assert ImagePaths(tmp_path).translate(text) == translated.replace("ROOT", str(tmp_path))


def test_an_image_without_files_translates_nothing(tmp_path: Path) -> None:
    assert ImagePaths(tmp_path).translate("/app") == "/app"
