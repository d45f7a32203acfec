"""The parts of the chapter's experiments, against other ways to compute the same."""

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from unrolled.cells import Elman
from unrolled.core.recurrent import Recurrent
from unrolled.experiments.adding_problem import adding_sequences, unexplained_variance
from unrolled.experiments.gradients import _plain_descent
from unrolled.experiments.gradients._clipped_descent import descend
from unrolled.experiments.gradients._jacobians import (
    elman_jacobians,
    growth_on_noise,
    jacobians_on_noise,
    tanh_jacobians,
)
from unrolled.experiments.gradients._latch import _keeps, guessed_latches, latch_successes
from unrolled.experiments.gradients._plain_descent import _order_gradients, _smart_tanh, learn_order
from unrolled.experiments.gradients._recall import learn_recall, recall_network
from unrolled.experiments.gradients._starts import irnn_network, starting, tanh_network
from unrolled.experiments.gradients.adding import _lstm
from unrolled.experiments.gradients.clipping_by_element import _as_good, _best
from unrolled.experiments.gradients.clipping_rates import _alike_at_small_rates, _clipping_wins
from unrolled.experiments.gradients.latch import _always_falls, _falls
from unrolled.experiments.gradients.opening import (
    _first,
    _only_free_and_fast,
    held_at,
    recall_by_rate,
    solved,
)
from unrolled.experiments.gradients.rate import norms_by_distance, states_of
from unrolled.experiments.gradients.regularizer import _regularised_leads
from unrolled.experiments.gradients.spectra import _carrying, _few_directions_kept
from unrolled.experiments.temporal_order import order_sequences
from unrolled.gradients import (
    gaussian,
    lyapunov_exponents,
    omega,
    orthogonal,
    singular_spectrum,
    spectral_radius,
)


def test_a_norm_by_distance_is_that_of_the_product_of_jacobians():
    U = gaussian(5, std=0.4, seed=0, dtype=torch.float64)
    run = {"steps": 6, "sequences": 1, "seed": 3, "drive": 0.5}
    norms = norms_by_distance(U, **run)
    states, _ = states_of(U, **run)
    back = torch.randn(
        1, 5, generator=torch.Generator().manual_seed(1_000_003), dtype=torch.float64
    )
    expected = [back.norm().log().item()]
    for h in states[:0:-1]:
        back = (back * (1 - h**2)) @ U
        expected.append(back.norm().log().item())
    assert norms == pytest.approx(expected, rel=1e-10)


def test_an_orthogonal_linear_network_keeps_the_norm():
    U = orthogonal(8, seed=0, gain=0.9, dtype=torch.float64)
    norms = norms_by_distance(U, steps=40, sequences=3, seed=0, tanh=False)
    assert norms == pytest.approx(norms[0] + np.arange(41) * np.log(0.9), abs=1e-9)


def test_states_are_those_of_the_books_cell():
    U = gaussian(4, std=0.5, seed=1, dtype=torch.float64)
    states, x = states_of(U, steps=5, sequences=2, seed=0)
    cell = Elman(4, 4).double()
    with torch.no_grad():
        for parameter in cell.parameters():
            parameter.zero_()
        cell.weight_ih.copy_(torch.eye(4))
        cell.weight_hh.copy_(U)
    torch.testing.assert_close(torch.stack(states[1:]), Recurrent(cell)(x)[0])


def test_the_latch_descends_the_gradient_that_autograd_finds():
    """One update without noise, so that the unit after it is known."""
    zero, first = np.zeros(3), np.array([0.5, 1.25, 2.0])
    rng = np.random.default_rng([0, 6])
    u = torch.tensor(rng.normal(0, 0.1, size=(3, 1, 2, 3)), requires_grad=True)
    w = torch.tensor(first, requires_grad=True)
    target = torch.tensor([0.8, -0.8], dtype=torch.float64)[:, None]

    def last(w, u):
        h = torch.tanh(u[0])
        for t in range(1, 6):
            h = torch.tanh(w * h + (u[t] if t < 3 else 0))
        return h

    (0.5 * (last(w, u) - target) ** 2).sum().backward()
    expected = last(w - 30 * w.grad, u - 30 * u.grad)
    right = (expected * target > 0).squeeze(0).all(0)
    found = latch_successes(0, length=6, noise=zero, weight=first, updates=1, rate=30)
    assert found.tolist() == right.tolist()
    assert len(set(right.tolist())) == 2  # the update matters


