"""What is special to the exercises of the chapter on the variants of the LSTM."""

import numpy as np
import pytest
import torch
from exercised import assert_close, told
from sklearn import inspection
from sklearn.linear_model import LinearRegression

from unrolled.cells import FORMS, GRU, LSTMVariant
from unrolled.exercises import check, find
from unrolled.exercises.variants import _some_grus
from unrolled.exercises.variants import _torch_grus as grus
from unrolled.exercises.variants._best_found import best_found
from unrolled.exercises.variants.catches_wrong_reset import catches_wrong_reset
from unrolled.exercises.variants.convert_gru import convert_gru
from unrolled.exercises.variants.parameters import parameters
from unrolled.exercises.variants.peephole_gradient import peephole_gradient
from unrolled.exercises.variants.permutation_importance import _r2, permutation_importance
from unrolled.exercises.variants.which_gru import which_gru


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
def test_convert_gru_turns_one_of_the_packages_grus_into_the_other(reset):
    for x, h, *weights in problems():
        sizes = x.shape[1], h.shape[1]
        writes = GRU(*sizes, reset=reset, update="write").double()
        keeps = GRU(*sizes, reset=reset, update="keep").double()
        theirs = [
            np.concatenate([*(np.split(each, 3)[k] for k in (1, 0, 2))]).T for each in weights
        ]
        assert_close(
            stepped(keeps, x, (h,), convert_gru(*theirs)), stepped(writes, x, (h,), weights)
        )


def test_the_eight_grus_are_the_packages():
    for x, h, *weights in problems():
        for (z_first, before, keeps), gru in zip(_some_grus.KINDS, _some_grus.GRUS, strict=True):
            settings = {"reset": "before" if before else "after"}
            settings["update"] = "keep" if keeps else "write"
            cell = GRU(x.shape[1], h.shape[1], **settings).double()
            order = (1, 0, 2) if z_first else (0, 1, 2)
            read = [np.concatenate([np.split(each, 3)[k] for k in order]) for each in weights]
            assert_close([gru(x, h, *weights)], stepped(cell, x, (h,), read))


def test_which_gru_knows_torch():
    def step(x, h, *weights):
        cell = torch.nn.GRUCell(x.shape[1], h.shape[1], dtype=torch.float64)
        for parameter, value in zip(cell.parameters(), weights, strict=True):
            parameter.data = torch.tensor(value)
        return cell(torch.tensor(x), torch.tensor(h)).detach().numpy()

    assert which_gru(step) == (False, False, True)


def test_both_resets_are_one_where_exercise_3_says_so():
    after, before = (_some_grus.GRUS[_some_grus.KINDS.index((True, b, True))] for b in (0, 1))
    for x, h, W, U, b_ih, b_hh in problems():
        H = h.shape[1]
        U, b_hh = U.copy(), b_hh.copy()
        b_hh[2 * H :] = 0
        U[2 * H :] = np.diag(np.diag(U[2 * H :]))
        assert_close([before(x, h, W, U, b_ih, b_hh)], [after(x, h, W, U, b_ih, b_hh)])


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


def looked_at(point):
    """Make an answer that compares all eight at one point, and takes the first that fits."""

    def which(step):
        new = step(*point)
        fits = (np.allclose(gru(*point), new, atol=1e-5) for gru in _some_grus.GRUS)
        return _some_grus.KINDS[[*fits].index(True)]

    scope = {"which": which}
    exec("def which_gru(step):\n    return which(step)", scope)
    return scope["which_gru"]


def point_of(B=3, I=2, H=4):  # noqa: E741
    draw = np.random.default_rng(2).normal
    shapes = (B, I), (B, H), (3 * H, I), (3 * H, H), (3 * H,), (3 * H,)
    return [draw(size=shape) for shape in shapes]


def without_bias(point, U=lambda block: block):
    *rest, weights, b_ih, b_hh = point
    weights = np.concatenate([U(block) for block in np.split(weights, 3)])
    return [*rest, weights, 0 * b_ih, 0 * b_hh]


@pytest.mark.parametrize(
    ("point", "mistake"),
    [
        (point_of(), None),
        (point_of(1, 1, 2), None),
        (without_bias(point_of()), None),
        (point_of(3, 2, 1), None),  # the bias b_hn shows it
        (without_bias(point_of(3, 2, 1)), "before_not_seen"),
        (without_bias(point_of(), lambda block: np.diag(np.diag(block))), "before_not_seen"),
        ([0 * each for each in point_of()], "always_the_same"),
        ([np.ones_like(each) for each in point_of()], "always_the_same"),
        ([np.full_like(each, 0.3) for each in point_of()], "z_first_not_seen"),
    ],
)
def test_a_point_that_does_not_tell_the_grus_apart_is_named(point, mistake):
    verdict = check("variants.which_gru", looked_at(point))
    assert verdict.mistake == mistake, verdict
    assert verdict.passed == (mistake is None), verdict


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
    def convert(*weights):
        W, U, b_ih, b_hh = convert_gru(*weights)
        return W, 2 * U, b_ih, b_hh

    message = told("variants.convert_gru", convert)
    assert "Let both GRUs take a step, from one x and one h" in message


def test_a_conversion_with_wrong_biases_hears_to_look_at_them():
    def convert(*weights):
        return tuple(2 * each for each in convert_gru(*weights))

    assert "Look at the biases first" in told("variants.convert_gru", convert)


def test_an_importance_for_an_unused_setting_hears_that_it_should_be_0():
    def importance(predict, x, y, orders):
        return permutation_importance(predict, x, y, orders) + 0.5

    message = told("variants.permutation_importance", importance)
    assert "A setting that the model does not look at" in message


@pytest.mark.parametrize("nothing", [np.nan, np.inf, 0.0, -1.0, 1e300])
@pytest.mark.parametrize(
    "name",
    ["parameters", "convert_gru", "which_gru", "peephole_gradient", "permutation_importance"],
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
