"""The adding problem: two of many numbers are marked, their sum is asked."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from unrolled.core.validate import in_all, random_seed, whole


class Adding(NamedTuple):
    """Sequences of the adding problem.

    Attributes
    ----------
    inputs
        ``(length, n, 2)`` float32, time first. Channel 0 is a number in [0, 1); channel 1 is 1 at
        the two numbers to be added and 0 elsewhere.
    targets
        ``(n,)`` float32: the sum of the two marked numbers, in [0, 2).
    """

    inputs: NDArray[np.float32]
    targets: NDArray[np.float32]


def adding(n: int, *, length: int, seed: int) -> Adding:
    r"""Draw sequences of the adding problem in its modern form.

    Numbers are drawn from :math:`\mathcal U(0, 1)`; one marker falls anywhere in the first half of
    the steps, one anywhere in the rest. Who always answers 1, the mean, has a mean squared error of
    :math:`2 \cdot \frac1{12} = \frac16`, the variance of the sum.

    The problem of 1997 (Hochreiter & Schmidhuber, section 5.4) is another one, and its figures
    cannot be compared: numbers from :math:`\mathcal U(-1, 1)`; markers 1, 0, and -1 at both ends;
    the first marked number is among the first ten, the second among the first
    :math:`T/2 - 1`; lengths vary from :math:`T` to :math:`T + T/10`; the target is
    :math:`0.5 + (x + x')/4`, of variance 1/24; an answer counts as right within 0.04.

    Parameters
    ----------
    n
        Number of sequences, at least 1.
    length
        Steps in a sequence :math:`T`, at least 2; ``n * length`` at most 10⁸.
    seed
        Seed of the draw.
    """
    n, length = whole("n", n), whole("length", length, least=2)
    in_all("n * length", n * length)
    rng = np.random.default_rng(random_seed("seed", seed))
    inputs = np.zeros((length, n, 2), dtype=np.float32)
    inputs[:, :, 0] = rng.random((length, n), dtype=np.float32)
    first = rng.integers(0, length // 2, size=n)
    second = rng.integers(length // 2, length, size=n)
    columns = np.arange(n)
    inputs[first, columns, 1] = inputs[second, columns, 1] = 1
    return Adding(inputs, inputs[first, columns, 0] + inputs[second, columns, 0])
