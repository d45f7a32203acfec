"""What an answer to ``lstm.step`` should have, for the words on new mistakes."""

from __future__ import annotations

import numpy as np

from unrolled.core.validate import Array
from unrolled.exercises._gates import has_overflown, wrong_parts
from unrolled.exercises.lstm._other_steps import step_those_that_run

Pair = tuple[Array, Array]


def ended_ones_stay(result: Pair, *args: Array) -> bool:
    """A sequence has ended here, and its state is another after the step than before it.

    The state is h and c. Nothing that stands in its row of x may matter.
    """
    ended = np.logical_not(args[-1])
    return all(
        np.array_equal(got[ended], old[ended]) for got, old in zip(result, args[1:3], strict=True)
    )


def h_has_the_sign_of_c(result: Pair, *args: Array) -> bool:
    """Where a sequence runs, `h` should have the sign of `c`: a gate is positive, tanh keeps signs.

    Yours has not.
    """
    h, c = (part[args[-1]] for part in result)
    return has_overflown(result) or bool(np.all(np.sign(h) == np.sign(c)))


def rows_of_a_gate_together(
    result: Pair, x: Array, h: Array, c: Array, W: Array, U: Array, b: Array, running: Array
) -> bool:
    """The gates take turns in your rows. All H rows of i come first, then all of f, and so on.

    For one gate take consecutive rows: of i, 0 to H; of f, H to 2H.
    """
    by_turns = np.argsort(np.arange(len(b)) % 4, kind="stable")
    theirs = step_those_that_run(x, h, c, W[by_turns], U[by_turns], b[by_turns], running)
    return h.shape[1] == 1 or not np.allclose(result[1], theirs[1], rtol=1e-4)


def blocks_upright(
    result: Pair, x: Array, h: Array, c: Array, W: Array, U: Array, b: Array, running: Array
) -> bool:
    """The blocks of U are the wrong way round: `h @ U_i` where `h @ U_i.T` belongs.

    Each block is square, so the shapes do not tell.
    """
    turned = np.concatenate([block.T for block in np.split(U, 4)])
    theirs = step_those_that_run(x, h, c, W, turned, b, running)
    return h.shape[1] == 1 or not np.allclose(result[1], theirs[1], rtol=1e-4)


def not_only_c_is_wrong(result: Pair, *args: Array) -> bool:
    """`h` is right, so the state that it is made from is. But another comes back as `c`."""
    return wrong_parts(result, step_those_that_run(*args)) != (False, True)


def not_only_h_is_wrong(result: Pair, *args: Array) -> bool:
    """`c` is right, and `h` is not. It is o * tanh(c): look at the output gate and that tanh."""
    return wrong_parts(result, step_those_that_run(*args)) != (True, False)


def c_is_right(result: Pair, *args: Array) -> bool:
    """Look at `c` first, which is not right: `h` is made from it.

    c_new = f * c + i * g, and each of i, f and g has its own H columns of a.
    """
    return not wrong_parts(result, step_those_that_run(*args))[1]
