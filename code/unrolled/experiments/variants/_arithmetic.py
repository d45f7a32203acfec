"""Cells that answer sums symbol by symbol (Jozefowicz et al. 2015)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim.lr_scheduler import CosineAnnealingLR

from unrolled.cells import GRU, LSTM, MUT1, MUT2, MUT3, Elman, LSTMVariant
from unrolled.core.recurrent import Cell, Recurrent
from unrolled.core.validate import whole
from unrolled.data import arithmetic
from unrolled.data.arithmetic import SYMBOLS
from unrolled.experiments.arguments import look_up
from unrolled.training import device, seeded

ARITHMETIC_CELLS: Mapping[str, Callable[[int, int], Cell]] = {
    "tanh": Elman,
    "LSTM": LSTM,
    "LSTM-f": partial(LSTMVariant, forget_gate=False),
    "LSTM-i": partial(LSTMVariant, input_gate=False),
    "LSTM-o": partial(LSTMVariant, output_gate=False),
    "LSTM-b": partial(LSTM, forget_bias=1.0),
    "GRU": partial(GRU, reset="before"),
    "MUT1": MUT1,
    "MUT2": MUT2,
    "MUT3": MUT3,
}
"""The cells of Jozefowicz et al.'s comparison, by the names they have there: from the features of
an input and the number of units. ``LSTM-f`` has no forget gate, ``LSTM-i`` no input gate,
``LSTM-o`` no output gate, and the forget gate of ``LSTM-b`` starts with bias 1."""


def arithmetic_accuracies(
    seed: int,
    *,
    cells: Sequence[str],
    units: int,
    digits: int,
    batch: int,
    updates: int,
    rate: float,
    clip: float,
) -> dict[str, list[float]]:
    """Train a network of each of ``cells`` on the same problems, see ``learn_arithmetic``.

    Returns
    -------
    ``accuracy``: for each of ``cells``, the fraction of the answers' symbols foretold in 1,000
    fresh problems, each given those of the answer before it. Of one-digit numbers there are few
    sums, all of which training has shown: fresh are the letters among them.
    """
    problems = _problems(batch * whole("updates", updates), digits, seed)
    x, target, asked = _problems(1000, digits, seed + 1_000_000)
    found = []
    for name in cells:
        model = learn_arithmetic(
            name, problems, units=units, batch=batch, rate=rate, clip=clip, seed=seed
        )
        with torch.no_grad():
            right = (model(x).argmax(-1) == target)[asked]
        found.append(float(right.double().mean()))
    return {"accuracy": found}


def learn_arithmetic(
    name: str,
    problems: tuple[Tensor, Tensor, Tensor],
    *,
    units: int,
    batch: int,
    rate: float,
    clip: float,
    seed: int,
) -> Foretell:
    """Train a network of ``ARITHMETIC_CELLS`` on problems, each seen once.

    The error is the cross entropy of the answer's symbols.

    Parameters
    ----------
    name
        A name in ``ARITHMETIC_CELLS``.
    problems
        Inputs, targets and mask of ``arithmetic``.
    units
        Units of the cell.
    batch
        Problems in an update.
    rate, clip
        First learning rate of Adam, which falls to 0 along a cosine, and largest norm of the
        gradient.
    seed
        Seed of the first weights.
    """
    S, make = len(SYMBOLS), look_up("name", name, ARITHMETIC_CELLS)
    model = seeded(seed, lambda: Foretell(make(S, units), S))
    batches = list(zip(*(torch.split(part, batch, 1) for part in problems), strict=True))
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    schedule = CosineAnnealingLR(optimizer, len(batches))
    for x, target, asked in batches:
        optimizer.zero_grad()
        cross_entropy(model(x)[asked], target[asked]).backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()
        schedule.step()
    return model


class Foretell(nn.Module):
    """A cell unrolled, and at every step a linear map to what comes next.

    Parameters
    ----------
    cell
        The equations of one step, of S inputs.
    symbols
        Number of symbols S.
    """

    def __init__(self, cell: Cell, symbols: int) -> None:
        super().__init__()
        self.layer = Recurrent(cell)
        self.read = nn.Linear(cell.hidden_size, symbols)

    def forward(self, x: Tensor) -> Tensor:
        """Map symbols ``(T, B, S)`` to the activations of the next one, ``(T, B, S)``."""
        y: Tensor = self.read(self.layer(x)[0])
        return y


def _problems(n: int, digits: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    x, target, asked = (
        torch.from_numpy(part).to(device()) for part in arithmetic(n, digits=digits, seed=seed)
    )
    return x, target, asked


ARITHMETIC = {"units": 48, "digits": 1, "batch": 32, "rate": 0.02, "clip": 1.0}
