"""A wrong gradient can train as well as the right one, and something that arrives is enough."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unrolled import bptt
from unrolled.experiments.bptt._comparing import angle_between, recurrent_part
from unrolled.experiments.bptt._learning import initial, logistic_loss
from unrolled.experiments.bptt._side_by_side import cue_sequences, loss_curves
from unrolled.experiments.bptt._slips import slipped
from unrolled.experiments.ledger import Claim, Measurement, Row, Strip, Trials, Tuned
from unrolled.experiments.runs import stack
from unrolled.experiments.statistics import Difference, Rate


def wrong_gradients(
    seed: int,
    *,
    right: Sequence[Sequence[float]],
    wrong: Sequence[float],
    nothing: Sequence[Sequence[float]],
    echo_right: Sequence[float],
    echo_wrong: Sequence[float],
    cue_lag: int,
    echo_lag: int,
    **learner: int,
) -> dict[str, float | list[float]]:
    """Train on a cue and on an echo by gradient descent, with errors carried back in several ways.

    ``right``, ``nothing`` are lists of settings, ``wrong``, ``echo_...`` are one: a learning rate
    and a clip.

    Returns
    -------
    ``<way>: loss``, averaged over all updates, and ``<way>: last``, over the last tenth: numbers,
    or lists over the settings. On the cue, ``right`` and ``nothing`` (no error is carried back) at
    theirs; at the setting ``wrong``, ``not reset``, ``rotation`` (the error times a random
    rotation for each step back) and ``rotation anew`` (another one at every update). On the echo,
    ``echo, right`` and ``echo, not reset``. And ``angle`` between ``not reset`` and the right
    gradient, by W and U, in degrees, in the network and on the sequences of the first update.
    """
    H, updates = learner["hidden"], learner["updates"]
    cue: dict[str, Any] = {"task": "cue", "lag": cue_lag, **learner}
    echo: dict[str, Any] = {"task": "delay", "lag": echo_lag, **learner}
    turns = rotations(updates + 1, H, seed)
    ways: dict[str, tuple[Mapping[str, Any], str, NDArray[np.float64] | None, Any]] = {
        "right": (cue, "", None, right),
        "not reset": (cue, "not reset", None, wrong),
        "rotation": (cue, "", np.repeat(turns[:1], updates, axis=0), wrong),
        "rotation anew": (cue, "", turns[1:], wrong),
        "nothing": (cue, "", 0 * turns[1:], nothing),
        "echo, right": (echo, "", None, echo_right),
        "echo, not reset": (echo, "not reset", None, echo_wrong),
    }
    measured: dict[str, float | list[float]] = {}
    for name, (task, slip, back, settings) in ways.items():
        several = np.ndim(settings) == 2
        rates, clips = np.atleast_2d(settings).T
        curves = loss_curves(
            slip,
            back=back,
            optimiser="SGD",
            seeds=[seed] * len(rates),
            rates=list(rates),
            clips=clips,
            **task,
        )
        for what, part in (("loss", curves), ("last", curves[-len(curves) // 10 :])):
            means = [float(each) for each in part.mean(axis=0)]
            measured[f"{name}: {what}"] = means if several else means[0]
    return measured | {"angle": _first_angle(seed, lag=cue_lag, **learner)}


def rotations(n: int, size: int, seed: int) -> NDArray[np.float64]:
    """Draw n random rotations or reflections, ``(n, size, size)``."""
    drawn = np.random.default_rng([seed, 1]).standard_normal((n, size, size))
    return np.linalg.qr(drawn)[0]


def _first_angle(seed: int, *, lag: int, hidden: int, sequences: int, **_: int) -> float:
    x, targets = cue_sequences(sequences, lag, seed)
    parameters = initial(seed, x.shape[-1], hidden, 1)
    h, y = bptt.forward(parameters, x, np.zeros((sequences, hidden)))
    dy = np.zeros(y.shape)
    dy[-1] = logistic_loss(y[-1], targets[-1])[1] / sequences
    right, wrong = [
        recurrent_part(slipped(parameters, x, h, dy, slip=slip)) for slip in ("", "not reset")
    ]
    return angle_between(wrong, right)


_MARGIN = 0.1  # nats; a guess has 0.69
_LEARNED = 0.3  # nats, over the last tenth


def _best(runs: Sequence[Measurement], name: str) -> NDArray[np.float64]:
    """Return each run's loss at that setting whose mean over the runs is lowest."""
    losses = stack(runs, f"{name}: loss")
    return losses[:, losses.mean(axis=0).argmin()]


def _at_most_worse(runs: Sequence[Measurement]) -> float:
    """Return the upper end of what the wrong gradient's mean loss is above the right one's."""
    more = stack(runs, "not reset: loss")[:, 0] - _best(runs, "right")
    if len(more) < 2:
        return float(more[0])
    return float(more.mean() + 1.7 * more.std(ddof=1) / np.sqrt(len(more)))


def _share_learned(runs: Sequence[Measurement], name: str) -> float:
    """Return the share of runs that learned, at the setting at which most did."""
    return float((stack(runs, f"{name}: last") < _LEARNED).mean(axis=0).max())


def _median(runs: Sequence[Measurement], name: str) -> float:
    return float(np.median(stack(runs, f"{name}: loss")))


_RATES, _CLIPS = (1.0, 3.0, 10.0, 30.0, 100.0), (0.03, 0.1, 0.3, 1.0)

