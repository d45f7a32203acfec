import numpy as np
import pytest

from unrolled.data import cue


@pytest.mark.parametrize(("lag", "length"), [(0, 1), (0, 6), (5, 6), (3, 9)])
def test_the_answer_stands_lag_steps_before_the_last(lag, length):
    inputs, targets = cue(200, lag=lag, length=length, seed=0)
    assert inputs.shape == (200, length, 2)
    assert inputs.dtype == targets.dtype == np.float32
    assert set(np.unique(inputs[:, :, 0])) == {-1.0, 1.0}
    assert (inputs[:, :, 1].sum(axis=1) == 1).all()
    assert (inputs[:, length - 1 - lag, 1] == 1).all()
    assert ((inputs[:, length - 1 - lag, 0] > 0) == (targets == 1)).all()


def test_each_sequence_may_have_its_own_lag():
    lags = np.array([0, 2, 1, 2])
    inputs, targets = cue(4, lag=lags, length=3, seed=1)
    assert (inputs[:, :, 1].argmax(axis=1) == 2 - lags).all()
    assert ((inputs * inputs[:, :, 1:]).sum(axis=1)[:, 0] > 0).tolist() == (targets == 1).tolist()


def test_steps_after_the_cue_say_nothing_about_it():
    inputs, targets = cue(20_000, lag=4, length=8, seed=0)
    others = np.delete(inputs[:, :, 0], 3, axis=1)
    correlation = [np.corrcoef(column, targets)[0, 1] for column in others.T]
    assert np.abs(correlation).max() < 0.03
    assert targets.mean() == pytest.approx(0.5, abs=0.02)


def test_the_seed_alone_decides():
    assert (cue(9, lag=2, length=4, seed=5).inputs == cue(9, lag=2, length=4, seed=5).inputs).all()
    assert (cue(9, lag=2, length=4, seed=5).inputs != cue(9, lag=2, length=4, seed=6).inputs).any()


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"n": 0, "lag": 0, "length": 1}, ValueError, "n must be at least 1"),
        (
            {"n": 2, "lag": 3, "length": 3},
            ValueError,
            "lag must lie from 0 to .* = 2, got 3",
        ),
        (
            {"n": 2, "lag": -1, "length": 3},
            ValueError,
            "lag must lie from 0 to .* = 2, got -1",
        ),
        ({"n": 2, "lag": 1.5, "length": 3}, TypeError, "lag must hold whole numbers"),
        ({"n": 2, "lag": [1, 2, 3], "length": 3}, ValueError, r"have shape \(2,\), got shape \(3,"),
    ],
)
def test_bad_input_is_named(arguments, error, words):
    with pytest.raises(error, match=words):
        cue(**arguments, seed=0)


@pytest.mark.parametrize("n", [10**8, 2**31 - 1])
def test_more_than_a_memory_holds_is_refused_at_once(n):
    with pytest.raises(ValueError, match=r"n \* length in all must be from 1 to \d+, got \d+"):
        cue(n, lag=1, length=4, seed=0)
