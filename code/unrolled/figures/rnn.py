"""The pictures of the chapter ``rnn``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyBboxPatch, Rectangle
from numpy.typing import ArrayLike, NDArray

from unrolled.core.cell import Cell
from unrolled.core.validate import Array
from unrolled.figures import cells
from unrolled.figures._checked import checked
from unrolled.figures.style import COLOR, GREY, label, label_ends

OUTPUT = "truth"  # what a network says is grey, like what it should say
SIGNS = {"LTRS": "↓", "FIGS": "↑", "space": "␣"}  # of keys that print nothing

Point = tuple[float, float]


@checked
def telegram(sent: Sequence[str], printed: Mapping[str, Sequence[str]]) -> Figure:
    """Draw a message as it is sent and as machines print it; what differs from the first is marked.

    Parameters
    ----------
    sent
        ``(T,)`` a short name for each key; a shift's and the space's are drawn as a sign.
    printed
        ``{machine: (T,) characters}``; the first machine is right.
    """
    figure, axes = plt.subplots(figsize=(5.0, 0.66 * (len(printed) + 1)))
    keys = [SIGNS.get(key, key) for key in sent]
    rows: list[tuple[str, Sequence[str], str]] = [("keys sent", keys, "input")]
    right, *others = printed
    rows += [(right, printed[right], "truth")]
    rows += [(other, printed[other], "model") for other in others]
    for height, (name, characters, meaning) in zip(range(len(rows))[::-1], rows, strict=True):
        label(axes, -0.5, height + 0.45, name, meaning, fontsize=12, va="center")
        for t, (character, truth) in enumerate(zip(characters, printed[right], strict=True)):
            wrong = meaning == "model" and character != truth
            if wrong:
                axes.add_patch(Rectangle((t - 0.46, height - 0.24), 0.92, 0.46, color="#ffd9bf"))
            style = {"family": "monospace", "fontsize": 13, "ha": "center", "va": "center"}
            weight = {"fontweight": "bold"} if wrong else {}
            label(axes, t, height, character, meaning, **style, **weight)
    axes.set(xlim=(-0.8, len(sent) - 0.2), ylim=(-0.4, len(rows) - 0.35))
    axes.axis("off")
    return figure


@checked
def loop_and_unrolled(steps: int = 3) -> Figure:
    """Draw the cell with its loop, and beside it the same cell written out step by step."""
    figure, axes = plt.subplots(figsize=(5.0, 2.3))
    _step(axes, 0.0, "$x_t$", r"$\hat y_t$")
    around = [(0.42, 0), (0.8, 0), (0.8, -0.66), (-0.8, -0.66), (-0.8, 0), (-0.5, 0)]
    axes.plot([-0.16, 0.16], [-0.66, -0.66], color="white", linewidth=6, zorder=4)
    axes.plot(*zip(*around, strict=True), color=COLOR["hidden"], linewidth=1.4, zorder=5)
    _arrow(axes, (-0.6, 0), (-0.42, 0), "hidden")
    label(axes, -0.8, 0.14, "$h_{t-1}$", "hidden", ha="center", fontsize=11)
    label(axes, 0.8, 0.14, "$h_t$", "hidden", ha="center", fontsize=11)
    axes.text(1.55, 0, "=", ha="center", va="center", fontsize=20, color="#3b3b3b")
    first = 3.0
    for t in range(1, steps + 1):
        at = first + 1.5 * (t - 1)
        _step(axes, at, f"$x_{t}$", rf"$\hat y_{t}$")
        _arrow(axes, (at - 1.08, 0), (at - 0.42, 0), "hidden")
        label(axes, at - 0.78, 0.2, f"$h_{t - 1}$", "hidden", ha="center", fontsize=11)
    end = first + 1.5 * (steps - 1)
    _arrow(axes, (end + 0.42, 0), (end + 1.08, 0), "hidden")
    label(axes, end + 0.75, 0.2, f"$h_{steps}$", "hidden", ha="center", fontsize=11)
    axes.text(end + 1.3, 0, "…", ha="center", va="center", color="#3b3b3b")
    axes.set(xlim=(-1.2, end + 1.5), ylim=(-1.25, 1.3), aspect="equal")
    axes.axis("off")
    return figure


@checked
def five_shapes() -> Figure:
    """Draw the five shapes of sequence problems: inputs below, cells, answers above."""
    figure, all_axes = plt.subplots(3, 2, figsize=(5.0, 6.0))
    # which cells read an input, which read what was written, which answer
    shapes: dict[str, tuple[list[int], list[int], list[int]]] = {
        "one-to-one\nkey → print": ([0], [], [0]),
        "synchronised\nkeys → prints": ([0, 1, 2], [], [0, 1, 2]),
        "many-to-one\nbits → character": ([0, 1, 2], [], [2]),
        "one-to-many\ncharacter → bits": ([], [0, 1, 2], [0, 1, 2]),
        "many-to-many\ntext → keys": ([0, 1], [2, 3, 4], [2, 3, 4]),
    }
    for axes, (name, (reads, writes, answers)) in zip(all_axes.flat, shapes.items(), strict=False):
        last = max(answers)
        for t in range(last + 1):
            _box(axes, (t, 0), 0.3)
            if t < last:
                _arrow(axes, (t + 0.3, 0), (t + 0.7, 0), "hidden")
        for t in reads:
            _dot(axes, (t, -0.95), "input")
            _arrow(axes, (t, -0.8), (t, -0.3), "input")
        for t in answers:
            _dot(axes, (t, 0.95), OUTPUT)
            _arrow(axes, (t, 0.3), (t, 0.8), OUTPUT)
        for t in writes[:1]:
            _stop(axes, (t, -0.95))
            _arrow(axes, (t, -0.83), (t, -0.3), OUTPUT)
        for t in writes[:-1]:  # each symbol is read at the next step
            axes.plot([t + 0.12, t + 0.78], [0.9, -0.55], ":", color=COLOR[OUTPUT], lw=1.1)
            _arrow(axes, (t + 0.78, -0.55), (t + 0.92, -0.32), OUTPUT)
        first = 0 if reads else -1
        if not reads:  # the input is made into the first state
            _dot(axes, (first, 0), "input")
            _arrow(axes, (first + 0.15, 0), (-0.3, 0), "input")
        axes.set_title(name, loc="center", fontsize=12)
        middle = (first + last) / 2
        axes.set(xlim=(middle - 2.6, middle + 2.6), ylim=(-1.2, 1.2), aspect="equal")
    for axes in all_axes.flat:
        axes.axis("off")
    _legend(all_axes.flat[-1])
    return figure


def _legend(axes: Axes) -> None:
    """Say what the marks of the five shapes mean."""
    at = -1.9
    _dot(axes, (at, 0.95), OUTPUT)
    _box(axes, (at, 0.35), 0.2)
    _dot(axes, (at, -0.2), "input")
    _stop(axes, (at, -0.7))
    axes.plot([at - 0.3, at + 0.3], [-1.15, -1.15], ":", color=COLOR[OUTPUT], lw=1.1)
    names = {"answer": OUTPUT, "cell": "hidden", "input": "input", "the stop": OUTPUT}
    for height, (name, meaning) in zip((0.95, 0.35, -0.2, -0.7), names.items(), strict=True):
        label(axes, at + 0.55, height, name, meaning, va="center", fontsize=12)
    label(axes, at + 0.55, -1.15, "answer, read back", OUTPUT, va="center", fontsize=12)
    axes.set(xlim=(-2.6, 2.6), ylim=(-1.35, 1.2), aspect="equal")


def _step(axes: Axes, at: float, below: str, above: str) -> None:
    """Draw one cell with its input and its answer."""
    _box(axes, (at, 0), 0.42)
    _arrow(axes, (at, -0.9), (at, -0.42), "input")
    _arrow(axes, (at, 0.42), (at, 0.9), OUTPUT)
    label(axes, at, -1.08, below, "input", ha="center", va="center", fontsize=12)
    label(axes, at, 1.1, above, OUTPUT, ha="center", va="center", fontsize=12)


def _box(axes: Axes, centre: Point, half: float) -> None:
    corner, style = (centre[0] - half, centre[1] - half), "round,pad=0,rounding_size=0.1"
    axes.add_patch(
        FancyBboxPatch(
            corner, 2 * half, 2 * half, boxstyle=style, fc="#fdf0e6", ec=COLOR["hidden"], lw=1.4
        )
    )


def _dot(axes: Axes, centre: Point, meaning: str) -> None:
    axes.add_patch(Circle(centre, 0.15, fc="white", ec=COLOR[meaning], lw=1.4))


def _stop(axes: Axes, centre: Point) -> None:
    corner = centre[0] - 0.12, centre[1] - 0.12
    axes.add_patch(Rectangle(corner, 0.24, 0.24, fc=COLOR[OUTPUT], ec=COLOR[OUTPUT]))


def _arrow(axes: Axes, start: Point, end: Point, meaning: str) -> None:
    axes.annotate(
        "",
        end,
        start,
        arrowprops={
            "arrowstyle": "-|>",
            "color": COLOR[meaning],
            "linewidth": 1.4,
            "shrinkA": 0,
            "shrinkB": 0,
            "mutation_scale": 9,
        },
    )


@checked
def right_by_distance(
    distances: Sequence[int],
    windows: Mapping[int, Sequence[ArrayLike]],
    recurrent: Sequence[ArrayLike],
    *,
    longest: int,
) -> Figure:
    """Draw the part of keys printed right against the keys since the last shift.

    Parameters
    ----------
    distances
        ``(D,)`` keys since the shift.
    windows
        ``{window: runs of (D,) parts}``, two windows.
    recurrent
        ``(D,)`` parts, one a run.
    longest
        Keys in the longest message that the networks learned from.
    """
    figure, axes = plt.subplots()
    axes.axvline(longest, color=GREY, linewidth=1, linestyle=":")
    axes.text(longest * 1.1, 0.5, "longest message\nlearned from", color="#5a5a5a", fontsize=11)
    for height, (size, runs) in zip((0.3, 0.6), windows.items(), strict=True):
        for parts in runs:
            axes.plot(distances, parts, color=COLOR["input"], linewidth=0.7)
        label(axes, size * 0.82, height, f"window\nof {size}", "input", fontsize=11, ha="right")
    for parts in recurrent:
        axes.plot(distances, parts, color=COLOR["hidden"], linewidth=1)
    label(axes, distances[0], 1.04, "recurrent", "hidden", va="bottom", fontsize=11)
    axes.set_xscale("log")
    ticks = [1, 3, 10, 30, 100, 300, 1000]
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()
    axes.set(xlabel="keys since ↑", ylabel="printed right", ylim=(-0.03, 1.18))
    return figure


@checked
def fading(states: Mapping[str, ArrayLike], meanings: Mapping[str, str], *, gap: float) -> Figure:
    """Draw what is left of one input in the state, step by step.

    Parameters
    ----------
    states
        ``{name: (T,) state after each step}``, all of one length; the input comes at the first.
    meanings
        ``{name: key of COLOR}``.
    gap
        Least distance between two names at the right end.
    """
    figure, axes = plt.subplots(figsize=(5.0, 3.6))
    ends = {}
    for name, each in states.items():
        h = np.asarray(each, dtype=np.float64)
        axes.plot(np.arange(len(h)), h, color=COLOR[meanings[name]])
        ends[name] = float(h[-1]), meanings[name]
    steps = len(h) - 1
    axes.plot([0, steps], [0, 0], color=GREY, linewidth=0.8)
    axes.set(xlabel="steps since the input", ylabel="state $h_t$", xlim=(-0.5, steps))
    label_ends(axes, steps + 0.5, ends, gap=gap)
    return figure


@checked
def right_by_length(lengths: Sequence[int], runs: Sequence[ArrayLike]) -> Figure:
    """Draw the part of sequences that came out without a mistake, against their lengths.

    Parameters
    ----------
    lengths
        ``(n,)`` lengths.
    runs
        ``(n,)`` parts, one a seed.
    """
    figure, axes = plt.subplots(figsize=(5.0, 2.4))
    for parts in runs:
        axes.plot(lengths, parts, "o-", color=COLOR["model"], linewidth=1, markersize=4)
    axes.set_xticks(list(lengths))
    axes.set(xlabel="characters in the text", ylabel="without a mistake", ylim=(-0.03, 1.05))
    return figure


@checked
def letters_foreseen(
    letters: str,
    starts: Sequence[bool],
    runs: Sequence[ArrayLike],
    least: ArrayLike,
    *,
    lines: int = 3,
) -> Figure:
    """Draw the error at each letter of a stretch without spaces; word starts are marked.

    Parameters
    ----------
    letters
        ``n`` letters.
    starts
        ``(n,)`` true where a word begins.
    runs
        ``(n,)`` errors, one a seed; a bar shows their mean, a dot each.
    least
        ``(n,)`` errors of an ideal reader, drawn as a stroke across each bar.
    lines
        Lines that the stretch is broken into, before a word.
    """
    first = [i for i, start in enumerate(starts) if start]
    cuts = [
        0,
        *(min(first, key=lambda i: abs(i - len(letters) * k / lines)) for k in range(1, lines)),
    ]
    errors = np.array([np.asarray(run, dtype=np.float64) for run in runs])
    ideal = np.asarray(least, dtype=np.float64)
    figure, all_axes = plt.subplots(
        lines, 1, figsize=(5.0, 1.5 * lines), sharey=True, squeeze=False
    )
    longest = max(b - a for a, b in zip(cuts, [*cuts[1:], len(letters)], strict=True))
    for axes, a, b in zip(all_axes.flat, cuts, [*cuts[1:], len(letters)], strict=True):
        for i in range(a, b):
            color = COLOR["model"] if starts[i] else COLOR["baseline"]
            axes.bar(i - a, errors[:, i].mean(), color=color, alpha=0.35, width=0.8)
            axes.plot([i - a] * len(errors), errors[:, i], ".", color=color, markersize=3)
        axes.hlines(ideal[a:b], np.arange(b - a) - 0.45, np.arange(b - a) + 0.45, COLOR["truth"])
        axes.set_xticks(range(b - a), list(letters[a:b]), fontsize=11)
        for tick, start in zip(axes.get_xticklabels(), starts[a:b], strict=True):
            tick.set_color(COLOR["model"] if start else "#1a1a1a")
            tick.set_fontweight("bold" if start else "normal")
        axes.tick_params(axis="x", length=0)
        axes.set(xlim=(-0.7, longest - 0.3), ylim=(0, errors.max() * 1.05))
    figure.supylabel("error", fontsize=12)
    return figure


@checked
def tree_of_words(words: Sequence[str], nouns: Sequence[bool], states: ArrayLike) -> Figure:
    """Draw words as a tree that joins first those whose states are most alike.

    Parameters
    ----------
    words
        ``n`` words.
    nouns
        ``(n,)`` true for a noun, false for a verb.
    states
        ``(n, H)`` the mean state of each. Average linkage of the Euclidean distance.
    """
    from scipy.cluster import hierarchy  # type: ignore[import-untyped]

    figure, axes = plt.subplots(figsize=(5.0, 5.6))
    hierarchy.dendrogram(
        hierarchy.linkage(np.asarray(states), "average"),
        orientation="left",
        labels=list(words),
        color_threshold=0,
        above_threshold_color="#3b3b3b",
        ax=axes,
    )
    kind = dict(zip(words, nouns, strict=True))
    for tick in axes.get_yticklabels():
        tick.set_color(COLOR["model"] if kind[tick.get_text()] else COLOR["baseline"])
        tick.set_fontsize(11)
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.tick_params(axis="both", length=0)
    axes.set_xticks([])
    corner = {"transform": axes.transAxes, "va": "top"}
    label(axes, 0.0, 1.0, "nouns", "model", **corner)
    label(axes, 0.0, 0.95, "verbs", "baseline", **corner)
    return figure


@checked
def two_ways(cell: Cell) -> Figure:
    """Draw Elman's cell twice: the way of what comes in, and the way of what was kept."""
    figure, (upper, lower) = plt.subplots(2, 1, figsize=(5.0, 3.4))
    for axes, start in ((upper, "x_t"), (lower, "h_{t-1}")):
        cells.draw(cell, axes, lit=[start, "e", "h_t"])
    upper.set_title("$W x_t$: what comes in", color=COLOR["input"])
    lower.set_title("$U h_{t-1}$: what was kept", color=COLOR["hidden"])
    return figure


