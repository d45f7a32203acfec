"""The exercise ``rnn.catches_padding``."""

from __future__ import annotations

import numpy as np

from unrolled.core.validate import Array
from unrolled.exercises.grading import Mistake, bug_hunt
from unrolled.exercises.rnn._runs import (
    BUGGY,
    Lengths,
    Run,
    inside,  # noqa: F401  (the mistakes call it, as they do what is not called here)
    last_row,  # noqa: F401
    masks_at_the_end,
    runs_each_alone,
    state_held,  # noqa: F401
    states_of,  # noqa: F401
)


def catches_padding(run: Run) -> None:
    """Test run: return if it is right, raise AssertionError if it is not.

    run(x, lengths) takes x of shape (T, B, 2) and an array of B whole
    numbers from 1 to T. It returns (output, last), of shapes (T, B, 3) and
    (B, 3).
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
    lengths = [3, 1, 4]
    output, last = map(torch.as_tensor, run(x.numpy(), np.array(lengths)))
    for b, n in enumerate(lengths):
        alone, end = map(torch.as_tensor, run(x[:n, b : b + 1].numpy(), np.array([n])))
        torch.testing.assert_close(output[:n, b], alone[:, 0])
        torch.testing.assert_close(output[n:, b], torch.zeros_like(output[n:, b]))
        torch.testing.assert_close(last[b], end[0])


_X = np.round(np.random.default_rng(4).normal(size=(4, 3, 2)), 2)


_ENDS = np.array([2, 4, 1])


def _compare(
    run: Run, other: Run, x: Array = _X, lengths: Lengths = _ENDS, atol: float = 1e-8
) -> None:
    for mine, theirs in zip(run(x, lengths), other(x, lengths), strict=True):
        assert np.allclose(mine, theirs, atol=atol)


_ANY_BATCH = "the test may choose its batch"
_EITHER_ORDER = "whichever of two close arrays comes first, they are close"
_ONE_ALONE = "a batch of one: its first sequence is its last"


EXERCISE = bug_hunt(
    catches_padding,
    right=[masks_at_the_end, runs_each_alone],
    buggy=BUGGY,
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
            """Your test notices a wrong shape, and nothing else. Padding that leaks changes values.

            Run each sequence alone, and `assert` that what comes out is its part of the batch:
            `np.allclose(...)` without `assert` lets everything through.
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
            "_compare(run, masks_at_the_end, lengths=np.array([4, 4, 4]))",
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
            "_compare(run, masks_at_the_end, x=_X[:, :1], lengths=_ENDS[:1])",
        ),
        "zeros_for_padding": Mistake(
            """Your padding holds zeros only. Code that takes zeros for padding passes.

            What the padding holds must have no effect, so let it hold something.
            """,
            "_compare(run, masks_at_the_end, x=np.where(inside(_X, _ENDS), _X, 0))",
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
        "in_order_of_length": Mistake(
            """Your sequences stand in order of length. Code that sorts a batch and forgets to undo
            it passes.

            Let the lengths go up and down.
            """,
            "_compare(run, masks_at_the_end, lengths=np.sort(_ENDS)[::-1])",
            "_compare(run, masks_at_the_end, lengths=np.sort(_ENDS))",
        ),
        "same_inputs": Mistake(
            """Your inputs are all alike, and so are your sequences. It does not show when one
            stands for another.

            Draw x at random.
            """,
            "_compare(run, masks_at_the_end, x=np.ones_like(_X))",
        ),
        "loose": Mistake(
            """Your tolerance is so large that a leak passes when it is small.

            `np.allclose` as it is allows for rounding, and for little more.
            """,
            "_compare(run, masks_at_the_end, atol=0.2)",
        ),
        "looks_at_one_sequence_only": Mistake(
            """Your test looks at one sequence of the batch only. Others may come out wrong.

            Compare every sequence with what it gives alone: `for b, n in enumerate(lengths)`.
            """,
            """
            output, last = run(_X, _ENDS)
            right, end = masks_at_the_end(_X, _ENDS)
            assert np.allclose(output[:, 0], right[:, 0])
            assert np.allclose(last[0], end[0])
            """,
        ),
        "looks_at_output_only": Mistake(
            """Your test looks at output only, and not all bugs show there.

            Compare last, too, with each sequence's own last state.
            """,
            "assert np.allclose(run(_X, _ENDS)[0], masks_at_the_end(_X, _ENDS)[0])",
        ),
        "looks_at_last_only": Mistake(
            """Your test looks at last only, and not all bugs show there.

            Compare output, too: the state after each step, zero after a sequence's end.
            """,
            "assert np.allclose(run(_X, _ENDS)[1], masks_at_the_end(_X, _ENDS)[1])",
        ),
        "ignores_what_follows_the_end": Mistake(
            """Your test does not look at output after a sequence's end. Zero should stand there.

            Whoever adds up outputs, or averages them, relies on it.
            """,
            """
            output, last = run(_X, _ENDS)
            right, end = masks_at_the_end(_X, _ENDS)
            assert np.allclose(np.where(inside(_X, _ENDS), output, 0), right)
            assert np.allclose(last, end)
            """,
        ),
        "wants_the_last_row": Mistake(
            """Your test wants last to be output[-1]. That is right for the longest sequence only.

            A shorter one ended before: its last state is output[lengths[b] - 1, b].
            """,
            "_compare(run, last_row)",
            """
            output, last = run(_X, _ENDS)
            assert np.allclose(last, output[-1])
            """,
        ),
        "wants_the_state_held": Mistake(
            """Your test wants the last state repeated after a sequence's end, and rejects what is
            right.

            In output, zero stands there. Only last holds the state.
            """,
            "_compare(run, state_held)",
        ),
        "wants_the_padding_run": Mistake(
            """Your test wants what the network makes of the padding: it asks for the leak.""",
            """
            states = states_of(_X)
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
