"""Steps of an LSTM, right and wrong, for the test of ``lstm.catches_broken_lstm`` to judge."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from unrolled.core.validate import Array
from unrolled.exercises._gates import sigmoid
from unrolled.exercises.grading import edited
from unrolled.exercises.lstm._other_steps import step_by_gate

Pair = tuple[Array, Array]
Step = Callable[[Array, Array, Array, Array, Array, Array], Pair]


def plain_step(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """Does what the equations say."""
    i, f, g, o = np.split(x @ W.T + h @ U.T + b, 4, axis=1)
    c_new = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c_new), c_new


def one_gate_after_the_other(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """Computes one gate after the other, and the logistic function by tanh."""
    return step_by_gate(x, h, c, W, U, b)


def joins_input_and_state(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """Joins x and h, and W and U, and takes one product."""
    both, weights = np.concatenate([x, h], axis=1), np.concatenate([W, U], axis=1)
    return plain_step(both, np.zeros_like(h), c, weights, U, b)


def works_in_place(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """Works in place on copies of its own, the first of them Fortran's way round."""
    c, a = np.asfortranarray(c.copy()), x @ W.T
    a += h @ U.T
    a += b
    i, f, g, o = np.split(a, 4, axis=1)
    c *= sigmoid(f)
    c += sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def _bug(says: str, edits: dict[str, str]) -> Step:
    return edited(plain_step, edits, says)


_A = "x @ W.T + h @ U.T + b"
_NEW = "sigmoid(f) * c + sigmoid(i) * np.tanh(g)"
_SHARP = "np.clip(0.2 * {} + 0.5, 0, 1)"  # three straight lines

reads_ifog = _bug("Reads the rows in the order i, f, o, g.", {"i, f, g, o": "i, f, o, g"})
swaps_gates = _bug(
    "Takes the input gate for the forget gate, and the other way round.",
    {"i, f, g, o": "f, i, g, o"},
)
forgets_late = _bug(
    "Multiplies what is new by the forget gate as well: c_new is f * (c + i * g).",
    {_NEW: "sigmoid(f) * (c + sigmoid(i) * np.tanh(g))"},
)
shows_raw = _bug("Shows c_new without its tanh: h_new is o * c_new.", {"np.tanh(c_new)": "c_new"})
swaps_results = _bug(
    "Returns c_new first.",
    {"sigmoid(o) * np.tanh(c_new), c_new": "c_new, sigmoid(o) * np.tanh(c_new)"},
)


def _takes_turns(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """Takes every fourth row for a gate, where its rows stand together."""
    by_turns = np.argsort(np.arange(len(b)) % 4, kind="stable")
    return plain_step(x, h, c, W[by_turns], U[by_turns], b[by_turns])


def _turns_blocks(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """Takes the transpose of each gate's block of U."""
    return plain_step(x, h, c, W, np.concatenate([block.T for block in np.split(U, 4)]), b)


def _shares_a_bias(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """Adds the output gate's bias to all three gates."""
    _, _, b_g, b_o = np.split(b, 4)
    return plain_step(x, h, c, W, U, np.concatenate([b_o, b_o, b_g, b_o]))


def _exchanges_biases(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """Adds the bias of the input gate to the forget gate, and the other way round."""
    b_i, b_f, b_g, b_o = np.split(b, 4)
    return plain_step(x, h, c, W, U, np.concatenate([b_f, b_i, b_g, b_o]))


def _first_bias_for_a_gate(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """Adds the bias of a gate's first unit to all units of the gate."""
    return plain_step(x, h, c, W, U, np.repeat(b[:: h.shape[1]], h.shape[1]))


def _first_sequence_for_all(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """Takes the gates of the first sequence for the whole batch."""
    h_first = np.broadcast_to(h[:1], h.shape)
    return plain_step(np.broadcast_to(x[:1], x.shape), h_first, c, W, U, b)


def _sees_and_shows_nothing(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """Returns the states as they were."""
    return h.copy(), c.copy()


BUGGY = [
    reads_ifog,
    swaps_gates,
    forgets_late,
    shows_raw,
    _takes_turns,
    _turns_blocks,
    _shares_a_bias,
    _exchanges_biases,
    _first_bias_for_a_gate,
    _first_sequence_for_all,
    _sees_and_shows_nothing,
    *(
        _bug(says, edits)
        for says, edits in {
            "Shows the state from before the step: h_new is o * tanh(c).": {
                "np.tanh(c_new)": "np.tanh(c)"
            },
            "Reads the rows in the order i, o, f, g.": {"i, f, g, o": "i, o, f, g"},
            "Takes the output gate for the forget gate, and the other way round.": {
                "i, f, g, o": "i, o, g, f"
            },
            "Carries on h in place of c: c_new is f * h + i * g.": {
                "sigmoid(f) * c": "sigmoid(f) * h"
            },
            "Lets the gates see c where they should see h.": {"h @ U.T": "c @ U.T"},
            "Does not squash the candidate.": {"np.tanh(g)": "g"},
            "Leaves out the term with U and h.": {_A: "x @ W.T + b"},
            "Leaves out the term with W and x.": {_A: "h @ U.T + b"},
            "Leaves out the bias.": {_A: "x @ W.T + h @ U.T"},
            "Has no forget gate: c_new is c + i * g.": {"sigmoid(f) * ": ""},
            "Takes 1 - i for the forget gate.": {"sigmoid(f)": "(1 - sigmoid(i))"},
            "Turns the sign of h_new.": {"return sigmoid": "return -sigmoid"},
            "Takes W for U, and U for W.": {_A: "x @ U.T + h @ W.T + b"},
            "Leaves out the candidate: c_new is f * c + i.": {" * np.tanh(g)": ""},
            "Takes the input gate away: c_new is f * c - i.": {
                "+ sigmoid(i) * np.tanh(g)": "- sigmoid(i)"
            },
            "Adds the input gate to the candidate where it should multiply: f * c + i + g.": {
                "sigmoid(i) * ": "sigmoid(i) + "
            },
            "Returns tanh(c_new) in place of c_new; h_new is right.": {
                "np.tanh(c_new), c_new": "np.tanh(c_new), np.tanh(c_new)"
            },
            "Squashes the candidate with the logistic function.": {"np.tanh(g)": "sigmoid(g)"},
            "Takes three straight lines for the logistic function, 0.2 * a + 0.5 from 0 to 1.": {
                f"sigmoid({gate})": _SHARP.format(gate) for gate in "ifo"
            },
            "Has one output gate for all units, that of the first.": {
                "sigmoid(o)": "sigmoid(o[:, :1])"
            },
            "Returns the units of h_new in the opposite order.": {
                "np.tanh(c_new), c_new": "np.tanh(c_new))[:, ::-1], c_new",
                "return sigmoid": "return (sigmoid",
            },
        }.items()
    ),
]

RIGHT = [plain_step, one_gate_after_the_other, joins_input_and_state, works_in_place]