@checked
def printer_states(
    states: ArrayLike, figures: ArrayLike, fresh: ArrayLike, *, names: Sequence[str] = ()
) -> Figure:
    """Draw a printer's states in letters and in figures.

    Parameters
    ----------
    states
        ``(n, 2)`` two numbers for each state.
    figures
        ``(n,)`` 1 where the machine prints figures, else 0.
    fresh
        ``(n,)`` 1 where the last key was a shift, else 0.
    names
        ``(n,)`` what each state prints. Those that lie together are named together; the empty
        name is not drawn.
    """
    points, upper, shifted = (np.asarray(each, dtype=float) for each in (states, figures, fresh))
    if not (points.ndim == 2 and upper.shape == shifted.shape == points.shape[:1]):
        raise ValueError(
            "states, figures and fresh must have shapes (n, 2), (n,) and (n,), "
            f"got {points.shape}, {upper.shape} and {shifted.shape}"
        )
    figure, axes = plt.subplots(figsize=(5.0, 3.4))
    top = float(points[:, 1].max())
    for case, name, color in ((0, "letters", "model"), (1, "figures", "baseline")):
        chosen = upper == case
        axes.plot(*points[chosen].T, ".", color=COLOR[color], markersize=4)
        settled = points[chosen & (shifted == 0)]
        if len(settled):
            label(axes, settled[:, 0].mean(), top + 0.3, name, color, ha="center")
        if (chosen & (shifted == 1)).any():
            at, lowest = points[chosen & (shifted == 1)], {"ha": "center", "va": "top"}
            below = float(at[:, 1].min()) - 0.15
            label(axes, at[:, 0].mean(), below, "just after " + "↓↑"[case], color, **lowest)
    if names:
        _name_bands(axes, points, upper, np.asarray(names))
    axes.set(xticks=[], yticks=[], ylim=(None, top + 0.8))
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    return figure


