"""A wrong gradient can train as well as the right one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from unrolled import bptt
from unrolled.bptt import RNN, Array
from unrolled.experiments.bptt._comparing import (
    angle_between,
    central_differences,
    largest_gap,
    normal_network,
    recurrent_part,
)
from unrolled.experiments.bptt._learning import initial, logistic_loss
from unrolled.experiments.bptt._side_by_side import cue_sequences, loss_curves
from unrolled.experiments.bptt._slips import SLIPS, slipped
from unrolled.experiments.ledger import Claim, Measurement, Row, Strip, Trials, Tuned
from unrolled.experiments.runs import stack
from unrolled.experiments.statistics import Difference


def wrong_gradients(
    seed: int,
    *,
    slips: Sequence[str],
    sgd_rates: Sequence[float],
    adam_rates: Sequence[float],
    clips: Sequence[float],
    cue_lag: int,
    delay_lag: int,
    **learner: int,
) -> dict[str, float | list[float]]:
    """Train with the right gradient and with wrong ones, each at every rate and clip of a grid.

    Returns
    -------
    For the tasks ``cue 20, SGD``, ``cue 20, Adam`` and ``delay 8, SGD`` (with their lags), for
    ``right`` and ``not reset``, on the first for all of ``slips``, and for each clip:
    ``<task>, <gradient>, clip <c>: loss``, the average over all updates, and ``...: last``, that
    over the last tenth; lists over the rates. ``gap of right`` from central differences, and
    ``gap`` of each of ``slips``, relative, in a small network; ``angle`` of each to the right
    gradient, in degrees, in the network and on the sequences of the first update.
    """
    tasks = (
        ("cue", cue_lag, "SGD", sgd_rates, ["", *slips]),
        ("cue", cue_lag, "Adam", adam_rates, ["", "not reset"]),
        ("delay", delay_lag, "SGD", sgd_rates, ["", "not reset"]),
    )
    measured: dict[str, float | list[float]] = {}
    for task, lag, optimiser, rates, compared in tasks:
        for slip in compared:
            curves = loss_curves(
                slip,
                task=task,
                lag=lag,
                optimiser=optimiser,
                seeds=[seed] * len(clips) * len(rates),
                rates=list(rates) * len(clips),
                clips=np.repeat(clips, len(rates)),
                **learner,
            )
            for i, clip in enumerate(clips):
                at_clip = curves[:, i * len(rates) : (i + 1) * len(rates)]
                name = f"{task} {lag}, {optimiser}, {slip or 'right'}, clip {clip}"
                measured[f"{name}: loss"] = list(at_clip.mean(axis=0))
                measured[f"{name}: last"] = list(at_clip[-len(curves) // 10 :].mean(axis=0))
    right, *wrong = [_gap_of(slip, seed) for slip in ("", *slips)]
    angles = first_angles(seed, slips, lag=cue_lag, **learner)
    return measured | {"gap of right": right, "gap": wrong, "angle": angles}


def _gap_of(slip: str, seed: int) -> float:
    """Return a gradient's largest relative difference from central differences."""
    random = np.random.default_rng(seed)
    parameters = RNN(*(0.5 * each for each in normal_network(random, 2, 3, 1)))
    x, k, h0 = (
        random.standard_normal((5, 4, 2)),
        random.standard_normal((5, 4, 1)),
        np.zeros((4, 3)),
    )

    def loss(*at: Array) -> float:
        return float((bptt.forward(RNN(*at), x, h0)[1] * k).sum())

    h, _ = bptt.forward(parameters, x, h0)
    return largest_gap(
        slipped(parameters, x, h, k, slip=slip), central_differences(loss, list(parameters))
    )


