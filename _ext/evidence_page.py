"""The ``evidence`` directive: the evidence ledger as a page, or one claim of it in a chapter.

Everything shown comes from ``evidence/*.json``. A record that does not fit its declaration any
more is a warning, so that a book built with ``-W`` shows no stale measurement.
"""

from __future__ import annotations

import json
import math
import sys
import textwrap
from html import escape
from pathlib import Path
from statistics import median
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "code"))

from unrolled.experiments import ledger

Record = dict[str, Any]
Entry = tuple[ledger.Claim, Record | None]
Nodes = list[nodes.Node]
logger = logging.getLogger(__name__)


class Evidence(SphinxDirective):
    """Show every claim, a chapter's claims, or one claim in short.

    With ``:words:`` a claim in short has no picture: its chapter draws its own.
    """

    optional_arguments = 1
    option_spec: ClassVar = {"words": directives.flag}

    def run(self) -> Nodes:
        """Return what the argument asks for: nothing, a chapter, or a claim."""
        claims = ledger.all_claims(self.config.evidence_package)
        if not self.arguments:
            self.env.note_reread()  # a claim may be new
            entries = [(claim, self._record(claim)) for claim in claims.values()]
            return [self._summary(entries), *self._chapters(entries)]
        (name,) = self.arguments
        if name in claims:
            return [self._in_short(claims[name], self._record(claims[name]))]
        chapter = [claim for claim in claims.values() if _chapter(claim) == name]
        if not chapter:
            raise self.error(f"no claim or chapter {name!r}; there are {', '.join(claims)}")
        return [self._in_full(claim, self._record(claim)) for claim in chapter]

    def _summary(self, entries: list[Entry]) -> nodes.Node:
        rows = [
            [
                self._text(f"{_link(claim.id)} {claim.sentence}"),
                [nodes.paragraph("", "", _badge(record))],
                self._text(f"{{cite:t}}`{claim.paper}`" if claim.paper else "this book"),
                self._text(self._chapter_link(_chapter(claim))),
            ]
            for claim, record in entries
        ]
        return _table(["Claim", "Verdict", "Source", "Chapter"], rows)

    def _chapters(self, entries: list[Entry]) -> Nodes:
        sections: dict[str, nodes.section] = {}
        for claim, record in entries:
            chapter = _chapter(claim)
            if chapter not in sections:
                sections[chapter] = self._section(
                    f"evidence-{chapter}", nodes.Text(f"Chapter {chapter}")
                )
            sections[chapter] += self._in_full(claim, record)
        return [*sections.values()]

    def _in_full(self, claim: ledger.Claim, record: Record | None) -> nodes.Node:
        section = self._section(_label(claim.id), nodes.literal("", claim.id))
        section += self._text(f"{claim.sentence} {_source(claim)}")
        section += nodes.paragraph("", "", _badge(record))
        section += self._text(f"Criterion: {claim.criterion}")
        if record is None:
            return section
        section += _pictures(record)
        section += _figures(record)
        if record["deviations"]:
            section += self._text("What we did otherwise:")
            section += self._text(_bullets(record["deviations"]))
        summary = "<summary>How it was measured</summary>"
        section += nodes.raw("", f'<details class="evidence-how">{summary}', format="html")
        section += self._text(_bullets(_circumstances(record)))
        section += nodes.raw("", "</details>", format="html")
        return section

    def _in_short(self, claim: ledger.Claim, record: Record | None) -> nodes.Node:
        box = nodes.admonition(classes=["evidence"])
        box += nodes.title("", "", nodes.Text("Measured: "), _badge(record))
        box += self._text(f"{claim.sentence} {_source(claim)}")
        box += self._text(f"Criterion: {claim.criterion}")
        if record is not None and "words" not in self.options:
            box += _pictures(record)
        box += self._text(f"Every number, and how it was measured: {_link(claim.id)}.")
        return box

    def _record(self, claim: ledger.Claim) -> Record | None:
        """Return a claim's record; warn if it does not stand."""
        path = Path(self.config.evidence_folder) / f"{claim.id}.json"
        for file in [path, *ledger.sources(claim)]:
            self.env.note_dependency(str(file))
        record = ledger.load(claim.id, path.parent) if path.is_file() else None
        reason = ledger.staleness(claim, record)
        if record and not reason and record != ledger.refreshed(claim, record):
            reason = "its words or its criterion changed"
        if reason:
            logger.warning(
                "the record of %s is stale (%s): run `python -m unrolled evidence %s`",
                *(claim.id, reason, claim.id),
                location=self.get_location(),
                type="evidence",
            )
        return record

    def _section(self, label: str, title: nodes.Node) -> nodes.section:
        section = nodes.section(ids=[label], names=[label])
        section += nodes.title("", "", title)
        self.state.document.note_explicit_target(section, section)
        return section

    def _chapter_link(self, chapter: str) -> str:
        page = f"chapters/{chapter}"
        return f"{{doc}}`/{page}`" if page in self.env.found_docs else chapter

    def _text(self, text: str) -> Nodes:
        """Parse MyST."""
        parent = nodes.Element()
        lines = StringList(text.splitlines(), source=self.get_source_info()[0])
        self.state.nested_parse(lines, self.content_offset, parent)
        return [*parent.children]


