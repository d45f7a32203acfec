"""The pictures of the page ``frameworks``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

from unrolled.core.validate import numbers
from unrolled.figures._checked import checked
from unrolled.figures.style import COLOR, GREY, label, label_ends


@checked
def by_library(
    years: ArrayLike, truth: ArrayLike, said: Mapping[str, Sequence[ArrayLike]]
) -> Figure:
    """Draw forecasts over what happened, one panel for each library.

    Parameters
    ----------
    years, truth
        ``(n,)`` the years forecast, and what was counted.
    said
        ``{name: [(n,) forecasts, one for each network]}``.
    """
    figure, grid = plt.subplots(
        len(said), 1, figsize=(5.0, 1.3 * len(said) + 0.5), sharex=True, sharey=True, squeeze=False
    )
    first, top = numbers("years", years).flat[0], numbers("truth", truth).max()
    peak = numbers("years", years).flat[numbers("truth", truth).argmax()]
    for axes, (name, runs) in zip(grid.flat, said.items(), strict=True):
        axes.plot(years, truth, "o", color=COLOR["truth"], markersize=2.5)
        for run in runs:
            axes.plot(years, run, color=COLOR["model"], linewidth=0.9)
        axes.vlines(peak, 0, top, color=GREY, linewidth=0.8, linestyle=":")
        axes.set(title=name, ylabel="sunspots")
    label(grid[0, 0], first, top, "counted", "truth", va="top")
    label(grid[0, 0], first, 0.78 * top, "forecast", "model", va="top")
    grid[0, 0].text(peak + 2, top, f"{peak:.0f}", color=GREY, va="top")
    grid[-1, 0].set_xlabel("year")
    return figure


@checked
def heard(panels: Mapping[str, ArrayLike]) -> Figure:
    """Draw which steps of the input each place of the output depends on.

    Parameters
    ----------
    panels
        ``{title: (steps, steps)}``, above 0 where the output of a row depends on the step of a
        column.
    """
    height = -(-len(panels) // 2)
    figure, grid = plt.subplots(height, 2, figsize=(5.0, 2.3 * height + 0.3), squeeze=False)
    for axes in list(grid.flat)[len(panels) :]:
        axes.axis("off")
    for axes, (title, each) in zip(grid.flat, panels.items(), strict=False):
        shown = np.atleast_2d(numbers(title, each)) > 0
        _tiles(axes, shown)
        places = range(1, len(shown) + 1)
        axes.set(title=title, xlim=(0.5, shown.shape[1] + 0.5), ylim=(len(shown) + 0.5, 0.5))
        axes.set(xticks=range(1, shown.shape[1] + 1), yticks=places, aspect="equal")
        axes.tick_params(length=0)
        axes.spines[["left", "bottom"]].set_visible(False)
    for axes in grid[:, 0]:
        axes.set_ylabel("output at step")
    for axes in grid[-1]:
        axes.set_xlabel("step of the input")
    return figure


def _tiles(axes: Axes, shown: NDArray[np.bool_]) -> None:
    """Draw a tile for each row and column, counted from 1: blue where something is shown."""
    for (row, column), each in np.ndenumerate(shown):
        color = COLOR["input"] if each else "#ececec"
        corner = column + 0.54, row + 0.54
        axes.add_patch(Rectangle(corner, 0.92, 0.92, facecolor=color, linewidth=0))


@checked
def apart(distances: Mapping[str, tuple[ArrayLike, str]], *, xlabel: str, ylabel: str) -> Figure:
    """Draw how far apart things are, on a logarithmic axis; what is not apart at all leaves it.

    Parameters
    ----------
    distances
        ``{name: ((n,) distances, key of COLOR)}``, some above 0 in each.
    xlabel, ylabel
        What they are counted by, from 1 on, and what they are.

    Raises
    ------
    ValueError
        If in one no distance is above 0.
    """
    figure, axes = plt.subplots()
    ends = {}
    widths = np.linspace(3.0, 1.1, len(distances))  # what lies on another shows it
    for width, (name, (values, meaning)) in zip(widths, distances.items(), strict=True):
        logs = [np.log10(each) if each > 0 else np.nan for each in numbers(name, values).flat]
        places = np.arange(1, len(logs) + 1)
        axes.plot(places, logs, color=COLOR[meaning], linewidth=width)
        seen = [each for each in logs if not np.isnan(each)]
        if not seen:
            raise ValueError(f"distances[{name!r}] must be above 0 somewhere, got none")
        ends[name] = float(seen[-1]), meaning
    low, high = (round(each) for each in axes.get_ylim())
    ticks = np.arange(low, high + 1, max(1, (high - low) // 4))
    axes.set_yticks(ticks, [f"$10^{{{each}}}$" for each in ticks])
    axes.set(xlabel=xlabel, ylabel=ylabel)
    label_ends(axes, places[-1] * 1.02, ends, gap=(high - low) * 0.1)
    return figure


@checked
def masks(panels: Mapping[str, ArrayLike]) -> Figure:
    """Draw what dropout lets through: a row a feature or unit, a column a step.

    Parameters
    ----------
    panels
        ``{title: (steps, units)}``, above 0 what is let through.
    """
    figure, grid = plt.subplots(
        len(panels), 1, figsize=(5.0, 1.25 * len(panels) + 0.4), sharex=True, squeeze=False
    )
    for axes, (title, kept) in zip(grid.flat, panels.items(), strict=True):
        shown = np.atleast_2d(numbers(title, kept)) > 0
        colors = [[COLOR["input"] if each else "#ececec" for each in row] for row in shown.T]
        for row, line in enumerate(colors):
            for step, color in enumerate(line):
                place = step + 0.54, row + 0.06
                axes.add_patch(Rectangle(place, 0.92, 0.88, facecolor=color, linewidth=0))
        axes.set(title=title, ylim=(0, len(colors)), yticks=[], xlim=(0.4, len(shown) + 0.6))
        axes.spines["left"].set_visible(False)
    grid[-1, 0].xaxis.set_major_locator(MaxNLocator(integer=True))
    grid[-1, 0].set_xlabel("step")
    return figure
