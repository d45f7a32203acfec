import numpy as np
import pytest

from unrolled.data import adding


@pytest.mark.parametrize("length", [2, 3, 10, 101])
def test_the_target_is_the_sum_of_the_two_marked_numbers(length):
    inputs, targets = adding(300, length=length, seed=0)
    assert inputs.shape == (length, 300, 2)
    assert inputs.dtype == targets.dtype == np.float32
    values, markers = inputs[:, :, 0], inputs[:, :, 1]
    assert (values >= 0).all()
    assert (values < 1).all()
    assert set(np.unique(markers)) <= {0.0, 1.0}
    assert (markers[: length // 2].sum(axis=0) == 1).all()
    assert (markers[length // 2 :].sum(axis=0) == 1).all()
    assert (values * markers).sum(axis=0) == pytest.approx(targets, abs=1e-6)


def test_every_place_of_a_half_is_marked_and_the_mean_leaves_one_sixth():
    inputs, targets = adding(50_000, length=10, seed=1)
    shares = inputs[:, :, 1].mean(axis=1)
    assert shares == pytest.approx(np.full(10, 0.2), abs=0.01)
    assert targets.mean() == pytest.approx(1, abs=0.01)
    assert targets.var() == pytest.approx(1 / 6, rel=0.02)


def test_the_seed_alone_decides():
    one, same, other = (adding(9, length=4, seed=seed) for seed in (5, 5, 6))
    assert (one.inputs == same.inputs).all()
    assert (one.targets == same.targets).all()
    assert (one.targets != other.targets).any()


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"n": 0, "length": 5}, ValueError, "n must be at least 1, got 0"),
        ({"n": 3, "length": 1}, ValueError, "length must be at least 2, got 1"),
        ({"n": 3, "length": 4.0}, TypeError, "length must be a whole number"),
        ({"n": 3, "length": 4, "seed": -1}, ValueError, "seed must be at least 0, got -1"),
    ],
)
def test_bad_input_is_named(arguments, error, words):
    with pytest.raises(error, match=words):
        adding(**{"seed": 0, **arguments})


@pytest.mark.parametrize("n", [10**8, 2**31 - 1])
def test_more_than_a_memory_holds_is_refused_at_once(n):
    with pytest.raises(ValueError, match=r"n \* length in all must be from 1 to \d+, got \d+"):
        adding(n, length=4, seed=0)
