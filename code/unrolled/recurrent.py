"""Unrolling: what every recurrent network does, whatever its cell.

A cell is the equations of one step. Everything else is here, written once: the loop over time, the
first state, batches of sequences of different lengths, and backpropagation through time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from unrolled._validate import whole

State: TypeAlias = tuple[Tensor, ...]
"""What a cell remembers: tensors ``(B, H)``, the one that is its output first."""


class Cell(nn.Module):
    r"""The equations of one step, :math:`s_t = f(p_t, s_{t-1}; \theta)` with :math:`p_t = P(x_t)`.

    A cell must define

    - ``project``, the part of a step that needs no state. It runs on all steps at once, so the
      input weights cost one matrix product a sequence;
    - ``step``, the rest, given the projection and the state;
    - ``weights``, the tensors :math:`\theta` that ``step`` reads: parameters, or made from them.

    That is enough: autograd differentiates the loop. A cell may bring its derivative as well, and
    ``Recurrent`` then runs backpropagation through time without autograd's tape:

    - ``step_backward``, from the gradient of the state after a step to that of the projection and
      of the state before it: all that has to be done step by step;
    - ``weight_backward``, the gradients of ``weights``, for all steps at once: one matrix product
      each over ``T * B`` rows instead of ``T`` small ones;
    - ``step_forward``, if the derivative needs more than the states: ``step``, and what to save.

    A class that overrides ``step`` below its parent's ``step_backward`` is left to autograd.

    How other cells fit, with :math:`u = U h_{t-1}` and peepholes :math:`V`:

    =================  ================  ==========  =============================================
    cell               state; saved      weights     ``weight_backward``
    =================  ================  ==========  =============================================
    Elman              h; nothing        U           :math:`\sum dp\, h^\top`
    LSTM               h, c; gates       U           the same
    peephole LSTM      h, c; gates       U, V        the same, and :math:`\sum dp_o \odot c_t` ...
    GRU, reset after   h; gates, u of n  U, b of n   the same with :math:`r \odot dp_n` for
                                                     :math:`dp_n`
    GRU, reset before  h; gates          U           the same with :math:`r \odot h` for
                                                     :math:`h` beside :math:`dp_n`
    =================  ================  ==========  =============================================

    Parameters
    ----------
    input_size
        Features of an input :math:`I`, at least 1.
    hidden_size
        Units :math:`H`, at least 1.

    Attributes
    ----------
    states
        Tensors in the state.
    """

    states: int = 1

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.input_size = whole("input_size", input_size)
        self.hidden_size = whole("hidden_size", hidden_size)

    def project(self, x: Tensor) -> Tensor:
        """Map inputs ``(..., I)`` to what a step adds of them, ``(..., G * H)`` for G gates."""
        raise NotImplementedError(f"{type(self).__name__} must define project")

    def weights(self) -> tuple[Tensor, ...]:
        """Return the tensors that ``step`` reads."""
        raise NotImplementedError(f"{type(self).__name__} must define weights")

    def step(self, projected: Tensor, state: State, *weights: Tensor) -> State:
        """Map a projection ``(B, G * H)`` and the state before it to the state after it."""
        raise NotImplementedError(f"{type(self).__name__} must define step")

    def step_forward(
        self, projected: Tensor, state: State, *weights: Tensor
    ) -> tuple[State, tuple[Tensor, ...]]:
        """Return what ``step`` does, and what ``step_backward`` will need besides the states."""
        return self.step(projected, state, *weights), ()

    def step_backward(
        self,
        grad: State,
        before: State,
        after: State,
        saved: tuple[Tensor, ...],
        *weights: Tensor,
    ) -> tuple[Tensor, State]:
        """Map the gradient of the state after a step to those of the projection and state before.

        Must be linear in ``grad``, and must not change its arguments.
        """
        raise NotImplementedError(f"{type(self).__name__} has no step_backward")

    def weight_backward(
        self, grad: Tensor, states: State, saved: Sequence[tuple[Tensor, ...]]
    ) -> tuple[Tensor, ...]:
        """Return the gradient of each of ``weights``, summed over all steps.

        Parameters
        ----------
        grad
            ``(T, B, G * H)`` gradients of the projections.
        states
            ``(T + 1, B, H)`` each: step ``t`` leads from ``[t]`` to ``[t + 1]``.
        saved
            What ``step_forward`` saved at each of ``T`` steps.
        """
        raise NotImplementedError(f"{type(self).__name__} has no weight_backward")

    def forward(self, x: Tensor, state: State) -> State:
        """Take one step: inputs ``(B, I)`` and the state before to the state after."""
        return self.step(self.project(x), state, *self.weights())


class Recurrent(nn.Module):
    r"""A cell unrolled over time: :math:`s_t = f(P(x_t), s_{t-1})` for :math:`t = 1, \dots, T`.

    The gradient is the cell's own, by backpropagation through time, where it has one, else
    autograd's: the same numbers. What the hand-derived gradient does not cover (``torch.func``,
    autocast, complex numbers) goes to autograd by itself. It cannot be differentiated again:
    ``backward(create_graph=True)`` raises RuntimeError without ``autograd=True``.

    Parameters
    ----------
    cell
        The equations of one step.
    batch_first
        Inputs and outputs are ``(B, T, ...)``, not ``(T, B, ...)``.
    autograd
        Leave the gradient to autograd even where the cell has its own.
    """

    def __init__(self, cell: Cell, *, batch_first: bool = False, autograd: bool = False) -> None:
        super().__init__()
        if not isinstance(cell, Cell):
            raise TypeError(f"cell must be a Cell, got {type(cell).__name__}")
        self.cell = cell
        self.batch_first = batch_first
        self.autograd = autograd

    def forward(
        self, x: Tensor, state: State | None = None, lengths: Tensor | Sequence[int] | None = None
    ) -> tuple[Tensor, State]:
        """Run the cell along sequences.

        Parameters
        ----------
        x
            ``(T, B, I)`` inputs, at least one step; ``(B, T, I)`` with ``batch_first``.
        state
            Tensors ``(B, H)``: the state before the first step; zeros if not given.
        lengths
            ``(B,)`` steps in each sequence, from 0 to ``T``; the rest of ``x`` is padding. Every
            sequence comes out as it would alone, whatever the padding holds.

        Returns
        -------
        output, state
            ``(T, B, H)`` the output after each step, zero after a sequence's end (``(B, T, H)``
            with ``batch_first``), and each sequence's state after its own last step.

        Raises
        ------
        TypeError, ValueError
            If an argument has another type, shape or range.
        """
        x = self._time_major(x)
        state = self._state(state, x)
        active = None
        if lengths is not None:
            active = mask(lengths, len(x), batch=x.shape[1]).to(x.device)[..., None]
            x = torch.where(active, x, 0)  # not even NaN in the padding can reach a gradient
        projected, weights = self.cell.project(x), self.cell.weights()
        if self._by_hand(projected, *state, *weights):
            output, *last = _Unroll.apply(self.cell, active, projected, *state, *weights)  # type: ignore[no-untyped-call]
        else:
            output, last = _unroll(self.cell, active, projected, state, weights)
        return output.transpose(0, 1) if self.batch_first else output, tuple(last)

    def _time_major(self, x: Tensor) -> Tensor:
        layout = "(B, T, I)" if self.batch_first else "(T, B, I)"
        if not isinstance(x, Tensor):
            raise TypeError(f"x must be a tensor {layout}, got {type(x).__name__}")
        size = self.cell.input_size
        if x.ndim != 3 or x.shape[2] != size or x.shape[int(self.batch_first)] == 0:
            raise ValueError(
                f"x must have shape {layout} with T at least 1 and I = {size}, got {tuple(x.shape)}"
            )
        weight = next(self.cell.parameters(), x)
        if not self._fits(weight.dtype, x):
            raise ValueError(f"x must be {weight.dtype} like the weights, got {x.dtype}")
        return x.transpose(0, 1) if self.batch_first else x

    def _state(self, state: State | None, x: Tensor) -> State:
        count, shape = self.cell.states, (x.shape[1], self.cell.hidden_size)
        if state is None:
            return (x.new_zeros(shape),) * count
        if not isinstance(state, tuple) or not all(isinstance(part, Tensor) for part in state):
            raise TypeError(f"state must be a tuple of {count} tensors, got {type(state).__name__}")
        got = [(tuple(part.shape), part.dtype) for part in state]
        if [sizes for sizes, _ in got] != [shape] * count or not self._fits(x.dtype, *state):
            raise ValueError(f"state must hold {count} of shape {shape} and {x.dtype}, got {got}")
        return state

    @staticmethod
    def _fits(dtype: torch.dtype, *tensors: Tensor) -> bool:
        """Whether tensors have a type; under autocast, which mixes types, all do."""
        return all(
            tensor.dtype == dtype or torch.is_autocast_enabled(tensor.device.type)
            for tensor in tensors
        )

    def _by_hand(self, *tensors: Tensor) -> bool:
        """Whether to take the cell's own gradient: one is asked for, and can be had here."""
        return (
            not self.autograd
            and _brings_its_gradient(type(self.cell))
            and torch.is_grad_enabled()
            and any(tensor.requires_grad for tensor in tensors)
            and tensors[0].is_floating_point()
            and not torch.is_autocast_enabled(tensors[0].device.type)
            and not torch._C._are_functorch_transforms_active()  # torch has no public name for it
        )