def first_angles(
    seed: int, slips: Sequence[str], *, lag: int, hidden: int, sequences: int, **_: int
) -> list[float]:
    """Return the angles in degrees between wrong gradients and the right one, before learning."""
    x, targets = cue_sequences(sequences, lag, seed)
    parameters = initial(seed, x.shape[-1], hidden, 1)
    h, y = bptt.forward(parameters, x, np.zeros((sequences, hidden)))
    dy = np.zeros(y.shape)
    dy[-1] = logistic_loss(y[-1], targets[-1])[1] / sequences
    right, *wrong = [
        recurrent_part(slipped(parameters, x, h, dy, slip=slip)) for slip in ("", *slips)
    ]
    return [angle_between(each, right) for each in wrong]


def best_setting(runs: list[Measurement], name: str) -> tuple[str, int]:
    """Return the clip and the index of the rate with the lowest median loss over the runs.

    ``name`` is a task and a gradient, as in ``cue 20, SGD, right``; the clip comes back as it is
    written in the names of what was measured, ``0.3``.

    Raises
    ------
    ValueError
        If nothing of that name was measured.
    """
    start, end = f"{name}, clip ", ": loss"
    medians = {
        (each.removeprefix(start).removesuffix(end), rate): median
        for each in runs[0]
        if each.startswith(start) and each.endswith(end)
        for rate, median in enumerate(np.median(stack(runs, each), axis=0))
    }
    if not medians:
        raise ValueError(f"name must be a task and a gradient that were measured, got {name!r}")
    return min(medians, key=lambda setting: medians[setting])


def at_best(runs: list[Measurement], name: str, shown: str = "loss") -> NDArray[np.float64]:
    """Return what each run measured at the setting that is best over all runs, ``(runs,)``."""
    clip, rate = best_setting(runs, name)
    return stack(runs, f"{name}, clip {clip}: {shown}")[:, rate]


def _median_at_best(runs: list[Measurement], name: str) -> float:
    return float(np.median(at_best(runs, name)))


_SLIPS = list(SLIPS)

_LEARNER = {"cue_lag": 20, "delay_lag": 8, "hidden": 16, "sequences": 32, "updates": 500}

_SGD_RATES, _ADAM_RATES = [1.0, 3.0, 10.0, 30.0, 100.0], [0.003, 0.01, 0.03, 0.1]
_CLIPS = [0.03, 0.1, 0.3, 1.0]

_TASKS = {
    "cue 20, SGD": _SGD_RATES,
    "cue 20, Adam": _ADAM_RATES,
    "delay 8, SGD": _SGD_RATES,
}


def _tuned(task: str, gradient: str) -> list[Tuned]:
    """Return how a gradient's rate and clip were chosen on a task."""
    rates, name = _TASKS[task], f"{task}, {gradient}"
    return [
        Tuned(
            arm=name,
            setting="learning rate",
            tried=rates,
            best=lambda runs: rates[best_setting(runs, name)[1]],
        ),
        Tuned(
            arm=name,
            setting="clip",
            tried=_CLIPS,
            best=lambda runs: float(best_setting(runs, name)[0]),
        ),
    ]


def _as_fixed_before(
    task: str, wrong: tuple[float, float], right: tuple[float, float]
) -> Difference:
    """Compare the two gradients at a rate and a clip each that no run of this attempt chose."""
    first, second = (
        (f"{task}, {name}, clip {clip}: loss", _TASKS[task].index(rate))
        for name, (rate, clip) in (("not reset", wrong), ("right", right))
    )
    return Difference(
        label=f"{task}: loss, not reset against right, each at a setting fixed before",
        first=first,
        second=second,
    )


