"""The pictures of the chapter ``bptt``."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch
from matplotlib.ticker import LogLocator
from numpy.typing import ArrayLike

from unrolled.core.validate import Array, whole
from unrolled.figures._checked import checked
from unrolled.figures.style import COLOR, label

GREY = "#5a5a5a"
Point = tuple[float, float]


@checked
def unrolling() -> Figure:
    """Draw a cell that points to itself, and the same cell as one copy a step."""
    figure, axes = plt.subplots(figsize=(5.0, 2.5))
    _box(axes, (0, 0), "cell")
    _arrow(axes, (0.2, 0.36), (-0.2, 0.36), "hidden", connectionstyle="arc3,rad=2.2")
    label(axes, 0, 0.85, "$h$", "hidden", ha="center", va="bottom")
    _arrow(axes, (0, -1.05), (0, -0.4), "input")
    label(axes, 0, -1.1, "$x$", "input", ha="center", va="top")
    axes.annotate(
        "", (1.75, 0), (0.95, 0), arrowprops={"arrowstyle": "simple", "fc": GREY, "ec": "none"}
    )
    for step in (1, 2, 3):
        x = 1.4 + 1.5 * step
        _box(axes, (x, 0), "cell")
        _arrow(axes, (x, -1.05), (x, -0.4), "input")
        label(axes, x, -1.1, f"$x_{step}$", "input", ha="center", va="top")
        _arrow(axes, (x + 0.4, 0), (x + 1.1, 0), "hidden")
        label(axes, x + 0.75, 0.12, f"$h_{step}$", "hidden", ha="center", va="bottom")
    label(axes, 1.98, 0.12, "$h_0$", "hidden", ha="center", va="bottom")
    _arrow(axes, (2.15, 0), (2.5, 0), "hidden")
    axes.text(4.4, 0.95, "three copies, the same $W, U, b$", color=GREY, ha="center", va="center")
    axes.set(xlim=(-0.75, 7.1), ylim=(-1.6, 1.5))
    axes.set_aspect("equal")
    axes.axis("off")
    return figure


@checked
def paths(totals: Sequence[str] = (), *, along: Sequence[int] = ()) -> Figure:
    """Draw how a weight w reaches the loss over three steps.

    Parameters
    ----------
    totals
        What to write beside the states: derivatives of the loss, first step first.
    along
        One path to pick out: the states that it passes, by their number, one after the other.

    Raises
    ------
    ValueError
        If there is no such path.
    """
    passed = [whole("along", step, most=3) for step in along]
    if any(after - before != 1 for before, after in itertools.pairwise(passed)):
        raise ValueError(f"along must name states that follow each other, got {passed}")
    figure, axes = plt.subplots(figsize=(5.0, 3.3))
    weight, loss = (2.0, -1.5), (2.0, 1.5)
    states = [(0.0, 0.0), (2.0, 0.0), (4.0, 0.0)]
    on_path = {*itertools.pairwise([weight, *(states[step - 1] for step in passed), loss])}

    def arrow(start: Point, end: Point, meaning: str) -> None:
        on = (start, end) in on_path if passed else None
        look = {None: {}, True: {"linewidth": 3.4}, False: {"alpha": 0.35}}[on]
        _arrow(axes, start, end, "gradient" if on else meaning, shrink=15, **look)

    for state in states:
        arrow(weight, state, "input")
        arrow(state, loss, "truth")
    for before, after in itertools.pairwise(states):
        arrow(before, after, "hidden")
        label(axes, before[0] + 1, 0.08, "$u$", "hidden", ha="center", va="bottom")
    _circle(axes, weight, "$w$", "input")
    _circle(axes, loss, "$E$", "truth")
    for step, state in enumerate(states, start=1):
        _circle(axes, state, f"$h_{step}$", "hidden")
    for (x, _), total, side in zip(states, totals, (-1, -1, 1), strict=False):
        ha = "right" if side < 0 else "left"
        label(axes, x + 0.2 * side, 0.38, total, "gradient", ha=ha, va="center", fontsize=14)
    axes.set(xlim=(-0.5, 5.0), ylim=(-1.85, 1.85))
    axes.set_aspect("equal")
    axes.axis("off")
    return figure


@checked
def flows_back() -> Figure:
    """Draw what flows back into a state, what it is multiplied by, and where it goes on."""
    figure, axes = plt.subplots(figsize=(5.0, 4.0))
    before, inside, state, after = (0.0, 0.0), (2.3, 0.0), (4.6, 0.0), (6.9, 0.0)
    output, weights = (4.6, 2.2), (2.3, -2.3)
    ways = ((before, inside), (inside, state), (state, after), (state, output), (weights, inside))
    for start, end in ways:
        _arrow(axes, start, end, "truth", shrink=17, alpha=0.3)
        (x, y), (u, v) = start, end
        side = 0.22 if x == u else 0.0
        down = 0.0 if x == u else -0.22
        way = (u + side, v + down), (x + side, y + down)
        ends: dict[str, Any] = {"shrinkB": 25} if start is weights else {}  # a larger circle
        _arrow(axes, *way, "gradient", shrink=17, linewidth=2.2, **ends)
    for place, text, meaning in (
        (before, "$h_{t-1}$", "hidden"),
        (inside, "$a_t$", "truth"),
        (state, "$h_t$", "hidden"),
        (after, "$a_{t+1}$", "truth"),
        (output, r"$\hat y_t$", "truth"),
        (weights, "$W,U,b$", "input"),
    ):
        _circle(axes, place, text, meaning, radius=0.62 if place is weights else 0.48)
    for x, y, text, how in (
        (4.98, 1.1, r"$V^\top \partial E/\partial\hat y_t$", {"ha": "left"}),
        (5.75, 0.42, r"$U^\top \delta_{t+1}$", {"ha": "center"}),
        (3.45, 0.42, r"$\times\,(1 - h_t^2)$", {"ha": "center"}),
        (2.3, 0.82, r"$\delta_t$", {"ha": "center"}),
        (3.95, -0.82, r"their sum: $\partial E/\partial h_t$", {"ha": "left"}),
        (1.15, 0.42, r"$U^\top \delta_t$", {"ha": "center"}),
        (2.75, -1.5, r"$\delta_t x_t^\top,\ \delta_t h_{t-1}^\top,\ \delta_t$", {"ha": "left"}),
    ):
        label(axes, x, y, text, "gradient", va="center", fontsize=13, **how)
    axes.set(xlim=(-0.7, 7.6), ylim=(-3.0, 2.8))
    axes.set_aspect("equal")
    axes.axis("off")
    return figure


@checked
def reach(panels: Mapping[str, ArrayLike]) -> Figure:
    """Draw which error tells which step, one panel for each way to get a gradient.

    Parameters
    ----------
    panels
        ``{title: (T, T)}``; entry ``[t, s]`` is 0 where the error of step t says nothing of
        step s.
    """
    across = 2
    down = -(-len(panels) // across)
    figure, grid = plt.subplots(down, across, figsize=(5.0, 2.55 * down), squeeze=False)
    for axes, (title, told) in zip(grid.flat, panels.items(), strict=False):
        reached = np.asarray(told) != 0
        steps = len(reached)
        possible = np.tril(np.ones_like(reached))
        shades = ListedColormap(["white", "#d8d8d8", COLOR["gradient"]])
        axes.pcolormesh(
            np.arange(steps + 1) + 0.5,
            np.arange(steps + 1) + 0.5,
            np.where(reached, 2, np.where(possible, 1, 0)),
            cmap=shades,
            vmin=0,
            vmax=2,
            edgecolors="white",
            linewidth=1,
        )
        axes.set(title=title, xticks=[1, steps], yticks=[1, steps], aspect="equal")
        axes.invert_yaxis()
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
    for axes in grid[-1]:
        axes.set_xlabel("step it reaches")
    for axes in grid[:, 0]:
        axes.set_ylabel("step of the error")
    return figure


@checked
def loss_curves(panels: Mapping[str, Mapping[str, Array]], *, smooth: int = 10) -> Figure:
    """Draw losses against updates: the median over networks, and every network faintly.

    Parameters
    ----------
    panels
        ``{title: {"A", "B": (updates, networks)}}`` cross-entropies of yes or no, in nats.
    smooth
        Updates that are averaged to one point.
    """
    figure, grid = plt.subplots(
        len(panels), 1, figsize=(5.0, 2.5 * len(panels)), sharex=True, sharey=True, squeeze=False
    )
    chance = float(np.log(2))
    for axes, (title, curves) in zip(grid.flat, panels.items(), strict=True):
        axes.axhline(chance, color=GREY, linewidth=1, linestyle=":")
        ends = {}
        for name, meaning in (("A", "baseline"), ("B", "rival")):
            losses = curves[name]
            runs = losses[: len(losses) // smooth * smooth].reshape(-1, smooth, losses.shape[1])
            points = runs.mean(axis=1)
            updates = smooth * (np.arange(len(points)) + 0.5)
            middle = np.median(points, axis=1)
            axes.plot(updates, points, color=COLOR[meaning], linewidth=0.8, alpha=0.5)
            axes.plot(updates, middle, color=COLOR[meaning], linewidth=2.4)
            ends[name] = float(middle[-1])
        axes.set_yscale("log")
        axes.set(title=title, ylabel="loss (nats)", xlim=(0, updates[-1]))
        for name, height in _apart({"chance": chance, **ends}).items():
            color = {"A": COLOR["baseline"], "B": COLOR["rival"]}.get(name, GREY)
            size = 12 if name == "chance" else 15
            place = updates[-1] + smooth, height
            axes.text(*place, name, color=color, va="center", fontsize=size, clip_on=False)
    grid[-1, 0].set_xlabel("update")
    return figure


@checked
def accuracy_by_length(
    lengths: Sequence[int],
    panels: Mapping[int, Mapping[str, ArrayLike]],
    readout_only: Mapping[int, Sequence[float]],
) -> Figure:
    """Draw accuracy on the delay task against the length at which the gradient is cut.

    Parameters
    ----------
    lengths
        The lengths k.
    panels
        ``{D: {"every step", "chunks": (runs, lengths) accuracies}}``.
    readout_only
        ``{D: (runs,)}`` accuracies where the recurrent weights do not learn.
    """
    figure, grid = plt.subplots(len(panels), 1, figsize=(5.0, 2.1 * len(panels)), sharex=True)
    places = np.arange(len(lengths))
    for axes, (lag, curves) in zip(np.atleast_1d(grid), panels.items(), strict=True):
        axes.axhline(0.5, color=GREY, linewidth=1, linestyle=":")
        first = list(lengths).index(lag + 1)
        axes.axvspan(first - 0.5, places[-1] + 0.5, color="#ececec", zorder=0)
        styles = {"every step": ("hidden", "o-", -0.07), "chunks": ("rival", "s--", 0.07)}
        for name, (meaning, style, shift) in styles.items():
            for run in np.asarray(curves[name]):
                axes.plot(
                    places + shift, run, style, color=COLOR[meaning], linewidth=0.8, markersize=3.5
                )
        fixed = readout_only[lag]
        axes.plot([-1] * len(fixed), fixed, "D", color=COLOR["truth"], markersize=3.5)
        axes.set(title=f"$D = {lag}$", ylabel="accuracy", ylim=(0.42, 1.05))
        axes.text(first - 0.4, 0.44, "$k > D$", color=GREY)
    last = np.atleast_1d(grid)[-1]
    label(last, 1.9, 0.93, "BPTT(k)", "hidden", ha="left")
    label(last, 1.9, 0.82, "chunks of k", "rival", ha="left")
    last.set_xticks([-1, *places], ["none", *map(str, lengths)])
    last.set_xlabel("$k$, steps before the cut")
    return figure


@checked
def bias_by_length(lengths: Sequence[int], biases: Mapping[float, ArrayLike]) -> Figure:
    """Draw the bias of truncated gradients against their length, by how fast errors fade.

    Parameters
    ----------
    lengths
        The lengths k.
    biases
        ``{decay: (runs, lengths)}`` errors relative to the exact gradient.
    """
    figure, axes = plt.subplots()
    k = np.asarray(lengths)
    ends = {}
    for decay, runs in biases.items():
        curves = np.asarray(runs)
        axes.semilogy(k, curves.T, color=COLOR["gradient"], linewidth=0.7, alpha=0.7)
        middle = float(np.exp(np.log(curves[:, 0]).mean()))
        axes.semilogy(k, middle * decay ** (k - k[0]), ":", color=COLOR["truth"], linewidth=1.6)
        ends[decay] = float(np.exp(np.log(curves[:, -1]).mean()))
    for decay, height in ends.items():
        text = f"$\\rho = {decay:g}$"
        label(axes, k[-1] + 0.4, height, text, "gradient", va="center", clip_on=False)
    axes.set(xlabel="$k$, steps before the cut", ylabel="error of the gradient,\nexact one = 1")
    return figure


@checked
def costs(panels: Mapping[str, tuple[Sequence[int], Mapping[str, ArrayLike]]]) -> Figure:
    """Draw what BPTT and RTRL cost, one panel for each cost, all axes logarithmic.

    Parameters
    ----------
    panels
        ``{"cost by what": (values on the axis, {"BPTT", "RTRL": (values,)})}``.
    """
    figure, grid = plt.subplots(1, len(panels), figsize=(5.0, 2.7), squeeze=False)
    for axes, (title, (values, lines)) in zip(grid.flat, panels.items(), strict=True):
        what, by = title.split(" by ")
        middle = len(values) // 2
        for name, meaning, up in (("BPTT", "baseline", False), ("RTRL", "rival", True)):
            height = np.asarray(lines[name], dtype=np.float64)
            axes.loglog(values, height, "o-", color=COLOR[meaning], markersize=4)
            where = {"ha": "right" if up else "left", "va": "bottom" if up else "top"}
            shift = 1.15 if up else 1 / 1.15
            label(axes, values[middle], height[middle] * shift, name, meaning, **where)
        axes.set_xticks(values, [str(value) for value in values])
        axes.minorticks_off()
        low, high = axes.get_ylim()
        axes.set_ylim(low, high * (high / low) ** 0.12)  # room for a name
        if high < 100 * low:  # powers of ten would leave one tick
            axes.yaxis.set_major_locator(LogLocator(base=2))
            axes.yaxis.set_major_formatter("{x:.0f}")
        axes.set(title=what, xlabel=by)
    return figure


@checked
def difference_errors(steps: ArrayLike, errors: Mapping[str, ArrayLike]) -> Figure:
    """Draw the errors of three difference quotients against their step.

    Parameters
    ----------
    steps
        ``(N,)`` the steps.
    errors
        ``{"one-sided", "central", "complex": (N,)}`` relative errors of the derivative; what is
        below rounding is drawn as 1e-17.
    """
    figure, axes = plt.subplots()
    meanings = {"one-sided": "baseline", "central": "rival", "complex": "gradient"}
    for name, meaning in meanings.items():
        shown = np.maximum(np.asarray(errors[name], dtype=np.float64), 1e-17)
        axes.loglog(steps, shown, color=COLOR[meaning])
    axes.invert_xaxis()
    axes.set(xlabel="step $\\varepsilon$", ylabel="relative error", ylim=(3e-18, 30))
    axes.set_yticks([1e-16, 1e-12, 1e-8, 1e-4, 1])
    axes.set_xticks([1e-1, 1e-4, 1e-7, 1e-10, 1e-13, 1e-16])
    axes.minorticks_off()
    label(axes, 1e-5, 3e-3, "one-sided", "baseline", ha="center")
    label(axes, 1e-8, 1e-10, "central", "rival", va="center")
    label(axes, 1e-11, 1e-16, "complex", "gradient", ha="center", va="top")
    return figure


@checked
def ways_back(losses: Mapping[str, ArrayLike]) -> Figure:
    """Draw the losses of networks by what carried their errors a step back, a row for each way.

    Parameters
    ----------
    losses
        ``{way: (networks,)}`` average losses of yes or no, in nats.
    """
    figure, axes = plt.subplots(figsize=(5.0, 0.42 * len(losses) + 0.8))
    axes.axvline(float(np.log(2)), color=GREY, linewidth=1, linestyle=":")
    for row, runs in enumerate(losses.values()):
        color = COLOR["baseline" if row == 0 else "rival"]
        middle = float(np.median(np.asarray(runs)))
        axes.plot(runs, np.full(np.shape(runs), row), "o", color=color, markersize=4, alpha=0.6)
        axes.plot([middle, middle], [row - 0.32, row + 0.32], color=color, linewidth=2.6)
    axes.set_xscale("log")
    axes.set_yticks(range(len(losses)), list(losses))
    axes.tick_params(axis="y", length=0)
    axes.text(float(np.log(2)), -0.75, "chance", color=GREY, ha="center", va="bottom")
    axes.set(xlabel="loss (nats)", ylim=(len(losses) - 0.4, -0.8))
    return figure


@checked
def training(losses: ArrayLike, norms: ArrayLike, *, without: float, clip: float) -> Figure:
    """Draw loss and norm of every update of one run.

    Parameters
    ----------
    losses, norms
        ``(updates,)`` losses in nats, and norms of the gradients before clipping.
    without
        The loss of a model that sees no character before, in nats.
    clip
        The threshold of the clip.
    """
    figure, (upper, lower) = plt.subplots(2, 1, figsize=(5.0, 3.6), sharex=True)
    updates = np.arange(len(np.asarray(losses)))
    upper.plot(updates, losses, color=COLOR["model"], linewidth=1.4)
    lower.plot(updates, norms, color=COLOR["gradient"], linewidth=1.4)
    for axes, height, text in (
        (upper, without, "letter frequencies alone"),
        (lower, clip, "clip"),
    ):
        axes.axhline(height, color=GREY, linewidth=1, linestyle=":")
        axes.text(updates[-1], height, text, color=GREY, ha="right", va="bottom")
    upper.set(ylabel="loss (nats)", xlim=(0, updates[-1]))
    lower.set(ylabel="norm", xlabel="update", ylim=(0, None))
    return figure


def _apart(heights: Mapping[str, float], factor: float = 6.0) -> dict[str, float]:
    """Move names up a logarithmic axis until each is a factor above the one below it."""
    moved: dict[str, float] = {}
    for name in sorted(heights, key=lambda each: heights[each]):
        below = max(moved.values(), default=0.0)
        moved[name] = max(heights[name], factor * below)
    return moved


def _box(axes: Axes, at: Point, text: str) -> None:
    corner = (at[0] - 0.36, at[1] - 0.36)
    style = "round,pad=0,rounding_size=0.1"
    axes.add_patch(
        FancyBboxPatch(corner, 0.72, 0.72, boxstyle=style, fc="white", ec=COLOR["hidden"], lw=1.6)
    )
    label(axes, *at, text, "hidden", ha="center", va="center", fontsize=11)


def _circle(axes: Axes, at: Point, text: str, meaning: str, *, radius: float = 0.27) -> None:
    axes.add_patch(Circle(at, radius, fc="white", ec=COLOR[meaning], lw=1.6, zorder=3))
    label(axes, *at, text, meaning, ha="center", va="center", zorder=4)


def _arrow(
    axes: Axes, start: Point, end: Point, meaning: str, *, shrink: float = 0, **options: Any
) -> None:
    axes.add_patch(
        FancyArrowPatch(
            start,
            end,
            arrowstyle="-|>",
            mutation_scale=11,
            color=COLOR[meaning],
            **{"shrinkA": shrink, "shrinkB": shrink, "linewidth": 1.4, **options},
        )
    )
