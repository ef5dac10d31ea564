"""Cache@2: restores a folder by a key, and saves it after the job when the key was not there."""

import hashlib
import re
import shutil
import tempfile
from functools import partial
from pathlib import Path

from sandbox.pipelines.expressions.contexts import Result
from sandbox.pipelines.patterns import find_files
from sandbox.pipelines.running.context import StepContext
from sandbox.pipelines.running.errors import StepError
from sandbox.pipelines.tasks.inputs import Input, Inputs

NAME = "Cache"
VERSIONS = ("2",)
INPUTS = (
    Input("key", required=True),
    Input("path", required=True),
    Input("cacheHitVar"),
    Input("restoreKeys"),
    Input("failOnCacheMiss", default="false"),
)
# A segment with one of these, or with an extension, names files; their content counts.
FILE_LIKE = re.compile(r"[*?/\\]|\.[A-Za-z0-9]+$")
HIT, INEXACT, MISS = "true", "inexact", "false"


def run(step: StepContext, inputs: Inputs) -> None:
    """Without a folder for caches in the run's request it is always a miss, and says so. Raises StepError."""
    key = resolve_key(step.folders.sources, inputs.text("key"))
    path = step.path(inputs.text("path"))
    store = step.run.request.caches
    step.write(f"Resolved to: {key}")
    if store is None:
        step.write("##[warning]This run has no folder for caches: it is a miss, and nothing will be saved.")
        found = MISS
    else:
        found = _restore(step, store, key, path, inputs.text("restoreKeys"))
        if found != HIT:
            step.job.after_steps.append(("Post-job: Cache", partial(_save, store=store, key=key, path=path)))
    if inputs.text("cacheHitVar"):
        step.job.variables.assign(inputs.text("cacheHitVar"), found)
    if found == MISS and inputs.flag("failOnCacheMiss"):
        raise StepError(f"There is no cache for the key '{key}'.")


def resolve_key(root: Path, text: str) -> str:
    """The key with a hash in the place of every segment that names files. Raises StepError."""
    return "|".join(_segment(root, one.strip()) for one in text.split("|"))


def _segment(root: Path, text: str) -> str:
    if text.startswith('"') and text.endswith('"') and len(text) > 1:
        return text[1:-1]
    if not FILE_LIKE.search(text):
        return text
    files = find_files(root, text.replace(",", "\n"))
    if not files:
        raise StepError(f"No file matches '{text}' of the cache's key. A plain text is written in double quotes.")
    digest = hashlib.sha256()
    for path in files:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _restore(step: StepContext, store: Path, key: str, path: Path, others: str) -> str:
    if _place(store, key).is_dir():
        return _take(step, _place(store, key), path, HIT)
    saved = sorted(store.glob("*/key"), key=lambda one: one.stat().st_mtime, reverse=True)
    for line in filter(None, (one.strip() for one in others.splitlines())):
        prefix = resolve_key(step.folders.sources, line)
        for one in saved:
            if one.read_text("utf-8").startswith(prefix):
                return _take(step, one.parent, path, INEXACT)
    step.write("There is a cache miss.")
    return MISS


def _take(step: StepContext, place: Path, path: Path, found: str) -> str:
    shutil.copytree(place / "content", path, symlinks=True, dirs_exist_ok=True)
    step.write(f"There is a cache hit: {(place / 'key').read_text('utf-8')}")
    return found


def _place(store: Path, key: str) -> Path:
    return store / hashlib.sha256(key.encode()).hexdigest()[:32]


def _save(step: StepContext, store: Path, key: str, path: Path) -> None:
    """What the job left there, when the job succeeded. A cache never changes: the first one of a key stays."""
    if step.job.status != Result.SUCCEEDED:
        step.write(f"The job is {step.job.status}: nothing is saved.")
        return
    if not path.is_dir():
        raise StepError(f"The path of the cache does not exist: '{path}'.")
    store.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="saving-", dir=store) as scratch:
        made = Path(scratch) / "cache"
        shutil.copytree(path, made / "content", symlinks=True)
        (made / "key").write_text(key, encoding="utf-8")
        if not _place(store, key).exists():
            made.rename(_place(store, key))
    step.write(f"Saved as: {key}")
