"""What the chapter ``windows`` claims, measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from unrolled._validate import Array
from unrolled.data import Batches, Cue, cue, random_walk, sunspots
from unrolled.experiments.ledger import Claim, Measurement, Row, Strip
from unrolled.experiments.resampling import block_interval
from unrolled.training import device, fit, seeded
from unrolled.windows import (
    WindowMLP,
    autoregression,
    backtest,
    fit_window,
    iterate,
    lag_matrix,
    one_step,
    relative_error,
)


class Recall(nn.Module):
    """One recurrent cell that reads a sequence and answers at its end.

    The cell is torch's GRU, used here as a closed box: the rest of the book opens it.

    Parameters
    ----------
    hidden
        Units of the cell, at least 1.
    """

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.cell = nn.GRU(2, hidden, batch_first=True)
        self.output = nn.Linear(hidden, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map sequences ``(B, T, 2)`` to logits ``(B,)``."""
        states, _ = self.cell(x)
        y: Tensor = self.output(states[:, -1]).squeeze(-1)
        return y


def cue_by_window(
    seed: int, *, windows: Sequence[int], lags: Sequence[int], examples: int, epochs: int
) -> dict[str, list[float]]:
    """Train one windowed perceptron for every window and lag; return its accuracy on fresh data.

    The perceptron has the easier task: it is trained and tested at one lag, known in advance.

    Returns
    -------
    ``window w`` holds an accuracy for each of ``lags``; ``inside`` and ``beyond`` hold those with
    the cue in the window and before it; ``at the edge`` and ``one step beyond`` hold, for each
    window, the accuracy at the lags ``w`` and ``w + 1``, which ``lags`` must contain.
    """
    length = max(*windows, *lags)
    table = {
        (window, lag): _window_accuracy(seed, window, lag, length, examples, epochs)
        for window in windows
        for lag in lags
    }
    curves = {f"window {window}": [table[window, lag] for lag in lags] for window in windows}
    return curves | {
        "inside": [accuracy for (window, lag), accuracy in table.items() if lag <= window],
        "beyond": [accuracy for (window, lag), accuracy in table.items() if lag > window],
        "at the edge": [table[window, window] for window in windows],
        "one step beyond": [table[window, window + 1] for window in windows],
    }


def _window_accuracy(
    seed: int, window: int, lag: int, length: int, examples: int, epochs: int
) -> float:
    model = seeded(seed, lambda: WindowMLP(window, 16, features=2))

    def visible(x: Tensor) -> Tensor:
        return x[:, length - window :]

    training = cue(examples, lag=lag, length=length, seed=seed)
    _learn(model, training, visible, seed=seed, epochs=epochs)
    return _accuracy(model, cue(2000, lag=lag, length=length, seed=seed + 1_000_000), visible)


def cue_by_recurrence(
    seed: int, *, hidden: int, trained_to: int, lags: Sequence[int], examples: int, epochs: int
) -> dict[str, list[float]]:
    """Train one recurrent network on lags 1 to ``trained_to``; return its accuracy at ``lags``.

    The network has the harder task: one set of weights for every lag. Distractors stand before
    the cue as well as after it: sequences have twice ``trained_to`` steps, and more when longer
    lags are asked.

    Returns
    -------
    ``recurrent`` holds an accuracy on fresh data for each of ``lags``, ``up to eight times`` those
    at the lags no longer than eight times ``trained_to``.
    """
    model = seeded(seed, lambda: Recall(hidden))
    length = max(2 * trained_to, *lags)
    mixed = np.random.default_rng(seed).integers(1, trained_to + 1, size=examples)
    training = cue(examples, lag=mixed, length=2 * trained_to, seed=seed)
    _learn(model, training, nn.Identity(), seed=seed, epochs=epochs)
    accuracies = [
        _accuracy(model, cue(1000, lag=lag, length=length, seed=seed + 1_000_000), nn.Identity())
        for lag in lags
    ]
    near = [a for a, lag in zip(accuracies, lags, strict=True) if lag <= 8 * trained_to]
    return {"recurrent": accuracies, "up to eight times": near}


