"""What is special to the exercises of the chapter on the LSTM."""

import inspect
from itertools import permutations

import numpy as np
import pytest
import torch
from exercised import assert_close, told

from unrolled import lstm_numpy
from unrolled.cells import LSTMVariant
from unrolled.exercises import check, find
from unrolled.exercises.lstm._counter import counter
from unrolled.exercises.lstm._counts_to import counts_to
from unrolled.exercises.lstm._lstms import (
    RIGHT,
    forgets_late,
    plain_step,
    reads_ifog,
    shows_raw,
    swaps_gates,
    swaps_results,
)
from unrolled.exercises.lstm.catches_broken_lstm import _with_zeros, catches_broken_lstm
from unrolled.exercises.lstm.cell_parts import cell_parts
from unrolled.exercises.lstm.half_life import half_life
from unrolled.exercises.lstm.opened import opened as right_opened
from unrolled.exercises.lstm.step import step as right_masked_step
from unrolled.exercises.lstm.step_backward import step_backward as right_step_backward
from unrolled.lstm_numpy import Weights


def problems():
    """Yield a generator, x, h, c, W, U and b of random sizes."""
    rng = np.random.default_rng(1)
    for _ in range(30):
        B, I, H = (int(size) for size in rng.integers(1, 6, size=3))  # noqa: E741
        shapes = ((B, I), (B, H), (B, H), (4 * H, I), (4 * H, H), (4 * H,))
        yield rng, *(rng.normal(size=shape) for shape in shapes)


@pytest.mark.parametrize("bias", [-1.5, 0.0, 1.0, 3.0, 5.0])
def test_after_its_half_life_half_of_a_cell_is_left(bias):
    left = lstm_numpy.carousel(np.full((200, 1, 1), 1 / (1 + np.exp(-bias))))[::-1].ravel()
    steps = half_life(bias)
    assert left[int(np.floor(steps))] >= 0.5 >= left[int(np.ceil(steps))]


def test_cell_parts_add_up_to_the_packages_last_state():
    for rng, x, h, c, W, U, b in problems():
        inputs = rng.normal(size=(5, *x.shape))
        trace = lstm_numpy.forward(inputs, h, c, Weights(W, U, b))
        i, f, g = (gate[:, 0] for gate in (trace.gates.i, trace.gates.f, trace.gates.g))
        parts = cell_parts(i, f, g, c[0])
        assert_close([parts.sum(axis=0)], [trace.c[-1, 0]])
        left = lstm_numpy.carousel(f[:, None])[:, 0]
        assert_close([parts], [left * np.concatenate([c[:1], i * g])])


def test_cell_parts_say_what_a_change_does_without_recurrence():
    """Make what one step writes twice as large: the last state moves by its part."""
    for rng, x, h, c, W, U, b in problems():
        inputs = rng.normal(size=(4, *x.shape))
        trace = lstm_numpy.forward(inputs, h, c, Weights(W, 0 * U, b))
        i, f, g = (gate[:, 0] for gate in (trace.gates.i, trace.gates.f, trace.gates.g))
        doubled = g.copy()
        doubled[1] *= 2
        change = cell_parts(i, f, doubled, c[0]).sum(axis=0) - trace.c[-1, 0]
        assert_close([change], [cell_parts(i, f, g, c[0])[2]])


def right_step(x, h, c, W, U, b):
    return right_masked_step(x, h, c, W, U, b, np.ones(len(x), bool))


def test_step_is_the_packages_and_torchs_where_sequences_run_and_else_hands_on():
    for rng, *problem in problems():
        x, h, c, W, U, b = problem
        running = rng.random(len(x)) < 0.5
        held = right_masked_step(*problem, running)
        mine = right_step(*problem)
        for after, on, before in zip(held, mine, (h, c), strict=True):
            assert_close([after[running], after[~running]], [on[running], before[~running]])
        assert_close(mine, lstm_numpy.step(x, h, c, Weights(W, U, b))[:2])
        cell = torch.nn.LSTMCell(x.shape[1], h.shape[1], dtype=torch.float64)
        values = W, U, b, np.zeros_like(b)
        cell.load_state_dict(
            {
                name: torch.tensor(value)
                for name, value in zip(cell.state_dict(), values, strict=True)
            }
        )
        theirs = cell(torch.tensor(x), (torch.tensor(h), torch.tensor(c)))
        assert_close(mine, [each.detach().numpy() for each in theirs])


