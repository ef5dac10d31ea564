"""What the workshop consists of: its modules, the files and regions that each of them works on, names and prices.

`labs/labs.toml` is read here, and the starter files are cut from the solution here. The checker, the journey and the
pages all ask this package; it imports none of them.
"""

from manifest.branch import write_solution_branch
from manifest.clone import Difference, Filling, Unmarked, difference, fill, restore, starter
from manifest.errors import ManifestError, RegionError
from manifest.labs import find_out_of_step, find_strangers, wanted_files, write_labs
from manifest.model import File, Manifest, Module, Price, Region
from manifest.reading import find_manifest, read_manifest
from manifest.regions import cut, get_region, list_regions, replace_region, rewrite

__all__ = [
    "Difference",
    "File",
    "Filling",
    "Manifest",
    "ManifestError",
    "Module",
    "Price",
    "Region",
    "RegionError",
    "Unmarked",
    "cut",
    "difference",
    "fill",
    "find_manifest",
    "find_out_of_step",
    "find_strangers",
    "get_region",
    "list_regions",
    "read_manifest",
    "replace_region",
    "restore",
    "rewrite",
    "starter",
    "wanted_files",
    "write_labs",
    "write_solution_branch",
]
