import numpy as np
import pytest
from matplotlib.patches import FancyArrowPatch

from unrolled.figures import bptt as draw
from unrolled.figures.style import COLOR


def ramps(start):
    """Return losses of three networks over forty updates, the second the median."""
    return np.linspace(start, start / 100, 40)[:, None] * np.array([0.5, 1.0, 4.0])


def test_losses_show_every_run_and_their_median_and_a_name_at_its_end():
    panels = {"one": {"A": ramps(2.0), "B": ramps(1.0)}, "two": {"A": ramps(1.0), "B": ramps(3.0)}}
    figure = draw.loss_curves(panels, smooth=10)
    for axes, curves in zip(figure.axes, panels.values(), strict=True):
        assert axes.get_yscale() == "log"
        low, high = axes.get_ylim()
        names = {text.get_text(): text for text in axes.texts}
        for name in "AB":
            drawn = [each for each in axes.lines if each.get_color() == names[name].get_color()]
            assert len(drawn) == 4
            *runs, middle = (each.get_ydata() for each in drawn)
            assert middle == pytest.approx(curves[name][:, 1].reshape(4, 10).mean(axis=1))
            assert sorted(run[0] for run in runs)[1] == pytest.approx(middle[0])
            assert low < min(map(min, runs))
            assert high > max(map(max, runs))  # nothing leaves the panel
        heights = {name: text.get_position()[1] for name, text in names.items()}
        lowest, middle, highest = sorted(heights.values())
        assert lowest == pytest.approx(min(curves[name][-10:, 1].mean() for name in "AB"))
        assert middle >= 5 * lowest  # names do not lie on each other
        assert highest >= 5 * middle
        assert sorted("AB", key=heights.get) == sorted("AB", key=lambda each: curves[each][-1, 1])


def thick(figure):
    """Return how many arrows of the first panel stand out."""
    arrows = [each for each in figure.axes[0].patches if isinstance(each, FancyArrowPatch)]
    return sum(each.get_linewidth() > 3 for each in arrows), len(arrows)


@pytest.mark.parametrize(("along", "on"), [((), 0), ((2,), 2), ((1, 2), 3), ((1, 2, 3), 4)])
def test_a_path_is_picked_out(along, on):
    assert thick(draw.paths(["a", "b", "c"], along=along)) == (on, 8)


@pytest.mark.parametrize("along", [(0,), (4,), (1, 3), (2, 1)])
def test_a_path_that_there_is_not_is_refused(along):
    with pytest.raises(ValueError, match="along must"):
        draw.paths(along=along)


def test_what_flows_back_is_what_the_sweep_says():
    figure = draw.flows_back()
    said = {t.get_text() for t in figure.axes[0].texts if t.get_color() == COLOR["gradient"]}
    assert {r"$U^\top \delta_t$", r"$U^\top \delta_{t+1}$", r"$\delta_t$"} <= said
    assert r"their sum: $\partial E/\partial h_t$" in said
    arrows = [each for each in figure.axes[0].patches if isinstance(each, FancyArrowPatch)]
    assert len(arrows) == 10  # five ways, there and back


def test_a_row_of_dots_and_its_median_for_each_way_back():
    losses = {"A": [0.1, 0.2, 0.4], "Q": [0.01, 0.3, 0.5]}
    (axes,) = draw.ways_back(losses).axes
    assert [each.get_text() for each in axes.get_yticklabels()] == ["A", "Q"]
    _, *drawn = axes.lines  # the first is chance
    for dots, bar, runs in zip(drawn[::2], drawn[1::2], losses.values(), strict=True):
        assert list(dots.get_xdata()) == runs
        assert set(bar.get_xdata()) == {np.median(runs)}
    low, high = axes.get_xlim()
    assert low < 0.01
    assert high > np.log(2)


def test_losses_and_norms_stand_above_each_other_with_their_lines():
    upper, lower = draw.training([3.0, 2.0], [0.5, 0.25], without=2.9, clip=1.0).axes
    for axes, values, height, name in (
        (upper, [3.0, 2.0], 2.9, "letter frequencies alone"),
        (lower, [0.5, 0.25], 1.0, "clip"),
    ):
        curve, line = axes.lines
        assert list(curve.get_ydata()) == values
        assert set(line.get_ydata()) == {height}
        assert [text.get_text() for text in axes.texts] == [name]
