"""Unrolled: recurrent networks, from a window to what came after the LSTM.

One chapter, one stem: ``chapters/windows.md`` teaches what ``unrolled.windows`` computes,
``unrolled.experiments.windows`` measures and ``unrolled.exercises.windows`` asks of you.
Importing the package imports none of them, so that a shell check starts at once.
"""

TYPE_CHECKING = False  # not that of typing: nothing is imported before `__main__` has its say
if TYPE_CHECKING:
    from unrolled.cells import GRU as GRU
    from unrolled.cells import LSTM as LSTM
    from unrolled.cells import Elman as Elman
    from unrolled.core.recurrent import Recurrent as Recurrent
    from unrolled.exercises import check as check

__version__ = "0.1.0"
__all__ = ["GRU", "LSTM", "Elman", "Recurrent", "check"]


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for."""
    from importlib import import_module

    homes = {
        "GRU": "cells",
        "LSTM": "cells",
        "Elman": "cells",
        "Recurrent": "core.recurrent",
        "check": "exercises",
    }
    if name not in homes:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"unrolled.{homes[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
