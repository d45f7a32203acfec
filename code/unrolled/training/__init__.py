"""Training: one loop, its checkpoints, its progress bar, its device."""

from unrolled.training.checkpoint import load, save
from unrolled.training.device import device
from unrolled.training.fit import History, fit
from unrolled.training.progress import progress
from unrolled.training.seeded import seeded

__all__ = ["History", "device", "fit", "load", "progress", "save", "seeded"]