def _name_bands(axes: Axes, points: Array, upper: Array, names: NDArray[np.str_]) -> None:
    """Name the bands of a column, what lies together in one name, at the column's outer side."""
    for case, color, side in ((0, "model", -1), (1, "baseline", 1)):
        heights = {
            str(name): float(np.median(points[(upper == case) & (names == name), 1]))
            for name in np.unique(names[upper == case])
            if name
        }
        bands: list[list[str]] = []
        for name in sorted(heights, key=lambda each: heights[each]):
            near = bool(bands) and heights[name] - heights[bands[-1][-1]] < 0.16
            bands[-1].append(name) if near else bands.append([name])
        edge = side * (side * points[(upper == case) & (names != ""), 0]).max() + side * 0.1
        for band in bands:
            at = float(np.mean([heights[name] for name in band]))
            ha = "left" if side > 0 else "right"
            text = "".join(band).replace(" ", "␣")
            label(axes, edge, at, text, color, ha=ha, va="center", fontsize=12)


@checked
def writing_curve(
    updates: Sequence[int], runs: Sequence[ArrayLike], counted: Mapping[int, float]
) -> Figure:
    """Draw the bits that writers need for a character while they learn, and what counts need.

    Parameters
    ----------
    updates
        ``(n,)`` updates made.
    runs
        ``(n,)`` bits a character, one for each writer.
    counted
        ``{characters looked back: bits a character}`` of counts.
    """
    figure, axes = plt.subplots(figsize=(5.0, 3.0))
    for run in runs:
        axes.plot(updates, run, color=COLOR["model"], linewidth=1)
    third = len(updates) // 3
    highest = max(float(np.asarray(run, dtype=float)[third]) for run in runs)
    label(axes, updates[third] * 1.2, highest + 0.05, f"{len(runs)} networks", "model", va="bottom")
    ends = {}
    for back, bits in counted.items():
        axes.axhline(bits, color=COLOR["baseline"], linewidth=0.8, linestyle="--")
        ends[f"counts of {back}"] = (bits, "baseline")
    label_ends(axes, updates[-1] * 1.1, ends, gap=0.17)
    ticks = [tick for tick in (10, 30, 100, 300, 1000, 3000) if tick <= updates[-1]]
    axes.set_xscale("log")
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.minorticks_off()
    axes.set(xlabel="updates", ylabel="bits a character", xlim=(updates[0], updates[-1] * 1.05))
    return figure


