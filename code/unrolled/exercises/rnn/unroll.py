"""The exercise ``rnn.unroll``."""

from __future__ import annotations

from typing import Any

import numpy as np

from unrolled.core.validate import Array
from unrolled.exercises._drawing import numbers
from unrolled.exercises.grading import Exercise, Mistake

_rng = np.random.default_rng(0)


def unroll(x: Array, h0: Array, W: Array, U: Array, b: Array) -> Array:
    """Run Elman's cell along a batch of sequences.

    x has shape (T, B, I): T steps of B sequences, I numbers each. h0 has shape (B, H),
    W (H, I), U (H, H) and b (H,). The first step reads x[0], the last x[T - 1]. Each
    makes, for every sequence, a new state: tanh(W x[t] + U h + b), where h is the state
    that the step before made, and h0 at the first. Return the T new states in order, as
    an array of shape (T, B, H).
    """
    h, states = h0, []
    for x_t in x:
        h = np.tanh(x_t @ W.T + h @ U.T + b)
        states.append(h)
    return np.array(states)


def _unroll_filled(x: Array, h0: Array, W: Array, U: Array, b: Array) -> Array:
    steps, batch = x.shape[:2]
    states = np.empty((steps, batch, len(U)))
    for t in range(steps):
        for sequence in range(batch):
            before = states[t - 1, sequence] if t else h0[sequence]
            states[t, sequence] = np.tanh(W @ x[t, sequence] + U @ before + b)
    return states


def _unroll_projected(x: Array, h0: Array, W: Array, U: Array, b: Array) -> Array:
    projected = np.einsum("tbi,hi->tbh", x, W) + b
    states = [h0]
    for p in projected:
        states.append(np.tanh(p + states[-1] @ U.T))
    return np.stack(states[1:])


def _unroll_torch(x: Array, h0: Array, W: Array, U: Array, b: Array) -> Any:
    import torch

    x_, h, W_, U_, b_ = (torch.as_tensor(each) for each in (x, h0, W, U, b))
    states = []
    for x_t in x_.unbind():
        h = torch.tanh(x_t @ W_.T + h @ U_.T + b_)
        states.append(h)
    return torch.stack(states)


def _first_step_is_a_perceptron(
    result: Array, x: Array, h0: Array, W: Array, U: Array, b: Array
) -> bool:
    """The first row of the result should be tanh(W x[0] + U h0 + b). Yours is not."""
    return np.allclose(result[0], np.tanh(x[0] @ W.T + h0 @ U.T + b), rtol=1e-4)


def _network(steps: int, batch: int, inputs: int, hidden: int) -> tuple[Array, ...]:
    return (
        numbers(_rng, steps, batch, inputs),
        numbers(_rng, batch, hidden),
        numbers(_rng, hidden, inputs),
        numbers(_rng, hidden, hidden),
        numbers(_rng, hidden),
    )


def _scaled(network: tuple[Array, ...], factor: float) -> tuple[Array, ...]:
    """Make the inputs huge, or tiny."""
    x, *rest = network
    return factor * x, *rest


