"""Judging an answer: what an exercise is, and what is said about an attempt at it."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from unrolled.exercises.grading import guard
from unrolled.exercises.grading.guard import Outcome
from unrolled.exercises.grading.mistakes import Function, Mistake
from unrolled.exercises.grading.readable import (
    as_array,
    fill,
    kind,
    said_by,
    show,
    wrong_form,
    wrong_values,
)

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

    def __repr__(self) -> str:
        headline = f"{self.exercise}: {'not right yet' if self.status == WRONG else self.status}"
        if not self.message:
            return headline
        return f"{headline}\n{textwrap.indent(self.message, '  ')}"


@dataclass(frozen=True)
class Exercise:
    """A function for the reader to write, and all that is needed to judge an attempt.

    `solution` carries the exercise's name, signature and prompt (its docstring). An answer is
    right when it does what the solution does on every case: returns the same values, within a
    relative `tolerance` that float32 meets, or raises the same type of error, and leaves its
    arguments alone. Its `id`, chapter and name, is that of the file in which the solution stands.

    `mistakes` are wrong answers that readers give, each under its name.
    `alternatives` are other right answers: they keep the checks from being too strict.
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
    tolerance: float = 1e-5
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

    @property
    def prompt(self) -> str:
        """What the reader is asked to do."""
        return inspect.getdoc(self.solution) or ""


def grade(exercise: Exercise, answer: Any, seconds: float = SECONDS) -> Verdict:
    """Judge an answer; say the first thing that is wrong with it, in a learner's words.

    `seconds` limits all its calls together.
    """
    if complaint := _not_callable_as_asked(exercise, answer):
        return Verdict(exercise.id, WRONG, fill(complaint))
    answer = _called_by_position(exercise, answer)
    outcomes = _run(answer, [*exercise.cases, exercise.cases[0]], seconds)
    if type(outcomes[-1].error) is NotImplementedError:
        return Verdict(exercise.id, NOT_WRITTEN)
    if isinstance(outcomes[-1].error, MemoryError):
        return Verdict(exercise.id, WRONG, out_of_memory(outcomes[-1].line))
    complete = len(outcomes) > len(exercise.cases) and outcomes[-1].finished
    if complete and not _alike(exercise, outcomes[-1], outcomes[0]):
        return Verdict(exercise.id, WRONG, _two_answers(exercise).told_as())

    for case, outcome in zip(exercise.cases, outcomes, strict=False):
        if fault := _fault(exercise, case, outcome, seconds):
            break
    else:
        printed = any(outcome.printed for outcome in outcomes)
        return Verdict(exercise.id, PASSED, _PRINTS if printed else "")

    name = _known_mistake(exercise, outcomes) if complete else None
    diagnosis = exercise.mistakes[name].diagnosis if name else ""
    return Verdict(exercise.id, WRONG, fault.told_as(diagnosis), name)


def _run(answer: Function, cases: Sequence[Case], seconds: float) -> list[Outcome]:
    """Call the answer on each case, up to one that shows it unwritten or takes too much."""
    outcomes: list[Outcome] = []
    for case in cases:
        outcomes.append(guard.call(answer, case, seconds))
        seconds -= outcomes[-1].seconds
        if not outcomes[-1].finished or type(outcomes[-1].error) is NotImplementedError:
            break
        if isinstance(outcomes[-1].error, MemoryError):
            break
    return outcomes


_PRINTS = "(It also prints. That does no harm; take the `print` out when you no longer need it.)"


@dataclass(frozen=True)
class _Fault:
    """What is wrong, and the evidence for it: labelled values, to be set below one another."""

    complaint: str
    evidence: tuple[tuple[str, str], ...] = ()
    principle: str = ""  # what the answer goes against; a diagnosis says it better

    def told_as(self, diagnosis: str = "") -> str:
        paragraphs = [fill(text) for text in (diagnosis or self.principle, self.complaint) if text]
        width = max((len(label) for label, _ in self.evidence), default=0)
        rows = [
            f"{label:{width}} = {text}".replace("\n", "\n" + " " * (width + 3))
            for label, text in self.evidence
        ]
        return "\n\n".join([*paragraphs, "\n".join(rows)] if rows else paragraphs)


