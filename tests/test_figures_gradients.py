"""The logic in the pictures of the chapter on gradients."""

import numpy as np

from unrolled.figures import gradients as draw
from unrolled.figures.style import COLOR


def test_the_cliff_counts_the_descents_that_leave_the_picture():
    start = np.array([[5.0, -2.4], [5.4, -2.6], [5.6, -2.7]])
    away = np.array([[9.0, 6.0], [5.0, 3.0], [4.2, -2.1]])
    paths = {"as it comes": np.stack([start, away]), "clipped": np.stack([start, start])}
    figure = draw.cliff(paths, shown=0)
    left, right = ([text.get_text() for text in axes.texts] for axes in figure.axes)
    assert any("2 of 3" in each for each in left)
    assert "all stay" in right


def test_directions_are_kept_that_are_above_the_threshold_shortest_product_first():
    logs = np.log([[0.5, 0.001], [0.5, 0.2]])  # products of two matrices, and of one
    figure = draw.kept({"net": (logs, "model", 1)}, threshold=0.1)
    line = figure.axes[0].lines[0]
    assert line.get_xdata().tolist() == [1, 2]
    assert line.get_ydata().tolist() == [2, 1]


def test_a_network_that_learned_is_drawn_in_another_colour():
    losses = np.stack([np.full(20, 1.0), np.linspace(1, 0, 20) ** 4])
    figure = draw.rates({"0.1": (losses, np.ones((2, 20)))}, smooth=2)
    fails, learns = (line.get_color() for line in figure.axes[0].lines)
    assert fails == COLOR["model"]
    assert learns == COLOR["rival"]


def test_no_loss_and_no_radius_leaves_its_panel():
    wild = np.full(20, 1.0)
    wild[10:] = 7.0
    figure = draw.rates({"0.1": (wild, 5 * wild), "0.3": (wild / 7, wild)}, smooth=2)
    for axes in figure.axes:
        low, high = axes.get_ylim()
        for line in axes.lines:
            assert low < min(line.get_ydata())
            assert high > max(line.get_ydata())


def test_a_zero_ends_a_line_on_the_logarithmic_axis():
    figure = draw.by_distance({"norm": (np.array([1.0, 0.1, 0.0]), "gradient")}, ylabel="norm")
    drawn = figure.axes[0].lines[0].get_ydata()
    np.testing.assert_allclose(drawn[:2], [0, -1], atol=1e-12)
    assert np.isnan(drawn[2])


def test_losses_are_drawn_as_means_and_a_rest_is_left_out():
    figure = draw.learning({"net": (np.arange(25.0)[None], "model")}, smooth=10)
    line = figure.axes[0].lines[0]
    assert line.get_xdata().tolist() == [5, 15]
    assert line.get_ydata().tolist() == [4.5, 14.5]
