"""The pictures of the chapter ``gradients``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Rectangle
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from unrolled.bptt import surface
from unrolled.core.validate import Array, real
from unrolled.figures._checked import checked
from unrolled.figures.style import COLOR, GREY, label, label_ends


@checked
def learning(losses: Mapping[str, tuple[ArrayLike, str]], *, smooth: int) -> Figure:
    """Draw training losses in bits, as means over ``smooth`` updates; 1 bit is guessing.

    Parameters
    ----------
    losses
        ``{name: ((seeds, updates) losses in bits, key of COLOR)}``.
    smooth
        Updates in a mean.
    """
    figure, axes = plt.subplots()
    ends = {}
    for name, (runs, meaning) in losses.items():
        curves = np.atleast_2d(runs)
        curves = curves[:, : curves.shape[1] // smooth * smooth]
        means = curves.reshape(len(curves), -1, smooth).mean(axis=2)
        updates = (np.arange(means.shape[1]) + 0.5) * smooth
        for run in means:
            axes.plot(updates, run, color=COLOR[meaning], linewidth=1.1)
        ends[name] = float(means[:, -1].mean()), meaning
    axes.set_xscale("log")
    ticks = [each for each in (10, 20, 50, 100, 200, 500, 1000) if each <= updates[-1]]
    axes.set_xticks(ticks, [str(each) for each in ticks])
    axes.minorticks_off()
    axes.set(xlabel="updates", ylabel="loss (bits)", ylim=(-0.12, 1.15))
    label_ends(axes, updates[-1] * 1.12, ends, gap=0.12)
    return figure


@checked
def by_distance(
    curves: Mapping[str, tuple[ArrayLike, str]],
    *,
    ylabel: str,
    references: Mapping[str, ArrayLike] | None = None,
    bottom: float | None = None,
) -> Figure:
    """Draw positive numbers against the distance in time, on a logarithmic axis.

    Parameters
    ----------
    curves
        ``{name: ((distances,) or (seeds, distances), key of COLOR)}``, distance 0 first; a zero
        ends its line.
    ylabel
        What is drawn.
    references
        ``{name: (distances,)}`` dashed lines.
    bottom
        Power of ten at which the axis ends.
    """
    figure, axes = plt.subplots()
    ends: dict[str, tuple[float, str]] = {}
    for name, values in (references or {}).items():
        logs = _log10(values)
        axes.plot(logs, "--", color=COLOR["truth"], linewidth=1.2)
        ends[name] = float(logs[-1]), "truth"
    for name, (runs, meaning) in curves.items():
        logs = np.atleast_2d(_log10(runs))
        axes.plot(logs.T, color=COLOR[meaning], linewidth=1.8 / len(logs) ** 0.3)
        known = logs[:, -1][np.isfinite(logs[:, -1])]
        ends[name] = float(known.mean()) if len(known) else float(np.nanmin(logs)), meaning
    axes.set(xlabel="distance (steps back)", ylabel=ylabel)
    if bottom is not None:
        axes.set_ylim(bottom, None)
        ends = {name: (max(end, bottom), meaning) for name, (end, meaning) in ends.items()}
    _powers_of_ten(axes)
    low, high = axes.get_ylim()
    label_ends(axes, len(logs[0]) * 1.02, ends, gap=(high - low) * 0.085)
    return figure


@checked
def rates(panels: Mapping[str, tuple[ArrayLike, ArrayLike]], *, smooth: int) -> Figure:
    """Draw losses and, below them, spectral radii of the same networks, a column a learning rate.

    A network that has learned, its last losses below 0.1 bits, is drawn in another colour.

    Parameters
    ----------
    panels
        ``{title: (losses in bits, radii)}``, ``(seeds, updates)`` each.
    smooth
        Updates in a mean of losses.
    """
    figure, rows = plt.subplots(
        2, len(panels), sharex=True, sharey="row", squeeze=False, figsize=(5.0, 3.8)
    )
    for column, (title, (losses, radii)) in enumerate(panels.items()):
        for loss, radius in zip(np.atleast_2d(losses), np.atleast_2d(radii), strict=True):
            color = COLOR["rival" if loss[-2 * smooth :].mean() < 0.1 else "model"]
            means = loss[: len(loss) // smooth * smooth].reshape(-1, smooth).mean(axis=1)
            rows[0][column].plot((np.arange(len(means)) + 0.5) * smooth, means, color=color, lw=1.1)
            rows[1][column].plot(np.arange(1, len(radius) + 1), radius, color=color, lw=1.1)
        rows[0][column].set(title=title)
        rows[1][column].axhline(1, color=GREY, linewidth=1, linestyle=":")
        rows[1][column].set(xticks=[0, len(radius)])
    rows[0][0].set(ylabel="loss (bits)", ylim=(-0.1, None))
    rows[1][0].set(ylabel="radius of U", ylim=(0, None))
    label(rows[1][0], len(radius) / 2, 1.15, "radius 1", "truth", ha="center", va="bottom")
    label(rows[1][0], 0.06, 0.82, "learns", "rival", transform=rows[1][0].transAxes)
    label(rows[1][0], 0.06, 0.64, "does not", "model", transform=rows[1][0].transAxes)
    figure.supxlabel("updates", fontsize=12)
    return figure


@checked
def growth(
    gains: Sequence[float], panels: Mapping[str, Mapping[str, tuple[ArrayLike, str]]]
) -> Figure:
    """Draw the factor per step of tanh networks against the gain of their weights.

    Parameters
    ----------
    gains
        Gains of the weights.
    panels
        ``{title: {what drives it: ((seeds, gains) factors, key of COLOR)}}``.
    """
    figure, rows = plt.subplots(1, len(panels), sharey=True, squeeze=False, figsize=(5.0, 3.0))
    for axes, (title, lines) in zip(rows[0], panels.items(), strict=True):
        axes.axhline(1, color=GREY, linewidth=1, linestyle=":")
        for values, meaning in lines.values():
            axes.plot(gains, np.atleast_2d(values).T, color=COLOR[meaning], linewidth=1.1)
        axes.set(title=title, xlabel="gain", xticks=[0.5, 1, 2, 3])
    rows[0][0].set_ylabel("factor per step")
    for height, (name, (_, meaning)) in enumerate(reversed(_lines_of_the_last(panels))):
        where = {"transform": rows[0][-1].transAxes, "ha": "right"}
        label(rows[0][-1], 1.0, 0.03 + 0.1 * height, name, meaning, **where)
    return figure


def _lines_of_the_last(
    panels: Mapping[str, Mapping[str, tuple[ArrayLike, str]]],
) -> list[tuple[str, tuple[ArrayLike, str]]]:
    """Return the lines of the last panel, by whose names all are labelled."""
    return list(panels[list(panels)[-1]].items())


@checked
def kept(panels: Mapping[str, tuple[ArrayLike, str, float]], *, threshold: float) -> Figure:
    """Draw how many singular values of a product of Jacobians are above a threshold, by length.

    Parameters
    ----------
    panels
        ``{name: ((seeds, T, H) or (T, H) natural logarithms, key of COLOR, distance at which the
        name stands)}``, the longest product first, as ``singular_spectrum`` returns them.
    threshold
        What counts as kept: a number from 0 to 1.
    """
    least = np.log(real("threshold", threshold, above=0, below=1))
    figure, axes = plt.subplots()
    for name, (logs, meaning, at) in panels.items():
        spectra = np.asarray(logs)
        counts = (spectra if spectra.ndim == 3 else spectra[None])[:, ::-1] > least
        counts = counts.sum(axis=-1)
        lengths = np.arange(1, counts.shape[1] + 1)
        axes.plot(lengths, counts.T, color=COLOR[meaning], linewidth=1.2)
        height = counts[:, int(at)].mean() + 1
        label(axes, at, height, name, meaning, va="bottom")
    axes.set(xlabel="distance (steps back)", ylabel="directions kept", ylim=(0, None))
    return figure


@checked
def before_and_after(
    quantiles: Sequence[float], panels: Mapping[str, tuple[ArrayLike, ArrayLike]]
) -> Figure:
    """Draw the spectrum of long products of Jacobians before and after training.

    Parameters
    ----------
    quantiles
        Which of the sorted singular values: 0 the smallest, 1 the largest.
    panels
        ``{title: (before, after)}``, ``(seeds, quantiles)`` logarithms per step each.
    """
    figure, rows = plt.subplots(1, len(panels), sharey=True, squeeze=False)
    for axes, (title, (before, after)) in zip(rows[0], panels.items(), strict=True):
        axes.axhline(0, color=GREY, linewidth=1, linestyle=":")
        axes.plot(quantiles, np.transpose(before), "--", color=COLOR["truth"], linewidth=0.9)
        axes.plot(quantiles, np.transpose(after), color=COLOR["gradient"], linewidth=1.1)
        axes.set(title=title, xlim=(1.03, -0.03), ylim=(-3, 0.4))
        axes.set_xticks([1, 0.5, 0], ["largest", "", "smallest"])
        for tick, side in zip(axes.get_xticklabels(), ("left", "center", "right"), strict=True):
            tick.set_horizontalalignment(side)
    rows[0][0].set_ylabel("log growth per step")
    corner = {"transform": rows[0][0].transAxes}
    label(rows[0][0], 0.05, 0.14, "before", "truth", **corner)
    label(rows[0][0], 0.05, 0.04, "after", "gradient", **corner)
    return figure


@checked
def cliff(paths: Mapping[str, Array], *, shown: int) -> Figure:
    """Draw the loss of the two-parameter network near its wall, and where descents begin and end.

    Parameters
    ----------
    paths
        ``{title: path}``, each ``(steps + 1, n, 2)`` pairs u, b, a panel each; what lies outside is
        not drawn, and counted in the panel.
    shown
        Which of the n descents to draw whole.
    """
    left, right, low, high = 3.8, 6.0, -3.2, -1.5
    u, b = np.linspace(left, right, 300), np.linspace(low, high, 300)
    loss, _, _ = surface(u[:, None], b)
    levels = [0, 0.002, 0.01, 0.03, 0.06, 0.09, 0.2, 0.3, 0.4, 0.5]
    box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1.5}
    figure, rows = plt.subplots(1, len(paths), sharey=True, squeeze=False, figsize=(5.0, 3.4))
    for axes, (title, path), meaning in zip(
        rows[0], paths.items(), ("model", "rival"), strict=True
    ):
        axes.contourf(u, b, loss.T, levels=levels, cmap="Greys", vmin=-0.05, vmax=0.75)
        axes.plot(*path[0].T, ".", color=COLOR["truth"], markersize=3)
        axes.plot(*path[:, shown].T, color=COLOR[meaning], linewidth=1.2)
        axes.plot(*path[-1].T, "o", mfc="none", mec=COLOR[meaning], mew=1.5, markersize=8)
        away = np.sum(~((path[-1] > (left, low)) & (path[-1] < (right, high))).all(axis=1))
        axes.set(title=title, xlim=(left, right), ylim=(low, high), xlabel="weight u")
        axes.set_yticks([-3, -2.5, -2, -1.5])
        outside = f"{away} of {path.shape[1]} leave\nthe picture" if away else "all stay"
        label(axes, left + 0.06, high - 0.06, outside, meaning, va="top", bbox=box)
        label(axes, left + 0.1, low + 0.08, "loss 0.4", "truth", bbox=box)
        label(axes, right - 0.06, -2.0, "loss 0.1", "truth", ha="right")
        label(axes, 5.78, -2.93, "wall", "truth", rotation=-42, ha="center", va="center")
    rows[0][0].set_ylabel("bias b")
    return figure


@checked
def clipping(gradient: ArrayLike, threshold: float) -> Figure:
    """Draw a gradient of two components cut to a threshold, by its norm and by its elements."""
    g, threshold = np.asarray(gradient, dtype=np.float64), real("threshold", threshold, above=0)
    figure, rows = plt.subplots(1, 2, sharey=True, figsize=(5.0, 2.7))
    shapes = (
        Circle((0, 0), threshold, fill=False, ec=GREY, ls=":"),
        Rectangle((-threshold,) * 2, 2 * threshold, 2 * threshold, fill=False, ec=GREY, ls=":"),
    )
    cut = (g * min(1.0, threshold / float(np.linalg.norm(g))), np.clip(g, -threshold, threshold))
    titles = ("by norm", "by element")
    for axes, shape, short, title in zip(rows, shapes, cut, titles, strict=True):
        axes.add_patch(shape)
        _arrow(axes, g, "truth", width=1.2)
        _arrow(axes, short, "gradient", width=3)
        label(axes, g[0], g[1] + 0.08, "g", "truth", ha="right", va="bottom")
        limit = 1.25 * threshold
        axes.set(title=title, aspect="equal", xlim=(-limit, g[0] + 0.2), ylim=(-limit, limit))
        axes.set_xticks([0, threshold], ["0", "θ"])
        axes.set_yticks([0, threshold], ["0", "θ"])
    return figure


def _arrow(axes: Axes, tip: Array, meaning: str, *, width: float) -> None:
    look = {"arrowstyle": "-|>", "color": COLOR[meaning], "lw": width, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", xy=tuple(tip), xytext=(0, 0), arrowprops=look)


@checked
def latch(weights: Sequence[float]) -> Figure:
    """Draw the map of one unit, a to u tanh(a), its diagonal, and where it comes to rest."""
    figure, rows = plt.subplots(1, len(weights), sharey=True, figsize=(5.0, 2.8))
    a = np.linspace(-3, 3, 601)
    for axes, w in zip(rows, weights, strict=True):
        axes.plot(a, a, color=GREY, linewidth=1, linestyle=":")
        axes.plot(a, w * np.tanh(a), color=COLOR["hidden"])
        rest = 3.0
        for _ in range(200):
            rest = float(w * np.tanh(rest))
        stable = [rest, -rest] if w > 1 else [0.0]
        axes.plot(stable, stable, "o", color=COLOR["hidden"], markersize=7)
        if w > 1:
            axes.plot(0, 0, "o", mfc="white", mec=COLOR["hidden"], markersize=7)
        axes.set(title=f"u = {w:g}", xlabel="state a", xlim=(-3, 3), ylim=(-3, 3))
        axes.set_aspect("equal")
    rows[0].set_ylabel("next state, u tanh(a)")
    return figure


def _log10(values: ArrayLike) -> Array:
    numbers = np.asarray(values, dtype=np.float64)
    with np.errstate(divide="ignore"):
        logs = np.log10(numbers)
    return np.where(numbers > 0, logs, np.nan)


def _powers_of_ten(axes: Axes) -> None:
    """Write the ticks of an axis of logarithms as powers of ten."""
    axes.yaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    axes.yaxis.set_major_formatter(lambda value, _: f"$10^{{{value:.0f}}}$")
