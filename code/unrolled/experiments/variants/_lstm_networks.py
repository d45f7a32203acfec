"""Untrained networks of the LSTM's forms."""

from __future__ import annotations

from functools import partial

from unrolled.cells import FORMS, LSTMVariant
from unrolled.experiments.arguments import look_up
from unrolled.experiments.networks import Networks
from unrolled.training import seeded


def lstm_networks(
    name: str,
    *,
    inputs: int,
    cells: int,
    outputs: int,
    networks: int,
    seed: int,
    forget_bias: float | None = None,
) -> Networks:
    """Return untrained networks of a form of ``FORMS``, on the device of ``device()``.

    Parameters
    ----------
    name
        A name in ``FORMS``.
    inputs, cells, outputs
        Features of an input, cells, and numbers predicted at a step.
    networks
        How many.
    seed
        Seed of their first weights.
    forget_bias
        See ``LSTM``; what has no forget gate has no bias either.
    """
    form = look_up("name", name, FORMS)
    bias = forget_bias if form.get("forget_gate", True) else None
    build = partial(LSTMVariant, inputs, cells, forget_bias=bias, **form)
    return seeded(seed, lambda: Networks([build() for _ in range(networks)], outputs))
