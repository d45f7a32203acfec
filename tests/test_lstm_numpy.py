import inspect

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from unrolled.lstm_numpy import (
    Gates,
    Trace,
    Weights,
    backward,
    carousel,
    cell_gradient,
    forward,
    step,
    step_backward,
)

STEP = 1e-30
size = st.integers(1, 5)
problems = st.builds(lambda *sizes_and_seed: problem(*sizes_and_seed), *[size] * 4, st.integers(0))
forces = st.dictionaries(st.sampled_from("ifgo"), st.sampled_from([0, 0.3, 1]))


def problem(T, B, I, H, seed):  # noqa: E741
    """Return a layer, inputs, initial states and the weights of a loss on outputs and last cell."""
    draw = np.random.default_rng(seed).standard_normal
    weights = Weights(draw((4 * H, I)), draw((4 * H, H)), draw(4 * H))
    return weights, draw((T, B, I)), draw((B, H)), draw((B, H)), draw((T, B, H)), draw((B, H))


def loss_of(trace, k, m):
    """Return a loss of every output and of the last cell state; the last output counts twice."""
    h, c = trace.h[1:], trace.c[-1]
    return (np.sin(h) * k).sum() + (h[-1] ** 2).sum() / 2 + (c**2 * m).sum()


def loss_gradient(trace, k, m):
    h, c = trace.h[1:], trace.c[-1]
    dh = np.cos(h) * k
    dh[-1] += h[-1]
    return dh, 2 * c * m


def gradients(weights, x, h0, c0, k, m, **force):
    trace = forward(x, h0, c0, weights, **force)
    gradient, *rest = backward(*loss_gradient(trace, k, m), x, trace, weights)
    return trace, [*gradient, *rest]


def assert_same(ours, references, relative=1e-10):
    for one, other in zip(ours, references, strict=True):
        assert one.shape == other.shape
        assert np.linalg.norm(one - other) <= relative * np.linalg.norm(other)


def complex_steps(function, arrays):
    """Return the derivative of a number with respect to each entry of each array."""
    derivatives = [np.zeros(each.shape) for each in arrays]
    for which, derivative in enumerate(derivatives):
        for index in np.ndindex(derivative.shape):
            moved = [each.astype(complex) for each in arrays]
            moved[which][index] += 1j * STEP
            derivative[index] = function(*moved).imag / STEP
    return derivatives


@given(problems)
@settings(max_examples=100, deadline=None, derandomize=True)
def test_is_torch_forward_and_backward(problem):
    weights, x, h0, c0, k, m = problem
    trace, ours = gradients(*problem)

    layer = nn.LSTM(x.shape[2], h0.shape[1]).double()
    split = np.random.default_rng(0).standard_normal(weights.b.shape)  # torch has two biases
    values = (weights.W, weights.U, weights.b - split, split)
    for each, value in zip(layer.parameters(), values, strict=True):
        each.data = torch.tensor(value)
    x, h0, c0 = leaves = [torch.tensor(each).requires_grad_() for each in (x, h0, c0)]
    h, (h_last, c_last) = layer(x, (h0[None], c0[None]))
    loss = (torch.sin(h) * torch.tensor(k)).sum() + (h_last**2).sum() / 2
    (loss + (c_last**2 * torch.tensor(m)).sum()).backward()

    assert_same([trace.h[1:], trace.c[-1]], [h.detach().numpy(), c_last.detach().numpy()[0]])
    W, U, b, _ = (each.grad.numpy() for each in layer.parameters())
    assert_same(ours, [W, U, b, *(each.grad.numpy() for each in leaves)])


@given(problems, forces)
@settings(max_examples=40, deadline=None, derandomize=True)
def test_backward_is_the_complex_step_with_any_gates_forced(problem, force):
    *arrays, k, m = problem
    weights, x, h0, c0 = arrays
    _, ours = gradients(*problem, force=force)

    def loss(W, U, b, x, h0, c0):
        return loss_of(forward(x, h0, c0, Weights(W, U, b), force=force), k, m)

    assert_same(ours, complex_steps(loss, [*weights, x, h0, c0]))


