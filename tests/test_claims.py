"""Every claim of the book: its record is complete and current, and a quick rerun agrees with it."""

from math import isfinite

import pytest

from unrolled.experiments import ledger

CLAIMS = ledger.all_claims()


def test_there_are_claims():
    assert CLAIMS


def test_every_record_belongs_to_a_claim():
    assert {path.stem for path in ledger.EVIDENCE.glob("*.json")} == set(CLAIMS)


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=CLAIMS)
def test_record_stands(claim):
    record = ledger.load(claim.id)
    assert ledger.staleness(claim, record) is None
    # Words, pictures and verdict are those of the declaration and of the stored measurements.
    assert record == ledger.refreshed(claim, record)


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=CLAIMS)
def test_record_is_complete(claim):
    record = ledger.load(claim.id)
    assert set(record["versions"]) >= {"python", "numpy", "torch"}
    assert set(record["hardware"]) == {"cpu", "cores"}
    assert len(record["date"]) == len("2026-01-31")
    for one in record["runs"]:
        assert set(one) == {"seed", "measured", "cpu_seconds", "wall_seconds", "gpu"}
        assert one["measured"].keys() == record["runs"][0]["measured"].keys()
    rows = [row for strip in record["strips"] for row in strip["rows"]]
    assert rows
    for row in rows:
        measured = ledger.values(record, row)
        assert len(measured) == len(record["seeds"])
        assert all(isfinite(value) for value in measured)


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=CLAIMS)
def test_quick_rerun_agrees(claim):
    """What held holds again. What failed in some runs need not fail in the few of a rehearsal."""
    recorded, rerun = ledger.load(claim.id), ledger.run(claim, "quick")
    assert len(rerun["runs"][0]["measured"]) > 0
    assert rerun["runs"][0]["measured"].keys() <= recorded["runs"][0]["measured"].keys()
    assert rerun["held"] or not recorded["held"]
