"""The exercise ``variants.catches_wrong_reset``."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from unrolled._validate import Array
from unrolled.exercises._gates import sigmoid
from unrolled.exercises.grading import Mistake, bug_hunt
from unrolled.exercises.variants.gru_step import (
    gru_of,
    gru_step,
    placed_after,
    placed_before,
    reset_in_the_mix,
    z_writes,
)

Pair = tuple[Array, Array]
GruStep = Callable[[Array, Array, Array, Array, Array, Array], Array]

_rng = np.random.default_rng(0)


def catches_wrong_reset(torch_gru: GruStep) -> None:
    """Test torch_gru: return if it is right, raise AssertionError if it is not.

    You are given an implementation of torch's GRU, torch_gru(x, h, W, U, b_ih, b_hh),
    with NumPy arrays of the shapes (B, I), (B, H), (3H, I), (3H, H), (3H,) and (3H,),
    rows in the order r, z, n. A right one returns one array of shape (B, H), which is
    `after` of exercise 3: z * h + (1 - z) * n, with
    n = tanh(W_n x + b_in + r * (U_n h + b_hn)).

    Call it with numbers of your choice, and compare what comes back with what should.
    Sequences begin at h = 0. Right ones may differ in the last digits: use np.allclose.
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


def _bias_outside(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Pair:
    """In `after`, the bias b_hn is outside the bracket. In torch, r multiplies it as well.

    That is why torch's GRU needs two biases: `r * (h @ U_n.T + b_n)`.
    """
    return gru_of(x, h, W, U, b_ih, b_hh, after=lambda x_n, h, r, U, b: x_n + r * (h @ U.T) + b)


def _bias_reset_too(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Pair:
    """In `before`, r multiplies the bias b_hn as well. There it acts on h alone, `r * h`."""
    return gru_of(
        *(x, h, W, U, b_ih, b_hh), before=lambda x_n, h, r, U, b: x_n + (r * h) @ U.T + r * b
    )


def _candidate_bias_missing(
    x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array
) -> Pair:
    """The bias b_hn of the candidate is missing: the last H entries of b_hh."""
    b_hh = np.where(np.arange(len(b_hh)) < 2 * h.shape[1], b_hh, 0)
    return gru_step(x, h, W, U, b_ih, b_hh)


def _rows_zrn(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Pair:
    """The reset gate and the update gate have changed places.

    Keras and ONNX stack z, r, n, and torch stacks r, z, n. The shapes do not tell.
    """
    return gru_of(x, h, W, U, b_ih, b_hh, order="zrn")


def _rows_nrz(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Pair:
    """The candidate's rows are taken from the top. The order is r, z, n: they are the last H."""
    return gru_of(x, h, W, U, b_ih, b_hh, order="nrz")


def _reset_missing(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Pair:
    """The reset gate does nothing: the candidate sees all of h.

    Multiply by r, h itself in `before`, and U_n h + b_hn in `after`.
    """

    def unreset(x_n: Array, h: Array, r: Array, U: Array, b: Array) -> Array:
        return x_n + h @ U.T + b

    return gru_of(x, h, W, U, b_ih, b_hh, before=unreset, after=unreset)


def _reset_the_input_too(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Pair:
    """In `after`, r multiplies what the candidate sees of x as well. It acts on h's part alone."""
    return gru_of(x, h, W, U, b_ih, b_hh, after=lambda x_n, h, r, U, b: r * (x_n + h @ U.T + b))


def _reset_turned(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Pair:
    """The reset gate is the wrong way round: at r = 1 the candidate should see all of the state."""
    return gru_of(
        *(x, h, W, U, b_ih, b_hh),
        before=lambda x_n, h, r, U, b: placed_before(x_n, h, 1 - r, U, b),
        after=lambda x_n, h, r, U, b: placed_after(x_n, h, 1 - r, U, b),
    )


def _catches_by_library(torch_gru: GruStep) -> None:
    import torch

    torch.manual_seed(0)
    cell = torch.nn.GRUCell(3, 5, dtype=torch.float64)
    with torch.no_grad():
        weights = [each.normal_().numpy() for each in cell.parameters()]
        x, h = (torch.randn(4, size, dtype=torch.float64) for size in (3, 5))
        for state in (h, 0 * h):
            got = torch_gru(x.numpy(), state.numpy(), *weights)
            torch.testing.assert_close(torch.as_tensor(got), cell(x, state))


def _catches_along_a_sequence(torch_gru: GruStep) -> None:
    rng = np.random.default_rng(3)
    shapes = (6, 2, 3), (9, 3), (9, 3), (9,), (9,)
    xs, W, U, b_ih, b_hh = (rng.normal(size=shape) for shape in shapes)
    h = right = np.zeros((2, 3))
    for x in xs:
        h = torch_gru(x, h, W, U, b_ih, b_hh)
        _, right = gru_of(x, right, W, U, b_ih, b_hh)
        np.testing.assert_allclose(h, right, rtol=1e-6)


def _catches_entry_by_entry(torch_gru: GruStep) -> None:
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


def _plain_gru(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Array:
    """Does what the equations say."""
    return gru_of(x, h, W, U, b_ih, b_hh)[1]


def _moves_towards_n(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Array:
    """Moves from n towards h, n + z * (h - n), which is the same."""
    return gru_of(x, h, W, U, b_ih, b_hh, mix=lambda h, n, z, r: n + z * (h - n))[1]


def _squashes_by_tanh(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Array:
    """Takes (1 + tanh(a / 2)) / 2 for the logistic function, which is the same."""
    return gru_of(x, h, W, U, b_ih, b_hh, gate=lambda a: (1 + np.tanh(a / 2)) / 2)[1]


def _resets_before(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Array:
    """Resets before the product, U_n (r * h) + b_hn, as published in 2014."""
    return gru_step(x, h, W, U, b_ih, b_hh)[0]


def _resets_all_before(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Array:
    """Resets before the product, and the bias too: U_n (r * h) + r * b_hn."""
    return _bias_reset_too(x, h, W, U, b_ih, b_hh)[0]


def _leaves_bias_outside(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Array:
    """Leaves the bias b_hn outside the bracket: r * (U_n h) + b_hn."""
    return _bias_outside(x, h, W, U, b_ih, b_hh)[1]


def _has_no_candidate_bias(
    x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array
) -> Array:
    """Has no bias b_hn: r * (U_n h)."""
    return _candidate_bias_missing(x, h, W, U, b_ih, b_hh)[1]


def _skips_zero_states(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Array:
    """Leaves out U_n h + b_hn where all of the state is 0, as at the start of a sequence."""
    if not np.any(h):
        return _has_no_candidate_bias(x, h, W, U, b_ih, b_hh)
    return _plain_gru(x, h, W, U, b_ih, b_hh)


def _never_resets(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Array:
    """Does not use the reset gate at all: U_n h + b_hn."""
    return _reset_missing(x, h, W, U, b_ih, b_hh)[1]


def _resets_input_too(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Array:
    """Resets what the candidate sees of x, too: r * (W_n x + b_in + U_n h + b_hn)."""
    return _reset_the_input_too(x, h, W, U, b_ih, b_hh)[1]


def _resets_what_it_keeps(
    x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array
) -> Array:
    """Resets the state that is kept, too: z * r * h + (1 - z) * n."""
    return reset_in_the_mix(x, h, W, U, b_ih, b_hh)[1]


def _turns_reset(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Array:
    """Takes 1 - r for r."""
    return _reset_turned(x, h, W, U, b_ih, b_hh)[1]


def _writes_by_z(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Array:
    """Lets z write: (1 - z) * h + z * n."""
    return z_writes(x, h, W, U, b_ih, b_hh)[1]


def _reads_zrn(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Array:
    """Reads the rows in the order z, r, n."""
    return _rows_zrn(x, h, W, U, b_ih, b_hh)[1]


def _overlooks_x(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Array:
    """Leaves out the term with W and x."""
    return _plain_gru(0 * x, h, W, U, b_ih, b_hh)


def _overlooks_input_bias(
    x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array
) -> Array:
    """Leaves out the bias b_ih."""
    return _plain_gru(x, h, W, U, 0 * b_ih, b_hh)


def _gates_overlook_h(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Array:
    """Leaves out the terms with U_r, U_z and h: both gates see x and the biases only."""
    U_n = np.split(U, 3)[2]
    return _plain_gru(x, h, W, np.concatenate([0 * U_n, 0 * U_n, U_n]), b_ih, b_hh)


def _bends_sharply(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Array:
    """Takes straight lines from whole number to whole number for the logistic function."""
    at = np.arange(-8, 9)
    return gru_of(x, h, W, U, b_ih, b_hh, gate=lambda a: np.interp(a, at, sigmoid(at)))[1]


def _turns_matrices(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Array:
    """Takes the transpose of U_n."""
    blocks = np.split(U, 3)
    turned = np.concatenate([*blocks[:2], blocks[2].T])
    return _plain_gru(x, h, W, turned, b_ih, b_hh)


def _first_sequence_for_all(
    x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array
) -> Array:
    """Takes the reset gate of the first sequence for the whole batch."""
    return gru_of(
        *(x, h, W, U, b_ih, b_hh), after=lambda x_n, h, r, U, b: placed_after(x_n, h, r[:1], U, b)
    )[1]


def _at(B: int = 3, I: int = 2, H: int = 4) -> list[Array]:  # noqa: E741
    """Draw x, h, W, U, b_ih and b_hh at which a test looks."""
    draw = np.random.default_rng(5).normal
    shapes = (B, I), (B, H), (3 * H, I), (3 * H, H), (3 * H,), (3 * H,)
    return [draw(size=shape) for shape in shapes]


def _compare(
    implementation: GruStep,
    point: Sequence[Array],
    *,
    scales: Sequence[float] = (1, 0),
    reference: GruStep = _plain_gru,
    close: Callable[[Array, Array], bool] = np.allclose,
) -> None:
    """Compare an implementation with another idea of what is right, at states of some scales."""
    x, h, *weights = point
    for scale in scales:
        got = implementation(x, scale * h, *weights)
        assert close(got, reference(x, scale * h, *weights))


_GOT, _RIGHT = "torch_gru(x, state, W, U, b_ih, b_hh)", "z * state + (1 - z) * n"


_ANY_NUMBERS = "the test may choose its numbers"


_CLOSE = "whichever of two close arrays comes first, they are close"


EXERCISE = bug_hunt(
    catches_wrong_reset,
    right=[_plain_gru, _moves_towards_n, _squashes_by_tanh],
    buggy=[
        _resets_before,
        _leaves_bias_outside,
        _resets_all_before,
        _has_no_candidate_bias,
        _skips_zero_states,
        _never_resets,
        _resets_input_too,
        _resets_what_it_keeps,
        _turns_reset,
        _writes_by_z,
        _reads_zrn,
        _overlooks_x,
        _overlooks_input_bias,
        _gates_overlook_h,
        _bends_sharply,
        _turns_matrices,
        _first_sequence_for_all,
    ],
    alternatives=[_catches_by_library, _catches_along_a_sequence, _catches_entry_by_entry],
    equivalent={
        "rng = np.random.default_rng(0) -> rng = np.random.default_rng(1)": _ANY_NUMBERS,
        "x, h, W, U, b_ih, b_hh = [rng.normal(size=size) for size in sizes]"
        " -> x, h, W, U, b_hh, b_ih = [rng.normal(size=size) for size in sizes]": _ANY_NUMBERS,
        "for state in (h, np.zeros_like(h)): -> for state in (np.zeros_like(h), h):": (
            "whichever of two states comes first, the test looks at both"
        ),
        f"assert np.allclose({_GOT}, {_RIGHT}) -> assert np.allclose({_RIGHT}, {_GOT})": _CLOSE,
    },
    mistakes={
        "accepts_everything": Mistake(
            """Your test lets everything through: no implementation, however wrong, makes it raise.

            Shapes are no help, nor that the state stays between -1 and 1: both hold with all
            the bugs. Work out the numbers that should come back, and `assert` that they do.
            """,
            "torch_gru(*_at())",
        ),
        "never_from_zero": Mistake(
            """Your states are never 0. One bug shows there only, at the start of a sequence.

            There is a state of zeros at every start, and r * b_hn is there all the same. It has
            been in a library. Test a state of zeros, and another.
            """,
            "_compare(torch_gru, _at(), scales=[1])",
        ),
        "only_from_zero": Mistake(
            """Your states are all 0. Then U multiplies zeros, and what is kept of h does not show.

            Draw h at random as well, or take more steps than one.
            """,
            "_compare(torch_gru, _at(), scales=[0])",
        ),
        "without_bias": Mistake(
            """Your b_hh is 0. Then it does not show whether r multiplies it, or where it is added.

            It is 0 in a new network of many libraries, which hides these bugs there. Draw it at
            random.
            """,
            """
            x, h, W, U, b_ih, b_hh = _at()
            _compare(torch_gru, [x, h, W, U, b_ih, 0 * b_hh])
            """,
        ),
        "without_input": Mistake(
            """Your x is 0, or your W is. Then it does not show whether anything of x gets in.

            Draw both at random.
            """,
            """
            x, *others = _at()
            _compare(torch_gru, [0 * x, *others])
            """,
        ),
        "without_input_bias": Mistake(
            """Your b_ih is 0. Then it does not show whether it is added. Draw it at random.""",
            """
            x, h, W, U, b_ih, b_hh = _at()
            _compare(torch_gru, [x, h, W, U, 0 * b_ih, b_hh])
            """,
        ),
        "without_recurrence": Mistake(
            """Your U is 0. Then nothing shows of what is seen of h. Draw it at random.""",
            """
            x, h, W, U, b_ih, b_hh = _at()
            _compare(torch_gru, [x, h, W, 0 * U, b_ih, b_hh])
            """,
        ),
        "gates_without_state": Mistake(
            """Your U_r and U_z are 0. Then it does not show whether the gates see h.

            Draw all of U at random.
            """,
            """
            x, h, W, U, b_ih, b_hh = _at()
            U_n = np.split(U, 3)[2]
            _compare(torch_gru, [x, h, W, np.concatenate([0 * U_n, 0 * U_n, U_n]), b_ih, b_hh])
            """,
        ),
        "single_unit": Mistake(
            """You have one unit, or your U_n is diagonal, such as `np.eye`, or 0: no unit sees
            another.

            Then it does not show where r acts: r * (u * h) is u * (r * h). Take two units or
            more, and draw U at random.
            """,
            "_compare(torch_gru, _at(H=1))",
        ),
        "single_unit_without_bias": Mistake(
            """You have one unit, and b_hh is 0. Then r * (u * h) is u * (r * h): r may act
            anywhere.

            Take two units or more, and draw all biases at random.
            """,
            """
            x, h, W, U, b_ih, b_hh = _at(H=1)
            _compare(torch_gru, [x, h, W, U, b_ih, 0 * b_hh])
            """,
        ),
        "symmetric_weights": Mistake(
            """Your test does not see which way round U_n stands. Is it symmetric? Draw U at
            random.
            """,
            """
            x, h, W, U, b_ih, b_hh = _at()
            symmetric = [block + block.T for block in np.split(U, 3)]
            _compare(torch_gru, [x, h, W, np.concatenate(symmetric), b_ih, b_hh])
            """,
        ),
        "weights_all_alike": Mistake(
            """Your weights are all the same. Then all gates are alike, and U_n is its own
            transpose.

            Are they all 1, or some other constant? Draw W, U and both biases at random.
            """,
            """
            x, h, *weights = _at()
            _compare(torch_gru, [x, h, *(np.full_like(each, 0.5) for each in weights)])
            """,
        ),
        "everything_alike": Mistake(
            """All your numbers are the same. Then gates, units and sequences are all alike.

            Any two may be taken for one another. Draw everything at random, x and h as well;
            and take a state of zeros, too, as at the start of a sequence.
            """,
            "_compare(torch_gru, [np.ones_like(each) for each in _at()], scales=[1])",
        ),
        "everything_alike_or_zero": Mistake(
            """All your numbers are the same, but for a state of zeros. Then gates and units are
            all alike.

            Any two may be taken for one another. Draw everything at random, x and h as well.
            """,
            "_compare(torch_gru, [np.ones_like(each) for each in _at()])",
        ),
        "single_sequence": Mistake(
            """You have one sequence, so one bug is right: it treats all of a batch like the first.

            Take two sequences or more, with different inputs.
            """,
            "_compare(torch_gru, _at(B=1))",
        ),
        "single_sequence_of_one_unit": Mistake(
            """You have one sequence and one unit. Then no batch can be mixed up, and no unit sees
            another.

            It does not show where r acts: r * (u * h) is u * (r * h). Take two or more of each.
            """,
            "_compare(torch_gru, _at(B=1, H=1))",
        ),
        "too_generous": Mistake(
            """Your test is too generous: it lets through gates that are made of straight lines.

            They are wrong in the second digit. Use `np.allclose` as it is.
            """,
            """
            _compare(torch_gru, _at(), close=lambda got, right: np.allclose(got, right, rtol=0, atol=0.05))
            """,
        ),
        "exact_equality": Mistake(
            """Your test is too exact: two right ways of computing a number differ in its last
            digits.

            In place of `==`, use `np.allclose`.
            """,
            "_compare(torch_gru, _at(), close=np.array_equal)",
        ),
        "wants_reset_before": Mistake(
            """Your test wants U_n (r * h), as published in 2014. torch resets after the product.

            That is r * (U_n h + b_hn).
            """,
            "_compare(torch_gru, _at(), reference=_resets_before)",
        ),
        "wants_bias_outside": Mistake(
            """Your test wants r * (U_n h) + b_hn. In torch r multiplies the bias, too.""",
            "_compare(torch_gru, _at(), reference=_leaves_bias_outside)",
        ),
        "wants_z_to_write": Mistake(
            """Your test wants (1 - z) * h + z * n. In torch z keeps: z * h + (1 - z) * n.""",
            "_compare(torch_gru, _at(), reference=_writes_by_z)",
        ),
        "wants_zrn": Mistake(
            """Your test wants the rows in the order z, r, n, which is that of Keras. torch has r,
            z, n.
            """,
            "_compare(torch_gru, _at(), reference=_reads_zrn)",
        ),
        "rejects_everything": Mistake(
            """Your test rejects every implementation that it was given, right or wrong.

            Then what it wants is something else. Do you expect one array, not the pair of
            exercise 3? Are the rows in the order r, z, n? Are both biases in both gates? If you
            compare with torch: have you set all of its parameters? And do you give the
            implementation NumPy arrays, not tensors?
            """,
            "_compare(torch_gru, _at(), reference=lambda *args: _rows_nrz(*args)[1])",
        ),
    },
)
