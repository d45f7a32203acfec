"""Exercises in which the reader writes a test that finds bugs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from unrolled.exercises.grading.engine import Case, Exercise
from unrolled.exercises.grading.faults import stopped
from unrolled.exercises.grading.guard import Outcome
from unrolled.exercises.grading.mistakes import Function, Mistake
from unrolled.exercises.grading.readable import kind, show
from unrolled.exercises.grading.values import Numbers, read


def bug_hunt(
    solution: Function,
    right: Sequence[Function],
    buggy: Sequence[Function],
    *,
    probes: Sequence[Function] = (),
    mistakes: Mapping[str, Mistake] | None = None,
    alternatives: Sequence[Function] = (),
    equivalent: Mapping[str, str] | None = None,
    id: str = "",
) -> Exercise:
    """Make an exercise in which the reader writes a test that finds bugs.

    The answer takes an implementation. It must raise (AssertionError, or by the way whatever a
    bug leads to) for each of `buggy` and return None, or True, for each of `right`; of `probes` it
    may think what it likes, which tells mistakes apart. The first line of an implementation's
    docstring says what it does; ``edited`` makes one of another.
    """

    def judge(want: Outcome, got: Outcome, case: Case) -> str:
        return "" if case[0] in probes else _judge_test(want, got, case)

    return Exercise(
        solution,
        cases=[(implementation,) for implementation in (*right, *buggy, *probes)],
        mistakes=mistakes or {},
        alternatives=alternatives,
        judge=judge,
        equivalent=equivalent or {},
        id=id,
    )


def _judge_test(want: Outcome, got: Outcome, case: Case) -> str:
    does = show(read(case[0])).strip("<>")
    if got.error and not want.error:
        if got.error.is_a(AssertionError):
            where = f" The check that failed is at {got.line}." if got.line else ""
            return f"Your test rejects a right implementation. This one {does}.{where}"
        return f"{stopped(got)} The implementation that it was given is right. It {does}."
    if got.error:
        return ""  # any error is a test that failed, as it is for pytest
    if not _is_silent(got):
        return (
            f"Your test returned {kind(got.value)}. A test speaks by raising: write "
            "`assert ...` and return nothing."
        )
    missed = f"Your test lets a buggy implementation through. This one {does}."
    hint = "" if got.value is None else " A test speaks by raising: what it returns says nothing."
    return missed + hint if want.error else ""


def _is_silent(outcome: Outcome) -> bool:
    """Whether a test that did not raise returned nothing, or the True of one that is content."""
    value = outcome.value
    return value is None or (
        isinstance(value, Numbers)
        and value.array.dtype.kind == "b"
        and not value.array.ndim
        and bool(value.array)
    )
