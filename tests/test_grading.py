import dataclasses
import itertools
import re
import sys

import numpy as np
import pytest

from unrolled.exercises.grading import (
    NOT_WRITTEN,
    PASSED,
    WRONG,
    Exercise,
    Mistake,
    Verdict,
    bug_hunt,
    grade,
)


def halve(values, times):
    """Halve each value, as often as asked."""
    return values / 2**times


MISTAKES = {
    "doubles": Mistake(
        """This doubles.

        Divide by two instead.
        """,
        "return values * 2**times",
    ),
    "halves_in_place": Mistake(
        "The caller's array is overwritten.",
        """
        values /= 2**times
        return values
        """,
    ),
    "refuses_zero": Mistake(
        "It refuses to halve no times at all.",
        """
        if times == 0:
            raise ValueError("times")
        return solution(values, times)
        """,
    ),
}


def _keeps_the_sign(result, values, times):
    """Halving keeps the sign of a value."""
    return np.all(np.sign(result) == np.sign(values))


HALVE = Exercise(
    halve,
    id="toy.halve",
    cases=[(np.array([4.0, -8.0]), 1), (np.array([1.0, 3.0, 5.0]), 2), (np.array([2.0]), 0)],
    mistakes=MISTAKES,
    properties=[_keeps_the_sign],
)


def judge(answer, exercise=HALVE, seconds=5.0):
    return grade(exercise, answer, seconds)


def test_a_right_answer_passes():
    verdict = judge(lambda values, times: values * 0.5**times)
    assert verdict.status == PASSED
    assert verdict.passed
    assert verdict
    assert repr(verdict).splitlines()[0] == "toy.halve: passed"


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_either_precision_passes(dtype):
    assert judge(lambda values, times: values.astype(dtype) / 2**times).passed


def test_not_written_yet():
    def answer(values, times):
        raise NotImplementedError

    verdict = judge(answer)
    assert verdict == Verdict("toy.halve", NOT_WRITTEN)
    assert repr(verdict) == "toy.halve: not written yet"


def test_half_written_is_quoted_by_its_line():
    def answer(values, times):
        if times == 1:
            return values
        raise NotImplementedError

    verdict = judge(answer)
    assert verdict.status == WRONG
    assert re.match(r"A part is not written yet: line \d+ still says", verdict.message)


@pytest.mark.parametrize("name", HALVE.mistakes)
def test_a_known_mistake_is_named(name):
    mistake = HALVE.mistakes[name]
    for function in mistake.functions(halve):
        verdict = judge(function)
        assert verdict.mistake == name
        assert verdict.message.endswith(mistake.diagnosis)


def test_a_mistake_is_known_by_what_it_does_not_by_how():
    verdict = judge(lambda values, times: np.ldexp(values, times))
    assert verdict.mistake == "doubles"
    assert repr(verdict) == (
        "toy.halve: not right yet\n"
        "  The result has the right shape and wrong values. The largest error is at index 1: got\n"
        "  -16, expected -4.\n"
        "\n"
        "  values   = [ 4., -8.]\n"
        "  times    = 1\n"
        "  yours    = [  8., -16.]\n"
        "  expected = [ 2., -4.]\n"
        "\n"
        "  This doubles.\n"
        "\n"
        "  Divide by two instead."
    )


def test_a_mistake_must_agree_on_every_case():
    def answer(values, times):
        return values * 2**times if times < 2 else values * 7

    verdict = judge(answer)
    assert verdict.status == WRONG
    assert verdict.mistake is None


def test_form_comes_before_values():
    message = judge(lambda values, times: np.append(values, 99.0)).message
    assert message.startswith("It returned an array of shape (3,); expected an array of shape (2,)")


def test_a_property_says_why_values_are_wrong():
    message = judge(lambda values, times: -values / 2**times).message
    assert message.startswith("The result has the right shape and wrong values.")
    assert message.endswith("Halving keeps the sign of a value.")
    assert "yours    = [-2.,  4.]" in message


