from importlib import import_module

import numpy as np
import pytest
import torch

from unrolled.data import letter_stream
from unrolled.data.elman import NOUNS, SENTENCE, temporal_xor
from unrolled.experiments.rnn._elman import learn, read
from unrolled.experiments.rnn._letter_stream import LETTERS, letters_foreseen
from unrolled.experiments.rnn._operator import OPERATOR, keyed_right
from unrolled.experiments.rnn._sentences import WORDS, word_states
from unrolled.experiments.rnn._teleprinter import PRINTER, Latest
from unrolled.experiments.rnn.classes import purity
from unrolled.experiments.rnn.nouns_and_verbs import _parted
from unrolled.experiments.rnn.shift import shift_held
from unrolled.experiments.rnn.words import auc

rng = np.random.default_rng(0)


def claim(name):
    return import_module(f"unrolled.experiments.rnn.{name}").CLAIM


def test_learning_is_sgd_with_the_context_held_fixed():
    """Against autograd: the same weights after 40 updates, with the state detached."""
    x, y = rng.random((20, 3)), rng.random((20, 2))
    settings = {"hidden": 4, "scale": 0.7, "rate": 0.5, "seed": 3}
    first = [torch.tensor(each, requires_grad=True) for each in learn(x, y, passes=0, **settings)]
    W, U, b, V, c = first
    h = torch.full((4,), 0.5, dtype=torch.float64)
    for x_t, y_t in [*zip(torch.tensor(x), torch.tensor(y), strict=True)] * 2:
        h = torch.sigmoid(W @ x_t + U @ h.detach() + b)
        loss = ((torch.sigmoid(V @ h + c) - y_t) ** 2).sum() / 2
        for weight, gradient in zip(first, torch.autograd.grad(loss, first), strict=True):
            weight.data -= 0.5 * gradient
    for ours, theirs in zip(learn(x, y, passes=2, **settings), first, strict=True):
        assert ours == pytest.approx(theirs.detach().numpy(), rel=1e-10)


def test_reading_is_the_equations():
    network = learn(rng.random((5, 3)), rng.random((5, 2)), hidden=4, rate=1, passes=0, seed=0)
    x = rng.random((6, 3))
    states, answers = read(network, x)
    h = np.full(4, 0.5)
    for x_t, state, answer in zip(x, states, answers, strict=True):
        h = 1 / (1 + np.exp(-(network.W @ x_t + network.U @ h + network.b)))
        assert state == pytest.approx(h, rel=1e-12)
        assert answer == pytest.approx(1 / (1 + np.exp(-(network.V @ h + network.c))), rel=1e-12)


def test_the_seed_alone_decides_and_the_scale_bounds_the_first_weights():
    x, y = rng.random((5, 3)), rng.random((5, 2))

    def first(seed):
        parts = learn(x, y, hidden=30, rate=1, passes=0, scale=0.2, seed=seed)
        return np.concatenate([part.ravel() for part in parts])

    assert (first(1) == first(1)).all()
    assert (first(1) != first(2)).any()
    assert 0.19 < np.abs(first(1)).max() < 0.2


def test_auc_counts_pairs():
    assert auc([3, 1, 2, 0], [1, 0, 1, 0]) == 1
    assert auc([3, 1, 2, 0], [0, 1, 0, 1]) == 0
    assert auc([5, 5, 5], [1, 0, 0]) == 0.5
    scores, positive = rng.integers(0, 9, 60), rng.random(60) < 0.3
    pairs = [(a > b) + (a == b) / 2 for a in scores[positive] for b in scores[~positive]]
    assert auc(scores, positive) == pytest.approx(np.mean(pairs))


def test_random_errors_say_nothing_of_word_starts():
    starts = letter_stream(5000, seed=0).starts
    assert auc(rng.random(len(starts)), starts) == pytest.approx(0.5, abs=0.02)


def test_purity_by_hand():
    vectors = [[1, 0], [1, 0.1], [0, 1], [0.1, 5]]
    assert purity(vectors, ["a", "a", "b", "b"]) == 1
    assert purity(vectors, ["a", "b", "a", "b"]) == 0
    assert purity(vectors, ["a", "a", "b", "c"]) == 0.5