def test_backward_is_the_central_difference():
    *arrays, k, m = problem(6, 2, 3, 4, seed=1)
    weights, x, h0, c0 = arrays
    _, ours = gradients(*arrays, k, m)
    flat = np.concatenate([each.ravel() for each in (*weights, x, h0, c0)])
    shapes = [each.shape for each in (*weights, x, h0, c0)]

    def loss(values):
        cuts = np.cumsum([np.prod(shape) for shape in shapes])[:-1]
        parts = [v.reshape(s) for v, s in zip(np.split(values, cuts), shapes, strict=True)]
        return loss_of(forward(*parts[3:], Weights(*parts[:3])), k, m)

    differences = [(loss(flat + e) - loss(flat - e)) / 2e-5 for e in 1e-5 * np.eye(len(flat))]
    ours = np.concatenate([each.ravel() for each in ours])
    assert_same([ours], [np.array(differences)], relative=1e-8)


@pytest.mark.parametrize("entry", range(6))
def test_a_complex_step_through_the_gradient_gives_its_derivative(entry):
    (W, U, b), *rest, k, m = problem(4, 2, 2, 3, seed=2)
    arrays = [W, U, b, *rest]

    def gradient(change):
        moved = [each + change * (n == entry) for n, each in enumerate(arrays)]
        _, ours = gradients(Weights(*moved[:3]), *moved[3:], k, m)
        return np.concatenate([each.ravel() for each in ours])

    central = (gradient(1e-5) - gradient(-1e-5)) / 2e-5
    assert_same([gradient(1j * STEP).imag / STEP], [central], relative=1e-7)


def test_step_is_its_equations_and_the_rows_are_i_f_g_o():
    weights, x, h, c, *_ = problem(1, 1, 1, 1, seed=3)
    (W, U, b), x, h, c = (Weights(*(each.ravel() for each in weights)), *map(np.ravel, (x, h, c)))
    i, f, o = (1 / (1 + np.exp(-(W[r] * x + U[r] * h + b[r]))) for r in (0, 1, 3))
    g = np.tanh(W[2] * x + U[2] * h + b[2])
    new = f * c + i * g
    h_new, c_new, gates = step(x[None], h[None], c[None], weights)
    assert np.ravel(gates) == pytest.approx(np.ravel([i, f, g, o]), rel=1e-12)
    assert c_new[0] == pytest.approx(new, rel=1e-12)
    assert h_new[0] == pytest.approx(o * np.tanh(new), rel=1e-12)


def test_step_backward_is_the_derivative_of_step():
    weights, x, h, c, k, m = problem(1, 2, 3, 4, seed=4)
    _, c_new, gates = step(x[0], h, c, weights)
    da, dh, dc = step_backward(k[0], m, c, c_new, gates, weights)

    def loss(x, h, c, b):
        h, c, _ = step(x, h, c, weights._replace(b=b))
        return (h * k[0]).sum() + (c * m).sum()

    reference = complex_steps(loss, [x[0], h, c, weights.b])
    assert_same([da @ weights.W, dh, dc, da.sum(axis=0)], reference)


@pytest.mark.parametrize("name", Gates._fields)
def test_a_forced_gate_has_its_value_and_no_gradient(name):
    weights, x, h0, c0, k, m = problem(5, 2, 3, 4, seed=5)
    trace, (dW, dU, db, *_) = gradients(weights, x, h0, c0, k, m, force={name: 0.3})
    assert (getattr(trace.gates, name) == 0.3).all()
    rows = np.repeat([each == name for each in Gates._fields], 4)
    for each in (dW, dU, db):
        assert (each[rows] == 0).all()
        assert (each[~rows] != 0).all()