def _chapter(claim: ledger.Claim) -> str:
    return claim.id.split(".")[0]


def _label(claim_id: str) -> str:
    return f"evidence-{nodes.make_id(claim_id)}"


def _link(claim_id: str) -> str:
    return f"{{ref}}`{claim_id} <{_label(claim_id)}>`"


def _source(claim: ledger.Claim) -> str:
    if claim.paper is None:
        return "Source: this book."
    return f"Source: {{cite:t}}`{claim.paper}`" + (f", {claim.where}." if claim.where else ".")


def _badge(record: Record | None) -> nodes.Node:
    if record is None:
        return nodes.strong("", "Not measured")
    kind = "evidence-held" if record["held"] else "evidence-not-held"
    return nodes.strong("", ledger.verdict(record), classes=[kind])


def _bullets(items: list[str]) -> str:
    return "\n".join("- " + " ".join(item.split()) for item in items)


def _plain(text: str) -> Nodes:
    return [nodes.paragraph("", text)]


def _published(row: Record) -> str:
    return "not given" if row["published"] is None else ledger.figure(row["published"])


def _circumstances(record: Record) -> list[str]:
    """Return where, when, with what and for how long a record was measured."""
    runs, hardware = record["runs"], record["hardware"]
    cpu, wall = (sum(run[f"{kind}_seconds"] for run in runs) for kind in ("cpu", "wall"))
    gpu = next((run["gpu"] for run in runs if run["gpu"]), "no GPU")
    settings = ", ".join(f"`{name} = {json.dumps(x)}`" for name, x in record["settings"].items())
    versions = ", ".join(f"{name} {version}" for name, version in record["versions"].items())
    return [
        f"Experiment: `{record['experiment']}` at scale {record['scale']}.",
        f"Settings: {settings or 'none'}.",
        f"Seeds: {', '.join(map(str, record['seeds']))}.",
        f"Measured on {record['date']}, in {cpu:.0f} s of CPU time ({wall:.0f} s in all).",
        f"On {hardware['cpu']}, {ledger.plural(hardware['cores'], 'core')}, {gpu}.",
        f"With {versions}.",
        f"Again: `python -m unrolled evidence --force {record['id']}`.",
    ]


def _figures(record: Record) -> nodes.Node:
    """Set the paper's figures beside ours."""
    rows = [row for strip in record["strips"] for row in strip["rows"]]
    compared = any(row["published"] is not None for row in rows)
    ours = f"Ours: median (range) of {ledger.plural(len(record['runs']), 'seed')}"
    return _table(
        ["Quantity", *(["The paper's"] if compared else []), ours],
        [
            [
                _plain(row["label"]),
                *([_plain(_published(row))] if compared else []),
                _plain(ledger.spread(ledger.values(record, row))),
            ]
            for row in rows
        ],
    )