def test_step_backward_is_autograds_of_the_coupled_cell():
    """And from da on, the way is Elman's, as the exercise says."""
    for rng, x, h, c, *_ in problems():
        H = h.shape[1]
        cell = LSTMVariant(x.shape[1], H, coupled=True).double()
        state = [torch.tensor(each, requires_grad=True) for each in (h, c)]
        found = cell.quantities(cell.project(torch.tensor(x)), tuple(state), *cell.weights())
        dh, dc = rng.normal(size=(2, *h.shape))
        outside = [torch.tensor(dh), torch.tensor(dc)]
        theirs = torch.autograd.grad(
            [found["h"], found["c"]], [*state, cell.weight_hh, cell.bias_hh], outside
        )
        values = [found[name].detach().numpy() for name in ("c", "i", "g", "o")]
        da, dc_prev = right_step_backward(dh, dc, c, *values)
        U = cell.weight_hh.detach().numpy()
        mine = da @ U, dc_prev, da.T @ h, da.sum(axis=0)
        assert_close(mine, [each.numpy() for each in theirs])


def read_by_torch(seed, *, T=7, I=3, H=4):  # noqa: E741
    """Return a torch LSTM that has read a sequence, as the exercise's arguments."""
    torch.manual_seed(seed)
    layer = torch.nn.LSTM(I, H, dtype=torch.float64)
    x = torch.randn(T, I, dtype=torch.float64)
    with torch.no_grad():
        h, (_, c) = layer(x)
    return [x.numpy(), h.numpy(), *(each.detach().numpy() for each in layer.parameters())], c


@pytest.mark.parametrize("seed", range(3))
def test_opened_finds_torchs_last_state_and_the_packages_gates(seed):
    arguments, c_last = read_by_torch(seed)
    x, h, W, U, b_ih, b_hh = arguments
    mine = right_opened(*arguments)
    zero = np.zeros((1, 4))
    trace = lstm_numpy.forward(x[:, None], zero, zero, Weights(W, U, b_ih + b_hh))
    theirs = [*(gate[:, 0] for gate in trace.gates), trace.c[1:, 0]]
    assert_close(mine, theirs)
    assert_close([mine[-1][-1:]], [c_last.numpy()])
    assert_close([mine[3] * np.tanh(mine[4])], [h])


def test_the_hunt_knows_the_packages_step_for_right():
    def packages(x, h, c, W, U, b):
        return lstm_numpy.step(x, h, c, Weights(W, U, b))[:2]

    catches_broken_lstm(packages)


def results_of(bugs, problem):
    """Return what each makes of a problem; one refuses it, where W and U differ in shape."""
    x, h, *_ = problem
    may_refuse = x.shape != h.shape
    for bug in bugs:
        try:
            yield np.stack(bug(*(each.copy() for each in problem)))
        except ValueError:
            assert may_refuse
            may_refuse = False


def test_the_hunts_bugs_are_wrong_and_all_different():
    """No two do the same, not even at the numbers of one test: each bug is worth its place."""
    exercise = find("lstm.catches_broken_lstm")
    for _, *problem in problems():
        if problem[1].shape[0] > 1 and problem[1].shape[1] > 1:
            bugs = [each for (each,) in exercise.cases[len(RIGHT) - 1 :]]
            results = [*results_of(bugs, problem)]
            for k, one in enumerate(results):
                assert not any(np.allclose(one, other) for other in results[:k])


def drawn(rng, B, I, H):  # noqa: E741
    shapes = ((B, I), (B, H), (B, H), (4 * H, I), (4 * H, H), (4 * H,))
    return [rng.normal(size=shape) for shape in shapes]


