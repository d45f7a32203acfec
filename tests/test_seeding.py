import pytest
import torch
from torch import nn

from unrolled.training import device, seeded


def build():
    return nn.Linear(3, 2)


def test_the_seed_alone_decides_and_nothing_else_is_disturbed():
    torch.manual_seed(5)
    state = torch.get_rng_state()
    first, second, other = seeded(0, build), seeded(0, build), seeded(1, build)
    assert torch.equal(first.weight, second.weight)
    assert not torch.equal(first.weight, other.weight)
    assert torch.equal(torch.get_rng_state(), state)
    assert first.weight.device.type == device().type


def test_it_is_what_manual_seed_gives():
    torch.manual_seed(7)
    assert torch.equal(build().weight, seeded(7, build).weight.cpu())


@pytest.mark.parametrize("seed", [-1, None, 0.5])
def test_a_seed_that_is_none_is_named(seed):
    with pytest.raises((ValueError, TypeError), match="seed must be"):
        seeded(seed, build)


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (3, "build must be a function, got 3"),
        (lambda: 3, r"what build returns must be .*Mod"),
    ],
)
def test_what_builds_no_model_is_named(made, words):
    with pytest.raises(TypeError, match=words):
        seeded(0, made)
