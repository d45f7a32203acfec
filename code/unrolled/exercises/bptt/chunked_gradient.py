"""The exercise ``bptt.chunked_gradient``."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

import numpy as np

from unrolled._validate import Array
from unrolled.exercises.bptt.backward import (
    STEPS,
    UNITS,
    backward,
    sequence_of,
    summed_of,
)
from unrolled.exercises.bptt.step_backward import states_of
from unrolled.exercises.grading import Exercise, Mistake

Arrays = tuple[Array, ...]


def chunked_gradient(
    dh: Array, x: Array, W: Array, U: Array, b: Array, length: int
) -> tuple[Array, Array, Array]:
    """Carry the state from chunk to chunk, and cut the gradient there.

    For t = 1, ..., T the state is h_t = tanh(W x_t + U h_{t-1} + b), from h_0 = 0.
    x has shape (T, B, I): x_t is x[t - 1]. From the first step on, the sequence is cut
    into chunks of `length` steps; the last chunk may be shorter. A chunk starts from
    the last state of the chunk before, but no derivative goes back across the cut:
    there, the state counts as a constant. dh has shape (T, B, H), and the loss is the
    sum of dh[t - 1] * h_t over all steps, sequences and units. Return its derivatives
    with respect to W (H, I), U (H, H) and b (H,), summed over all chunks: (dW, dU, db).
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
    return summed_of(da, x, h[:-1], U)[:3]


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


def _cut_at(cuts: Iterable[int], dh: Array, x: Array, h: Array, W: Array, U: Array) -> Arrays:
    """Sum the gradients of the pieces between the cuts, with the states as they are."""
    bounds = sorted({0, len(x), *cuts})
    parts = [
        backward(dh[start:end], x[start:end], h[start : end + 1], W, U)[:3]
        for start, end in itertools.pairwise(bounds)
    ]
    return tuple(map(sum, zip(*parts, strict=True)))  # type: ignore[arg-type]


def run(x: Array, W: Array, U: Array, b: Array) -> Array:
    return states_of(x, np.zeros((x.shape[1], len(U))), W, U, b)


def _chunked_case(T: int, B: int, I: int, H: int, length: int) -> tuple[Any, ...]:  # noqa: E741
    dh, x, _, W, U, b = sequence_of(T, B, I, H)
    return dh, x, W, U, b, length


