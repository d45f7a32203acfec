"""The logic in the pictures of the chapter on the LSTM."""

import numpy as np
import pytest
from matplotlib import pyplot as plt

from unrolled.data.reber import EMBEDDED
from unrolled.figures import COLOR
from unrolled.figures import lstm as draw
from unrolled.lstm_numpy import Gates


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_marked_values_stand_out_from_the_others():
    inputs = np.array([[0.2, 1], [0.9, 0], [0.4, 1]])
    figure = draw.holding(inputs, [0.2, 0.2, 0.4], {"net": (np.zeros((2, 3)), "model")})
    ignored, wanted, marked, *answers = figure.axes[0].lines
    assert ignored.get_xydata().tolist() == [[2, 0.9]]
    assert wanted.get_ydata().tolist() == [0.2, 0.2, 0.4]
    assert marked.get_xydata().tolist() == [[1, 0.2], [3, 0.4]]
    assert len(answers) == 2


@pytest.mark.parametrize("count", [1, 2, 5])
def test_each_forced_gate_has_its_panel_and_no_empty_one_is_seen(count):
    state = np.ones(4)
    panels = {f"panel {i}": (state, i * state) for i in range(count)}
    figure = draw.forced(panels, 2 * state)
    seen = [axes for axes in figure.axes if axes.axison]
    assert [axes.get_title() for axes in seen] == list(panels)
    shown = [axes.lines[-1].get_ydata()[0] for axes in seen]
    assert shown == list(range(count))


def test_forced_gates_are_drawn_in_the_units_of_the_target():
    target = np.array([0.8, 0.3, 0.6])
    limits, heights = [], []
    for unit in (1, 50):
        axes = draw.forced({"as set": (unit * target, unit * target)}, unit * target).axes[0]
        limits.append(axes.get_ylim())
        heights.append({text.get_text(): text.get_position()[1] for text in axes.texts})
    np.testing.assert_allclose(limits[1], np.multiply(limits[0], 50))
    for name in ("state", "output"):
        assert 0.8 < heights[0][name] < limits[0][1]  # above what is drawn
        assert heights[1][name] == pytest.approx(50 * heights[0][name])


def test_the_reber_graph_has_every_way_once_and_colours_what_must_be_kept():
    (axes,) = draw.reber_graph().axes
    written = [text for text in axes.texts if text.get_text()]
    arrows = [text for text in axes.texts if not text.get_text()]
    ways = [symbol for node in EMBEDDED for symbol in node]
    assert sorted(text.get_text() for text in written) == sorted(ways)
    assert len(arrows) == len(ways)
    nodes = {tuple(line.get_xydata()[0]) for line in axes.lines}
    assert len(nodes) == len(EMBEDDED)
    coloured = [text for text in written if text.get_color() != COLOR["truth"]]
    assert [text.get_text() for text in coloured] == ["T", "P", "T", "P"]
    assert len({text.get_color() for text in coloured}) == 2


def test_a_stream_is_drawn_at_the_last_step_of_each_window():
    states, errors = np.full((3, 5), 2.0), np.full((3, 5), 0.1)
    figure = draw.along_stream({"net": (states, errors, "model")}, every=20)
    left, right = figure.axes
    assert left.lines[0].get_xdata().tolist() == [20, 40, 60, 80, 100]
    assert [line.get_ydata()[0] for line in (left.lines[0], right.lines[0])] == [2.0, 0.1]


def test_marks_stand_at_their_lags():
    figure = draw.by_lag({"net": (np.array([1.0, 0.1, 0.01]), "gradient")}, marks=[1, 2])
    vertical = [line.get_xdata()[0] for line in figure.axes[0].lines if line.get_linestyle() == ":"]
    assert vertical == [1, 2]


@pytest.mark.parametrize("marks", [[], [2], [1, 3]])
def test_gates_are_drawn_in_their_colours_and_named_at_their_ends(marks):
    i, f, g, o = (np.full(3, value) for value in (0.1, 0.2, 0.3, 0.4))
    figure = draw.gates({"one": Gates(i, f, g, o), "two": Gates(f, i, g, o)}, marks=marks)
    expected = [{"i": 0.1, "f": 0.2, "o": 0.4}, {"i": 0.2, "f": 0.1, "o": 0.4}]
    for axes, values in zip(figure.axes, expected, strict=True):
        vertical = [line for line in axes.lines if line.get_linestyle() == ":"]
        assert [line.get_xdata()[0] for line in vertical] == marks
        drawn = {
            line.get_color(): line.get_ydata().tolist()
            for line in axes.lines
            if line not in vertical
        }
        assert drawn == {COLOR[f"gate {name}"]: [value] * 3 for name, value in values.items()}
        named = {text.get_text(): text.get_color() for text in axes.texts}
        assert named == {name: COLOR[f"gate {name}"] for name in values}
        heights = {text.get_text(): text.get_position()[1] for text in axes.texts}
        assert sorted(heights, key=heights.get) == sorted(values, key=values.get)


def test_strings_are_told_apart_and_their_symbols_named():
    opened = Gates(*np.arange(4)[:, None, None] / 4 * np.ones((4, 5, 2)))
    figure = draw.along_string("BTEBP", [True, False, False, True, False], opened)
    bands = [axes.images[0].get_array() for axes in figure.axes]
    assert [band.shape for band in bands] == [(2, 5)] * 3
    assert [band[0, 0] for band in bands] == [0, 0.25, 0.75]  # i, f, o
    assert [line.get_xdata()[0] for line in figure.axes[0].lines] == [2.5]
    ticks = [tick.get_text() for tick in figure.axes[-1].get_xticklabels()]
    assert ticks == list("BTEBP")


HELD = {"net": ([0.2, 0.2, 0.4], "model")}
NUMBERS = np.array([[0.2, 1], [0.9, 0], [0.4, 1]])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (
            lambda: draw.holding(NUMBERS * [1, 0], [0.2] * 3, HELD),
            "number of marks in inputs must be at least 1, got 0",
        ),
        (
            lambda: draw.holding(NUMBERS, [0.2] * 2, HELD),
            r"target must have 3 steps, got shape \(2,\)",
        ),
        (
            lambda: draw.holding(NUMBERS, [0.2] * 3, {"net": (np.zeros((3, 1)), "model")}),
            r"answers\['net'\] must have 3 steps, got shape \(3, 1\)",
        ),
        (lambda: draw.forced({}, [0.2] * 3), "panels must hold at least one, got none"),
        (
            lambda: draw.forced({"f = 1": ([0.2] * 3, [0.2])}, [0.2] * 3),
            r"panels\['f = 1'\] must have 3 steps, got shape \(1,\)",
        ),
        (
            lambda: draw.forced({"f = 1": ([0.0], [0.0])}, [0.0]),
            "largest target must be greater than 0, got 0",
        ),
        (lambda: draw.gates({}, marks=[]), "panels must hold at least one, got none"),
    ],
)
def test_what_cannot_be_drawn_is_named_and_no_figure_is_left(make, words):
    with pytest.raises(ValueError, match=words):
        make()
    assert not plt.get_fignums()
