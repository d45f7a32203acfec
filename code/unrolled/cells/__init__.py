"""The cells: one file each, its equations first; and one table of all of them.

A cell that has a row in ``CELLS`` is one whose gradient, promises and speed are tested, that a
search can build and a figure draw.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from unrolled.cells.elman import Elman
from unrolled.cells.gru import GRU
from unrolled.cells.lstm import LSTM
from unrolled.cells.lstm_variant import FORMS, LSTMVariant
from unrolled.cells.mut import MUT1, MUT2, MUT3
from unrolled.core.cell import Cell

__all__ = ["CELLS", "FORMS", "GRU", "LSTM", "MUT1", "MUT2", "MUT3", "Elman", "LSTMVariant", "Row"]


class Row(NamedTuple):
    """A cell of the table.

    Attributes
    ----------
    kind
        Its class.
    options
        What the class is made with, besides the sizes.
    torch
        The layer of ``torch.nn`` that computes the same with the same weights, "" if none does.
    """

    kind: type[Cell]
    options: Mapping[str, Any] = MappingProxyType({})
    torch: str = ""

    def make(self, input_size: int, hidden_size: int) -> Cell:
        """Return such a cell."""
        return self.kind(input_size, hidden_size, **self.options)


CELLS: Mapping[str, Row] = MappingProxyType(
    {
        "Elman": Row(Elman, torch="RNN"),
        "Elman, rectified": Row(Elman, {"nonlinearity": "relu"}, torch="RNN"),
        "LSTM": Row(LSTM, torch="LSTM"),
        # torch's is the plain LSTM
        **{f"LSTM {n}": Row(LSTMVariant, form) for n, form in FORMS.items() if n != "torch"},
        "LSTM layer norm": Row(LSTMVariant, {"layer_norm": True}),
        "GRU": Row(GRU, torch="GRU"),
        "GRU, z writes": Row(GRU, {"update": "write"}),
        "GRU, reset before": Row(GRU, {"reset": "before"}),
        "GRU, reset before, z writes": Row(GRU, {"reset": "before", "update": "write"}),
        "MUT1": Row(MUT1),
        "MUT2": Row(MUT2),
        "MUT3": Row(MUT3),
    }
)
"""Every cell of the book, by name."""