EXERCISE = Exercise(
    unroll,
    cases=[
        _network(4, 2, 1, 3),
        _network(2, 2, 2, 2),
        _network(5, 3, 4, 2),
        _network(5, 3, 4, 2),
        _network(1, 1, 2, 3),
        _network(33, 2, 3, 4),
        tuple(0 * each for each in _network(3, 2, 1, 4)),
        _scaled(_network(3, 1, 2, 4), 1e3),
        _scaled(_network(6, 4, 3, 2), 1e-6),
    ],
    alternatives=[_unroll_filled, _unroll_projected, _unroll_torch],
    properties=[_first_step_is_a_perceptron],
    mistakes={
        "state_not_kept": Mistake(
            """The state is not carried on: every step starts again from h0.

            After `h = ...` the next step must use this h. That is all that makes the network
            recurrent.
            """,
            "return np.array([np.tanh(x_t @ W.T + h0 @ U.T + b) for x_t in x])",
            """
            out = np.zeros(x.shape[:2] + (len(b),))
            for t in range(len(x)):
                out[t] = np.tanh(x[t] @ W.T + h0 @ U.T + b)
            return out
            """,
        ),
        "no_recurrence": Mistake(
            """The state before is not used at all: U h is missing.

            That is a perceptron, applied to each step alone. It remembers nothing.
            """,
            "return np.tanh(x @ W.T + b)",
        ),
        "recurrent_weights_transposed": Mistake(
            """The recurrent weights are transposed: `h @ U` is U^T h, not U h.

            Row k of U holds the weights by which unit k receives. With one state a row of h, U
            h is written `h @ U.T`.
            """,
            {"h @ U.T": "h @ U"},
        ),
        "sequences_taken_for_columns": Mistake(
            """The rows of x[t] are the sequences. `W @ x[t]` takes its columns for them.

            W x, for each row x of a batch, is `x[t] @ W.T`, of shape (B, H). So is U h: `h @ U.T`.
            """,
            {"x_t @ W.T + h @ U.T": "W @ x_t + U @ h"},
            """
            h, states = h0, []
            for t in range(len(x)):
                h = np.tanh(W @ x[t] + U @ h + b[:, None])
                states.append(h)
            return np.array(states)
            """,
            """
            h, states = h0.T, []
            for t in range(len(x)):
                h = np.tanh(W @ x[t].T + U @ h + b[:, None])
                states.append(h)
            return np.array(states)
            """,
        ),
        "input_weights_transposed": Mistake(
            """The input weights are transposed: `x @ W` is W^T x, not W x.

            Row k of W holds the weights by which unit k receives. With one input a row of x, W
            x is written `x @ W.T`. Where I and H differ, this does not even run.
            """,
            {"x_t @ W.T": "x_t @ W"},
        ),
        "time_and_batch_swapped": Mistake(
            """Time and batch are swapped: the loop runs over the sequences, and state flows
            between them.

            The first axis of x is time. `for x_t in x` runs over it, and x_t has shape (B, I).
            Where T and B differ, this does not even run.
            """,
            "return solution(x.swapaxes(0, 1), h0, W, U, b).swapaxes(0, 1)",
            """
            h, out = h0, np.zeros(x.shape[:2] + (len(b),))
            for t in range(x.shape[1]):
                h = np.tanh(x[:, t] @ W.T + h @ U.T + b)
                out[:, t] = h
            return out
            """,
        ),
        "batch_comes_first": Mistake(
            """The result has the batch first, (B, T, H). Time comes first: (T, B, H).

            `np.stack(states)` and `np.array(states)` put the steps along axis 0.
            """,
            {"np.array(states)": "np.stack(states, axis=1)"},
            {"np.array(states)": "np.array(states).swapaxes(0, 1)"},
        ),
        "first_state_included": Mistake(
            """The initial state stands in front of the others: h0 was not asked for.

            Return the states that the T steps made, T of them.
            """,
            "return np.concatenate([h0[None], solution(x, h0, W, U, b)])",
            """
            out = [h0]
            for t in range(len(x)):
                out.append(np.tanh(x[t] @ W.T + out[-1] @ U.T + b))
            return np.array(out)
            """,
        ),
        "states_before_the_steps": Mistake(
            """These are the states before each step, from h0 on: each is stored too early.

            Compute the new state first, then store it.
            """,
            "return np.concatenate([h0[None], solution(x, h0, W, U, b)])[:-1]",
        ),
        "last_state_only": Mistake(
            """This is the last state only. The states after all steps were asked for.""",
            "return np.array(solution(x, h0, W, U, b)[-1])",
        ),
        "one_buffer_for_all": Mistake(
            """Every row holds the last state: one and the same array was stored at each step.

            `h[:] = ...` changes the array that was stored before, too. Make a new one each
            time, `h = np.tanh(...)`, or store `h.copy()`.
            """,
            """
            states = solution(x, h0, W, U, b)
            return np.array([states[-1]] * len(states))
            """,
            """
            h, out = h0.copy(), []
            for t in range(len(x)):
                h[:] = np.tanh(x[t] @ W.T + h @ U.T + b)
                out.append(h)
            return np.stack(out)
            """,
        ),
        "no_nonlinearity": Mistake(
            """The tanh is missing: this is a linear network.""",
            {"np.tanh(x_t @ W.T + h @ U.T + b)": "x_t @ W.T + h @ U.T + b"},
        ),
        "tanh_of_the_input_only": Mistake(
            """The tanh ends too early: U h belongs inside its brackets.

            All three terms are added first, then bent together. As it stands, the state can
            grow without bound.
            """,
            {"np.tanh(x_t @ W.T + h @ U.T + b)": "np.tanh(x_t @ W.T + b) + h @ U.T"},
        ),
        "no_bias": Mistake(
            """The bias b is missing: it is added at every step, inside the brackets of tanh.""",
            {"h @ U.T + b": "h @ U.T"},
        ),
        "starts_from_zero": Mistake(
            """This begins with a state of zeros. It should begin with h0.

            Zero is only what is usually given. Who calls with the last state of an earlier run
            wants to go on from there.
            """,
            {"h, states = h0, []": "h, states = np.zeros_like(h0), []"},
        ),
        "first_step_skipped": Mistake(
            """The first step is left out, and its row is still empty: arrays count from 0.

            The first step reads x[0] and makes the first row of the result, `range(len(x))`; it
            is only in the formulas of the chapter that the steps count from 1.
            """,
            """
            out = np.zeros(x.shape[:2] + (len(b),))
            h = h0
            for t in range(1, len(x)):
                h = np.tanh(x[t] @ W.T + h @ U.T + b)
                out[t] = h
            return out
            """,
        ),
        "runs_backwards": Mistake(
            """The loop runs from the last step to the first. Time runs forwards.""",
            "return solution(x[::-1], h0, W, U, b)[::-1]",
        ),
    },
)
