"""What the chapter's page reads from its records: counts, shares and rates that can be told."""

import numpy as np
import pytest

from unrolled.experiments import ledger
from unrolled.experiments import variants as experiments
from unrolled.experiments.variants._tables import CHANGES, TITLES


def record(runs, confirmed=(), **settings):
    made = {"runs": runs, "confirmed": confirmed}
    return {"settings": settings} | {
        block: [{"measured": run} for run in each] for block, each in made.items()
    }


def a_tournament():
    """Four runs: without the tanh half of the lead is gone, in every run and on every task."""
    cells = [*experiments.WALK, "GRU"]
    run = {task: [0.5, 0.4, 0.35, 0.35, 0.3, 0.3] for task in TITLES}
    run |= {f"{task} rate": [0.1, 0, 0, 0, 0, 0.03] for task in TITLES}
    return record([run] * 3, [run], cells=cells, updates=dict.fromkeys(TITLES, 250))


def a_default():
    run = {"LSTM 16 held": [4.0, 3.0], "LSTM 16 falling": [4.0, 2.0]}
    run |= {"GRU 16 held": [2.0, 3.0], "GRU 16 falling": [2.0, 2.0]}
    settings = {"cells": ["LSTM", "GRU"], "widths": [16], "rates": [0.01, 0.1], "updates": 300}
    return record([run], **settings)


def test_what_was_measured_is_that_of_both_blocks():
    assert experiments.measured(record([{"x": 1}], [{"x": 2}])) == [{"x": 1}, {"x": 2}]


def test_a_network_that_solved_is_counted_in_every_run():
    run = {"solved at 0.01": [1.0, 1 / 3], "solved at 0.03": [2 / 3, 0.0]}
    settings = {"networks": 3, "variants": ["V", "NFG"], "rates": [0.01, 0.03]}
    head, v, nfg = experiments.solved(record([run], [run], **settings)).splitlines()
    assert head.startswith("of 6 ")
    assert head.endswith("at 0.01 at 0.03")
    assert v.split()[-2:] == ["6", "4"]
    assert nfg.split() == ["NFG", *CHANGES["NFG"].split(), "2", "0"]


def test_each_variant_of_the_record_has_its_words():
    assert ledger.load("variants.greff")["settings"]["variants"] == list(CHANGES)


def test_the_walk_has_a_panel_a_task_and_a_row_a_run():
    panels = experiments.walk(a_tournament())
    assert list(panels) == list(TITLES.values())
    assert all(runs.shape == (4, 5) for runs in panels.values())


def test_half_of_the_lead_is_said_to_be_half():
    said, tasks, *counts, last, shares = experiments.lead(a_tournament()).splitlines()
    assert "4 runs" in said
    assert len(tasks.split()) == 4
    assert counts[0].split() == ["no", "tanh", "4", "4", "4", "4"]
    assert "no tanh alone" in last
    assert shares.split() == ["50%"] * 4


def test_a_rate_is_as_far_from_the_best_as_in_its_worst_arm():
    first, second = experiments.from_the_best(a_default()).splitlines()
    assert first.split() == ["0.01", "held:", "100%", "above", "the", "best"]
    assert " 50%" in second


def test_the_arms_are_named_as_the_panels_are():
    arms = experiments.by_rate(a_default())
    assert list(arms) == ["LSTM, 16 units", "GRU, 16 units"]
    np.testing.assert_equal(arms["LSTM, 16 units"]["falling"], [[4.0, 2.0]])


@pytest.mark.parametrize(
    ("line", "rates"), [("English, 16 units", ["0.1", "0.01"]), ("one text", ["0.3", "0.03"])]
)
def test_the_best_rates_are_those_of_three_records(line, rates):
    long = record([], cells=["LSTM", "GRU"], rates=[0.3, 0.03], updates=3000)
    lines = experiments.best_rates(a_tournament(), a_default(), long).splitlines()
    assert len(lines) == 1 + 4 + 1 + 1
    assert max(map(len, lines)) <= 44
    assert next(each for each in lines if each.startswith(line)).split()[-2:] == rates
