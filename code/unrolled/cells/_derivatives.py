"""Derivatives of squashing functions by their values: one kernel each."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

# grad * (1 - y²) and grad * y * (1 - y)
tanh_backward: Callable[[Tensor, Tensor], Tensor] = torch.ops.aten.tanh_backward.default
sigmoid_backward: Callable[[Tensor, Tensor], Tensor] = torch.ops.aten.sigmoid_backward.default
