import numpy as np
import pytest
import torch

from unrolled.exercises.grading import compare
from unrolled.exercises.grading.values import read

ONE_TO_THREE = np.array([1.0, 2.0, 3.0])
THIRDS = np.array([1.0, 2.0, 4.0]) / 3


def form(got, want, names=()):
    return compare.wrong_form(read(got), read(want), names)


def wrong(got, want, tolerance=compare.DOUBLE, names=()):
    return compare.wrong_values(read(got), read(want), tolerance, names)


@pytest.mark.parametrize(
    ("got", "want", "complaint"),
    [
        (ONE_TO_THREE, ONE_TO_THREE, None),
        (torch.tensor([1.0, 2.0, 3.0], requires_grad=True), ONE_TO_THREE, None),
        (np.array([1, 2, 3]), ONE_TO_THREE, None),
        (np.array([True, False, True]), ONE_TO_THREE, None),
        ([1.0, 2.0, 3.0], ONE_TO_THREE, None),
        ((1.0, 2.0, 3.0), ONE_TO_THREE, None),
        ([[1, 2], [3, 4]], np.zeros((2, 2)), None),
        (np.array(3.0), 3.0, None),
        (3, 3.0, None),
        (True, True, None),
        (1, True, None),
        (None, None, None),
        ([np.zeros(1), 2.0], (np.zeros(1), 1.0), None),
        (np.zeros((2, 3)), (np.zeros(3), np.zeros(3)), None),
        (
            [[1.0, 2.0], [3.0]],
            np.zeros((2, 2)),
            "It returned a list of 2 whose parts have 1 and 2 entries, which makes no array; "
            "expected an array of shape (2, 2).",
        ),
        (
            [[1.0, 2.0]],
            np.zeros((2, 2)),
            "It returned a list of shape (1, 2); expected an array of shape (2, 2).",
        ),
        ([1.0, 2.0], ONE_TO_THREE, "It returned a list of 2; expected an array of shape (3,)."),
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
            "It returned an array of <U1; expected an array of shape (1,).",
        ),
        ("3", 3.0, "It returned a str; expected a number."),
        (True, 1.0, "It returned True; expected a number."),
        (3.0, None, "It returned the number 3; expected nothing (None)."),
        (
            np.zeros(3),
            (np.zeros(1), np.zeros(1)),
            "It returned one array of shape (3,); expected a pair (a, b).",
        ),
        (
            (np.zeros(1), np.zeros(2)),
            (np.zeros(1), np.zeros(1)),
            "`b` is an array of shape (2,); expected an array of shape (1,).",
        ),
    ],
)
def test_wrong_form(got, want, complaint):
    assert form(got, want, ("a", "b") if isinstance(want, tuple) else ()) == complaint


@pytest.mark.parametrize("convert", [np.array, torch.tensor, lambda rows: rows])
@pytest.mark.parametrize("shape", [(2,), (2, 1), (2, 4), (2, 2, 3), (2, 2)])
def test_one_array_of_two_rows_is_no_pair(convert, shape):
    one = np.zeros(shape)
    said = form(convert(one.tolist()), (one, one), ("h", "c"))
    assert "returned one array" in said or "returned one list" in said
    assert said.endswith(f"of shape {shape}; expected a pair (h, c).")
    assert form(convert([one.tolist()] * 2), (one, one), ("h", "c")) is None


def test_an_array_is_taken_apart_only_where_its_rows_have_the_form_of_the_parts():
    assert form(np.zeros((2, 3)), (np.zeros((4, 3)),) * 2).startswith("It returned one array of")
    assert form(np.zeros((2, 3)), (0.0, 0.0)).startswith("It returned one array of shape (2, 3)")
    assert form(np.zeros(3), (0.0,) * 3) is None
    assert form(np.zeros((3, 2)), (np.zeros((3, 2)),) * 3, ("a", "b", "c")) == (
        "It returned one array of shape (3, 2); expected a tuple of 3 (a, b, c)."
    )
    assert form(3.0, (np.zeros(1), np.zeros(1))).startswith("It returned the number 3; expected")
    assert form((1.0, 2.0), (np.zeros(2), np.zeros(2))).startswith("`part 0` is the number 1;")


def test_a_solution_must_return_numbers():
    with pytest.raises(TypeError, match="a str"):
        form(ONE_TO_THREE, "one")


