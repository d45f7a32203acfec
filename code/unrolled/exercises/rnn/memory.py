"""The exercise ``rnn.memory``."""

from __future__ import annotations

from typing import Any

import numpy as np

from unrolled.exercises.grading import Exercise, Mistake


def memory(u: float, w: float, back: int) -> float:
    """Return the weight of x[t - back] in the state h[t] of a linear unit.

    The unit is h[t] = u * h[t - 1] + w * x[t], with h[0] = 0. u and w are numbers,
    back is a whole number, at least 0 and less than t.
    """
    return w * u**back


def _memory_impulse(u: float, w: float, back: int) -> float:
    h = w
    for _ in range(back):
        h = u * h
    return h


def _memory_vectorised(u: float, w: float, back: int) -> Any:
    return w * np.prod(np.full(back, u))


def _memory_torch(u: float, w: float, back: int) -> Any:
    import torch

    x = torch.zeros(back + 1, dtype=torch.float64, requires_grad=True)
    h = torch.zeros(())
    for each in x.unbind():
        h = u * h + w * each
    h.backward()  # type: ignore[no-untyped-call]
    return x.grad[0] if x.grad is not None else None


EXERCISE = Exercise(
    memory,
    cases=[
        (0.5, 3.0, 2),
        (0.5, 3.0, 0),
        (-0.9, 0.4, 1),
        (1.1, -2.0, 5),
        (0.3, 0.7, 3),
        (0.0, 2.0, 0),
        (0.0, 2.0, 3),
        (1.0, 0.0, 4),
        (-1.0, 1e-6, 35),
        (0.98, 1e6, 400),
        (30.0, 2.0, 4),
    ],
    alternatives=[_memory_impulse, _memory_vectorised, _memory_torch],
    mistakes={
        "counts_from_one": Mistake(
            """There is a factor u too many.

            x[t] enters h[t] with the weight w, before any u: try back = 0. Each step after that
            multiplies by u once, so `back` steps multiply by u `back` times.
            """,
            {"w * u**back": "w * u ** (back + 1)"},
            """
            h = w
            for _ in range(back + 1):
                h = u * h
            return h
            """,
        ),
        "one_factor_short": Mistake(
            """There is a factor u too few.

            x[t - 1] enters h[t - 1] with the weight w, and u * h[t - 1] is a part of h[t]: with
            back = 1 there is one u.
            """,
            {"w * u**back": "w * u ** (back - 1)"},
        ),
        "input_weight_forgotten": Mistake(
            """The input weight w is missing: an input times w is what enters the state.""",
            {"w * u**back": "float(u**back)"},
        ),
        "w_at_every_step": Mistake(
            """Here w multiplies at every step. An input is multiplied by w once, when it is read.

            From then on it is a part of the state, and a step multiplies the state by u alone.
            """,
            {"w * u**back": "float((u * w) ** back)"},
        ),
        "roles_exchanged": Mistake(
            """The two weights have changed places: w is used once, u at every step after.""",
            {"w * u**back": "u * w**back"},
        ),
        "grows_along_a_line": Mistake(
            """Here u is multiplied by the number of steps. Each step multiplies by u again: it is
            a power.

            After two steps the factor is u * u, not u + u.
            """,
            {"w * u**back": "w * u * back"},
        ),
        "all_inputs_together": Mistake(
            """This is the weight of the last back + 1 inputs together, a geometric sum.

            That would be the state if all of them were 1. Only x[t - back] is asked for.
            """,
            "return float(w * sum(u**k for k in range(back + 1)))",
            """
            h = 0
            for _ in range(back + 1):
                h = u * h + w
            return h
            """,
        ),
        "all_inputs_alike": Mistake(
            """Here every input counts the same, however old. That is so only for u = 1.

            Each step multiplies the whole state by u, and with it every input that is in it.
            """,
            {"w * u**back": "w"},
        ),
    },
)
