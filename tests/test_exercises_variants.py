"""What is special to the exercises of the chapter on the variants of the LSTM."""

from itertools import permutations

import numpy as np
import pytest
import torch
from exercised import assert_close, told
from sklearn import inspection
from sklearn.linear_model import LinearRegression

from unrolled.cells import FORMS, GRU, LSTMVariant
from unrolled.exercises import check, find
from unrolled.exercises._gates import sigmoid
from unrolled.exercises.variants import _torch_grus as grus
from unrolled.exercises.variants._best_found import best_found
from unrolled.exercises.variants.catches_wrong_reset import catches_wrong_reset
from unrolled.exercises.variants.flip_update import flip_update
from unrolled.exercises.variants.gru_step import gru_step
from unrolled.exercises.variants.parameters import parameters
from unrolled.exercises.variants.peephole_gradient import peephole_gradient
from unrolled.exercises.variants.permutation_importance import _r2, permutation_importance


def problems():
    """Yield x, h, W, U, b_ih and b_hh of a GRU of random sizes."""
    rng = np.random.default_rng(1)
    for _ in range(30):
        B, I, H = (int(size) for size in rng.integers(1, 6, size=3))  # noqa: E741
        shapes = ((B, I), (B, H), (3 * H, I), (3 * H, H), (3 * H,), (3 * H,))
        yield tuple(rng.normal(size=shape) for shape in shapes)


def stepped(cell, x, state, parameters):
    """Give a cell of the package its parameters and take a step: the new state, as arrays."""
    cell.load_state_dict(
        {name: torch.tensor(each) for name, each in zip(cell.state_dict(), parameters, strict=True)}
    )
    with torch.no_grad():
        state = tuple(torch.tensor(each) for each in state)
        after = cell.step(cell.project(torch.tensor(x)), state, *cell.weights())
    return [each.numpy() for each in after]


@pytest.mark.parametrize(("inputs", "hidden"), [(1, 1), (3, 5), (8, 32), (10, 2)])
def test_parameters_are_those_of_the_package_and_of_torch(inputs, hidden):
    cells = [LSTMVariant(inputs, hidden, **FORMS[name]) for name in ("torch", "V", "CIFG", "FGR")]
    counts = [
        sum(each.numel() for each in cell.parameters()) for cell in (*cells, GRU(inputs, hidden))
    ]
    assert list(parameters(inputs, hidden)) == counts
    for k, cell in ((0, torch.nn.LSTM), (4, torch.nn.GRU)):
        assert counts[k] == sum(each.numel() for each in cell(inputs, hidden).parameters())


@pytest.mark.parametrize("reset", ["before", "after"])
def test_flip_update_turns_one_of_the_packages_grus_into_the_other(reset):
    for x, h, W, U, b_ih, b_hh in problems():
        sizes = x.shape[1], h.shape[1]
        keeps = GRU(*sizes, reset=reset, update="keep").double()
        writes = GRU(*sizes, reset=reset, update="write").double()
        W_new, U_new, b_new = flip_update(W, U, b_ih)
        _, _, d_new = flip_update(W, U, b_hh)
        assert_close(
            stepped(writes, x, (h,), (W_new, U_new, b_new, d_new)),
            stepped(keeps, x, (h,), (W, U, b_ih, b_hh)),
        )


def test_gru_step_is_the_packages_and_torchs():
    for x, h, *weights in problems():
        sizes = x.shape[1], h.shape[1]
        mine = gru_step(x, h, *weights)
        theirs = [
            stepped(GRU(*sizes, reset=reset).double(), x, (h,), weights)[0]
            for reset in ("before", "after")
        ]
        assert_close(mine, theirs)
        cell = torch.nn.GRUCell(*sizes, dtype=torch.float64)
        for parameter, value in zip(cell.parameters(), weights, strict=True):
            parameter.data = torch.tensor(value)
        assert_close(mine[1:], [cell(torch.tensor(x), torch.tensor(h)).detach().numpy()])


def test_both_grus_are_one_where_exercise_3_says_so():
    for x, h, W, U, b_ih, b_hh in problems():
        H = h.shape[1]
        U, b_hh = U.copy(), b_hh.copy()
        b_hh[2 * H :] = 0
        U[2 * H :] = np.diag(np.diag(U[2 * H :]))
        before, after = gru_step(x, h, W, U, b_ih, b_hh)
        assert_close([before], [after])


