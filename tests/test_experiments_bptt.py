import inspect
import itertools
from importlib import import_module

import numpy as np
import pytest

from unrolled import bptt
from unrolled.bptt import RNN
from unrolled.data import delay
from unrolled.experiments.bptt._comparing import central_differences, largest_gap
from unrolled.experiments.bptt._echo import echo_accuracy, online
from unrolled.experiments.bptt._learning import Adam, initial, logistic_loss
from unrolled.experiments.bptt._side_by_side import WORST, _clipped, loss_curves
from unrolled.experiments.bptt._slips import SLIPS, slipped
from unrolled.experiments.bptt.cost import _SLOPES, Counting, _cost
from unrolled.experiments.bptt.wrong_gradient import rotations


def claim(name):
    return import_module(f"unrolled.experiments.bptt.{name}").CLAIM


def problem(T=5, B=3, I=2, H=4, O=2, seed=0):  # noqa: E741
    """Return a network, inputs, states and errors."""
    draw = np.random.default_rng(seed).standard_normal
    shapes = [(H, I), (H, H), (H,), (O, H), (O,)]
    parameters = RNN(*(0.5 * draw(shape) for shape in shapes))
    x = draw((T, B, I))
    h, _ = bptt.forward(parameters, x, np.zeros((B, H)))
    return parameters, x, h, draw((T, B, O))


def assert_same(one, other):
    for each, reference in zip(one, other, strict=True):
        assert each == pytest.approx(reference, rel=1e-9, abs=1e-12)


def test_without_a_slip_the_gradient_is_right():
    parameters, x, h, dy = problem()
    assert_same(slipped(parameters, x, h, dy), bptt.backward(parameters, x, h, dy)[0])


@pytest.mark.parametrize("slip", ["", *SLIPS])
def test_many_networks_at_once_are_those_networks(slip):
    problems = [problem(seed=seed) for seed in (1, 2, 3)]
    stacked = [np.stack(each, axis=1) for each in zip(*(one[1:] for one in problems), strict=True)]
    parameters = RNN(*(np.stack(each) for each in zip(*(one[0] for one in problems), strict=True)))
    together = slipped(parameters, *stacked, slip=slip)
    for i, one in enumerate(problems):
        assert_same([each[i] for each in together], slipped(*one, slip=slip))


def test_the_first_slip_is_a_loop_that_adds_where_it_should_replace():
    parameters, x, h, dy = problem()
    dU, dh = np.zeros_like(parameters.U), np.zeros_like(h[0])
    for t in range(len(x), 0, -1):
        da = (1 - h[t] ** 2) * (dy[t - 1] @ parameters.V + dh)
        dU += da.T @ h[t - 1]
        dh += da @ parameters.U
    assert_same([slipped(parameters, x, h, dy, slip="not reset").U], [dU])


def test_other_slips_are_what_they_say():
    parameters, x, h, dy = problem()
    right = bptt.backward(parameters, x, h, dy)[0]
    first = bptt.backward(parameters, x, h, dy)[1]  # U^T δ_1: solve it for δ_1
    delta = np.linalg.solve(parameters.U.T, first.T).T
    not_summed = slipped(parameters, x, h, dy, slip="not summed")
    assert_same([not_summed.W, not_summed.b], [delta.T @ x[0], delta.sum(axis=0)])
    turned = bptt.backward(parameters._replace(U=parameters.U.T), x, h, dy)[0]
    assert_same(slipped(parameters, x, h, dy, slip="not transposed"), turned)
    late = slipped(parameters, x, h, dy, slip="state late")
    assert_same([late.W, late.b], [right.W, right.b])
    assert np.abs(late.U - right.U).max() > 0.01
    # one step: no way back through time, so nothing to slip on there
    one = parameters, x[:1], h[:2], dy[:1]
    for slip in ("not reset", "slope lost", "not transposed", "not summed"):
        assert_same(slipped(*one, slip=slip), bptt.backward(*one)[0])


def test_every_slip_leaves_the_readout_right_and_central_differences_see_it():
    parameters, x, h, dy = problem()

    def loss(*at):
        return float((bptt.forward(RNN(*at), x, h[0])[1] * dy).sum())

    truth = central_differences(loss, list(parameters))
    right = bptt.backward(parameters, x, h, dy)[0]
    for slip in SLIPS:
        wrong = slipped(parameters, x, h, dy, slip=slip)
        assert_same(wrong[3:], right[3:])
        assert largest_gap(wrong, truth) > 1e-2
    assert largest_gap(right, truth) < 1e-6


