"""How the book draws: one style, one meaning for each colour."""

from unrolled.figures.source import source
from unrolled.figures.style import COLOR, GATES, SERIES, STATES, label, label_ends, use_style

__all__ = ["COLOR", "GATES", "SERIES", "STATES", "label", "label_ends", "source", "use_style"]
