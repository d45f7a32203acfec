"""What decides a run's result, in words that can be kept in its checkpoint and compared."""

from __future__ import annotations

import hashlib
import inspect
import json
import re
from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any

import numpy as np
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from unrolled.data.batching import Batches

# Of a schedule's state: how far it has come.
_PROGRESS = {"last_epoch", "_step_count", "_last_lr", "_get_lr_called_within_step", "T_cur", "T_i"}


def setting(
    model: nn.Module,
    batches: Batches,
    *,
    optimizer: Optimizer,
    schedule: LRScheduler | None,
    **functions: Any,
) -> dict[str, Any]:
    """Return numbers, words, and lists and dicts of them, that are equal for equal runs.

    ``functions`` are told by their code and the numbers and words it reads from outside; what they
    call is not followed.
    """
    found = {
        "modules": {name or "model": _module(each) for name, each in model.named_modules()},
        "weights": {name: _kind(each) for name, each in model.state_dict(keep_vars=True).items()},
        "optimizer": {"type": type(optimizer).__qualname__, "groups": _groups(model, optimizer)},
        "schedule": schedule and _schedule(schedule),
        "data": batches.digest()[:16],
        "size": batches.size,
        "seed": batches.seed,
        "shuffle": batches.shuffle,
    }
    found |= {name: _function(each) if callable(each) else each for name, each in functions.items()}
    plain: dict[str, Any] = json.loads(json.dumps(found, default=_simple))
    return plain


def differences(got: Any, expected: Any) -> tuple[str, str]:
    """Return the first three values in which two settings differ, in words: "" twice if in none."""
    one, other = ({place: repr(value) for place, value in _flat(each)} for each in (got, expected))
    places = [each for each in {**other, **one} if one.get(each) != other.get(each)][:3]

    def told(values: dict[str, str]) -> str:
        return ", ".join(f"{each}={values.get(each, 'none')}" for each in places)

    return told(one), told(other)


def _flat(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for name, part in value.items():
            yield from _flat(part, f"{place}.{name}" if place else str(name))
    elif isinstance(value, list) and value:
        for index, part in enumerate(value):
            yield from _flat(part, f"{place}[{index}]")
    else:
        yield place, value


def _module(module: nn.Module) -> dict[str, Any]:
    """Return the class of a module and the numbers, words and functions among its attributes."""
    found: dict[str, Any] = {"class": type(module).__qualname__}
    for name, value in vars(module).items():
        function = inspect.isroutine(value) and not inspect.ismethod(value)
        told = _words(value) if function else _plain(value)
        if told is not None and name != "training":
            found[name] = told
    return found


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
    rates = [_function(each) for each in getattr(schedule, "lr_lambdas", [])]
    return {"type": type(schedule).__qualname__, "rates": rates, **_settled(schedule.state_dict())}


def _settled(value: Any) -> Any:
    """Return a schedule's state without how far it has come."""
    if isinstance(value, dict):
        return {name: _settled(part) for name, part in value.items() if name not in _PROGRESS}
    if isinstance(value, list | tuple):
        return [_settled(part) for part in value]
    return value


def _function(function: Callable[..., Any]) -> str:
    """Return the name of a function and a digest of its code and the plain values it reads."""
    if not inspect.isfunction(function):
        return _words(function)
    code, cells = function.__code__, function.__closure__ or ()
    outside = {name: function.__globals__.get(name) for name in code.co_names}
    for name, cell in zip(code.co_freevars, cells, strict=True):
        outside[name] = cell.cell_contents if cell != type(cell)() else None
    outside |= {"defaults": function.__defaults__, **(function.__kwdefaults__ or {})}
    read = {name: _plain(value) for name, value in outside.items()}
    digest = hashlib.sha256(repr((_instructions(code), read)).encode()).hexdigest()
    return f"{function.__qualname__} {digest[:12]}"


def _plain(value: Any) -> Any:
    """Return a number or a word, or several in a tuple; of all else nothing."""
    if isinstance(value, tuple):
        return tuple(map(_plain, value))
    return value if isinstance(value, int | float | complex | str | np.number) else None


def _instructions(code: CodeType) -> tuple[Any, ...]:
    """Return what a function's code does, whatever lines it stands in."""
    return (code.co_code, code.co_names, [_constant(each) for each in code.co_consts])


def _constant(value: Any) -> Any:
    if isinstance(value, CodeType):
        return _instructions(value)
    if isinstance(value, frozenset):  # in no order that another process would keep
        return sorted(map(repr, value))
    return value


def _words(value: Any) -> str:
    """Return what an object says of itself, without where it lies in memory."""
    return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value))


def _simple(value: Any) -> Any:
    """Return what JSON does not know as what it knows."""
    if isinstance(value, Tensor | np.generic | np.ndarray):
        return value.tolist()
    return _words(value)
