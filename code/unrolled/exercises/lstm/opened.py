"""The exercise ``lstm.opened``."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np

from unrolled.core.validate import Array
from unrolled.exercises._drawing import numbers
from unrolled.exercises._gates import has_overflown, sigmoid, wrong_parts
from unrolled.exercises.grading import Exercise, Mistake
from unrolled.exercises.lstm._other_steps import step_by_gate

Arrays = tuple[Array, ...]

_rng = np.random.default_rng(0)


def opened(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Arrays:
    """Look into a torch LSTM; return (i, f, g, o, c), (T, H) each.

    x has shape (T, I): a sequence, read from a state of zeros. h has shape
    (T, H): what the layer returned for it. W, U, b_ih and b_hh are its
    parameters, (4H, I), (4H, H), (4H,) and (4H,), rows in torch's order.
    """

    def sigmoid(a: Array) -> Array:
        return 1 / (1 + np.exp(-a))

    T, H = h.shape
    before = np.vstack([np.zeros(H), h[:-1]])
    i, f, g, o = np.split(x @ W.T + before @ U.T + b_ih + b_hh, 4, axis=1)
    i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
    state, c = np.zeros(H), []
    for t in range(T):
        state = f[t] * state + i[t] * g[t]
        c.append(state)
    return i, f, g, o, np.stack(c)


def _by_sums(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Any:
    """Writes each state as a sum over all that was written, as in exercise 2."""
    T, H = h.shape
    seen = np.concatenate([x, np.eye(T, k=-1) @ h], axis=1)
    a = (seen @ np.concatenate([W, U], axis=1).T + (b_ih + b_hh)).reshape(T, 4, H)
    i, f, o = ((1 + np.tanh(a[:, k] / 2)) / 2 for k in (0, 1, 3))
    g = np.tanh(a[:, 2])
    parts = [
        [np.prod(f[s + 1 : t + 1], axis=0) * i[s] * g[s] for s in range(t + 1)] for t in range(T)
    ]
    return i, f, g, o, [np.sum(each, axis=0) for each in parts]


def _step_by_step(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Any:
    """Runs the layer once more, and does not look at what it returned."""
    shown = c = np.zeros(h.shape[1])
    rows = []
    for x_t in x:
        a = W @ x_t + U @ shown + b_ih + b_hh
        i, f, g, o = a.reshape(4, -1)
        i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
        c = f * c + i * g
        shown = o * np.tanh(c)
        rows.append((i, f, g, o, c))
    return tuple(map(np.stack, zip(*rows, strict=True)))


def _torch(*arrays: Array) -> Any:
    import torch

    x, h, W, U, b_ih, b_hh = map(torch.from_numpy, arrays)
    before = torch.nn.functional.pad(h, (0, 0, 1, 0))[:-1]
    i, f, g, o = (x @ W.T + b_ih + before @ U.T + b_hh).chunk(4, dim=1)
    i, f, g, o = i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()
    c = [i[0] * g[0]]
    for t in range(1, len(h)):
        c.append(torch.addcmul(i[t] * g[t], f[t], c[-1]))
    return i, f, g, o, torch.stack(c)


def _gates_are_right(result: Arrays, *given: Array) -> bool:
    """Look at the gates first: not all are right. Begin with step 1, which sees an h of zeros.

    `a = x @ W.T + before @ U.T + b_ih + b_hh`. If it is right, look at U and at what `before` is;
    if not, at W, at the biases, and at which columns are whose.
    """
    return not any(wrong_parts(result[:4], opened(*given)[:4]))


def _shows_what_came(result: Arrays, x: Array, h: Array, *weights: Array) -> bool:
    """The gates are right, and o * tanh(c) should be the h that the layer returned. It is not.

    So c is another. It starts from 0, and each step makes f * c + i * g of it.
    """
    with np.errstate(all="ignore"):
        shown = result[3] * np.tanh(result[4])
        return has_overflown(result) or bool(np.allclose(shown, h, rtol=1e-3, atol=1e-5))


def _case(T: int, I: int, H: int, *, weights: float = 1.0, **rows: float) -> Arrays:  # noqa: E741
    """Draw a layer and a sequence; `rows` are biases that single gates are given."""
    shapes = (T, I), (4 * H, I), (4 * H, H), (4 * H,), (4 * H,)
    x, W, U, b_ih, b_hh = (numbers(_rng, *shape) for shape in shapes)
    W, U = weights * W, weights * U
    for name, bias in rows.items():
        b_ih.reshape(4, H)["ifgo".index(name)] = bias
    h, c, shown = np.zeros((1, H)), np.zeros((1, H)), []
    with np.errstate(all="ignore"):
        for x_t in x:
            h, c = step_by_gate(x_t[None], h, c, W, U, b_ih + b_hh)
            shown.append(h[0])
    return x, np.stack(shown), W, U, b_ih, b_hh


_A = "x @ W.T + before @ U.T + b_ih + b_hh"
_BEFORE = "np.vstack([np.zeros(H), h[:-1]])"
_STATE = "f[t] * state + i[t] * g[t]"
_GATES = "sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)"
_RESULT = "i, f, g, o, np.stack(c)"

EXERCISE = Exercise(
    opened,
    cases=[
        _case(3, 2, 1),
        _case(4, 1, 1),
        _case(5, 2, 3),
        _case(2, 3, 1),
        _case(3, 2, 1, o=-800.0),  # it shows nothing
        _case(4, 3, 2),
        _case(1, 2, 2),
        _case(33, 1, 4),
        _case(6, 2, 4, f=5.0),
        _case(30, 2, 2, i=9.0, f=9.0, g=9.0),  # a state that grows
        _case(4, 2, 3, weights=0.0),
        _case(5, 2, 2, weights=1e-4),
        _case(4, 2, 2, weights=50.0),  # gates quite open, quite shut
        _case(4, 2, 2, f=-800.0),  # it keeps nothing
    ],
    alternatives=[_by_sums, _step_by_step, _torch],
    properties=[_gates_are_right, _shows_what_came],
    parts=("i", "f", "g", "o", "c"),
    mistakes={
        "sees_its_own_output": Mistake(
            """The gates of a step see the h of the same step, which is made with them. They see
            the h of the step before, and the first sees zeros.
            """,
            {_BEFORE: "h"},
        ),
        "sees_the_next_output": Mistake(
            """h is moved the wrong way: a gate sees the output of the step after its own.""",
            {_BEFORE: "np.vstack([h[1:], np.zeros((1, H))])"},
        ),
        "rolled": Mistake(
            """The first step sees the last output, as `np.roll` has it. It sees zeros.""",
            {_BEFORE: "np.roll(h, 1, axis=0)"},
        ),
        "first_step_sees_itself": Mistake(
            """The first step sees its own output. The sequence was read from a state of zeros.""",
            {_BEFORE: "np.vstack([h[:1], h[:-1]])"},
        ),
        "outputs_not_seen": Mistake(
            """The gates see x alone. The term with U is missing, or its h is always 0.""",
            {" + before @ U.T": ""},
        ),
        "inputs_not_seen": Mistake(
            """The term with W is missing: no gate sees anything of x.""",
            {"x @ W.T + ": ""},
        ),
        "one_bias": Mistake(
            """One of the two biases is missing. torch has b_ih and b_hh, and adds both.""",
            {" + b_ih": ""},
            {" + b_hh": ""},
        ),
        "no_bias": Mistake(
            """Both biases are missing: b_ih and b_hh are added to x @ W.T + h @ U.T.""",
            {" + b_ih + b_hh": ""},
        ),
        **{
            f"rows_{order}": Mistake(
                f"The rows are read in the order {', '.join(order)}. In torch it is i, f, g, o.\n\n"
                "The shapes do not tell: every gate has H rows.",
                {f"i, f, g, o = np.split({_A}": f"{', '.join(order)} = np.split({_A}"},
            )
            for order in map("".join, permutations("ifgo"))
            if order != "ifgo"
        },
        "before_the_squashing": Mistake(
            """These are the sums that the gates see. A gate is what the logistic function makes of
            it, and the candidate goes through tanh.
            """,
            {_GATES: "i, f, g, o"},
        ),
        "candidate_through_logistic": Mistake(
            """The candidate g goes through the logistic function, like the gates. It should go
            through tanh, so that a cell can be written down as well as up.
            """,
            {_GATES: "sigmoid(i), sigmoid(f), sigmoid(g), sigmoid(o)"},
        ),
        "gates_through_tanh": Mistake(
            """The gates go through tanh. They are shares from 0 to 1: the logistic function.""",
            {_GATES: "np.tanh(i), np.tanh(f), np.tanh(g), np.tanh(o)"},
        ),
        "sign_in_logistic": Mistake(
            """The gates are the wrong way round: the minus in 1 / (1 + exp(-a)) is missing.""",
            {"np.exp(-a)": "np.exp(a)"},
        ),
        "undone_from_h": Mistake(
            """c is worked out backwards from h, as arctanh(h / o). On paper that is right.

            But a gate may be shut, and where c is large tanh is 1 to the last digit: h does not say
            what the cell holds. The gates do, step by step.
            """,
            {"np.stack(c)": "np.arctanh(h / o)"},
        ),
        "output_for_state": Mistake(
            """What came back as c is h. The state is what o * tanh(c) is made from.""",
            {"np.stack(c)": "h"},
        ),
        "squashed_state": Mistake(
            """c is the squashed state, tanh(c). The state itself may be larger than 1.""",
            {"np.stack(c)": "np.tanh(np.stack(c))"},
        ),
        "squashed_on_the_way": Mistake(
            """The state is squashed at every step, and carried on so. On the line stands no
            tanh.
            """,
            {_STATE: "np.tanh(f[t] * state + i[t] * g[t])"},
        ),
        "states_before": Mistake(
            """These are the states before each step, the first of them 0. Asked for is c after the
            step, as h is.
            """,
            {"np.stack(c)": "np.stack([0 * state, *c[:-1]])"},
        ),
        "nothing_carried": Mistake(
            """c is what each step writes, i * g. What was there before is carried on, times f.""",
            {_STATE: "i[t] * g[t]"},
        ),
        "output_carried": Mistake(
            """The forget gate multiplies h. What is carried on is c.""",
            {_STATE: "f[t] * before[t] + i[t] * g[t]"},
        ),
        "forget_gate_missing": Mistake(
            """The forget gate is missing: c is the sum of all that was written, as in 1997.""",
            {_STATE: "state + i[t] * g[t]"},
        ),
        "forgets_what_is_new": Mistake(
            """The forget gate multiplies what is new as well. It acts on the old state alone.""",
            {_STATE: "f[t] * (state + i[t] * g[t])"},
        ),
        "forget_gate_early": Mistake(
            """The state meets the forget gate of the step before. Each step has its own.""",
            {_STATE: "f[max(t - 1, 0)] * state + i[t] * g[t]"},
        ),
        "one_forget_gate_for_all": Mistake(
            """The state meets one forget gate at every step. The gate of step t is f[t].""",
            {_STATE: "f[0] * state + i[t] * g[t]"},
            {_STATE: "f[-1] * state + i[t] * g[t]"},
            {_STATE: "f.mean(axis=0) * state + i[t] * g[t]"},
        ),
        "input_gate_missing": Mistake(
            """The input gate is missing: of the candidate a share is written, i * g.""",
            {_STATE: "f[t] * state + g[t]"},
        ),
        "coupled": Mistake(
            """The state is kept by 1 - i. This cell has a forget gate of its own.""",
            {_STATE: "(1 - i[t]) * state + i[t] * g[t]"},
        ),
        "starts_from_h": Mistake(
            """The cells start from the first output. They start from 0.""",
            {"state, c = np.zeros(H)": "state, c = h[0]"},
        ),
        "state_first": Mistake(
            """c stands first in what came back. Asked for are i, f, g, o, and then c.""",
            {_RESULT: "np.stack(c), i, f, g, o"},
        ),
        "candidate_last": Mistake(
            """The candidate stands after the gates in what came back. Asked for are i, f, g, o and
            c, as torch has them.
            """,
            {_RESULT: "i, f, o, g, np.stack(c)"},
        ),
        "output_for_written": Mistake(
            """What came back as g is i * g, what is written. Asked for is the candidate itself.""",
            {_RESULT: "i, f, i * g, o, np.stack(c)"},
        ),
    },
)
