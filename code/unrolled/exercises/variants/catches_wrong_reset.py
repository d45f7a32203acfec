"""The exercise ``variants.catches_wrong_reset``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from unrolled.core.validate import Array
from unrolled.exercises.grading import Mistake, bug_hunt
from unrolled.exercises.variants import _torch_grus as grus

GruStep = Callable[[Array, Array, Array, Array, Array, Array], Array]


def catches_wrong_reset(torch_gru: GruStep) -> None:
    """Return if torch_gru is right; raise AssertionError if it is not.

    It takes x, h, W, U, b_ih and b_hh, and returns the new state, (B, H).
    """

    def sigmoid(a: Array) -> Array:
        return 1 / (1 + np.exp(-a))

    rng = np.random.default_rng(0)
    sizes = [[3, 2], [3, 4], [12, 2], [12, 4], [12], [12]]
    x, h, W, U, b_ih, b_hh = [rng.normal(size=size) for size in sizes]
    for state in (h, np.zeros_like(h)):
        x_r, x_z, x_n = np.split(x @ W.T + b_ih, 3, axis=1)
        h_r, h_z, h_n = np.split(state @ U.T + b_hh, 3, axis=1)
        z = sigmoid(x_z + h_z)
        n = np.tanh(x_n + sigmoid(x_r + h_r) * h_n)
        assert np.allclose(torch_gru(x, state, W, U, b_ih, b_hh), z * state + (1 - z) * n)


def _by_library(torch_gru: GruStep) -> None:
    import torch

    torch.manual_seed(0)
    cell = torch.nn.GRUCell(3, 5, dtype=torch.float64)
    with torch.no_grad():
        weights = [each.normal_().numpy() for each in cell.parameters()]
        x, h = (torch.randn(4, size, dtype=torch.float64) for size in (3, 5))
        for state in (h, 0 * h):
            got = torch_gru(x.numpy(), state.numpy(), *weights)
            torch.testing.assert_close(torch.as_tensor(got), cell(x, state))


def _along_a_sequence(torch_gru: GruStep) -> None:
    rng = np.random.default_rng(3)
    shapes = (6, 2, 3), (9, 3), (9, 3), (9,), (9,)
    xs, W, U, b_ih, b_hh = (rng.normal(size=shape) for shape in shapes)
    h = right = np.zeros((2, 3))
    for x in xs:
        h = torch_gru(x, h, W, U, b_ih, b_hh)
        right = grus.plain_gru(x, right, W, U, b_ih, b_hh)
        np.testing.assert_allclose(h, right, rtol=1e-6)


def _entry_by_entry(torch_gru: GruStep) -> None:
    rng = np.random.default_rng(4)
    x, W = rng.normal(size=(2, 2)), rng.normal(size=(6, 2))
    U, b_ih, b_hh = rng.normal(size=(6, 2)), rng.normal(size=6), rng.normal(size=6)
    for scale in (0.0, 0.8):
        h = scale * rng.normal(size=(2, 2))
        got = torch_gru(x, h, W, U, b_ih, b_hh)
        for k in range(2):
            for j in range(2):
                seen = [W[m] @ x[k] + b_ih[m] for m in (j, 2 + j, 4 + j)]
                told = [U[m] @ h[k] + b_hh[m] for m in (j, 2 + j, 4 + j)]
                r, z = (1 / (1 + np.exp(-seen[m] - told[m])) for m in range(2))
                n = np.tanh(seen[2] + r * told[2])
                assert abs(got[k, j] - (z * h[k, j] + (1 - z) * n)) < 1e-6


def _at(B: int = 3, I: int = 2, H: int = 4) -> list[Array]:  # noqa: E741
    """Draw x, h, W, U, b_ih and b_hh at which a test looks."""
    draw = np.random.default_rng(5).normal
    shapes = (B, I), (B, H), (3 * H, I), (3 * H, H), (3 * H,), (3 * H,)
    return [draw(size=shape) for shape in shapes]


def _but(**changes: Callable[[Array], Array]) -> list[Array]:
    """Draw the same, and change some of it."""
    point = dict(zip(("x", "h", "W", "U", "b_ih", "b_hh"), _at(), strict=True))
    return list((point | {name: change(point[name]) for name, change in changes.items()}).values())


def _blocks(change: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """Change what belongs to each gate."""
    return lambda rows: np.concatenate([change(block) for block in np.split(rows, 3)])


def _of_first_gate(rows: Array) -> Array:
    return np.concatenate([np.split(rows, 3)[0]] * 3)


def _compare(
    implementation: GruStep,
    point: Sequence[Array],
    *,
    scales: Sequence[float] = (1, 0),
    reference: Callable[..., Array] = grus.plain_gru,
    close: Callable[[Array, Array], bool] = np.allclose,
    of: Callable[[Array], Any] = np.asarray,
) -> None:
    """Compare an implementation with another idea of what is right, at states of some scales."""
    x, h, *weights = point
    for scale in scales:
        got = implementation(x, scale * h, *weights)
        assert close(of(got), of(reference(x, scale * h, *weights)))


_GOT, _WANTED = "torch_gru(x, state, W, U, b_ih, b_hh)", "z * state + (1 - z) * n"
_ANY_NUMBERS = "the test may choose its numbers"
_CLOSE = "whichever of two close arrays comes first, they are close"

EXERCISE = bug_hunt(
    catches_wrong_reset,
    right=grus.RIGHT,
    buggy=grus.BUGGY,
    alternatives=[_by_library, _along_a_sequence, _entry_by_entry],
    equivalent={
        "rng = np.random.default_rng(0) -> rng = np.random.default_rng(1)": _ANY_NUMBERS,
        "x, h, W, U, b_ih, b_hh = [rng.normal(size=size) for size in sizes]"
        " -> x, h, W, U, b_hh, b_ih = [rng.normal(size=size) for size in sizes]": _ANY_NUMBERS,
        "for state in (h, np.zeros_like(h)): -> for state in (np.zeros_like(h), h):": (
            "whichever of two states comes first, the test looks at both"
        ),
        f"assert np.allclose({_GOT}, {_WANTED}) -> assert np.allclose({_WANTED}, {_GOT})": _CLOSE,
    },
    mistakes={
        "accepts_everything": Mistake(
            """no implementation, however wrong, makes your test raise.

            Shapes are no help, nor that the state stays between -1 and 1: both hold with all
            the bugs. Work out the numbers that should come back, and `assert` that they do.
            """,
            "torch_gru(*_at())",
            "torch_gru(*_at(I=4))",
        ),
        "never_from_zero": Mistake(
            """you never give it a state of zeros, as at the start, with a b_hn that is not 0.

            There, r * b_hn is added all the same, and a library once forgot it. Test a state of
            zeros, and another, with the same biases.
            """,
            "_compare(torch_gru, _at(), scales=[1])",
        ),
        "only_from_zero": Mistake(
            """your states are all 0. Then U multiplies zeros, and what is kept of h does not show.

            Draw h at random as well, or take more steps than one.
            """,
            "_compare(torch_gru, _at(), scales=[0])",
        ),
        "without_bias": Mistake(
            """your b_hh is 0. Then it does not show whether r multiplies it, or where it is added.

            It is 0 in a new network of many libraries, which hides these bugs there. Draw it at
            random.
            """,
            "_compare(torch_gru, _but(b_hh=np.zeros_like))",
            "_compare(torch_gru, _but(b_hh=np.zeros_like, b_ih=np.zeros_like))",
        ),
        "without_input_bias": Mistake(
            """your b_ih is 0. Then it does not show whether it is added. Draw it at random.""",
            "_compare(torch_gru, _but(b_ih=np.zeros_like))",
        ),
        "biases_alike": Mistake(
            """your biases are alike: b_ih and b_hh, or those of all gates, or those of all units.

            Then one may be taken for another. Draw 3H numbers for b_ih, and 3H others for b_hh.
            """,
            """
            x, h, W, U, b_ih, _ = _at()
            _compare(torch_gru, [x, h, W, U, b_ih, b_ih])
            """,
            "_compare(torch_gru, _but(b_ih=lambda b: 0 * b + 0.3, b_hh=lambda b: 0 * b + 0.7))",
            "_compare(torch_gru, _but(b_ih=np.ones_like, b_hh=np.ones_like))",
            "_compare(torch_gru, _but(b_hh=np.ones_like))",
            "_compare(torch_gru, _but(b_ih=np.ones_like))",
            "_compare(torch_gru, _but(b_ih=_of_first_gate, b_hh=_of_first_gate))",
            "_compare(torch_gru, _but(b_hh=_blocks(lambda b: 0 * b + b[0])))",
        ),
        "without_input": Mistake(
            """your x is 0, or your W is. Then it does not show whether anything of x gets in.

            Draw both at random.
            """,
            "_compare(torch_gru, _but(x=np.zeros_like))",
        ),
        "without_recurrence": Mistake(
            """your U is 0. Then nothing shows of what is seen of h. Draw it at random.""",
            "_compare(torch_gru, _but(U=np.zeros_like))",
        ),
        "gates_without_state": Mistake(
            """your U_r and U_z are 0. Then it does not show whether the gates see h.

            Draw all of U at random.
            """,
            "_compare(torch_gru, _but(U=lambda U: U * (np.arange(len(U)) >= 8)[:, None]))",
        ),
        "single_unit": Mistake(
            """you have one unit, or your U_n is diagonal, such as `np.eye`: no unit sees another.

            Then it does not show where r acts: r * (u * h) is u * (r * h). Take two units or
            more, and draw U at random.
            """,
            "_compare(torch_gru, _at(H=1))",
            "_compare(torch_gru, _but(U=_blocks(lambda block: block * np.eye(4))))",
            "_compare(torch_gru, _but(U=_blocks(lambda block: np.eye(4))))",
        ),
        "single_unit_without_bias": Mistake(
            """you have one unit, and b_hh is 0. Then r * (u * h) is u * (r * h): r may act
            anywhere.

            Take two units or more, and draw all biases at random.
            """,
            """
            *others, b_hh = _at(H=1)
            _compare(torch_gru, [*others, 0 * b_hh])
            """,
        ),
        "symmetric_weights": Mistake(
            """your U_n is symmetric. Then it is its own transpose. Draw U at random.

            Or your numbers are so large that z is 1 nearly everywhere, and hides what n is.
            """,
            "_compare(torch_gru, _but(U=_blocks(lambda block: block + block.T)))",
        ),
        "weights_alike": Mistake(
            """your U, or W too, is the same for all gates, or all of it is one number.

            Then the weights of one gate may be taken for another's. Draw them at random.
            """,
            "_compare(torch_gru, _but(U=_of_first_gate))",
            "_compare(torch_gru, _but(W=_of_first_gate, U=_of_first_gate))",
            "_compare(torch_gru, _but(U=np.ones_like))",
            "_compare(torch_gru, _but(W=np.ones_like, U=np.ones_like))",
            """
            x, h, *weights = _at()
            _compare(torch_gru, [x, h, *(np.full_like(each, 0.5) for each in weights)])
            """,
            """
            x, h, *weights = _at(I=4)
            _compare(torch_gru, [x, h, *(np.full_like(each, 0.5) for each in weights)])
            """,
        ),
        "both_weights_alike": Mistake(
            """your W and U are the same numbers. Then one may be taken for the other.

            Draw each of them at random.
            """,
            """
            x, h, _, U, b_ih, b_hh = _at(I=4)
            _compare(torch_gru, [x, h, U, U.copy(), b_ih, b_hh])
            """,
        ),
        "everything_alike": Mistake(
            """all your numbers are the same, but for a state of zeros perhaps. Then gates, units
            and sequences are all alike, and any two may be taken for one another.

            Draw everything at random, x and h as well; and take a state of zeros, too.
            """,
            "_compare(torch_gru, [np.ones_like(each) for each in _at()], scales=[1])",
            "_compare(torch_gru, [np.ones_like(each) for each in _at(I=4)], scales=[1])",
            "_compare(torch_gru, [np.ones_like(each) for each in _at()])",
            "_compare(torch_gru, [np.ones_like(each) for each in _at(I=4)])",
        ),
        "single_sequence": Mistake(
            """you have one sequence, or all are alike. Then none can be taken for another.

            Take two sequences or more, with different inputs and states.
            """,
            "_compare(torch_gru, _at(B=1))",
        ),
        "single_sequence_of_one_unit": Mistake(
            """you have one sequence and one unit. Then no batch can be mixed up, and no unit sees
            another.

            It does not show where r acts: r * (u * h) is u * (r * h). Take two or more of each.
            """,
            "_compare(torch_gru, _at(B=1, H=1))",
        ),
        "looks_at_a_part": Mistake(
            """you look at a part of the result: at one sequence, one unit or one entry.

            Compare the whole arrays: `np.allclose(got, right)`.
            """,
            *(
                f"_compare(torch_gru, _at(), of=lambda got: got[{part}])"
                for part in ("0", "-1", ":, 0", ":, -1", "0, 0", "-1, -1")
            ),
        ),
        "looks_at_sums": Mistake(
            """you compare sums, means or norms. They do not say which entry is which.

            Compare the arrays themselves: `np.allclose(got, right)`.
            """,
            "_compare(torch_gru, _at(), of=np.sum)",
            "_compare(torch_gru, _at(), of=lambda got: got.sum(axis=0))",
            "_compare(torch_gru, _at(), of=lambda got: got.sum(axis=1))",
        ),
        "too_generous": Mistake(
            """your test is too generous: it lets through gates that are made of straight lines.

            They are wrong in the second digit. Use `np.allclose` as it is.
            """,
            "_compare(torch_gru, _at(), close=lambda got, want: np.allclose(got, want, 0, 0.05))",
        ),
        "one_sided": Mistake(
            """you look at one side of a difference: what is too small passes, or what is too large.

            Take its size, `np.abs(got - right)`, or use `np.allclose`.
            """,
            "_compare(torch_gru, _at(6), close=lambda got, want: np.all(got - want < 1e-6))",
            "_compare(torch_gru, _at(6), close=lambda got, want: np.all(want - got < 1e-6))",
        ),
        "signs_lost": Mistake(
            """you do not see signs: you compare sizes, or squares.

            Take the size of the difference, `np.abs(got - right)`, or use `np.allclose`.
            """,
            "_compare(torch_gru, _at(), of=np.abs)",
            "_compare(torch_gru, _at(), of=np.square)",
        ),
        "exact_equality": Mistake(
            """your test is too exact: two right ways of computing a number differ in its last
            digits.

            In place of `==`, use `np.allclose`.
            """,
            "_compare(torch_gru, _at(), close=np.array_equal)",
        ),
        "wants_reset_before": Mistake(
            """your test wants U_n (r * h), as published in 2014. torch resets after the product.

            That is r * (U_n h + b_hn).
            """,
            "_compare(torch_gru, _at(), reference=grus.resets_before)",
        ),
        "wants_bias_outside": Mistake(
            """your test wants r * (U_n h) + b_hn. In torch r multiplies the bias, too.""",
            "_compare(torch_gru, _at(), reference=grus.leaves_bias_outside)",
        ),
        "wants_z_to_write": Mistake(
            """your test wants (1 - z) * h + z * n. In torch z keeps: z * h + (1 - z) * n.""",
            "_compare(torch_gru, _at(), reference=grus.writes_by_z)",
        ),
        "wants_zrn": Mistake(
            """your test wants the rows in the order z, r, n, which is that of Keras. torch has r,
            z, n.
            """,
            "_compare(torch_gru, _at(), reference=grus.reads_zrn)",
        ),
        "rejects_everything": Mistake(
            """your test wants something else: it rejects every implementation, right or wrong.

            Do you expect one array, not the pair of exercise 3? Do you compare with `==`? If you
            compare with torch: have you set all of its parameters? And do you give the
            implementation NumPy arrays, not tensors?
            """,
            "_compare(torch_gru, _at(), reference=lambda *args: 0 * args[1])",
        ),
    },
)
