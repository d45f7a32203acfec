"""The table of cells says what they compute; the pictures count and stand where they should."""

import numpy as np
import pytest
from matplotlib import pyplot as plt

from unrolled.cells import FORMS, GRU, MUT1, MUT2, MUT3, LSTMVariant
from unrolled.figures import variants as draw


def rows(models):
    """Return the table's rows as {names: (weights, layers and step)}."""
    lines = draw.differences(models).data.splitlines()[2:]
    cut = [[part.strip() for part in line.strip("| ").split(" | ")] for line in lines]
    return {first.split("<br>")[0]: (first.split("<br>")[1], *rest) for first, *rest in cut}


def test_a_row_says_what_the_cell_computes():
    found = rows({"V": LSTMVariant(3, 4, peepholes=True), "GRU": GRU(3, 4)})
    assert found["V"] == (
        "156",
        r"$i, f = \sigma(x, h, v\,c)$<br>$g = \tanh(x, h)$"
        r"<br>$o = \sigma(x, h, v\,c_t)$<br>$c_t = i\,g + f\,c$<br>$h_t = o\,\tanh(c_t)$",
    )
    assert found["GRU"] == (
        "108",
        r"$r, z = \sigma(x, h)$<br>$n = U(h)$<br>$n' = W(x)$"
        r"<br>$h_t = \tanh(n' + r\,n)\,(1-z) + h\,z$",
    )


def test_the_forms_differ_in_the_table_unless_they_are_one_cell():
    models = {name: LSTMVariant(3, 4, **options) for name, options in FORMS.items()}
    found = rows(models)
    assert [names for names in found if "," in names] == ["torch, NP"]
    assert len(found) == len(FORMS) - 1
    assert r"\bar h" in found["1997"][1]
    assert r"\bar" not in found["V"][1]
    assert r"$c_t = c + i\,(2g)$" in found["1997"][1]
    assert r"h_t = o\,\tanh(c_t/2)" in found["1997"][1]
    assert r"c_t = i\,g + (1-i)\,c" in found["CIFG"][1]
    assert "f_{t-1}" in found["FGR"][1]


def test_an_update_gate_that_writes_has_another_row():
    found = rows({"keeps": GRU(3, 4, reset="before"), "writes": GRU(3, 4, update="write")})
    assert r"h\,z" in found["keeps"][1]
    assert r"h\,(1-z)" in found["writes"][1]


def test_the_table_knows_what_the_search_found():
    found = rows({"MUT1": MUT1(3, 4), "MUT2": MUT2(3, 4), "MUT3": MUT3(3, 4)})
    assert r"$z = \sigma(e)$" in found["MUT1"][1]
    assert r"\sigma(r + e)\,h" in found["MUT2"][1]
    assert r"$z = \sigma(x, \tanh h)$" in found["MUT3"][1]


def test_no_sign_of_the_diagrams_is_left_in_the_table():
    models = {name: LSTMVariant(3, 4, **options) for name, options in FORMS.items()}
    models |= {
        "layer norm": LSTMVariant(3, 4, layer_norm=True),
        "GRU": GRU(3, 4),
        "MUT2": MUT2(3, 4),
    }
    text = draw.differences(models).data
    assert text.isascii()


def test_a_gallery_brings_out_a_way_in_the_cells_that_have_one():
    models = {"plain": GRU(3, 4), "lit": GRU(3, 4)}
    plain, lit = draw.gallery(models, lit={"lit": ["r"]}).axes

    def colours(axes):
        return {text.get_color() for text in axes.texts[:-1]}

    assert len(colours(lit) - colours(plain)) == 1  # what turns pale
    with pytest.raises(ValueError, match="lit"):
        draw.gallery(models, lit={"another": ["r"]})


def test_a_gallery_stacks_its_pictures_without_overlap():
    figure = draw.gallery({"coupled": LSTMVariant(3, 4, coupled=True), "GRU": GRU(3, 4)})
    first, second = (axes.get_position() for axes in figure.axes)
    assert first.y1 == pytest.approx(1)
    assert first.y0 == pytest.approx(second.y1)
    assert second.y0 == pytest.approx(0)
    words = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert {"coupled", "GRU"} <= set(words)


