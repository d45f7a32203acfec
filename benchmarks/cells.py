"""Every cell beside torch's layers on the same work: a training step, and the forward pass alone.

python benchmarks/cells.py [CELL ...] [--quick] [--json PATH]

One process, runs interleaved; medians with quartiles, as ratios to a layer of torch in the same
round. A training step is forward and backward, to the inputs and all weights: "by hand" with the
cell's own gradient where it brings one, "autograd" with the same loop left to autograd. Forward is
without gradients, where both are one loop. "floor" is the matrix products alone, which every
implementation needs. On a GPU if there is one.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from unrolled.cells import CELLS
from unrolled.core.cell import Cell, brings_its_gradient
from unrolled.core.recurrent import Recurrent
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


class Row(NamedTuple):
    """What was measured of one cell: lower quartile, median and upper quartile of each ratio."""

    cell: str
    beside: str
    size: Size
    threads: int
    ratios: dict[str, list[float]]


COLUMNS = ("by hand", "autograd", "hand/autograd", "floor", "forward", "forward floor")
BY_HAND = ("by hand", "hand/autograd")  # the columns of cells that bring their gradient


def contestants(name: str, layers: Iterable[str], size: Size) -> dict[str, Callable[[], object]]:
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

    cell = CELLS[name].make(inputs, H).to(device())
    products = Products(cell, T, B)
    found = {"by hand": step(Recurrent(cell))} if brings_its_gradient(cell) else {}
    found |= {
        "autograd": step(Recurrent(cell, autograd=True)),
        "floor": products.step,
        "forward": forward(Recurrent(cell)),
        "forward floor": products.forward,
    }
    for of_torch in layers:
        layer = getattr(nn, of_torch.removeprefix("nn."))(inputs, H).to(device())
        found |= {of_torch: step(layer), f"forward {of_torch}": forward(layer)}
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
        self.truncated = cell.truncated  # nothing goes back through the loop
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
    layers = dict.fromkeys(["nn.LSTM", f"nn.{CELLS[name].torch or 'LSTM'}"])
    works = contestants(name, layers, size)
    times = [{key: seconds(work) for key, work in works.items()} for _ in range(rounds + WARM_UP)]

    def ratio(over: str, under: str) -> list[float]:
        return quantiles([each[over] / each[under] for each in times[WARM_UP:]], n=4)

    def ratios(layer: str) -> dict[str, list[float]]:
        forward = f"forward {layer}"
        base = {"forward": forward, "forward floor": forward, "hand/autograd": "autograd"}
        over = {"hand/autograd": "by hand"}
        there = [name for name in COLUMNS if name not in BY_HAND or "by hand" in works]
        return {name: ratio(over.get(name, name), base.get(name, layer)) for name in there}

    return [Row(name, layer, size, threads, ratios(layer)) for layer in layers]


def verdicts(rows: list[Row]) -> list[str]:
    """Judge a training step by each bar: whether all medians hold it, and the worst of them."""
    beside_lstm = [r for r in rows if r.beside == "nn.LSTM"]
    trained = [(r.ratios.get("by hand", r.ratios["autograd"])[1], r) for r in beside_lstm]
    large = [(ratio, r) for ratio, r in trained if r.size[1] >= 20]
    plain = [(ratio, r) for ratio, r in large if r.cell == "LSTM"]
    gated = [(ratio, r) for ratio, r in large if r.cell != "LSTM" and CELLS[r.cell].torch != "RNN"]
    loop = [(r.ratios["hand/autograd"][1], r) for r in beside_lstm if "by hand" in r.ratios]
    bars = [
        ("LSTM <= 1.25 nn.LSTM where B >= 20", 1.25, plain),
        ("every other gated cell <= 1.5 nn.LSTM where B >= 20", 1.5, gated),
        ("by hand <= autograd over the same loop, everywhere", 1.0, loop),
    ]
    return [_verdict(bar, most, found) for bar, most, found in bars if found]


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
        wide = max(len(row.cell) for row in rows)
        print(f"{'cell':>{wide}} {'beside':>8}", *(f"{column:>17}" for column in COLUMNS))
        for row in rows:
            if (row.size, row.threads) == (size, threads):
                said = {c: f"{m:.2f} ({a:.2f}-{b:.2f})" for c, (a, m, b) in row.ratios.items()}
                ratios = (f"{said.get(column, '-'):>17}" for column in COLUMNS)
                print(f"{row.cell:>{wide}} {row.beside:>8}", *ratios)


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
    parser.add_argument("cells", nargs="*", choices=[*CELLS, []], help="all if none is named")
    parser.add_argument("--quick", action="store_true", help="two sizes, one thread, few rounds")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the numbers to a file")
    options = parser.parse_args()
    sizes, threads, rounds = (QUICK, (1,), 5) if options.quick else (SIZES, (1, 2), 15)
    made = machine()
    print(f"torch {torch.__version__} on {device()}; {rounds} rounds")
    work = [(name, size, n) for n in threads for size in sizes for name in options.cells or CELLS]
    rows = [row for each in progress(work, "cells") for row in measure(*each, rounds)]
    show(rows)
    print("", *(found := verdicts(rows)), sep="\n")
    if options.json:
        report = {**made, "rounds": rounds, "verdicts": found, "rows": [r._asdict() for r in rows]}
        options.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
