"""The exercise ``rnn.catches_padding``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unrolled._validate import Array
from unrolled.exercises.grading import Mistake, bug_hunt
from unrolled.exercises.rnn.last_output import last_output
from unrolled.exercises.rnn.unroll import unroll

Lengths = NDArray[np.int64]
Pair = tuple[Array, Array]
Run = Callable[[Array, Lengths], Pair]


def catches_padding(run: Run) -> None:
    """Test run: return if it is right, raise AssertionError if it is not.

    You are given an implementation. run(x, lengths) carries a recurrent network with
    weights of its own along a batch of padded sequences. x has shape (T, B, 2), time
    first, and lengths is an array of B whole numbers from 1 to T. It returns two
    arrays, (output, last): output of shape (T, B, 3) holds the state after each step of
    each sequence and zero after its end, last of shape (B, 3) each sequence's state
    after its own last step. In a right one every sequence comes out as it would alone,
    without padding: run(x[:n, b : b + 1], np.array([n])) with n = lengths[b]. What the
    padding holds has no effect.

    Call run with a batch of your choice, and compare both arrays with what they should
    be. Right ones may differ in the last digits: use np.allclose.
    """
    x = np.random.default_rng(0).normal(size=(4, 3, 2))
    lengths = np.array([2, 4, 1])
    output, last = run(x, lengths)
    for b, n in enumerate(lengths):
        alone, end = run(x[:n, b : b + 1], lengths[b : b + 1])
        assert np.allclose(output[:n, b], alone[:, 0])
        assert np.allclose(output[n:, b], 0)
        assert np.allclose(last[b], end[0])


def _catches_padding_disturbed(run: Run) -> None:
    rng = np.random.default_rng(1)
    lengths = np.array([3, 5, 1, 4])
    x = rng.normal(size=(5, 4, 2))
    padding = np.arange(5)[:, None] >= lengths
    other = np.where(padding[..., None], 9.0, x)
    output, last = run(x, lengths)
    same, same_last = run(other, lengths)
    np.testing.assert_allclose(output, same, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(last, same_last, rtol=1e-6, atol=1e-9)
    assert not output[padding].any()
    np.testing.assert_allclose(output[lengths - 1, np.arange(4)], last, rtol=1e-6)
    for b in range(4):
        whole, _ = run(x[:, b : b + 1], np.array([5]))
        np.testing.assert_allclose(output[: lengths[b], b], whole[: lengths[b], 0], rtol=1e-6)


def _catches_padding_torch(run: Run) -> None:
    import torch

    x = torch.linspace(-2, 2, 24, dtype=torch.float64).sin().reshape(4, 3, 2)
    lengths = [1, 3, 4]
    output, last = map(torch.as_tensor, run(x.numpy(), np.array(lengths)))
    for b, n in enumerate(lengths):
        alone, end = map(torch.as_tensor, run(x[:n, b : b + 1].numpy(), np.array([n])))
        torch.testing.assert_close(output[:n, b], alone[:, 0])
        torch.testing.assert_close(output[n:, b], torch.zeros_like(output[n:, b]))
        torch.testing.assert_close(last[b], end[0])


_W = np.array([[0.9, -0.4], [-0.3, 0.8], [0.5, 0.6]])
_U = np.array([[0.5, -0.7, 0.2], [0.4, 0.3, -0.6], [-0.2, 0.8, 0.5]])
_B = np.array([0.3, -0.2, 0.1])


def _demand_batch(x: Any, lengths: Any) -> None:
    """Tell a test what it may ask of an implementation."""
    if not isinstance(x, np.ndarray) or x.ndim != 3 or x.shape[2] != 2:
        raise TypeError("x must be an array of shape (T, B, 2)")
    n = np.asarray(lengths)
    if n.shape != x.shape[1:2] or n.dtype.kind not in "iu" or n.min() < 1 or n.max() > len(x):
        raise ValueError(f"lengths must hold B = {x.shape[1]} whole numbers from 1 to {len(x)}")


def _states(x: Array) -> Array:
    return unroll(x, np.zeros((x.shape[1], 3)), _W, _U, _B)


def _inside(x: Array, lengths: Lengths) -> Array:
    return np.asarray(np.arange(len(x))[:, None, None] < np.asarray(lengths)[:, None])


def _masks_at_the_end(x: Array, lengths: Lengths) -> Pair:
    """Runs over the padding too, then takes each sequence's own steps and zeroes the rest."""
    _demand_batch(x, lengths)
    states = _states(x)
    return np.where(_inside(x, lengths), states, 0), last_output(states, np.asarray(lengths))


