"""The book's style: colours with a meaning, direct labels, vector figures.

Every figure is drawn dark on white. The page's style sheet turns it over for dark mode, so a
figure is stored once and is right in both.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
from cycler import cycler
from matplotlib.axes import Axes

from unrolled.figures._checked import checked

STATES = {"input": "#0061a8", "hidden": "#b34700", "cell": "#00705c", "gradient": "#9a2be0"}
"""What flows through a network."""

GATES = {"i": "#00705c", "f": "#b34700", "g": "#9a2be0", "o": "#0061a8"}
"""The four gates of an LSTM, in every picture of one."""

SERIES = {"truth": "#3b3b3b", "model": "#b34700", "baseline": "#0061a8", "rival": "#00705c"}
"""What is compared in an experiment: what happened, the model, the naive guess, another model."""

COLOR = {**STATES, **{f"gate {gate}": color for gate, color in GATES.items()}, **SERIES}
"""Every colour of the book by its meaning. All are readable as text on white."""

GREY = "#6b6b6b"
"""What is there to compare with and has no name: zero, chance, where training ends."""


@checked
def use_style() -> None:
    """Draw everything from here on in the book's style, as SVG in a notebook."""
    mpl.rcParams.update(
        {
            "figure.figsize": (5.0, 2.9),
            "figure.facecolor": "white",
            "savefig.facecolor": "white",
            "figure.constrained_layout.use": True,
            "font.size": 12,
            "axes.titlesize": 12,
            "axes.titlelocation": "left",
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.edgecolor": "#3b3b3b",
            "axes.labelcolor": "#1a1a1a",
            "axes.prop_cycle": cycler(color=list(SERIES.values())),
            "lines.linewidth": 1.6,
            "legend.frameon": False,
            "svg.fonttype": "path",
            "svg.hashsalt": "unrolled",
        }
    )
    _draw_svg_in_notebooks()


@checked
def label(axes: Axes, x: float, y: float, text: str, meaning: str, **options: Any) -> None:
    """Write ``text`` at ``(x, y)`` of the data, in the colour of what it names.

    Parameters
    ----------
    axes
        Where to write.
    x, y
        Position in the units of the axes.
    text
        The label.
    meaning
        A key of ``COLOR``.
    options
        Passed to ``Axes.text``: ``ha``, ``va``, ``rotation``...

    Raises
    ------
    ValueError
        If the book has no such colour.
    """
    if meaning not in COLOR:
        raise ValueError(f"meaning must be one of {', '.join(COLOR)}, got {meaning!r}")
    axes.text(x, y, text, color=COLOR[meaning], **options)


@checked
def label_ends(axes: Axes, x: float, ends: Mapping[str, tuple[float, str]], *, gap: float) -> None:
    """Name lines at their right ends, moving names apart that would overlap.

    Parameters
    ----------
    axes
        Where to write.
    x
        Where the names begin, in the units of the axes.
    ends
        ``{name: (height of the line's end, key of COLOR)}``.
    gap
        Least distance between two names, in the units of the axes.
    """
    names = sorted(ends, key=lambda name: ends[name][0])
    heights = _apart([ends[name][0] for name in names], gap)
    for name, height in zip(names, heights, strict=True):
        label(axes, x, height, name, ends[name][1], va="center", clip_on=False)


def _apart(sorted_heights: list[float], gap: float) -> list[float]:
    """Move ascending numbers as little as a sweep upwards can until they are ``gap`` apart."""
    moved: list[float] = []
    for height in sorted_heights:
        moved.append(max(height, moved[-1] + gap) if moved else height)
    shift = sum(moved) / len(moved) - sum(sorted_heights) / len(sorted_heights)
    return [height - shift for height in moved]


def _draw_svg_in_notebooks() -> None:
    """Make the notebook's figures SVG without a date, so that the same figure is the same text."""
    try:
        from IPython import get_ipython
        from matplotlib_inline.backend_inline import set_matplotlib_formats
    except ImportError:
        return
    if get_ipython() is not None:  # type: ignore[no-untyped-call, unused-ignore]
        set_matplotlib_formats(  # type: ignore[no-untyped-call]
            "svg", metadata={"Date": None, "Creator": None}
        )
