"""An experiment run at its seeds, and the block that this makes."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from math import isfinite
from typing import Any

from unrolled.experiments.ledger.attempts import Block
from unrolled.experiments.ledger.declaring import Claim
from unrolled.experiments.ledger.machine import circumstances, commit
from unrolled.experiments.ledger.recording import EVIDENCE

Run = dict[str, Any]


def stamp() -> dict[str, Any]:
    """Return what is known here of a measurement that is about to be made."""
    return {"commit": commit(EVIDENCE.parent), **circumstances()}


def block_of(claim: Claim, runs: Sequence[Run], stamp: Mapping[str, Any]) -> Block:
    """Put a block together: the verdict on its runs, and what they were measured under."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        **stamp,
        "held": bool(claim.holds([one["measured"] for one in runs])),
        "runs": [*runs],
    }


def measure(
    experiment: Callable[..., Mapping[str, Any]], seed: int, settings: Mapping[str, Any]
) -> Run:
    """Run an experiment at one seed."""
    wall, cpu = time.perf_counter(), _cpu_seconds()
    found = experiment(seed, **settings)
    cpu, wall = _cpu_seconds() - cpu, time.perf_counter() - wall
    return {
        "seed": seed,
        "measured": {name: _plain(name, value, seed) for name, value in found.items()},
        "cpu_seconds": round(cpu, 2),
        "wall_seconds": round(wall, 2),
        "gpu": _gpu(),
    }


def _cpu_seconds() -> float:
    """Return what this process and those it waited for have used: a search runs in its own."""
    return sum(os.times()[:4])


def _plain(name: str, value: Any, seed: int) -> float | list[float]:
    """Return a measured value as JSON can keep it."""
    if not isinstance(value, str) and hasattr(value, "__len__"):
        return [float(_plain(name, element, seed)) for element in value]  # type: ignore[arg-type]
    if not isfinite(number := float(value)):
        raise ValueError(f"{name} must be finite at every seed, got {number} at seed {seed}")
    return number


def _gpu() -> str | None:
    """Return the name of the GPU this process has used, if any."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return None
    return str(torch.cuda.get_device_name())
