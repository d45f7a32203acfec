"""Strip plots: round ticks, axes that hold all, names that no line crosses, marks that differ."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

import evidence_strips
from unrolled.experiments.ledger import Row, Strip, figure

NUMBERS = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=12)


def runs(values):
    return [{"measured": {"error": value}} for value in values]


def strip(**given):
    return Strip(**{"axis": "error", "rows": [Row("error", "the network")], **given})


def places(drawn, kind):
    return [float(x) for x in re.findall(rf'class="{kind}" cx="([-\d.]+)%"', drawn)]


@given(NUMBERS, NUMBERS)
def test_every_run_is_drawn_inside_and_in_its_place(development, confirmation):
    drawn = evidence_strips.strip_plot(strip(), runs(development), runs(confirmation))
    for kind, values in (("evidence-dot", confirmation), ("evidence-hollow", development)):
        found = places(drawn, kind)
        assert len(found) == (len(values) if len(set(values)) > 1 else 1)
        assert all(evidence_strips.LEFT <= x <= evidence_strips.RIGHT for x in found)
        order = sorted(range(len(found)), key=lambda i, values=values: values[i])
        assert all(found[a] <= found[b] for a, b in pairwise(order))


def test_the_bar_is_the_median_of_the_runs_that_count():
    bar = re.compile(r'evidence-median" x1="([\d.]+)%"')
    low, high = evidence_strips.LEFT, evidence_strips.RIGHT
    for confirmation, expected in (([], 0.2), (runs([0.4, 0.5, 0.9]), 0.5)):
        drawn = evidence_strips.strip_plot(
            strip(limits=(0, 1)), runs([0.1, 0.2, 0.3]), confirmation
        )
        assert float(bar.search(drawn)[1]) == pytest.approx(low + (high - low) * expected)


def test_a_picture_says_what_it_shows():
    shown = strip(
        axis="error < 1", lines={"chance": 1.0}, rows=[Row("error", "a & b", published=2.0)]
    )
    drawn = evidence_strips.strip_plot(shown, runs([1, 2, 3]), runs([4, 4]))
    assert (
        'aria-label="error &lt; 1, by run. a &amp; b: 4 at every seed; in development 2 (1 to 3) '
        '(the paper: 2). Line at 1: chance."'
    ) in drawn
    alone = evidence_strips.strip_plot(shown, runs([1, 2, 3]))
    assert "a &amp; b: 2 (1 to 3) (the paper: 2)." in alone


@pytest.mark.parametrize(
    ("low", "high"), [(0, 1), (-3, 7), (0.4, 1), (0.95, 1.2), (1e-9, 3e-9), (0, 1e6), (-1e-3, 101)]
)
def test_ticks_are_few_round_and_on_the_axis(low, high):
    ticks = evidence_strips._ticks(low, high)
    assert 3 <= len(ticks) <= 7
    slack = 1e-9 * (high - low)
    assert low - slack <= ticks[0]
    assert ticks[-1] <= high + slack
    steps = [b - a for a, b in pairwise(ticks)]
    assert max(steps) - min(steps) < 1e-6 * steps[0]
    assert len({figure(tick) for tick in ticks}) == len(ticks)


@pytest.mark.parametrize(
    ("shown", "limits"),
    [([1, 1], None), ([0], None), ([-2, 5], None), ([0.2], [0, 1]), ([3], (0, 1)), ([-2], None)],
)
def test_the_axis_holds_all_that_is_shown(shown, limits):
    low, high = evidence_strips._extent(shown, limits)
    assert low < high
    assert all(low <= value <= high for value in [*shown, *(limits or [])])
    if limits and limits[0] <= min(shown) <= max(shown) <= limits[1]:
        assert (low, high) == tuple(limits)


def test_long_ticks_are_two_or_three():
    for high in (1e-6, 2.4e-14, 1.234e9):
        ticks = evidence_strips._ticks(0.0, high)
        assert 2 <= len(ticks) <= 3
        assert 0 <= min(ticks) < max(ticks) <= high


def test_a_line_to_compare_with_leaves_the_names_of_the_rows_alone():
    begins = [24.0, 68.0]
    drawn = evidence_strips._reference("chance", 50, 0, begins, 44)
    spans = re.findall(r'y1="([\d.]+)" y2="([\d.]+)"', drawn)
    for begin in begins:  # a row's name stands on its first 19 pixels
        assert not any(float(a) < begin + 15 < float(b) for a, b in spans)


def test_a_long_axis_title_is_broken_into_lines_that_fit_on_a_phone():
    drawn = evidence_strips.strip_plot(strip(axis="word " * 20), runs([1, 2]))
    titles = re.findall(r'evidence-title"[^>]*>([^<]*)<', drawn)
    assert len(titles) > 1
    assert max(map(len, titles)) <= evidence_strips.TITLE
