"""What the chapter's page reads from its records, as tables of text and as rows of a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from unrolled.core.validate import Array

Record = Mapping[str, Any]

CHANGES: Mapping[str, str] = MappingProxyType(
    {
        "V": "whole, peepholes",
        "NIG": "no input gate",
        "NOG": "no output gate",
        "NIAF": "no tanh on g",
        "NOAF": "no tanh on c",
        "CIFG": "coupled gates",
        "NP": "no peepholes",
        "FGR": "gates see gates",
        "JANET": "one gate",
        "MGU": "one, resets too",
        "NFG": "no forget gate",
    }
)
"""What is different in each of the variants of ``variants.greff``."""

WALK: Mapping[str, str] = MappingProxyType(
    {
        "LSTM": "LSTM",
        "no output tanh": "no tanh",
        "h = c": "h = c",
        "one gate": "one gate",
        "GRU, reset before": "GRU",
    }
)
"""From the LSTM to the GRU, one change at a time: cells of ``variants.tournament``, and names."""

TITLES: Mapping[str, str] = MappingProxyType(
    {
        "adding": "adding: error in variances",
        "order": "temporal order: classes wrong",
        "arithmetic": "arithmetic: symbols wrong",
        "text": "English: bits per character",
    }
)
"""The tasks of ``variants.tournament``, and what counts."""


def measured(record: Record) -> list[Mapping[str, Any]]:
    """Return what was measured in all runs of a record, those of the confirmation last."""
    return [run["measured"] for run in [*record["runs"], *record["confirmed"]]]


def solved(record: Record) -> str:
    """Say how many networks of each variant learned the stream, by learning rate."""
    runs, settings = measured(record), record["settings"]
    keys = [f"solved at {rate:g}" for rate in settings["rates"]]
    lines = [f"of {settings['networks'] * len(runs):<19d} " + " ".join(key[7:] for key in keys)]
    for k, name in enumerate(settings["variants"]):
        counts = [sum(round(settings["networks"] * run[key][k]) for run in runs) for key in keys]
        lines.append(f"{name:5s} {CHANGES[name]:17s}" + "".join(f"{n:6d} " for n in counts))
    return "\n".join(line.rstrip() for line in lines)


def walk(record: Record) -> dict[str, Array]:
    """Return the errors of the cells of ``WALK``: a panel a task, ``(runs, cells)``."""
    at = [record["settings"]["cells"].index(cell) for cell in WALK]
    return {title: _errors(record, task)[:, at] for task, title in TITLES.items()}


def lead(record: Record) -> str:
    """Say who errs less than the LSTM, and how much of the GRU's lead the tanh alone makes."""
    panels = walk(record).values()
    lines = [f"below the LSTM, of {len(next(iter(panels)))} runs"]
    lines.append(_row("", [task[:6] for task in TITLES]))
    for k, name in enumerate(WALK.values()):
        if k:
            lines.append(_row(name, [int((runs[:, k] < runs[:, 0]).sum()) for runs in panels]))
    gains = [np.median(runs, axis=0)[0] - np.median(runs, axis=0) for runs in panels]
    shares = [f"{gain[1] / gain[-1]:.0%}" for gain in gains]
    return "\n".join([*lines, "of the GRU's lead, no tanh alone makes", _row("", shares)])


def by_rate(record: Record) -> dict[str, dict[str, Array]]:
    """Return the bits of ``variants.default``, ``(runs, rates)``: an arm a cell and width."""
    settings = record["settings"]
    return {
        f"{cell}, {width} units": {
            how: _errors(record, f"{cell} {width} {how}") for how in ("held", "falling")
        }
        for cell in settings["cells"]
        for width in settings["widths"]
    }


def from_the_best(record: Record) -> str:
    """Say how far each rate, held, is from the best setting, where it is furthest."""
    ratios = []
    for arm in by_rate(record).values():
        held, falling = arm["held"].mean(0), arm["falling"].mean(0)
        ratios.append(held / min(held.min(), falling.min()) - 1)
    rows = zip(record["settings"]["rates"], np.max(ratios, axis=0), strict=True)
    return "\n".join(f"{rate:<5g} held: {above:4.0%} above the best" for rate, above in rows)


def best_rates(tournament: Record, start: Record, long: Record) -> str:
    """Say which rate was best for an LSTM and for a GRU, wherever the chapter has measured it."""
    cells, settings = tournament["settings"]["cells"], start["settings"]
    at = [cells.index(cell) for cell in ("LSTM", "GRU")]
    lines = [_best("best rate", ["LSTM", "GRU"])]
    for task, title in TITLES.items():
        rates = np.median(_errors(tournament, f"{task} rate"), axis=0)[at]
        updates = tournament["settings"]["updates"][task]
        lines.append(_best(f"{title.split(':')[0]}, {updates} updates", rates))
    for width in settings["widths"]:
        held = (_errors(start, f"{cell} {width} held").mean(0) for cell in ("LSTM", "GRU"))
        found = [settings["rates"][mean.argmin()] for mean in held]
        lines.append(_best(f"English, {width} units, {settings['updates']}", found))
    tuned = dict(zip(long["settings"]["cells"], long["settings"]["rates"], strict=True))
    updates = long["settings"]["updates"]
    lines.append(_best(f"one text, {updates:,} (falling)", [tuned["LSTM"], tuned["GRU"]]))
    return "\n".join(lines)


def _errors(record: Record, quantity: str) -> Array:
    return np.array([run[quantity] for run in measured(record)])


def _row(name: str, numbers: Sequence[object]) -> str:
    return f"{name:10s}" + "".join(f"{number!s:>7s}" for number in numbers)


def _best(name: str, rates: Sequence[object] | Array) -> str:
    shown = (rate if isinstance(rate, str) else f"{rate:g}" for rate in rates)
    return f"{name:27s}" + "".join(f"{rate:>6s}" for rate in shown)
