"""The exercise ``lstm.step_backward``."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import Any

import numpy as np

from unrolled.core.validate import Array
from unrolled.exercises._drawing import numbers
from unrolled.exercises.grading import Exercise, Mistake

Pair = tuple[Array, Array]

_rng = np.random.default_rng(0)


def step_backward(
    dh: Array, dc: Array, c_prev: Array, c: Array, i: Array, g: Array, o: Array
) -> Pair:
    """Go back through one step of a coupled LSTM; return (da, dc_prev).

    All arguments have shape (B, H): dh and dc, what the loss says of h, and
    of c other than through h; the states before and after the step; the
    gates' values. da has shape (B, 3H): what the loss says of a_i, a_g and
    a_o, side by side.
    """
    shown = np.tanh(c)
    dc = dc + dh * o * (1 - shown**2)
    da_i = dc * (g - c_prev) * i * (1 - i)
    da_g = dc * i * (1 - g**2)
    da_o = dh * shown * o * (1 - o)
    return np.concatenate([da_i, da_g, da_o], axis=1), dc * (1 - i)


def _back_entry_by_entry(
    dh: Array, dc: Array, c_prev: Array, c: Array, i: Array, g: Array, o: Array
) -> Pair:
    B, H = c.shape
    da, dc_prev = np.zeros((B, 3 * H)), np.zeros((B, H))
    for n in range(B):
        for j in range(H):
            at = n, j
            s = np.tanh(c[at])
            total = dc[at] + dh[at] * o[at] * (1 + s) * (1 - s)
            written, forgotten = total * g[at], total * c_prev[at]
            da[n, j] = (written - forgotten) * (i[at] - i[at] ** 2)
            da[n, H + j] = total * i[at] * (1 - g[at] ** 2)
            da[n, 2 * H + j] = dh[at] * s * o[at] * (1 - o[at])
            dc_prev[at] = total - total * i[at]
    return da, dc_prev


def _back_stacked(
    dh: Array, dc: Array, c_prev: Array, c: Array, i: Array, g: Array, o: Array
) -> Pair:
    s = np.tanh(c)
    total = np.einsum("bh,bh,bh->bh", dh, o, 1 - s * s) + dc
    by_value = np.stack([total * (g - c_prev), total * i, dh * s])
    slope = np.stack([i - i * i, 1 - g * g, o - o * o])
    return np.hstack([*(by_value * slope)]), total * (1 - i)


def _back_torch(dh: Array, dc: Array, c_prev: Array, c: Array, i: Array, g: Array, o: Array) -> Any:
    import torch

    values = map(torch.from_numpy, (i, g, o))
    seen = [(v.atanh() if k == 1 else v.logit()).requires_grad_() for k, v in enumerate(values)]
    before = torch.from_numpy(c_prev).requires_grad_()
    gate = seen[0].sigmoid()
    after = (1 - gate) * before + gate * seen[1].tanh()
    h = seen[2].sigmoid() * after.tanh()
    outside = [torch.from_numpy(each).to(h.dtype) for each in (dh, dc)]
    *da, dc_prev = torch.autograd.grad([h, after], [*seen, before], outside)
    return torch.cat(da, 1), dc_prev


def _dc_prev_is_right(result: Pair, *args: Array) -> bool:
    """Begin with all that the loss says of c: dc, and what dh brings to it through h.

    Everything but the output gate's part is made from that, and `dc_prev` is not right.
    """
    return np.allclose(result[1], step_backward(*args)[1], rtol=1e-4)


def _part_is_right(gate: int, result: Pair, args: Sequence[Array]) -> bool:
    part, right = (np.split(da, 3, axis=1)[gate] for da in (result[0], step_backward(*args)[0]))
    return np.allclose(part, right, rtol=1e-4)


def _part_of_i_is_right(result: Pair, *args: Array) -> bool:
    """`dc_prev` is right. The part of the input gate, columns 0 to H of `da`, is not.

    The gate stands in c twice, i * g and (1 - i) * c_prev, and i = sigmoid(a_i).
    """
    return _part_is_right(0, result, args)


def _part_of_g_is_right(result: Pair, *args: Array) -> bool:
    """`dc_prev` is right. The part of the candidate, columns H to 2H of `da`, is not.

    c = ... + i * g, and g = tanh(a_g): there are three factors.
    """
    return _part_is_right(1, result, args)


def _part_of_o_is_right(result: Pair, *args: Array) -> bool:
    """Only the part of the output gate, columns 2H to 3H of `da`, is wrong.

    h = o * tanh(c), and o = sigmoid(a_o): there are three factors.
    """
    return _part_is_right(2, result, args)


def _back_case(B: int, H: int, *, errors: float = 1.0, before: float = 1.0) -> tuple[Array, ...]:
    dh, dc = errors * numbers(_rng, B, H), errors * numbers(_rng, B, H)
    c_prev = before * numbers(_rng, B, H)
    i, o = (np.round(_rng.uniform(0.1, 0.9, size=(B, H)), 1) for _ in range(2))
    g = np.round(_rng.uniform(-0.9, 0.9, size=(B, H)), 1)
    return dh, dc, c_prev, (1 - i) * c_prev + i * g, i, g, o


def _silent(dh: float = 1.0, dc: float = 1.0) -> tuple[Array, ...]:
    by_h, by_c, *rest = _back_case(2, 3)
    return dh * by_h, dc * by_c, *rest


def _shut_or_open(B: int, H: int) -> tuple[Array, ...]:
    """Gates that have been rounded to 0 or to 1, and candidates to -1 or to 1, among others."""
    dh, dc, c_prev = (numbers(_rng, B, H) for _ in range(3))
    i, o = (_rng.permutation(np.resize([0.0, 0.5, 1.0], B * H)).reshape(B, H) for _ in range(2))
    g = _rng.permutation(np.resize([-1.0, 0.5, 1.0], B * H)).reshape(B, H)
    return dh, dc, c_prev, (1 - i) * c_prev + i * g, i, g, o


_JOINED = "np.concatenate([da_i, da_g, da_o], axis=1)"

EXERCISE = Exercise(
    step_backward,
    cases=[
        _back_case(2, 2),
        _back_case(3, 4),
        _back_case(3, 4),
        _back_case(1, 3),
        _back_case(4, 1),
        _back_case(33, 2),
        _back_case(3, 2, errors=1e5),
        _back_case(2, 4, errors=1e-6),
        _back_case(2, 3, before=0.0),
        _back_case(3, 3),
        _silent(dh=0.0),
        _silent(dc=0.0),
        _shut_or_open(4, 3),
    ],
    alternatives=[_back_entry_by_entry, _back_stacked, _back_torch],
    properties=[
        _dc_prev_is_right,
        _part_of_i_is_right,
        _part_of_g_is_right,
        _part_of_o_is_right,
    ],
    parts=("da", "dc_prev"),
    mistakes={
        "tanh_slope_missing": Mistake(
            """From h to c the slope of tanh is missing. h is o * tanh(c).""",
            {" * (1 - shown**2)": ""},
        ),
        "slope_without_tanh": Mistake(
            """The slope of tanh is taken as 1 - c**2. That form works in a tanh network because h
            is a tanh already. c is not.
            """,
            {"1 - shown**2": "1 - c**2"},
        ),
        "slope_without_square": Mistake(
            """The slope of tanh is taken as 1 - tanh(c). A square is missing.""",
            {"1 - shown**2": "1 - shown"},
        ),
        "slope_at_the_old_state": Mistake(
            """The slope of tanh is taken at the old state. The step shows the new one, c.""",
            {"1 - shown**2": "1 - np.tanh(c_prev) ** 2"},
        ),
        "output_gate_not_on_the_way": Mistake(
            """From h to c the output gate is missing. h is o * tanh(c).""",
            {"dh * o * (": "dh * ("},
        ),
        "dc_not_taken_in": Mistake(
            """The derivative dc is left out: what later steps say of c does not get in.

            c acts on the loss in two ways, through h and through the c of the next step.
            """,
            {"dc = dc + dh": "dc = dh"},
        ),
        "dh_not_taken_in": Mistake(
            """What the loss says of h does not get to c: dc alone goes on to i, g and c_prev.

            c acts on the loss in two ways, through h and through the c of the next step.
            """,
            {"dc = dc + dh * o * (1 - shown**2)": "pass"},
        ),
        "dc_through_the_output_gate": Mistake(
            """dc goes through the output gate and tanh, as dh does. It speaks of c already.

            Only what is said of h has that way to go.
            """,
            {"dc + dh * o": "(dc + dh) * o"},
        ),
        "output_gate_saw_c": Mistake(
            """In the part of the output gate stands c. What does o multiply?""",
            {"dh * shown * o": "dh * c * o"},
        ),
        "output_gate_saw_old_c": Mistake(
            """In the part of the output gate stands the old state. The gate shows the new one.""",
            {"dh * shown * o": "dh * np.tanh(c_prev) * o"},
        ),
        "output_gate_from_dc": Mistake(
            """The part of the output gate is made from dc. The output gate acts on h alone.""",
            {"dh * shown * o": "dc * shown * o"},
        ),
        "gate_only_writes": Mistake(
            """In the part of the input gate only what it writes is counted: i * g.

            It also says what is kept, (1 - i) * c_prev.
            """,
            {"(g - c_prev)": "g"},
        ),
        "gate_only_forgets": Mistake(
            """In the part of the input gate only what it forgets is counted: (1 - i) * c_prev.

            It also says what is written, i * g.
            """,
            {"(g - c_prev)": "-c_prev"},
            {"(g - c_prev)": "c_prev"},
        ),
        "ways_added": Mistake(
            """The two ways of the input gate are added as if both opened. Where i opens, 1 - i
            shuts.
            """,
            {"(g - c_prev)": "(g + c_prev)"},
        ),
        "ways_turned_round": Mistake(
            """The part of the input gate has the wrong sign: i writes g, and takes c_prev away.""",
            {"(g - c_prev)": "(c_prev - g)"},
        ),
        "gate_with_new_state": Mistake(
            """In the part of the input gate the new state stands where the old one belongs.

            In (1 - i) * c_prev the factor of the gate is c_prev.
            """,
            {"(g - c_prev)": "(g - c)"},
        ),
        "no_slopes_of_gates": Mistake(
            """These are the derivatives by the gates' values. One step is missing, to what they
            saw.

            Go back through the squashing, too.
            """,
            {" * i * (1 - i)": "", " * (1 - g**2)": "", " * o * (1 - o)": ""},
        ),
        "candidate_slope_missing": Mistake(
            """In the part of the candidate the slope of its tanh is missing.""",
            {" * (1 - g**2)": ""},
        ),
        "candidate_slope_logistic": Mistake(
            """The candidate has a gate's slope, g * (1 - g). It went through tanh.""",
            {"(1 - g**2)": "g * (1 - g)"},
        ),
        "gates_slopes_of_tanh": Mistake(
            """The gates have the slope of tanh, 1 - i**2. The candidate alone went through tanh.
            """,
            {f"{gate} * (1 - {gate})": f"(1 - {gate}**2)" for gate in "io"},
        ),
        "slopes_of_squashed_gates": Mistake(
            """The gates are squashed once more for their slopes. i holds the gate's value already.
            """,
            {
                "shown = np.tanh(c)": (
                    "shown, sigmoid = np.tanh(c), lambda a: 1 / (1 + np.exp(-a))"
                ),
                "* i * (1 - i)": "* sigmoid(i) * (1 - sigmoid(i))",
                "1 - g**2": "1 - np.tanh(g) ** 2",
                "* o * (1 - o)": "* sigmoid(o) * (1 - sigmoid(o))",
            },
        ),
        "not_through_the_gate": Mistake(
            """`dc_prev` has not gone through the gate: how much of c_prev was kept?""",
            {"axis=1), dc * (1 - i)": "axis=1), dc"},
        ),
        "through_the_wrong_gate": Mistake(
            """`dc_prev` has gone through i. That is the share that is replaced.""",
            {"axis=1), dc * (1 - i)": "axis=1), dc * i"},
        ),
        "only_dc_carried_on": Mistake(
            """`dc_prev` is made from dc alone; what came to c through h is left behind.

            Carry on all that the loss says of c.
            """,
            """
            da, _ = solution(dh, dc, c_prev, c, i, g, o)
            return da, dc * (1 - i)
            """,
        ),
        **{
            f"parts_{order}": Mistake(
                f"The parts stand in the order {', '.join(order)}. It should be i, g, o.\n\n"
                "The rows of U stand like that, and `da @ U` goes on from here.",
                {"da_i, da_g, da_o": ", ".join(f"da_{gate}" for gate in order)},
            )
            for order in map("".join, permutations("igo"))
            if order != "igo"
        },
        "parts_by_turns": Mistake(
            """The gates take turns in the columns of `da`. The H columns of a gate belong
            together.

            First come all H of i, then all of g, then all of o.
            """,
            {_JOINED: "np.stack([da_i, da_g, da_o], axis=2).reshape(len(c), -1)"},
        ),
        "parts_reshaped": Mistake(
            """Sequences and gates are mixed up: each row of `da` holds parts of several sequences.

            `reshape` does not turn axes round.
            """,
            {_JOINED: "np.stack([da_i, da_g, da_o]).reshape(len(c), -1)"},
            {_JOINED: "np.concatenate([da_i, da_g, da_o]).reshape(len(c), -1)"},
        ),
        "parts_below_one_another": Mistake(
            """The three parts stand below one another. They belong side by side: each row of `da`
            holds all three parts of one sequence.
            """,
            {", axis=1": ""},
        ),
        "parts_stacked": Mistake(
            """The three parts are stacked along an axis of their own. They belong side by side, (B,
            3H).
            """,
            {_JOINED: "np.stack([da_i, da_g, da_o])"},
        ),
        "parts_stacked_in_rows": Mistake(
            """The three parts are stacked along an axis of their own. They belong side by side, (B,
            3H).
            """,
            {_JOINED: "np.stack([da_i, da_g, da_o], axis=1)"},
        ),
        "derivatives_swapped": Mistake(
            """The results are the wrong way round: return da, (B, 3H), then dc_prev, (B, H).""",
            {f"{_JOINED}, dc * (1 - i)": f"dc * (1 - i), {_JOINED}"},
        ),
        "writes_into_dc": Mistake(
            """What comes through h is added into the caller's own dc, which is spoilt by it.

            `+=` on an array changes the array itself.
            """,
            {"dc = dc + dh": "dc += dh"},
        ),
    },
)
