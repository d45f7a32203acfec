"""The exercises of the chapter on the LSTM."""

# ruff: noqa: D401, D404  (the docstring of a mistake is what its author is told)

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unrolled.exercises.grading import Exercise, bug_hunt

Array = NDArray[np.float64]
Pair = tuple[Array, Array]
Squash = Callable[[Array], Array]
Step = Callable[[Array, Array, Array, Array, Array, Array], Pair]

_rng = np.random.default_rng(0)


def _numbers(*shape: int) -> Array:
    return np.round(_rng.normal(size=shape), 1) + 0.0  # which turns -0.0 into 0.0


def sigmoid(a: Any) -> Any:
    """Return 1 / (1 + exp(-a))."""
    return 1 / (1 + np.exp(-a))


def wrong_parts(result: Sequence[Array], right: Sequence[Array]) -> tuple[bool, ...]:
    """Say of each part of a result whether it is wrong."""
    return tuple(
        not np.allclose(mine, its, rtol=1e-4) for mine, its in zip(result, right, strict=True)
    )


# --- half_life ------------------------------------------------------------------------------


def half_life(bias: float) -> float:
    """Say after how many steps half of a cell's state is left.

    The forget gate sees nothing but its bias: f = sigmoid(bias), the same at each step.
    Nothing is written into the cell either, so c[t] = f * c[t - 1]. Return the d for
    which c[t + d] is half of c[t]: a number that need not be whole. bias is a number.
    """
    return float(np.log(2) / np.log1p(np.exp(-bias)))


def _half_life_from_the_gate(bias: float) -> Any:
    f = 1 / (1 + np.exp(-bias))
    return np.log(0.5) / np.log(f)


def _half_life_searched(bias: float) -> float:
    gate, low, high = float(sigmoid(bias)), 0.0, 1e6
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if gate**middle > 0.5 else (low, middle)
    return low


def _half_life_torch(bias: float) -> Any:
    import torch
    from torch.nn.functional import logsigmoid

    return torch.tensor(0.5).log() / logsigmoid(torch.tensor(bias))


def _half_life_rounded_up(bias: float) -> float:
    """This is rounded up to a whole step. Here the number of steps need not be whole.

    It is where the curve f ** d crosses one half, between two steps as a rule.
    """
    return float(np.ceil(half_life(bias)))


def _half_life_rounded_down(bias: float) -> float:
    """This is rounded down to a whole step. Here the number of steps need not be whole.

    It is where the curve f ** d crosses one half, between two steps as a rule.
    """
    return float(np.floor(half_life(bias)))


def _bias_for_gate(bias: float) -> Any:
    """The bias is taken for the gate itself. The gate is what the logistic function makes of it.

    f = 1 / (1 + exp(-bias)): bias 0 is a gate that is half open, and bias 1 one at 0.73.
    """
    return np.log(0.5) / np.log(np.float64(bias))


def _bias_for_gate_by_math(bias: float) -> float:
    """The bias is taken for the gate itself. The gate is what the logistic function makes of it.

    f = 1 / (1 + exp(-bias)). A bias may be any number, but 0 and negative numbers have no
    logarithm, and that of 1 is 0.
    """
    return math.log(0.5) / math.log(bias)


def _sign_of_bias_turned(bias: float) -> float:
    """A larger bias should make the cell remember longer. Here it forgets sooner.

    Either the sign of the bias is turned: f = 1 / (1 + exp(-bias)), mind the minus. Or 1 - f, which
    a step loses, stands where f belongs, which it keeps: -log f, not -log(1 - f).
    """
    return half_life(-bias)


def _bias_twice(bias: float) -> float:
    """The bias is counted twice.

    So it is in a torch LSTM when both `bias_ih` and `bias_hh` are set to it, because they are
    added. Here there is one.
    """
    return half_life(2 * bias)


def _to_an_eth(bias: float) -> float:
    """This is the time to fall to 1/e, about 0.37. It should be the time to fall to one half.

    Either log(1/2) is missing, or the two logarithms have different bases, `log2` and `log`.
    """
    return float(half_life(bias) / np.log(2))


def _half_life_two_bases(bias: float) -> float:
    """The two logarithms have different bases: one is `np.log10`, the other `np.log`.

    Any base will do, if it is the same above and below the line.
    """
    return float(half_life(bias) / np.log(10))


def _one_over_what_is_lost(bias: float) -> float:
    """This is 1 / (1 - f), the time that a state would last if each step took the same amount.

    Each step takes a share of what is left. One half is left when f ** d = 1/2: take logarithms.
    """
    return float(1 / sigmoid(-bias))


def _half_over_what_is_lost(bias: float) -> float:
    """This takes the same amount off at each step, 1 - f of the state as it was at first.

    Each step takes a share of what is left. One half is left when f ** d = 1/2: take logarithms.
    """
    return float(0.5 / sigmoid(-bias))


def _for_large_biases_only(bias: float) -> float:
    """This is log(2) * exp(bias), which is right for large biases only.

    There -log f is about exp(-bias). Exactly it is log(1 + exp(-bias)).
    """
    return float(np.log(2) * np.exp(bias))


def _negative_half_life(bias: float) -> float:
    """The number of steps is negative: log(2) should be log(1/2), for log f is negative, too."""
    return -half_life(bias)


def _logarithms_upside_down(bias: float) -> float:
    """The ratio of the logarithms is upside down.

    f ** d = 1/2 gives d log f = log(1/2), and that is divided by log f.
    """
    return 1 / half_life(bias)


def _tanh_for_gate(bias: float) -> Any:
    """The gate is squashed by tanh. Gates are logistic, from 0 to 1; tanh squashes the candidate.

    f = 1 / (1 + exp(-bias)).
    """
    return np.log(0.5) / np.log(np.tanh(np.float64(bias)))


def _half_is_left(result: Any, bias: float) -> bool:
    """Let a state of 1 be multiplied by f for as many steps as you say: one half is left of it.

    With your number of steps it is not.
    """
    with np.errstate(all="ignore"):
        return bool(np.isclose(sigmoid(bias) ** result, 0.5, rtol=1e-4))


# --- cell_gradient --------------------------------------------------------------------------


def cell_gradient(f: Array) -> Array:
    """Say how the last cell state moves with each of the cell states before it.

    For t = 1, ..., T the state of each of H cells was c_t = f_t * c_{t-1} + i_t * g_t.
    f has shape (T, H): f_t is f[t - 1]. Go back along the cells alone: take i, f and g
    for constants, though they may have seen earlier states. Return an array of shape
    (T + 1, H): row k, for k = 0, ..., T, holds the derivatives of c_T by c_k, of each
    cell's by its own.
    """
    gradient = np.ones((len(f) + 1, f.shape[1]))
    for k in reversed(range(len(f))):
        gradient[k] = f[k] * gradient[k + 1]  # f[k] is the gate of step k + 1
    return gradient


def _cell_gradient_cumulated(f: Array) -> Array:
    after = np.concatenate([f, np.ones_like(f[:1])])
    return np.cumprod(after[::-1], axis=0)[::-1]


def _cell_gradient_products(f: Array) -> Array:
    return np.stack([f[k:].prod(axis=0) for k in range(len(f) + 1)])


def _cell_gradient_torch(f: Array) -> Any:
    import torch

    c = torch.zeros(f.shape[1], dtype=torch.float64, requires_grad=True)
    states = [c]
    for f_t in torch.from_numpy(f):
        states.append(f_t * states[-1] + 1)
    return torch.stack(torch.autograd.grad(states[-1].sum(), states))


def _from_the_start(f: Array) -> Array:
    """Row k holds the product of the first k gates: the derivative of c_k by c_0.

    Asked for is that of c_T by c_k. Between them lie the gates of steps k + 1 to T.
    """
    return np.cumprod(np.concatenate([np.ones_like(f[:1]), f]), axis=0)


def _rows_turned_round(f: Array) -> Array:
    """The rows are in the order of the sweep, from the last step to the first.

    Row 0 is for c_0, which is the farthest from c_T, and row T for c_T itself. Turn them round:
    `[::-1]`.
    """
    return cell_gradient(f)[::-1]


def _one_gate_too_many(f: Array) -> Array:
    """There is one gate too many: row k takes in f_k, which acts on c_{k-1}, before c_k was there.

    From c_k to c_T the gates are f_{k+1} to f_T. In Python f_{k+1} is `f[k]`.
    """
    return np.stack([f[max(k - 1, 0) :].prod(axis=0) for k in range(len(f) + 1)])


def _one_gate_too_many_and_none_at_0(f: Array) -> Array:
    """There is one gate too many: row k takes in f_k, which acts on c_{k-1}, before c_k was there.

    From c_k to c_T the gates are f_{k+1} to f_T. In Python f_{k+1} is `f[k]`; and for k = 0,
    `f[k - 1]` is no error: it is the last gate.
    """
    return np.stack([f[k - 1 :].prod(axis=0) for k in range(len(f) + 1)])


def _one_at_the_wrong_end(f: Array) -> Array:
    """The row of ones is at the top. It belongs at the end: c_T moves with itself, by 1.

    Row 0 is for c_0 and has all the gates in it.
    """
    return np.concatenate([np.ones_like(f[:1]), cell_gradient(f)[:-1]])


def _one_gate_missing(f: Array) -> Array:
    """There is one gate missing: row k should begin with f_{k+1}, the gate that acts on c_k.

    In Python that is `f[k]`, because `f[0]` is f_1.
    """
    return np.stack([f[k + 1 :].prod(axis=0) for k in range(len(f) + 1)])


