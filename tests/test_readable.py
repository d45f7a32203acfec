import numpy as np
import pytest
import torch

from unrolled.exercises.grading import readable
from unrolled.exercises.grading.readable import SMALL, fill
from unrolled.exercises.grading.values import read


def kind(value):
    return readable.kind(read(value))


def show(value):
    return readable.show(read(value))


async def _coroutine():
    return 1


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "None"),
        (True, "True"),
        (3, "the number 3"),
        (np.float32(0.5), "the number 0.5"),
        ([1, 2], "a list of 2"),
        ((), "a tuple of 0"),
        (np.zeros((2, 3)), "an array of shape (2, 3)"),
        (torch.zeros(2, 3), "an array of shape (2, 3)"),
        (np.array(["a"]), "an array of <U1"),
        ("abc", "a str"),
        ({}, "a dict"),
        (object(), "an object"),
        (len, "a function (are its brackets missing?)"),
        ((i for i in ()), "a generator (`yield` makes one; `return` does not)"),
        (
            torch.zeros(2, device="meta"),
            "a Tensor (torch.float32) that cannot be read as numbers",
        ),
    ],
)
def test_kind(value, words):
    assert kind(value) == words


def test_kind_of_a_coroutine():
    coroutine = _coroutine()
    assert kind(coroutine) == "a coroutine (that comes from `async`)"
    coroutine.close()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2.0, "2"),
        (np.float32(1) / 3, "0.3333333"),
        (7, "7"),
        (1 + 2j, "1+2j"),
        (np.array([1.0, 2.0, 3.0]), "[1., 2., 3.]"),
        (np.array([1, 2]), "[1, 2]"),
        (np.zeros((0, 3)), "an empty array of shape (0, 3)"),
        ([1, 2], "[1, 2]"),
        ([[1], [2]], "a list of 2"),
        (np.zeros((6, 2)), "an array of shape (6, 2)"),
        ("text", "'text'"),
    ],
)
def test_show(value, text):
    assert show(value) == text


def test_show_stays_short_and_knows_no_addresses():
    def weigh(lags):
        """A model that weighs its lags."""

    assert show(weigh) == "<a model that weighs its lags>"
    assert show(lambda x: x) == "<a function>"
    assert "0x" not in show(object())
    for huge in ("x" * 10**6, np.zeros(10**6), list(range(10**6))):
        assert len(show(huge)) < 5 * SMALL


def test_show_does_not_depend_on_print_options():
    with np.printoptions(precision=1, threshold=2, formatter={"float": str}, sign="+"):
        assert show(np.array([1.2345, 2.0, 3.0])) == "[1.2345, 2.    , 3.    ]"


def test_fill_keeps_paragraphs():
    assert fill("one\ntwo\n\nthree") == "one two\n\nthree"
    assert max(map(len, fill("word " * 100).splitlines())) <= 78
    assert max(map(len, fill("x" * 1000).splitlines())) <= 78


def test_fill_keeps_code_and_indices_whole():
    assert "(1, 23)" in fill("word " * 15 + "(1, 23) word")
    assert "`a = b + c`" in fill("word " * 16 + "`a = b + c` word")
