"""The five shapes of sequence problems, each as a small model of any cell, and their losses.

=========================  ================  ==============================================
shape                      model             loss, averaged over
=========================  ================  ==============================================
one to one                 ``OneToOne``      the answers
many to one                ``ManyToOne``     the answers
synchronised many to many  ``Synchronised``  the steps inside each sequence
one to many                ``OneToMany``     the symbols up to the stop, which is one of them
many to many               ``ManyToMany``    the symbols up to the stop, which is one of them
=========================  ================  ==============================================

Arrays are time-major. A written symbol is a whole number below ``K``, and symbol ``STOP`` stands
before the first and after the last.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, one_hot

from unrolled.core.cell import check_state, rows_for
from unrolled.core.kinds import instance
from unrolled.core.recurrent import Cell, Recurrent, State, whole_lengths
from unrolled.core.validate import whole

Lengths: TypeAlias = Tensor | Sequence[int]
"""Steps in each sequence of a padded batch, ``(B,)``."""

STOP = 0
"""The symbol that ends what is written, and that stands before the first."""


class Reader(nn.Module):
    r"""What the three shapes share that read: an unrolled cell, and a linear readout of its state.

    .. math:: \hat y = V h + c

    Parameters
    ----------
    cell
        The equations of one step, of ``I`` inputs and ``H`` units.
    outputs
        Numbers in an answer ``O``, at least 1.
    """

    def __init__(self, cell: Cell, outputs: int) -> None:
        super().__init__()
        self.layer = Recurrent(cell)
        self.read = nn.Linear(cell.hidden_size, whole("outputs", outputs))


class OneToOne(Reader):
    r"""One input, one answer: :math:`\hat y = V h_1 + c`, one step from a state of zeros.

    With Elman's cell this is a perceptron of one hidden layer: :math:`U` meets only zeros.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Map inputs ``(B, I)`` to answers ``(B, O)``."""
        if instance("x", x, Tensor).ndim != 2:
            raise ValueError(f"x must have shape (B, I), got {tuple(x.shape)}")
        output, _ = self.layer(x[None])
        answers: Tensor = self.read(output[0])
        return answers


class ManyToOne(Reader):
    r"""A sequence, one answer: :math:`\hat y = V h_n + c` after each sequence's own last step."""

    def forward(self, x: Tensor, lengths: Lengths | None = None) -> Tensor:
        """Map sequences ``(T, B, I)`` to answers ``(B, O)``; ``lengths`` are ``(B,)``."""
        _, (last, *_) = self.layer(x, lengths=lengths)
        answers: Tensor = self.read(last)
        return answers


class Synchronised(Reader):
    r"""A sequence, an answer at each step: :math:`\hat y_t = V h_t + c`."""

    def forward(
        self, x: Tensor, state: State | None = None, lengths: Lengths | None = None
    ) -> tuple[Tensor, State]:
        """Map sequences ``(T, B, I)`` to answers ``(T, B, O)`` and the state to go on from.

        Past a sequence's end the answers mean nothing: ``sequence_loss`` leaves them out.
        """
        output, state = self.layer(x, state, lengths)
        return self.read(output), state


