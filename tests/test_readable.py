import numpy as np
import pytest
import torch

from unrolled.exercises.grading.readable import (
    SMALL,
    as_array,
    fill,
    kind,
    said_by,
    show,
    wrong_form,
    wrong_values,
)

ONE_TO_THREE = np.array([1.0, 2.0, 3.0])


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
        ("abc", "a str"),
        ({}, "a dict"),
        (object(), "an object"),
        (len, "a function (are its brackets missing?)"),
        ((i for i in ()), "a generator (`yield` makes one; `return` does not)"),
    ],
)
def test_kind(value, words):
    assert kind(value) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (
            torch.zeros(2, dtype=torch.bfloat16),
            "a Tensor (torch.bfloat16) that cannot be read as real numbers",
        ),
        (
            torch.zeros(2, device="meta"),
            "a Tensor (torch.float32) that cannot be read as real numbers",
        ),
        (
            torch.zeros(2).to_sparse(),
            "a Tensor (torch.float32) that cannot be read as real numbers",
        ),
    ],
)
def test_what_cannot_be_an_array_is_still_put_into_words(value, words):
    assert as_array(value) is None
    assert kind(value) == show(value) == words
    complaint = f"It returned {words}; expected an array of shape (2,)."
    assert wrong_form(value, np.zeros(2)) == complaint


def test_an_object_that_has_no_attribute_without_an_error():
    class Haunted:
        def __getattr__(self, name):
            raise RuntimeError(name)

    assert as_array(Haunted()) is None
    assert kind(Haunted()) == show(Haunted()) == "a Haunted"


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
        (ONE_TO_THREE, "[1., 2., 3.]"),
        (np.array([1, 2]), "[1, 2]"),
        (np.zeros((0, 3)), "an empty array of shape (0, 3)"),
        ([1, 2], "a list of 2"),
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


@pytest.mark.parametrize("value", [True, "3", None, [1.0], np.array(["a"]), np.array([1j])])
def test_what_is_not_an_array_of_numbers(value):
    assert as_array(value) is None


@pytest.mark.parametrize(
    ("got", "want", "complaint"),
    [
        (ONE_TO_THREE, ONE_TO_THREE, None),
        (torch.tensor([1.0, 2.0, 3.0], requires_grad=True), ONE_TO_THREE, None),
        (np.array([1, 2, 3]), ONE_TO_THREE, None),
        (np.array(3.0), 3.0, None),
        (3, 3.0, None),
        (None, None, None),
        (
            [1.0, 2.0, 3.0],
            ONE_TO_THREE,
            "It returned a list of 3; expected an array of shape (3,) "
            "(`np.array(...)` makes one of a list).",
        ),
        (
            np.zeros((2, 3)),
            np.zeros((3, 2)),
            "It returned an array of shape (2, 3); expected an array of shape (3, 2). "
            "Rows and columns are swapped.",
        ),
        (np.zeros(1), 3.0, "It returned an array of shape (1,); expected a number."),
        (
            np.array(["a"]),
            np.zeros(1),
            "It returned an array of <U1; expected an array of numbers.",
        ),
        ("3", 3.0, "It returned a str; expected a number."),
        (3.0, None, "It returned the number 3; expected nothing (None)."),
        (
            [np.zeros(1), np.zeros(1)],
            (np.zeros(1), np.zeros(1)),
            "It returned a list of 2; expected a tuple of 2 (a, b).",
        ),
        (
            (np.zeros(1), np.zeros(2)),
            (np.zeros(1), np.zeros(1)),
            "`b` is an array of shape (2,); expected an array of shape (1,).",
        ),
    ],
)
def test_wrong_form(got, want, complaint):
    names = ("a", "b") if isinstance(want, tuple) else ()
    assert wrong_form(got, want, names) == complaint


def test_a_solution_must_return_numbers():
    with pytest.raises(TypeError, match="a list of 1"):
        wrong_form(ONE_TO_THREE, [1.0])


@pytest.mark.parametrize(
    ("got", "want", "complaint"),
    [
        (ONE_TO_THREE + 1e-6, ONE_TO_THREE, None),
        (ONE_TO_THREE.astype(np.float32) / 3, ONE_TO_THREE / 3, None),
        (np.zeros(0), np.zeros(0), None),
        (np.full(2, 1e-7), np.zeros(2), None),
        (None, None, None),
        (1e-4, 1.01e-4, "It returned 0.0001; expected 0.000101."),
        (
            np.array([1, 2.1, 3.2]),
            ONE_TO_THREE,
            "The result has the right shape and wrong values. "
            "The largest error is at index 2: got 3.2, expected 3.",
        ),
        (
            np.array([1, 2, 3]),
            np.array([1.0, 2.5, 3.0]),
            "The result has the right shape and wrong values. The largest error is at index 1: "
            "got 2, expected 2.5. Yours holds whole numbers only (int64): decimals are cut off.",
        ),
        (np.array([[1, np.nan]]), np.ones((1, 2)), "The result contains nan at index (0, 1)."),
        (np.inf, 1.0, "It returned inf; expected 1."),
        (np.array([np.nan, np.inf]), np.array([np.nan, np.inf]), None),
    ],
)
def test_wrong_values(got, want, complaint):
    wrong = wrong_values(got, want, 1e-5)
    assert (wrong and wrong[0]) == complaint


def test_wrong_values_names_the_part():
    wrong = wrong_values((ONE_TO_THREE, 1.0), (ONE_TO_THREE, 2.0), 1e-5, ("a", "b"))
    assert wrong == ("`b` is 1; expected 2.",)
    wrong = wrong_values((-ONE_TO_THREE,), (ONE_TO_THREE,), 1e-5, ("a",))
    assert wrong[0].startswith("`a` has the right shape and wrong values.")


def test_said_by_is_short_and_stable():
    assert said_by(ValueError("two\n  lines")) == "ValueError: two lines"
    assert said_by(KeyError()) == "KeyError"
    assert said_by(ValueError("A sentence.")) == "ValueError: A sentence"
    assert said_by(TypeError("<function f at 0x7f00aa> is no array")) == (
        "TypeError: <function f> is no array"
    )
    assert len(said_by(ValueError("x" * 10**6))) < 250


def test_said_by_survives_an_error_that_cannot_be_written():
    class BrokenError(Exception):
        def __str__(self):
            raise RuntimeError

    assert said_by(BrokenError()) == "BrokenError"


def test_fill_keeps_paragraphs():
    assert fill("one\ntwo\n\nthree") == "one two\n\nthree"
    assert max(map(len, fill("word " * 100).splitlines())) <= 88


def test_fill_keeps_code_whole():
    assert "`a = b + c`" in fill("word " * 16 + "`a = b + c` word")
