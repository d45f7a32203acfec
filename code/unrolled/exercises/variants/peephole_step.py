"""The exercise ``variants.peephole_step``."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np

from unrolled.core.validate import Array
from unrolled.exercises._drawing import numbers
from unrolled.exercises._gates import has_overflown, sigmoid, wrong_parts
from unrolled.exercises.grading import Exercise, Mistake

Arrays = tuple[Array, ...]
Pair = tuple[Array, Array]

_rng = np.random.default_rng(0)


def peephole_step(a: Array, c: Array, v: Array) -> Pair:
    """Take one step of an LSTM with peepholes; return the new (h, c), each (B, H).

    a has shape (B, 4H): what the gates see of x and h, W x + U h + b, in the order i,
    f, g, o. c has shape (B, H), the state before the step. v has shape (3H,): the
    peepholes of i, f and o, H each. A gate sees the state of its own cell through its
    peephole: i and f see c as it was before the step, and o sees c as it is after it.
    The candidate, and c where it is shown, go through tanh, as in torch.
    """

    def sigmoid(a: Array) -> Array:
        return 1 / (1 + np.exp(-a))

    a_i, a_f, a_g, a_o = np.split(a, 4, axis=1)
    v_i, v_f, v_o = np.split(v, 3)
    i = sigmoid(a_i + v_i * c)
    f = sigmoid(a_f + v_f * c)
    c_new = f * c + i * np.tanh(a_g)
    o = sigmoid(a_o + v_o * c_new)
    return o * np.tanh(c_new), c_new


def _entry_by_entry(a: Array, c: Array, v: Array) -> Pair:
    B, H = c.shape
    h_new, c_new = np.zeros((B, H)), np.zeros((B, H))
    for n in range(B):
        for j in range(H):
            i = sigmoid(a[n, j] + v[j] * c[n, j])
            f = sigmoid(a[n, H + j] + v[H + j] * c[n, j])
            c_new[n, j] = f * c[n, j] + i * np.tanh(a[n, 2 * H + j])
            o = sigmoid(a[n, 3 * H + j] + v[2 * H + j] * c_new[n, j])
            h_new[n, j] = o * np.tanh(c_new[n, j])
    return h_new, c_new


def _einsum(a: Array, c: Array, v: Array) -> Pair:
    parts, peepholes = a.reshape(len(a), 4, -1), v.reshape(3, -1)
    gates = sigmoid(parts[:, :2] + np.einsum("gh,bh->bgh", peepholes[:2], c))
    after = gates[:, 1] * c + gates[:, 0] * np.tanh(parts[:, 2])
    return sigmoid(parts[:, 3] + np.einsum("h,bh->bh", peepholes[2], after)) * np.tanh(after), after


def _torch(a: Array, c: Array, v: Array) -> Any:
    import torch

    cell = torch.from_numpy(c)
    i, f, g, o = torch.from_numpy(a).chunk(4, 1)
    v_i, v_f, v_o = torch.from_numpy(v).chunk(3)
    cell = torch.sigmoid(torch.addcmul(f, v_f, cell)) * cell + torch.sigmoid(
        torch.addcmul(i, v_i, cell)
    ) * torch.tanh(g)
    return torch.sigmoid(torch.addcmul(o, v_o, cell)) * cell.tanh(), cell


def _does_not_overflow(result: Pair, *args: Array) -> bool:
    """Likely: exp(a) is inf here, which it is from a = 710 on, and inf / inf is nan.

    In 1 / (1 + exp(-a)) nothing but 1 is divided by inf. For tanh there is np.tanh.
    """
    return not has_overflown(result)


def _not_only_c_is_wrong(result: Pair, *args: Array) -> bool:
    """`h` is right, and `c` is not. Return the state that `h` shows, f * c + i * tanh(a_g).

    Likely: it is squashed or cut off, or it is the old one.
    """
    return wrong_parts(result, peephole_step(*args)) != (False, True)


def _not_only_h_is_wrong(result: Pair, *args: Array) -> bool:
    """`c` is right, and `h` is not. It is o * tanh(c), and o sees the new c."""
    return wrong_parts(result, peephole_step(*args)) != (True, False)


def _c_is_right(result: Pair, *args: Array) -> bool:
    """Look at `c` first, which is not right: `h` is made from it.

    c_new = f * c + i * tanh(a_g). To begin with, leave the peepholes aside: is it right at v = 0?
    """
    return not wrong_parts(result, peephole_step(*args))[1]


def _case(B: int, H: int, scale: float = 1.0) -> Arrays:
    a, c, v = numbers(_rng, B, 4 * H), 2 * numbers(_rng, B, H), numbers(_rng, 3 * H)
    return scale * a, scale * c, scale * v


def _saturated() -> Arrays:
    """Open and shut the gates as far as exp(-a) in float64 goes: to -700."""
    gates = [[800, -700, 90, -60], [-700, 800, 90, 60], [0.5, 800, -90, 0], [800, -700, 800, -690]]
    return (
        np.array(gates, float).reshape(1, 16),
        np.array([[300.0, -150.0, 0.5, -40.0]]),
        np.array([0.1, -0.5, 1.2, 0.4, 0.2, 0.3, -0.7, 0.9, -0.4, -0.1, 0.6, -0.2]),
    )


EXERCISE = Exercise(
    peephole_step,
    cases=[
        (
            np.array([[0.5, -0.4, 1.2, 0.8, 0.9, -1.1, 0.3, -0.6]]),
            np.array([[1.5, -2.0]]),
            np.array([0.4, -0.7, 0.6, 0.5, -0.8, 0.9]),
        ),
        _case(3, 4),
        _case(3, 4),
        _case(2, 1),
        _case(2, 3),
        _case(32, 5),
        tuple(factor * each for factor, each in zip((1, 0, 1), _case(4, 3), strict=True)),
        (np.zeros((2, 8)), *_case(2, 2)[1:]),
        _saturated(),
        _case(3, 2, scale=1e-6),
    ],
    alternatives=[_entry_by_entry, _einsum, _torch],
    properties=[_does_not_overflow, _not_only_c_is_wrong, _not_only_h_is_wrong, _c_is_right],
    parts=("h", "c"),
    mistakes={
        "output_peeps_at_old": Mistake(
            """The output gate sees the old state. It should see the new one, c after the step.

            Its gate opens last, when c has been updated; only i and f see c as it was before.
            """,
            {"a_o + v_o * c_new": "a_o + v_o * c"},
        ),
        "no_peephole_of_output": Mistake(
            """The output gate has no peephole. It sees the new state through the last H entries of
            v.
            """,
            {"a_o + v_o * c_new": "a_o"},
        ),
        "output_peephole_late": Mistake(
            """The output gate is squashed first, and its peephole added afterwards: it leaves (0,
            1).

            A peephole is one more thing that the gate sees: sigmoid(a_o + v_o * c).
            """,
            {"sigmoid(a_o + v_o * c_new)": "sigmoid(a_o) + v_o * c_new"},
        ),
        "all_peepholes_late": Mistake(
            """The gates are squashed first, and the peepholes added afterwards: they leave (0, 1).

            A peephole is one more thing that the gate sees: sigmoid(a_i + v_i * c).
            """,
            {
                f"sigmoid(a_{gate} + v_{gate} * {seen})": f"sigmoid(a_{gate}) + v_{gate} * {seen}"
                for gate, seen in (("i", "c"), ("f", "c"), ("o", "c_new"))
            },
        ),
        "no_peepholes_at_all": Mistake(
            """There are no peepholes: v is not used. This is torch's LSTM.

            Each gate also sees its own cell's state, times its own weight: a_i + v_i * c.
            """,
            {"np.split(v, 3)": "np.split(0 * v, 3)"},
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
        "gates_by_turns": Mistake(
            """The gates take turns in your a. All H columns of i come first, then f's.""",
            {"np.split(a, 4, axis=1)": "a.reshape(len(a), -1, 4).transpose(2, 0, 1)"},
        ),
        "peepholes_multiply": Mistake(
            """The peephole multiplies what the gate sees. It is added: a_i + v_i * c.""",
            {"a_i + v_i": "a_i * v_i", "a_f + v_f": "a_f * v_f", "a_o + v_o": "a_o * v_o"},
        ),
        "peepholes_without_state": Mistake(
            """v is added as it is, like a bias. The peephole looks at the state: v_i * c, not v_i
            alone.
            """,
            {"v_i * c": "v_i", "v_f * c": "v_f", "v_o * c_new": "v_o"},
        ),
        "peeps_through_tanh": Mistake(
            """The gates see tanh(c). The point of a peephole is that it sees c itself, as it is.

            tanh(c) is what the cell shows; behind it, a state of 5 and one of 50 look the same.
            """,
            {
                "v_i * c": "v_i * np.tanh(c)",
                "v_f * c": "v_f * np.tanh(c)",
                "v_o * c_new": "v_o * np.tanh(c_new)",
            },
        ),
        "output_peeps_through_tanh": Mistake(
            """The output gate sees tanh(c). The point of a peephole is that it sees c itself, as
            it is.

            tanh(c) is what the cell shows; behind it, a state of 5 and one of 50 look the same.
            """,
            {"v_o * c_new": "v_o * np.tanh(c_new)"},
        ),
        "peeps_at_all_cells": Mistake(
            """Each gate sees the states of all cells: `c @ v_i` sums over them.

            It should see its own cell only: `v_i * c`, entry by entry.
            """,
            {
                "v_i * c": "(c @ v_i)[:, None]",
                "v_f * c": "(c @ v_f)[:, None]",
                "v_o * c_new": "(c_new @ v_o)[:, None]",
            },
        ),
        "sign_of_peepholes": Mistake(
            """The peepholes are subtracted. They are added: a_i + v_i * c.""",
            {"a_i + v_i": "a_i - v_i", "a_f + v_f": "a_f - v_f", "a_o + v_o": "a_o - v_o"},
        ),
        "candidate_peeps": Mistake(
            """The candidate sees the state as well. It has no peephole: v is for i, f and o.""",
            *({"np.tanh(a_g)": f"np.tanh(a_g + v_{gate} * c)"} for gate in "ifo"),
        ),
        "peepholes_of_ifg": Mistake(
            """The last peephole is the candidate's here. v is for i, f and o; the candidate has
            none.

            In a, the third part is g; in v, the third part is o's.
            """,
            {"np.tanh(a_g)": "np.tanh(a_g + v_o * c)", "a_o + v_o * c_new": "a_o"},
        ),
        **{
            f"order_{order}": Mistake(
                f"The parts of a are taken in the order {', '.join(order)}. It is i, f, g, o.",
                {"a_i, a_f, a_g, a_o": ", ".join(f"a_{gate}" for gate in order)},
            )
            for order in map("".join, list(permutations("ifgo"))[1:])
        },
        "coupled": Mistake(
            """f is not used for what is kept: c is multiplied by 1 - i, as in a cell whose gates
            are coupled.

            Here the two have gates of their own: f * c + i * g.
            """,
            {"= f * c": "= (1 - i) * c"},
        ),
        "g_not_squashed": Mistake(
            """The candidate is not squashed: g = tanh(a_g).""",
            {"np.tanh(a_g)": "a_g"},
        ),
        "g_logistic": Mistake(
            """The candidate goes through the logistic function. It should go through tanh.

            It is no gate, though it stands among them: it may be negative.
            """,
            {"np.tanh(a_g)": "sigmoid(a_g)"},
        ),
        "gates_not_squashed": Mistake(
            """The gates are not squashed. Each is the logistic function of what it sees, from 0 to
            1.
            """,
            {"return 1 / (1 + np.exp(-a))": "return a"},
        ),
        "output_not_squashed": Mistake(
            """The output gate is not squashed: o = sigmoid(a_o + v_o * c), from 0 to 1.""",
            {"sigmoid(a_o + v_o * c_new)": "a_o + v_o * c_new"},
        ),
        "state_squashed": Mistake(
            """`c` comes back squashed: it is tanh(f * c + i * g). h is right.

            Only what is shown goes through tanh; c is carried on as it is.
            """,
            {"np.tanh(c_new), c_new": "np.tanh(c_new), np.tanh(c_new)"},
        ),
        "state_squashed_twice": Mistake(
            """The state itself is squashed, tanh(f * c + i * g), and once more when it is shown.

            Only what is shown goes through tanh; c is carried on as it is, and o sees it as it
            is.
            """,
            {"= f * c + i * np.tanh(a_g)": "= np.tanh(f * c + i * np.tanh(a_g))"},
        ),
        "squashed_after_the_gate": Mistake(
            """The output gate comes before tanh: h is tanh(o * c). It should be o * tanh(c).""",
            {"o * np.tanh(c_new)": "np.tanh(o * c_new)"},
        ),
        "state_shown_raw": Mistake(
            """The tanh of the output is missing: h is o * c. It is o * tanh(c), as in torch.""",
            {"o * np.tanh(c_new)": "o * c_new"},
        ),
        "results_swapped": Mistake(
            """The results are the wrong way round: return h first, then c, as torch does.""",
            {"o * np.tanh(c_new), c_new": "c_new, o * np.tanh(c_new)"},
        ),
        "writes_into_cell": Mistake(
            """The new state is written into the caller's own c, and the old one is lost.

            `c = f * c + ...` makes a new array; `c *= f` and `c[:] = ...` do not.
            """,
            {"c_new = f * c + i * np.tanh(a_g)": "c_new = c; c *= f; c += i * np.tanh(a_g)"},
        ),
    },
)
