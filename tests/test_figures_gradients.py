"""The logic in the pictures of the chapter on gradients."""

import numpy as np
from matplotlib import pyplot as plt

from unrolled.figures import gradients as draw


def test_the_cliff_counts_the_descents_that_leave_the_picture():
    start = np.array([[5.0, -2.4], [5.4, -2.6], [5.6, -2.7]])
    away = np.array([[9.0, 6.0], [5.0, 3.0], [4.2, -2.1]])
    paths = {"clipped": np.stack([start, start]), "not clipped": np.stack([start, away])}
    figure = draw.cliff(paths, shown=0)
    words = [text.get_text() for text in figure.axes[0].texts]
    assert any("2 of 3" in each for each in words)
    plt.close(figure)


def test_a_zero_ends_a_line_on_the_logarithmic_axis():
    figure = draw.by_distance({"norm": (np.array([1.0, 0.1, 0.0]), "gradient")}, ylabel="norm")
    drawn = figure.axes[0].lines[0].get_ydata()
    np.testing.assert_allclose(drawn[:2], [0, -1], atol=1e-12)
    assert np.isnan(drawn[2])
    plt.close(figure)


def test_losses_are_drawn_as_means_and_a_rest_is_left_out():
    figure = draw.learning({"net": (np.arange(25.0)[None], "model")}, smooth=10)
    line = figure.axes[0].lines[0]
    assert line.get_xdata().tolist() == [5, 15]
    assert line.get_ydata().tolist() == [4.5, 14.5]
    plt.close(figure)
