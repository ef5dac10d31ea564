"""What a log shows, as text and as JSON."""

import json
from collections.abc import Iterator
from typing import Any

from rich.text import Text

from checker.model import MODULES
from checker.reports import View
from checker.reports.terminal import labelled, print_lines
from checker.troubleshooting.reading import Diagnosis, Sighting

SCHEMA = "mlops-workshop/checker-diagnosis"
VERSION = 1


def render_diagnosis(diagnosis: Diagnosis, patterns: int, view: View) -> str:
    """The known lines in the log's order, each with cause and remedy; or what was searched, and the nearest line."""
    lines: list[Text] = []
    if diagnosis.unknown:
        lines += [*_unknown(diagnosis.unknown), Text()]
    for sighting in diagnosis.sightings:
        lines += [*_sighting(sighting), Text()]
    if not diagnosis.sightings:
        lines.append(Text(f"nothing known: {diagnosis.lines} lines were searched for {patterns} kinds of error"))
        lines.append(Text("paste the whole log of the step that failed, or: checker check, checker bundle"))
    elif len(diagnosis.sightings) > 1:
        lines.append(Text("begin with the first: what comes after it may be its echo"))
    return print_lines(lines, view)


def diagnosis_as_json(diagnosis: Diagnosis, patterns: int) -> str:
    """The same for programs."""
    unknown = diagnosis.unknown
    document = {
        "schema": SCHEMA,
        "version": VERSION,
        "lines": diagnosis.lines,
        "patterns": patterns,
        "unknown": {"number": unknown[0], "line": unknown[1]} if unknown else None,
        "sightings": [_document(sighting) for sighting in diagnosis.sightings],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _unknown(unknown: tuple[int, str]) -> Iterator[Text]:
    yield Text(f"line {unknown[0]} is the first that looks like an error, and is not known", style="bold")
    yield labelled("line", unknown[1])


def _sighting(sighting: Sighting) -> Iterator[Text]:
    trouble = sighting.trouble
    yield Text(f"line {sighting.number}: {trouble.title}", style="bold")
    yield labelled("line", sighting.line)
    yield labelled("cause", trouble.cause)
    yield labelled("remedy", trouble.remedy)
    checks = (f"checker check {trouble.check}",) if trouble.check else ()
    for index, command in enumerate(dict.fromkeys((*trouble.commands, *checks))):
        yield labelled("type" if index == 0 else "", command)
    yield labelled("module", f"{trouble.module} {MODULES[trouble.module].title}")
    yield labelled("read", trouble.page)


def _document(sighting: Sighting) -> dict[str, Any]:
    trouble = sighting.trouble
    return {
        "number": sighting.number,
        "line": sighting.line,
        "id": trouble.id,
        "title": trouble.title,
        "module": trouble.module,
        "check": trouble.check or None,
        "cause": trouble.cause,
        "remedy": trouble.remedy,
        "commands": list(trouble.commands),
        "page": trouble.page,
    }