def _runs_each_alone(x: Array, lengths: Lengths) -> Pair:
    """Runs each sequence alone, for as many steps as it has, and pads with zeros."""
    _demand_batch(x, lengths)
    output = np.zeros((*x.shape[:2], 3))
    for b, n in enumerate(lengths):
        output[:n, b] = _states(x[:n, b : b + 1])[:, 0]
    return output, last_output(output, np.asarray(lengths))


def _state_goes_on(x: Array, lengths: Lengths) -> Pair:
    """Returns as last the state after all T steps, padding included; output is right."""
    output, _ = _masks_at_the_end(x, lengths)
    return output, _states(x)[-1]


def _last_row(x: Array, lengths: Lengths) -> Pair:
    """Returns output[-1] as last, which is zero for the shorter sequences; output is right."""
    output, _ = _masks_at_the_end(x, lengths)
    return output, output[-1]


def _padding_not_zeroed(x: Array, lengths: Lengths) -> Pair:
    """Leaves in output what the network makes of the padding; last is right."""
    _, last = _masks_at_the_end(x, lengths)
    return _states(x), last


def _state_held(x: Array, lengths: Lengths) -> Pair:
    """Repeats each sequence's last state in output after its end, where zero should stand."""
    output, last = _masks_at_the_end(x, lengths)
    return np.where(_inside(x, lengths), output, last), last


def _zeroed_one_step_late(x: Array, lengths: Lengths) -> Pair:
    """Leaves in output what the network makes of the first step of the padding; last is right."""
    output, last = _masks_at_the_end(x, lengths)
    late = _inside(x, np.asarray(lengths) + 1)
    return np.where(late, _states(x), output), last


def _zeroed_at_the_shortest(x: Array, lengths: Lengths) -> Pair:
    """Zeroes output after the end of the shortest sequence, for all of them; last is right."""
    output, last = _masks_at_the_end(x, lengths)
    return np.where(_inside(x, np.full(len(last), np.min(lengths))), output, 0), last


def _first_length_for_all(x: Array, lengths: Lengths) -> Pair:
    """Takes the first sequence's length for that of all."""
    _demand_batch(x, lengths)
    return _masks_at_the_end(x, np.full(len(lengths), lengths[0]))


def _last_length_for_all(x: Array, lengths: Lengths) -> Pair:
    """Takes the last sequence's length for that of all."""
    _demand_batch(x, lengths)
    return _masks_at_the_end(x, np.full(len(lengths), lengths[-1]))


def _carries_over(x: Array, lengths: Lengths) -> Pair:
    """Begins each sequence with the last state of the one that stands before it in the batch."""
    _demand_batch(x, lengths)
    output, h = np.zeros((*x.shape[:2], 3)), np.zeros((1, 3))
    for b, n in enumerate(lengths):
        output[:n, b] = unroll(x[:n, b : b + 1], h, _W, _U, _B)[:, 0]
        h = output[n - 1, b : b + 1]
    return output, last_output(output, np.asarray(lengths))


def _batch_comes_first(x: Array, lengths: Lengths) -> Pair:
    """Returns output with the batch first, of shape (B, T, 3)."""
    output, last = _masks_at_the_end(x, lengths)
    return output.swapaxes(0, 1), last


def _one_step_late(x: Array, lengths: Lengths) -> Pair:
    """Stops each sequence one step late, so that one step of padding is read."""
    _demand_batch(x, lengths)
    return _masks_at_the_end(x, np.minimum(np.asarray(lengths) + 1, len(x)))


def _stays_sorted(x: Array, lengths: Lengths) -> Pair:
    """Sorts the batch by length, longest first, and does not put it back in order."""
    _demand_batch(x, lengths)
    order = np.argsort(-np.asarray(lengths), kind="stable")
    return _masks_at_the_end(x[:, order], np.asarray(lengths)[order])


def _lengths_from_zeros(x: Array, lengths: Lengths) -> Pair:
    """Ignores lengths and takes the steps that hold only zeros at a sequence's end for padding."""
    _demand_batch(x, lengths)
    real = np.flip(np.any(x, axis=2), axis=0)
    found = np.where(real.any(axis=0), len(x) - real.argmax(axis=0), 1)
    return _masks_at_the_end(x, found)


