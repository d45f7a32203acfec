"""The exercise ``rnn.memory``."""

from __future__ import annotations

from typing import Any

import numpy as np

from unrolled.exercises.grading import Exercise, Mistake


def memory(u: float, w: float, v: float, back: int) -> float:
    """Return the weight of x[t - back] in g[t], the second of two units.

    The first is h[t] = u * h[t - 1] + w * x[t], the second
    g[t] = u * g[t - 1] + v * h[t - 1], with h[0] and g[0] zero. u, w and v
    are numbers, back is a whole number, at least 0 and less than t.
    """
    return v * w * back * u ** max(back - 1, 0)


def _memory_impulse(u: float, w: float, v: float, back: int) -> float:
    h, g = w, 0.0
    for _ in range(back):
        h, g = u * h, u * g + v * h
    return g


def _memory_matrix(u: float, w: float, v: float, back: int) -> Any:
    U = np.array([[u, 0], [v, u]], dtype=float)
    return w * np.linalg.matrix_power(U, back)[1, 0]


def _memory_counted(u: float, w: float, v: float, back: int) -> float:
    ways = [u**before * v * u ** (back - 1 - before) for before in range(back)]
    return w * sum(ways)


def _memory_torch(u: float, w: float, v: float, back: int) -> Any:
    import torch

    x = torch.zeros(back + 1, dtype=torch.float64, requires_grad=True)
    h = g = torch.zeros(())
    for each in x.unbind():
        h, g = u * h + w * each, u * g + v * h
    (0 * x.sum() + g).backward()  # type: ignore[no-untyped-call]
    return x.grad[0] if x.grad is not None else None


_WEIGHT = "v * w * back * u ** max(back - 1, 0)"

