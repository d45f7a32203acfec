"""The exercises of the chapter on the variants of the LSTM."""

# ruff: noqa: D401, D404  (the docstring of a mistake is what its author is told)

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unrolled.exercises.grading import Exercise, bug_hunt
from unrolled.exercises.lstm import sigmoid, wrong_parts

Array = NDArray[np.float64]
Arrays = tuple[Array, ...]
Pair = tuple[Array, Array]
Counts = tuple[int, int, int, int, int]
Orders = NDArray[np.intp]
Predict = Callable[[Array], Array]
GruStep = Callable[[Array, Array, Array, Array, Array, Array], Array]

_rng = np.random.default_rng(0)


def _numbers(*shape: int) -> Array:
    return np.round(_rng.normal(size=shape), 1) + 0.0  # which turns -0.0 into 0.0


# --- parameters -----------------------------------------------------------------------------


def parameters(inputs: int, hidden: int) -> Counts:
    """Count the parameters of five cells: return (LSTM, V, CIFG, FGR, GRU).

    inputs is I, hidden is H. Each gate, and each candidate, has input weights (H, I),
    recurrent weights (H, H) and two bias vectors (H,), as in torch. LSTM is torch's. V
    has peepholes as well. CIFG is V with f = 1 - i, a forget gate that needs no
    parameters of its own. FGR is V in which i, f and o also see i, f and o of the step
    before, all units of them. GRU is torch's. All five are whole numbers.
    """
    block = hidden * (inputs + hidden + 2)
    lstm = 4 * block
    v = lstm + 3 * hidden
    cifg = 3 * block + 2 * hidden
    fgr = v + 9 * hidden**2
    gru = 3 * block
    return lstm, v, cifg, fgr, gru


def _parameters_by_shapes(inputs: int, hidden: int) -> Any:
    blocks = {"LSTM": "ifgo", "V": "ifgo", "CIFG": "igo", "FGR": "ifgo", "GRU": "rzn"}
    counts = []
    for name, letters in blocks.items():
        gates = len(letters.replace("g", ""))
        shapes = [(hidden, inputs), (hidden, hidden), (hidden,), (hidden,)] * len(letters)
        shapes += [(hidden,)] * gates * (name in ("V", "CIFG", "FGR"))
        shapes += [(gates * hidden, gates * hidden)] * (name == "FGR")
        counts.append(sum(int(np.prod(shape)) for shape in shapes))
    return tuple(counts)


def _parameters_vectorised(inputs: int, hidden: int) -> Any:
    products, peepholes, gates = np.array([[4, 0, 0], [4, 3, 0], [3, 2, 0], [4, 3, 9], [3, 0, 0]]).T
    counts = products * hidden * (inputs + hidden + 2) + peepholes * hidden + gates * hidden**2
    return tuple(counts)


def _parameters_torch(inputs: int, hidden: int) -> Any:
    from torch import nn

    lstm, gru = (
        sum(each.numel() for each in cell(inputs, hidden).parameters())
        for cell in (nn.LSTM, nn.GRU)
    )
    return lstm, lstm + 3 * hidden, gru + 2 * hidden, lstm + (3 + 9 * hidden) * hidden, gru


def _counted(
    inputs: int,
    hidden: int,
    *,
    block: int | None = None,
    blocks: tuple[int, int, int] = (4, 3, 3),
    peepholes: tuple[int, int] | None = None,
    between: int | None = None,
) -> Counts:
    """Count with another idea of a block, of their number, of peepholes or of gate recurrence."""
    block = hidden * (inputs + hidden + 2) if block is None else block
    three, two = peepholes or (3 * hidden, 2 * hidden)
    between = 9 * hidden**2 if between is None else between
    lstm, cifg, gru = (number * block for number in blocks)
    return lstm, lstm + three, cifg + two, lstm + three + between, gru


def _one_bias(inputs: int, hidden: int) -> Counts:
    """There is one bias vector here for each gate. torch has two, which it adds.

    One would do, and papers count one: their numbers are smaller than torch's.
    """
    return _counted(inputs, hidden, block=hidden * (inputs + hidden + 1))


def _no_bias(inputs: int, hidden: int) -> Counts:
    """The biases are missing. Each gate, and each candidate, has two vectors (H,) in torch."""
    return _counted(inputs, hidden, block=hidden * (inputs + hidden))


def _candidates_forgotten(inputs: int, hidden: int) -> Counts:
    """The candidates are missing. They are no gates, but they have weights of their own.

    An LSTM has three gates and a candidate: four blocks. A GRU has two gates and a candidate.
    """
    return _counted(inputs, hidden, blocks=(3, 2, 2))


def _candidate_of_gru_forgotten(inputs: int, hidden: int) -> Counts:
    """The candidate of the GRU is missing. It is no gate, but it has weights of its own.

    A GRU has two gates and a candidate: three blocks.
    """
    return _counted(inputs, hidden, blocks=(4, 3, 2))


def _gru_like_lstm(inputs: int, hidden: int) -> Counts:
    """The GRU has a block too many. It has two gates, r and z, and a candidate: three blocks."""
    return _counted(inputs, hidden, blocks=(4, 3, 4))


def _coupled_counted_in_full(inputs: int, hidden: int) -> Counts:
    """CIFG has the forget gate's parameters, and should not: f = 1 - i needs none.

    Neither weights nor biases nor a peephole are there for it.
    """
    return _counted(inputs, hidden, blocks=(4, 4, 3), peepholes=(3 * hidden, 3 * hidden))


def _coupled_with_three_peepholes(inputs: int, hidden: int) -> Counts:
    """CIFG has a peephole too many: there is none for f = 1 - i. It has two, for i and o."""
    return _counted(inputs, hidden, peepholes=(3 * hidden, 3 * hidden))


def _coupled_without_peepholes(inputs: int, hidden: int) -> Counts:
    """CIFG has no peepholes here. It is V with coupled gates, so i and o have theirs."""
    return _counted(inputs, hidden, peepholes=(3 * hidden, 0))


def _peepholes_are_matrices(inputs: int, hidden: int) -> Counts:
    """The peepholes are counted as matrices, H by H. They are vectors.

    A gate sees the state of its own cell only, through one weight for each cell.
    """
    return _counted(inputs, hidden, peepholes=(3 * hidden**2, 2 * hidden**2))


def _peephole_for_candidate(inputs: int, hidden: int) -> Counts:
    """There is a peephole too many: the candidate has none. Gates have peepholes: i, f and o."""
    return _counted(inputs, hidden, peepholes=(4 * hidden, 3 * hidden))


def _single_peepholes(inputs: int, hidden: int) -> Counts:
    """Each gate has one peephole weight here. It has one for each of H cells."""
    return _counted(inputs, hidden, peepholes=(3, 2))


def _no_peepholes(inputs: int, hidden: int) -> Counts:
    """The peepholes are missing: V has three vectors (H,), for i, f and o, and CIFG has two."""
    return _counted(inputs, hidden, peepholes=(0, 0))


def _gates_see_their_own_past(inputs: int, hidden: int) -> Counts:
    """In FGR each gate sees only itself one step before: three matrices (H, H).

    It should see all three, and there are three of them that look: nine matrices.
    """
    return _counted(inputs, hidden, between=3 * hidden**2)


def _gate_recurrence_without_peepholes(inputs: int, hidden: int) -> Counts:
    """FGR has no peepholes here. It is V with more, so it has those of V: three vectors (H,)."""
    lstm, v, cifg, _, gru = parameters(inputs, hidden)
    return lstm, v, cifg, lstm + 9 * hidden**2, gru


def _gates_see_own_unit(inputs: int, hidden: int) -> Counts:
    """In FGR each gate sees its own unit only: nine vectors. It sees all H: nine matrices."""
    return _counted(inputs, hidden, between=9 * hidden)


def _candidate_joins_the_gates(inputs: int, hidden: int) -> Counts:
    """FGR has 16 matrices (H, H) more here. Only i, f and o see i, f and o, so there are nine.

    The candidate is not one of them.
    """
    return _counted(inputs, hidden, between=16 * hidden**2)


def _inputs_for_hidden(inputs: int, hidden: int) -> Counts:
    """The two sizes have changed places: each block has H rows, one for each unit."""
    return parameters(hidden, inputs)


def _one_bias_in_gru(inputs: int, hidden: int) -> Counts:
    """The GRU has one bias vector a block here. torch's has two, like its LSTM.

    In the candidate the second one does what the first cannot: the reset gate multiplies it.
    """
    *others, _ = parameters(inputs, hidden)
    return *others, 3 * hidden * (inputs + hidden + 1)  # type: ignore[return-value]


