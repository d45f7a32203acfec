"""The temporal XOR stream (Elman 1990): what two claims on it share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from unrolled.data.elman import temporal_xor
from unrolled.experiments.ledger import Measurement, Row, Strip
from unrolled.experiments.rnn._elman import learn, read, root_mean_square
from unrolled.experiments.rnn._seeds import FRESH
from unrolled.experiments.runs import stack
from unrolled.experiments.statistics import Rate


def xor_errors(
    seed: int,
    *,
    triplets: int,
    test: int,
    bits: Sequence[int],
    hidden: int,
    rate: float,
    passes: int,
) -> dict[str, list[float]]:
    r"""Predict the next bit of the temporal XOR stream; return errors on a fresh stream.

    Returns
    -------
    ``rms by position`` holds the root-mean-square error in predicting each of ``bits``, places 1
    to 3 in a triplet. Two guides: who always says one half errs by 0.5. Who knows the rule and not
    where triplets begin is right two times in three, says so, and errs by 1/3 at bit 3 and by
    :math:`\sqrt{5/18} \approx 0.53` at the others.
    """
    known = temporal_xor(triplets, seed=seed)[:, None]
    fresh = temporal_xor(test, seed=seed + FRESH)[:, None]
    network = learn(known[:-1], known[1:], hidden=hidden, rate=rate, passes=passes, seed=seed)
    error = read(network, fresh[:-1])[1] - fresh[1:]
    place = np.arange(1, len(fresh)) % 3 + 1
    return {"rms by position": [root_mean_square(error[place == bit]) for bit in bits]}


def finds_xor(runs: list[Measurement]) -> bool:
    """Judge whether in every run the XOR bit is foreseen, and no other."""
    first, second, xor = stack(runs, "rms by position").T
    return bool(xor.max() < 0.40 and min(second.min(), first.min()) > 0.48)


XOR = {"triplets": 1000, "test": 1000, "bits": [1, 2, 3], "hidden": 4, "rate": 0.5}

XOR_CRITERION = (
    "In every run, the root-mean-square error on a fresh stream is below 0.40 in predicting the "
    "XOR bit and above 0.48 in predicting each of the other two."
)

XOR_SAYS = "The error drops at every third bit, and only there."

XOR_COMPARED = (
    Rate(
        label="the XOR bit foreseen, and no other",
        quantity=lambda measured: finds_xor([dict(measured)]),
    ),
)

XOR_STRIPS = (
    Strip(
        axis="Root-mean-square error of the prediction",
        rows=[Row("rms by position", "bit {} of a triplet", over="bits")],
        lines={"one half": 0.5, "the rule": 1 / 3},
        limits=(0.0, 0.6),
    ),
)
