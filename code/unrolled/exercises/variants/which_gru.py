"""The exercise ``variants.which_gru``."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np

from unrolled.core.validate import Array
from unrolled.exercises.grading import Exercise, Mistake
from unrolled.exercises.variants import _some_grus as grus

GruStep = Callable[..., Any]
Kind = tuple[bool, bool, bool]


def which_gru(step: GruStep) -> Kind:
    """Tell what kind of GRU a step is: (z_first, before, keeps).

    step(x, h, W, U, b_ih, b_hh) takes arrays of the shapes (B, I), (B, H),
    (3H, I), (3H, H), (3H,) and (3H,), and returns the new state, (B, H).
    Return whether the rows of z stand before those of r, whether r acts
    before the product with U_n, and whether an open z keeps.
    """
    draw = np.random.default_rng(0).normal
    x, h, W, U = (draw(size=size) for size in [(3, 2), (3, 4), (12, 2), (12, 4)])
    b_ih, b_hh = draw(size=12), draw(size=12)
    new = step(x, h, W, U, b_ih, b_hh)

    x_1, x_2, x_n = np.split(x @ W.T + b_ih, 3, axis=1)
    h_1, h_2, h_n = np.split(h @ U.T + b_hh, 3, axis=1)
    first, second = (1 / (1 + np.exp(-a)) for a in (x_1 + h_1, x_2 + h_2))
    for z_first, before, keeps in product([True, False], repeat=3):
        z, r = (first, second) if z_first else (second, first)
        told = (r * h) @ U[8:].T + b_hh[8:] if before else r * h_n
        n = np.tanh(x_n + told)
        expected = z * h + (1 - z) * n if keeps else (1 - z) * h + z * n
        if np.allclose(expected, new, atol=1e-5):
            return z_first, before, keeps
    raise ValueError("it is none of the eight")


def _by_probes(step: GruStep) -> Kind:
    """One question at a time: gates are opened and shut by their biases, W is 0."""
    zeros, h = np.zeros(3), np.array([[0.5, -0.25, 0.125]])
    x, W = np.zeros((1, 1)), np.zeros((9, 1))

    def ask(first: float, second: float, U_n: Array) -> Any:
        b_ih = np.concatenate([zeros + first, zeros + second, zeros])
        U = np.concatenate([np.zeros((6, 3)), U_n])
        return np.asarray(step(x, h, W, U, b_ih, np.zeros(9)))[0]

    turn = np.eye(3)[[1, 2, 0]]
    # With U_n = 0 the new state is z h or (1 - z) h: r has no say.
    open_first, open_second = (np.abs(ask(*each, 0 * turn)) for each in ((99, 0), (0, 99)))
    half = 0.5 * np.abs(h[0])
    z_first = not np.allclose(open_first, half, atol=1e-4)
    opened = open_first if z_first else open_second
    keeps = bool(opened.sum() > half.sum())
    # Let z write, and r be open in the first unit only.
    z, r = (-99.0 if keeps else 99.0), np.array([99.0, -99, -99])
    gates = (zeros + z, r) if z_first else (r, zeros + z)
    new = step(
        x, h, W, np.concatenate([np.zeros((6, 3)), turn]), np.r_[(*gates, zeros)], 0 * W[:, 0]
    )
    return z_first, bool(abs(np.asarray(new)[0, 2]) > 1e-3), keeps


def _by_distance(step: GruStep) -> Any:
    rng = np.random.default_rng(3)
    shapes = (5, 3), (5, 4), (12, 3), (12, 4), (12,), (12,)
    best, kind = np.inf, None
    args = [rng.normal(size=shape) for shape in shapes]
    new = step(*args)
    for each, gru in zip(grus.KINDS, grus.GRUS, strict=True):
        distance = float(np.abs(gru(*args) - new).max())
        if distance < best:
            best, kind = distance, each
    return kind


def _torch(step: GruStep) -> Any:
    import torch

    torch.manual_seed(0)
    shapes = (3, 2), (3, 4), (12, 2), (12, 4), (12,), (12,)
    x, h, W, U, b, d = (torch.randn(shape, dtype=torch.float64) for shape in shapes)
    new = torch.tensor(np.asarray(step(*(each.numpy() for each in (x, h, W, U, b, d))))).double()
    i, j = (x @ W.T + b).chunk(3, 1), (h @ U.T + d).chunk(3, 1)
    for z_first in (0, 1):
        z, r = ((i[k] + j[k]).sigmoid() for k in ((0, 1) if z_first else (1, 0)))
        for before in (0, 1):
            told = (r * h) @ U.chunk(3)[2].T + d.chunk(3)[2] if before else r * j[2]
            n = (i[2] + told).tanh()
            for keeps in (0, 1):
                mine = torch.lerp(n, h, z) if keeps else torch.lerp(h, n, z)
                if torch.allclose(mine, new, atol=1e-4):
                    return z_first, before, keeps
    return None


_PARTS = ("z_first", "before", "keeps")
_NUMBERS = "the answer may choose its numbers"
_ORDER = "all eight are tried, in whichever order"
_CLOSE = "if np.allclose({}, atol=1e-05):"
_TRIES, _ALL = "for {}", "in product([True, False], repeat=3):"
_ASKS = {
    "z_first": (
        "which rows are z's",
        "Likely: at your numbers both gates are the same, as with weights that are all alike.",
    ),
    "before": (
        "where r acts",
        "Likely: with one unit, a diagonal U_n, or the same r in all units, and no bias b_hn, it "
        "does not show.",
    ),
    "keeps": (
        "what z does",
        "Likely: at your numbers z is one half everywhere, or h and the candidate are the same.",
    ),
}


def _fixed(**parts: bool) -> str:
    """Write an answer that is right but for some parts, which are always the same."""
    return "z_first, before, keeps = solution(step)\nreturn " + ", ".join(
        str(parts.get(name, name)) for name in _PARTS
    )


EXERCISE = Exercise(
    which_gru,
    cases=[(gru,) for gru in (*grus.GRUS, *map(grus.in_single, grus.GRUS[::3]))],
    alternatives=[_by_probes, _by_distance, _torch],
    parts=_PARTS,
    equivalent={
        "draw = np.random.default_rng(0).normal -> draw = np.random.default_rng(1).normal": (
            _NUMBERS
        ),
        "b_ih, b_hh = (draw(size=12), draw(size=12)) -> b_hh, b_ih = (draw(size=12), "
        "draw(size=12))": _NUMBERS,
        f"{_TRIES.format('z_first, before')}, keeps {_ALL} -> "
        f"{_TRIES.format('before, z_first')}, keeps {_ALL}": _ORDER,
        f"{_TRIES.format('z_first, before, keeps')} {_ALL} -> "
        f"{_TRIES.format('z_first, keeps, before')} {_ALL}": _ORDER,
        f"{_CLOSE.format('expected, new')} -> {_CLOSE.format('new, expected')}": (
            "whichever of two close arrays comes first, they are close"
        ),
        "raise ValueError('it is none of the eight') -> pass": "each is one of the eight",
    },
    mistakes={
        "always_the_same": Mistake(
            """You say the same of all of them, and there are eight kinds: call `step`, and compare
            what comes back. Did you? Then at your numbers all return the same.
            """,
            *(f"return {kind}" for kind in grus.KINDS),
        ),
        **{
            f"{name}_turned": Mistake(
                f"""You are right about all but {asked}, and there you say the opposite of what is
                so, each time.
                """,
                f"z_first, before, keeps = solution(step)\n{name} = not {name}\n"
                "return z_first, before, keeps",
            )
            for name, (asked, _) in _ASKS.items()
        },
        **{
            f"{name}_not_seen": Mistake(
                f"You say the same of all of them about {asked}, and are right about the rest.\n\n"
                f"{likely}",
                _fixed(**{name: True}),
                _fixed(**{name: False}),
            )
            for name, (asked, likely) in _ASKS.items()
        },
        **{
            f"only_{name}_seen": Mistake(
                f"You are right about {asked}, and of the rest you say the same of all of them.\n\n"
                "Likely: at your numbers the other kinds return the same. Draw them at random.",
                *(
                    _fixed(**dict(zip([p for p in _PARTS if p != name], others, strict=True)))
                    for others in product((True, False), repeat=2)
                ),
            )
            for name, (asked, _) in _ASKS.items()
        },
        "answers_exchanged": Mistake(
            """The three answers stand in another order than is asked for: (z_first, before,
            keeps).
            """,
            *(
                "z_first, before, keeps = solution(step)\nreturn " + order
                for order in (
                    "z_first, keeps, before",
                    "before, z_first, keeps",
                    "before, keeps, z_first",
                    "keeps, z_first, before",
                    "keeps, before, z_first",
                )
            ),
        ),
        "all_turned": Mistake(
            """You say the opposite of what is so, in all three, each time.""",
            "return tuple(not each for each in solution(step))",
        ),
    },
)
