import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.core import shapes
from unrolled.data.teleprinter import (
    CHARACTERS,
    CODE,
    FIGS,
    FIGURES,
    KEYS,
    LETTERS,
    LTRS,
    SPACE,
    STOP,
    bits_for,
    dictation,
    keys_for,
    messages,
    printed,
    text_of,
)

TEXTS = st.text(LETTERS + FIGURES + " ", max_size=20)


def machine(keys):
    """Print one key after the other, as a machine does."""
    case, characters = LETTERS, []
    for key in keys:
        name = KEYS[key]
        if key in (LTRS, FIGS):
            case = LETTERS if key == LTRS else FIGURES
        characters.append(
            {"stop": "", "space": " ", "LTRS": "", "FIGS": ""}.get(name)
            if name not in LETTERS
            else case[LETTERS.index(name)]
        )
    return [CHARACTERS.index(character) for character in characters]


@given(st.lists(st.integers(0, len(KEYS) - 1), min_size=1, max_size=20))
def test_printed_is_what_a_machine_prints_key_by_key(keys):
    assert printed(keys).tolist() == machine(keys)
    assert printed([keys, keys]).tolist() == [machine(keys)] * 2


@given(TEXTS.filter(bool))
def test_a_text_comes_out_as_it_went_in(text):
    assert text_of(printed(keys_for(text))) == text


@given(TEXTS)
def test_a_shift_is_sent_only_where_the_case_changes(text):
    cases = [c in FIGURES for c in text if c != " "]
    changes = sum(a != b for a, b in zip([False, *cases], cases, strict=False))
    assert len(keys_for(text)) == len(text) + changes


def test_a_code_is_five_bits_and_tells_the_keys_apart():
    assert bits_for([1, FIGS]) == [1, 1, 1, 0, 1, 1, 1, 0, 1, 1]
    assert {len(bits) for bits in CODE.values()} == {5}
    assert len(set(CODE.values())) == len(KEYS) - 1


def test_a_key_that_is_never_sent_is_the_stop_of_what_is_written():
    assert STOP == shapes.STOP


def test_a_dictation_is_texts_with_the_keys_that_print_them():
    drawn = dictation(400, longest=4, seed=1)
    again = dictation(400, longest=4, seed=1)
    assert all(np.array_equal(a, b) for a, b in zip(drawn, again, strict=True))
    assert drawn.keys.shape == (400, 9)
    assert set(drawn.lengths) == {1, 2, 3, 4}
    assert set(drawn.characters.flat) == set(range(len(CHARACTERS)))
    for characters, keys, n in zip(*drawn, strict=True):
        assert characters[:n].all()
        assert not characters[n:].any()
        pressed = keys_for(text_of(characters))
        assert keys.tolist() == pressed + [STOP] * (9 - len(pressed))


def test_messages_are_padded_shift_in_turn_and_repeat_by_seed():
    drawn = messages(300, longest=20, shortest=3, seed=1)
    again = messages(300, longest=20, shortest=3, seed=1)
    assert all(np.array_equal(a, b) for a, b in zip(drawn, again, strict=True))
    assert np.array_equal(drawn.printed, printed(drawn.keys))
    assert set(drawn.lengths) == set(range(3, 21))
    for keys, n in zip(drawn.keys, drawn.lengths, strict=True):
        assert keys[:n].min() > STOP
        assert not keys[n:].any()
        shifts = [key for key in keys if key > SPACE]
        assert shifts == [FIGS, LTRS] * (len(shifts) // 2) + [FIGS] * (len(shifts) % 2)


def test_rates_are_the_chance_of_a_shift():
    drawn = messages(500, longest=200, shortest=200, seed=2, to_figures=0.1, to_letters=0.2)
    before = np.where(drawn.keys == FIGS, 1, np.where(drawn.keys == LTRS, -1, 0)).cumsum(axis=1)
    figures = before[:, :-1] == 1
    shift = drawn.keys[:, 1:] > SPACE
    assert shift[~figures].mean() == pytest.approx(0.1, abs=0.01)
    assert shift[figures].mean() == pytest.approx(0.2, abs=0.01)
    plain = drawn.keys[drawn.keys <= SPACE]
    assert np.bincount(plain)[1:] / len(plain) == pytest.approx(1 / 11, abs=0.01)
    assert (messages(9, longest=50, seed=0, to_figures=0).keys <= SPACE).all()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: keys_for("QA"), "text must hold QWERTYUIOP, 1234567890 and spaces, got 'A'"),
        (lambda: printed([3, 14]), "keys must hold whole numbers from 0 to 13, got 3 to 14"),
        (lambda: printed([0.5]), "keys must hold whole numbers from 0 to 13, got float64"),
        (lambda: bits_for([0]), "keys must be from 1 to 13, got 0"),
        (lambda: text_of([-1]), "characters must be from 0 to 21, got -1"),
        (lambda: dictation(0, longest=4, seed=0), "n must be at least 1, got 0"),
        (lambda: dictation(3, longest=0, seed=0), "longest must be at least 1, got 0"),
        (lambda: printed([]), "keys must hold at least one key a message"),
        (lambda: messages(3, longest=2, shortest=3, seed=0), "shortest must be from 1 to 2, got 3"),
        (lambda: messages(3, longest=2, seed=0, to_letters=1), "to_letters must be less than 1"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()


@pytest.mark.parametrize("n", [2 * 10**8, 2**31 - 1])
@pytest.mark.parametrize(
    "draw",
    [
        lambda n: messages(n, longest=4, seed=0),
        lambda n: messages(4, longest=n, seed=0),
        lambda n: dictation(n, longest=4, seed=0),
    ],
)
def test_more_than_a_memory_holds_is_refused_at_once(draw, n):
    with pytest.raises(ValueError, match=r" must be from 1 to \d+, got \d+"):
        draw(n)