@checked
def unit_over_text(text: str, units: Mapping[str, ArrayLike], *, width: int = 34) -> Figure:
    """Draw a text with each character on the colour of what a unit holds after it.

    Parameters
    ----------
    text
        ``n`` characters.
    units
        ``{what the unit is: (n,) values from -1 to 1}``, one picture each.
    width
        Characters in a line.
    """
    lines = -(-len(text) // width)
    figure, all_axes = plt.subplots(
        len(units), 1, figsize=(5.0, len(units) * (0.24 * lines + 0.4)), squeeze=False
    )
    shade, norm = plt.get_cmap("PuOr_r"), TwoSlopeNorm(0, -2, 2)  # pale enough to read on
    for axes, (name, values) in zip(all_axes.flat, units.items(), strict=True):
        for i, (character, value) in enumerate(
            zip(text, np.asarray(values, dtype=float), strict=True)
        ):
            x, y = i % width, -(i // width)
            color = shade(norm(value))
            axes.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, color=color, linewidth=0))
            style = {"family": "monospace", "ha": "center", "va": "center", "fontsize": 11}
            axes.text(x, y, character, color="#1a1a1a", **style)
        axes.set_title(name, fontsize=12)
        axes.set(xlim=(-0.6, width - 0.4), ylim=(0.6 - lines, 0.6))
        axes.axis("off")
    return figure