def test_an_error_sent_back_by_a_matrix_is_multiplied_by_it_at_each_step():
    parameters, x, h, dy = problem()
    dy[:-1] = 0
    (turn,) = rotations(1, 4, seed=0)
    np.testing.assert_allclose(turn @ turn.T, np.eye(4), atol=1e-12)
    error, dU = dy[-1] @ parameters.V, 0
    for t in range(len(x), 0, -1):
        dU += ((1 - h[t] ** 2) * error).T @ h[t - 1]
        error = error @ turn
    assert_same([slipped(parameters, x, h, dy, back=turn).U], [dU])


def test_a_network_learns_by_the_way_back_of_its_update():
    """A way back for each update: the first is nobody's business at the second."""
    how = {"task": "cue", "lag": 3, "optimiser": "SGD", "hidden": 4, "sequences": 5}
    seeds, settings = [1, 2], {"rates": [0.5, 0.1], "clips": [1.0, 0.1]}
    ways = rotations(3, 4, seed=0)
    three = loss_curves("", seeds=seeds, updates=3, back=ways, **settings, **how)
    swapped = loss_curves("", seeds=seeds, updates=3, back=ways[[1, 0, 2]], **settings, **how)
    assert three[0].tolist() == swapped[0].tolist()
    assert (three[1] != swapped[1]).all()
    two = loss_curves("", seeds=seeds, updates=3, back=ways[[0, 1, 1]], **settings, **how)
    assert two.tolist() == three.tolist()  # the last update is seen by no loss


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_is_what_it_says_written_into_backward(slip):
    """The line that readers are shown, put into the code that they were shown, gives `slipped`."""
    right, wrong = SLIPS[slip]
    code = inspect.getsource(bptt.backward)
    assert code.count(right) == 1
    assert wrong not in code
    scope = dict(vars(bptt))
    exec(code.replace(right, wrong), scope)
    found, _ = scope["backward"](*problem())
    ours = slipped(*problem(), slip=slip)
    whole = ours._replace(W=found.W, b=found.b) if slip == "not summed" else ours
    assert_same(found, whole)


def test_multiplications_are_those_of_the_equations():
    for T, n in [(3, 4), (5, 7)]:
        counted, _, _ = _cost(0, "BPTT", T, n)
        # forward W x, U h, V h; back V: two products, W: one, U: two; the slope and its square
        assert counted == T * (8 * n * n + 2 * n)
        p = n * (2 * n + 1)  # numbers in [W U b]
        counted, _, _ = _cost(0, "RTRL", T, n)
        assert counted == T * (p + n * p + n + n * n * p + n * p + n * n + n * p + n * n)


def test_a_counting_array_computes_what_a_plain_one_does():
    parameters, x, h, dy = problem()
    view = [each.view(Counting) for each in (x, h, dy)]
    counting = RNN(*(each.view(Counting) for each in parameters))
    assert_same(bptt.backward(counting, *view)[0], bptt.backward(parameters, x, h, dy)[0])
    assert_same(
        bptt.rtrl(counting, view[0], view[1][0], view[2]), bptt.rtrl(parameters, x, h[0], dy)
    )


def test_memory_is_that_of_the_states():
    """Doubling the steps doubles what BPTT keeps, and adds nothing to what RTRL does."""
    (_, short, _), (_, long, _) = (_cost(0, "BPTT", T, 16) for T in (256, 512))
    assert long == pytest.approx(2 * short, rel=0.05)
    (_, short, _), (_, long, _) = (_cost(0, "RTRL", T, 16) for T in (32, 64))
    assert long == pytest.approx(short, rel=0.05)