class Writer(nn.Module):
    r"""Writes symbols, one a step, from a given state: the half of a model that makes a sequence.

    .. math:: h_t = f(\mathrm{onehot}(s_{t-1}), h_{t-1}), \qquad
        P(s_t \mid s_{<t}) = \mathrm{softmax}(V h_t + c), \qquad s_0 = \mathrm{STOP}

    Parameters
    ----------
    cell
        The equations of one step. Its ``I`` inputs are the ``K`` symbols, STOP among them.
    """

    def __init__(self, cell: Cell) -> None:
        super().__init__()
        self.layer = Recurrent(cell)
        self.symbols = whole("cell.input_size, the number of symbols", cell.input_size, least=2)
        self.read = nn.Linear(cell.hidden_size, self.symbols)

    def forward(self, state: State, symbols: Tensor) -> Tensor:
        """Score each symbol given those before it (teacher forcing).

        Parameters
        ----------
        state
            Tensors ``(B, H)`` to write from.
        symbols
            ``(T, B)`` what should be written.

        Returns
        -------
        ``(T, B, K)`` scores of every symbol at each step.
        """
        symbols = self._checked(state, symbols)
        before = torch.cat([torch.full_like(symbols[:1], STOP), symbols[:-1]])
        scores, _ = self._score(before, state)
        return scores

    @torch.no_grad()
    def write(self, state: State, steps: int) -> Tensor:
        """Write the likeliest symbol at each step, and read it at the next, until STOP.

        Parameters
        ----------
        state
            Tensors ``(B, H)`` to write from.
        steps
            Symbols to write at most, at least 1.

        Returns
        -------
        ``(steps, B)`` symbols; from a sequence's first STOP on, STOP.
        """
        self._check_state(state)
        symbol = torch.full((1, len(state[0])), STOP, device=state[0].device)
        running, written = torch.ones_like(symbol, dtype=torch.bool), []
        for _ in range(whole("steps", steps)):
            scores, state = self._score(symbol, state)
            symbol = torch.where(running, scores.argmax(dim=-1), STOP)
            running = running & (symbol != STOP)
            written.append(symbol)
        return torch.cat(written)

    def _check_state(self, state: State) -> None:
        """Raise if a state is not the cell's, of however many sequences."""
        first = state[0] if isinstance(state, tuple) and state else None
        batch = len(first) if isinstance(first, Tensor) and first.ndim else 0
        check_state(self.layer.cell, state, batch)

    def _checked(self, state: State, symbols: Tensor) -> Tensor:
        """Return the symbols that should be written from a state, as torch counts them."""
        self._check_state(state)
        batch, shape = len(state[0]), tuple(_whole("symbols", symbols).shape)
        if symbols.ndim != 2 or 0 in shape[:1] or shape[1] != batch:
            raise ValueError(f"symbols must have shape (T, {batch}), T at least 1, got {shape}")
        if symbols.device != state[0].device:
            raise ValueError(f"symbols must be on {state[0].device}, got {symbols.device}")
        return symbols.long()

    def _score(self, before: Tensor, state: State) -> tuple[Tensor, State]:
        x = one_hot(before, self.symbols).to(state[0].dtype)
        output, state = self.layer(x, state)
        return self.read(output), state


class OneToMany(nn.Module):
    r"""One input, a sequence: the input sets the state from which a ``Writer`` writes.

    .. math:: h_0 = A x + a

    Parameters
    ----------
    inputs
        Numbers in an input ``I``.
    cell
        The equations of one step, over ``K`` symbols.
    """

    def __init__(self, inputs: int, cell: Cell) -> None:
        super().__init__()
        self.states = len(instance("cell", cell, Cell).states)
        self.start = nn.Linear(whole("inputs", inputs), self.states * cell.hidden_size)
        self.writer = Writer(cell)

    def forward(self, x: Tensor, symbols: Tensor) -> Tensor:
        """Score the symbols ``(T, B)`` that should follow inputs ``(B, I)``: ``(T, B, K)``."""
        scores: Tensor = self.writer(self._first(x), symbols)
        return scores

    def write(self, x: Tensor, steps: int) -> Tensor:
        """Write at most ``steps`` symbols for each of ``(B, I)`` inputs: ``(steps, B)``."""
        return self.writer.write(self._first(x), steps)

    def _first(self, x: Tensor) -> State:
        rows = rows_for(self.start.weight, "x", x)
        state: State = self.start(rows).chunk(self.states, dim=1)
        return state


class ManyToMany(nn.Module):
    """A sequence, then another: an encoder reads, and a ``Writer`` goes on from its last state.

    Parameters
    ----------
    encoder, decoder
        The equations of one step, over ``I`` inputs and over ``K`` symbols; equal in units and in
        the number of states.

    Raises
    ------
    ValueError
        If the state of one does not fit the other.
    """

    def __init__(self, encoder: Cell, decoder: Cell) -> None:
        super().__init__()
        cells = instance("encoder", encoder, Cell), instance("decoder", decoder, Cell)
        sizes = [(len(cell.states), cell.hidden_size) for cell in cells]
        if sizes[0] != sizes[1]:
            raise ValueError(
                "encoder and decoder must have states of the same number and size, "
                f"got {sizes[0]} and {sizes[1]}"
            )
        self.encoder = Recurrent(encoder)
        self.writer = Writer(decoder)

    def forward(self, x: Tensor, symbols: Tensor, lengths: Lengths | None = None) -> Tensor:
        """Score the symbols ``(T', B)`` that should follow ``(T, B, I)``: ``(T', B, K)``."""
        _, state = self.encoder(x, lengths=lengths)
        scores: Tensor = self.writer(state, symbols)
        return scores

    def write(self, x: Tensor, steps: int, lengths: Lengths | None = None) -> Tensor:
        """Write at most ``steps`` symbols for each sequence of ``(T, B, I)``: ``(steps, B)``."""
        with torch.no_grad():
            _, state = self.encoder(x, lengths=lengths)
        return self.writer.write(state, steps)


