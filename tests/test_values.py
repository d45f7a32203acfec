import decimal
import fractions
from collections import namedtuple

import numpy as np
import pandas as pd
import pytest
import torch

from unrolled.exercises.grading import values
from unrolled.exercises.grading.values import (
    Numbers,
    Other,
    Raised,
    as_numbers,
    lengths,
    read,
    says,
)

ONE_TO_THREE = np.array([1.0, 2.0, 3.0])
Pair = namedtuple("Pair", "a b")


class Column:
    """An array in all but name."""

    def __array__(self, dtype=None, copy=None):
        return ONE_TO_THREE


@pytest.mark.parametrize(
    "value",
    [
        ONE_TO_THREE,
        np.array([1, 2, 3], dtype=object),
        [1, 2.0, np.float32(3)],
        (1, 2, 3),
        range(1, 4),
        [torch.tensor(1.0), torch.tensor(2.0), 3],
        [fractions.Fraction(1), decimal.Decimal(2), 3 + 0j],
        torch.tensor([1.0, 2.0, 3.0], requires_grad=True),
        torch.tensor([1.0, 2.0, 3.0], dtype=torch.bfloat16),
        torch.tensor([1.0, 2.0, 3.0]).to_sparse(),
        torch.tensor([1.0 + 0j, 2.0, 3.0]).conj(),
        torch.nn.Parameter(torch.tensor([1.0, 2.0, 3.0])),
        np.array([1 + 1e-17j, 2, 3]),
        pd.Series([1, 2, 3]),
        Column(),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_an_array_in_all_but_its_class_is_read_as_one(value):
    assert np.array_equal(as_numbers(read(value)).array, ONE_TO_THREE)


def test_lists_in_lists_and_arrays_in_lists():
    assert as_numbers(read([[1, 2], [3, 4], [5, 6]])).array.shape == (3, 2)
    assert as_numbers(read([np.zeros((2, 3)), torch.zeros(2, 3)])).array.shape == (2, 2, 3)
    assert as_numbers(read(pd.DataFrame({"a": [1], "b": [2]}))).array.shape == (1, 2)
    assert as_numbers(read([])).array.shape == (0,)
    assert as_numbers(read(Pair(1, 2))).array.shape == (2,)


def test_whole_numbers_of_any_size():
    assert as_numbers(read(10**30)).array == 1e30
    assert isinstance(read(10**400), Other)


@pytest.mark.parametrize(
    ("value", "precision"),
    [
        (1.0, "float64"),
        ([1.0, 2.0], "float64"),
        (np.zeros(2, dtype=np.float32), "float32"),
        ([np.float32(1), np.float32(2)], "float32"),
        (torch.zeros(2), "float32"),
        (torch.zeros(2, dtype=torch.bfloat16), "bfloat16"),
        ([torch.zeros(2, dtype=torch.bfloat16), 1.0 * np.ones(2)], "bfloat16"),
        (np.zeros(2, dtype=np.float16), "float16"),
        (np.full(2, 1j, dtype=np.complex64), "complex64"),
    ],
)
def test_the_type_in_which_it_was_computed_is_kept(value, precision):
    assert as_numbers(read(value)).precision == precision


@pytest.mark.parametrize(
    "value",
    [
        "3",
        None,
        {},
        {1.0},
        np.array(["a"]),
        np.array([ONE_TO_THREE, None], dtype=object),
        [1.0, "2"],
        [[1, 2], [3]],
        torch.zeros(2, device="meta"),
        (i for i in ()),
        len,
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_array_of_numbers(value):
    assert as_numbers(read(value)) is None


def test_ragged_lists_are_known_by_their_lengths():
    assert lengths(read([[1, 2], [3]])) == {1, 2}
    assert lengths(read([[[1], [2, 3]]])) == {1, 2}
    assert lengths(read([np.zeros(3), [1]])) == {1, 3}
    assert lengths(read([[1, 2], [3, 4]])) == set()


def test_a_result_is_a_copy():
    buffer = np.zeros(3)
    result = read(buffer)
    buffer[:] = 1.0
    assert not result.array.any()


class EvilError(BaseException):
    pass


def _raises(*args, **kwargs):
    raise EvilError


class Haunted:
    __getattr__ = __iter__ = __len__ = __eq__ = __array__ = __call__ = _raises
    __class__ = property(_raises)
    __hash__ = None


class HauntedList(list):
    __iter__ = __len__ = __getitem__ = __eq__ = _raises
    __class__ = property(_raises)
    __hash__ = None


class Tensor:
    detach = cpu = dtype = _raises


class Exits:
    def __array__(self, dtype=None, copy=None):
        raise SystemExit


class Meta(type):
    __name__ = property(_raises)


class Nameless(metaclass=Meta):
    pass


@pytest.mark.parametrize("name", ["Haunted", "Tensor", "Exits", "Nameless"])
def test_looking_never_raises_what_a_class_raises(name):
    found = read(globals()[name]())
    assert isinstance(found, Other)
    assert found.kind.startswith(("a ", "an "))


def test_a_list_is_read_by_what_it_is():
    assert np.array_equal(as_numbers(read(HauntedList([1, 2]))).array, [1, 2])


def test_a_list_that_contains_itself_or_too_much():
    itself = []
    itself.append(itself)
    assert read(itself).kind == "a list of 1"
    assert read([0] * (values.MANY + 1)).kind == f"a list of {values.MANY + 1}"


def test_says_is_short_and_stable():
    assert says(ValueError("two\n  lines")) == "ValueError: two lines"
    assert says(KeyError()) == "KeyError"
    assert says(ValueError("A sentence.")) == "ValueError: A sentence"
    assert says(TypeError("<function f at 0x7f00aa> is no array")) == (
        "TypeError: <function f> is no array"
    )
    assert len(says(ValueError("x" * 10**6))) < 250


def test_says_survives_an_error_that_cannot_be_written():
    class BrokenError(Exception):
        def __str__(self):
            raise SystemExit

    assert says(BrokenError()) == "BrokenError"


def test_what_no_screen_can_show_is_escaped():
    assert says(ValueError("\ud800 \x1b[2J \0 σ")) == r"ValueError: \ud800 \x1b[2J \x00 σ"


def test_errors_are_compared_by_name():
    def define():
        class OwnError(ValueError):
            pass

        return Raised.by(OwnError())

    one, other = define(), define()
    assert one.is_like(other)
    assert not one.is_like(None)
    assert one.is_a(ValueError)
    assert not one.is_a(KeyError)
    assert Raised.by(KeyError()).name == "KeyError"


def test_numbers_are_numbers():
    assert isinstance(read(True), Numbers)
    assert isinstance(read(np.bool_(False)), Numbers)
