"""The exercise ``rnn.run_padded``."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from unrolled.core.validate import Array
from unrolled.exercises._drawing import numbers
from unrolled.exercises.grading import Exercise, Mistake

Lengths = NDArray[np.int64]

_rng = np.random.default_rng(0)


def run_padded(
    x: Array, lengths: Lengths, h: Array, W: Array, U: Array, b: Array
) -> tuple[Array, Array]:
    """Run Elman's network along a padded batch.

    x has shape (T, B, I), h, the state before the first step, (B, H).
    lengths holds B whole numbers from 1 to T. Return (output, last), of
    shapes (T, B, H) and (B, H).
    """
    output = np.zeros((len(x), *h.shape))
    for t, x_t in enumerate(x):
        running = (t < lengths)[:, None]
        h = np.where(running, np.tanh(x_t @ W.T + h @ U.T + b), h)
        output[t] = np.where(running, h, 0)
    return output, h


def _each_alone(x: Array, lengths: Lengths, h: Array, W: Array, U: Array, b: Array) -> Any:
    output, last = np.zeros((len(x), *h.shape)), np.array(h)
    for k, steps in enumerate(lengths):
        for t in range(steps):
            last[k] = np.tanh(W @ x[t, k] + U @ last[k] + b)
            output[t, k] = last[k]
    return output, last


def _picked_at_the_end(x: Array, lengths: Lengths, h: Array, W: Array, U: Array, b: Array) -> Any:
    """Run on over the padding, then take what is real."""
    states = []
    for x_t in x:
        h = np.tanh(np.einsum("bi,hi->bh", x_t, W) + np.einsum("bj,hj->bh", h, U) + b)
        states.append(h)
    output = np.array(states)
    last = output[lengths - 1, np.arange(len(lengths))]
    output[np.arange(len(x))[:, None] >= lengths] = 0
    return output, last


def _torch(x: Array, lengths: Lengths, h: Array, W: Array, U: Array, b: Array) -> Any:
    import torch

    inputs, state, w, u, bias = (torch.as_tensor(each) for each in (x, h, W, U, b))
    ends, states = torch.as_tensor(lengths)[:, None], []
    for t, p in enumerate(inputs @ w.T + bias):
        state = torch.where(t < ends, torch.tanh(p + state @ u.T), state)
        states.append(torch.where(t < ends, state, 0))
    return torch.stack(states), state


def _case(
    lengths: list[int],
    steps: int,
    inputs: int,
    hidden: int,
    padding: float | None = None,
    scale: float = 1.0,
) -> tuple[Any, ...]:
    ends = np.array(lengths)
    x = numbers(_rng, steps, len(ends), inputs, scale=scale)
    if padding is not None:
        x = np.where((np.arange(steps)[:, None] < ends)[..., None], x, padding)
    shapes = (len(ends), hidden), (hidden, inputs), (hidden, hidden), (hidden,)
    return x, ends, *(numbers(_rng, *shape) for shape in shapes)


def _not_a_number_inside(*sizes: Any) -> tuple[Any, ...]:
    """Return a case in which the first sequence's second step is not a number."""
    x, *others = _case(*sizes)
    x[1, 0] = np.nan
    return x, *others


_STEP = "np.tanh(x_t @ W.T + h @ U.T + b)"
_HELD = f"np.where(running, {_STEP}, h)"

