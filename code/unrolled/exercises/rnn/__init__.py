"""The exercises of the chapter on the loop."""

from unrolled.exercises.rnn._fading import fading as fading

ORDER = (
    "parameters",
    "memory",
    "pieces",
    "last_output",
    "run_padded",
    "catches_padding",
)
