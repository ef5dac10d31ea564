"""Coverage summaries: Cobertura and JaCoCo."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

from sandbox.pipelines.events import CoveragePublished
from sandbox.pipelines.running.context import StepContext
from sandbox.pipelines.running.errors import StepError
from sandbox.pipelines.running.host import Coverage


def publish(step: StepContext, path: Path) -> Coverage:
    """Read a summary, show it, give it to the run. Raises StepError."""
    found = read(path)
    step.host.publish_coverage(found, path)
    rate = 100 * found.lines_covered / found.lines_valid if found.lines_valid else 0.0
    step.write(f"Line coverage {rate:.1f} %: {found.lines_covered} of {found.lines_valid} lines ({path.name})")
    counts = (found.lines_covered, found.lines_valid, found.branches_covered, found.branches_valid)
    step.emit(CoveragePublished(step.host.now(), step.reference, *counts))
    return found


def read(path: Path) -> Coverage:
    """Raises StepError when it is neither Cobertura nor JaCoCo."""
    try:
        root = ElementTree.parse(path).getroot()
    except ElementTree.ParseError as error:
        raise StepError(f"The coverage file '{path}' is no XML: {error}.") from error
    if root.tag == "coverage" and "line-rate" in root.attrib:
        return _cobertura(root)
    if root.tag == "report":
        counters = {one.get("type", ""): one for one in root.findall("counter")}
        return Coverage(*_counter(counters.get("LINE")), *_counter(counters.get("BRANCH")))
    raise StepError(f"The coverage file '{path}' is neither Cobertura nor JaCoCo: its root is '{root.tag}'.")


def _cobertura(root: ElementTree.Element) -> Coverage:
    if "lines-valid" in root.attrib:
        names = ("lines-covered", "lines-valid", "branches-covered", "branches-valid")
        return Coverage(*(int(root.get(name, "0")) for name in names))
    hits = [int(line.get("hits", "0")) for line in root.iter("line")]
    return Coverage(sum(hit > 0 for hit in hits), len(hits))


def _counter(element: ElementTree.Element | None) -> tuple[int, int]:
    if element is None:
        return (0, 0)
    covered, missed = int(element.get("covered", "0")), int(element.get("missed", "0"))
    return (covered, covered + missed)
