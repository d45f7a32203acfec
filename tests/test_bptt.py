import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from unrolled import bptt
from unrolled.bptt import RNN

STEP = 1e-30
size = st.integers(1, 5)
problems = st.builds(lambda *sizes_and_seed: problem(*sizes_and_seed), *[size] * 5, st.integers(0))


def problem(T, B, I, H, O, seed):  # noqa: E741
    """Return a network, inputs, an initial state and the weights of a loss."""
    draw = np.random.default_rng(seed).standard_normal
    parameters = RNN(draw((H, I)), draw((H, H)), draw(H), draw((O, H)), draw(O))
    parameters = RNN(*(0.5 * each for each in parameters))  # few units saturated
    return parameters, draw((T, B, I)), draw((B, H)), draw((T, B, O))


def loss_of(y, k):
    return (np.sin(y) * k).sum() + (y**2).sum() / 2


def loss_gradient(y, k):
    return np.cos(y) * k + y


def run(parameters, x, h0, k):
    h, y = bptt.forward(parameters, x, h0)
    return h, loss_gradient(y, k)


def assert_same(gradients, references, relative=1e-10):
    for one, other in zip(gradients, references, strict=True):
        assert one.shape == other.shape
        assert np.linalg.norm(one - other) <= relative * np.linalg.norm(other)


def torch_network(parameters):
    (H, I), O = parameters.W.shape, len(parameters.V)  # noqa: E741
    layer, readout = nn.RNN(I, H).double(), nn.Linear(H, O).double()
    values = (parameters.W, parameters.U, parameters.b, np.zeros(H), parameters.V, parameters.c)
    for each, value in zip([*layer.parameters(), *readout.parameters()], values, strict=True):
        each.data = torch.tensor(value)
    return layer, readout


def torch_gradient(parameters, x, h0, k, *, chunk=None):
    """Return outputs and gradients by autograd, the state detached between chunks."""
    layer, readout = torch_network(parameters)
    state = start = torch.tensor(h0)[None].requires_grad_()
    outputs = []
    for part in torch.tensor(x).split(chunk or len(x)):
        output, state = layer(part, state)
        outputs.append(readout(output))
        state = state.detach()
    y = torch.cat(outputs)
    ((torch.sin(y) * torch.tensor(k)).sum() + (y**2).sum() / 2).backward()
    W, U, b, _ = (each.grad.numpy() for each in layer.parameters())
    V, c = (each.grad.numpy() for each in readout.parameters())
    return y.detach().numpy(), RNN(W, U, b, V, c), start.grad[0].numpy()


def differences(function, arrays, quotient):
    """Return the derivative of a number with respect to each entry of each array."""
    gradients = [np.zeros(each.shape) for each in arrays]
    for which, gradient in enumerate(gradients):
        for index in np.ndindex(gradient.shape):

            def moved(step, which=which, index=index):
                copies = [each.astype(np.result_type(each, step)) for each in arrays]
                copies[which][index] += step
                return function(*copies)

            gradient[index] = quotient(moved)
    return gradients


def complex_step(moved):
    return moved(1j * STEP).imag / STEP


def central_difference(moved, step=1e-5):
    return (moved(step) - moved(-step)) / (2 * step)


@given(problems)
@settings(max_examples=200, deadline=None, derandomize=True)
def test_backward_is_autograd_and_the_complex_step(problem):
    parameters, x, h0, k = problem
    h, y = bptt.forward(parameters, x, h0)
    gradient, dh0 = bptt.backward(parameters, x, h, loss_gradient(y, k))
    outputs, reference, start = torch_gradient(parameters, x, h0, k)
    assert_same([y], [outputs])
    assert_same([*gradient, dh0], [*reference, start])
    assert_same(
        [*gradient, dh0],
        differences(
            lambda *each: loss_of(bptt.forward(RNN(*each[:5]), x, each[5])[1], k),
            [*parameters, h0],
            complex_step,
        ),
    )


def test_backward_is_linear_in_the_errors_complex_ones_too():
    parameters, x, h0, k = problem(4, 2, 3, 2, 2, seed=3)
    h, dy = run(parameters, x, h0, k)
    real, imaginary, both = (
        (*gradient, dh0)
        for gradient, dh0 in (bptt.backward(parameters, x, h, e) for e in (dy, k, dy + 1j * k))
    )
    assert_same(both, [one + 1j * other for one, other in zip(real, imaginary, strict=True)])


