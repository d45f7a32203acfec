import numpy as np
import pytest
import torch
from as_written import as_written

from unrolled.exercises import check, find
from unrolled.exercises import rnn as exercises
from unrolled.exercises.grading import grade
from unrolled.recurrent import Recurrent
from unrolled.rnn import Elman
from unrolled.shapes import sequence_loss


def sizes():
    rng = np.random.default_rng(0)
    for _ in range(30):
        yield rng, *(int(n) for n in rng.integers(1, 6, size=4))


def test_parameters_are_the_packages():
    for _, steps, inputs, hidden, outputs in sizes():
        cell, readout = Elman(inputs, hidden), torch.nn.Linear(hidden, outputs)
        both = sum(p.numel() for model in (cell, readout) for p in model.parameters())
        assert exercises.parameters(steps, inputs, hidden, outputs) == both - hidden  # its 2nd bias


def test_memory_is_what_autograd_says():
    for rng, lag, *_ in sizes():
        u, w = rng.normal(size=2)
        x = torch.zeros(lag + 3, dtype=torch.float64, requires_grad=True)
        h = torch.zeros(())
        for each in x.unbind():
            h = u * h + w * each
        h.backward()
        assert exercises.memory(u, w, lag) == pytest.approx(x.grad[-1 - lag].item())


def test_unroll_is_the_packages():
    for rng, steps, batch, inputs, hidden in sizes():
        layer = Recurrent(Elman(inputs, hidden).double())
        x, h0 = rng.normal(size=(steps, batch, inputs)), rng.normal(size=(batch, hidden))
        output, _ = layer(torch.tensor(x), (torch.tensor(h0),))
        W, U, b, c = (p.detach().numpy() for p in layer.cell.parameters())
        np.testing.assert_allclose(exercises.unroll(x, h0, W, U, b + c), output.detach().numpy())


def test_last_output_is_the_state_that_the_package_returns():
    for rng, steps, batch, inputs, hidden in sizes():
        layer = Recurrent(Elman(inputs, hidden).double())
        lengths = rng.integers(1, steps + 1, size=batch)
        x = torch.tensor(rng.normal(size=(steps, batch, inputs)))
        output, (last,) = layer(x, lengths=lengths.tolist())
        mine = exercises.last_output(output.detach().numpy(), lengths)
        np.testing.assert_array_equal(mine, last.detach().numpy())


def test_masked_mean_is_the_packages():
    for rng, steps, batch, *_ in sizes():
        losses, lengths = rng.normal(size=(steps, batch)), rng.integers(1, steps + 1, size=batch)
        theirs = sequence_loss(torch.tensor(losses), lengths.tolist())
        assert exercises.masked_mean(losses, lengths) == pytest.approx(theirs.item())


def test_catches_padding_accepts_the_package():
    layer = Recurrent(Elman(2, 3).double())

    def run(x, lengths):
        output, (last,) = layer(torch.tensor(x), lengths=lengths.tolist())
        return output.detach().numpy(), last.detach().numpy()

    exercises.catches_padding(run)


def test_a_difference_fades_below_radius_one_and_not_far_above():
    """What the worked answer says of five networks at each radius, after 50 steps."""

    def left(radius, steps=50):
        runs = [exercises.fading(radius, seed=seed) for seed in range(5)]
        return np.array([run[steps] / run[0] for run in runs])

    assert left(0.5, 10).max() < 0.001
    assert left(0.5).max() < 1e-14
    assert (left(0.9) < 0.1 * 0.9**50).all()
    assert sorted(left(1.2) > 1) == [False, False, True, True, True]
    assert ((left(1.2) > 0.02) & (left(1.2) < 1.3)).all()
    assert left(2.0).min() > 2


