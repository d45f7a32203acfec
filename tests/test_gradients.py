import math

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from unrolled import gradients

sizes = st.tuples(st.integers(1, 6), st.integers(1, 3), st.integers(1, 5), st.integers(0, 10**6))


def random(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def close(found, expected, rtol=1e-10, atol=1e-12):
    torch.testing.assert_close(found, expected, rtol=rtol, atol=atol)


def tanh_rnn(T, B, H, seed):
    """Weights, inputs and the trajectory h_0 .. h_T of a small tanh network."""
    U, x = random(H, H, seed=seed), random(T, B, H, seed=seed + 1)
    states = [random(B, H, seed=seed + 2).tanh().requires_grad_()]
    for t in range(T):
        states.append(torch.tanh(states[-1] @ U.T + x[t]))
    return U, x, states


# Jacobians and their products


@given(sizes)
@settings(max_examples=40, deadline=None)
def test_jacobians_are_the_derived_ones_and_finite_differences(size):
    T, B, H, seed = size
    U, x, states = tanh_rnn(T, B, H, seed)

    def step(h, x):
        return torch.tanh(h @ U.T + x)

    h = torch.stack(states).detach()
    J = gradients.step_jacobians(step, h[:-1], x)
    close(J, (1 - h[1:] ** 2)[..., None] * U)
    nudge = 1e-6 * torch.eye(H, dtype=torch.float64)
    ahead, behind = (step(h[:-1, :, None] + way * nudge, x[:, :, None]) for way in (1, -1))
    close(J, ((ahead - behind) / 2e-6).mT, rtol=1e-6, atol=1e-8)
    close(gradients.step_jacobians(step, h[:-1, 0], x[:, 0]), J[:, 0])


@given(sizes)
@settings(max_examples=40, deadline=None)
def test_products_are_what_autograd_finds_through_the_whole_loop(size):
    T, B, H, seed = size
    U, _, states = tanh_rnn(T, B, H, seed)
    h = torch.stack(states).detach()
    P = gradients.products((1 - h[1:] ** 2)[..., None] * U)
    for i in range(H):
        row = torch.autograd.grad(states[-1][:, i].sum(), states[:-1], retain_graph=True)
        close(P[:, :, i], torch.stack(row))


def test_a_library_cell_and_a_joined_state_have_jacobians():
    torch.manual_seed(0)
    cell, lstm = nn.RNNCell(2, 3).double(), nn.LSTMCell(2, 3).double()
    h, x = random(4, 5, 3).tanh(), random(4, 5, 2)
    J = gradients.step_jacobians(lambda h, x: cell(x, h), h, x)
    after = cell(x.flatten(0, 1), h.flatten(0, 1)).reshape(h.shape).detach()
    close(J, (1 - after**2)[..., None] * cell.weight_hh.detach())
    assert not J.requires_grad

    def step(state, x):
        return torch.cat(lstm(x, state.split(3)))

    J = gradients.step_jacobians(step, random(4, 6), x[:, 0])
    f = torch.autograd.functional.jacobian(lambda s: step(s, x[1, 0]), random(4, 6)[1])
    close(J[1], f)


def test_a_map_without_inputs_has_jacobians():
    h = random(7, 2)
    close(gradients.step_jacobians(torch.sin, h), torch.diag_embed(h.cos()))


def test_products_say_when_they_overflow_and_underflow_to_zero():
    eye = torch.eye(2, dtype=torch.float64).expand(400, 2, 2)
    with pytest.raises(FloatingPointError, match=r"400 Jacobians overflows torch\.float64"):
        gradients.products(10 * eye)
    assert gradients.products(0.1 * eye)[0].count_nonzero() == 0
    for rate in (0.1, 10):
        spectrum = gradients.singular_spectrum(rate * eye)
        steps = torch.arange(400, 0, -1, dtype=torch.float64)
        close(spectrum, (steps * math.log(rate))[:, None].expand(400, 2))


# Singular spectra


@given(sizes)
@settings(max_examples=40, deadline=None)
def test_short_spectra_are_those_of_the_plain_products(size):
    J = random(*size[:3], size[2], seed=size[3])
    P = gradients.products(J)
    kept = torch.linalg.cond(P) < 1e5  # beyond, the plain product has lost the small ones
    plain = torch.linalg.svdvals(P).log()
    close(gradients.singular_spectrum(J)[kept], plain[kept], rtol=1e-8, atol=1e-8)


def turning(T, H):
    """Jacobians that stretch along fixed axes, smallest first, after others of uneven rows."""
    axes = torch.logspace(-2, 1, H, dtype=torch.float64).diag().expand(T, H, H)
    return torch.cat([random(T, H, H) * torch.exp(6 * random(T, H, 1, seed=1).tanh()), axes])


def exact_spectrum(J):
    with mpmath.workdps(700):
        P = mpmath.eye(J.shape[-1])
        for matrix in J.flip(0).tolist():
            P = P * mpmath.matrix(matrix)
        return torch.tensor(
            [float(mpmath.log(value)) for value in mpmath.svd_r(P, compute_uv=False)],
            dtype=torch.float64,
        )


@pytest.mark.parametrize(
    "J",
    [
        random(60, 5, 5) / 5**0.5,
        random(1, 4, 4),
        random(80, 4, 4) * torch.logspace(-3, 0, 4, dtype=torch.float64),
        random(80, 4, 4) * torch.logspace(0, -3, 4, dtype=torch.float64)[:, None],
        random(60, 4, 4).tril(),
        random(4, 4).expand(90, 4, 4),
        torch.tensor([1e-3, 1e-1, 1, 2], dtype=torch.float64).diag().expand(90, 4, 4),
        torch.tensor([[0.9, 10.0], [0, 0.8]], dtype=torch.float64).expand(300, 2, 2),
        turning(10, 6),
    ],
    ids=[
        "gaussian",
        "one",
        "columns",
        "rows",
        "triangular",
        "constant",
        "diagonal",
        "long",
        "turning",
    ],
)
def test_long_spectra_keep_their_small_values(J):
    """Against 700 digits: float64 holds 16, and these spectra span up to 290."""
    close(gradients.singular_spectrum(J)[0], exact_spectrum(J), rtol=0, atol=1e-9)


def test_a_batch_has_the_spectra_of_its_sequences():
    J = torch.stack([turning(10, 4), random(20, 4, 4), random(4, 4).expand(20, 4, 4)], dim=1)
    alone = [gradients.singular_spectrum(each) for each in J.unbind(1)]
    close(gradients.singular_spectrum(J), torch.stack(alone, dim=1))


def test_a_lost_direction_is_minus_infinity_and_nothing_else_is_nan():
    J = random(12, 3, 3)
    J[5, :, 1] = 0
    spectrum = gradients.singular_spectrum(J)
    assert spectrum[6:].isfinite().all()
    assert spectrum[:6, :2].isfinite().all()
    assert (spectrum[:6, 2] < -30).all()  # 0 up to rounding
    assert (gradients.singular_spectrum(torch.zeros(3, 2, 2)) == -math.inf).all()
    assert (gradients.lyapunov_exponents(torch.zeros(3, 2, 2)) == -math.inf).all()


def test_spectra_over_time_tend_to_the_exponents():
    J = random(250, 4, 4)
    rates = gradients.singular_spectrum(J)[0] / 250
    close(rates, gradients.lyapunov_exponents(J), rtol=0, atol=0.03)


# Lyapunov exponents


@given(sizes)
@settings(max_examples=40, deadline=None)
def test_exponents_sum_to_the_mean_log_determinant(size):
    T, B, H, seed = size
    J = random(T, B, H, H, seed=seed)
    exponents = gradients.lyapunov_exponents(J)
    volume = torch.linalg.slogdet(J).logabsdet.mean(0)
    close(exponents.sum(-1), volume, rtol=1e-9, atol=1e-9)
    assert (exponents.diff(dim=-1) <= 0).all()
    close(gradients.lyapunov_exponents(J[:, 0]), exponents[0])


def test_exponents_with_known_answers():
    rates = torch.tensor([0.5, -3.0, 1e-4], dtype=torch.float64)
    expected = rates.abs().log().sort(descending=True).values
    close(gradients.lyapunov_exponents(rates.diag().expand(500, 3, 3)), expected)

    Q = torch.stack([gradients.orthogonal(6, seed=k, dtype=torch.float64) for k in range(200)])
    close(gradients.lyapunov_exponents(Q), torch.zeros(6, dtype=torch.float64))

    R = random(200, 4, 4).triu()  # the product's diagonal is the product of the diagonals
    known = R.diagonal(dim1=1, dim2=2).abs().log().mean(0).sort(descending=True).values
    close(gradients.lyapunov_exponents(R), known)

    A = random(5, 5)
    moduli = torch.linalg.eigvals(A).abs().log().sort(descending=True).values
    close(gradients.lyapunov_exponents(A.expand(3000, 5, 5)), moduli, rtol=0, atol=5e-3)


def test_exponents_of_gaussian_matrices_are_newmans():
    """Newman 1986: 2 λ_i = log 2 + ψ((H - i + 1) / 2) for standard normal entries."""
    H, T = 3, 1000
    found = gradients.lyapunov_exponents(random(T, 20, H, H)).mean(0)
    expected = [0.5 * (math.log(2) + float(mpmath.digamma((H - i) / 2))) for i in range(H)]
    assert found.tolist() == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize("w", [0.5, 0.9, 1.5, 3.0, -2.0])
def test_exponent_of_the_scalar_tanh_map(w):
    """The map settles where h = ±tanh(|w| h): the exponent is log |w (1 - h²)|."""
    h = [0.3]
    for _ in range(3000):
        h.append(math.tanh(w * h[-1]))
    orbit = torch.tensor(h[1000:-1], dtype=torch.float64)[:, None]
    J = gradients.step_jacobians(lambda h: torch.tanh(w * h), orbit)
    rest = float(mpmath.findroot(lambda h: mpmath.tanh(abs(w) * h) - h, 0.9)) if abs(w) > 1 else 0.0
    expected = math.log(abs(w) * (1 - rest**2))
    assert float(gradients.lyapunov_exponents(J)) == pytest.approx(expected, abs=1e-9)


# Gradient norms, and what the conditions say


def linear_states(U, T, seed=0):
    states = [random(len(U), seed=seed).requires_grad_()]
    for _ in range(T):
        states.append(U @ states[-1])
    return states


def test_gradient_norms_are_the_errors_passed_back():
    T, B, H = 6, 3, 4
    U, _, states = tanh_rnn(T, B, H, 5)
    weight = random(T + 1, B, H, seed=9)
    norms = gradients.gradient_norms((torch.stack(states) * weight).sum(), states)
    error, expected = weight[T], [weight[T].norm(dim=-1)]
    for t in reversed(range(T)):
        error = weight[t] + (error * (1 - states[t + 1].detach() ** 2)) @ U
        expected.append(error.norm(dim=-1))
    close(norms, torch.stack(expected[::-1]))


def test_the_graph_is_left_for_another_way_back():
    _, _, states = tanh_rnn(4, 2, 3, 5)
    loss = states[-1].square().sum()
    gradients.gradient_norms(loss, states)
    loss.backward()
    assert states[0].grad.abs().sum() > 0


def test_gradient_norms_do_not_underflow():
    U = 0.5 * torch.eye(3)
    states = linear_states(U.double(), 900)
    norms = gradients.gradient_norms(states[-1].sum(), states)
    assert math.log2(norms[0] / norms[-1]) == pytest.approx(-900)


def test_gradient_norms_stop_at_a_truncation():
    U = random(3, 3)
    states = linear_states(U, 3)
    states.append((U @ states[-1].detach()).requires_grad_())
    states.append(U @ states[-1])
    norms = gradients.gradient_norms(states[-1].sum(), states)
    assert (norms > 0).tolist() == [False] * 4 + [True] * 2


@given(st.integers(1, 6), st.floats(0.3, 1.7), st.integers(0, 10**6))
@settings(max_examples=20, deadline=None)
def test_a_linear_gradient_tends_to_the_spectral_radius(H, rho, seed):
    Q = gradients.orthogonal(H, seed=seed, dtype=torch.float64)
    eigenvalues = rho * torch.linspace(1, 0.5, H + 1, dtype=torch.float64)[:H]
    eigenvalues[1:] *= 0.8
    U = Q @ (eigenvalues.diag() + random(H, H, seed=seed).triu(1)) @ Q.T  # not normal
    close(gradients.spectral_radius(U), torch.tensor(rho, dtype=torch.float64), rtol=1e-6)
    states = linear_states(U, 300)
    norms = gradients.gradient_norms(states[-1].sum(), states)
    close((norms[0] / norms[50]) ** (1 / 50), torch.tensor(rho, dtype=torch.float64), rtol=1e-6)


def test_a_radius_below_one_vanishes_but_can_grow_first():
    """A non-normal matrix: the radius rules the end of the curve, the norm its beginning."""
    U = torch.tensor([[0.9, 10.0], [0.0, 0.8]], dtype=torch.float64)
    assert gradients.spectral_radius(U) == pytest.approx(0.9)
    assert gradients.spectral_norm(U) > 10
    states = linear_states(U, 300)
    distance = gradients.gradient_norms(states[-1].sum(), states).flip(0)
    assert distance[:20].max() > 15 * distance[0]
    assert distance[300] < 1e-9 * distance[0]
    assert distance[300] / distance[299] == pytest.approx(0.9, abs=1e-9)


def test_a_radius_of_one_can_still_grow_but_not_geometrically():
    U = torch.tensor([[1.0, 1.0], [0.0, 1.0]], dtype=torch.float64)
    norm = gradients.spectral_norm(gradients.products(U.expand(4000, 2, 2)))
    assert norm[0] / norm[2000] == pytest.approx(2, abs=1e-3)


@pytest.mark.parametrize(
    ("phi", "gamma"), [(torch.tanh, 1.0), (torch.sigmoid, 0.25), (torch.relu, 1.0)]
)
@given(size=sizes)
@settings(max_examples=20, deadline=None)
def test_a_nonlinear_gradient_obeys_the_largest_singular_value(phi, gamma, size):
    T, B, H, seed = size
    U, x = random(H, H, seed=seed), random(T, B, H, seed=seed + 1)
    U = U * (0.99 / gamma / gradients.spectral_norm(U))
    h = [random(B, H, seed=seed + 2)]
    for t in range(T):
        h.append(phi(h[-1] @ U.T + x[t]))
    J = gradients.step_jacobians(lambda h, x: phi(h @ U.T + x), torch.stack(h[:-1]), x)
    bound = 0.99 ** torch.arange(T, 0, -1, dtype=torch.float64)
    assert (gradients.spectral_norm(gradients.products(J)) <= bound[:, None] * (1 + 1e-9)).all()


def test_a_tanh_gradient_can_explode_at_spectral_radius_zero():
    """So the radius is no condition for a nonlinear network. The inputs hold the state still."""
    U = torch.tensor([[2.0, 2.0], [-2.0, -2.0]], dtype=torch.float64)
    assert gradients.spectral_radius(U) < 1e-6
    rest = torch.tensor([0.0, math.sqrt(0.8)], dtype=torch.float64)  # tanh' is 1 and 0.2
    x = torch.atanh(rest) - U @ rest

    def step(h):
        return torch.tanh(U @ h + x)

    close(step(rest), rest)
    J = gradients.step_jacobians(step, rest.expand(100, 2))
    assert gradients.singular_spectrum(J)[0, 0] > 99 * math.log(1.6)
    assert float(gradients.lyapunov_exponents(J)[0]) == pytest.approx(math.log(1.6), abs=0.02)


# Weights


@given(st.integers(1, 12), st.integers(0, 10**6), st.floats(0, 3))
@settings(max_examples=30, deadline=None)
def test_orthogonal_is_torchs_and_orthogonal(H, seed, gain):
    U = gradients.orthogonal(H, seed=seed, gain=gain, dtype=torch.float64)
    close(U.T @ U, gain**2 * torch.eye(H, dtype=torch.float64))
    theirs = torch.empty(H, H, dtype=torch.float64)
    nn.init.orthogonal_(theirs, gain, generator=torch.Generator().manual_seed(seed))
    close(U, theirs)
    close(gradients.spectral_radius(U), torch.tensor(gain, dtype=torch.float64))
    close(gradients.spectral_norm(U), torch.tensor(gain, dtype=torch.float64))


def test_orthogonal_is_uniform():
    """The trace of a uniform Q has mean 0 and variance 1; without the signs it has not."""
    traces = torch.stack([gradients.orthogonal(3, seed=k).trace() for k in range(2000)])
    assert float(traces.mean()) == pytest.approx(0, abs=0.1)
    assert float(traces.var()) == pytest.approx(1, abs=0.15)


def test_gaussian_weights_follow_the_circular_law():
    U = gradients.gaussian(400, std=0.8 / 20, seed=0)
    assert float(U.std()) == pytest.approx(0.04, rel=0.01)
    assert float(gradients.spectral_radius(U)) == pytest.approx(0.8, rel=0.1)
    assert float(gradients.spectral_norm(U)) == pytest.approx(1.6, rel=0.05)


def test_identity_keeps_the_gradient_of_a_positive_rectifier_network():
    assert (gradients.identity(3, scale=0.5) == 0.5 * torch.eye(3)).all()
    U = gradients.identity(4, dtype=torch.float64)
    h = random(50, 4).abs()
    J = gradients.step_jacobians(lambda h: torch.relu(h @ U.T), h)
    assert (gradients.singular_spectrum(J) == 0).all()


@given(st.integers(1, 30), st.data())
@settings(max_examples=40, deadline=None)
def test_sparse_weights_have_their_fan_in_and_radius(H, data):
    fan_in = data.draw(st.integers(1, H))
    U = gradients.sparse(H, seed=H, fan_in=fan_in, radius=0.95, dtype=torch.float64)
    assert (U.count_nonzero(dim=1) == fan_in).all()
    close(gradients.spectral_radius(U), torch.tensor(0.95, dtype=torch.float64), rtol=1e-8)


def test_sparse_weights_are_by_default_those_of_the_paper():
    U = gradients.sparse(40, seed=0, dtype=torch.float64)
    assert (U.count_nonzero(dim=1) == 15).all()
    assert float(gradients.spectral_radius(U)) == pytest.approx(0.95)


def test_sparse_weights_come_from_everywhere():
    used = sum(gradients.sparse(20, seed=k, fan_in=5).ne(0).double() for k in range(200)) / 200
    assert used.sub(0.25).abs().max() < 0.14


@pytest.mark.parametrize(
    "draw",
    [
        lambda seed, dtype: gradients.gaussian(20, std=0.1, seed=seed, dtype=dtype),
        lambda seed, dtype: gradients.orthogonal(20, seed=seed, dtype=dtype),
        lambda seed, dtype: gradients.sparse(20, seed=seed, dtype=dtype),
    ],
    ids=["gaussian", "orthogonal", "sparse"],
)
def test_weights_are_a_function_of_their_seed(draw):
    before = torch.get_rng_state()
    assert torch.equal(draw(3, None), draw(3, None))
    assert not torch.equal(draw(3, None), draw(4, None))
    assert torch.equal(torch.get_rng_state(), before)
    assert draw(3, None).dtype == torch.float32
    close(draw(3, None).double(), draw(3, torch.float64), rtol=1e-6, atol=1e-7)
    assert not torch.equal(draw(2**63 - 1, None), draw(2**63 - 2, None))


@given(sizes)
@settings(max_examples=20, deadline=None)
def test_the_radius_is_at_most_the_norm(size):
    U = random(*size[:3], size[2], seed=size[3])
    radius, norm = gradients.spectral_radius(U), gradients.spectral_norm(U)
    assert radius.shape == norm.shape == size[:2]
    assert (radius <= norm * (1 + 1e-9)).all()
    symmetric = U + U.mT
    close(gradients.spectral_radius(symmetric), gradients.spectral_norm(symmetric))


# Clipping


@given(st.floats(1e-3, 1e3), st.floats(1e-3, 1e3), st.integers(0, 10**6))
@settings(max_examples=40, deadline=None)
def test_clipping_by_norm_is_torchs_but_for_its_epsilon(threshold, size, seed):
    g = [size * random(3, 2, seed=seed), size * random(4, seed=seed + 1)]
    clipped, norm = gradients.clip_by_norm(g, threshold)
    parameters = [nn.Parameter(torch.zeros_like(each)) for each in g]
    for parameter, each in zip(parameters, g, strict=True):
        parameter.grad = each.clone()
    theirs = nn.utils.clip_grad_norm_(parameters, threshold)
    assert norm == pytest.approx(float(theirs), rel=1e-12)
    epsilon = (norm + 1e-6) / norm if norm + 1e-6 > threshold else 1
    for ours, parameter in zip(clipped, parameters, strict=True):
        close(ours, parameter.grad * (epsilon if norm > threshold else 1), rtol=1e-6)
        if norm > threshold + 1e-6:
            close(ours, parameter.grad * epsilon)
    whole = torch.cat([each.flatten() for each in clipped])
    assert float(whole.norm()) == pytest.approx(min(norm, threshold), rel=1e-12)


def test_clipping_by_norm_takes_gradients_that_can_be_read_once():
    g = [random(3, seed=1), random(2, 2, seed=2)]
    expected, norm = gradients.clip_by_norm(g, 0.1)
    found, of_stream = gradients.clip_by_norm(iter(g), 0.1)
    assert of_stream == norm
    assert [each.tolist() for each in found] == [each.tolist() for each in expected]


def test_clipping_by_norm_keeps_the_direction_and_clipping_by_value_does_not():
    g = torch.tensor([3.0, 0.1, -0.4], dtype=torch.float64)
    (clipped,), norm = gradients.clip_by_norm([g], 0.5)
    close(clipped / clipped.norm(), g / norm)
    parameter = nn.Parameter(torch.zeros(3, dtype=torch.float64))
    parameter.grad = g.clone()
    nn.utils.clip_grad_value_([parameter], 0.5)
    assert torch.cosine_similarity(parameter.grad, g, dim=0) < 0.9
    assert g.tolist() == [3.0, 0.1, -0.4]


# Pascanu's regulariser


def omega_by_elements(U, states, errors):
    """The sum as the paper writes it, one number at a time."""
    T, B, H = states.shape
    total = 0.0
    for b in range(B):
        for k in range(T - 1):
            slope = 1 - states[k, b] ** 2
            delta = errors[k + 1, b] * (1 - states[k + 1, b] ** 2)
            back = [sum(delta[i] * U[i, j] * slope[j] for i in range(H)) for j in range(H)]
            ratio = math.hypot(*back) / math.hypot(*delta)
            total += (ratio - 1) ** 2 / B
    return total


@given(sizes)
@settings(max_examples=30, deadline=None)
def test_omega_is_the_papers_and_its_gradient_the_immediate_one(size):
    T, B, H, seed = size
    U, _, trajectory = tanh_rnn(T, B, H, seed)
    states = torch.stack(trajectory).detach()
    errors = random(T + 1, B, H, seed=seed + 3)
    value, gradient = gradients.omega(U, states, errors)
    arrays = U.numpy(), states.numpy(), errors.numpy()
    assert float(value) == pytest.approx(omega_by_elements(*arrays), rel=1e-10)

    W = U.clone().requires_grad_()
    slope = 1 - states**2
    delta = (errors * slope)[1:]
    ratio = (delta @ W * slope[:-1]).norm(dim=-1) / delta.norm(dim=-1)
    ((ratio - 1) ** 2).mean(1).sum().backward()
    close(gradient, W.grad, rtol=1e-9, atol=1e-10 * float(W.grad.abs().max()))

    i, j = seed % H, seed // 7 % H
    nudge = np.zeros((H, H))
    nudge[i, j] = 1e-6
    ahead, behind = (omega_by_elements(U.numpy() + way * nudge, *arrays[1:]) for way in (1, -1))
    slack = 1e-5 * max(1.0, float(gradient.abs().max()))
    assert float(gradient[i, j]) == pytest.approx((ahead - behind) / 2e-6, abs=slack)


def test_the_jacobian_in_omega_is_that_of_the_pre_activations():
    """δ_k as autograd finds it on x_k, and dx_{k+1}/dx_k by torch.func."""
    U, inputs, _ = tanh_rnn(5, 1, 3, 4)
    x = [random(3).requires_grad_()]
    h = [x[0].tanh()]
    for t in range(5):
        x.append(U @ h[-1] + inputs[t, 0])
        h.append(x[-1].tanh())
    loss = (torch.stack(h) * random(6, 3, seed=8)).sum()
    delta = torch.autograd.grad(loss, x, retain_graph=True)
    errors = torch.stack(torch.autograd.grad(loss, h))
    J = gradients.step_jacobians(lambda x: U @ x.tanh(), torch.stack(x[:-1]))
    back = torch.stack([delta[k + 1] @ J[k] for k in range(5)]).norm(dim=-1)
    expected = ((back / torch.stack(delta[1:]).norm(dim=-1) - 1) ** 2).sum()
    close(gradients.omega(U, torch.stack(h), errors)[0], expected)


def test_the_immediate_gradient_of_omega_is_not_the_whole_one():
    U = random(3, 3).requires_grad_()
    h = [torch.zeros(1, 3, dtype=torch.float64)]
    for t in range(5):
        h.append(torch.tanh(h[-1] @ U.T + random(1, 3, seed=t)))
    states, errors = torch.stack(h), random(6, 1, 3, seed=9)
    slope = 1 - states**2
    delta = (errors * slope)[1:]
    ratio = (delta @ U * slope[:-1]).norm(dim=-1) / delta.norm(dim=-1)
    (whole,) = torch.autograd.grad(((ratio - 1) ** 2).sum(), U)
    value, gradient = gradients.omega(U, states, errors)
    assert not value.requires_grad
    assert not gradient.requires_grad
    assert (gradient - whole).norm() > 0.1 * whole.norm()


def test_omega_cares_only_for_the_direction_of_an_error_and_leaves_out_zeros():
    U, _, trajectory = tanh_rnn(4, 2, 3, 1)
    states, errors = torch.stack(trajectory).detach(), random(5, 2, 3)
    value, gradient = gradients.omega(U, states, errors)
    scales = 10.0 ** torch.tensor([0, -200, -300, 100, 300], dtype=torch.float64)[:, None, None]
    for found, expected in zip(
        gradients.omega(U, states, errors * scales), (value, gradient), strict=True
    ):
        close(found, expected)
    errors[3:] = 0  # a loss at step 2 alone
    for found, expected in zip(
        gradients.omega(U, states, errors),
        gradients.omega(U, states[:3], errors[:3]),
        strict=True,
    ):
        close(found, expected)
    saturated = gradients.omega(U, torch.ones_like(states), errors)
    assert all((each == 0).all() for each in saturated)
    value, gradient = gradients.omega(torch.zeros(3, 3, dtype=torch.float64), states, errors)
    assert value == 2
    assert (gradient == 0).all()


def test_omega_is_zero_where_steps_back_keep_lengths():
    U = gradients.orthogonal(4, seed=0, dtype=torch.float64)
    value, gradient = gradients.omega(U, torch.zeros(6, 4).double(), random(6, 4))
    close(value, torch.tensor(0.0, dtype=torch.float64))
    close(gradient, torch.zeros(4, 4, dtype=torch.float64))


# What is refused


def stacked():
    rnn = nn.RNN(2, 3)
    output, _ = rnn(torch.zeros(4, 1, 2))
    return output.sum(), output.unbind()


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: gradients.products([1]), TypeError, r"jacobians must be a floating-point tensor"),
        (
            lambda: gradients.products(torch.zeros(2, 2, dtype=torch.int64)),
            TypeError,
            "got torch.int64",
        ),
        (
            lambda: gradients.singular_spectrum(torch.zeros(3, 3)),
            ValueError,
            r"jacobians must have shape \(T, H, H\) or \(T, B, H, H\), none 0, got \(3, 3\)",
        ),
        (
            lambda: gradients.lyapunov_exponents(torch.zeros(0, 3, 3)),
            ValueError,
            r"got \(0, 3, 3\)",
        ),
        (
            lambda: gradients.products(torch.zeros(5, 2, 3)),
            ValueError,
            r"jacobians must be square, \(..., H, H\), got shape \(5, 2, 3\)",
        ),
        (
            lambda: gradients.lyapunov_exponents(torch.full((3, 2, 2), math.nan)),
            ValueError,
            "jacobians must be finite",
        ),
        (lambda: gradients.spectral_norm(torch.zeros(3)), ValueError, "U must have shape"),
        (
            lambda: gradients.step_jacobians(torch.tanh, torch.zeros(3)),
            ValueError,
            r"states must have shape \(T, H\) or \(T, B, H\)",
        ),
        (
            lambda: gradients.step_jacobians(torch.add, torch.zeros(4, 3), torch.zeros(5, 3)),
            ValueError,
            r"inputs must begin with the sizes of states, \(4,\), got shape \(5, 3\)",
        ),
        (
            lambda: gradients.step_jacobians(torch.add, torch.zeros(4, 3), 1.0),
            TypeError,
            "inputs must be a Tensor, got",
        ),
        (
            lambda: gradients.step_jacobians(lambda h: h[:2], torch.zeros(4, 3)),
            ValueError,
            r"step must map a state \(3,\) .* got Jacobians \(2, 3\)",
        ),
        (
            lambda: gradients.step_jacobians(lambda h: (h, h), torch.zeros(4, 3)),
            ValueError,
            "got Jacobians tuple",
        ),
        (
            lambda: gradients.gradient_norms(*stacked()),
            ValueError,
            "states must each be computed from the one before; here none is",
        ),
        (
            lambda: gradients.gradient_norms(torch.zeros(()), torch.zeros(4, 3)),
            TypeError,
            "states must be a sequence of tensors, .* got Tensor",
        ),
        (
            lambda: gradients.gradient_norms(torch.zeros(()), [torch.zeros(3)]),
            ValueError,
            "all of which require gradients",
        ),
        (
            lambda: gradients.gradient_norms(torch.zeros(2), [torch.zeros(3, requires_grad=True)]),
            ValueError,
            r"loss must be one number that requires gradients, got shape \(2,\)",
        ),
        (lambda: gradients.gaussian(0, std=1, seed=0), ValueError, "hidden must be at least 1"),
        (lambda: gradients.gaussian(2, std=-1, seed=0), ValueError, "std must be at least 0"),
        (
            lambda: gradients.gaussian(2, std=1, seed=-1),
            ValueError,
            "seed must be at least 0, got -1",
        ),
        (
            lambda: gradients.gaussian(2, std=1, seed=2**63),
            ValueError,
            "seed must be at most 9223372036854775807, got 9223372036854775808",
        ),
        (lambda: gradients.orthogonal(2, gain=-1, seed=0), ValueError, "gain must be at least 0"),
        (lambda: gradients.identity(2, scale=math.inf), ValueError, "scale must be finite"),
        (lambda: gradients.sparse(9, seed=0), ValueError, "fan_in must be from 1 to 9, got 15"),
        (lambda: gradients.sparse(20, seed=0, radius=-1), ValueError, "radius must be at least 0"),
        (
            lambda: gradients.clip_by_norm([torch.ones(2)], 0),
            ValueError,
            "threshold must be greater than 0, got 0",
        ),
        (lambda: gradients.clip_by_norm(torch.ones(2), 1), TypeError, "put it in a list"),
        (lambda: gradients.clip_by_norm([], 1), ValueError, "gradients must hold at least one"),
        (
            lambda: gradients.clip_by_norm([torch.tensor([1.0, math.inf])], 1),
            ValueError,
            "norm of gradients must be finite, got inf",
        ),
        (
            lambda: gradients.omega(torch.eye(3), torch.zeros(1, 3), torch.zeros(1, 3)),
            ValueError,
            "states must hold at least 2 steps, got 1",
        ),
        (
            lambda: gradients.omega(torch.eye(3), torch.zeros(4, 2), torch.zeros(4, 2)),
            ValueError,
            r"got \(4, 2\), \(4, 2\) and \(3, 3\)",
        ),
        (
            lambda: gradients.omega(torch.eye(2), 2 * torch.ones(4, 2), torch.zeros(4, 2)),
            ValueError,
            r"states must lie in \[-1, 1\], got 2 in size",
        ),
        (
            lambda: gradients.spectral_radius(torch.ones(3, 2)),
            ValueError,
            r"U must be square, \(..., H, H\), got shape \(3, 2\)",
        ),
        (
            lambda: gradients.omega(torch.ones(3, 2), torch.zeros(4, 2), torch.zeros(4, 2)),
            ValueError,
            r"U must be square, \(H, H\), got shape \(3, 2\)",
        ),
        (
            lambda: gradients.omega(torch.eye(2), torch.zeros(2), torch.zeros(2)),
            ValueError,
            "states must have shape",
        ),
        (
            lambda: gradients.omega(torch.eye(2), torch.zeros(4, 2), torch.full((4, 2), math.nan)),
            ValueError,
            "errors must be finite",
        ),
    ],
)
def test_bad_input_is_named(call, error, words):
    with pytest.raises(error, match=words):
        call()
