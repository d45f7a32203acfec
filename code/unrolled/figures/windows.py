"""The pictures of the chapter ``windows``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from numpy.typing import ArrayLike

from unrolled._validate import Array, series, whole
from unrolled.figures.style import COLOR, label, label_ends


def free_run(years: Array, values: Array, runs: Sequence[Array], *, start: int) -> Figure:
    """Draw a series and forecasts that were left to run from the index ``start``."""
    figure, axes = plt.subplots()
    shown = slice(max(0, start - 30), start + len(runs[0]))
    axes.axhline(0, color="#6b6b6b", linewidth=0.8)
    axes.axvline(years[start] - 0.5, color="#6b6b6b", linewidth=1, linestyle=":")
    axes.plot(years[shown], values[shown], color=COLOR["truth"])
    for run in runs:
        axes.plot(years[start : start + len(run)], run, color=COLOR["model"], linewidth=0.9)
    top = float(values[shown].max())
    label(axes, years[start] + 1, top * 0.93, "networks,\nfree from here", "model", va="top")
    label(
        axes,
        years[shown][values[shown].argmax()] - 2,
        top,
        "counted",
        "truth",
        ha="right",
        va="top",
    )
    axes.set(xlabel="year", ylabel="sunspots (yearly mean)")
    return figure


def window_diagram(values: ArrayLike, window: int) -> Figure:
    """Draw a series and, below it, the window at each place it can stand, with its target.

    Parameters
    ----------
    values
        ``(N,)`` a short series, 4 to 12 values.
    window
        Values in a lag vector, from 1 to ``N - 1``.
    """
    values = series("values", values, least=4)
    window = whole("window", window, most=len(values) - 1)
    rows = len(values) - window
    figure, axes = plt.subplots(figsize=(5.0, 0.5 * (rows + 1.6)))
    _cells(axes, values, at=(0, rows + 0.5), meaning="truth")
    for row in range(rows):
        seen, target = values[row : row + window], values[row + window : row + window + 1]
        _cells(axes, seen, at=(row, rows - 1 - row), meaning="input")
        _cells(axes, target, at=(row + window, rows - 1 - row), meaning="model")
    label(axes, -0.7, rows + 0.5, "series", "truth", ha="right", va="center")
    label(axes, -0.7, rows - 1, "window", "input", ha="right", va="center")
    label(axes, len(values) - 0.3, 0, "target", "model", va="center")
    axes.set(xlim=(-2.2, len(values) + 1.2), ylim=(-0.6, rows + 1.1), aspect="equal")
    axes.axis("off")
    return figure


def _cells(axes: Axes, values: Array, *, at: tuple[int, float], meaning: str) -> None:
    left, height = at
    for column, value in enumerate(values, start=left):
        corner, style = (column - 0.42, height - 0.36), "round,pad=0,rounding_size=0.12"
        axes.add_patch(
            FancyBboxPatch(corner, 0.84, 0.72, boxstyle=style, fc="white", ec=COLOR[meaning])
        )
        label(axes, column, height, f"{value:g}", meaning, ha="center", va="center")


def errors_by_window(sizes: Sequence[int], linear: ArrayLike, networks: ArrayLike) -> Figure:
    """Draw errors against the size of the window.

    Parameters
    ----------
    sizes
        The windows.
    linear
        ``(sizes,)`` errors of the linear window.
    networks
        ``(seeds, sizes)`` errors of the network.
    """
    figure, axes = plt.subplots()
    curves = np.asarray(networks, dtype=np.float64)
    for run in curves:
        axes.plot(sizes, run, "o-", color=COLOR["model"], linewidth=0.9, markersize=3)
    axes.plot(sizes, linear, "s-", color=COLOR["rival"], markersize=4)
    ends = {
        "network": (float(curves[:, -1].mean()), "model"),
        "linear": (float(np.asarray(linear)[-1]), "rival"),
    }
    axes.set_xscale("log")
    axes.set_xticks(sizes, [str(size) for size in sizes])
    axes.minorticks_off()
    axes.set(xlabel="window (years)", ylabel="error 1921-1955\n(sunspots, RMS)", ylim=(0, None))
    label_ends(axes, sizes[-1] * 1.08, ends, gap=3)
    return figure


def errors_by_horizon(errors: Mapping[str, Array], meanings: Mapping[str, str]) -> Figure:
    """Draw root-mean-square errors against the steps ahead.

    Parameters
    ----------
    errors
        ``{name: (horizon,) or (seeds, horizon) errors}``.
    meanings
        ``{name: key of COLOR}``.
    """
    figure, axes = plt.subplots()
    ends = {}
    for name, each in errors.items():
        for run in np.atleast_2d(each):
            ahead = np.arange(1, len(run) + 1)
            axes.plot(ahead, run, color=COLOR[meanings[name]], linewidth=1.2)
        ends[name] = float(np.atleast_2d(each)[:, -1].mean()), meanings[name]
    axes.set(xlabel="years ahead", ylabel="error (sunspots, RMS)", ylim=(0, None))
    label_ends(axes, ahead[-1] + 0.4, ends, gap=axes.get_ylim()[1] * 0.08)
    return figure


def forecast_on_walk(truth: Array, forecast: Array) -> Figure:
    """Draw a series and one-step forecasts of it, whole and in close-up in the middle."""
    figure, (whole_axes, close) = plt.subplots(1, 2, width_ratios=(3, 2))
    middle = len(truth) // 2
    for axes, shown in ((whole_axes, slice(None)), (close, slice(middle, middle + 25))):
        steps = np.arange(len(truth))[shown]
        axes.plot(steps, truth[shown], color=COLOR["truth"], linewidth=1.2)
        axes.plot(steps, forecast[shown], color=COLOR["model"], linewidth=1.2)
    whole_axes.set(xlabel="step", ylabel="value", title="looks right")
    close.set(xlabel="step", title="is one step late")
    corner = {"transform": whole_axes.transAxes, "va": "top"}
    label(whole_axes, 0.03, 1.0, "walk", "truth", **corner)
    label(whole_axes, 0.03, 0.9, "forecast", "model", **corner)
    return figure


def fit_against_error(runs: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw, for each run on a random walk, how well a network fits against how it forecasts.

    Parameters
    ----------
    runs
        What ``random_walk_errors`` measured, one a seed.
    """
    figure, axes = plt.subplots()
    axes.axhline(1, color=COLOR["baseline"], linewidth=1)
    axes.plot(
        [run["r2"] for run in runs], [run["network"] for run in runs], "o", color=COLOR["model"]
    )
    axes.set_yscale("log")
    axes.set(xlabel="variance explained, R²", ylabel="squared error, repeat-last = 1")
    axes.set_ylim(0.7, None)
    label(axes, 0.98, 0.9, "one dot a walk", "model", ha="right", transform=axes.transAxes)
    label(axes, axes.get_xlim()[0], 1.08, " repeat the last value", "baseline")
    return figure


