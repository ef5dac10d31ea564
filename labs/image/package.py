"""Builds the one image of a release: model, scoring code and environment, in the workshop's registry.

    python labs/image/package.py

The registry builds it (a "quick build"), so no Docker is needed here. Needs the release's model; writes the section
`image` of the passport.
"""

import gzip
import io
import json
import re
import shutil
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import release
import workshop
from workshop import Workshop

if TYPE_CHECKING:
    from azure.ai.ml import MLClient
    from azure.mgmt.containerregistrytasks import ContainerRegistryTasksMgmtClient
    from azure.mgmt.containerregistrytasks.models import Run

HERE = Path(__file__).resolve().parent
FILES = ("Dockerfile", "requirements.txt", "score.py")
BUILD_SECONDS = 1800
POLL_SECONDS = 2
RUNNING = ("Queued", "Started", "Running")


def assemble(ml: "MLClient", name: str, version: str, context: Path) -> None:
    """Fills the build context: our files, and the model version in model/<name>/<version>/, where the server looks.

    Raises StepError when the version is no model of ours, or was trained with another scikit-learn than the image has.
    """
    for file in FILES:
        shutil.copy2(HERE / file, context / file)
    downloaded = context / "download"
    ml.models.download(name=name, version=version, download_path=downloaded)
    found = list(downloaded.rglob("model.json"))
    if len(found) != 1 or not found[0].with_name("model.joblib").is_file():
        raise workshop.StepError(f"Model {name}:{version}: expected model.json and model.joblib beside each other.")
    require_same_library(json.loads(found[0].read_text(encoding="utf-8")), f"{name}:{version}")
    shutil.copytree(found[0].parent, context / "model" / name / version)
    shutil.rmtree(downloaded)


def require_same_library(description: dict[str, Any], model: str) -> None:
    """Raises StepError when the image would unpickle the model with another scikit-learn than the one that wrote it."""
    pin = re.search(r"^scikit-learn==(\S+)", (HERE / "requirements.txt").read_text(encoding="utf-8"), re.MULTILINE)
    served, trained = pin[1] if pin else "no fixed version", description.get("scikit_learn")
    if served != trained:
        raise workshop.StepError(
            f"Model {model} was trained with scikit-learn {trained}; the image installs {served}. "
            "Make labs/image/requirements.txt and labs/conf/train-environment.yml name the same version."
        )


def pack(context: Path) -> bytes:
    """Returns the context as tar.gz. Names are sorted and times are zero: one content, one archive."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path in sorted(context.rglob("*")):
            archive.add(path, arcname=path.relative_to(context).as_posix(), recursive=False, filter=without_owner)
    return gzip.compress(packed.getvalue(), mtime=0)


def without_owner(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Removes what differs from machine to machine."""
    member.mtime, member.uid, member.gid, member.uname, member.gname = 0, 0, 0, "", ""
    member.mode = 0o755 if member.isdir() else 0o644
    return member


def tasks_client(settings: Workshop) -> "ContainerRegistryTasksMgmtClient":
    """Returns the client that builds images in a registry."""
    from azure.mgmt.containerregistrytasks import ContainerRegistryTasksMgmtClient

    return workshop.management_client(ContainerRegistryTasksMgmtClient, settings)


def schedule(
    tasks: "ContainerRegistryTasksMgmtClient", settings: Workshop, context: bytes, tag: str, arguments: dict[str, str]
) -> "Run":
    """Uploads the context and starts the build; returns the run."""
    from azure.mgmt.containerregistrytasks.models import Argument, DockerBuildRequest, PlatformProperties
    from azure.storage.blob import BlobClient

    group, registry = settings.names.resource_group, settings.names.registry
    upload = tasks.registries.get_build_source_upload_url(group, registry)
    with BlobClient.from_blob_url(str(upload.upload_url)) as blob:
        blob.upload_blob(context, overwrite=True)
    request = DockerBuildRequest(
        docker_file_path="Dockerfile",
        source_location=upload.relative_path,
        image_names=[f"{settings.names.image}:{tag}"],
        is_push_enabled=True,
        platform=PlatformProperties(os="Linux", architecture="amd64"),
        arguments=[Argument(name=name, value=value, is_secret=False) for name, value in arguments.items()],
        timeout=BUILD_SECONDS,
    )
    return tasks.registries.schedule_run(group, registry, request)


def follow(tasks: "ContainerRegistryTasksMgmtClient", settings: Workshop, run: str) -> "Run":
    """Prints a run's log as it grows; returns the run when it has ended. Raises StepError when it did not succeed."""
    group, registry = settings.names.resource_group, settings.names.registry
    log = str(tasks.runs.get_log_sas_url(group, registry, run).log_link)
    seen = 0
    while True:
        # The state is read before the log: what a run wrote before it ended is then never missed.
        result = tasks.runs.get(group, registry, run)
        seen = print_log(log, seen)
        if result.status not in RUNNING:
            break
        time.sleep(POLL_SECONDS)
    if result.status != "Succeeded":
        raise workshop.StepError(
            f"Build {run}: {result.status}. {result.run_error_message or 'The log above says why.'}"
        )
    return result


def print_log(address: str, seen: int) -> int:
    """Prints what a log has beyond `seen` bytes; returns its length. A log that is not there yet has none."""
    from azure.storage.blob import BlobClient

    with BlobClient.from_blob_url(address) as blob:
        properties = workshop.existing(blob.get_blob_properties)
        length = properties.size if properties else 0
        if length > seen:
            text = blob.download_blob(offset=seen, length=length - seen).readall()
            print(text.decode("utf-8", errors="replace"), end="")
    return max(length, seen)


def image_section(settings: Workshop, run: "Run", tag: str) -> dict[str, str]:
    """Returns the passport's section. Raises StepError when the run names no digest: there is nothing to promote."""
    from azure.mgmt.containerregistry import ContainerRegistryManagementClient

    digests = [image.digest for image in run.output_images or [] if image.tag == tag and image.digest]
    if not digests:
        raise workshop.StepError(f"Build {run.run_id} succeeded, but names no digest for {settings.names.image}:{tag}.")
    registries = workshop.management_client(ContainerRegistryManagementClient, settings).registries
    server = str(registries.get(settings.names.resource_group, settings.names.registry).login_server)
    return {
        "registry": server,
        "repository": settings.names.image,
        "tag": tag,
        "digest": str(digests[0]),
        "reference": f"{server}/{settings.names.image}@{digests[0]}",
        "run": str(run.run_id),
    }


def main() -> int:
    """Builds and records the image."""
    options = release.parser(__doc__).parse_args()
    settings, passport = workshop.load(), release.read(options.release)
    name, version = release.need(passport, "model", "name"), release.need(passport, "model", "version")
    commit = release.need(passport, "source", "commit")
    tag = f"{version}-{commit[:7]}"
    with tempfile.TemporaryDirectory() as folder:
        assemble(workshop.ml_client(settings), name, version, Path(folder))
        context = pack(Path(folder))
    tasks = tasks_client(settings)
    run = schedule(tasks, settings, context, tag, {"MODEL": f"{name}:{version}", "COMMIT": commit})
    print(f"build {run.run_id}: {settings.names.image}:{tag}, context of {len(context)} bytes")
    image = image_section(settings, follow(tasks, settings, str(run.run_id)), tag)
    release.extend(options.release, "image", image)
    print(f"image {image['reference']}")
    return 0


if __name__ == "__main__":
    raise SystemExit(workshop.run_step(main))
