"""Forecasting a series from a window of its past.

A window turns a series into a table: each row holds the last ``window`` values, and its target is
the value that comes next. Whatever maps a row to its target is a forecaster, and it can use what is
in the row and nothing else.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from unrolled.core.cell import rows_for
from unrolled.core.kinds import function, instance
from unrolled.core.validate import Array, numbers, random_seed, real, series, whole
from unrolled.data import Batches
from unrolled.training import History, fit, seeded

Forecaster: TypeAlias = Callable[[Array, int], Array]
"""What maps ``(N,)`` values seen and a horizon to ``(horizon,)`` forecasts."""

_FARTHEST = 10**6  # steps ahead
_LARGEST = 2**27  # numbers in a table, a gigabyte


def lag_matrix(values: ArrayLike, window: int, *, ahead: int = 1) -> tuple[Array, Array]:
    r"""Frame a series as lag vectors and the value to forecast from each.

    .. math:: X_t = (x_t, \dots, x_{t+w-1}), \qquad y_t = x_{t+w-1+k}

    Parameters
    ----------
    values
        ``(N,)`` the series :math:`x`.
    window
        Values in a lag vector :math:`w`, from 1 to ``N - ahead``.
    ahead
        Steps from the last lag to the target :math:`k`, at least 1.

    Returns
    -------
    inputs, targets
        ``(N - window - ahead + 1, window)``, oldest value first, and as many targets: at most
        2²⁷ numbers.
    """
    ahead = whole("ahead", ahead)
    x = series("values", values, least=ahead + 1)
    window = whole("window", window, most=len(x) - ahead)
    rows = np.lib.stride_tricks.sliding_window_view(x[: len(x) - ahead], window)
    whole("window, times the number of targets,", rows.size, most=_LARGEST)
    return rows.copy(), x[window - 1 + ahead :].copy()


def repeat_last(history: ArrayLike, horizon: int) -> Array:
    r"""Forecast that nothing changes: :math:`\hat x_{n+k} = x_n`, with ``n`` the last step seen.

    Parameters
    ----------
    history
        ``(N,)`` values seen.
    horizon
        Steps to forecast, at least 1.

    Returns
    -------
    ``(horizon,)`` forecasts.
    """
    x = series("history", history)
    return np.full(whole("horizon", horizon, most=_FARTHEST), x[-1])


def seasonal_repeat(history: ArrayLike, horizon: int, *, period: int) -> Array:
    r"""Forecast that the last cycle comes again: :math:`\hat x_{n+k} = x_{n+k-mp}`.

    ``n`` is the last step seen and :math:`m = \lceil k/p \rceil` the smallest number of cycles
    that leads back to a value seen.

    Parameters
    ----------
    history
        ``(N,)`` values seen.
    horizon
        Steps to forecast, at least 1.
    period
        Steps in a cycle :math:`p`, from 1 to ``N``.

    Returns
    -------
    ``(horizon,)`` forecasts.
    """
    x = series("history", history)
    horizon = whole("horizon", horizon, most=_FARTHEST)
    period = whole("period", period, most=len(x))
    return np.resize(x[len(x) - period :], horizon)


def iterate(
    predict: Callable[[Array], Array | float], history: ArrayLike, horizon: int, *, window: int
) -> Array:
    r"""Forecast many steps with a one-step predictor by feeding it its own forecasts.

    .. math:: \hat x_{n+k} = f(\hat x_{n+k-w}, \dots, \hat x_{n+k-1}),
        \qquad \hat x_j = x_j \text{ for } j \le n

    with ``n`` the last step seen.

    Parameters
    ----------
    predict
        :math:`f`: takes ``(window,)`` values, oldest first, and returns the next, one number.
    history
        ``(N,)`` values seen, at least ``window`` of them.
    horizon
        Steps to forecast, at least 1.
    window
        Values the predictor sees :math:`w`, at least 1.

    Returns
    -------
    ``(horizon,)`` forecasts.

    Raises
    ------
    ValueError
        Also when the predictor returns anything but one finite number.
    """
    function("predict", predict)
    window = whole("window", window)
    horizon = whole("horizon", horizon, most=_FARTHEST)
    x = series("history", history, least=window)
    lags = list(x[-window:])
    for _ in range(horizon):
        lags.append(float(_returned("predict", predict(np.array(lags[-window:])), ())))
    return np.array(lags[window:])


def _returned(name: str, values: ArrayLike, shape: tuple[int, ...]) -> Array:
    """Return what a function returned, if that is finite numbers of a shape."""
    array = numbers(f"what {name} returns", values)
    if array.shape != shape:
        raise ValueError(f"{name} must return shape {shape}, got {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must return finite numbers, got {array[~np.isfinite(array)][0]}")
    return array


@dataclass(frozen=True)
class LinearWindow:
    r"""The linear window :math:`\hat x_t = a + \sum_{i=1}^{w} \varphi_i x_{t-i}`.

    Attributes
    ----------
    constant
        :math:`a`.
    weights
        ``(w,)`` :math:`\varphi_w, \dots, \varphi_1`: oldest lag first, as in a lag vector.
    """

    constant: float
    weights: Array

    def __post_init__(self) -> None:
        object.__setattr__(self, "constant", real("constant", self.constant))
        object.__setattr__(self, "weights", series("weights", self.weights))

    def __call__(self, lags: ArrayLike) -> Array:
        """Map lag vectors ``(..., w)`` to forecasts ``(...)``."""
        forecasts: Array = self.constant + _rows(lags, len(self.weights)) @ self.weights
        return forecasts


def _rows(lags: ArrayLike, window: int) -> Array:
    """Return lag vectors as an array ``(..., window)``."""
    rows = numbers("lags", lags)
    if not np.isfinite(rows).all():
        raise ValueError("lags must be finite, got NaN or infinity")
    if rows.ndim == 0 or rows.shape[-1] != window:
        raise ValueError(f"lags must hold {window} values a row, got shape {rows.shape}")
    return rows


def autoregression(values: ArrayLike, order: int) -> LinearWindow:
    """Fit a linear window to a series by least squares over its lag vectors (statsmodels).

    The series is centred and scaled first: its unit and its zero change nothing but theirs.

    Parameters
    ----------
    values
        ``(N,)`` the series, at least ``2 * order + 1`` values: one equation a parameter.
    order
        Values in a lag vector, at least 1.
    """
    from statsmodels.tsa.ar_model import AutoReg

    order = whole("order", order)
    x = series("values", values, least=2 * order + 1)
    z, mean, scale = _standardised(x)
    constant, *nearest_first = AutoReg(z, order).fit().params
    weights = np.array(nearest_first[::-1])
    return LinearWindow(mean + (scale * constant - mean * weights.sum()), weights)


def _standardised(x: Array) -> tuple[Array, float, float]:
    """Return a series without its unit, and the mean and the standard deviation it had."""
    exponent = _exponent(x)
    y = np.ldexp(x, -exponent)  # exact; no square of it is too large or too small for a number
    mean, scale = (y.mean(), y.std()) if np.ptp(y) else (y[0], 0.0)  # rounding is no deviation
    z = (y - mean) / (scale or 1.0)
    return z, float(np.ldexp(mean, exponent)), float(np.ldexp(scale, exponent))


def _exponent(x: Array) -> int:
    """Return the power of two just above all values."""
    return int(np.frexp(np.abs(x).max(initial=0.0))[1])


def one_step(
    predict: Callable[[Array], Array],
    values: ArrayLike,
    *,
    window: int,
    start: int,
    stop: int | None = None,
) -> Array:
    r"""Forecast ``values[start:stop]`` one step ahead, each from the window before it.

    Parameters
    ----------
    predict
        Maps lag vectors ``(n, window)``, oldest value first, to ``(n,)`` forecasts.
    values
        ``(N,)`` the series.
    window
        Values in a lag vector, at least 1.
    start, stop
        The span to forecast: ``window <= start < stop <= N``; ``stop`` is ``N`` if not given.

    Returns
    -------
    ``(stop - start,)`` forecasts.

    Raises
    ------
    ValueError
        Also when the forecasts have another shape, ``(n, 1)`` for one, or are not finite.
    """
    function("predict", predict)
    x = series("values", values)
    start = whole("start", start, least=whole("window", window), most=len(x) - 1)
    stop = whole("stop", len(x) if stop is None else stop, least=start + 1, most=len(x))
    rows, _ = lag_matrix(x[start - window : stop], window)
    return _returned("predict", predict(rows), (len(rows),))


def backtest(
    forecast: Forecaster, values: ArrayLike, *, start: int, horizon: int
) -> tuple[Array, Array]:
    r"""Forecast from every origin of a series that leaves ``horizon`` values to compare with.

    From an origin the forecaster sees the values up to there and nothing later.

    Parameters
    ----------
    forecast
        A forecaster.
    values
        ``(N,)`` the series.
    start
        Values seen at the first origin, from 1 to ``N - horizon``.
    horizon
        Steps forecast from each origin, at least 1.

    Returns
    -------
    forecasts, truth
        ``(N - start - horizon + 1, horizon)`` each; column ``k - 1`` lies ``k`` steps ahead.

    Raises
    ------
    ValueError
        Also when the forecaster returns another shape than ``(horizon,)``, or no finite numbers.
    """
    function("forecast", forecast)
    horizon = whole("horizon", horizon, most=_FARTHEST)
    x = series("values", values, least=horizon + 1)
    origins = range(whole("start", start, most=len(x) - horizon), len(x) - horizon + 1)
    forecasts = [
        _returned("forecast", forecast(x[:n].copy(), horizon), (horizon,)) for n in origins
    ]
    return np.stack(forecasts), np.stack([x[n : n + horizon] for n in origins])


def relative_error(forecasts: ArrayLike, truth: ArrayLike, baseline: ArrayLike) -> float:
    r"""Return the squared error of forecasts as a part of a baseline's.

    .. math:: e = \frac{\sum_t (\hat x_t - x_t)^2}{\sum_t (\tilde x_t - x_t)^2}

    Below 1 the forecasts beat the baseline. Any shape, the same for all three.

    Raises
    ------
    ValueError
        If the shapes differ, or the baseline makes no error at all.
    """
    f, x, b = (
        numbers(name, part)
        for name, part in (("forecasts", forecasts), ("truth", truth), ("baseline", baseline))
    )
    if not f.shape == x.shape == b.shape:
        raise ValueError(
            "forecasts, truth and baseline must have the same shape, "
            f"got {f.shape}, {x.shape} and {b.shape}"
        )
    misses = np.stack([f / 2 - x / 2, b / 2 - x / 2])  # halves: no difference is too large
    if not np.isfinite(misses).all():
        raise ValueError("forecasts, truth and baseline must be finite, got NaN or infinity")
    error, floor = (float(np.sum(each**2)) for each in np.ldexp(misses, -_exponent(misses)))
    if floor == 0:
        raise ValueError("baseline must make some error, got none: nothing can beat it")
    return error / floor


class WindowMLP(nn.Module):
    r"""A multilayer perceptron over a window: one hidden layer, one output.

    .. math:: h = \tanh(W x + b), \qquad \hat y = v^\top h + a

    Parameters
    ----------
    window
        Values in a lag vector :math:`w`, at least 1.
    hidden
        Hidden units :math:`H`, at least 1.
    features
        Features of each value :math:`I`, at least 1.

    Attributes
    ----------
    hidden
        ``Linear`` with :math:`W` of shape ``(H, w * I)`` and :math:`b` of shape ``(H,)``.
    output
        ``Linear`` with :math:`v` of shape ``(1, H)`` and :math:`a` of shape ``(1,)``.
    """

    def __init__(self, window: int, hidden: int, *, features: int = 1) -> None:
        super().__init__()
        self.inputs = whole("window", window) * whole("features", features)
        hidden = whole("hidden", hidden)
        whole("window * features * hidden", self.inputs * hidden, most=_LARGEST)
        self.hidden = nn.Linear(self.inputs, hidden)
        self.output = nn.Linear(hidden, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map lag vectors ``(B, w)``, or ``(B, w, I)``, to one number each: ``(B,)``.

        Raises
        ------
        ValueError
            If a lag vector does not hold ``w * I`` numbers.
        """
        if instance("x", x, Tensor).ndim < 2 or math.prod(x.shape[1:]) != self.inputs:
            raise ValueError(f"x must hold {self.inputs} numbers a row, got shape {tuple(x.shape)}")
        rows = rows_for(self.hidden.weight, "x", x.flatten(start_dim=1))
        h = torch.tanh(self.hidden(rows))
        y: Tensor = self.output(h).squeeze(-1)
        return y