EXERCISE = Exercise(
    run_padded,
    cases=[
        _case([3, 1], 3, 1, 2),
        _case([1, 3], 3, 1, 2),
        _case([2, 1, 3], 3, 1, 2),
        _case([1, 2], 3, 2, 2),  # nothing runs to the end
        _case([2, 3], 3, 2, 3, padding=np.nan),
        _case([3], 3, 1, 1),
        _case([1], 1, 2, 3),
        _case([4, 1, 3, 2], 4, 3, 5, padding=1e3),
        _case([5, 2, 4], 6, 4, 4, padding=np.nan),
        _case([30, 7], 33, 2, 3),
        _not_a_number_inside([2, 1], 3, 1, 2),
        _case([2, 1], 2, 1, 2, scale=1e4),
    ],
    parts=("output", "last"),
    alternatives=[_each_alone, _picked_at_the_end, _torch],
    equivalent={},
    mistakes={
        "padding_is_read": Mistake(
            """A state goes on changing after its sequence's end: `last` is the state after all T
            steps, padding included.

            Where `t < lengths[b]` take the new state, else keep the old.
            """,
            {_HELD: _STEP},
        ),
        "last_row_for_last": Mistake(
            """`last` is `output[-1]` here, and that is zero for a sequence that ended before.

            Asked for is each sequence's state after its *own* last step.
            """,
            {"return output, h": "return output, output[-1]"},
        ),
        "state_repeated": Mistake(
            """After a sequence's end its last state stands in `output`. Zero should be there.""",
            {"np.where(running, h, 0)": "h"},
        ),
        "padding_not_zeroed": Mistake(
            """`last` is right. But `output` holds, after a sequence's end, what the network makes
            of the padding. Zero should stand there.
            """,
            """
            _, last = solution(x, lengths, h, W, U, b)
            everywhere = np.full(len(lengths), len(x))
            output, _ = solution(x, everywhere, h, W, U, b)
            return output, last
            """,
        ),
        "multiplied_by_the_mask": Mistake(
            """The padding is multiplied by 0, and 0 * NaN is NaN: what it holds still counts.

            Choose with `np.where`.
            """,
            {_HELD: f"running * {_STEP} + (1 - running) * h"},
            {"np.where(running, h, 0)": f"running * {_STEP}"},
            f"""
            output = np.zeros((len(x), *h.shape))
            for t, x_t in enumerate(x):
                running = (t < lengths)[:, None]
                new = {_STEP}
                h = running * new + (1 - running) * h
                output[t] = running * new
            return output, h
            """,
        ),
        "lengths_not_asked": Mistake(
            """`lengths` is not asked: the padding is read, or guessed from what it holds. It may
            hold anything, and a real step may hold zeros.

            Where `t < lengths[b]` take the new state, else keep the old.
            """,
            {"(t < lengths)[:, None]": "np.full((len(h), 1), True)"},
            {"(t < lengths)[:, None]": "(x_t != 0).any(1)[:, None]"},
            {"(t < lengths)[:, None]": "~np.isnan(x_t).any(1)[:, None]"},
        ),
        "not_a_number_wiped": Mistake(
            """A not-a-number inside a sequence is taken for zero. There it is an input like any
            other, and its state must show it; the padding alone must have no effect.
            """,
            "return solution(np.nan_to_num(x), lengths, h, W, U, b)",
        ),
        "tanh_overflows": Mistake(
            """The tanh is written with exponentials, which overflow where its argument is large:
            infinity over infinity is not a number. `np.tanh` is right everywhere.
            """,
            {_STEP: "(lambda e: (e - 1) / (e + 1))(np.exp(2 * (x_t @ W.T + h @ U.T + b)))"},
        ),
        "first_row_for_all": Mistake(
            """Every sequence begins with the first row of h. Each has a row of its own.""",
            "return solution(x, lengths, np.repeat(h[:1], len(h), axis=0), W, U, b)",
        ),
        "begins_with_zeros": Mistake(
            """The state that was given is not used: every sequence begins with zeros.

            Whoever carries a state from piece to piece would lose it here.
            """,
            "return solution(x, lengths, np.zeros_like(h), W, U, b)",
        ),
        "no_memory": Mistake(
            """Each step reads its input and not the state of the step before.

            The new state is tanh(W x + U h + b), with h from the step before.
            """,
            {" + h @ U.T": ""},
        ),
        "first_state_at_every_step": Mistake(
            """Every step starts from the state that was given. Each must start from what the step
            before has left.
            """,
            {f"h = {_HELD}": f"new = {_STEP}", "np.where(running, h, 0)": "running * new"},
            """
            new = np.tanh(x @ W.T + h @ U.T + b)
            inside = np.arange(len(x))[:, None] < lengths
            last = new[lengths - 1, np.arange(len(lengths))]
            return np.where(inside[..., None], new, 0), last
            """,
        ),
        "U_turned_round": Mistake(
            """U is turned round. Its entry U[j, i] leads from unit i to unit j; for states that
            stand in rows, that is `h @ U.T`.
            """,
            {"h @ U.T": "h @ U"},
        ),
        "bias_forgotten": Mistake(
            """The bias b is not added. It counts at every step, whatever is read.""",
            {" + b)": ")"},
        ),
        "tanh_forgotten": Mistake(
            """This is the network without its tanh: the state grows as no tanh could let it.""",
            {"np.tanh(": "("},
        ),
        "input_outside_the_tanh": Mistake(
            """The tanh is taken of a part of the sum only. It is taken of all: W x + U h + b.""",
            {_STEP: "x_t @ W.T + b + np.tanh(h @ U.T)"},
            {_STEP: "x_t @ W.T + np.tanh(h @ U.T + b)"},
        ),
        "states_before_the_steps": Mistake(
            """`output` is one step late: at step t stands the state with which the step began.

            Store the state after it has been made anew.
            """,
            """
            output, last = solution(x, lengths, h, W, U, b)
            before = np.concatenate([h[None], output[:-1]])
            inside = np.arange(len(x))[:, None, None] < lengths[:, None]
            return np.where(inside, before, 0), last
            """,
        ),
        "one_step_of_padding": Mistake(
            """Each sequence runs one step too far: `<=` should be `<`.

            Steps are counted from 0, so the real ones are t = 0, ..., lengths[b] - 1.
            """,
            {"t < lengths": "t <= lengths"},
        ),
        "last_step_lost": Mistake(
            """Each sequence's last real step is left out.

            Steps are counted from 0, and step lengths[b] - 1 is real: `t < lengths[b]`.
            """,
            {"t < lengths": "t < lengths - 1"},
        ),
        "one_length_for_all": Mistake(
            """One length is taken for all sequences: the shortest, the longest, the first or the
            last.

            Sequence b has lengths[b] steps of its own.
            """,
            *(
                f"return solution(x, np.full(len(lengths), {n}), h, W, U, b)"
                for n in ("lengths.min()", "lengths.max()", "lengths[0]", "lengths[-1]")
            ),
        ),
        "state_handed_over": Mistake(
            """A sequence begins with the last state of the one that stands before it in the batch.

            Separate sequences share weights and no state: each begins with its own row of h.
            """,
            """
            output, last, state = np.zeros((len(x), *h.shape)), np.zeros(h.shape), h[0]
            for k, steps in enumerate(lengths):
                for t in range(steps):
                    state = np.tanh(W @ x[t, k] + U @ state + b)
                    output[t, k] = state
                last[k] = state
            return output, last
            """,
        ),
        "batch_first": Mistake(
            """`output` has the batch first, (B, T, H). Time comes first: (T, B, H).""",
            {"return output, h": "return output.swapaxes(0, 1), h"},
        ),
        "output_alone": Mistake(
            """This returns one array. Asked for are two, `(output, last)`.""",
            {"return output, h": "return output"},
        ),
        "wrong_order": Mistake(
            """The two are returned the other way round: `(output, last)`, the states of all steps
            first.
            """,
            {"return output, h": "return h, output"},
        ),
    },
)