AS_WRITTEN = """
parameters: a_copy_for_each_step
    return steps * (hidden * (inputs + hidden + 1) + outputs * (hidden + 1))

parameters: no_recurrent_weights
    return (inputs + 1) * hidden + (hidden + 1) * outputs

memory: counts_from_one
    h = w
    for _ in range(lag + 1):
        h = u * h
    return h

memory: all_inputs_together
    h = 0
    for _ in range(lag + 1):
        h = u * h + w
    return h

unroll: recurrent_weights_transposed
    h, out = h0, []
    for t in range(len(x)):
        h = np.tanh(x[t] @ W.T + h @ U + b)
        out.append(h)
    return np.stack(out)

unroll: first_step_skipped
    out = np.zeros(x.shape[:2] + (len(b),))
    h = h0
    for t in range(1, len(x)):
        h = np.tanh(x[t] @ W.T + h @ U.T + b)
        out[t] = h
    return out

unroll: one_buffer_for_all
    h, out = h0.copy(), []
    for t in range(len(x)):
        h[:] = np.tanh(x[t] @ W.T + h @ U.T + b)
        out.append(h)
    return np.stack(out)

unroll: time_and_batch_swapped
    h, out = h0, np.zeros(x.shape[:2] + (len(b),))
    for t in range(x.shape[1]):
        h = np.tanh(x[:, t] @ W.T + h @ U.T + b)
        out[:, t] = h
    return out

unroll: state_not_kept
    out = np.zeros(x.shape[:2] + (len(b),))
    for t in range(len(x)):
        out[t] = np.tanh(x[t] @ W.T + h0 @ U.T + b)
    return out

unroll: first_state_included
    out = [h0]
    for t in range(len(x)):
        out.append(np.tanh(x[t] @ W.T + out[-1] @ U.T + b))
    return np.array(out)

last_output: last_of_the_batch
    return output[-1, :, :]

last_output: batch_first_read
    return np.stack([output[b, n - 1] for b, n in enumerate(lengths)])

masked_mean: zeroed_then_averaged
    for b, n in enumerate(lengths):
        losses = np.where(np.arange(len(losses))[:, None] >= lengths, 0, losses)
    return losses.mean()

masked_mean: mean_of_means
    return np.mean([losses[:n, b].mean() for b, n in enumerate(lengths)])

masked_mean: mean_of_means
    m = np.arange(len(losses))[:, None] < lengths
    return ((losses * m).sum(0) / m.sum(0)).mean()

catches_padding: zeros_for_padding
    x, n = np.ones((3, 2, 2)), np.array([1, 3])
    x[1:, 0] = 0
    output, last = run(x, n)
    swapped, end = run(x[:, ::-1], n[::-1])
    assert np.allclose(output, swapped[:, ::-1]) and np.allclose(last, end[::-1])
    for b in range(2):
        alone, end = run(x[:n[b], b:b+1], n[b:b+1])
        assert np.allclose(output[:n[b], b], alone[:, 0]) and np.allclose(output[n[b]:, b], 0)
        assert np.allclose(last[b], end[0])

catches_padding: equal_lengths
    x = np.random.default_rng(0).normal(size=(3, 2, 2))
    n = np.array([3, 3])
    output, last = run(x, n)
    for b in range(2):
        alone, end = run(x[:, b:b+1], n[b:b+1])
        assert np.allclose(output[:, b], alone[:, 0]) and np.allclose(last[b], end[0])
"""


@pytest.mark.parametrize(("exercise", "mistake", "answer"), list(as_written("rnn", AS_WRITTEN)))
def test_a_mistake_is_known_as_learners_write_it(exercise, mistake, answer):
    verdict = grade(exercise, answer)
    assert verdict.mistake == mistake, verdict


def test_a_batch_that_no_implementation_takes_is_named():
    def test(run):
        run(np.zeros((3, 2)), np.array([1, 2]))

    message = " ".join(check("rnn.catches_padding", test).message.split())
    assert "TypeError: x must be an array of shape (T, B, 2)" in message


def test_every_exercise_of_the_chapter_is_found():
    assert [find(e.id) for e in exercises.EXERCISES] == list(exercises.EXERCISES)
