"""Claims measured here and now, for tests: blocks and records that are not kept."""

from unrolled.experiments.ledger.attempts import declared
from unrolled.experiments.ledger.digests import code
from unrolled.experiments.ledger.measuring import block_of, measure, stamp


def block(claim, name):
    """Measure a claim at its seeds of a name: "quick", "book" or "confirm"."""
    settings = dict(claim.settings["quick" if name == "quick" else "book"])
    runs = [measure(claim.experiment, seed, settings) for seed in claim.seeds[name]]
    return block_of(claim, runs, stamp())


def record(claim):
    """Return the record that a claim's first attempt makes, both blocks measured."""
    blocks = {"development": block(claim, "book"), "confirmation": block(claim, "confirm")}
    attempt = {"declared": declared(claim), "why": "", "code": code(claim), **blocks}
    return {"id": claim.id, "attempts": [attempt]}
