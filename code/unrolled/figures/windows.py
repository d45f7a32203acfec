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

from unrolled.core.validate import Array, real, series, whole
from unrolled.figures._checked import checked
from unrolled.figures.style import COLOR, GREY, label, label_ends


@checked
def free_run(years: Array, values: Array, runs: Sequence[Array], *, start: int) -> Figure:
    """Draw a series and forecasts that were left to run from the index ``start``."""
    figure, axes = plt.subplots()
    shown = slice(max(0, start - 30), start + len(runs[0]))
    axes.axhline(0, color=GREY, linewidth=0.8)
    axes.axvline(years[start] - 0.5, color=GREY, linewidth=1, linestyle=":")
    axes.plot(years[shown], values[shown], color=COLOR["truth"])
    for run in runs:
        axes.plot(years[start : start + len(run)], run, color=COLOR["model"], linewidth=0.9)
    top = float(values[shown].max())
    label(
        axes,
        years[start] - 2,
        top,
        "networks, left\nalone from here",
        "model",
        ha="right",
        va="top",
    )
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


@checked
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


@checked
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
    axes.set(xlabel="window (years)", ylabel="squared error,\nrepeat-last = 1", ylim=(0, None))
    label_ends(axes, sizes[-1] * 1.12, ends, gap=axes.get_ylim()[1] * 0.1)
    return figure


@checked
def errors_by_horizon(
    errors: Mapping[str, Array], meanings: Mapping[str, str], *, top: float
) -> Figure:
    """Draw root-mean-square errors against the steps ahead.

    Parameters
    ----------
    errors
        ``{name: (horizon,) or (seeds, horizon) errors}``.
    meanings
        ``{name: key of COLOR}``; what is a baseline is dashed.
    top
        Largest error shown; curves may leave the picture.
    """
    top = real("top", top, above=0)
    figure, axes = plt.subplots()
    ends = {}
    for name, each in errors.items():
        curves, meaning = np.atleast_2d(each), meanings[name]
        ahead = np.arange(1, curves.shape[1] + 1)
        line = "--" if meaning == "baseline" else "-"
        for run in curves:
            axes.plot(ahead, run, line, color=COLOR[meaning], linewidth=1.6 / len(curves) ** 0.5)
        ends[name] = float(curves[:, -1].mean()), meaning
    axes.set(xlabel="years ahead", ylabel="error (sunspots, RMS)", ylim=(0, top))
    label_ends(axes, ahead[-1] + 0.4, ends, gap=top * 0.09)
    return figure


@checked
def forecast_on_walk(truth: Array, forecast: Array) -> Figure:
    """Draw a series and one-step forecasts of it, whole and in close-up in the middle."""
    figure, (whole_axes, close) = plt.subplots(1, 2, width_ratios=(3, 2))
    middle = len(truth) // 2
    for axes, shown in ((whole_axes, slice(None)), (close, slice(middle, middle + 25))):
        steps = np.arange(len(truth))[shown]
        axes.plot(steps, truth[shown], color=COLOR["truth"], linewidth=2.6)
        axes.plot(steps, forecast[shown], color=COLOR["model"], linewidth=1.1)
    whole_axes.set(xlabel="step", ylabel="value", title="looks right")
    close.set(xlabel="step", title="is one step late")
    corner = {"transform": whole_axes.transAxes, "va": "top"}
    label(whole_axes, 0.03, 1.0, "walk", "truth", **corner)
    label(whole_axes, 0.03, 0.9, "forecast", "model", **corner)
    return figure


@checked
def fit_against_error(runs: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw, for each run on a random walk, how well two networks fit against how they forecast.

    Parameters
    ----------
    runs
        What ``random_walk_errors`` measured, one a seed.
    """
    figure, axes = plt.subplots()
    axes.axhline(1, color=COLOR["baseline"], linewidth=1)
    for suffix, meaning, marker in (("", "model", "o"), (" on differences", "rival", "s")):
        fit, error = ([run[name + suffix] for run in runs] for name in ("r2", "network"))
        axes.plot(fit, error, marker, color=COLOR[meaning], markersize=5, alpha=0.8)
    axes.set_yscale("log")
    axes.set(xlabel="variance explained, R²", ylabel="squared error, repeat-last = 1")
    axes.set_ylim(0.6, None)
    corner = {"transform": axes.transAxes, "ha": "right", "va": "top"}
    label(axes, 0.98, 1.0, "network on values", "model", **corner)
    label(axes, 0.98, 0.9, "network on differences", "rival", **corner)
    label(axes, axes.get_xlim()[0], 0.97, " repeat-last", "baseline", va="top")
    return figure


@checked
def cue_curves(
    windows: Mapping[int, Sequence[Sequence[float]]],
    lags: Sequence[int],
    recurrent: Sequence[Sequence[float]],
    recurrent_lags: Sequence[int],
) -> Figure:
    """Draw accuracy on the cue task against the lag: cliffs for windows, slopes for cells.

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
    axes.axhline(0.5, color=GREY, linewidth=1, linestyle=":")
    axes.text(recurrent_lags[0], 0.49, "chance", va="top", color="#5a5a5a")
    for accuracies in recurrent:
        axes.plot(recurrent_lags, accuracies, color=COLOR["hidden"], linewidth=1.2)
    for runs in windows.values():
        for accuracies in runs:
            axes.plot(lags, accuracies, ".-", color=COLOR["input"], linewidth=1, markersize=4)
    *most, last = windows
    names = f"windows of\n{', '.join(map(str, most))}\nand {last} steps"
    label(axes, min(windows) * 0.9, 0.74, names, "input", ha="right", va="center")
    label(axes, last * 1.5, 0.65, "recurrent\ncells, trained\nto lag 20", "hidden", va="center")
    axes.set_xscale("log")
    ticks = [1, 2, 5, 10, 20, 50, 100, 200, 500]
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()
    axes.set(xlabel="lag of the cue (steps)", ylabel="accuracy", ylim=(0.42, 1.04))
    return figure
