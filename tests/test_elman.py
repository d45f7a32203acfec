from collections import Counter
from itertools import combinations, pairwise

import numpy as np
import pytest

from unrolled.data import letter_features, letter_stream, sentences, syllables, temporal_xor
from unrolled.data.elman import (
    FEATURES,
    LEXICON,
    NOUNS,
    SYLLABLES,
    TEMPLATES,
    VERBS,
    join,
    letter_likelihood,
)

SLOTS = {
    "animate": ["human", "animal", "predator"],
    "inanimate": ["fragile", "food", "thing"],
}


def split(stream):
    ends = [*np.flatnonzero(stream.starts)[1:], len(stream.text)]
    return [stream.text[a:b] for a, b in zip(np.flatnonzero(stream.starts), ends, strict=True)]


def test_every_third_bit_is_the_xor_of_the_two_before():
    bits = temporal_xor(5000, seed=3)
    first, second, third = bits.reshape(-1, 3).T
    assert bits.shape == (15_000,)
    assert set(bits) == {0, 1}
    assert (third == (first != second)).all()


def test_the_other_bits_are_coin_tosses():
    first, second, third = temporal_xor(20_000, seed=3).reshape(-1, 3).T
    pairs = Counter(zip(first[1:].tolist(), second[1:].tolist(), third[:-1].tolist(), strict=True))
    assert len(pairs) == 8  # nor does the last triplet say anything of the next
    assert all(count == pytest.approx(20_000 / 8, rel=0.1) for count in pairs.values())


@pytest.mark.parametrize("lexicon", [LEXICON, SYLLABLES, ("a",), ["ab", "abc", "b"]])
def test_word_starts_cut_the_letters_into_words_of_the_lexicon(lexicon):
    stream = letter_stream(400, lexicon=lexicon, seed=1)
    assert stream.starts.shape == (len(stream.text),)
    assert stream.starts.sum() == 400
    assert stream.starts[0]
    assert set(split(stream)) == set(lexicon)


def test_words_are_equally_likely_and_independent():
    words = split(letter_stream(30_000, seed=5))
    assert all(n == pytest.approx(2000, rel=0.1) for n in Counter(words).values())
    after_a = Counter(b for a, b in pairwise(words) if a == "a")
    assert len(after_a) == 15
    assert max(after_a.values()) < 2 * min(after_a.values())


def test_some_words_begin_others():
    assert len(set(LEXICON)) == 15
    starts = {(a, b) for a in LEXICON for b in LEXICON if a != b and b.startswith(a)}
    assert starts == {("a", "ago"), ("a", "and"), ("the", "they")}


def test_syllables_start_with_their_consonants():
    stream = syllables(300, seed=2)
    assert set(split(stream)) == set(SYLLABLES)
    assert "".join(np.array(list(stream.text))[stream.starts]).strip("bdg") == ""
    consonant = letter_features(stream.text)[:, 0] == 1
    assert (consonant == stream.starts).all()


def test_letter_features_are_the_table():
    assert letter_features("gaa").tolist() == [list(map(float, FEATURES[x])) for x in "gaa"]
    assert letter_features("").shape == (0, 6)
    assert len(set(FEATURES.values())) == 6
    table = np.array(list(FEATURES.values()))
    assert (table[:, 0] + table[:, 1] == 1).all()  # consonant or vowel
    assert (table[:, 5] == 1).all()  # all are voiced


def test_join_keeps_the_words():
    assert split(join(["the", "boy", "a"])) == ["the", "boy", "a"]


def test_letter_likelihood_by_hand():
    a, b, c = 0, 1, 2
    found = letter_likelihood("aabc", lexicon=["a", "ab", "bc"])
    assert found[0] == pytest.approx([2 / 3, 1 / 3, 0])
    # after one a: the word "a" and then any, or "ab", as likely
    assert found[1] == pytest.approx([1 / 2 * 2 / 3, 1 / 2 * 1 / 3 + 1 / 2, 0])
    assert found[2, [a, b, c]] == pytest.approx(found[1])
    # b ended "ab" (1/2), or began "bc" (1/2 · 1/3)
    assert found[3] == pytest.approx([3 / 4 * 2 / 3, 3 / 4 * 1 / 3, 1 / 4])


