"""The service's `finalYaml`: an expanded file with its shorthands written out, as `preview` answers it."""

from sandbox.pipelines.loading import Loaded
from sandbox.pipelines.rendering import render
from sandbox.pipelines.shorthands import write_out


def final_yaml(loaded: Loaded) -> str:
    """The text of a loaded pipeline as the service would answer it."""
    return render(write_out(loaded.expanded))