def halves(one, other):
    """Halve two arrays."""
    return (one + other) / 2


def test_values_come_before_mutation():
    def answer(values, times):
        values[:] = 1.0
        return values

    assert "wrong values" in judge(answer).message or "sign" in judge(answer).message


def test_mutation():
    def answer(values, times):
        result = values / 2**times
        values[0] = 0.0
        return result

    message = judge(answer).message
    assert message.startswith("The result is right, but the call changed `values`")
    assert "`values`, which belongs to" in message
    assert "`values.copy()`" in message


def test_two_arguments_belong():
    exercise = Exercise(halves, cases=[(np.ones(2), np.ones(2))])

    def answer(one, other):
        result = halves(one, other)
        one[0] = other[0] = 5.0
        return result

    assert "`one` and `other`, which belong to" in " ".join(grade(exercise, answer).message.split())


def test_it_stops_at_the_first_failure():
    assert judge(lambda values, times: values).message.count("values   =") == 1


def test_printing_is_no_failure():
    def answer(values, times):
        print("debugging")
        return halve(values, times)

    verdict = judge(answer)
    assert verdict.passed
    assert "also prints" in verdict.message


def test_printed_instead_of_returned():
    def answer(values, times):
        print(halve(values, times))

    assert judge(answer).message.startswith("It printed its answer and returned None.")


def test_nothing_returned():
    assert judge(lambda values, times: None).message.startswith("It returned None.")


def test_an_exception_is_quoted_with_the_readers_line_and_no_traceback():
    def answer(values, times):
        return values[10]

    message = judge(answer).message
    assert re.match(r"It stopped at line \d+: `return values\[10\]`, with IndexError: ", message)
    assert "Traceback" not in message
    assert "guard" not in message


def test_an_exception_raised_inside_a_library_is_quoted_at_the_readers_line():
    message = judge(lambda values, times: np.reshape(values, (7, 7))).message
    assert "np.reshape(values, (7, 7))" in message


def test_leaving_python():
    message = judge(lambda values, times: sys.exit(0)).message
    assert message.startswith("It tried to leave Python (`exit`)")


def test_recursion_without_end():
    def answer(values, times):
        return answer(values, times)

    assert judge(answer).message.startswith("It called too deep at line")


def test_an_endless_loop():
    def answer(values, times):
        while True:
            pass

    message = judge(answer, seconds=0.1).message
    assert re.match(r"It did not finish in 0.1 seconds\. .* It was at line \d+:\s`", message)


def test_an_endless_loop_that_prints():
    def answer(values, times):
        while True:
            print("x" * 1000)

    assert "did not finish" in judge(answer, seconds=0.1).message


def test_the_limit_is_for_all_calls_together():
    def answer(values, times):
        import time

        time.sleep(0.15)
        return halve(values, times)

    assert judge(answer, seconds=2.0).passed
    assert "did not finish" in judge(answer, seconds=0.2).message


def test_a_slow_repeat_of_a_right_answer_still_passes():
    calls = itertools.count()

    def answer(values, times):
        import time

        if next(calls) == 1:
            time.sleep(2)
        return halve(values, times)

    assert judge(answer, seconds=0.7).passed


def test_nan():
    assert "contains nan at index 0" in judge(lambda v, times: v * np.nan).message


def test_huge_results_are_not_written_out():
    verdict = judge(lambda values, times: np.zeros(10**6))
    assert "shape (1000000,)" in verdict.message
    assert len(judge(lambda values, times: "x" * 10**6).message) < 500


@pytest.mark.parametrize("answer", [lambda v, t: v + np.random.rand(), None])  # noqa: NPY002
def test_two_different_answers(answer):
    calls = itertools.count()
    verdict = judge(answer or (lambda values, times: halve(values, times) + next(calls)))
    assert verdict.message.startswith("It was called twice with the same arguments")


