"""Which runs of plain descent solved temporal order: what the claims on clipping count."""

from __future__ import annotations

from unrolled.experiments.ledger import Paper, Tuned
from unrolled.experiments.statistics import Rate

PASCANU = Paper(
    key="pascanu2013difficulty",
    where="Figure 7",
    says="On temporal order, more runs succeed with the gradient's norm clipped than without.",
    untested="It trains at a rate of 0.01 for up to 5 million updates, we for at most 3,000; and "
    "the rate decides which runs succeed.",
)

ONE_RATE = (
    Tuned(arm="with clipping and without", setting="learning rate", tried=(0.1,), chosen=0.1),
)


def solved(label: str, quantity: str, index: int) -> Rate:
    """Return how often the best accuracy, an element of a measured list, is above 0.99."""
    return Rate(label=label, quantity=lambda measured: measured[quantity][index] > 0.99)
