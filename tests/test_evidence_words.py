"""What the Evidence pages say: outcomes of both blocks, piloting, circumstances."""

from types import SimpleNamespace

import pytest

import evidence_words
from evidence_words import OUTCOMES, Entry

MACHINE = {
    "date": "2026-11-30",
    "commit": "0123456789abcdef",
    "hardware": {"cpu": "EPYC", "cores": 2, "instructions": "avx2"},
    "os": "Debian 12",
    "threads": 1,
    "versions": {"python": "3.11.2", "numpy": "2.4.6"},
}


def block(held):
    run = {"seed": 0, "measured": {}, "cpu_seconds": 1.5, "wall_seconds": 2.5, "gpu": None}
    return None if held is None else {**MACHINE, "held": held, "runs": [run]}


def entry(development, confirmation, count=None):
    attempt = {"development": block(development), "confirmation": block(confirmation)}
    claim = SimpleNamespace(id="dice.one", trials=SimpleNamespace(count=count))
    return Entry(claim, {"attempts": [attempt]})


@pytest.mark.parametrize(
    ("development", "confirmation", "outcome", "kind"),
    [
        (True, True, "held", "held"),
        (False, True, "held late", "open"),
        (True, None, "open", "open"),
        (True, False, "fell", "not-held"),
        (False, False, "failed", "not-held"),
        (False, None, "failed, unconfirmed", "not-held"),
        (None, None, "unmeasured", "open"),
    ],
)
def test_a_claim_holds_when_its_confirmation_does(development, confirmation, outcome, kind):
    one = entry(development, confirmation)
    assert (one.outcome, one.kind) == (outcome, kind)
    assert one.judged == ("development" if confirmation is None else "confirmation")
    assert f"- 1 {OUTCOMES[outcome]}" in evidence_words.tally([one])
    assert evidence_words.tally([one]).count("\n- ") == 1


def test_what_was_never_measured_says_so():
    one = Entry(SimpleNamespace(id="dice.one"), None)
    assert (one.outcome, one.verdict, one.attempt, one.attempts) == (
        *("unmeasured", "Not measured", "", []),
    )
    assert "**1 claim**, 0 attempts" in evidence_words.tally([one])


def test_piloting_is_counted_where_it_was():
    entries = [entry(True, True, count) for count in (None, 0, 5, 7)]
    said = evidence_words.piloting(entries)
    assert said.startswith(
        "Most claims were tried out before they were declared: of 1 nobody counted the trial runs; "
        "2 had 12 trial runs in all; 1 had none."
    )
    assert evidence_words.piloting(entries[1:2]).startswith("Some claims")


def test_circumstances_name_what_was_not_recorded():
    known = " ".join(evidence_words.circumstances(block(True)))
    assert "On 2026-11-30, in 2 s of CPU time (2 s in all)." in known
    assert "On EPYC, 2 cores, no GPU. With python 3.11.2, numpy 2.4.6." in known
    assert "Instruction set avx2, threads 1, system Debian 12, commit `0123456789ab`." in known
    old = {**block(True), "hardware": {"cpu": "EPYC", "cores": 2}, "os": None, "commit": None}
    told = " ".join(evidence_words.circumstances(old))
    assert "Threads 1. Not recorded: instruction set, system, commit." in told


def test_an_earlier_attempt_says_what_the_next_changed():
    declared = {"criterion": "Error is 0.", "settings": {"lags": [1], "rate": 0.1}}
    first = {"declared": declared, "development": block(False), "confirmation": None}
    second = {
        "declared": {**declared, "settings": {"lags": [1, 2], "rate": 0.1, "units": 8}},
        "development": {**block(True), "runs": [{**block(True)["runs"][0], "seed": 5}]},
        "confirmation": None,
        "why": "settings changed, new seeds",
    }
    one = Entry(SimpleNamespace(id="dice.one"), {"attempts": [first, second, second]})
    changed, same = evidence_words.attempts_before(one)
    assert changed.endswith(
        "Why there was another attempt: settings changed, new seeds. Changed: seeds 0 became 5; "
        "`lags` `[1]` became `[1, 2]`; `units` (none) became `8`."
    )
    assert "Changed:" not in same
