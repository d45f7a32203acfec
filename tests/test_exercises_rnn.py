import numpy as np
import pytest
import torch

from unrolled.cells import Elman
from unrolled.core.recurrent import Recurrent
from unrolled.data.text import character_windows
from unrolled.exercises import check
from unrolled.exercises.rnn._fading import fading
from unrolled.exercises.rnn._unroll import unroll
from unrolled.exercises.rnn.catches_padding import catches_padding
from unrolled.exercises.rnn.latch import latch
from unrolled.exercises.rnn.memory import memory
from unrolled.exercises.rnn.parameters import parameters
from unrolled.exercises.rnn.pieces import pieces
from unrolled.exercises.rnn.run_padded import run_padded


def sizes():
    rng = np.random.default_rng(0)
    for _ in range(30):
        yield rng, *(int(n) for n in rng.integers(1, 6, size=4))


def test_parameters_are_the_packages():
    for _, steps, inputs, hidden, outputs in sizes():
        cell, readout = Elman(inputs, hidden), torch.nn.Linear(hidden, outputs)
        both = sum(p.numel() for model in (cell, readout) for p in model.parameters())
        assert parameters(steps, inputs, hidden, outputs) == both - hidden  # its 2nd bias


def test_memory_is_what_the_states_of_a_linear_network_say():
    """And the chain is one network of two units, as the chapter's sum has it."""
    for rng, lag, *_ in sizes():
        u, w, v = rng.normal(size=3)
        x = rng.normal(size=lag + 3)
        U, W = np.array([[u, 0], [v, u]]), np.array([w, 0])
        states = np.zeros(2)
        for each in x:
            states = U @ states + W * each
        weights = [memory(u, w, v, back) for back in reversed(range(len(x)))]
        assert weights @ x == pytest.approx(states[1])


def test_exercise_2_says_rightly_where_memory_is_best():
    weights = [memory(0.9, 1.0, 1.0, back) for back in range(100)]
    assert weights[9] == pytest.approx(weights[10])
    assert np.argmax(np.round(weights, 9)) == 9
    assert [memory(1.0, 2.0, 3.0, back) for back in (0, 1, 50)] == [0, 6, 300]


def test_a_latch_turns_over_just_above_the_least_push_and_not_below():
    def after(u, w, *, settle=200, later=2000):
        h = 0.0
        for x in [1.0] + [0.0] * settle + [-1.0] + [0.0] * later:
            h = np.tanh(u * h + w * x)
        return h

    for u in (1.2, 2.0, 5.0):
        held, least = latch(u)
        assert after(u, least * 1.001) == pytest.approx(-held)
        assert after(u, least * 0.999) == pytest.approx(held)
    assert latch(1.2)[1] < latch(2.0)[1] / 2  # as the solution says


def test_unroll_is_the_packages():
    for rng, steps, batch, inputs, hidden in sizes():
        layer = Recurrent(Elman(inputs, hidden).double())
        x, h0 = rng.normal(size=(steps, batch, inputs)), rng.normal(size=(batch, hidden))
        output, _ = layer(torch.tensor(x), (torch.tensor(h0),))
        W, U, b, c = (p.detach().numpy() for p in layer.cell.parameters())
        np.testing.assert_allclose(unroll(x, h0, W, U, b + c), output.detach().numpy())


def test_pieces_are_the_packages():
    for rng, rows, steps, *_ in sizes():
        text = rng.integers(0, 30, rows * steps * 3 + int(rng.integers(1, 9)))
        for mine, its in zip(
            pieces(text, rows, steps),
            character_windows(text, streams=rows, steps=steps),
            strict=True,
        ):
            np.testing.assert_array_equal(mine, its)


def test_run_padded_is_the_packages():
    for rng, steps, batch, inputs, hidden in sizes():
        layer = Recurrent(Elman(inputs, hidden).double())
        x, h = rng.normal(size=(steps, batch, inputs)), rng.normal(size=(batch, hidden))
        lengths = rng.integers(1, steps + 1, size=batch)
        output, (last,) = layer(torch.tensor(x), (torch.tensor(h),), lengths=lengths.tolist())
        W, U, b, c = (p.detach().numpy() for p in layer.cell.parameters())
        mine = run_padded(x, lengths, h, W, U, b + c)
        np.testing.assert_allclose(mine[0], output.detach().numpy())
        np.testing.assert_allclose(mine[1], last.detach().numpy())


def test_run_padded_passes_the_readers_own_test():
    """The page tells him to hand his loop to the test of the exercise after it."""
    rng = np.random.default_rng(0)
    W, U, b = rng.normal(size=(3, 2)), rng.normal(size=(3, 3)), rng.normal(size=3)
    catches_padding(lambda x, lengths: run_padded(x, lengths, np.zeros((x.shape[1], 3)), W, U, b))


def test_catches_padding_accepts_the_package():
    layer = Recurrent(Elman(2, 3).double())

    def run(x, lengths):
        output, (last,) = layer(torch.tensor(x), lengths=lengths.tolist())
        return output.detach().numpy(), last.detach().numpy()

    catches_padding(run)


def test_a_difference_fades_below_radius_one_and_not_far_above():
    """What the worked answer says of five networks at each radius, after 50 steps."""

    def left(radius, steps=50):
        runs = [fading(radius, seed=seed) for seed in range(5)]
        return np.array([run[steps] / run[0] for run in runs])

    assert left(0.5, 10).max() < 0.001
    assert left(0.5).max() < 1e-14
    assert (left(0.9) < 0.1 * 0.9**50).all()
    assert sorted(left(1.2) > 1) == [False, False, True, True, True]
    assert ((left(1.2) > 0.02) & (left(1.2) < 1.3)).all()
    assert left(2.0).min() > 2
    many = np.array([run[50] / run[0] for run in (fading(1.2, seed=s) for s in range(24))])
    assert 2 < (many > 1.5).sum() < 6
    assert 5.5 < many.max() < 6.5


def test_a_batch_that_no_implementation_takes_is_named():
    def test(run):
        run(np.zeros((3, 2)), np.array([1, 2]))

    message = " ".join(check("rnn.catches_padding", test).message.split())
    assert "TypeError: x must be an array of shape (T, B, 2)" in message
