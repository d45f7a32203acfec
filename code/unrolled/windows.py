"""Forecasting a series from a window of its past.

A window turns a series into a table: each row holds the last ``window`` values, and its target is
the value that comes next. Whatever maps a row to its target is a forecaster, and it can use what is
in the row and nothing else.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from unrolled.core.validate import Array, numbers, random_seed, real, series, whole
from unrolled.data import Batches
from unrolled.training import History, fit, seeded

Forecaster: TypeAlias = Callable[[Array, int], Array]
"""What maps ``(N,)`` values seen and a horizon to ``(horizon,)`` forecasts."""


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
        ``(N - window - ahead + 1, window)``, oldest value first, and as many targets.
    """
    ahead = whole("ahead", ahead)
    x = series("values", values, least=ahead + 1)
    window = whole("window", window, most=len(x) - ahead)
    rows = np.lib.stride_tricks.sliding_window_view(x[: len(x) - ahead], window)
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
    return np.full(whole("horizon", horizon), x[-1])


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
    horizon = whole("horizon", horizon)
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
        :math:`f`: takes ``(window,)`` values, oldest first, and returns the next.
    history
        ``(N,)`` values seen, at least ``window`` of them.
    horizon
        Steps to forecast, at least 1.
    window
        Values the predictor sees :math:`w`, at least 1.

    Returns
    -------
    ``(horizon,)`` forecasts.
    """
    window = whole("window", window)
    horizon = whole("horizon", horizon)
    x = series("history", history, least=window)
    lags = list(x[-window:])
    for _ in range(horizon):
        lags.append(float(predict(np.array(lags[-window:]))))
    return np.array(lags[window:])


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

    def __call__(self, lags: Array) -> Array:
        """Map lag vectors ``(..., w)`` to forecasts ``(...)``."""
        if np.ndim(lags) == 0 or np.shape(lags)[-1] != len(self.weights):
            raise ValueError(
                f"lags must hold {len(self.weights)} values a row, got shape {np.shape(lags)}"
            )
        forecasts: Array = self.constant + lags @ self.weights
        return forecasts


def autoregression(values: ArrayLike, order: int) -> LinearWindow:
    """Fit a linear window to a series by least squares over its lag vectors (statsmodels).

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
    parameters = np.asarray(AutoReg(x, order).fit().params, dtype=np.float64)
    return LinearWindow(float(parameters[0]), parameters[:0:-1].copy())


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
        Maps lag vectors ``(n, window)``, oldest value first, to ``n`` forecasts.
    values
        ``(N,)`` the series.
    window
        Values in a lag vector, at least 1.
    start, stop
        The span to forecast: ``window <= start < stop <= N``; ``stop`` is ``N`` if not given.

    Returns
    -------
    ``(stop - start,)`` forecasts.
    """
    x = series("values", values)
    start = whole("start", start, least=whole("window", window), most=len(x) - 1)
    stop = whole("stop", len(x) if stop is None else stop, least=start + 1, most=len(x))
    rows, _ = lag_matrix(x[start - window : stop], window)
    return predict(rows)


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
    """
    horizon = whole("horizon", horizon)
    x = series("values", values, least=horizon + 1)
    origins = range(whole("start", start, most=len(x) - horizon), len(x) - horizon + 1)
    forecasts = [np.asarray(forecast(x[:n].copy(), horizon)) for n in origins]
    if wrong := {each.shape for each in forecasts} - {(horizon,)}:
        raise ValueError(f"forecast must return shape ({horizon},), got {wrong.pop()}")
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
    error, floor = float(np.sum((f - x) ** 2)), float(np.sum((b - x) ** 2))
    if not np.isfinite(error + floor):
        raise ValueError("forecasts, truth and baseline must be finite, got NaN or infinity")
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
        self.hidden = nn.Linear(self.inputs, whole("hidden", hidden))
        self.output = nn.Linear(hidden, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map lag vectors ``(B, w)``, or ``(B, w, I)``, to one number each: ``(B,)``.

        Raises
        ------
        ValueError
            If a lag vector does not hold ``w * I`` numbers.
        """
        rows = x.flatten(start_dim=1)
        if rows.shape[1] != self.inputs:
            raise ValueError(f"x must hold {self.inputs} numbers a row, got shape {tuple(x.shape)}")
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

    def __call__(self, lags: Array) -> Array:
        """Map lag vectors ``(..., w)`` to forecasts ``(...)``."""
        place = next(self.model.parameters())
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
    seed = random_seed("seed", seed)
    x = series("values", values, least=whole("window", window) + 2)
    if x.std() == 0:
        raise ValueError(f"values must vary, got {len(x)} times {x[0]:g}")
    late = max(1, round(held_out * (len(x) - window)))
    early = max(window + 1, len(x) - late)
    rows, truth = lag_matrix(x[early - window :], window)
    network, train = _prepare(x[:early], window=window, hidden=hidden, seed=seed)
    history = train(
        epochs=epochs,
        validate=lambda _: float(np.mean((network(rows) - truth) ** 2)),
        patience=patience,
    )
    network, train = _prepare(x, window=window, hidden=hidden, seed=seed)
    train(epochs=history.best_epoch + 1)
    return network


def _prepare(
    x: Array, *, window: int, hidden: int, seed: int
) -> tuple[TrainedWindow, Callable[..., History]]:
    """Return an untrained network in the units of ``x``, and what trains it on ``x``."""
    mean, scale = float(x.mean()), float(x.std()) or 1.0
    model = seeded(seed, lambda: WindowMLP(window, hidden))
    pairs = lag_matrix((x - mean) / scale, window)
    inputs, targets = (torch.as_tensor(part, dtype=torch.float32) for part in pairs)
    train = functools.partial(
        fit,
        model,
        Batches(inputs, targets, size=32, seed=seed),
        lambda model, x, y: mse_loss(model(x), y),
        optimizer=torch.optim.Adam(model.parameters(), lr=3e-3),
    )
    return TrainedWindow(model, mean, scale), train
