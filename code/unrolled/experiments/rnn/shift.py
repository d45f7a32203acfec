"""How far from the shift a network still prints figures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from unrolled.core.validate import Array
from unrolled.data.teleprinter import FIGS, messages, printed
from unrolled.experiments.ledger import Claim, Row, Strip, Trials
from unrolled.experiments.rnn._seeds import FRESH
from unrolled.experiments.rnn._teleprinter import PRINTER, key_codes, train_printer, train_window
from unrolled.experiments.runs import stack
from unrolled.experiments.statistics import Rate
from unrolled.training import device


def shift_held(
    seed: int,
    *,
    traffic: int,
    longest: int,
    hidden: int,
    epochs: int,
    windows: Sequence[int],
    tests: int,
    distances: Sequence[int],
) -> dict[str, float | list[float]]:
    """Print figures ever further from the shift, by a recurrent network and by windows of keys.

    Each network learns from ``traffic`` messages of at most ``longest`` keys. Each of ``tests`` new
    messages is a shift to figures and then as many keys without a shift as the largest distance.

    Returns
    -------
    ``recurrent`` and ``window of ...`` hold the part of keys that print right at each of
    ``distances`` from the shift (the first key after it has 1). ``worst`` is the recurrent
    network's least at any distance up to the largest. For each of ``windows``, ``in reach`` is the
    least at distances at which the window still holds the shift, and ``out of reach`` the most at
    those at which it does not.
    """
    sent = messages(traffic, longest=longest, seed=seed)
    furthest = max(distances)
    plain = messages(tests, longest=furthest, shortest=furthest, seed=seed + FRESH, to_figures=0)
    keys = np.column_stack([np.full(tests, FIGS), plain.keys])
    truth = torch.as_tensor(printed(keys).T, device=device())

    def right(scores: Tensor) -> Array:
        found: Array = (scores.argmax(-1) == truth).double().mean(1)[1:].cpu().numpy()
        return found

    x, at = key_codes(keys), np.array(distances) - 1
    printer = train_printer(seed, sent, hidden=hidden, epochs=epochs)
    perceptrons = {
        size: train_window(seed, sent, size=size, hidden=hidden, epochs=epochs) for size in windows
    }
    with torch.no_grad():
        recurrent = right(printer(x)[0])
        by_window = {size: right(model(x)) for size, model in perceptrons.items()}
    return {
        "recurrent": recurrent[at].tolist(),
        **{f"window of {size}": parts[at].tolist() for size, parts in by_window.items()},
        "worst": float(recurrent.min()),
        "in reach": [float(parts[: size - 1].min()) for size, parts in by_window.items()],
        "out of reach": [float(parts[size - 1 :].max()) for size, parts in by_window.items()],
    }


CLAIM = Claim(
    sentence=(
        "A recurrent network that learned to print from messages of at most 30 keys still "
        "prints figures a thousand keys after the shift. A window of keys stops where the "
        "shift leaves it."
    ),
    experiment=shift_held,
    criterion=(
        "In every run, the recurrent network prints more than 99 % of the keys right at every "
        "distance from 1 to 1,000 keys from the shift, and each window less than 20 % at every "
        "distance from its own size on. (The space, one key in eleven, prints the same in "
        "both cases.)"
    ),
    holds=lambda runs: bool(
        stack(runs, "worst").min() > 0.99 and stack(runs, "out of reach").max() < 0.2
    ),
    seeds={"quick": range(90, 91), "book": range(100, 110), "confirm": range(7000, 7010)},
    settings={
        scale: {
            **printer,
            "windows": [3, 10],
            "tests": 200,
            "distances": [*range(1, 13), 15, 20, 30, 50, 100, 200, 300, 500, 1000],
        }
        for scale, printer in (("quick", {**PRINTER, "epochs": 4}), ("book", PRINTER))
    },
    strips=[
        Strip(
            axis="Part of the keys that print right",
            rows=[
                Row("worst", "recurrent, worst of 1,000 distances"),
                Row("in reach", "window of {}, worst in reach", over="windows"),
                Row("out of reach", "window of {}, best out of reach", over="windows"),
            ],
            lines={"the space": 1 / 11},
            limits=(0.0, 1.0),
        )
    ],
    compared=[
        Rate(label="the shift held a thousand keys long", quantity="worst", at_least=0.99),
        Rate(
            label="both windows lost it",
            quantity=lambda measured: max(measured["out of reach"]),
            at_most=0.2,
        ),
    ],
    trials=Trials(where="seeds 0 to 11; the runs were not counted"),
)
