"""A training step of `Recurrent(Elman)` beside `torch.nn.RNN` on the same work.

python benchmarks/recurrent.py: one process, runs interleaved; medians with quartiles, as ratios to
`nn.RNN` of the same round. "floor" is the matrix products alone, which every implementation needs.
Forward and backward, to the inputs and all weights. On a GPU if there is one.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import quantiles

import torch
from torch import Tensor, nn

from unrolled.recurrent import Recurrent, from_torch
from unrolled.rnn import Elman
from unrolled.training import device

SIZES = [(50, 32, 64, 128), (35, 20, 200, 200), (200, 1, 64, 64), (784, 32, 1, 64)]
ROUNDS = 15


def contestants(T: int, B: int, inputs: int, H: int) -> dict[str, Callable[[], object]]:
    """Return a training step of each, on the same weights, inputs and outside gradient."""
    torch.manual_seed(0)
    library = nn.RNN(inputs, H).to(device())
    x = torch.randn(T, B, inputs, device=device(), requires_grad=True)
    R = torch.randn(T, B, H, device=device())

    def step(layer: nn.Module) -> Callable[[], object]:
        wanted = [x, *layer.parameters()]
        return lambda: torch.autograd.grad(layer(x)[0], wanted, R)

    ours = {}
    for name, autograd in (("by hand", False), ("autograd", True)):
        layer = Recurrent(Elman(inputs, H), autograd=autograd).to(device())
        from_torch(layer, library.state_dict())
        ours[name] = step(layer)
    return {"nn.RNN": step(library), **ours, "floor": lambda: products(x, R, library)}


@torch.no_grad()
def products(x: Tensor, R: Tensor, library: nn.RNN) -> None:
    """Do the matrix products of a step: input, recurrent there and back, both weights."""
    W, U = library.weight_ih_l0, library.weight_hh_l0
    p, d = x.flatten(0, 1) @ W.T, R.flatten(0, 1)
    for r in R:
        r @ U.T
        r @ U
    d.T @ x.flatten(0, 1), d.T @ p, d @ W


def seconds(step: Callable[[], object]) -> float:
    """Time one step."""
    start = time.perf_counter()
    step()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start


def measure(size: tuple[int, int, int, int]) -> dict[str, list[float]]:
    """Return, for each contestant, the quartiles of its time relative to the library's."""
    steps = contestants(*size)
    ratios: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(ROUNDS + 2):
        times = {name: seconds(step) for name, step in steps.items()}
        for name, each in times.items():
            ratios[name].append(each / times["nn.RNN"])
    return {name: quantiles(each[2:], n=4) for name, each in ratios.items()}  # two warm up


def main() -> None:
    """Print a table for one thread and for two."""
    for threads in (1, 2):
        torch.set_num_threads(threads)
        print(f"torch {torch.__version__} on {device()}, threads: {threads}; nn.RNN = 1")
        print(f"{'T, B, I, H':>18} {'by hand':>20} {'autograd':>20} {'floor':>20}")
        for size in SIZES:
            found = measure(size)
            cells = [
                f"{middle:.2f} ({low:.2f}-{high:.2f})"
                for name, (low, middle, high) in found.items()
                if name != "nn.RNN"
            ]
            print(f"{', '.join(map(str, size)):>18}", *(f"{cell:>20}" for cell in cells))


if __name__ == "__main__":
    main()
