"""What is special to the exercises of the chapter on backpropagation through time."""

import numpy as np
import pytest
import torch
from exercised import assert_close

from unrolled import bptt
from unrolled.bptt import RNN
from unrolled.exercises import check
from unrolled.exercises.bptt._checkpointed import checkpointed
from unrolled.exercises.bptt._elman import sweep
from unrolled.exercises.bptt._losses import plain
from unrolled.exercises.bptt.backward import backward
from unrolled.exercises.bptt.reach import reach
from unrolled.exercises.bptt.scalar_gradient import scalar_gradient
from unrolled.exercises.bptt.train_in_chunks import train_in_chunks


def problems():
    """Yield the derivatives of a loss with respect to the states, inputs, a start, W, U and b."""
    rng = np.random.default_rng(1)
    for _ in range(30):
        T, B, I, H = (int(size) for size in rng.integers(1, 6, size=4))  # noqa: E741
        shapes = ((T, B, H), (T, B, I), (B, H), (H, I), (H, H), (H,))
        yield tuple(rng.normal(size=shape) for shape in shapes)


def network(W, U, b):
    """Return a network whose outputs are its states, so that dy is dh."""
    return RNN(W, U, b, np.eye(len(b)), np.zeros(len(b)))


def test_elmans_backward_is_the_packages():
    for dh, x, h0, W, U, b in problems():
        parameters = network(W, U, b)
        h, _ = bptt.forward(parameters, x, h0)
        gradient, dh0 = bptt.backward(parameters, x, h, dh)
        assert_close(sweep(dh, x, h, W, U), [*gradient[:3], dh0])


def test_the_backward_of_a_state_that_is_added_to_is_autograd():
    for dh, x, h0, W, U, b in problems():
        tensors = [torch.tensor(each, requires_grad=True) for each in (W, U, b, h0)]
        weights, recurrent, bias, state = tensors
        states = [state]
        for x_t in torch.tensor(x):
            step = torch.tanh(x_t @ weights.T + states[-1] @ recurrent.T + bias)
            states.append(states[-1] + step)
        h = torch.stack(states)
        theirs = torch.autograd.grad(h[1:], tensors, torch.tensor(dh))
        mine = backward(dh, x, h.detach().numpy(), W, U)
        assert_close(mine, [each.numpy() for each in theirs])


@pytest.mark.parametrize("length", [1, 2, 3, 8])
def test_training_in_chunks_descends_by_the_packages_gradient(length):
    """With steps so small that no later chunk notices them, they add up to the chunked gradient."""
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(7, 2, 3)), rng.normal(size=(7, 2, 2))
    parameters = RNN(*(rng.normal(size=s) for s in ((4, 3), (4, 4), 4, (2, 4))), np.zeros(2))
    W, U, b, V, _ = parameters
    start, rate = np.zeros((2, 4)), 1e-8
    _, says = bptt.forward(parameters, x, start)
    theirs = bptt.chunked(parameters, x, start, says - y, length=length)[:4]
    new = np.zeros((7, 2), dtype=bool)
    moved = train_in_chunks(x, y, new, W, U, b, V, length, rate, 1e9)
    for before, after, slope in zip(parameters, moved, theirs, strict=False):
        np.testing.assert_allclose((before - after) / rate, slope, rtol=1e-4, atol=1e-5)


def test_scalar_gradient_is_the_packages():
    """Where tanh is all but linear, the package's network is the linear one."""
    tiny = 1e-6
    rng = np.random.default_rng(2)
    for T in range(1, 8):
        u, h0, x = rng.normal(), rng.normal(), rng.normal(size=T)
        parameters = network(np.ones((1, 1)), np.full((1, 1), u), np.zeros(1))
        inputs = tiny * x[:, None, None]
        h, y = bptt.forward(parameters, inputs, np.full((1, 1), tiny * h0))
        dy = np.zeros_like(y)
        dy[-1] = 1 / tiny
        gradient, _ = bptt.backward(parameters, inputs, h, dy)
        assert scalar_gradient(u, x, h0) == pytest.approx(gradient.U.item(), rel=1e-6)