@pytest.mark.parametrize("moved", range(3))
def test_backward_takes_complex_numbers_with_real_errors(moved):
    """Where the loss is linear in the outputs, a complex step leaves its errors real."""
    parameters, *inputs, dy = problem(4, 2, 3, 2, 2, seed=7)

    def gradient(step):
        arrays = [parameters.V, *inputs]
        arrays[moved] = arrays[moved] + step  # the others stay real
        network, x, h0 = parameters._replace(V=arrays[0]), *arrays[1:]
        h, _ = bptt.forward(network, x, h0)
        each, dh0 = bptt.backward(network, x, h, dy)
        return np.concatenate([part.ravel() for part in (*each, dh0)])

    assert_same([complex_step(gradient)], [central_difference(gradient)], relative=1e-7)


@pytest.mark.parametrize("sizes", [(1, 1, 1, 1, 1), (6, 2, 3, 4, 2)])
def test_backward_is_the_central_difference(sizes):
    parameters, x, h0, k = problem(*sizes, seed=1)
    h, dy = run(parameters, x, h0, k)
    gradient, dh0 = bptt.backward(parameters, x, h, dy)
    reference = differences(
        lambda *each: loss_of(bptt.forward(RNN(*each[:5]), x, each[5])[1], k),
        [*parameters, h0],
        central_difference,
    )
    assert_same([*gradient, dh0], reference, relative=1e-7)


METHODS = {
    "backward": lambda p, x, h, dy: bptt.backward(p, x, h, dy)[0],
    "truncated": lambda p, x, h, dy: bptt.truncated(p, x, h, dy, back=3, every=2),
    "chunked": lambda p, x, h, dy: bptt.chunked(p, x, h[0], dy, length=3),
    "randomised": lambda p, x, h, dy: bptt.randomised(p, x, h, dy, cut=0.3, seed=1),
    "rtrl": lambda p, x, h, dy: bptt.rtrl(p, x, h[0], dy),
}


@pytest.mark.parametrize("entry", range(6))
@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_a_complex_step_through_a_gradient_gives_its_derivative(method, entry):
    parameters, x, h0, k = problem(4, 2, 2, 3, 2, seed=2)

    def gradient(step):
        moved = [each + step * (i == entry) for i, each in enumerate([*parameters, h0])]
        h, dy = run(RNN(*moved[:5]), x, moved[5], k)
        return np.concatenate([each.ravel() for each in method(RNN(*moved[:5]), x, h, dy)])

    assert_same([complex_step(gradient)], [central_difference(gradient)], relative=1e-7)


@given(problems)
@settings(max_examples=50, deadline=None, derandomize=True)
def test_rtrl_is_backpropagation_through_time(problem):
    parameters, x, h0, k = problem
    h, dy = run(parameters, x, h0, k)
    assert_same(bptt.rtrl(parameters, x, h0, dy), bptt.backward(parameters, x, h, dy)[0])


@given(problems, size, size)
@settings(max_examples=50, deadline=None, derandomize=True)
def test_nothing_is_truncated_when_the_window_holds_the_sequence(problem, more, every):
    parameters, x, h0, k = problem
    h, dy = run(parameters, x, h0, k)
    exact, _ = bptt.backward(parameters, x, h, dy)
    back = max(len(x), every) + more - 1
    assert_same(bptt.truncated(parameters, x, h, dy, back=back, every=every), exact)
    assert_same(bptt.chunked(parameters, x, h0, dy, length=back), exact)
    assert_same(bptt.randomised(parameters, x, h, dy, cut=0, seed=0), exact)


@given(problems, size)
@settings(max_examples=50, deadline=None, derandomize=True)
def test_chunked_is_autograd_with_detach(problem, length):
    parameters, x, h0, k = problem
    _, dy = run(parameters, x, h0, k)
    _, reference, _ = torch_gradient(parameters, x, h0, k, chunk=length)
    assert_same(bptt.chunked(parameters, x, h0, dy, length=length), reference)


@given(size, size, st.integers(0))
@settings(max_examples=25, deadline=None, derandomize=True)
def test_chunked_is_bptt_h_h_where_the_chunks_fill_the_sequence(length, chunks, seed):
    parameters, x, h0, k = problem(length * chunks, 2, 2, 3, 1, seed)
    h, dy = run(parameters, x, h0, k)
    windows = bptt.truncated(parameters, x, h, dy, back=length, every=length)
    assert_same(bptt.chunked(parameters, x, h0, dy, length=length), windows)


