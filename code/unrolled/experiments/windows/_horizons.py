"""Forecasts several years ahead: fitted to each horizon, or iterated."""

from __future__ import annotations

import numpy as np

from unrolled.data import sunspots
from unrolled.windows import autoregression, backtest, iterate, lag_matrix


def direct_against_iterated(*, window: int, horizon: int) -> dict[str, list[float]]:
    """Forecast sunspots after 1920 with one linear fit a horizon, and with one fit iterated.

    Returns
    -------
    Root-mean-square errors ``direct`` and ``iterated``, one for each of 1 to ``horizon`` years.
    """
    years, values = sunspots()
    known = values[years <= 1920]
    linear = autoregression(known, window)
    forecasts, truth = backtest(
        lambda past, k: iterate(linear, past, k, window=window),
        values,
        start=len(known),
        horizon=horizon,
    )
    origins = lag_matrix(values, window, ahead=horizon)[0][len(known) - window :]
    errors: dict[str, list[float]] = {"direct": [], "iterated": []}
    for ahead in range(1, horizon + 1):
        rows, targets = lag_matrix(known, window, ahead=ahead)
        design = np.column_stack([np.ones(len(rows)), rows])
        weights = np.linalg.lstsq(design, targets)[0]
        direct = weights[0] + origins @ weights[1:]
        for name, each in (("direct", direct), ("iterated", forecasts[:, ahead - 1])):
            errors[name].append(float(np.sqrt(np.mean((each - truth[:, ahead - 1]) ** 2))))
    return errors
