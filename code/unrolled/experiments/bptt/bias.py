"""Truncated gradients are biased; those cut at random lengths are noisy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from unrolled import bptt
from unrolled.bptt import RNN, Array
from unrolled.experiments.bptt._comparing import (
    angle_between,
    log_log_slope,
    normal_network,
    recurrent_part,
)
from unrolled.experiments.ledger import Claim, Measurement, Paper, Row, Strip, Trials
from unrolled.experiments.runs import stack
from unrolled.experiments.statistics import Difference


def bias(
    seed: int,
    *,
    decays: Sequence[float],
    lengths: Sequence[int],
    steps: int,
    size: int,
    decay: float,
    cuts: Sequence[float],
    averaged: Sequence[int],
    draws: int,
) -> dict[str, float | list[float]]:
    """Measure how wrong cut-short gradients are, where what passes back decays at a known rate.

    The recurrent weights are a rotation times the decay, and the states so small that tanh is the
    identity: a step back multiplies an error's length by the decay, exactly. There is an error at
    every step. Gradients are those by W and U; errors are relative to the exact one's norm.

    Returns
    -------
    ``decay ...: bias`` of ``truncated`` and ``decay ...: angle`` between it and the exact gradient
    in degrees, over ``lengths``; ``rate``, over ``decays``, the factor by which a step more
    shrinks the bias. At one ``decay``, of ``randomised``: ``noise``, over ``cuts``, the root mean
    square error of one draw, and ``noise of short``, the bias of ``truncated`` at the mean run
    1/cut, which does 1/cut times the work. With the last of ``cuts``: ``error of the mean`` over
    ``averaged`` draws, its ``slope`` in log-log, and ``mean of all``, the error of the mean over
    all draws, in the standard errors that one expects of it.
    """
    random = np.random.default_rng(seed)
    rotation, _ = np.linalg.qr(random.standard_normal((size, size)))
    start = normal_network(random, size, size, 1)._replace(b=np.zeros(size))
    x = 1e-3 * random.standard_normal((steps, 1, size))
    dy = random.standard_normal((steps, 1, 1))
    measured: dict[str, float | list[float]] = {}
    rates = []
    for each in decays:
        parameters = start._replace(U=each * rotation)
        h, exact = _states_and_gradient(parameters, x, dy)
        short = [
            recurrent_part(bptt.truncated(parameters, x, h, dy, back=length)) for length in lengths
        ]
        biases = [_relative(found, exact) for found in short]
        measured[f"decay {each}: bias"] = biases
        measured[f"decay {each}: angle"] = [angle_between(found, exact) for found in short]
        rates.append(float(np.exp(np.polyfit(lengths, np.log(biases), 1)[0])))
    measured["rate"] = rates

    parameters = start._replace(U=decay * rotation)
    h, exact = _states_and_gradient(parameters, x, dy)
    noise, same_length = [], []
    for cut in cuts:
        drawn = np.array(
            [
                recurrent_part(
                    bptt.randomised(parameters, x, h, dy, cut=cut, seed=seed * draws + draw)
                )
                for draw in range(draws)
            ]
        )
        noise.append(_mean_error(drawn, exact, 1))
        short_one = bptt.truncated(parameters, x, h, dy, back=round(1 / cut))
        same_length.append(_relative(recurrent_part(short_one), exact))
    means = [_mean_error(drawn, exact, n) for n in averaged]
    return measured | {
        "noise": noise,
        "noise of short": same_length,
        "error of the mean": means,
        "slope": log_log_slope(averaged, means),
        "mean of all": _relative(drawn.mean(axis=0), exact) / (noise[-1] / np.sqrt(draws)),
    }


def _states_and_gradient(parameters: RNN, x: Array, dy: Array) -> tuple[Array, Array]:
    h, _ = bptt.forward(parameters, x, np.zeros((1, len(parameters.b))))
    return h, recurrent_part(bptt.backward(parameters, x, h, dy)[0])


def _relative(found: Array, exact: Array) -> float:
    return float(np.linalg.norm(found - exact) / np.linalg.norm(exact))


def _mean_error(drawn: Array, exact: Array, n: int) -> float:
    """Return the root mean square of the relative errors of means over n draws each."""
    groups = drawn[: len(drawn) // n * n].reshape(-1, n, len(exact)).mean(axis=1)
    squares = ((groups - exact) ** 2).sum(axis=1).mean()
    return float(np.sqrt(squares) / np.linalg.norm(exact))


def _only_the_fixed_cut_is_biased(runs: list[Measurement]) -> bool:
    """Whether many random cuts average out to the exact gradient, and a fixed one stays off it."""
    averaged, fixed = stack(runs, "error of the mean")[:, -1], stack(runs, "noise of short")[:, -1]
    return bool((averaged < fixed).all() and stack(runs, "mean of all").max() < 2)


CLAIM = Claim(
    paper=Paper(
        key="tallec2017unbiasing",
        where="abstract",
        says="The gradient of truncated BPTT is biased, in favour of what is near; cut at varying "
        "lengths and made up for, it is not.",
        verdict=_only_the_fixed_cut_is_biased,
    ),
    sentence=(
        "A gradient cut at a fixed length is biased, the more so the slower errors fade; one "
        "cut at random lengths and made up for is not, but it is noisy."
    ),
    experiment=bias,
    criterion=(
        "In every run: for each decay, a step more shrinks the bias by a factor within 0.05 of "
        "the decay; the error of a mean over draws falls with their number at a log-log slope "
        "within 0.1 of -0.5; the mean over all draws is off by less than two standard errors; "
        "and a single draw is further from the exact gradient than the fixed cut of the same "
        "mean length."
    ),
    holds=lambda runs: bool(
        abs(stack(runs, "rate") - np.array([0.5, 0.8, 0.95])).max() < 0.05
        and abs(stack(runs, "slope") + 0.5).max() < 0.1
        and stack(runs, "mean of all").max() < 2
        and (stack(runs, "noise") > stack(runs, "noise of short")).all()
    ),
    seeds={"quick": range(1), "book": range(10, 20), "confirm": range(7000, 7010)},
    settings={
        "quick": {
            "decays": [0.5, 0.8, 0.95],
            "lengths": [2, 4, 8, 12],
            "steps": 100,
            "size": 20,
            "decay": 0.8,
            "cuts": [0.1, 0.25],
            "averaged": [1, 4, 16, 64],
            "draws": 320,
        },
        "book": {
            "decays": [0.5, 0.8, 0.95],
            "lengths": [1, 2, 4, 6, 8, 10, 12, 16, 20],
            "steps": 100,
            "size": 20,
            "decay": 0.8,
            "cuts": [0.05, 0.1, 0.2, 0.25],
            "averaged": [1, 4, 16, 64],
            "draws": 512,
        },
    },
    strips=[
        Strip(
            axis="Error of a gradient cut after k steps, exact = 1",
            rows=[Row("decay 0.8: bias", "decay 0.8, k = {}", over="lengths")],
            limits=(0.0, 1.0),
        ),
        Strip(
            axis="Factor by which a step more shrinks the bias",
            rows=[Row("rate", "decay {}", over="decays")],
            limits=(0.0, 1.0),
        ),
        Strip(
            axis="Error of a mean over random cuts, exact = 1",
            rows=[Row("error of the mean", "{} draws", over="averaged")],
        ),
    ],
    compared=[
        Difference(
            label="error of one draw, a cut every four steps in the mean, against BPTT(4)",
            first=("noise", 3),
            second=("noise of short", 3),
        ),
        Difference(
            label="error of a mean over 64 such draws against BPTT(4)",
            first=("error of the mean", 3),
            second=("noise of short", 3),
        ),
    ],
    trials=Trials(where="eight seeds other than those below, for the tolerances"),
    deviations=[
        "The first three parts of the criterion are a check of the code: for this network they "
        "follow from the equations. The last, that one draw is further off than the fixed cut, "
        "is measured; it compares equal mean lengths, not equal work.",
        "Ours is the paper's estimator with one probability of a cut for every step. The "
        "network, made for a known decay and not trained, is ours.",
    ],
)
