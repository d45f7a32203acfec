"""What decides a run's result, in words that can be kept in its checkpoint and compared."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from typing import Any

import numpy as np
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from unrolled.data.batching import Batches
from unrolled.training.reading import Told, in_words, read_by

# Of a schedule's state: how far it has come.
_PROGRESS = {"last_epoch", "_step_count", "_last_lr", "_get_lr_called_within_step", "T_cur", "T_i"}


def setting(
    model: nn.Module,
    batches: Batches,
    *,
    optimizer: Optimizer,
    schedule: LRScheduler | None,
    clip: float,
) -> Told:
    """Return numbers and words, by their places, that are equal for equal runs."""
    found = {
        "weights": {name: _kind(each) for name, each in model.state_dict(keep_vars=True).items()},
        "optimizer": {"type": type(optimizer).__qualname__, "groups": _groups(model, optimizer)},
        "schedule": schedule and _schedule(schedule),
        "data": batches.digest()[:16],
        "size": batches.size,
        "seed": batches.seed,
        "shuffle": batches.shuffle,
        "clip": clip,
    }
    return dict(_flat(json.loads(json.dumps(found, default=_simple))))


def differences(got: Told, expected: Told, *, but: Collection[str]) -> tuple[str, str]:
    """Return the first three values in which two settings differ, in words: "" twice if in none.

    What is at a place in ``but``, or within one, may differ.
    """
    one, other = ({place: repr(value) for place, value in each.items()} for each in (got, expected))
    places = [each for each in {**other, **one} if one.get(each) != other.get(each)]
    places = [each for each in places if not any(f"{each}.".startswith(f"{free}.") for free in but)]

    def told(values: dict[str, str]) -> str:
        return ", ".join(f"{each}={values.get(each, 'none')}" for each in places[:3])

    return told(one), told(other)


def changes(before: Told, after: Told) -> set[str]:
    """Return the places at which two settings differ."""
    nothing = object()
    places = before.keys() | after.keys()
    return {
        each for each in places if repr(before.get(each, nothing)) != repr(after.get(each, nothing))
    }


def _flat(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for name, part in value.items():
            yield from _flat(part, f"{place}.{name}" if place else str(name))
    elif isinstance(value, list) and value:
        for index, part in enumerate(value):
            yield from _flat(part, f"{place}[{index}]")
    else:
        yield place, value


def _kind(tensor: Any) -> str:
    """Return what a weight must be alike in to take another's values and be trained like it."""
    if not isinstance(tensor, Tensor) or is_lazy(tensor):
        return type(tensor).__name__
    trained = "trained" if tensor.requires_grad else "fixed"
    return f"{tensor.dtype} {tuple(tensor.shape)} {trained}"


def _groups(model: nn.Module, optimizer: Optimizer) -> list[dict[str, Any]]:
    names = {id(weight): name for name, weight in model.named_parameters()}
    return [
        {
            **group,
            "lr": group.get("initial_lr", group.get("lr")),  # a schedule changes the other
            "params": [names.get(id(weight)) for weight in group["params"]],
        }
        for group in optimizer.param_groups
    ]


def _schedule(schedule: LRScheduler) -> dict[str, Any]:
    rates = {str(at): each for at, each in enumerate(getattr(schedule, "lr_lambdas", []))}
    return {
        "type": type(schedule).__qualname__,
        "rates": read_by(None, rates),
        **_settled(schedule.state_dict()),
    }


def _settled(value: Any) -> Any:
    """Return a schedule's state without how far it has come."""
    if isinstance(value, dict):
        return {name: _settled(part) for name, part in value.items() if name not in _PROGRESS}
    if isinstance(value, list | tuple):
        return [_settled(part) for part in value]
    return value


def _simple(value: Any) -> Any:
    """Return what JSON does not know as what it knows."""
    if isinstance(value, Tensor | np.generic | np.ndarray):
        return value.tolist()
    return in_words(value)