@pytest.mark.parametrize(
    ("got", "want", "complaint"),
    [
        (ONE_TO_THREE + 1e-10, ONE_TO_THREE, None),
        (THIRDS.astype(np.float32), THIRDS, None),
        (np.zeros(0), np.zeros(0), None),
        (np.full(2, 1e-10), np.zeros(2), None),
        (np.array([True, False]), np.array([1.0, 0.0]), None),
        ([1, 2, 3], ONE_TO_THREE, None),
        (None, None, None),
        (1e-4, 1.01e-4, "It returned 0.0001; expected 0.000101."),
        (2.0, 1 + 1j, "It returned 2; expected 1+1j."),
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
        (
            np.array([[1, np.nan]]),
            np.ones((1, 2)),
            "The result contains nan at index (0, 1); expected 1.",
        ),
        (np.inf, 1.0, "It returned inf; expected 1."),
        (np.array([np.nan, np.inf]), np.array([np.nan, np.inf]), None),
        (300_001.0, 300_000, "It returned 300001; expected 300000."),
    ],
)
def test_wrong_values(got, want, complaint):
    found = wrong(got, want)
    assert (found and found.complaint) == complaint


def test_wrong_values_names_the_part():
    found = wrong((ONE_TO_THREE, 1.0), (ONE_TO_THREE, 2.0), names=("a", "b"))
    assert found.complaint == "`b` is 1; expected 2."
    found = wrong((-ONE_TO_THREE,), (ONE_TO_THREE,), names=("a",))
    assert found.complaint.startswith("`a` has the right shape and wrong values.")


@pytest.mark.parametrize("convert", [float, np.float64, lambda x: np.float64(x)[None][0]])
def test_float64_that_was_float32_is_held_to_float32(convert):
    assert wrong(convert(np.float32(1 / 3)), 1 / 3) is None
    assert wrong(THIRDS.astype(np.float32).astype(np.float64), THIRDS) is None
    assert wrong(float(np.nextafter(np.float32(42), np.float32(0))), 42) is None


@pytest.mark.parametrize(
    ("dtype", "passes", "fails"),
    [
        (np.float64, 1e-10, 1e-8),
        (np.float32, 1e-6, 1e-4),
        (np.float16, 1e-3, 1e-2),
    ],
)
def test_the_tolerance_is_that_of_the_type(dtype, passes, fails):
    assert wrong((THIRDS * (1 + passes)).astype(dtype), THIRDS) is None
    assert wrong((THIRDS * (1 + fails)).astype(dtype), THIRDS)


def test_bfloat16_has_a_tolerance_of_its_own():
    tensor = torch.tensor(THIRDS, dtype=torch.bfloat16)
    assert wrong(tensor, THIRDS) is None
    assert wrong(tensor.float() * 1.01, THIRDS)


@pytest.mark.parametrize("step", [1e-4, 1e-6, 1e-7, 1e-8])
@pytest.mark.parametrize("f", [np.sin, np.exp, np.tanh, lambda x: x**3])
def test_a_forward_difference_fails_and_a_central_one_passes(f, step):
    x = np.array([0.3, 0.7, 1.1])
    exact = np.imag(f(x + 1e-30j)) / 1e-30
    assert wrong((f(x + step) - f(x)) / step, exact)
    assert wrong((f(x + 1e-5) - f(x - 1e-5)) / 2e-5, exact) is None


def test_few_digits_are_said_to_be_few():
    assert wrong(42.00001, 42).complaint.startswith("The result is right to about 6 digits")
    said = wrong(THIRDS * (1 + 1e-7), THIRDS).complaint
    assert said.startswith("The result is right to about 6 digits, and differs beyond: got ")
    assert "0.666666" in said or "1.333333" in said
    assert said.endswith("Likely: a difference quotient, or a part of the work in float32.")


def test_two_numbers_are_told_apart():
    got, _, expected = wrong(1.00001, 1.0, 0.0).complaint.removesuffix(".").split()[2:5]
    assert got.rstrip(";") != expected


def test_large_arrays_are_shown_by_their_first_wrong_entries():
    want = np.arange(600.0).reshape(20, 30)
    got = want.copy()
    got[3, 4] = got[7, 0] = got[7, 1] = got[9, 9] = -1.0
    found = wrong(got, want)
    assert found.evidence == (
        ("yours[3, 4]", "-1, expected 94"),
        ("yours[7, 0]", "-1, expected 210"),
        ("yours[7, 1]", "-1, expected 211"),
    )
    named = wrong((got, 1.0), (want, 1.0), names=("dU", "db"))
    assert named.evidence[0] == ("your dU[3, 4]", "-1, expected 94")