# --- flip_update ----------------------------------------------------------------------------


def flip_update(W: Array, U: Array, b: Array) -> Arrays:
    """Turn the weights of a GRU whose z keeps into those of one whose z writes.

    A GRU's rows are stacked r, z, n: W has shape (3H, I), U (3H, H), b (3H,). With
    z = sigmoid(...) from its rows, one kind of GRU has h_new = z * h + (1 - z) * n, the
    other has h_new = (1 - z) * h + z * n. Given the weights of one of the first kind,
    return (W, U, b) of one of the second kind that computes the same, for all inputs.
    Return new arrays.
    """
    H = len(b) // 3
    sign = np.ones(3 * H)
    sign[H : 2 * H] = -1
    return sign[:, None] * W, sign[:, None] * U, sign * b


def _flip_copies(W: Array, U: Array, b: Array) -> Any:
    flipped = []
    for each in (W, U, b):
        r, z, n = np.split(each, 3)
        flipped.append(np.concatenate([r, -z, n]))
    return tuple(flipped)


def _flip_einsum(W: Array, U: Array, b: Array) -> Any:
    sign = np.array([1, -1, 1])
    return tuple(
        np.einsum("g,gk->gk", sign, each.reshape(3, -1)).reshape(each.shape) for each in (W, U, b)
    )


