"""What the Evidence pages say of a claim, as MyST: verdicts, circumstances, attempts, the tally."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from unrolled.experiments import ledger
from unrolled.experiments.ledger.attempts import ranges, seeds_of
from unrolled.experiments.statistics import compare

BLOCKS = ("confirmation", "development")
OUTCOMES = {  # what became of a claim, in the order of the tally
    "held": "**held**, in development and when confirmed at seeds that nobody had used before",
    "held late": "**held** when confirmed, though not in development",
    "open": "held in development, **not confirmed** yet",
    "fell": "held in development and **did not hold** when confirmed",
    "failed": "**did not hold**, neither in development nor when confirmed",
    "failed, unconfirmed": "**did not hold** in development, not confirmed",
    "unmeasured": "**not measured** yet",
}
TESTS = {
    "rate": "In brackets: the true rate’s interval at 95 %, by Clopper and Pearson.",
    "sign flips": "p of paired numbers: by flipping the signs of their differences.",
    "McNemar": "p of paired rates: McNemar’s exact test.",
    "Fisher": "p of independent rates: Fisher’s exact test.",
}
KINDS = {"held": "held", "held late": "open", "open": "open", "unmeasured": "open"}


@dataclass(frozen=True)
class Entry:
    """A claim and its record, None if it was never measured."""

    claim: Any
    record: dict[str, Any] | None

    @property
    def id(self) -> str:
        """The claim's id."""
        return str(self.claim.id)

    @property
    def chapter(self) -> str:
        """The chapter to which the claim belongs."""
        return self.id.split(".")[0]

    @property
    def attempts(self) -> list[dict[str, Any]]:
        """What the record has of each attempt, the current one last."""
        return list(self.record["attempts"]) if self.record else []

    def block(self, name: str) -> dict[str, Any] | None:
        """Return a block of the current attempt, None without one."""
        return self.attempts[-1][name] if self.attempts else None

    def runs(self, name: str) -> list[dict[str, Any]]:
        """Return the runs of a block of the current attempt."""
        block = self.block(name)
        return list(block["runs"]) if block else []

    @property
    def judged(self) -> str:
        """The block whose verdict counts."""
        return "confirmation" if self.runs("confirmation") else "development"

    @property
    def outcome(self) -> str:
        """What became of the claim: a key of ``OUTCOMES``."""
        development, confirmation = self.block("development"), self.block("confirmation")
        if confirmation:
            held_before = development is None or development["held"]
            if confirmation["held"]:
                return "held" if held_before else "held late"
            return "fell" if held_before else "failed"
        if development:
            return "open" if development["held"] else "failed, unconfirmed"
        return "unmeasured"

    @property
    def kind(self) -> str:
        """How its verdict is drawn: held, not-held, open."""
        return KINDS.get(self.outcome, "not-held")

    @property
    def verdict(self) -> str:
        """The verdict in words."""
        if self.record is None or self.outcome == "unmeasured":
            return "Not measured"
        return str(ledger.verdict(self.record))

    @property
    def attempt(self) -> str:
        """Which attempt it is, "" for the first."""
        return str(ledger.attempt(self.record)) if self.record else ""


def tally(entries: Sequence[Entry]) -> str:
    """Count what became of claims, and say how they came about."""
    counts = Counter(entry.outcome for entry in entries)
    attempts = sum(len(entry.attempts) for entry in entries)
    lines = [f"{_claims(len(entries))}, {ledger.plural(attempts, 'attempt')}:", ""]
    lines += [f"- {counts[name]} {said}" for name, said in OUTCOMES.items() if counts[name]]
    return "\n".join(lines)


