"""The pictures of the page ``frameworks``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from unrolled.core.validate import numbers
from unrolled.figures._checked import checked
from unrolled.figures.style import COLOR, label, label_ends


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
        len(said), 1, figsize=(5.0, 1.5 * len(said) + 0.4), sharex=True, sharey=True, squeeze=False
    )
    for axes, (name, runs) in zip(grid.flat, said.items(), strict=True):
        axes.plot(years, truth, "o", color=COLOR["truth"], markersize=2.5)
        for run in runs:
            axes.plot(years, run, color=COLOR["model"], linewidth=0.9)
        axes.set(title=name, ylabel="sunspots")
    first, top = numbers("years", years).flat[0], numbers("truth", truth).max()
    label(grid[0, 0], first, top, "counted", "truth", va="top")
    label(grid[0, 0], first, 0.78 * top, "forecast", "model", va="top")
    grid[-1, 0].set_xlabel("year")
    return figure


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