def _gates_added_up(f: Array) -> Array:
    """The gates are added. One step after another multiplies: the chain rule makes a product."""
    return np.stack([f[k:].sum(axis=0) for k in range(len(f) + 1)])


def _next_step_only(f: Array) -> Array:
    """Row k is the derivative of c_{k+1} by c_k: one step. It should go on to c_T.

    Each later step multiplies by its own gate.
    """
    return np.concatenate([f, np.ones_like(f[:1])])


def _one_gate_for_all(f: Array) -> Array:
    """Row k is a power of f_{k+1} alone, as if the gate stayed as it is from then on.

    Each step has a gate of its own: take the product of all of them.
    """
    return np.stack([*(f[k] ** (len(f) - k) for k in range(len(f))), np.ones(f.shape[1])])


def _mean_gate(f: Array) -> Array:
    """Row k is a power of the mean gate. The product of numbers is not a power of their mean.

    One shut gate on the way makes the whole product nearly 0, whatever the others are.
    """
    return np.stack([f.mean(axis=0) ** (len(f) - k) for k in range(len(f) + 1)])


def _cells_multiplied(f: Array) -> Array:
    """The gates of all cells are multiplied together: `axis=0` is missing.

    Along the cells alone nothing gets from one to another. Each has its own product, over time.
    """
    return np.stack([np.full(f.shape[1], f[k:].prod()) for k in range(len(f) + 1)])


def _what_is_lost(f: Array) -> Array:
    """This multiplies 1 - f_t, what a step forgets. What it keeps is f_t: a gate at 1 keeps all."""
    return cell_gradient(1 - f)


def _squashed_again(f: Array) -> Array:
    """The gates are squashed once more. f holds what the logistic function has made already."""
    return cell_gradient(sigmoid(f))


def _slope_of_the_gate(f: Array) -> Array:
    """The factors are f * (1 - f), the slope of the logistic function.

    That belongs to a change of what the gate sees. Here c changes and the gate is a constant:
    c_t = f_t * c_{t-1} + ... has the slope f_t.
    """
    return cell_gradient(f * (1 - f))


def _only_the_first_state(f: Array) -> Array:
    """This is row 0 alone, the derivatives by c_0. There is a row for each k from 0 to T."""
    product: Array = f.prod(axis=0)
    return product


def _without_the_last_state(f: Array) -> Array:
    """The last row is missing. There are T + 1 states, c_0 to c_T; by itself c_T moves by 1."""
    return cell_gradient(f)[:-1]


def _last_row_is_one(result: Array, f: Array) -> bool:
    """The last row, for k = T, is how c_T moves with itself: its entries should be 1."""
    return np.allclose(result[-1], 1)


def _one_gate_from_row_to_row(result: Array, f: Array) -> bool:
    """From row k + 1 to row k there is one step: row k should be f_{k+1} times row k + 1.

    In Python, f_{k+1} is `f[k]`.
    """
    return np.allclose(result[:-1], f * result[1:], rtol=1e-4)


# --- step -----------------------------------------------------------------------------------


def step(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """Take one step of an LSTM, for a batch of B sequences; return the new (h, c).

    x has shape (B, I); h and c, the states before the step, have shape (B, H).
    The rows of the gates are stacked as in torch, those of i first, then f, g and o: W
    has shape (4H, I), U (4H, H), b (4H,). With a = x @ W.T + h @ U.T + b cut into a_i,
    a_f, a_g, a_o, the gates are i = sigmoid(a_i), f = sigmoid(a_f), o = sigmoid(a_o),
    and the candidate is g = tanh(a_g). The new states are c_new = f * c + i * g and
    h_new = o * tanh(c_new). Return (h_new, c_new).
    """

    def sigmoid(a: Array) -> Array:
        return 1 / (1 + np.exp(-a))

    i, f, g, o = np.split(x @ W.T + h @ U.T + b, 4, axis=1)
    c_new = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c_new), c_new


