"""What `unrolled.training.fit` costs beside the same updates written out by hand.

python benchmarks/fit.py: one thread, one process, runs interleaved; ratios of medians. The ratio
means something on any machine, the microseconds only on yours.
"""

from __future__ import annotations

import time
from statistics import median, quantiles

import torch
from torch.nn.functional import mse_loss

from unrolled.data import Batches
from unrolled.training import fit
from unrolled.windows import WindowMLP

UPDATES, SIZE, ROUNDS = 200, 32, 9


def by_fit(model: WindowMLP, optimizer: torch.optim.Optimizer, batches: Batches) -> None:
    """Train through the package."""
    fit(model, batches, lambda m, x, y: mse_loss(m(x), y), epochs=1, optimizer=optimizer, clip=1.0)


def by_hand(model: WindowMLP, optimizer: torch.optim.Optimizer, batches: Batches) -> None:
    """Train by the shortest loop that does the same to the weights."""
    for x, y in batches.epoch(0):
        optimizer.zero_grad()
        mse_loss(model(x), y).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()


def microseconds(train, window: int, hidden: int) -> float:
    """Time one update, fresh model each round."""
    torch.manual_seed(0)
    model = WindowMLP(window, hidden)
    x, y = torch.randn(UPDATES * SIZE, window), torch.randn(UPDATES * SIZE)
    batches = Batches(x, y, size=SIZE, seed=0)
    optimizer = torch.optim.Adam(model.parameters())
    start = time.perf_counter()
    train(model, optimizer, batches)
    return (time.perf_counter() - start) / UPDATES * 1e6


def main() -> None:
    """Print a table: sizes, both times with their quartiles, the ratio."""
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, one thread; {ROUNDS} rounds of {UPDATES} updates of {SIZE}")
    print(f"{'window':>7} {'hidden':>7} {'by hand (us)':>20} {'fit (us)':>20} {'ratio':>6}")
    for window, hidden in ((12, 8), (64, 64), (512, 512)):
        times: dict[str, list[float]] = {"by hand": [], "fit": []}
        for _ in range(ROUNDS + 1):
            times["by hand"].append(microseconds(by_hand, window, hidden))
            times["fit"].append(microseconds(by_fit, window, hidden))
        cells = []
        for each in times.values():
            low, middle, high = quantiles(each[1:], n=4)  # the first round warms up
            cells.append(f"{middle:7.0f} ({low:.0f}-{high:.0f})")
        ratio = median(times["fit"][1:]) / median(times["by hand"][1:])
        print(f"{window:7d} {hidden:7d} {cells[0]:>20} {cells[1]:>20} {ratio:6.2f}")


if __name__ == "__main__":
    main()
