"""Many small networks, trained side by side as one: so that success can be counted.

With a dozen cells a network costs a processor hardly more than the loop that runs it, and thirty
cost hardly more than one.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from math import prod
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from unrolled.core.cell import parameters_of
from unrolled.core.kinds import flag, function, instance, several, told
from unrolled.core.recurrent import Cell, Recurrent, State
from unrolled.core.validate import real, whole
from unrolled.training import progress
from unrolled.training.arguments import check_function, check_optimizer, check_schedule


class Networks(nn.Module):
    r"""N independent networks, each a cell and a linear map of its output, computed as one.

    N cells of H units are one cell of :math:`N H` units whose matrices are zero between different
    networks. So a cell's own gradient serves as it is. The zeros cost time: they are worth it for
    small H and N.

    Parameters
    ----------
    cells
        N cells of one kind and size, at least 1, with their first weights, of one dtype and on one
        device; none frozen. They are copied.
    outputs
        Numbers O that a network predicts at a step, at least 1.

    Attributes
    ----------
    cell
        The cells' parameters by their names, stacked: ``(N, ...)``.
    weight, bias
        ``(N, O, H)`` and ``(N, O)``: the maps of the output, drawn as ``torch.nn.Linear`` does.
    count
        Networks N.

    Raises
    ------
    TypeError, ValueError
        If ``cells`` are none, not cells, frozen, or differ in kind, size, options or dtype; or if
        they normalise their layer, which would be all networks' together.
    """

    def __init__(self, cells: Iterable[Cell], outputs: int) -> None:
        super().__init__()
        cells = several("cells", cells, of=Cell)
        first, (dtype, place) = _alike(cells), _place_of(cells)
        outputs, self.count = whole("outputs", outputs), len(cells)
        self.input_size, self.hidden_size = first.input_size, first.hidden_size
        self.states = first.states
        self.cell = nn.ParameterDict(
            {
                name: torch.stack([cell.get_parameter(name).detach() for cell in cells])
                for name, _ in first.named_parameters()
            }
        )
        maps = [nn.Linear(first.hidden_size, outputs, dtype=dtype) for _ in cells]
        self.weight = nn.Parameter(torch.stack([each.weight.detach() for each in maps]).to(place))
        self.bias = nn.Parameter(torch.stack([each.bias.detach() for each in maps]).to(place))
        whole_cell = copy.deepcopy(first)  # for its equations: its weights are never read
        whole_cell.input_size *= self.count
        whole_cell.hidden_size *= self.count
        self._one = (Recurrent(whole_cell),)  # in a tuple, so that its weights are not ours
        for name, axes in parameters_of(first).items():
            places = _places([[*map(first.width, axis)] for axis in axes], self.count)
            self.register_buffer(f"_{name}_places", places.to(place), persistent=False)

    def forward(self, x: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Run all networks along their own sequences.

        Parameters
        ----------
        x
            ``(T, B, N, I)``: B sequences for each network.
        state
            Tensors ``(B, N, H)``; zeros if not given.

        Returns
        -------
        predictions, state
            ``(T, B, N, O)`` after each step, and the state after the last.

        Raises
        ------
        ValueError
            If a shape differs.
        """
        output, state = self.unroll(x, state)
        prediction: Tensor = torch.einsum("tbnh,noh->tbno", output, self.weight) + self.bias
        return prediction, state

    def unroll(self, x: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Return the cells' outputs ``(T, B, N, H)``, and the state after the last step."""
        own = (self.count, self.input_size)
        if instance("x", x, Tensor).ndim != 4 or x.shape[2:] != own:
            raise ValueError(f"x must have shape (T, B, {own[0]}, {own[1]}), got {tuple(x.shape)}")
        shape = (x.shape[1], self.count, self.hidden_size)
        if state is not None and any(part.shape != shape for part in state):
            raise ValueError(f"state must hold shapes {shape}, got {[*map(told, state)]}")
        weights = {f"cell.{name}": self._spread(name) for name in self.cell}
        merged = None if state is None else tuple(part.flatten(1) for part in state)
        output, last = functional_call(self._one[0], weights, (x.flatten(2), merged))
        own = (self.count, self.hidden_size)
        return output.unflatten(2, own), tuple(part.unflatten(1, own) for part in last)

    def alone(self, which: int) -> tuple[Recurrent, nn.Linear]:
        """Return one network by itself: copies of its layer and of the map of its output."""
        which = whole("which", which, least=0, most=self.count - 1)
        cell = copy.deepcopy(self._one[0].cell)
        cell.input_size //= self.count
        cell.hidden_size //= self.count
        for name, stacked in self.cell.items():
            cell.register_parameter(name, nn.Parameter(stacked[which].detach().clone()))
        read = nn.Linear(cell.hidden_size, self.weight.shape[1])
        read.weight = nn.Parameter(self.weight[which].detach().clone())
        read.bias = nn.Parameter(self.bias[which].detach().clone())
        return Recurrent(cell), read

    def _spread(self, name: str) -> Tensor:
        """Return a parameter of the one large cell, with zeros between different networks."""
        own: Tensor = self.cell[name]
        count, rows, *columns = own.shape
        # a matrix of the large cell is N times as tall and N times as wide, a vector as long
        shape = [count * rows, *(count * width for width in columns)]
        places = self.get_buffer(f"_{name}_places")
        return own.new_zeros(prod(shape)).scatter(0, places, own.flatten()).view(shape)


class Trained(NamedTuple):
    """What happened when networks were trained.

    Attributes
    ----------
    loss
        ``(updates, N)`` of each network before each update; NaN after it has broken.
    alive
        ``(N,)`` false for a network that broke: its predictions or its gradient were not finite.
        Its weights are 0 from then on.
    state
        The state after the last update's steps; it matters with ``carry``. A broken network's is 0.
    """

    loss: Tensor
    alive: Tensor
    state: State


def train(
    networks: Networks,
    batch: Callable[[int], tuple[Tensor, ...]],
    loss: Callable[..., Tensor],
    *,
    updates: int,
    optimizer: Optimizer,
    clip: float | None = 1.0,
    schedule: LRScheduler | None = None,
    carry: bool = False,
    stop: Callable[[int], bool] | None = None,
) -> Trained:
    """Train networks in place, each on its own sequences and by its own gradient.

    A network that breaks does not stop or change the others.

    Parameters
    ----------
    networks
        They stay on their device.
    batch
        For the number of an update from 0: inputs ``(T, B, N, I)`` and what ``loss`` needs.
    loss
        From predictions ``(T, B, N, O)`` and the rest of a batch: a loss of each network, ``(N,)``,
        that depends on this network's predictions alone.
    updates
        At least 1.
    optimizer
        Made for the networks' parameters; it must treat every number on its own, as Adam does.
    clip
        Largest norm of a network's gradient; None: as it comes.
    schedule
        Made for the optimizer. Steps after every update, by itself.
    carry
        Begin each update in the state in which the one before ended, with no gradient to it; else
        in zeros.
    stop
        Called after every update with the number of updates made; training ends when it says so.

    Raises
    ------
    TypeError
        If an argument is of another kind, or ``batch`` or ``loss`` returns no such thing.
    ValueError
        If an argument is out of range or of other networks, a parameter is frozen, or a loss has
        another shape or no gradient.
    FloatingPointError
        If a batch's inputs are not finite.
    """
    updates = whole("updates", updates)
    clip = None if clip is None else real("clip", clip, above=0)
    carry = flag("carry", carry)
    _check_arguments(networks, batch, loss, updates, optimizer, schedule, stop)
    alive = torch.ones(networks.count, dtype=torch.bool, device=networks.weight.device)
    parameters, losses, state, whole_yet = list(networks.parameters()), [], None, True
    for update in progress(range(updates), "updates"):
        x, *rest = _tensors(batch(update))
        check_function("loss", loss, x, *rest, of="predictions and the rest of a batch")
        while True:
            prediction, last = networks(x, state if carry else None)
            each = loss(prediction, *rest)
            _check_each(each, networks)
            own = torch.where(alive, each, 0)
            gradients = _gradients(own.sum(), networks)
            predicted, learned = torch.isfinite(prediction).all(), _learn(gradients).all()
            if predicted & learned:  # the one wait for a GPU
                break
            whole_yet = False
            if predicted:
                gradients, alive = _each_alone(networks, own, alive)
                break
            broken = _broken(prediction)
            if not (alive & broken).any():  # with weights of 0, only inputs can be the cause
                raise FloatingPointError(f"inputs must be finite, got others at update {update}")
            alive = alive & ~broken
            _silence(networks, alive)
            state = None if state is None else _zeroed(state, alive)
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient
        losses.append(torch.where(alive, each.detach(), torch.nan))
        if clip is not None:
            clip_each(parameters, clip)
        optimizer.step()
        state = tuple(part.detach() for part in last)
        if not whole_yet:  # momentum moves weights without a gradient
            _silence(networks, alive)
            state = _zeroed(state, alive)
        if schedule is not None:
            schedule.step()
        if stop is not None and stop(update + 1):
            break
    return Trained(torch.stack(losses), alive, state or ())


def clip_each(parameters: Iterable[nn.Parameter], largest: float) -> Tensor:
    """Scale the gradient of each network down to a norm of at most ``largest``.

    Parameters
    ----------
    parameters
        ``(N, ...)`` each, with their gradients, which are changed in place.
    largest
        Greater than 0.

    Returns
    -------
    ``(N,)`` norms as they were.

    Raises
    ------
    TypeError, ValueError
        If these are no parameters, none has a gradient, or ``largest`` is out of range.
    """
    largest = real("largest", largest, above=0)
    held = several("parameters", parameters, of=Tensor)
    gradients = [each.grad for each in held if each.grad is not None]
    if not gradients:
        raise ValueError(f"parameters must have gradients, got {len(held)} without one")
    norms = _norms(gradients)
    scale = torch.clamp(largest / (norms + 1e-6), max=1)  # 1e-6 as torch has it
    for gradient in gradients:
        gradient.mul_(_along(scale, gradient))
    return norms


def _alike(cells: Sequence[Cell]) -> Cell:
    """Return the first of several cells that differ in nothing but their weights."""
    if not cells:
        raise ValueError("cells must be at least one Cell, got none")
    made = [f"{type(cell).__name__}({cell.extra_repr()})" for cell in cells]
    if different := sorted(set(made) - {made[0]}):
        raise ValueError(f"cells must be all like {made[0]}, got {', '.join(different)}")
    for cell in cells:
        if parameters_of(cell).keys() != dict(cell.named_parameters()).keys():
            raise ValueError("cells must have their parameters, not make them from others")
    plain = [{n: v for n, v in vars(cell).items() if not n.startswith("_")} for cell in cells]
    if any(type(cell) is not type(cells[0]) for cell in cells) or any(
        each != plain[0] for each in plain
    ):
        raise ValueError(f"cells must be all like {made[0]}, got one of another class or attribute")
    if cells[0].mixes_units:
        raise ValueError("cells must not mix units, as layer_norm does: over all networks, here")
    return cells[0]


def _place_of(cells: Sequence[Cell]) -> tuple[torch.dtype, torch.device]:
    """Return the one dtype and device of all parameters of cells, of which none is frozen."""
    for index, cell in enumerate(cells):
        _check_frozen(f"cells[{index}]", cell)
    places = {(each.dtype, each.device) for cell in cells for each in cell.parameters()}
    if len(places) > 1:
        found = ", ".join(sorted(f"{dtype} on {place}" for dtype, place in places))
        raise ValueError(f"cells must have one dtype and device, got {found}")
    return places.pop()


def _check_frozen(argument: str, module: nn.Module) -> None:
    """Raise if a parameter is not to be trained: all are, with all networks at once."""
    frozen = [name for name, each in module.named_parameters() if not each.requires_grad]
    if frozen:
        raise ValueError(
            f"{argument} must have no frozen parameters, got requires_grad=False of "
            f"{', '.join(frozen[:3])}{' …' if len(frozen) > 3 else ''}"
        )


def _tensors(found: Any) -> Sequence[Any]:
    """Return what ``batch`` returned, if that begins with inputs."""
    if not isinstance(found, tuple | list) or not found or not isinstance(found[0], Tensor):
        got = [*map(told, found)] if isinstance(found, tuple | list) else told(found)
        raise TypeError(f"batch must return a tuple that begins with inputs, a Tensor, got {got}")
    return found


def _check_arguments(
    networks: Any, batch: Any, loss: Any, updates: int, optimizer: Any, schedule: Any, stop: Any
) -> None:
    """Raise if what is given to ``train`` is of another kind, or of other networks."""
    _check_frozen("networks", instance("networks", networks, Networks))
    check_function("batch", batch, 0, of="the number of an update")
    function("loss", loss)
    check_optimizer(optimizer, networks)
    if schedule is not None:
        check_schedule(schedule, optimizer, updates)
    if stop is not None:
        check_function("stop", stop, 1, of="the number of updates made")


def _check_each(losses: Any, networks: Networks) -> None:
    """Raise if what a loss returned is not a loss of each network, with a gradient."""
    if not isinstance(losses, Tensor):
        raise TypeError(f"loss must return a tensor, got {told(losses)}")
    dense = losses.is_floating_point() and losses.layout is torch.strided
    if losses.shape != (networks.count,) or not dense:
        raise ValueError(
            f"loss must return a real number of each network, shape ({networks.count},), "
            f"got shape {tuple(losses.shape)} of {losses.dtype}"
        )
    if not losses.requires_grad:
        why = "" if torch.is_grad_enabled() else ": train was called where gradients are off"
        raise ValueError(f"loss must depend on the predictions, got one without a gradient{why}")


def _gradients(loss: Tensor, networks: Networks) -> tuple[Tensor, ...]:
    """Return the gradient of each parameter; all have one if the loss is of predictions."""
    found = torch.autograd.grad(
        loss, [*networks.parameters()], retain_graph=True, allow_unused=True
    )
    for (name, _), gradient in zip(networks.named_parameters(), found, strict=True):
        if gradient is None:
            raise ValueError(f"loss must depend on the predictions, got no gradient of {name}")
    return found


def _places(axes: Sequence[Sequence[int]], count: int) -> Tensor:
    """Return where in the large cell's flat parameter each number of the small cells' goes.

    Along an axis stand blocks, a gate's say, of so many numbers; in the large cell each block holds
    those of all networks, side by side.
    """
    networks, places = torch.arange(count)[:, None], torch.zeros(count, dtype=torch.long)
    for blocks in axes:
        index, length = [], 0
        for size in blocks:
            index.append(length + networks * size + torch.arange(size))
            length += size * count
        along = torch.cat(index, 1)
        places = places.view(count, -1, 1) * length + along[:, None, :]
    return places.flatten()


def _each_alone(
    networks: Networks, losses: Tensor, alive: Tensor
) -> tuple[tuple[Tensor, ...], Tensor]:
    """Return gradients where a network's is not finite, and which networks are alive after that.

    0 times infinity is no number: one network's gradient reaches the others between the zeros of
    the large matrices. So each is asked for alone.
    """
    parameters = list(networks.parameters())
    own = [torch.autograd.grad(each, parameters, retain_graph=True) for each in losses]
    gradients = tuple(
        torch.stack([parameter[n] for n, parameter in enumerate(parts)])
        for parts in zip(*own, strict=True)
    )
    alive = alive & _learn(gradients)
    for gradient in gradients:
        gradient[~alive] = 0
    _silence(networks, alive)
    return gradients, alive


def _learn(gradients: Sequence[Tensor]) -> Tensor:
    """Return ``(N,)``: the networks whose gradient is finite."""
    return torch.isfinite(_norms(gradients))


def _norms(gradients: Sequence[Tensor]) -> Tensor:
    """Return the norm of each network's gradient, ``(N,)``."""
    by_parameter = torch.stack([each.flatten(1).norm(dim=1) for each in gradients])
    norms: Tensor = by_parameter.norm(dim=0)
    return norms


def _broken(prediction: Tensor) -> Tensor:
    """Return ``(N,)``: the networks that were the first to predict what is not finite."""
    bad = ~torch.isfinite(prediction).all(3).all(1)
    first: Tensor = bad[bad.any(1).int().argmax()]
    return first


@torch.no_grad()
def _silence(networks: Networks, alive: Tensor) -> None:
    """Set the weights of broken networks to 0."""
    for parameter in networks.parameters():
        parameter[~alive] = 0


def _zeroed(state: State, alive: Tensor) -> State:
    return tuple(torch.where(alive[:, None], part, 0) for part in state)


def _along(scale: Tensor, gradient: Tensor) -> Tensor:
    """Return ``(N,)`` in a shape that multiplies ``(N, ...)``."""
    return scale.view(-1, *(1,) * (gradient.ndim - 1))
