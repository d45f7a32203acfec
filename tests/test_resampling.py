import numpy as np
import pytest

from unrolled.data import autoregressive
from unrolled.experiments.resampling import block_interval


def coverage(block):
    """How often a 90 % interval holds the true mean, 0, of series whose values resemble."""
    drawn = [autoregressive(300, coefficients=[0.7], seed=seed) for seed in range(200)]
    intervals = [block_interval(x, block=block, draws=300) for x in drawn]
    return np.mean([low < 0 < high for low, high in intervals])


def test_blocks_account_for_resemblance_and_single_values_do_not():
    assert 0.8 < coverage(block=20) < 0.97
    assert coverage(block=1) < 0.7


def test_independent_values_give_the_textbook_interval():
    x = np.random.default_rng(0).standard_normal(2000)
    low, high = block_interval(x, block=1)
    half = 1.645 * x.std() / np.sqrt(len(x))
    assert (low, high) == pytest.approx((x.mean() - half, x.mean() + half), abs=0.1 * half)


def test_the_seed_alone_decides_and_one_block_is_the_series():
    x = np.arange(10.0)
    assert block_interval(x, block=3) == block_interval(x, block=3)
    assert block_interval(x, block=3) != block_interval(x, block=3, seed=1)
    assert block_interval(x, block=10) == (4.5, 4.5)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"block": 4}, "block must be from 1 to 3, got 4"),
        ({"block": 1, "level": 1.0}, "level must be less than 1, got 1"),
        ({"block": 1, "draws": 0}, "draws must be at least 1, got 0"),
    ],
)
def test_bad_input_is_named(options, words):
    with pytest.raises(ValueError, match=words):
        block_interval([1, 2, 3], **options)
