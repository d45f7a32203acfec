"""The experiment on what of a better start helps."""

import numpy as np
import pytest
import torch

from unrolled.experiments.gradients import learn_recall, recall_network, starting
from unrolled.experiments.gradients.start import (
    _STARTS,
    _by_radius_and_biases,
    first_weights,
    learn_side_by_side,
)
from unrolled.gradients import spectral_radius
from unrolled.training import seeded

TASK = {"lag": 4, "rate": 0.003, "seed": 901, "updates": 8}


def test_side_by_side_each_network_learns_as_it_does_alone():
    weights = [first_weights("usual", 901), first_weights("orthogonal", 901)]
    usual, orthogonal = learn_side_by_side(weights, [False, True], **TASK)
    alone, _ = learn_recall(recall_network(901), **TASK)
    np.testing.assert_allclose(usual, alone, atol=1e-5)
    model = seeded(901, lambda: starting("orthogonal", 2, 32, 1, seed=901))
    alone, _ = learn_recall(model, **TASK)
    np.testing.assert_allclose(orthogonal, alone, atol=1e-5)


def test_a_start_has_the_radius_of_its_name():
    usual, scaled, normal, even, small = (first_weights(start, 3) for start in _STARTS)
    torch.testing.assert_close(usual / usual.norm(), scaled / scaled.norm())
    assert float(spectral_radius(scaled)) == pytest.approx(1, abs=1e-4)
    assert float(normal.std()) == pytest.approx(32**-0.5, rel=0.1)
    torch.testing.assert_close(even.T @ even, torch.eye(32), atol=1e-5, rtol=0)
    torch.testing.assert_close(small, 0.6 * even)


def test_another_start_is_refused():
    with pytest.raises(ValueError, match="one of the claim's, got 'zeros'"):
        first_weights("zeros", 0)


@pytest.mark.parametrize(
    ("drawn", "zero", "holds"),
    [
        ([0.3, 0.5, 0.5, 0.7, 0.3], [0.3, 0.5, 0.5, 0.9, 0.3], True),
        ([0.3, 0.5, 0.5, 0.75, 0.3], [0.3, 0.5, 0.5, 0.9, 0.3], False),
        ([0.3, 0.5, 0.5, 0.6, 0.3], [0.3, 0.5, 0.5, 0.85, 0.3], False),
        ([0.3, 0.5, 0.5, 0.45, 0.3], [0.3, 0.5, 0.5, 0.9, 0.3], False),
        ([0.35, 0.5, 0.5, 0.7, 0.3], [0.3, 0.5, 0.5, 0.9, 0.3], False),
        ([0.3, 0.5, 0.5, 0.7, 0.3], [0.3, 0.5, 0.5, 0.9, 0.35], False),
        ([0.3, 0.45, 0.5, 0.7, 0.3], [0.3, 0.5, 0.5, 0.9, 0.3], False),
        ([0.3, 0.5, 0.5, 0.7, 0.3], [0.3, 0.5, 0.45, 0.9, 0.3], False),
    ],
)
def test_radius_is_judged_with_either_biases_and_biases_beside_orthogonal(drawn, zero, holds):
    assert _by_radius_and_biases([{"torch": drawn, "zero": zero}]) is holds
