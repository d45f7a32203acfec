"""The pictures of the chapter ``windows``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
def two_pasts(pasts: Sequence[ArrayLike], targets: Sequence[str], *, window: int) -> Figure:
    """Draw pasts that differ only before the window, and the one row that it makes of them.

    Parameters
    ----------
    pasts
        ``(N,)`` values each, 2 to 12, equal in the last ``window``.
    targets
        What comes after each.
    window
        Values in a lag vector, from 1 to ``N - 1``.
    """
    rows = [series("pasts", past, least=2) for past in pasts]
    window = whole("window", window, most=len(rows[0]) - 1)
    if any((row[-window:] != rows[0][-window:]).any() for row in rows):
        raise ValueError(f"pasts must be equal in their last {window} values, and are not")
    unseen = len(rows[0]) - window
    figure, axes = plt.subplots(figsize=(5.0, 0.62 * len(rows) + 1.0))
    for height, (row, target) in enumerate(zip(reversed(rows), reversed(targets), strict=True)):
        _cells(axes, row[:unseen], at=(0, height), meaning="truth")
        _cells(axes, row[unseen:], at=(unseen, height), meaning="input")
        label(axes, len(row) - 0.2, height, f"then {target}", "model", va="center")
    top = len(rows) - 0.35
    label(axes, (unseen - 1) / 2, top, "never seen", "truth", ha="center")
    label(axes, unseen + (window - 1) / 2, top, "the same row", "input", ha="center")
    axes.axvline(unseen - 0.5, color=GREY, linestyle=":")
    axes.set(xlim=(-0.6, len(rows[0]) + 1.6), ylim=(-0.5, len(rows) + 0.1), aspect="equal")
    axes.axis("off")
    return figure


@checked
def learning(train: Sequence[float], held_out: Sequence[float]) -> Figure:
    """Draw the loss on what is learned from and on what was held out, step by step.

    Parameters
    ----------
    train, held_out
        ``(steps,)`` losses, at least two.
    """
    figure, axes = plt.subplots()
    for name, losses, meaning in (("trained on", train, "model"), ("held out", held_out, "truth")):
        steps = np.arange(1, len(losses) + 1)
        axes.plot(steps, losses, color=COLOR[meaning])
        label(axes, steps[-1] * 1.02, losses[-1], name, meaning, va="center", clip_on=False)
    best = int(np.argmin(held_out))
    axes.plot(best + 1, held_out[best], "o", color=COLOR["truth"], markersize=5)
    label(axes, best, held_out[best] * 0.93, "stop here", "truth", ha="right", va="top")
    axes.set_yscale("log")
    axes.set(xlabel="steps of training", ylabel="mean squared error")
    return figure


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
    errors: Mapping[str, Array],
    meanings: Mapping[str, str],
    *,
    top: float,
    bottom: float = 0.0,
) -> Figure:
    """Draw root-mean-square errors against the steps ahead.

    Parameters
    ----------
    errors
        ``{name: (horizon,) or (seeds, horizon) errors}``.
    meanings
        ``{name: key of COLOR}``; baselines are dashed, each in its own way.
    top
        Largest error shown; a curve that leaves the picture is named where it does.
    bottom
        Smallest error shown.
    """
    bottom = real("bottom", bottom)
    top = real("top", top, above=bottom)
    figure, axes = plt.subplots(figsize=(5.0, 3.4))
    ends = {}
    dashes = iter(_DASHES * len(errors))
    for name, each in errors.items():
        curves, meaning = np.atleast_2d(each), meanings[name]
        ahead = np.arange(1, curves.shape[1] + 1)
        line = next(dashes) if meaning == "baseline" else "-"
        width = 2.4 / len(curves) ** 0.6
        for run in curves:
            axes.plot(ahead, run, linestyle=line, color=COLOR[meaning], linewidth=width)
        mean = curves.mean(axis=0)
        if mean.max() <= top:
            ends[name] = float(mean[-1]), meaning
        else:
            label(axes, ahead[(mean > top).argmax()] - 0.3, top, name, meaning, va="top")
    axes.set(xlabel="years ahead", ylabel="error (sunspots, RMS)", ylim=(bottom, top))
    label_ends(axes, ahead[-1] + 0.4, ends, gap=(top - bottom) * 0.09)
    return figure


_DASHES = ["--", ":", "-."]  # one for each baseline


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
    figure, axes = plt.subplots(figsize=(5.0, 3.2))
    axes.axhline(0.5, color=GREY, linewidth=1, linestyle=":")
    for accuracies in recurrent:
        axes.plot(recurrent_lags, accuracies, color=COLOR["hidden"], linewidth=1.2)
    for window, runs in windows.items():
        for accuracies in runs:
            axes.plot(lags, accuracies, ".-", color=COLOR["input"], linewidth=1, markersize=4)
        label(axes, window, 1.03, f"{window}", "input", ha="right", va="bottom")
    label(axes, min(windows) * 0.55, 1.03, "windows of", "input", ha="right", va="bottom")
    label(axes, max(windows) * 1.2, 0.66, "recurrent\ncells", "hidden", va="center")
    axes.text(0, 0.49, "chance", va="top", color="#5a5a5a")
    axes.set_xscale("symlog", linthresh=1, linscale=0.4)
    ticks = [0, 1, 3, 10, 30, 100, 300, 1000]
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()
    axes.set(xlabel="lag of the cue (steps)", ylabel="accuracy", ylim=(0.42, 1.12))
    axes.set(xlim=(-0.2, max(*recurrent_lags, *lags) * 1.2), yticks=[0.5, 0.75, 1.0])
    return figure


@checked
def beyond_training(
    time: Array,
    values: Array,
    forecasts: Mapping[str, ArrayLike],
    meanings: Mapping[str, str],
    *,
    ceilings: Sequence[float] = (),
) -> Figure:
    """Draw a series that rises and forecasts of its last values, one step ahead.

    Parameters
    ----------
    time, values
        ``(N,)`` the series.
    forecasts
        ``{name: (n,) or (seeds, n) forecasts}`` of the last ``n`` values, the same for all.
    meanings
        ``{name: key of COLOR}``.
    ceilings
        Highest forecasts that there can be, one for each network that has one.
    """
    figure, axes = plt.subplots()
    axes.plot(time, values, color=COLOR["truth"], linewidth=2.4)
    for ceiling in ceilings:
        level = np.full(len(time), ceiling)
        axes.plot(time, level, color=COLOR["model"], linewidth=0.7, linestyle="--")
    if ceilings:
        label(axes, time[0], max(ceilings), "their ceilings", "model", va="bottom")
    ends = {}
    for name, each in forecasts.items():
        curves = np.atleast_2d(each)
        for run in curves:
            axes.plot(time[-len(run) :], run, color=COLOR[meanings[name]], linewidth=0.9)
        ends[name] = float(curves[:, -1].mean()), meanings[name]
    start = time[len(time) - curves.shape[1]]
    axes.axvline(start, color=GREY, linewidth=1, linestyle=":")
    low, high = float(values.min()), float(values.max())
    label(axes, start, high, "fitted to\nthese years ", "truth", ha="right", va="top")
    axes.set(xlabel="year", ylabel="CO₂ in air (parts per million)")
    label_ends(axes, time[-1] + 1, ends, gap=(high - low) * 0.1)
    return figure


@checked
def memory(panels: Mapping[str, Array]) -> Figure:
    """Draw what a cell would answer at each step after the cue.

    Parameters
    ----------
    panels
        ``{title: (steps, sequences) logits of the right answer}``, the cue at step 0; at most 200
        of the steps are drawn.
    """
    figure, all_axes = plt.subplots(1, len(panels), sharey=True, squeeze=False)
    for axes, (title, logits) in zip(all_axes[0], panels.items(), strict=True):
        axes.axhline(0, color=GREY, linewidth=1, linestyle=":")
        shown = np.unique(np.linspace(0, len(logits) - 1, 200).round().astype(int))
        axes.plot(shown, logits[shown], color=COLOR["hidden"], linewidth=0.6, alpha=0.5)
        axes.set(title=title, xticks=[0, len(logits) // 2, len(logits) - 1])
    figure.supxlabel("steps since the cue", fontsize=12)
    all_axes[0, 0].set_ylabel("logit of the right answer")
    return figure


@checked
def forgetting(steps: Mapping[str, ArrayLike], *, longest: int) -> Figure:
    """Draw after how many steps each cell has lost an answer, a row a cell.

    Parameters
    ----------
    steps
        ``{what is heard: (cells,) steps}``, at most three; more than ``longest`` where no answer
        is lost.
    longest
        Steps that were followed.
    """
    figure, axes = plt.subplots(figsize=(5.0, 3.4))
    cells = len(np.asarray(next(iter(steps.values()))))
    looks = zip((-0.22, 0.0, 0.22), ("hidden", "input", "cell"), ("o", "P", "D"), strict=True)
    for (name, each), (shift, meaning, marker) in zip(steps.items(), looks, strict=False):
        where = np.minimum(np.asarray(each, dtype=np.float64), 1.6 * longest)
        rows = np.arange(cells) + shift
        axes.plot(where, rows, marker, color=COLOR[meaning], markersize=5)
        label(axes, 24 * 4 ** (1 + shift / 0.22), cells + 0.2, name, meaning, va="center")
    axes.axvline(1.2 * longest, color=GREY, linewidth=1, linestyle=":")
    axes.text(1.6 * longest, cells + 0.2, "not yet", color=GREY, ha="center", va="center")
    for row in range(cells):
        axes.axhline(row, color=GREY, linewidth=0.4, alpha=0.4, zorder=0)
    axes.set_xscale("log")
    ticks = [tick for tick in (30, 100, 300, 1000, 3000) if tick <= longest]
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.minorticks_off()
    axes.set(xlim=(20, 2 * longest), ylim=(-0.6, cells + 0.7), yticks=range(cells))
    axes.set(xlabel="steps until an answer is lost", ylabel="cell")
    return figure
