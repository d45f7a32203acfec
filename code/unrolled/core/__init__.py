"""What belongs to no chapter: cell, unrolling, gradient checks, validation, sources, files."""