def _names(exercise: Exercise) -> tuple[str, ...]:
    return tuple(inspect.signature(exercise.solution).parameters)


def _not_callable_as_asked(exercise: Exercise, answer: Any) -> str:
    if not callable(answer):
        return (
            f"`check` needs the function itself, and was given {kind(answer)}. "
            f'Write `check("{exercise.id}", {exercise.name})`, without brackets after the name.'
        )
    try:
        signature = inspect.signature(answer)
    except ValueError:  # some built-in functions have none
        return ""
    names = _names(exercise)
    by_keyword = _by_keyword(exercise, answer)
    by_position = [name for name in names if name not in by_keyword]
    mine = [p.name for p in signature.parameters.values() if p.name not in by_keyword]
    shown = without_annotations(signature)
    asked = f"It is called as `{exercise.name}({', '.join(names)})`, and yours takes"
    if sorted(mine) == sorted(by_position) and mine != by_position:
        return f"{asked} its arguments in another order: {shown}."
    try:
        signature.bind(*by_position, **dict.fromkeys(by_keyword))
    except TypeError:
        return f"{asked} {shown}."
    return ""


def without_annotations(signature: inspect.Signature) -> inspect.Signature:
    """Leave out what a learner need not read."""
    parameters = [p.replace(annotation=p.empty) for p in signature.parameters.values()]
    return inspect.Signature(parameters)


def _by_keyword(exercise: Exercise, answer: Function) -> list[str]:
    """List the exercise's arguments that the answer takes by keyword only."""
    try:
        parameters = inspect.signature(answer).parameters
    except ValueError:
        return []
    return [
        name
        for name in _names(exercise)
        if name in parameters and parameters[name].kind is inspect.Parameter.KEYWORD_ONLY
    ]


def _called_by_position(exercise: Exercise, answer: Function) -> Function:
    """Let an answer that takes some arguments by keyword only be called like any other."""
    by_keyword = _by_keyword(exercise, answer)
    if not by_keyword:
        return answer

    def called(*args: Any) -> Any:
        given = dict(zip(_names(exercise), args, strict=True))
        named = {name: given.pop(name) for name in by_keyword}
        return answer(*given.values(), **named)

    return called


def _fault(exercise: Exercise, case: Case, outcome: Outcome, seconds: float) -> _Fault | None:
    """Find what is wrong with one outcome: form, then properties, then values, then mutation."""
    want = guard.call(exercise.solution, case, SECONDS)
    called = _inputs(exercise, case)
    if not outcome.finished:
        return _Fault(_too_long(seconds, outcome.line), called)
    if exercise.judge:
        told = exercise.judge(want, outcome, case)
        return _Fault(told) if told else None
    if outcome.error and not (want.error and isinstance(outcome.error, type(want.error))):
        return _Fault(_stopped(outcome), called)
    if want.error:
        if outcome.error:
            return None
        expected = f"It should raise {type(want.error).__name__} here; it returned"
        return _Fault(f"{expected} {kind(outcome.value)}.", called)
    if outcome.value is None and want.value is not None:
        return _Fault(_PRINTED_ONLY if outcome.printed.strip() else _RETURNS_NONE, called)
    if complaint := wrong_form(outcome.value, want.value, exercise.parts):
        return _Fault(complaint, called)
    if wrong := wrong_values(outcome.value, want.value, exercise.tolerance, exercise.parts):
        complaint, *values = wrong
        got = outcome.value
        result = tuple(map(as_array, got)) if isinstance(got, tuple) else as_array(got)
        broken = (p for p in exercise.properties if not p(result, *case))
        principle = next((inspect.getdoc(p) or "" for p in broken), "")
        return _Fault(
            complaint, (*called, *zip(("yours", "expected"), values, strict=False)), principle
        )
    if outcome.changed:
        return _Fault(_changes(exercise, outcome), called)
    return None


