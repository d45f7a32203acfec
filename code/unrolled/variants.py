"""The cells of the chapter ``variants``, by its name: their code is in ``unrolled.cells``."""

from unrolled.cells import FORMS, GRU, MUT1, MUT2, MUT3, LSTMVariant

__all__ = ["FORMS", "GRU", "MUT1", "MUT2", "MUT3", "LSTMVariant"]