def _padded_in_front(x: Array, lengths: Lengths) -> Pair:
    """Moves each sequence to the end of the batch, behind its padding, and runs over both."""
    _demand_batch(x, lengths)
    moved = np.stack([np.roll(x[:, b], -n, axis=0) for b, n in enumerate(lengths)], axis=1)
    states = _states(moved)
    back = np.stack([np.roll(states[:, b], n, axis=0) for b, n in enumerate(lengths)], axis=1)
    return np.where(_inside(x, lengths), back, 0), states[-1]


def _mask_by_the_mean(x: Array, lengths: Lengths) -> Pair:
    """Subtracts from each input its mean over the batch, padding included."""
    _demand_batch(x, lengths)
    return _masks_at_the_end(x - x.mean(axis=1, keepdims=True) * (x.shape[1] > 1), lengths)


_X = np.round(np.random.default_rng(4).normal(size=(4, 3, 2)), 2)


_ENDS = np.array([2, 4, 1])


def _compare(run: Run, other: Run, x: Array = _X, lengths: Lengths = _ENDS) -> None:
    for mine, theirs in zip(run(x, lengths), other(x, lengths), strict=True):
        assert np.allclose(mine, theirs)


_ANY_BATCH = "the test may choose its batch"
_EITHER_ORDER = "whichever of two close arrays comes first, they are close"
_ONE_ALONE = "a batch of one: its first sequence is its last"


