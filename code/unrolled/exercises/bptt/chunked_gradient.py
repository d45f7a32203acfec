"""The exercise ``bptt.chunked_gradient``."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

import numpy as np

from unrolled.core.validate import Array
from unrolled.exercises._drawing import numbers
from unrolled.exercises.bptt._elman import backward, states_of, unclipped, unscaled
from unrolled.exercises.grading import Exercise, Mistake

Arrays = tuple[Array, ...]


def chunked_gradient(
    dh: Array, x: Array, W: Array, U: Array, b: Array, length: int
) -> tuple[Array, Array, Array]:
    """Return (dW, dU, db), summed over chunks that no derivative crosses.

    x is (T, B, I) and dh is (T, B, H): x_t is x[t - 1], and dh[t - 1] is
    what the loss itself says of h_t. The state goes on from chunk to chunk.
    """
    dW, dU, db = np.zeros_like(W), np.zeros_like(U), np.zeros_like(b)
    h = np.zeros((x.shape[1], len(b)))
    for start in range(0, len(x), length):
        chunk = slice(start, start + length)
        states = [h]
        for x_t in x[chunk]:
            states.append(np.tanh(x_t @ W.T + states[-1] @ U.T + b))
        parts = backward(dh[chunk], x[chunk], np.stack(states), W, U)
        dW += parts[0]
        dU += parts[1]
        db += parts[2]  # parts[3], for the first state, is dropped: this is the cut
        h = states[-1]  # and this carries the state on
    return dW, dU, db


def _chunked_in_one_sweep(dh: Array, x: Array, W: Array, U: Array, b: Array, length: int) -> Arrays:
    h = np.zeros((len(x) + 1, x.shape[1], len(U)))
    for t in range(len(x)):
        h[t + 1] = np.tanh(x[t] @ W.T + h[t] @ U.T + b)
    da, carried = np.zeros_like(dh), np.zeros_like(h[0])
    for t in reversed(range(len(x))):
        if (t + 1) % length == 0:
            carried = np.zeros_like(h[0])
        da[t] = (dh[t] + carried) * (1 - h[t + 1] ** 2)
        carried = da[t] @ U
    product = "tbi,tbj->ij"
    return np.einsum(product, da, x), np.einsum(product, da, h[:-1]), da.sum(axis=(0, 1))


def _chunked_torch(dh: Array, x: Array, W: Array, U: Array, b: Array, length: int) -> Any:
    import torch

    weights = [torch.from_numpy(each).requires_grad_() for each in (W, U, b)]
    h = torch.zeros(x.shape[1], len(b), dtype=torch.float64)
    loss = torch.zeros((), dtype=torch.float64)
    for t, (dh_t, x_t) in enumerate(zip(torch.from_numpy(dh), torch.from_numpy(x), strict=True)):
        if t % length == 0:
            h = h.detach()
        h = torch.tanh(x_t @ weights[0].T + h @ weights[1].T + weights[2])
        loss = loss + (dh_t * h).sum()
    return torch.autograd.grad(loss, weights)


_TORCH = """
weights = [torch.tensor(each, requires_grad=True) for each in (W, U, b)]
loss, h = 0, torch.zeros(x.shape[1], len(b), dtype=torch.float64)
for t in range(len(x)):
    if t % length == 0:
        h = h.detach()
    h = torch.tanh(torch.tensor(x[t]) @ weights[0].T + h @ weights[1].T + weights[2])
    loss = loss + (torch.tensor(dh[t]) * h).sum()