@checked
def chances(characters: Sequence[str], by_temperature: Mapping[float, ArrayLike]) -> Figure:
    """Draw the chance of each next character, at several temperatures.

    Parameters
    ----------
    characters
        ``n`` characters.
    by_temperature
        ``{temperature: (n,) chances}``.
    """
    figure, all_axes = plt.subplots(
        len(by_temperature), 1, figsize=(5.0, 1.1 * len(by_temperature)), sharex=True, squeeze=False
    )
    for axes, (temperature, values) in zip(all_axes.flat, by_temperature.items(), strict=True):
        axes.bar(range(len(characters)), values, color=COLOR["model"], width=0.8)
        axes.set_xticks(range(len(characters)), ["␣" if c == " " else c for c in characters])
        axes.tick_params(axis="x", length=0)
        top = max(float(np.max(np.asarray(each))) for each in by_temperature.values())
        axes.set(ylim=(0, 1.3 * top), yticks=[0, round(top, 1) or top])
        most = int(np.argmax(np.asarray(values)))
        likeliest = float(np.asarray(values)[most])
        label(axes, most, likeliest, f"{likeliest:.2f}", "model", ha="center", va="bottom")
        where = {"ha": "right", "va": "top"}
        label(
            axes, len(characters) - 0.5, 1.3 * top, f"temperature {temperature:g}", "model", **where
        )
    figure.supylabel("chance", fontsize=12)
    return figure


