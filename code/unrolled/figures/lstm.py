"""The pictures of the chapter ``lstm``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator
from numpy.typing import ArrayLike

from unrolled.core.validate import Array, numbers, real, whole
from unrolled.data.reber import EMBEDDED
from unrolled.figures._checked import checked
from unrolled.figures.style import COLOR, GREY, label, label_ends
from unrolled.lstm_numpy import Gates


@checked
def holding(
    inputs: Array, target: ArrayLike, answers: Mapping[str, tuple[ArrayLike, str]]
) -> Figure:
    """Draw what networks answer that should hold the number that was marked last.

    Parameters
    ----------
    inputs
        ``(T, 2)`` values and marks.
    target
        ``(T,)`` the value that was marked last.
    answers
        ``{name: ((seeds, T), key of COLOR)}``.

    Raises
    ------
    ValueError
        If nothing is marked, or an array has not T steps.
    """
    steps = np.arange(1, len(inputs) + 1)
    values, marked = inputs[:, 0], inputs[:, 1] > 0
    whole("number of marks in inputs", marked.sum())
    target = _along(len(steps), "target", target)
    drawn = {
        name: (np.atleast_2d(_along(len(steps), f"answers[{name!r}]", runs)), meaning)
        for name, (runs, meaning) in answers.items()
    }
    figure, axes = plt.subplots()
    axes.plot(steps[~marked], values[~marked], ".", color=GREY, alpha=0.45, markersize=4)
    axes.step(steps, target, "--", where="post", color=COLOR["truth"], linewidth=1.2)
    axes.plot(steps[marked], values[marked], "o", color=COLOR["input"], markersize=7, zorder=4)
    ends = {"wanted": (float(target[-1]), "truth")}
    for name, (curves, meaning) in drawn.items():
        axes.plot(steps, curves.T, color=COLOR[meaning], linewidth=1.2)
        ends[name] = float(curves[:, -1].mean()), meaning
    axes.set(xlabel="step", ylabel="number", xlim=(0, len(steps) + 1))
    last = np.flatnonzero(marked)[-1]
    box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.5}
    place = {"ha": "right", "va": "center", "zorder": 3, "bbox": box}  # over dots and dashes
    label(axes, steps[last] - 2, values[last], "marked", "input", **place)
    low, high = axes.get_ylim()
    label_ends(axes, len(steps) * 1.03, ends, gap=(high - low) * 0.1)
    return figure


@checked
def forced(panels: Mapping[str, tuple[ArrayLike, ArrayLike]], target: ArrayLike) -> Figure:
    """Draw a cell's state and what it shows, with each of its gates forced open or shut.

    The target is a broad band, the state a line, the output a dot every other step, so that none
    hides another. What shoots up far beyond the target leaves the picture.

    Parameters
    ----------
    panels
        ``{title: (states (T,), outputs (T,))}``, in the units of the target, at least one. The
        first should keep near the target: above it stands which line is which.
    target
        ``(T,)`` the number to be held, not below 0.

    Raises
    ------
    ValueError
        If there is no panel, or an array has not T steps, or the target is never above 0.
    """
    rows = (len(panels) + 1) // 2
    target = numbers("target", target)
    most = real("largest target", target.max(initial=0), above=0)
    steps = np.arange(1, len(target) + 1)
    drawn = {
        title: [_along(len(steps), f"panels[{title!r}]", each) for each in both]
        for title, both in panels.items()
    }
    figure, grid = plt.subplots(
        rows, 2, sharex=True, sharey=True, figsize=(5.0, 1.5 * rows), squeeze=False
    )
    for axes, (title, (state, shown)) in zip(grid.flat, drawn.items(), strict=False):
        _band(axes, target)
        axes.step(steps, state, where="mid", color=COLOR["cell"], linewidth=1.5)
        axes.plot(steps[::2], shown[::2], ".", color=COLOR["hidden"], markersize=4.5)
        axes.set(title=title, ylim=(-0.19 * most, 2.88 * most))
    for axes in grid.flat[len(panels) :]:
        axes.axis("off")
    for axes in grid[-1]:
        axes.set_xlabel("step")
    last = steps[-1]
    label(grid[0, 0], last, 2.38 * most, "line: state", "cell", ha="right", va="center")
    label(grid[0, 0], last, 1.69 * most, "dots: output", "hidden", ha="right", va="center")
    return figure


def _band(axes: Axes, target: Array) -> None:
    """Draw a number at every step, broad enough that lines on it are seen."""
    ends = [0, *(np.flatnonzero(np.diff(target)) + 1), len(target)]
    for start, end in pairwise(ends):
        x, y = (start + 0.5, end + 0.5), (target[start], target[start])
        axes.plot(x, y, color=GREY, linewidth=7, alpha=0.3, solid_capstyle="butt")


# one copy of the grammar's graph: where its nodes are drawn
_COPY = [(0, 0), (1, 0), (2, 0.9), (2, -0.9), (3.4, 0.9), (3.4, -0.9), (4.4, 0), (5.4, 0)]
_BESIDE = 2.1  # how far a copy is from the middle


@checked
def reber_graph() -> Figure:
    """Draw the graph that an embedded Reber string walks, and what must be kept on the way."""
    upper, lower = ([(x + 1.6, y + shift) for x, y in _COPY] for shift in (_BESIDE, -_BESIDE))
    places = [(-1.0, 0.0), (0.0, 0.0), *upper, *lower, (8.6, 0.0), (9.6, 0.0)]
    figure, axes = plt.subplots(figsize=(5.6, 4.1))
    for node, ways in enumerate(EMBEDDED):
        axes.plot(*places[node], "o", color=COLOR["truth"], markersize=5)
        kept = places[node] in (places[1], upper[-1], lower[-1])  # from here, the same symbol twice
        for symbol, to in ways.items():
            color = COLOR[{"T": "model", "P": "baseline"}[symbol] if kept else "truth"]
            _way(axes, places[node], places[to], symbol, color)
    axes.set(xlim=(-1.2, 9.8), ylim=(-4, 4), aspect="equal")
    axes.axis("off")
    return figure


def _way(
    axes: Axes, start: tuple[float, float], end: tuple[float, float], symbol: str, color: str
) -> None:
    """Draw an arrow with its symbol; from a node to itself, a loop on the outside."""
    style = {"arrowstyle": "-|>", "color": color, "shrinkA": 5, "shrinkB": 5}
    at = (start[0] + end[0]) / 2, (start[1] + end[1]) / 2
    if start == end:
        x, y = start
        out = np.sign(y) if abs(y) > _BESIDE else -np.sign(y)  # away from the copy's middle
        start, end = (x - 0.15 * out, y + 0.05 * out), (x + 0.15 * out, y + 0.05 * out)
        at = x, y + 0.65 * out
        style |= {"connectionstyle": "arc3,rad=-3.4", "shrinkA": 1, "shrinkB": 1}
    axes.annotate("", end, start, arrowprops=style)
    box = {"facecolor": "white", "edgecolor": "none", "pad": 1.0}
    axes.text(*at, symbol, color=color, ha="center", va="center", bbox=box)


@checked
def along_stream(runs: Mapping[str, tuple[ArrayLike, ArrayLike, str]], *, every: int) -> Figure:
    """Draw the largest cell state of networks along a stream, and their error beside it.

    Parameters
    ----------
    runs
        ``{name: ((seeds, windows) largest states, (seeds, windows) errors, key of COLOR)}``.
    every
        Steps in a window.
    """
    figure, (left, right) = plt.subplots(1, 2, sharex=True, figsize=(5.0, 2.7))
    ends = {}
    for name, (states, errors, meaning) in runs.items():
        for axes, values in ((left, np.atleast_2d(states)), (right, np.atleast_2d(errors))):
            steps = every * np.arange(1, values.shape[1] + 1)
            axes.plot(steps, values.T, color=COLOR[meaning], linewidth=1.1)
        middle = np.atleast_2d(states).shape[1] // 2
        ends[name] = float(np.max(np.atleast_2d(states)[:, middle])), meaning
    low, high = left.get_ylim()
    for name, (height, meaning) in ends.items():
        at = steps[middle], height + 0.04 * (high - low)
        label(left, *at, name, meaning, ha="right", va="bottom")
    left.set(title="largest |c|", xlabel="step")
    right.set(title="error", yscale="log", xlabel="step")
    right.axhline(1, color=GREY, linewidth=1, linestyle=":")
    _plain_numbers(right)
    return figure


def _plain_numbers(axes: Axes) -> None:
    """Write numbers in place of powers of ten on a logarithmic axis of few of them."""
    low, high = axes.get_ylim()
    if high < 1000 * low:
        few = high > 30 * low
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 3) if few else (1, 2, 5)))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")


@checked
def by_lag(
    panels: Mapping[str, Mapping[str, tuple[ArrayLike, str]]], *, marks: Sequence[int] = ()
) -> Figure:
    """Draw how much of a last cell state is due to earlier ones, each panel on an axis of its own.

    Parameters
    ----------
    panels
        ``{title: {name: ((lags,) or (seeds, lags), key of COLOR)}}``, lag 0 first, above 0.
    marks
        Lags to be marked by a vertical line.

    Raises
    ------
    ValueError
        If there is no panel.
    """
    figure, grid = plt.subplots(len(panels), 1, figsize=(5.0, 2.5 * len(panels)), squeeze=False)
    for axes, (title, curves) in zip(grid[:, 0], panels.items(), strict=True):
        _mark(axes, marks)
        ends = {}
        for name, (runs, meaning) in curves.items():
            each = np.atleast_2d(numbers(f"panels[{title!r}][{name!r}]", runs))
            axes.plot(each.T, color=COLOR[meaning], linewidth=1.1)
            ends[name] = float(np.log10(each[:, -1]).mean()), meaning
        axes.set(title=title, yscale="log", ylabel="gradient")
        _plain_numbers(axes)
        low, high = np.log10(axes.get_ylim())
        for name, height in _spread(ends, 0.1 * (high - low)).items():
            right = (each.shape[1] - 1) * 1.03
            label(axes, right, 10**height, name, ends[name][1], va="center", clip_on=False)
    grid[-1, 0].set_xlabel("steps back")
    return figure


def _spread(ends: Mapping[str, tuple[float, str]], gap: float) -> dict[str, float]:
    """Return heights of names, moved up where they would touch."""
    heights: dict[str, float] = {}
    for name in sorted(ends, key=lambda name: ends[name][0]):
        heights[name] = max([ends[name][0], *(each + gap for each in heights.values())])
    return heights


def _along(steps: int, name: str, values: ArrayLike) -> Array:
    """Return numbers ``(..., steps)``."""
    array = numbers(name, values)
    if array.shape[-1:] != (steps,):
        raise ValueError(f"{name} must have {steps} steps, got shape {array.shape}")
    return array


def _mark(axes: Axes, steps: Sequence[int]) -> None:
    for step in steps:
        axes.axvline(step, color=COLOR["input"], linewidth=1, linestyle=":", zorder=0)


@checked
def inside(
    inputs: Array, target: ArrayLike, answers: ArrayLike, opened: Mapping[str, ArrayLike]
) -> Figure:
    """Draw what networks answer that hold a number, and under it the gates of a cell of each.

    A network has the same kind of line in every panel: the first solid, the others broken.

    Parameters
    ----------
    inputs, target
        ``(T, 2)`` values and marks, ``(T,)`` the value that was marked last.
    answers
        ``(seeds, T)``.
    opened
        ``{gate: (seeds, T)}``: i, f, g or o, or ``i·g``, what is written, in the order in which
        they are to stand.

    Raises
    ------
    ValueError
        If there is no gate, or an array has not T steps.
    """
    count = len(inputs)
    steps, marks = np.arange(1, count + 1), np.flatnonzero(inputs[:, 1] > 0) + 1
    heights = [2.2, *[1] * len(opened)]
    figure, rows = plt.subplots(
        1 + len(opened), 1, sharex=True, figsize=(5.0, 0.95 * sum(heights)), height_ratios=heights
    )
    for axes in rows:
        _mark(axes, [int(step) for step in marks])
    rows[0].step(
        steps, _along(count, "target", target), "--", where="post", color=COLOR["truth"], lw=1.2
    )
    _each_its_line(rows[0], steps, _along(count, "answers", answers), "rival")
    rows[0].plot(marks, inputs[marks - 1, 0], "o", color=COLOR["input"], markersize=6, zorder=4)
    rows[0].set(ylabel="number", xlim=(0, count + 1))
    for axes, (gate, runs) in zip(rows[1:], opened.items(), strict=True):
        meaning = f"gate {gate[-1]}"
        _each_its_line(axes, steps, _along(count, f"opened[{gate!r}]", runs), meaning)
        low, high = _reach(runs) if gate.endswith("g") else (0.0, 1.0)
        over = 0.1 * (high - low)
        axes.set(ylim=(low - over, high + over), yticks=[low, *([0] if low < 0 else []), high])
        label(axes, count * 1.04, (low + high) / 2, gate, meaning, va="center", clip_on=False)
    rows[-1].set_xlabel("step")
    return figure


def _reach(runs: ArrayLike) -> tuple[float, float]:
    """Return round numbers, alike but for the sign, between which all values lie."""
    reach = np.ceil(10 * max(0.1, np.abs(runs).max())) / 10
    return -float(reach), float(reach)


def _each_its_line(axes: Axes, steps: ArrayLike, runs: Array, meaning: str) -> None:
    """Draw a line for each of some networks, ``(seeds, T)``, of a kind of its own."""
    for number, values in enumerate(np.atleast_2d(runs)):
        kind = ("-", "--", "-.")[number % 3]
        axes.plot(steps, values, color=COLOR[meaning], linewidth=1.1, linestyle=kind)


@checked
def erasing(left: ArrayLike, taken: ArrayLike, own: ArrayLike, others: ArrayLike) -> Figure:
    """Draw how networks get rid of an old number, and what their forget gates are worth.

    Parameters
    ----------
    left
        ``(N,)`` what the forget gate of the cell that holds leaves of its state at a mark.
    taken
        ``(N,)`` what of its state the writing takes away there.
    own, others
        ``(N,)`` how many times as large the error is with this gate held at 1, and with the forget
        gates of all other cells.

    Raises
    ------
    ValueError
        If there is no network, or not a number of each kind for every one.
    """
    left = np.atleast_1d(numbers("left", left))
    given = {"taken": taken, "own": own, "others": others}
    each = {name: np.atleast_1d(numbers(name, values)) for name, values in given.items()}
    for name, values in each.items():
        if values.shape != left.shape:
            raise ValueError(f"{name} must have shape {left.shape}, as left, got {values.shape}")
    figure, (how, worth) = plt.subplots(1, 2, figsize=(5.0, 2.8))
    how.plot([0, 1], [0, 1], ":", color=GREY, linewidth=1)
    how.plot([0], [0], "s", color=COLOR["truth"], markersize=6)
    label(how, 0.08, -0.01, "by hand", "truth", va="center")
    how.plot(left, each["taken"], "o", color=COLOR["cell"], markersize=6)
    how.set(xlabel="left by the gate", ylabel="taken by the writing", yticks=[0, 0.5, 1])
    worth.axhline(1, color=GREY, linewidth=1, linestyle=":")
    worth.plot(left, each["others"], "o", color=COLOR["baseline"], markersize=6)
    worth.plot(left, each["own"], "o", color=COLOR["gate f"], markersize=6)
    worth.set(xlabel="left by the gate", title="error, gates at 1", yscale="log")
    high = 10 ** (1.35 * np.log10(max(10.0, *each["own"], *each["others"])))
    worth.set_ylim(0.6, high)
    words = {"its own": ("gate f", 0.04), "all others": ("baseline", 0.5)}
    for text, (meaning, x) in words.items():
        place = {"transform": worth.transAxes, "va": "top"}
        label(worth, x, 1.0, text, meaning, **place)
    for axes in (how, worth):
        axes.set(xlim=(-0.08, 1.08), xticks=[0, 0.5, 1])
    _plain_numbers(worth)
    return figure


@checked
def left_by_bias(biases: Sequence[float], *, most: int) -> Figure:
    """Draw what is left of a state, by forget gates that see nothing but their bias.

    Parameters
    ----------
    biases
        At least one.
    most
        Steps, at least 2.

    Raises
    ------
    ValueError
        If there is no bias.
    """
    if not biases:
        raise ValueError("biases must hold at least one, got none")
    steps = np.geomspace(1, whole("most", most, least=2), 200)
    figure, axes = plt.subplots()
    axes.axhline(0.5, color=GREY, linewidth=1, linestyle=":")
    for bias in biases:
        log_f = -np.log1p(np.exp(-bias))
        axes.plot(steps, np.exp(log_f * steps), color=COLOR["gate f"])
        half = min(max(np.log(0.5) / log_f, steps[0]), steps[-1])
        label(axes, half * 1.08, 0.52, f"{bias:g}", "gate f", ha="left", va="bottom")
    axes.set(xscale="log", xlabel="steps", ylabel="left of the state", ylim=(0, 1.02))
    return figure


@checked
def along_string(symbols: str, starts: ArrayLike, opened: Gates) -> Figure:
    """Draw the gates of every cell of a network, step by step, under the symbols that it read.

    Parameters
    ----------
    symbols
        The T symbols.
    starts
        ``(T,)`` whether a string begins there.
    opened
        ``(T, H)`` each.
    """
    figure, grid = plt.subplots(3, 1, sharex=True, figsize=(5.0, 4.2))
    titles = {"i": "input gate", "f": "forget gate", "o": "output gate"}
    for axes, (name, title) in zip(grid, titles.items(), strict=True):
        shades = LinearSegmentedColormap.from_list(name, ["white", COLOR[f"gate {name}"]])
        values = getattr(opened, name).T
        axes.imshow(values, cmap=shades, vmin=0, vmax=1, aspect="auto", interpolation="nearest")
        for start in np.flatnonzero(starts)[1:]:
            axes.axvline(start - 0.5, color=COLOR["truth"], linewidth=1.2)
        axes.set_title(title, color=COLOR[f"gate {name}"])
        axes.set(yticks=[], ylabel="cells")
        axes.spines[["left", "bottom"]].set_visible(False)
        axes.tick_params(bottom=False)
    grid[-1].set_xticks(range(len(symbols)), list(symbols), fontsize=9)
    return figure
