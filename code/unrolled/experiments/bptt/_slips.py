"""Backpropagation through time with a slip of one character or two in it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from unrolled.bptt import RNN, Array
from unrolled.experiments.arguments import look_up

SLIPS: Mapping[str, tuple[str, str]] = {
    "not reset": ("dh = da @ U", "dh += da @ U"),
    "slope lost": ("dh = da @ U", "dh = (dy[t - 1] @ V + dh) @ U"),
    "slope early": ("1 - h[t] ** 2", "1 - h[t - 1] ** 2"),
    "not transposed": ("dh = da @ U", "dh = da @ U.T"),
    "not summed": ("dU += da.T @ h[t - 1]", "dU = da.T @ h[t - 1]"),
    "state late": ("dU += da.T @ h[t - 1]", "dU += da.T @ h[t]"),
}
"""Slips in :func:`unrolled.bptt.backward`: what stands there, and what is written instead.

``not summed`` slips in the same way for W and b: what stays is the first step's.
"""


def slipped(
    parameters: RNN,
    x: Array,
    h: Array,
    dy: Array,
    *,
    slip: str = "",
    back: Array | None = None,
) -> RNN:
    """Return the gradient that :func:`unrolled.bptt.backward` returns with a slip in it.

    Parameters
    ----------
    parameters, x, h, dy
        As in :func:`unrolled.bptt.backward`, or all with an axis more, of N networks:
        parameters ``(N, ...)``, arrays ``(T, N, B, ...)``.
    slip
        A name from ``SLIPS``; none, for the right gradient.
    back
        ``(H, H)``, by which an error, a row, is multiplied a step back in place of all that the
        network does to it there; none, for the network's own way.
    """
    if slip:
        look_up("slip", slip, SLIPS)
    U, V = parameters.U, parameters.V
    dW, dU, db, dV, dc = (np.zeros_like(each) for each in parameters)
    dh = np.zeros_like(h[0])
    for t in range(len(x), 0, -1):
        dV += dy[t - 1].mT @ h[t]
        dc += dy[t - 1].sum(axis=-2)
        before = dy[t - 1] @ V + dh
        da = (1 - h[t - 1 if slip == "slope early" else t] ** 2) * before
        if slip == "not summed":
            dW, dU, db = np.zeros_like(dW), np.zeros_like(dU), np.zeros_like(db)
        dW += da.mT @ x[t - 1]
        dU += da.mT @ h[t if slip == "state late" else t - 1]
        db += da.sum(axis=-2)
        if back is not None:
            dh = before @ back
            continue
        sent = (before if slip == "slope lost" else da) @ (U.mT if slip == "not transposed" else U)
        dh = dh + sent if slip == "not reset" else sent
    return RNN(dW, dU, db, dV, dc)
