"""Cutting the gradient's elements against clipping its norm, both tuned alike."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from unrolled.experiments.gradients._plain_descent import learn_order
from unrolled.experiments.ledger import Claim, Measurement, Paper, Row, Strip, Trials, Tuned
from unrolled.experiments.runs import stack
from unrolled.experiments.statistics import Difference, Rate


def order_by_kind(
    seed: int,
    *,
    length: int,
    rates: Sequence[float],
    norms: Sequence[float],
    elements: Sequence[float],
    updates: int,
) -> dict[str, list[float]]:
    """Train on temporal order with the gradient's norm clipped, or its elements cut.

    Returns
    -------
    The best accuracies over ``rates``, see ``learn_order``: ``by norm, θ`` for each of ``norms``
    and ``by element, θ`` for each of ``elements``.
    """
    run = partial(learn_order, seed, length=length, updates=updates)
    found = {
        f"by norm, {threshold}": [run(clip=threshold, rate=rate)["best"] for rate in rates]
        for threshold in norms
    }
    for threshold in elements:
        cut = [run(clip=None, cut=threshold, rate=rate)["best"] for rate in rates]
        found[f"by element, {threshold}"] = cut
    return found


_RATES, _NORMS, _ELEMENTS = [0.03, 0.1, 0.3], [0.3, 1.0, 3.0], [0.03, 0.1, 0.3]
_ARMS = {
    "by norm": [f"by norm, {threshold}" for threshold in _NORMS],
    "by element": [f"by element, {threshold}" for threshold in _ELEMENTS],
}


def _most_solved(arm: str, runs: list[Measurement]) -> int:
    """Return the most runs that an arm solves at one threshold and one rate."""
    return max(int((stack(runs, name) > 0.99).sum(axis=0).max()) for name in _ARMS[arm])


def _best(arm: str, which: int, runs: list[Measurement]) -> float:
    """Return an arm's best threshold (``which`` 0) or rate (1): most runs solved, then accuracy."""
    scores = {
        (float(name.rpartition(" ")[2]), rate): ((best > 0.99).sum(), best.mean())
        for name in _ARMS[arm]
        for rate, best in zip(_RATES, stack(runs, name).T, strict=False)
    }
    return max(scores, key=lambda chosen: scores[chosen])[which]


def _as_good(runs: list[Measurement]) -> bool:
    """Whether the two kinds, each at its best, solve the same up to two runs in ten."""
    gap = _most_solved("by norm", runs) - _most_solved("by element", runs)
    return bool(_most_solved("by norm", runs) >= 0.8 * len(runs) and abs(gap) <= 0.2 * len(runs))


CLAIM = Claim(
    paper=Paper(
        key="pascanu2013difficulty",
        where="Section 3.2",
        says="Clipping the elements of the gradient behaves much as clipping its norm does.",
        untested="The paper says so in a sentence; one task and one length here.",
    ),
    sentence=(
        "On temporal order over 30 steps, cutting each element of the gradient serves about as "
        "well as clipping its norm, each at the best of three thresholds and three learning rates."
    ),
    experiment=order_by_kind,
    criterion=(
        "At its best threshold and rate, clipping by norm solves at least eight runs in ten (0.99 "
        "accuracy within 3,000 updates), and cutting by element as many up to two in ten."
    ),
    holds=_as_good,
    seeds={"quick": range(10, 11), "book": range(20, 30), "confirm": range(7000, 7010)},
    settings={
        "quick": {
            "length": 12,
            "rates": _RATES,
            "norms": _NORMS,
            "elements": _ELEMENTS,
            "updates": 60,
        },
        "book": {
            "length": 30,
            "rates": _RATES,
            "norms": _NORMS,
            "elements": _ELEMENTS,
            "updates": 3000,
        },
    },
    strips=[
        Strip(
            axis=f"Best accuracy, {arm}",
            rows=[Row(name, f"{name}, rate {{}}", over="rates") for name in names],
            lines={"chance": 0.25},
            limits=(0.2, 1.0),
        )
        for arm, names in _ARMS.items()
    ],
    compared=[
        Difference(
            label="best accuracy at rate 0.1, elements cut at 0.1 against norm clipped at 1",
            first=("by element, 0.1", 1),
            second=("by norm, 1.0", 1),
        ),
        Rate(
            label="solved at rate 0.1, norm clipped at 1",
            quantity=lambda measured: measured["by norm, 1.0"][1] > 0.99,
        ),
        Rate(
            label="solved at rate 0.1, elements cut at 0.1",
            quantity=lambda measured: measured["by element, 0.1"][1] > 0.99,
        ),
    ],
    tuned=[
        Tuned(arm=arm, setting=setting, tried=tried, best=partial(_best, arm, which))
        for arm, thresholds in (("by norm", _NORMS), ("by element", _ELEMENTS))
        for which, (setting, tried) in enumerate(
            (("threshold", thresholds), ("learning rate", _RATES))
        )
    ],
    trials=Trials(
        3,
        where="at a rate of 0.1, elements cut at 0.1 at seeds 0 and 1, and at 0.03 at seed 0: all "
        "three solved it",
    ),
    deviations=["The thresholds are ours."],
)