def test_a_unit_with_a_strong_weight_latches_and_one_with_a_weak_weight_forgets():
    found = latch_successes(
        0, length=10, noise=np.full(40, 0.1), weight=np.repeat([0.1, 1.5], 20), updates=300
    )
    assert found[:20].mean() < 0.2 < 0.8 < found[20:].mean()


def test_plain_descent_with_the_regulariser_adds_its_gradient_to_u_alone():
    model = _smart_tanh(12, seed=0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3)
    cell = model.layer.cell
    parameters = list(model.parameters())
    x, y = order_sequences(5, 12, seed=0)
    plain = _order_gradients(model, cell, parameters, x, y, 0.0)
    with_omega = _order_gradients(model, cell, parameters, x, y, 0.25)

    h, states = torch.zeros(5, 12), []
    for p in cell.project(x):
        h = torch.tanh(p + h @ cell.weight_hh.T)
        states.append(h)
    loss = cross_entropy(model.read(h), y)
    errors = torch.autograd.grad(loss, states)
    _, expected = omega(cell.weight_hh, torch.stack(states), torch.stack(errors))
    for (name, _), a, b in zip(model.named_parameters(), plain, with_omega, strict=True):
        change = 0.25 * expected if name.endswith("weight_hh") else torch.zeros_like(a)
        torch.testing.assert_close(b - a, change, rtol=1e-3, atol=1e-6)
    assert expected.norm() > 0.01


def test_smart_tanh_starts_sparse_at_its_radius_and_small_elsewhere():
    model = _smart_tanh(50, seed=3)
    cell = model.layer.cell
    U = cell.weight_hh.detach()
    assert ((U != 0).sum(1) == 15).all()
    assert torch.linalg.eigvals(U).abs().max().item() == pytest.approx(0.95, abs=1e-4)
    assert cell.weight_ih.std().item() == pytest.approx(0.01, rel=0.2)
    assert model.read.weight.std().item() == pytest.approx(0.01, rel=0.2)
    assert not any(bias.any() for bias in (cell.bias_ih, cell.bias_hh, model.read.bias))


def test_a_run_stops_when_it_has_solved_the_task_and_says_so():
    run = learn_order(0, length=10, clip=1.0, updates=2000, every=50)
    assert run["solved"] == 1
    assert run["best"] > 0.99
    assert run["updates"] < 2000
    assert run["updates"] % 50 == 0


def test_a_gradient_that_breaks_ends_the_run(monkeypatch):
    monkeypatch.setattr(
        _plain_descent,
        "_order_gradients",
        lambda model, cell, parameters, *rest: [torch.full_like(p, torch.nan) for p in parameters],
    )
    run = learn_order(0, length=10, clip=None, updates=5)
    assert run == {"best": 0.0, "solved": 0.0, "updates": 0, "norm": 1e30}