@checked
def reach(networks: Mapping[str, tuple[Sequence[ArrayLike], str]], linear: ArrayLike) -> Figure:
    """Draw by how much a forecast moves with each of the years before it.

    Parameters
    ----------
    networks
        ``{name: (slopes, key of COLOR)}``, the slopes of each network ``(n,)`` by the value 1, 2,
        ... years before.
    linear
        ``(m,)`` weights of a linear window, nearest year first.
    """
    figure, axes = plt.subplots(figsize=(5.0, 2.9))
    axes.axhline(0, color=GREY, linewidth=0.8)
    weights = np.asarray(linear, dtype=float)
    axes.plot(np.arange(1, len(weights) + 1), weights, "o", color=COLOR["rival"], markersize=5)
    names = {"linear window: its weights": "rival"}
    for name, (runs, meaning) in networks.items():
        for run in runs:
            values = np.asarray(run, dtype=float)
            axes.plot(np.arange(1, len(values) + 1), values, color=COLOR[meaning], linewidth=1)
        names[name] = meaning
    for row, (name, meaning) in enumerate(names.items()):
        label(axes, 3.4, weights.max() * (0.95 - 0.2 * row), name, meaning, va="center")
    axes.set(xlabel="years before the forecast", ylabel="change of the forecast")
    return figure


