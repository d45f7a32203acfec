"""Other right answers to ``bptt.train_in_chunks``."""

from __future__ import annotations

from typing import Any

import numpy as np

from unrolled.core.validate import Array

Arrays = tuple[Array, ...]


def by_hand(
    x: Array,
    y: Array,
    new: Array,
    W: Array,
    U: Array,
    b: Array,
    V: Array,
    length: int,
    rate: float,
    clip: float,
) -> Arrays:
    h = np.zeros((x.shape[1], len(b)))
    for start in range(0, len(x), length):
        steps = range(start, min(start + length, len(x)))
        read, left = {}, {}  # the states that each step reads and leaves
        for t in steps:
            read[t] = np.where(new[t][:, None], 0, h)
            left[t] = h = np.tanh(x[t] @ W.T + read[t] @ U.T + b)
        dW, dU, db, dV, later = 0 * W, 0 * U, 0 * b, 0 * V, 0 * h
        for t in reversed(steps):
            error = left[t] @ V.T - y[t]
            da = (1 - left[t] ** 2) * (error @ V + later)
            dW, dU, db = dW + da.T @ x[t], dU + da.T @ read[t], db + da.sum(axis=0)
            dV = dV + error.T @ left[t]
            later = np.where(new[t][:, None], 0, da @ U)
        slopes = dW, dU, db, dV
        norm = np.sqrt(sum((each**2).sum() for each in slopes))
        scale = rate * min(1, clip / norm) if norm else rate
        pairs = zip((W, U, b, V), slopes, strict=True)
        W, U, b, V = (each - scale * slope for each, slope in pairs)
    return W, U, b, V


def by_modules(
    x: Array,
    y: Array,
    new: Array,
    W: Array,
    U: Array,
    b: Array,
    V: Array,
    length: int,
    rate: float,
    clip: float,
) -> Any:
    import torch
    from torch import nn

    layer: Any = nn.RNN(W.shape[1], len(W)).double()
    readout: Any = nn.Linear(len(W), len(V), bias=False).double()
    layer.bias_hh_l0.requires_grad_(False)
    with torch.no_grad():
        layer.weight_ih_l0.copy_(torch.tensor(W))
        layer.weight_hh_l0.copy_(torch.tensor(U))
        layer.bias_ih_l0.copy_(torch.tensor(b))
        layer.bias_hh_l0.zero_()
        readout.weight.copy_(torch.tensor(V))
    learned = [layer.weight_ih_l0, layer.weight_hh_l0, layer.bias_ih_l0, readout.weight]
    optimizer = torch.optim.SGD(learned, lr=rate)
    state: Any = torch.zeros(1, x.shape[1], len(W), dtype=torch.float64)
    goes_on = torch.tensor(np.logical_not(new))[:, None, :, None]
    stream: Any = torch.tensor(x).double()[:, None]
    answers: Any = torch.tensor(y).double()[:, None]
    for start in range(0, len(x), length):
        loss: Any = 0.0
        for here, target, carried in zip(
            *(each[start : start + length] for each in (stream, answers, goes_on)), strict=True
        ):
            output, state = layer(here, state * carried)
            loss = loss + nn.functional.mse_loss(readout(output), target, reduction="sum") / 2
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(learned, clip)
        optimizer.step()
        state = state.detach()
    return tuple(each.detach() for each in learned)