@dataclass(frozen=True)
class TrainedWindow:
    r"""A network over standardised windows, in the units of the series it was fitted to.

    .. math:: \hat x_t = \mu + \sigma f\big((x_{t-w} - \mu)/\sigma, \dots,
        (x_{t-1} - \mu)/\sigma\big)
    """

    model: WindowMLP
    mean: float
    scale: float

    def __post_init__(self) -> None:
        instance("model", self.model, WindowMLP)
        real("mean", self.mean)
        real("scale", self.scale, above=0)

    def __call__(self, lags: ArrayLike) -> Array:
        """Map lag vectors ``(..., w)`` to forecasts ``(...)``."""
        place = next(self.model.parameters())
        lags = _rows(lags, self.model.inputs)
        rows = torch.as_tensor((lags - self.mean) / self.scale).to(place)
        with torch.no_grad():
            outputs = self.model(rows.reshape(-1, lags.shape[-1])).cpu().double().numpy()
        forecasts: Array = self.mean + self.scale * outputs.reshape(lags.shape[:-1])
        return forecasts

    def ceiling(self) -> float:
        r"""Return the highest forecast there can be: no unit of a ``tanh`` layer exceeds 1.

        .. math:: \mu + \sigma\Big(a + \sum_j |v_j|\Big)
        """
        with torch.no_grad():
            output = self.model.output
            return self.mean + self.scale * float(output.bias + output.weight.abs().sum())


