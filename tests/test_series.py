import numpy as np
import pytest

from unrolled.data import autoregressive, random_walk, seasonal, sunspots


def test_sunspots_are_the_series_of_the_literature():
    years, values = sunspots()
    assert years.shape == values.shape == (309,)
    assert (years == np.arange(1700, 2009)).all()
    assert values.min() == 0
    assert years[values.argmax()] == 1957


def test_the_caller_owns_what_sunspots_returns():
    sunspots().values[:] = -1
    assert sunspots().values.min() == 0


@pytest.mark.parametrize(
    "draw",
    [
        lambda seed: random_walk(50, seed=seed),
        lambda seed: seasonal(50, period=7, noise=0.3, seed=seed),
        lambda seed: autoregressive(50, coefficients=[0.5, -0.2], seed=seed),
    ],
)
def test_the_seed_alone_decides(draw):
    assert draw(0).shape == (50,)
    assert (draw(0) == draw(0)).all()
    assert (draw(0) != draw(1)).any()


def test_random_walk_spreads_as_its_law_says():
    walks = np.stack([random_walk(26, sigma=2.0, seed=seed) for seed in range(4000)])
    assert (walks[:, 0] == 0).all()
    # k steps ahead the mean square is k sigma^2; its standard error is sqrt(2 / 4000) of that
    for k in (1, 9, 25):
        assert np.mean(walks[:, k] ** 2) == pytest.approx(k * 4.0, rel=0.1)


def test_seasonal_without_noise_repeats():
    values = seasonal(40, period=8, seed=0)
    assert values[:32] == pytest.approx(values[8:], abs=1e-12)
    assert values[2] == pytest.approx(1.0)


def test_autoregressive_has_the_correlation_of_its_equation():
    values = autoregressive(40_000, coefficients=[0.8], sigma=3.0, seed=0)
    assert np.corrcoef(values[:-1], values[1:])[0, 1] == pytest.approx(0.8, abs=0.02)
    assert values.var() == pytest.approx(9 / (1 - 0.8**2), rel=0.1)


def test_autoregressive_puts_the_nearest_lag_first():
    values = autoregressive(2000, coefficients=[0.0, 0.9], seed=0)
    correlation = [np.corrcoef(values[:-k], values[k:])[0, 1] for k in (1, 2)]
    assert correlation[1] > 0.8 > abs(correlation[0]) + 0.5


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: random_walk(0, seed=0), ValueError, "n must be from 1 to 10000000, got 0"),
        (lambda: random_walk(2.5, seed=0), TypeError, "n must be a whole number"),
        (lambda: random_walk(5, sigma=0, seed=0), ValueError, "sigma must be greater than 0"),
        (lambda: random_walk(5, sigma="a", seed=0), TypeError, "sigma must be a number, got 'a'"),
        (lambda: seasonal(5, period=np.nan, seed=0), ValueError, "period must be finite, got nan"),
        (lambda: seasonal(5, period=3, noise=-1, seed=0), ValueError, "noise must be at least 0"),
        (lambda: autoregressive(5, coefficients=[1.0], seed=0), ValueError, "modulus 1.000"),
        (lambda: random_walk(10**8, seed=0), ValueError, "n must be from 1 to 10000000, got 10000"),
        (
            lambda: random_walk(5, sigma=1e308, seed=0),
            ValueError,
            r"sigma must be less than 1e\+100",
        ),
        (lambda: seasonal(5, period=1e-300, seed=0), ValueError, "period must be at least 1e-100"),
        (lambda: seasonal(5, period=3, noise=1e308, seed=0), ValueError, "noise must be less than"),
        (lambda: seasonal(5, period=[3], seed=0), TypeError, "period must be a number, got list"),
        (
            lambda: autoregressive(5, coefficients=[0.5], burn_in=2**40, seed=0),
            ValueError,
            "burn_in must be from 0 to 10000000, got 1099511627776",
        ),
        (
            lambda: autoregressive(5, coefficients=np.full(5000, 1e-5), seed=0),
            ValueError,
            "the number of coefficients must be from 1 to 300, got 5000",
        ),
        (lambda: autoregressive(5, coefficients=[], seed=0), ValueError, "coefficients must hold"),
    ],
)
def test_bad_input_is_named(call, error, words):
    with pytest.raises(error, match=words):
        call()
