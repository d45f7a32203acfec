"""What readers write, and the verdicts on it: one module of exercises a chapter.

>>> from unrolled.exercises import check
>>> check("windows.parameters", lambda window, hidden: (window + 2) * hidden + 1)
windows.parameters: passed

An exercise is found by its chapter's stem, so that checking one imports no other chapter.
"""

from __future__ import annotations

import difflib
import importlib
from typing import Any

from unrolled.exercises.grading import Exercise, Verdict, grade

CHAPTERS = ("windows", "rnn", "bptt", "gradients", "lstm", "variants")  # in the book's order

__all__ = ["CHAPTERS", "UnknownExercise", "check", "find", "of_chapter"]


class UnknownExercise(ValueError):  # noqa: N818  (a name for what was asked, not for the fault)
    """There is no exercise of this name."""


def check(exercise_id: str, answer: Any) -> Verdict:
    """Judge an answer to an exercise: not written yet, passed, or what is wrong with it.

    Parameters
    ----------
    exercise_id
        Chapter and name, as in ``"windows.lag_matrix"``.
    answer
        The function that you wrote.

    Raises
    ------
    UnknownExercise
        A ValueError, when there is no such exercise; the message names the nearest ones.
    TypeError
        When the identifier is not a string.
    """
    return grade(find(exercise_id), answer)


def find(exercise_id: str) -> Exercise:
    """Find an exercise by its identifier; if there is none, UnknownExercise names near ones."""
    if not isinstance(exercise_id, str):
        raise TypeError(
            f"exercise_id must be a string such as 'windows.lag_matrix'; got {type(exercise_id)}"
        )
    stem, _, _ = exercise_id.partition(".")
    known = of_chapter(stem) if stem in CHAPTERS else ()
    for exercise in known:
        if exercise.id == exercise_id:
            return exercise
    ids = [e.id for chapter in CHAPTERS for e in of_chapter(chapter)]
    names = {e.split(".")[1]: e for e in ids}
    near = difflib.get_close_matches(exercise_id, ids, n=2, cutoff=0.8) or [
        names[name] for name in difflib.get_close_matches(exercise_id.split(".")[-1], names)
    ]
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(ids)}"
    raise UnknownExercise(f"exercise_id: there is no exercise {exercise_id!r}; {hint}")


def of_chapter(stem: str) -> tuple[Exercise, ...]:
    """List a chapter's exercises, in the order in which it sets them."""
    if stem not in CHAPTERS:
        raise ValueError(f"stem must be a chapter, one of {', '.join(CHAPTERS)}; got {stem!r}")
    exercises: tuple[Exercise, ...] = importlib.import_module(f"{__name__}.{stem}").EXERCISES
    return exercises
