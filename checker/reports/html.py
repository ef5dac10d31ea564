"""A class as one file of HTML: no network, no other address; it reads without colour and without script.

The script only filters; everything is in the page without it.
"""

from collections.abc import Iterator
from html import escape

from checker.classroom.model import ClassReport, Row, State
from checker.model import MODULES, Check, CheckResult, Outcome
from checker.reports.terminal import SYMBOLS, WORDS

STYLE = """
:root { color-scheme: light dark; --line: #8886; --soft: #8882; --pass: #17662e; --fail: #a34100; --wait: #00587a;
  --unknown: #7a1f7a; }
@media (prefers-color-scheme: dark) { :root { --pass: #7ddc93; --fail: #ffb37a; --wait: #7fd0f5; --unknown: #eba4eb; } }
body { font: 1rem/1.5 system-ui, sans-serif; margin: 1.5rem auto; max-width: 90rem; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; }
caption { text-align: left; font-weight: bold; padding: .3rem 0; }
th, td { border: 1px solid var(--line); padding: .25rem .5rem; text-align: left; vertical-align: top; }
thead th { background: var(--soft); }
.scroll { overflow-x: auto; }
.scroll tbody th { position: sticky; left: 0; background: Canvas; }
.mark { text-align: center; white-space: nowrap; }
.pass { color: var(--pass); } .fail, .stuck { color: var(--fail); } .waiting { color: var(--wait); }
.unknown, .error { color: var(--unknown); }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
[hidden] { display: none; }
input, select { font: inherit; padding: .2rem .4rem; margin-right: 1rem; }
:focus-visible { outline: 3px solid; outline-offset: 2px; }
@media print { form { display: none; } }
"""

SCRIPT = """
const words = document.getElementById("words"), state = document.getElementById("state");
const told = document.getElementById("told"), rows = [...document.querySelectorAll("tr[data-state]")];
const filter = () => {
  let shown = 0;
  for (const row of rows) {
    const fits = row.textContent.toLowerCase().includes(words.value.toLowerCase());
    row.hidden = !(fits && (!state.value || row.dataset.state === state.value));
    if (!row.hidden && row.classList.contains("one")) shown += 1;
  }
  told.textContent = shown + " attendees shown";
};
words.addEventListener("input", filter);
state.addEventListener("change", filter);
document.querySelector("form").addEventListener("submit", (event) => event.preventDefault());
document.querySelector("form").hidden = false;
"""


def class_as_html(report: ClassReport) -> str:
    """The whole page."""
    title = f"Class of {report.started:%Y-%m-%d %H:%M} UTC"
    body = "\n".join((*_head(report, title), *_filter(), *_attendees(report), *_matrix(report), *_rates(report)))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n"
        f"<script>{SCRIPT}</script>\n</body>\n</html>\n"
    )


def _head(report: ClassReport, title: str) -> Iterator[str]:
    yield f"<h1>{escape(title)}</h1>"
    if report.is_partial:
        yield f"<p><strong>Partial: {len(report.rows)} of {report.asked} attendees were looked at.</strong></p>"
    counts = ", ".join(f"{len(report.of(state))} {state.value}" for state in State)
    yield f"<p>{len(report.rows)} attendees: {escape(counts)}. Looked at {escape(report.target)}.</p>"
    for left_out in report.left_out:
        yield f"<p>Left out: {len(left_out.codes)} checks of {left_out.service.value} ({escape(left_out.reason)}).</p>"


def _filter() -> Iterator[str]:
    options = "".join(f"<option>{escape(state.value)}</option>" for state in State)
    yield "<form hidden>"
    yield '<label for="words">Show rows with</label> <input id="words" type="search">'
    yield f'<label for="state">State</label> <select id="state"><option value="">all</option>{options}</select>'
    yield '<span id="told" role="status"></span></form>'


def _attendees(report: ClassReport) -> Iterator[str]:
    yield "<h2>Who needs what</h2>"
    for state in State:
        rows = report.of(state)
        if rows:
            yield f"<table><caption>{escape(state.value.capitalize())}: {len(rows)}</caption>"
            yield (
                "<thead><tr>" + "".join(f'<th scope="col">{name}</th>' for name in _columns()) + "</tr></thead><tbody>"
            )
            yield from (_attendee(row) for row in rows)
            yield "</tbody></table>"


def _columns() -> tuple[str, ...]:
    return ("Attendee", "Passed", "At", "Seen", "Since")


def _attendee(row: Row) -> str:
    first = row.first
    at = f"{first.check.code} {first.check.title}" if first else "all passed"
    seen = first.finding.seen if first and first.finding else ""
    since = f"{row.since:%H:%M} UTC" if row.since else ""
    cells = (f"{row.passed} of {len(row.results)}", at, seen, since)
    data = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
    name = escape(row.attendee.name)
    return f'<tr class="one" data-state="{escape(row.state.value)}"><th scope="row">{name}</th>{data}</tr>'


def _matrix(report: ClassReport) -> Iterator[str]:
    yield "<h2>Everything</h2>"
    legend = ", ".join(f"{SYMBOLS[outcome]} {WORDS[outcome]}" for outcome in Outcome)
    yield f"<p>{escape(legend)}</p>"
    yield '<div class="scroll" tabindex="0" role="region" aria-label="All attendees and checks">'
    yield '<table><caption>All attendees and checks</caption><thead><tr><th scope="col">Attendee</th>'
    yield "".join(_heading(check) for check in report.checks) + "</tr></thead><tbody>"
    for row in report.rows:
        marks = "".join(_mark(result) for result in row.results)
        state = escape(row.state.value)
        yield f'<tr data-state="{state}"><th scope="row">{escape(row.attendee.name)}</th>{marks}</tr>'
    yield "</tbody></table></div>"


def _heading(check: Check) -> str:
    title = f"{check.module} {MODULES[check.module].title}: {check.title}"
    return f'<th scope="col"><abbr title="{escape(title)}">{check.code}</abbr></th>'


def _mark(result: CheckResult) -> str:
    outcome = result.outcome
    symbol = f'<span aria-hidden="true">{SYMBOLS[outcome]}</span>'
    return f'<td class="mark {outcome.value}">{symbol}<span class="hidden">{WORDS[outcome]}</span></td>'


def _rates(report: ClassReport) -> Iterator[str]:
    yield "<h2>Checks</h2>"
    columns = ("Check", *(WORDS[outcome].capitalize() for outcome in Outcome), "Pass rate")
    yield "<table><caption>How many attendees came to what</caption><thead><tr>"
    yield "".join(f'<th scope="col">{escape(column)}</th>' for column in columns) + "</tr></thead><tbody>"
    for check in report.checks:
        counts = [report.count(check.code, outcome) for outcome in Outcome]
        rate = f"{100 * counts[0] / len(report.rows):.0f} %" if report.rows else ""
        cells = "".join(f"<td>{cell}</td>" for cell in (*counts, rate))
        yield f'<tr><th scope="row">{check.code} {escape(check.title)}</th>{cells}</tr>'
    yield "</tbody></table>"
