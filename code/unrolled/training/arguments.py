"""What ``fit`` asks of its arguments before any work, and of a loss and its gradient when there."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.optim import Optimizer, SparseAdam
from torch.optim.lr_scheduler import LRScheduler

from unrolled.core.kinds import instance, told


def check_model(model: Any) -> None:
    """Raise if there is nothing to train in a model, or its gradients would be sparse."""
    instance("model", model, nn.Module)
    if not any(each.requires_grad for each in model.parameters()):
        count = len(list(model.parameters()))
        held = f"{count}, all with requires_grad=False" if count else "none"
        raise ValueError(f"model must have parameters to train, got {held}")
    for name, part in model.named_modules():
        if getattr(part, "sparse", False) is True:
            raise ValueError(f"model must have dense gradients, got sparse=True in {name or 'it'}")


def check_function(name: str, function: Any, *arguments: Any, of: str) -> None:
    """Raise if a function cannot be called with as many arguments as it will be."""
    if not callable(function):
        raise TypeError(f"{name} must be a function of {of}, got {told(function)}")
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # written in C: it does not say
        return
    try:
        signature.bind(*arguments)
    except TypeError as error:
        raise TypeError(f"{name} must be a function of {of}, got one that has {error}") from None


def check_loss_function(loss: Any, model: nn.Module, arrays: tuple[Any, ...]) -> None:
    """Raise if a loss is no function of the model and the arrays of a batch."""
    module = getattr(loss, "__module__", None)
    if module in ("torch.nn.functional", "torch.nn.modules.loss"):
        name = getattr(loss, "__name__", type(loss).__name__)
        raise TypeError(
            "loss must be a function of the model and the arrays of a batch, such as "
            f"lambda model, x, y: loss(model(x), y), got torch's {name}, one of outputs and targets"
        )
    check_function("loss", loss, model, *arrays, of="the model and the arrays of a batch")


def check_sizes(model: nn.Module) -> None:
    """Raise if a model waits for its first input to know its sizes."""
    if waiting := [name for name, each in model.named_parameters() if is_lazy(each)]:
        raise ValueError(
            f"model must have all its weights to be saved, got {waiting[0]} without a size: "
            "call the model once, with the first rows of the examples, before fit"
        )


def check_optimizer(optimizer: Any, model: nn.Module) -> None:
    """Raise if an optimizer trains anything but all of a model, or steps with a closure."""
    instance("optimizer", optimizer, Optimizer)
    if needed := _required(optimizer):
        raise ValueError(
            f"optimizer must step without a {needed[0]}, got {type(optimizer).__name__}"
        )
    if isinstance(optimizer, SparseAdam):
        raise ValueError("optimizer must take dense gradients, got SparseAdam")
    held = {id(weight) for group in optimizer.param_groups for weight in group["params"]}
    own = {id(weight): name for name, weight in model.named_parameters()}
    if others := len(held - own.keys()):
        raise ValueError(
            f"optimizer must be made for the model's parameters, got one with {others} of another"
        )
    trained = {id(weight) for weight in model.parameters() if weight.requires_grad}
    if left := [own[weight] for weight in own if weight in trained - held]:
        raise ValueError(
            "optimizer must be made for the model's parameters, got none of "
            f"{', '.join(left[:3])}{' …' if len(left) > 3 else ''}: "
            "give it all, or freeze what is to stay (requires_grad_(False))"
        )


def check_schedule(schedule: Any, optimizer: Optimizer, epochs: int) -> None:
    """Raise if a schedule is another optimizer's, waits for a score, or ends too early."""
    instance("schedule", schedule, LRScheduler)
    if _required(schedule):
        raise ValueError(f"schedule must step without a score, got {type(schedule).__name__}")
    if getattr(schedule, "optimizer", optimizer) is not optimizer:
        raise ValueError(
            "schedule must be made for the optimizer, got one of another "
            f"{type(schedule.optimizer).__name__}"
        )
    steps = getattr(schedule, "total_steps", None)
    if steps is not None and steps < epochs:
        raise ValueError(
            f"schedule must have a step for each of {epochs} epochs, "
            f"got {type(schedule).__name__} of {steps}"
        )


def check_loss(value: Any) -> None:
    """Raise if what a loss returned has no gradient to follow."""
    if not isinstance(value, Tensor):
        raise TypeError(f"loss must return a tensor, got {type(value).__name__}")
    if value.ndim or value.is_complex():
        kind = f"{tuple(value.shape)} of {value.dtype}"
        raise ValueError(f"loss must return a real scalar, got shape {kind}")
    if not value.requires_grad:
        why = "" if torch.is_grad_enabled() else ": fit was called where gradients are off"
        raise ValueError(
            f"loss must depend on the model's parameters, got a tensor without a gradient{why}"
        )


def check_gradient(model: nn.Module) -> None:
    """Raise if a loss has reached no parameter, or has left sparse gradients."""
    found = {name: each.grad for name, each in model.named_parameters() if each.grad is not None}
    if not found:
        raise ValueError("loss must depend on the model's parameters, got a gradient for none")
    for name, gradient in found.items():
        if gradient.layout is not torch.strided:
            raise ValueError(f"model must have dense gradients, got a sparse one of {name}")


def check_score(score: Any) -> float:
    """Return what ``validate`` returned, if it is one number."""
    try:
        if isinstance(score, str | bytes) or np.ndim(score):
            raise TypeError
        return float(score)
    except (TypeError, ValueError, RuntimeError):
        raise TypeError(f"validate must return one number, got {told(score)}") from None


def _required(stepping: Any) -> list[str]:
    """Return the arguments that the step of an optimizer or a schedule cannot do without."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    _, *rest = inspect.signature(type(stepping).step).parameters.values()
    return [each.name for each in rest if each.kind in kinds and each.default is each.empty]
