"""Other right answers to ``lstm.step``, and a step in which every sequence runs."""

from __future__ import annotations

from typing import Any

import numpy as np

from unrolled.core.validate import Array
from unrolled.exercises._gates import sigmoid

Pair = tuple[Array, Array]


def step_by_gate(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    H = h.shape[1]
    gates = {}
    for k, name in enumerate("ifgo"):
        rows = slice(k * H, (k + 1) * H)
        a = x @ W[rows].T + h @ U[rows].T + b[rows]
        gates[name] = np.tanh(a) if name == "g" else (1 + np.tanh(a / 2)) / 2
    c = gates["f"] * c + gates["i"] * gates["g"]
    return gates["o"] * np.tanh(c), c


def step_those_that_run(
    x: Array, h: Array, c: Array, W: Array, U: Array, b: Array, running: Array
) -> Pair:
    h, c = h.copy(), c.copy()
    h[running], c[running] = step_by_gate(x[running], h[running], c[running], W, U, b)
    return h, c


def step_entry_by_entry(
    x: Array, h: Array, c: Array, W: Array, U: Array, b: Array, running: Array
) -> Pair:
    _, H = h.shape
    after = np.stack([h, c])
    for n in np.flatnonzero(running):
        for j in range(H):
            i, f, g, o = (W[k] @ x[n] + U[k] @ h[n] + b[k] for k in range(j, 4 * H, H))
            after[1, n, j] = sigmoid(f) * c[n, j] + sigmoid(i) * np.tanh(g)
            after[0, n, j] = sigmoid(o) * np.tanh(after[1, n, j])
    return after[0], after[1]


def step_einsum(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array, running: Array) -> Pair:
    a = np.einsum("bi,ai->ba", x, W) + np.einsum("bh,ah->ba", h, U) + b
    i, f, g, o = a.reshape(len(x), 4, -1).swapaxes(0, 1)
    new = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    on = np.repeat(running[:, None], h.shape[1], axis=1).astype(int)
    return np.choose(on, [h, sigmoid(o) * np.tanh(new)]), np.choose(on, [c, new])


def step_torch(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array, running: Array) -> Any:
    import torch

    inputs, before, cell, *weights = map(torch.from_numpy, (x, h, c, W, U, b))
    a = torch.nn.functional.linear(inputs, weights[0], weights[2]) + before @ weights[1].T
    i, f, g, o = a.chunk(4, dim=1)
    after, on = f.sigmoid() * cell + i.sigmoid() * g.tanh(), torch.tensor(running)[:, None]
    return torch.where(on, o.sigmoid() * after.tanh(), before), torch.where(on, after, cell)
