"""The exercise ``windows.random_walk_error``."""

from __future__ import annotations

from typing import Any

import numpy as np

from unrolled.exercises.grading import Exercise, Mistake


def random_walk_error(k: int, sigma: float) -> float:
    """Return the expected squared error of repeat-last on a random walk.

    k, at least 1, counts the steps ahead; sigma is the standard deviation
    of a step. Return a number.
    """
    return k * sigma**2


def _random_walk_looped(k: int, sigma: float) -> float:
    error = 0.0
    for _ in range(k):
        error += sigma * sigma
    return error


def _random_walk_vectorised(k: int, sigma: float) -> Any:
    return np.sum(np.full(k, sigma) ** 2)


def _random_walk_torch(k: int, sigma: float) -> Any:
    import torch

    return torch.full((k,), sigma).square().sum()


EXERCISE = Exercise(
    random_walk_error,
    cases=[(5, 3.0), (1, 0.5), (2, 0.1), (40, 1.0), (3, 1e-6), (1, 1e6), (1000, 2.5)],
    alternatives=[_random_walk_looped, _random_walk_vectorised, _random_walk_torch],
    mistakes={
        "one_step_only": Mistake(
            """This is the error of one step. It does not grow with k, and on a random walk it
            must.

            The error k steps ahead is the sum of k independent steps.
            """,
            {"k * sigma**2": "sigma**2"},
        ),
        "adds_deviations": Mistake(
            """Here the steps' standard deviations are added: k sigma, squared.

            That would be right if all steps were equal. Independent steps partly cancel: it is
            their variances that add up.
            """,
            {"k * sigma**2": "(k * sigma) ** 2"},
        ),
        "one_step_short": Mistake(
            """One step is missing: k - 1 are counted.

            From x[n] to x[n + k] there are k steps: e[n + 1], ..., e[n + k]. Try k = 1.
            """,
            {"k * sigma**2": "(k - 1) * sigma**2"},
        ),
        "one_step_too_many": Mistake(
            """One step too many is counted.

            From x[n] to x[n + k] there are k steps: e[n + 1], ..., e[n + k]. Try k = 1.
            """,
            {"k * sigma**2": "(k + 1) * sigma**2"},
        ),
        "whole_horizon": Mistake(
            """This is made of the errors at all steps from 1 to k, their sum or their mean.

            The error k steps ahead is that of one forecast, of x[n + k] alone.
            """,
            {"k * sigma**2": "k * (k + 1) / 2 * sigma**2"},
            {"k * sigma**2": "(k + 1) / 2 * sigma**2"},
        ),
        "root": Mistake(
            """This is the root of the expected squared error, the standard deviation of the
            forecast.

            The square itself is asked for.
            """,
            {"k * sigma**2": "float(np.sqrt(k)) * sigma"},
        ),
        "deviation_for_variance": Mistake(
            """Sigma stands where its square belongs.

            Sigma is the standard deviation of a step. Its expected square, the variance, is
            sigma**2.
            """,
            {"k * sigma**2": "k * sigma"},
        ),
        "mean_error": Mistake(
            """Zero is the expected error, in which errors up and down cancel. Their squares do
            not.

            What is asked for is the expected value of the square: of the sum of k steps,
            squared.
            """,
            "return 0.0",
        ),
    },
)