CLAIM = Claim(
    sentence=(
        "A wrong gradient can train as well as the right one: with one character too many, "
        "`dh += da @ U`, and plain gradient descent, the median loss of 16 networks that learn a "
        "cue 20 steps old is no higher than with the right gradient, each at its best learning "
        "rate and clip. On an echo of 8 steps the right gradient is far better."
    ),
    experiment=wrong_gradients,
    criterion=(
        "Judged is the loss averaged over 500 updates: its median over the runs, for each "
        "gradient at the rate and clip where that is lowest. On the cue task, lag 20, with SGD, "
        "the median with the gradient that is not reset is at most the right one's. On the delay "
        "task, lag 8, with SGD, the right one's is less than half the other's. And central "
        "differences tell: the right gradient is within $10^{-6}$ of them in every run, each "
        "wrong one more than $10^{-2}$ off. With Adam the two are measured, and nothing is said."
    ),
    holds=lambda runs: bool(
        _median_at_best(runs, "cue 20, SGD, not reset")
        <= _median_at_best(runs, "cue 20, SGD, right")
        and _median_at_best(runs, "delay 8, SGD, right")
        < _median_at_best(runs, "delay 8, SGD, not reset") / 2
        and stack(runs, "gap of right").max() < 1e-6
        and stack(runs, "gap").min() > 1e-2
    ),
    seeds={"quick": range(300, 302), "book": range(500, 516), "confirm": range(7100, 7116)},
    settings={
        "quick": {
            **_LEARNER,
            "updates": 150,
            "slips": ["not reset"],
            "sgd_rates": [3.0, 10.0],
            "adam_rates": [0.03],
            "clips": [0.1],
        },
        "book": {
            **_LEARNER,
            "slips": _SLIPS,
            "sgd_rates": _SGD_RATES,
            "adam_rates": _ADAM_RATES,
            "clips": _CLIPS,
        },
    },
    strips=[
        Strip(
            axis=f"{title}: loss over 500 updates",
            rows=[
                Row(f"{where}, right, clip 0.3: loss", "right, rate {}", over=rates),
                Row(f"{where}, not reset, clip 0.3: loss", "not reset, rate {}", over=rates),
            ],
            lines={"chance": float(np.log(2))},
            limits=(0.0, 0.8),
        )
        for title, where, rates in (
            ("Cue 20 steps old, SGD, clip 0.3", "cue 20, SGD", "sgd_rates"),
            ("Cue 20 steps old, Adam, clip 0.3", "cue 20, Adam", "adam_rates"),
            ("Echo of 8 steps, SGD, clip 0.3", "delay 8, SGD", "sgd_rates"),
        )
    ]
    + [
        Strip(
            axis="Relative gap from central differences",
            rows=[Row("gap", "{}", over="slips")],
            lines={"right": 0.0},
        ),
    ],
    compared=[
        _as_fixed_before("cue 20, SGD", wrong=(3.0, 0.3), right=(30.0, 0.1)),
        _as_fixed_before("cue 20, Adam", wrong=(0.03, 0.1), right=(0.03, 0.3)),
        _as_fixed_before("delay 8, SGD", wrong=(1.0, 0.3), right=(3.0, 0.1)),
    ],
    tuned=[
        each for task in _TASKS for name in ("right", "not reset") for each in _tuned(task, name)
    ],
    trials=Trials(
        where="seeds below 20, by which slip, task, lag and grid were found: nine wrong gradients "
        "on six tasks, namely cue, delay, adding, sine, parity and running sum, some at several "
        "lags, with Adam and SGD; in most of these settings the right gradient trained best"
    ),
    deviations=[
        "No paper claims it.",
        "A first record, at lag 40, all clips 1, asked for half the median loss with both "
        "optimisers: it held with SGD, and with Adam the two came out alike. It did not hold, "
        "and was not kept.",
        "The next attempt asked for half the median with SGD and a lower one with Adam, and held "
        "in both blocks. But with Adam the wrong gradient was ahead in 10 and 11 of 16 runs, and "
        "with SGD in 13 and 9, each gradient at development's best setting: seed by seed no "
        "difference was sure. So the sentence now claims no advantage.",
        "There the right gradient's best setting with SGD lay at the corner of the grid. The "
        "grid is wider now on all sides.",
        "First weights are as torch draws them. Rate and clip are chosen on the runs that are "
        "judged, for every gradient alike; the comparisons above are at settings fixed before, "
        "near those that were the best in the earlier attempt.",
        "The other five wrong gradients are measured on the cue with SGD alone. No criterion "
        "asks about them.",
    ],
)
