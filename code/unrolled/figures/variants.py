"""The pictures and the table of the chapter ``variants``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from numpy.typing import ArrayLike

from unrolled.core.kinds import one_of
from unrolled.core.recurrent import Cell
from unrolled.core.validate import numbers
from unrolled.figures import cells
from unrolled.figures._checked import checked
from unrolled.figures.cells import Edge, Graph, Node, formula
from unrolled.figures.style import COLOR, GREY, label, label_ends

if TYPE_CHECKING:
    from IPython.display import Markdown

_LATEX = {"x_t": "x", "h_{t-1}": "h", "c_{t-1}": "c", "n2": "n'", "((÷2c_t))": "(c_t/2)"}
_LATEX |= {"2×": "2", " × ": r"\,", "−": "-", "LN": r"\,\mathrm{LN}"}
_LATEX |= {"tanh": r"\tanh", "relu": r"\operatorname{relu}", "σ": r"\sigma"}


@checked
def differences(models: Mapping[str, Cell]) -> Markdown:
    """Return a table of cells, each row made from what the cell's step computes.

    ``x``, ``h`` and ``c`` stand for the input and for the states before the step. A layer shows
    what it sees, without its weights; a peephole has a v, one weight a unit. Products are unit by
    unit. A bar is over what no gradient goes back to. Cells that are the same share a row.

    Parameters
    ----------
    models
        ``{name: cell}``.
    """
    from IPython.display import Markdown

    rows: dict[str, list[str]] = {}
    for name, cell in models.items():
        plan = cells.graph(cell)
        count = sum(parameter.numel() for parameter in cell.parameters())
        rows.setdefault(f"{count:,} | {_layers(plan)}<br>{_states(plan)} |", []).append(name)
    lines = ["| cell | layers, and the step |", "|:--|:--|"]
    lines += [f"| {', '.join(names)}<br>{row}" for row, names in rows.items()]
    return Markdown("\n".join(lines))  # type: ignore[no-untyped-call]


@checked
def gallery(
    models: Mapping[str, Cell], *, lit: Mapping[str, Sequence[str]] = MappingProxyType({})
) -> Figure:
    """Draw cells one below the other, each with its name.

    Parameters
    ----------
    models
        ``{name: cell}``, at least one.
    lit
        ``{name: nodes}``: a way to bring out in a cell's picture, see ``cells.draw``.

    Raises
    ------
    ValueError
        If there is no cell, or none of a name in ``lit``, or a cell has no such node.
    """
    for name in lit:
        one_of("lit", name, list(models))
    count = len(models)
    figure, rows = plt.subplots(count, squeeze=False, layout="none")
    heights = []
    for axes, (name, cell) in zip(rows[:, 0], models.items(), strict=True):
        cells.draw(cell, axes, lit=lit.get(name, ()))
        (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
        heights.append((high - low) / (right - left))
        axes.text(left, high, name, fontweight="bold", va="top")
    figure.set_size_inches(5, 5 * sum(heights))
    top = 1.0
    for axes, height in zip(rows[:, 0], heights, strict=True):
        share = height / sum(heights)
        top -= share
        axes.set_position((0, top, 1, share))
    return figure


@checked
def waves(
    target: ArrayLike, panels: Mapping[str, ArrayLike], *, trained: int, tolerance: float
) -> Figure:
    """Draw what networks make of a wave, and count those that keep to it.

    Parameters
    ----------
    target
        ``(steps,)`` the wave.
    panels
        ``{title: (steps, networks)}``, at least one.
    trained
        Steps on which the networks were trained; the rest is their own.
    tolerance
        Greatest error, at any step drawn, of a network that is counted.

    Raises
    ------
    ValueError
        If there is no panel, or one has not the steps of the wave.
    """
    wave = numbers("target", target)
    count = len(panels)
    drawn = {title: numbers(f"panels[{title!r}]", runs) for title, runs in panels.items()}
    for title, made in drawn.items():
        if made.ndim != 2 or len(made) != len(wave):
            raise ValueError(
                f"panels[{title!r}] must have shape ({len(wave)}, networks), got {made.shape}"
            )
    steps = np.arange(1, len(wave) + 1)
    figure, rows = plt.subplots(count, sharex=True, sharey=True, squeeze=False)
    figure.set_size_inches(5, 1.75 * count + 0.4)
    for axes, (title, made) in zip(rows[:, 0], drawn.items(), strict=True):
        keeps = np.all(np.abs(made - wave[:, None]) < tolerance, axis=0)
        axes.axvline(trained + 0.5, color=GREY, linewidth=1, linestyle=":")
        axes.plot(steps, made[:, ~keeps], color=COLOR["model"], linewidth=0.6)
        axes.plot(steps, made[:, keeps], color=COLOR["rival"], linewidth=1.6)
        axes.plot(steps, wave, ".", color=COLOR["truth"], markersize=4, zorder=3)
        axes.set(title=f"{title}: {keeps.sum()} of {keeps.size} keep the wave", ylim=(-0.35, 1.35))
        axes.set_yticks([0, 1])
    rows[-1, 0].set_xlabel("step")
    return figure


@checked
def promises(
    best: ArrayLike, fresh: ArrayLike, rivals: Mapping[str, float], *, ylabel: str
) -> Figure:
    """Draw how a search's best error falls, and the error of what it chose on fresh networks.

    Parameters
    ----------
    best
        ``(searches, generations + 1)`` least error so far.
    fresh
        ``(searches,)`` error on fresh networks of the cell that was chosen.
    rivals
        ``{name: error on fresh networks}``.
    ylabel
        What the error is.

    Raises
    ------
    ValueError
        If ``fresh`` has not an error for each search.
    """
    curves, ends = np.atleast_2d(numbers("best", best)), numbers("fresh", fresh)
    if ends.shape != curves.shape[:1]:
        raise ValueError(
            f"fresh must have shape ({len(curves)},), an error for each search, got {ends.shape}"
        )
    last = curves.shape[1] - 1
    figure, axes = plt.subplots()
    axes.plot(curves.T, ".-", color=COLOR["rival"], linewidth=1.2)
    for curve, end in zip(curves, ends, strict=True):
        axes.plot([last, last + 1], [curve[-1], end], ":", color=COLOR["rival"], linewidth=1)
    axes.plot(np.full(len(ends), last + 1), ends, "o", color=COLOR["model"], markersize=7)
    for error in rivals.values():
        axes.plot([last + 0.85, last + 1.3], [error, error], color=COLOR["truth"], linewidth=1.2)
    axes.set(xlabel="generation", ylabel=ylabel)
    axes.set_xticks(range(last + 2), [*map(str, range(last + 1)), "fresh\nnetworks"])
    low, high = axes.get_ylim()
    names = {name: (error, "truth") for name, error in rivals.items()}
    label_ends(axes, last + 1.35, names, gap=(high - low) * 0.08)
    return figure


@checked
def one_change_at_a_time(
    names: Sequence[str], panels: Mapping[str, ArrayLike], *, logarithmic: Sequence[str] = ()
) -> Figure:
    """Draw the errors of cells of which each is one change away from the one before.

    Thin lines are runs. The thick line joins the medians, which are written at its points.

    Parameters
    ----------
    names
        Of the cells, from the first to the last.
    panels
        ``{title: (runs, cells)}``, at least one.
    logarithmic
        Titles of panels whose errors, all above 0, are drawn on a logarithmic axis.

    Raises
    ------
    ValueError
        If there is no panel, one has not an error for each cell, or none has a title in
        ``logarithmic``.
    """
    for title in logarithmic:
        one_of("logarithmic", title, list(panels))
    drawn = {title: numbers(f"panels[{title!r}]", runs) for title, runs in panels.items()}
    for title, errors in drawn.items():
        if errors.ndim != 2 or errors.shape[1] != len(names):
            raise ValueError(
                f"panels[{title!r}] must have shape (runs, {len(names)}), got {errors.shape}"
            )
    count = len(panels)
    figure, rows = plt.subplots(count, sharex=True, squeeze=False)
    figure.set_size_inches(5, 1.55 * count + 0.5)
    for axes, (title, errors) in zip(rows[:, 0], drawn.items(), strict=True):
        axes.plot(errors.T, color=GREY, linewidth=0.7, alpha=0.6)
        medians = np.median(errors, axis=0)
        axes.plot(medians, "o-", color=COLOR["model"], linewidth=2)
        for at, median in enumerate(medians):
            beside = [*medians[max(at - 1, 0) : at], *medians[at + 1 : at + 2]]
            below = max(beside, default=median) > median  # the curve comes down here, or turns up
            axes.annotate(
                f"{median:.3f}",
                (at, median),
                xytext=(0, -8 if below else 7),
                textcoords="offset points",
                ha="center",
                va="top" if below else "bottom",
                color=COLOR["model"],
                path_effects=[withStroke(linewidth=3, foreground="white")],
                zorder=4,
            )
        if title in logarithmic:
            axes.set_yscale("log")
        axes.set_title(title)
        axes.margins(x=0.1, y=0.35)
    rows[-1, 0].set_xticks(range(len(names)), names)
    return figure


@checked
def first_rates(
    rates: ArrayLike,
    arms: Mapping[str, Mapping[str, ArrayLike]],
    *,
    chosen: float,
    within: float,
    ylabel: str,
) -> Figure:
    """Draw what networks come to by the learning rate, and who comes close to the best.

    Parameters
    ----------
    rates
        ``(n,)`` first learning rates.
    arms
        ``{title: {"held" and "falling": (runs, n)}}``, at least one: what counts, the less the
        better, where the rate is held and where it falls.
    chosen
        The rate that is marked.
    within
        The band reaches this fraction above the least mean of an arm.
    ylabel
        What counts.

    Raises
    ------
    ValueError
        If there is no arm, or one has not a number for each rate.
    """
    tried = numbers("rates", rates)
    drawn = {
        title: {how: np.atleast_2d(numbers(f"arms[{title!r}][{how!r}]", arm[how])) for how in _HOW}
        for title, arm in arms.items()
    }
    for title, arm in drawn.items():
        for how, runs in arm.items():
            if runs.shape[1:] != tried.shape:
                raise ValueError(
                    f"arms[{title!r}][{how!r}] must have shape (runs, {tried.size}), "
                    f"got {runs.shape}"
                )
    figure, grid = plt.subplots(-(-len(arms) // 2), 2, sharex=True, sharey=True, squeeze=False)
    figure.set_size_inches(5, 2.2 * len(grid) + 0.3)
    for axes, (title, arm) in zip(grid.flat, drawn.items(), strict=False):
        means = {how: runs.mean(0) for how, runs in arm.items()}
        least = min(mean.min() for mean in means.values())
        axes.axhspan(least, (1 + within) * least, color=COLOR["rival"], alpha=0.25, linewidth=0)
        axes.axvline(chosen, color=GREY, linewidth=1, linestyle=":")
        for how, (line, meaning) in _HOW.items():
            axes.plot(tried, arm[how].T, line, color=COLOR[meaning], linewidth=0.5, alpha=0.5)
            axes.plot(tried, means[how], line, color=COLOR[meaning], linewidth=2)
        axes.set(xscale="log", title=title)
    for axes in grid[:, 0]:
        axes.set_ylabel(ylabel)
    for axes in grid[-1]:
        axes.set_xlabel("learning rate")
    first = next(iter(drawn.values()))
    for how, va in (("held", "top"), ("falling", "bottom")):
        height = first[how].mean(0)[1]
        label(grid[0, 0], tried[1], height, f" {how}", _HOW[how][1], va=va, ha=_SIDE[how])
    return figure


_HOW = {"held": ("-", "model"), "falling": ("--", "baseline")}
_SIDE = {"held": "right", "falling": "left"}


def _layers(plan: Graph) -> str:
    """Write a cell's layers and what each sees, those that see the same together."""
    alike: dict[str, list[str]] = {}
    for box in plan.nodes:
        if box.kind == "box":
            alike.setdefault(_layer(plan, box), []).append(box.name)
    return "<br>".join(_math(f"{', '.join(names)} = {layer}") for layer, names in alike.items())


def _layer(plan: Graph, box: Node) -> str:
    edges = sorted(plan.into(box.name), key=lambda edge: edge.source != "x_t")
    sees = ", ".join(_seen(plan, edge) for edge in edges)
    matrix = "W" if any(edge.source == "x_t" for edge in edges) else "U"
    return f"{box.sign or matrix}{' LN' * box.norm}({sees})"


def _seen(plan: Graph, edge: Edge) -> str:
    vector = formula(plan, edge.source)
    vector = rf"\bar {vector}" if edge.stopped else vector
    return f"v × {vector}" if edge.peephole else vector


def _states(plan: Graph) -> str:
    """Write how the states come about, the output last; of a layer that is one, nothing."""
    sides = {
        state: formula(plan, plan.into(f"{state}_t")[0].source, f"{state}_t")
        for state in reversed(plan.states)
    }
    return "<br>".join(
        _math(f"{state}_t = {side}") for state, side in sides.items() if side != state
    )


def _math(text: str) -> str:
    text = re.sub(r"tanh\((\w|\w_\{t-1\})\)", r"tanh \1", text)  # of one letter: no brackets
    for sign, latex in _LATEX.items():
        text = text.replace(sign, latex)
    return f"${text}$"
