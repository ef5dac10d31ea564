"""Runs the learner's training script several times with the same arguments, in one process.

    python train_repeatedly.py SCRIPT COUNT OUTPUT [ARGUMENT ...]

`{output}` in an argument becomes OUTPUT/0, OUTPUT/1 and so on. One process, because importing scikit-learn takes
longer than everything else; before each run the generators are put where the operating system's entropy puts them, as
in a new one.
"""

import random
import runpy
import sys
from pathlib import Path


def start_afresh() -> None:
    """Forget what the run before has seeded and left open."""
    random.seed()
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed()
    mlflow = sys.modules.get("mlflow")
    if mlflow is not None and mlflow.active_run():
        mlflow.end_run()


def run_once(script: Path, arguments: list[str]) -> int:
    """Run a script as `python SCRIPT ARGUMENT ...` does; its exit code."""
    sys.argv = [str(script), *arguments]
    try:
        runpy.run_path(str(script), run_name="__main__")
    except SystemExit as ending:
        return ending.code if isinstance(ending.code, int) else int(ending.code is not None)
    return 0


def main(script: Path, count: int, output: str, arguments: list[str]) -> int:
    """Run the script so often; the first exit code that is not 0, else 0."""
    sys.path.insert(0, str(script.parent))
    for number in range(count):
        start_afresh()
        code = run_once(script, [argument.replace("{output}", f"{output}/{number}") for argument in arguments])
        if code:
            return code
    return 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:]))
