"""Cells that were not trained: what is left of a gradient in several of them."""

from __future__ import annotations

import numpy as np

from unrolled.cells import LSTMVariant
from unrolled.core.validate import Array, whole
from unrolled.experiments.lstm.carousel import gradients_by_lag
from unrolled.training import seeded


def left_by_lag(
    bias: float, *, truncated: bool = False, warm_up: int = 0, gain: float = 1.0, networks: int = 5
) -> Array:
    """Measure what is left of a gradient in new LSTMs of 32 cells, over 100 steps of noise.

    Parameters
    ----------
    bias
        First bias of the forget gates.
    truncated
        Whether the gradient goes along the line alone.
    warm_up
        Steps before these; see ``carousel.gradients_by_lag``.
    gain
        What the recurrent weights are multiplied by.
    networks
        Cells, of the seeds 0, 1, ....

    Returns
    -------
    ``(networks, 101)`` the gradient by the cell state so many steps back, over that by the last.
    """

    def new() -> LSTMVariant:
        cell = LSTMVariant(32, 32, forget_bias=bias, truncated=truncated)
        cell.weight_hh.data *= gain
        return cell

    logs = [
        gradients_by_lag(
            seeded(seed, new).cpu().double(), steps=100, sequences=5, seed=seed, warm_up=warm_up
        )
        for seed in range(whole("networks", networks))
    ]
    left: Array = np.exp(logs)
    return left
