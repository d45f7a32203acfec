"""Hold the number that was marked last: the task of the chapter, and how it is learned and read."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from unrolled.cells import LSTM
from unrolled.core.recurrent import Recurrent, State, from_torch
from unrolled.training import device, seeded


def marked(n: int, length: int, seed: int) -> tuple[Tensor, Tensor]:
    """Draw sequences of values, some of them marked, and the value that was marked last.

    Returns
    -------
    x, y
        ``(T, n, 2)`` values from 0 to 1, and marks, 1 at the first step and at three in a hundred
        of the others; ``(T, n, 1)``.
    """
    rng = np.random.default_rng(seed)
    x = rng.random((length, n, 2), dtype=np.float32)
    x[:, :, 1] = x[:, :, 1] < 0.03
    x[0, :, 1] = 1
    last = np.where(x[:, :, 1] == 1, np.arange(length)[:, None], 0)
    last = np.maximum.accumulate(last)  # the step of the last mark
    y = np.take_along_axis(x[:, :, 0], last, axis=0)[:, :, None]
    return torch.from_numpy(x).to(device()), torch.from_numpy(y).to(device())


def learn(model: Any, rate: float, seed: int, updates: int = 600) -> Any:
    """Train a model in place, on 32 new sequences of 100 steps at each update; return it."""
    x, y = marked(32 * updates, 100, seed)
    adam = torch.optim.Adam(model.parameters(), lr=rate)
    for inputs, wanted in zip(torch.split(x, 32, 1), torch.split(y, 32, 1), strict=True):
        adam.zero_grad()
        answer, _ = model(inputs)
        loss = mse_loss(answer, wanted)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        adam.step()
    return model


class Vanilla(nn.Module):
    """An input, one LSTM layer, and a dense layer on what it shows."""

    def __init__(self, inputs: int, cells: int, outputs: int, forget_bias: float = 1.0) -> None:
        super().__init__()
        self.lstm = nn.LSTM(inputs, cells)
        self.dense = nn.Linear(cells, outputs)
        with torch.no_grad():  # the rows of f: why 1, you will see
            self.lstm.bias_ih_l0[cells : 2 * cells] = forget_bias  # type: ignore[operator]
            self.lstm.bias_hh_l0[cells : 2 * cells] = 0  # type: ignore[operator]

    def forward(self, x: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Return the answers ``(T, B, outputs)`` and the last state."""
        output, state = self.lstm(x, state)
        return self.dense(output), state


@torch.no_grad()
def traced(model: Vanilla, x: Tensor) -> dict[str, Tensor]:
    """Return gates and states of a vanilla model along ``x``, by name, on the CPU."""
    layer = as_recurrent(model)
    return {name: each.cpu() for name, each in layer.trace(x).items()}


def as_recurrent(model: Vanilla) -> Recurrent:
    """Return the model's layer as the book's, which can be looked into."""
    sizes = model.lstm.input_size, model.lstm.hidden_size
    layer = seeded(0, lambda: Recurrent(LSTM(*sizes)))
    from_torch(layer, model.lstm.state_dict())
    return layer


def holder(model: Vanilla) -> int:
    """Say which cell the answer reads most: the one of the largest weight, of either sign."""
    return int(model.dense.weight[0].abs().argmax())
