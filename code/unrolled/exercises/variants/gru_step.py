"""The exercise ``variants.gru_step``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from unrolled._validate import Array
from unrolled.exercises._drawing import numbers
from unrolled.exercises._gates import sigmoid
from unrolled.exercises.grading import Exercise, Mistake

Arrays = tuple[Array, ...]
Pair = tuple[Array, Array]

_rng = np.random.default_rng(0)


def gru_step(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Pair:
    """Take one step of two GRUs that share their weights; return both new states.

    x has shape (B, I), h has shape (B, H). The rows are stacked r, z, n, as in torch:
    W has shape (3H, I), U (3H, H), and both biases have shape (3H,). Both GRUs have
    r = sigmoid(W_r x + b_ir + U_r h + b_hr), z likewise, and the new state is
    z * h + (1 - z) * n. They differ in where r acts. Return (before, after), each of
    shape (B, H):
    before, with n = tanh(W_n x + b_in + U_n (r * h) + b_hn), as published in 2014;
    after, with n = tanh(W_n x + b_in + r * (U_n h + b_hn)), as in torch.
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


def _gru_entry_by_entry(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Pair:
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


def _gru_einsum(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Pair:
    H = h.shape[1]
    seen = np.einsum("bi,gi->bg", x, W) + b_ih
    told = np.einsum("bh,gh->bg", h, U) + b_hh
    r, z = np.split(sigmoid(seen + told)[:, : 2 * H], 2, axis=1)
    after = np.tanh(seen[:, 2 * H :] + r * told[:, 2 * H :])
    before = np.tanh(seen[:, 2 * H :] + np.einsum("bh,bh,gh->bg", r, h, U[2 * H :]) + b_hh[2 * H :])
    return (1 - z) * before + z * h, (1 - z) * after + z * h


def _gru_torch(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Any:
    import torch

    x_, h_, W_, U_, b_, d_ = map(torch.from_numpy, (x, h, W, U, b_ih, b_hh))
    i_r, i_z, i_n = torch.nn.functional.linear(x_, W_, b_).chunk(3, 1)
    h_r, h_z, h_n = torch.nn.functional.linear(h_, U_, d_).chunk(3, 1)
    r, z = (i_r + h_r).sigmoid(), (i_z + h_z).sigmoid()
    reset = torch.nn.functional.linear(r * h_, U_.chunk(3)[2], d_.chunk(3)[2])
    return tuple(torch.lerp((i_n + each).tanh(), h_, z) for each in (reset, r * h_n))


def mixed(h: Array, n: Array, z: Array, r: Array) -> Array:
    return z * h + (1 - z) * n


def placed_before(x_n: Array, h: Array, r: Array, U_n: Array, b_n: Array) -> Array:
    return x_n + (r * h) @ U_n.T + b_n


def placed_after(x_n: Array, h: Array, r: Array, U_n: Array, b_n: Array) -> Array:
    return x_n + r * (h @ U_n.T + b_n)


Placed = Callable[[Array, Array, Array, Array, Array], Array]


def gru_of(
    x: Array,
    h: Array,
    W: Array,
    U: Array,
    b_ih: Array,
    b_hh: Array,
    *,
    order: str = "rzn",
    gate: Callable[[Array], Array] = sigmoid,
    squash: Callable[[Array], Array] = np.tanh,
    mix: Callable[[Array, Array, Array, Array], Array] = mixed,
    before: Placed = placed_before,
    after: Placed = placed_after,
) -> Pair:
    """Take the steps with another idea of some part of them."""
    at = [order.index(name) for name in "rzn"]
    parts = [np.split(x @ W.T + b_ih, 3, axis=1), np.split(U, 3), np.split(b_hh, 3)]
    (x_r, x_z, x_n), (U_r, U_z, U_n), (b_r, b_z, b_n) = ([p[k] for k in at] for p in parts)
    r, z = gate(x_r + h @ U_r.T + b_r), gate(x_z + h @ U_z.T + b_z)
    one, other = (mix(h, squash(a(x_n, h, r, U_n, b_n)), z, r) for a in (before, after))
    return one, other


def z_writes(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Pair:
    """The update gate is the wrong way round: here z keeps the old state, z * h + (1 - z) * n.

    Papers have both. In the one that you wrote z is how much is written.
    """
    return gru_of(x, h, W, U, b_ih, b_hh, mix=lambda h, n, z, r: (1 - z) * h + z * n)


def _rows_in_order(order: str) -> Callable[..., Pair]:
    def rows(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Pair:
        return gru_of(x, h, W, U, b_ih, b_hh, order=order)

    rows.__name__ = f"_rows_{order}"
    rows.__doc__ = (
        f"""The rows are taken in the order {", ".join(order)}. In torch it is r, z, n."""
    )
    return rows


_OTHER_ROWS = [_rows_in_order(order) for order in ("rnz", "znr", "nzr")]


def reset_in_the_mix(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Pair:
    """The state that z keeps has been multiplied by r. It should be h as it was.

    r acts inside the candidate only. Did `h = r * h` overwrite it?
    """
    return gru_of(x, h, W, U, b_ih, b_hh, mix=lambda h, n, z, r: z * r * h + (1 - z) * n)


def _rows_of_a_gate_together(
    result: Pair, x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array
) -> bool:
    """The gates take turns in your rows. All H rows of r come first, then all of z, and so on.

    For one gate take consecutive rows: of r, 0 to H; of z, H to 2H.
    """
    by_turns = np.argsort(np.arange(len(b_ih)) % 3, kind="stable")
    theirs = gru_step(x, h, *(each[by_turns] for each in (W, U, b_ih, b_hh)))
    return h.shape[1] == 1 or not np.allclose(result, theirs, rtol=1e-4)


def _after_is_right(result: Pair, *args: Array) -> bool:
    """Look at `after` first, which is torch's GRU: it is not right.

    What the two share, r, z and the mixing, is in both.
    """
    return np.allclose(result[1], gru_step(*args)[1], rtol=1e-4)


def _before_is_right(result: Pair, *args: Array) -> bool:
    """`after` is right, so r and z are. What is left is `before`: its candidate, or what z keeps.

    And z keeps the same in both, z * h.
    """
    return np.allclose(result[0], gru_step(*args)[0], rtol=1e-4)


def _gru_case(B: int, I: int, H: int) -> Arrays:  # noqa: E741
    shapes = (B, I), (B, H), (3 * H, I), (3 * H, H), (3 * H,), (3 * H,)
    x, h, W, U, b_ih, b_hh = (numbers(_rng, *shape) for shape in shapes)
    return x, h / 2, W, U, b_ih, b_hh


EXERCISE = Exercise(
    gru_step,
    cases=[_gru_case(2, 2, 2), _gru_case(3, 2, 4), _gru_case(1, 3, 3), _gru_case(4, 1, 1)],
    alternatives=[_gru_entry_by_entry, _gru_einsum, _gru_torch],
    properties=[_rows_of_a_gate_together, _after_is_right, _before_is_right],
    parts=("before", "after"),
    mistakes={
        "pair_swapped": Mistake(
            """The results are the wrong way round: return (before, after).

            Before the product, r multiplies h: U_n (r * h). After it, r multiplies U_n h +
            b_hn.
            """,
            """
            before, after = solution(x, h, W, U, b_ih, b_hh)
            return after, before
            """,
            """
            H, sigmoid = h.shape[1], lambda a: 1 / (1 + np.exp(-a))
            gates = sigmoid((x @ W.T + b_ih + h @ U.T + b_hh)[:, : 2 * H])
            r, z = gates[:, :H], gates[:, H:]
            x_n, b_n = (x @ W.T + b_ih)[:, 2 * H :], b_hh[2 * H :]
            before = np.tanh(x_n + (r * h) @ U[2 * H :].T + b_n)
            after = np.tanh(x_n + r * (h @ U[2 * H :].T + b_n))
            return z * h + (1 - z) * after, z * h + (1 - z) * before
            """,
        ),
        "both_after": Mistake(
            """`before` is torch's GRU as well. There r should multiply h, before the product with
            U_n.

            In a batch that is `(r * h) @ U_n.T`. The two are not the same: U_n mixes the units.
            """,
            "return gru_of(x, h, W, U, b_ih, b_hh, before=placed_after)",
        ),
        "both_before": Mistake(
            """`after` resets before the product as well. In torch, r multiplies what comes out of
            it.

            That is `r * (h @ U_n.T + b_n)`. The two are not the same: U_n mixes the units.
            """,
            "return gru_of(x, h, W, U, b_ih, b_hh, after=placed_before)",
        ),
        "bias_outside": Mistake(
            """In `after`, the bias b_hn is outside the bracket. In torch, r multiplies it as well.

            That is why torch's GRU needs two biases: `r * (h @ U_n.T + b_n)`.
            """,
            """
            return gru_of(x, h, W, U, b_ih, b_hh, after=lambda x_n, h, r, U, b: x_n + r * (h @ U.T) + b)
            """,
            """
            H, sigmoid = h.shape[1], lambda a: 1 / (1 + np.exp(-a))
            gates = sigmoid((x @ W.T + b_ih + h @ U.T + b_hh)[:, : 2 * H])
            r, z = gates[:, :H], gates[:, H:]
            x_n, b_n = (x @ W.T + b_ih)[:, 2 * H :], b_hh[2 * H :]
            before = np.tanh(x_n + (r * h) @ U[2 * H :].T + b_n)
            after = np.tanh(x_n + r * (h @ U[2 * H :].T) + b_n)
            return z * h + (1 - z) * before, z * h + (1 - z) * after
            """,
        ),
        "bias_reset_too": Mistake(
            """In `before`, r multiplies the bias b_hn as well. There it acts on h alone, `r * h`.""",
            """
            return gru_of(
                *(x, h, W, U, b_ih, b_hh), before=lambda x_n, h, r, U, b: x_n + (r * h) @ U.T + r * b
            )
            """,
            """
            H, sigmoid = h.shape[1], lambda a: 1 / (1 + np.exp(-a))
            gates = sigmoid((x @ W.T + b_ih + h @ U.T + b_hh)[:, : 2 * H])
            r, z = gates[:, :H], gates[:, H:]
            x_n, b_n = (x @ W.T + b_ih)[:, 2 * H :], b_hh[2 * H :]
            before = np.tanh(x_n + (r * h) @ U[2 * H :].T + r * b_n)
            after = np.tanh(x_n + r * (h @ U[2 * H :].T + b_n))
            return z * h + (1 - z) * before, z * h + (1 - z) * after
            """,
        ),
        "candidate_bias_missing": Mistake(
            """The bias b_hn of the candidate is missing: the last H entries of b_hh.""",
            """
            b_hh = np.where(np.arange(len(b_hh)) < 2 * h.shape[1], b_hh, 0)
            return solution(x, h, W, U, b_ih, b_hh)
            """,
            """
            H, sigmoid = h.shape[1], lambda a: 1 / (1 + np.exp(-a))
            gates = sigmoid((x @ W.T + b_ih + h @ U.T + b_hh)[:, : 2 * H])
            r, z = gates[:, :H], gates[:, H:]
            x_n = (x @ W.T + b_ih)[:, 2 * H :]
            before = np.tanh(x_n + (r * h) @ U[2 * H :].T)
            after = np.tanh(x_n + r * (h @ U[2 * H :].T))
            return z * h + (1 - z) * before, z * h + (1 - z) * after
            """,
        ),
        "hidden_bias_missing": Mistake(
            """The bias b_hh is missing. Each gate, and the candidate, has one from each vector.""",
            "return solution(x, h, W, U, b_ih, 0 * b_hh)",
        ),
        "hidden_bias_twice": Mistake(
            """The bias b_hh is added twice, with W x and with U h. It belongs to U h, and b_ih to
            W x.
            """,
            "return solution(x, h, W, U, b_ih + b_hh, b_hh)",
            """
            H, sigmoid, both = h.shape[1], lambda a: 1 / (1 + np.exp(-a)), b_ih + b_hh
            gates = sigmoid((x @ W.T + both + h @ U.T + b_hh)[:, : 2 * H])
            r, z = gates[:, :H], gates[:, H:]
            x_n, b_n = (x @ W.T + both)[:, 2 * H :], b_hh[2 * H :]
            before = np.tanh(x_n + (r * h) @ U[2 * H :].T + b_n)
            after = np.tanh(x_n + r * (h @ U[2 * H :].T + b_n))
            return z * h + (1 - z) * before, z * h + (1 - z) * after
            """,
        ),
        "input_bias_missing": Mistake(
            """The bias b_ih is missing. Each gate, and the candidate, has one from each vector.""",
            "return solution(x, h, W, U, 0 * b_ih, b_hh)",
        ),
        "z_writes": Mistake(
            """The update gate is the wrong way round: here z keeps the old state, z * h + (1 - z)
            * n.

            Papers have both. In the one that you wrote z is how much is written.
            """,
            "return gru_of(x, h, W, U, b_ih, b_hh, mix=lambda h, n, z, r: (1 - z) * h + z * n)",
            """
            H, sigmoid = h.shape[1], lambda a: 1 / (1 + np.exp(-a))
            gates = sigmoid((x @ W.T + b_ih + h @ U.T + b_hh)[:, : 2 * H])
            r, z = gates[:, :H], gates[:, H:]
            x_n, b_n = (x @ W.T + b_ih)[:, 2 * H :], b_hh[2 * H :]
            before = np.tanh(x_n + (r * h) @ U[2 * H :].T + b_n)
            after = np.tanh(x_n + r * (h @ U[2 * H :].T + b_n))
            return h + z * (before - h), h + z * (after - h)
            """,
        ),
        "z_writes_in_before": Mistake(
            """In `before`, the update gate is the wrong way round. Both GRUs have z * h + (1 - z)
            * n.
            """,
            """
            writes = z_writes(x, h, W, U, b_ih, b_hh)[0]
            return writes, solution(x, h, W, U, b_ih, b_hh)[1]
            """,
            """
            H, sigmoid = h.shape[1], lambda a: 1 / (1 + np.exp(-a))
            gates = sigmoid((x @ W.T + b_ih + h @ U.T + b_hh)[:, : 2 * H])
            r, z = gates[:, :H], gates[:, H:]
            x_n, b_n = (x @ W.T + b_ih)[:, 2 * H :], b_hh[2 * H :]
            before = np.tanh(x_n + (r * h) @ U[2 * H :].T + b_n)
            after = np.tanh(x_n + r * (h @ U[2 * H :].T + b_n))
            return (1 - z) * h + z * before, z * h + (1 - z) * after
            """,
        ),
        "rows_zrn": Mistake(
            """The reset gate and the update gate have changed places.

            Keras and ONNX stack z, r, n, and torch stacks r, z, n. The shapes do not tell.
            """,
            'return gru_of(x, h, W, U, b_ih, b_hh, order="zrn")',
            """
            H, sigmoid = h.shape[1], lambda a: 1 / (1 + np.exp(-a))
            gates = sigmoid((x @ W.T + b_ih + h @ U.T + b_hh)[:, : 2 * H])
            z, r = gates[:, :H], gates[:, H:]
            x_n, b_n = (x @ W.T + b_ih)[:, 2 * H :], b_hh[2 * H :]
            before = np.tanh(x_n + (r * h) @ U[2 * H :].T + b_n)
            after = np.tanh(x_n + r * (h @ U[2 * H :].T + b_n))
            return z * h + (1 - z) * before, z * h + (1 - z) * after
            """,
        ),
        "rows_nrz": Mistake(
            """The candidate's rows are taken from the top. The order is r, z, n: they are the last
            H.
            """,
            'return gru_of(x, h, W, U, b_ih, b_hh, order="nrz")',
        ),
        "reset_missing": Mistake(
            """The reset gate does nothing: the candidate sees all of h.

            Multiply by r, h itself in `before`, and U_n h + b_hn in `after`.
            """,
            """
            def unreset(x_n: Array, h: Array, r: Array, U: Array, b: Array) -> Array:
                return x_n + h @ U.T + b

            return gru_of(x, h, W, U, b_ih, b_hh, before=unreset, after=unreset)
            """,
        ),
        "reset_the_input_too": Mistake(
            """In `after`, r multiplies what the candidate sees of x as well. It acts on h's part
            alone.
            """,
            """
            return gru_of(x, h, W, U, b_ih, b_hh, after=lambda x_n, h, r, U, b: r * (x_n + h @ U.T + b))
            """,
        ),
        "reset_turned": Mistake(
            """The reset gate is the wrong way round: at r = 1 the candidate should see all of the
            state.
            """,
            """
            return gru_of(
                *(x, h, W, U, b_ih, b_hh),
                before=lambda x_n, h, r, U, b: placed_before(x_n, h, 1 - r, U, b),
                after=lambda x_n, h, r, U, b: placed_after(x_n, h, 1 - r, U, b),
            )
            """,
        ),
        "reset_in_the_mix": Mistake(
            """The state that z keeps has been multiplied by r. It should be h as it was.

            r acts inside the candidate only. Did `h = r * h` overwrite it?
            """,
            "return gru_of(x, h, W, U, b_ih, b_hh, mix=lambda h, n, z, r: z * r * h + (1 - z) * n)",
        ),
        "reset_in_the_mix_of_before": Mistake(
            """In `before`, the state that z keeps has been multiplied by r. It should be h as it
            was.

            r * h is for the candidate alone: z * h + (1 - z) * n.
            """,
            """
            reset = reset_in_the_mix(x, h, W, U, b_ih, b_hh)[0]
            return reset, solution(x, h, W, U, b_ih, b_hh)[1]
            """,
            """
            H, sigmoid = h.shape[1], lambda a: 1 / (1 + np.exp(-a))
            gates = sigmoid((x @ W.T + b_ih + h @ U.T + b_hh)[:, : 2 * H])
            r, z = gates[:, :H], gates[:, H:]
            x_n, b_n = (x @ W.T + b_ih)[:, 2 * H :], b_hh[2 * H :]
            after = np.tanh(x_n + r * (h @ U[2 * H :].T + b_n))
            h1 = r * h
            before = np.tanh(x_n + h1 @ U[2 * H :].T + b_n)
            return z * h1 + (1 - z) * before, z * h + (1 - z) * after
            """,
        ),
        "state_overwritten": Mistake(
            """The state has been overwritten by r * h, and all that follows is made from that.

            z keeps h as it was, and in `after` the product is with h as it was. Give r * h
            another name.
            """,
            """
            return gru_of(
                *(x, h, W, U, b_ih, b_hh),
                mix=lambda h, n, z, r: z * r * h + (1 - z) * n,
                after=lambda x_n, h, r, U, b: placed_after(x_n, r * h, r, U, b),
            )
            """,
            """
            H, sigmoid = h.shape[1], lambda a: 1 / (1 + np.exp(-a))
            gates = sigmoid((x @ W.T + b_ih + h @ U.T + b_hh)[:, : 2 * H])
            r, z = gates[:, :H], gates[:, H:]
            x_n, b_n = (x @ W.T + b_ih)[:, 2 * H :], b_hh[2 * H :]
            h = r * h
            before = np.tanh(x_n + h @ U[2 * H :].T + b_n)
            after = np.tanh(x_n + r * (h @ U[2 * H :].T + b_n))
            return z * h + (1 - z) * before, z * h + (1 - z) * after
            """,
        ),
        "candidate_not_squashed": Mistake(
            """The candidate is not squashed: n = tanh(...).""",
            "return gru_of(x, h, W, U, b_ih, b_hh, squash=lambda a: a)",
        ),
        "candidate_logistic": Mistake(
            """The candidate goes through the logistic function. It should go through tanh.

            It is no gate, though its rows are stacked below theirs: it may be negative.
            """,
            "return gru_of(x, h, W, U, b_ih, b_hh, squash=sigmoid)",
        ),
        "gates_through_tanh": Mistake(
            """The gates go through tanh. They should go through the logistic function, from 0 to
            1.
            """,
            "return gru_of(x, h, W, U, b_ih, b_hh, gate=np.tanh)",
        ),
        "weights_transposed": Mistake(
            """The blocks of U are the wrong way round: `h @ U_r` where `h @ U_r.T` belongs.

            Each block is square, so the shapes do not tell.
            """,
            """
            turned = np.concatenate([block.T for block in np.split(U, 3)])
            return solution(x, h, W, turned, b_ih, b_hh)
            """,
            """
            H, sigmoid = h.shape[1], lambda a: 1 / (1 + np.exp(-a))
            (W_r, W_z, W_n), (U_r, U_z, U_n) = np.split(W, 3), np.split(U, 3)
            (b_r, b_z, b_n), (d_r, d_z, d_n) = np.split(b_ih, 3), np.split(b_hh, 3)
            r = sigmoid(x @ W_r.T + b_r + h @ U_r + d_r)
            z = sigmoid(x @ W_z.T + b_z + h @ U_z + d_z)
            before = np.tanh(x @ W_n.T + b_n + (r * h) @ U_n + d_n)
            after = np.tanh(x @ W_n.T + b_n + r * (h @ U_n + d_n))
            return z * h + (1 - z) * before, z * h + (1 - z) * after
            """,
        ),
        "candidate_added": Mistake(
            """What is kept and what is new are not shared out: the new state is z * h + n.

            A GRU has one gate for both: what z keeps of h is not taken from n, z * h + (1 - z)
            * n.
            """,
            "return gru_of(x, h, W, U, b_ih, b_hh, mix=lambda h, n, z, r: z * h + n)",
        ),
    },
)
