"""The pictures of networks that write: how a long text is read, and how several cells learn it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike, NDArray

from unrolled.figures._checked import checked
from unrolled.figures.style import COLOR, label, label_ends

GAP = 1.6  # letters that would fit between two pieces

CELLS = {"tanh": "hidden", "LSTM": "cell", "GRU": "input"}
"""The colour of each cell, as a key of ``COLOR``."""


@checked
def rows_that_go_on(text: str, *, rows: int, steps: int) -> Figure:
    """Draw a text cut into rows, these into pieces, and the states that go from piece to piece.

    Parameters
    ----------
    text
        As many characters as fill all pieces.
    rows
        Rows B, read side by side.
    steps
        Characters in a piece of a row.
    """
    pieces = len(text) // (rows * steps)
    if not pieces or len(text) != rows * pieces * steps:
        raise ValueError(
            f"text must fill pieces of {rows} rows and {steps} steps, got {len(text)} characters"
        )
    width = pieces * (steps + GAP) - GAP
    figure, axes = plt.subplots(figsize=(5.0, 0.9 + 0.5 * rows))
    for row in range(rows):
        for piece in range(pieces):
            start = (row * pieces + piece) * steps
            _piece(axes, text[start : start + steps], piece * (steps + GAP), -1.7 * row)
            if piece:
                _state(axes, piece * (steps + GAP), -1.7 * row)
        label(axes, -0.9, -1.7 * row, f"row {row}", "truth", ha="right", va="center")
    for piece in range(pieces):
        middle = piece * (steps + GAP) + steps / 2 - 0.5
        label(axes, middle, 0.9, f"piece {piece}", "truth", ha="center", va="bottom")
    axes.set(xlim=(-4.6, width), ylim=(-1.7 * rows + 0.8, 2.0))
    axes.axis("off")
    return figure


def _piece(axes: Axes, letters: str, x: float, y: float) -> None:
    axes.add_patch(
        Rectangle((x - 0.5, y - 0.6), len(letters), 1.2, fill=False, color=COLOR["input"])
    )
    for i, each in enumerate(letters):
        shown = "␣" if each == " " else each
        label(axes, x + i, y, shown, "input", ha="center", va="center", family="monospace")


def _state(axes: Axes, x: float, y: float) -> None:
    """Draw the arrow that leads a state into the piece that begins at x."""
    style = {"arrowstyle": "-|>", "color": COLOR["hidden"], "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", (x - 0.5, y), (x - 0.5 - GAP, y), arrowprops=style)


@checked
def learning_together(
    updates: Sequence[int], runs: Mapping[str, Sequence[ArrayLike]], cost: Mapping[str, float]
) -> Figure:
    """Draw the bits that networks of several cells need, by updates and by computing time.

    Parameters
    ----------
    updates
        ``(n,)`` updates made.
    runs
        ``{cell: runs of (n,) bits a character}``, of cells that ``CELLS`` names.
    cost
        ``{cell: seconds that an update takes}``.
    """
    made = np.asarray(updates, dtype=float)
    figure, (above, below) = plt.subplots(2, 1, figsize=(5.0, 5.2), sharey=True)
    _curves(above, dict.fromkeys(runs, made), runs)
    _curves(below, {cell: made * cost[cell] for cell in runs}, runs)
    above.set(xlabel="updates", ylabel="bits a character")
    below.set(xlabel="seconds of one core", ylabel="bits a character")
    return figure


def _curves(
    axes: Axes, x: Mapping[str, NDArray[np.float64]], runs: Mapping[str, Sequence[ArrayLike]]
) -> None:
    ends = {}
    for cell, each in runs.items():
        y = np.asarray(each, dtype=float)
        axes.plot(x[cell], y.T, color=COLOR[CELLS[cell]], linewidth=1)
        ends[cell] = (float(y[:, -1].mean()), CELLS[cell])
    right = max(float(each[-1]) for each in x.values())
    lowest = min(float(np.asarray(each, dtype=float).min()) for each in runs.values())
    axes.set_xscale("log")
    axes.set_xlim(right=right * 1.05)
    axes.set_ylim(bottom=lowest - 0.2)
    label_ends(axes, right * 1.15, ends, gap=0.24)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,g}")
    axes.minorticks_off()