def mask(lengths: Tensor | Sequence[int], steps: int, *, batch: int | None = None) -> Tensor:
    """Return ``(T, B)``, true at the steps inside each sequence.

    Parameters
    ----------
    lengths
        ``(B,)`` whole numbers from 0 to ``steps``.
    steps
        Steps in the batch ``T``, at least 1.
    batch
        Sequences there must be ``B``, if that is known.
    """
    steps = whole("steps", steps)
    try:
        n = torch.as_tensor(lengths)
    except (TypeError, ValueError, RuntimeError):
        raise TypeError(f"lengths must hold whole numbers, got {lengths!r}") from None
    if n.is_floating_point() or n.is_complex() or n.dtype == torch.bool:
        raise TypeError(f"lengths must hold whole numbers, got {n.dtype}")
    if n.ndim != 1 or (batch is not None and len(n) != batch):
        raise ValueError(f"lengths must have shape ({batch or 'B'},), got {tuple(n.shape)}")
    if n.numel() and (n.min() < 0 or n.max() > steps):
        raise ValueError(f"lengths must be from 0 to {steps}, got {n.tolist()}")
    return torch.arange(steps, device=n.device)[:, None] < n


def to_torch(layer: Recurrent) -> dict[str, Tensor]:
    """Return a layer's weights under the names of torch.nn.RNN, LSTM and GRU (``weight_ih_l0``)."""
    return {f"{name}_l0": weight for name, weight in layer.cell.state_dict().items()}


