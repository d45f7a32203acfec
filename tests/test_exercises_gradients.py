"""What is special to the exercises of one chapter; what holds for all is in test_exercises.py."""

import numpy as np
import pytest
import torch
from exercised import told

from unrolled import gradients
from unrolled.exercises import check, find
from unrolled.exercises.gradients import _clips
from unrolled.exercises.gradients._chain import chain
from unrolled.exercises.gradients._power_norms import power_norms
from unrolled.exercises.gradients.catches_bad_clip import catches_bad_clip


def solution(name):
    return find(f"gradients.{name}").solution


def random_shapes():
    """Yield a generator of random numbers, steps, inputs and hidden units."""
    rng = np.random.default_rng(1)
    for _ in range(20):
        steps, inputs, hidden = (int(size) for size in rng.integers(1, 7, size=3))
        yield rng, steps, inputs, hidden


def test_steps_to_vanish_agrees_with_the_packages_products():
    rng = np.random.default_rng(1)
    for rate, fraction in rng.uniform(0.05, 0.95, size=(30, 2)):
        derivative = gradients.products(torch.full((100, 1, 1), rate).double()).flatten().flip(0)
        first = int((derivative <= fraction).nonzero()[0]) + 1
        assert solution("steps_to_vanish")(rate, fraction) == first


def tanh_network(rng, steps, hidden, gain=1.5):
    """Run a tanh network on random inputs; return its states, its U and all step Jacobians."""
    U = torch.from_numpy(gain * rng.normal(size=(hidden, hidden)) / np.sqrt(hidden))
    drives = torch.from_numpy(rng.normal(size=(steps, hidden)))
    states = [torch.from_numpy(np.tanh(rng.normal(size=hidden)))]
    for drive in drives:
        states.append(torch.tanh(U @ states[-1] + drive))
    states = torch.stack(states)

    def step(h, drive):
        return torch.tanh(U @ h + drive)

    return states.numpy(), U.numpy(), gradients.step_jacobians(step, states[:-1], drives)


def test_input_jacobians_are_the_packages_products_and_a_last_factor():
    for rng, steps, inputs, hidden in random_shapes():
        states, U, jacobians = tanh_network(rng, steps, hidden)
        W = rng.normal(size=(hidden, inputs))
        later = torch.cat([gradients.products(jacobians), torch.eye(hidden)[None].double()])
        slopes = 1 - torch.from_numpy(states[1:, :, None]) ** 2
        theirs = later[-steps:] @ (slopes * torch.from_numpy(W))
        np.testing.assert_allclose(
            solution("input_jacobians")(states, W, U), theirs, rtol=1e-9, atol=1e-12
        )


def leaky_jacobians(jacobians, leak):
    return (1 - leak) * torch.eye(jacobians.shape[-1]).double() + leak * jacobians


def test_norm_bound_bounds_every_leaky_tanh_network_and_is_reached_by_a_multiple_of_i():
    for rng, steps, _, hidden in random_shapes():
        _, U, jacobians = tanh_network(rng, steps, hidden)
        leak = rng.uniform(0.05, 1)
        product = gradients.products(leaky_jacobians(jacobians, leak))[0]
        longest = float(gradients.spectral_norm(product))
        assert longest <= solution("norm_bound")(U, 1.0, leak, steps) * (1 + 1e-9)

        straight = 1.3 * torch.eye(hidden).double()
        factors = leaky_jacobians((0.5 * straight).expand(steps, hidden, hidden), leak)
        bound = solution("norm_bound")(straight.numpy(), 0.5, leak, steps)
        assert bound == pytest.approx(
            float(gradients.spectral_norm(gradients.products(factors)[0]))
        )


def test_a_leak_does_not_move_the_border_between_vanishing_and_not():
    for leak in (0.01, 0.3, 1.0):
        below, above = (solution("norm_bound")(U * np.eye(2), 0.25, leak, 1) for U in (3.99, 4.01))
        assert below < 1 < above


def test_clip_each_is_the_mean_of_what_the_package_clips():
    for rng, batch, inputs, hidden in random_shapes():
        dW, dU = rng.normal(size=(batch, hidden, inputs)), rng.normal(size=(batch, hidden, hidden))
        for threshold in rng.uniform(0.1, 8, size=3):
            clipped = [
                gradients.clip_by_norm([torch.tensor(each) for each in both], threshold)[0]
                for both in zip(dW, dU, strict=True)
            ]
            for mine, theirs in zip(
                solution("clip_each")(dW, dU, threshold), zip(*clipped, strict=True), strict=True
            ):
                np.testing.assert_allclose(mine, torch.stack(theirs).mean(0), rtol=1e-9)


