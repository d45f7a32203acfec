"""Networks by how their recurrent weights start."""

from __future__ import annotations

import torch
from torch import Tensor

from unrolled.cells import Elman
from unrolled.core.recurrent import Recurrent
from unrolled.experiments.last_step import LastStepReadout
from unrolled.gradients import gaussian, identity, orthogonal


def starting(start: str, inputs: int, hidden: int, outputs: int, *, seed: int) -> LastStepReadout:
    r"""Return a network whose recurrent weights start in a given way, all biases of its layer 0.

    Parameters
    ----------
    start
        ``"gaussian g"``: normal entries of standard deviation :math:`g/\sqrt H`, g the gain;
        ``"orthogonal"``; both with tanh. Or ``"identity"``, with rectifiers.
    inputs, hidden, outputs
        Sizes.
    seed
        Seed of the recurrent weights; all others come from torch's generator.
    """
    kind, _, gain = start.partition(" ")
    if kind == "identity":
        return irnn_network(inputs, hidden, outputs)
    if kind == "orthogonal":
        U = orthogonal(hidden, seed=seed + 4_000_000)
    elif kind == "gaussian":
        U = gaussian(hidden, std=float(gain) / hidden**0.5, seed=seed + 4_000_000)
    else:
        raise ValueError(f"start must be 'gaussian g', 'orthogonal' or 'identity', got {start!r}")
    return tanh_network(hidden, U, inputs=inputs, outputs=outputs)


def tanh_network(
    hidden: int, U: Tensor | None = None, *, inputs: int = 2, outputs: int = 1
) -> LastStepReadout:
    """Return a tanh network, with recurrent weights ``U`` if given, else torch's usual ones."""
    cell = Elman(inputs, hidden)
    if U is not None:
        _start(cell, U)
    return LastStepReadout(Recurrent(cell), hidden, outputs)


def irnn_network(inputs: int, hidden: int, outputs: int) -> LastStepReadout:
    cell = Elman(inputs, hidden, nonlinearity="relu")
    _start(cell, identity(hidden))
    return LastStepReadout(Recurrent(cell), hidden, outputs)


def _start(cell: Elman, U: Tensor) -> None:
    """Give a cell its first recurrent weights, and biases of 0."""
    with torch.no_grad():
        cell.weight_hh.copy_(U)
        cell.bias_ih.zero_()
        cell.bias_hh.zero_()
