"""Sequences to learn from: seeded, typed, offline."""

from unrolled.data.batching import Batches
from unrolled.data.cue import Cue, cue
from unrolled.data.series import Series, autoregressive, random_walk, seasonal, sunspots

__all__ = [
    "Batches",
    "Cue",
    "Series",
    "autoregressive",
    "cue",
    "random_walk",
    "seasonal",
    "sunspots",
]