def _flip_torch(W: Array, U: Array, b: Array) -> Any:
    import torch

    flipped = [torch.tensor(each) for each in (W, U, b)]
    for each in flipped:
        each[len(each) // 3 : 2 * len(each) // 3].neg_()
    return tuple(flipped)


def _turn(each: Array, gate: int, by: Callable[[Array], Array] = np.negative) -> Array:
    parts = np.split(each, 3)
    parts[gate] = by(parts[gate])
    return np.concatenate(parts)


def _flips_reset(W: Array, U: Array, b: Array) -> Arrays:
    """These are the reset gate's rows, the first H. The update gate's are H to 2H."""
    return _turn(W, 0), _turn(U, 0), _turn(b, 0)


def _flips_candidate(W: Array, U: Array, b: Array) -> Arrays:
    """These are the candidate's rows, the last H. The update gate's are H to 2H."""
    return _turn(W, 2), _turn(U, 2), _turn(b, 2)


def _flips_all_gates(W: Array, U: Array, b: Array) -> Arrays:
    """All rows are turned. Only z has changed its meaning: r and n should stay as they are."""
    return -W, -U, -b


def _flips_both_gates(W: Array, U: Array, b: Array) -> Arrays:
    """The reset gate is turned as well. It means the same in both kinds: turn the rows of z only.

    They are rows H to 2H.
    """
    return tuple(_turn(_turn(each, 0), 1) for each in (W, U, b))


def _flips_bias_only(W: Array, U: Array, b: Array) -> Arrays:
    """Only the bias is turned. Then 1 - z comes out where x and h are 0, and nowhere else.

    sigmoid(-a) = 1 - sigmoid(a): all of a has to change its sign, W x and U h, too.
    """
    return W.copy(), U.copy(), _turn(b, 1)


def _leaves_bias(W: Array, U: Array, b: Array) -> Arrays:
    """The bias is left as it was. All that z sees has to change its sign, W x + U h + b."""
    return _turn(W, 1), _turn(U, 1), b.copy()


def _leaves_recurrence(W: Array, U: Array, b: Array) -> Arrays:
    """U is left as it was. All that z sees has to change its sign, W x + U h + b."""
    return _turn(W, 1), U.copy(), _turn(b, 1)


def _leaves_input_weights(W: Array, U: Array, b: Array) -> Arrays:
    """W is left as it was. All that z sees has to change its sign, W x + U h + b."""
    return W.copy(), _turn(U, 1), _turn(b, 1)


def _one_minus_weights(W: Array, U: Array, b: Array) -> Arrays:
    """The weights of z are taken from 1. It is z itself that should become 1 - z.

    z is sigmoid(a), and 1 - sigmoid(a) = sigmoid(-a): turn the sign of a.
    """

    def minus(part: Array) -> Array:
        return 1 - part

    return _turn(W, 1, minus), _turn(U, 1, minus), _turn(b, 1, minus)


def _weights_upside_down(W: Array, U: Array, b: Array) -> Arrays:
    """The weights of z are inverted, 1 / W. It is z that should become 1 - z.

    1 - sigmoid(a) = sigmoid(-a): turn the sign of a.
    """
    with np.errstate(all="ignore"):
        return tuple(_turn(each, 1, np.reciprocal) for each in (W, U, b))


def _gates_swapped(W: Array, U: Array, b: Array) -> Arrays:
    """The rows of r and z have changed places. It is the meaning of z that differs, not its place.

    z should become 1 - z, which is sigmoid(-a) of the same a.
    """
    return tuple(np.concatenate([np.split(e, 3)[k] for k in (1, 0, 2)]) for e in (W, U, b))


def _every_third_row(W: Array, U: Array, b: Array) -> Arrays:
    """Every third row is turned, as if the gates took turns. The rows of a gate stand together.

    Those of z are rows H to 2H.
    """
    sign = np.where(np.arange(len(b)) % 3 == 1, -1.0, 1.0)
    return sign[:, None] * W, sign[:, None] * U, sign * b


def _nothing_flipped(W: Array, U: Array, b: Array) -> Arrays:
    """Nothing has changed. The two kinds take the same z for opposite things.

    z should become 1 - z, which is sigmoid(-a).
    """
    return W.copy(), U.copy(), b.copy()


def _written_into_weights(W: Array, U: Array, b: Array) -> Arrays:
    """The weights that you were given are changed: the GRU that they belong to is broken now.

    `W[H : 2 * H] *= -1` writes into the array itself. Work on copies: `W.copy()`.
    """
    for each in (W, U, b):
        each[:] = _turn(each, 1)
    return W, U, b


def _computes_the_same(result: Arrays, W: Array, U: Array, b: Array) -> bool:
    """Let both GRUs take a step, from one x and one h: they should get to the same h.

    Yours do not.
    """
    x, h = np.linspace(-1, 1, W.shape[1])[None], np.linspace(1, -0.5, U.shape[1])[None]

    def step(weights: Arrays, keeps: bool) -> Any:
        W, U, b = weights
        (x_r, x_z, x_n), (U_r, U_z, U_n) = np.split(x @ W.T + b, 3, axis=1), np.split(U, 3)
        r, z = sigmoid(x_r + h @ U_r.T), sigmoid(x_z + h @ U_z.T)
        n = np.tanh(x_n + r * (h @ U_n.T))
        return z * h + (1 - z) * n if keeps else (1 - z) * h + z * n

    with np.errstate(all="ignore"):
        return np.allclose(step(result, keeps=False), step((W, U, b), keeps=True), rtol=1e-4)


def _flip_case(inputs: int, hidden: int) -> Arrays:
    return _numbers(3 * hidden, inputs), _numbers(3 * hidden, hidden), _numbers(3 * hidden)


# --- gru_step -------------------------------------------------------------------------------


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


def _mixed(h: Array, n: Array, z: Array, r: Array) -> Array:
    return z * h + (1 - z) * n


def _placed_before(x_n: Array, h: Array, r: Array, U_n: Array, b_n: Array) -> Array:
    return x_n + (r * h) @ U_n.T + b_n


def _placed_after(x_n: Array, h: Array, r: Array, U_n: Array, b_n: Array) -> Array:
    return x_n + r * (h @ U_n.T + b_n)


_Placed = Callable[[Array, Array, Array, Array, Array], Array]


def _gru(
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
    mix: Callable[[Array, Array, Array, Array], Array] = _mixed,
    before: _Placed = _placed_before,
    after: _Placed = _placed_after,
) -> Pair:
    """Take the steps with another idea of some part of them."""
    at = [order.index(name) for name in "rzn"]
    parts = [np.split(x @ W.T + b_ih, 3, axis=1), np.split(U, 3), np.split(b_hh, 3)]
    (x_r, x_z, x_n), (U_r, U_z, U_n), (b_r, b_z, b_n) = ([p[k] for k in at] for p in parts)
    r, z = gate(x_r + h @ U_r.T + b_r), gate(x_z + h @ U_z.T + b_z)
    one, other = (mix(h, squash(a(x_n, h, r, U_n, b_n)), z, r) for a in (before, after))
    return one, other


def _pair_swapped(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Pair:
    """The results are the wrong way round: return (before, after).

    Before the product, r multiplies h: U_n (r * h). After it, r multiplies U_n h + b_hn.
    """
    before, after = gru_step(x, h, W, U, b_ih, b_hh)
    return after, before


def _both_after(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Pair:
    """`before` is torch's GRU as well. There r should multiply h, before the product with U_n.

    In a batch that is `(r * h) @ U_n.T`. The two are not the same: U_n mixes the units.
    """
    return _gru(x, h, W, U, b_ih, b_hh, before=_placed_after)


def _both_before(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Pair:
    """`after` resets before the product as well. In torch, r multiplies what comes out of it.

    That is `r * (h @ U_n.T + b_n)`. The two are not the same: U_n mixes the units.
    """
    return _gru(x, h, W, U, b_ih, b_hh, after=_placed_before)


def _bias_outside(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Pair:
    """In `after`, the bias b_hn is outside the bracket. In torch, r multiplies it as well.

    That is why torch's GRU needs two biases: `r * (h @ U_n.T + b_n)`.
    """
    return _gru(x, h, W, U, b_ih, b_hh, after=lambda x_n, h, r, U, b: x_n + r * (h @ U.T) + b)


def _bias_reset_too(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Pair:
    """In `before`, r multiplies the bias b_hn as well. There it acts on h alone, `r * h`."""
    return _gru(
        *(x, h, W, U, b_ih, b_hh), before=lambda x_n, h, r, U, b: x_n + (r * h) @ U.T + r * b
    )


def _candidate_bias_missing(
    x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array
) -> Pair:
    """The bias b_hn of the candidate is missing: the last H entries of b_hh."""
    b_hh = np.where(np.arange(len(b_hh)) < 2 * h.shape[1], b_hh, 0)
    return gru_step(x, h, W, U, b_ih, b_hh)


def _hidden_bias_missing(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Pair:
    """The bias b_hh is missing. Each gate, and the candidate, has one from each vector."""
    return gru_step(x, h, W, U, b_ih, 0 * b_hh)


def _input_bias_missing(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Pair:
    """The bias b_ih is missing. Each gate, and the candidate, has one from each vector."""
    return gru_step(x, h, W, U, 0 * b_ih, b_hh)


def _hidden_bias_twice(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Pair:
    """The bias b_hh is added twice, with W x and with U h. It belongs to U h, and b_ih to W x."""
    return gru_step(x, h, W, U, b_ih + b_hh, b_hh)


def _z_writes_in_before(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Pair:
    """In `before`, the update gate is the wrong way round. Both GRUs have z * h + (1 - z) * n."""
    writes = _z_writes(x, h, W, U, b_ih, b_hh)[0]
    return writes, gru_step(x, h, W, U, b_ih, b_hh)[1]


def _z_writes(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Pair:
    """The update gate is the wrong way round: here z keeps the old state, z * h + (1 - z) * n.

    Papers have both. In the one that you wrote z is how much is written.
    """
    return _gru(x, h, W, U, b_ih, b_hh, mix=lambda h, n, z, r: (1 - z) * h + z * n)


def _rows_zrn(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Pair:
    """The reset gate and the update gate have changed places.

    Keras and ONNX stack z, r, n, and torch stacks r, z, n. The shapes do not tell.
    """
    return _gru(x, h, W, U, b_ih, b_hh, order="zrn")


def _rows_in_order(order: str) -> Callable[..., Pair]:
    def rows(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Pair:
        return _gru(x, h, W, U, b_ih, b_hh, order=order)

    rows.__name__ = f"_rows_{order}"
    rows.__doc__ = (
        f"""The rows are taken in the order {", ".join(order)}. In torch it is r, z, n."""
    )
    return rows


_OTHER_ROWS = [_rows_in_order(order) for order in ("rnz", "znr", "nzr")]


def _rows_nrz(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Pair:
    """The candidate's rows are taken from the top. The order is r, z, n: they are the last H."""
    return _gru(x, h, W, U, b_ih, b_hh, order="nrz")


def _reset_missing(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Pair:
    """The reset gate does nothing: the candidate sees all of h.

    Multiply by r, h itself in `before`, and U_n h + b_hn in `after`.
    """

    def unreset(x_n: Array, h: Array, r: Array, U: Array, b: Array) -> Array:
        return x_n + h @ U.T + b

    return _gru(x, h, W, U, b_ih, b_hh, before=unreset, after=unreset)


def _reset_the_input_too(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Pair:
    """In `after`, r multiplies what the candidate sees of x as well. It acts on h's part alone."""
    return _gru(x, h, W, U, b_ih, b_hh, after=lambda x_n, h, r, U, b: r * (x_n + h @ U.T + b))


def _reset_turned(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Pair:
    """The reset gate is the wrong way round: at r = 1 the candidate should see all of the state."""
    return _gru(
        *(x, h, W, U, b_ih, b_hh),
        before=lambda x_n, h, r, U, b: _placed_before(x_n, h, 1 - r, U, b),
        after=lambda x_n, h, r, U, b: _placed_after(x_n, h, 1 - r, U, b),
    )


def _reset_in_the_mix(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Pair:
    """The state that z keeps has been multiplied by r. It should be h as it was.

    r acts inside the candidate only. Did `h = r * h` overwrite it?
    """
    return _gru(x, h, W, U, b_ih, b_hh, mix=lambda h, n, z, r: z * r * h + (1 - z) * n)


def _reset_in_the_mix_of_before(
    x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array
) -> Pair:
    """In `before`, the state that z keeps has been multiplied by r. It should be h as it was.

    r * h is for the candidate alone: z * h + (1 - z) * n.
    """
    reset = _reset_in_the_mix(x, h, W, U, b_ih, b_hh)[0]
    return reset, gru_step(x, h, W, U, b_ih, b_hh)[1]


def _state_overwritten(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Pair:
    """The state has been overwritten by r * h, and all that follows is made from that.

    z keeps h as it was, and in `after` the product is with h as it was. Give r * h another name.
    """
    return _gru(
        *(x, h, W, U, b_ih, b_hh),
        mix=lambda h, n, z, r: z * r * h + (1 - z) * n,
        after=lambda x_n, h, r, U, b: _placed_after(x_n, r * h, r, U, b),
    )


def _candidate_not_squashed(
    x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array
) -> Pair:
    """The candidate is not squashed: n = tanh(...)."""
    return _gru(x, h, W, U, b_ih, b_hh, squash=lambda a: a)


def _candidate_logistic(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Pair:
    """The candidate goes through the logistic function. It should go through tanh.

    It is no gate, though its rows are stacked below theirs: it may be negative.
    """
    return _gru(x, h, W, U, b_ih, b_hh, squash=sigmoid)


def _gates_through_tanh(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Pair:
    """The gates go through tanh. They should go through the logistic function, from 0 to 1."""
    return _gru(x, h, W, U, b_ih, b_hh, gate=np.tanh)


def _weights_transposed(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Pair:
    """The blocks of U are the wrong way round: `h @ U_r` where `h @ U_r.T` belongs.

    Each block is square, so the shapes do not tell.
    """
    turned = np.concatenate([block.T for block in np.split(U, 3)])
    return gru_step(x, h, W, turned, b_ih, b_hh)


def _candidate_added(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Pair:
    """What is kept and what is new are not shared out: the new state is z * h + n.

    A GRU has one gate for both: what z keeps of h is not taken from n, z * h + (1 - z) * n.
    """
    return _gru(x, h, W, U, b_ih, b_hh, mix=lambda h, n, z, r: z * h + n)


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
    x, h, W, U, b_ih, b_hh = (_numbers(*shape) for shape in shapes)
    return x, h / 2, W, U, b_ih, b_hh


# --- peephole_step --------------------------------------------------------------------------


def peephole_step(a: Array, c: Array, v: Array) -> Pair:
    """Take one step of an LSTM with peepholes; return the new (h, c), each (B, H).

    a has shape (B, 4H): what the gates see of x and h, W x + U h + b, in the order i,
    f, g, o. c has shape (B, H), the state before the step. v has shape (3H,): the
    peepholes of i, f and o, H each. A gate sees the state of its own cell through its
    peephole: i and f see c as it was before the step, and o sees c as it is after it.
    The candidate, and c where it is shown, go through tanh, as in torch.
    """

    def sigmoid(a: Array) -> Array:
        return 1 / (1 + np.exp(-a))

    a_i, a_f, a_g, a_o = np.split(a, 4, axis=1)
    v_i, v_f, v_o = np.split(v, 3)
    i = sigmoid(a_i + v_i * c)
    f = sigmoid(a_f + v_f * c)
    c_new = f * c + i * np.tanh(a_g)
    o = sigmoid(a_o + v_o * c_new)
    return o * np.tanh(c_new), c_new


def _peephole_entry_by_entry(a: Array, c: Array, v: Array) -> Pair:
    B, H = c.shape
    h_new, c_new = np.zeros((B, H)), np.zeros((B, H))
    for n in range(B):
        for j in range(H):
            i = sigmoid(a[n, j] + v[j] * c[n, j])
            f = sigmoid(a[n, H + j] + v[H + j] * c[n, j])
            c_new[n, j] = f * c[n, j] + i * np.tanh(a[n, 2 * H + j])
            o = sigmoid(a[n, 3 * H + j] + v[2 * H + j] * c_new[n, j])
            h_new[n, j] = o * np.tanh(c_new[n, j])
    return h_new, c_new


def _peephole_einsum(a: Array, c: Array, v: Array) -> Pair:
    parts, peepholes = a.reshape(len(a), 4, -1), v.reshape(3, -1)
    gates = sigmoid(parts[:, :2] + np.einsum("gh,bh->bgh", peepholes[:2], c))
    after = gates[:, 1] * c + gates[:, 0] * np.tanh(parts[:, 2])
    return sigmoid(parts[:, 3] + np.einsum("h,bh->bh", peepholes[2], after)) * np.tanh(after), after


def _peephole_torch(a: Array, c: Array, v: Array) -> Any:
    import torch

    cell = torch.from_numpy(c)
    i, f, g, o = torch.from_numpy(a).chunk(4, 1)
    v_i, v_f, v_o = torch.from_numpy(v).chunk(3)
    cell = torch.sigmoid(torch.addcmul(f, v_f, cell)) * cell + torch.sigmoid(
        torch.addcmul(i, v_i, cell)
    ) * torch.tanh(g)
    return torch.sigmoid(torch.addcmul(o, v_o, cell)) * cell.tanh(), cell


_Peep = Callable[[Array, Array, Array], Array]


def _peep(a: Array, v: Array, c: Array) -> Array:
    gate: Array = sigmoid(a + v * c)
    return gate


def _peeped(
    a: Array,
    c: Array,
    v: Array,
    *,
    peep: _Peep = _peep,
    output: Callable[[Array, Array, Array, Array], Array] | None = None,
    peepholes: Sequence[int] = (0, 1, 2),
    order: str = "ifgo",
    squash: Callable[[Array], Array] = np.tanh,
    update: Callable[[Array], Array] = lambda c: c,
    show: Callable[[Array, Array], Array] = lambda c, o: o * np.tanh(c),
) -> Pair:
    """Take the step with another idea of some part; `output` takes (a_o, v_o, old c, new c)."""
    parts = np.split(a, 4, axis=1)
    a_i, a_f, a_g, a_o = (parts[order.index(gate)] for gate in "ifgo")
    v_i, v_f, v_o = (np.split(v, 3)[k] for k in peepholes)
    c_new = update(peep(a_f, v_f, c) * c + peep(a_i, v_i, c) * squash(a_g))
    o = output(a_o, v_o, c, c_new) if output else peep(a_o, v_o, c_new)
    return show(c_new, o), c_new


def _output_peeps_at_old(a: Array, c: Array, v: Array) -> Pair:
    """The output gate sees the old state. It should see the new one, c after the step.

    Its gate opens last, when c has been updated; only i and f see c as it was before.
    """
    return _peeped(a, c, v, output=lambda a_o, v_o, old, new: _peep(a_o, v_o, old))


def _no_peephole_of_output(a: Array, c: Array, v: Array) -> Pair:
    """The output gate has no peephole. It sees the new state through the last H entries of v."""
    return _peeped(a, c, v, output=lambda a_o, v_o, old, new: _peep(a_o, v_o, 0 * new))


def _output_peephole_late(a: Array, c: Array, v: Array) -> Pair:
    """The output gate is squashed first, and its peephole added afterwards: it leaves (0, 1).

    A peephole is one more thing that the gate sees: sigmoid(a_o + v_o * c).
    """
    return _peeped(a, c, v, output=lambda a_o, v_o, old, new: sigmoid(a_o) + v_o * new)


def _all_peepholes_late(a: Array, c: Array, v: Array) -> Pair:
    """The gates are squashed first, and the peepholes added afterwards: they leave (0, 1).

    A peephole is one more thing that the gate sees: sigmoid(a_i + v_i * c).
    """
    return _peeped(a, c, v, peep=lambda a, v, c: sigmoid(a) + v * c)


def _no_peepholes_at_all(a: Array, c: Array, v: Array) -> Pair:
    """There are no peepholes: v is not used. This is torch's LSTM.

    Each gate also sees its own cell's state, times its own weight: a_i + v_i * c.
    """
    return _peeped(a, c, 0 * v)


def _peepholes_iof(a: Array, c: Array, v: Array) -> Pair:
    """The peepholes are read in the order i, o, f. In v they stand as the gates do: i, f, o."""
    return _peeped(a, c, v, peepholes=(0, 2, 1))


def _peepholes_fio(a: Array, c: Array, v: Array) -> Pair:
    """The peepholes of i and f have changed places. In v they stand as the gates do: i, f, o."""
    return _peeped(a, c, v, peepholes=(1, 0, 2))


def _peepholes_multiply(a: Array, c: Array, v: Array) -> Pair:
    """The peephole multiplies what the gate sees. It is added: a_i + v_i * c."""
    return _peeped(a, c, v, peep=lambda a, v, c: sigmoid(a * v * c))


def _peepholes_without_state(a: Array, c: Array, v: Array) -> Pair:
    """V is added as it is, like a bias. The peephole looks at the state: v_i * c, not v_i alone."""
    return _peeped(a, c, v, peep=lambda a, v, c: sigmoid(a + v))


def _peeps_through_tanh(a: Array, c: Array, v: Array) -> Pair:
    """The gates see tanh(c). The point of a peephole is that it sees c itself, as it is.

    tanh(c) is what the cell shows; behind it, a state of 5 and one of 50 look the same.
    """
    return _peeped(a, c, v, peep=lambda a, v, c: sigmoid(a + v * np.tanh(c)))


def _output_peeps_through_tanh(a: Array, c: Array, v: Array) -> Pair:
    """The output gate sees tanh(c). The point of a peephole is that it sees c itself, as it is.

    tanh(c) is what the cell shows; behind it, a state of 5 and one of 50 look the same.
    """
    return _peeped(a, c, v, output=lambda a_o, v_o, old, new: _peep(a_o, v_o, np.tanh(new)))


def _peeps_at_all_cells(a: Array, c: Array, v: Array) -> Pair:
    """Each gate sees the states of all cells: `c @ v_i` sums over them.

    It should see its own cell only: `v_i * c`, entry by entry.
    """
    return _peeped(a, c, v, peep=lambda a, v, c: sigmoid(a + (c @ v)[:, None]))


def _sign_of_peepholes(a: Array, c: Array, v: Array) -> Pair:
    """The peepholes are subtracted. They are added: a_i + v_i * c."""
    return _peeped(a, c, -v)


def _candidate_peeps(a: Array, c: Array, v: Array) -> Pair:
    """The candidate sees the state as well. It has no peephole: v is for i, f and o."""
    H = c.shape[1]
    seen = a.copy()
    seen[:, 2 * H : 3 * H] += v[:H] * c
    return peephole_step(seen, c, v)


def _peepholes_of_ifg(a: Array, c: Array, v: Array) -> Pair:
    """The last peephole is the candidate's here. v is for i, f and o; the candidate has none.

    In a, the third part is g; in v, the third part is o's.
    """
    H = c.shape[1]
    seen = a.copy()
    seen[:, 2 * H : 3 * H] += v[2 * H :] * c
    return _peeped(seen, c, v, output=lambda a_o, v_o, old, new: _peep(a_o, v_o, 0 * new))


def _in_order(order: str) -> Callable[..., Pair]:
    def parts(a: Array, c: Array, v: Array) -> Pair:
        return _peeped(a, c, v, order=order)

    parts.__name__ = f"_order_{order}"
    parts.__doc__ = (
        f"""The parts of a are taken in the order {", ".join(order)}. It is i, f, g, o."""
    )
    return parts


_OTHER_ORDERS = [_in_order("".join(order)) for order in list(permutations("ifgo"))[1:]]


def _g_not_squashed(a: Array, c: Array, v: Array) -> Pair:
    """The candidate is not squashed: g = tanh(a_g)."""
    return _peeped(a, c, v, squash=lambda a: a)


def _g_logistic(a: Array, c: Array, v: Array) -> Pair:
    """The candidate goes through the logistic function. It should go through tanh.

    It is no gate, though it stands among them: it may be negative.
    """
    return _peeped(a, c, v, squash=sigmoid)


def _gates_not_squashed(a: Array, c: Array, v: Array) -> Pair:
    """The gates are not squashed. Each is the logistic function of what it sees, from 0 to 1."""
    return _peeped(a, c, v, peep=lambda a, v, c: a + v * c)


def _state_squashed(a: Array, c: Array, v: Array) -> Pair:
    """`c` comes back squashed: it is tanh(f * c + i * g). h is right.

    Only what is shown goes through tanh; c is carried on as it is.
    """
    h, c = peephole_step(a, c, v)
    return h, np.tanh(c)


def _state_squashed_twice(a: Array, c: Array, v: Array) -> Pair:
    """The state itself is squashed, tanh(f * c + i * g), and once more when it is shown.

    Only what is shown goes through tanh; c is carried on as it is, and o sees it as it is.
    """
    return _peeped(a, c, v, update=np.tanh)


def _squashed_after_the_gate(a: Array, c: Array, v: Array) -> Pair:
    """The output gate comes before tanh: h is tanh(o * c). It should be o * tanh(c)."""
    return _peeped(a, c, v, show=lambda c, o: np.tanh(o * c))


def _state_shown_raw(a: Array, c: Array, v: Array) -> Pair:
    """The tanh of the output is missing: h is o * c. It is o * tanh(c), as in torch."""
    return _peeped(a, c, v, show=lambda c, o: o * c)


def _results_swapped(a: Array, c: Array, v: Array) -> Pair:
    """The results are the wrong way round: return h first, then c, as torch does."""
    h, c = peephole_step(a, c, v)
    return c, h


def _writes_into_cell(a: Array, c: Array, v: Array) -> Pair:
    """The new state is written into the caller's own c, and the old one is lost.

    `c = f * c + ...` makes a new array; `c *= f` and `c[:] = ...` do not.
    """
    h, c[:] = peephole_step(a, c, v)
    return h, c


def _not_only_c_is_wrong(result: Pair, *args: Array) -> bool:
    """`h` is right, so the state that it is made from is. But another comes back as `c`."""
    return wrong_parts(result, peephole_step(*args)) != (False, True)


def _not_only_h_is_wrong(result: Pair, *args: Array) -> bool:
    """`c` is right, and `h` is not. It is o * tanh(c), and o sees the new c."""
    return wrong_parts(result, peephole_step(*args)) != (True, False)


def _c_is_right(result: Pair, *args: Array) -> bool:
    """Look at `c` first, which is not right: `h` is made from it.

    c_new = f * c + i * tanh(a_g). To begin with, leave the peepholes aside: is it right at v = 0?
    """
    return not wrong_parts(result, peephole_step(*args))[1]


def _peephole_case(B: int, H: int) -> Arrays:
    return _numbers(B, 4 * H), 2 * _numbers(B, H), _numbers(3 * H)


# --- permutation_importance -----------------------------------------------------------------


def permutation_importance(predict: Predict, x: Array, y: Array, orders: Orders) -> Array:
    """Say how much each setting matters to the predictions of a model.

    x has shape (N, S): one trial a row, one setting a column; y has shape (N,), what
    each trial measured. predict(x) returns predictions of y, shape (N,). Their score is
    R2 = 1 - sum((y - predict(x))**2) / sum((y - mean(y))**2).
    A setting matters as much as the score falls when its column alone is shuffled.
    orders has shape (K, N): each row holds 0, ..., N - 1 in some order, and the column
    is shuffled by x[order, column]. Return the falls, the score of x minus that of the
    shuffled, averaged over the K orders: shape (S,).
    """

    def score(settings: Array) -> Any:
        return 1 - np.sum((y - predict(settings)) ** 2) / np.sum((y - np.mean(y)) ** 2)

    falls = np.zeros(x.shape[1])
    for order in orders:
        for column in range(x.shape[1]):
            shuffled = x.copy()
            shuffled[:, column] = x[order, column]
            falls[column] += score(x) - score(shuffled)
    return falls / len(orders)


def _importance_from_errors(predict: Predict, x: Array, y: Array, orders: Orders) -> Any:
    def loss(settings: Array) -> Any:
        return np.square(y - predict(settings)).mean() / y.var()

    columns = np.arange(x.shape[1])
    return np.array(
        [
            np.mean([loss(np.where(columns == k, x[order], x)) - loss(x) for order in orders])
            for k in columns
        ]
    )


def _importance_restored(predict: Predict, x: Array, y: Array, orders: Orders) -> Any:
    x, base = x.copy(), np.sum((y - predict(x)) ** 2)
    falls = []
    for column in range(x.shape[1]):
        kept, found = x[:, column].copy(), []
        for order in orders:
            x[:, column] = kept[order]
            found.append(np.sum((y - predict(x)) ** 2))
        x[:, column] = kept
        falls.append((np.mean(found) - base) / np.sum((y - y.mean()) ** 2))
    return np.array(falls)


def _importance_torch(predict: Predict, x: Array, y: Array, orders: Orders) -> Any:
    import torch

    settings, target = torch.from_numpy(x), torch.from_numpy(y)
    falls = torch.zeros(len(orders), x.shape[1], dtype=torch.float64)
    rest = (target - target.mean()).square().sum()
    best = (target - torch.as_tensor(predict(x))).square().sum()
    for k, order in enumerate(orders):
        for column in range(x.shape[1]):
            shuffled = settings.clone()
            shuffled[:, column] = settings[torch.as_tensor(order), column]
            wrong = (target - torch.as_tensor(predict(shuffled.numpy()))).square().sum()
            falls[k, column] = (wrong - best) / rest
    return falls.mean(0)


def _r2(y: Array, predicted: Array) -> Any:
    return 1 - np.sum((y - predicted) ** 2) / np.sum((y - np.mean(y)) ** 2)


def _one_shuffled(x: Array, order: Orders, column: int) -> Array:
    shuffled = x.copy()
    shuffled[:, column] = x[order, column]
    return shuffled


def _falls(
    predict: Predict,
    x: Array,
    y: Array,
    orders: Orders,
    *,
    score: Callable[[Array, Array], Any] = _r2,
    shuffle: Callable[[Array, Orders, int], Array] = _one_shuffled,
) -> Array:
    """Return the fall for each order and setting, with another idea of a score or of shuffling."""
    columns = range(x.shape[1])
    whole = score(y, predict(x.copy()))
    return np.array(
        [[whole - score(y, predict(shuffle(x, order, k))) for k in columns] for order in orders]
    )


def _left_shuffled(predict: Predict, x: Array, y: Array, orders: Orders) -> Any:
    """Columns stay shuffled when the next one's turn comes: each score falls for all so far.

    Shuffle one column at a time: begin with a new copy of x for each.
    """

    def up_to(x: Array, order: Orders, column: int) -> Array:
        return np.where(np.arange(x.shape[1]) <= column, x[order], x)

    return _falls(predict, x, y, orders, shuffle=up_to).mean(axis=0)


def _copied_once(predict: Predict, x: Array, y: Array, orders: Orders) -> Any:
    """Columns stay shuffled, from one order to the next as well: x is copied only once.

    Shuffle one column at a time: begin with a new copy of x for each, inside both loops.
    """
    shuffled = x.copy()

    def in_the_same_copy(x: Array, order: Orders, column: int) -> Array:
        shuffled[:, column] = x[order, column]
        return shuffled

    return _falls(predict, x, y, orders, shuffle=in_the_same_copy).mean(axis=0)


def _rows_shuffled(predict: Predict, x: Array, y: Array, orders: Orders) -> Any:
    """Whole rows are shuffled, so every setting gets the same number.

    Shuffle one column and leave the others: then only that setting has lost its meaning.
    """
    return _falls(predict, x, y, orders, shuffle=lambda x, order, k: x[order]).mean(axis=0)


def _others_shuffled(predict: Predict, x: Array, y: Array, orders: Orders) -> Any:
    """All columns but one are shuffled. It should be that one, and the others left."""

    def others(x: Array, order: Orders, column: int) -> Array:
        return np.where(np.arange(x.shape[1]) == column, x, x[order])

    return _falls(predict, x, y, orders, shuffle=others).mean(axis=0)


def _set_to_zero(predict: Predict, x: Array, y: Array, orders: Orders) -> Any:
    """The column is set to 0. Shuffle it: its values then still occur as often as before."""

    def zeroed(x: Array, order: Orders, column: int) -> Array:
        return np.where(np.arange(x.shape[1]) == column, 0, x)

    return _falls(predict, x, y, orders, shuffle=zeroed).mean(axis=0)


def _set_to_its_mean(predict: Predict, x: Array, y: Array, orders: Orders) -> Any:
    """The column is set to its mean. Shuffle it: its values then still occur as often as before."""

    def levelled(x: Array, order: Orders, column: int) -> Array:
        return np.where(np.arange(x.shape[1]) == column, x.mean(axis=0), x)

    return _falls(predict, x, y, orders, shuffle=levelled).mean(axis=0)


def _shuffled_the_other_way(predict: Predict, x: Array, y: Array, orders: Orders) -> Any:
    """The order is applied the other way round: row t goes to order[t]. It is a shuffle, too.

    But the exercise asks for `x[order, column]`: row t takes its value from row order[t].
    """
    inverse = np.argsort(orders, axis=1)
    return permutation_importance(predict, x, y, inverse)


def _rise(predict: Predict, x: Array, y: Array, orders: Orders) -> Any:
    """The sign is turned. A fall is the score of x minus the score of the shuffled."""
    return -permutation_importance(predict, x, y, orders)


def _sign_lost(predict: Predict, x: Array, y: Array, orders: Orders) -> Any:
    """The mean falls have lost their sign. A fall may be negative, and then it says so.

    Shuffled, the column led the model less astray than as it was.
    """
    return np.abs(permutation_importance(predict, x, y, orders))


def _cut_off_at_zero(predict: Predict, x: Array, y: Array, orders: Orders) -> Any:
    """The mean falls are cut off at 0. A fall may be negative, and then it says so.

    Shuffled, the column led the model less astray than as it was.
    """
    return np.maximum(0, permutation_importance(predict, x, y, orders))


def _each_sign_lost(predict: Predict, x: Array, y: Array, orders: Orders) -> Any:
    """The falls lose their sign before they are averaged. One may be negative, by chance alone.

    Then it has to count against the others: average the falls as they are.
    """
    return np.abs(_falls(predict, x, y, orders)).mean(axis=0)


def _each_cut_off_at_zero(predict: Predict, x: Array, y: Array, orders: Orders) -> Any:
    """Each fall is cut off at 0 before they are averaged. One may be negative, by chance alone.

    Then it has to count against the others: average the falls as they are.
    """
    return np.maximum(0, _falls(predict, x, y, orders)).mean(axis=0)


def _score_left(predict: Predict, x: Array, y: Array, orders: Orders) -> Any:
    """This is the score of the shuffled settings. Asked for is by how much it has fallen.

    Subtract it from the score of x.
    """
    return _r2(y, predict(x.copy())) - permutation_importance(predict, x, y, orders)


def _error_not_divided(predict: Predict, x: Array, y: Array, orders: Orders) -> Any:
    """The score is the mean squared error. R2 divides by the spread of y, so that no unit is left.

    That is the sum of (y - mean(y))**2, and the sums of errors, or both means.
    """
    return _falls(predict, x, y, orders, score=lambda y, p: -np.mean((y - p) ** 2)).mean(axis=0)


def _errors_added_up(predict: Predict, x: Array, y: Array, orders: Orders) -> Any:
    """The score is the sum of squared errors. R2 divides it by the spread of y.

    That is the sum of (y - mean(y))**2. Then no unit is left, and no number of trials.
    """
    return _falls(predict, x, y, orders, score=lambda y, p: -np.sum((y - p) ** 2)).mean(axis=0)


def _scored_the_wrong_way_round(predict: Predict, x: Array, y: Array, orders: Orders) -> Any:
    """In R2 the two have changed places: the errors are divided by the spread of the predictions.

    It is that of y, which was measured, and does not change when a column is shuffled.
    """

    def turned(y: Array, p: Array) -> Any:
        with np.errstate(all="ignore"):
            return _r2(p, y)

    return _falls(predict, x, y, orders, score=turned).mean(axis=0)


def _divided_by_squares(predict: Predict, x: Array, y: Array, orders: Orders) -> Any:
    """R2 is divided by the sum of y**2. The mean of y must be taken off first.

    R2 compares with the best constant, which is the mean, and not with 0.
    """
    return _falls(
        predict, x, y, orders, score=lambda y, p: -np.sum((y - p) ** 2) / np.sum(y**2)
    ).mean(axis=0)


def _squared_correlation(predict: Predict, x: Array, y: Array, orders: Orders) -> Any:
    """The score is the squared correlation of y and its predictions. That is not R2 here.

    It forgives predictions that are too large, or shifted; R2 does not.
    """

    def correlation(y: Array, p: Array) -> Any:
        with np.errstate(all="ignore"):
            return np.corrcoef(y, p)[0, 1] ** 2

    return _falls(predict, x, y, orders, score=correlation).mean(axis=0)


def _share_of_the_score(predict: Predict, x: Array, y: Array, orders: Orders) -> Any:
    """The falls are divided by the score of x. Return the falls themselves."""
    falls = permutation_importance(predict, x, y, orders)
    return falls / _r2(y, predict(x.copy()))


def _shares_of_the_sum(predict: Predict, x: Array, y: Array, orders: Orders) -> Any:
    """The falls are made to add up to 1. Return the falls themselves: they say what they say.

    When two settings act together, the falls add up to more than what the model explains.
    """
    falls = permutation_importance(predict, x, y, orders)
    with np.errstate(all="ignore"):
        return falls / falls.sum()


def _orders_added_up(predict: Predict, x: Array, y: Array, orders: Orders) -> Any:
    """The falls are added over the orders. They should be averaged: divide by their number."""
    return _falls(predict, x, y, orders).sum(axis=0)


def _first_order_only(predict: Predict, x: Array, y: Array, orders: Orders) -> Any:
    """Only the first order is used. One shuffle is chance: average over all K."""
    return _falls(predict, x, y, orders)[0]


def _last_order_only(predict: Predict, x: Array, y: Array, orders: Orders) -> Any:
    """Only the last order is left in the result. Add up the falls, `+=`, and divide by K."""
    return _falls(predict, x, y, orders)[-1]


def _not_averaged(predict: Predict, x: Array, y: Array, orders: Orders) -> Any:
    """There is a row for each order. Average over them: `mean(axis=0)`."""
    return _falls(predict, x, y, orders)


def _averaged_over_settings(predict: Predict, x: Array, y: Array, orders: Orders) -> Any:
    """This is a number for each order, averaged over the settings. It is the other way round.

    Average over the orders, and keep a number for each setting.
    """
    return _falls(predict, x, y, orders).mean(axis=1)


def _writes_into_trials(predict: Predict, x: Array, y: Array, orders: Orders) -> Any:
    """The result is right, and the caller's own x is shuffled now: `x[:, column] = ...` changes it.

    Shuffle a copy: `x.copy()`.
    """
    result = permutation_importance(predict, x, y, orders)
    x[:] = x[orders[-1]]
    return result


def _unused_settings_do_not_matter(
    result: Array, predict: Predict, x: Array, y: Array, orders: Orders
) -> bool:
    """A setting that the model does not look at should come out at exactly 0. Yours does not."""
    unused = np.all(_falls(predict, x, y, orders) == 0, axis=0)
    return bool(np.all(np.abs(result[unused]) < 1e-9))


def _weighs_two(x: Array) -> Array:
    """Predicts 2 * x[:, 0] - x[:, 1]."""
    return np.asarray(2 * x[:, 0] - x[:, 1])


def _multiplies(x: Array) -> Array:
    """Predicts x[:, 0] * x[:, 1] + x[:, 2]."""
    return np.asarray(x[:, 0] * x[:, 1] + x[:, 2])


def _bends(x: Array) -> Array:
    """Predicts the square of x[:, 3], and looks at nothing else."""
    return np.asarray(x[:, 3] ** 2)


def _importance_case(
    predict: Predict, trials: int, settings: int, shuffles: int, truth: Predict | None = None
) -> Any:
    x = _numbers(trials, settings)
    y = np.round((truth or predict)(x) + 0.5 * _rng.normal(size=trials) + 1, 1)
    return predict, x, y, np.stack([_rng.permutation(trials) for _ in range(shuffles)])


# --- catches_wrong_reset --------------------------------------------------------------------


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
        _, right = _gru(x, right, W, U, b_ih, b_hh)
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
    return _gru(x, h, W, U, b_ih, b_hh)[1]


def _moves_towards_n(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Array:
    """Moves from n towards h, n + z * (h - n), which is the same."""
    return _gru(x, h, W, U, b_ih, b_hh, mix=lambda h, n, z, r: n + z * (h - n))[1]


def _squashes_by_tanh(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Array:
    """Takes (1 + tanh(a / 2)) / 2 for the logistic function, which is the same."""
    return _gru(x, h, W, U, b_ih, b_hh, gate=lambda a: (1 + np.tanh(a / 2)) / 2)[1]


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
    return _reset_in_the_mix(x, h, W, U, b_ih, b_hh)[1]


def _turns_reset(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Array:
    """Takes 1 - r for r."""
    return _reset_turned(x, h, W, U, b_ih, b_hh)[1]


def _writes_by_z(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Array:
    """Lets z write: (1 - z) * h + z * n."""
    return _z_writes(x, h, W, U, b_ih, b_hh)[1]


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
    return _gru(x, h, W, U, b_ih, b_hh, gate=lambda a: np.interp(a, at, sigmoid(at)))[1]


def _turns_matrices(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Array:
    """Takes the transpose of U_n."""
    blocks = np.split(U, 3)
    turned = np.concatenate([*blocks[:2], blocks[2].T])
    return _plain_gru(x, h, W, turned, b_ih, b_hh)


def _first_sequence_for_all(
    x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array
) -> Array:
    """Takes the reset gate of the first sequence for the whole batch."""
    return _gru(
        *(x, h, W, U, b_ih, b_hh), after=lambda x_n, h, r, U, b: _placed_after(x_n, h, r[:1], U, b)
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


def _accepts_everything(torch_gru: GruStep) -> None:
    """Your test lets everything through: no implementation, however wrong, makes it raise.

    Shapes are no help, nor that the state stays between -1 and 1: both hold with all the bugs. Work
    out the numbers that should come back, and `assert` that they do.
    """
    torch_gru(*_at())


def _never_from_zero(torch_gru: GruStep) -> None:
    """Your states are never 0. One bug shows there only, at the start of a sequence.

    There is a state of zeros at every start, and r * b_hn is there all the same. It has been in a
    library. Test a state of zeros, and another.
    """
    _compare(torch_gru, _at(), scales=[1])


def _only_from_zero(torch_gru: GruStep) -> None:
    """Your states are all 0. Then U multiplies zeros, and what is kept of h does not show.

    Draw h at random as well, or take more steps than one.
    """
    _compare(torch_gru, _at(), scales=[0])


def _without_bias(torch_gru: GruStep) -> None:
    """Your b_hh is 0. Then it does not show whether r multiplies it, or where it is added.

    It is 0 in a new network of many libraries, which hides these bugs there. Draw it at random.
    """
    x, h, W, U, b_ih, b_hh = _at()
    _compare(torch_gru, [x, h, W, U, b_ih, 0 * b_hh])


def _without_input(torch_gru: GruStep) -> None:
    """Your x is 0, or your W is. Then it does not show whether anything of x gets in.

    Draw both at random.
    """
    x, *others = _at()
    _compare(torch_gru, [0 * x, *others])


def _without_input_bias(torch_gru: GruStep) -> None:
    """Your b_ih is 0. Then it does not show whether it is added. Draw it at random."""
    x, h, W, U, b_ih, b_hh = _at()
    _compare(torch_gru, [x, h, W, U, 0 * b_ih, b_hh])


def _without_recurrence(torch_gru: GruStep) -> None:
    """Your U is 0. Then nothing shows of what is seen of h. Draw it at random."""
    x, h, W, U, b_ih, b_hh = _at()
    _compare(torch_gru, [x, h, W, 0 * U, b_ih, b_hh])


def _gates_without_state(torch_gru: GruStep) -> None:
    """Your U_r and U_z are 0. Then it does not show whether the gates see h.

    Draw all of U at random.
    """
    x, h, W, U, b_ih, b_hh = _at()
    U_n = np.split(U, 3)[2]
    _compare(torch_gru, [x, h, W, np.concatenate([0 * U_n, 0 * U_n, U_n]), b_ih, b_hh])


def _single_unit(torch_gru: GruStep) -> None:
    """You have one unit, or your U_n is diagonal, such as `np.eye`, or 0: no unit sees another.

    Then it does not show where r acts: r * (u * h) is u * (r * h). Take two units or more, and draw
    U at random.
    """
    _compare(torch_gru, _at(H=1))


def _symmetric_weights(torch_gru: GruStep) -> None:
    """Your test does not see which way round U_n stands. Is it symmetric? Draw U at random."""
    x, h, W, U, b_ih, b_hh = _at()
    symmetric = [block + block.T for block in np.split(U, 3)]
    _compare(torch_gru, [x, h, W, np.concatenate(symmetric), b_ih, b_hh])


def _single_unit_without_bias(torch_gru: GruStep) -> None:
    """You have one unit, and b_hh is 0. Then r * (u * h) is u * (r * h): r may act anywhere.

    Take two units or more, and draw all biases at random.
    """
    x, h, W, U, b_ih, b_hh = _at(H=1)
    _compare(torch_gru, [x, h, W, U, b_ih, 0 * b_hh])


def _weights_all_alike(torch_gru: GruStep) -> None:
    """Your weights are all the same. Then all gates are alike, and U_n is its own transpose.

    Are they all 1, or some other constant? Draw W, U and both biases at random.
    """
    x, h, *weights = _at()
    _compare(torch_gru, [x, h, *(np.full_like(each, 0.5) for each in weights)])


def _everything_alike(torch_gru: GruStep) -> None:
    """All your numbers are the same. Then gates, units and sequences are all alike.

    Any two may be taken for one another. Draw everything at random, x and h as well; and take a
    state of zeros, too, as at the start of a sequence.
    """
    _compare(torch_gru, [np.ones_like(each) for each in _at()], scales=[1])


def _everything_alike_or_zero(torch_gru: GruStep) -> None:
    """All your numbers are the same, but for a state of zeros. Then gates and units are all alike.

    Any two may be taken for one another. Draw everything at random, x and h as well.
    """
    _compare(torch_gru, [np.ones_like(each) for each in _at()])


def _single_sequence_of_one_unit(torch_gru: GruStep) -> None:
    """You have one sequence and one unit. Then no batch can be mixed up, and no unit sees another.

    It does not show where r acts: r * (u * h) is u * (r * h). Take two or more of each.
    """
    _compare(torch_gru, _at(B=1, H=1))


def _single_sequence(torch_gru: GruStep) -> None:
    """You have one sequence, so one bug is right: it treats all of a batch like the first.

    Take two sequences or more, with different inputs.
    """
    _compare(torch_gru, _at(B=1))


def _too_generous(torch_gru: GruStep) -> None:
    """Your test is too generous: it lets through gates that are made of straight lines.

    They are wrong in the second digit. Use `np.allclose` as it is.
    """
    _compare(torch_gru, _at(), close=lambda got, right: np.allclose(got, right, rtol=0, atol=0.05))


def _exact_equality(torch_gru: GruStep) -> None:
    """Your test is too exact: two right ways of computing a number differ in its last digits.

    In place of `==`, use `np.allclose`.
    """
    _compare(torch_gru, _at(), close=np.array_equal)


def _wants_reset_before(torch_gru: GruStep) -> None:
    """Your test wants U_n (r * h), as published in 2014. torch resets after the product.

    That is r * (U_n h + b_hn).
    """
    _compare(torch_gru, _at(), reference=_resets_before)


def _wants_bias_outside(torch_gru: GruStep) -> None:
    """Your test wants r * (U_n h) + b_hn. In torch r multiplies the bias, too."""
    _compare(torch_gru, _at(), reference=_leaves_bias_outside)


def _wants_z_to_write(torch_gru: GruStep) -> None:
    """Your test wants (1 - z) * h + z * n. In torch z keeps: z * h + (1 - z) * n."""
    _compare(torch_gru, _at(), reference=_writes_by_z)


def _wants_zrn(torch_gru: GruStep) -> None:
    """Your test wants the rows in the order z, r, n, which is that of Keras. torch has r, z, n."""
    _compare(torch_gru, _at(), reference=_reads_zrn)


def _rejects_everything(torch_gru: GruStep) -> None:
    """Your test rejects every implementation that it was given, right or wrong.

    Then what it wants is something else. Do you expect one array, not the pair of exercise 3? Are
    the rows in the order r, z, n? Are both biases in both gates? If you compare with torch: have
    you set all of its parameters? And do you give the implementation NumPy arrays, not tensors?
    """
    _compare(torch_gru, _at(), reference=lambda *args: _rows_nrz(*args)[1])


# --- a worked answer ------------------------------------------------------------------------


def best_found(
    cells: int, seeds: int, *, spread: float, repeats: int = 1000, rng: int = 0
) -> tuple[float, float]:
    """Search among cells, repeats times: say how good the best looks, and how good it is.

    A cell's worth is normal with standard deviation spread, 0 being the LSTM's. What is measured is
    its mean over seeds runs, of which one is off by a standard deviation of 1. Returns what was
    measured of the winner, and its worth, both averaged over the searches.
    """
    draw = np.random.default_rng(rng)
    worth = spread * draw.normal(size=(repeats, cells))
    measured = worth + draw.normal(size=worth.shape) / np.sqrt(seeds)
    best = measured.argmax(axis=1)
    rows = np.arange(repeats)
    return float(measured[rows, best].mean()), float(worth[rows, best].mean())


_ROWS = "W, U and b have as many rows"
_R2 = "np.sum((y - predict(settings)) ** 2) / np.sum((y - np.mean(y)) ** 2)"
_GOT, _RIGHT = "torch_gru(x, state, W, U, b_ih, b_hh)", "z * state + (1 - z) * n"
_ANY_NUMBERS = "the test may choose its numbers"
_CLOSE = "whichever of two close arrays comes first, they are close"

EXERCISES: Sequence[Exercise] = (
    Exercise(
        "variants.parameters",
        parameters,
        cases=[(4, 10), (1, 1), (7, 3), (30, 50)],
        mistakes=[
            _one_bias,
            _no_bias,
            _candidates_forgotten,
            _candidate_of_gru_forgotten,
            _gru_like_lstm,
            _coupled_counted_in_full,
            _coupled_with_three_peepholes,
            _coupled_without_peepholes,
            _peepholes_are_matrices,
            _peephole_for_candidate,
            _single_peepholes,
            _no_peepholes,
            _gates_see_their_own_past,
            _gate_recurrence_without_peepholes,
            _gates_see_own_unit,
            _candidate_joins_the_gates,
            _inputs_for_hidden,
            _one_bias_in_gru,
        ],
        alternatives=[_parameters_by_shapes, _parameters_vectorised, _parameters_torch],
        parts=("LSTM", "V", "CIFG", "FGR", "GRU"),
    ),
    Exercise(
        "variants.flip_update",
        flip_update,
        cases=[_flip_case(2, 2), _flip_case(3, 4), _flip_case(1, 1), _flip_case(2, 3)],
        mistakes=[
            _flips_reset,
            _flips_candidate,
            _flips_all_gates,
            _flips_both_gates,
            _flips_bias_only,
            _leaves_bias,
            _leaves_recurrence,
            _leaves_input_weights,
            _one_minus_weights,
            _weights_upside_down,
            _gates_swapped,
            _every_third_row,
            _nothing_flipped,
            _written_into_weights,
        ],
        alternatives=[_flip_copies, _flip_einsum, _flip_torch],
        properties=[_computes_the_same],
        parts=("W", "U", "b"),
        equivalent={
            "H = len(b) // 3 -> H = len(U) // 3": _ROWS,
            "H = len(b) // 3 -> H = len(W) // 3": _ROWS,
        },
    ),
    Exercise(
        "variants.gru_step",
        gru_step,
        cases=[_gru_case(2, 2, 2), _gru_case(3, 2, 4), _gru_case(1, 3, 3), _gru_case(4, 1, 1)],
        mistakes=[
            _pair_swapped,
            _both_after,
            _both_before,
            _bias_outside,
            _bias_reset_too,
            _candidate_bias_missing,
            _hidden_bias_missing,
            _hidden_bias_twice,
            _input_bias_missing,
            _z_writes,
            _z_writes_in_before,
            _rows_zrn,
            _rows_nrz,
            *_OTHER_ROWS,
            _reset_missing,
            _reset_the_input_too,
            _reset_turned,
            _reset_in_the_mix,
            _reset_in_the_mix_of_before,
            _state_overwritten,
            _candidate_not_squashed,
            _candidate_logistic,
            _gates_through_tanh,
            _weights_transposed,
            _candidate_added,
        ],
        alternatives=[_gru_entry_by_entry, _gru_einsum, _gru_torch],
        properties=[_rows_of_a_gate_together, _after_is_right, _before_is_right],
        parts=("before", "after"),
    ),
    Exercise(
        "variants.peephole_step",
        peephole_step,
        cases=[
            (
                np.array([[0.5, -0.4, 1.2, 0.8, 0.9, -1.1, 0.3, -0.6]]),
                np.array([[1.5, -2.0]]),
                np.array([0.4, -0.7, 0.6, 0.5, -0.8, 0.9]),
            ),
            _peephole_case(3, 4),
            _peephole_case(2, 1),
            _peephole_case(2, 3),
        ],
        mistakes=[
            _output_peeps_at_old,
            _no_peephole_of_output,
            _output_peephole_late,
            _all_peepholes_late,
            _no_peepholes_at_all,
            _peepholes_iof,
            _peepholes_fio,
            _peepholes_multiply,
            _peepholes_without_state,
            _peeps_through_tanh,
            _output_peeps_through_tanh,
            _peeps_at_all_cells,
            _sign_of_peepholes,
            _candidate_peeps,
            _peepholes_of_ifg,
            *_OTHER_ORDERS,
            _g_not_squashed,
            _g_logistic,
            _gates_not_squashed,
            _state_squashed,
            _state_squashed_twice,
            _squashed_after_the_gate,
            _state_shown_raw,
            _results_swapped,
            _writes_into_cell,
        ],
        alternatives=[_peephole_entry_by_entry, _peephole_einsum, _peephole_torch],
        properties=[_not_only_c_is_wrong, _not_only_h_is_wrong, _c_is_right],
        parts=("h", "c"),
    ),
    Exercise(
        "variants.permutation_importance",
        permutation_importance,
        cases=[
            _importance_case(_weighs_two, 4, 3, 2, truth=lambda x: 2 * x[:, 0] + x[:, 1]),
            _importance_case(_multiplies, 8, 3, 3),
            _importance_case(_bends, 6, 4, 1),
            _importance_case(_weighs_two, 12, 2, 5),
        ],
        mistakes=[
            _left_shuffled,
            _copied_once,
            _rows_shuffled,
            _others_shuffled,
            _set_to_zero,
            _set_to_its_mean,
            _shuffled_the_other_way,
            _rise,
            _sign_lost,
            _cut_off_at_zero,
            _each_sign_lost,
            _each_cut_off_at_zero,
            _score_left,
            _error_not_divided,
            _errors_added_up,
            _scored_the_wrong_way_round,
            _divided_by_squares,
            _squared_correlation,
            _share_of_the_score,
            _shares_of_the_sum,
            _orders_added_up,
            _first_order_only,
            _last_order_only,
            _not_averaged,
            _averaged_over_settings,
            _writes_into_trials,
        ],
        alternatives=[_importance_from_errors, _importance_restored, _importance_torch],
        properties=[_unused_settings_do_not_matter],
        equivalent={
            f"return 1 - {_R2} -> return {other} - {_R2}": "a constant is not in a fall"
            for other in (0, 2)
        },
    ),
    bug_hunt(
        "variants.catches_wrong_reset",
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
        mistakes=[
            _accepts_everything,
            _never_from_zero,
            _only_from_zero,
            _without_bias,
            _without_input,
            _without_input_bias,
            _without_recurrence,
            _gates_without_state,
            _single_unit,
            _single_unit_without_bias,
            _symmetric_weights,
            _weights_all_alike,
            _everything_alike,
            _everything_alike_or_zero,
            _single_sequence,
            _single_sequence_of_one_unit,
            _too_generous,
            _exact_equality,
            _wants_reset_before,
            _wants_bias_outside,
            _wants_z_to_write,
            _wants_zrn,
            _rejects_everything,
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
    ),
)
