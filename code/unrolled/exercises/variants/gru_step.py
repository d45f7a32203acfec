"""The exercise ``variants.gru_step``."""

from __future__ import annotations

from typing import Any

import numpy as np

from unrolled.core.validate import Array
from unrolled.exercises._drawing import numbers
from unrolled.exercises._gates import has_overflown, sigmoid, wrong_parts
from unrolled.exercises.grading import Exercise, Mistake

Arrays = tuple[Array, ...]
Pair = tuple[Array, Array]

_rng = np.random.default_rng(0)


def gru_step(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Pair:
    """Take one step of both GRUs: return (before, after), (B, H) each.

    Rows are stacked r, z, n. An open z keeps.
    """

    def sigmoid(a: Array) -> Array:
        return 1 / (1 + np.exp(-a))

    x_r, x_z, x_n = np.split(x @ W.T + b_ih, 3, axis=1)
    U_r, U_z, U_n = np.split(U, 3)
    b_r, b_z, b_n = np.split(b_hh, 3)
    r = sigmoid(x_r + h @ U_r.T + b_r)
    z = sigmoid(x_z + h @ U_z.T + b_z)
    n_before = np.tanh(x_n + (r * h) @ U_n.T + b_n)
    n_after = np.tanh(x_n + r * (h @ U_n.T + b_n))
    return z * h + (1 - z) * n_before, z * h + (1 - z) * n_after


def _entry_by_entry(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Pair:
    B, H = h.shape
    before, after = np.zeros((B, H)), np.zeros((B, H))
    for k in range(B):
        seen_x, seen_h = W @ x[k] + b_ih, U @ h[k] + b_hh
        r = sigmoid(seen_x[:H] + seen_h[:H])
        for j in range(H):
            z = sigmoid(seen_x[H + j] + seen_h[H + j])
            reset = sum(U[2 * H + j, m] * r[m] * h[k, m] for m in range(H))
            n = np.tanh(seen_x[2 * H + j] + reset + b_hh[2 * H + j])
            before[k, j] = n + z * (h[k, j] - n)
            n = np.tanh(seen_x[2 * H + j] + r[j] * seen_h[2 * H + j])
            after[k, j] = n + z * (h[k, j] - n)
    return before, after


def _einsum(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Pair:
    H = h.shape[1]
    seen = np.einsum("bi,gi->bg", x, W) + b_ih
    told = np.einsum("bh,gh->bg", h, U) + b_hh
    r, z = np.split(sigmoid(seen + told)[:, : 2 * H], 2, axis=1)
    after = np.tanh(seen[:, 2 * H :] + r * told[:, 2 * H :])
    before = np.tanh(seen[:, 2 * H :] + np.einsum("bh,bh,gh->bg", r, h, U[2 * H :]) + b_hh[2 * H :])
    return (1 - z) * before + z * h, (1 - z) * after + z * h


def _torch(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Any:
    import torch

    x_, h_, W_, U_, b_, d_ = map(torch.from_numpy, (x, h, W, U, b_ih, b_hh))
    i_r, i_z, i_n = torch.nn.functional.linear(x_, W_, b_).chunk(3, 1)
    h_r, h_z, h_n = torch.nn.functional.linear(h_, U_, d_).chunk(3, 1)
    r, z = (i_r + h_r).sigmoid(), (i_z + h_z).sigmoid()
    reset = torch.nn.functional.linear(r * h_, U_.chunk(3)[2], d_.chunk(3)[2])
    return tuple(torch.lerp((i_n + each).tanh(), h_, z) for each in (reset, r * h_n))


def _does_not_overflow(result: Pair, *args: Array) -> bool:
    """Likely: exp(a) is inf here, which it is from a = 710 on, and inf / inf is nan.

    In 1 / (1 + exp(-a)) nothing but 1 is divided by inf. For tanh there is np.tanh.
    """
    return not has_overflown(result)


def _rows_of_a_gate_together(
    result: Pair, x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array
) -> bool:
    """The gates take turns in your rows. All H rows of r come first, then all of z, and so on.

    For one gate take consecutive rows: of r, 0 to H; of z, H to 2H.
    """
    by_turns = np.argsort(np.arange(len(b_ih)) % 3, kind="stable")
    theirs = gru_step(x, h, *(each[by_turns] for each in (W, U, b_ih, b_hh)))
    return h.shape[1] == 1 or all(wrong_parts(result, theirs))


def _has_its_bias_at_zero(
    result: Pair, x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array
) -> bool:
    """There is no b_hn here, where a state is 0. It is added all the same.

    At h = 0, n = tanh(W_n x + b_in + b_hn) in `before`, and tanh(W_n x + b_in + r * b_hn) in
    `after`. Likely: states of 0 are treated apart.
    """
    without = b_hh * (np.arange(len(b_hh)) < 2 * h.shape[1])
    at = ~h.any(axis=1)
    wrong = wrong_parts([each[at] for each in result], gru_step(x[at], h[at], W, U, b_ih, without))
    return not at.any() or all(wrong)


def _after_is_right(result: Pair, *args: Array) -> bool:
    """`before` is right, so r, z and what z keeps are. What is left is the candidate of `after`.

    It is tanh(W_n x + b_in + r * (...)), and r differs from unit to unit and from sequence to
    sequence.
    """
    return wrong_parts(result, gru_step(*args)) != (False, True)


def _before_is_right(result: Pair, *args: Array) -> bool:
    """`after` is right, so r and z are. What is left is `before`: its candidate, or what z keeps.

    And z keeps the same in both, z * h.
    """
    return wrong_parts(result, gru_step(*args)) != (True, False)


def _one_is_right(result: Pair, *args: Array) -> bool:
    """Neither of the two is right, so look first at what they share: r, z, z * h + (1 - z) * n.

    They share W_n, U_n and b_in, too. Set U and both biases to 0 and compare, then put them
    back, one at a time.
    """
    return not all(wrong_parts(result, gru_step(*args)))


def _case(B: int, I: int, H: int, state: float = 0.5, scale: float = 1.0) -> Arrays:  # noqa: E741
    shapes = (B, I), (B, H), (3 * H, I), (3 * H, H), (3 * H,), (3 * H,)
    x, h, W, U, b_ih, b_hh = (scale * numbers(_rng, *shape) for shape in shapes)
    return x, state * h, W, U, b_ih, b_hh


def _first_state_zero() -> Arrays:
    x, h, *weights = _case(3, 2, 4)
    h[0] = 0
    return x, h, *weights


def _saturated() -> Arrays:
    """Open and shut the gates, and the candidate, as far as exp(-a) in float64 goes: to -700."""
    x, h, W, U, b_ih, b_hh = _case(2, 3, 4)
    r, z, n = [800, -700, 800, -700], [800, 800, -700, -690], [0, 800, 0, -700]
    return x, h, W, U, b_ih + np.concatenate([r, z, n]), b_hh


EXERCISE = Exercise(
    gru_step,
    cases=[
        _case(3, 1, 2),
        _case(3, 2, 4),
        _case(3, 2, 4),
        _case(1, 4, 3),
        _case(4, 1, 1),
        _case(32, 2, 5),
        _case(3, 5, 2, state=0),
        _first_state_zero(),
        _case(2, 1, 3, state=20),
        _saturated(),
        _case(2, 3, 4, scale=1e-6),
    ],
    alternatives=[_entry_by_entry, _einsum, _torch],
    properties=[
        _does_not_overflow,
        _rows_of_a_gate_together,
        _has_its_bias_at_zero,
        _one_is_right,
        _after_is_right,
        _before_is_right,
    ],
    parts=("before", "after"),
    mistakes={
        "pair_swapped": Mistake(
            """The results are the wrong way round: return (before, after).

            Before the product, r multiplies h: U_n (r * h). After it, r multiplies U_n h +
            b_hn.
            """,
            {"z) * n_before": "z) * n_after", "z) * n_after\n": "z) * n_before\n"},
        ),
        "both_after": Mistake(
            """`before` is torch's GRU as well. There r should multiply h, before the product with
            U_n.

            In a batch that is `(r * h) @ U_n.T`. The two are not the same: U_n mixes the units.
            """,
            {"(r * h) @ U_n.T + b_n": "r * (h @ U_n.T + b_n)"},
        ),
        "both_before": Mistake(
            """`after` resets before the product as well. In torch, r multiplies what comes out of
            it.

            That is `r * (h @ U_n.T + b_n)`, with the brackets: Python takes `r * h @ U_n.T` from
            the left, as `(r * h) @ U_n.T`.
            """,
            {"r * (h @ U_n.T + b_n)": "(r * h) @ U_n.T + b_n"},
        ),
        "bias_outside": Mistake(
            """In `after`, the bias b_hn is outside the bracket. In torch, r multiplies it as well.

            That is why torch's GRU needs two biases: `r * (h @ U_n.T + b_n)`.
            """,
            {"r * (h @ U_n.T + b_n)": "r * (h @ U_n.T) + b_n"},
        ),
        "bias_outside_in_both": Mistake(
            """In both, r multiplies the product with U_n and nothing else: r * (U_n h) + b_hn.

            In `before` it acts on h alone, `(r * h) @ U_n.T`; in `after` on the bias as well,
            `r * (h @ U_n.T + b_n)`.
            """,
            {
                "(r * h) @ U_n.T": "r * (h @ U_n.T)",
                "r * (h @ U_n.T + b_n)": "r * (h @ U_n.T) + b_n",
            },
        ),
        "bias_outside_in_before": Mistake(
            """In `before`, r multiplies what comes out of the product with U_n. It should multiply
            h, before that.

            In a batch that is `(r * h) @ U_n.T + b_n`. The two are not the same: U_n mixes the
            units.
            """,
            {"(r * h) @ U_n.T": "r * (h @ U_n.T)"},
        ),
        "bias_reset_too": Mistake(
            """In `before`, r multiplies the bias b_hn, too. There it acts on h alone, `r * h`.""",
            {"(r * h) @ U_n.T + b_n": "(r * h) @ U_n.T + r * b_n"},
        ),
        "candidate_bias_missing": Mistake(
            """The bias b_hn of the candidate is missing, the last H of b_hh. Both GRUs have it.""",
            {"(r * h) @ U_n.T + b_n": "(r * h) @ U_n.T", "(h @ U_n.T + b_n)": "(h @ U_n.T)"},
            {"(r * h) @ U_n.T + b_n": "(r * h) @ U_n.T"},
        ),
        "gate_biases_missing": Mistake(
            """b_hr and b_hz are missing. Each gate has two biases, one in b_ih and one in b_hh.""",
            {"h @ U_r.T + b_r": "h @ U_r.T", "h @ U_z.T + b_z": "h @ U_z.T"},
        ),
        "hidden_bias_missing": Mistake(
            """The bias b_hh is missing. Each gate, and the candidate, has one from each vector.""",
            {"np.split(b_hh, 3)": "np.split(0 * b_hh, 3)"},
        ),
        "hidden_bias_twice": Mistake(
            """The bias b_hh is added twice: with U h, where it belongs, and with W x.""",
            {"x @ W.T + b_ih": "x @ W.T + b_ih + b_hh"},
        ),
        "input_bias_missing": Mistake(
            """The bias b_ih is missing. Each gate, and the candidate, has one from each vector.""",
            {" + b_ih": ""},
        ),
        "z_writes": Mistake(
            """The update gate is the wrong way round: here z keeps the old state, z * h + (1 - z)
            * n.

            Papers have both. In the one that you wrote z is how much is written.
            """,
            {
                "z * h + (1 - z) * n_before": "(1 - z) * h + z * n_before",
                "z * h + (1 - z) * n_after": "(1 - z) * h + z * n_after",
            },
        ),
        **{
            f"z_writes_in_{which}": Mistake(
                f"""In `{which}`, the update gate is the wrong way round. Both GRUs have
                z * h + (1 - z) * n.
                """,
                {f"z * h + (1 - z) * n_{which}": f"(1 - z) * h + z * n_{which}"},
            )
            for which in ("before", "after")
        },
        "rows_zrn": Mistake(
            """The reset gate and the update gate have changed places.

            Keras and ONNX stack z, r, n, and torch stacks r, z, n. The shapes do not tell.
            """,
            {
                "x_r, x_z, x_n": "x_z, x_r, x_n",
                "U_r, U_z, U_n": "U_z, U_r, U_n",
                "b_r, b_z, b_n": "b_z, b_r, b_n",
            },
        ),
        **{
            f"rows_{''.join(order)}": Mistake(
                f"The rows are taken in the order {', '.join(order)}. In torch it is r, z, n.",
                {
                    "x_r, x_z, x_n": ", ".join(f"x_{gate}" for gate in order),
                    "U_r, U_z, U_n": ", ".join(f"U_{gate}" for gate in order),
                    "b_r, b_z, b_n": ", ".join(f"b_{gate}" for gate in order),
                },
            )
            for order in ("rnz", "nrz", "znr", "nzr")
        },
        "rows_of_one_exchanged": Mistake(
            """r and z see one another's part of x, or of h, and the right part of the other.

            All of W, U, b_ih and b_hh are stacked r, z, n.
            """,
            {"x_r, x_z, x_n": "x_z, x_r, x_n"},
            {"U_r, U_z, U_n": "U_z, U_r, U_n", "b_r, b_z, b_n": "b_z, b_r, b_n"},
        ),
        "reset_missing": Mistake(
            """The reset gate does nothing: the candidate sees all of h.

            Multiply by r, h itself in `before`, and U_n h + b_hn in `after`.
            """,
            {"(r * h) @ U_n.T": "h @ U_n.T", "r * (h @ U_n.T + b_n)": "h @ U_n.T + b_n"},
        ),
        "reset_the_input_too": Mistake(
            """In `after`, r multiplies what the candidate sees of x as well. It acts on h's part
            alone.
            """,
            {"x_n + r * (h @ U_n.T + b_n)": "r * (x_n + h @ U_n.T + b_n)"},
        ),
        "reset_turned": Mistake(
            """The reset gate is the wrong way round: at r = 1 the candidate should see all of the
            state.
            """,
            {"r = sigmoid(x_r + h @ U_r.T + b_r)": "r = 1 - sigmoid(x_r + h @ U_r.T + b_r)"},
        ),
        "gates_see_no_state": Mistake(
            """The gates do not see h: U_r h and U_z h are missing from them.""",
            {" + h @ U_r.T": "", " + h @ U_z.T": ""},
        ),
        "reset_in_the_mix": Mistake(
            """The state that z keeps has been multiplied by r. It should be h as it was.

            r acts inside the candidate only. Did `h = r * h` overwrite it?
            """,
            {
                "z * h + (1 - z) * n_before": "z * r * h + (1 - z) * n_before",
                "z * h + (1 - z) * n_after": "z * r * h + (1 - z) * n_after",
            },
        ),
        "reset_in_the_mix_of_before": Mistake(
            """In `before`, the state that z keeps has been multiplied by r. It should be h as it
            was.

            r * h is for the candidate alone: z * h + (1 - z) * n.
            """,
            {"z * h + (1 - z) * n_before": "z * r * h + (1 - z) * n_before"},
        ),
        "state_overwritten": Mistake(
            """The state has been overwritten by r * h, and all that follows is made from that.

            z keeps h as it was, and in `after` the product is with h as it was. Give r * h
            another name.
            """,
            {"n_before = np.tanh(x_n + (r * h)": "h = r * h\n    n_before = np.tanh(x_n + h"},
            {"n_before = np.tanh(x_n + (r * h)": "h *= r\n    n_before = np.tanh(x_n + h"},
        ),
        "candidate_not_squashed": Mistake(
            """The candidate is not squashed: n = tanh(...).""",
            {"n_before = np.tanh": "n_before = ", "n_after = np.tanh": "n_after = "},
        ),
        "candidate_logistic": Mistake(
            """The candidate goes through the logistic function. It should go through tanh.

            It is no gate, though its rows are stacked below theirs: it may be negative.
            """,
            {"n_before = np.tanh": "n_before = sigmoid", "n_after = np.tanh": "n_after = sigmoid"},
        ),
        "gates_through_tanh": Mistake(
            """The gates go through tanh. They should go through sigmoid, from 0 to 1.""",
            {"return 1 / (1 + np.exp(-a))": "return np.tanh(a)"},
        ),
        "weights_transposed": Mistake(
            """Blocks of U are the wrong way round: `h @ U_n` where `h @ U_n.T` belongs.

            Each block is square, so the shapes do not tell.
            """,
            {f"{old}.T": old for old in ("h @ U_r", "h @ U_z", "(r * h) @ U_n", "(h @ U_n")},
            {f"{old}.T": old for old in ("(r * h) @ U_n", "(h @ U_n")},
            {"(r * h) @ U_n.T": "(r * h) @ U_n"},
        ),
        "candidate_added": Mistake(
            """What is kept and what is new are not shared out: the new state is z * h + n.

            A GRU has one gate for both: what z keeps of h is not taken from n, z * h + (1 - z)
            * n.
            """,
            {"(1 - z) * n_before": "n_before", "(1 - z) * n_after": "n_after"},
        ),
    },
)
