"""The exercise ``gradients.rescale_radius``."""

from __future__ import annotations

from typing import Any

import numpy as np

from unrolled.core.validate import Array
from unrolled.exercises._drawing import numbers
from unrolled.exercises.gradients.norm_bound import radius_of
from unrolled.exercises.grading import Exercise, Mistake

_rng = np.random.default_rng(0)


def rescale_radius(U: Array, radius: float) -> Array:
    """Scale recurrent weights so that their spectral radius becomes radius.

    U has shape (H, H) and a spectral radius above 0; radius is positive.
    Return a new array of shape (H, H): U times one number.
    """
    present = float(np.abs(np.linalg.eigvals(U)).max())
    return U * (radius / present)


def _rescale_looped(U: Array, radius: float) -> Array:
    largest = 0.0
    for value in np.linalg.eigvals(U):
        largest = max(largest, (value.real**2 + value.imag**2) ** 0.5)
    return U / largest * radius


def _rescale_torch(U: Array, radius: float) -> Any:
    import torch

    weights = torch.from_numpy(U)
    return radius * weights / torch.linalg.eigvals(weights).abs().max()


def _has_the_radius(result: Array, U: Array, radius: float) -> bool:
    """The largest absolute eigenvalue of what you return should be `radius`. It is not."""
    return bool(np.all(np.isfinite(result)) and np.isclose(radius_of(result), radius, rtol=1e-4))


_RADIUS = "float(np.abs(np.linalg.eigvals(U)).max())"

EXERCISE = Exercise(
    rescale_radius,
    cases=[
        (np.array([[1.0, 2.0, 0.0], [0.0, 3.0, -4.0], [0.0, 4.0, 3.0]]), 0.5),
        (np.array([[-3.0, 1.0], [0.0, 1.0]]), 1.5),
        (numbers(_rng, 5, 5), 0.95),
        (np.array([[-2.0]]), 1.1),
        (numbers(_rng, 5, 5), 40.0),
        (np.array([[0.0, -2.0], [2.0, 0.0]]), 1.0),  # turns by a right angle
        (1e6 * numbers(_rng, 3, 3), 0.9),
        (1e-6 * numbers(_rng, 4, 4), 1e3),
        (numbers(_rng, 30, 30), 1.2),
    ],
    alternatives=[_rescale_looped, _rescale_torch],
    properties=[_has_the_radius],
    mistakes={
        "by_largest_singular_value": Mistake(
            """This scales the largest singular value to `radius`. The spectral radius is smaller,
            or equal.

            The singular value says how far U can stretch a vector once; the eigenvalues, what
            its powers do in the end. They agree for symmetric and orthogonal matrices, not in
            general.
            """,
            {_RADIUS: "np.linalg.norm(U, 2)"},
            "return radius * U / np.linalg.svd(U)[1][0]",
        ),
        "by_largest_real_part": Mistake(
            """This uses the largest real part of an eigenvalue. What counts is the absolute value.

            Eigenvalues -3 and 2i have absolute values 3 and 2: take `np.abs` of the complex
            numbers.
            """,
            {_RADIUS: "np.linalg.eigvals(U).real.max()"},
            "return radius * U / np.max(np.real(np.linalg.eigvals(U)))",
        ),
        "by_absolute_real_part": Mistake(
            """The imaginary parts are dropped before the absolute value is taken.

            2i has real part 0 and absolute value 2: take `np.abs` of the complex numbers
            themselves.
            """,
            {_RADIUS: "np.abs(np.linalg.eigvals(U).real).max()"},
        ),
        "by_largest_complex_number": Mistake(
            """The absolute value is missing: eigenvalues are complex, and complex numbers have no
            order.

            `max` compares their real parts, and the result is complex. Take `np.abs` first,
            then `max`.
            """,
            {_RADIUS: "np.linalg.eigvals(U).max()"},
            """
            eigenvalues, _ = np.linalg.eig(U)
            return radius * U / np.max(eigenvalues)
            """,
        ),
        "by_first_eigenvalue": Mistake(
            """This takes the first eigenvalue in the list for the largest. They come in no order.

            Singular values are sorted, largest first; eigenvalues are not. Take the maximum.
            """,
            {_RADIUS: "np.abs(np.linalg.eigvals(U)[0])"},
        ),
        "by_smallest_eigenvalue": Mistake(
            """This uses the smallest absolute eigenvalue. The spectral radius is the largest.""",
            {_RADIUS: "np.abs(np.linalg.eigvals(U)).min()"},
        ),
        "by_symmetric_eigenvalues": Mistake(
            """`np.linalg.eigvalsh` is for symmetric matrices, and U is none.

            It reads one triangle of U only, without a word, and takes the other to be its
            mirror image. Use `np.linalg.eigvals`.
            """,
            {_RADIUS: "np.abs(np.linalg.eigvalsh(U)).max()"},
            """
            eigenvalues, _ = np.linalg.eigh(U)
            return radius * U / np.max(np.abs(eigenvalues))
            """,
        ),
        "by_trace": Mistake(
            """This uses the trace, which is the sum of all eigenvalues. Take the largest absolute
            value.
            """,
            {_RADIUS: "np.trace(U)"},
        ),
        "by_frobenius_norm": Mistake(
            """This uses the Frobenius norm: `np.linalg.norm(U)`, the root of the sum of all
            squares.

            The spectral radius is the largest absolute eigenvalue: see `np.linalg.eigvals`.
            """,
            {_RADIUS: "np.linalg.norm(U)"},
        ),
        "by_largest_entry": Mistake(
            """This scales the largest entry of U to `radius`.

            The spectral radius is the largest absolute *eigenvalue*: see `np.linalg.eigvals`.
            """,
            {_RADIUS: "np.abs(U).max()"},
            "return radius * U / np.max(np.abs(U))",
        ),
        "by_radius_alone": Mistake(
            """U is multiplied by `radius`, whatever its spectral radius was.

            Divide by the spectral radius that it has, which makes it 1, and multiply by the new
            one.
            """,
            "return U * radius",
        ),
        "to_radius_one": Mistake(
            """The spectral radius becomes 1, whatever `radius` says. Multiply by it, too.""",
            {"radius / present": "1 / present"},
        ),
        "ratio_inverted": Mistake(
            """The ratio is upside down: it should be the new radius over the old.

            With yours, a matrix whose radius is to be halved doubles it.
            """,
            {"radius / present": "present / radius"},
        ),
        "eigenvalues_shifted": Mistake(
            """This shifts all eigenvalues by the same amount: something is added to the diagonal
            of U.

            Scaling multiplies: U times one number has eigenvalues times that number.
            """,
            {"U * (radius / present)": "U + (radius - present) * np.eye(len(U))"},
        ),
    },
)
