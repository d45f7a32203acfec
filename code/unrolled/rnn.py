"""The cell of the chapter ``rnn``, by its name: its code is in ``unrolled.cells``."""

from unrolled.cells import Elman

__all__ = ["Elman"]
