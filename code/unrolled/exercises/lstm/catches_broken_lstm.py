"""The exercise ``lstm.catches_broken_lstm``."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from unrolled.core.validate import Array
from unrolled.exercises.grading import Mistake, bug_hunt
from unrolled.exercises.lstm import _lstms
from unrolled.exercises.lstm._other_steps import step_by_gate

Pair = tuple[Array, Array]
Step = Callable[[Array, Array, Array, Array, Array, Array], Pair]


def catches_broken_lstm(step: Step) -> None:
    """Test step: return if it is right, raise AssertionError if it is not.

    step(x, h, c, W, U, b) takes NumPy arrays of the shapes (B, I), (B, H),
    (B, H), (4H, I), (4H, H) and (4H,), rows of gates in the order i, f, g, o,
    and returns (h, c) after the step. Right ones may differ in the last
    digits: use np.allclose.
    """

    def sigmoid(a: Array) -> Array:
        return 1 / (1 + np.exp(-a))

    rng = np.random.default_rng(0)
    sizes = [[3, 2], [3, 4], [3, 4], [16, 2], [16, 4], [16]]
    x, h, c, W, U, b = [rng.normal(size=size) for size in sizes]
    i, f, g, o = np.split(x @ W.T + h @ U.T + b, 4, axis=1)
    c_right = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    h_right = sigmoid(o) * np.tanh(c_right)
    h_new, c_new = step(x, h, c, W, U, b)
    assert np.allclose(c_new, c_right)
    assert np.allclose(h_new, h_right)


def _catches_by_library(step: Step) -> None:
    import torch

    torch_step = torch.nn.LSTMCell(3, 5, dtype=torch.float64)
    W, U, b_ih, b_hh = (each.detach().numpy() for each in torch_step.parameters())
    rng = np.random.default_rng(7)
    for array, size in ((W, (20, 3)), (U, (20, 5)), (b_ih, 20), (b_hh, 20)):
        array[...] = rng.normal(size=size)
    x, h, c = rng.normal(size=(4, 3)), rng.normal(size=(4, 5)), rng.normal(size=(4, 5))
    with torch.no_grad():
        right = torch_step(torch.tensor(x), (torch.tensor(h), torch.tensor(c)))
    for got, want in zip(step(x, h, c, W, U, b_ih + b_hh), right, strict=True):
        torch.testing.assert_close(torch.as_tensor(got), want)


def _catches_entry_by_entry(step: Step) -> None:
    rng = np.random.default_rng(11)
    B, I, H = 2, 1, 3  # noqa: E741
    shapes = (B, I), (B, H), (B, H), (4 * H, I), (4 * H, H), (4 * H,)
    x, h, c, W, U, b = (rng.uniform(-2, 2, size=shape) for shape in shapes)
    h_new, c_new = step(x, h, c, W, U, b)
    for n in range(B):
        for j in range(H):
            seen = [W[k] @ x[n] + U[k] @ h[n] + b[k] for k in (j, H + j, 2 * H + j, 3 * H + j)]
            i, f, o = (1 / (1 + np.exp(-seen[k])) for k in (0, 1, 3))
            state = f * c[n, j] + i * np.tanh(seen[2])
            assert abs(c_new[n, j] - state) < 1e-6
            assert abs(h_new[n, j] - o * np.tanh(state)) < 1e-6


def _catches_along_a_sequence(step: Step) -> None:
    """Runs several steps, as in use, with states that start at 0."""
    rng = np.random.default_rng(3)
    shapes = (6, 2, 3), (8, 3), (8, 2), (8,)
    xs, W, U, b = (rng.normal(size=shape) for shape in shapes)
    h = c = h_right = c_right = np.zeros((2, 2))
    for x in xs:
        h, c = step(x, h, c, W, U, b)
        h_right, c_right = step_by_gate(x, h_right, c_right, W, U, b)
        np.testing.assert_allclose(c, c_right, rtol=1e-6)
        np.testing.assert_allclose(h, h_right, rtol=1e-6)


def _at(B: int = 3, I: int = 2, H: int = 4) -> list[Array]:  # noqa: E741
    """Draw x, h, c, W, U and b at which a test looks."""
    draw = np.random.default_rng(5).normal
    shapes = (B, I), (B, H), (B, H), (4 * H, I), (4 * H, H), (4 * H,)
    return [draw(size=shape) for shape in shapes]


def _with_zeros(*which: int) -> list[Array]:
    return [0 * each if k in which else each for k, each in enumerate(_at())]


def _compare(
    implementation: Step,
    point: Sequence[Array],
    *,
    which: Sequence[int] = (0, 1),
    reference: Step = _lstms.plain_step,
    close: Callable[[Array, Array], bool] = np.allclose,
) -> None:
    """Compare an implementation with another idea of what is right, at one point."""
    right = reference(*(each.copy() for each in point))
    got = implementation(*point)
    for k in which:
        assert close(got[k], right[k])


_ANY_NUMBERS = "the test may choose its numbers"
_CLOSE = "whichever of two close arrays comes first, they are close"


EXERCISE = bug_hunt(
    catches_broken_lstm,
    right=_lstms.RIGHT,
    buggy=_lstms.BUGGY,
    alternatives=[
        _catches_by_library,
        _catches_entry_by_entry,
        _catches_along_a_sequence,
    ],
    equivalent={
        "rng = np.random.default_rng(0) -> rng = np.random.default_rng(1)": _ANY_NUMBERS,
        "x, h, c, W, U, b = [rng.normal(size=size) for size in sizes]"
        " -> x, c, h, W, U, b = [rng.normal(size=size) for size in sizes]": _ANY_NUMBERS,
        "assert np.allclose(c_new, c_right) -> assert np.allclose(c_right, c_new)": _CLOSE,
        "assert np.allclose(h_new, h_right) -> assert np.allclose(h_right, h_new)": _CLOSE,
    },
    mistakes={
        "accepts_everything": Mistake(
            """Your test lets everything through: no implementation, however wrong, makes it raise.

            Shapes are no help, for they are right in all the bugs: one gate looks like another.
            Work out the numbers that should come back, and `assert` that they do.
            """,
            "step(*_at())",
            "step(*_at(I=4))",
        ),
        "looks_at_the_range_only": Mistake(
            """Your test asks whether h stays between -1 and 1. Most wrong LSTMs do that, too.

            Compare the numbers with what they should be.
            """,
            """
            x, h, c, W, U, b = _at()
            for _ in range(10):
                h, c = step(x, h, c, W, U, b)
                assert np.all(np.abs(h) <= 1)
            """,
            """
            x, h, c, W, U, b = _at(I=4)
            for _ in range(10):
                h, c = step(x, h, c, W, U, b)
                assert np.all(np.abs(h) <= 1)
            """,
        ),
        "looks_at_h_only": Mistake(
            """Your test looks at h only. One bug leaves h right and hands on a wrong c.

            It would show at the next step. Compare both results.
            """,
            "_compare(step, _at(), which=[0])",
        ),
        "looks_at_c_only": Mistake(
            """Your test looks at c only. What the cell shows, and the output gate, are in h.

            Compare both results.
            """,
            "_compare(step, _at(), which=[1])",
        ),
        "from_a_zero_cell": Mistake(
            """Your cells begin at 0. Then there is nothing to forget, and no forget gate shows.

            Draw c at random, or take more steps than one.
            """,
            "_compare(step, _with_zeros(2))",
        ),
        "from_a_zero_output": Mistake(
            """Your h is 0 before the step, or your U is. Then it does not show whether the gates
            see h.

            Draw both at random, or take more steps than one.
            """,
            "_compare(step, _with_zeros(1))",
            "_compare(step, _with_zeros(4))",
        ),
        "from_zero_states": Mistake(
            """Your states begin at 0, and you take one step. Then neither U nor the forget gate
            shows.

            Draw h and c at random, or take more steps than one.
            """,
            "_compare(step, _with_zeros(1, 2))",
        ),
        "without_input": Mistake(
            """Your x is 0, or your W is. Then it does not show whether the gates see x.

            Draw both at random.
            """,
            "_compare(step, _with_zeros(0))",
        ),
        "without_bias": Mistake(
            """Your bias is 0. Then it does not show whether it is added, or to which gate.

            Draw b at random.
            """,
            "_compare(step, _with_zeros(5))",
        ),
        "without_weights": Mistake(
            """Your weights and biases are all 0. Then all gates are one half, and no two can be
            told apart.

            Draw them at random.
            """,
            "_compare(step, _with_zeros(3, 4, 5))",
            "_compare(step, [*_at(I=4)[:3], *(0 * each for each in _at(I=4)[3:])])",
        ),
        "gates_all_alike": Mistake(
            """Your gates all have the same weights. Then it does not show which rows are whose.

            Are they all 1, or some other constant? Draw W, U and b at random.
            """,
            """
            states, weights = _at()[:3], _at()[3:]
            _compare(step, [*states, *(np.full_like(each, 0.5) for each in weights)])
            """,
            """
            states, weights = _at(I=4)[:3], _at(I=4)[3:]
            _compare(step, [*states, *(np.full_like(each, 0.5) for each in weights)])
            """,
        ),
        "everything_alike": Mistake(
            """All your numbers are the same. Then gates, units and sequences are all alike.

            Any two may be taken for one another. Draw everything at random, x, h and c as well.
            """,
            "_compare(step, [np.ones_like(each) for each in _at()])",
            *(
                f"_compare(step, [np.ones_like(each) for each in _at(I={I}, H={H})])"
                for I, H in ((4, 4), (2, 2), (1, 2), (2, 3))  # noqa: E741
            ),
        ),
        "states_alike": Mistake(
            """Your h and c are the same numbers. Then one may be taken for the other.

            Draw each of them at random.
            """,
            """
            x, h, _, W, U, b = _at()
            _compare(step, [x, h, h.copy(), W, U, b])
            """,
            "_compare(step, [*(np.ones_like(each) for each in _at()[:3]), *_at()[3:]])",
        ),
        "input_and_state_alike": Mistake(
            """Your x and h are the same numbers, or your W and U are. Then one may be taken for the
            other.

            Draw each of them at random.
            """,
            """
            x, h, c, W, U, b = _at(I=4)
            _compare(step, [h, h.copy(), c, W, U, b])
            """,
            """
            x, h, c, W, U, b = _at(I=4)
            _compare(step, [x, h, c, U, U.copy(), b])
            """,
        ),
        "symmetric_weights": Mistake(
            """Your test does not see which way round the blocks of U stand.

            Are they symmetric, such as `np.eye`? Draw U at random.
            """,
            """
            x, h, c, W, U, b = _at()
            symmetric = [block + block.T for block in np.split(U, 4)]
            _compare(step, [x, h, c, W, np.concatenate(symmetric), b])
            """,
        ),
        "single_unit": Mistake(
            """You have one unit. Then a gate has one row, and it does not show how rows are laid
            out.

            Take two units or more.
            """,
            "_compare(step, _at(H=1))",
        ),
        "single_sequence": Mistake(
            """You have one sequence, or all are alike, or you look at the first alone.

            Then one bug is right: it treats all of a batch like the first. Take two sequences
            or more, with different inputs, and compare all of both results.
            """,
            "_compare(step, _at(B=1))",
        ),
        "single_sequence_of_one_unit": Mistake(
            """You have one sequence and one unit. Neither a batch nor the layout of rows can go
            wrong.

            Take two or more of each.
            """,
            "_compare(step, _at(B=1, H=1))",
        ),
        "too_generous": Mistake(
            """Your test is too generous: it lets through gates that are made of straight lines.

            They are wrong in the second digit. Use `np.allclose` as it is.
            """,
            "_compare(step, _at(), close=lambda one, other: np.allclose(one, other, atol=0.15))",
        ),
        "one_sided": Mistake(
            """Your test looks at one side of a difference: what is too small passes, or what is too
            large.

            Take its size, `np.abs(c_new - c_right)`, or use `np.allclose`.
            """,
            "_compare(step, _at(6), close=lambda got, right: np.all(got - right < 1e-6))",
            "_compare(step, _at(6), close=lambda got, right: np.all(right - got < 1e-6))",
        ),
        "signs_lost": Mistake(
            """Your test does not see signs: it compares sizes, or squares.

            Take the size of the difference, `np.abs(h_new - h_right)`, or use `np.allclose`.
            """,
            "_compare(step, _at(), close=lambda got, right: np.allclose(abs(got), abs(right)))",
            "_compare(step, _at(), close=lambda got, right: np.allclose(got**2, right**2))",
        ),
        "exact_equality": Mistake(
            """Your test is too exact: two right ways of computing a number differ in its last
            digits.

            In place of `==`, use `np.allclose`.
            """,
            "_compare(step, _at(), close=np.array_equal)",
        ),
        "wants_ifog": Mistake(
            """Your test wants the rows in the order i, f, o, g. In torch it is i, f, g, o.""",
            "_compare(step, _at(), reference=_lstms.reads_ifog)",
        ),
        "wants_gates_swapped": Mistake(
            """Your test takes the input gate for the forget gate. The rows of i come first, then
            f's.

            The forget gate multiplies the old state, the input gate what is new.
            """,
            "_compare(step, _at(), reference=_lstms.swaps_gates)",
        ),
        "wants_raw_state": Mistake(
            """Your test wants o * c_new for h_new. There is a tanh between: o * tanh(c_new).""",
            "_compare(step, _at(), reference=_lstms.shows_raw)",
        ),
        "wants_late_forgetting": Mistake(
            """Your test wants f * (c + i * g). The forget gate multiplies the old state alone.""",
            "_compare(step, _at(), reference=_lstms.forgets_late)",
        ),
        "rejects_everything": Mistake(
            """Your test rejects every implementation that it was given, right or wrong.

            Then what it wants is something else. Is h_new the first result? Are the rows in the
            order i, f, g, o? Do you work out what is right from c as it was *before* the step?
            If you compare with torch: have you set all of its parameters, both biases among
            them? And do you give the implementation NumPy arrays, not tensors?
            """,
            "_compare(step, _at(), reference=_lstms.swaps_results)",
        ),
    },
)
