"""Sequences to learn from: seeded, typed, offline."""

from unrolled.data.adding import Adding, adding
from unrolled.data.batching import Batches
from unrolled.data.cue import Cue, cue
from unrolled.data.delay import Delay, delay
from unrolled.data.elman import (
    Letters,
    Sentences,
    letter_features,
    letter_stream,
    sentences,
    syllables,
    temporal_xor,
)
from unrolled.data.order import Order, order
from unrolled.data.series import Series, autoregressive, random_walk, seasonal, sunspots

__all__ = [
    "Adding",
    "Batches",
    "Cue",
    "Delay",
    "Letters",
    "Order",
    "Sentences",
    "Series",
    "adding",
    "autoregressive",
    "cue",
    "delay",
    "letter_features",
    "letter_stream",
    "order",
    "random_walk",
    "seasonal",
    "sentences",
    "sunspots",
    "syllables",
    "temporal_xor",
]