def fit_window(
    values: ArrayLike,
    *,
    window: int,
    hidden: int,
    seed: int,
    epochs: int = 300,
    patience: int = 40,
    held_out: float = 0.2,
) -> TrainedWindow:
    """Fit a ``WindowMLP`` to a series: Adam on the squared error, for as long as it helps.

    A first fit holds out the latest values and finds the epoch that forecasts them best; a second
    fit, from the same first weights, learns from the whole series for as many epochs. Each
    standardises by the mean and the standard deviation of what it learns from.

    Parameters
    ----------
    values
        ``(N,)`` the series, not constant, with ``N`` at least ``window + 2``.
    window
        Values in a lag vector, at least 1.
    hidden
        Hidden units, at least 1.
    seed
        Seed of the first weights and of the order of the batches.
    epochs
        Passes over the lag vectors at most.
    patience
        Passes without a better score before the first fit stops.
    held_out
        Part of the targets held out of the first fit, in (0, 1).
    """
    held_out = real("held_out", held_out, above=0, below=1)
    patience = whole("patience", patience)
    seed = random_seed("seed", seed)
    x = series("values", values, least=whole("window", window) + 2)
    if x.min() == x.max():
        raise ValueError(f"values must vary, got {len(x)} times {x[0]:g}")
    exponent = _exponent(x)
    x = np.ldexp(x, -exponent)  # exact: in this unit an error can be squared
    late = max(1, round(held_out * (len(x) - window)))
    early = max(window + 1, len(x) - late)
    rows, truth = lag_matrix(x[early - window :], window)
    sizes = {"window": window, "hidden": hidden, "seed": seed, "spread": x.std()}
    network, train = _prepare(x[:early], **sizes)
    history = train(
        epochs=epochs,
        validate=lambda _: float(np.mean((network(rows) - truth) ** 2)),
        patience=patience,
    )
    network, train = _prepare(x, **sizes)
    train(epochs=history.best_epoch + 1)
    mean, scale = np.ldexp([network.mean, network.scale], exponent).tolist()
    return TrainedWindow(network.model, mean, scale)


def _prepare(
    x: Array, *, window: int, hidden: int, seed: int, spread: float
) -> tuple[TrainedWindow, Callable[..., History]]:
    """Return an untrained network in the units of ``x``, and what trains it on ``x``.

    ``spread`` is the unit of a network that learns from a constant.
    """
    z, mean, scale = _standardised(x)
    model = seeded(seed, lambda: WindowMLP(window, hidden))
    pairs = lag_matrix(z, window)
    inputs, targets = (torch.as_tensor(part, dtype=model.output.weight.dtype) for part in pairs)
    train = functools.partial(
        fit,
        model,
        Batches(inputs, targets, size=32, seed=seed),
        lambda model, x, y: mse_loss(model(x), y),
        optimizer=torch.optim.Adam(model.parameters(), lr=3e-3),
    )
    return TrainedWindow(model, mean, scale or spread), train
