"""The network foresees every third bit of the temporal XOR stream."""

from __future__ import annotations

from unrolled.experiments.ledger import Claim, Paper, Trials
from unrolled.experiments.rnn._elman import UNITS
from unrolled.experiments.rnn._xor import (
    XOR,
    XOR_COMPARED,
    XOR_CRITERION,
    XOR_SAYS,
    XOR_STRIPS,
    finds_xor,
    xor_errors,
)

CLAIM = Claim(
    paper=Paper(
        key="elman1990finding",
        where="Figure 3",
        says=XOR_SAYS,
        untested="Ours has a tenth of the passes and twice the units.",
    ),
    sentence=(
        "In a stream of bits of which every third is the XOR of the two before it, the error "
        "of the network drops at each third bit and at no other."
    ),
    experiment=xor_errors,
    criterion=XOR_CRITERION,
    holds=finds_xor,
    seeds={"quick": range(90, 91), "book": range(100, 110), "confirm": range(7000, 7010)},
    settings={"quick": {**XOR, "passes": 40}, "book": {**XOR, "passes": 60}},
    strips=XOR_STRIPS,
    compared=XOR_COMPARED,
    trials=Trials(where="seeds other than those below, all of which passed; not counted"),
    deviations=[
        "4 hidden units and 60 passes; the paper has 2 units and 600 passes.",
        UNITS,
    ],
)
