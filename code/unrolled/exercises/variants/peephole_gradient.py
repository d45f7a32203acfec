"""The exercise ``variants.peephole_gradient``."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np

from unrolled.core.validate import Array
from unrolled.exercises._drawing import numbers
from unrolled.exercises._gates import has_overflown
from unrolled.exercises.grading import Exercise, Mistake

Arrays = tuple[Array, ...]

_rng = np.random.default_rng(0)


def peephole_gradient(
    d_h: Array, d_c: Array, i: Array, f: Array, g: Array, o: Array, c_old: Array, c: Array, v: Array
) -> Array:
    """Take a gradient back through one step: return d_c_old, (B, H).

    d_h and d_c arrive at the new h and c. All but v are (B, H).
    """
    v_i, v_f, v_o = np.split(v, 3)
    d_a_o = d_h * np.tanh(c) * o * (1 - o)
    d_c = d_c + d_h * o * (1 - np.tanh(c) ** 2) + v_o * d_a_o
    d_a_i = d_c * g * i * (1 - i)
    d_a_f = d_c * c_old * f * (1 - f)
    return d_c * f + v_i * d_a_i + v_f * d_a_f


def _entry_by_entry(
    d_h: Array, d_c: Array, i: Array, f: Array, g: Array, o: Array, c_old: Array, c: Array, v: Array
) -> Array:
    B, H = c.shape
    found = np.zeros((B, H))
    for n in range(B):
        for j in range(H):
            shown, at = np.tanh(c[n, j]), (n, j)
            slope_o = v[2 * H + j] * o[at] * (1 - o[at])
            total = d_c[at] + d_h[at] * (o[at] * (1 - shown**2) + shown * slope_o)
            keeps = f[at] + c_old[at] * v[H + j] * f[at] * (1 - f[at])
            found[at] = total * (keeps + g[at] * v[j] * i[at] * (1 - i[at]))
    return found


def _einsum(
    d_h: Array, d_c: Array, i: Array, f: Array, g: Array, o: Array, c_old: Array, c: Array, v: Array
) -> Array:
    gates, peepholes = np.stack([i, f, o]), v.reshape(3, -1)
    slopes = np.einsum("gh,gbh->gbh", peepholes, gates * (1 - gates))
    shown = np.tanh(c)
    total = d_c + np.einsum("bh,bh->bh", d_h, o * (1 - shown * shown) + shown * slopes[2])
    return np.asarray(np.einsum("bh,bh->bh", total, f + g * slopes[0] + c_old * slopes[1]))


def _torch(*args: Array) -> Any:
    import torch

    d_h, d_c, i, f, g, o, c_old, _, v = map(torch.from_numpy, args)
    v_i, v_f, v_o = v.chunk(3)
    state = c_old.detach().clone().requires_grad_()
    moved = state - c_old  # 0, with the old state's gradient
    gates = [gate + v_k * moved * gate * (1 - gate) for gate, v_k in ((i, v_i), (f, v_f))]
    c = gates[1] * state + gates[0] * g
    shown = (o + v_o * (c - c.detach()) * o * (1 - o)) * torch.tanh(c)
    torch.autograd.backward([shown, c], [d_h, d_c])
    return state.grad


def _is_finite(result: Array, *args: Array) -> bool:
    """There is a NaN, or an infinity. Nothing has to be divided here."""
    return not has_overflown([result])


def _lstm_at_no_peepholes(result: Array, *args: Array) -> bool:
    """Without peepholes, at v = 0, this is the last chapter's LSTM, and it is not right.

    Two ways lead to the new c there: d_c, and d_h through o * tanh(c). Then f leads to the old one.
    """
    plain = (*args[:-1], 0 * args[-1])
    return bool(args[-1].any()) or bool(np.allclose(result, peephole_gradient(*plain)))


def _case(B: int, H: int, scale: float = 1.0) -> Arrays:
    d_h, d_c, a_i, a_f, a_g, a_o, c_old = (numbers(_rng, B, H) for _ in range(7))
    i, f, o = (1 / (1 + np.exp(-a)) for a in (a_i, a_f, a_o))
    g, c_old = np.tanh(a_g), 2 * c_old
    v = scale * numbers(_rng, 3 * H)
    return d_h, d_c, i, f, g, o, c_old, f * c_old + i * g, v


def _readable(v: float = 1.0) -> Arrays:
    i, f, g, o = ([0.25, 0.5], [0.5, 0.75], [0.5, -0.5], [0.75, 0.25])
    c_old = [1.5, -2.0]
    c = [0.875, -1.75]  # f * c_old + i * g
    rows = [[0.5, -1.0], [1.0, 0.5], i, f, g, o, c_old, c]
    return *(np.array([row]) for row in rows), v * np.array([0.4, -0.7, 0.6, 0.5, -0.8, 0.9])


def _without_peepholes() -> Arrays:
    *rest, v = _case(2, 3)
    return *rest, 0 * v


def _silent(d_h: float = 1.0, d_c: float = 1.0) -> Arrays:
    by_h, by_c, *rest = _case(2, 3)
    return d_h * by_h, d_c * by_c, *rest


def _shut() -> Arrays:
    """Have every gate shut or open as far as it goes."""
    d_h, d_c, i, f, g, o, c_old, _, v = _case(2, 4)
    i, f, o = (np.round(gate) for gate in (i, f, o))
    return d_h, d_c, i, f, g, o, c_old, f * c_old + i * g, v


EXERCISE = Exercise(
    peephole_gradient,
    cases=[
        _readable(v=0.0),
        _readable(),
        _without_peepholes(),
        _case(3, 4),
        _case(3, 4),
        _case(2, 1),
        _case(2, 3),
        _case(3, 3),
        _silent(d_h=0.0),
        _silent(d_c=0.0),
        _case(32, 5),
        _shut(),
        _case(3, 2, scale=1e-6),
        _case(3, 2, scale=1e6),
    ],
    alternatives=[_entry_by_entry, _einsum, _torch],
    properties=[_is_finite, _lstm_at_no_peepholes],
    mistakes={
        "no_peephole_of_output": Mistake(
            """What goes back through the output gate's peephole is missing. o sees the new c.

            The old c hears of it only by way of the new.
            """,
            {" + v_o * d_a_o": ""},
        ),
        "no_peephole_of_input": Mistake(
            """What goes back through the input gate's peephole is missing: i saw the old c.""",
            {" + v_i * d_a_i": ""},
        ),
        "no_peephole_of_forget": Mistake(
            """What goes back through the forget gate's peephole is missing: f saw the old c.""",
            {" + v_f * d_a_f": ""},
        ),
        "no_peepholes_at_all": Mistake(
            """This is the gradient of an LSTM without peepholes: v is not used.""",
            {"np.split(v, 3)": "np.split(0 * v, 3)"},
        ),
        "output_peephole_at_old": Mistake(
            """What comes through the output gate's peephole goes to the old state here.

            o saw the new c. From there it goes on as the rest does.
            """,
            {" + v_o * d_a_o": "", "d_c * f + v_i": "d_c * f + v_o * d_a_o + v_i"},
        ),
        "output_peephole_not_shared": Mistake(
            """The input and the forget gate do not hear of what came through o's peephole.

            One of the ways has to be finished before the others begin.
            """,
            {
                " + v_o * d_a_o": "",
                "return d_c * f": "return (d_c + v_o * d_a_o) * f",
            },
        ),
        "output_peephole_at_both": Mistake(
            """What comes through the output gate's peephole reaches the new state, and the old one
            once more by itself. o saw the new one only.
            """,
            {"return d_c * f": "return v_o * d_a_o + d_c * f"},
            {"return d_c * f": "return v_o * d_a_o * f + d_c * f"},
        ),
        "output_gate_shows_all": Mistake(
            """The output gate's gradient lacks what it multiplies: h is o times tanh(c).""",
            {"d_h * np.tanh(c) * o": "d_h * o"},
            {"d_h * np.tanh(c) * o": "d_h * np.tanh(c_old) * o"},
        ),
        "d_c_through_the_output": Mistake(
            """d_c goes through the output gate and tanh, as d_h does. It speaks of c already.""",
            {"d_c + d_h * o": "(d_c + d_h) * o"},
        ),
        "peepholes_subtracted": Mistake(
            """What comes back through the peepholes of i and f has the wrong sign.""",
            {"+ v_i * d_a_i + v_f": "- v_i * d_a_i - v_f"},
        ),
        "nothing_through_h": Mistake(
            """d_h reaches c through o alone. It also comes through tanh(c), which o multiplies.""",
            {" + d_h * o * (1 - np.tanh(c) ** 2)": ""},
        ),
        "nothing_from_the_next_step": Mistake(
            """d_c, what came back along the state, is left out. It is added to what came by h.""",
            {"d_c = d_c + d_h": "d_c = d_h"},
        ),
        "tanh_of_the_output_missing": Mistake(
            """h is taken for o * c. It is o * tanh(c), and both o and c hear of it through that.
            """,
            {"(1 - np.tanh(c) ** 2)": "1", "d_h * np.tanh(c)": "d_h * c"},
        ),
        "slope_of_tanh_at_c": Mistake(
            """The slope of tanh is taken as 1 - c^2. But c is what goes into tanh, not what comes
            out.
            """,
            {"(1 - np.tanh(c) ** 2)": "(1 - c ** 2)"},
        ),
        "output_gate_missing": Mistake(
            """d_h comes to c through tanh without the gate. It is multiplied by o.""",
            {"d_h * o * (1 - np.tanh": "d_h * (1 - np.tanh"},
        ),
        "gates_not_squashed": Mistake(
            """The slopes of the gates are missing: each is the logistic function of what it sees.
            """,
            {" * o * (1 - o)": "", " * i * (1 - i)": "", " * f * (1 - f)": ""},
        ),
        "slopes_of_tanh": Mistake(
            """The gates have the slope of tanh, 1 - i^2. They are logistic, and have another.""",
            {
                " * o * (1 - o)": " * (1 - o**2)",
                " * i * (1 - i)": " * (1 - i**2)",
                " * f * (1 - f)": " * (1 - f**2)",
            },
        ),
        "old_and_new": Mistake(
            """The forget gate's gradient has the new c in it. f multiplies the old one.""",
            {"d_c * c_old * f": "d_c * c * f"},
        ),
        "not_through_forget": Mistake(
            """The state's own way back is missing its gate.""",
            {"d_c * f + v_i": "d_c + v_i"},
        ),
        "only_through_gates": Mistake(
            """The state's own way back is missing: c_old was kept, by f.""",
            {"d_c * f + v_i": "v_i"},
        ),
        "candidate_of_input": Mistake(
            """The input gate's gradient lacks the candidate: i multiplies g.""",
            {"d_c * g * i": "d_c * i"},
        ),
        "peepholes_without_slope_of_state": Mistake(
            """What comes back through a peephole has no weight: v is missing.

            A gate saw v * c, and not c.
            """,
            {"v_o * d_a_o": "d_a_o", "v_i * d_a_i": "d_a_i", "v_f * d_a_f": "d_a_f"},
        ),
        **{
            f"peepholes_{order}": Mistake(
                f"""The peepholes are read in the order {", ".join(order)}. In v they stand as the
                gates do: i, f, o.
                """,
                {"v_i, v_f, v_o": ", ".join(f"v_{gate}" for gate in order)},
            )
            for order in map("".join, list(permutations("ifo"))[1:])
        },
        "peepholes_by_turns": Mistake(
            """The gates take turns in your v. All H peepholes of i come first, then f's.""",
            {"np.split(v, 3)": "v.reshape(-1, 3).T"},
        ),
        "writes_into_gradient": Mistake(
            """The sum is written into the caller's own d_c.

            `+=` on an array changes the array itself.
            """,
            {"d_c = d_c + d_h": "d_c += d_h"},
        ),
    },
)