def test_rescale_radius_agrees_with_the_packages_spectral_radius():
    for rng, _, _, hidden in random_shapes():
        U, radius = rng.normal(size=(hidden, hidden)), rng.uniform(0.1, 2)
        scaled = solution("rescale_radius")(U, radius)
        assert float(gradients.spectral_radius(torch.tensor(scaled))) == pytest.approx(radius)
        assert np.linalg.matrix_rank(np.stack([U.ravel(), scaled.ravel()])) == 1


def test_the_hunt_knows_the_packages_clipping_for_right():
    def packages(dW, dU, threshold):
        clipped, _ = gradients.clip_by_norm([torch.tensor(dW), torch.tensor(dU)], threshold)
        return tuple(part.numpy() for part in clipped)

    catches_bad_clip(packages)


def test_an_answer_that_shortens_short_gradients_hears_that_there_is_nothing_to_clip():
    def shorter(dW, dU, threshold):
        return tuple(0.9 * each.mean(axis=0) for each in (dW, dU))

    def right_for_long_ones(dW, dU, threshold):
        norms = np.sqrt((dW**2).sum((1, 2)) + (dU**2).sum((1, 2)))
        if (norms > threshold).any():
            return solution("clip_each")(dW, dU, threshold)
        return shorter(dW, dU, threshold)

    assert "so there is nothing to clip" in told("gradients.clip_each", right_for_long_ones)


def test_an_answer_whose_mean_is_too_long_hears_so():
    def too_long(dW, dU, threshold):
        return tuple(2 * each for each in solution("clip_each")(dW, dU, threshold))

    assert "longer than the threshold" in told("gradients.clip_each", too_long)


def test_an_answer_that_turns_a_gradient_hears_that_it_turns():
    def shares(dW, dU, threshold):
        if len(dW) > 1:
            return solution("clip_each")(dW, dU, threshold)
        half = threshold / np.sqrt(2) / 1.1
        return tuple(half * each[0] / np.linalg.norm(each) for each in (dW, dU))

    assert "should keep its direction" in told("gradients.clip_each", shares)


def test_a_bound_that_is_none_hears_of_a_network_that_breaks_it():
    def smaller(U, slope, leak, steps):
        line = (1 - leak) * np.eye(len(U)) + leak * slope * U
        return 0.99 * np.linalg.norm(np.linalg.matrix_power(line, steps), 2)

    assert "the straight line phi(a) = slope * a" in told("gradients.norm_bound", smaller)
    below = told("gradients.norm_bound", lambda U, slope, leak, steps: 0.9 * (1 - leak) ** steps)
    assert "where phi is flat" in below


def test_a_count_of_steps_that_fits_nothing_hears_what_it_should_be():
    message = told("gradients.steps_to_vanish", lambda rate, fraction: 7 + 5 * rate)
    assert "should be at most `fraction`. It is not yet." in message
    message = told("gradients.steps_to_vanish", lambda rate, fraction: 90 + 5 * rate)
    assert "It was so one step earlier." in message


def made(gradient, thresholds, *, right=_clips.plain_clip, close=np.allclose):
    """A test as a learner would write it, with one thing wrong."""

    def test(clip_by_norm):
        for threshold in thresholds:
            got = clip_by_norm(*(each.copy() for each in gradient), threshold)
            for mine, its in zip(got, right(*gradient, threshold), strict=True):
                assert close(mine, its)

    return test


def points_alike(mine, its):
    return np.isclose((mine * its).sum(), np.linalg.norm(mine) * np.linalg.norm(its))


LARGE, COLUMN = np.random.default_rng(3).normal(size=(2, 3, 3)), np.array([[1.0], [-2.0], [0.5]])


