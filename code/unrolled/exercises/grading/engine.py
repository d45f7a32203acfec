"""Judging an answer: what an exercise is, and what is said about an attempt at it."""

from __future__ import annotations

import contextlib
import inspect
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

import numpy as np

from unrolled.exercises.grading import faults, guard, process, signatures
from unrolled.exercises.grading.compare import (
    DOUBLE,
    difference,
    parts_of,
    wrong_form,
    wrong_values,
)
from unrolled.exercises.grading.faults import Call, Fault
from unrolled.exercises.grading.guard import Outcome
from unrolled.exercises.grading.mistakes import Function, Mistake
from unrolled.exercises.grading.others import others
from unrolled.exercises.grading.readable import BESIDE, fill, kind
from unrolled.exercises.grading.values import as_numbers, as_parts, read

NOT_WRITTEN = "not written yet"
PASSED = "passed"
WRONG = "wrong"
BROKEN = "the check itself failed"

SECONDS = 5.0  # for all calls of one check together

Case = tuple[Any, ...]

_ROOM = "unrolled.exercises."


@dataclass(frozen=True, repr=False)
class Verdict:
    """What is said about an answer. `mistake` is the name of the known mistake it makes, if any."""

    exercise: str
    status: str
    message: str = ""
    mistake: str | None = None

    @property
    def passed(self) -> bool:
        """Whether the answer is right."""
        return self.status == PASSED

    def __bool__(self) -> bool:
        return self.passed

    def __repr__(self) -> str:
        headline = f"{self.exercise}: {'not right yet' if self.status == WRONG else self.status}"
        if not self.message:
            return headline
        return f"{headline}\n{textwrap.indent(self.message, '  ')}"


@dataclass(frozen=True)
class Exercise:
    """A function for the reader to write, and all that is needed to judge an attempt.

    `solution` carries the exercise's name, signature and prompt (its docstring). An answer is
    right when it does what the solution does on every case, each time: returns the same values,
    or raises the same type of error, and leaves its arguments alone. Values may differ by a
    relative `tolerance` where the answer computes in float64, and else by what its type gives.
    The `id`, chapter and name, is that of the file in which the solution stands.

    `mistakes` are wrong answers that readers give, each under its name.
    `alternatives` are other right answers: they keep the checks from being too strict, and are
    shown to whoever has found one.
    `properties` take ``(result, *arguments)`` and return whether the result has the property that
    their docstring states: when values are wrong, the first that fails says so in words.
    `parts` names what is returned. `judge` takes (expected outcome, outcome, arguments) and says
    what is wrong, or "", in place of the comparison of values. `equivalent` lists the
    machine-made mutants of the solution that are right, too, each with the reason.
    """

    solution: Function
    cases: Sequence[Case]
    mistakes: Mapping[str, Mistake] = field(default_factory=dict)
    alternatives: Sequence[Function] = ()
    properties: Sequence[Function] = ()
    parts: tuple[str, ...] = ()
    tolerance: float = DOUBLE
    judge: Callable[[Outcome, Outcome, Case], str] | None = None
    equivalent: Mapping[str, str] = field(default_factory=dict)
    id: str = ""

    def __post_init__(self) -> None:
        if not self.id:
            object.__setattr__(self, "id", self.solution.__module__.removeprefix(_ROOM))

    @property
    def name(self) -> str:
        """The function's own name: the identifier without its chapter."""
        return self.id.split(".")[-1]

    @cached_property
    def expected(self) -> tuple[Outcome, ...]:
        """What the solution does on each case."""
        return tuple(guard.trusted(self.solution, case) for case in self.cases)

    @cached_property
    def written(self) -> Callable[[str], tuple[Function, ...]]:
        """The wrong answers of a known mistake, written when it is first asked for by name."""
        return cache(lambda name: tuple(self.mistakes[name].functions(self.solution)))

    @cached_property
    def done(self) -> Callable[[Function, int], Outcome]:
        """What one of those does on the case of a number, called when it is first asked for."""
        return cache(lambda wrong, case: guard.trusted(wrong, self.cases[case]))

    @property
    def prompt(self) -> str:
        """What the reader is asked to do."""
        return inspect.getdoc(self.solution) or ""