EXERCISE = Exercise(
    chunked_gradient,
    cases=[
        _chunked_case(5, 1, 1, 2, 2),
        _chunked_case(7, 2, 4, 3, 3),
        _chunked_case(6, 3, 2, 4, 2),
        _chunked_case(3, 2, 1, 4, 1),
        _chunked_case(4, 2, 1, 3, 9),
    ],
    alternatives=[_chunked_in_one_sweep, _chunked_torch],
    parts=("dW", "dU", "db"),
    equivalent={
        "for start in range(0, len(x), length): -> for start in range(0, len(dh), length):": (
            STEPS
        ),
        "h = np.zeros((x.shape[1], len(b))) -> h = np.zeros((x.shape[1], len(W)))": UNITS,
        "h = np.zeros((x.shape[1], len(b))) -> h = np.zeros((x.shape[1], len(U)))": UNITS,
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
            """
            starts = range(0, len(x), length)
            parts = [
                solution(dh[s : s + length], x[s : s + length], W, U, b, length) for s in starts
            ]
            return tuple(map(sum, zip(*parts, strict=True)))  # type: ignore[arg-type]
            """,
            """
            weights = [torch.tensor(each, requires_grad=True) for each in (W, U, b)]
            loss = 0
            for t in range(len(x)):
                if t % length == 0:
                    h = torch.zeros(x.shape[1], len(b), dtype=torch.float64)
                h = torch.tanh(torch.tensor(x[t]) @ weights[0].T + h @ weights[1].T + weights[2])
                loss = loss + (torch.tensor(dh[t]) * h).sum()
            return torch.autograd.grad(loss, weights)
            """,
        ),
        "never_cut": Mistake(
            """This is the whole gradient: nothing is cut.

            Where a chunk begins, what would go back to the state before it must be dropped.
            With autograd, detach the state there, before it is used.
            """,
            "return _cut_at([], dh, x, run(x, W, U, b), W, U)",
            """
            weights = [torch.tensor(each, requires_grad=True) for each in (W, U, b)]
            loss, h = 0, torch.zeros(x.shape[1], len(b), dtype=torch.float64)
            for t in range(len(x)):
                if t % length == 0:
                    h.detach()
                h = torch.tanh(torch.tensor(x[t]) @ weights[0].T + h @ weights[1].T + weights[2])
                loss = loss + (torch.tensor(dh[t]) * h).sum()
            return torch.autograd.grad(loss, weights)
            """,
        ),
        "cut_at_every_step": Mistake(
            """The gradient is cut at every step, inside the chunks, too: nothing is carried back
            at all.

            The detach stands in the loop over the steps. It belongs between the chunks: inside
            a chunk, derivatives go back from step to step.
            """,
            "return _cut_at(range(len(x)), dh, x, run(x, W, U, b), W, U)",
            """
            weights = [torch.tensor(each, requires_grad=True) for each in (W, U, b)]
            loss, h = 0, torch.zeros(x.shape[1], len(b), dtype=torch.float64)
            for t in range(len(x)):
                h = torch.tanh(torch.tensor(x[t]) @ weights[0].T + h.detach() @ weights[1].T + weights[2])
                loss = loss + (torch.tensor(dh[t]) * h).sum()
            return torch.autograd.grad(loss, weights)
            """,
        ),
        "cut_too_early": Mistake(
            """The cuts come one step early: the first chunk has length - 1 steps.

            The first cut lies after step `length`, between h_length and the step that uses it.
            Counting the steps from 0, that is before step t whenever t % length == 0.
            """,
            "return _cut_at(range(length - 1, len(x), length), dh, x, run(x, W, U, b), W, U)",
        ),
        "cut_too_late": Mistake(
            """The cuts come one step late: the first chunk has length + 1 steps.

            The first cut lies after step `length`: detach before the step that begins the new
            chunk, not after it. Counting the steps from 0, that is before step t whenever t %
            length == 0.
            """,
            "return _cut_at(range(length + 1, len(x), length), dh, x, run(x, W, U, b), W, U)",
            """
            weights = [torch.tensor(each, requires_grad=True) for each in (W, U, b)]
            loss, h = 0, torch.zeros(x.shape[1], len(b), dtype=torch.float64)
            for t in range(len(x)):
                h = torch.tanh(torch.tensor(x[t]) @ weights[0].T + h @ weights[1].T + weights[2])
                loss = loss + (torch.tensor(dh[t]) * h).sum()
                if t and t % length == 0:
                    h = h.detach()
            return torch.autograd.grad(loss, weights)
            """,
        ),
        "cut_from_the_end": Mistake(
            """The chunks are counted from the end, so that the first is the short one.

            Cut from the first step on: the last chunk takes what is left. On the way back, the
            steps since the end are not what tells where a cut is; the step's own number is.
            """,
            """
            return _cut_at(range(len(x) % length, len(x), length), dh, x, run(x, W, U, b), W, U)
            """,
            """
            h = [np.zeros((x.shape[1], len(b)))]
            for x_t in x:
                h.append(np.tanh(x_t @ W.T + h[-1] @ U.T + b))
            dW, dU, db, later, since = np.zeros_like(W), np.zeros_like(U), np.zeros_like(b), 0, 0
            for t in reversed(range(len(x))):
                da = (dh[t] + later) * (1 - h[t + 1] ** 2)
                dW += da.T @ x[t]
                dU += da.T @ h[t]
                db += da.sum(axis=0)
                since += 1
                later = da @ U if since % length else 0
            return dW, dU, db
            """,
        ),
        "length_counts_chunks": Mistake(
            """The sequence is cut into `length` chunks. It should be chunks of `length` steps.

            That is the difference between `np.array_split`, which takes how many parts there
            are, and torch's `split`, which takes how long one is.
            """,
            """
            ends = np.cumsum([len(part) for part in np.array_split(np.arange(len(x)), length)])
            return _cut_at(ends.tolist(), dh, x, run(x, W, U, b), W, U)
            """,
        ),
        "last_chunk_only": Mistake(
            """Only the last chunk is in the result. The gradients of all chunks are to be added
            up.

            Did `=` take the place of `+=`, or were the sums set to zero inside the loop?
            """,
            """
            last = (len(x) - 1) // length * length
            return backward(dh[last:], x[last:], run(x, W, U, b)[last:], W, U)[:3]
            """,
            """
            weights = [torch.tensor(each, requires_grad=True) for each in (W, U, b)]
            h = torch.zeros(x.shape[1], len(b), dtype=torch.float64)
            for start in range(0, len(x), length):
                h, loss = h.detach(), 0
                for x_t, dh_t in zip(x[start : start + length], dh[start : start + length]):
                    h = torch.tanh(torch.tensor(x_t) @ weights[0].T + h @ weights[1].T + weights[2])
                    loss = loss + (torch.tensor(dh_t) * h).sum()
                for weight in weights:
                    weight.grad = None
                loss.backward()
            return tuple(weight.grad for weight in weights)
            """,
        ),
        "rest_dropped": Mistake(
            """The last chunk is left out when it is shorter than the others.

            `len(x) // length` counts the whole chunks only. Slices need no care here: they end
            where the array does, so `range(0, len(x), length)` gives the start of every chunk.
            """,
            """
            whole = len(x) // length * length
            if not whole:
                return np.zeros_like(W), np.zeros_like(U), np.zeros_like(b)
            return solution(dh[:whole], x[:whole], W, U, b, length)
            """,
            """
            weights = [torch.tensor(each, requires_grad=True) for each in (W, U, b)]
            loss, h = 0 * weights[0].sum() + 0 * weights[1].sum() + 0 * weights[2].sum(), None
            h = torch.zeros(x.shape[1], len(b), dtype=torch.float64)
            for chunk in range(len(x) // length):
                h = h.detach()
                for t in range(chunk * length, (chunk + 1) * length):
                    h = torch.tanh(torch.tensor(x[t]) @ weights[0].T + h @ weights[1].T + weights[2])
                    loss = loss + (torch.tensor(dh[t]) * h).sum()
            return torch.autograd.grad(loss, weights)
            """,
        ),
        "one_error_a_chunk": Mistake(
            """What the loss says is used at the last step of each chunk only.

            Every step has its own part in the loss, dh[t - 1], inside the chunks as well.
            """,
            """
            ends = [*range(length, len(x), length), len(x)]
            outside = np.zeros_like(dh)
            for end in ends:
                outside[end - 1] = dh[end - 1]
            return solution(outside, x, W, U, b, length)
            """,
            """
            weights = [torch.tensor(each, requires_grad=True) for each in (W, U, b)]
            loss, h = 0, torch.zeros(x.shape[1], len(b), dtype=torch.float64)
            for start in range(0, len(x), length):
                h = h.detach()
                for t in range(start, min(start + length, len(x))):
                    h = torch.tanh(torch.tensor(x[t]) @ weights[0].T + h @ weights[1].T + weights[2])
                loss = loss + (torch.tensor(dh[t]) * h).sum()
            return torch.autograd.grad(loss, weights)
            """,
        ),
        "mean_of_chunks": Mistake(
            """This is the mean over the chunks. They should be summed, as the steps inside them
            are.
            """,
            """
            chunks = -(-len(x) // length)
            return tuple(each / chunks for each in solution(dh, x, W, U, b, length))
            """,
        ),
        "first_state_ignored": Mistake(
            """`dU` misses the first step of each chunk: there h_{t-1} was taken as 0.

            The state that comes from the chunk before is a constant, and it still has a value:
            U multiplies it, so it is a factor in the derivative of U. No derivative *of* it is
            taken, that is all.
            """,
            """
            h = run(x, W, U, b)
            before = h[:-1].copy()
            before[::length] = 0
            bounds = sorted({*range(0, len(x), length), len(x)})
            pieces = [(dh[s:e], h[s : e + 1]) for s, e in itertools.pairwise(bounds)]
            da = np.concatenate([sweep_of(*piece, lambda _, da: da @ U) for piece in pieces])
            return summed_of(da, x, before, U)[:3]
            """,
        ),
        "time_and_batch_swapped": Mistake(
            """Time and batch are swapped: this goes along the sequences as if they were steps.

            The arrays are time-major, (T, B, I): `x[t]` holds one step of all sequences, and
            `x.shape[1]` is the number of sequences.
            """,
            "return solution(dh.swapaxes(0, 1), x.swapaxes(0, 1), W, U, b, length)",
            """
            weights = [torch.tensor(each, requires_grad=True) for each in (W, U, b)]
            loss, h = 0, torch.zeros(x.shape[0], len(b), dtype=torch.float64)
            for t in range(x.shape[1]):
                if t % length == 0:
                    h = h.detach()
                h = torch.tanh(torch.tensor(x[:, t]) @ weights[0].T + h @ weights[1].T + weights[2])
                loss = loss + (torch.tensor(dh[:, t]) * h).sum()
            return torch.autograd.grad(loss, weights)
            """,
        ),
        "each_error_full_length": Mistake(
            """Here every error goes back `length` steps. In chunks, it goes to the beginning of
            its chunk.

            What you have is BPTT(length), a backward pass at every step. Chunks are cheaper,
            and an error reaches from 1 to `length` steps, by its place in its chunk.
            """,
            """
            h = run(x, W, U, b)
            total = [np.zeros_like(each) for each in (W, U, b)]
            for end in range(1, len(x) + 1):
                start = max(end - length, 0)
                outside = np.zeros_like(dh[start:end])
                outside[-1] = dh[end - 1]
                for each, part in zip(total, backward(outside, x[start:end], h[start:], W, U)):  # noqa: B905
                    each += part
            return tuple(total)
            """,
        ),
    },
)
