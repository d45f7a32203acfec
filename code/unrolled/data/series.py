"""Series to forecast: one real, three whose best forecast is known."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from unrolled.core.validate import Array, random_seed, real, series, whole

_LONGEST = 10**7  # values, for a loop over them to end
_MOST_LAGS = 300  # whose roots take less than a second
_WIDEST = 1e100  # so that no sum of so many is infinite


class Series(NamedTuple):
    """A series with its time axis.

    Attributes
    ----------
    time
        ``(N,)`` years.
    values
        ``(N,)`` observations.
    """

    time: Array
    values: Array


def sunspots() -> Series:
    """Yearly mean sunspot numbers, 1700 to 2008: 309 values from 0 to about 190.

    The file is statsmodels' ``sunspots`` (public domain, from the U.S. National Geophysical Data
    Center), the series as it was before the recalibration of 2015.
    """
    from statsmodels.datasets import sunspots as source

    table = source.load_pandas().data
    return Series(
        np.array(table["YEAR"], dtype=np.float64),
        np.array(table["SUNACTIVITY"], dtype=np.float64),
    )


def random_walk(n: int, *, sigma: float = 1.0, seed: int) -> Array:
    r"""Draw a random walk :math:`x_t = x_{t-1} + \sigma\varepsilon_t`, with :math:`x_0 = 0`.

    The best forecast of any later value is the last value seen; ``k`` steps ahead its expected
    squared error is :math:`k\sigma^2`.

    Parameters
    ----------
    n
        Number of values, from 1 to 10⁷.
    sigma
        Standard deviation of a step, greater than 0 and less than 1e100.
    seed
        Seed of the draw, at least 0.

    Returns
    -------
    ``(n,)`` values; the first is 0.
    """
    n = whole("n", n, most=_LONGEST)
    sigma = real("sigma", sigma, above=0, below=_WIDEST)
    steps = sigma * np.random.default_rng(random_seed("seed", seed)).standard_normal(n - 1)
    return np.concatenate([[0.0], np.cumsum(steps)])


def seasonal(n: int, *, period: float, noise: float = 0.0, seed: int) -> Array:
    r"""Draw a noisy cycle :math:`x_t = \sin(2\pi t / p) + \eta\,\varepsilon_t`.

    Parameters
    ----------
    n
        Number of values, from 1 to 10⁷.
    period
        Steps in a cycle :math:`p`, at least 1e-100.
    noise
        Standard deviation :math:`\eta` of the noise, from 0 and less than 1e100.
    seed
        Seed of the draw, at least 0.

    Returns
    -------
    ``(n,)`` values.
    """
    n = whole("n", n, most=_LONGEST)
    period = real("period", period, least=1 / _WIDEST)
    noise = real("noise", noise, least=0, below=_WIDEST)
    cycle: Array = np.sin(2 * np.pi * np.arange(n) / period)
    return cycle + noise * np.random.default_rng(random_seed("seed", seed)).standard_normal(n)


def autoregressive(
    n: int, *, coefficients: ArrayLike, sigma: float = 1.0, burn_in: int = 200, seed: int
) -> Array:
    r"""Draw :math:`x_t = \sum_{i=1}^{p} \varphi_i x_{t-i} + \sigma\varepsilon_t`.

    A stable process forgets its start; the first ``burn_in`` values are thrown away.

    Parameters
    ----------
    n
        Number of values, from 1 to 10⁷.
    coefficients
        ``(p,)`` the weights :math:`\varphi_1, \dots, \varphi_p`, nearest lag first, at most 300;
        stable, that is, every root of :math:`z^p - \varphi_1 z^{p-1} - \dots - \varphi_p` inside
        the unit circle.
    sigma
        Standard deviation of the noise, greater than 0 and less than 1e100.
    burn_in
        Values drawn before the first one returned, from 0 to 10⁷.
    seed
        Seed of the draw, at least 0.

    Returns
    -------
    ``(n,)`` values.

    Raises
    ------
    ValueError
        Also when the process is not stable.
    """
    n = whole("n", n, most=_LONGEST)
    burn_in = whole("burn_in", burn_in, least=0, most=_LONGEST)
    sigma = real("sigma", sigma, above=0, below=_WIDEST)
    weights = series("coefficients", coefficients)
    whole("the number of coefficients", len(weights), most=_MOST_LAGS)
    radius = float(np.abs(np.roots([1.0, *-weights])).max(initial=0.0))
    if radius >= 1:
        raise ValueError(
            f"coefficients must give a stable process (every root inside the unit circle), "
            f"got a root of modulus {radius:.3f}"
        )
    order = len(weights)
    noise = sigma * np.random.default_rng(random_seed("seed", seed)).standard_normal(n + burn_in)
    values = np.zeros(order + n + burn_in)
    for t, shock in enumerate(noise, start=order):
        values[t] = weights @ values[t - order : t][::-1] + shock
    return values[-n:]