def _table(head: list[str], rows: list[list[Nodes]]) -> nodes.table:
    table, group = nodes.table(), nodes.tgroup(cols=len(head))
    table += group
    for _ in head:
        group += nodes.colspec(colwidth=1)
    group += nodes.thead("", _table_row([_plain(name) for name in head]))
    group += nodes.tbody("", *(_table_row(row) for row in rows))
    return table


def _table_row(cells: list[Nodes]) -> nodes.row:
    return nodes.row("", *(nodes.entry("", *cell) for cell in cells))


# The picture. Its horizontal places are percentages and all else is in pixels, so that it fills a
# phone as well as a desktop while its letters keep their size.

LEFT, RIGHT = 3, 97  # the axis, in percent of the width
LINE, ROW, AXIS = 20, 44, 30  # heights
TITLE = 42  # characters of an axis title that fit on a phone


def _pictures(record: Record) -> nodes.Node:
    pictures = "".join(_svg(record, strip) for strip in record["strips"])
    dots = f"Each dot is one of {ledger.plural(len(record['runs']), 'seed')}"
    rows = [row for strip in record["strips"] for row in strip["rows"]]
    paper = any(row["published"] is not None for row in rows)
    legend = f"{dots} (one dot where all agree), the bar is their median" + (
        ", the diamond is the paper's figure." if paper else "."
    )
    return nodes.raw(
        "",
        f'<figure class="evidence-figure">{pictures}<figcaption>{legend}</figcaption></figure>',
        format="html",
    )


def _svg(record: Record, strip: Record) -> str:
    """Draw a strip plot: a row of dots for each quantity, one dot a seed."""
    rows = [(row, ledger.values(record, row)) for row in strip["rows"]]
    lines = strip["lines"]
    published = [row["published"] for row, _ in rows if row["published"] is not None]
    shown = [*(x for _, measured in rows for x in measured), *lines.values(), *published]
    low, high = _extent(shown, strip["limits"])
    top = LINE * len(lines) + 4
    bottom = top + ROW * len(rows)

    def at(value: float) -> float:
        return LEFT + (RIGHT - LEFT) * (value - low) / (high - low)

    begins = [top + ROW * i for i in range(len(rows))]
    drawn = [_reference(name, at(x), LINE * i, begins) for i, (name, x) in enumerate(lines.items())]
    for (row, measured), y in zip(rows, begins, strict=True):
        drawn.append(_dots(row, measured, at, y))
    title = textwrap.wrap(strip["axis"], TITLE)
    drawn.append(_axis(title, low, high, at, bottom))
    height = bottom + AXIS + 18 * len(title)
    return (
        f'<svg class="evidence-strip" role="img" width="100%" height="{height}" '
        f'aria-label="{escape(_description(strip, rows))}">{"".join(drawn)}</svg>'
    )


def _description(strip: Record, rows: list[tuple[Record, list[float]]]) -> str:
    """Say what the picture shows."""
    parts = [f"{strip['axis']}, by seed."]
    for row, measured in rows:
        paper = row["published"] is not None
        said = f" (the paper: {_published(row)})" if paper else ""
        parts.append(f"{row['label']}: {ledger.spread(measured)}{said}.")
    parts += [f"Line at {ledger.figure(x)}: {name}." for name, x in strip["lines"].items()]
    return " ".join(parts)


def _reference(name: str, x: float, y: float, begins: list[float]) -> str:
    """Draw a line to compare with: from its name down, but not through the names of the rows."""
    pieces = [(y + LINE, begins[0]), *((begin + 19, begin + ROW) for begin in begins)]
    lines = (
        f'<line class="evidence-line" x1="{x:.2f}%" x2="{x:.2f}%" y1="{start}" y2="{end}"/>'
        for start, end in pieces
    )
    return "".join(lines) + _label_at(x, y + 15, name)