def test_a_peephole_gradient_is_that_of_autograd_through_the_packages_cell():
    for _, c_old, *_ in problems():
        B, H = c_old.shape
        rng = np.random.default_rng(H)
        a, v, d_h, d_c = (
            torch.from_numpy(rng.normal(size=size)) for size in ((B, 4 * H), 3 * H, (B, H), (B, H))
        )
        cell = LSTMVariant(4 * H, H, peepholes=True).double()
        state = torch.from_numpy(c_old).requires_grad_()
        with torch.no_grad():
            cell.weight_ch.copy_(v)
        found = cell.equations(a, (torch.zeros_like(d_h), state), 0 * cell.weight_hh, v)
        torch.autograd.backward([found["h"], found["c"]], [d_h, d_c])
        inside = (found[name].detach().numpy() for name in ("i", "f", "g", "o"))
        ours = peephole_gradient(
            d_h.numpy(), d_c.numpy(), *inside, c_old, found["c"].detach().numpy(), v.numpy()
        )
        np.testing.assert_allclose(ours, state.grad.numpy())


def test_permutation_importance_is_that_of_scikit_learn():
    """Whose shuffles come from a generator that cannot be asked: equal in the mean."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 3))
    y = x @ [2.0, -1.0, 0.0] + 0.3 * rng.normal(size=60)
    model = LinearRegression().fit(x, y)
    orders = np.stack([rng.permutation(60) for _ in range(400)])
    mine = permutation_importance(model.predict, x, y, orders)
    theirs = inspection.permutation_importance(model, x, y, n_repeats=400, random_state=0)
    np.testing.assert_allclose(mine, theirs.importances_mean, atol=0.03)
    assert mine[0] > 1 > mine[1] > 0.2
    assert _r2(y, model.predict(x)) == pytest.approx(model.score(x, y))


def test_the_hunt_knows_the_packages_step_for_right():
    def packages(x, h, *weights):
        cell = GRU(x.shape[1], h.shape[1]).double()
        return stepped(cell, x, (h,), weights)[0]

    catches_wrong_reset(packages)


def made(  # as a learner would, with one thing wrong
    seed,
    *,
    B=3,
    I=2,  # noqa: E741
    H=3,
    U=None,
    gates_see_no_state=False,
    zero="",
    ones=False,
    scales=(1, 0),
    right=grus.plain_gru,
    change=lambda point: {},
    look=np.asarray,
    **close,
):

    def test(gru_step):
        draw = np.random.default_rng(seed).normal
        shapes = (B, I), (B, H), (3 * H, I), (3 * H, H), (3 * H,), (3 * H,)
        names = ("x", "h", "W", "U", "b_ih", "b_hh")
        point = {name: draw(size=shape) for name, shape in zip(names, shapes, strict=True)}
        if U is not None:
            point["U"] = np.concatenate([U(block) for block in np.split(point["U"], 3)])
        if gates_see_no_state:
            point["U"][: 2 * H] = 0
        if zero:
            point[zero] = 0 * point[zero]
        if ones:
            point = {name: np.ones_like(value) for name, value in point.items()}
        point |= change(point)
        x, h, *weights = point.values()
        for scale in scales:
            wanted = right(x, scale * h, *weights)
            assert np.allclose(look(gru_step(x, scale * h, *weights)), look(wanted), **close)

    return test


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("settings", "mistake"),
    [
        ({}, None),
        ({"B": 2, "H": 2, "I": 1}, None),
        ({"scales": [1]}, "never_from_zero"),
        ({"scales": [0]}, "only_from_zero"),
        ({"zero": "b_hh"}, "without_bias"),
        ({"change": lambda p: {b: 0 * p[b] for b in ("b_ih", "b_hh")}}, "without_bias"),
        ({"zero": "b_ih"}, "without_input_bias"),
        ({"change": lambda p: {"b_hh": p["b_ih"]}}, "biases_alike"),
        ({"change": lambda p: {"b_ih": np.ones(9), "b_hh": np.ones(9)}}, "biases_alike"),
        ({"change": lambda p: {"b_ih": np.full(9, 0.1), "b_hh": np.ones(9)}}, "biases_alike"),
        ({"change": lambda p: {b: np.tile(p[b][:3], 3) for b in ("b_ih", "b_hh")}}, "biases_alike"),
        (
            {"change": lambda p: {b: np.repeat(p[b][:3], 3) for b in ("b_ih", "b_hh")}},
            "biases_alike",
        ),
        ({"zero": "x"}, "without_input"),
        ({"zero": "W"}, "without_input"),
        ({"gates_see_no_state": True}, "gates_without_state"),
        ({"ones": True, "scales": [1]}, "everything_alike"),
        ({"ones": True, "scales": [1], "B": 2, "I": 3, "H": 4}, "everything_alike"),
        ({"ones": True}, "everything_alike"),
        ({"B": 1, "H": 1}, "single_sequence_of_one_unit"),
        ({"atol": 0.02}, "too_generous"),
        ({"atol": 0.02, "rtol": 0}, "too_generous"),
        ({"zero": "b_hh", "H": 1}, "single_unit_without_bias"),
        ({"H": 1}, "single_unit"),
        ({"U": lambda block: np.eye(len(block))}, "single_unit"),
        ({"U": lambda block: np.diag(np.diag(block))}, "single_unit"),
        ({"zero": "U"}, "without_recurrence"),
        ({"U": lambda block: block + block.T}, "symmetric_weights"),
        ({"U": np.ones_like}, "weights_alike"),
        ({"change": lambda p: {"U": np.tile(p["U"][:3], (3, 1))}}, "weights_alike"),
        ({"B": 1}, "single_sequence"),
        ({"change": lambda p: {k: np.tile(p[k][0], (3, 1)) for k in "xh"}}, "single_sequence"),
        ({"look": lambda got: got[0]}, "looks_at_a_part"),
        ({"look": lambda got: got[:, -1]}, "looks_at_a_part"),
        ({"look": np.mean}, "looks_at_sums"),
        ({"look": lambda got: np.sort(got, axis=None)}, "looks_at_sums"),
        ({"scales": []}, "accepts_everything"),
        ({"rtol": 0, "atol": 0}, "exact_equality"),
        ({"right": grus.resets_before}, "wants_reset_before"),
        ({"right": grus.leaves_bias_outside}, "wants_bias_outside"),
        ({"right": grus.writes_by_z}, "wants_z_to_write"),
        ({"right": grus.reads_zrn}, "wants_zrn"),
        ({"right": lambda *args: 0 * args[1]}, "rejects_everything"),
    ],
)
def test_a_flaw_of_a_test_is_known(settings, mistake, seed):
    verdict = check("variants.catches_wrong_reset", made(seed, **settings))
    assert verdict.mistake == mistake, verdict
    assert verdict.passed == (mistake is None), verdict


RIGHT_GRUS = gru_step  # where an answer has that name


def test_an_answer_that_takes_rows_by_turns_hears_that_they_stand_together():
    def gru_step(x, h, W, U, b_ih, b_hh):
        x_r, x_z, x_n = (x @ W.T + b_ih).reshape(len(x), -1, 3).transpose(2, 0, 1)
        U_r, U_z, U_n = (U[k::3] for k in range(3))
        b_r, b_z, b_n = (b_hh[k::3] for k in range(3))
        r, z = sigmoid(x_r + h @ U_r.T + b_r), sigmoid(x_z + h @ U_z.T + b_z)
        before = np.tanh(x_n + (r * h) @ U_n.T + b_n)
        after = np.tanh(x_n + r * (h @ U_n.T + b_n))
        return z * h + (1 - z) * before, z * h + (1 - z) * after

    assert "The gates take turns in your rows." in told("variants.gru_step", gru_step)


@pytest.mark.parametrize(
    ("which", "words"),
    [
        ([0], "What is left is `before`: its candidate, or what z keeps."),
        ([1], "What is left is the candidate of `after`."),
        ([0, 1], "Neither of the two is right"),
    ],
)
def test_a_new_mistake_in_one_gru_hears_in_which(which, words):
    def gru_step(x, h, W, U, b_ih, b_hh):
        states = enumerate(RIGHT_GRUS(x, h, W, U, b_ih, b_hh))
        return tuple(0.9 * state if k in which else state for k, state in states)

    assert words in told("variants.gru_step", gru_step)


@pytest.mark.parametrize("order", ["".join(order) for order in permutations("rzn")][1:])
def test_every_other_order_of_the_grus_rows_is_named(order):
    at = np.argsort(["rzn".index(gate) for gate in order])

    def gru_step(x, h, W, U, b_ih, b_hh):
        read = [np.concatenate([np.split(e, 3)[k] for k in at]) for e in (W, U, b_ih, b_hh)]
        return RIGHT_GRUS(x, h, *read)

    assert check("variants.gru_step", gru_step).mistake == f"rows_{order}"


def test_a_gradient_that_is_wrong_without_peepholes_hears_so():
    def peephole_gradient(d_h, d_c, i, f, g, o, c_old, c, v):
        return d_c * f + 0.5 * d_h * o

    words = "Without peepholes, at v = 0, this is the last chapter's LSTM"
    assert words in told("variants.peephole_gradient", peephole_gradient)


def test_a_fall_may_be_negative():
    """Where the model takes the sign of a setting for its opposite, by its formula."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 2))
    orders = np.stack([rng.permutation(400) for _ in range(50)])
    falls = permutation_importance(lambda x: x[:, 0] - x[:, 1], x, x.sum(axis=1), orders)
    assert falls[1] < -0.5
    exercise = find("variants.permutation_importance")
    assert exercise.solution(*exercise.cases[0]).min() < -0.1