def test_forced_gates_keep_forget_write_and_hide():
    weights, x, h0, c0, *_ = problem(50, 2, 3, 4, seed=6)
    kept = forward(x, h0, c0, weights, force={"f": 1, "i": 0})
    assert (kept.c == c0).all()
    assert (kept.h[1:] == kept.gates.o * np.tanh(c0)).all()
    forgot = forward(x, h0, c0, weights, force={"f": 0})
    assert (forgot.c[1:] == forgot.gates.i * forgot.gates.g).all()
    decayed = forward(x, h0, c0, weights, force={"f": 0.9, "i": 0})
    assert_same([decayed.c[-1]], [0.9**50 * c0])
    counted = forward(x, h0, np.zeros_like(c0), weights, force={"f": 1, "i": 1, "g": 1})
    assert (counted.c == np.arange(51)[:, None, None]).all()
    assert (forward(x, h0, c0, weights, force={"o": 0}).h[1:] == 0).all()


def test_forcing_a_gate_is_what_a_large_bias_comes_to():
    weights, x, h0, c0, k, m = problem(5, 2, 3, 4, seed=7)
    rows = slice(4, 8)
    W, U, b = (each.copy() for each in weights)
    W[rows], U[rows], b[rows] = 0, 0, 100
    _, forced = gradients(weights, x, h0, c0, k, m, force={"f": 1})
    _, pinned = gradients(Weights(W, U, b), x, h0, c0, k, m)
    assert_same(forced, pinned)


@given(problems, forces)
@settings(max_examples=30, deadline=None, derandomize=True)
def test_sequences_of_a_batch_do_not_meet(problem, force):
    weights, x, h0, c0, k, m = problem
    trace, (*shared, dx, dh0, dc0) = gradients(*problem, force=force)
    alone = [
        gradients(weights, x[:, n], h0[n], c0[n], k[:, n], m[n], force=force)
        for n in (slice(n, n + 1) for n in range(len(h0)))
    ]
    for_each = [(t.h, t.c, g[3]) for t, g in alone]
    joined = [np.concatenate(each, axis=1) for each in zip(*for_each, strict=True)]
    assert_same([trace.h, trace.c, dx], joined, 1e-12)
    starts = [np.concatenate([g[n] for _, g in alone]) for n in (4, 5)]
    assert_same([dh0, dc0], starts, 1e-12)
    assert_same(shared, [np.sum([g[n] for _, g in alone], axis=0) for n in range(3)])
    for jacobians, (t, _) in zip(cell_gradient(trace, weights).swapaxes(0, 1), alone, strict=True):
        assert jacobians == pytest.approx(cell_gradient(t, weights)[:, 0], rel=1e-10, abs=1e-14)


@given(problems)
@settings(max_examples=30, deadline=None, derandomize=True)
def test_a_run_goes_on_where_another_stopped(problem):
    weights, x, h0, c0, k, m = problem
    whole, (W, U, b, dx, dh0, dc0) = gradients(*problem)
    cut = len(x) // 2
    if not cut:
        return
    first = forward(x[:cut], h0, c0, weights)
    second = forward(x[cut:], first.h[-1], first.c[-1], weights)
    assert (np.concatenate([first.h, second.h[1:]]) == whole.h).all()
    dh, dc = loss_gradient(whole, k, m)
    late, dx2, dh_cut, dc_cut = backward(dh[cut:], dc, x[cut:], second, weights)
    early_dh = dh[:cut].copy()
    early_dh[-1] += dh_cut
    early, dx1, *start = backward(early_dh, dc_cut, x[:cut], first, weights)
    assert_same(map(np.add, early, late), [W, U, b])
    assert_same([np.concatenate([dx1, dx2]), *start], [dx, dh0, dc0])


def later_cells(weights, x, trace, k, force):
    """Return c_T as a function of c_k, all before it held: h_k follows c_k, unless k is 0."""

    def last(c):
        h = trace.gates.o[k - 1] * np.tanh(c) if k else trace.h[0].astype(complex)
        return forward(x[k:], h, c, weights, force=force).c[-1] if k < len(x) else c

    return last