def grade(exercise: Exercise, answer: Any, seconds: float = SECONDS) -> Verdict:
    """Judge an answer; say the first thing that is wrong with it, in a learner's words.

    `seconds` limits all its calls together.
    """
    if exercise.judge and not __debug__:
        return Verdict(exercise.id, BROKEN, fill(_NO_ASSERTIONS))
    if names := _NUMPY.replaced():
        return Verdict(exercise.id, BROKEN, fill(_NOT_NUMPY.format(names[0])))
    try:
        with process.limited_memory():
            return _judged(exercise, answer, seconds)
    except MemoryError:
        return Verdict(exercise.id, WRONG, faults.out_of_memory())


_NUMPY = process.Functions("math", "numpy", "numpy.linalg")

_NO_ASSERTIONS = (
    "Python was started with -O (or PYTHONOPTIMIZE), which leaves out every `assert`: there is no "
    "test left to judge. Start it without."
)
_NOT_NUMPY = (
    "`{}` is not what it was: something in this session has replaced it, and the check needs it. "
    "Take that line out, and start Python (the kernel) again."
)


def _judged(exercise: Exercise, answer: Any, seconds: float) -> Verdict:
    looked = _Looked(exercise, answer, seconds)
    if looked.complaint:
        return Verdict(exercise.id, WRONG, fill(looked.complaint))
    outcomes, complaint = _run(exercise, looked.called, seconds)
    last = outcomes[-1]
    if last.error and last.error.unwritten == "all":
        return Verdict(exercise.id, NOT_WRITTEN)
    if complaint := complaint or faults.unfit(last):
        return Verdict(exercise.id, WRONG, complaint)

    for case, outcome, want in zip(exercise.cases, outcomes, exercise.expected, strict=False):
        if fault := _fault(exercise, case, outcome, want, seconds):
            break
    else:
        prints = fill(faults.PRINTS) if any(outcome.printed for outcome in outcomes) else ""
        room = faults.LINES - prints.count("\n") - 2 * bool(prints)
        more = others(exercise.solution, exercise.alternatives, looked.source, room)
        return Verdict(exercise.id, PASSED, "\n\n".join(filter(None, (prints, more))))

    complete = len(outcomes) == len(exercise.cases) and last.finished
    name = _known_mistake(exercise, outcomes) if complete else None
    diagnosis = exercise.mistakes[name].diagnosis if name else ""
    likely = "Likely: " if name and exercise.judge else ""  # a test may miss a bug in many ways
    return Verdict(exercise.id, WRONG, fault.told_as(likely + diagnosis), name)


class _Looked:
    """What an answer is, as far as one can see without calling it for its result."""

    def __init__(self, exercise: Exercise, answer: Any, seconds: float) -> None:
        self.complaint = "It cannot be looked at: its class does not say what it is."
        self.source = ""
        names, keywords = signatures.names_of(exercise.solution), list[str]()

        def look() -> None:
            said = signatures.complaint(exercise.id, exercise.solution, answer)
            keywords.extend([] if said else signatures.by_keyword(names, answer))
            with contextlib.suppress(OSError, TypeError):
                self.source = inspect.getsource(answer)
            self.complaint = said

        guard.call(look, (), seconds)
        self.called = signatures.by_position(names, keywords, answer)


def _run(exercise: Exercise, answer: Function, seconds: float) -> tuple[list[Outcome], str]:
    """Call the answer twice on each case, and on the first once more at the end.

    Return what it did on each, up to one that shows it unwritten or takes too much, and what is to
    be said where it does not do the same each time. The repetitions have time of their own: who
    is slow is not wrong.
    """
    outcomes: list[Outcome] = []
    spare = seconds
    for case in exercise.cases:
        outcomes.append(guard.call(answer, case, seconds))
        seconds -= outcomes[-1].seconds
        if not outcomes[-1].finished or _ends(outcomes[-1]):
            return outcomes, ""
        again = [(case, outcomes[-1])]
        if len(outcomes) == len(exercise.cases):
            again.append((exercise.cases[0], outcomes[0]))
        for repeated, first in again:
            if spare <= 0:
                break
            second = guard.call(answer, repeated, spare)
            spare -= second.seconds
            if _ends(second):
                return [*outcomes[:-1], second], ""
            if second.finished and not _alike(exercise, second, first, exercise.tolerance):
                apart = difference(first.value, second.value, exercise.parts)
                said = faults.two_answers(first, second, apart)
                return outcomes, Fault(said, _call(exercise, repeated)).told_as()
    return outcomes, ""