def from_torch(layer: Recurrent, weights: Mapping[str, Any]) -> None:
    """Load the ``state_dict`` of a torch.nn.RNN, LSTM or GRU of one layer and one direction.

    Names and shapes are all that can be compared. A cell with the same ones and other equations,
    such as a GRU with another place of the reset gate, takes the weights and is another network.

    Raises
    ------
    ValueError
        If the names are not those of the layer's weights.
    RuntimeError
        If a shape differs.
    """
    names = sorted(to_torch(layer))
    if sorted(weights) != names:
        raise ValueError(f"weights must hold {names}, got {sorted(weights)}")
    layer.cell.load_state_dict({name.removesuffix("_l0"): weights[name] for name in names})


def _brings_its_gradient(cell: type[Cell]) -> bool:
    """Whether the class that wrote the last ``step`` stands behind ``step_backward`` too."""

    def writer(name: str) -> int:
        return next(i for i, parent in enumerate(cell.__mro__) if name in vars(parent))

    steps = min(writer("step"), writer("step_forward"))
    return cell.step_backward is not Cell.step_backward and writer("step_backward") <= steps


def _unroll(
    cell: Cell, active: Tensor | None, projected: Tensor, state: State, weights: tuple[Tensor, ...]
) -> tuple[Tensor, State]:
    """Loop. Under autograd, this is also what it differentiates."""
    outputs = []
    # unbind, for the gradient of projected[t] is as large as projected: O(T²) in all
    for p, running in zip(projected.unbind(), _by_step(active, len(projected)), strict=True):
        state = _where(running, cell.step(p, state, *weights), state)
        outputs.append(state[0])
    output = torch.stack(outputs)
    return output if active is None else torch.where(active, output, 0), state


