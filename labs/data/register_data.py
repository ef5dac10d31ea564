"""Uploads the data and the hold-out as data assets: a new version only when the content is new.

    python labs/data/register_data.py [--data labs/data/diabetes.csv]

Starts a release: writes the sections `source` and `data` of the passport.
"""

import hashlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import release
import workshop

if TYPE_CHECKING:
    from azure.ai.ml import MLClient
    from azure.ai.ml.entities import Data

DATA = Path("labs") / "data"


def register(ml: "MLClient", name: str, path: Path) -> "Data":
    """Returns the version of a data asset that has the content of a file; makes it when there is none.

    The SDK skips the upload of known content, but would still make a new version: so the content's hash is a tag.
    """
    from azure.ai.ml.constants import AssetTypes
    from azure.ai.ml.entities import Data

    content = hashlib.sha256(path.read_bytes()).hexdigest()
    asset = workshop.find_tagged(lambda: ml.data.list(name=name), "sha256", content)
    known = asset is not None
    if asset is None:
        wanted = Data(name=name, path=str(path), type=AssetTypes.URI_FILE, tags={"sha256": content})
        asset = ml.data.create_or_update(wanted)
    print(f"{path.name}: {name}:{asset.version}, {'content is known' if known else 'new version'}")
    return cast("Data", asset)


def require_file(path: Path) -> Path:
    """Returns the path. Raises ConfigurationError when there is no such file."""
    if not path.is_file():
        raise workshop.ConfigurationError(
            f"{path} is not there. Run the steps from the repository root, or give --data."
        )
    return path


def main() -> int:
    """Registers both files and starts the passport."""
    parser = release.parser(__doc__)
    parser.add_argument("--data", type=Path, default=DATA / "diabetes.csv", help="the data (%(default)s)")
    parser.add_argument(
        "--holdout", type=Path, default=DATA / "diabetes_holdout.csv", help="the hold-out (%(default)s)"
    )
    options = parser.parse_args()
    settings, source = workshop.load(), release.source()
    data, holdout = require_file(options.data), require_file(options.holdout)
    ml = workshop.ml_client(settings)
    assets = register(ml, settings.names.data_asset, data), register(ml, settings.names.holdout_asset, holdout)
    release.extend(options.release, "source", source)
    release.extend(options.release, "data", {"data": reference(assets[0]), "holdout": reference(assets[1])})
    print(f"release of commit {source['commit'][:7]}, build {source['build']}: {options.release}")
    return 0


def reference(asset: "Data") -> str:
    """Returns name:version of an asset."""
    return f"{asset.name}:{asset.version}"


if __name__ == "__main__":
    raise SystemExit(workshop.run_step(main))
