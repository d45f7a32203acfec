"""Networks that read endless streams of Reber strings."""

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from unrolled.cells import FORMS, LSTMVariant
from unrolled.core.recurrent import Recurrent
from unrolled.data import continual_reber
from unrolled.experiments import reber_streams
from unrolled.experiments.networks import Networks


def test_every_network_has_its_own_streams():
    drawn = reber_streams.draw(3, 2, length=9, seed=5)
    together = continual_reber(6, length=9, seed=5)
    for part, expected in zip(drawn, together[:4], strict=True):
        assert part.shape[:3] == (9, 2, 3)
        for b in range(2):
            for n in range(3):
                assert part[:, b, n].tolist() == expected[:, 3 * b + n].tolist()


def test_a_stream_goes_on_from_window_to_window():
    """At a learning rate that changes nothing, windows are one long sequence."""
    torch.manual_seed(0)
    cells = [LSTMVariant(7, 3, **FORMS["CIFG"]) for _ in range(2)]
    made = Networks(cells, 7)
    trained = reber_streams.follow(made, streams=2, window=5, updates=3, rate=1e-12, seed=4)
    assert trained.loss.shape == (3, 2)
    drawn = continual_reber(4, length=15, seed=4)
    for n, cell in enumerate(cells):
        read = nn.Linear(3, 7)
        read.load_state_dict({"weight": made.weight[n], "bias": made.bias[n]})
        h, _ = Recurrent(cell)(torch.from_numpy(drawn.inputs[:, n::2]))
        targets = torch.from_numpy(drawn.targets[:, n::2])
        for k in range(3):
            part = slice(5 * k, 5 * k + 5)
            expected = cross_entropy(read(h[part]).flatten(0, 1), targets[part].flatten())
            assert trained.loss[k, n].item() == pytest.approx(expected.item(), rel=1e-4)