@given(problems, size, size)
@settings(max_examples=50, deadline=None, derandomize=True)
def test_truncated_adds_up_what_each_error_says_of_the_steps_it_reaches(problem, more, every):
    """By the definition, one error at a time: autograd through the steps that it reaches."""
    parameters, x, h0, k = problem
    h, dy = run(parameters, x, h0, k)
    T, back = len(x), every + more - 1
    layer, readout = torch_network(parameters)
    for t in range(1, T + 1):
        end = min(-(-t // every) * every, T)
        first = max(end - back, 0)
        output, _ = layer(torch.tensor(x[first:t]), torch.tensor(h[first])[None])
        (readout(output[-1]) * torch.tensor(dy[t - 1])).sum().backward()
    W, U, b, _ = (each.grad.numpy() for each in layer.parameters())
    V, c = (each.grad.numpy() for each in readout.parameters())
    gradient = bptt.truncated(parameters, x, h, dy, back=back, every=every)
    assert_same(gradient, RNN(W, U, b, V, c))


# A unit with states so small that tanh is the identity, U = 10 and every input 1: a path from an
# error back to an input k steps earlier adds 10**k to dW, so its decimal digits count the paths.
@pytest.mark.parametrize(
    ("gradient", "paths"),
    [
        (lambda p, x, h, dy: bptt.backward(p, x, h, dy)[0], 123456),
        (lambda p, x, h, dy: bptt.rtrl(p, x, h[0], dy), 123456),
        (lambda p, x, h, dy: bptt.truncated(p, x, h, dy, back=6), 123456),
        (lambda p, x, h, dy: bptt.truncated(p, x, h, dy, back=1), 6),
        (lambda p, x, h, dy: bptt.truncated(p, x, h, dy, back=3), 456),
        (lambda p, x, h, dy: bptt.truncated(p, x, h, dy, back=3, every=2), 256),
        (lambda p, x, h, dy: bptt.truncated(p, x, h, dy, back=4, every=2), 2456),
        # every=4: errors 1 to 4 at step 4; errors 5 and 6 at the end, from step 3 on
        (lambda p, x, h, dy: bptt.truncated(p, x, h, dy, back=4, every=4), 2456),
        (lambda p, x, h, dy: bptt.chunked(p, x, h[0], dy, length=3), 246),
        (lambda p, x, h, dy: bptt.chunked(p, x, h[0], dy, length=4), 1246),
    ],
)
def test_the_digits_count_the_paths(gradient, paths):
    one = np.ones((1, 1))
    parameters = RNN(1e-15 * one, 10 * one, np.zeros(1), one, np.zeros(1))
    x = dy = np.ones((6, 1, 1))
    h, _ = bptt.forward(parameters, x, np.zeros((1, 1)))
    assert gradient(parameters, x, h, dy).W[0, 0] == pytest.approx(paths, rel=1e-9)


def autograd_with_gates(parameters, x, h0, dy, gates):
    """Return gradients where the way back from step t + 1 to t is multiplied by ``gates[t]``."""
    W, U, b, V, c = leaves = [torch.tensor(each).requires_grad_() for each in parameters]
    h, loss = torch.tensor(h0), torch.zeros((), dtype=torch.float64)
    for x_t, dy_t, gate in zip(torch.tensor(x), torch.tensor(dy), [0, *gates], strict=True):
        h = h.detach() + gate * (h - h.detach())
        h = torch.tanh(x_t @ W.T + h @ U.T + b)
        loss = loss + ((h @ V.T + c) * dy_t).sum()
    loss.backward()
    return RNN(*(each.grad.numpy() for each in leaves))


def test_randomised_is_unbiased():
    cut, draws = 0.3, 3000
    parameters, x, h0, k = problem(4, 1, 1, 2, 1, seed=3)
    h, dy = run(parameters, x, h0, k)
    exact = bptt.backward(parameters, x, h, dy)[0]

    # in the mean over all patterns of cuts, exactly
    patterns = list(itertools.product([0, 1], repeat=3))
    chance = [np.prod([1 - cut if opened else cut for opened in each]) for each in patterns]
    possible = [
        autograd_with_gates(parameters, x, h0, dy, np.array(each) / (1 - cut)) for each in patterns
    ]
    assert_same(
        [np.average(each, axis=0, weights=chance) for each in zip(*possible, strict=True)], exact
    )

    # every draw is one of these, as often as it should be
    dU = np.array([each.U.ravel() for each in possible])
    drawn = [bptt.randomised(parameters, x, h, dy, cut=cut, seed=s) for s in range(draws)]
    far = np.abs(np.array([each.U.ravel() for each in drawn])[:, None] - dU).max(axis=-1)
    assert (far.min(axis=1) < 1e-12).all()
    seen = np.bincount(far.argmin(axis=1), minlength=8)
    assert seen == pytest.approx(draws * np.array(chance), abs=4 * np.sqrt(draws / 4))
    for gradient, pattern in list(zip(drawn, far.argmin(axis=1), strict=True))[::500]:
        assert_same(gradient, possible[pattern])

    # and so is their mean, where cutting without making up for it is far off
    sample = np.array([each.U.ravel() for each in drawn])
    error = sample.std(axis=0) / np.sqrt(draws)
    assert (np.abs(sample.mean(axis=0) - exact.U.ravel()) < 4 * error).all()
    plain = [autograd_with_gates(parameters, x, h0, dy, each).U.ravel() for each in patterns]
    biased = np.average(plain, axis=0, weights=chance)
    assert (np.abs(biased - exact.U.ravel()) > 4 * error).any()


def test_randomised_is_a_function_of_its_seed():
    parameters, x, h0, k = problem(8, 2, 2, 3, 1, seed=4)
    h, dy = run(parameters, x, h0, k)
    one, same, other = (
        bptt.randomised(parameters, x, h, dy, cut=0.5, seed=seed) for seed in (1, 1, 2)
    )
    assert (one.U == same.U).all()
    assert (one.U != other.U).any()


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_no_method_writes_into_its_arguments(method):
    parameters, x, h0, k = problem(5, 2, 2, 3, 1, seed=5)
    h, dy = run(parameters, x, h0, k)
    arrays = [*parameters, x, h0, h, dy]
    copies = [each.copy() for each in arrays]
    method(parameters, x, h, dy)
    assert all((one == other).all() for one, other in zip(arrays, copies, strict=True))


def test_surface_is_its_equation_at_every_point_of_a_grid():
    u, b = np.linspace(-8, 8, 5), np.linspace(-4, 4, 7)
    loss, du, db = bptt.surface(u[:, None], b, steps=6)
    assert loss.shape == du.shape == db.shape == (5, 7)
    for i, j in np.ndindex(loss.shape):
        h = 0.5
        for _ in range(6):
            h = u[i] / (1 + np.exp(-h)) + b[j]
        assert loss[i, j] == pytest.approx((1 / (1 + np.exp(-h)) - 0.7) ** 2, rel=1e-12)


def test_the_surface_is_by_default_that_of_fifty_steps_from_a_half_to_seven_tenths():
    given = bptt.surface(5.0, -2.6, steps=50, h0=0.5, target=0.7)
    assert bptt.surface(5.0, -2.6) == given


def test_the_slopes_of_the_surface_are_its_complex_step():
    u, b = np.linspace(-8, 8, 9)[:, None], np.linspace(-4, 4, 9)
    _, du, db = bptt.surface(u, b)
    assert_same([du], [bptt.surface(u + 1j * STEP, b)[0].imag / STEP])
    assert_same([db], [bptt.surface(u, b + 1j * STEP)[0].imag / STEP])


@pytest.mark.parametrize("u", [5.0, 6.0, 7.0])
def test_the_surface_has_a_wall(u):
    """Where h0 is an unstable fixed point: two attractors, and a slope that grows like λ^T."""
    s = 1 / (1 + np.exp(-0.5))
    wall, lam = 0.5 - u * s, u * s * (1 - s)
    below, above = bptt.surface(u, wall + np.array([-0.01, 0.01]))[0]
    assert abs(above - below) > 0.1
    for steps in (1, 10, 50):
        loss, du, db = bptt.surface(u, wall, steps=steps)
        growth = (lam**steps - 1) / (lam - 1) * 2 * (s - 0.7) * s * (1 - s)
        assert loss == pytest.approx((s - 0.7) ** 2, rel=1e-3)  # λ^T times what rounding leaves
        assert [du, db] == pytest.approx([s * growth, growth], rel=1e-3)


def test_surface_does_not_overflow():
    loss, du, db = bptt.surface(np.array([-1e6, 1e6]), 1e6)
    assert np.isfinite([loss, du, db]).all()


def bad(call, **changes):
    """Return a call with some arguments of a good problem changed."""
    parameters, x, h0, k = problem(4, 2, 3, 2, 1, seed=6)
    h, dy = run(parameters, x, h0, k)
    arguments = {"parameters": parameters, "x": x, "h0": h0, "h": h, "dy": dy} | changes
    names = call.__code__.co_varnames[: call.__code__.co_argcount]
    return lambda: call(*(arguments[name] for name in names))


GOOD = problem(4, 2, 3, 2, 1, seed=6)[0]


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (bad(bptt.forward, parameters=1), TypeError, "parameters must be an RNN, got int"),
        (
            bad(bptt.forward, parameters=GOOD._replace(U=np.ones((2, 3)))),
            ValueError,
            r"U must have shape \(H, H\) = \(2, 2\), each at least 1, got \(2, 3\)",
        ),
        (
            bad(bptt.forward, x=np.ones((4, 2, 5))),
            ValueError,
            r"x must have shape \(T, B, I\) = \(4, 2, 3\), each at least 1, got \(4, 2, 5\)",
        ),
        (
            bad(bptt.forward, x=np.ones((4, 3))),
            ValueError,
            r"x must have shape \(T, B, I\) = \(T, B, 3\), each at least 1, got \(4, 3\)",
        ),
        (bad(bptt.forward, x=np.ones((0, 2, 3))), ValueError, r"each at least 1, got \(0, 2, 3\)"),
        (bad(bptt.forward, x=[[[1.0]]]), TypeError, "x must be an array of floating-.* got list"),
        (bad(bptt.forward, x=np.ones((4, 2, 3), int)), TypeError, "x must .*numbers, got int64"),
        (bad(bptt.forward, h0=np.ones((1, 2))), ValueError, r"h0 .* = \(2, 2\), .* got \(1, 2\)"),
        (
            bad(bptt.backward, h=np.ones((4, 2, 2))),
            ValueError,
            r"h must have shape \(T \+ 1, B, H\) = \(5, 2, 2\), each at least 1, got \(4, 2, 2\)",
        ),
        (bad(bptt.backward, dy=np.ones((4, 2, 2))), ValueError, r"dy must .* = \(4, 2, 1\)"),
        (bad(bptt.rtrl, dy=np.ones((3, 2, 1))), ValueError, r"dy must .* = \(4, 2, 1\)"),
        (
            bad(lambda parameters, x, h, dy: bptt.truncated(parameters, x, h, dy, back=0)),
            ValueError,
            "back must be at least 1, got 0",
        ),
        (
            bad(lambda parameters, x, h, dy: bptt.truncated(parameters, x, h, dy, back=2, every=3)),
            ValueError,
            "back must be at least 3, got 2",
        ),
        (
            bad(lambda parameters, x, h, dy: bptt.truncated(parameters, x, h, dy, back=2, every=0)),
            ValueError,
            "every must be at least 1, got 0",
        ),
        (
            bad(lambda parameters, x, h0, dy: bptt.chunked(parameters, x, h0, dy, length=1.5)),
            TypeError,
            "length must be a whole number at least 1, got 1.5",
        ),
        (
            bad(lambda parameters, x, h, dy: bptt.randomised(parameters, x, h, dy, cut=1, seed=0)),
            ValueError,
            "cut must be less than 1, got 1",
        ),
        (
            bad(
                lambda parameters, x, h, dy: bptt.randomised(parameters, x, h, dy, cut=-0.1, seed=0)
            ),
            ValueError,
            "cut must be at least 0, got -0.1",
        ),
        (
            bad(lambda parameters, x, h, dy: bptt.randomised(parameters, x, h, dy, cut=0, seed=-1)),
            ValueError,
            "seed must be at least 0, got -1",
        ),
        *(
            (bad(call, dy=np.ones((5, 2, 1))), ValueError, r"dy must .* = \(4, 2, 1\)")
            for call in (
                lambda parameters, x, h, dy: bptt.truncated(parameters, x, h, dy, back=2),
                lambda parameters, x, h0, dy: bptt.chunked(parameters, x, h0, dy, length=2),
                lambda parameters, x, h, dy: bptt.randomised(parameters, x, h, dy, cut=0.5, seed=0),
            )
        ),
        (lambda: bptt.surface("a", 1), TypeError, "u must hold numbers, got <U1"),
        (lambda: bptt.surface(1, [1, np.inf]), ValueError, "b must be finite, got inf"),
        (lambda: bptt.surface([1, 2], [1, 2, 3]), ValueError, r"broadcast, got shapes \(2,\) and"),
        (lambda: bptt.surface(1, 1, steps=0), ValueError, "steps must be at least 1, got 0"),
    ],
)
def test_bad_input_is_named(call, error, words):
    with pytest.raises(error, match=words):
        call()