def test_who_answers_the_mean_leaves_all_of_the_variance():
    model = tanh_network(3)
    x, y = adding_sequences(400, 6, seed=0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        model.read.bias.fill_(y.mean())
    assert unexplained_variance(model, x, y) == pytest.approx(1, abs=1e-5)


def test_the_lstm_starts_with_a_forget_bias_of_one():
    layer = _lstm(4).layer
    assert (layer.bias_ih_l0[4:8] + layer.bias_hh_l0[4:8]).tolist() == [1, 1, 1, 1]
    assert (layer.bias_ih_l0[:4] != 0).all()


def test_the_irnn_starts_as_the_identity_without_biases():
    cell = irnn_network(2, 5, 1).layer.cell
    assert torch.equal(cell.weight_hh, torch.eye(5))
    assert not cell.bias_ih.any()
    assert not cell.bias_hh.any()
    assert cell.weight_ih.any()
    assert cell.nonlinearity == "relu"


@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
def test_jacobians_are_the_slope_times_the_recurrent_weights(nonlinearity):
    torch.manual_seed(0)
    layer = Recurrent(Elman(3, 6, nonlinearity=nonlinearity)).double()
    x = torch.randn(4, 2, 3, dtype=torch.float64)
    h = layer(x)[0].detach()
    slope = 1 - h**2 if nonlinearity == "tanh" else (h > 0).double()
    expected = slope[..., None] * layer.cell.weight_hh.detach()
    torch.testing.assert_close(elman_jacobians(layer, x), expected)


def test_a_linear_like_network_has_the_spectrum_of_its_gain():
    """Hardly any input, so tanh is straight: every singular value is the gain to the power T."""
    model = starting("orthogonal", 6, 6, 4, seed=0)
    with torch.no_grad():
        model.layer.cell.weight_hh.mul_(0.7)
        model.layer.cell.weight_ih.mul_(1e-4)
    exponent, spectrum = _carrying(model, 20, 0, -5.0)
    assert exponent == pytest.approx(np.log(0.7), abs=1e-3)
    assert spectrum == pytest.approx(np.full(6, np.log(0.7)), abs=1e-3)


def test_dead_rectifiers_count_as_the_floor():
    model = starting("identity", 6, 6, 4, seed=0)
    with torch.no_grad():
        model.layer.cell.bias_ih.fill_(-100.0)
    exponent, spectrum = _carrying(model, 10, 0, -5.0)
    assert exponent == -5
    assert (spectrum == -5).all()
    assert singular_spectrum(torch.zeros(2, 3, 3)).isinf().all()


@pytest.mark.parametrize(
    ("success", "falls"),
    [
        ([0.9, 0.9, 0.5, 0.55, 0.3], True),
        ([0.89, 0.8, 0.5, 0.4, 0.3], False),
        ([0.9, 0.8, 0.5, 0.4, 0.31], False),
        ([0.9, 0.5, 0.56, 0.4, 0.3], False),
    ],
)
def test_success_falls_if_it_begins_high_ends_low_and_never_rises(success, falls):
    assert _falls(np.array(success)) is falls


def test_the_latch_is_judged_at_every_noise_level_and_rate():
    falls = {"noise 0.1, rate 1.0": [1.0, 0.2], "noise 0.3, rate 1.0": [0.9, 0.1]}
    assert _always_falls([falls, falls])
    assert not _always_falls([falls, {**falls, "noise 0.3, rate 1.0": [0.9, 0.9]}])


def test_a_guessed_latch_is_put_to_the_test_of_a_trained_one():
    few = guessed_latches(0, guesses=400, length=40, noise=0.3)
    assert few.shape == (400,)
    assert 0.08 < few.mean() < 0.25  # |w| large enough, and each class on its side
    assert not guessed_latches(0, guesses=400, length=40, noise=0.3, width=0.9).any()
    w, strong = np.array([2.0, 2.0, -2.0]), np.full((3, 1, 2, 3), 3.0)
    strong[:, :, 1] = -3.0
    strong[..., 1] *= -1  # the second unit keeps each bit with the wrong sign
    keeps = [
        _keeps(w, strong, np.full(3, 0.1), length, np.random.default_rng(0)).tolist()
        for length in (9, 10)
    ]
    assert keeps[0] != keeps[1]  # a negative weight flips the sign: the parity of steps decides
    assert all(each[:2] == [True, False] for each in keeps)


def test_states_of_an_answer_are_those_of_its_layer():
    model = starting("orthogonal", 2, 4, 1, seed=0).cpu()
    x = torch.randn(5, 3, 2, generator=torch.Generator().manual_seed(0))
    states = model.states(x)
    torch.testing.assert_close(torch.stack(states[1:]), model.layer(x)[0])
    (gradient,) = torch.autograd.grad(model.read(states[-1]).sum(), states[0])
    assert gradient.abs().sum() > 0


def test_jacobians_from_states_and_on_noise_agree():
    U = gaussian(5, std=0.5, seed=0, dtype=torch.float64)
    J = jacobians_on_noise(U, torch.tanh, steps=4, drive=1.0, seed=2)
    states, _ = states_of(U, steps=4, sequences=1, seed=2)
    after = torch.cat(states[1:]).detach()
    torch.testing.assert_close(J, tanh_jacobians(after, U))


def test_a_clipped_descent_never_steps_further_than_its_threshold():
    u = np.array([5.4, 5.7])
    b = 0.5 - u / (1 + np.exp(-0.5)) + np.array([0.2, 0.2])
    free, longest = descend(u, b, clip=np.inf, rate=0.2, steps=100)
    path, _ = descend(u, b, clip=0.5, rate=0.2, steps=100)
    assert path.shape == free.shape == (101, 2, 2)
    steps = np.linalg.norm(np.diff(path, axis=0), axis=2)
    assert steps.max() <= 0.2 * 0.5 + 1e-12
    jumps = np.linalg.norm(np.diff(free, axis=0), axis=2).max(axis=0)
    assert jumps == pytest.approx(0.2 * longest)


def test_clipping_must_solve_more_runs_each_at_its_best_rate():
    def runs(clipped, free):
        return [
            {"clipped, T = 30": c, "as it comes, T = 30": f}
            for c, f in zip(clipped, free, strict=True)
        ]

    good, bad = [1.0, 0.3], [0.3, 1.0]
    assert _clipping_wins(runs([good, good], [bad, good]))
    assert not _clipping_wins(runs([good, bad], [bad, good]))  # one each
    assert not _clipping_wins(runs([good, good], [bad, bad]))  # another rate, as many
    assert not _clipping_wins(runs([[0.99, 0.99]], [[0.3, 0.3]]))  # not above 0.99


def test_at_small_rates_the_arms_may_differ_by_three_in_ten():
    def runs(clipped):
        return [
            {f"{name}, T = {T}": [row, 0.0, 1.0] for T in (20, 30)}
            for number in range(10)
            for name, row in [("clipped", float(number < clipped))]
        ]

    def with_plain(clipped):
        plain = {f"as it comes, T = {T}": [0.0, 0.0, 0.0] for T in (20, 30)}
        return [{**run, **plain} for run in runs(clipped)]

    assert _alike_at_small_rates(with_plain(3))
    assert not _alike_at_small_rates(with_plain(4))


def test_elements_must_do_as_well_as_norms_up_to_two_in_ten_and_norms_well():
    def runs(norm, element):
        return [
            {
                f"{kind}, {threshold}": [float(n < count), 0.0, 0.0]
                for kind, count, thresholds in (
                    ("by norm", norm, (0.3, 1.0, 3.0)),
                    ("by element", element, (0.03, 0.1, 0.3)),
                )
                for threshold in thresholds
            }
            for n in range(10)
        ]

    best_at_last = [{**run, "by norm, 3.0": [0.0, 0.5, 1.0]} for run in runs(9, 0)]
    assert (_best("by norm", 0, best_at_last), _best("by norm", 1, best_at_last)) == (3.0, 0.3)
    assert _as_good(runs(10, 8))
    assert not _as_good(runs(10, 7))
    assert not _as_good(runs(7, 7))


def test_the_regulariser_must_lead_where_each_arm_is_best():
    assert _regularised_leads([{"clipped": [0.6, 0.3], "regularised": [0.3, 0.9]}])
    assert not _regularised_leads([{"clipped": [0.8, 0.3], "regularised": [0.3, 0.9]}])
    assert not _regularised_leads([{"clipped": [0.3, 0.3], "regularised": [0.3, 0.79]}])


def test_a_held_radius_does_not_grow_and_a_smaller_one_is_left_alone():
    U = gaussian(8, std=0.5, seed=0)
    small = 0.1 * U
    before = small.clone()
    held_at(0.6)(U)
    held_at(0.6)(small)
    assert float(spectral_radius(U)) == pytest.approx(0.6, rel=1e-4)
    assert torch.equal(small, before)


def test_a_bit_two_steps_back_is_learned_and_the_radius_can_be_held():
    radius = float(spectral_radius(recall_network(0).layer.cell.weight_hh.detach()))
    losses, _ = learn_recall(recall_network(0), lag=2, rate=0.01, seed=0, updates=150)
    assert losses[0] == pytest.approx(1, abs=0.1)
    assert solved(losses)
    hold = held_at(radius)
    _, radii = learn_recall(recall_network(0), lag=2, rate=0.1, seed=0, updates=20, after=hold)
    assert max(radii) < radius * 1.001
    assert set(recall_by_rate(0, lag=2, rates=[0.01], updates=20)) == {
        "solved",
        "solved, held",
        "radius",
    }


def test_a_run_has_learned_where_ten_losses_are_small():
    losses = [1.0] * 5 + [0.0] * 20
    assert _first(losses) == 5 + 10  # the first ten all below stand at 5 to 14
    assert _first([1.0] * 30) == 30
    assert solved(losses)
    assert not solved([0.0] * 20 + [1.0] * 20)


def test_the_opening_wants_a_slow_rate_that_fails_and_a_held_radius_that_never_learns():
    def runs(slow, fast, held):
        return [
            {"solved": [float(n < slow), float(n < fast)], "solved, held": [0.0, float(n < held)]}
            for n in range(10)
        ]

    assert _only_free_and_fast(runs(1, 2, 0))
    assert not _only_free_and_fast(runs(2, 5, 0))
    assert not _only_free_and_fast(runs(0, 1, 0))
    assert not _only_free_and_fast(runs(0, 5, 1))


def test_growth_on_noise_is_the_largest_exponent():
    U = gaussian(6, std=1.2 / 6**0.5, seed=0, dtype=torch.float64)
    J = jacobians_on_noise(U, torch.tanh, steps=3000, drive=0.5, seed=5)
    expected = float(lyapunov_exponents(J)[0].exp())
    found = growth_on_noise(U, drive=0.5, seed=1, steps=600, runs=10)
    assert found == pytest.approx(expected, rel=0.03)
    straight = orthogonal(6, seed=0, gain=0.5, dtype=torch.float64)
    assert growth_on_noise(straight, drive=0.0, seed=0) == pytest.approx(0.5, rel=1e-3)


@pytest.mark.parametrize(
    "change",
    [
        {"median before": [-1.0, -0.05, -0.5, -0.1]},  # orthogonal is not the most even
        {"accuracy": [1.0, 0.5, 1.0, 1.0]},  # gain 1 did not learn
        {"accuracy": [1.0, 1.0, 1.0, 0.5]},  # orthogonal did not
        {"median after": [-2.0, -2.0, -0.4, -2.0]},  # one median rose
        {"exponent after": [0.0, 0.0, -0.2, 0.0]},  # one exponent is not near 0
    ],
)
def test_runs_that_miss_one_part_of_the_criterion_on_spectra_fail_it(change):
    good = {
        "median before": [-1.0, -0.5, -0.5, -0.1],
        "median after": [-2.0, -2.0, -2.0, -2.0],
        "exponent after": [0.0, 0.0, 0.05, 0.0],
        "accuracy": [1.0, 1.0, 1.0, 1.0],
    }
    assert _few_directions_kept([good, good])
    assert not _few_directions_kept([good, {**good, **change}])
    may = {"accuracy": [0.3, 1.0, 0.3, 1.0], "exponent after": [-0.5, 0.0, -0.5, 0.0]}
    assert _few_directions_kept([good, {**good, **may}])


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (
            lambda: latch_successes(0, length=3, noise=np.zeros(2), weight=np.zeros(2)),
            ValueError,
            "length must be at least 4, got 3",
        ),
        (
            lambda: latch_successes(0, length=5, noise=np.zeros(2), weight=np.zeros(3)),
            ValueError,
            r"noise and weight must have one shape \(N,\), got \(2,\) and \(3,\)",
        ),
        (
            lambda: starting("random", 2, 3, 1, seed=0),
            ValueError,
            "start must be 'gaussian g', 'orthogonal' or 'identity', got 'random'",
        ),
        (
            lambda: learn_order(0, length=9, clip=1.0),
            ValueError,
            "length must be at least 10, got 9",
        ),
    ],
)
def test_bad_input_is_named(call, error, words):
    with pytest.raises(error, match=words):
        call()