def test_an_error_reaches_as_far_in_the_package():
    """The truncated gradient of one error is the exact one over the steps that it reaches."""
    rng = np.random.default_rng(3)
    for every, back in [(1, 1), (1, 4), (3, 3), (2, 5), (4, 6), (3, 7)]:
        steps = 4 * every + back - back % every  # a backward pass starts at the last step, too
        W, U, b = rng.normal(size=(3, 2)), rng.normal(size=(3, 3)), rng.normal(size=3)
        parameters, x = network(W, U, b), rng.normal(size=(steps, 2, 2))
        h, y = bptt.forward(parameters, x, rng.normal(size=(2, 3)))
        for t in range(back, steps + 1):
            dy = np.zeros_like(y)
            dy[t - 1] = rng.normal(size=dy[0].shape)
            truncated = bptt.truncated(parameters, x, h, dy, back=back, every=every)

            def over(steps, x=x, h=h, dy=dy, t=t, parameters=parameters):
                first = t - steps
                return bptt.backward(parameters, x[first:t], h[first : t + 1], dy[first:t])[0]

            steps = reach(t, back, every)
            assert_close(over(steps), truncated)
            if steps > 1:
                assert not np.allclose(over(steps - 1).W, truncated.W, rtol=1e-9, atol=0)


def test_checkpointing_is_exact_and_keeps_few_states():
    for dh, x, h0, W, U, b in problems():
        h, _ = bptt.forward(network(W, U, b), x, np.zeros_like(h0))
        for every in (1, 2, 3, 9):
            *gradient, _ = checkpointed(dh, x, W, U, b, every)
            assert_close(gradient, sweep(dh, x, h, W, U)[:3])


