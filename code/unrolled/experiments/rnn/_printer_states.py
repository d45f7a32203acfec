"""What a trained printer's state holds, and what becomes of a disturbance of it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unrolled.core import shapes
from unrolled.core.cell import State
from unrolled.core.validate import Array
from unrolled.data.teleprinter import CHARACTERS, FIGS, LTRS, messages, printed
from unrolled.experiments.rnn._seeds import FRESH
from unrolled.experiments.rnn._teleprinter import key_codes


class PrinterStates(NamedTuple):
    """States of a printer while it reads messages that it has not seen.

    Attributes
    ----------
    two
        ``(n, 2)`` each state in the two directions in which they vary most, turned so that
        figures lie to the right and states just after a shift at the top.
    figures
        ``(n,)`` 1 where the last shift was to figures, else 0.
    shifted
        ``(n,)`` 1 where the key just read was the shift that changed the case, else 0.
    prints
        ``(n,)`` the character that the keys print there; empty for a shift.
    middles
        The mean state of letters and that of figures, to go on from.
    """

    two: Array
    figures: Array
    shifted: Array
    prints: list[str]
    middles: tuple[State, State]


@torch.no_grad()
def printer_states(printer: shapes.Synchronised, *, seed: int, count: int = 50) -> PrinterStates:
    """Let a printer read fresh messages; return its states, and which shift held."""
    keys = messages(count, longest=30, shortest=30, seed=seed + FRESH).keys
    output, _ = printer.layer(key_codes(keys))
    states = output.transpose(0, 1)
    figures = _in_figures(keys)
    shifted = np.diff(figures, axis=1, prepend=False)
    centred = (states - states.mean((0, 1))).flatten(0, 1).cpu().double().numpy()
    two = centred @ np.linalg.svd(centred, full_matrices=False)[2][:2].T
    two *= np.sign([two[figures.ravel(), 0].sum(), two[shifted.ravel(), 1].sum()])
    letters, upper = (states[torch.as_tensor(each)].mean(0) for each in (~figures, figures))
    return PrinterStates(
        two,
        figures.ravel().astype(float),
        shifted.ravel().astype(float),
        [CHARACTERS[code] for code in printed(keys).ravel()],
        ((letters[None],), (upper[None],)),
    )


@torch.no_grad()
def left_of_a_push(
    printer: shapes.Synchronised,
    *,
    seed: int,
    size: float = 0.1,
    steps: int = 10,
    count: int = 200,
    worst: bool = False,
) -> Array:
    """Push states a little, and return what part of the push is left after 0, 1, ... steps.

    Messages of figures are read, the state is moved by ``size`` in a direction drawn by chance, or
    in the ``worst`` one, which the next step stretches most, and the next keys are read from both
    states. The printer's cell is Elman's.

    Returns
    -------
    ``(steps + 1,)`` the mean distance of the two states, as a part of ``size``.
    """
    state, after = _in_the_middle(printer, seed=seed, steps=steps, count=count)
    if worst:
        push = _most_stretched(printer, state, after[:1])
    else:
        rng = np.random.default_rng(seed)
        push = torch.as_tensor(rng.normal(size=(count, state.shape[1]))).to(state)
    pushed = state + size * push / push.norm(dim=1, keepdim=True)
    paths = [printer.layer(after, (each,))[0] for each in (state, pushed)]
    distances = (paths[1] - paths[0]).norm(dim=2).mean(dim=1).cpu().double().numpy()
    return np.concatenate([[1.0], distances / size])


def _most_stretched(printer: shapes.Synchronised, state: Tensor, x: Tensor) -> Tensor:
    """Return ``(B, H)`` the first right singular vectors of how a state moves the next."""
    following, _ = printer.layer(x, (state,))
    jacobian = (1 - following[0] ** 2)[:, :, None] * printer.layer.cell.weight_hh
    first: Tensor = torch.linalg.svd(jacobian)[2][:, 0]
    return first


def _in_the_middle(
    printer: shapes.Synchronised, *, seed: int, steps: int, count: int
) -> tuple[Tensor, Tensor]:
    """Return states after a shift to figures and ten keys, and the keys that follow."""
    length = 10 + steps
    keys = messages(count, longest=length, shortest=length, seed=seed + FRESH, to_figures=0).keys
    x = key_codes(np.column_stack([np.full(count, FIGS), keys]))
    before, after = x[:11], x[11:]
    _, (state,) = printer.layer(before)
    return state, after


def _in_figures(keys: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return ``(B, T)`` true where the last shift, this key among them, was to figures."""
    steps = np.arange(keys.shape[1])
    to_figures, to_letters = (
        np.maximum.accumulate(np.where(keys == shift, steps, -1), axis=1) for shift in (FIGS, LTRS)
    )
    return to_figures > to_letters