def test_a_wave_is_kept_by_who_is_close_at_every_step():
    wave = np.array([0.0, 1.0, 0.0, 1.0])
    runs = np.stack([wave + 0.1, wave * [1, 1, 1, 1.5], 1 - wave], axis=1)
    figure = draw.waves(wave, {"three": runs}, trained=2, tolerance=0.3)
    assert figure.axes[0].get_title() == "three: 1 of 3 keep the wave"


def test_what_a_search_promised_stands_beside_what_fresh_networks_do():
    best = np.array([[0.4, 0.3, 0.25], [0.5, 0.3, 0.3]])
    rivals = {"LSTM": 0.35}
    (axes,) = draw.promises(best, [0.4, 0.35], rivals, ylabel="error").axes
    dots = next(line for line in axes.lines if line.get_marker() == "o")
    assert dots.get_xdata().tolist() == [3, 3]
    assert dots.get_ydata().tolist() == [0.4, 0.35]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == [
        "0",
        "1",
        "2",
        "fresh\nnetworks",
    ]
    assert "LSTM" in [text.get_text() for text in axes.texts]


MARKS = {"chosen": 0.1, "within": 0.05, "ylabel": "bits"}


def test_a_walk_writes_the_medians_and_may_be_logarithmic():
    errors = [[0.4, 0.1], [0.2, 0.3], [0.3, 0.01]]
    figure = draw.one_change_at_a_time(["a", "b"], {"x": errors, "y": errors}, logarithmic=["y"])
    assert [axes.get_yscale() for axes in figure.axes] == ["linear", "log"]
    assert [text.get_text() for text in figure.axes[0].texts] == ["0.300", "0.100"]
    assert [tick.get_text() for tick in figure.axes[1].get_xticklabels()] == ["a", "b"]


def test_the_band_of_the_first_rates_ends_above_the_best_mean():
    arm = {"held": [[3.0, 2.0], [3.0, 4.0]], "falling": [[2.0, 4.0], [2.0, 4.0]]}
    figure = draw.first_rates([0.01, 0.1], {"one": arm}, **MARKS)
    (band,) = figure.axes[0].patches
    low = band.get_y()
    assert [low, low + band.get_height()] == pytest.approx([2.0, 2.1])
    assert {text.get_text().strip() for text in figure.axes[0].texts} == {"held", "falling"}


WAVE = [0.0, 1.0, 0.0]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (
            lambda: draw.waves(WAVE, {"V": np.zeros((4, 2))}, trained=2, tolerance=0.3),
            r"panels\['V'\] must have shape \(3, networks\), got \(4, 2\)",
        ),
        (
            lambda: draw.waves(WAVE, {"V": np.zeros(3)}, trained=2, tolerance=0.3),
            r"panels\['V'\] must have shape \(3, networks\), got \(3,\)",
        ),
        (
            lambda: draw.waves(WAVE, {}, trained=2, tolerance=0.3),
            "panels must hold at least one, got none",
        ),
        (
            lambda: draw.one_change_at_a_time(["a"], {"x": [[1.0, 2.0]]}),
            r"panels\['x'\] must have shape \(runs, 1\), got \(1, 2\)",
        ),
        (
            lambda: draw.one_change_at_a_time(["a"], {"x": [[1.0]]}, logarithmic=["y"]),
            "logarithmic must be one of x, got 'y'",
        ),
        (
            lambda: draw.first_rates([0.1], {"x": {"held": [1.0], "falling": [1.0, 2]}}, **MARKS),
            r"arms\['x'\]\['falling'\] must have shape \(runs, 1\), got \(1, 2\)",
        ),
        (lambda: draw.gallery({}), "models must hold at least one, got none"),
        (
            lambda: draw.promises([[0.4, 0.3]] * 2, [0.4], {"GRU": 0.3}, ylabel="error"),
            r"fresh must have shape \(2,\), an error for each search, got \(1,\)",
        ),
    ],
)
def test_what_cannot_be_drawn_is_named_and_no_figure_is_left(make, words):
    with pytest.raises(ValueError, match=words):
        make()
    assert not plt.get_fignums()
