"""The exercise ``frameworks.catches_mixing``."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from unrolled.core.validate import Array
from unrolled.exercises.frameworks import _readers as readers
from unrolled.exercises.frameworks._readers import Lengths, Reader
from unrolled.exercises.grading import Mistake, bug_hunt


def catches_mixing(reader: Reader) -> None:
    """Return if reader is right; raise AssertionError if it is not.

    reader(x, lengths) takes B sequences, x of shape (B, T, 2), and their
    lengths, B whole numbers from 1 to T. It returns one row of numbers for
    each sequence.
    """
    x = np.random.default_rng(0).normal(size=(3, 4, 2))
    lengths = np.array([2, 4, 3])
    answers = reader(x, lengths)
    for b, n in enumerate(lengths):
        alone = reader(x[b : b + 1, :n], lengths[b : b + 1])
        assert np.allclose(answers[b], alone[0])
        for t in range(n):
            other = x.copy()
            other[b, t] += 1
            assert not np.isclose(reader(other, lengths)[b], answers[b]).any()


def _by_disturbing(reader: Reader) -> None:
    rng = np.random.default_rng(1)
    x, lengths = rng.normal(size=(4, 5, 2)), np.array([3, 5, 1, 4])
    answers = reader(x, lengths)
    for b, n in enumerate(lengths):
        others = rng.normal(size=x.shape)
        others[b, :n] = x[b, :n]
        np.testing.assert_allclose(reader(others, lengths)[b], answers[b], rtol=1e-6)
        np.testing.assert_allclose(reader(x[b, None, :n], lengths[[b]])[0], answers[b], rtol=1e-6)
        for t in range(n):
            x_t = x[b, t].copy()
            x[b, t] = -x_t
            assert (abs(reader(x, lengths)[b] - answers[b]) > 1e-7).all()
            x[b, t] = x_t


def _by_torch(reader: Reader) -> None:
    import torch

    x = torch.linspace(-2, 2, 24, dtype=torch.float64).sin().reshape(3, 4, 2)
    lengths = [3, 2, 4]
    answers = torch.as_tensor(reader(x.numpy(), np.array(lengths)))
    for b, n in enumerate(lengths):
        alone = torch.as_tensor(reader(x[b : b + 1, :n].numpy(), np.array([n])))
        torch.testing.assert_close(answers[b], alone[0])
        for t in range(n):
            other = x.clone()
            other[b, t] = 0.3
            moved = torch.as_tensor(reader(other.numpy(), np.array(lengths)))[b]
            assert not torch.isclose(moved, answers[b]).any()


def _compare(reader: Reader, x: Array, lengths: Lengths, atol: float = 1e-8) -> None:
    """Compare a batch with each sequence alone."""
    for b, n in enumerate(lengths):
        alone = reader(x[b : b + 1, :n], lengths[b : b + 1])[0]
        assert np.allclose(reader(x, lengths)[b], alone, atol=atol)


def _moves(
    reader: Reader, x: Array, lengths: Lengths, steps: Callable[[int], Iterable[int]] = range
) -> None:
    """Ask whether all numbers of an answer move with steps of a sequence."""
    for b, n in enumerate(lengths):
        for t in steps(n):
            other = x.copy()
            other[b, t] += 1
            same = np.isclose(reader(other, lengths)[b], reader(x, lengths)[b])
            assert not same.any()


_X = np.random.default_rng(4).normal(size=(3, 4, 2))
_ENDS = np.array([2, 4, 3])
_BOTH = "_compare(reader, {x}, {n}); _moves(reader, {x}, {n})"
_ANY_BATCH = "the test may choose its batch"
_ANY_CHANGE = "a step may change by any amount"
_AS_MANY = "a reader reads as many sequences as there are lengths"
_EITHER_ORDER = "whichever of two close arrays comes first, they are close"
_ALONE = "alone = reader(x[b:b + 1, :n], lengths[b:b + 1])"
_CLOSE = "assert np.allclose(answers[b], alone[0])"

EXERCISE = bug_hunt(
    catches_mixing,
    right=readers.RIGHT,
    buggy=readers.BUGGY,
    alternatives=[_by_disturbing, _by_torch],
    equivalent={
        **{
            f"lengths = np.array([2, 4, 3]) -> lengths = np.array({other})": _ANY_BATCH
            for other in ("[3, 4, 3]", "[1, 4, 3]", "[2, 3, 3]", "[2, 4, 4]", "[2, 4, 2]")
        },
        **{
            "x = np.random.default_rng(0).normal(size=(3, 4, 2))"
            f" -> x = np.random.default_rng({seed}).normal(size=(3, {steps}, 2))": _ANY_BATCH
            for seed, steps in ((1, 4), (0, 5))
        },
        **{
            f"{_ALONE} -> alone = reader({more}, lengths[b:b + 1])": reason
            for more, reason in {
                "x[b:, :n]": _AS_MANY,
                "x[b:b + 1 + 1, :n]": _AS_MANY,
                "x[b:b + 2, :n]": _AS_MANY,
                "x[b:b + 1, :n + 1]": "with a step of padding, or none, a reader of it is found",
            }.items()
        },
        f"{_CLOSE} -> assert np.allclose(alone[0], answers[b])": _EITHER_ORDER,
        f"{_CLOSE} -> assert np.allclose(answers[b], alone[-1])": (
            "a batch of one: its first sequence is its last"
        ),
        "other[b, t] += 1 -> other[b, t] -= 1": _ANY_CHANGE,
        "other[b, t] += 1 -> other[b, t] += 2": _ANY_CHANGE,
        "assert not np.isclose(reader(other, lengths)[b], answers[b]).any()"
        " -> assert not np.isclose(answers[b], reader(other, lengths)[b]).any()": _EITHER_ORDER,
    },
    mistakes={
        "accepts_everything": Mistake(
            """Your test lets everything through: no reader, however wrong, makes it raise.

            Shapes are no help: all bugs have the right one. What must not change a sequence's
            answer, and what must? Change it, and `assert`.
            """,
            "reader(_X, _ENDS)",
            "assert len(reader(_X, _ENDS)) == 3",
        ),
        "never_moves_a_step": Mistake(
            """Your test asks what must not change an answer, and not what must. A reader that
            hears one step only passes.

            Change each of a sequence's steps in turn: each number of its answer should move.
            """,
            "_compare(reader, _X, _ENDS)",
        ),
        "first_step_only": Mistake(
            """Your test never changes a sequence's last step. A reader that stops before it, or
            one direction that does, passes.
            """,
            "_compare(reader, _X, _ENDS); _moves(reader, _X, _ENDS, lambda n: [0])",
            "_compare(reader, _X, _ENDS); _moves(reader, _X, _ENDS, lambda n: range(n - 1))",
        ),
        "last_step_only": Mistake(
            """Your test never changes a sequence's first step. The backward half of the last output
            has not read it, and passes.
            """,
            "_compare(reader, _X, _ENDS); _moves(reader, _X, _ENDS, lambda n: [n - 1])",
            "_compare(reader, _X, _ENDS); _moves(reader, _X, _ENDS, lambda n: range(1, n))",
        ),
        "ends_only": Mistake(
            """Your test changes the first step and the last, and none between. A reader that is
            deaf to those passes.

            Change each of a sequence's own steps in turn.
            """,
            "_compare(reader, _X, _ENDS); _moves(reader, _X, _ENDS, lambda n: (0, n - 1))",
        ),
        "values_only": Mistake(
            """Your test changes values, and never what stands around a sequence. A reader whose
            answer depends on how long the others are passes.

            Read each sequence alone, too, without its padding: the same answer should come.
            """,
            """
            answers = reader(_X, _ENDS)
            for b, n in enumerate(_ENDS):
                for t in range(4):
                    other = _X.copy()
                    other[b, t] += 1
                    moved = ~np.isclose(reader(other, _ENDS), answers)
                    assert not np.delete(moved, b, 0).any()
                    assert moved[b].all() if t < n else not moved[b].any()
            """,
        ),
        "one_row_looked_at": Mistake(
            """Your test looks at one sequence of the batch. What goes wrong with another
            passes.
            """,
            *(
                f"""
                answers, n = reader(_X, _ENDS)[{b}], _ENDS[{b}]
                assert np.allclose(answers, reader(_X[[{b}], :n], _ENDS[[{b}]])[0])
                for t in range(n):
                    other = _X.copy()
                    other[{b}, t] += 1
                    assert not np.isclose(reader(other, _ENDS)[{b}], answers).any()
                """
                for b in range(2)
            ),
        ),
        "any_number_moves": Mistake(
            """Your test is content when some number of an answer moves. Half of the answer may be
            deaf: one direction that has read one step.

            Ask it of each number.
            """,
            """
            _compare(reader, _X, _ENDS)
            for b, n in enumerate(_ENDS):
                for t in range(n):
                    other = _X.copy()
                    other[b, t] += 1
                    assert not np.allclose(reader(other, _ENDS)[b], reader(_X, _ENDS)[b])
            """,
        ),
        "never_alone": Mistake(
            """Your test asks what moves an answer, and not what must leave it alone: the padding
            and the other sequences.

            Read each sequence alone, without its padding: the same answer should come.
            """,
            "_moves(reader, _X, _ENDS)",
        ),
        "equal_lengths": Mistake(
            """In your test all sequences are as long as the batch, so there is no padding to be
            read, and no order of lengths.

            Choose different lengths.
            """,
            _BOTH.format(x="_X", n="np.array([4, 4, 4])"),
        ),
        "one_length": Mistake(
            """In your test all sequences are equally long. A reader that takes one's length for
            another's passes.

            Choose different lengths.
            """,
            _BOTH.format(x="_X", n="np.array([3, 3, 3])"),
        ),
        "single_sequence": Mistake(
            """Your batch holds one sequence, so nothing can pass from one to another.

            Take several, of different lengths.
            """,
            _BOTH.format(x="_X[:1]", n="_ENDS[:1]"),
        ),
        "zeros_for_padding": Mistake(
            """Your padding holds zeros only. A reader that adds what stands there passes.

            What the padding holds must have no effect, so let it hold something.
            """,
            "x = np.where(np.arange(4)[:, None] < _ENDS[:, None, None], _X, 0)\n"
            + _BOTH.format(x="x", n="_ENDS"),
        ),
        "in_order_of_length": Mistake(
            """Your sequences stand in order of length, the longest first. A reader that sorts a
            batch and forgets to undo it passes.
            """,
            _BOTH.format(x="_X", n="np.array([4, 3, 2])"),
        ),
        "loose": Mistake(
            """Your tolerance is so large that a leak passes when it is small.

            `np.allclose` as it is allows for rounding, and for little more.
            """,
            "_compare(reader, _X, _ENDS, atol=0.05); _moves(reader, _X, _ENDS)",
        ),
        "exact_equality": Mistake(
            """Your test is too exact: a right reader may differ in the last digits when other
            sequences are in the batch.

            In place of `==`, use `np.allclose`.
            """,
            """
            _moves(reader, _X, _ENDS)
            for b, n in enumerate(_ENDS):
                alone = reader(_X[b : b + 1, :n], _ENDS[b : b + 1])[0]
                assert (reader(_X, _ENDS)[b] == alone).all()
            """,
        ),
        "wants_the_padding_read": Mistake(
            """Your test wants the answer that comes when the padding is read, too.""",
            "assert np.allclose(reader(_X, _ENDS), readers.reads_padding(_X, _ENDS))",
        ),
        "rejects_everything": Mistake(
            """Your test rejects every reader, right or wrong.

            Do you change the padding and want the answer to move? Or a neighbour?
            """,
            "assert False",
            """
            other = _X.copy()
            other[0, 3] += 1
            assert not np.allclose(reader(other, _ENDS)[0], reader(_X, _ENDS)[0])
            """,
        ),
    },
)
