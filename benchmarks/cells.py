"""Every cell beside torch's layers on the same work: a training step, and the forward pass alone.

python benchmarks/cells.py [--quick] [--json PATH]

One process, runs interleaved; medians with quartiles, as ratios to a layer of torch in the same
round. A training step is forward and backward, to the inputs and all weights: "by hand" with the
cell's own gradient, "autograd" with the same loop left to autograd. Forward is without gradients,
where both are one loop. "floor" is the matrix products alone, which every implementation needs. On
a GPU if there is one.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import quantiles
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from unrolled.cells import FORMS, GRU, LSTM, MUT1, MUT2, MUT3, Elman, LSTMVariant
from unrolled.core.recurrent import Cell, Recurrent
from unrolled.experiments.ledger import processor
from unrolled.training import device, progress

Size = tuple[int, int, int, int]
SIZES: list[Size] = [  # T, B, I, H
    (50, 32, 64, 128),
    (100, 64, 128, 256),
    (35, 20, 200, 200),
    (784, 32, 1, 64),
    (28, 64, 28, 128),
    (200, 1, 64, 64),
]
QUICK = [SIZES[0], SIZES[2]]
WARM_UP = 2

LIBRARY = {"nn.LSTM": nn.LSTM, "nn.GRU": nn.GRU, "nn.RNN": nn.RNN}
CELLS: dict[str, tuple[Callable[[int, int], Cell], str]] = {  # and the layer to compare with
    "Elman": (Elman, "nn.RNN"),
    "LSTM": (LSTM, "nn.LSTM"),
    "LSTM 1997": (partial(LSTMVariant, **FORMS["1997"]), "nn.LSTM"),
    "LSTM peephole": (partial(LSTMVariant, peepholes=True), "nn.LSTM"),
    "LSTM coupled": (partial(LSTMVariant, coupled=True), "nn.LSTM"),
    "LSTM gate recurrence": (partial(LSTMVariant, **FORMS["FGR"]), "nn.LSTM"),
    "LSTM layer norm": (partial(LSTMVariant, layer_norm=True), "nn.LSTM"),
    "GRU after": (GRU, "nn.GRU"),
    "GRU before": (partial(GRU, reset="before"), "nn.GRU"),
    "MUT1": (MUT1, "nn.LSTM"),
    "MUT2": (MUT2, "nn.LSTM"),
    "MUT3": (MUT3, "nn.LSTM"),
}


class Row(NamedTuple):
    """What was measured of one cell: lower quartile, median and upper quartile of each ratio."""

    cell: str
    beside: str
    size: Size
    threads: int
    ratios: dict[str, list[float]]


COLUMNS = ("by hand", "autograd", "hand/autograd", "floor", "forward", "forward floor")


def contestants(
    make: Callable[[int, int], Cell], layers: Iterable[str], size: Size
) -> dict[str, Callable[[], object]]:
    """Return what is timed: each layer's step and forward pass, the cell's, and the products."""
    T, B, inputs, H = size
    torch.manual_seed(0)
    x = torch.randn(T, B, inputs, device=device(), requires_grad=True)
    R = torch.randn(T, B, H, device=device())

    def step(layer: nn.Module) -> Callable[[], object]:
        wanted = [x, *layer.parameters()]
        return lambda: torch.autograd.grad(layer(x)[0], wanted, R)

    def forward(layer: nn.Module) -> Callable[[], object]:
        return torch.no_grad()(lambda: layer(x))

    cell = make(inputs, H).to(device())
    products = Products(cell, T, B)
    found = {
        "by hand": step(Recurrent(cell)),
        "autograd": step(Recurrent(cell, autograd=True)),
        "floor": products.step,
        "forward": forward(Recurrent(cell)),
        "forward floor": products.forward,
    }
    for name in layers:
        layer = LIBRARY[name](inputs, H).to(device())
        found |= {name: step(layer), f"forward {name}": forward(layer)}
    return found


class Product(NamedTuple):
    """A matrix, what it is multiplied with ``(T, B, columns)``, and the gradient of the result."""

    W: Tensor
    x: Tensor
    d: Tensor


class Products:
    """The matrix products of a cell: its matrices in the loop, step by step, the others at once."""

    def __init__(self, cell: Cell, T: int, B: int) -> None:
        in_loop = {w.untyped_storage().data_ptr() for w in cell.weights()}
        self.once: list[Product] = []
        self.each: list[Product] = []
        self.truncated = getattr(cell, "truncated", False)  # nothing goes back through the loop
        for W in (p.detach() for p in cell.parameters() if p.ndim == 2):
            d, x = (torch.randn(T, B, size, device=W.device) for size in W.shape)
            looped = W.untyped_storage().data_ptr() in in_loop
            (self.each if looped else self.once).append(Product(W, x, d))

    @torch.no_grad()
    def forward(self) -> None:
        """Do those of the forward pass."""
        for W, x, _ in self.once:
            x.flatten(0, 1) @ W.T
        for W, x, _ in self.each:
            for x_t in x.unbind():
                x_t @ W.T

    @torch.no_grad()
    def step(self) -> None:
        """Do those of a training step."""
        self.forward()
        for W, _, d in [] if self.truncated else self.each:
            for d_t in d.unbind():
                d_t @ W
        for _, x, d in (*self.once, *self.each):
            d.flatten(0, 1).T @ x.flatten(0, 1)
        for W, _, d in self.once:
            d.flatten(0, 1) @ W


def seconds(work: Callable[[], object]) -> float:
    """Time one run."""
    start = time.perf_counter()
    work()
    if device().type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def measure(name: str, size: Size, threads: int, rounds: int) -> list[Row]:
    """Time one cell beside nn.LSTM, and beside its own layer if that is another."""
    torch.set_num_threads(threads)
    make, own = CELLS[name]
    layers = dict.fromkeys(["nn.LSTM", own])
    works = contestants(make, layers, size)
    times = [{key: seconds(work) for key, work in works.items()} for _ in range(rounds + WARM_UP)]

    def ratio(over: str, under: str) -> list[float]:
        return quantiles([each[over] / each[under] for each in times[WARM_UP:]], n=4)

    def ratios(layer: str) -> dict[str, list[float]]:
        forward = f"forward {layer}"
        base = {"forward": forward, "forward floor": forward, "hand/autograd": "autograd"}
        over = {"hand/autograd": "by hand"}
        return {name: ratio(over.get(name, name), base.get(name, layer)) for name in COLUMNS}

    return [Row(name, layer, size, threads, ratios(layer)) for layer in layers]


def verdicts(rows: list[Row]) -> list[str]:
    """Judge a training step by each bar: whether all medians hold it, and the worst of them."""
    beside_lstm = [r for r in rows if r.beside == "nn.LSTM" and r.size[1] >= 20]
    plain = [(r.ratios["by hand"][1], r) for r in beside_lstm if r.cell == "LSTM"]
    gated = [(r.ratios["by hand"][1], r) for r in beside_lstm if r.cell not in ("LSTM", "Elman")]
    loop = [(r.ratios["hand/autograd"][1], r) for r in rows if r.beside == "nn.LSTM"]
    return [
        _verdict("LSTM by hand <= 1.25 nn.LSTM where B >= 20", 1.25, plain),
        _verdict("every other gated cell by hand <= 1.5 nn.LSTM where B >= 20", 1.5, gated),
        _verdict("by hand <= autograd over the same loop, everywhere", 1.0, loop),
    ]


def _verdict(bar: str, most: float, found: list[tuple[float, Row]]) -> str:
    held = sum(ratio <= most for ratio, _ in found)
    worst, row = max(found, key=lambda each: each[0])
    where = f"{row.cell} at {_sizes(row.size)}, threads: {row.threads}"
    holds = "holds" if held == len(found) else "does not hold"
    return f"{bar}: {holds} ({held} of {len(found)}; worst {worst:.2f}, {where})"


def _sizes(size: Size) -> str:
    return ", ".join(map(str, size))


def show(rows: list[Row]) -> None:
    """Print one table for each size and number of threads."""
    for size, threads in dict.fromkeys((row.size, row.threads) for row in rows):
        print(f"\nT, B, I, H = {_sizes(size)}; threads: {threads}; the layer beside it = 1")
        print(f"{'cell':>21} {'beside':>8}", *(f"{column:>17}" for column in COLUMNS))
        for row in rows:
            if (row.size, row.threads) == (size, threads):
                cells = [f"{m:.2f} ({a:.2f}-{b:.2f})" for a, m, b in row.ratios.values()]
                print(f"{row.cell:>21} {row.beside:>8}", *(f"{cell:>17}" for cell in cells))


def machine() -> dict[str, Any]:
    """Return what this was measured on, with what, and when."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "hardware": {
            "cpu": processor(),
            "cores": os.cpu_count(),
            "gpu": torch.cuda.get_device_name() if device().type == "cuda" else None,
        },
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
    }


def main() -> None:
    """Measure, print the tables and the verdicts, and write them down where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="two sizes, one thread, few rounds")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the numbers to a file")
    options = parser.parse_args()
    sizes, threads, rounds = (QUICK, (1,), 5) if options.quick else (SIZES, (1, 2), 15)
    made = machine()
    print(f"torch {torch.__version__} on {device()}; {rounds} rounds")
    work = [(name, size, n) for n in threads for size in sizes for name in CELLS]
    rows = [row for each in progress(work, "cells") for row in measure(*each, rounds)]
    show(rows)
    print("", *(found := verdicts(rows)), sep="\n")
    if options.json:
        report = {**made, "rounds": rounds, "verdicts": found, "rows": [r._asdict() for r in rows]}
        options.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