def piloting(entries: Sequence[Entry]) -> str:
    """Say how many claims were declared after trial runs."""
    counts = [entry.claim.trials.count for entry in entries]
    counted = [count for count in counts if count]
    unknown, none = counts.count(None), counts.count(0)
    parts = []
    if unknown:
        parts.append(f"of {unknown} nobody counted the trial runs")
    if counted:
        parts.append(f"{len(counted)} had {ledger.plural(sum(counted), 'trial run')} in all")
    if none:
        parts.append(f"{none} had none")
    most = "Most" if none < len(counts) / 2 else "Some"
    return (
        f"{most} claims were tried out before they were declared: {'; '.join(parts)}. Whoever has "
        "seen trial runs can choose a claim that will hold. That is why each is run once more, by "
        "the same criterion, at seeds that its development never touched, and why only that counts."
    )


def paper(claim: Any) -> str:
    """Cite what a paper claims, "" for the book's own claims."""
    if claim.paper is None:
        return ""
    cited = f"{{cite:t}}`{claim.paper.key}`" + (
        f", {claim.paper.where}" if claim.paper.where else ""
    )
    said = one_line(claim.paper.says)
    return f"The paper, {cited}: {said}" if said else f"Source: {cited}."


def paper_verdict(entry: Entry) -> tuple[str, str]:
    """Return the verdict on the paper's own claim: how it is drawn, and in words."""
    held = ledger.paper_verdict(entry.claim, entry.record) if entry.runs(entry.judged) else None
    if held is None:
        return "open", "Not tested"
    return ("held", "Held") if held else ("not-held", "Did not hold")


def statistics(entry: Entry) -> list[str]:
    """Return the statistics of the block that counts, in words."""
    return [f"{one.label}: {one.words}" for one in _compared(entry)]


def tests(entry: Entry) -> str:
    """Name the interval and the tests behind a claim's statistics."""
    used = {getattr(one, "method", "rate") for one in _compared(entry)}
    return " ".join(said for method, said in TESTS.items() if method in used)


def _compared(entry: Entry) -> list[Any]:
    if not entry.claim.compared or not entry.runs(entry.judged):
        return []
    measured = ([run["measured"] for run in entry.runs(name)] for name in reversed(BLOCKS))
    return list(compare(entry.claim.compared, *measured))


def tuned(entry: Entry) -> list[tuple[str, bool]]:
    """Return what was tuned, in words, and whether an optimum lies at its grid's edge."""
    runs = entry.runs(entry.judged)
    if not runs:
        return []
    return [
        (ledger.tuning(each, runs), bool(ledger.at_edge(each, runs))) for each in entry.claim.tuned
    ]


def setup_of(entry: Entry) -> list[str]:
    """Return a claim's settings and seeds."""
    declared = entry.attempts[-1]["declared"] if entry.attempts else None
    settings = declared["settings"] if declared else entry.claim.settings["book"]
    said = ", ".join(f"`{name} = {json.dumps(x)}`" for name, x in _plain(settings).items())
    parts = [f"Settings: {said or 'none'}."]
    parts += [
        f"Seeds of the {name}: {ranges(seeds_of(entry.attempts[-1], name))}."
        for name in reversed(BLOCKS)
        if entry.runs(name)
    ]
    return parts


def circumstances(block: dict[str, Any]) -> list[str]:
    """Return when, on what, with what and for how long a block was measured."""
    runs, hardware = block["runs"], block["hardware"]
    cpu, wall = (sum(run[f"{kind}_seconds"] for run in runs) for kind in ("cpu", "wall"))
    gpu = next((run["gpu"] for run in runs if run["gpu"]), "no GPU")
    versions = ", ".join(f"{name} {version}" for name, version in block["versions"].items())
    commit = block.get("commit")
    told = {
        "instruction set": hardware.get("instructions"),
        "threads": block.get("threads"),
        "system": block.get("os"),
        "commit": f"`{commit[:12]}`" if commit else None,
    }
    machine = [hardware["cpu"], ledger.plural(hardware["cores"], "core"), gpu]
    lines = [
        f"On {block['date']}, in {cpu:.0f} s of CPU time ({wall:.0f} s in all).",
        f"On {', '.join(machine)}.",
        f"With {versions}.",
    ]
    known = [f"{name} {value}" for name, value in told.items() if value]
    unknown = [name for name, value in told.items() if not value]
    lines += [f"{_sentence(', '.join(known))}."] if known else []
    lines += [f"Not recorded: {', '.join(unknown)}."] if unknown else []
    return lines