def jacobian(function, c):
    """Return the Jacobians of a function of ``(B, H)``, whose sequences do not meet."""
    columns = [function(c + 1j * STEP * unit).imag / STEP for unit in np.eye(c.shape[1])]
    return np.stack(columns, axis=-1)


@given(problems, forces)
@settings(max_examples=40, deadline=None, derandomize=True)
def test_cell_gradient_is_the_complex_step(problem, force):
    weights, x, h0, c0, *_ = problem
    trace = forward(x, h0, c0, weights, force=force)
    ours = cell_gradient(trace, weights)
    for k in range(len(x) + 1):
        reference = jacobian(later_cells(weights, x, trace, k, force), trace.c[k])
        assert ours[k].shape == reference.shape
        assert ours[k] == pytest.approx(reference, rel=1e-10, abs=1e-13)


def test_cell_gradient_goes_with_backward():
    """A loss of the last cell alone: a row of the Jacobian at 0 is the gradient of c_0."""
    weights, x, h0, c0, k, _ = problem(7, 2, 3, 4, seed=8)
    trace = forward(x, h0, c0, weights)
    full = cell_gradient(trace, weights)
    for row, unit in enumerate(np.eye(4)):
        *_, dc0 = backward(np.zeros_like(k), np.tile(unit, (2, 1)), x, trace, weights)
        assert_same([full[0, :, row]], [dc0])


def test_carousel_is_the_product_of_the_forget_gates():
    weights, x, h0, c0, *_ = problem(7, 2, 3, 4, seed=9)
    f = forward(x, h0, c0, weights).gates.f
    factor = carousel(f)
    assert factor.shape == (8, 2, 4)
    for k in range(8):
        assert_same([factor[k]], [np.prod(f[k:], axis=0)])
    assert_same([carousel(f[:3])[1]], [f[1] * f[2]])


def test_carousel_is_the_whole_gradient_without_recurrent_weights():
    weights, x, h0, c0, *_ = problem(7, 2, 3, 4, seed=10)
    weights = weights._replace(U=np.zeros_like(weights.U))
    trace = forward(x, h0, c0, weights)
    factor = carousel(trace.gates.f)
    assert_same([cell_gradient(trace, weights)], [factor[..., None] * np.eye(4)])
    for k in range(8):
        last, c = later_cells(weights, x, trace, k, {}), trace.c[k]
        central = (last(c + 1e-5) - last(c - 1e-5)) / 2e-5  # units do not meet: all at once
        assert_same([factor[k]], [central], relative=1e-8)
        assert_same([factor[k]], [last(c + 1j * STEP).imag / STEP], relative=1e-12)


def test_carousel_is_all_that_is_left_when_the_gates_are_cut_off():
    """The truncated gradient of 1997: c_T from c_k where no gate hears h_k."""
    weights, x, h0, c0, *_ = problem(6, 2, 3, 4, seed=11)
    trace = forward(x, h0, c0, weights)
    c = later = torch.tensor(trace.c[0]).requires_grad_()
    h = torch.tensor(h0)
    for x_t in torch.tensor(x):
        a = x_t @ torch.tensor(weights.W).T + h.detach() @ torch.tensor(weights.U).T
        i, f, g, o = (a + torch.tensor(weights.b)).chunk(4, dim=1)
        later = f.sigmoid() * later + i.sigmoid() * g.tanh()
        h = o.sigmoid() * later.tanh()
    (truncated,) = torch.autograd.grad(later.sum(), c)
    assert_same([carousel(trace.gates.f)[0]], [truncated.numpy()])
    full = cell_gradient(trace, weights)[0]
    assert np.abs(full - truncated.numpy()[..., None] * np.eye(4)).max() > 0.01


def test_the_carousel_neither_fades_nor_grows_with_f_at_one():
    weights, x, h0, c0, *_ = problem(1000, 1, 2, 3, seed=12)
    open_ = forward(x, h0, c0, weights, force={"f": 1})
    assert (carousel(open_.gates.f) == 1).all()
    leaky = forward(x, h0, c0, weights, force={"f": 0.9})
    assert carousel(leaky.gates.f)[0] == pytest.approx(0.9**1000, rel=1e-10)