@pytest.mark.parametrize(("back", "every"), [(1, 1), (3, 1), (2, 2), (4, 2), (12, 12)])
def test_online_without_learning_adds_up_to_truncated(monkeypatch, back, every):
    """With parameters that stand still, its gradients are those of BPTT(k; k')."""
    x, targets = delay(12, lag=2, streams=3, seed=0)
    parameters = initial(1, 1, 4, 1)
    gradients = []

    def step(self, parameters, gradient):
        gradients.append(gradient)
        return parameters

    monkeypatch.setattr(Adam, "step", step)
    online(parameters, x, targets, back=back, every=every, rate=1.0)
    h, y = bptt.forward(parameters, x, np.zeros((3, 4)))
    dy = (1 / (1 + np.exp(-y)) - targets) / (3 * every)
    whole = bptt.truncated(parameters, x, h, dy, back=back, every=every)
    assert len(gradients) == 12 // every
    for found, reference in zip(zip(*gradients, strict=True), whole, strict=True):
        assert sum(found) == pytest.approx(reference, rel=1e-9, abs=1e-12)


def test_adam_is_torchs():
    import torch

    parameters, x, h, dy = problem()
    tensors = [torch.tensor(each).requires_grad_() for each in parameters]
    theirs, ours = torch.optim.Adam(tensors, lr=0.1), Adam(0.1)
    for scale in (1.0, -0.3, 2.0):
        gradient = bptt.backward(parameters, x, h, scale * dy)[0]
        for tensor, slope in zip(tensors, gradient, strict=True):
            tensor.grad = torch.tensor(slope)
        theirs.step()
        parameters = ours.step(parameters, gradient)
        for tensor, each in zip(tensors, parameters, strict=True):
            assert each == pytest.approx(tensor.detach().numpy(), rel=1e-7, abs=1e-9)


def test_cross_entropy_is_that_of_the_logistic_function():
    y, targets = np.array([-3.0, 0.5, 2.0]), np.array([0.0, 1.0, 0.0])
    p = 1 / (1 + np.exp(-y))
    loss, slope = logistic_loss(y, targets)
    assert loss == pytest.approx(-np.log(np.where(targets == 1, p, 1 - p)))
    assert slope == pytest.approx(p - targets)
    assert np.isfinite(logistic_loss(np.array([1e4, -1e4]), np.array([0.0, 1.0]))).all()


def test_networks_trained_side_by_side_are_those_trained_alone():
    settings = {"task": "cue", "lag": 4, "hidden": 3, "sequences": 5, "updates": 6}
    for optimiser, slip in itertools.product(("Adam", "SGD"), ("", "not reset")):
        how = settings | {"optimiser": optimiser}
        both = loss_curves(slip, seeds=[1, 2], rates=[0.1, 0.5], clips=[0.1, 1], **how)
        assert both.shape == (6, 2)
        for i, (seed, rate, clip) in enumerate([(1, 0.1, 0.1), (2, 0.5, 1)]):
            alone = loss_curves(slip, seeds=[seed], rates=[rate], clips=[clip], **how)
            assert both[:, i] == pytest.approx(alone[:, 0], rel=1e-4)


def test_both_gradients_start_from_the_same_network_and_data():
    how = {"task": "delay", "lag": 2, "hidden": 3, "sequences": 5, "updates": 2}
    right, wrong = (
        loss_curves(slip, seeds=[3], rates=[0.1], clips=[1], optimiser="SGD", **how)
        for slip in ("", "not reset")
    )
    assert right[0] == wrong[0]
    assert right[1] != wrong[1]


def test_a_lost_network_counts_as_the_worst():
    losses = loss_curves(
        "",
        task="cue",
        lag=3,
        optimiser="SGD",
        seeds=[0],
        rates=[1e30],
        clips=[1],
        hidden=3,
        sequences=4,
        updates=20,
    )
    assert losses.max() == WORST
    assert np.isfinite(losses).all()


def test_gradients_are_clipped_by_the_norm_of_each_network():
    draw = np.random.default_rng(0).standard_normal
    shapes = [(2, 3, 1), (2, 3, 3), (2, 3), (2, 1, 3), (2, 1)]
    gradient = RNN(*(draw(shape) for shape in shapes))
    gradient = RNN(*(np.stack([each[0], 1e-3 * each[1]]) for each in gradient))
    clipped = _clipped(gradient, np.array([0.5, 2.0]))
    norms = [np.sqrt(sum((each[i] ** 2).sum() for each in clipped)) for i in range(2)]
    assert norms[0] == pytest.approx(0.5)
    assert_same([each[1] for each in clipped], [each[1] for each in gradient])


def curves(**changes):
    sizes = {
        "lag": 3,
        "seeds": [0],
        "rates": [0.1],
        "clips": [1],
        "hidden": 2,
        "sequences": 2,
        "updates": 2,
    }
    return loss_curves("", **{"task": "cue", "optimiser": "Adam"} | sizes | changes)


