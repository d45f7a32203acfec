import builtins
import dataclasses
import functools
import itertools
import linecache
import re
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
import torch

from unrolled.exercises.grading import (
    BROKEN,
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
        "  The result has the right shape and wrong values. The largest error is at index\n"
        "  1: got -16, expected -4.\n"
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

    assert judge(answer).message.startswith("The result has the right shape and wrong values.")


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
    assert re.match(r"It did not finish in 0.1 seconds\. .* It was at\sline \d+:\s`", message)


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


@pytest.mark.parametrize(
    ("results", "seen"),
    [
        ([np.array([2.0, -4.0]), np.array([2.5, -6.0])], "at index 1, -4, then -6."),
        ([np.array([2.0, -4.0]), np.array([np.nan, -6.0])], "at index 0, 2, then nan."),
        ([2.0, np.float64(3.0)], "2, then 3."),
        ([np.zeros(2), np.zeros(3)], "an array of shape (2,), then an array of shape (3,)."),
        ([[1.0, 2.0], [1.0, 2.0 + 1e-8]], "at index 1, 2, then 2.00000001."),
        ([np.zeros(2), "none"], "an array of shape (2,), then a str."),
        ([2.0, 2.0 + 1e-8], "2, then 2.00000001."),
        ([True, False], "True, then False."),
        ([np.zeros(0), None], "an array of shape (0,), then None."),
    ],
)
def test_two_different_answers_are_told_apart(results, seen):
    calls = iter(results)
    message = " ".join(judge(lambda values, times: next(calls)).message.split())
    assert f"and gave two different answers: {seen} Likely:" in message


def test_arguments_changed_at_times_are_told_apart():
    calls = itertools.count()

    def answer(values, times):
        result = halve(values, times)
        values[0] += next(calls)
        return result

    message = " ".join(judge(answer).message.split())
    assert "an array of shape (2,), then an array of shape (2,) with its arguments chang" in message


def test_of_two_different_tuples_the_part_is_named():
    exercise = Exercise(lambda a: (a, a), cases=[(np.ones((2, 3)),)], parts=("h", "c"))
    calls = itertools.count()

    def answer(a):
        c = a.copy()
        c[1, 2] += next(calls)
        return a, c

    message = " ".join(judge(answer, exercise).message.split())
    assert "gave two different answers: `c` at index (1, 2), 1, then 2. Likely:" in message


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


def test_state_between_calls_is_seen():
    class Cell:
        state = None

        def __call__(self, values, times):
            if self.state is None:
                self.state = values
            self.state = self.state / 2**times
            return self.state

    message = " ".join(judge(Cell()).message.split())
    assert message.startswith("It was called twice with the same arguments and gave two different")
    assert "Likely: it draws random numbers, or keeps something from one call" in message
    assert "values = [ 4., -8.]" in message


def test_what_is_kept_for_a_later_case_is_seen():
    kept = {}

    def by_shape(values, times):
        return kept.setdefault(values.shape, values / 2**times)

    one_shape = [*HALVE.cases, (np.array([7.0]), 1)]
    exercise = dataclasses.replace(HALVE, cases=one_shape)
    assert judge(by_shape, exercise).status == WRONG

    def by_last(values, times):
        changed = kept.setdefault("last", times) != times
        kept["last"] = times
        return values / 2**times + (changed and times == 1)

    assert "two different answers" in " ".join(judge(by_last).message.split())


def test_one_buffer_for_all_results_is_no_state():
    buffers = {}

    def answer(values, times):
        result = buffers.setdefault(values.shape, np.empty_like(values))
        result[:] = values / 2**times
        return result

    assert judge(answer).passed


def test_an_exception_class_of_its_own_is_no_random_number():
    def answer(values, times):
        class OwnError(Exception):
            pass

        raise OwnError("because")

    message = judge(answer).message
    assert message.startswith("It stopped at line")
    assert "OwnError: because" in message


@pytest.mark.parametrize(
    "answer",
    [
        lambda values, times: (values / 2**times).tolist(),
        lambda values, times: tuple(values / 2**times),
        lambda values, times: pd.Series(values / 2**times),
        lambda values, times: values / 2**times + 0j,
        lambda values, times: [complex(value) / 2**times for value in values],
    ],
)
def test_other_kinds_of_arrays_pass_by_value(answer):
    assert judge(answer).passed
    wrong = judge(lambda values, times: answer(values, times + 1))
    assert wrong.status == WRONG
    assert "expected = [ 2., -4.]" in wrong.message


def test_a_tuple_may_be_a_list_or_an_array():
    exercise = Exercise(lambda a: (a, 2 * a), cases=[(np.ones(2),)], parts=("one", "two"))
    assert judge(lambda a: [a, 2 * a], exercise).passed
    assert judge(lambda a: np.stack([a, 2 * a]), exercise).passed
    assert judge(lambda a: [a.tolist(), 3 * a], exercise).message.startswith("`two` has the right")


def test_torch_that_has_no_such_operation_is_an_ordinary_error():
    def answer(values, times):
        return torch.linalg.eigvals(torch.eye(2)).max()

    verdict = judge(answer)
    assert verdict.status == WRONG
    assert verdict.message.startswith("It stopped at line")


@pytest.mark.parametrize("raised", ["NotImplementedError('negative')", "NotImplementedError"])
def test_only_the_starters_own_line_is_not_written(raised):
    scope = {}
    exec(f"def helper():\n    raise {raised}\ndef answer(values, times):\n    helper()", scope)
    assert judge(scope["answer"]).status == WRONG


def test_a_decorated_starter_is_not_written():
    @functools.cache
    def answer(values, times):
        """Write me."""
        raise NotImplementedError

    @functools.wraps(halve)
    def wrapped(values, times):
        return unwrapped(values, times)

    def unwrapped(values, times):
        raise NotImplementedError

    assert judge(lambda v, t: None).status == WRONG
    assert judge(functools.partial(unwrapped)).status == NOT_WRITTEN


class _Endless:
    def __getattr__(self, name):
        while True:
            pass

    __iter__ = __len__ = __array__ = __eq__ = __float__ = lambda *_: _Endless().loop
    __class__ = property(lambda self: self.loop)
    __hash__ = None


class _EndlessError(Exception):
    def __str__(self):
        while True:
            pass


def _raises(error):
    raise error


ENDLESS = {
    "result": lambda values, times: _Endless(),
    "part": lambda values, times: [_Endless()],
    "message": lambda values, times: _raises(_EndlessError()),
    "answer": _Endless(),
}


@pytest.mark.parametrize("where", ENDLESS)
def test_nothing_is_looked_at_outside_the_guard(where):
    verdict = judge(ENDLESS[where], seconds=0.2)
    assert verdict.status == WRONG
    assert "did not finish in 0.2 seconds" in verdict.message or "cannot be" in verdict.message


class Tensor:
    dtype = property(lambda self: sys.exit())
    __array__ = __iter__ = __len__ = detach = cpu = lambda *_: sys.exit()


def test_an_exit_from_within_a_result_stays_inside():
    assert "a Tensor" in judge(lambda values, times: Tensor()).message


@pytest.mark.parametrize("name", ["where", "abs", "array", "asarray", "isfinite", "array2string"])
def test_functions_of_numpy_are_put_back_and_named(name):
    function = getattr(np, name)

    def answer(values, times):
        setattr(np, name, None)
        return values / 2**times

    message = " ".join(judge(answer).message.split())
    assert getattr(np, name) is function
    assert message.startswith(f"Your code replaces `numpy.{name}`.")


@pytest.mark.parametrize("name", ["len", "min", "zip", "isinstance", "sorted", "setattr"])
def test_functions_of_python_are_put_back_and_named(name):
    function = getattr(builtins, name)

    def answer(values, times):
        setattr(builtins, name, None)
        return values / 2**times

    message = " ".join(judge(answer).message.split())
    assert getattr(builtins, name) is function
    assert message.startswith(f"Your code replaces `builtins.{name}`.")


def test_a_function_of_numpy_that_was_replaced_before_is_named(monkeypatch):
    monkeypatch.setattr(np, "where", None)
    verdict = judge(halve)
    assert verdict.status == BROKEN
    assert "`numpy.where` is not what it was" in verdict.message


def test_a_limit_on_recursion_that_is_too_high_is_lowered():
    before = sys.getrecursionlimit()

    def answer(values, times):
        sys.setrecursionlimit(10**9)
        return answer(values, times)

    began = time.process_time()
    assert "called too deep" in judge(answer).message
    assert time.process_time() - began < 5
    assert sys.getrecursionlimit() == before


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux keeps to the limit")
def test_memory_is_bounded_in_a_notebook_too():
    def answer(values, times):
        kept = []
        while True:
            kept.append(np.empty(2**25))

    assert judge(answer).message.startswith("It ran out of memory at line")


def test_a_forward_difference_is_told_so():
    def slope(x):
        """Differentiate x ** 3."""
        return 3 * x**2

    exercise = Exercise(slope, cases=[(0.7,), (np.array([0.3, 2.0]),)])
    assert judge(lambda x: ((x + 1e-5) ** 3 - (x - 1e-5) ** 3) / 2e-5, exercise).passed
    message = " ".join(judge(lambda x: ((x + 1e-7) ** 3 - x**3) / 1e-7, exercise).message.split())
    assert "digits, and differs beyond" in message
    assert "Likely: a difference quotient, or a part of the work in float32." in message
    assert judge(lambda x: slope(np.float32(x)), exercise).passed
    assert judge(lambda x: np.float64(slope(np.float32(x))), exercise).passed


def fits_a_screen(verdict):
    lines = repr(verdict).splitlines()
    return len(lines) <= 15 and max(map(len, lines)) <= 80


def test_a_verdict_fits_a_screen():
    long = Mistake("The sign is flipped. " * 20, "return tuple(-each for each in (a, b, c, d))")

    def same(a, b, c, d):
        return a, b, c, d

    exercise = Exercise(
        same,
        cases=[tuple(np.arange(3.0 * k).reshape(k, 3) + 0.5 for k in (3, 4, 5, 20))],
        parts=("a", "b", "c", "d"),
        mistakes={"flipped": long},
    )
    for answer in (lambda a, b, c, d: (a, b, c, -d), *long.functions(same)):
        verdict = judge(answer, exercise)
        assert fits_a_screen(verdict), verdict
        assert "expected" in verdict.message


def test_two_long_arguments_and_a_long_diagnosis_leave_room_for_what_was_seen():
    def same(first, second):
        return first

    long = Mistake("The sign is flipped. " * 20, "return -first")
    exercise = Exercise(
        same,
        id="toy.same",
        cases=[(np.arange(24.0) + 0.123, np.zeros(100))],
        mistakes={"flipped": long},
    )
    verdict = judge(lambda first, second: -first, exercise)
    assert verdict.mistake == "flipped"
    assert fits_a_screen(verdict), verdict
    assert "yours[23]" in verdict.message or "yours[0]" in verdict.message
    assert 'same(*case("toy.same", 1))' in verdict.message


def test_long_words_and_lines_of_code_fit_a_screen(monkeypatch):
    scope = {}
    code = "return " + " + ".join(["values[123456]"] * 12)
    exec(f"def answer(values, times):\n    {code}\n", scope)
    exec(f"def named(values, times):\n    raise ValueError('{'x' * 500}')\n", scope)
    file = "<a long line>"
    text = f"def quoted(values, times):\n    {code}\n"
    monkeypatch.setitem(linecache.cache, file, (len(text), None, text.splitlines(True), file))
    exec(compile(text, file, "exec"), scope)
    for name in ("answer", "named", "quoted"):
        verdict = judge(scope[name])
        assert fits_a_screen(verdict), verdict
    assert "`return values[123456] + values" in verdict.message


def test_what_no_screen_can_show_is_escaped_in_a_quoted_line():
    scope = {}
    exec("def answer(values, times):\n    raise ValueError('\\ud800\\x1b[2J')\n", scope)
    assert repr(judge(scope["answer"])).isprintable() is False  # it has line ends
    assert "\\ud800\\x1b[2J" in judge(scope["answer"]).message


def test_a_test_may_return_true_and_nothing_else():
    def content(double):
        tells_doubling(double)
        return True

    assert judge(content, HUNT).passed
    assert judge(lambda double: tells_doubling(double) or np.True_, HUNT).passed
    message = judge(lambda double: tells_doubling(double) or [True], HUNT).message
    assert message.startswith("Your test returned a list of 1. A test speaks by raising")


def test_where_assertions_are_left_out_no_test_is_judged():
    program = (
        "from unrolled.exercises import check\n"
        "print(check('windows.catches_leak', lambda f: None))\n"
        "print(check('windows.parameters', lambda w, h: (w + 2) * h + 1))\n"
    )
    run = subprocess.run([sys.executable, "-O", "-c", program], capture_output=True, check=True)
    said = run.stdout.decode()
    assert said.startswith(
        "windows.catches_leak: the check itself failed\n  Python was started with"
    )
    assert "windows.parameters: passed" in said


def test_after_a_pass_other_right_answers_are_shown():
    def with_a_loop(values: np.ndarray, times: int) -> np.ndarray:
        for _ in range(times):
            values = values / 2  # type: ignore[misc]
        return values

    exercise = dataclasses.replace(HALVE, alternatives=[with_a_loop])
    assert judge(lambda v, t: v * 0.5**t, exercise).message == (
        "Other right answers:\n"
        "\n"
        "    def halve(values, times):\n"
        "        return values / 2**times\n"
        "\n"
        "    def halve(values, times):\n"
        "        for _ in range(times):\n"
        "            values = values / 2\n"
        "        return values"
    )
    assert judge(halve, exercise).message.startswith("Another right answer:")
    assert judge(halve).message == ""


def test_long_answers_are_named_by_their_file():
    def long(values, times):
        return _raises if values is None else halve(values, times)

    exercise = dataclasses.replace(HALVE, alternatives=[long])
    assert judge(halve, exercise).message.startswith("Other right answers: `code/unrolled/")