def test_saturated_gates_do_not_overflow():
    weights, x, h0, c0, k, m = problem(3, 2, 3, 4, seed=13)
    _, ours = gradients(Weights(*(1e5 * each for each in weights)), x, h0, c0, k, m)
    assert all(np.isfinite(each).all() for each in ours)


@pytest.mark.parametrize("function", [forward, backward, cell_gradient, step, step_backward])
def test_nothing_is_written_into_its_arguments(function):
    arguments = good()
    for array in arrays_in(arguments):
        array.flags.writeable = False
    names = [name for name in inspect.signature(function).parameters if name != "force"]
    function(*(single(function, arguments)[name] for name in names))


def arrays_in(value):
    if isinstance(value, np.ndarray):
        return [value]
    parts = value.values() if isinstance(value, dict) else value
    return [array for each in parts for array in arrays_in(each)] if parts != "" else []


def good():
    """Return an argument of every name, for functions that take sequences."""
    weights, x, h0, c0, dh, dc = problem(4, 2, 3, 5, seed=14)
    trace = forward(x, h0, c0, weights)
    sequence = {"x": x, "h0": h0, "c0": c0, "dh": dh, "dc": dc, "f": trace.gates.f}
    return sequence | {"trace": trace, "weights": weights}


def single(function, arguments):
    """Return the arguments of the first step, for functions that take one."""
    if function not in (step, step_backward):
        return arguments
    c, gates = arguments["trace"].c, Gates(*(each[0] for each in arguments["trace"].gates))
    one = {"x": arguments["x"][0], "h": arguments["h0"], "c": c[0], "gates": gates}
    return arguments | one | {"dh": arguments["dh"][0], "before": c[0], "after": c[1]}


def ones(*shape):
    return np.ones(shape)


WEIGHTS = Weights(ones(20, 3), ones(20, 5), ones(20))
GATES = Gates(*[ones(2, 5)] * 4)
TRACE = Trace(ones(5, 2, 5), ones(5, 2, 5), Gates(*[ones(4, 2, 5)] * 4), {})
SHORT = TRACE._replace(gates=TRACE.gates._replace(o=ones(3, 2, 5)))


