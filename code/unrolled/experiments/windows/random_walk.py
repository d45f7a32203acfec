"""What four forecasters pay, on a random walk, for having learned from chance."""

from __future__ import annotations

import numpy as np

from unrolled.data import random_walk
from unrolled.experiments.ledger import Claim, Paper, Row, Strip, Trials
from unrolled.experiments.runs import stack
from unrolled.experiments.statistics import Difference
from unrolled.windows import autoregression, fit_window, one_step, relative_error


def random_walk_errors(
    seed: int, *, train: int, test: int, window: int, hidden: int
) -> dict[str, float]:
    """Forecast a random walk one step ahead; return squared errors relative to repeat-last's.

    Returns
    -------
    ``linear`` and ``network`` see the last ``window`` values; ``linear on differences`` and
    ``network on differences`` see the last ``window`` differences. ``r2`` and
    ``r2 on differences`` say what part of the variance of the test values the two networks
    explain, ``r2 of repeat-last`` what part the last value explains.
    """
    walk = random_walk(train + test, seed=seed)
    steps = np.diff(walk)
    last, truth = walk[train - 1 : -1], walk[train:]
    forecasts = {
        "linear": one_step(autoregression(walk[:train], window), walk, window=window, start=train),
        "network": one_step(
            fit_window(walk[:train], window=window, hidden=hidden, seed=seed),
            walk,
            window=window,
            start=train,
        ),
        "linear on differences": last
        + one_step(
            autoregression(steps[: train - 1], window), steps, window=window, start=train - 1
        ),
        "network on differences": last
        + one_step(
            fit_window(steps[: train - 1], window=window, hidden=hidden, seed=seed),
            steps,
            window=window,
            start=train - 1,
        ),
    }
    mean = np.full(test, truth.mean())
    return {name: relative_error(each, truth, last) for name, each in forecasts.items()} | {
        "r2": 1 - relative_error(forecasts["network"], truth, mean),
        "r2 on differences": 1 - relative_error(forecasts["network on differences"], truth, mean),
        "r2 of repeat-last": 1 - relative_error(last, truth, mean),
    }


_WALKERS = ("linear", "network", "linear on differences", "network on differences")

CLAIM = Claim(
    paper=Paper(
        key="hyndman2018forecasting",
        where="section 3.1",
        says="When data follow a random walk, repeating the last value is the optimal forecast.",
        untested="It is proved, in a sentence: four models that lose cannot show an optimum.",
    ),
    sentence=(
        "Fitted to a random walk, a linear window and a network, on values and on differences, "
        "all err more on fresh steps, on average, than repeating the last value does."
    ),
    experiment=random_walk_errors,
    criterion=(
        "For each of the four models (linear and network, over the last 10 values and over "
        "the last 10 differences), the squared error relative to repeat-last's averages more "
        "than 1 over the runs, and in no run is it below 0.97."
    ),
    holds=lambda runs: bool(
        (stack(runs, *_WALKERS).mean(axis=0) > 1).all() and stack(runs, *_WALKERS).min() > 0.97
    ),
    seeds={"quick": range(30, 31), "book": range(20, 30), "confirm": range(7000, 7010)},
    settings={
        "quick": {"train": 200, "test": 200, "window": 10, "hidden": 16},
        "book": {"train": 1000, "test": 500, "window": 10, "hidden": 16},
    },
    strips=[
        Strip(
            axis="Squared error, repeat-last = 1",
            rows=[
                Row("linear", "linear, last 10 values"),
                Row("linear on differences", "linear, last 10 differences"),
                Row("network on differences", "network, last 10 differences"),
            ],
            lines={"repeat-last": 1.0},
            limits=(0.95, 1.2),
        ),
        Strip(
            axis="Squared error, repeat-last = 1",
            rows=[Row("network", "network, last 10 values")],
            lines={"repeat-last": 1.0},
        ),
        Strip(
            axis="Variance explained (R²)",
            rows=[
                Row("r2", "network, last 10 values"),
                Row("r2 on differences", "network, last 10 differences"),
                Row("r2 of repeat-last", "repeat-last"),
            ],
            limits=(0.0, 1.0),
        ),
    ],
    compared=[
        Difference(
            label=f"squared error of the {model} against repeat-last's",
            first=model,
            second=lambda _: 1.0,
        )
        for model in _WALKERS
    ],
    trials=Trials(where="eight seeds other than those below; the runs were not counted"),
    deviations=[
        "No model can have a smaller error than repeating the last value in the long run, so that "
        "none does is no finding. Found is by how much each errs more over 500 steps, and that "
        "luck with the steps does not hide it.",
        "The book states the optimum; the four models and the simulation are ours.",
    ],
)
