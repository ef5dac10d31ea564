"""What a module's page begins with, made from the manifest and from what a run measured: time, cost, level, checks."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from manifest import Manifest, Module, read_manifest
from pages.site import BUILD, Site

FOLDER = BUILD / "pages" / "facts"
MEASURED = "measured.json"
LANES = {
    "both": "sandbox or Azure",
    "sandbox": "sandbox",
    "azure": "Azure",
}


def write_facts(site: Site) -> list[Path]:
    """A snippet for every module, for pages to include as `facts/M6.md`. Raises ManifestError."""
    manifest, times = read_manifest(site.root / "labs" / "labs.toml"), read_measured(site.docs / MEASURED)
    folder = site.root / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for module in manifest.modules:
        path = folder / f"{module.id}.md"
        path.write_text(facts(manifest, module, times), encoding="utf-8")
        written.append(path)
    return written


def read_measured(path: Path) -> Mapping[str, Any]:
    """What docs/measured.json holds; nothing measured where there is none."""
    if not path.exists():
        return {"date": "", "machine": "", "seconds": {}}
    found: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def facts(manifest: Manifest, module: Module, times: Mapping[str, Any]) -> str:
    """The snippet of a module: a list of objectives, then a table."""
    objectives = "".join(f"* {one}\n" for one in module.objectives)
    rows = [
        ("Time", _time(module)),
        ("Commands alone, in the sandbox", _measured(module, times)),
        ("Lane", LANES.get(module.lane, module.lane)),
        ("Level", f"{module.level}{', optional' if module.optional else ''}"),
        ("Cost on Azure", _cost(manifest, module)),
        ("Checks", ", ".join(f"`{code}`" for code in module.checks) or "none"),
    ]
    table = "".join(f"| {name} | {value} |\n" for name, value in rows if value)
    return f"You learn to:\n\n{objectives}\n| Fact | Value |\n|---|---|\n{table}"


def _time(module: Module) -> str:
    waits = f", and up to {module.wait_minutes} of waiting on Azure" if module.wait_minutes else ""
    return f"{module.minutes} minutes{waits}"


def _measured(module: Module, times: Mapping[str, Any]) -> str:
    seconds = times["seconds"].get(module.page)
    if seconds is None:
        return ""
    shown = f"{seconds:.0f} seconds" if seconds < 90 else f"{seconds / 60:.1f} minutes"
    return f"{shown} (measured on {times['date']}, {times['machine']})"


def _cost(manifest: Manifest, module: Module) -> str:
    if not module.cost_per_day:
        return "nothing that stays"
    return (
        f"about {module.cost_per_day:.2f} USD a day for what it leaves running, until module 16 removes it "
        f"(prices of {manifest.checked.isoformat()}, without tax)"
    )
