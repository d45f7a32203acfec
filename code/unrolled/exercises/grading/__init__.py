"""How an answer is judged.

`engine` compares an answer with an exercise's solution and known `mistakes`, `guard` calls code
that may misbehave, `readable` puts values into words, and `answers` deals with files: starters,
and answers checked in a process of their own (`child`).
"""

from unrolled.exercises.grading.engine import (
    BROKEN,
    NOT_WRITTEN,
    PASSED,
    SECONDS,
    WRONG,
    Exercise,
    Verdict,
    grade,
)
from unrolled.exercises.grading.hunts import bug_hunt
from unrolled.exercises.grading.mistakes import Mistake, edited

__all__ = [
    "BROKEN",
    "NOT_WRITTEN",
    "PASSED",
    "SECONDS",
    "WRONG",
    "Exercise",
    "Mistake",
    "Verdict",
    "bug_hunt",
    "edited",
    "grade",
]