EXERCISE = Exercise(
    memory,
    cases=[
        (0.5, 3.0, 4.0, 2),
        (0.5, 3.0, 4.0, 0),
        (0.5, 3.0, 4.0, 1),
        (-0.9, 0.4, 0.7, 3),
        (-0.9, 0.4, 0.7, 2),
        (0.7, 1.37e-7, 0.93, 5),
        (0.6, 2.0, 0.0, 3),
        (1.1, -2.0, 0.3, 5),
        (0.3, 0.7, -1.3, 4),
        (0.0, 2.0, 3.0, 0),
        (0.0, 2.0, 3.0, 1),
        (0.0, 2.0, 3.0, 4),
        (1.0, 0.0, 5.0, 4),
        (1.0, 0.5, 0.2, 50),
        (-1.0, 1e-6, 3.0, 35),
        (0.98, 1e6, 0.1, 400),
        (30.0, 2.0, 7.0, 4),
    ],
    alternatives=[_memory_impulse, _memory_matrix, _memory_counted, _memory_torch],
    equivalent={
        f"return {_WEIGHT} -> return {_WEIGHT.replace('back - 1, 0', '0, back - 1')}": (
            "the larger of two numbers, whichever comes first"
        ),
    },
    mistakes={
        "first_unit": Mistake(
            """This is the weight in h[t], the first unit. Asked for is the second, which hears of x
            only through the first.
            """,
            {_WEIGHT: "w * u**back"},
        ),
        "first_unit_times_v": Mistake(
            """This is the weight in h[t], times v. But g[t] does not read h[t], and it keeps what
            it has read before: the input may have passed on to it at any step since.
            """,
            {_WEIGHT: "v * w * u**back"},
        ),
        "one_way_only": Mistake(
            """This counts one way, as if the input passed to the second unit at one step only, or
            as if that unit kept nothing. It may pass at any step, and all these ways add up.

            Write g[3] out, and look at x[1].
            """,
            {_WEIGHT: "v * w * u ** (back - 1) if back else 0.0"},
            {_WEIGHT: "v * w * u ** max(back - 1, 0)"},
            "return v * w * u ** (back - 1) if back > 0 else 0",
        ),
        "one_factor_too_many": Mistake(
            """There is a factor u too many. At one of the steps it is v that multiplies, in its
            place.
            """,
            {_WEIGHT: "v * w * back * u**back"},
        ),
        "one_factor_short": Mistake(
            """There is a factor u too few. One step multiplies by v; all others multiply by u.""",
            {_WEIGHT: "v * w * back * u ** max(back - 2, 0)"},
        ),
        "reads_the_same_step": Mistake(
            """Here g[t] reads h[t]. It reads h[t - 1], so it takes a step more for x[t] to get
            there: try back = 0.
            """,
            {_WEIGHT: "v * w * (back + 1) * u**back"},
            """
            h, g = w, v * w
            for _ in range(back):
                h = u * h
                g = u * g + v * h
            return g
            """,
            """
            h, g = w, 0
            for _ in range(back + 1):
                g, h = u * g + v * h, u * h
            return g
            """,
        ),
        "one_step_short": Mistake(
            """This is the weight of the input that came one step later, x[t - back + 1].""",
            {_WEIGHT: "float(v * w * (back - 1) * u ** max(back - 2, 0)) if back else 0.0"},
            """
            h, g = w, 0.0
            for _ in range(1, back):
                h, g = u * h, u * g + v * h
            return g
            """,
        ),
        "one_way_too_many": Mistake(
            """The ways are not counted right: this has one more than there are.

            Count on your fingers, for back = 1 and back = 2: at which steps can the input pass
            from the first unit to the second?
            """,
            {_WEIGHT: "v * w * (back + 1) * u ** max(back - 1, 0) if back else 0.0"},
            {_WEIGHT: "v * w * (back + 1) * u ** max(back - 1, 0)"},
        ),
        "v_at_every_step": Mistake(
            """Here v multiplies at every step. An input meets v once, when it passes from the first
            unit to the second.
            """,
            {_WEIGHT: "float(w * (u + v) ** back - w * u**back)"},
            {_WEIGHT: "w * v**back"},
        ),
        "power_divided": Mistake(
            """This divides by u, or takes u to the power -1, and neither can be done where u is 0.

            With u = 0 the units keep nothing. At back = 1 the weight is not 0 all the same.
            """,
            {_WEIGHT: "v * w * back * u**back / u"},
            {_WEIGHT: "v * w * back * u ** (back - 1)"},
        ),
        "input_weight_forgotten": Mistake(
            """The weight w is missing: an input times w is what enters the first unit.""",
            {_WEIGHT: "v * back * u ** max(back - 1, 0)"},
        ),
        "v_forgotten": Mistake(
            """The weight v is missing: the second unit reads v times the first.""",
            {_WEIGHT: "w * back * u ** max(back - 1, 0)"},
        ),
        "grows_along_a_line": Mistake(
            """Here u is multiplied by the number of steps. Each step multiplies by u again: it is a
            power.
            """,
            {_WEIGHT: "v * w * back * u * max(back - 1, 0)"},
        ),
        "sign_lost": Mistake(
            """The sign of u is lost: with a negative u the weight changes its sign from step to
            step.
            """,
            {_WEIGHT: "v * w * back * abs(u) ** max(back - 1, 0)"},
        ),
        "zero_kept_out": Mistake(
            """Where u is 0 this is 0. The units keep nothing then, but at back = 1 the input has
            just passed to the second.
            """,
            {_WEIGHT: "v * w * back * u ** max(back - 1, 0) if u else 0.0"},
        ),
        "not_times_the_ways": Mistake(
            """Powers of u are added up, one for each step. Each way meets u equally often, and
            takes its share of the same power.
            """,
            {_WEIGHT: "float(v * w * sum(u**k for k in range(back)))"},
        ),
        "weights_multiplied": Mistake(
            """Two powers of u are multiplied, one for each unit, as if each step went through
            both. A step goes through one of them.
            """,
            {_WEIGHT: "v * w * float(u**back) * u**back"},
            {_WEIGHT: "v * w * back * u ** (2 * max(back - 1, 0))"},
        ),
        "all_inputs_together": Mistake(
            """This is the weight of the last back + 1 inputs together: the state of the second unit
            if all of them were 1. Only x[t - back] is asked for.
            """,
            """
            h = g = 0.0
            for _ in range(back + 1):
                h, g = u * h + w, u * g + v * h
            return g
            """,
        ),
    },
)
