import matplotlib.pyplot as plt
import numpy as np
import pytest

from unrolled.figures import rnn as draw


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_a_telegram_marks_what_differs_and_nothing_else():
    figure = draw.telegram("↑QW", {"right": ["", "1", "2"], "other": ["", "1", "W"]})
    (axes,) = figure.axes
    bold = [text.get_text() for text in axes.texts if text.get_fontweight() == "bold"]
    assert bold == ["W"]
    assert len(axes.patches) == 1


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
