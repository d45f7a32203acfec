"""Diagrams of cells, drawn from what their ``step`` computes and from nothing else.

One grammar for all: a line is a vector, a circle works on it unit by unit, a box is a learned layer
(an affine map, then its nonlinearity if it has one), a dashed line is a peephole: one weight a
unit. A hollow arrowhead says that no gradient goes back there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Ellipse, FancyBboxPatch, PathPatch, Polygon
from matplotlib.path import Path

from unrolled.core.kinds import one_of
from unrolled.core.recurrent import Cell
from unrolled.figures._checked import checked
from unrolled.figures._tracing import Edge, Graph, Node, graph
from unrolled.figures._wiring import ABOVE, Layout, Line, Place, Point, from_source, layout
from unrolled.figures.style import COLOR

__all__ = [
    "Edge",
    "Graph",
    "Layout",
    "Line",
    "Node",
    "Place",
    "draw",
    "formula",
    "graph",
    "layout",
]

_INK = "#3b3b3b"
_PALE = "#aeaea8"  # what is not meant, in a picture that brings something out
_LETTERS = {"x": "input", "h": "hidden", "c": "cell", "r": "gate o", "z": "gate f", "n": "gate g"}
_ROUND = 1.0  # of a corner, in units of the grid
_OUTSIDE = 6.0  # room for the names beside the frame
_WIDTH = 50.0  # of the smallest picture, so that small cells are not drawn large
_WIDEST = 77.0  # of one as wide as the page: a cell that needs more is drawn larger


@checked
def draw(cell: Cell, axes: Axes | None = None, *, lit: Sequence[str] = ()) -> Figure:
    """Draw one step of a cell.

    Parameters
    ----------
    cell
        The cell; see ``graph`` for what it may compute.
    axes
        Where to draw; a figure as wide as the page if not given, or wider if it needs more.
    lit
        Names of nodes in ``graph(cell)``, to bring out a way through the cell: they and the lines
        between them keep their colours, the rest turns pale. All keep theirs if none is named.

    Raises
    ------
    ValueError
        If the cell has no node of a name in ``lit``.
    """
    plan = graph(cell)
    bright = {one_of("lit", name, [node.name for node in plan.nodes]) for name in lit} or {
        node.name for node in plan.nodes
    }
    what = layout(plan)
    low, high = what.bottom - 4, what.top + 4
    small = what.right > _WIDTH  # many nodes side by side
    beside = max(_OUTSIDE + 1.5 * small, (_WIDTH - what.right) / 2)
    if axes is None:
        across = what.right + 2 * beside
        width = 5.0 * max(1.0, across / _WIDEST)
        size = width, width * (high - low) / across
        figure = plt.figure(figsize=size, layout="none")
        axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(-beside, what.right + beside), ylim=(low, high), aspect="equal")
    axes.axis("off")
    style = "round,pad=0,rounding_size=2"
    size = what.right, what.top - what.bottom
    axes.add_patch(
        FancyBboxPatch((0, what.bottom), *size, boxstyle=style, fc="#f6f6f4", ec="#c4c4c0", lw=1)
    )
    above = f"{plan.states[0]}_t"
    for line in what.lines:
        ends = {line.edge.source, above if line.edge.target == ABOVE else line.edge.target}
        if bright >= ends and lit:
            way = replace(line, points=from_source(line, what.lines), forks=False)
            _line(axes, way, _carried(plan, line.edge.source), what, wide=2.4)
        else:
            _line(axes, line, _PALE if lit else _carried(plan, line.edge.source), what)
    font = 9.5 if small else 11.0
    beyond = {"input": (-4.3 if small else -3.2, 0.0), "output": (2.9, 0.0)}
    for node in plan.nodes:
        at, pale = what.places[node.name], None if node.name in bright else _PALE
        if node.kind == "box":
            color = _color(node.gate) if node.gate else _carried(plan, node.name)
            _box(axes, at, _inside(plan, node), pale or color, font)
        elif node.kind == "circle":
            _circle(axes, at, node.sign, font, pale or _INK)
        else:
            shift = (0, -2.6) if node.name == "x_t" else beyond[node.kind]
            _name(axes, node.name, at, shift, font, pale)
    _name(axes, above, what.places[ABOVE], (0, 2.6), font, None if above in bright else _PALE)
    drawn = axes.get_figure(root=True)
    assert drawn is not None
    return drawn


def _carried(plan: Graph, source: str) -> str:
    """Return the colour of what a node gives: an input, a state, or neither."""
    node = plan.node(source)
    ends = _made_by(plan, source)
    return _color(source if node.kind == "input" else ends[0] if ends else "")


def _color(name: str) -> str:
    return COLOR.get(f"gate {name[:1]}") or COLOR.get(_LETTERS.get(name[:1], ""), _INK)


def _circle(axes: Axes, at: Place, sign: str, font: float, color: str) -> None:
    size = 2 * at.half_width, 2 * at.half_height
    axes.add_patch(Ellipse((at.x, at.y), *size, fc="white", ec=color, lw=1.2, zorder=4))
    big = 14 if sign in ("×", "+", "−") else font
    axes.text(at.x, at.y, sign, fontsize=big, color=color, ha="center", va="center", zorder=5)


def _box(axes: Axes, at: Place, text: str, color: str, font: float) -> None:
    corner = at.x - at.half_width, at.y - at.half_height
    size = 2 * at.half_width, 2 * at.half_height
    look: dict[str, Any] = {"fc": [0.86 + 0.14 * part for part in to_rgb(color)], "ec": color}
    style = "round,pad=0,rounding_size=0.5"
    axes.add_patch(FancyBboxPatch(corner, *size, boxstyle=style, lw=1.4, zorder=4, **look))
    place: dict[str, Any] = {"ha": "center", "va": "center", "zorder": 5, "linespacing": 0.95}
    axes.text(at.x, at.y, text, fontsize=font, color=color, **place)


def _inside(plan: Graph, node: Node) -> str:
    """Return what is written in a box: gate and nonlinearity, or the name of its matrix."""
    name = node.gate or node.name * (not node.sign)
    above = f"${name}$" * bool(name) + " LN" * node.norm
    matrix = "$W$" if any(edge.source == "x_t" for edge in plan.into(node.name)) else "$U$"
    return "\n".join(part for part in (above.strip(), node.sign or matrix) if part)


def _name(
    axes: Axes, name: str, at: Place, shift: Point, font: float, color: str | None = None
) -> None:
    look: dict[str, Any] = {"color": color or _color(name), "ha": "center", "va": "center"}
    axes.text(at.x + shift[0], at.y + shift[1], f"${name}$", fontsize=font + 1, **look)


def _line(axes: Axes, line: Line, color: str, what: Layout, *, wide: float = 1.4) -> None:
    dashes = (0, (3, 1.6)) if line.edge.peephole else "-"
    points = [_beyond(point, what) for point in line.points]
    path = _rounded(points)
    above = 1 if color == _PALE else 2
    axes.add_patch(PathPatch(path, fc="none", ec=color, lw=wide, ls=dashes, zorder=above))
    (x, y), (x0, y0) = points[-1], points[-2]
    length = abs(x - x0) + abs(y - y0)
    dx, dy = (x - x0) / length, (y - y0) / length
    base = x - 0.9 * dx, y - 0.9 * dy
    wings = [(base[0] + s * 0.45 * dy, base[1] + s * 0.45 * dx) for s in (1, -1)]
    face = "white" if line.edge.stopped else color
    axes.add_patch(Polygon([(x, y), *wings], fc=face, ec=color, lw=1, zorder=above + 1))
    if line.forks:
        axes.add_patch(Circle(line.points[0], 0.4, fc=color, ec="none", zorder=above + 0.5))


def _beyond(point: Point, what: Layout) -> Point:
    """Move a point on the frame out of it."""
    x, y = point
    x += (x == what.right) - (x == 0)
    return x, y + (y == what.top) - (y == what.bottom)


def _rounded(points: Sequence[Point]) -> Path:
    """Return the way through points with rounded corners."""
    vertices, codes = [points[0]], [Path.MOVETO]
    for before, at, after in zip(points, points[1:], points[2:], strict=False):
        vertices += [_towards(at, before), at, _towards(at, after)]
        codes += [Path.LINETO, Path.CURVE3, Path.CURVE3]
    return Path([*vertices, points[-1]], [*codes, Path.LINETO])


def _towards(at: Point, other: Point) -> Point:
    length = abs(other[0] - at[0]) + abs(other[1] - at[1])
    part = min(_ROUND, length / 2) / length
    return at[0] + part * (other[0] - at[0]), at[1] + part * (other[1] - at[1])


@checked
def formula(plan: Graph, name: str, asked: str = "") -> str:
    """Write what a node gives in terms of inputs, layers and states.

    Parameters
    ----------
    plan
        A cell's ``graph``.
    name
        The node's name in it.
    asked
        The state whose formula is sought: it is spelled out, other states stay names.
    """
    node = plan.node(name)
    states = _made_by(plan, name)
    if states and not asked and node.kind == "circle":
        return states[0]
    if node.kind != "circle":
        return name
    parts = [formula(plan, edge.source) for edge in plan.into(name)]
    if len(parts) == 1:
        return (
            f"{node.sign}({parts[0]})" if node.sign[-1:].isalpha() else f"({node.sign}{parts[0]})"
        )
    loose = node.sign != "+"
    return f" {node.sign} ".join(f"({p})" if loose and _is_sum(p) else p for p in parts)


def _made_by(plan: Graph, name: str) -> list[str]:
    """Return the states after the step that a node gives."""
    states = {f"{state}_t" for state in plan.states}
    return [edge.target for edge in plan.edges if edge.source == name and edge.target in states]


def _is_sum(text: str) -> bool:
    """Whether a formula is a sum outside all brackets."""
    depth = 0
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        if depth == 0 and letter in "+−":
            return True
    return False
