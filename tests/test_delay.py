import numpy as np
import pytest

from unrolled.data import delay


@pytest.mark.parametrize(("steps", "lag"), [(1, 0), (1, 1), (9, 0), (9, 4), (5, 8)])
def test_the_target_is_the_bit_lag_steps_ago(steps, lag):
    inputs, targets = delay(steps, lag=lag, streams=3, seed=0)
    assert inputs.shape == targets.shape == (steps, 3, 1)
    assert inputs.dtype == targets.dtype == np.float32
    assert set(np.unique(inputs)) <= {-1.0, 1.0}
    assert set(np.unique(targets)) <= {0.0, 1.0}
    assert ((inputs[: max(steps - lag, 0)] > 0) == (targets[lag:] == 1)).all()


def test_every_other_bit_says_nothing_about_the_target():
    inputs, targets = delay(4000, lag=3, streams=5, seed=1)
    answers = targets[8:, :, 0].ravel()
    for ago in range(8):
        bits = inputs[8 - ago : 4000 - ago, :, 0].ravel()
        correlation = np.corrcoef(bits, answers)[0, 1]
        assert correlation == pytest.approx(1.0 if ago == 3 else 0.0, abs=0.03)


def test_streams_differ_and_the_seed_alone_decides():
    inputs, _ = delay(50, lag=2, streams=2, seed=5)
    assert (inputs[:, 0] != inputs[:, 1]).any()
    assert (inputs == delay(50, lag=2, streams=2, seed=5).inputs).all()
    assert (inputs != delay(50, lag=2, streams=2, seed=6).inputs).any()


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"steps": 0, "lag": 1, "streams": 1}, ValueError, "steps must be at least 1, got 0"),
        ({"steps": 3, "lag": -1, "streams": 1}, ValueError, "lag must be at least 0, got -1"),
        ({"steps": 3, "lag": 1.5, "streams": 1}, TypeError, "lag must be a whole number"),
        ({"steps": 3, "lag": 1, "streams": 0}, ValueError, "streams must be at least 1, got 0"),
        ({"steps": 3, "lag": 1, "streams": 1, "seed": -1}, ValueError, "seed must be at least 0"),
    ],
)
def test_bad_input_is_named(arguments, error, words):
    with pytest.raises(error, match=words):
        delay(**{"seed": 0} | arguments)


@pytest.mark.parametrize("n", [10**8, 2**31 - 1])
def test_more_than_a_memory_holds_is_refused_at_once(n):
    with pytest.raises(
        ValueError, match=r"\(lag \+ steps\) \* streams in all must be from 1 to \d+, got \d+"
    ):
        delay(n, lag=2, streams=4, seed=0)
