"""Three cells that write: their sizes, how they are judged, and the ones that are kept."""

import numpy as np
import pytest
import torch

from unrolled.data.text import encode, english
from unrolled.experiments import ledger
from unrolled.experiments.rnn._counts import best_counted_bits
from unrolled.experiments.rnn._writer import WRITER, Text, bits, letters, parts, write, writer
from unrolled.experiments.variants import _kept_writers
from unrolled.experiments.variants._writers import CELLS, WEIGHTS, units, weights, writer_of
from unrolled.experiments.variants.writing import _after, _counts, _learn


@pytest.mark.parametrize("cell", CELLS)
def test_a_budget_buys_as_many_units_as_it_can(cell):
    found = units(cell, budget=2000)
    assert weights(writer_of(cell, budget=2000, seed=0)) <= 2000
    assert weights(writer(0, CELLS[cell], hidden=found + 1)) > 2000


def test_the_budget_is_that_of_the_first_writer():
    assert units("tanh", budget=WEIGHTS) == WRITER["hidden"]
    assert weights(writer_of("tanh", budget=WEIGHTS, seed=0)) == WEIGHTS


def test_a_budget_for_no_unit_is_refused():
    with pytest.raises(ValueError, match="budget must allow one unit, 93 numbers, got 90"):
        units("tanh", budget=90)


def test_the_bits_after_a_context_are_those_of_every_place_by_itself():
    model, codes = writer_of("GRU", budget=500, seed=0), encode(english(30))
    found = _after([2, 4], model, codes)
    for context, mean in zip((2, 4), found, strict=True):
        means = []
        for cut in (0, 2):
            starts = range(cut, len(codes) - 4, 4)
            read = torch.as_tensor(np.stack([codes[i : i + context] for i in starts], axis=1))
            chances = torch.log_softmax(model(letters(read))[0][-1].detach(), dim=1)
            came = [int(codes[i + context]) for i in starts]
            means.append(-float(chances[range(len(came)), came].mean()) / np.log(2))
        assert mean == pytest.approx(np.mean(means), rel=1e-5)


def test_a_network_is_scored_on_the_way():
    codes = encode(english(1500))
    text = Text(codes[:1000], codes[1000:1250], codes[1250:])
    model = writer_of("LSTM", budget=800, seed=0)
    training = {"streams": 4, "steps": 10, "rate": 0.01, "updates": 20}
    curve = _learn(model, text, scored=[1, 20], **training)
    assert len(curve) == 2
    assert curve[1] == pytest.approx(bits(model, text.held_out))
    assert curve[1] < curve[0]


def test_the_order_of_counts_is_chosen_on_the_text_held_out():
    codes = encode(english(3000))
    text = Text(codes[:2000], codes[2000:2500], codes[2500:])
    order, needed = _counts(text, [0, 1, 2])
    held_out = best_counted_bits(text.learn, text.held_out, text.held_out, orders=[0, 1, 2])
    assert order == np.argmin([each for _, each in held_out])
    test = best_counted_bits(text.learn, text.held_out, text.test, orders=[int(order)])
    assert needed == test[0][1]


def test_leads_that_shrink_and_counts_that_win_hold_together_only():
    holds = ledger.find("variants.writing").holds
    good = {"soon": [2.6, 2.4, 2.3], "bits": [1.92, 1.9, 1.88], "counts": 1.8}
    assert holds([good, good])
    for other in (
        {"soon": [2.6, 2.5, 2.3]},
        {"bits": [1.92, 1.93, 1.88]},
        {"bits": [1.92, 1.9, 1.76]},
        {"counts": 1.89},
    ):
        assert not holds([good, good | other])


def test_the_kept_writers_are_of_three_cells_and_learned():
    found, text = _kept_writers.writers(), parts().held_out[:2000]
    assert list(found.weights) == list(found.seconds) == list(CELLS)
    for cell in CELLS:
        early, late = (bits(found.writer(cell, updates), text) for updates in (100, 3000))
        assert late < early - 0.5
        assert found.seconds[cell] > 0
    assert len(write(found.writer("GRU"), 20, seed=0)) == 24


@pytest.mark.parametrize(("cell", "updates"), [("MUT1", 100), ("GRU", 7)])
def test_a_writer_that_is_not_kept_is_refused(cell, updates):
    with pytest.raises(ValueError, match=f"cell and updates must be of .*, got '{cell}' and"):
        _kept_writers.writers().writer(cell, updates)


def test_kept_writers_of_other_settings_are_refused(monkeypatch):
    monkeypatch.setattr(_kept_writers, "SEED", 6)
    with pytest.raises(ValueError, match=r"made with another seed; `make trained`"):
        _kept_writers.writers()
