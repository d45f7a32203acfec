"""What functions and modules are told by: what they do and read, not where they lie."""

import subprocess
import sys
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from unrolled.training.reading import read_by


def scaled(by):
    return lambda x: by * x


def other(by):
    return lambda x: by + x


class Scale:
    """An object with what its code reads, and what it does not."""

    def __init__(self, by, stamp):
        self.by, self.stamp = by, stamp

    def __call__(self, x):
        return self.by * x


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (scaled(1), scaled(2)),
        (scaled(torch.ones(2)), scaled(torch.zeros(2))),
        (scaled(np.ones(2)), scaled(np.ones(3))),
        (scaled([1, 2]), scaled([2, 1])),
        (scaled(1), other(1)),
        (partial(scaled, 1), partial(scaled, 2)),
        (Scale(1, "noon"), Scale(2, "noon")),
        (scaled(nn.MSELoss()), scaled(nn.L1Loss())),
    ],
)
def test_what_differs_is_told(first, second):
    assert read_by(None, {"loss": first}) != read_by(None, {"loss": second})


@pytest.mark.parametrize(
    "make",
    [
        lambda: scaled(1),
        lambda: scaled(torch.ones(2)),
        lambda: scaled({"a": [1.5]}),
        lambda: partial(scaled, 1),
        lambda: Scale(1, "noon"),
        lambda: scaled(nn.MSELoss()),
    ],
)
def test_what_is_alike_is_told_alike(make):
    assert read_by(None, {"loss": make()}) == read_by(None, {"loss": make()})


def test_what_no_code_reads_is_not_told():
    now, then = ({"loss": Scale(1, stamp)} for stamp in ("noon", "night"))
    assert read_by(None, now) == read_by(None, then)


def test_a_model_is_told_by_its_classes_and_attributes_and_not_by_its_weights():
    def told(kind, p, fill):
        model = nn.Sequential(nn.Linear(2, 2), kind(p))
        nn.init.constant_(model[0].weight, fill)
        return read_by(model, {})

    assert told(nn.Dropout, 0.1, 0.0) == told(nn.Dropout, 0.1, 1.0)
    assert told(nn.Dropout, 0.1, 0.0) != told(nn.Dropout, 0.2, 0.0)
    assert told(nn.Dropout, 0.1, 0.0) != told(nn.AlphaDropout, 0.1, 0.0)


def test_another_process_tells_the_same():
    code = (
        "from unrolled.training.reading import read_by\n"
        "words = {'a', 'b', 'c', 'd'}\n"
        "print(read_by(None, {'loss': lambda x: x in words or x in {'e', 'f', 'g'}}))"
    )

    def told(seed):
        command = [sys.executable, "-c", code]
        env = {"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)}
        return subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout

    assert told("1") == told("2")