EXERCISE = bug_hunt(
    catches_padding,
    right=[_masks_at_the_end, _runs_each_alone],
    buggy=[
        _state_goes_on,
        _last_row,
        _padding_not_zeroed,
        _state_held,
        _zeroed_one_step_late,
        _zeroed_at_the_shortest,
        _one_step_late,
        _first_length_for_all,
        _last_length_for_all,
        _carries_over,
        _batch_comes_first,
        _stays_sorted,
        _lengths_from_zeros,
        _padded_in_front,
        _mask_by_the_mean,
    ],
    alternatives=[_catches_padding_disturbed, _catches_padding_torch],
    equivalent={
        "lengths = np.array([2, 4, 1]) -> lengths = np.array([3, 4, 1])": _ANY_BATCH,
        "lengths = np.array([2, 4, 1]) -> lengths = np.array([1, 4, 1])": _ANY_BATCH,
        "lengths = np.array([2, 4, 1]) -> lengths = np.array([2, 3, 1])": _ANY_BATCH,
        "lengths = np.array([2, 4, 1]) -> lengths = np.array([2, 4, 2])": _ANY_BATCH,
        "x = np.random.default_rng(0).normal(size=(4, 3, 2))"
        " -> x = np.random.default_rng(1).normal(size=(4, 3, 2))": _ANY_BATCH,
        "x = np.random.default_rng(0).normal(size=(4, 3, 2))"
        " -> x = np.random.default_rng(0).normal(size=(5, 3, 2))": _ANY_BATCH,
        "assert np.allclose(output[:n, b], alone[:, 0])"
        " -> assert np.allclose(alone[:, 0], output[:n, b])": _EITHER_ORDER,
        "assert np.allclose(output[n:, b], 0)"
        " -> assert np.allclose(0, output[n:, b])": _EITHER_ORDER,
        "assert np.allclose(last[b], end[0]) -> assert np.allclose(end[0], last[b])": _EITHER_ORDER,
        "assert np.allclose(output[:n, b], alone[:, 0])"
        " -> assert np.allclose(output[:n, b], alone[:, -1])": _ONE_ALONE,
        "assert np.allclose(last[b], end[0]) -> assert np.allclose(last[b], end[-1])": _ONE_ALONE,
    },
    mistakes={
        "shapes_only": Mistake(
            """Your test checks shapes, and padding that leaks changes values.

            Run each sequence alone, and compare what comes out with its part of the batch.
            """,
            """
            output, last = run(_X, _ENDS)
            assert output.shape == (4, 3, 3)
            assert last.shape == (3, 3)
            """,
        ),
        "equal_lengths": Mistake(
            """In your test all sequences have the same length, so there is no padding that could
            leak.

            Choose different lengths.
            """,
            "_compare(run, _masks_at_the_end, lengths=np.array([4, 4, 4]))",
            """
            x = np.random.default_rng(0).normal(size=(3, 2, 2))
            n = np.array([3, 3])
            output, last = run(x, n)
            for b in range(2):
                alone, end = run(x[:, b:b+1], n[b:b+1])
                assert np.allclose(output[:, b], alone[:, 0]) and np.allclose(last[b], end[0])
            """,
        ),
        "one_sequence": Mistake(
            """Your batch holds one sequence, so nothing can pass from one to another, or change
            places.

            Take several, of different lengths.
            """,
            "_compare(run, _masks_at_the_end, x=_X[:, :1], lengths=_ENDS[:1])",
        ),
        "zeros_for_padding": Mistake(
            """Your padding holds zeros only. Code that takes zeros for padding passes.

            What the padding holds must have no effect, so let it hold something.
            """,
            "_compare(run, _masks_at_the_end, x=np.where(_inside(_X, _ENDS), _X, 0))",
            """
            x, n = np.ones((3, 2, 2)), np.array([1, 3])
            x[1:, 0] = 0
            output, last = run(x, n)
            swapped, end = run(x[:, ::-1], n[::-1])
            assert np.allclose(output, swapped[:, ::-1]) and np.allclose(last, end[::-1])
            for b, k in enumerate(n):
                alone, end = run(x[:k, b:b+1], n[b:b+1])
                assert np.allclose(output[:k, b], alone[:, 0]) and not output[k:, b].any()
                assert np.allclose(last[b], end[0])
            """,
        ),
        "longest_first": Mistake(
            """Your sequences stand longest first. Code that sorts a batch and forgets to undo it
            passes.

            Let the lengths go up and down.
            """,
            "_compare(run, _masks_at_the_end, lengths=np.sort(_ENDS)[::-1])",
        ),
        "looks_at_one_sequence_only": Mistake(
            """Your test looks at one sequence of the batch only. Others may come out wrong.

            Compare every sequence with what it gives alone: `for b, n in enumerate(lengths)`.
            """,
            """
            output, last = run(_X, _ENDS)
            right, end = _masks_at_the_end(_X, _ENDS)
            assert np.allclose(output[:, 0], right[:, 0])
            assert np.allclose(last[0], end[0])
            """,
        ),
        "looks_at_output_only": Mistake(
            """Your test looks at output only, and not all bugs show there.

            Compare last, too, with each sequence's own last state.
            """,
            "assert np.allclose(run(_X, _ENDS)[0], _masks_at_the_end(_X, _ENDS)[0])",
        ),
        "looks_at_last_only": Mistake(
            """Your test looks at last only, and not all bugs show there.

            Compare output, too: the state after each step, zero after a sequence's end.
            """,
            "assert np.allclose(run(_X, _ENDS)[1], _masks_at_the_end(_X, _ENDS)[1])",
        ),
        "ignores_what_follows_the_end": Mistake(
            """Your test does not look at output after a sequence's end. Zero should stand there.

            Whoever adds up outputs, or averages them, relies on it.
            """,
            """
            output, last = run(_X, _ENDS)
            right, end = _masks_at_the_end(_X, _ENDS)
            assert np.allclose(np.where(_inside(_X, _ENDS), output, 0), right)
            assert np.allclose(last, end)
            """,
        ),
        "wants_the_last_row": Mistake(
            """Your test wants last to be output[-1]. That is right for the longest sequence only.

            A shorter one ended before: its last state is output[lengths[b] - 1, b].
            """,
            "_compare(run, _last_row)",
        ),
        "wants_the_state_held": Mistake(
            """Your test wants the last state repeated after a sequence's end, and rejects what is
            right.

            In output, zero stands there. Only last holds the state.
            """,
            "_compare(run, _state_held)",
        ),
        "wants_the_padding_run": Mistake(
            """Your test wants what the network makes of the padding: it asks for the leak.""",
            """
            states = _states(_X)
            output, last = run(_X, _ENDS)
            assert np.allclose(output, states)
            assert np.allclose(last, states[-1])
            """,
        ),
        "lets_everything_through": Mistake(
            """Your test lets everything through: no implementation, however wrong, makes it raise.

            Compute what should come back and `assert` that it does.
            """,
            "run(_X, _ENDS)",
        ),
    },
)
