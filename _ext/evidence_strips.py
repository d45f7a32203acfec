"""Strip plots of a claim, as SVG: a row of dots for each quantity, one dot a run.

Horizontal places are percentages and all else is in pixels, so that a picture fills a phone as well
as a desktop while its letters keep their size.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Sequence
from html import escape
from statistics import median
from typing import Any, NamedTuple

from unrolled.experiments import ledger

LEFT, RIGHT = 3, 97  # the axis, in percent of the width
LINE, ROW, LANE, AXIS = 20, 44, 14, 30  # heights
TITLE = 42  # characters of an axis title that fit on a phone

Runs = Sequence[dict[str, Any]]
Place = Callable[[float], float]


class Dots(NamedTuple):
    """What is drawn of a row: its dots, which its bar summarizes, and hollow ones beneath."""

    row: Any
    judged: list[float]
    beneath: list[float]


def figure(strips: Sequence[Any], development: Runs, confirmation: Runs = ()) -> str:
    """Return pictures of both blocks' runs, with what their marks mean beneath."""
    pictures = "".join(strip_plot(strip, development, confirmation) for strip in strips)
    paper = any(row.published is not None for strip in strips for row in strip.rows)
    legend = escape(_legend(len(development), len(confirmation), paper=paper))
    return f'<figure class="evidence-figure">{pictures}<figcaption>{legend}</figcaption></figure>'


def strip_plot(strip: Any, development: Runs, confirmation: Runs = ()) -> str:
    """Draw one strip: each row's runs over one axis."""
    judged, beneath = (confirmation, development) if confirmation else (development, ())
    rows = [
        Dots(row, ledger.values(judged, row), ledger.values(beneath, row)) for row in strip.rows
    ]
    published = [row.published for row in strip.rows if row.published is not None]
    measured = [x for row in rows for x in (*row.judged, *row.beneath)]
    low, high = _extent([*measured, *strip.lines.values(), *published], strip.limits)
    height = ROW + (LANE if confirmation else 0)
    top = LINE * len(strip.lines) + 4
    bottom = top + height * len(rows)

    def at(value: float) -> float:
        return LEFT + (RIGHT - LEFT) * (value - low) / (high - low)

    begins = [top + height * i for i in range(len(rows))]
    drawn = [
        _reference(name, at(x), LINE * i, begins, height)
        for i, (name, x) in enumerate(strip.lines.items())
    ]
    drawn += [_row(dots, at, y) for dots, y in zip(rows, begins, strict=True)]
    title = textwrap.wrap(strip.axis, TITLE)
    drawn.append(_axis(title, low, high, at, bottom))
    return (
        f'<svg class="evidence-strip" role="img" width="100%" '
        f'height="{bottom + AXIS + 18 * len(title)}" '
        f'aria-label="{escape(_description(strip, rows))}">{"".join(drawn)}</svg>'
    )


def published(row: Any) -> str:
    """Write the paper's figure for a row."""
    return "not given" if row.published is None else ledger.figure(row.published)


def _legend(development: int, confirmation: int, *, paper: bool) -> str:
    if confirmation:
        said = (
            f"Each filled dot is one of {ledger.plural(confirmation, 'run')} of the confirmation, "
            f"each hollow one beneath it one of {development} of the development (one dot where "
            "all agree); the bar is the confirmation's median"
        )
    else:
        said = (
            f"Each dot is one of {ledger.plural(development, 'run')} of the development (one dot "
            "where all agree), the bar is their median"
        )
    return said + (", the diamond is the paper's figure." if paper else ".")


def _description(strip: Any, rows: Sequence[Dots]) -> str:
    """Say what the picture shows."""
    parts = [f"{strip.axis}, by run."]
    for row, judged, beneath in rows:
        both = f"; in development {ledger.spread(beneath)}" if beneath else ""
        paper = f" (the paper: {published(row)})" if row.published is not None else ""
        parts.append(f"{row.label}: {ledger.spread(judged)}{both}{paper}.")
    parts += [f"Line at {ledger.figure(x)}: {name}." for name, x in strip.lines.items()]
    return " ".join(parts)


def _reference(name: str, x: float, y: float, begins: Sequence[float], height: float) -> str:
    """Draw a line to compare with: from its name down, but not through the names of the rows."""
    pieces = [(y + LINE, begins[0]), *((begin + 19, begin + height) for begin in begins)]
    lines = (
        f'<line class="evidence-line" x1="{x:.2f}%" x2="{x:.2f}%" y1="{start}" y2="{end}"/>'
        for start, end in pieces
    )
    return "".join(lines) + _label_at(x, y + 15, name)


def _row(dots: Dots, at: Place, y: float) -> str:
    middle = y + 30
    drawn = [
        f'<line class="evidence-rail" x1="{LEFT}%" x2="{RIGHT}%" y1="{middle}" y2="{middle}"/>',
        f'<text class="evidence-name" x="{LEFT}%" y="{y + 15}">{escape(dots.row.label)}</text>',
        *_circles(dots.beneath, at, middle + LANE + 4, "evidence-hollow", 3),
        *_circles(dots.judged, at, middle, "evidence-dot", 4),
    ]
    x = at(median(dots.judged))
    drawn.append(
        f'<line class="evidence-median" x1="{x:.2f}%" x2="{x:.2f}%" y1="{middle - 11}" '
        f'y2="{middle + 11}"/>'
    )
    if dots.row.published is not None:
        drawn.append(
            f'<svg x="{at(dots.row.published):.2f}%" y="{middle}" overflow="visible">'
            '<path class="evidence-paper" d="M0-8 8 0 0 8-8 0Z"/></svg>'
        )
    return "".join(drawn)


def _circles(
    measured: Sequence[float], at: Place, middle: float, kind: str, radius: int
) -> list[str]:
    """Draw one dot a run: equal values stay apart, but what never varies is one dot."""
    shown = measured if len(set(measured)) > 1 else measured[:1]
    step = min(5, 3.5 * radius / max(1, len(shown)))
    return [
        f'<circle class="{kind}" cx="{at(value):.2f}%" '
        f'cy="{middle + (i - (len(shown) - 1) / 2) * step:.1f}" r="{radius}"/>'
        for i, value in enumerate(shown)
    ]


def _axis(title: Sequence[str], low: float, high: float, at: Place, y: float) -> str:
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


TINY = 1e-300


def _extent(shown: Sequence[float], limits: Sequence[float] | None) -> tuple[float, float]:
    """Return an axis that holds all that is shown, with some air where there are no limits."""
    low, high = min([*shown, *(limits or [])]), max([*shown, *(limits or [])])
    exact = limits is not None and (low, high) == tuple(limits)
    air = 0 if exact else 0.04 * (high - low) or abs(high)
    if not exact and air < TINY:  # no ticks can be written so close to one another
        air = 1.0
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
