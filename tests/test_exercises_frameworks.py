import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

from unrolled.exercises import check
from unrolled.exercises.frameworks import _readers as readers
from unrolled.exercises.frameworks.carry_gru import carry_gru
from unrolled.exercises.frameworks.catches_mixing import catches_mixing
from unrolled.frameworks import from_keras

NAMES = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")


def drawn(inputs, hidden, seed=0):
    rng = np.random.default_rng(seed)
    shapes = (inputs, 3 * hidden), (hidden, 3 * hidden), (2, 3 * hidden)
    return [rng.normal(size=shape) for shape in shapes]


@pytest.mark.parametrize(("inputs", "hidden"), [(3, 4), (1, 1), (4, 3), (2, 2)])
def test_a_gru_is_carried_as_the_package_does(inputs, hidden):
    weights = drawn(inputs, hidden)
    found = dict(zip(NAMES, carry_gru(*weights), strict=True))
    for name, expected in from_keras(weights).items():
        np.testing.assert_array_equal(found[name], expected)
    nn.GRU(inputs, hidden).load_state_dict({k: torch.tensor(v) for k, v in found.items()})


def test_the_lines_that_serve_an_lstm_are_named():
    def carry(kernel, recurrent_kernel, bias):
        return kernel.T, recurrent_kernel.T, *bias

    assert "Keras's order" in str(check("frameworks.carry_gru", carry))


def torch_reader(pick, **how):
    torch.manual_seed(0)
    lstm = nn.LSTM(2, 3, num_layers=2, bidirectional=True, **how).double()

    @torch.no_grad()
    def reader(x, lengths):
        return pick(lstm, torch.tensor(x), torch.tensor(lengths)).numpy()

    return reader


def packed(lstm, x, lengths):
    whole = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    _, (h, _) = lstm(whole)
    return torch.cat([h[-2], h[-1]], dim=1)


def last_place(lstm, x, lengths):
    return lstm(x)[0][:, -1]


def last_step(lstm, x, lengths):
    return lstm(x)[0][torch.arange(len(x)), lengths - 1]


def test_the_solution_of_exercise_3_passes_its_own_test():
    catches_mixing(torch_reader(packed, batch_first=True))


@pytest.mark.parametrize(
    "reader",
    [
        torch_reader(last_place),  # the program as it stands
        torch_reader(last_step),
        torch_reader(last_place, batch_first=True),
        torch_reader(last_step, batch_first=True),
    ],
)
def test_the_programs_with_its_mistakes_do_not(reader):
    with pytest.raises(AssertionError):
        catches_mixing(reader)


@pytest.mark.parametrize("bug", readers.BUGGY)
def test_each_bug_has_the_shape_of_an_answer_and_shows_without_the_weights(bug):
    x, lengths = np.random.default_rng(3).normal(size=(3, 4, 2)), np.array([2, 4, 3])
    assert len(bug(x, lengths)) == 3
    assert np.isfinite(bug(x, lengths)).all()
