"""How far back a windowed network sees: the cue at the window's edge and beyond."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from unrolled.data import cue
from unrolled.experiments.ledger import Claim, Paper, Row, Strip
from unrolled.experiments.runs import stack
from unrolled.experiments.statistics import Rate
from unrolled.experiments.windows._cue_task import cue_accuracy, learn_cue
from unrolled.training import seeded
from unrolled.windows import WindowMLP


def cue_by_window(
    seed: int, *, windows: Sequence[int], lags: Sequence[int], examples: int, epochs: int
) -> dict[str, list[float]]:
    """Train one windowed perceptron for every window and lag; return its accuracy on fresh data.

    The perceptron has the easier task: it is trained and tested at one lag, known in advance.

    Returns
    -------
    ``window w`` holds an accuracy for each of ``lags``; ``inside`` and ``beyond`` hold those with
    the cue in the window, at lags 0 to ``w - 1``, and before it; ``at the edge`` and
    ``one step beyond`` hold, for each window, the accuracy at the lags ``w - 1`` and ``w``, which
    ``lags`` must contain.
    """
    length = max(*windows, *lags) + 1
    table = {
        (window, lag): _window_accuracy(seed, window, lag, length, examples, epochs)
        for window in windows
        for lag in lags
    }
    curves = {f"window {window}": [table[window, lag] for lag in lags] for window in windows}
    return curves | {
        "inside": [accuracy for (window, lag), accuracy in table.items() if lag < window],
        "beyond": [accuracy for (window, lag), accuracy in table.items() if lag >= window],
        "at the edge": [table[window, window - 1] for window in windows],
        "one step beyond": [table[window, window] for window in windows],
    }


def _window_accuracy(
    seed: int, window: int, lag: int, length: int, examples: int, epochs: int
) -> float:
    model = seeded(seed, lambda: WindowMLP(window, 16, features=2))

    def visible(x: Tensor) -> Tensor:
        return x[:, length - window :]

    training = cue(examples, lag=lag, length=length, seed=seed)
    learn_cue(model, training, visible, seed=seed, epochs=epochs)
    fresh = cue(2000, lag=lag, length=length, seed=seed + 1_000_000)
    return cue_accuracy(model, fresh, visible)


def _worst_inside(measured: Mapping[str, Any]) -> float:
    return float(min(measured["inside"]))


CLAIM = Claim(
    paper=Paper(
        key="elman1990finding",
        says="An input window, however long, sets a rigid limit on how long a pattern may be.",
        untested="He argues it and runs no such experiment; the task is ours.",
    ),
    sentence=(
        "A network over the last $w$ values learns to use a cue at every lag from 0 to $w - 1$, "
        "the far edge too."
    ),
    experiment=cue_by_window,
    criterion=(
        "In every run, accuracy is at least 0.99 for each lag inside the window, and within "
        "0.05 of chance (0.5) for each lag beyond it."
    ),
    holds=lambda runs: bool(
        stack(runs, "inside").min() >= 0.99 and abs(stack(runs, "beyond") - 0.5).max() < 0.05
    ),
    seeds={"quick": range(10, 11), "book": range(40, 45), "confirm": range(7100, 7105)},
    settings={
        "quick": {"windows": [5], "lags": [0, 4, 5, 10], "examples": 2048, "epochs": 4},
        "book": {
            "windows": [5, 10, 20],
            "lags": [0, 2, 4, 5, 7, 9, 10, 14, 19, 20, 24],
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
        "That no window sees a cue beyond it is a theorem. The criterion asks it all the same, as "
        "a check of the code; what could fail is the first half.",
        "A first record counted the lag from the question, one step after the last: what was lag "
        "1 there is lag 0 here. It held, as did its confirmation.",
    ],
    compared=[
        Rate(label="every cue inside its window used", quantity=_worst_inside, at_least=0.99),
    ],
)
