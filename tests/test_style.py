import itertools
import os
import subprocess
import sys

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from unrolled.figures import COLOR, GATES, SERIES, STATES, label, label_ends, use_style


@pytest.fixture
def axes():
    return plt.subplots()[1]


def linear(color):
    """Undo sRGB's gamma."""
    rgb = np.array(to_rgb(color))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def luminance(color):
    return linear(color) @ [0.2126, 0.7152, 0.0722]


def in_dark_mode(color):
    """What the page's style sheet makes of a colour: invert(0.93) hue-rotate(180deg)."""
    rgb = 0.93 * (1 - np.array(to_rgb(color))) + 0.07 * np.array(to_rgb(color))
    weights = np.array([0.213, 0.715, 0.072])
    return np.clip(2 * (rgb @ weights) - rgb, 0, 1)  # the rotation by half a turn


def contrast(one, other):
    bright, dark = sorted([luminance(one), luminance(other)], reverse=True)
    return (bright + 0.05) / (dark + 0.05)


# Viénot, Brettel & Mollon (1999): how a dichromat sees linear RGB.
DEUTERANOPIA = np.array([[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]])
PROTANOPIA = np.array([[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]])


def lab(rgb_linear):
    xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    ) @ np.clip(rgb_linear, 0, 1)
    f = np.cbrt(xyz / [0.9505, 1.0, 1.089])
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("meaning", COLOR)
def test_every_colour_is_readable_as_text_in_light_and_dark(meaning):
    assert contrast(COLOR[meaning], "white") >= 4.5
    assert contrast(in_dark_mode(COLOR[meaning]), in_dark_mode("white")) >= 4.5


@pytest.mark.parametrize("group", [STATES, GATES, SERIES], ids=["states", "gates", "series"])
@pytest.mark.parametrize(
    "seen", [np.eye(3), DEUTERANOPIA, PROTANOPIA], ids=["all", "deuteranope", "protanope"]
)
def test_colours_that_meet_in_a_picture_differ_for_every_eye(group, seen):
    for one, other in itertools.combinations(group.values(), 2):
        difference = np.linalg.norm(lab(seen @ linear(one)) - lab(seen @ linear(other)))
        assert difference > 15, (one, other)


def test_labels_take_their_colour_from_what_they_name(axes):
    label(axes, 0.1, 0.2, "h", "hidden")
    (text,) = axes.texts
    assert text.get_color() == COLOR["hidden"]
    with pytest.raises(ValueError, match=r"meaning must be one of input, .*got 'red'"):
        label(axes, 0, 0, "h", "red")


def test_names_at_the_ends_of_lines_do_not_overlap(axes):
    ends = {"a": (1.0, "truth"), "b": (1.01, "model"), "c": (5.0, "rival"), "d": (0.99, "baseline")}
    label_ends(axes, 0, ends, gap=0.5)
    heights = {text.get_text(): text.get_position()[1] for text in axes.texts}
    assert sorted(heights, key=heights.get) == ["d", "a", "b", "c"]
    assert np.diff(sorted(heights.values())).min() >= 0.5 - 1e-9


def test_the_style_is_set_and_the_same_figure_is_the_same_text(tmp_path):
    with mpl.rc_context():
        use_style()
        assert mpl.rcParams["savefig.facecolor"] == "white"
        for name in ("one.svg", "two.svg"):
            figure, axes = plt.subplots()
            axes.plot([1, 2])
            figure.savefig(tmp_path / name, metadata={"Date": None})
    assert (tmp_path / "one.svg").read_text() == (tmp_path / "two.svg").read_text()


def test_importing_the_package_loads_neither_torch_nor_matplotlib():
    script = "import sys, unrolled; print({'torch', 'matplotlib', 'numpy'} & set(sys.modules))"
    path = {"PYTHONPATH": os.pathsep.join(sys.path)}
    found = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=path
    )
    assert found.stdout.strip() == "set()"