def cue_curves(
    windows: Mapping[int, Sequence[Sequence[float]]],
    lags: Sequence[int],
    recurrent: Sequence[Sequence[float]],
    recurrent_lags: Sequence[int],
) -> Figure:
    """Draw accuracy on the cue task against the lag: each window's cliff, and no cliff.

    Parameters
    ----------
    windows
        ``{window: accuracies at lags, one list a seed}``.
    lags
        The lags asked of the windows.
    recurrent
        Accuracies at ``recurrent_lags``, one list a seed.
    recurrent_lags
        The lags asked of the recurrent cell.
    """
    figure, axes = plt.subplots()
    axes.axhline(0.5, color="#6b6b6b", linewidth=1, linestyle=":")
    axes.text(recurrent_lags[-1], 0.515, "chance", ha="right", color="#5a5a5a")
    for place, (window, runs) in enumerate(windows.items()):
        for accuracies in runs:
            axes.plot(lags, accuracies, ".-", color=COLOR["input"], linewidth=1)
        text = f"window {window}"
        box = {"facecolor": "white", "edgecolor": "none", "pad": 1}
        label(axes, window, 0.86 - 0.12 * place, text, "input", ha="center", bbox=box)
    for accuracies in recurrent:
        axes.plot(recurrent_lags, accuracies, ".-", color=COLOR["hidden"])
    label(axes, recurrent_lags[-1], 0.98, "recurrent cell", "hidden", ha="right", va="top")
    axes.set_xscale("log")
    ticks = [1, 2, 5, 10, 20, 50, 100]
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()
    axes.set(xlabel="lag of the cue (steps)", ylabel="accuracy", ylim=(0.42, 1.04))
    return figure
