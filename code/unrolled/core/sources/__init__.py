"""What some code stands on: found by reading it, never by running it.

Stored results (a notebook's outputs, a claim's measurements) are stale when the code behind them
changed. What is behind them is found in the syntax tree, so that asking costs milliseconds and
imports neither torch nor the code in question.
"""

from unrolled.core.sources.files import PACKAGE, closure, imports, skeleton
from unrolled.core.sources.reaching import digest_reached, mentions, reach, written

__all__ = [
    "PACKAGE",
    "closure",
    "digest_reached",
    "imports",
    "mentions",
    "reach",
    "skeleton",
    "written",
]
