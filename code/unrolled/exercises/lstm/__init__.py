"""The exercises of the chapter on the LSTM."""

from unrolled.exercises.lstm._counter import counter as counter
from unrolled.exercises.lstm._counts_to import counts_to as counts_to

ORDER = (
    "half_life",
    "cell_parts",
    "step",
    "step_backward",
    "opened",
    "catches_broken_lstm",
)