class _Unroll(torch.autograd.Function):
    """The same loop, with the cell's own gradient: backpropagation through time."""

    @staticmethod
    def forward(
        ctx: Any, cell: Cell, active: Tensor | None, projected: Tensor, *tensors: Tensor
    ) -> tuple[Tensor, ...]:
        first, weights = tensors[: cell.states], tensors[cell.states :]
        history, saved = [first], []
        for p, running in zip(projected.unbind(), _by_step(active, len(projected)), strict=True):
            state, keep = cell.step_forward(p, history[-1], *weights)
            history.append(_where(running, state, history[-1]))
            saved.append(keep)
        states = tuple(torch.stack(parts) for parts in zip(*history, strict=True))
        ctx.cell, ctx.active, ctx.steps, ctx.weights = cell, active, len(projected), len(weights)
        ctx.save_for_backward(*weights, *states, *(part for keep in saved for part in keep))
        output = states[0][1:]
        # fresh tensors, so that changing them in place leaves what was saved alone
        output = output.clone() if active is None else torch.where(active, output, 0)
        return output, *(part[-1].clone() for part in states)

    @staticmethod
    def backward(ctx: Any, d_output: Tensor, *d_state: Tensor) -> tuple[Tensor | None, ...]:
        if torch.is_grad_enabled():
            raise RuntimeError(
                "a hand-derived gradient cannot be differentiated again: "
                "for create_graph=True, make the layer with Recurrent(cell, autograd=True)"
            )
        cell, active, steps = ctx.cell, ctx.active, ctx.steps
        tensors = ctx.saved_tensors  # asked for once: checkpointing recomputes them on demand
        weights, rest = tensors[: ctx.weights], tensors[ctx.weights :]
        states, flat = rest[: cell.states], rest[cell.states :]
        each = len(flat) // steps
        saved = [flat[t * each : (t + 1) * each] for t in range(steps)]
        history = list(zip(*(part.unbind() for part in states), strict=True))
        if active is not None:
            d_output = torch.where(active, d_output, 0)
        outside, running = d_output.unbind(), _by_step(active, steps)
        nothing = tuple(torch.zeros_like(part) for part in d_state)
        d_projected: list[Tensor] = []
        for t in reversed(range(steps)):
            d_state = (d_state[0] + outside[t], *d_state[1:])
            # past its end a sequence only hands its state on, and the gradient back
            inside = _where(running[t], d_state, nothing)
            dp, before = cell.step_backward(inside, *history[t : t + 2], saved[t], *weights)
            d_state = _where(running[t], before, d_state)
            d_projected.append(dp)
        by_step = torch.stack(d_projected[::-1])
        d_weights: tuple[Tensor | None, ...] = (None,) * len(weights)
        if any(ctx.needs_input_grad[3 + cell.states :]):
            d_weights = cell.weight_backward(by_step, states, saved)
        return None, None, by_step, *d_state, *d_weights


def _by_step(active: Tensor | None, steps: int) -> Sequence[Tensor | None]:
    """Return ``(B, 1)`` for each step, true where a sequence still runs; None where all do."""
    if active is None:
        return [None] * steps
    full = active.flatten(1).all(dim=1).tolist()
    return [None if all_run else now for all_run, now in zip(full, active.unbind(), strict=True)]


def _where(running: Tensor | None, new: State, old: State) -> State:
    """Return the new for the sequences that still run, the old for those that have ended."""
    if running is None:
        return new
    return tuple(torch.where(running, a, b) for a, b in zip(new, old, strict=True))