def _ends(outcome: Outcome) -> bool:
    error = outcome.error
    return bool(outcome.replaced or (error and (error.unwritten or error.is_a(MemoryError))))


def _fault(
    exercise: Exercise, case: Case, outcome: Outcome, want: Outcome, seconds: float
) -> Fault | None:
    """Find what is wrong with one outcome: form, then values, then mutation."""
    called = _call(exercise, case)
    if not outcome.finished:
        return Fault(faults.too_long(seconds, outcome.line), called)
    if exercise.judge:
        told = exercise.judge(want, outcome, case)
        return Fault(told) if told else None
    if want.error:
        if outcome.error and want.error.names[0] in outcome.error.names:
            return None
        expected = f"It should raise {want.error.name} here; it returned {kind(outcome.value)}."
        return Fault(faults.stopped(outcome) if outcome.error else expected, called)
    if outcome.error:
        return Fault(faults.stopped(outcome), called)
    if outcome.value is None and want.value is not None:
        silent = faults.PRINTED_ONLY if outcome.printed.strip() else faults.RETURNS_NONE
        return Fault(silent, called)
    if complaint := wrong_form(outcome.value, want.value, exercise.parts):
        return Fault(complaint, called)
    wrong = wrong_values(outcome.value, want.value, exercise.tolerance, exercise.parts)
    if wrong:
        principle = _broken_property(exercise, case, outcome, want)
        return Fault(wrong.complaint, called, wrong.evidence, principle, wrong.places)
    if outcome.changed:
        names = signatures.names_of(exercise.solution)
        return Fault(faults.changes([names[i] for i in outcome.changed]), called)
    return None


def _broken_property(exercise: Exercise, case: Case, got: Outcome, want: Outcome) -> str:
    """Quote the first property that a result lacks; it has the right form."""
    wanted = parts_of(want.value)
    parts = (got.value,) if wanted is None else as_parts(got.value, wanted) or ()
    arrays = tuple(each.array for each in map(as_numbers, parts) if each)
    result = arrays[0] if wanted is None else arrays
    broken = (p for p in exercise.properties if not p(result, *case))
    with np.errstate(all="ignore"):  # whatever the numbers are, a property has its say
        return next((inspect.getdoc(p) or "" for p in broken), "")


def _call(exercise: Exercise, case: Case) -> Call:
    given = tuple(zip(signatures.names_of(exercise.solution), map(read, case), strict=True))
    number = next(i for i, each in enumerate(exercise.cases, 1) if each is case)
    opens, arguments = f"{exercise.name}(", f'*case("{exercise.id}", {number}))'
    between = "" if len(opens + arguments) <= BESIDE else "\n    "
    return Call(given, f"from unrolled.exercises import case\n{opens}{between}{arguments}")


LOOSE = 1e-5  # two wrong answers are the same mistake if they agree to so much


def _known_mistake(exercise: Exercise, outcomes: Sequence[Outcome]) -> str | None:
    """Find the known mistake that does on every case what the answer did."""

    def makes(name: str) -> bool:
        return any(map(does_the_same, exercise.written(name)))

    def does_the_same(wrong: Function) -> bool:
        return all(
            _alike(exercise, outcome, exercise.done(wrong, case), LOOSE)
            for case, outcome in enumerate(outcomes)
        )

    return next(filter(makes, exercise.mistakes), None)


def _alike(exercise: Exercise, one: Outcome, other: Outcome, tolerance: float) -> bool:
    if exercise.judge and one.error and other.error:
        return True  # two tests that fail, it does not matter how
    if one.finished != other.finished or one.changed != other.changed:
        return False
    if one.error or other.error:
        return one.error is not None and one.error.is_like(other.error)
    try:
        form = wrong_form(one.value, other.value)
    except TypeError:  # neither numbers nor nothing: what they are is all there is to compare
        return kind(one.value) == kind(other.value)
    return form is None and wrong_values(one.value, other.value, tolerance) is None