def cue_by_one_size(
    seed: int, *, hidden: int, longest: Sequence[int], examples: int, epochs: int
) -> dict[str, list[float]]:
    """Train cells of one size, each on the lags 1 to one of ``longest``; return accuracies.

    Returns
    -------
    For each of ``longest``, the accuracy at the lag 1 (``at lag 1``), half way (``half way``) and
    at the longest itself (``at the longest``).
    """
    runs = [
        cue_by_recurrence(
            seed,
            hidden=hidden,
            trained_to=lag,
            lags=[1, max(1, lag // 2), lag],
            examples=examples,
            epochs=epochs,
        )["recurrent"]
        for lag in longest
    ]
    first, middle, last = (list(accuracies) for accuracies in zip(*runs, strict=True))
    return {"at lag 1": first, "half way": middle, "at the longest": last}


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


def sunspot_errors(seed: int, *, window: int, hidden: int) -> dict[str, float | list[float]]:
    """Forecast sunspots one year ahead from a fit to 1700-1920.

    Returns
    -------
    Squared errors relative to repeat-last's: of ``linear``, ``network`` and ``seasonal`` (the
    value 11 years before) over 1921-1955, and of the first two over 1956-1979 (``later``).
    ``excess`` and ``excess later`` hold, year by year, the network's squared error minus the
    linear model's. ``ceiling`` is the highest forecast the network can make, whatever it sees.
    """
    years, values = sunspots()
    start = int(np.searchsorted(years, 1921))
    known, truth, last = values[:start], values[start:], values[start - 1 : -1]
    network = fit_window(known, window=window, hidden=hidden, seed=seed)
    forecasts = {
        "linear": one_step(autoregression(known, window), values, window=window, start=start),
        "network": one_step(network, values, window=window, start=start),
        "seasonal": values[start - 11 : -11],
    }
    test = years[start:] <= 1955
    later = (years[start:] >= 1956) & (years[start:] <= 1979)
    measured: dict[str, float | list[float]] = {"ceiling": network.ceiling()}
    for suffix, span in (("", test), (" later", later)):
        for name, each in forecasts.items():
            measured[name + suffix] = relative_error(each[span], truth[span], last[span])
        squared = {name: (each[span] - truth[span]) ** 2 for name, each in forecasts.items()}
        measured["excess" + suffix] = (squared["network"] - squared["linear"]).tolist()
    return measured


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


def _learn(
    model: nn.Module,
    examples: Cue,
    visible: Callable[[Tensor], Tensor],
    *,
    seed: int,
    epochs: int,
) -> None:
    fit(
        model,
        Batches(examples.inputs, examples.targets, size=64, seed=seed),
        lambda model, x, y: binary_cross_entropy_with_logits(model(visible(x)), y),
        epochs=epochs,
        optimizer=torch.optim.Adam(model.parameters(), lr=1e-2),
        clip=1.0,
    )


def _accuracy(model: nn.Module, examples: Cue, visible: Callable[[Tensor], Tensor]) -> float:
    inputs, targets = (torch.as_tensor(part).to(device()) for part in examples)
    with torch.no_grad():
        return float(((model(visible(inputs)) > 0) == (targets > 0.5)).float().mean())


def _over(runs: list[Measurement], *names: str) -> Array:
    """Stack what the runs measured under these names: ``(runs, numbers)``."""
    return np.array([np.concatenate([np.atleast_1d(run[name]) for name in names]) for run in runs])


_CELL = {"hidden": 8, "examples": 8192, "epochs": 4}
_WALKERS = ("linear", "network", "linear on differences", "network on differences")

CLAIMS = (
    Claim(
        id="windows.cue",
        paper="elman1990finding",
        sentence=(
            "A window sets a rigid limit in time: a network over the last $w$ values uses a cue "
            "$w$ steps back and is blind to one $w + 1$ steps back."
        ),
        experiment=cue_by_window,
        criterion=(
            "In every run, accuracy is at least 0.99 for each lag inside the window, and within "
            "0.05 of chance (0.5) for each lag beyond it."
        ),
        holds=lambda runs: bool(
            _over(runs, "inside").min() >= 0.99 and abs(_over(runs, "beyond") - 0.5).max() < 0.05
        ),
        seeds={"quick": range(10, 11), "book": range(10, 15)},
        settings={
            "quick": {"windows": [5], "lags": [1, 5, 6, 11], "examples": 2048, "epochs": 4},
            "book": {
                "windows": [5, 10, 20],
                "lags": [1, 3, 5, 6, 8, 10, 11, 15, 20, 21, 25],
                "examples": 2048,
                "epochs": 4,
            },
        },
        strips=[
            Strip(
                axis="Accuracy on 2,000 fresh sequences",
                rows=[
                    Row("at the edge", "window {}, cue at its far edge", over="windows"),
                    Row("one step beyond", "window {}, cue one step beyond", over="windows"),
                ],
                lines={"chance": 0.5},
                limits=(0.4, 1.0),
            )
        ],
        deviations=[
            "The paper argues the limit and runs no such experiment; the task is ours.",
        ],
    ),
    Claim(
        id="windows.recurrent",
        sentence=(
            "A recurrent cell of one fixed size learns the cue task at every lag tried: with one "
            "set of weights it recalls any cue up to the longest lag it was trained on."
        ),
        experiment=cue_by_one_size,
        criterion=(
            "In every run and for each longest lag, accuracy is at least 0.99 at lag 1, half way, "
            "and at the longest lag."
        ),
        holds=lambda runs: bool(
            _over(runs, "at lag 1", "half way", "at the longest").min() >= 0.99
        ),
        seeds={"quick": range(40, 42), "book": range(30, 35)},
        settings={
            "quick": {**_CELL, "longest": [5, 20]},
            "book": {**_CELL, "longest": [5, 10, 20, 40, 80]},
        },
        strips=[
            Strip(
                axis="Accuracy on 1,000 fresh sequences",
                rows=[Row("at the longest", "trained and asked at lag {}", over="longest")],
                lines={"chance": 0.5},
                limits=(0.4, 1.0),
            )
        ],
        deviations=[
            "No paper states it so; the cell is torch's GRU with 8 units.",
            "This narrower claim was written after the one on longer lags had failed, and after "
            "trial runs with three other seeds.",
        ],
    ),
    Claim(
        id="windows.longer_lags",
        sentence=(
            "A recurrent cell trained to lag 20 recalls the cue at lags up to eight times longer."
        ),
        experiment=cue_by_recurrence,
        criterion=(
            "In every run, accuracy is at least 0.99 at each lag measured up to 160. Longer lags "
            "are measured too, and promised nothing."
        ),
        holds=lambda runs: bool(_over(runs, "up to eight times").min() >= 0.99),
        seeds={"quick": range(40, 42), "book": range(20, 30)},
        settings={
            "quick": {**_CELL, "trained_to": 20, "lags": [1, 20, 160]},
            "book": {
                **_CELL,
                "trained_to": 20,
                "lags": [1, 5, 10, 20, 40, 80, 160, 320, 640, 1280],
            },
        },
        strips=[
            Strip(
                axis="Accuracy on 1,000 fresh sequences",
                rows=[Row("recurrent", "trained to lag 20, asked at lag {}", over="lags")],
                lines={"chance": 0.5},
                limits=(0.4, 1.0),
            )
        ],
        deviations=[
            "No paper states it so; the cell is torch's GRU with 8 units.",
            "A first record had no distractors before the cue, and held. They stand there now.",
            "The criterion was set after trial runs with other seeds, all of which passed.",
        ],
    ),
    Claim(
        id="windows.random_walk",
        paper="hyndman2018forecasting",
        where="section 3.1",
        sentence=(
            "On a random walk no forecaster beats, on average, repeating the last value, however "
            "well its forecasts follow the curve."
        ),
        experiment=random_walk_errors,
        criterion=(
            "For each of the four models (linear and network, over the last 10 values and over "
            "the last 10 differences), the squared error relative to repeat-last's averages more "
            "than 1 over the runs, and in no run is it below 0.97."
        ),
        holds=lambda runs: bool(
            (_over(runs, *_WALKERS).mean(axis=0) > 1).all() and _over(runs, *_WALKERS).min() > 0.97
        ),
        seeds={"quick": range(30, 32), "book": range(20, 30)},
        settings={
            scale: {"train": 1000, "test": 500, "window": 10, "hidden": 16}
            for scale in ("quick", "book")
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
        deviations=[
            "The book states the optimum; the four models and the simulation are ours.",
            "The criterion was set after trial runs with eight other seeds.",
        ],
    ),
    Claim(
        id="windows.sunspots",
        paper="weigend1991generalization",
        where="abstract",
        sentence=(
            "On yearly sunspot numbers a network over a window outperforms traditional "
            "statistical approaches."
        ),
        experiment=sunspot_errors,
        criterion=(
            "Over 1921-1955, one year ahead, the squared error of the network, averaged over the "
            "runs, is below that of the linear model over the same window, and a 90 % interval of "
            "the difference (moving-block bootstrap over the years, blocks of 11) excludes 0."
        ),
        holds=lambda runs: block_interval(_over(runs, "excess").mean(axis=0), block=11)[1] < 0,
        seeds={"quick": range(30, 32), "book": range(20, 30)},
        settings={scale: {"window": 12, "hidden": 8} for scale in ("quick", "book")},
        strips=[
            Strip(
                axis="Squared error, repeat-last = 1",
                rows=[
                    Row("linear", "linear, 1921-1955"),
                    Row("network", "network, 1921-1955"),
                    Row("seasonal", "seasonal repeat, 1921-1955"),
                    Row("linear later", "linear, 1956-1979"),
                    Row("network later", "network, 1956-1979"),
                ],
                lines={"repeat-last": 1.0},
                limits=(0.2, 1.0),
            )
        ],
        deviations=[
            "The paper prunes its network by weight elimination; ours is trained for the number of "
            "epochs that forecast the last fifth of 1700-1920 best, then afresh on all of it.",
            "The paper's rivals are other statistical models, and its measure is another; our "
            "rival is the linear model over the same window. The criterion is ours.",
            "statsmodels' copy of the series may differ from the one used then.",
            "A first record asked for a lower error in 8 of 10 runs and got it in 3; its networks "
            "had learned from four fifths of what the linear model had. Seeds say nothing about "
            "35 years being few, so the criterion now asks the years, and the seeds are new.",
        ],
    ),
)
