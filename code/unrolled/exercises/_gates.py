"""What the exercises on gates share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from unrolled._validate import Array


def sigmoid(a: Any) -> Any:
    """Return 1 / (1 + exp(-a))."""
    return 1 / (1 + np.exp(-a))


def wrong_parts(result: Sequence[Array], right: Sequence[Array]) -> tuple[bool, ...]:
    """Say of each part of a result whether it is wrong."""
    return tuple(
        not np.allclose(mine, its, rtol=1e-4) for mine, its in zip(result, right, strict=True)
    )
