"""The exercise ``variants.peephole_step``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import permutations
from typing import Any

import numpy as np

from unrolled._validate import Array
from unrolled.exercises._drawing import numbers
from unrolled.exercises._gates import sigmoid, wrong_parts
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


def _peephole_entry_by_entry(a: Array, c: Array, v: Array) -> Pair:
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


def _peephole_einsum(a: Array, c: Array, v: Array) -> Pair:
    parts, peepholes = a.reshape(len(a), 4, -1), v.reshape(3, -1)
    gates = sigmoid(parts[:, :2] + np.einsum("gh,bh->bgh", peepholes[:2], c))
    after = gates[:, 1] * c + gates[:, 0] * np.tanh(parts[:, 2])
    return sigmoid(parts[:, 3] + np.einsum("h,bh->bh", peepholes[2], after)) * np.tanh(after), after


def _peephole_torch(a: Array, c: Array, v: Array) -> Any:
    import torch

    cell = torch.from_numpy(c)
    i, f, g, o = torch.from_numpy(a).chunk(4, 1)
    v_i, v_f, v_o = torch.from_numpy(v).chunk(3)
    cell = torch.sigmoid(torch.addcmul(f, v_f, cell)) * cell + torch.sigmoid(
        torch.addcmul(i, v_i, cell)
    ) * torch.tanh(g)
    return torch.sigmoid(torch.addcmul(o, v_o, cell)) * cell.tanh(), cell


_Peep = Callable[[Array, Array, Array], Array]


def _peep(a: Array, v: Array, c: Array) -> Array:
    gate: Array = sigmoid(a + v * c)
    return gate


def _peeped(
    a: Array,
    c: Array,
    v: Array,
    *,
    peep: _Peep = _peep,
    output: Callable[[Array, Array, Array, Array], Array] | None = None,
    peepholes: Sequence[int] = (0, 1, 2),
    order: str = "ifgo",
    squash: Callable[[Array], Array] = np.tanh,
    update: Callable[[Array], Array] = lambda c: c,
    show: Callable[[Array, Array], Array] = lambda c, o: o * np.tanh(c),
) -> Pair:
    """Take the step with another idea of some part; `output` takes (a_o, v_o, old c, new c)."""
    parts = np.split(a, 4, axis=1)
    a_i, a_f, a_g, a_o = (parts[order.index(gate)] for gate in "ifgo")
    v_i, v_f, v_o = (np.split(v, 3)[k] for k in peepholes)
    c_new = update(peep(a_f, v_f, c) * c + peep(a_i, v_i, c) * squash(a_g))
    o = output(a_o, v_o, c, c_new) if output else peep(a_o, v_o, c_new)
    return show(c_new, o), c_new


def _in_order(order: str) -> Callable[..., Pair]:
    def parts(a: Array, c: Array, v: Array) -> Pair:
        return _peeped(a, c, v, order=order)

    parts.__name__ = f"_order_{order}"
    parts.__doc__ = (
        f"""The parts of a are taken in the order {", ".join(order)}. It is i, f, g, o."""
    )
    return parts


_OTHER_ORDERS = [_in_order("".join(order)) for order in list(permutations("ifgo"))[1:]]


def _not_only_c_is_wrong(result: Pair, *args: Array) -> bool:
    """`h` is right, so the state that it is made from is. But another comes back as `c`."""
    return wrong_parts(result, peephole_step(*args)) != (False, True)


def _not_only_h_is_wrong(result: Pair, *args: Array) -> bool:
    """`c` is right, and `h` is not. It is o * tanh(c), and o sees the new c."""
    return wrong_parts(result, peephole_step(*args)) != (True, False)


def _c_is_right(result: Pair, *args: Array) -> bool:
    """Look at `c` first, which is not right: `h` is made from it.

    c_new = f * c + i * tanh(a_g). To begin with, leave the peepholes aside: is it right at v = 0?
    """
    return not wrong_parts(result, peephole_step(*args))[1]


def _peephole_case(B: int, H: int) -> Arrays:
    return numbers(_rng, B, 4 * H), 2 * numbers(_rng, B, H), numbers(_rng, 3 * H)


EXERCISE = Exercise(
    peephole_step,
    cases=[
        (
            np.array([[0.5, -0.4, 1.2, 0.8, 0.9, -1.1, 0.3, -0.6]]),
            np.array([[1.5, -2.0]]),
            np.array([0.4, -0.7, 0.6, 0.5, -0.8, 0.9]),
        ),
        _peephole_case(3, 4),
        _peephole_case(2, 1),
        _peephole_case(2, 3),
    ],
    alternatives=[_peephole_entry_by_entry, _peephole_einsum, _peephole_torch],
    properties=[_not_only_c_is_wrong, _not_only_h_is_wrong, _c_is_right],
    parts=("h", "c"),
    mistakes={
        "output_peeps_at_old": Mistake(
            """The output gate sees the old state. It should see the new one, c after the step.

            Its gate opens last, when c has been updated; only i and f see c as it was before.
            """,
            "return _peeped(a, c, v, output=lambda a_o, v_o, old, new: _peep(a_o, v_o, old))",
            """
            sigmoid = lambda a: 1 / (1 + np.exp(-a))
            (a_i, a_f, a_g, a_o), (v_i, v_f, v_o) = np.split(a, 4, axis=1), np.split(v, 3)
            i, f, o = sigmoid(a_i + v_i * c), sigmoid(a_f + v_f * c), sigmoid(a_o + v_o * c)
            c = f * c + i * np.tanh(a_g)
            return o * np.tanh(c), c
            """,
        ),
        "no_peephole_of_output": Mistake(
            """The output gate has no peephole. It sees the new state through the last H entries of
            v.
            """,
            "return _peeped(a, c, v, output=lambda a_o, v_o, old, new: _peep(a_o, v_o, 0 * new))",
            """
            sigmoid = lambda a: 1 / (1 + np.exp(-a))
            (a_i, a_f, a_g, a_o), (v_i, v_f, v_o) = np.split(a, 4, axis=1), np.split(v, 3)
            i, f = sigmoid(a_i + v_i * c), sigmoid(a_f + v_f * c)
            c = f * c + i * np.tanh(a_g)
            return sigmoid(a_o) * np.tanh(c), c
            """,
        ),
        "output_peephole_late": Mistake(
            """The output gate is squashed first, and its peephole added afterwards: it leaves (0,
            1).

            A peephole is one more thing that the gate sees: sigmoid(a_o + v_o * c).
            """,
            "return _peeped(a, c, v, output=lambda a_o, v_o, old, new: sigmoid(a_o) + v_o * new)",
            """
            sigmoid = lambda a: 1 / (1 + np.exp(-a))
            (a_i, a_f, a_g, a_o), (v_i, v_f, v_o) = np.split(a, 4, axis=1), np.split(v, 3)
            i, f, o = sigmoid(a_i + v_i * c), sigmoid(a_f + v_f * c), sigmoid(a_o)
            c = f * c + i * np.tanh(a_g)
            o += c * v_o
            return o * np.tanh(c), c
            """,
        ),
        "all_peepholes_late": Mistake(
            """The gates are squashed first, and the peepholes added afterwards: they leave (0, 1).

            A peephole is one more thing that the gate sees: sigmoid(a_i + v_i * c).
            """,
            "return _peeped(a, c, v, peep=lambda a, v, c: sigmoid(a) + v * c)",
        ),
        "no_peepholes_at_all": Mistake(
            """There are no peepholes: v is not used. This is torch's LSTM.

            Each gate also sees its own cell's state, times its own weight: a_i + v_i * c.
            """,
            "return _peeped(a, c, 0 * v)",
        ),
        "peepholes_iof": Mistake(
            """The peepholes are read in the order i, o, f. In v they stand as the gates do: i, f,
            o.
            """,
            "return _peeped(a, c, v, peepholes=(0, 2, 1))",
        ),
        "peepholes_fio": Mistake(
            """The peepholes of i and f have changed places. In v they stand as the gates do: i, f,
            o.
            """,
            "return _peeped(a, c, v, peepholes=(1, 0, 2))",
        ),
        "peepholes_multiply": Mistake(
            """The peephole multiplies what the gate sees. It is added: a_i + v_i * c.""",
            "return _peeped(a, c, v, peep=lambda a, v, c: sigmoid(a * v * c))",
        ),
        "peepholes_without_state": Mistake(
            """V is added as it is, like a bias. The peephole looks at the state: v_i * c, not v_i
            alone.
            """,
            "return _peeped(a, c, v, peep=lambda a, v, c: sigmoid(a + v))",
        ),
        "peeps_through_tanh": Mistake(
            """The gates see tanh(c). The point of a peephole is that it sees c itself, as it is.

            tanh(c) is what the cell shows; behind it, a state of 5 and one of 50 look the same.
            """,
            "return _peeped(a, c, v, peep=lambda a, v, c: sigmoid(a + v * np.tanh(c)))",
        ),
        "output_peeps_through_tanh": Mistake(
            """The output gate sees tanh(c). The point of a peephole is that it sees c itself, as
            it is.

            tanh(c) is what the cell shows; behind it, a state of 5 and one of 50 look the same.
            """,
            """
            return _peeped(a, c, v, output=lambda a_o, v_o, old, new: _peep(a_o, v_o, np.tanh(new)))
            """,
            """
            sigmoid = lambda a: 1 / (1 + np.exp(-a))
            (a_i, a_f, a_g, a_o), (v_i, v_f, v_o) = np.split(a, 4, axis=1), np.split(v, 3)
            i, f = sigmoid(a_i + v_i * c), sigmoid(a_f + v_f * c)
            c = f * c + i * np.tanh(a_g)
            shown = np.tanh(c)
            return sigmoid(a_o + v_o * shown) * shown, c
            """,
        ),
        "peeps_at_all_cells": Mistake(
            """Each gate sees the states of all cells: `c @ v_i` sums over them.

            It should see its own cell only: `v_i * c`, entry by entry.
            """,
            "return _peeped(a, c, v, peep=lambda a, v, c: sigmoid(a + (c @ v)[:, None]))",
            """
            sigmoid = lambda a: 1 / (1 + np.exp(-a))
            (a_i, a_f, a_g, a_o), (v_i, v_f, v_o) = np.split(a, 4, axis=1), np.split(v, 3)
            i, f = sigmoid(a_i + (c @ v_i)[:, None]), sigmoid(a_f + (c @ v_f)[:, None])
            c = f * c + i * np.tanh(a_g)
            return sigmoid(a_o + (c @ v_o)[:, None]) * np.tanh(c), c
            """,
        ),
        "sign_of_peepholes": Mistake(
            """The peepholes are subtracted. They are added: a_i + v_i * c.""",
            "return _peeped(a, c, -v)",
        ),
        "candidate_peeps": Mistake(
            """The candidate sees the state as well. It has no peephole: v is for i, f and o.""",
            """
            H = c.shape[1]
            seen = a.copy()
            seen[:, 2 * H : 3 * H] += v[:H] * c
            return solution(seen, c, v)
            """,
        ),
        "peepholes_of_ifg": Mistake(
            """The last peephole is the candidate's here. v is for i, f and o; the candidate has
            none.

            In a, the third part is g; in v, the third part is o's.
            """,
            """
            H = c.shape[1]
            seen = a.copy()
            seen[:, 2 * H : 3 * H] += v[2 * H :] * c
            return _peeped(seen, c, v, output=lambda a_o, v_o, old, new: _peep(a_o, v_o, 0 * new))
            """,
        ),
        "g_not_squashed": Mistake(
            """The candidate is not squashed: g = tanh(a_g).""",
            "return _peeped(a, c, v, squash=lambda a: a)",
            """
            sigmoid = lambda a: 1 / (1 + np.exp(-a))
            (a_i, a_f, a_g, a_o), (v_i, v_f, v_o) = np.split(a, 4, axis=1), np.split(v, 3)
            i, f = sigmoid(a_i + v_i * c), sigmoid(a_f + v_f * c)
            c = f * c + i * a_g
            return sigmoid(a_o + v_o * c) * np.tanh(c), c
            """,
        ),
        "g_logistic": Mistake(
            """The candidate goes through the logistic function. It should go through tanh.

            It is no gate, though it stands among them: it may be negative.
            """,
            "return _peeped(a, c, v, squash=sigmoid)",
            """
            sigmoid = lambda a: 1 / (1 + np.exp(-a))
            (a_i, a_f, a_g, a_o), (v_i, v_f, v_o) = np.split(a, 4, axis=1), np.split(v, 3)
            i, f = sigmoid(a_i + v_i * c), sigmoid(a_f + v_f * c)
            c = f * c + i * sigmoid(a_g)
            return sigmoid(a_o + v_o * c) * np.tanh(c), c
            """,
        ),
        "gates_not_squashed": Mistake(
            """The gates are not squashed. Each is the logistic function of what it sees, from 0 to
            1.
            """,
            "return _peeped(a, c, v, peep=lambda a, v, c: a + v * c)",
            """
            (a_i, a_f, a_g, a_o), (v_i, v_f, v_o) = np.split(a, 4, axis=1), np.split(v, 3)
            i, f = a_i + v_i * c, a_f + v_f * c
            c = f * c + i * np.tanh(a_g)
            return (a_o + v_o * c) * np.tanh(c), c
            """,
        ),
        "state_squashed": Mistake(
            """`c` comes back squashed: it is tanh(f * c + i * g). h is right.

            Only what is shown goes through tanh; c is carried on as it is.
            """,
            """
            h, c = solution(a, c, v)
            return h, np.tanh(c)
            """,
            """
            sigmoid = lambda a: 1 / (1 + np.exp(-a))
            (a_i, a_f, a_g, a_o), (v_i, v_f, v_o) = np.split(a, 4, axis=1), np.split(v, 3)
            i, f = sigmoid(a_i + v_i * c), sigmoid(a_f + v_f * c)
            c = f * c + i * np.tanh(a_g)
            o = sigmoid(a_o + v_o * c)
            c = np.tanh(c)
            return o * c, c
            """,
        ),
        "state_squashed_twice": Mistake(
            """The state itself is squashed, tanh(f * c + i * g), and once more when it is shown.

            Only what is shown goes through tanh; c is carried on as it is, and o sees it as it
            is.
            """,
            "return _peeped(a, c, v, update=np.tanh)",
            """
            sigmoid = lambda a: 1 / (1 + np.exp(-a))
            (a_i, a_f, a_g, a_o), (v_i, v_f, v_o) = np.split(a, 4, axis=1), np.split(v, 3)
            i, f = sigmoid(a_i + v_i * c), sigmoid(a_f + v_f * c)
            c = np.tanh(f * c + i * np.tanh(a_g))
            return sigmoid(a_o + v_o * c) * np.tanh(c), c
            """,
        ),
        "squashed_after_the_gate": Mistake(
            """The output gate comes before tanh: h is tanh(o * c). It should be o * tanh(c).""",
            "return _peeped(a, c, v, show=lambda c, o: np.tanh(o * c))",
            """
            sigmoid = lambda a: 1 / (1 + np.exp(-a))
            (a_i, a_f, a_g, a_o), (v_i, v_f, v_o) = np.split(a, 4, axis=1), np.split(v, 3)
            i, f = sigmoid(a_i + v_i * c), sigmoid(a_f + v_f * c)
            c = f * c + i * np.tanh(a_g)
            return np.tanh(sigmoid(a_o + v_o * c) * c), c
            """,
        ),
        "state_shown_raw": Mistake(
            """The tanh of the output is missing: h is o * c. It is o * tanh(c), as in torch.""",
            "return _peeped(a, c, v, show=lambda c, o: o * c)",
            """
            sigmoid = lambda a: 1 / (1 + np.exp(-a))
            (a_i, a_f, a_g, a_o), (v_i, v_f, v_o) = np.split(a, 4, axis=1), np.split(v, 3)
            i, f = sigmoid(a_i + v_i * c), sigmoid(a_f + v_f * c)
            c = f * c + i * np.tanh(a_g)
            return sigmoid(a_o + v_o * c) * c, c
            """,
        ),
        "results_swapped": Mistake(
            """The results are the wrong way round: return h first, then c, as torch does.""",
            """
            h, c = solution(a, c, v)
            return c, h
            """,
        ),
        "writes_into_cell": Mistake(
            """The new state is written into the caller's own c, and the old one is lost.

            `c = f * c + ...` makes a new array; `c *= f` and `c[:] = ...` do not.
            """,
            """
            h, c[:] = solution(a, c, v)
            return h, c
            """,
        ),
    },
)