def test_the_cliff_stands_at_one_more_than_the_lag():
    """What held in every run so far, though the claim as a whole did not."""
    sizes = {"seed": 60, "hidden": 16, "streams": 16, "updates": 1500, "rate": 0.005}
    assert echo_accuracy(4, back=5, every=5, **sizes) > 0.99
    assert echo_accuracy(4, back=4, every=4, **sizes) < 0.75


def test_with_the_readout_alone_the_states_stay_as_they_were():
    x, targets = delay(30, lag=2, streams=3, seed=0)
    start = initial(1, 1, 4, 1)
    learned = online(start, x, targets, back=1, every=1, rate=0.1, readout_only=True)
    assert_same(learned[:3], start[:3])
    assert np.abs(learned.V - start.V).max() > 0.1


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: slipped(*problem(), slip="typo"), "slip must be one of not reset, slope lost"),
        (lambda: curves(task="echo"), "task must be one of cue, delay, got 'echo'"),
        (lambda: curves(optimiser="adam"), "optimiser must be one of Adam, SGD, got 'adam'"),
        (lambda: curves(rates=[0.1, 0.2]), r"must be equally many, at least 1, got \(1, 2, 1\)"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def change(name, good, bad):
    """Say whether a claim holds of a good run, and of that and one with something worse."""
    return claim(name).holds([good]), claim(name).holds([good, good | bad])


def test_the_criteria_can_fail():
    gaps = {"autograd": 1e-15, "rtrl": 1e-15, "differences": 1e-9}
    for bad in ({"autograd": 1e-9}, {"rtrl": 1e-9}, {"differences": 1e-5}):
        assert change("three_ways", gaps, bad) == (True, False)

    slopes = {name: (low + high) / 2 for name, low, high in _SLOPES}
    for name, low, high in _SLOPES:
        assert change("cost", slopes, {name: low - 0.01}) == (True, False)
        assert change("cost", slopes, {name: high + 0.01}) == (True, False)

    jump = {"reached": [1.0], "one too few": [0.6], "BPTT(2D; D)": [1.0]}
    for bad in ({"reached": [0.99]}, {"one too few": [0.75]}, {"BPTT(2D; D)": [0.9]}):
        assert change("truncation", jump, bad) == (True, False)
    lost = {"too few": [0.5, 0.6], "readout only": [0.8]}
    assert change("echo", lost, {"too few": [0.5, 0.9]}) == (True, False)
    assert change("echo", lost, {"too few": [0.5, 0.8]}) == (True, False)
    kept = lost | {"too few": [0.5, 0.9]}
    assert claim("echo").holds([lost] * 15 + [kept] * 5)
    assert not claim("echo").holds([lost] * 14 + [kept] * 6)

    biased = {
        "rate": [0.5, 0.8, 0.95],
        "slope": -0.5,
        "mean of all": 1.0,
        "noise": [0.4, 1.0],
        "noise of short": [0.1, 0.4],
    }
    for bad in (
        {"rate": [0.5, 0.8, 0.89]},
        {"slope": -0.3},
        {"mean of all": 2.1},
        {"noise": [0.4, 0.3]},
    ):
        assert change("bias", biased, bad) == (True, False)

    trained = {
        "right: loss": [0.6, 0.3],
        "not reset: loss": 0.35,
        "rotation: loss": 0.1,
        "rotation anew: loss": 0.2,
        "rotation anew: last": 0.29,
        "nothing: last": [0.7, 0.3],
        "echo, right: loss": 0.3,
        "echo, not reset: loss": 0.7,
    }
    assert claim("wrong_gradient").holds([trained] * 2)
    for bad in (
        {"right: loss": [0.24, 0.3]},
        {"not reset: loss": 0.4},
        {"rotation anew: last": 0.3},
        {"nothing: last": [0.29, 0.7]},
        {"rotation anew: loss": 0.19},
        {"echo, not reset: loss": 0.6},
    ):
        assert not claim("wrong_gradient").holds([trained | bad] * 2)
    # at most a tenth more, with 1.7 standard errors on top
    above = [trained | {"not reset: loss": loss} for loss in (0.4, 0.3)]
    assert not claim("wrong_gradient").holds(above)
