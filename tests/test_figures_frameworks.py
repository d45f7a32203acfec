import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib import colors as mcolors

from unrolled.figures import COLOR
from unrolled.figures import frameworks as draw


def test_each_library_has_a_panel_with_all_its_networks():
    years, counts = np.arange(1921.0, 1931), np.arange(10.0)
    said = {"one": [counts + 1, counts + 2], "other": [counts - 1]}
    figure = draw.by_library(years, counts, said)
    assert [axes.get_title() for axes in figure.axes] == ["one", "other"]
    for axes, runs in zip(figure.axes, said.values(), strict=True):
        dots, *lines = axes.lines
        assert list(dots.get_ydata()) == list(counts)
        assert [list(line.get_ydata()) for line in lines] == [list(run) for run in runs]


def test_a_tile_is_blue_where_an_output_has_heard_a_step():
    triangle = np.tril(np.ones((3, 3)))
    figure = draw.heard({"forwards": triangle, "backwards": triangle.T, "none": 0 * triangle})
    panels = [axes for axes in figure.axes if axes.axison]
    assert [axes.get_title() for axes in panels] == ["forwards", "backwards", "none"]
    for axes, heard in zip(panels, (triangle, triangle.T, 0 * triangle), strict=True):
        for tile in axes.patches:
            step, place = (round(each - 0.54) for each in tile.get_xy())
            blue = mcolors.same_color(tile.get_facecolor(), COLOR["input"])
            assert blue == bool(heard[place, step])
        assert axes.yaxis_inverted()


def test_distances_are_powers_of_ten_and_named_at_their_ends():
    figure = draw.apart(
        {"near": ([1e-8, 1e-7], "baseline"), "far": ([1e-2, 1e-1], "model")},
        xlabel="epoch",
        ylabel="difference",
    )
    (axes,) = figure.axes
    assert [list(line.get_ydata()) for line in axes.lines] == [
        pytest.approx([-8, -7]),
        pytest.approx([-2, -1]),
    ]
    assert [list(line.get_xdata()) for line in axes.lines] == [[1, 2]] * 2
    assert {text.get_text(): text.get_color() for text in axes.texts} == {
        "near": COLOR["baseline"],
        "far": COLOR["model"],
    }


def test_no_distance_leaves_a_gap_and_its_name_where_the_line_ends():
    figure = draw.apart({"a": ([1.0, 0.01, 0.0], "model")}, xlabel="epoch", ylabel="difference")
    (axes,) = figure.axes
    assert np.isnan(axes.lines[0].get_ydata()[2])
    assert axes.texts[0].get_position()[1] == pytest.approx(-2)
    with pytest.raises(ValueError, match="distances\\['a'\\] must be above 0 somewhere"):
        draw.apart({"a": ([0.0, 0.0], "model")}, xlabel="epoch", ylabel="difference")


def test_what_is_let_through_is_filled():
    kept = np.array([[1, 0], [1, 1], [0, 1]])
    figure = draw.masks({"a": kept})
    (axes,) = figure.axes
    blue = plt.matplotlib.colors.to_rgba(COLOR["input"])
    filled = {
        (round(patch.get_x()), round(patch.get_y()))
        for patch in axes.patches
        if patch.get_facecolor() == blue
    }
    assert len(axes.patches) == kept.size
    assert filled == {(step + 1, unit) for step, unit in np.argwhere(kept)}
