from collections import Counter

import numpy as np
import pytest

from unrolled.data.text import ALPHABET, character_windows, decode, encode, english


def test_english_is_of_the_length_asked_for_and_of_the_alphabet():
    text = english()
    assert len(text) == 150_000
    assert set(text) == set(ALPHABET)
    assert "  " not in text
    assert " ." not in text
    assert " ," not in text


def test_a_shorter_text_is_the_beginning_of_a_longer_one():
    assert english(170_000).startswith(english(100))
    assert len(english(100)) == 100
    assert len(english(1)) == 1


def test_it_is_english():
    words = Counter(english().replace(".", " ").replace(",", " ").split())
    assert max(words, key=words.get) == "the"
    assert {"the", "a", "is", "of", "to", "and"} <= {word for word, _ in words.most_common(10)}
    letters = Counter(english())
    assert [letter for letter, _ in letters.most_common(3)] == [" ", "e", "t"]
    entropy = -sum(n / 150_000 * np.log2(n / 150_000) for n in letters.values())
    assert entropy == pytest.approx(4.16, abs=0.05)  # bits a character, knowing frequencies alone


def test_it_is_prose_without_code():
    words = english().replace(".", " ").replace(",", " ").split()
    names = sum(len(word) == 1 and word != "a" for word in words)  # as in x = y
    assert names / len(words) < 0.012
    assert "sequence's" in words  # Python writes it with a typographer's apostrophe


def test_no_long_passage_comes_twice():
    text = english()
    pieces = Counter(text[i : i + 400] for i in range(len(text) - 400))
    assert sum(count - 1 for count in pieces.values()) / len(text) < 0.05


def test_encode_and_decode_undo_each_other():
    codes = encode("it's a test, no more.")
    assert codes.dtype == np.int64
    assert codes.max() < len(ALPHABET) == len(set(ALPHABET)) == 30
    assert decode(codes) == "it's a test, no more."
    assert encode(ALPHABET).tolist() == list(range(30))
    assert decode(range(30)) == ALPHABET


@pytest.mark.parametrize(
    ("N", "streams", "steps"), [(101, 4, 5), (100, 4, 5), (7, 2, 3), (9, 1, 1)]
)
def test_windows_of_a_stream_follow_on_one_another(N, streams, steps):
    inputs, targets = character_windows(np.arange(N), streams=streams, steps=steps)
    windows = (N - 1) // (streams * steps)
    assert inputs.shape == targets.shape == (windows, steps, streams)
    assert inputs.dtype == targets.dtype == np.int64
    assert (targets == inputs + 1).all()
    whole = inputs.reshape(windows * steps, streams)
    assert (np.diff(whole, axis=0) == 1).all()
    assert (whole[0] == np.arange(streams) * windows * steps).all()
    assert len(np.unique(whole)) == whole.size


def test_windows_are_cut_from_the_text_as_it_is_read():
    inputs, targets = character_windows(encode(english(1_001)), streams=5, steps=20)
    assert decode(inputs[:, :, 0].ravel()) == english(200)
    assert decode(targets[:, :, 4].ravel()) == english(1_001)[801:]


def test_windows_are_copies():
    codes = np.arange(21)
    inputs, targets = character_windows(codes, streams=2, steps=5)
    inputs[:] = -1
    assert codes.min() == 0
    assert targets.min() == 1


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: english(0), ValueError, "length must be from 1 to"),
        (lambda: english(10**9), ValueError, "length must be from 1 to .*, got 1000000000"),
        (lambda: english(1.5), TypeError, "length must be a whole number"),
        (lambda: encode("Shout"), ValueError, "text must hold characters of .* only, got 'S'"),
        (lambda: encode(""), ValueError, "text must hold at least one character"),
        (lambda: encode(b"a"), TypeError, "text must be a str, got bytes"),
        (lambda: decode([0, 30]), ValueError, "codes must lie from 0 to 29, got 0 to 30"),
        (lambda: decode([-1]), ValueError, "codes must lie from 0 to 29, got -1 to -1"),
        (lambda: decode([0.5]), TypeError, "codes must hold whole numbers, got float64"),
        (lambda: decode([]), ValueError, "codes must hold at least one character"),
        (
            lambda: character_windows([[1, 2]], streams=1, steps=1),
            ValueError,
            r"codes must have one dimension, got shape \(1, 2\)",
        ),
        (
            lambda: character_windows(range(20), streams=4, steps=5),
            ValueError,
            "at least streams \\* steps \\+ 1 = 21 characters, got 20",
        ),
        (
            lambda: character_windows(range(9), streams=0, steps=1),
            ValueError,
            "streams must be at least 1, got 0",
        ),
        (
            lambda: character_windows(range(9), streams=1, steps=0),
            ValueError,
            "steps must be at least 1, got 0",
        ),
    ],
)
def test_bad_input_is_named(call, error, words):
    with pytest.raises(error, match=words):
        call()