_RIGHT = [[30.0, 0.1], [10.0, 0.3], [30.0, 0.03], [100.0, 0.03]]
_WRONG, _ECHO_RIGHT, _ECHO_WRONG = [10.0, 0.1], [10.0, 0.03], [1.0, 0.03]
_NOTHING = [[30.0, 0.1], [10.0, 0.3], [3.0, 0.3]]

_SETTINGS = {
    "right": _RIGHT,
    "wrong": _WRONG,
    "nothing": _NOTHING,
    "echo_right": _ECHO_RIGHT,
    "echo_wrong": _ECHO_WRONG,
    "cue_lag": 20,
    "echo_lag": 8,
    "hidden": 16,
    "sequences": 32,
    "updates": 500,
}


def _rows(name: str, label: str, settings: list[list[float]]) -> list[Row]:
    return [
        Row(f"{name}: loss", f"{label}, rate {rate:g}, clip {clip:g}", element=i)
        for i, (rate, clip) in enumerate(settings)
    ]


CLAIM = Claim(
    sentence=(
        "A wrong gradient can train as well as the right one: with one character too many, "
        "`dh += da @ U`, and plain gradient descent, networks learn a cue 20 steps old with a mean "
        "loss that is at most 0.1 nats above that of the right gradient. A random rotation in "
        "place of the way back teaches too, and one drawn anew at every update still does, more "
        "slowly; with nothing carried back few networks learn. On an echo of 8 steps the right "
        "gradient is far better than the wrong one."
    ),
    experiment=wrong_gradients,
    criterion=(
        "Judged is the loss averaged over 500 updates, where a guess has 0.69 nats. On the cue: "
        "the mean of (not reset less right), the right gradient at that of its four settings "
        "whose mean is lowest over these very runs, and 1.7 of its standard errors on top, is "
        "below 0.1 nats. At least two thirds of the runs learn, that is end below 0.3 nats, with "
        "a rotation drawn anew at every update, and at most a third with nothing carried back, "
        "at that of its three settings where most do. The median loss with the rotation drawn "
        "anew is at least twice that with a fixed one. On the echo, the median with the right "
        "gradient is less than half that of the other."
    ),
    holds=lambda runs: bool(
        _at_most_worse(runs) < _MARGIN
        and _share_learned(runs, "rotation anew") >= 2 / 3
        and _share_learned(runs, "nothing") <= 1 / 3
        and _median(runs, "rotation anew") >= 2 * _median(runs, "rotation")
        and _median(runs, "echo, right") < _median(runs, "echo, not reset") / 2
    ),
    seeds={"quick": range(300, 301), "book": range(1000, 1032), "confirm": range(7300, 7332)},
    settings={
        "quick": {**_SETTINGS, "updates": 50},
        "book": _SETTINGS,
    },
    strips=[
        Strip(
            axis="Cue 20 steps old: loss over 500 updates",
            rows=[
                *_rows("right", "right", _RIGHT),
                Row("not reset: loss", "not reset"),
                Row("rotation: loss", "a rotation"),
                Row("rotation anew: loss", "a rotation, anew at every update"),
                *_rows("nothing", "nothing", _NOTHING),
            ],
            lines={"chance": float(np.log(2))},
            limits=(0.0, 0.8),
        ),
        Strip(
            axis="Echo of 8 steps: loss over 500 updates",
            rows=[Row("echo, right: loss", "right"), Row("echo, not reset: loss", "not reset")],
            lines={"chance": float(np.log(2))},
            limits=(0.0, 0.8),
        ),
    ],
    compared=[
        Difference(
            label="loss, not reset against right at rate 30, clip 0.1",
            first="not reset: loss",
            second=("right: loss", 0),
        ),
        Difference(
            label="loss, a rotation drawn anew against a fixed one",
            first="rotation anew: loss",
            second="rotation: loss",
        ),
        Rate(
            label="learned, rotation drawn anew", quantity="rotation anew: last", at_most=_LEARNED
        ),
        Rate(
            label="learned, nothing carried back, rate 30, clip 0.1",
            quantity=("nothing: last", 0),
            at_most=_LEARNED,
        ),
    ],
    tuned=[
        Tuned(arm=f"{task}, {name}", setting=setting, tried=tried, chosen=chosen)
        for task, name, pair in (
            ("cue", "not reset", _WRONG),
            ("echo", "right", _ECHO_RIGHT),
            ("echo", "not reset", _ECHO_WRONG),
        )
        for setting, tried, chosen in zip(
            ("learning rate", "clip"), (_RATES, _CLIPS), pair, strict=True
        )
    ],
    trials=Trials(
        where="the attempt before, whose 32 runs each tried 20 settings; of rotations and of "
        "nothing carried back, 20 networks by a reader and 12 for the chapter's page"
    ),
    deviations=[
        "No paper claims it.",
        "A first record, at lag 40, all clips 1, asked for half the median loss with both "
        "optimisers: it held with SGD, and with Adam the two came out alike. It did not hold, "
        "and was not kept.",
        "The next attempt asked for half the median with SGD and a lower one with Adam, and held "
        "in both blocks. But with Adam the wrong gradient was ahead in 10 and 11 of 16 runs, and "
        "with SGD in 13 and 9, each gradient at development's best setting: seed by seed no "
        "difference was sure.",
        "The one after that asked for a median no higher than the right gradient's, which two "
        "gradients that train alike would have in half of all blocks; it held in both. This one "
        "has a margin. Settings are those that did best over that attempt's 32 runs. For the "
        "right gradient they are four, and the best of them is chosen on the runs that are "
        "judged: that favours the right gradient, against the claim.",
        "First weights are as torch draws them.",
    ],
)