def made(  # as a learner would, with one thing wrong
    seed,
    *,
    B=3,
    I=2,  # noqa: E741
    H=3,
    zero="",
    constant=None,
    ones=False,
    symmetric=False,
    same=False,
    which="hc",
    right=plain_step,
    **options,
):

    def test(step):
        point = drawn(np.random.default_rng(seed), B, I, H)
        point = [0 * p if n in zero else p for n, p in zip("xhcWUb", point, strict=True)]
        if constant is not None:
            point[3:] = [np.full_like(p, constant) for p in point[3:]]
        if ones:
            point = [np.ones_like(p) for p in point]
        if same:
            point[2] = point[1].copy()
        if symmetric:
            point[4] = np.concatenate([block + block.T for block in np.split(point[4], 4)])
        wanted = right(*(p.copy() for p in point))
        for name, mine, theirs in zip("hc", step(*point), wanted, strict=True):
            assert name not in which or np.allclose(mine, theirs, **options)

    return test


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("settings", "mistake"),
    [
        ({}, None),
        ({"B": 2, "H": 2, "I": 1}, None),
        ({"zero": "c"}, "from_a_zero_cell"),
        ({"zero": "h"}, "from_a_zero_output"),
        ({"zero": "U"}, "from_a_zero_output"),
        ({"zero": "hc"}, "from_zero_states"),
        ({"zero": "b"}, "without_bias"),
        ({"zero": "WUb"}, "without_weights"),
        ({"zero": "x"}, "without_input"),
        ({"zero": "W"}, "without_input"),
        ({"symmetric": True}, "symmetric_weights"),
        ({"ones": True}, "everything_alike"),
        ({"ones": True, "B": 2, "I": 1, "H": 2}, "everything_alike"),
        ({"same": True}, "states_alike"),
        ({"constant": 0.3}, "gates_all_alike"),
        ({"constant": 1.0}, "gates_all_alike"),
        ({"H": 1}, "single_unit"),
        ({"B": 1}, "single_sequence"),
        ({"B": 1, "H": 1}, "single_sequence_of_one_unit"),
        ({"which": "h"}, "looks_at_h_only"),
        ({"which": "c"}, "looks_at_c_only"),
        ({"which": ""}, "accepts_everything"),
        ({"rtol": 0, "atol": 0}, "exact_equality"),
        ({"right": reads_ifog}, "wants_ifog"),
        ({"right": swaps_gates}, "wants_gates_swapped"),
        ({"right": shows_raw}, "wants_raw_state"),
        ({"right": forgets_late}, "wants_late_forgetting"),
        ({"right": swaps_results}, "rejects_everything"),
    ],
)
def test_a_flaw_of_a_test_is_known(settings, mistake, seed):
    verdict = check("lstm.catches_broken_lstm", made(seed, **settings))
    assert verdict.mistake == mistake, verdict
    assert verdict.passed == (mistake is None), verdict


def test_an_answer_that_takes_rows_by_turns_hears_that_they_stand_together():
    def step(x, h, c, W, U, b, running):
        i, f, g, o = (x @ W.T + h @ U.T + b).reshape(len(x), -1, 4).transpose(2, 0, 1)
        i, f, o = (1 / (1 + np.exp(-a)) for a in (i, f, o))
        new, on = f * c + i * np.tanh(g), running[:, None]
        return np.where(on, o * np.tanh(new), h), np.where(on, new, c)

    assert "The gates take turns in your rows." in told("lstm.step", step)


def test_an_answer_with_blocks_turned_hears_which_way_round_they_stand():
    def step(x, h, c, W, U, b, running):
        turned = np.concatenate([block.T for block in np.split(U, 4)])
        return right_masked_step(x, h, c, W, turned, b, running)

    assert "The blocks of U are the wrong way round" in told("lstm.step", step)


@pytest.mark.parametrize(
    ("factors", "words"),
    [
        ((1, 0.9), "`h` is right, so the state that it is made from is."),
        ((0.9, 1), "`c` is right, and `h` is not."),
        ((0.9, 0.8), "Look at `c` first"),
    ],
)
def test_a_new_mistake_in_a_step_hears_which_state_to_look_at(factors, words):
    def step(*args):
        found = right_masked_step(*args)
        return [np.where(args[-1][:, None], k * s, s) for k, s in zip(factors, found, strict=True)]

    assert words in told("lstm.step", step)