@pytest.mark.parametrize("answer", [3, None, np.zeros(2), "halve"])
def test_not_a_function(answer):
    message = judge(answer).message
    assert message.startswith("`check` needs the function itself")
    assert 'check("toy.halve", halve)' in message


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda values: values, "yours takes (values)"),
        (lambda values, times, more: values, "yours takes (values, times, more)"),
        (lambda times, values: values, "its arguments in another order: (times, values)"),
    ],
)
def test_wrong_signature(answer, words):
    message = judge(answer).message
    assert message.startswith("It is called as `halve(values, times)`, and yours takes")
    assert words in " ".join(message.split())


def test_what_stands_after_a_star_is_passed_by_keyword():
    def one(values, *, times):
        return halve(values, times)

    def both(*, times, values):
        return halve(values, times)

    def the_first(times, *, values):
        return halve(values, times)

    def renamed(v, *, times=7):
        return halve(v, times)

    for answer in (one, both, the_first, renamed):
        assert judge(answer).passed


def test_a_wrong_signature_is_quoted_with_its_star():
    def answer(values, *, by):
        return halve(values, by)

    assert "yours takes (values, *, by)" in judge(answer).message


def test_the_order_counts_before_the_star():
    exercise = Exercise(lambda a, b, x: a + b * x, cases=[(1.0, 2.0, 3.0)])

    def answer(b, a, *, x):
        return a + b * x

    message = " ".join(judge(answer, exercise).message.split())
    assert "its arguments in another order: (b, a, *, x)" in message


def test_a_mistake_is_known_when_it_is_called_by_keyword():
    def answer(values, *, times):
        return values * 2**times

    assert judge(answer).mistake == "doubles"


def test_other_names_and_more_defaults_are_fine():
    assert judge(lambda x, n, base=2: x / base**n).passed


def test_a_function_without_a_signature():
    exercise = Exercise(lambda a: a.max(), cases=[(np.array([1.0, 2.0]),)])
    assert judge(max, exercise).passed


def test_whatever_else_comes_back_is_said_in_words():
    async def coroutine(values, times):
        return values

    def generator(values, times):
        yield values

    assert "a coroutine" in judge(coroutine).message
    assert "a generator" in judge(generator).message
    assert "a dict" in judge(lambda values, times: {}).message
    assert "a function" in judge(lambda values, times: halve).message


def reciprocal(x):
    """Invert a number; refuse zero."""
    if x == 0:
        raise ValueError("x")
    return 1 / x


RECIPROCAL = Exercise(reciprocal, cases=[(4.0,), (0.0,)])


def test_an_error_may_be_what_is_asked_for():
    def answer(x):
        if x == 0:
            raise ValueError("another message")
        return x**-1

    assert judge(answer, RECIPROCAL).passed


def test_an_error_that_is_missing():
    message = judge(lambda x: 1 / x if x else 0.0, RECIPROCAL).message
    assert message.startswith("It should raise ValueError here; it returned the number 0.")


def test_another_error_than_asked_for():
    message = judge(lambda x: 1 / x, RECIPROCAL).message
    assert "ZeroDivisionError" in message


def tells_doubling(double):
    """Write a test of double(x), which should return 2 x."""
    assert double(3) == 6
    assert double(-1) == -2


def _adds(x):
    """Adds x to itself."""
    return x + x


def _multiplies(x):
    """Multiplies x by two."""
    return 2 * x


def _squares(x):
    """Squares its argument."""
    return x**2


def _forgets_the_sign(x):
    """Forgets the sign."""
    return 2 * abs(x)


ONE_NUMBER = Mistake("Your test tries one positive number only.", "assert double(3) == 6")

HUNT = bug_hunt(
    tells_doubling,
    right=[_adds, _multiplies],
    buggy=[_squares, _forgets_the_sign],
    mistakes={"tests_one_number": ONE_NUMBER},
)


def _thorough(double):
    for x in range(-3, 4):
        if double(x) != 2 * x:
            raise AssertionError(x)


@pytest.mark.parametrize("test", [tells_doubling, _thorough])
def test_a_test_that_finds_every_bug_passes(test):
    assert judge(test, HUNT).passed