def test_the_worked_answer_about_checkpoints():
    """The chapter's numbers: 10,000 steps, with a state kept at every 100th."""
    rng = np.random.default_rng(4)
    steps = 10_000
    dh, x = rng.normal(size=(steps, 1, 2)), rng.normal(size=(steps, 1, 1))
    W, U, b = rng.normal(size=(2, 1)), rng.normal(size=(2, 2)), rng.normal(size=2)
    *gradient, kept = checkpointed(dh, x, W, U, b, 100)
    h, _ = bptt.forward(network(W, U, b), x, np.zeros((1, 2)))
    assert_close(gradient, sweep(dh, x, h, W, U)[:3])
    assert kept == 200
    most = {every: -(-steps // every) + every for every in range(1, steps + 1)}
    assert min(most, key=most.get) == 100


def differences(loss, weights, *, step=1e-5, one_sided=False, restored=True):
    """Move every number in place, as learners do, and return the differences of the loss."""
    slopes = []
    for weight in weights:
        slope = np.zeros(weight.shape)
        for index in np.ndindex(weight.shape):
            here = weight[index]
            weight[index] = here + step
            up = loss()
            if not one_sided:
                weight[index] = here - step
            elif restored:
                weight[index] = here
            down = loss()
            if restored:
                weight[index] = here
            slope[index] = (up - down) / (step if one_sided else 2 * step)
        slopes.append(slope)
    return slopes


def as_drawn(x, W, U, b):
    return x, W, U, b


def made(
    seed=0,
    *,
    T=5,
    B=3,
    I=2,  # noqa: E741
    H=3,
    turned=as_drawn,
    parts="WUb",
    close=np.allclose,
    **settings,
):
    """Make a test as a learner would, with one thing wrong; `turned` changes x, W, U and b."""

    def test(loss_and_gradient):
        draw = np.random.default_rng(seed).normal
        drawn = (draw(size=shape) for shape in ((T, B, I), (H, I), (H, H), (H,)))
        x, *weights = (np.array(each) for each in turned(*drawn))
        _, *gradient = loss_and_gradient(x, *weights)
        slopes = differences(lambda: loss_and_gradient(x, *weights)[0], weights, **settings)
        for name, got, want in zip("WUb", gradient, slopes, strict=True):
            if name in parts:
                assert close(got, want)

    return test


def loose(got, want):
    return np.allclose(got, want, rtol=1e-4, atol=1e-4)


def loose_diagonal(got, want):
    """Compare the diagonal of what is square, dU, and all of the others."""
    return loose(*(np.diag(each) if each.shape == (3, 3) else each for each in (got, want)))


def tight(got, want):
    return np.allclose(got, want, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(
    ("settings", "mistake"),
    [
        ({"close": loose}, None),
        ({"close": loose, "T": 8, "H": 2}, None),
        ({"close": loose, "T": 1}, "single_step"),
        ({"close": loose, "T": 3}, "short_sequences"),
        ({"close": loose, "T": 2}, "short_sequences"),
        ({"close": loose, "B": 1}, "single_sequence"),
        ({"close": tight, "H": 1}, "single_unit"),
        (
            {"close": loose, "turned": lambda x, W, U, b: (x, W, np.eye(len(b)), b)},
            "symmetric_weights",
        ),
        (
            {"close": loose, "turned": lambda x, W, U, b: (x, W, 0 * U + 0.3, b)},
            "symmetric_weights",
        ),
        ({"close": loose, "turned": lambda x, W, U, b: (x, W, 0 * U, b)}, "zero_weights"),
        ({"close": loose, "parts": "W"}, "looks_at_dW_only"),
        ({"close": loose, "parts": "U"}, "looks_at_dU_only"),
        ({"close": loose, "parts": "b", "H": 5}, "looks_at_db_only"),
        ({"close": loose, "parts": "WU"}, "skips_db"),
        ({"close": loose, "parts": "Wb"}, "skips_dU"),
        ({"close": loose, "parts": "Ub"}, "skips_dW"),
        ({"close": np.array_equal}, "drowned_in_rounding"),
        ({"close": loose, "step": 1e-13}, "drowned_in_rounding"),
        ({"close": np.allclose, "step": 1e-2, "one_sided": True}, "one_sided"),
        ({"close": np.allclose, "step": 0.3}, "far_from_the_point"),
        ({"close": loose, "step": 1e-2, "restored": False}, "far_from_the_point"),
        ({"close": lambda got, want: True}, "accepts_everything"),
        ({"close": lambda got, want: got.shape == want.shape}, "looks_at_shapes_only"),
        ({"close": lambda got, want: np.isclose(got.flat[0], want.flat[0])}, "one_entry_each"),
        ({"close": lambda got, want: np.isclose(got.sum(), want.sum(), rtol=1e-4)}, "added_up"),
        ({"close": lambda got, want: loose(abs(got), abs(want))}, "signs_ignored"),
        ({"close": loose_diagonal}, "part_of_recurrent"),
        ({"close": loose, "turned": lambda x, W, U, b: (x[:, [0] * 3], W, U, b)}, "same_sequences"),
        ({"close": loose, "turned": lambda x, W, U, b: (x[[0] * 5], W, U, b)}, "same_inputs"),
        ({"close": loose, "turned": lambda x, W, U, b: (x, W, U, 0 * b)}, "zero_bias"),
    ],
)
def test_a_flaw_of_a_gradient_check_is_known(settings, mistake, seed):
    verdict = check("bptt.catches_wrong_gradient", made(seed, **settings))
    assert verdict.mistake == mistake, verdict
    assert verdict.passed == (mistake is None), verdict


@pytest.mark.parametrize("rate", [1e-3, 1e-2])
@pytest.mark.parametrize("seed", range(4))
def test_that_the_loss_falls_is_not_enough(seed, rate):
    def test(loss_and_gradient):
        draw = np.random.default_rng(seed).normal
        x, *weights = (draw(size=shape) for shape in ((5, 3, 2), (3, 2), (3, 3), (3,)))
        E, *gradient = loss_and_gradient(x, *weights)
        moved = [w - rate * derivative for w, derivative in zip(weights, gradient, strict=True)]
        assert loss_and_gradient(x, *moved)[0] < E

    test(plain)
    assert not check("bptt.catches_wrong_gradient", test).passed
