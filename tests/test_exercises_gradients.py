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


def test_jacobian_product_is_the_packages():
    for rng, steps, _, hidden in random_shapes():
        states, U, jacobians = tanh_network(rng, steps, hidden)
        theirs = gradients.products(jacobians)[0].numpy()
        np.testing.assert_allclose(
            solution("jacobian_product")(states, U), theirs, rtol=1e-9, atol=1e-12
        )


def test_norm_bound_bounds_every_tanh_network_and_is_reached_by_orthogonal_weights():
    for rng, steps, _, hidden in random_shapes():
        _, U, jacobians = tanh_network(rng, steps, hidden)
        longest = float(gradients.spectral_norm(gradients.products(jacobians)[0]))
        bound = solution("norm_bound")(U, 1.0, steps)
        assert longest <= bound
        assert bound == pytest.approx(float(gradients.spectral_norm(torch.tensor(U))) ** steps)

        straight = gradients.orthogonal(hidden, seed=steps, gain=1.3, dtype=torch.float64)
        reached = gradients.products((0.5 * straight).expand(steps, hidden, hidden))[0]
        bound = solution("norm_bound")(straight.numpy(), 0.5, steps)
        assert bound == pytest.approx(float(gradients.spectral_norm(reached)))


def test_clip_by_norm_is_the_packages():
    for rng, _, inputs, hidden in random_shapes():
        dW, dU = rng.normal(size=(hidden, inputs)), rng.normal(size=(hidden, hidden))
        for threshold in rng.uniform(0.1, 8, size=3):
            mine = solution("clip_by_norm")(dW, dU, threshold)
            theirs, _ = gradients.clip_by_norm([torch.tensor(dW), torch.tensor(dU)], threshold)
            np.testing.assert_allclose(mine[0], theirs[0], rtol=1e-12)
            np.testing.assert_allclose(mine[1], theirs[1], rtol=1e-12)


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


def test_an_answer_that_stretches_short_gradients_hears_that_they_stay():
    """The commonest mistake with clipping: it cannot show on a case in which one must clip."""

    def normalise(dW, dU, threshold):
        norm = np.sqrt((dW**2).sum() + (dU**2).sum())
        return dW * threshold / norm, dU * threshold / norm

    message = told("gradients.clip_by_norm", normalise)
    assert "This gradient is no longer than the threshold" in message
    assert "threshold = 26" in message


def test_an_answer_that_turns_the_gradient_in_a_new_way_hears_that_it_turns():
    def shares(dW, dU, threshold):
        half = threshold / np.sqrt(2)
        return half * dW / np.linalg.norm(dW), half * dU / np.linalg.norm(dU)

    assert "should keep its direction" in told("gradients.clip_by_norm", shares)


def test_a_bound_that_is_none_hears_of_a_network_that_breaks_it():
    def smaller(U, slope, steps):
        return 0.9 * np.linalg.norm(np.linalg.matrix_power(slope * U, steps), 2)

    assert "the straight line phi(a) = slope * a" in told("gradients.norm_bound", smaller)


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
    "name", ["steps_to_vanish", "norm_bound", "jacobian_product", "clip_by_norm", "rescale_radius"]
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