def test_right_angles_have_the_purity_of_chance():
    classes = ["a"] * 4 + ["b"] * 3 + ["c"] * 2
    pairs = 4 * 3 + 3 * 2 + 2 * 1
    assert purity(np.eye(9), classes) == pytest.approx(pairs / (9 * 8))


def test_who_knows_the_rule_and_not_the_place_errs_as_the_docstring_says():
    bits = temporal_xor(50_000, seed=0)
    says = np.where(bits[:-2] ^ bits[1:-1], 2 / 3, 1 / 3)
    error = (says - bits[2:]).reshape(-1)
    place = np.arange(2, len(bits)) % 3 + 1
    rms = [np.sqrt(np.mean(error[place == bit] ** 2)) for bit in (1, 2, 3)]
    assert rms == pytest.approx([np.sqrt(5 / 18), np.sqrt(5 / 18), 1 / 3], abs=0.005)
    flat = np.sqrt(np.mean((0.5 - bits) ** 2))
    assert flat == 0.5


SMALL = {
    "passes": 1,
    "triplets": 50,
    "train": 300,
    "traffic": 64,
    "tests": 5,
    "distances": [1, 2, 12],
}


@pytest.mark.parametrize(
    "name", ["shift", "xor", "xor_longer", "letters", "words", "classes", "nouns_and_verbs"]
)
def test_experiments_return_what_the_claims_show(name):
    settings = dict(claim(name).settings["quick"])
    settings |= {key: value for key, value in SMALL.items() if key in settings}
    measured = claim(name).experiment(0, **settings)
    for row in (row for strip in claim(name).strips for row in strip.rows):
        assert np.isfinite(measured[row.quantity]).all()
        assert np.size(measured[row.quantity]) == len(settings[row.over] if row.over else [0])


def test_a_stretch_of_letters_and_its_errors():
    found = letters_foreseen(0, **{**LETTERS, "train": 60, "passes": 1})
    assert found.letters == SENTENCE.replace(" ", "")
    shapes = {each.shape for each in (found.errors, found.starts, found.least)}
    assert shapes == {(len(found.letters),)}
    assert found.least[found.letters.index("boy") + 2] == 0  # only y can follow bo
    starts = np.flatnonzero(found.starts).tolist()
    assert starts == [len(SENTENCE[:i].replace(" ", "")) for i in [0, *_after_spaces(SENTENCE)]]
    assert found.errors.min() > 0


def _after_spaces(text):
    return [i + 1 for i, letter in enumerate(text) if letter == " "]


def test_the_latest_inputs_stand_side_by_side():
    x = torch.arange(1.0, 5)[:, None, None]
    assert Latest(3)(x)[:, 0].tolist() == [[0, 0, 1], [0, 1, 2], [1, 2, 3], [2, 3, 4]]
    assert torch.equal(Latest(1)(x), x)


def test_a_window_prints_right_until_the_shift_leaves_it_and_no_further():
    small = {**PRINTER, "traffic": 512, "hidden": 16}
    found = shift_held(0, **small, windows=[2], tests=100, distances=[*range(1, 21)])
    assert found["window of 2"][0] == 1
    assert max(found["window of 2"][1:]) == found["out of reach"][0] < 0.3
    assert found["worst"] == min(found["recurrent"])


def test_an_operator_is_tested_on_every_length_and_learns():
    small = {**OPERATOR, "texts": 640, "longest": 3, "hidden": 32}
    one, more = (keyed_right(0, **{**small, "epochs": epochs}, tests=300) for epochs in (1, 20))
    assert len(one) == len(more) == 3
    assert more[0] > one[0]


def test_the_top_split_is_that_of_the_tree():
    nouns = np.array([True, True, False, False])
    apart = np.array([[0.0], [0.1], [5.0], [5.2]])
    assert _parted(apart, nouns, "average") == 1
    assert _parted(apart[[0, 2, 1, 3]], nouns, "average") == 0.5
    assert _parted(np.array([[0.0], [0.1], [0.2], [5.0]]), nouns, "average") == 0.75


