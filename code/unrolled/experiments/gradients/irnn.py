"""Rectifiers that start as the identity, on the adding problem."""

from __future__ import annotations

from unrolled.experiments.adding_problem import learn_adding
from unrolled.experiments.gradients._starts import irnn_network
from unrolled.experiments.ledger import Claim, Paper, Row, Strip, Trials, Tuned
from unrolled.experiments.runs import stack
from unrolled.experiments.statistics import Rate
from unrolled.training import seeded


def irnn_errors(
    seed: int, *, length: int, hidden: int, updates: int, rate: float
) -> dict[str, float]:
    """Train an IRNN on the adding problem: rectifiers that start with the identity.

    Returns
    -------
    Its ``error`` on the test, in variances, and the ``updates`` it took; see ``learn_adding``.
    """
    model = seeded(seed, lambda: irnn_network(2, hidden, 1))
    return learn_adding(model, length=length, rate=rate, updates=updates, seed=seed)


CLAIM = Claim(
    paper=Paper(
        key="le2015simple",
        where="abstract",
        says="Rectifiers that start as the identity are comparable to LSTMs on four benchmarks, "
        "two of them toy problems with long-range temporal structure.",
        untested="We train no LSTM of the same size beside them, and our sequences are shorter.",
    ),
    sentence=(
        "Rectifiers whose recurrent weights start as the identity solve the adding problem "
        "over 100 steps."
    ),
    experiment=irnn_errors,
    criterion=(
        "In every run and within 6,000 updates, the squared error is below 0.06 of the "
        "variance of the targets: what is asked of the LSTM."
    ),
    holds=lambda runs: bool(stack(runs, "error").max() < 0.06),
    seeds={"quick": range(10, 11), "book": range(30, 35), "confirm": range(7000, 7005)},
    settings={
        "quick": {"length": 20, "hidden": 100, "updates": 500, "rate": 1e-3},
        "book": {"length": 100, "hidden": 100, "updates": 6000, "rate": 1e-3},
    },
    strips=[
        Strip(
            axis="Error, variance of targets = 1",
            rows=[Row("error", "IRNN with 100 units")],
            lines={"the mean": 1.0},
            limits=(0.0, 1.1),
        ),
        Strip(axis="Updates", rows=[Row("updates", "IRNN with 100 units")], limits=(0, 6000)),
    ],
    compared=[Rate(label="the sum found", quantity="error", at_most=0.06)],
    tuned=[
        Tuned(arm="IRNN", setting="units", tried=(32, 64, 100), chosen=100),
        Tuned(arm="IRNN", setting="learning rate", tried=(0.0003, 0.001), chosen=0.001),
    ],
    trials=Trials(
        where="an earlier program of ours, in which 100 units solved it, and 32, or 64 at rate "
        "0.0003, did not; then one run and a first record with other seeds, which met the criterion"
    ),
    deviations=[
        "The paper's shortest sequences have 150 steps, ours 100. We train by Adam with "
        "clipping, and start the input weights as torch does.",
        "100 units and up to 6,000 updates; the LSTM of the other claim has 32 and 2,500.",
    ],
)
