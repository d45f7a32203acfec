import numpy as np
import pytest

from unrolled.data import order


@pytest.mark.parametrize("length", [10, 15, 20, 37, 100])
def test_two_symbols_in_their_places_and_distractors_elsewhere(length):
    inputs, targets = order(400, length=length, seed=0)
    assert inputs.shape == (length, 400, 6)
    assert inputs.dtype == np.float32
    assert targets.dtype == np.int64
    assert (inputs.sum(axis=2) == 1).all()
    symbols = inputs.argmax(axis=2)
    assert ((symbols < 2).sum(axis=0) == 2).all()
    for sequence, target in zip(symbols.T, targets, strict=True):
        first, second = np.flatnonzero(sequence < 2)
        assert 1 * length // 10 <= first <= 2 * length // 10
        assert 5 * length // 10 <= second <= 6 * length // 10
        assert target == 2 * sequence[first] + sequence[second]


def test_both_ends_of_a_place_occur_and_all_classes_and_distractors_are_as_frequent():
    inputs, targets = order(20_000, length=20, seed=1)
    symbols = inputs.argmax(axis=2)
    seen = np.flatnonzero((symbols < 2).any(axis=1))
    assert seen.tolist() == [2, 3, 4, 10, 11, 12]
    assert np.bincount(targets) / 20_000 == pytest.approx(np.full(4, 0.25), abs=0.015)
    distractors = np.bincount(symbols[symbols >= 2])[2:]
    assert distractors / distractors.sum() == pytest.approx(np.full(4, 0.25), abs=0.01)


def test_nothing_but_the_pair_tells_the_class():
    inputs, targets = order(20_000, length=10, seed=2)
    symbols = inputs.argmax(axis=2)
    distractor = symbols[[0, 3, 4, 7, 8, 9]] - 2
    for row in distractor:
        joint = np.histogram2d(row, targets, bins=[4, 4])[0] / 20_000
        assert joint == pytest.approx(np.full((4, 4), 1 / 16), abs=0.008)


def test_the_seed_alone_decides():
    one, same, other = (order(9, length=10, seed=seed) for seed in (5, 5, 6))
    assert (one.inputs == same.inputs).all()
    assert (one.targets == same.targets).all()
    assert (one.inputs != other.inputs).any()


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"n": 0, "length": 10}, ValueError, "n must be at least 1, got 0"),
        ({"n": 3, "length": 9}, ValueError, "length must be at least 10, got 9"),
        ({"n": 3, "length": "10"}, TypeError, "length must be a whole number"),
        ({"n": 3, "length": 10, "seed": -1}, ValueError, "seed must be at least 0, got -1"),
    ],
)
def test_bad_input_is_named(arguments, error, words):
    with pytest.raises(error, match=words):
        order(**{"seed": 0, **arguments})


@pytest.mark.parametrize("n", [10**8, 2**31 - 1])
def test_more_than_a_memory_holds_is_refused_at_once(n):
    with pytest.raises(ValueError, match=r"n \* length in all must be from 1 to \d+, got \d+"):
        order(n, length=10, seed=0)
