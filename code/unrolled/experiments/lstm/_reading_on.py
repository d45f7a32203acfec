"""Networks that hold a number, while they read: the cell that holds, and a stream without end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from unrolled.core.validate import Array, whole
from unrolled.experiments.lstm._holding import Vanilla, holder, traced
from unrolled.experiments.lstm._kept_holders import VARIANCE


def inside_holders(models: Sequence[Vanilla], x: Tensor) -> dict[str, Array]:
    """Look into the cell that each network's answer reads most, along ``x`` of one sequence.

    Returns
    -------
    ``{name: (N, T)}`` the gates i, f and o, and what is written, ``i·g``.
    """
    found: dict[str, list[Tensor]] = {"i": [], "f": [], "i·g": [], "o": []}
    for model in models:
        trace, cell = traced(model, x), holder(model)
        trace["i·g"] = trace["i"] * trace["g"]
        for name, rows in found.items():
            rows.append(trace[name][:, 0, cell])
    return {name: torch.stack(rows).numpy() for name, rows in found.items()}


@torch.no_grad()
def read_on(model: Any, x: Tensor, y: Tensor, *, window: int) -> tuple[list[float], list[float]]:
    """Let a network read on and on, window after window, with the state that it was left in.

    Parameters
    ----------
    model
        Returns ``(answers, state)`` of ``(x, state)``; c is the last tensor of the state.
    x, y
        ``(T, B, 2)`` values and marks, ``(T, B, 1)`` the value that was marked last.
    window
        Steps in a window.

    Returns
    -------
    For each window the largest cell state at its end, of any cell in any stream; and the squared
    error, in variances of a value.
    """
    state, largest, errors = None, [], []
    window = whole("window", window)
    for part, wanted in zip(torch.split(x, window), torch.split(y, window), strict=True):
        answer, state = model(part, state)
        largest.append(float(state[-1].abs().max()))
        errors.append(float((answer - wanted).square().mean() / VARIANCE))
    return largest, errors