def test_a_step_that_moves_a_state_that_has_ended_hears_so():
    def step(*args):
        return tuple(0.9 * each for each in right_masked_step(*args))

    assert "A sequence has ended here" in told("lstm.step", step)


@pytest.mark.parametrize("order", ["".join(order) for order in permutations("ifgo")][1:])
def test_every_other_order_of_the_gates_is_named(order):
    """As a learner would take it: in a step, and in what comes back from one."""
    at = ["ifgo".index(gate) for gate in order]

    def step(x, h, c, W, U, b, running):
        rows = np.argsort(at)
        W, U, b = (np.concatenate([np.split(each, 4)[k] for k in rows]) for each in (W, U, b))
        return right_masked_step(x, h, c, W, U, b, running)

    message = told("lstm.step", step)
    assert ", ".join(order) in message or "have changed places" in message


@pytest.mark.parametrize("order", ["".join(order) for order in permutations("igo")][1:])
def test_every_other_order_of_the_parts_is_named(order):
    at = ["igo".index(gate) for gate in order]

    def step_backward(*args):
        da, dc_prev = right_step_backward(*args)
        return np.concatenate([np.split(da, 3, axis=1)[k] for k in at], axis=1), dc_prev

    assert f"in the order {', '.join(order)}" in told("lstm.step_backward", step_backward)


@pytest.mark.parametrize("name", ["half_life", "cell_parts", "step_backward"])
def test_a_misspelt_name_is_no_known_mistake(name):
    """A mistake that stops with a NameError of its own would be told whoever misspells a name."""
    solution = find(f"lstm.{name}").solution
    arguments = ", ".join(inspect.signature(solution).parameters)
    scope = {}
    exec(f"def {name}({arguments}):\n    return misspelt", scope)
    assert check(f"lstm.{name}", scope[name]).mistake is None


def test_a_tanh_that_overflows_hears_of_it_and_not_of_signs():
    def tanh(a):
        with np.errstate(all="ignore"):
            return (np.exp(a) - np.exp(-a)) / (np.exp(a) + np.exp(-a))

    def step(x, h, c, W, U, b, running):
        i, f, g, o = np.split(x @ W.T + h @ U.T + b, 4, axis=1)
        with np.errstate(over="ignore"):
            i, f, o = (1 / (1 + np.exp(-a)) for a in (i, f, o))
        new, on = f * c + i * tanh(g), running[:, None]
        return np.where(on, o * tanh(new), h), np.where(on, new, c)

    assert "tanh, made of exp(a) and exp(-a)" in told("lstm.step", step)


def test_what_is_lost_for_what_is_kept_is_named_too():
    """1 - f in place of f gives the same numbers as a bias of the other sign: both are named."""
    assert "1 - f" in told("lstm.half_life", lambda bias: half_life(-bias))


@pytest.mark.parametrize(
    ("gate", "words"), [(0, "input gate"), (1, "candidate"), (2, "output gate")]
)
def test_a_new_mistake_in_one_gate_hears_in_which(gate, words):
    def step_backward(*args):
        da, dc_prev = right_step_backward(*args)
        da.reshape(len(da), 3, -1)[:, gate] *= 0.7
        return da, dc_prev

    message = told("lstm.step_backward", step_backward)
    assert f"part of the {words}, columns" in message


@pytest.mark.parametrize(
    ("part", "words"), [(0, "Look at the gates first"), (4, "o * tanh(c) should be the h")]
)
def test_a_new_mistake_in_what_was_opened_hears_whether_gates_or_states_are_wrong(part, words):
    def opened(*args):
        found = [*right_opened(*args)]
        found[part] = 0.9 * found[part]
        return tuple(found)

    assert words in told("lstm.opened", opened)


