from typing import get_args

import numpy as np
import pytest

from unrolled.data.timing import Wave, periodic, spike_delays, timed_spikes


def intervals(train):
    """Return the steps between spikes, the first counted from time 0."""
    return np.diff(np.flatnonzero(train) + 1, prepend=0)


@pytest.mark.parametrize("kind", get_args(Wave))
@pytest.mark.parametrize("period", [3, 4, 10, 25])
def test_a_wave_repeats_after_a_period_and_not_before(kind, period):
    wave = periodic(kind, period=period, steps=4 * period)
    assert wave.shape == (4 * period,)
    assert wave.dtype == np.float32
    assert (wave[period:] == wave[:-period]).all()
    for shorter in range(1, period):
        assert (wave[shorter:] != wave[:-shorter]).any()
    assert wave.min() == 0
    assert wave.max() <= 1
    assert wave[period - 1] == 0  # step t = F


def test_the_waves_have_the_values_of_their_formulas():
    assert periodic("triangle", period=10, steps=10) == pytest.approx(
        [0.2, 0.4, 0.6, 0.8, 1.0, 0.8, 0.6, 0.4, 0.2, 0.0]
    )
    assert periodic("rectangle", period=10, steps=10).tolist() == [0] * 5 + [1] * 4 + [0]
    assert periodic("rectangle", period=25, steps=25).tolist() == [0] * 12 + [1] * 12 + [0]
    t = np.arange(1, 41)
    expected = np.sin(np.pi * t / 10) ** 2
    assert periodic("cosine", period=10, steps=40) == pytest.approx(expected, abs=1e-6)


def test_a_wave_cut_short_is_the_beginning_of_a_longer_one():
    assert (
        periodic("cosine", period=7, steps=3) == periodic("cosine", period=7, steps=30)[:3]
    ).all()


def test_at_each_spike_the_target_is_the_delay_before_it():
    inputs, targets, mask = spike_delays(200, steps=300, minimum=10, spread=3, seed=0)
    assert inputs.shape == (300, 200, 1)
    assert targets.shape == mask.shape == (300, 200)
    assert inputs.dtype == targets.dtype == np.float32
    assert mask.dtype == np.bool_
    assert set(np.unique(inputs)) == {0, 1}
    assert (mask == (inputs[:, :, 0] == 1)).all()
    assert (targets[~mask] == 0).all()
    for train, target in zip(inputs[:, :, 0].T, targets.T, strict=True):
        assert (intervals(train) == 10 + target[train == 1]).all()
        assert 300 - np.flatnonzero(train)[-1] - 1 < 10 + 3  # none is missing at the end


def test_all_delays_are_as_likely_and_the_mean_has_the_error_that_is_said():
    _, targets, mask = spike_delays(500, steps=1_000, minimum=5, spread=4, seed=1)
    # a hundred of every train: at the end of the steps long intervals are the first to be cut off
    first = np.concatenate([t[m][:100] for t, m in zip(targets.T, mask.T, strict=True)])
    assert len(first) == 500 * 100
    assert np.bincount(first.astype(int)) / len(first) == pytest.approx(np.full(5, 0.2), abs=0.01)
    assert ((first - 4 / 2) ** 2).mean() == pytest.approx(4 * 6 / 12, rel=0.03)


def test_generating_spikes_is_measuring_them_with_the_roles_reversed():
    given = {"steps": 120, "minimum": 7, "spread": 2, "seed": 3}
    measured, timed = spike_delays(50, **given), timed_spikes(50, **given)
    assert timed.inputs.shape == (120, 50, 1)
    assert timed.targets.shape == (120, 50)
    assert timed.inputs.dtype == timed.targets.dtype == np.float32
    assert (timed.targets == measured.inputs[:, :, 0]).all()
    assert (timed.inputs[:, :, 0][measured.mask] == measured.targets[measured.mask]).all()


def test_a_delay_is_shown_through_its_interval_and_no_longer():
    inputs, targets = timed_spikes(50, steps=120, minimum=7, spread=2, seed=4)
    for shown, train in zip(inputs[:, :, 0].T, targets.T, strict=True):
        parts = np.split(shown, np.flatnonzero(train) + 1)
        for part in parts[:-1]:
            assert len(set(part)) == 1
            assert len(part) == 7 + part[0]
        assert len(set(parts[-1])) <= 1


def test_without_a_delay_a_spike_is_due_every_period_and_nothing_is_shown():
    inputs, targets = timed_spikes(3, steps=40, minimum=10, spread=0, seed=0)
    assert not inputs.any()
    assert [np.flatnonzero(train).tolist() for train in targets.T] == [[9, 19, 29, 39]] * 3


@pytest.mark.parametrize("seed", range(20))
def test_the_shortest_train_has_a_spike(seed):
    assert spike_delays(1, steps=12, minimum=10, spread=2, seed=seed).mask.sum() == 1
    assert spike_delays(1, steps=2, minimum=1, spread=1, seed=seed).mask.any()


@pytest.mark.parametrize("draw", [spike_delays, timed_spikes])
def test_the_seed_alone_decides(draw):
    one, same, other = (
        draw(9, steps=50, minimum=5, spread=3, seed=seed).inputs for seed in (5, 5, 6)
    )
    assert (one == same).all()
    assert (one != other).any()


GIVEN = {"steps": 50, "minimum": 5, "spread": 3, "seed": 0}


@pytest.mark.parametrize(
    ("draw", "error", "words"),
    [
        (lambda: periodic("sine", period=9, steps=9), ValueError, "kind must be one of .*'sine'"),
        (lambda: periodic("cosine", period=2, steps=9), ValueError, "period must be at least 3"),
        (lambda: periodic("cosine", period=9.5, steps=9), TypeError, "period must be a whole"),
        (lambda: periodic("cosine", period=9, steps=0), ValueError, "steps must be at least 1"),
        (lambda: spike_delays(0, **GIVEN), ValueError, "n must be at least 1, got 0"),
        (lambda: spike_delays(1, **GIVEN | {"steps": 7}), ValueError, "steps must be at least 8"),
        (lambda: spike_delays(1, **GIVEN | {"minimum": 0}), ValueError, "minimum must be at least"),
        (lambda: spike_delays(1, **GIVEN | {"spread": 0}), ValueError, "spread must be at least 1"),
        (lambda: spike_delays(1, **GIVEN | {"seed": -1}), ValueError, "seed must be at least 0"),
        (lambda: timed_spikes(1, **GIVEN | {"spread": -1}), ValueError, "spread must be at least"),
        (lambda: timed_spikes(1, **GIVEN | {"steps": 7}), ValueError, "steps must be at least 8"),
    ],
)
def test_bad_input_is_named(draw, error, words):
    with pytest.raises(error, match=words):
        draw()


@pytest.mark.parametrize("n", [2 * 10**8, 2**31 - 1])
@pytest.mark.parametrize(
    "draw",
    [
        lambda n: periodic("cosine", period=4, steps=n),
        lambda n: spike_delays(n, steps=9, minimum=4, spread=4, seed=0),
        lambda n: timed_spikes(9, steps=n, minimum=4, spread=4, seed=0),
    ],
)
def test_more_than_a_memory_holds_is_refused_at_once(draw, n):
    with pytest.raises(ValueError, match=r" must be from 1 to \d+, got \d+"):
        draw(n)
