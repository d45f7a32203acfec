"""The exercises of the chapter on the loop."""

from unrolled.exercises.rnn._fading import fading as fading

ORDER = (
    "parameters",
    "memory",
    "latch",
    "pieces",
    "run_padded",
    "catches_padding",
)
