"""Seeds of the streams on which networks are tested."""

FRESH = 1_000_000
"""Added to the seed of the stream to learn from, the seed of the stream to test on."""
