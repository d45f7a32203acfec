import pytest
from matplotlib.colors import to_hex

from unrolled.figures import writing as draw
from unrolled.figures.style import COLOR


def test_rows_go_on_from_piece_to_piece():
    figure = draw.rows_that_go_on("abcdefghijkl", rows=2, steps=3)
    (axes,) = figure.axes
    letters = [t for t in axes.texts if len(t.get_text()) == 1]
    heights = sorted({t.get_position()[1] for t in letters}, reverse=True)
    rows = ["".join(t.get_text() for t in letters if t.get_position()[1] == y) for y in heights]
    assert rows == ["abcdef", "ghijkl"]
    assert len(axes.patches) == 4
    arrows = [t for t in axes.texts if t.get_text() == ""]
    assert [t.xy[1] for t in arrows] == heights  # each into its own row
    names = {t.get_text() for t in axes.texts if len(t.get_text()) > 1}
    assert names == {"row 0", "row 1", "piece 0", "piece 1"}


@pytest.mark.parametrize("text", ["abcde", "a"])
def test_a_text_that_fills_no_pieces_is_refused(text):
    with pytest.raises(ValueError, match="text must fill pieces of 2 rows and 2 steps, got"):
        draw.rows_that_go_on(text, rows=2, steps=2)


def test_cells_that_learn_are_drawn_by_updates_and_by_time():
    runs = {"tanh": [[4, 3], [4, 2.9]], "GRU": [[4.1, 2.5]]}
    figure = draw.learning_together([10, 100], runs, {"tanh": 0.01, "GRU": 0.02})
    above, below = figure.axes
    assert [list(line.get_xdata()) for line in above.lines] == [[10, 100]] * 3
    assert [list(line.get_xdata()) for line in below.lines] == [[0.1, 1], [0.1, 1], [0.2, 2]]
    colors = [to_hex(line.get_color()) for line in above.lines]
    assert colors == [COLOR["hidden"], COLOR["hidden"], COLOR["input"]]
    assert {text.get_text() for text in above.texts} == {"tanh", "GRU"}
