"""What is wrong with an answer, in a learner's words: first what was seen, then why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from unrolled.exercises.grading.guard import Outcome
from unrolled.exercises.grading.readable import fill, kind, show
from unrolled.exercises.grading.values import Raised, Value

LINES = 13  # of a message, empty ones not counted: more is not read


@dataclass(frozen=True)
class Fault:
    """What was seen, and the evidence for it: labelled values, to be set below one another.

    `given` are the arguments, `seen` what came of them. `principle` is what the answer goes
    against; a diagnosis says it better.
    """

    complaint: str
    given: tuple[tuple[str, Value], ...] = ()
    seen: tuple[tuple[str, str], ...] = ()
    principle: str = ""

    def told_as(self, diagnosis: str = "") -> str:
        """Write it down; long arguments by their shape, or not at all, if there is no room."""
        first, last = fill(self.complaint), fill(diagnosis or self.principle)
        room = LINES - _height(first) - _height(last) - sum(_height(text) for _, text in self.seen)
        given = {name: show(value) for name, value in self.given}
        for name, value in sorted(self.given, key=lambda row: -_height(given[row[0]])):
            if sum(map(_height, given.values())) > room:
                given[name] = kind(value)
        for name, value in self.given:
            if len(given) > room and given[name] == kind(value):
                del given[name]
        return "\n\n".join(filter(None, (first, _table([*given.items(), *self.seen]), last)))


def _height(text: str) -> int:
    return text.count("\n") + 1 if text else 0


def _table(rows: Sequence[tuple[str, str]]) -> str:
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