def _step_by_gate(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    H = h.shape[1]
    gates = {}
    for k, name in enumerate("ifgo"):
        rows = slice(k * H, (k + 1) * H)
        a = x @ W[rows].T + h @ U[rows].T + b[rows]
        gates[name] = np.tanh(a) if name == "g" else (1 + np.tanh(a / 2)) / 2
    c = gates["f"] * c + gates["i"] * gates["g"]
    return gates["o"] * np.tanh(c), c


def _step_entry_by_entry(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    B, H = h.shape
    after = np.zeros((2, B, H))
    for n in range(B):
        for j in range(H):
            i, f, g, o = (W[k] @ x[n] + U[k] @ h[n] + b[k] for k in range(j, 4 * H, H))
            after[1, n, j] = sigmoid(f) * c[n, j] + sigmoid(i) * np.tanh(g)
            after[0, n, j] = sigmoid(o) * np.tanh(after[1, n, j])
    return after[0], after[1]


def _step_einsum(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    a = np.einsum("bi,ai->ba", x, W) + np.einsum("bh,ah->ba", h, U) + b
    i, f, g, o = a.reshape(len(x), 4, -1).swapaxes(0, 1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def _step_torch(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Any:
    import torch

    inputs, before, cell, *weights = map(torch.from_numpy, (x, h, c, W, U, b))
    a = torch.nn.functional.linear(inputs, weights[0], weights[2]) + before @ weights[1].T
    i, f, g, o = a.chunk(4, dim=1)
    cell = f.sigmoid() * cell + i.sigmoid() * g.tanh()
    return o.sigmoid() * cell.tanh(), cell


def _updated(c: Array, i: Array, f: Array, g: Array) -> Array:
    return f * c + i * g


def _shown(c: Array, before: Array, o: Array) -> Array:
    return o * np.tanh(c)


def _varied(
    x: Array,
    h: Array,
    c: Array,
    W: Array,
    U: Array,
    b: Array,
    *,
    order: str = "ifgo",
    squashed: dict[str, Squash] | None = None,
    update: Callable[[Array, Array, Array, Array], Array] = _updated,
    show: Callable[[Array, Array, Array], Array] = _shown,
) -> Pair:
    """Take the step with another idea of some part of it."""
    squash: dict[str, Squash] = dict.fromkeys("ifo", sigmoid) | {"g": np.tanh} | (squashed or {})
    parts = zip(order, np.split(x @ W.T + h @ U.T + b, 4, axis=1), strict=True)
    i, f, g, o = (squash[name](a) for name, a in sorted(parts, key=lambda p: "ifgo".index(p[0])))
    after = update(c, i, f, g)
    return show(after, c, o), after


def _results_swapped(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """The results are the wrong way round: return h first, then c, as torch does."""
    h, c = step(x, h, c, W, U, b)
    return c, h


def _rows_ifog(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """The rows are read in the order i, f, o, g. In torch the candidate comes third: i, f, g, o.

    The shapes do not tell: every gate has H rows. Always look up the order when you take weights
    from elsewhere.
    """
    return _varied(x, h, c, W, U, b, order="ifog")


def _rows_igfo(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """The rows are read in the order i, g, f, o, as in TensorFlow 1.

    In torch it is i, f, g, o. The shapes do not tell: every gate has H rows.
    """
    return _varied(x, h, c, W, U, b, order="igfo")


def _rows_iofg(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """The rows are read in the order i, o, f, g, which is that of ONNX.

    In torch it is i, f, g, o. The shapes do not tell: every gate has H rows.
    """
    return _varied(x, h, c, W, U, b, order="iofg")


def _rows_figo(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """The input gate and the forget gate have changed places.

    Either the rows are read in the order f, i, g, o, and it should be i, f, g, o. Or the update
    has them the wrong way round: the forget gate multiplies the old state, c, and the input gate
    what is new, g.
    """
    return _varied(x, h, c, W, U, b, order="figo")


def _rows_fiog(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """The rows are read in the order f, i, o, g. In torch it is i, f, g, o.

    The shapes do not tell: every gate has H rows.
    """
    return _varied(x, h, c, W, U, b, order="fiog")


def _rows_in_order(order: str) -> Step:
    def rows(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
        return _varied(x, h, c, W, U, b, order=order)

    rows.__name__ = f"_rows_{order}"
    rows.__doc__ = f"""The gates are taken in the order {", ".join(order)}. It is i, f, g, o.

    Either the rows are read in that order, or the gates have changed places later on.
    """
    return rows


_OTHER_ROWS = [
    _rows_in_order("".join(order))
    for order in permutations("ifgo")
    if "".join(order) not in ("ifgo", "ifog", "igfo", "iofg", "figo", "fiog")  # told better above
]


def _state_shown_raw(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """The tanh of the output is missing: h is o * c.

    c may be any number, for it adds up. What the cell shows is o * tanh(c), from -1 to 1.
    """
    return _varied(x, h, c, W, U, b, show=lambda after, before, o: o * after)


def _old_state_shown(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """The cell shows its old state: h is made from c as it was before the step.

    First update c, then show it: h_new = o * tanh(c_new). An input can be seen at once.
    """
    return _varied(x, h, c, W, U, b, show=lambda after, before, o: o * np.tanh(before))


def _squashed_after_the_gate(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """The output gate comes before tanh: h is tanh(o * c). It should be o * tanh(c)."""
    return _varied(x, h, c, W, U, b, show=lambda after, before, o: np.tanh(o * after))


def _shown_through_logistic(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """The state is shown through the logistic function. It should be tanh: h = o * tanh(c)."""
    return _varied(x, h, c, W, U, b, show=lambda after, before, o: o * sigmoid(after))


def _output_gate_missing(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """The output gate is missing: h is tanh(c) itself. Multiply it by o, entry by entry."""
    return _varied(x, h, c, W, U, b, show=lambda after, before, o: np.tanh(after))


def _forgets_what_is_new(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """The forget gate multiplies what is new as well: c is f * (c + i * g).

    It acts on the old state alone: f * c + i * g. What is new has its own gate, i.
    """
    return _varied(x, h, c, W, U, b, update=lambda c, i, f, g: f * (c + i * g))


def _forget_gate_missing(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """The forget gate is missing: c is c + i * g, which is the cell of 1997.

    Since 2000 the old state is multiplied by f first.
    """
    return _varied(x, h, c, W, U, b, update=lambda c, i, f, g: c + i * g)


def _input_gate_missing(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """The input gate is missing: c is f * c + g. What is new is multiplied by i: i * g."""
    return _varied(x, h, c, W, U, b, update=lambda c, i, f, g: f * c + g)


def _input_gate_added(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """The input gate is added to the candidate, i + g. It multiplies it: i * g."""
    return _varied(x, h, c, W, U, b, update=lambda c, i, f, g: f * c + i + g)


def _gates_coupled(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """The gates are coupled: f is 1 - i, or i is 1 - f.

    That is a variant, and the next chapter has it. Here each gate has its own rows.
    """
    return _varied(x, h, c, W, U, b, update=lambda c, i, f, g: f * c + (1 - f) * g)


def _forget_gate_from_input_gate(
    x: Array, h: Array, c: Array, W: Array, U: Array, b: Array
) -> Pair:
    """The forget gate is 1 - i. That is a variant, and the next chapter has it.

    Here it has rows of its own: f = sigmoid(a_f).
    """
    return _varied(x, h, c, W, U, b, update=lambda c, i, f, g: (1 - i) * c + i * g)


def _state_squashed(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """`c` comes back squashed: it is tanh(f * c + i * g). h is right.

    Carried on like this, each step squashes what all the steps before have added up, and the
    carousel is gone. Only what is shown goes through tanh; c is carried on as it is.
    """
    h, c = step(x, h, c, W, U, b)
    return h, np.tanh(c)


def _state_squashed_twice(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """The state itself is squashed, tanh(f * c + i * g), and once more when it is shown.

    Then each step squashes what all the steps before have added up, and the carousel is gone. Only
    what is shown goes through tanh; c is carried on as it is.
    """
    return _varied(x, h, c, W, U, b, update=lambda c, i, f, g: np.tanh(f * c + i * g))


def _candidate_logistic(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """The candidate goes through the logistic function. It should go through tanh.

    g is no gate, though its rows are stacked among theirs: it may be negative.
    """
    return _varied(x, h, c, W, U, b, squashed={"g": sigmoid})


def _candidate_not_squashed(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """The candidate is not squashed: g = tanh(a_g)."""
    return _varied(x, h, c, W, U, b, squashed={"g": lambda a: a})


def _gates_not_squashed(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """The gates are not squashed. Each is the logistic function of its part of a, from 0 to 1."""
    return _varied(x, h, c, W, U, b, squashed=dict.fromkeys("ifo", lambda a: a))


def _one_gate_not_squashed(name: str, gate: str) -> Step:
    def step(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
        return _varied(x, h, c, W, U, b, squashed={gate: lambda a: a})

    step.__name__ = f"_{name}_gate_not_squashed"
    step.__doc__ = (
        f"""The {name} gate is not squashed. It is {gate} = sigmoid(a_{gate}), from 0 to 1."""
    )
    return step


_ONE_NOT_SQUASHED = [
    _one_gate_not_squashed(name, name[0]) for name in ("input", "forget", "output")
]


def _gates_through_tanh(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """The gates go through tanh. They should go through the logistic function, from 0 to 1.

    A gate at -1 would turn the sign of the state; a gate only opens and shuts.
    """
    return _varied(x, h, c, W, U, b, squashed=dict.fromkeys("ifo", np.tanh))


def _output_gate_through_tanh(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """The output gate goes through tanh, as it stands in print in a paper of 2015.

    It is a gate like i and f: o = sigmoid(a_o).
    """
    return _varied(x, h, c, W, U, b, squashed={"o": np.tanh})


def _sign_in_logistic(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """The gates are the wrong way round: the minus in 1 / (1 + exp(-a)) is missing."""
    return _varied(x, h, c, W, U, b, squashed=dict.fromkeys("ifo", lambda a: sigmoid(-a)))


def _state_in_place_of_output(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """The gates see c where they should see h: `h @ U.T`, what the cell showed.

    Gates that see c have peepholes. That is a variant, and the next chapter has it.
    """
    return _varied(x, c, c, W, U, b)


def _output_carried(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """The forget gate multiplies h. What is carried on is the cell state: f * c + i * g."""
    return _varied(x, h, h, W, U, b)


def _output_not_seen(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """The term with U is missing: the gates see x and the bias only.

    They see what the cells showed as well: `h @ U.T`.
    """
    return _varied(x, 0 * h, c, W, U, b)


def _input_not_seen(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """The term with W is missing: nothing of the input, `x @ W.T`, gets in."""
    return _varied(0 * x, h, c, W, U, b)


def _bias_not_seen(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """The bias is missing. It is added to x @ W.T + h @ U.T."""
    return _varied(x, h, c, W, U, 0 * b)


def _bias_counted_twice(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """The bias is added twice, with x @ W.T and with h @ U.T.

    torch has two vectors, which are added; here b is their sum.
    """
    return _varied(x, h, c, W, U, 2 * b)


def _one_bias_for_gates(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """The gates share the bias of the output gate. Each has rows of its own in b."""
    _, _, b_g, b_o = np.split(b, 4)
    return _varied(x, h, c, W, U, np.concatenate([b_o, b_o, b_g, b_o]))


def _writes_into_cell(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """The new state is written into the caller's own c, and the old one is lost.

    The backward pass needs c as it was before the step. `c = f * c + i * g` makes a new array;
    `c *= f` and `c[:] = ...` do not.
    """
    h, c[:] = step(x, h, c, W, U, b)
    return h, c


def _h_has_the_sign_of_c(result: Pair, *_: Array) -> bool:
    """`h` should have the sign of `c`, entry by entry: a gate is positive, and tanh keeps signs.

    Yours has not.
    """
    h, c = result
    return bool(np.all(np.sign(h) == np.sign(c)))


def _rows_of_a_gate_together(
    result: Pair, x: Array, h: Array, c: Array, W: Array, U: Array, b: Array
) -> bool:
    """The gates take turns in your rows. All H rows of i come first, then all of f, and so on.

    For one gate take consecutive rows: of i, 0 to H; of f, H to 2H.
    """
    by_turns = np.argsort(np.arange(len(b)) % 4, kind="stable")
    theirs = step(x, h, c, W[by_turns], U[by_turns], b[by_turns])
    return h.shape[1] == 1 or not np.allclose(result[1], theirs[1], rtol=1e-4)


def _blocks_upright(
    result: Pair, x: Array, h: Array, c: Array, W: Array, U: Array, b: Array
) -> bool:
    """The blocks of U are the wrong way round: `h @ U_i` where `h @ U_i.T` belongs.

    Each block is square, so the shapes do not tell.
    """
    turned = np.concatenate([block.T for block in np.split(U, 4)])
    theirs = step(x, h, c, W, turned, b)
    return h.shape[1] == 1 or not np.allclose(result[1], theirs[1], rtol=1e-4)


def _not_only_c_is_wrong(result: Pair, *args: Array) -> bool:
    """`h` is right, so the state that it is made from is. But another comes back as `c`."""
    return wrong_parts(result, step(*args)) != (False, True)


def _not_only_h_is_wrong(result: Pair, *args: Array) -> bool:
    """`c` is right, and `h` is not. It is o * tanh(c): look at the output gate and that tanh."""
    return wrong_parts(result, step(*args)) != (True, False)


def _c_is_right(result: Pair, *args: Array) -> bool:
    """Look at `c` first, which is not right: `h` is made from it.

    c_new = f * c + i * g, and each of i, f and g has its own H columns of a.
    """
    return not wrong_parts(result, step(*args))[1]


def _step_case(B: int, I: int, H: int) -> tuple[Array, ...]:  # noqa: E741
    shapes = (B, I), (B, H), (B, H), (4 * H, I), (4 * H, H), (4 * H,)
    x, h, c, W, U, b = (_numbers(*shape) for shape in shapes)
    return x, h / 2, 2 * c, W, U, b


# --- step_backward --------------------------------------------------------------------------


def step_backward(
    dh: Array, dc: Array, c_prev: Array, c: Array, i: Array, f: Array, g: Array, o: Array
) -> Pair:
    """Go back through one step of an LSTM, for a batch of B sequences.

    The step was i = sigmoid(a_i), f = sigmoid(a_f), g = tanh(a_g), o = sigmoid(a_o),
    then c = f * c_prev + i * g and h = o * tanh(c). All arguments have shape (B, H):
    dh is the derivative of a loss with respect to h, and dc the part of its derivative
    with respect to c that does not come through h. i, f, g and o are the values that
    the gates had. Return (da, dc_prev): the derivatives with respect to what the gates
    saw, a_i, a_f, a_g, a_o side by side in this order, shape (B, 4H), and to c_prev,
    shape (B, H).
    """
    shown = np.tanh(c)
    dc = dc + dh * o * (1 - shown**2)
    da_i = dc * g * i * (1 - i)
    da_f = dc * c_prev * f * (1 - f)
    da_g = dc * i * (1 - g**2)
    da_o = dh * shown * o * (1 - o)
    return np.concatenate([da_i, da_f, da_g, da_o], axis=1), dc * f


def _back_entry_by_entry(
    dh: Array, dc: Array, c_prev: Array, c: Array, i: Array, f: Array, g: Array, o: Array
) -> Pair:
    B, H = c.shape
    da, dc_prev = np.zeros((B, 4 * H)), np.zeros((B, H))
    for n in range(B):
        for j in range(H):
            at = n, j
            s = np.tanh(c[at])
            total = dc[at] + dh[at] * o[at] * (1 + s) * (1 - s)
            da[n, j] = total * g[at] * i[at] * (1 - i[at])
            da[n, H + j] = total * c_prev[at] * (f[at] - f[at] ** 2)
            da[n, 2 * H + j] = total * i[at] * (1 - g[at] ** 2)
            da[n, 3 * H + j] = dh[at] * s * o[at] * (1 - o[at])
            dc_prev[at] = total * f[at]
    return da, dc_prev


def _back_stacked(
    dh: Array, dc: Array, c_prev: Array, c: Array, i: Array, f: Array, g: Array, o: Array
) -> Pair:
    s = np.tanh(c)
    total = np.einsum("bh,bh,bh->bh", dh, o, 1 - s * s) + dc
    by_value = np.stack([total * g, total * c_prev, total * i, dh * s])
    slope = np.stack([i - i * i, f - f * f, 1 - g * g, o - o * o])
    return np.hstack([*(by_value * slope)]), total * f


def _back_torch(
    dh: Array, dc: Array, c_prev: Array, c: Array, i: Array, f: Array, g: Array, o: Array
) -> Any:
    import torch

    values = map(torch.from_numpy, (i, f, g, o))
    seen = [(v.atanh() if k == 2 else v.logit()).requires_grad_() for k, v in enumerate(values)]
    before = torch.from_numpy(c_prev).requires_grad_()
    after = seen[1].sigmoid() * before + seen[0].sigmoid() * seen[2].tanh()
    h = seen[3].sigmoid() * after.tanh()
    outside = [torch.from_numpy(each).to(h.dtype) for each in (dh, dc)]
    *da, dc_prev = torch.autograd.grad([h, after], [*seen, before], outside)
    return torch.cat(da, 1), dc_prev


def _back(
    dh: Array,
    dc: Array,
    c_prev: Array,
    gates: Sequence[Array],
    *,
    total: Array,
    shown: Array,
    slopes: Sequence[Array] | None = None,
) -> Pair:
    """Go on from an idea of all that the loss says of c, with another idea of the slopes."""
    i, f, g, o = gates
    by_value = total * g, total * c_prev, total * i, dh * shown
    slopes = slopes or (i * (1 - i), f * (1 - f), 1 - g**2, o * (1 - o))
    da = np.concatenate([v * s for v, s in zip(by_value, slopes, strict=True)], axis=1)
    return da, total * f


def _total(dh: Array, dc: Array, c: Array, o: Array) -> Array:
    total: Array = dc + dh * o * (1 - np.tanh(c) ** 2)
    return total


def _tanh_slope_missing(
    dh: Array, dc: Array, c_prev: Array, c: Array, i: Array, f: Array, g: Array, o: Array
) -> Pair:
    """From h to c the slope of tanh is missing: 1 - tanh(c)**2.

    h = o * tanh(c), so dh brings dh * o * (1 - tanh(c)**2) to c.
    """
    return _back(dh, dc, c_prev, (i, f, g, o), total=dc + dh * o, shown=np.tanh(c))


def _slope_without_tanh(
    dh: Array, dc: Array, c_prev: Array, c: Array, i: Array, f: Array, g: Array, o: Array
) -> Pair:
    """The slope of tanh is taken as 1 - c**2. It is 1 - tanh(c)**2.

    The short form 1 - h**2 of a tanh network works because h is a tanh already. c is not.
    """
    total = dc + dh * o * (1 - c**2)
    return _back(dh, dc, c_prev, (i, f, g, o), total=total, shown=np.tanh(c))


def _slope_without_square(
    dh: Array, dc: Array, c_prev: Array, c: Array, i: Array, f: Array, g: Array, o: Array
) -> Pair:
    """The slope of tanh is taken as 1 - tanh(c), without the square: 1 - tanh(c)**2."""
    total = dc + dh * o * (1 - np.tanh(c))
    return _back(dh, dc, c_prev, (i, f, g, o), total=total, shown=np.tanh(c))


def _slope_at_the_old_state(
    dh: Array, dc: Array, c_prev: Array, c: Array, i: Array, f: Array, g: Array, o: Array
) -> Pair:
    """The slope of tanh is taken at the old state. The step shows the new one, c."""
    total = _total(dh, dc, c_prev, o)
    return _back(dh, dc, c_prev, (i, f, g, o), total=total, shown=np.tanh(c))


def _output_gate_not_on_the_way(
    dh: Array, dc: Array, c_prev: Array, c: Array, i: Array, f: Array, g: Array, o: Array
) -> Pair:
    """From h to c the output gate is missing: dh brings dh * o * (1 - tanh(c)**2) to c."""
    total = dc + dh * (1 - np.tanh(c) ** 2)
    return _back(dh, dc, c_prev, (i, f, g, o), total=total, shown=np.tanh(c))


def _dc_not_taken_in(
    dh: Array, dc: Array, c_prev: Array, c: Array, i: Array, f: Array, g: Array, o: Array
) -> Pair:
    """The derivative dc is left out: what later steps say of c does not get in.

    c acts on the loss in two ways, through h and through the c of the next step. Add them:
    `dc + dh * o * (1 - tanh(c)**2)`.
    """
    total = _total(dh, 0 * dc, c, o)
    return _back(dh, dc, c_prev, (i, f, g, o), total=total, shown=np.tanh(c))


def _dh_not_taken_in(
    dh: Array, dc: Array, c_prev: Array, c: Array, i: Array, f: Array, g: Array, o: Array
) -> Pair:
    """What the loss says of h does not get to c: dc alone goes on to i, f, g and c_prev.

    c acts on the loss in two ways, through h and through the c of the next step. Add them:
    `dc + dh * o * (1 - tanh(c)**2)`.
    """
    return _back(dh, dc, c_prev, (i, f, g, o), total=dc, shown=np.tanh(c))


def _output_gate_saw_c(
    dh: Array, dc: Array, c_prev: Array, c: Array, i: Array, f: Array, g: Array, o: Array
) -> Pair:
    """In the part of the output gate c stands where tanh(c) belongs.

    h = o * tanh(c), so the derivative of h by o is tanh(c).
    """
    return _back(dh, dc, c_prev, (i, f, g, o), total=_total(dh, dc, c, o), shown=c)


def _output_gate_saw_old_c(
    dh: Array, dc: Array, c_prev: Array, c: Array, i: Array, f: Array, g: Array, o: Array
) -> Pair:
    """In the part of the output gate the old state stands where the new one belongs, tanh(c)."""
    total = _total(dh, dc, c, o)
    return _back(dh, dc, c_prev, (i, f, g, o), total=total, shown=np.tanh(c_prev))


def _output_gate_from_dc(
    dh: Array, dc: Array, c_prev: Array, c: Array, i: Array, f: Array, g: Array, o: Array
) -> Pair:
    """The part of the output gate is made from dc. The output gate acts on h alone: use dh."""
    total = _total(dh, dc, c, o)
    da, dc_prev = _back(total, dc, c_prev, (i, f, g, o), total=total, shown=np.tanh(c))
    return da, dc_prev


def _forget_gate_with_new_state(
    dh: Array, dc: Array, c_prev: Array, c: Array, i: Array, f: Array, g: Array, o: Array
) -> Pair:
    """In the part of the forget gate the new state stands where the old one belongs.

    In f * c_prev + i * g, the forget gate multiplies c_prev, so that is its derivative.
    """
    total = _total(dh, dc, c, o)
    da, _ = _back(dh, dc, c, (i, f, g, o), total=total, shown=np.tanh(c))
    return da, total * f


def _no_slopes_of_gates(
    dh: Array, dc: Array, c_prev: Array, c: Array, i: Array, f: Array, g: Array, o: Array
) -> Pair:
    """These are the derivatives by the gates' values. One step is missing, to what they saw.

    Go back through the squashing, too: times i * (1 - i) for a gate, 1 - g**2 for the candidate.
    """
    one = np.ones_like(i)
    total = _total(dh, dc, c, o)
    return _back(
        dh, dc, c_prev, (i, f, g, o), total=total, shown=np.tanh(c), slopes=(one, one, one, one)
    )


def _candidate_slope_missing(
    dh: Array, dc: Array, c_prev: Array, c: Array, i: Array, f: Array, g: Array, o: Array
) -> Pair:
    """In the part of the candidate the slope of its tanh is missing: 1 - g**2."""
    slopes = i * (1 - i), f * (1 - f), np.ones_like(g), o * (1 - o)
    total = _total(dh, dc, c, o)
    return _back(dh, dc, c_prev, (i, f, g, o), total=total, shown=np.tanh(c), slopes=slopes)


def _candidate_slope_logistic(
    dh: Array, dc: Array, c_prev: Array, c: Array, i: Array, f: Array, g: Array, o: Array
) -> Pair:
    """The candidate has the slope of a gate, g * (1 - g). It went through tanh: 1 - g**2."""
    slopes = i * (1 - i), f * (1 - f), g * (1 - g), o * (1 - o)
    total = _total(dh, dc, c, o)
    return _back(dh, dc, c_prev, (i, f, g, o), total=total, shown=np.tanh(c), slopes=slopes)


def _slopes_of_squashed_gates(
    dh: Array, dc: Array, c_prev: Array, c: Array, i: Array, f: Array, g: Array, o: Array
) -> Pair:
    """The gates are squashed once more for their slopes. i holds the gate's value already.

    sigmoid(a) * (1 - sigmoid(a)) is i * (1 - i), and 1 - tanh(a)**2 is 1 - g**2.
    """
    again = [sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)]
    slopes = [v * (1 - v) for v in again]
    slopes[2] = 1 - again[2] ** 2
    total = _total(dh, dc, c, o)
    return _back(dh, dc, c_prev, (i, f, g, o), total=total, shown=np.tanh(c), slopes=slopes)


def _partners_swapped(
    dh: Array, dc: Array, c_prev: Array, c: Array, i: Array, f: Array, g: Array, o: Array
) -> Pair:
    """In the parts of i and g the other factor is the wrong one.

    In the product i * g, the derivative by i is g, and that by g is i.
    """
    total = _total(dh, dc, c, o)
    da, dc_prev = _back(dh, dc, c_prev, (i, f, g, o), total=total, shown=np.tanh(c))
    H = c.shape[1]
    da[:, :H] = total * i * i * (1 - i)
    da[:, 2 * H : 3 * H] = total * g * (1 - g**2)
    return da, dc_prev


def _not_through_the_forget_gate(
    dh: Array, dc: Array, c_prev: Array, c: Array, i: Array, f: Array, g: Array, o: Array
) -> Pair:
    """`dc_prev` has not gone through the forget gate. c = f * c_prev + ..., so it is times f.

    Without it you have the carousel of 1997, with f at 1.
    """
    da, _ = step_backward(dh, dc, c_prev, c, i, f, g, o)
    return da, _total(dh, dc, c, o)


def _only_dc_carried_on(
    dh: Array, dc: Array, c_prev: Array, c: Array, i: Array, f: Array, g: Array, o: Array
) -> Pair:
    """`dc_prev` is made from dc alone; what came to c through h is left behind.

    Carry on all that the loss says of c: (dc + dh * o * (1 - tanh(c)**2)) * f.
    """
    da, _ = step_backward(dh, dc, c_prev, c, i, f, g, o)
    return da, dc * f


def _parts_in_order(order: str) -> Callable[..., Pair]:
    def parts(
        dh: Array, dc: Array, c_prev: Array, c: Array, i: Array, f: Array, g: Array, o: Array
    ) -> Pair:
        da, dc_prev = step_backward(dh, dc, c_prev, c, i, f, g, o)
        part = dict(zip("ifgo", np.split(da, 4, axis=1), strict=True))
        return np.concatenate([part[gate] for gate in order], axis=1), dc_prev

    parts.__name__ = f"_parts_{order}"
    parts.__doc__ = f"""The parts stand in the order {", ".join(order)}. It should be i, f, g, o.

    The rows of U stand like that, and `da @ U` goes on from here.
    """
    return parts


_OTHER_PARTS = [_parts_in_order("".join(order)) for order in list(permutations("ifgo"))[1:]]


def _parts_by_turns(
    dh: Array, dc: Array, c_prev: Array, c: Array, i: Array, f: Array, g: Array, o: Array
) -> Pair:
    """The gates take turns in the columns of `da`. The H columns of a gate belong together.

    First come all H of i, then all of f, and so on: `np.concatenate`, with `axis=1`.
    """
    da, dc_prev = step_backward(dh, dc, c_prev, c, i, f, g, o)
    by_turns = da.reshape(len(da), 4, -1).swapaxes(1, 2)
    return by_turns.reshape(da.shape), dc_prev


def _parts_stacked(
    dh: Array, dc: Array, c_prev: Array, c: Array, i: Array, f: Array, g: Array, o: Array
) -> Pair:
    """The four parts are stacked along an axis of their own. They belong side by side, (B, 4H).

    `np.concatenate`, with `axis=1`, makes no new axis; `np.stack` does.
    """
    da, dc_prev = step_backward(dh, dc, c_prev, c, i, f, g, o)
    return np.stack(np.split(da, 4, axis=1)), dc_prev


def _parts_stacked_in_rows(
    dh: Array, dc: Array, c_prev: Array, c: Array, i: Array, f: Array, g: Array, o: Array
) -> Pair:
    """The four parts are stacked along an axis of their own. They belong side by side, (B, 4H).

    `np.concatenate`, with `axis=1`, makes no new axis; `np.stack` does.
    """
    da, dc_prev = step_backward(dh, dc, c_prev, c, i, f, g, o)
    return np.stack(np.split(da, 4, axis=1), axis=1), dc_prev


def _derivatives_swapped(
    dh: Array, dc: Array, c_prev: Array, c: Array, i: Array, f: Array, g: Array, o: Array
) -> Pair:
    """The results are the wrong way round: return da first, (B, 4H), then dc_prev, (B, H)."""
    da, dc_prev = step_backward(dh, dc, c_prev, c, i, f, g, o)
    return dc_prev, da


def _parts_below_one_another(
    dh: Array, dc: Array, c_prev: Array, c: Array, i: Array, f: Array, g: Array, o: Array
) -> Pair:
    """The four parts stand below one another. They belong side by side: `axis=1`.

    A batch has its sequences in rows, and each row of `da` holds all four gates of one.
    """
    da, dc_prev = step_backward(dh, dc, c_prev, c, i, f, g, o)
    return np.concatenate(np.split(da, 4, axis=1)), dc_prev


def _writes_into_dc(
    dh: Array, dc: Array, c_prev: Array, c: Array, i: Array, f: Array, g: Array, o: Array
) -> Pair:
    """What comes through h is added into the caller's own dc, which is spoilt by it.

    `dc += ...` changes the array that was passed; `dc = dc + ...` makes a new one.
    """
    result = step_backward(dh, dc, c_prev, c, i, f, g, o)
    dc += dh * o * (1 - np.tanh(c) ** 2)
    return result


def _dc_prev_is_right(result: Pair, *args: Array) -> bool:
    """Begin with all that the loss says of c: dc, and what dh brings to it through h.

    Everything but the output gate's part is made from that, and `dc_prev` is not right.
    """
    return np.allclose(result[1], step_backward(*args)[1], rtol=1e-4)


def _part_is_right(gate: int, result: Pair, args: Sequence[Array]) -> bool:
    part, right = (np.split(da, 4, axis=1)[gate] for da in (result[0], step_backward(*args)[0]))
    return np.allclose(part, right, rtol=1e-4)


def _part_of_i_is_right(result: Pair, *args: Array) -> bool:
    """`dc_prev` is right. The part of the input gate, columns 0 to H of `da`, is not.

    c = ... + i * g, and i = sigmoid(a_i): there are three factors.
    """
    return _part_is_right(0, result, args)


def _part_of_f_is_right(result: Pair, *args: Array) -> bool:
    """`dc_prev` is right. The part of the forget gate, columns H to 2H of `da`, is not.

    c = f * c_prev + ..., and f = sigmoid(a_f): there are three factors.
    """
    return _part_is_right(1, result, args)


def _part_of_g_is_right(result: Pair, *args: Array) -> bool:
    """`dc_prev` is right. The part of the candidate, columns 2H to 3H of `da`, is not.

    c = ... + i * g, and g = tanh(a_g): there are three factors.
    """
    return _part_is_right(2, result, args)


def _part_of_o_is_right(result: Pair, *args: Array) -> bool:
    """Only the part of the output gate, columns 3H to 4H of `da`, is wrong.

    h = o * tanh(c), and o = sigmoid(a_o): there are three factors.
    """
    return _part_is_right(3, result, args)


def _back_case(B: int, H: int) -> tuple[Array, ...]:
    dh, dc, before = _numbers(B, H), _numbers(B, H), _numbers(B, H)
    i, f, o = (np.round(_rng.uniform(0.1, 0.9, size=(B, H)), 1) for _ in range(3))
    g = np.round(_rng.uniform(-0.9, 0.9, size=(B, H)), 1)
    return dh, dc, before, f * before + i * g, i, f, g, o


# --- set_forget_bias ------------------------------------------------------------------------


def set_forget_bias(b_ih: Array, b_hh: Array, value: float) -> Pair:
    """Give the forget gate of a torch LSTM a bias of value; return both vectors, new.

    torch keeps two bias vectors, b_ih and b_hh, each of shape (4H,), and adds them. In
    both, the gates are stacked i, f, g, o, H entries each. In the forget gate's entries
    put value into b_ih and 0 into b_hh. Everything else stays as it is. Return the
    tuple (b_ih, b_hh), and do not change the arrays that you are given.
    """
    H = len(b_ih) // 4
    b_ih, b_hh = b_ih.copy(), b_hh.copy()
    b_ih[H : 2 * H] = value
    b_hh[H : 2 * H] = 0
    return b_ih, b_hh


def _bias_reshaped(b_ih: Array, b_hh: Array, value: float) -> Pair:
    both = np.stack([b_ih, b_hh]).reshape(2, 4, -1)
    both[:, 1] = np.array([[value], [0]])
    return both[0].ravel(), both[1].ravel()


def _bias_entry_by_entry(b_ih: Array, b_hh: Array, value: float) -> Pair:
    H, new_ih, new_hh = len(b_ih) // 4, [], []
    for k in range(4 * H):
        forget = H <= k < 2 * H
        new_ih.append(value if forget else b_ih[k])
        new_hh.append(0.0 if forget else b_hh[k])
    return np.array(new_ih), np.array(new_hh)


def _bias_torch(b_ih: Array, b_hh: Array, value: float) -> Any:
    import torch

    both = torch.tensor(np.stack([b_ih, b_hh]))
    n = both.shape[1]
    both[0, n // 4 : n // 2].fill_(value)
    both[1, n // 4 : n // 2].zero_()
    return both[0], both[1]


def _set(b_ih: Array, b_hh: Array, ih: Any, hh: Any, rows: Any = None) -> Pair:
    """Put ih and hh into some rows of copies of the two vectors; the forget gate's if not said."""
    H = len(b_ih) // 4
    b_ih, b_hh = b_ih.copy(), b_hh.copy()
    rows = slice(H, 2 * H) if rows is None else rows
    b_ih[rows], b_hh[rows] = ih, hh
    return b_ih, b_hh


def _both_set(b_ih: Array, b_hh: Array, value: float) -> Pair:
    """Both vectors have the value: the gate sees twice as much, because they are added.

    A loop over everything named "bias" does this. Put it into b_ih, and 0 into b_hh.
    """
    return _set(b_ih, b_hh, value, value)


def _other_left_as_drawn(b_ih: Array, b_hh: Array, value: float) -> Pair:
    """`b_hh` still holds what was drawn, and that is added to your value.

    Put 0 into its forget gate's entries.
    """
    return _set(b_ih, b_hh, value, b_hh[len(b_hh) // 4 : len(b_hh) // 2])


def _value_in_the_other(b_ih: Array, b_hh: Array, value: float) -> Pair:
    """The sum is right, but the two have changed places: put value into b_ih and 0 into b_hh."""
    return _set(b_ih, b_hh, 0, value)


def _only_the_other_set(b_ih: Array, b_hh: Array, value: float) -> Pair:
    """Only `b_hh` is set, and `b_ih` still holds what was drawn, which is added to it.

    Put value into b_ih, and 0 into b_hh.
    """
    return _set(b_ih, b_hh, b_ih[len(b_ih) // 4 : len(b_ih) // 2], value)


def _half_in_each(b_ih: Array, b_hh: Array, value: float) -> Pair:
    """The sum is right, but each vector has half of it: put value into b_ih and 0 into b_hh."""
    return _set(b_ih, b_hh, value / 2, value / 2)


def _difference_made_up(b_ih: Array, b_hh: Array, value: float) -> Pair:
    """The sum is right, but b_hh keeps what was drawn: put value into b_ih and 0 into b_hh."""
    drawn = b_hh[len(b_hh) // 4 : len(b_hh) // 2]
    return _set(b_ih, b_hh, value - drawn, drawn)


def _added_to_what_was_drawn(b_ih: Array, b_hh: Array, value: float) -> Pair:
    """The value is added to what was there. Put it in its place: `=`, not `+=`."""
    old = b_ih[len(b_ih) // 4 : len(b_ih) // 2]
    return _set(b_ih, b_hh, old + value, 0)


def _added_and_the_other_left(b_ih: Array, b_hh: Array, value: float) -> Pair:
    """The value is added to what was drawn, in both vectors. Put it in its place: `=`, not `+=`.

    And put 0 into the forget gate's entries of b_hh.
    """
    rows = slice(len(b_ih) // 4, len(b_ih) // 2)
    return _set(b_ih, b_hh, b_ih[rows] + value, b_hh[rows])


def _input_gate_set(b_ih: Array, b_hh: Array, value: float) -> Pair:
    """These are the input gate's entries, the first H. The forget gate's are H to 2H."""
    return _set(b_ih, b_hh, value, 0, slice(len(b_ih) // 4))


def _candidate_set(b_ih: Array, b_hh: Array, value: float) -> Pair:
    """These are the candidate's entries, 2H to 3H. The order is i, f, g, o, so f has H to 2H.

    In Python, counting starts at 0.
    """
    return _set(b_ih, b_hh, value, 0, slice(len(b_ih) // 2, 3 * len(b_ih) // 4))


def _output_gate_set(b_ih: Array, b_hh: Array, value: float) -> Pair:
    """These are the output gate's entries, the last H. The forget gate's are H to 2H."""
    return _set(b_ih, b_hh, value, 0, slice(3 * len(b_ih) // 4, None))


def _all_gates_set(b_ih: Array, b_hh: Array, value: float) -> Pair:
    """All four gates have the value. Set the forget gate's entries only, H to 2H.

    An input gate that begins wide open lets everything in.
    """
    return _set(b_ih, b_hh, value, 0, slice(None))


def _all_gates_set_in_both(b_ih: Array, b_hh: Array, value: float) -> Pair:
    """All four gates have the value, in both vectors, as after a loop over all that is "bias".

    Set the forget gate's entries only, H to 2H, and only in b_ih: the vectors are added.
    """
    return _set(b_ih, b_hh, value, value, slice(None))


def _one_entry_only(b_ih: Array, b_hh: Array, value: float) -> Pair:
    """Only one entry is set. The forget gate has one for each of H units: H to 2H."""
    return _set(b_ih, b_hh, value, 0, len(b_ih) // 4)


def _second_entry_only(b_ih: Array, b_hh: Array, value: float) -> Pair:
    """Only the second entry is set. Each gate has H entries, one for each unit: f has H to 2H."""
    return _set(b_ih, b_hh, value, 0, 1)


def _every_fourth_entry(b_ih: Array, b_hh: Array, value: float) -> Pair:
    """Every fourth entry is set, as if the gates took turns. All H entries of a gate are together.

    First come those of i, 0 to H, then those of f, H to 2H.
    """
    return _set(b_ih, b_hh, value, 0, slice(1, None, 4))


def _to_the_end(b_ih: Array, b_hh: Array, value: float) -> Pair:
    """From the forget gate on, everything is set: the end of the slice is missing. It is 2H."""
    return _set(b_ih, b_hh, value, 0, slice(len(b_ih) // 4, None))


def _from_the_beginning(b_ih: Array, b_hh: Array, value: float) -> Pair:
    """The input gate is set, too: the slice should begin at H."""
    return _set(b_ih, b_hh, value, 0, slice(len(b_ih) // 2))


def _the_rest_zeroed(b_ih: Array, b_hh: Array, value: float) -> Pair:
    """All other entries are 0: what was drawn for the other gates is lost.

    Change the forget gate's entries of a copy; make no new vector of zeros.
    """
    return _set(0 * b_ih, 0 * b_hh, value, 0)


def _other_vector_zeroed(b_ih: Array, b_hh: Array, value: float) -> Pair:
    """`b_hh` is 0 everywhere. Only its forget gate's entries, H to 2H, should be."""
    return _set(b_ih, 0 * b_hh, value, 0)


def _written_into_the_vectors(b_ih: Array, b_hh: Array, value: float) -> Pair:
    """The vectors that you were given are changed. Work on copies: `b_ih.copy()`.

    `b_ih[H : 2 * H] = value` writes into the array itself.
    """
    b_ih[:], b_hh[:] = set_forget_bias(b_ih, b_hh, value)
    return b_ih, b_hh


def _gate_sees_the_value(result: Pair, b_ih: Array, b_hh: Array, value: float) -> bool:
    """The forget gate sees the sum of both vectors. In its entries, H to 2H, it should be value."""
    H = len(b_ih) // 4
    return np.allclose(sum(result)[H : 2 * H], value, rtol=1e-4)  # type: ignore[index]


def _other_gates_stay(result: Pair, b_ih: Array, b_hh: Array, value: float) -> bool:
    """The entries of the other gates should stay as they are, 0 to H and from 2H on."""
    others = np.arange(len(b_ih)) // (len(b_ih) // 4) != 1
    return all(
        np.allclose(new[others], old[others], rtol=1e-4)
        for new, old in zip(result, (b_ih, b_hh), strict=True)
    )


# --- catches_broken_lstm --------------------------------------------------------------------


def catches_broken_lstm(step: Step) -> None:
    """Test step: return if it is right, raise AssertionError if it is not.

    You are given an implementation of exercise 3: step(x, h, c, W, U, b), with NumPy
    arrays of the shapes (B, I), (B, H), (B, H), (4H, I), (4H, H) and (4H,), the gates'
    rows in the order i, f, g, o. A right one returns (h_new, c_new), each of shape
    (B, H).

    Call it with numbers of your choice, and compare both results with what they should
    be. Right ones may differ in the last digits: use np.allclose.
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
        h_right, c_right = _step_by_gate(x, h_right, c_right, W, U, b)
        np.testing.assert_allclose(c, c_right, rtol=1e-6)
        np.testing.assert_allclose(h, h_right, rtol=1e-6)


def _plain_step(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """Does what the equations say."""
    return _varied(x, h, c, W, U, b)


def _one_gate_after_the_other(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """Computes one gate after the other, and the logistic function by tanh."""
    return _step_by_gate(x, h, c, W, U, b)


def _joins_input_and_state(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """Joins x and h, and W and U, and takes one product."""
    both, weights = np.concatenate([x, h], axis=1), np.concatenate([W, U], axis=1)
    return _varied(both, np.zeros_like(h), c, weights, U, b)


def _forgets_late(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """Multiplies what is new by the forget gate as well: c_new is f * (c + i * g)."""
    return _forgets_what_is_new(x, h, c, W, U, b)


def _shows_raw(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """Shows c_new without its tanh: h_new is o * c_new."""
    return _state_shown_raw(x, h, c, W, U, b)


def _shows_the_old(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """Shows the state from before the step: h_new is o * tanh(c)."""
    return _old_state_shown(x, h, c, W, U, b)


def _reads_ifog(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """Reads the rows in the order i, f, o, g."""
    return _rows_ifog(x, h, c, W, U, b)


def _reads_iofg(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """Reads the rows in the order i, o, f, g."""
    return _rows_iofg(x, h, c, W, U, b)


def _swaps_gates(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """Takes the input gate for the forget gate, and the other way round."""
    return _rows_figo(x, h, c, W, U, b)


def _takes_turns(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """Takes every fourth row for a gate, where its rows stand together."""
    by_turns = np.argsort(np.arange(len(b)) % 4, kind="stable")
    return _varied(x, h, c, W[by_turns], U[by_turns], b[by_turns])


def _overlooks_h(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """Leaves out the term with U and h."""
    return _output_not_seen(x, h, c, W, U, b)


def _overlooks_x(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """Leaves out the term with W and x."""
    return _input_not_seen(x, h, c, W, U, b)


def _turns_blocks(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """Takes the transpose of each gate's block of U."""
    return _varied(x, h, c, W, np.concatenate([block.T for block in np.split(U, 4)]), b)


def _overlooks_bias(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """Leaves out the bias."""
    return _bias_not_seen(x, h, c, W, U, b)


def _shares_a_bias(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """Adds the output gate's bias to all three gates."""
    return _one_bias_for_gates(x, h, c, W, U, b)


def _never_forgets(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """Has no forget gate: c_new is c + i * g."""
    return _forget_gate_missing(x, h, c, W, U, b)


def _adds_input_gate(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """Adds the input gate to the candidate where it should multiply: f * c + i + g."""
    return _input_gate_added(x, h, c, W, U, b)


def _couples_gates(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """Takes 1 - i for the forget gate."""
    return _forget_gate_from_input_gate(x, h, c, W, U, b)


def _hands_on_what_it_shows(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """Returns tanh(c_new) in place of c_new; h_new is right."""
    return _state_squashed(x, h, c, W, U, b)


def _squashes_candidate_wrongly(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """Squashes the candidate with the logistic function."""
    return _candidate_logistic(x, h, c, W, U, b)


def _bends_sharply(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """Takes three straight lines for the logistic function, 0.2 * a + 0.5 from 0 to 1."""
    return _varied(
        x, h, c, W, U, b, squashed=dict.fromkeys("ifo", lambda a: np.clip(0.2 * a + 0.5, 0, 1))
    )


def _first_sequence_for_all(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """Takes the gates of the first sequence for the whole batch."""
    h_first = np.broadcast_to(h[:1], h.shape)
    return _varied(np.broadcast_to(x[:1], x.shape), h_first, c, W, U, b)


def _sees_and_shows_nothing(x: Array, h: Array, c: Array, W: Array, U: Array, b: Array) -> Pair:
    """Returns the states as they were."""
    return h.copy(), c.copy()


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
    reference: Step = step,
    close: Callable[[Array, Array], bool] = np.allclose,
) -> None:
    """Compare an implementation with another idea of what is right, at one point."""
    right = reference(*(each.copy() for each in point))
    got = implementation(*point)
    for k in which:
        assert close(got[k], right[k])


def _accepts_everything(step: Step) -> None:
    """Your test lets everything through: no implementation, however wrong, makes it raise.

    Shapes are no help, for they are right in all the bugs: one gate looks like another. Work out
    the numbers that should come back, and `assert` that they do.
    """
    step(*_at())


def _looks_at_the_range_only(step: Step) -> None:
    """Your test asks whether h stays between -1 and 1. Most wrong LSTMs do that, too.

    Compare the numbers with what they should be.
    """
    x, h, c, W, U, b = _at()
    for _ in range(10):
        h, c = step(x, h, c, W, U, b)
        assert np.all(np.abs(h) <= 1)


def _looks_at_h_only(step: Step) -> None:
    """Your test looks at h only. One bug leaves h right and hands on a wrong c.

    It would show at the next step. Compare both results.
    """
    _compare(step, _at(), which=[0])


def _looks_at_c_only(step: Step) -> None:
    """Your test looks at c only. What the cell shows, and the output gate, are in h.

    Compare both results.
    """
    _compare(step, _at(), which=[1])


def _from_a_zero_cell(step: Step) -> None:
    """Your cells begin at 0. Then there is nothing to forget, and no forget gate shows.

    Draw c at random, or take more steps than one.
    """
    _compare(step, _with_zeros(2))


def _from_a_zero_output(step: Step) -> None:
    """Your h is 0 before the step, or your U is. Then it does not show whether the gates see h.

    Draw both at random, or take more steps than one.
    """
    _compare(step, _with_zeros(1))


def _from_zero_states(step: Step) -> None:
    """Your states begin at 0, and you take one step. Then neither U nor the forget gate shows.

    Draw h and c at random, or take more steps than one.
    """
    _compare(step, _with_zeros(1, 2))


def _without_input(step: Step) -> None:
    """Your x is 0, or your W is. Then it does not show whether the gates see x.

    Draw both at random.
    """
    _compare(step, _with_zeros(0))


def _without_bias(step: Step) -> None:
    """Your bias is 0. Then it does not show whether it is added, or to which gate.

    Draw b at random.
    """
    _compare(step, _with_zeros(5))


def _without_weights(step: Step) -> None:
    """Your weights and biases are all 0. Then all gates are one half, and no two can be told apart.

    Draw them at random.
    """
    _compare(step, _with_zeros(3, 4, 5))


def _gates_all_alike(step: Step) -> None:
    """Your gates all have the same weights. Then it does not show which rows are whose.

    Are they all 1, or some other constant? Draw W, U and b at random.
    """
    x, h, c, W, U, b = _at()
    _compare(step, [x, h, c, np.full_like(W, 0.5), np.full_like(U, 0.5), np.full_like(b, 0.5)])


def _everything_alike(step: Step) -> None:
    """All your numbers are the same. Then gates, units and sequences are all alike.

    Any two may be taken for one another. Draw everything at random, x, h and c as well.
    """
    _compare(step, [np.ones_like(each) for each in _at()])


def _symmetric_weights(step: Step) -> None:
    """Your test does not see which way round the blocks of U stand.

    Are they symmetric, such as `np.eye`? Draw U at random.
    """
    x, h, c, W, U, b = _at()
    symmetric = [block + block.T for block in np.split(U, 4)]
    _compare(step, [x, h, c, W, np.concatenate(symmetric), b])


def _single_unit(step: Step) -> None:
    """You have one unit. Then a gate has one row, and it does not show how rows are laid out.

    Take two units or more.
    """
    _compare(step, _at(H=1))


def _single_sequence(step: Step) -> None:
    """You have one sequence, so one bug is right: it treats all of a batch like the first.

    Take two sequences or more, with different inputs.
    """
    _compare(step, _at(B=1))


def _single_sequence_of_one_unit(step: Step) -> None:
    """You have one sequence and one unit. Neither a batch nor the layout of rows can go wrong.

    Take two or more of each.
    """
    _compare(step, _at(B=1, H=1))


def _too_generous(step: Step) -> None:
    """Your test is too generous: it lets through gates that are made of straight lines.

    They are wrong in the second digit. Use `np.allclose` as it is.
    """
    _compare(step, _at(), close=lambda got, right: np.allclose(got, right, rtol=0, atol=0.15))


def _exact_equality(step: Step) -> None:
    """Your test is too exact: two right ways of computing a number differ in its last digits.

    In place of `==`, use `np.allclose`.
    """
    _compare(step, _at(), close=np.array_equal)


def _wants_ifog(step: Step) -> None:
    """Your test wants the rows in the order i, f, o, g. In torch it is i, f, g, o."""
    _compare(step, _at(), reference=_rows_ifog)


def _wants_gates_swapped(step: Step) -> None:
    """Your test takes the input gate for the forget gate. The rows of i come first, then f's.

    The forget gate multiplies the old state, the input gate what is new.
    """
    _compare(step, _at(), reference=_rows_figo)


def _wants_raw_state(step: Step) -> None:
    """Your test wants o * c_new for h_new. Between them there is a tanh: o * tanh(c_new)."""
    _compare(step, _at(), reference=_state_shown_raw)


def _wants_late_forgetting(step: Step) -> None:
    """Your test wants f * (c + i * g). The forget gate multiplies the old state alone."""
    _compare(step, _at(), reference=_forgets_what_is_new)


def _rejects_everything(step: Step) -> None:
    """Your test rejects every implementation that it was given, right or wrong.

    Then what it wants is something else. Is h_new the first result? Are the rows in the order
    i, f, g, o? Do you work out what is right from c as it was *before* the step? If you compare
    with torch: have you set all of its parameters, both biases among them? And do you give the
    implementation NumPy arrays, not tensors?
    """
    _compare(step, _at(), reference=_results_swapped)


# --- a worked answer ------------------------------------------------------------------------


def counter(forget_bias: float) -> tuple[Array, Array, Array]:
    """Weights of one cell that adds 1 to its state at (1, 0) and takes 1 off at (0, 1)."""
    W = np.zeros((4, 2))
    W[2] = 20, -20  # the candidate: 1 or -1
    b = np.array([20, forget_bias, 0, 20])  # both other gates wide open
    return W, np.zeros((4, 1)), b


def counts_to(forget_bias: float, limit: int = 200) -> int:
    """Say up to which n, at most limit, the cell tells n a's and n b's from one b more or less.

    It calls a string balanced when abs(h) < tanh(1/2). Sequence n - 1 of the batch is n a's, then
    b's to the end.
    """
    n = np.arange(1, limit + 1)
    h = c = np.zeros((limit, 1))
    balanced = []
    for t in range(2 * limit + 1):
        a = t < n
        h, c = step(np.stack([a, ~a], axis=1).astype(float), h, c, *counter(forget_bias))
        balanced.append(np.abs(h[:, 0]) < np.tanh(0.5))
    after = np.stack(balanced)  # row t: after t + 1 symbols
    less, equal, more = (after[2 * n - 1 + d, n - 1] for d in (-1, 0, 1))
    wrong = np.flatnonzero(less | ~equal | more)
    return int(wrong[0]) if len(wrong) else limit


_UNITS = "both vectors have 4H entries"
_ANY_NUMBERS = "the test may choose its numbers"
_CLOSE = "whichever of two close arrays comes first, they are close"

EXERCISES: Sequence[Exercise] = (
    Exercise(
        "lstm.half_life",
        half_life,
        cases=[(1.0,), (0.0,), (3.0,), (5.0,), (-2.0,)],
        mistakes=[
            _half_life_rounded_up,
            _half_life_rounded_down,
            _bias_for_gate,
            _bias_for_gate_by_math,
            _sign_of_bias_turned,
            _bias_twice,
            _to_an_eth,
            _half_life_two_bases,
            _one_over_what_is_lost,
            _half_over_what_is_lost,
            _for_large_biases_only,
            _negative_half_life,
            _logarithms_upside_down,
            _tanh_for_gate,
        ],
        alternatives=[_half_life_from_the_gate, _half_life_searched, _half_life_torch],
        properties=[_half_is_left],
    ),
    Exercise(
        "lstm.cell_gradient",
        cell_gradient,
        cases=[
            (np.array([[0.5, 0.9], [0.8, 0.2], [0.4, 1.0]]),),
            (np.array([[0.25]]),),
            (np.round(_rng.uniform(0.3, 1, size=(6, 3)), 2),),
            (np.ones((4, 2)),),
        ],
        mistakes=[
            _from_the_start,
            _rows_turned_round,
            _one_gate_too_many,
            _one_gate_too_many_and_none_at_0,
            _one_at_the_wrong_end,
            _one_gate_missing,
            _gates_added_up,
            _next_step_only,
            _one_gate_for_all,
            _mean_gate,
            _cells_multiplied,
            _what_is_lost,
            _squashed_again,
            _slope_of_the_gate,
            _only_the_first_state,
            _without_the_last_state,
        ],
        alternatives=[_cell_gradient_cumulated, _cell_gradient_products, _cell_gradient_torch],
        properties=[_last_row_is_one, _one_gate_from_row_to_row],
    ),
    Exercise(
        "lstm.step",
        step,
        cases=[_step_case(2, 2, 1), _step_case(3, 2, 4), _step_case(1, 3, 2), _step_case(4, 1, 3)],
        mistakes=[
            _results_swapped,
            _rows_ifog,
            _rows_igfo,
            _rows_iofg,
            _rows_figo,
            _rows_fiog,
            *_OTHER_ROWS,
            _state_shown_raw,
            _old_state_shown,
            _squashed_after_the_gate,
            _shown_through_logistic,
            _output_gate_missing,
            _forgets_what_is_new,
            _forget_gate_missing,
            _input_gate_missing,
            _input_gate_added,
            _gates_coupled,
            _forget_gate_from_input_gate,
            _state_squashed,
            _state_squashed_twice,
            _candidate_logistic,
            _candidate_not_squashed,
            _gates_not_squashed,
            *_ONE_NOT_SQUASHED,
            _gates_through_tanh,
            _output_gate_through_tanh,
            _sign_in_logistic,
            _state_in_place_of_output,
            _output_carried,
            _output_not_seen,
            _input_not_seen,
            _bias_not_seen,
            _bias_counted_twice,
            _one_bias_for_gates,
            _writes_into_cell,
        ],
        alternatives=[_step_by_gate, _step_entry_by_entry, _step_einsum, _step_torch],
        properties=[
            _rows_of_a_gate_together,
            _blocks_upright,
            _h_has_the_sign_of_c,
            _not_only_c_is_wrong,
            _not_only_h_is_wrong,
            _c_is_right,
        ],
        parts=("h", "c"),
    ),
    Exercise(
        "lstm.step_backward",
        step_backward,
        cases=[_back_case(2, 2), _back_case(3, 4), _back_case(1, 3), _back_case(4, 1)],
        mistakes=[
            _tanh_slope_missing,
            _slope_without_tanh,
            _slope_without_square,
            _slope_at_the_old_state,
            _output_gate_not_on_the_way,
            _dc_not_taken_in,
            _dh_not_taken_in,
            _output_gate_saw_c,
            _output_gate_saw_old_c,
            _output_gate_from_dc,
            _forget_gate_with_new_state,
            _no_slopes_of_gates,
            _candidate_slope_missing,
            _candidate_slope_logistic,
            _slopes_of_squashed_gates,
            _partners_swapped,
            _not_through_the_forget_gate,
            _only_dc_carried_on,
            *_OTHER_PARTS,
            _parts_by_turns,
            _parts_below_one_another,
            _parts_stacked,
            _parts_stacked_in_rows,
            _derivatives_swapped,
            _writes_into_dc,
        ],
        alternatives=[_back_entry_by_entry, _back_stacked, _back_torch],
        properties=[
            _dc_prev_is_right,
            _part_of_i_is_right,
            _part_of_f_is_right,
            _part_of_g_is_right,
            _part_of_o_is_right,
        ],
        parts=("da", "dc_prev"),
    ),
    Exercise(
        "lstm.set_forget_bias",
        set_forget_bias,
        cases=[
            (_numbers(12), _numbers(12), 1.0),
            (_numbers(8), _numbers(8), 3.0),
            (_numbers(4), _numbers(4), -2.0),
            (_numbers(20), _numbers(20), 0.5),
        ],
        mistakes=[
            _both_set,
            _other_left_as_drawn,
            _value_in_the_other,
            _only_the_other_set,
            _half_in_each,
            _difference_made_up,
            _added_to_what_was_drawn,
            _added_and_the_other_left,
            _input_gate_set,
            _candidate_set,
            _output_gate_set,
            _all_gates_set,
            _all_gates_set_in_both,
            _one_entry_only,
            _second_entry_only,
            _every_fourth_entry,
            _to_the_end,
            _from_the_beginning,
            _the_rest_zeroed,
            _other_vector_zeroed,
            _written_into_the_vectors,
        ],
        alternatives=[_bias_reshaped, _bias_entry_by_entry, _bias_torch],
        properties=[_gate_sees_the_value, _other_gates_stay],
        parts=("b_ih", "b_hh"),
        equivalent={"H = len(b_ih) // 4 -> H = len(b_hh) // 4": _UNITS},
    ),
    bug_hunt(
        "lstm.catches_broken_lstm",
        catches_broken_lstm,
        right=[_plain_step, _one_gate_after_the_other, _joins_input_and_state],
        buggy=[
            _reads_ifog,
            _swaps_gates,
            _forgets_late,
            _shows_raw,
            _shows_the_old,
            _reads_iofg,
            _takes_turns,
            _overlooks_h,
            _overlooks_x,
            _turns_blocks,
            _overlooks_bias,
            _shares_a_bias,
            _never_forgets,
            _couples_gates,
            _adds_input_gate,
            _hands_on_what_it_shows,
            _squashes_candidate_wrongly,
            _bends_sharply,
            _first_sequence_for_all,
            _sees_and_shows_nothing,
        ],
        mistakes=[
            _accepts_everything,
            _looks_at_the_range_only,
            _looks_at_h_only,
            _looks_at_c_only,
            _from_a_zero_cell,
            _from_a_zero_output,
            _from_zero_states,
            _without_input,
            _without_bias,
            _without_weights,
            _gates_all_alike,
            _everything_alike,
            _symmetric_weights,
            _single_unit,
            _single_sequence,
            _single_sequence_of_one_unit,
            _too_generous,
            _exact_equality,
            _wants_ifog,
            _wants_gates_swapped,
            _wants_raw_state,
            _wants_late_forgetting,
            _rejects_everything,
        ],
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
    ),
)
