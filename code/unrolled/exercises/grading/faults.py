"""What is wrong with an answer, in a learner's words: first what was seen, then why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from unrolled.exercises.grading.guard import Outcome
from unrolled.exercises.grading.readable import fill, kind, show
from unrolled.exercises.grading.values import Numbers, Parts, Raised, Value

LINES = 14  # of a message: a verdict has one above it, and more than fifteen are not read

Rows = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Call:
    """The arguments of a call, and the code that calls a function with them again."""

    given: tuple[tuple[str, Value], ...] = ()
    again: str = ""


@dataclass(frozen=True)
class Fault:
    """What was seen, and the evidence for it: labelled values, to be set below one another.

    `seen` is what came of the `call`, and `briefly` the same where there is less room.
    `principle` is what the answer goes against; a diagnosis says it better.
    """

    complaint: str
    call: Call = Call()
    seen: Rows = ()
    principle: str = ""
    briefly: Rows = ()

    def told_as(self, diagnosis: str = "") -> str:
        """Write it down, with as much of the evidence as there is room for."""
        first, last = fill(self.complaint), fill(diagnosis or self.principle)
        told = ""
        for rows in self._evidence():
            told = "\n\n".join(filter(None, (first, _table(rows), last)))
            if _height(told) <= LINES:
                break
        return told

    def _evidence(self) -> Iterator[Rows]:
        """Yield the evidence in ever fewer lines: long arguments by their kind, then without."""
        given = {name: show(value) for name, value in self.call.given}
        kinds = {name: kind(value) for name, value in self.call.given}
        whole = all(_is_whole(value) for _, value in self.call.given)
        again = [("to repeat", self.call.again)] if self.call.again else []
        yield [*given.items(), *([] if whole else again), *self.seen]
        for name in sorted(given, key=lambda name: -_height(given[name])):
            if _height(given[name]) > 1:
                given[name] = kinds[name]
                yield [*given.items(), *again, *self.seen]
        for name in [name for name, shown in given.items() if shown == kinds[name]]:
            del given[name]
            yield [*given.items(), *again, *self.seen]
        for count in range(len(self.briefly), 0, -1):
            yield [*given.items(), *again, *self.briefly[:count]]
        for name in [*given]:
            del given[name]
            yield [*given.items(), *again, *self.briefly[:1]]
        yield again


def _is_whole(value: Value) -> bool:
    """Whether an argument is written out, and not an array that is too large for that."""
    return not isinstance(value, Numbers | Parts) or show(value) != kind(value)


def _height(text: str) -> int:
    return text.count("\n") + 1 if text else 0


def _table(rows: Rows) -> str:
    width = max((len(label) for label, _ in rows), default=0)
    return "\n".join(
        f"{label:{width}} = {text}".replace("\n", "\n" + " " * (width + 3)) for label, text in rows
    )


APOLOGY = """\
This says nothing about your answer: the mistake is in the checker. Please report it, together
with your file and these lines.

"""

RETURNS_NONE = "It returned None. Does it end with a `return`?"
PRINTED_ONLY = "It printed its answer and returned None. Write `return` in place of `print`."
PRINTS = "(It also prints. That does no harm; take the `print` out when you no longer need it.)"


def too_long(seconds: float, line: str) -> str:
    """Say that time ran out, and where."""
    where = f" It was at {line}." if line else ""
    return f"It did not finish in {seconds:g} seconds. Is there a loop that never ends?{where}"


def out_of_memory(line: str = "") -> str:
    """Say that there was no memory left, and for which line of the answer, if that is known."""
    where = f" at {line}" if line else ""
    return fill(f"It ran out of memory{where}. Is there a list that grows without end?")


def unfit(outcome: Outcome) -> str:
    """Say what leaves nothing to compare: functions replaced, memory used up, a part missing."""
    if outcome.replaced:
        return replaces(outcome.replaced)
    if outcome.error and outcome.error.unwritten == "a part":
        return half_written(outcome)
    if outcome.error and outcome.error.is_a(MemoryError):
        return out_of_memory(outcome.line)
    return ""


def half_written(outcome: Outcome) -> str:
    """Say where the line that stands for what is still to be written is met."""
    where = outcome.line.partition(":")[0] or "a line"
    return fill(
        f"A part is not written yet: {where} still says `raise NotImplementedError`, and a call "
        "gets there."
    )


def replaces(names: Sequence[str]) -> str:
    """Say that an answer sets a function of Python or NumPy to something else."""
    return fill(
        f"Your code replaces `{names[0]}`. All other code uses that too, this check as well. (It "
        "has been put back.) Give what you define a name of its own."
    )


def stopped(outcome: Outcome) -> str:
    """Quote the error that ended a call."""
    where = f" at {outcome.line}" if outcome.line else ""
    error = outcome.error or Raised(("",), "")
    if error.is_a(SystemExit):
        return f"It tried to leave Python (`exit`){where}. Use `return` to leave a function."
    if error.is_a(RecursionError):
        return f"It called too deep{where}. Likely: it calls itself without end."
    return f"It stopped{where}, with {error.says}."


def changes(names: Sequence[str]) -> str:
    """Say which arguments an answer changed, although its result is right."""
    listed = " and ".join(f"`{name}`" for name in names)
    belong = "belongs" if len(names) == 1 else "belong"
    return (
        f"The result is right, but the call changed {listed}, which {belong} to whoever called it. "
        f"Work on a copy: `{names[0]}.copy()`."
    )


def two_answers(first: Outcome, second: Outcome, difference: str) -> str:
    """Say that a second call with the same arguments did not do what the first did.

    `difference` says where their values are apart, if it can be said.
    """
    return (
        "It was called twice with the same arguments and gave two different answers: "
        f"{difference or f'{_did(first)}, then {_did(second)}'}. Likely: it draws random numbers, "
        "or keeps something from one call to the next."
    )


def _did(outcome: Outcome) -> str:
    if outcome.error:
        return outcome.error.says
    changed = " with its arguments changed" if outcome.changed else ""
    return kind(outcome.value) + changed
