"""What BPTT and RTRL cost: multiplications, memory, seconds."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from unrolled import bptt
from unrolled.bptt import RNN, Array
from unrolled.experiments.bptt._comparing import log_log_slope, normal_network
from unrolled.experiments.ledger import Claim, Row, Strip
from unrolled.experiments.runs import stack


def cost(
    seed: int, *, steps: Sequence[int], at_size: int, sizes: Sequence[int], at_steps: int
) -> dict[str, float | list[float]]:
    """Measure what BPTT (forward and backward) and RTRL cost, for one sequence.

    Inputs and outputs are as many as the units, so one number says the size.

    Returns
    -------
    For ``BPTT`` and ``RTRL``, lists over ``steps`` (with ``at_size`` units) and over ``sizes``
    (with ``at_steps`` steps): ``multiplications``, counted; ``memory``, the most that was allocated
    during the call, in KiB; ``seconds`` of CPU, the least of three runs. And the slopes of log
    multiplications and log memory.
    """
    measured: dict[str, float | list[float]] = {}
    for axis, values in (("steps", steps), ("size", sizes)):
        for name in ("BPTT", "RTRL"):
            table = [
                _cost(seed, name, value, at_size)
                if axis == "steps"
                else _cost(seed, name, at_steps, value)
                for value in values
            ]
            for what, column in zip(_COSTS, zip(*table, strict=True), strict=True):
                measured[f"{name}: {what} by {axis}"] = list(column)
                if what != "seconds":
                    measured[f"{name}: slope of {what} in {axis}"] = log_log_slope(values, column)
    return measured


_COSTS = ("multiplications", "memory", "seconds")


def _cost(seed: int, name: str, T: int, H: int) -> tuple[float, float, float]:
    """Return multiplications, KiB and seconds of one gradient."""
    random = np.random.default_rng(seed)
    parameters = RNN(*(each / np.sqrt(H) for each in normal_network(random, H, H, H)))
    x, dy = random.standard_normal((2, T, 1, H))
    h0 = np.zeros((1, H))

    def gradient(parameters: RNN, x: Array, h0: Array, dy: Array) -> None:
        if name == "RTRL":
            bptt.rtrl(parameters, x, h0, dy)
        else:
            h, _ = bptt.forward(parameters, x, h0)
            bptt.backward(parameters, x, h, dy)

    Counting.multiplications = 0
    gradient(
        RNN(*(each.view(Counting) for each in parameters)),
        *(each.view(Counting) for each in (x, h0, dy)),
    )
    seconds = []
    for _ in range(3):
        start = time.process_time()
        gradient(parameters, x, h0, dy)
        seconds.append(time.process_time() - start)
    tracemalloc.start()
    try:
        gradient(parameters, x, h0, dy)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return float(Counting.multiplications), peak / 1024, min(seconds)


class Counting(np.ndarray[Any, Any]):
    """An array that counts the multiplications it takes part in.

    Those of products of matrices and of arrays entry by entry, of squares and of ``einsum`` over
    two arrays; additions and tanh are not counted.
    """

    multiplications: ClassVar[int] = 0

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **options: Any
    ) -> Any:
        """Do what the function does to plain arrays, and count."""
        plain = [_plain(each) for each in inputs]
        if out is not None:
            options["out"] = tuple(_plain(each) for each in out)
        result = getattr(ufunc, method)(*plain, **options)
        if ufunc is np.matmul:
            Counting.multiplications += result.size * plain[0].shape[-1]
        elif ufunc in (np.multiply, np.square, np.power):
            Counting.multiplications += result.size
        return out[0] if out is not None else _counted(result)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        """Count in ``einsum``, which is no universal function; leave the rest as it is."""
        if func is np.einsum:
            subscripts, *arrays = args
            sizes: dict[str, int] = {}
            for letters, array in zip(subscripts.split("->")[0].split(","), arrays, strict=True):
                sizes |= dict(zip(letters, array.shape, strict=True))
            Counting.multiplications += int(np.prod(list(sizes.values())))
            return _counted(func(subscripts, *map(_plain, arrays)))
        return _counted(super().__array_function__(func, types, args, kwargs))


def _plain(value: Any) -> Any:
    return value.view(np.ndarray) if isinstance(value, Counting) else value


def _counted(value: Any) -> Any:
    return value.view(Counting) if isinstance(value, np.ndarray) else value


_SLOPES = (
    ("BPTT: slope of multiplications in steps", 0.95, 1.05),
    ("BPTT: slope of memory in steps", 0.9, 1.1),
    ("RTRL: slope of memory in steps", -0.1, 0.1),
    ("BPTT: slope of multiplications in size", 1.8, 2.2),
    ("RTRL: slope of multiplications in size", 3.0, 4.1),
    ("RTRL: slope of memory in size", 2.5, 3.1),
)

CLAIM = Claim(
    sentence=(
        "BPTT's multiplications and memory grow in proportion to the steps. RTRL's memory does "
        "not grow with them, but its multiplications grow nearly with the fourth power of the "
        "units, where BPTT's grow with the second."
    ),
    experiment=cost,
    criterion=(
        "Slopes of logarithms, in every run. In the number of steps: BPTT's multiplications "
        "0.95 to 1.05 and memory 0.9 to 1.1, RTRL's memory -0.1 to 0.1. In the number of "
        "units, 4 to 32: BPTT's multiplications 1.8 to 2.2, RTRL's 3 to 4.1, its memory 2.5 to "
        "3.1. Seconds are shown and not judged."
    ),
    holds=lambda runs: all(
        bool(low <= stack(runs, name).min() and stack(runs, name).max() <= high)
        for name, low, high in _SLOPES
    ),
    seeds={"quick": range(5), "book": range(5), "confirm": range(7000, 7005)},
    settings={
        scale: {
            "steps": [64, 128, 256, 512],
            "at_size": 16,
            "sizes": [4, 8, 16, 32],
            "at_steps": 32,
        }
        for scale in ("quick", "book")
    },
    strips=[
        Strip(
            axis="Slope of log multiplications in log units",
            rows=[
                Row("BPTT: slope of multiplications in size", "BPTT"),
                Row("RTRL: slope of multiplications in size", "RTRL"),
            ],
            lines={"two": 2.0, "four": 4.0},
            limits=(0.0, 4.2),
        ),
        Strip(
            axis="Slope of log memory in log steps",
            rows=[
                Row("BPTT: slope of memory in steps", "BPTT"),
                Row("RTRL: slope of memory in steps", "RTRL"),
            ],
            lines={"flat": 0.0, "linear": 1.0},
            limits=(-0.2, 1.2),
        ),
    ],
    deviations=[
        "The orders of growth are well known, and Werbos and Williams and Zipser state them; "
        "the measurement is ours. One sequence; inputs and outputs are as many as units.",
        "This is a check of the code: the orders follow from the equations. Another seed draws "
        "other numbers, and counts the same multiplications.",
        "Multiplications are counted in the code as it runs, not timed: at these sizes seconds "
        "say as much about the matrix library as about the method.",
    ],
)
