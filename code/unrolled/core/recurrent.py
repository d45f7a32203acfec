"""Unrolling: what every recurrent network does, whatever its cell.

A cell is the equations of one step. Everything else is here, written once: the loop over time, the
first state, batches of sequences of different lengths, and backpropagation through time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from inspect import signature
from operator import index
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.nn.utils import prune
from torch.nn.utils.spectral_norm import SpectralNorm
from torch.nn.utils.weight_norm import WeightNorm

from unrolled.core.cell import (
    Cell,
    State,
    brings_its_gradient,
    check_like,
    check_state,
    parameters_of,
)
from unrolled.core.kinds import flag, instance, told
from unrolled.core.validate import whole

__all__ = ["Cell", "Recurrent", "State", "from_torch", "mask", "to_torch"]


class Recurrent(nn.Module):
    r"""A cell unrolled over time: :math:`s_t = f(P(x_t), s_{t-1})` for :math:`t = 1, \dots, T`.

    The gradient is the cell's own, by backpropagation through time, where it has one, else
    autograd's: the same numbers. What the hand-derived gradient does not cover (``torch.func``,
    forward mode, ``torch.compile``, ``torch.jit.trace``, complex numbers) goes to autograd by
    itself. It cannot be differentiated again: ``backward(create_graph=True)`` raises RuntimeError
    without ``autograd=True``. Under autocast all steps are taken in its type, as torch.nn does.

    ``torch.compile`` unrolls the loop: it makes one graph for each ``T`` and each list of lengths,
    and with ``fullgraph=True`` lengths must be a list, not a tensor. ``torch.utils.checkpoint``
    with ``use_reentrant=True`` overlooks a tuple inside a tuple, which is where the state is: take
    ``use_reentrant=False``.

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
        if "along" not in signature(instance("cell", cell, Cell).forward).parameters:
            raise TypeError(
                "cell must leave forward as it is, and define equations; "
                f"{type(cell).__name__} does not"
            )
        self.cell = cell
        self.batch_first = flag("batch_first", batch_first)
        self.autograd = flag("autograd", autograd)

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
            sequence comes out as it would alone, whatever the padding holds. Kept on the CPU, they
            cost a GPU no wait.

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
        x, state, ends = self._checked(x, state, lengths)

        def along(x: Tensor, state: State) -> tuple[Tensor, State]:
            padding, projected, begun, weights = self._ready(x, state, ends)
            if self._by_hand(projected, *begun, *weights):
                output, *last = _Unroll.apply(self.cell, padding, projected, *begun, *weights)  # type: ignore[no-untyped-call]
            else:
                output, last = _unroll(self.cell, padding, projected, begun, weights)
            return output, padding.or_never_begun(tuple(last), state)

        output, last = self.cell(x, state, along=along)
        return output.transpose(0, 1) if self.batch_first else output, last

    def trace(
        self, x: Tensor, state: State | None = None, lengths: Tensor | Sequence[int] | None = None
    ) -> dict[str, Tensor]:
        """Return what happened inside, by the names of the cell's equations.

        Parameters
        ----------
        x, state, lengths
            As ``forward`` takes them.

        Returns
        -------
        ``{"i": ..., "h": ...}``: all that ``equations`` of the cell returns, gates, candidate and
        states, ``(T, B, H)`` each (``(B, T, H)`` with ``batch_first``), and zero after a sequence's
        end. Autograd differentiates them.

        Raises
        ------
        TypeError, ValueError
            If an argument has another type, shape or range.
        """
        x, state, ends = self._checked(x, state, lengths)

        seen: list[dict[str, Tensor]] = []

        def along(x: Tensor, state: State) -> tuple[Tensor, State]:
            padding, projected, now, weights = self._ready(x, state, ends)
            for p, running in zip(projected.unbind(), padding.by_step(), strict=True):
                found = self.cell.quantities(p, now, *weights)
                now = _where(running, tuple([found[name] for name in self.cell.states]), now)
                if running is not None:
                    found = {name: torch.where(running, each, 0) for name, each in found.items()}
                seen.append(found)
            output = torch.stack([found[self.cell.states[0]] for found in seen])
            return output, padding.or_never_begun(now, state)

        self.cell(x, state, along=along)  # which calls its hooks, as for `forward`
        traced = {name: torch.stack([found[name] for found in seen]) for name in seen[0]}
        if not self.batch_first:
            return traced
        return {name: each.transpose(0, 1) for name, each in traced.items()}

    def _ready(
        self, x: Tensor, state: State, ends: list[int] | None
    ) -> tuple[_Padding, Tensor, State, tuple[Tensor, ...]]:
        """Return the padding, the projected inputs, the first state and the cell's weights."""
        padding = _Padding.of(ends, x)
        x = padding.zeroed(x)  # not even NaN in the padding can reach a gradient
        state = padding.without_never_begun(state)
        return padding, *self.cell.prepared(x, state)

    def _checked(
        self, x: Tensor, state: State | None, lengths: Tensor | Sequence[int] | None
    ) -> tuple[Tensor, State, list[int] | None]:
        """Return the arguments as the loop takes them."""
        x = self._time_major(x)
        ends = None if lengths is None else whole_lengths(lengths, len(x), x.shape[1])
        return x, self._state(state, x), ends

    def _time_major(self, x: Tensor) -> Tensor:
        layout = "(B, T, I)" if self.batch_first else "(T, B, I)"
        if not isinstance(x, Tensor) or x.is_nested:
            got = "a nested one" if isinstance(x, Tensor) else type(x).__name__
            raise TypeError(f"x must be a tensor {layout}, got {got}")
        size = self.cell.input_size
        if x.ndim != 3 or x.shape[2] != size or x.shape[int(self.batch_first)] == 0:
            raise ValueError(
                f"x must have shape {layout} with T at least 1 and I = {size}, got {tuple(x.shape)}"
            )
        check_like("x", x, "the weights", next(self.cell.parameters(), x))
        return x.transpose(0, 1) if self.batch_first else x

    def _state(self, state: State | None, x: Tensor) -> State:
        if state is None:
            shape = x.shape[1], self.cell.hidden_size
            return tuple([x.new_zeros(shape) for _ in self.cell.states])
        check_state(self.cell, state, x.shape[1])
        for part in state:
            check_like("state", part, "x", x)
        return state

    def _by_hand(self, *tensors: Tensor) -> bool:
        """Whether to take the cell's own gradient: one is asked for, and can be had here."""
        return (
            not self.autograd
            and brings_its_gradient(self.cell)
            and torch.is_grad_enabled()
            and any(tensor.requires_grad for tensor in tensors)
            and tensors[0].is_floating_point()
            and not torch.compiler.is_compiling()
            # torch has no public name for these: in jit.trace, in vmap and its like, forward mode
            and not torch._C._is_tracing()
            and not torch._C._are_functorch_transforms_active()
            and forward_ad._current_level < 0
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

    Raises
    ------
    TypeError, ValueError
        If ``lengths`` are not whole numbers, of another shape, or out of range.
    """
    steps = whole("steps", steps)
    ends = whole_lengths(lengths, steps, batch)
    inside = _inside(ends, steps)
    return inside.to(lengths.device, non_blocking=True) if isinstance(lengths, Tensor) else inside


def _inside(ends: list[int], steps: int) -> Tensor:
    """Return ``(T, B)`` on the CPU, whatever torch's default device is: true inside a sequence."""
    until = torch.tensor(ends, dtype=torch.long, device="cpu")
    return torch.arange(steps, device="cpu")[:, None] < until


def whole_lengths(lengths: Tensor | Sequence[int], steps: int, batch: int | None) -> list[int]:
    """Return lengths as numbers of Python's; of a tensor on a GPU, this is the one wait for it."""
    kind = getattr(lengths, "dtype", None)
    shape = getattr(lengths, "shape", None)
    if isinstance(lengths, Tensor) and (lengths.is_floating_point() or lengths.is_complex()):
        raise TypeError(f"lengths must hold whole numbers, got {kind}")
    if shape is not None and len(shape) != 1:
        raise ValueError(f"lengths must have shape ({batch or 'B'},), got {tuple(shape)}")
    if isinstance(lengths, Set | Mapping):
        raise TypeError(f"lengths must be in order, as in a list, got a {type(lengths).__name__}")
    try:
        listed: list[Any] = lengths.tolist() if hasattr(lengths, "tolist") else list(lengths)
    except RuntimeError:
        raise ValueError(
            "lengths must be a list where tensors hold no numbers, as on meta and in vmap, "
            "or are sparse"
        ) from None
    except TypeError:
        raise TypeError(f"lengths must hold whole numbers, got {told(lengths)}") from None
    if wrong := [end for end in listed if isinstance(end, bool) or not hasattr(end, "__index__")]:
        raise TypeError(f"lengths must hold whole numbers, got {kind or told(wrong[0])}")
    ends = [index(end) for end in listed]
    if batch is not None and len(ends) != batch:
        raise ValueError(f"lengths must have shape ({batch},), got ({len(ends)},)")
    if (bad := next((end for end in ends if not 0 <= end <= steps), None)) is not None:
        raise ValueError(f"lengths must be from 0 to {steps}, got {told(bad)}")
    return ends


class _Padding(NamedTuple):
    """Which sequences still run at which step; nothing where all run to the end."""

    active: Tensor | None  # (T, B, 1)
    steps: int
    shortest: int  # steps that all sequences have

    @classmethod
    def of(cls, ends: list[int] | None, x: Tensor) -> _Padding:
        steps = len(x)
        if not ends or min(ends) == steps:
            return cls(None, steps, steps)
        active = _inside(ends, steps).to(x.device, non_blocking=True)
        return cls(active[..., None], steps, min(ends))

    def by_step(self) -> list[Tensor | None]:
        """Return ``(B, 1)`` for each step, true where a sequence still runs; None where all do."""
        if self.active is None:
            return [None] * self.steps
        return [*[None] * self.shortest, *self.active.unbind()[self.shortest :]]

    def zeroed(self, x: Tensor) -> Tensor:
        """Return ``(T, B, ...)`` with zeros after each sequence's end."""
        return x if self.active is None else torch.where(self.active, x, 0)

    def without_never_begun(self, state: State) -> State:
        """Return the state with zeros for sequences of no step: what theirs holds, none reads."""
        if self.active is None or self.shortest:
            return state
        return tuple([torch.where(self.active[0], part, 0) for part in state])

    def or_never_begun(self, last: State, first: State) -> State:
        """Return the last state, for sequences of no step the first."""
        if self.active is None or self.shortest:
            return last
        pairs = zip(last, first, strict=True)  # of two types, under autocast
        return tuple([torch.where(self.active[0], a, b.to(a.dtype)) for a, b in pairs])


# the hooks that make a weight anew before each call of the cell; until then it is an old one
_MAKERS = (prune.BasePruningMethod, WeightNorm, SpectralNorm)


def to_torch(layer: Recurrent) -> dict[str, Tensor]:
    """Return a layer's weights under the names of torch.nn.RNN, LSTM and GRU (``weight_ih_l0``).

    Where a weight is made from others, by ``prune`` or a parametrization, it is what they make now.

    Raises
    ------
    TypeError, ValueError
        If there is no such layer, or its cell has parameters that ``make`` has not made.
    """
    cell = instance("layer", layer, Recurrent).cell
    names, learns = [*parameters_of(cell)], cell.training
    cell.eval()  # reading weights takes no step of a power iteration
    try:
        for hook in cell._forward_pre_hooks.values():
            if isinstance(hook, _MAKERS):
                hook(cell, ())
        return {f"{name}_l0": getattr(cell, name).detach() for name in names}
    finally:
        cell.train(learns)


def from_torch(layer: Recurrent, weights: Mapping[str, Any]) -> None:
    """Load the ``state_dict`` of a torch.nn.RNN, LSTM or GRU of one layer and one direction.

    Names and shapes are all that can be compared. A cell with the same ones and other equations,
    such as a GRU with another place of the reset gate, takes the weights and is another network.

    Raises
    ------
    TypeError
        If ``weights`` are no ``state_dict``.
    ValueError
        If names or shapes are not those of the layer's weights, or a weight is made from others.
    """
    if not isinstance(weights, Mapping):
        raise TypeError(
            f"weights must be a layer's state_dict(), a mapping, got {type(weights).__name__}"
        )
    names = sorted(to_torch(layer))
    if sorted(weights) != names:
        raise ValueError(f"weights must hold {names}, got {sorted(weights)}")
    own = dict(layer.cell.named_parameters(remove_duplicate=False))
    if made := [name for name in names if name.removesuffix("_l0") not in own]:
        raise ValueError(
            f"layer must have parameters of its own for {made}: it makes them from others "
            "(remove the pruning or the parametrization first)"
        )
    for name in names:
        given, there = weights[name], own[name.removesuffix("_l0")]
        if not isinstance(given, Tensor) or given.shape != there.shape or given.is_complex():
            raise ValueError(f"weights must hold {name} {tuple(there.shape)}, got {told(given)}")
    layer.cell.load_state_dict({name.removesuffix("_l0"): weights[name] for name in names})


def _unroll(
    cell: Cell, padding: _Padding, projected: Tensor, state: State, weights: tuple[Tensor, ...]
) -> tuple[Tensor, State]:
    """Loop. Under autograd, this is also what it differentiates."""
    outputs: list[Tensor] = []
    # unbind, for the gradient of projected[t] is as large as projected: O(T²) in all
    for p, running in zip(projected.unbind(), padding.by_step(), strict=True):
        after = cell.step(p, state, *weights)
        if not outputs:
            _check_step(cell, after, state)
        state = _where(running, after, state)
        outputs.append(state[0])
    # as below: a reader may change the last state in place
    return padding.zeroed(torch.stack(outputs)), tuple([part.clone() for part in state])


def _check_step(cell: Cell, after: Any, before: State) -> None:
    """Raise TypeError if a step returns anything but a state."""
    shapes = [part.shape for part in before]
    if not isinstance(after, tuple) or [getattr(part, "shape", None) for part in after] != shapes:
        got = [told(part) for part in after] if isinstance(after, tuple) else told(after)
        raise TypeError(
            f"{type(cell).__name__}.step must return a tuple of {len(shapes)} tensors "
            f"{tuple(shapes[0])}, got {got}"
        )


class _Unroll(torch.autograd.Function):
    """The same loop, with the cell's own gradient: backpropagation through time."""

    @staticmethod
    def forward(
        ctx: Any, cell: Cell, padding: _Padding, projected: Tensor, *tensors: Tensor
    ) -> tuple[Tensor, ...]:
        count = len(cell.states)
        first, weights = tensors[:count], tensors[count:]
        history, saved = [first], []
        for p, running in zip(projected.unbind(), padding.by_step(), strict=True):
            state, keep = cell.step_forward(p, history[-1], *weights)
            history.append(_where(running, state, history[-1]))
            saved.append(keep)
        states = tuple(torch.stack(parts) for parts in zip(*history, strict=True))
        ctx.cell, ctx.padding, ctx.weights = cell, padding, len(weights)
        ctx.save_for_backward(*weights, *states, *(part for keep in saved for part in keep))
        output = states[0][1:]
        # fresh tensors, so that changing them in place leaves what was saved alone
        output = output.clone() if padding.active is None else padding.zeroed(output)
        return output, *(part[-1].clone() for part in states)

    @staticmethod
    def backward(ctx: Any, d_output: Tensor, *d_state: Tensor) -> tuple[Tensor | None, ...]:
        if torch.is_grad_enabled():
            raise RuntimeError(
                "a hand-derived gradient cannot be differentiated again: "
                "for create_graph=True, make the layer with Recurrent(cell, autograd=True)"
            )
        cell, padding, count = ctx.cell, ctx.padding, len(ctx.cell.states)
        tensors = ctx.saved_tensors  # asked for once: checkpointing recomputes them on demand
        weights, rest = tensors[: ctx.weights], tensors[ctx.weights :]
        states, flat = rest[:count], rest[count:]
        each = len(flat) // padding.steps
        saved = [flat[t * each : (t + 1) * each] for t in range(padding.steps)]
        history = list(zip(*(part.unbind() for part in states), strict=True))
        outside, running = padding.zeroed(d_output).unbind(), padding.by_step()
        nothing = tuple(torch.zeros_like(part) for part in d_state)
        d_projected: list[Tensor] = []
        for t in reversed(range(padding.steps)):
            d_state = (d_state[0] + outside[t], *d_state[1:])
            # past its end a sequence only hands its state on, and the gradient back
            inside = _where(running[t], d_state, nothing)
            dp, before = cell.step_backward(inside, *history[t : t + 2], saved[t], *weights)
            d_state = _where(running[t], before, d_state)
            d_projected.append(dp)
        by_step = torch.stack(d_projected[::-1])
        d_weights: tuple[Tensor | None, ...] = (None,) * len(weights)
        if any(ctx.needs_input_grad[3 + count :]):
            d_weights = cell.weight_backward(by_step, states, saved)
        return None, None, by_step, *d_state, *d_weights


def _where(running: Tensor | None, new: State, old: State) -> State:
    """Return the new for the sequences that still run, the old for those that have ended."""
    if running is None:
        return new
    return tuple(torch.where(running, a, b) for a, b in zip(new, old, strict=True))