return torch.autograd.grad(loss, weights)
"""
_DETACHED = "    if t % length == 0:\n        h = h.detach()\n"


def _in_torch(edits: dict[str, str]) -> str:
    """Write what a learner of torch writes, with a slip in it."""
    body = _TORCH
    for right, wrong in edits.items():
        assert body.count(right) == 1, right
        body = body.replace(right, wrong)
    return body


def _cut_at(
    cuts: Iterable[int], dh: Array, x: Array, W: Array, U: Array, b: Array
) -> tuple[Array, ...]:
    """Sum the gradients of the pieces between the cuts, with the states as they are."""
    h = states_of(x, np.zeros((x.shape[1], len(b))), W, U, b)
    parts = [
        backward(dh[start:end], x[start:end], h[start : end + 1], W, U)[:3]
        for start, end in itertools.pairwise(sorted({0, len(x), *cuts}))
    ]
    return tuple(map(sum, zip(*parts, strict=True)))  # type: ignore[arg-type]


_rng = np.random.default_rng(0)


def _case(*sizes: int, length: int, error: float = 1.0, weights: float = 1.0) -> tuple[Any, ...]:
    """Draw a sequence and its errors, which `error` scales."""
    T, B, I, H = sizes  # noqa: E741
    shapes = ((T, B, H), (T, B, I), (H, I), (H, H), (H,))
    dh, x, W, U, b = (numbers(_rng, *shape) for shape in shapes)
    return error * dh, x, weights * W, weights * U, b, length


def _saturated() -> tuple[Any, ...]:
    """The first unit sees 800 and more; some inputs and the last bias are 0."""
    dh, x, W, U, b, length = _case(6, 2, 3, 4, length=2)
    W[0], b[3], x[1:3, 0] = (900, -800, 850), 0, 0
    return dh, np.round(x), W, U, b, length


_STEPS = "x and dh have as many steps"
_UNITS = "W, U and b have as many rows, one for each unit"

EXERCISE = Exercise(
    chunked_gradient,
    cases=[
        _case(5, 1, 1, 2, length=2),
        _case(7, 2, 4, 3, length=3),
        _case(7, 2, 4, 3, length=3),
        _case(6, 3, 2, 4, length=2),
        _case(3, 2, 1, 4, length=1),
        _case(4, 2, 1, 3, length=9),
        _case(4, 3, 2, 1, length=4),
        _case(1, 2, 3, 4, length=2),
        _case(35, 1, 2, 3, length=8, weights=0.7),
        _case(34, 2, 3, 1, length=33, weights=0.7),
        _case(7, 3, 2, 4, length=3, error=1e6),
        _case(5, 2, 4, 3, length=3, error=1e-6),
        _saturated(),
    ],
    alternatives=[_chunked_in_one_sweep, _chunked_torch],
    parts=("dW", "dU", "db"),
    properties=[unclipped(chunked_gradient), unscaled(chunked_gradient)],
    equivalent={
        "for start in range(0, len(x), length): -> for start in range(0, len(dh), length):": (
            _STEPS
        ),
        "h = np.zeros((x.shape[1], len(b))) -> h = np.zeros((x.shape[1], len(W)))": _UNITS,
        "h = np.zeros((x.shape[1], len(b))) -> h = np.zeros((x.shape[1], len(U)))": _UNITS,
        "h = np.zeros((x.shape[1], len(b))) -> h = np.zeros((dh.shape[1], len(b)))": (
            "both have a column for each sequence"
        ),
    },
    mistakes={
        "state_reset": Mistake(
            """The state is forgotten between the chunks: each starts again from 0.

            Only the derivative is cut. The value goes on: with autograd, `h = h.detach()`, and
            not `h = torch.zeros_like(h)`; in NumPy, begin the next chunk with the last state of
            this one.
            """,
            {"h = states[-1]": "h = np.zeros_like(h)"},
            _in_torch({"h.detach()": "torch.zeros_like(h)"}),
        ),
        "never_cut": Mistake(
            """This is the whole gradient: nothing is cut.

            Where a chunk begins, what would go back to the state before it must be dropped.
            With autograd, `h = h.detach()` there, before the state is used; `h.detach()` alone
            changes nothing.
            """,
            "return _cut_at([], dh, x, W, U, b)",
            _in_torch({"h = h.detach()": "h.detach()"}),
        ),
        "cut_at_every_step": Mistake(
            """The gradient is cut at every step, inside the chunks, too: nothing is carried back
            at all.

            Likely: the detach stands in the loop over the steps. It belongs between the chunks:
            inside a chunk, derivatives go back from step to step.
            """,
            {"range(0, len(x), length)": "range(len(x))", "start + length": "start + 1"},
            _in_torch({"h @ weights": "h.detach() @ weights"}),
        ),
        "cut_too_early": Mistake(
            """The cuts come one step early: the first chunk has length - 1 steps.

            The first cut lies after step `length`, between h_length and the step that uses it.
            Counting the steps from 0, that is before step t whenever t % length == 0.
            """,
            _in_torch({"t % length": "(t + 1) % length"}),
            "return _cut_at(range(length - 1, len(x), length), dh, x, W, U, b)",
        ),
        "cut_too_late": Mistake(
            """The cuts come one step late: the first chunk has length + 1 steps.

            The first cut lies after step `length`: detach before the step that begins the new
            chunk, not after it. Counting the steps from 0, that is before step t whenever t %
            length == 0.
            """,
            _in_torch(
                {
                    _DETACHED: "",
                    "* h).sum()\n": f"* h).sum()\n{_DETACHED}",
                    "if t %": "if t and t %",
                }
            ),
            _in_torch({"t % length == 0": "t % length == 1"}),
        ),
        "cut_after_the_first": Mistake(
            """The cuts come one step late, and there is one more, after the first step.

            Likely: the state is cut *after* step t, counted from 0, whenever t % length == 0. So
            the step that begins a chunk is cut off from the rest of it. Cut before that step.
            """,
            _in_torch({_DETACHED: "", "* h).sum()\n": f"* h).sum()\n{_DETACHED}"}),
        ),
        "detached_before_its_loss": Mistake(
            """The last error of each chunk is lost.

            Likely: the state is detached before the loss has used it. A detached state is a
            constant, and a loss made of it says nothing of the weights. Let the loss use it
            first, then detach it for the next chunk.
            """,
            _in_torch(
                {
                    _DETACHED: "",
                    "    loss = loss": f"{_DETACHED}    loss = loss",
                    "if t %": "if (t + 1) %",
                }
            ),
        ),
        "cut_from_the_end": Mistake(
            """The chunks are counted from the end, so that the first is the short one.

            Cut from the first step on: the last chunk takes what is left. On the way back, the
            steps since the end are not what tells where a cut is; the step's own number is.
            """,
            "return _cut_at(range(len(x) % length, len(x), length), dh, x, W, U, b)",
        ),
        "length_counts_chunks": Mistake(
            """The sequence is cut into `length` chunks. It should be chunks of `length` steps.

            That is the difference between `np.array_split`, which takes how many parts there
            are, and torch's `split`, which takes how long one is.
            """,
            {
                "start in range(0, len(x), length)": "i in range(length)",
                "slice(start, start + length)": "np.array_split(np.arange(len(x)), length)[i]",
            },
        ),
        "last_chunk_only": Mistake(
            """Only the last chunk is in the result. The gradients of all chunks are to be added
            up.

            Likely: `=` took the place of `+=`, or the sums (with autograd, the loss) are set to
            zero inside the loop.
            """,
            {"dW +=": "dW =", "dU +=": "dU =", "db +=": "db ="},
            _in_torch({"h = h.detach()": "h, loss = h.detach(), 0"}),
        ),
        "rest_dropped": Mistake(
            """The last chunk is left out when it is shorter than the others.

            `len(x) // length` counts the whole chunks only. Slices need no care here: they end
            where the array does, so `range(0, len(x), length)` gives the start of every chunk.
            """,
            {"len(x), length)": "len(x) - length + 1, length)"},
        ),
        "last_chunk_dropped": Mistake(
            """The last chunk is left out.

            Likely: a loop that ends too soon, as `range(0, len(x) - length, length)` does. Slices
            need no care here: they end where the array does.
            """,
            {"len(x), length)": "len(x) - length, length)"},
        ),
        "chunks_overlap": Mistake(
            """The chunks overlap: each goes one step too far, and the next does that step again.

            A slice ends before its stop: `x[start : start + length]` has `length` steps.
            """,
            {"start + length": "start + length + 1"},
        ),
        "state_one_early": Mistake(
            """The chunks start from the wrong state: the last but one of the chunk before.

            With the first state of the chunk in the list, too, there are length + 1 states, and
            the next chunk goes on from the last of them, `states[-1]`.
            """,
            {"h = states[-1]": "h = states[-2]"},
        ),
        "one_error_a_chunk": Mistake(
            """What the loss says is used at the last step of each chunk only.

            Every step has its own part in the loss, dh[t - 1], inside the chunks as well.
            """,
            {
                "dh[chunk]": "outside",
                "        parts": (
                    "        outside = np.zeros_like(dh[chunk])\n"
                    "        outside[-1] = dh[chunk][-1]\n"
                    "        parts"
                ),
            },
            _in_torch(
                {"    loss =": "    if (t + 1) % length == 0 or t + 1 == len(x):\n        loss ="}
            ),
        ),
        "mean_of_chunks": Mistake(
            """This is the mean over the chunks. They should be summed, as the steps inside them
            are.
            """,
            {"return dW, dU, db": "n = -(-len(x) // length); return dW / n, dU / n, db / n"},
        ),
        "first_state_ignored": Mistake(
            """`dU` misses the first step of each chunk: there h_{t-1} was taken as 0.

            The state that comes from the chunk before is a constant, and it still has a value:
            U multiplies it, so it is a factor in the derivative of U. No derivative *of* it is
            taken, that is all.
            """,
            {"np.stack(states)": "np.stack([0 * h, *states[1:]])"},
        ),
        "time_and_batch_swapped": Mistake(
            """Time and batch are swapped: this goes along the sequences as if they were steps.

            The arrays are time-major, (T, B, I): `x[t]` holds one step of all sequences, and
            `x.shape[1]` is the number of sequences.
            """,
            "return solution(dh.swapaxes(0, 1), x.swapaxes(0, 1), W, U, b, length)",
        ),
        "each_error_full_length": Mistake(
            """Here every error goes back `length` steps. In chunks, it goes to the beginning of
            its chunk.

            What you have is BPTT(length), a backward pass at every step. Chunks are cheaper,
            and an error reaches from 1 to `length` steps, by its place in its chunk.
            """,
            """
            h = states_of(x, np.zeros((x.shape[1], len(b))), W, U, b)
            dW, dU, db = 0 * W, 0 * U, 0 * b
            for t in range(len(x)):
                later = dh[t]
                for s in range(t, max(t - length, -1), -1):
                    da = later * (1 - h[s + 1] ** 2)
                    dW += da.T @ x[s]
                    dU += da.T @ h[s]
                    db += da.sum(axis=0)
                    later = da @ U
            return dW, dU, db
            """,
        ),
        "never_zeroed": Mistake(
            """What is carried back is not set to zero between the chunks: what the first step of
            one says of the state before it comes to the last step of the next.

            A chunk's way back begins with nothing from later: that is the cut. Set it to zero
            for each chunk.
            """,
            """
            h, later = np.zeros((x.shape[1], len(b))), 0
            dW, dU, db = 0 * W, 0 * U, 0 * b
            for start in range(0, len(x), length):
                states = states_of(x[start : start + length], h, W, U, b)
                for t in reversed(range(len(states) - 1)):
                    da = (dh[start + t] + later) * (1 - states[t + 1] ** 2)
                    dW += da.T @ x[start + t]
                    dU += da.T @ states[t]
                    db += da.sum(axis=0)
                    later = da @ U
                h = states[-1]
            return dW, dU, db
            """,
        ),
    },
)