@pytest.mark.parametrize(
    ("function", "changes", "error", "words"),
    [
        (step, {"weights": 1}, TypeError, "weights must be a Weights, got 1"),
        (
            step,
            {"weights": WEIGHTS._replace(U=ones(5, 5))},
            ValueError,
            r"U must have shape \(4H, H\) = \(20, 5\), each at least 1, got \(5, 5\)",
        ),
        (step, {"weights": WEIGHTS._replace(W=ones(3, 20))}, ValueError, r"W .* got \(3, 20\)"),
        (step, {"weights": WEIGHTS._replace(b=ones(5))}, ValueError, r"b .* = \(20\), .* \(5,\)"),
        (step, {"x": ones(2, 4)}, ValueError, r"x .* \(B, I\) = \(2, 3\), .* got \(2, 4\)"),
        (step, {"x": ones(3)}, ValueError, r"x .* \(B, I\) = \(B, 3\), .* got \(3,\)"),
        (step, {"h": ones(1, 5)}, ValueError, r"h must have .* = \(2, 5\), .* got \(1, 5\)"),
        (step, {"c": ones(2, 1)}, ValueError, r"c must have .* = \(2, 5\), .* got \(2, 1\)"),
        (step, {"c": [[1.0]]}, TypeError, "c must be an array of floating-.* got list"),
        (step, {"c": np.ones((2, 5), int)}, TypeError, "c must .* numbers, got int64"),
        (step, {"force": {"z": 1}}, ValueError, "force must .* among i, f, g, o, got 'z'"),
        (step, {"force": {"f": 1.5}}, ValueError, r"force\['f'\] must be from 0 to 1, got 1.5"),
        (step, {"force": {"i": -0.5}}, ValueError, r"force\['i'\] must be from 0 to 1, got -0.5"),
        (step, {"force": {"g": -2}}, ValueError, r"force\['g'\] must be from -1 to 1, got -2"),
        (step, {"force": {"o": "open"}}, TypeError, r"force\['o'\] must be a number, got 'open'"),
        (forward, {"x": ones(2, 3)}, ValueError, r"x must have shape \(T, B, I\) = \(T, B, 3\)"),
        (forward, {"x": ones(0, 2, 3)}, ValueError, r"x .* each at least 1, got \(0, 2, 3\)"),
        (forward, {"h0": ones(3, 5)}, ValueError, r"h0 .* = \(2, 5\), .* got \(3, 5\)"),
        (forward, {"c0": ones(5)}, ValueError, r"c0 .* = \(2, 5\), .* got \(5,\)"),
        (forward, {"force": {"f": 2}}, ValueError, r"force\['f'\] must be from 0 to 1, got 2"),
        (step_backward, {"dh": ones(4, 2, 5)}, ValueError, r"dh .* = \(B, 5\), .* got \(4, 2, 5\)"),
        (step_backward, {"dc": ones(1, 5)}, ValueError, r"dc .* = \(2, 5\), .* got \(1, 5\)"),
        (step_backward, {"before": ones(5)}, ValueError, r"before .* = \(2, 5\), .* got \(5,\)"),
        (step_backward, {"after": ones(5)}, ValueError, r"after .* = \(2, 5\), .* got \(5,\)"),
        (step_backward, {"gates": [1]}, TypeError, "gates must be a Gates, got list"),
        (
            step_backward,
            {"gates": GATES._replace(f=ones(4, 2, 5))},
            ValueError,
            r"gates.f must have shape \(B, H\) = \(2, 5\), each at least 1, got \(4, 2, 5\)",
        ),
        (step_backward, {"force": {"h": 1}}, ValueError, "force must .* among i, f, g, o, got 'h'"),
        (backward, {"dh": ones(3, 2, 5)}, ValueError, r"dh .* = \(4, 2, 5\), .* got \(3, 2, 5\)"),
        (backward, {"dc": ones(4, 2, 5)}, ValueError, r"dc .* = \(2, 5\), .* got \(4, 2, 5\)"),
        (backward, {"x": ones(5, 2, 3)}, ValueError, r"dh .* = \(5, 2, 5\), .* got \(4, 2, 5\)"),
        (backward, {"trace": ()}, TypeError, "trace must be a Trace, got tuple"),
        (backward, {"trace": SHORT}, ValueError, r"trace.gates.o .* \(4, 2, 5\), .* \(3, 2, 5\)"),
        (
            backward,
            {"trace": TRACE._replace(h=ones(4, 2, 5))},
            ValueError,
            r"trace.h must have shape \(T\+1, B, H\) = \(5, 2, 5\), each at least 1, got \(4, 2, 5",
        ),
        (
            cell_gradient,
            {"trace": TRACE._replace(gates=1)},
            TypeError,
            "trace.gates must be a Gates",
        ),
        (
            cell_gradient,
            {"trace": TRACE._replace(c=ones(1, 2, 5))},
            ValueError,
            r"trace.c .* \(5, ",
        ),
        (carousel, {"f": ones(4, 5)}, ValueError, r"f .* \(T, B, H\) = \(T, B, H\), .* \(4, 5\)"),
        (carousel, {"f": 1.0}, TypeError, "f must be an array of floating-.* got float"),
    ],
)
def test_bad_input_is_named(function, changes, error, words):
    arguments = single(function, good()) | changes
    force = {"force": changes["force"]} if "force" in changes else {}
    names = [name for name in inspect.signature(function).parameters if name != "force"]
    with pytest.raises(error, match=words):
        function(*(arguments[name] for name in names), **force)
