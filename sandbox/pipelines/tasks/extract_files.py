"""ExtractFiles@1: zip and tar, into a folder that is emptied first unless told otherwise."""

import shutil
import tarfile
import zipfile
from pathlib import Path

from sandbox.archives import extract
from sandbox.pipelines.patterns import find_files
from sandbox.pipelines.running.context import StepContext
from sandbox.pipelines.running.errors import StepError
from sandbox.pipelines.tasks.inputs import Input, Inputs

NAME = "ExtractFiles"
VERSIONS = ("1",)
INPUTS = (
    Input("archiveFilePatterns", default="**/*.zip", required=True),
    Input("destinationFolder", required=True),
    Input("cleanDestinationFolder", default="true"),
    Input("overwriteExistingFiles", default="false"),
    Input("pathToSevenZipTool"),
)


def run(step: StepContext, inputs: Inputs) -> None:
    """Raises StepError."""
    archives = find_files(step.folders.sources, inputs.text("archiveFilePatterns"))
    if not archives:
        raise StepError(f"Specified archive matched no files: {inputs.text('archiveFilePatterns')}")
    target = step.path(inputs.text("destinationFolder"))
    if inputs.flag("cleanDestinationFolder"):
        if step.folders.sources.is_relative_to(target):
            raise StepError(f"cleanDestinationFolder would empty the sources: '{target}'. Set it to false.")
        shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True, exist_ok=True)
    for archive in archives:
        step.check()
        step.write(f"Extracting file: {archive}")
        _extract(archive, target, inputs.flag("overwriteExistingFiles"))


def _extract(archive: Path, target: Path, overwrite: bool) -> None:
    """Members that lead out of the target are refused."""
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as packed:
                for member in packed.namelist():
                    if overwrite or not (target / member).is_file():
                        packed.extract(member, target)
        elif tarfile.is_tarfile(archive):
            with tarfile.open(archive) as packed_tar:
                for one in packed_tar.getmembers():
                    if overwrite or not (target / one.name).is_file():
                        extract(packed_tar, one, target)
        else:
            raise StepError(f"'{archive}' is no zip and no tar archive; other kinds are not rehearsed here.")
    except (zipfile.BadZipFile, tarfile.TarError) as error:
        raise StepError(f"'{archive}' cannot be extracted: {error}") from error
