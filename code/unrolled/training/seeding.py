"""First weights that a seed alone decides."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import nn

from unrolled.core.kinds import function, instance
from unrolled.core.validate import random_seed
from unrolled.training.devices import device

M = TypeVar("M", bound=nn.Module)


def seeded(seed: int, build: Callable[[], M]) -> M:
    """Build a model on the CPU from ``seed`` and return it on the device of ``device()``.

    The weights are the same on every device, and torch's random state, on the CPU and on any GPU,
    is left as it was.

    Raises
    ------
    TypeError
        If ``build`` is no function, or returns no ``nn.Module``.
    """
    seed = random_seed("seed", seed)
    function("build", build)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed reseeds GPUs too
        model = build()
    instance("what build returns", model, nn.Module)
    return model.to(device())