def _inputs(exercise: Exercise, case: Case) -> tuple[tuple[str, str], ...]:
    return tuple(zip(_names(exercise), map(show, case), strict=True))


_RETURNS_NONE = "It returned None. Does it end with a `return`?"
_PRINTED_ONLY = "It printed its answer and returned None. Write `return` in place of `print`."


def _too_long(seconds: float, line: str) -> str:
    where = f" It was at {line}." if line else ""
    return f"It did not finish in {seconds:g} seconds. Is there a loop that never ends?{where}"


def out_of_memory(line: str = "") -> str:
    """Say that there was no memory left, and for which line of the answer, if that is known."""
    where = f" at {line}" if line else ""
    return fill(f"It ran out of memory{where}. Is there a list that grows without end?")


def _stopped(outcome: Outcome) -> str:
    where = f" at {outcome.line}" if outcome.line else ""
    if isinstance(outcome.error, SystemExit):
        return f"It tried to leave Python (`exit`){where}. Use `return` to leave a function."
    if isinstance(outcome.error, RecursionError):
        return f"It calls itself without end{where}."
    return f"It stopped{where}, with {said_by(outcome.error or Exception())}."


def _changes(exercise: Exercise, outcome: Outcome) -> str:
    names = [_names(exercise)[i] for i in outcome.changed]
    listed = " and ".join(f"`{name}`" for name in names)
    belong = "belongs" if len(names) == 1 else "belong"
    return (
        f"The result is right, but the call changed {listed}, which {belong} to whoever called it. "
        f"Work on a copy: `{names[0]}.copy()`."
    )


def _two_answers(exercise: Exercise) -> _Fault:
    return _Fault(
        "It was called twice with the same arguments and gave two different answers. Does it draw "
        "random numbers, or keep something from one call to the next?",
        _inputs(exercise, exercise.cases[0]),
    )


def _known_mistake(exercise: Exercise, outcomes: Sequence[Outcome]) -> str | None:
    """Find the known mistake that does on every case what the answer did."""

    def makes(mistake: Mistake) -> bool:
        return any(map(does_the_same, mistake.functions(exercise.solution)))

    def does_the_same(wrong: Function) -> bool:
        return all(
            _alike(exercise, outcome, guard.call(wrong, case, SECONDS))
            for case, outcome in zip(exercise.cases, outcomes, strict=False)
        )

    return next((name for name, mistake in exercise.mistakes.items() if makes(mistake)), None)


def _alike(exercise: Exercise, one: Outcome, other: Outcome) -> bool:
    if exercise.judge and one.error and other.error:
        return True  # two tests that fail, it does not matter how
    if type(one.error) is not type(other.error) or one.changed != other.changed:
        return False
    if one.finished != other.finished:
        return False
    try:
        form = wrong_form(one.value, other.value)
    except TypeError:  # neither numbers nor nothing: what they are is all there is to compare
        return kind(one.value) == kind(other.value)
    return form is None and wrong_values(one.value, other.value, exercise.tolerance) is None


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
    bug leads to) for each of `buggy` and return None for each of `right`; of `probes` it may
    think what it likes, which tells mistakes apart. The first line of an implementation's
    docstring says what it does; :func:`edited` makes one of another.
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
    does = show(case[0]).strip("<>")
    if got.error and not want.error:
        if isinstance(got.error, AssertionError):
            where = f" The check that failed is at {got.line}." if got.line else ""
            return f"Your test rejects a right implementation. This one {does}.{where}"
        return f"{_stopped(got)} The implementation that it was given is right. It {does}."
    if got.error:
        return ""  # any error is a test that failed, as it is for pytest
    if got.value is not None:
        return (
            f"Your test returned {kind(got.value)}. A test speaks by raising: write "
            "`assert ...` and return nothing."
        )
    return f"Your test lets a buggy implementation through. This one {does}." if want.error else ""
