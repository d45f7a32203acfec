import numpy as np
import pytest

from unrolled.cells import Elman
from unrolled.figures import rnn as draw


def test_a_telegram_marks_what_differs_and_nothing_else():
    figure = draw.telegram("↑QW", {"right": ["", "1", "2"], "other": ["", "1", "W"]})
    (axes,) = figure.axes
    bold = [text.get_text() for text in axes.texts if text.get_fontweight() == "bold"]
    assert bold == ["W"]
    assert len(axes.patches) == 1


def test_keys_that_print_nothing_are_drawn_as_signs():
    (axes,) = draw.telegram(["FIGS", "Q"], {"right": ["", "1"]}).axes
    assert {"↑", "Q", "1"} <= {text.get_text() for text in axes.texts}


def test_a_stretch_is_broken_before_words_and_shown_whole():
    starts = [letter.isupper() for letter in "ManyYearsAgoABoyAndGirl"]
    errors = np.arange(float(len(starts)))
    runs = [errors, errors + 1]
    figure = draw.letters_foreseen("manyyearsagoaboyandgirl", starts, runs, errors / 2, lines=3)
    lines = ["".join(t.get_text() for t in axes.get_xticklabels()) for axes in figure.axes]
    assert lines == ["manyyears", "agoaboy", "andgirl"]
    heights = [bar.get_height() for axes in figure.axes for bar in axes.patches]
    assert heights == pytest.approx(errors + 0.5)
    strokes = [line[0, 1] for axes in figure.axes for line in axes.collections[0].get_segments()]
    assert strokes == pytest.approx(errors / 2)


def test_a_tree_names_every_word_in_the_colour_of_its_kind():
    rng = np.random.default_rng(0)
    figure = draw.tree_of_words(["dog", "cat", "run"], [True, True, False], rng.random((3, 4)))
    colors = {t.get_text(): t.get_color() for t in figure.axes[0].get_yticklabels()}
    assert sorted(colors) == ["cat", "dog", "run"]
    assert colors["dog"] == colors["cat"] != colors["run"]


def test_a_states_case_and_what_follows_a_shift_are_named():
    states = [[0, 1], [1, 1], [0, 0], [1, 0]]
    figure = draw.printer_states(states, [0, 1, 0, 1], [0, 0, 1, 1])
    named = {text.get_text() for text in figure.axes[0].texts}
    assert named == {"letters", "figures", "just after ↓", "just after ↑"}


def test_states_that_lie_together_are_named_together():
    states = [[0, 0], [0, 0.1], [0, 1], [5, 0], [5, 1], [5, 1.1]]
    names, figures = ["Q", "W", "E", "1", "2", ""], [0, 0, 0, 1, 1, 1]
    (axes,) = draw.printer_states(states, figures, [0] * 6, names=names).axes
    assert [t.get_text() for t in axes.texts] == ["letters", "figures", "QW", "E", "1", "2"]


def test_a_curve_stands_beside_every_count():
    figure = draw.writing_curve([10, 100], [[4, 3], [4, 2.9]], {0: 4.2, 3: 2.2})
    (axes,) = figure.axes
    names = {text.get_text() for text in axes.texts}
    assert names == {"2 networks", "counts of 0", "counts of 3"}
    heights = {float(line.get_ydata()[0]) for line in axes.lines if line.get_linestyle() == "--"}
    assert heights == {4.2, 2.2}


def test_a_text_is_shown_whole_on_the_colours_of_a_unit():
    text = "it reads " * 5
    figure = draw.unit_over_text(text, {"a": [1.0] * 45, "b": [-1.0] * 45}, width=10)
    one, other = figure.axes
    assert "".join(t.get_text() for t in one.texts) == text
    colors = [{patch.get_facecolor() for patch in axes.patches} for axes in (one, other)]
    assert len(colors[0]) == len(colors[1]) == 1
    assert colors[0] != colors[1]


def test_errors_by_updates_show_where_a_rule_has_stopped():
    figure = draw.by_updates({"a": ([[1, 0.5]], 0.4), "b": ([[1, 0.7]], 0.3)}, stopped=[1])
    for axes, last in zip(figure.axes, (0.5, 0.7), strict=True):
        errors, linear, stop = axes.lines
        assert errors.get_ydata()[-1] == last
        assert linear.get_ydata()[0] < last
        assert stop.get_xdata()[0] == 1


def test_chances_forecasts_ways_and_reach_are_drawn():
    figure = draw.chances(["a", " "], {0.5: [0.9, 0.1], 1.0: [0.7, 0.3]})
    assert [bar.get_height() for bar in figure.axes[1].patches] == [0.7, 0.3]
    assert figure.axes[1].get_xticklabels()[1].get_text() == "␣"
    figure = draw.forecasts([1, 2], [5, 6], [[5, 5], [6, 6]], [4, 4])
    assert len(figure.axes[0].lines) == 4
    figure = draw.reach({"loop": ([[1, 0.5], [0.9, 0.4]], "model")}, [1.2, -0.4])
    assert len(figure.axes[0].lines) == 4
    assert len(draw.two_ways(Elman(2, 3)).axes) == 2
