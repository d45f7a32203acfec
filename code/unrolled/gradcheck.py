"""Another name of ``unrolled.core.gradcheck``, by which readers have imported it."""

from unrolled.core.gradcheck import Disagreement, check_gradients

__all__ = ["Disagreement", "check_gradients"]