def test_a_bug_may_make_a_test_fail_with_any_error():
    def test(double):
        {6: None, -2: None}[double(3)]
        {6: None, -2: None}[double(-1)]

    assert judge(test, HUNT).passed


@pytest.mark.parametrize(
    ("test", "words"),
    [
        (lambda double: None, "lets a buggy implementation through. This one squares its argument"),
        (lambda double: double(2) == 4, "This one squares its argument. A test speaks by raising"),
        (lambda double: double(2) == 5, "Your test returned False. A test speaks by raising"),
    ],
)
def test_a_test_that_misses_a_bug(test, words):
    assert words in " ".join(judge(test, HUNT).message.split())


def test_a_hole_that_is_known():
    def test(double):
        assert double(5) == 10

    verdict = judge(test, HUNT)
    assert verdict.mistake == "tests_one_number"
    assert "This one forgets the sign." in verdict.message


def _triples(x):
    """Triples its argument."""
    return 3 * x


TRIPLING = Mistake(
    "Your test wants three times the number.",
    """
    assert double(3) == 9
    assert double(-1) == -3
    """,
)

PROBED = bug_hunt(
    tells_doubling,
    right=[_adds],
    buggy=[_squares],
    probes=[_triples],
    mistakes={"tests_for_tripling": TRIPLING},
)


def test_two_tests_that_reject_all_are_told_apart_by_a_probe():
    def wants_triple(double):
        assert double(2) == 6

    def wants_fourfold(double):
        assert double(2) == 8

    assert judge(wants_triple, PROBED).mistake == "tests_for_tripling"
    assert judge(wants_fourfold, PROBED).mistake is None


def test_what_a_test_makes_of_a_probe_is_no_fault():
    def lets_the_probe_through(double):
        assert double(2) in (4, 6)
        assert double(3) != 9 or double(4) == 12

    assert judge(tells_doubling, PROBED).passed
    assert judge(lets_the_probe_through, PROBED).passed


def test_a_hole_is_known_however_the_test_fails():
    def test(double):
        {6: None}[double(3)]

    assert judge(test, HUNT).mistake == "tests_one_number"


def test_a_test_that_rejects_what_is_right():
    def test(double):
        assert double(3) == 7

    message = " ".join(judge(test, HUNT).message.split())
    assert "rejects a right implementation. This one adds x to itself." in message
    assert "`assert double(3) == 7`" in message


def test_a_test_that_is_broken():
    message = " ".join(judge(lambda double: double(3).size, HUNT).message.split())
    assert "AttributeError" in message
    assert "is right. It adds x to itself." in message


def test_a_hunt_not_begun():
    def test(double):
        raise NotImplementedError

    assert judge(test, HUNT).status == NOT_WRITTEN


def test_verdicts_say_nothing_that_changes():
    """A notebook's stored verdict is compared when it is run again."""

    def answer(values, times):
        raise ValueError(object(), answer)

    first, second = (repr(judge(answer)) for _ in range(2))
    assert first == second
    assert "0x" not in first
    assert __file__ not in first


def test_running_out_of_memory():
    calls = itertools.count()

    def answer(values, times):
        if next(calls):
            raise MemoryError
        return halve(values, times)

    message = judge(answer).message
    assert message.startswith("It ran out of memory at line")
    assert "Is there a list that grows without end?" in " ".join(message.split())
    assert next(calls) == 2  # not tried again


def test_a_property_of_a_tensor_that_has_a_gradient():
    torch = pytest.importorskip("torch")

    def answer(values, times):
        return torch.tensor(-values / 2**times, requires_grad=True)

    assert judge(answer).message.endswith("Halving keeps the sign of a value.")


def test_a_diagnosis_takes_the_place_of_a_property():
    flipped = Mistake("The sign is flipped.", "return -values / 2**times")
    exercise = dataclasses.replace(HALVE, mistakes={"flipped": flipped})
    message = judge(lambda values, times: -values / 2**times, exercise).message
    assert message.endswith("The sign is flipped.")
    assert "keeps the sign" not in message