def test_word_states_have_a_row_a_word():
    small = {**WORDS, "train": 100, "test": 400, "hidden": 7, "passes": 1}
    found = word_states(0, **small, scale=0.3)
    assert found.states.shape == (29, 7)
    assert len(found.words) == len(found.classes) == 29
    assert found.classes[found.words.index("lion")] == "predator"
    assert {name for name in found.classes if name in NOUNS} == set(NOUNS)


def test_the_criteria_can_fail():
    for name in ("xor", "xor_longer"):
        good = {"rms by position": [0.52, 0.53, 0.33]}
        assert claim(name).holds([good])
        assert not claim(name).holds([good, {"rms by position": [0.5, 0.5, 0.5]}])
        assert not claim(name).holds([{"rms by position": [0.47, 0.53, 0.33]}])
        assert not claim(name).holds([{"rms by position": [0.53, 0.47, 0.33]}])
    good = {"worst": 1.0, "out of reach": [0.16, 0.16]}
    assert claim("shift").holds([good])
    assert not claim("shift").holds([good, good | {"worst": 0.98}])
    assert not claim("shift").holds([good, good | {"out of reach": [0.16, 0.3]}])
    assert claim("nouns_and_verbs").holds([{"parted": [1.0, 0.6]}])
    assert not claim("nouns_and_verbs").holds([{"parted": [1.0, 1.0]}, {"parted": [0.9, 1.0]}])
    good = {"ratio": 9.0, "consonant bit": 0.02}
    assert claim("letters").holds([good])
    assert not claim("letters").holds([good, good | {"ratio": 4.9}])
    assert not claim("letters").holds([good, good | {"consonant bit": 0.06}])
    assert claim("words").holds([{"auc": 0.95}])
    assert not claim("words").holds([{"auc": 0.95}, {"auc": 0.89}])
    assert claim("classes").holds([{"purity": 0.9}])
    assert not claim("classes").holds([{"purity": 0.9}, {"purity": 0.79}])


X, Y = [[0.0], [1.0]], [[1.0], [0.0]]


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (
            lambda: learn(X, [[1.0]], hidden=1, rate=1, passes=1, seed=0),
            ValueError,
            r"shapes \(T, I\) and \(T, O\), got \(2, 1\) and \(1, 1\)",
        ),
        (
            lambda: learn([0, 1], Y, hidden=1, rate=1, passes=1, seed=0),
            ValueError,
            r"got \(2,\) and \(2, 1\)",
        ),
        (
            lambda: learn(X, Y, hidden=0, rate=1, passes=1, seed=0),
            ValueError,
            "hidden must be at least 1, got 0",
        ),
        (
            lambda: learn(X, Y, hidden=1, rate=0, passes=1, seed=0),
            ValueError,
            "rate must be greater than 0",
        ),
        (
            lambda: learn(X, Y, hidden=1, rate=1, passes=-1, seed=0),
            ValueError,
            "passes must be at least 0",
        ),
        (
            lambda: learn(X, Y, hidden=1, rate=1, passes=1, scale=-1, seed=0),
            ValueError,
            "scale must be greater than 0",
        ),
        (
            lambda: read(learn(X, Y, hidden=1, rate=1, passes=0, seed=0), [[1, 2]]),
            ValueError,
            r"inputs must have shape \(T, 1\), got \(1, 2\)",
        ),
        (lambda: auc([1, 2], [1]), ValueError, r"same shape \(n,\), got \(2,\) and \(1,\)"),
        (lambda: auc([1, 2], [1, 1]), ValueError, "both true and false, got 2 true"),
        (lambda: purity([[1, 0]], ["a"]), ValueError, "n at least 2"),
        (lambda: purity([[1, 0], [0, 0]], ["a", "b"]), ValueError, "not be 0, got 0 at index 1"),
        (lambda: letters_foreseen(0, "a cat", **LETTERS), ValueError, "got 'a cat'"),
        (lambda: letters_foreseen(0, "", **LETTERS), ValueError, "got ''"),
    ],
)
def test_bad_input_is_named(call, error, words):
    with pytest.raises(error, match=words):
        call()
