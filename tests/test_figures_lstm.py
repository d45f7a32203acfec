"""The logic in the pictures of the chapter on the LSTM."""

import numpy as np
import pytest
from matplotlib import pyplot as plt

from unrolled.data.reber import EMBEDDED
from unrolled.figures import COLOR
from unrolled.figures import lstm as draw
from unrolled.lstm_numpy import Gates


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
    for name in ("line: state", "dots: output"):
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


def test_what_is_compared_on_the_way_back_has_a_panel_and_an_axis_of_its_own():
    runs = np.array([1.0, 0.1, 0.01])
    panels = {"a": {"net": (runs, "gradient")}, "b": {"net": (1e9 * runs, "gradient")}}
    figure = draw.by_lag(panels, marks=[1, 2])
    assert [axes.get_title() for axes in figure.axes] == ["a", "b"]
    for axes in figure.axes:
        assert axes.get_yscale() == "log"
        vertical = [line.get_xdata()[0] for line in axes.lines if line.get_linestyle() == ":"]
        assert vertical == [1, 2]
    low, high = (axes.get_ylim() for axes in figure.axes)
    assert low[1] < high[0]


def test_names_at_the_ends_of_lines_keep_apart():
    ends = {name: (np.array([1.0, 0.5]), "gradient") for name in ("one", "two", "three")}
    (axes,) = draw.by_lag({"a": ends}).axes
    heights = sorted(np.log10(text.get_position()[1]) for text in axes.texts)
    low, high = np.log10(axes.get_ylim())
    assert min(np.diff(heights)) > 0.09 * (high - low)


def test_the_states_of_a_stream_stand_on_an_axis_that_bends_no_straight_line():
    states = np.outer([1.0, 2.0], np.arange(1, 6))
    left, right = draw.along_stream({"net": (states, states, "model")}, every=20).axes
    assert (left.get_yscale(), right.get_yscale()) == ("linear", "log")


def test_a_network_has_the_same_line_in_each_panel_and_what_is_written_has_the_candidates_colour():
    inputs = np.array([[0.2, 1], [0.9, 0], [0.4, 1]])
    opened = {"f": np.ones((3, 3)), "i·g": np.array([[0.1] * 3, [0.2] * 3, [-0.3] * 3])}
    *_, f, written = draw.inside(inputs, [0.2, 0.2, 0.4], np.zeros((3, 3)), opened).axes
    kinds = [[line.get_linestyle() for line in axes.lines[2:]] for axes in (f, written)]
    assert kinds[0] == kinds[1]
    assert len(set(kinds[0])) == 3
    assert {line.get_color() for line in written.lines[2:]} == {COLOR["gate g"]}
    assert -0.5 < written.get_ylim()[0] < -0.3 < 0.3 < written.get_ylim()[1] < 0.5
    assert 1 < f.get_ylim()[1] < 1.5
    assert [text.get_text() for text in written.texts] == ["i·g"]


@pytest.mark.parametrize("gates", ["ifgo", "f"])
def test_gates_stand_under_the_answer_in_their_order_and_colours(gates):
    inputs = np.array([[0.2, 1], [0.9, 0], [0.4, 1]])
    opened = {gate: np.full((2, 3), 0.1 * k) for k, gate in enumerate(gates)}
    figure = draw.inside(inputs, [0.2, 0.2, 0.4], np.zeros((2, 3)), opened)
    top, *rows = figure.axes
    marks = [line.get_xdata()[0] for line in top.lines if line.get_linestyle() == ":"]
    assert marks == [1, 3]
    assert len(rows) == len(gates)
    for k, (axes, gate) in enumerate(zip(rows, gates, strict=True)):
        drawn = [line for line in axes.lines if line.get_linestyle() != ":"]
        assert [line.get_ydata().tolist() for line in drawn] == [[0.1 * k] * 3] * 2
        assert {line.get_color() for line in drawn} == {COLOR[f"gate {gate}"]}
        assert [text.get_text() for text in axes.texts] == [gate]


def test_what_a_gate_leaves_stands_under_what_the_writing_takes_and_what_the_gate_is_worth():
    how, worth = draw.erasing([0.2, 0.9], [0.3, 0.8], [60, 1], [200, 10]).axes
    by_hand, networks = (line.get_xydata().tolist() for line in how.lines[1:])
    assert (by_hand, networks) == ([[0, 0]], [[0.2, 0.3], [0.9, 0.8]])
    others, own = worth.lines[1:]
    assert own.get_color() == COLOR["gate f"]
    assert own.get_xydata().tolist() == [[0.2, 60], [0.9, 1]]
    assert others.get_ydata().tolist() == [200, 10]
    assert [text.get_text() for text in worth.texts] == ["its own", "all others"]


@pytest.mark.parametrize("wrong", ["taken", "own", "others"])
def test_every_network_has_a_number_of_each_kind(wrong):
    by_name = {name: [0.5, 0.5] for name in ("left", "taken", "own", "others")}
    with pytest.raises(ValueError, match=wrong):
        draw.erasing(**{**by_name, wrong: [0.5]})
    with pytest.raises(ValueError, match="left must hold at least one number"):
        draw.erasing([], [], [], [])


def test_half_is_left_where_the_name_of_a_bias_stands():
    (axes,) = draw.left_by_bias([0, 3], most=100).axes
    _, *curves = axes.lines
    for curve, text in zip(curves, axes.texts, strict=True):
        steps, left = curve.get_data()
        at = text.get_position()[0] / 1.08
        assert np.interp(at, steps, left) == pytest.approx(0.5, abs=0.01)
    assert [text.get_text() for text in axes.texts] == ["0", "3"]


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
        (
            lambda: draw.inside(NUMBERS, [0.2] * 3, np.zeros((1, 3)), {}),
            "opened must hold at least one, got none",
        ),
        (
            lambda: draw.inside(NUMBERS, [0.2] * 3, np.zeros((1, 3)), {"i": np.zeros((1, 2))}),
            r"opened\['i'\] must have 3 steps, got shape \(1, 2\)",
        ),
        (lambda: draw.left_by_bias([], most=9), "biases must hold at least one, got none"),
        (lambda: draw.by_lag({}), "panels must hold at least one, got none"),
    ],
)
def test_what_cannot_be_drawn_is_named_and_no_figure_is_left(make, words):
    with pytest.raises(ValueError, match=words):
        make()
    assert not plt.get_fignums()
