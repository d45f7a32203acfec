import re

import numpy as np
import pytest

from unrolled.data.arithmetic import SYMBOLS, arithmetic

PROBLEM = re.compile(r"(\d+)([+-])(\d+)")


def spell(batch):
    codes = np.vstack([batch.inputs.argmax(axis=2)[:1], batch.targets])
    return ["".join(SYMBOLS[code] for code in column) for column in codes.T]


def solve(text):
    """Leave the letters out, and work out what is left; return also the answer that is given."""
    problem, _, answer = text.partition("=")
    a, sign, b = PROBLEM.fullmatch(re.sub("[a-z]", "", problem)).groups()
    return int(a), sign, int(b), answer


def test_the_example_that_is_shown_is_one_of_them():
    shown = re.search(r"``(\S+)``: 336 - 941", arithmetic.__doc__)[1]
    a, sign, b, answer = solve(shown)
    assert (a, sign, b, answer) == (336, "-", 941, f"{336 - 941}.")
    assert shown.index("=") == 2 * (2 * 3 + 1)


@pytest.mark.parametrize("digits", [1, 2, 3, 8])
def test_every_answer_is_right_and_padded_with_full_stops(digits):
    batch = arithmetic(500, digits=digits, seed=0)
    T = 5 * digits + 4
    assert batch.inputs.shape == (T, 500, 40)
    assert batch.targets.shape == batch.mask.shape == (T, 500)
    assert batch.inputs.dtype == np.float32
    assert batch.targets.dtype == np.int64
    assert batch.mask.dtype == np.bool_
    assert (batch.inputs.sum(axis=2) == 1).all()
    for text in spell(batch):
        a, sign, b, answer = solve(text)
        assert max(a, b) < 10**digits
        assert re.fullmatch(r"(0|[1-9]\d*)[+-](0|[1-9]\d*)", re.sub("[a-z]|=.*", "", text))
        assert answer.rstrip(".") == str(a + b if sign == "+" else a - b)
        assert len(answer) == digits + 2
        assert answer.endswith(".")
        assert text.index("=") == 2 * (2 * digits + 1)


def test_targets_are_the_inputs_one_step_ahead():
    batch = arithmetic(50, digits=3, seed=1)
    assert (batch.inputs[1:].argmax(axis=2) == batch.targets[:-1]).all()


def test_the_mask_covers_the_answer_and_its_first_full_stop():
    batch = arithmetic(500, digits=2, seed=2)
    for text, mask in zip(spell(batch), batch.mask.T, strict=True):
        expected = re.match(r"-?\d+\.", text.partition("=")[2])[0]
        assert "".join(np.array(list(text[1:]))[mask]) == expected


def test_signs_lengths_letters_and_their_places_are_as_likely_as_they_should_be():
    n = 6_000
    texts = spell(arithmetic(n, digits=3, seed=3))
    solved = [solve(text) for text in texts]
    assert np.mean([sign == "+" for _, sign, _, _ in solved]) == pytest.approx(0.5, abs=0.03)
    lengths = np.bincount([len(str(number)) for a, _, b, _ in solved for number in (a, b)])
    assert lengths[1:] / (2 * n) == pytest.approx(np.full(3, 1 / 3), abs=0.02)
    ones = np.bincount([a for a, _, _, _ in solved if a < 10])
    assert ones / ones.sum() == pytest.approx(np.full(10, 0.1), abs=0.03)
    is_letter = np.array([[c.isalpha() for c in text[:14]] for text in texts])
    expected = 1 - (2 * 2 + 1) / 14  # two numbers of two digits on average, and a sign
    assert is_letter.mean(axis=0) == pytest.approx(np.full(14, expected), abs=0.03)
    letters = np.bincount([SYMBOLS.index(c) for text in texts for c in text[:14] if c.isalpha()])
    assert letters[14:] / letters.sum() == pytest.approx(np.full(26, 1 / 26), abs=0.005)


def test_the_symbols_are_forty_different_ones():
    assert len(SYMBOLS) == len(set(SYMBOLS)) == 40


def test_the_seed_alone_decides():
    one, same, other = (arithmetic(9, digits=3, seed=seed) for seed in (5, 5, 6))
    assert all((a == b).all() for a, b in zip(one, same, strict=True))
    assert (one.inputs != other.inputs).any()


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"n": 0}, ValueError, "n must be from 1 to 1000000, got 0"),
        ({"digits": 0}, ValueError, "digits must be from 1 to 8, got 0"),
        ({"digits": 9}, ValueError, "digits must be from 1 to 8, got 9"),
        ({"digits": 1.5}, TypeError, "digits must be a whole number"),
        ({"seed": -1}, ValueError, "seed must be at least 0, got -1"),
    ],
)
def test_bad_input_is_named(arguments, error, words):
    with pytest.raises(error, match=words):
        arithmetic(**{"n": 3, "digits": 3, "seed": 0, **arguments})


@pytest.mark.parametrize("n", [10**8, 2**31 - 1])
def test_more_than_a_memory_holds_is_refused_at_once(n):
    with pytest.raises(ValueError, match=r"n must be from 1 to \d+, got \d+"):
        arithmetic(n, digits=4, seed=0)
