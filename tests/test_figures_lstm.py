"""The logic in the pictures of the chapter on the LSTM."""

import numpy as np
import pytest
from matplotlib import pyplot as plt

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


def test_gates_are_drawn_in_their_places():
    i, f, g, o = (np.full(3, value) for value in (0.1, 0.2, 0.3, 0.4))
    figure = draw.gates({"one": Gates(i, f, g, o), "two": Gates(f, i, g, o)}, marks=[2])
    drawn = [{line.get_ydata()[0] for line in axes.lines[1:]} for axes in figure.axes]
    assert drawn == [{0.1, 0.2, 0.4}] * 2  # g is none of the three gates
    text = {each.get_text() for each in figure.axes[0].texts}
    assert text == {"i", "f", "o"}


def test_strings_are_told_apart_and_their_symbols_named():
    opened = Gates(*np.arange(4)[:, None, None] / 4 * np.ones((4, 5, 2)))
    figure = draw.along_string("BTEBP", [True, False, False, True, False], opened)
    bands = [axes.images[0].get_array() for axes in figure.axes]
    assert [band.shape for band in bands] == [(2, 5)] * 3
    assert [band[0, 0] for band in bands] == [0, 0.25, 0.75]  # i, f, o
    assert [line.get_xdata()[0] for line in figure.axes[0].lines] == [2.5]
    ticks = [tick.get_text() for tick in figure.axes[-1].get_xticklabels()]
    assert ticks == list("BTEBP")
