"""Sequences to learn from: seeded, typed, offline."""

from unrolled.data.adding import Adding, adding
from unrolled.data.arithmetic import Arithmetic, arithmetic
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
from unrolled.data.reber import (
    Reber,
    ReberStream,
    continual_reber,
    embedded_reber,
    is_embedded_reber,
)
from unrolled.data.series import Series, autoregressive, random_walk, seasonal, sunspots
from unrolled.data.timing import SpikeDelays, TimedSpikes, periodic, spike_delays, timed_spikes

__all__ = [
    "Adding",
    "Arithmetic",
    "Batches",
    "Cue",
    "Delay",
    "Letters",
    "Order",
    "Reber",
    "ReberStream",
    "Sentences",
    "Series",
    "SpikeDelays",
    "TimedSpikes",
    "adding",
    "arithmetic",
    "autoregressive",
    "continual_reber",
    "cue",
    "delay",
    "embedded_reber",
    "is_embedded_reber",
    "letter_features",
    "letter_stream",
    "order",
    "periodic",
    "random_walk",
    "seasonal",
    "sentences",
    "spike_delays",
    "sunspots",
    "syllables",
    "temporal_xor",
    "timed_spikes",
]