def sequence_loss(losses: Tensor, lengths: Lengths | None = None) -> Tensor:
    """Return the mean of a loss over all steps inside the sequences: each step counts the same.

    Parameters
    ----------
    losses
        ``(T, B)`` loss of each step, as from ``cross_entropy(..., reduction="none")``.
    lengths
        ``(B,)`` steps in each sequence, from 0 to ``T``, not all 0; all ``T`` if not given.
    """
    _real("losses", losses)
    if losses.ndim != 2 or not losses.numel():
        raise ValueError(f"losses must have shape (T, B), none 0, got shape {tuple(losses.shape)}")
    if lengths is None:
        return losses.mean()
    steps = np.arange(losses.shape[0])[:, None]
    inside = np.flatnonzero(steps < np.array(whole_lengths(lengths, *losses.shape)))
    if not len(inside):
        raise ValueError("lengths must not all be 0: there is no step to take the mean of")
    places = torch.from_numpy(inside).to(losses.device, non_blocking=True)
    return losses.flatten()[places].mean()


def symbol_loss(scores: Tensor, symbols: Tensor, lengths: Lengths | None = None) -> Tensor:
    r"""Return the mean of :math:`-\log P(s_t)` over all steps inside the sequences.

    Parameters
    ----------
    scores
        ``(T, B, K)`` before the softmax.
    symbols
        ``(T, B)`` the right ones.
    lengths
        ``(B,)`` steps in each sequence; all ``T`` if not given. For what a ``Writer`` should
        write these are ``steps_to_stop(symbols)``.
    """
    _real("scores", scores)
    _whole("symbols", symbols)
    if scores.ndim != 3 or not scores.numel() or scores.is_meta != symbols.is_meta:
        raise ValueError(
            "scores must have shape (T, B, K), each at least 1, on the device of symbols, "
            f"got {tuple(scores.shape)} on {scores.device}"
        )
    if symbols.shape != scores.shape[:2]:
        raise ValueError(
            f"symbols must have shape {tuple(scores.shape[:2])} like the scores, "
            f"got {tuple(symbols.shape)}"
        )
    losses = cross_entropy(scores.movedim(-1, 1), symbols.long(), reduction="none")
    return sequence_loss(losses, lengths)


def steps_to_stop(symbols: Tensor) -> Tensor:
    """Return ``(B,)`` steps of ``(T, B)`` symbols up to the first STOP, itself counted; else T."""
    if _whole("symbols", symbols).ndim != 2:
        raise ValueError(f"symbols must have shape (T, B), got {tuple(symbols.shape)}")
    running = (symbols[:-1] != STOP).cumprod(dim=0)
    return running.sum(dim=0) + 1


def _real(name: str, value: Tensor) -> Tensor:
    """Return a dense tensor of floating-point numbers."""
    dense = instance(name, value, Tensor).layout is torch.strided
    if not dense or not value.is_floating_point():
        kind = value.dtype if dense else value.layout
        raise TypeError(f"{name} must be a dense tensor of floating-point numbers, got {kind}")
    return value


def _whole(name: str, value: Tensor) -> Tensor:
    """Return a dense tensor of whole numbers."""
    dense = instance(name, value, Tensor).layout is torch.strided
    if not dense or value.dtype == torch.bool or value.is_floating_point() or value.is_complex():
        kind = value.dtype if dense else value.layout
        raise TypeError(f"{name} must be a dense tensor of whole numbers, got {kind}")
    return value