def test_an_answer_with_parts_that_do_not_add_up_hears_so():
    message = told("lstm.cell_parts", lambda i, f, g, c_0: 1.1 * cell_parts(i, f, g, c_0))
    assert "The rows should add up to c_T" in message


def test_an_answer_that_writes_late_hears_of_its_last_row():
    def moved(i, f, g, c_0):
        parts = cell_parts(i, f, g, c_0)
        parts[-1] += parts[0] / 2
        parts[0] /= 2
        return parts

    assert "But the last is not what step T has written" in told("lstm.cell_parts", moved)


@pytest.mark.parametrize("nothing", [np.nan, np.inf, 0.0, -1.0, 1e300])
@pytest.mark.parametrize("name", ["half_life", "cell_parts", "step", "step_backward", "opened"])
def test_no_number_is_too_strange_to_be_judged(name, nothing):
    """Properties are asked of whatever came: none may raise, nor warn."""
    exercise = find(f"lstm.{name}")

    def answer(*args):
        value = exercise.solution(*args)
        parts = [np.full_like(part, nothing) for part in value] if type(value) is tuple else None
        return tuple(parts) if parts else np.full_like(np.asarray(value, float), nothing)

    arguments = ", ".join(exercise.solution.__code__.co_varnames[: len(exercise.cases[0])])
    scope = {"answer": answer}
    exec(f"def {name}({arguments}):\n    return answer({arguments})", scope)
    told(exercise.id, scope[name])


def test_most_bugs_are_right_where_exercise_6_says_so():
    """With weights and biases of 0, that is."""
    bugs = [each for (each,) in find("lstm.catches_broken_lstm").cases[3:]]
    point = _with_zeros(3, 4, 5)
    right = np.stack(plain_step(*point))
    same = [np.allclose(result, right) for result in results_of(bugs, point)]
    assert np.mean(same) > 0.6


def test_exercise_1_quotes_right_numbers():
    assert [round(half_life(bias), 1) for bias in (0, 1, 3, 5)] == [1, 2.2, 14.3, 103.2]
    assert 1 / (1 + np.exp(-1)) == pytest.approx(0.73, abs=0.002)
    assert (1 / (1 + np.exp(-1))) ** 100 == pytest.approx(2.5e-14, rel=0.01)
    assert half_life(7.27) == pytest.approx(1000, rel=0.01)
    assert half_life(9) / np.exp(9) == pytest.approx(0.7, abs=0.01)
    assert half_life(np.log(1e5)) / 1e5 == pytest.approx(0.7, abs=0.01)


@pytest.mark.parametrize(("bias", "n"), [(1, 1), (3, 3), (5, 8), (10, 105)])
def test_a_leaking_cell_counts_as_far_as_the_formula_says(bias, n):
    f = 1 / (1 + np.exp(-bias))

    def at_the_end(n):
        return (1 - f**n) ** 2 / (1 - f)

    assert at_the_end(n) < 0.5 < at_the_end(n + 1)
    assert counts_to(bias) == n
    assert int(np.sqrt(np.exp(bias) / 2)) in (n, n - 1)


def test_a_cell_that_keeps_everything_counts_on():
    assert counts_to(40, limit=300) == 300
    assert [counts_to(5, limit=limit) for limit in (1, 7, 8, 9, 20)] == [1, 7, 8, 8, 8]


def test_the_counter_is_a_network_of_torch():
    """The weights mean the same to torch.nn.LSTMCell: aaabb then b is balanced, aabb then b not."""
    W, U, b = (torch.tensor(each) for each in counter(40))
    cell = torch.nn.LSTMCell(2, 1, dtype=torch.float64)
    cell.load_state_dict(
        {"weight_ih": W, "weight_hh": U, "bias_ih": b, "bias_hh": torch.zeros_like(b)}
    )
    for text, balanced in (("aaabbb", True), ("aabbb", False), ("aaab", False), ("ab", True)):
        state = None
        for symbol in text:
            x = torch.tensor([[float(symbol == "a"), float(symbol == "b")]], dtype=torch.float64)
            state = cell(x, state)
        assert (abs(state[0].item()) < np.tanh(0.5)) == balanced
