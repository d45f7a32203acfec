"""A claim's attempts, oldest first: what makes another one, and which seeds it may use.

An attempt is ``{"declared", "why", "code", "development", "confirmation"}``. The two blocks hold
runs; nothing in a record is overwritten but by the same numbers. Another judge or other settings
are another test, and its seeds are new ones: runs are deterministic, so that a criterion which is
changed after its seeds were seen could be fitted to them.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from itertools import count
from typing import Any

from unrolled.experiments.ledger.declaring import Claim
from unrolled.experiments.ledger.digests import code, experiment, judge

TEST = {"settings": "settings", "judge": "criterion"}  # what may not change, and its plain name
FRESH = 7000  # where suggested seeds to confirm with begin

Attempt = dict[str, Any]
Block = dict[str, Any]


def declared(claim: Claim) -> dict[str, Any]:
    """Return what a record keeps of a claim's declaration, as JSON gives it back."""
    kept = {
        "sentence": claim.sentence,
        "criterion": claim.criterion,
        "judge": judge(claim),
        "experiment": experiment(claim),
        "settings": claim.settings["book"],
        "scale": "book",
        "seeds": {
            "development": [*claim.seeds["book"]],
            "confirmation": [*claim.seeds["confirm"]],
        },
    }
    plain: dict[str, Any] = json.loads(json.dumps(kept, allow_nan=False))
    return plain


def staleness(claim: Claim, record: Mapping[str, Any] | None) -> str | None:
    """Say why a claim must be measured (again), or None if its record stands.

    New words and pictures need no new measurement, nor do other versions of the libraries
    (:func:`other_versions`); other settings, seeds or judges do, and other code.
    """
    if record is None:
        return "never measured"
    why = reason(record["attempts"], declared(claim), code(claim))
    return why or _misjudged(claim, record["attempts"][-1])


def _misjudged(claim: Claim, attempt: Attempt) -> str | None:
    """Say which block's verdict is not what its judge makes of its runs, or None."""
    for name in ("development", "confirmation"):
        block = attempt[name]
        if block and bool(claim.holds([run["measured"] for run in block["runs"]])) != block["held"]:
            return f"the verdict on its {name} is not its judge's"
    return None


def reason(attempts: Sequence[Attempt], now: Mapping[str, Any], code: str) -> str | None:
    """Say why a declaration needs a measurement that its attempts do not hold, or None."""
    if not attempts or attempts[-1]["development"] is None:
        return "never measured"
    then = attempts[-1]["declared"]
    for name, plain in TEST.items():
        if then[name] != now[name]:
            return f"{plain} changed"
    if seeds_of(attempts[-1], "development") != now["seeds"]["development"]:
        return "seeds changed"
    if attempts[-1]["code"] != code:
        return "code changed"
    seeds = seeds_of(attempts[-1], "confirmation")
    if seeds and seeds != now["seeds"]["confirmation"]:
        return "seeds to confirm with changed"
    return None


def with_development(
    attempts: Sequence[Attempt], now: Mapping[str, Any], code: str, block: Block, why: str
) -> list[Attempt]:
    """Return the attempts with a block of development: a new attempt, if it says anything new.

    The same numbers for the same declaration are the old attempt, measured again: its code and
    the circumstances become the present ones, and what was confirmed stays so.
    """
    last = attempts[-1] if attempts else None
    if last and _is_measured_by(last, now, block):
        kept = {**last["declared"], "experiment": now["experiment"]}
        return [
            *attempts[:-1],
            {**last, "declared": kept, "code": code, "development": block},
        ]
    why = why if attempts else ""
    fresh = {"declared": dict(now), "why": why, "code": code}
    return [*attempts, {**fresh, "development": block, "confirmation": None}]


