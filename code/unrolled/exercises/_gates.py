"""What the exercises on gates share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from unrolled.core.validate import Array

_FLOAT32 = 1e-5  # relative to the largest number, as answers in float32 are judged


def sigmoid(a: Any) -> Any:
    """Return 1 / (1 + exp(-a)), which is 0 where exp(-a) overflows."""
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-a))


def wrong_parts(result: Sequence[Array], right: Sequence[Array]) -> tuple[bool, ...]:
    """Say of each part of a result whether it is wrong."""
    with np.errstate(all="ignore"):
        return tuple(
            not np.all(np.abs(mine - its) <= _FLOAT32 * np.abs(its).max(initial=0))
            for mine, its in zip(result, right, strict=True)
        )


def has_overflown(result: Sequence[Array]) -> bool:
    """Say whether there is a NaN, or an infinity, in some part of a result."""
    return not all(np.all(np.isfinite(part)) for part in result)
