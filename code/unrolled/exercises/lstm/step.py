"""The exercise ``lstm.step``."""

from __future__ import annotations

from itertools import permutations

import numpy as np

from unrolled.core.validate import Array
from unrolled.exercises.grading import Exercise, Mistake
from unrolled.exercises.lstm import _other_steps, _step_cases, _step_hints

Pair = tuple[Array, Array]


def step(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array, running: Array) -> Pair:
    """Take one step of an LSTM for a padded batch; return (h, c) after it.

    x has shape (B, I); h and c have (B, H); W, U and b have (4H, I), (4H, H)
    and (4H,), rows of gates in the order i, f, g, o. running has shape (B,):
    True where a sequence still runs, False where it has ended.
    """

    def sigmoid(a: Array) -> Array:
        return 1 / (1 + np.exp(-a))

    i, f, g, o = np.split(x @ W.T + h @ U.T + b, 4, axis=1)
    c_new = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    h_new = sigmoid(o) * np.tanh(c_new)
    on = running[:, None]
    return np.where(on, h_new, h), np.where(on, c_new, c)


_NEW = "sigmoid(f) * c + sigmoid(i) * np.tanh(g)"
_H, _C = "np.where(on, h_new, h)", "np.where(on, c_new, c)"


EXERCISE = Exercise(
    step,
    cases=[
        _step_cases.drawn(2, 2, 1),
        _step_cases.padded(2, 2, 1, padding=np.nan),
        _step_cases.drawn(3, 2, 4),
        _step_cases.drawn(3, 2, 3),
        _step_cases.drawn(3, 2, 4),
        _step_cases.drawn(1, 3, 2),
        _step_cases.drawn(4, 1, 3),
        _step_cases.drawn(33, 3, 2),
        _step_cases.drawn(2, 1, 3, states=0.0),
        _step_cases.from_cells(3, 2, 1),
        _step_cases.drawn(3, 2, 4, inputs=1e-6, states=1e-6),
        _step_cases.padded(5, 2, 3, padding=np.nan),
        _step_cases.padded(4, 2, 3, padding=1e300),
        _step_cases.drawn(6, 2, 1, inputs=1e4),  # gates quite open, quite shut
        _step_cases.drawn(2, 3, 1, states=1e5),
    ],
    alternatives=[
        _other_steps.step_those_that_run,
        _other_steps.step_entry_by_entry,
        _other_steps.step_einsum,
        _other_steps.step_torch,
    ],
    properties=[
        _step_hints.ended_ones_stay,
        _step_hints.rows_of_a_gate_together,
        _step_hints.blocks_upright,
        _step_hints.h_has_the_sign_of_c,
        _step_hints.not_only_c_is_wrong,
        _step_hints.not_only_h_is_wrong,
        _step_hints.c_is_right,
    ],
    parts=("h", "c"),
    mistakes={
        "runs_on": Mistake(
            """Sequences that have ended run on into the padding. Hand on their h and c as they
            came.
            """,
            {_H: "h_new", _C: "c_new"},
            "return solution(x * running[:, None], h, c, W, U, b, running | True)",
        ),
        "set_to_zero": Mistake(
            """Where a sequence has ended, its state is set to 0. Hand it on as it came.""",
            {_H: "np.where(on, h_new, 0)", _C: "np.where(on, c_new, 0)"},
            {_H: "np.where(on, h_new, 0)"},
            {_C: "np.where(on, c_new, 0)"},
        ),
        "only_h_held": Mistake(
            """`h` is handed on where a sequence has ended, and `c` is not. The state is both.""",
            {_C: "c_new"},
        ),
        "only_c_held": Mistake(
            """`c` is handed on where a sequence has ended, and `h` is not. The state is both.

            To hold f at 1 and i at 0 is not enough: the output gate saw the padding.
            """,
            {_H: "h_new"},
            {_H: "np.where(on, h_new, sigmoid(o) * np.tanh(c))"},
        ),
        "wrong_ones_run": Mistake(
            """The wrong sequences run: those that have ended do, and those that run do not.""",
            {"running[:, None]": "~running[:, None]"},
        ),
        "zero_times_nan": Mistake(
            """The padding comes in where it holds NaN: 0 times NaN is NaN, and so is 0 times
            infinity.

            To leave something out it has to be chosen, and not multiplied by 0.
            """,
            {_H: "on * h_new + (1 - on) * h", _C: "on * c_new + (1 - on) * c"},
            {_H: "h + on * (h_new - h)", _C: "c + on * (c_new - c)"},
        ),
        "first_ones_run": Mistake(
            """It is taken for granted that the longest sequences stand first. Here those that run
            may stand anywhere.
            """,
            {"running[:, None]": "(np.arange(len(x)) < running.sum())[:, None]"},
        ),
        "results_swapped": Mistake(
            "The results are the wrong way round: return h first, then c, as torch does.",
            {f"{_H}, {_C}": f"{_C}, {_H}"},
        ),
        "rows_ifog": Mistake(
            """The rows are read in the order i, f, o, g. In torch the candidate comes third: i, f,
            g, o.

            The shapes do not tell: every gate has H rows.
            """,
            {"i, f, g, o =": "i, f, o, g ="},
        ),
        "rows_igfo": Mistake(
            """The rows are read in the order i, g, f, o, as in TensorFlow 1.

            In torch it is i, f, g, o. The shapes do not tell: every gate has H rows.
            """,
            {"i, f, g, o =": "i, g, f, o ="},
        ),
        "rows_iofg": Mistake(
            """The rows are read in the order i, o, f, g, which is that of ONNX.

            In torch it is i, f, g, o. The shapes do not tell: every gate has H rows.
            """,
            {"i, f, g, o =": "i, o, f, g ="},
        ),
        "rows_figo": Mistake(
            """The input gate and the forget gate have changed places.

            Either the rows are read in the order f, i, g, o, or the update has them the wrong way
            round.
            """,
            {"i, f, g, o =": "f, i, g, o ="},
            """
            i, f, g, o = np.split(x @ W.T + h @ U.T + b, 4, axis=1)
            i, f, o = (1 / (1 + np.exp(-a)) for a in (i, f, o))
            new, on = i * c + f * np.tanh(g), running[:, None]
            return np.where(on, o * np.tanh(new), h), np.where(on, new, c)
            """,
        ),
        **{
            f"rows_{order}": Mistake(
                f"The gates are taken in the order {', '.join(order)}. It is i, f, g, o.\n\n"
                "Either the rows are read in that order, or the gates change places later on.",
                {"i, f, g, o =": f"{', '.join(order)} ="},
            )
            for order in map("".join, permutations("ifgo"))
            if order not in ("ifgo", "ifog", "igfo", "iofg", "figo")
        },
        "state_shown_raw": Mistake(
            """The tanh of the output is missing: h is o * c.
            """,
            {"np.tanh(c_new)": "c_new"},
        ),
        "old_state_shown": Mistake(
            """The cell shows its old state: h is made from c as it was before the step.
            """,
            {"np.tanh(c_new)": "np.tanh(c)"},
        ),
        "squashed_after_the_gate": Mistake(
            """The output gate comes before tanh: h is tanh(o * c). It comes after.""",
            {"sigmoid(o) * np.tanh(c_new)": "np.tanh(sigmoid(o) * c_new)"},
        ),
        "shown_through_logistic": Mistake(
            """The state is shown through the logistic function. It should be tanh.""",
            {"np.tanh(c_new)": "sigmoid(c_new)"},
        ),
        "output_gate_missing": Mistake(
            """The output gate is missing: h is tanh(c) itself. Multiply it by o.""",
            {"sigmoid(o) * ": ""},
        ),
        "forgets_what_is_new": Mistake(
            """The forget gate multiplies what is new as well: c is f * (c + i * g).

            It acts on the old state alone. What is new has its own gate.
            """,
            {_NEW: "sigmoid(f) * (c + sigmoid(i) * np.tanh(g))"},
        ),
        "forget_gate_missing": Mistake(
            """The forget gate is missing: c is c + i * g, which is the cell of 1997.""",
            {"sigmoid(f) * ": ""},
        ),
        "input_gate_missing": Mistake(
            """The input gate is missing: c is f * c + g, whatever i says.""",
            {"sigmoid(i) * ": ""},
        ),
        "input_gate_added": Mistake(
            """The input gate is added to the candidate, i + g. It multiplies it.""",
            {"sigmoid(i) * ": "sigmoid(i) + "},
        ),
        "gates_coupled": Mistake(
            """The gates are coupled: f is 1 - i, or i is 1 - f.

            That is a variant, and the next chapter has it. Here each gate has its own rows.
            """,
            {"sigmoid(i)": "(1 - sigmoid(f))"},
        ),
        "forget_gate_from_input_gate": Mistake(
            """The forget gate is 1 - i. That is a variant, and the next chapter has it.

            Here it has rows of its own.
            """,
            {"sigmoid(f)": "(1 - sigmoid(i))"},
        ),
        "state_squashed": Mistake(
            """`c` comes back squashed: it is tanh(f * c + i * g). h is right.

            Each step squashes what all the steps before have added up: the carousel is gone.
            """,
            {_C: "np.where(on, np.tanh(c_new), c)"},
        ),
        "state_squashed_twice": Mistake(
            """The state itself is squashed, tanh(f * c + i * g), and once more when it is shown.

            Each step squashes what all the steps before have added up: the carousel is gone.
            """,
            {_NEW: f"np.tanh({_NEW})"},
        ),
        "candidate_logistic": Mistake(
            """The candidate goes through the logistic function. It should go through tanh.

            g is no gate, though its rows are stacked among theirs: it may be negative.
            """,
            {"np.tanh(g)": "sigmoid(g)"},
        ),
        "candidate_not_squashed": Mistake(
            """The candidate is not squashed. It should go through tanh.""",
            {"np.tanh(g)": "g"},
        ),
        "gates_not_squashed": Mistake(
            """The gates are not squashed. Each should lie between 0 and 1.""",
            {"1 / (1 + np.exp(-a))": "a"},
        ),
        **{
            f"{name}_gate_not_squashed": Mistake(
                f"The {name} gate is not squashed: {name[0]} = sigmoid(a_{name[0]}), from 0 to 1.",
                {f"sigmoid({name[0]})": name[0]},
            )
            for name in ("input", "forget", "output")
        },
        "logistic_overflows": Mistake(
            """Large pre-activations give NaN: exp(a) / (1 + exp(a)) is infinity by infinity.
            """,
            {"1 / (1 + np.exp(-a))": "np.exp(a) / (1 + np.exp(a))"},
        ),
        "tanh_overflows": Mistake(
            """Large numbers give NaN: tanh, made of exp(a) and exp(-a), is infinity by infinity.
            """,
            {
                "    i, f, g, o": "    def tanh(a):\n"
                "        return (np.exp(a) - np.exp(-a)) / (np.exp(a) + np.exp(-a))\n\n"
                "    i, f, g, o",
                "np.tanh(g)": "tanh(g)",
                "np.tanh(c_new)": "tanh(c_new)",
            },
            {"np.tanh(g)": "(np.exp(g) - np.exp(-g)) / (np.exp(g) + np.exp(-g))"},
        ),
        "forget_bias_added": Mistake(
            """The forget gate gets 1 more than its rows say, as in TensorFlow 1.

            There `forget_bias=1.0` is added at each step. Here the bias is in b, and is added once.
            """,
            {"sigmoid(f)": "sigmoid(f + 1)"},
        ),
        "gates_of_straight_lines": Mistake(
            """The gates are made of straight lines: the hard sigmoid that old Keras took.

            It is near the logistic function, and another.
            """,
            {"1 / (1 + np.exp(-a))": "np.clip(0.2 * a + 0.5, 0, 1)"},
            {"1 / (1 + np.exp(-a))": "np.clip(a / 6 + 0.5, 0, 1)"},
        ),
        "gates_squashed_twice": Mistake(
            """The gates go through the logistic function twice. Once is enough.
            """,
            {"1 / (1 + np.exp(-a))": "1 / (1 + np.exp(-1 / (1 + np.exp(-a))))"},
        ),
        "half_forgotten_in_tanh": Mistake(
            """The gates are (1 + tanh(a)) / 2, which is sigmoid(2 * a). It takes tanh(a / 2).""",
            {"1 / (1 + np.exp(-a))": "(1 + np.tanh(a)) / 2"},
        ),
        "pre_activations_clipped": Mistake(
            """Something is clipped that is not clipped in the equations: large pre-activations.

            Likely against an overflow. 1 / (1 + exp(-a)) needs no help: it goes to 0 and 1.
            """,
            {"x @ W.T + h @ U.T + b, 4": "np.clip(x @ W.T + h @ U.T + b, -10, 10), 4"},
            {"np.exp(-a)": "np.exp(-np.clip(a, -10, 10))"},
        ),
        "gates_through_tanh": Mistake(
            """The gates go through tanh. A gate at -1 would turn the sign of the state; a gate only
            opens and shuts.
            """,
            {"1 / (1 + np.exp(-a))": "np.tanh(a)"},
        ),
        "output_gate_through_tanh": Mistake(
            """The output gate goes through tanh, as it stands in print in a paper of 2015.

            It is a gate like i and f.
            """,
            {"sigmoid(o)": "np.tanh(o)"},
        ),
        "sign_in_logistic": Mistake(
            """The gates are the wrong way round: the minus in 1 / (1 + exp(-a)) is missing.""",
            {"np.exp(-a)": "np.exp(a)"},
        ),
        "state_in_place_of_output": Mistake(
            """The gates see c where they should see h: `h @ U.T`, what the cell showed.

            Gates that see c have peepholes. That is a variant, and the next chapter has it.
            """,
            {"h @ U.T": "c @ U.T"},
        ),
        "output_carried": Mistake(
            """The forget gate multiplies h. What is carried on is the state: f * c + i * g.""",
            {"sigmoid(f) * c": "sigmoid(f) * h"},
        ),
        "output_not_seen": Mistake(
            """The term with U is missing: the gates see x and the bias only.

            They see what the cells showed as well.
            """,
            {" + h @ U.T": ""},
        ),
        "input_not_seen": Mistake(
            """The term with W is missing: nothing of the input, `x @ W.T`, gets in.""",
            {"x @ W.T + ": ""},
        ),
        "bias_not_seen": Mistake(
            """The bias is missing. It is added to x @ W.T + h @ U.T.""",
            {" + b, 4": ", 4"},
        ),
        "bias_counted_twice": Mistake(
            """The bias is added twice, with x @ W.T and with h @ U.T.

            torch has two vectors, which are added; here b is their sum.
            """,
            {" + b, 4": " + 2 * b, 4"},
        ),
        "one_bias_for_gates": Mistake(
            """The gates share the bias of the output gate. Each has rows of its own in b.""",
            """
            _, _, b_g, b_o = np.split(b, 4)
            return solution(x, h, c, W, U, np.concatenate([b_o, b_o, b_g, b_o]), running)
            """,
        ),
        "writes_into_cell": Mistake(
            """The new state is written into the caller's own c, and the old one is lost.

            The backward pass needs c as it was before the step. `c = f * c + i * g` makes a new
            array; `c *= f` and `c[:] = ...` do not.
            """,
            """
            i, f, g, o = np.split(x @ W.T + h @ U.T + b, 4, axis=1)
            i, f, o = (1 / (1 + np.exp(-a)) for a in (i, f, o))
            on = running[:, None]
            c[:] = np.where(on, f * c + i * np.tanh(g), c)
            return np.where(on, o * np.tanh(c), h), c
            """,
        ),
    },
)
