"""The site: how long its builder takes, and how heavy its pages are."""

import time
from pathlib import Path
from typing import Any

from pages.building import build_site, weights
from pages.facts import write_facts
from pages.site import read_site

CHECKOUT = Path(__file__).resolve().parent.parent


def measure(folder: Path) -> dict[str, Any]:
    """Seconds of a strict build, pages, and kilobytes of the median and the heaviest page without what it loads."""
    site = read_site(CHECKOUT)
    write_facts(site)
    began = time.monotonic()
    built = build_site(site, output=folder)
    seconds = time.monotonic() - began
    sizes = sorted(size for _, size in weights(built))
    return {
        "site_build_seconds": seconds,
        "site_pages": len(sizes),
        "site_median_page_kilobytes": round(sizes[len(sizes) // 2] / 1000),
        "site_heaviest_page_kilobytes": round(sizes[-1] / 1000),
    }