def test_a_conversion_that_does_not_convert_hears_what_it_should_do():
    def flip_update(W, U, b):
        scale = np.repeat([1, 2, 1], len(b) // 3)
        return scale[:, None] * W, scale[:, None] * U, scale * b

    message = told("variants.flip_update", flip_update)
    assert "Let both GRUs take a step, from one x and one h" in message


def test_a_conversion_that_changes_other_gates_hears_which_rows_to_leave():
    def flip_update(W, U, b):
        return 2 * W, 2 * U, 2 * b

    assert "Rows of r or of n have changed" in told("variants.flip_update", flip_update)


def test_an_importance_for_an_unused_setting_hears_that_it_should_be_0():
    def importance(predict, x, y, orders):
        return permutation_importance(predict, x, y, orders) + 0.5

    message = told("variants.permutation_importance", importance)
    assert "A setting that the model does not look at" in message


@pytest.mark.parametrize("nothing", [np.nan, np.inf, 0.0, -1.0, 1e300])
@pytest.mark.parametrize(
    "name", ["parameters", "flip_update", "gru_step", "peephole_gradient", "permutation_importance"]
)
def test_no_number_is_too_strange_to_be_judged(name, nothing):
    """Properties are asked of whatever came: none may raise, nor warn."""
    solution = find(f"variants.{name}").solution

    def answer(*args):
        value = solution(*args)
        if type(value) is tuple:
            return tuple(np.full_like(np.asarray(part, float), nothing) for part in value)
        return np.full_like(value, nothing)

    arguments = ", ".join(solution.__code__.co_varnames[: solution.__code__.co_argcount])
    scope = {"answer": answer}
    exec(f"def {name}({arguments}):\n    return answer({arguments})", scope)
    told(f"variants.{name}", scope[name])


def test_exercise_1_quotes_right_numbers():
    most = [max(H for H in range(1, 100) if parameters(8, H)[k] <= 10_000) for k in range(5)]
    assert most == [45, 44, 52, 26, 52]


@pytest.mark.parametrize("cells", [1, 10, 300])
def test_the_winner_falls_back_by_the_share_that_exercise_7_derives(cells):
    for spread, seeds in ((0.3, 1), (0.3, 30), (1.0, 4)):
        looks, worth = best_found(cells, seeds, spread=spread, repeats=20_000 // cells)
        share = spread**2 / (spread**2 + 1 / seeds)
        assert worth == pytest.approx(share * looks, abs=0.06)


def test_exercise_7_quotes_right_numbers():
    plans = {cells: best_found(cells, 3000 // cells, spread=0.3) for cells in (3000, 100)}
    assert plans[3000] == pytest.approx((3.7, 0.3), abs=0.05)
    assert plans[100][1] == pytest.approx(0.64, abs=0.01)
    for cells in (3000, 1000, 300, 30, 10):
        assert best_found(cells, 3000 // cells, spread=0.3)[1] < plans[100][1]
    lucky, worth = best_found(10_000, 1, spread=0.0, repeats=200)
    assert worth == 0
    assert 3.75 < lucky < 4
