"""A regulariser that keeps the gradient's length on its way back."""

from __future__ import annotations

from collections.abc import Sequence

from unrolled.experiments.gradients._plain_descent import learn_order
from unrolled.experiments.gradients._solved import solved
from unrolled.experiments.ledger import Claim, Paper, Row, Strip, Trials, Tuned
from unrolled.experiments.runs import stack
from unrolled.experiments.statistics import Difference


def order_with_omega(
    seed: int, *, length: int, weights: Sequence[float], clip: float, updates: int
) -> dict[str, list[float]]:
    """Train on temporal order with each weight of Pascanu's regulariser, see ``learn_order``.

    Returns
    -------
    For each of ``weights``: the ``best`` accuracy and the ``updates`` made.
    """
    runs = [
        learn_order(seed, length=length, clip=clip, weight=weight, updates=updates)
        for weight in weights
    ]
    return {name: [run[name] for run in runs] for name in ("best", "updates")}


CLAIM = Claim(
    paper=Paper(
        key="pascanu2013difficulty",
        where="Figure 7",
        says="On temporal order, more runs succeed with clipping and the regulariser than with "
        "clipping alone.",
        untested="It trains at a rate of 0.01 for up to 5 million updates; we for at most 5,000, "
        "and at a rate at which clipping alone does badly.",
    ),
    sentence=(
        "On temporal order over 60 steps, at a learning rate of 0.1 and within 5,000 updates, "
        "networks reach a mean accuracy above 0.9 with a regulariser that keeps the gradient's "
        "length on its way back, its coefficient tuned, and below 0.35 with clipping alone."
    ),
    experiment=order_with_omega,
    criterion=(
        "The best accuracy, averaged over the runs, is above 0.9 with the regulariser and "
        "below 0.35 without."
    ),
    holds=lambda runs: bool(
        stack(runs, "best").mean(axis=0)[0] < 0.35 and stack(runs, "best").mean(axis=0)[1] > 0.9
    ),
    seeds={"quick": range(10, 11), "book": range(5), "confirm": range(7000, 7005)},
    settings={
        "quick": {"length": 20, "weights": [0.0, 16.0], "clip": 1.0, "updates": 500},
        "book": {"length": 60, "weights": [0.0, 16.0], "clip": 1.0, "updates": 5000},
    },
    strips=[
        Strip(
            axis="Best accuracy on 1,000 sequences",
            rows=[Row("best", "clipped, coefficient {}", over="weights")],
            lines={"chance": 0.25},
            limits=(0.2, 1.0),
        )
    ],
    compared=[
        Difference(
            label="best accuracy, with the regulariser against clipping alone",
            first=("best", 1),
            second=("best", 0),
        ),
        Difference(
            label="solved, with the regulariser against clipping alone",
            first=solved("with the regulariser", "best", 1),
            second=solved("clipping alone", "best", 0),
        ),
    ],
    tuned=[
        Tuned(arm="with the regulariser", setting="coefficient", tried=(4, 16), chosen=16),
        Tuned(arm="with the regulariser", setting="learning rate", tried=(0.1,), chosen=0.1),
        Tuned(arm="clipping alone", setting="learning rate", tried=(0.1,), chosen=0.1),
    ],
    trials=Trials(
        4,
        where="two other seeds, with coefficient 4, which reached 0.36 and 0.61, and with 16, "
        "which solved it; not among them are the runs of an earlier program of ours, from which "
        "the criterion comes: with 4, two of three solved it and the third reached 0.94",
    ),
    deviations=[
        "The paper defines the regulariser with $(r - 1)^2$, $r$ the ratio of lengths, and "
        "gives its gradient for $(r^2 - 1)^2$, four times as large near $r = 1$; the authors' "
        "program averages the latter over the steps, and its coefficient is 4. We average "
        "$(r - 1)^2$, with coefficient 16.",
        "The arms were not tuned alike. Clipping alone at rates 0.03 and 0.05, tried afterwards, "
        "reached 0.57 and 0.58 in the mean, once 1.00: that it stays below 0.35 is a matter of "
        "the rate.",
    ],
)