def attempts_before(entry: Entry) -> list[str]:
    """Return what became of each attempt before the current one, the oldest first."""
    said = []
    for i, attempt in enumerate(entry.attempts[:-1]):
        alone = {**(entry.record or {}), "attempts": [attempt]}
        dates = sorted({attempt[name]["date"] for name in BLOCKS if attempt[name]})
        after = entry.attempts[i + 1].get("why") or "not said"
        said.append(
            f"{' and '.join(dates) or 'no date'}. *{ledger.verdict(alone)}.* "
            f"Criterion: {one_line(attempt['declared']['criterion'])} "
            f"Why there was another attempt: {after.rstrip('.')}."
            f"{_altered(attempt, entry.attempts[i + 1])}"
        )
    return said


def _altered(before: dict[str, Any], after: dict[str, Any]) -> str:
    """Name the seeds and each setting that an attempt changed, "" if it changed none."""
    then, now = (ranges(seeds_of(attempt, "development")) for attempt in (before, after))
    parts = [f"seeds {then} became {now}"] if then and now and then != now else []
    old, new = (attempt["declared"].get("settings", {}) for attempt in (before, after))
    parts += [
        f"`{name}` {_value(old, name)} became {_value(new, name)}"
        for name in {**old, **new}
        if _value(old, name) != _value(new, name)
    ]
    return f" Changed: {'; '.join(parts)}." if parts else ""


def _value(settings: dict[str, Any], name: str) -> str:
    return f"`{json.dumps(settings[name])}`" if name in settings else "(none)"


def measured_under(entry: Entry) -> list[str]:
    """Say how sentence and criterion were worded when it was measured, if not as now."""
    return [
        f"When it was measured, {said} was worded so: {then}"
        for name, said in (("sentence", "the claim"), ("criterion", "the same criterion"))
        if (then := _worded_then(entry, name))
    ]


def reworded(entries: Sequence[Entry]) -> str:
    """Say how many claims were worded anew after they were confirmed, "" if none."""
    count = sum(
        bool(entry.runs("confirmation") and _worded_then(entry, "sentence")) for entry in entries
    )
    if not count:
        return ""
    return (
        f"Of {_claims(count)} the sentence was worded anew when the confirmation was known, to say "
        "what the runs bear out. Criterion, settings and seeds stayed, and each entry gives the "
        "earlier words."
    )


def _worded_then(entry: Entry, name: str) -> str:
    """Return the sentence or criterion that was measured, "" if it reads as now."""
    if not entry.attempts:
        return ""
    then, now = entry.attempts[-1]["declared"][name], getattr(entry.claim, name)
    return "" if one_line(then) == one_line(now) else one_line(then)


def other_versions(entry: Entry) -> list[str]:
    """Return a note for each block that was measured with another version of a library."""
    blocks = [(name, entry.block(name)) for name in BLOCKS]
    said = {name: ledger.other_versions(block) for name, block in blocks if block}
    return [f"The {name} was {note}." for name, note in said.items() if note]


def bullets(items: Iterable[str]) -> str:
    """Make a list."""
    return "\n".join("- " + one_line(item) for item in items)


def one_line(text: str) -> str:
    """Write a text without its line breaks."""
    return " ".join(text.split())


def _plain(settings: Any) -> dict[str, Any]:
    """Return settings as JSON keeps them: ranges as lists."""
    kept: dict[str, Any] = json.loads(json.dumps(dict(settings), default=list))
    return kept


def _claims(count: int) -> str:
    return f"**{ledger.plural(count, 'claim')}**"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