def _dots(row: Record, measured: list[float], at: Any, y: float) -> str:
    middle = y + 30
    drawn = [
        f'<line class="evidence-rail" x1="{LEFT}%" x2="{RIGHT}%" y1="{middle}" y2="{middle}"/>',
        f'<text class="evidence-name" x="{LEFT}%" y="{y + 15}">{escape(row["label"])}</text>',
    ]
    # Equal values stay apart, so that every seed is seen; but what never varies is one dot.
    dots = measured if len(set(measured)) > 1 else measured[:1]
    for i, value in enumerate(dots):
        offset = (i - (len(dots) - 1) / 2) * min(5, 14 / len(dots))
        drawn.append(
            f'<circle class="evidence-dot" cx="{at(value):.2f}%" cy="{middle + offset:.1f}" r="4"/>'
        )
    x = at(median(measured))
    drawn.append(
        f'<line class="evidence-median" x1="{x:.2f}%" x2="{x:.2f}%" y1="{middle - 11}" '
        f'y2="{middle + 11}"/>'
    )
    if row["published"] is not None:
        drawn.append(
            f'<svg x="{at(row["published"]):.2f}%" y="{middle}" overflow="visible">'
            '<path class="evidence-paper" d="M0-8 8 0 0 8-8 0Z"/></svg>'
        )
    return "".join(drawn)


def _axis(title: list[str], low: float, high: float, at: Any, y: float) -> str:
    drawn = [f'<line class="evidence-axis" x1="{LEFT}%" x2="{RIGHT}%" y1="{y}" y2="{y}"/>']
    for tick in _ticks(low, high):
        x = at(tick)
        drawn.append(
            f'<line class="evidence-axis" x1="{x:.2f}%" x2="{x:.2f}%" y1="{y}" y2="{y + 5}"/>'
            f'<text class="evidence-tick" x="{x:.2f}%" y="{y + 19}">{ledger.figure(tick)}</text>'
        )
    for i, line in enumerate(title):
        drawn.append(
            f'<text class="evidence-title" x="50%" y="{y + 40 + 18 * i}">{escape(line)}</text>'
        )
    return "".join(drawn)


def _label_at(x: float, y: float, text: str) -> str:
    anchor = "start" if x < 33 else "end" if x > 67 else "middle"
    place = f'x="{x:.2f}%" y="{y}" text-anchor="{anchor}"'
    return f'<text class="evidence-name" {place}>{escape(text)}</text>'


def _extent(shown: list[float], limits: list[float] | None) -> tuple[float, float]:
    """Return an axis that holds all that is shown, with some air where there are no limits."""
    low, high = min([*shown, *(limits or [])]), max([*shown, *(limits or [])])
    air = 0 if limits and [low, high] == limits else 0.04 * (high - low) or abs(high) or 1
    return low - air, high + air


def _ticks(low: float, high: float) -> list[float]:
    """Return three to six round numbers on an axis; fewer where they are long to write."""
    ticks = _round_numbers(low, high, (high - low) / 5)
    if max(len(ledger.figure(tick)) for tick in ticks) <= 6:
        return ticks
    fewer = _round_numbers(low, high, (high - low) / 2)
    return fewer if len(fewer) > 1 else [ticks[0], ticks[-1]]


def _round_numbers(low: float, high: float, rough: float) -> list[float]:
    """Return the multiples on an axis of the first round step that is not below a rough one."""
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * m for m in (1, 2, 2.5, 5, 10) if power * m >= rough)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(i * step, 12 - math.floor(math.log10(step))) for i in range(first, last + 1)]


def setup(app: Any) -> dict[str, Any]:
    """Register the directive, and where it finds claims and records."""
    app.add_config_value("evidence_folder", str(ledger.EVIDENCE), "env")
    app.add_config_value("evidence_package", "unrolled.experiments", "env")
    app.add_directive("evidence", Evidence)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
