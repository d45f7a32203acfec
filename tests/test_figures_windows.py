import numpy as np
import pytest

from unrolled.figures import windows as draw


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_two_pasts_show_every_value_and_what_follows():
    (axes,) = draw.two_pasts([[1, 7, 8], [2, 7, 8]], ["up", "down"], window=2).axes
    assert len(axes.patches) == 6
    assert {"1", "2", "then up", "then down"} <= set(texts(axes))


def test_pasts_that_differ_in_the_window_are_refused():
    with pytest.raises(ValueError, match="pasts must be equal in their last 2 values"):
        draw.two_pasts([[1, 7, 8], [2, 7, 9]], ["up", "down"], window=2)


def test_two_baselines_are_dashed_each_in_its_own_way():
    errors = {"a": np.array([1.0, 9.0]), "b": np.array([1.0, 1.0]), "c": np.ones((2, 2))}
    meanings = {"a": "baseline", "b": "baseline", "c": "model"}
    (axes,) = draw.errors_by_horizon(errors, meanings, top=2).axes
    a, b, *others = (line.get_linestyle() for line in axes.lines)
    assert len({a, b, *others}) == 3
    assert sorted(texts(axes)) == ["a", "b", "c"]


def test_a_curve_that_leaves_the_picture_is_named_where_it_does():
    errors = {"leaves": np.array([1.0, 1.0, 5.0, 1.0]), "stays": np.ones(4)}
    meanings = dict.fromkeys(errors, "baseline")
    (axes,) = draw.errors_by_horizon(errors, meanings, top=2).axes
    (name,) = (text for text in axes.texts if text.get_text() == "leaves")
    assert 2 < name.get_position()[0] < 3


def test_a_lag_of_zero_has_its_place():
    (axes,) = draw.cue_curves({2: [[1, 1, 0.5]]}, [0, 1, 2], [[1, 1]], [0, 99]).axes
    assert axes.get_xscale() == "symlog"
    assert axes.get_xlim()[0] < 0 < 99 < axes.get_xlim()[1]


def test_forecasts_stand_at_the_end_of_the_series():
    time = np.arange(10.0)
    forecasts = {"a": np.ones((2, 4)), "b": np.zeros(4)}
    (axes,) = draw.beyond_training(time, time, forecasts, {"a": "model", "b": "rival"}).axes
    _, *curves = axes.lines
    assert [line.get_xdata()[0] for line in curves] == [6, 6, 6, 6]


def test_what_a_network_can_say_at_most_is_named_once():
    time, forecasts = np.arange(10.0), {"a": [np.ones(4), np.zeros(4)]}
    (axes,) = draw.beyond_training(time, time, forecasts, {"a": "model"}, ceilings=[7, 8]).axes
    dashed = [line.get_ydata()[0] for line in axes.lines if line.get_linestyle() == "--"]
    assert dashed == [7, 8]
    assert texts(axes).count("their ceilings") == 1


def test_a_panel_for_each_memory():
    figure = draw.memory({"one": np.zeros((5, 3)), "two": np.ones((5, 3))})
    titles = [axes.get_title() or axes.get_title("left") for axes in figure.axes]
    assert titles == ["one", "two"]
    assert [len(axes.lines) for axes in figure.axes] == [4, 4]


def test_a_long_memory_is_drawn_from_end_to_end_in_few_steps():
    (axes,) = draw.memory({"one": np.arange(1000.0)[:, None]}).axes
    _, curve = axes.lines
    assert len(curve.get_xdata()) == 200
    assert (curve.get_xdata() == curve.get_ydata()).all()
    assert curve.get_xdata()[[0, -1]].tolist() == [0, 999]


def test_losses_stop_where_the_held_out_part_is_best():
    (axes,) = draw.learning([4.0, 3, 2, 1], [5.0, 2, 3, 4]).axes
    train, held_out, best = axes.lines
    assert len(train.get_xdata()) == len(held_out.get_xdata()) == 4
    assert (best.get_xdata()[0], best.get_ydata()[0]) == (2, 2)
    assert sorted(texts(axes)) == ["held out", "stop here", "trained on"]


def test_what_was_not_forgotten_stands_beyond_the_last_step():
    steps = {"random": [50, 2000], "only 1": [999, 80]}
    (axes,) = draw.forgetting(steps, longest=1000).axes
    (end,) = (line.get_xdata()[0] for line in axes.lines if line.get_linestyle() == ":")
    random, ones = axes.lines[:2]
    assert random.get_xdata()[0] == 50
    assert random.get_xdata()[1] > end > ones.get_xdata()[0]
    assert {"random", "only 1", "not yet"} <= set(texts(axes))
