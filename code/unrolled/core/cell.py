"""A cell: the equations of one step, and what its parameters are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from unrolled.core.kinds import instance, told
from unrolled.core.validate import whole

State: TypeAlias = tuple[Tensor, ...]
"""What a cell remembers: tensors ``(B, H)``, the one that is its output first."""

Axis: TypeAlias = tuple[str, ...]
"""What stands along an axis of a parameter, block by block: ``("i", "f", "g", "o")`` are four gates
of H rows each, ``("h",)`` the H units of a state, and ``("x",)`` the I features of an input."""


class Cell(nn.Module):
    r"""The equations of one step, :math:`s_t = f(p_t, s_{t-1}; \theta)` with :math:`p_t = P(x_t)`.

    A cell must define

    - ``project``, the part of a step that needs no state. It runs on all steps at once, so the
      input weights cost one matrix product a sequence;
    - ``equations``, the rest, given the projection and the state: all that a step computes, by the
      names that its equations use;
    - ``weights``, the tensors :math:`\theta` that ``equations`` reads: parameters, or made from
      them.

    That is enough: autograd differentiates the loop. A cell may bring its derivative as well, and
    ``Recurrent`` then runs backpropagation through time without autograd's tape:

    - ``saves``, the names of what the derivative needs besides the states;
    - ``step_backward``, from the gradient of the state after a step to that of the projection and
      of the state before it: all that has to be done step by step;
    - ``weight_backward``, the gradients of ``weights``, for all steps at once: one matrix product
      each over ``T * B`` rows instead of ``T`` small ones.

    A class that overrides ``equations`` or ``step`` below its parent's ``step_backward`` is left to
    autograd. ``equations`` must not change its arguments in place; it may leave ``step`` to be
    overridden instead, and ``forward`` and ``step_forward`` are no place for equations.

    Parameters
    ----------
    input_size
        Features of an input :math:`I`, at least 1.
    hidden_size
        Units :math:`H`, at least 1.

    Attributes
    ----------
    states
        The names of the tensors in the state, the output first.
    saves
        The names of what ``step_backward`` is given, of those that ``equations`` returns.
    mixes_units
        Whether a step mixes units otherwise than by its matrices, as layer normalisation does: such
        cells cannot be run as one (``Networks``).
    truncated
        Whether a step cuts the gradient of a part of the state.
    choices
        The values that each option may have, the default first: what a search changes.
    axes
        For each parameter that was made by ``make``, what stands along its axes.
    """

    states: tuple[str, ...] = ("h",)
    saves: tuple[str, ...] = ()
    mixes_units: bool = False
    truncated: bool = False
    choices: Mapping[str, tuple[Any, ...]] = MappingProxyType({})

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.input_size = whole("input_size", input_size)
        self.hidden_size = whole("hidden_size", hidden_size)
        self.axes: dict[str, tuple[Axis, ...]] = {}

    def make(self, **axes: tuple[Axis, ...]) -> None:
        r"""Make parameters, and say what they are: ``make(weight_hh=(("r", "z"), ("h",)))``.

        All are drawn from :math:`\mathcal U(-1/\sqrt H, 1/\sqrt H)`, in the order given, as torch
        does.
        """
        for name, along in axes.items():
            shape = [sum(map(self.width, axis)) for axis in along]
            self.register_parameter(name, nn.Parameter(torch.empty(shape)))
            self._draw(name)
        self.axes |= axes

    def reset_parameters(self) -> None:
        """Draw all parameters anew, in the order in which they were made."""
        for name in self.axes:
            self._draw(name)
        self.set_first_values()

    def set_first_values(self) -> None:
        """Set the parameters that are not drawn at first, where a cell has any."""

    def _draw(self, name: str) -> None:
        bound = self.hidden_size**-0.5
        nn.init.uniform_(self.get_parameter(name), -bound, bound)

    def extra_repr(self) -> str:
        """Say the sizes."""
        return f"{self.input_size}, {self.hidden_size}"

    def width(self, block: str) -> int:
        """Return how many numbers a block of an axis has: I for ``"x"``, H for all others."""
        return self.input_size if block == "x" else self.hidden_size

    def project(self, x: Tensor) -> Tensor:
        """Map inputs ``(..., I)`` to what a step adds of them, ``(..., G * H)`` for G gates."""
        raise NotImplementedError(f"{type(self).__name__} must define project")

    def weights(self) -> tuple[Tensor, ...]:
        """Return the tensors that ``equations`` reads."""
        raise NotImplementedError(f"{type(self).__name__} must define weights")

    def equations(self, p: Tensor, state: State, *weights: Tensor) -> dict[str, Tensor]:
        """Return all that a step computes, ``(B, H)`` each, by name; the new state among it.

        Parameters
        ----------
        p
            ``(B, G * H)``, the projection of the step's inputs.
        state
            The state before the step.
        """
        raise NotImplementedError(f"{type(self).__name__} must define equations")

    def step(self, p: Tensor, state: State, *weights: Tensor) -> State:
        """Map a projection ``(B, G * H)`` and the state before it to the state after it."""
        found = self.equations(p, state, *weights)
        if not isinstance(found, dict) or not found.keys() >= {*self.states}:
            got = [*found] if isinstance(found, dict) else told(found)
            raise TypeError(
                f"{type(self).__name__}.equations must return a dictionary that has "
                f"{', '.join(self.states)}, got {got}"
            )
        return tuple([found[name] for name in self.states])

    def step_forward(
        self, p: Tensor, state: State, *weights: Tensor
    ) -> tuple[State, tuple[Tensor, ...]]:
        """Return what ``step`` does, and what ``step_backward`` will need besides the states."""
        found = self.quantities(p, state, *weights)
        after, saved = ([found[name] for name in names] for names in (self.states, self.saves))
        return tuple(after), tuple(saved)

    def quantities(self, p: Tensor, state: State, *weights: Tensor) -> dict[str, Tensor]:
        """Return what ``equations`` does; of a class that overrides ``step`` alone, the states."""
        if _written(self, "equations") <= _written(self, "step"):
            return self.equations(p, state, *weights)
        return dict(zip(self.states, self.step(p, state, *weights), strict=True))

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

    def forward(
        self, x: Tensor, state: State, along: Callable[[Tensor, State], Any] | None = None
    ) -> Any:
        """Take one step: inputs ``(B, I)`` and the state before to the state after.

        ``Recurrent`` takes many of them, ``along`` a sequence: here, so that hooks on the cell run,
        once a sequence, and weights that a hook makes from others are up to date.

        Raises
        ------
        TypeError, ValueError
            If an argument has another type or shape.
        """
        if along is not None:
            return along(x, state)
        if instance("x", x, Tensor).ndim != 2 or x.shape[1] != self.input_size:
            raise ValueError(f"x must have shape (B, {self.input_size}), got {tuple(x.shape)}")
        check_like("x", x, "the weights", next(self.parameters(), x))
        check_state(self, state, len(x))
        for part in state:
            check_like("state", part, "x", x)
        projected, state, weights = self.prepared(x, state)
        return self.step(projected, state, *weights)

    def prepared(self, x: Tensor, state: State) -> tuple[Tensor, State, tuple[Tensor, ...]]:
        """Return projections, a state and weights, under autocast in its type."""
        projected, weights = self.project(x), self.weights()
        if not in_autocast(x) or projected.dtype == torch.float64:  # which it leaves
            return projected, state, weights
        dtype = torch.get_autocast_dtype(x.device.type)
        state, weights = (tuple([part.to(dtype) for part in parts]) for parts in (state, weights))
        return projected.to(dtype), state, weights


def check_state(cell: Cell, state: Any, batch: int) -> None:
    """Raise TypeError or ValueError if a state is not that of a cell and of B sequences."""
    count, shape = len(instance("cell", cell, Cell).states), (batch, cell.hidden_size)
    if not isinstance(state, tuple) or not all(isinstance(part, Tensor) for part in state):
        raise TypeError(f"state must be a tuple of {count} tensors, got {type(state).__name__}")
    if [part.shape for part in state] != [shape] * count:
        got = [tuple(part.shape) for part in state]
        raise ValueError(f"state must hold {count} of shape {shape}, got {got}")


def check_like(name: str, tensor: Tensor, other: str, like: Tensor) -> None:
    """Raise an error unless a tensor is dense, and of the type and on the device of another.

    Under autocast, which mixes those of floating point but float64, any of them will do.
    """
    if tensor.layout is not torch.strided:
        raise TypeError(f"{name} must be dense, got a tensor of layout {tensor.layout}")
    mixed = all(each.is_floating_point() and each.dtype != torch.float64 for each in (tensor, like))
    if tensor.dtype != like.dtype and not (mixed and in_autocast(tensor)):
        raise ValueError(f"{name} must be {like.dtype} like {other}, got {tensor.dtype}")
    if tensor.device != like.device:
        raise ValueError(f"{name} must be on {like.device} like {other}, got {tensor.device}")


def rows_for(weight: Tensor, name: str, x: Tensor) -> Tensor:
    """Return inputs ``(B, I)`` that a weight ``(H, I)`` can be multiplied with.

    Raises
    ------
    TypeError, ValueError
        If they have another type, shape or device; under autocast, which mixes them, any type will
        do.
    """
    size = weight.shape[1]
    if instance(name, x, Tensor).ndim != 2 or x.shape[1] != size:
        raise ValueError(f"{name} must have shape (B, {size}), got {tuple(x.shape)}")
    check_like(name, x, "the weights", weight)
    return x


def in_autocast(tensor: Tensor) -> bool:
    """Whether autocast is on where a tensor is; some devices, such as meta, do not know it."""
    kind = instance("tensor", tensor, Tensor).device.type
    return torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind)


def brings_its_gradient(cell: Cell) -> bool:
    """Whether the class that wrote a cell's equations last stands behind ``step_backward`` too."""
    if type(instance("cell", cell, Cell)).step_backward is Cell.step_backward:
        return False
    step = min(_written(cell, name) for name in ("equations", "step", "step_forward"))
    return _written(cell, "step_backward") <= step


def _written(cell: Cell, name: str) -> int:
    """Return how far up among a cell's classes a method was written last; -1 in the cell alone."""
    if name in vars(cell):
        return -1
    return next(i for i, kind in enumerate(type(cell).__mro__) if name in vars(kind))


def parameters_of(cell: Cell) -> Mapping[str, tuple[Axis, ...]]:
    """Return what each parameter of a cell is.

    Raises
    ------
    ValueError
        If the cell has parameters that it does not declare.
    """
    names = {name for name, _ in instance("cell", cell, Cell).named_parameters()}
    unknown = sorted(name for name in names - cell.axes.keys() if not _made_from(name, cell))
    if unknown:
        raise ValueError(
            f"{type(cell).__name__} must make its parameters by `make`, which says what they are; "
            f"it has others: {', '.join(unknown)}"
        )
    return cell.axes


def _made_from(name: str, cell: Cell) -> bool:
    """Whether a parameter is what pruning or a norm makes a declared one from."""
    return name.startswith("parametrizations.") or name.rpartition("_")[0] in cell.axes
