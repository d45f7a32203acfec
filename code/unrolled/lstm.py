"""The cells of the chapter ``lstm``, by its name: their code is in ``unrolled.cells``."""

from unrolled.cells import FORMS, LSTM, LSTMVariant

__all__ = ["FORMS", "LSTM", "LSTMVariant"]
