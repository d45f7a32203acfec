"""What readers write, and the verdicts on it: one file an exercise.

>>> from unrolled.exercises import check
>>> check("windows.parameters", lambda window, hidden: (window + 2) * hidden + 1)
windows.parameters: passed

The exercise ``lstm.half_life`` is ``lstm/half_life.py``; a chapter's own order stands in its
``__init__``. So checking one imports no other.
"""

from __future__ import annotations

import difflib
import importlib
from copy import deepcopy
from pathlib import Path
from typing import Any

from unrolled.core.book import chapters
from unrolled.exercises.grading import Exercise, Verdict, grade

__all__ = ["UnknownExercise", "case", "check", "find", "of_chapter"]

_HERE = Path(__file__).parent


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


def case(exercise_id: str, number: int) -> tuple[Any, ...]:
    """Copy the arguments of one of a check's calls, to make that call yourself.

    Parameters
    ----------
    exercise_id
        Chapter and name, as in ``"windows.lag_matrix"``.
    number
        Which of the exercise's cases, from 1, as a verdict names it.

    Raises
    ------
    UnknownExercise
        A ValueError, when there is no such exercise.
    ValueError
        When there is no case of that number.
    """
    cases = find(exercise_id).cases
    if number not in range(1, len(cases) + 1):
        raise ValueError(f"number must be from 1 to {len(cases)}, got {number!r}")
    return deepcopy(tuple(cases[number - 1]))


def find(exercise_id: str) -> Exercise:
    """Find an exercise by its identifier; if there is none, UnknownExercise names near ones."""
    if not isinstance(exercise_id, str):
        raise TypeError(
            f"exercise_id must be a string such as 'windows.lag_matrix'; got {type(exercise_id)}"
        )
    known = {f"{path.parent.name}.{path.stem}" for path in _HERE.glob("[a-z]*/[a-z]*.py")}
    known = {each for each in known if each.partition(".")[0] in chapters()}
    if exercise_id not in known:
        raise UnknownExercise(_no_such(exercise_id, sorted(known)))
    exercise: Exercise = importlib.import_module(f"{__name__}.{exercise_id}").EXERCISE
    return exercise


def of_chapter(stem: str) -> tuple[Exercise, ...]:
    """List a chapter's exercises, in the order in which it sets them."""
    if stem not in chapters():
        raise ValueError(f"stem must be a chapter, one of {', '.join(chapters())}; got {stem!r}")
    if not (_HERE / stem).is_dir():
        return ()
    names: tuple[str, ...] = importlib.import_module(f"{__name__}.{stem}").ORDER
    return tuple(find(f"{stem}.{name}") for name in names)


def _no_such(exercise_id: str, known: list[str]) -> str:
    names = {each.split(".")[1]: each for each in known}
    near = difflib.get_close_matches(exercise_id, known, n=2, cutoff=0.8) or [
        names[name] for name in difflib.get_close_matches(exercise_id.split(".")[-1], names)
    ]
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(known)}"
    return f"exercise_id: there is no exercise {exercise_id!r}; {hint}"
