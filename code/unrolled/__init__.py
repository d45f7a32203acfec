"""Unrolled: recurrent networks, from a window to what came after the LSTM.

One chapter, one stem: ``chapters/windows.md`` teaches what ``unrolled.windows`` computes,
``unrolled.experiments.windows`` measures and ``unrolled.exercises.windows`` asks of you.
Importing the package imports none of them, so that a shell check starts at once.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unrolled.exercises import check as check

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """Import ``check`` when it is first asked for: the package alone loads no NumPy."""
    if name == "check":
        from unrolled.exercises import check

        return check
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