def with_confirmation(
    attempts: Sequence[Attempt], now: Mapping[str, Any], block: Block
) -> list[Attempt]:
    """Return the attempts with a block that confirms the last; one that is there stays.

    From now on the attempt keeps the words of its declaration: they were what was confirmed.
    """
    if attempts[-1]["confirmation"] is not None:
        return [*attempts]
    return [*attempts[:-1], {**attempts[-1], "declared": dict(now), "confirmation": block}]


def seeds_of(attempt: Attempt, *blocks: str) -> list[int]:
    """Return the seeds that an attempt has run, in some of its blocks."""
    return [run["seed"] for name in blocks if attempt[name] for run in attempt[name]["runs"]]


def forbidden(attempts: Sequence[Attempt], now: Mapping[str, Any], block: str) -> set[int]:
    """Return the seeds that a declaration's block must not use.

    No block may use what was run before the test became what it is. A block that confirms may
    use none of development's, and none of a block that failed to confirm: code is not mended
    until the same seeds pass. What held may be repeated.
    """
    first = len(attempts)
    while first and all(attempts[first - 1]["declared"][name] == now[name] for name in TEST):
        first -= 1
    taken = {
        seed
        for attempt in attempts[:first]
        for seed in seeds_of(attempt, "development", "confirmation")
    }
    if block == "confirmation":
        for attempt in attempts[first:]:
            failed = attempt["confirmation"] and not attempt["confirmation"]["held"]
            blocks = ("development", "confirmation") if failed else ("development",)
            taken.update(seeds_of(attempt, *blocks))
    return taken


def refusal(
    claim: Claim,
    attempts: Sequence[Attempt],
    now: Mapping[str, Any],
    blocks: Sequence[str],
    elsewhere: Collection[int] = (),
) -> str:
    """Say which seeds of a declaration were used, and which are free; "" where all may be used.

    `elsewhere` are those at which another claim ran the same experiment with the same settings.
    """
    used = {block: {*forbidden(attempts, now, block), *elsewhere} for block in blocks}
    met = sorted({seed for block in blocks for seed in used[block] & {*now["seeds"][block]}})
    if not met:
        return ""
    ever = {
        *claim.seeds["quick"],
        *elsewhere,
        *(seed for each in attempts for seed in seeds_of(each, "development", "confirmation")),
    }
    free = [
        f"seeds {ranges(_fresh(ever, len(now['seeds'][block]), start))} {purpose}"
        for block, purpose, start in (
            ("development", "to develop with", 0),
            ("confirmation", "to confirm with", FRESH),
        )
        if block in blocks
    ]
    return (
        f"{claim.id} needs new seeds, for attempts at this experiment have used {ranges(met)}. "
        f"Free are, say, {' and '.join(free)}."
    )


def ranges(seeds: Collection[int]) -> str:
    """Write seeds in order, neighbours as a range: ``0 to 4, 7``."""
    runs: list[list[int]] = []
    for seed in sorted(seeds):
        if runs and seed == runs[-1][-1] + 1:
            runs[-1].append(seed)
        else:
            runs.append([seed])
    shown = [f"{run[0]} to {run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs]
    return ", ".join(shown)


def _fresh(used: Collection[int], length: int, start: int) -> range:
    """Return the first range of seeds, from a start on, of which none was used."""
    return next(
        range(first, first + length)
        for first in count(start)
        if not any(seed in used for seed in range(first, first + length))
    )


def _is_measured_by(attempt: Attempt, now: Mapping[str, Any], block: Block) -> bool:
    """Say whether a block of development is that of an attempt: asked and found the same."""
    then = attempt["declared"]
    seeds = {**then["seeds"], "confirmation": seeds_of(attempt, "confirmation")}
    if not attempt["confirmation"]:  # nothing was done with them yet
        seeds["confirmation"] = now["seeds"]["confirmation"]
    return (
        all(then[name] == now[name] for name in TEST)
        and seeds == now["seeds"]
        and (not attempt["development"] or _numbers(attempt["development"]) == _numbers(block))
    )


def _numbers(block: Block) -> list[tuple[int, Any]]:
    return [(run["seed"], run["measured"]) for run in block["runs"]]
