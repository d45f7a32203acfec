"""A trained network along a stream of Reber strings: its gates and its state."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from unrolled.core.validate import Array
from unrolled.data import continual_reber
from unrolled.data.reber import SYMBOLS
from unrolled.experiments.lstm._reber import mispredicted
from unrolled.experiments.networks import Networks
from unrolled.lstm_numpy import Gates


class Along(NamedTuple):
    """A trained network along a stream that it has not seen.

    Attributes
    ----------
    symbols
        The T symbols that it read.
    starts
        ``(T,)`` true where a string's first symbol is read.
    critical
        ``(T,)`` true where a string's second last symbol is to be foretold.
    errors
        ``(T,)`` true where it errs, see :func:`mispredicted`.
    gates
        ``(T, H)`` each: i, f, g and o.
    c
        ``(T, H)`` cell states after each step.
    """

    symbols: str
    starts: NDArray[np.bool_]
    critical: NDArray[np.bool_]
    errors: NDArray[np.bool_]
    gates: Gates
    c: Array


@torch.no_grad()
def gates_along(networks: Networks, *, warm_up: int, length: int, seed: int) -> Along:
    """Let the first of some networks read one stream, and look into it.

    Parameters
    ----------
    networks
        Of a kind with the gates i, f and o, and the candidate g.
    warm_up, length
        Symbols read before those that are shown, which begin with the next string's first, and
        symbols shown.
    seed
        Seed of the stream.
    """
    drawn = continual_reber(1, length=warm_up + 200 + length, seed=seed)
    layer, read = networks.alone(0)
    layer, read = layer.cpu().double(), read.cpu().double()
    inside = layer.trace(torch.from_numpy(drawn.inputs).double())
    trace = {name: part[:, 0] for name, part in inside.items()}
    errors = mispredicted(read(trace["h"]), torch.from_numpy(drawn.legal[:, 0])).numpy()
    first = warm_up + int(drawn.starts[warm_up:, 0].argmax())
    shown = slice(first, first + length)
    return Along(
        symbols="".join(SYMBOLS[k] for k in drawn.inputs[shown, 0].argmax(1)),
        starts=drawn.starts[shown, 0],
        critical=drawn.critical[shown, 0],
        errors=errors[shown],
        gates=Gates(*(trace[gate][shown].numpy() for gate in "ifgo")),
        c=trace["c"][shown].numpy(),
    )
