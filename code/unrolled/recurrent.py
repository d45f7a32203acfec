"""Another name of ``unrolled.core.recurrent``, by which readers have imported it."""

from unrolled.core.recurrent import Cell, Recurrent, State, from_torch, mask, to_torch

__all__ = ["Cell", "Recurrent", "State", "from_torch", "mask", "to_torch"]
