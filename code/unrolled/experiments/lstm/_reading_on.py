"""A trained network along streams that it reads in windows: its states and its errors."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from unrolled.core.validate import whole
from unrolled.experiments.lstm._kept_holders import VARIANCE


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
