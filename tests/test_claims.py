"""Every claim of the book: its record stands and is whole, and its experiment still runs."""

from math import isfinite

import pytest
import records

from unrolled.experiments import ledger
from unrolled.experiments.ledger import attempts, words
from unrolled.experiments.statistics import compare

CLAIMS = {each: ledger.find(each) for each in ledger.ids()}
BLOCKS = ("development", "confirmation")
each = pytest.mark.parametrize("claim", CLAIMS.values(), ids=CLAIMS)


def record_of(claim):
    return ledger.read(claim.id)


def test_there_are_claims():
    assert CLAIMS


def test_every_record_belongs_to_a_claim():
    found = {f"{path.parent.name}.{path.stem}" for path in ledger.EVIDENCE.glob("*/*.json")}
    assert found == set(CLAIMS)
    assert not [*ledger.EVIDENCE.glob("*.json")]


@each
def test_record_stands(claim):
    record = record_of(claim)
    assert ledger.staleness(claim, record) is None
    for block in BLOCKS:
        kept = record["attempts"][-1][block]
        if kept:
            assert claim.holds([run["measured"] for run in kept["runs"]]) is kept["held"]


@each
def test_no_attempt_used_the_seeds_of_another_test(claim):
    history = record_of(claim)["attempts"]
    for number, attempt in enumerate(history):
        for block in BLOCKS:
            used = {*attempts.seeds_of(attempt, block)}
            earlier = attempts.forbidden(history[:number], attempt["declared"], block)
            assert not used & earlier
    current = history[-1]
    assert not {*attempts.seeds_of(current, "confirmation")} & {*claim.seeds["book"]}


@each
def test_record_is_complete(claim):
    history = record_of(claim)["attempts"]
    for attempt in history:
        assert set(attempt) == {"declared", "why", "code", *BLOCKS}
        for block in filter(None, (attempt[name] for name in BLOCKS)):
            assert set(block["versions"]) >= {"python", "numpy", "torch"}
            assert set(block["hardware"]) == {"cpu", "cores", "instructions"}
            assert len(block["date"]) == len("2026-01-31")
            for one in block["runs"]:
                assert set(one) == {"seed", "measured", "cpu_seconds", "wall_seconds", "gpu"}
                if attempt is history[-1]:  # an earlier one may have measured other things
                    check(claim, "book", one["measured"], like=block["runs"][0]["measured"])


@each
def test_what_is_shown_was_measured(claim):
    current = record_of(claim)["attempts"][-1]
    rows = [row for strip in ledger.pictures(claim) for row in strip.rows]
    assert rows
    for block in filter(None, (current[name] for name in BLOCKS)):
        for row in rows:
            assert len(ledger.values(block["runs"], row)) == len(block["runs"])
        for tuned in claim.tuned:
            assert words.tuning(tuned, block["runs"])
        compare(claim.compared, [run["measured"] for run in block["runs"]])
    assert ledger.paper_verdict(claim, record_of(claim)) in (None, True, False)


@each
def test_it_still_runs(claim):
    """A rehearsal shows that an experiment runs, and returns what its record holds.

    That it holds, or that it does not, is asked only where the rehearsal is the book's
    experiment: the same settings and all of the seeds. A criterion for all runs may fail in ten
    of them and hold in one; of fewer seeds neither verdict follows.

    A rehearsal takes about 1.5 seconds of one core and at most 2.5, a whole one at most 5. What
    each took, `pytest tests/test_claims.py --durations=0` says on an idle machine.
    """
    block = records.block(claim, "quick")
    recorded = record_of(claim)["attempts"][-1]["development"]
    first = recorded["runs"][0]["measured"]
    for run in block["runs"]:
        measured = run["measured"]
        assert measured
        assert measured.keys() <= first.keys()
        check(claim, "quick", measured, like={name: first[name] for name in measured})
    if is_run_whole(claim):
        assert block["held"] is recorded["held"]


def test_some_claims_are_rerun_whole():
    assert sum(map(is_run_whole, CLAIMS.values())) >= 4


def is_run_whole(claim):
    """Say whether the rehearsal is the book's experiment: its settings, and all of its seeds."""
    settings, seeds = claim.settings, claim.seeds
    return settings["quick"] == settings["book"] and [*seeds["quick"]] == [*seeds["book"]]


def check(claim, scale, measured, like):
    """Numbers are finite, and of the kinds that another run returned; lists fit their settings."""
    assert {name: kind(value) for name, value in measured.items()} == {
        name: kind(value) for name, value in like.items()
    }
    for row in (row for strip in claim.strips for row in strip.rows):
        if row.over and (scale == "book" or row.quantity in measured):
            assert len(measured[row.quantity]) == len(claim.settings[scale][row.over])


def kind(value):
    if isinstance(value, list):
        assert all(kind(each) == "number" for each in value)
        return "list"
    assert isfinite(value)
    return "number"
