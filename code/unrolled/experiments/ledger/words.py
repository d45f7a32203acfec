"""What the ledger says to readers: numbers, verdicts, attempts, tuning, trial runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from unrolled.experiments.ledger.declaring import Claim, Measurement, Tuned

ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")

Runs = Sequence[Mapping[str, Any]]


def figure(value: float) -> str:
    """Write a number for a reader: four digits, a true minus, powers of ten."""
    mantissa, e, exponent = f"{value:.4g}".replace("-", "−").partition("e")
    if not e:
        return mantissa
    raised = str(int(exponent.replace("−", "-"))).translate(
        str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
    )
    return f"{mantissa} × 10{raised}"


def spread(measured: Sequence[float]) -> str:
    """Write the median and the range of what was measured over seeds."""
    middle = figure(median(measured))
    if len(measured) == 1:
        return middle
    if min(measured) == max(measured):
        return f"{middle} at every seed"
    return f"{middle} ({figure(min(measured))} to {figure(max(measured))})"


def plural(count: int, noun: str) -> str:
    """Write a count and what is counted."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def verdict(record: Mapping[str, Any]) -> str:
    """Return the current attempt's verdict in words; the block that confirms decides."""
    current = record["attempts"][-1]
    if current["development"] is None:
        return "Not measured"
    at_first = _held(current["development"])
    if current["confirmation"] is None:
        return f"{at_first} in development, not confirmed"
    confirmed = _held(current["confirmation"])
    if at_first == confirmed:
        return confirmed
    return f"{at_first} in development, {confirmed.lower()} when confirmed"


def _held(block: Mapping[str, Any]) -> str:
    return "Held" if block["held"] else "Did not hold"


def attempt(record: Mapping[str, Any]) -> str:
    """Return which attempt the current one is, "" for the first."""
    number = len(record["attempts"])
    if number == 1:
        return ""
    if number > len(ORDINALS):
        return f"attempt {number}"
    return f"{ORDINALS[number - 1]} attempt"


def paper_verdict(claim: Claim, record: Mapping[str, Any]) -> bool | None:
    """Return whether the runs bear the paper's claim out; None where it was not tested.

    Asked are the runs that confirm, and those of development where there are none.
    """
    if claim.paper is None or claim.paper.verdict is None:
        return None
    current = record["attempts"][-1]
    runs = (current["confirmation"] or current["development"])["runs"]
    return bool(claim.paper.verdict(_measured(runs)))


def at_edge(tuned: Tuned, runs: Runs) -> int:
    """Return in how many of the runs the chosen value is the least or the greatest tried.

    An optimum at the edge of what was tried may lie beyond it.

    Raises
    ------
    ValueError
        If a run chose a value that was not tried.
    """
    if len(set(tuned.tried)) == 1:
        return 0
    edges = {min(tuned.tried), max(tuned.tried)}
    return sum(value in edges for value in _chosen(tuned, runs))


def tuning(tuned: Tuned, runs: Runs) -> str:
    """Say which value of a setting was chosen, of which, and whether it lies at their edge."""
    chosen, edge = _chosen(tuned, runs), at_edge(tuned, runs)
    found = _listed([figure(value) for value in sorted(set(chosen))])
    said = f"{tuned.arm}: {tuned.setting} {found}"
    if len(tuned.tried) == 1:
        return f"{said}, the only one tried"
    said = f"{said}, of {_listed([figure(value) for value in sorted(tuned.tried)])}"
    if not edge:
        return said
    if edge < len(chosen):
        return f"{said}; at the edge of what was tried in {edge} of {plural(len(chosen), 'run')}"
    return f"{said}; at the edge of what was tried"


def trial_runs(claim: Claim) -> str:
    """Say how many runs were made before a claim was declared."""
    where = f" ({claim.trials.where.rstrip('.')})" if claim.trials.where else ""
    if claim.trials.count is None:
        return f"Trial runs before declaring: not counted{where}."
    return f"Trial runs before declaring: {claim.trials.count or 'none'}{where}."


def _listed(words: Sequence[str]) -> str:
    """Write an enumeration: ``a, b and c``."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def _chosen(tuned: Tuned, runs: Runs) -> list[float]:
    """Return the chosen value, or that of each run where the experiment chooses."""
    if tuned.chosen is not None:
        return [tuned.chosen]
    measured = _measured(runs)
    if callable(tuned.best):
        found = [tuned.best(measured)]
    else:
        each: list[Any] = [one[str(tuned.best)] for one in measured]
        found = each if tuned.element is None else [one[tuned.element] for one in each]
    if strange := [value for value in found if value not in tuned.tried]:
        raise ValueError(
            f"{tuned.arm}, {tuned.setting}: best must be among tried, got {strange} "
            f"and {list(tuned.tried)}"
        )
    return found


def _measured(runs: Runs) -> list[Measurement]:
    return [one["measured"] for one in runs]