@pytest.mark.parametrize(
    ("test", "mistake"),
    [
        (made(LARGE, [0.7, 70.0]), None),
        (made(LARGE, [0.7]), "looks_at_long_ones_only"),
        (made(LARGE, [70.0]), "looks_at_short_ones_only"),
        (made(LARGE, [0.7, 70.0], close=lambda *_: False), "rejects_everything"),
        (made(np.abs(LARGE), [0.7, 70.0]), "positive_entries"),
        (made(([[3.0]], [[4.0]]) * np.ones((2, 1, 1)), [2.5, 10.0]), "gradients_of_rank_one"),
        (made((COLUMN * [2.0, 1.0], COLUMN * [4.0, 5.0]), [2.5, 99.0]), "gradients_of_rank_one"),
        (made((LARGE[0], 0 * LARGE[1]), [0.7, 70.0]), "an_array_of_zeros"),
        (made(LARGE, [0.7, 70.0], close=lambda *_: undefined), "rejects_everything"),  # noqa: F821
    ],
)
def test_a_flaw_of_a_test_of_clipping_is_known(test, mistake):
    verdict = check("gradients.catches_bad_clip", test)
    assert verdict.mistake == mistake, verdict
    assert verdict.passed == (mistake is None), verdict


def test_a_test_of_the_direction_alone_is_known():
    def test(clip_by_norm):
        for threshold in (0.7, 70.0):
            got = np.concatenate(clip_by_norm(*LARGE, threshold))
            assert points_alike(got, np.concatenate(LARGE))

    assert check("gradients.catches_bad_clip", test).mistake == "checks_direction_only"


@pytest.mark.parametrize("nothing", [np.nan, np.inf, 0.0, -1.0, 1e300])
@pytest.mark.parametrize(
    "name", ["steps_to_vanish", "norm_bound", "input_jacobians", "clip_each", "rescale_radius"]
)
def test_no_number_is_too_strange_to_be_judged(name, nothing):
    """Properties are asked of whatever came: none may raise, nor warn."""

    def answer(*args):
        value = solution(name)(*args)
        parts = [np.full_like(part, nothing) for part in value] if type(value) is tuple else None
        return tuple(parts) if parts else np.full_like(np.asarray(value, float), nothing)

    exercise = find(f"gradients.{name}")
    arguments = ", ".join(exercise.solution.__code__.co_varnames[: len(exercise.cases[0])])
    scope = {"answer": answer}
    exec(f"def {name}({arguments}):\n    return answer({arguments})", scope)
    told(exercise.id, scope[name])


@pytest.mark.parametrize(
    ("gradient", "words"),
    [
        ([[3.0], [4.0]], "TypeError: dW and dU must be arrays"),
        (np.zeros((2, 2)), ""),
    ],
)
def test_the_hunts_implementations_take_zeros_and_name_what_they_cannot_take(gradient, words):
    def test(clip_by_norm):
        for part in clip_by_norm(gradient, gradient, 1.0):
            assert np.allclose(part, 0)

    message = told("gradients.catches_bad_clip", test)
    assert words in message
    assert ("is right" in message) == bool(words)


def test_exercise_1_quotes_right_numbers():
    steps = solution("steps_to_vanish")
    assert [steps(rate, 1e-3) for rate in (0.9, 0.99, 0.999)] == [66, 688, 6905]
    assert steps(0.9, 1e-6) == 132


def test_power_norms_are_those_of_the_packages_products():
    for rng, steps, _, hidden in random_shapes():
        U = rng.normal(size=(hidden, hidden))
        products = gradients.products(torch.tensor(U).expand(steps, hidden, hidden))
        theirs = gradients.spectral_norm(products).flip(0)
        np.testing.assert_allclose(power_norms(U, steps), theirs, rtol=1e-9)


def test_a_chain_grows_as_exercise_7_says():
    U = chain(20, keep=0.9, hand_on=0.3)
    assert float(gradients.spectral_radius(torch.tensor(U))) == pytest.approx(0.9)
    for d in range(1, 20):  # until the last unit is reached
        assert np.linalg.matrix_power(U, d)[:, 0].sum() == pytest.approx(1.2**d)
    far = [np.linalg.matrix_power(U, d)[-1, 0] for d in range(1, 400)]
    assert np.argmax(far) + 1 in (189, 190)  # (H - 1) / (1 - keep) = 190
    norms = power_norms(U, 1000)
    assert 180 <= norms.argmax() + 1 <= 190
    assert 1e8 < norms.max() < 2e8


def test_eigenvalues_of_a_turned_chain_cannot_be_computed():
    U = chain(20, keep=0.9, hand_on=0.3)
    for seed in range(3):
        Q = gradients.orthogonal(20, seed=seed, dtype=torch.float64)
        radius = float(gradients.spectral_radius(Q @ torch.tensor(U) @ Q.T))
        assert 0.93 < radius < 0.97