@checked
def by_updates(panels: Mapping[str, tuple[ArrayLike, float]], *, stopped: Sequence[int]) -> Figure:
    """Draw the error of forecasts after each update, and where a rule has stopped.

    Parameters
    ----------
    panels
        ``{span: ((R, n) errors after 1, 2, ... updates, the linear window's error)}``.
    stopped
        Updates after which networks were stopped.
    """
    figure, all_axes = plt.subplots(1, len(panels), figsize=(5.0, 2.8), sharey=True, squeeze=False)
    for axes, (span, (errors, linear)) in zip(all_axes[0], panels.items(), strict=True):
        runs = np.asarray(errors, dtype=float)
        updates = np.arange(1, runs.shape[1] + 1)
        axes.plot(updates, runs.T, color=COLOR["model"], linewidth=1)
        axes.axhline(linear, color=COLOR["rival"])
        for each in stopped:
            axes.axvline(each, color=GREY, linewidth=0.8, linestyle=":")
        axes.set(xlabel="updates", ylim=(0, 1.2))
        axes.set_title(span)
    first = all_axes[0, 0]
    first.set_ylabel("error $e$")
    right = first.get_xlim()[1] * 0.97
    label(first, right, 0.1, "linear window", "rival", ha="right")
    label(first, right, 0.75, "networks", "model", ha="right")
    first.text(max(stopped), 1.08, " stopped", color=GREY, va="center")
    return figure


@checked
def forecasts(
    years: ArrayLike, truth: ArrayLike, recurrent: Sequence[ArrayLike], linear: ArrayLike
) -> Figure:
    """Draw forecasts one year ahead over what happened.

    Parameters
    ----------
    years, truth
        ``(n,)`` the years forecast, and what was counted.
    recurrent
        ``(n,)`` forecasts, one for each network.
    linear
        ``(n,)`` forecasts of the linear window.
    """
    figure, axes = plt.subplots(figsize=(5.0, 3.0))
    axes.plot(years, truth, "o", color=COLOR["truth"], markersize=3.5)
    axes.plot(years, linear, color=COLOR["rival"], linewidth=1.2)
    for run in recurrent:
        axes.plot(years, run, color=COLOR["model"], linewidth=0.7)
    first, top = float(np.asarray(years, dtype=float)[0]), float(np.max(np.asarray(truth)))
    for height, (name, meaning) in zip(
        (1.22, 1.11, 1.0),
        {"counted": "truth", "linear window": "rival", "recurrent networks": "model"}.items(),
        strict=True,
    ):
        label(axes, first, top * height, name, meaning, va="top")
    axes.set(xlabel="year", ylabel="sunspots", ylim=(min(0, axes.get_ylim()[0]), top * 1.25))
    return figure
