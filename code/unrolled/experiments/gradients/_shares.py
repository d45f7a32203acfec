"""Shares of units that latch a bit, and what was tuned for them: common to two claims."""

from __future__ import annotations

from unrolled.experiments.ledger import Tuned
from unrolled.experiments.statistics import Rate

LATCH_TUNED = (
    Tuned(arm="every unit", setting="sequences of each class in an update", tried=(1, 4), chosen=4),
)


def share(label: str, quantity: str, index: int) -> Rate:
    """Return how many of the 40 units of a run succeed: an element of a measured list."""
    return Rate(label=label, quantity=(quantity, index), of=40, unit="units")
