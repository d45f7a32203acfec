"""Training: one loop, its checkpoints, its progress bar, its device."""

from unrolled.training.checkpoint import load, save
from unrolled.training.devices import device
from unrolled.training.fitting import History, fit
from unrolled.training.progress_bar import progress
from unrolled.training.seeding import seeded

__all__ = ["History", "device", "fit", "load", "progress", "save", "seeded"]
