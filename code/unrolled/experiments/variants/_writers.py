"""Networks of three cells that learn to write the same English: what a claim and a page share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from unrolled.cells import GRU, LSTM, Elman
from unrolled.core import shapes
from unrolled.core.cell import Cell
from unrolled.core.validate import whole
from unrolled.experiments.rnn._writer import writer

CELLS: Mapping[str, Callable[[int, int], Cell]] = MappingProxyType(
    {"tanh": Elman, "LSTM": LSTM, "GRU": GRU}
)
"""The cells by the names that they have on the page."""

RATES: Mapping[str, float] = MappingProxyType({"tanh": 0.01, "LSTM": 0.1, "GRU": 0.03})
"""For each the first rate that is best on the text held out."""

WEIGHTS = 24_350
"""Numbers that a network may learn: as many as the writer of the chapter ``rnn`` does."""


def weights(model: shapes.Synchronised) -> int:
    """Return how many numbers a network learns."""
    return sum(p.numel() for p in model.parameters())


def units(cell: str, *, budget: int) -> int:
    """Return the most units with which a writer of a cell learns no more numbers than a budget.

    Raises
    ------
    ValueError
        If not even one unit does.
    """
    budget, found = whole("budget", budget), 0
    while weights(writer(0, CELLS[cell], hidden=found + 1)) <= budget:
        found += 1
    if not found:
        least = weights(writer(0, CELLS[cell], hidden=1))
        raise ValueError(f"budget must allow one unit, {least} numbers, got {budget}")
    return found


def writer_of(cell: str, *, budget: int, seed: int) -> shapes.Synchronised:
    """Return an untrained writer of a cell, with as many units as the budget allows."""
    return writer(seed, CELLS[cell], hidden=units(cell, budget=budget))