def test_no_lexicon_makes_reading_long():
    lexicon = ["a", "aa", "bc"]
    with pytest.raises(ValueError, match="text must hold words of the lexicon"):
        letter_likelihood("a" * 300 + "c", lexicon=lexicon)
    assert len(letter_likelihood("a" * 300 + "b", lexicon=lexicon)) == 301


def test_letter_likelihoods_are_the_frequencies_of_what_comes():
    text, alphabet = letter_stream(5000, seed=3).text, sorted(set("".join(LEXICON)))
    found = letter_likelihood(text)
    came = np.array([[letter == each for each in alphabet] for letter in text])
    assert found.sum(axis=1) == pytest.approx(1)
    assert found[came].min() > 0
    for low, high in ((0.0, 0.1), (0.1, 0.3), (0.3, 0.6), (0.6, 0.99)):
        inside = (found > low) & (found <= high)
        assert came[inside].mean() == pytest.approx(found[inside].mean(), rel=0.05)


@pytest.fixture(scope="module")
def stream():
    return sentences(20_000, seed=4)


def test_sentences_follow_the_templates(stream):
    class_of = dict(zip(stream.lexicon, stream.classes, strict=True))
    assert len(stream.lexicon) == len(class_of) == 29
    assert set(stream.classes) == set(NOUNS | VERBS)
    assert all(stream.classes.count(name) >= 2 for name in NOUNS | VERBS)
    allowed = {
        tuple(sentence)
        for template in TEMPLATES
        for sentence in np.stack(
            np.meshgrid(*[SLOTS.get(slot, [slot]) for slot in template.split()]), -1
        ).reshape(-1, len(template.split()))
    }
    found = {
        tuple(class_of[stream.lexicon[word]] for word in words)
        for words in np.split(stream.words, np.flatnonzero(stream.starts)[1:])
    }
    assert found == allowed
    assert stream.starts.sum() == 20_000
    assert len(stream.words) == pytest.approx(20_000 * 2.75, rel=0.01)


def test_templates_tell_any_two_classes_apart():
    places = {
        name: {
            (template, place)
            for template in TEMPLATES
            for place, slot in enumerate(template.split())
            if name in SLOTS.get(slot, [slot])
        }
        for name in NOUNS | VERBS
    }
    assert all(places[a] != places[b] for a, b in combinations(places, 2))


def test_likelihoods_are_distributions_that_allow_what_comes(stream):
    assert stream.likelihood.shape == (len(stream.words), 29)
    assert stream.likelihood.min() >= 0
    assert stream.likelihood.sum(axis=1) == pytest.approx(1, abs=1e-12)
    came = stream.likelihood[np.arange(len(stream.words) - 1), stream.words[1:]]
    assert came.min() > 0


def test_likelihoods_are_the_frequencies_of_what_comes(stream):
    """After the same last two words, and wherever the likelihood is the same."""
    onehot = np.eye(29)[stream.words[1:]]
    rows = stream.likelihood[1:-1]
    contexts = Counter(zip(stream.words[:-2].tolist(), stream.words[1:-1].tolist(), strict=True))
    for (first, second), count in contexts.most_common(20):
        here = (stream.words[:-2] == first) & (stream.words[1:-1] == second)
        gap = onehot[1:][here].mean(axis=0) - rows[here].mean(axis=0)
        assert np.abs(gap).max() < 4 * 0.5 / np.sqrt(count)
    for low, high in ((0.0, 0.02), (0.02, 0.05), (0.05, 0.1), (0.1, 0.3), (0.3, 1.0)):
        inside = (rows > low) & (rows <= high)
        assert onehot[1:][inside].mean() == pytest.approx(rows[inside].mean(), rel=0.05)


def test_likelihood_by_hand():
    stream = sentences(3000, seed=0)
    t = next(
        t
        for t in np.flatnonzero(stream.starts)
        if stream.lexicon[stream.words[t + 1]] == "think"  # after it a sentence must begin
    )
    begins = dict(zip(stream.lexicon, stream.likelihood[t + 1], strict=True))
    # seven templates begin with a human, four with one of 10 animate nouns, one of them "lion"
    assert begins["man"] == pytest.approx((7 / 4 + 4 / 10) / 16)
    assert begins["lion"] == pytest.approx((4 / 10 + 4 / 3) / 16)
    assert begins["rock"] == pytest.approx(1 / 7 / 16)
    assert begins["think"] == 0


@pytest.mark.parametrize(
    "draw",
    [
        lambda seed: temporal_xor(40, seed=seed),
        lambda seed: list(syllables(40, seed=seed).text),
        lambda seed: list(letter_stream(40, seed=seed).text),
        lambda seed: sentences(40, seed=seed).words,
    ],
)
def test_the_seed_alone_decides(draw):
    assert list(draw(5)) == list(draw(5))
    assert list(draw(5)) != list(draw(6))


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: temporal_xor(0, seed=0), ValueError, "triplets must be from 1 to 10000000, got 0"),
        (lambda: temporal_xor(1.5, seed=0), TypeError, "triplets must be a whole number"),
        (lambda: temporal_xor(3, seed=-1), ValueError, "seed must be at least 0, got -1"),
        (lambda: syllables(0, seed=0), ValueError, "n must be from 1 to 10+, got 0"),
        (lambda: letter_stream(0, seed=0), ValueError, "n must be from 1 to 10+, got 0"),
        (
            lambda: letter_stream(1, lexicon="ab", seed=0),
            TypeError,
            "lexicon must be several values",
        ),
        (lambda: letter_stream(1, lexicon=[], seed=0), ValueError, "at least one word, got none"),
        (lambda: letter_stream(1, lexicon=["a", ""], seed=0), ValueError, "letters a to z, got ''"),
        (lambda: letter_stream(1, lexicon=["a", 3], seed=0), ValueError, "letters a to z, got 3"),
        (lambda: letter_stream(1, lexicon=["a", "a"], seed=0), ValueError, "different words"),
        (lambda: join("boy"), TypeError, "words must be several values"),
        (lambda: join(["a b"]), ValueError, "letters a to z, got 'a b'"),
        (lambda: sentences(0, seed=0), ValueError, "n must be from 1 to 10+, got 0"),
        (lambda: letter_likelihood("boyx"), ValueError, "text must hold the letters ab"),
        (lambda: letter_likelihood("oyboy"), ValueError, "words of the lexicon, got 'oyboy'"),
        (lambda: letter_features("bax"), ValueError, "the letters bdgaiu only, got 'x'"),
    ],
)
def test_bad_input_is_named(call, error, words):
    with pytest.raises(error, match=words):
        call()


@pytest.mark.parametrize("n", [2 * 10**8, 2**31 - 1])
@pytest.mark.parametrize(
    "draw",
    [
        lambda n: temporal_xor(n, seed=0),
        lambda n: syllables(n, seed=0),
        lambda n: letter_stream(n, seed=0),
        lambda n: sentences(n, seed=0),
    ],
)
def test_more_than_a_memory_holds_is_refused_at_once(draw, n):
    with pytest.raises(ValueError, match=r" must be from 1 to \d+, got \d+"):
        draw(n)


@pytest.mark.parametrize(
    ("text", "lexicon", "words"),
    [
        ("a", ["a" * 2001], r"the letters of lexicon must be from 1 to 2000, got 2001"),
        ("a", ["a" * k for k in range(1, 400)], r"the letters of lexicon must be from 1 to 2000"),
        ("a" * 10**6, ["a" * 1000], r"letters of text \* letters of lexicon in all must be"),
    ],
)
def test_a_chain_too_large_to_be_followed_is_refused_at_once(text, lexicon, words):
    with pytest.raises(ValueError, match=words):
        letter_likelihood(text, lexicon=lexicon)
