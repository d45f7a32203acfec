"""``python -m unrolled evidence``: measure what is missing or stale, confirm, list."""

from __future__ import annotations

import argparse
import contextlib
import errno
import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from unrolled.core.terminal import USAGE, Parser
from unrolled.experiments.ledger.attempts import Attempt, reason, refusal, seeds_of
from unrolled.experiments.ledger.declaring import LABEL, SCALES, Claim, pictures, values
from unrolled.experiments.ledger.finding import PACKAGE, UnknownClaim, chosen, find
from unrolled.experiments.ledger.jobs import Job, Refused
from unrolled.experiments.ledger.machine import other_versions
from unrolled.experiments.ledger.measuring import block_of, measure, stamp
from unrolled.experiments.ledger.recording import (
    EVIDENCE,
    DamagedRecord,
    Record,
    partials,
    path_of,
    read,
)
from unrolled.experiments.ledger.words import attempt, plural, spread, verdict
from unrolled.experiments.ledger.workers import in_processes

Block = Mapping[str, Any]


def main(
    argv: Sequence[str] | None = None, *, package: str = PACKAGE, folder: Path = EVIDENCE
) -> int:
    """Measure what is missing or stale and record it: ``python -m unrolled evidence``.

    Returns 0 also when a claim does not hold, for that is a result; 1 when an experiment crashed;
    3 when something asked for was refused, or a file cannot be read or written. What was measured
    before a crash or a kill is kept, and the next call goes on from there.
    """
    options = _parser().parse_args(argv)
    # Threads of one experiment would fight those of another, and change the last digits.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    if folder == EVIDENCE and not folder.is_dir():
        _say(f"There is no folder {folder}: measure from a copy of the repository.")
        return USAGE
    try:
        claims = [find(each, package) for each in chosen(options.claims, package)]
    except UnknownClaim as error:
        _say(error)
        return USAGE
    session = Session(claims, folder, options)
    try:
        if options.list:
            session.list()
        elif options.scale == "quick":
            session.rehearse()
        else:
            session.measure()
    except KeyboardInterrupt:
        _say("Stopped. What was measured is kept; go on without --force.")
        return 130
    except BrokenPipeError:  # nobody reads on, which is no fault of the folder's
        raise
    except OSError as error:
        if error.errno == errno.ENOSPC and error.filename is None:  # of what was printed, likewise
            raise
        _say(f"{error.filename or folder}: {error.strerror or error}")
        return USAGE
    return session.status


@dataclass
class Session:
    """One call: its claims, their records, and the worst that has happened."""

    claims: Sequence[Claim]
    folder: Path
    options: argparse.Namespace
    status: int = field(init=False, default=0)
    records: dict[str, Record | None] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        for claim in self.claims:
            try:
                self.records[claim.id] = read(claim.id, self.folder)
            except FileNotFoundError:
                self.records[claim.id] = None
            except DamagedRecord as error:
                self.fail(f"{error}. Restore it, from git for example; it is not measured over.")

    def fail(self, said: object, status: int = USAGE) -> None:
        """Say what went wrong, and remember it."""
        _say(said)
        self.status = max(self.status, status)

    def list(self) -> None:
        """Say of each claim whether its record stands; measure nothing."""
        here = stamp() if (self.folder / ".partial").is_dir() else {}
        for claim in self.claims:
            if claim.id not in self.records:
                continue
            job = Job(claim, "development", here)
            record = self.records[claim.id]
            why = reason(_attempts(record), job.now, job.code)
            if record is None or why:
                print(f"{claim.id}: {why}")
                continue
            current = record["attempts"][-1]
            notes = [
                "recorded" if current["confirmation"] else "recorded, not confirmed",
                attempt(record),
                other_versions(current["development"]),
                "unfinished" if here and self._take_up(job, drop=False) else "",
            ]
            print(f"{claim.id}: {'; '.join(filter(None, notes))}")

    def rehearse(self) -> None:
        """Run every claim at its quick scale; record nothing."""
        here = stamp()
        tasks = [(claim, seed) for claim in self.claims for seed in claim.seeds["quick"]]
        runs: dict[str, dict[int, Any]] = {claim.id: {} for claim in self.claims}
        for claim, seed, run in self._measured(tasks, "quick"):
            runs[claim.id][seed] = run
            if len(runs[claim.id]) == len(claim.seeds["quick"]):
                found = [runs[claim.id][each] for each in claim.seeds["quick"]]
                block = block_of(claim, found, here)
                _report(claim, "Held" if block["held"] else "Did not hold", "quick", block)

    def measure(self) -> None:
        """Measure and record what is asked for."""
        partials(self.folder)  # where nothing can be written, nothing is measured
        here = stamp()
        jobs: dict[str, Job] = {}
        for claim in self.claims:
            if claim.id not in self.records:
                continue
            try:
                job = self._planned(claim, here)
            except Refused as error:
                self.fail(error)
                continue
            if job:
                jobs[claim.id] = job
        for job in jobs.values():
            if job.runs and not job.missing:  # killed between its last seed and its record
                self._keep(job)
        tasks = [(job.claim, seed) for job in jobs.values() for seed in job.missing]
        for claim, seed, run in self._measured(tasks, "book"):
            jobs[claim.id].runs[seed] = run
            self._keep(jobs[claim.id])
        for claim in self.claims:
            self._report(claim)

    def _planned(self, claim: Claim, here: Mapping[str, Any]) -> Job | None:
        """Return what is to be measured of a claim, with what was measured already."""
        job = Job(claim, "confirmation" if self.options.confirm else "development", here)
        attempts = _attempts(self.records[claim.id])
        why = reason(attempts, job.now, job.code)
        if self.options.confirm:
            if why:
                raise Refused(
                    f"{claim.id} cannot be confirmed: {why}. First "
                    f"`python -m unrolled evidence {claim.id}`."
                )
            if attempts[-1]["confirmation"]:
                print(f"{claim.id} was confirmed on {attempts[-1]['confirmation']['date']}.")
                return None
            blocks = ["confirmation"]
        else:
            blocks = ["development"]
            if why not in (None, "code changed"):
                blocks += ["confirmation"]
        if said := refusal(claim, attempts, job.now, blocks, self._elsewhere(job)):
            raise Refused(f"{said} They stand in {_file(claim)}.")
        if self.options.force:
            job.drop(self.folder)
        left = self._take_up(job)
        job.why = why or self._asked(attempts, left=left)
        return job if job.why or self.options.confirm else None

    def _elsewhere(self, job: Job) -> set[int]:
        """Return the seeds at which another claim has run the same experiment.

        Else a claim that fell could be declared again under another name, at the same seeds.
        """
        same: set[int] = set()
        for path in self.folder.glob("[a-z]*/*.json"):
            if path == path_of(job.claim.id, self.folder):
                continue
            with contextlib.suppress(DamagedRecord):
                for one in read(f"{path.parent.name}.{path.stem}", self.folder)["attempts"]:
                    if (one["code"], one["declared"]["settings"]) == (
                        job.code,
                        job.now["settings"],
                    ):
                        same.update(seeds_of(one, "development", "confirmation"))
        return same

    def _asked(self, attempts: Sequence[Mapping[str, Any]], *, left: bool) -> str:
        """Say why a claim whose record stands is measured again, "" if it is not."""
        if self.options.versions and other_versions(attempts[-1]["development"]):
            return "other versions"
        return "measured again" if self.options.force or left else ""

    def _take_up(self, job: Job, *, drop: bool = True) -> bool:
        """Take the runs that an interrupted call left; say whether there were any."""
        try:
            job.take_up(self.folder)
        except DamagedRecord as error:
            _say(f"{error}. What it held is measured again.")
            if drop:
                job.drop(self.folder)
        return bool(job.runs)

    def _measured(self, tasks: Sequence[tuple[Claim, int]], scale: str) -> Any:
        """Yield claim, seed and run of each task that did not crash."""
        calls = [
            (measure, (claim.experiment, seed, dict(claim.settings[scale])))
            for claim, seed in tasks
        ]
        names = [claim.id for claim, _ in tasks]
        for which, run, error in in_processes(calls, names, self.options.jobs):
            claim, seed = tasks[which]
            if error is None:
                yield claim, seed, run
                continue
            said = "".join(traceback.format_exception(error))
            if isinstance(error, BrokenProcessPool):
                said = "its process died; was it killed, or out of memory?"
            self.fail(f"{claim.id} crashed at seed {seed}:\n{said}", 1)

    def _keep(self, job: Job) -> None:
        try:
            self.records[job.claim.id] = job.keep(self.folder) or self.records[job.claim.id]
        except (Refused, DamagedRecord) as error:
            self.fail(error)

    def _report(self, claim: Claim) -> None:
        record = self.records.get(claim.id)
        if record is None:
            if claim.id in self.records:
                print(f"{claim.id}: not measured")
            return
        current = record["attempts"][-1]
        block = "confirmation" if current["confirmation"] else "development"
        said = ", ".join(filter(None, [verdict(record), attempt(record)]))
        _report(claim, said, block, current[block])


def _attempts(record: Record | None) -> list[Attempt]:
    return [*record["attempts"]] if record else []


def _file(claim: Claim) -> str:
    return sys.modules[claim.module].__file__ or claim.module


def _report(claim: Claim, said: str, what: str, block: Block) -> None:
    """Print a line for a claim, and under it what was measured."""
    seconds = sum(one["cpu_seconds"] for one in block["runs"])
    seeds = plural(len(block["runs"]), "seed")
    print(f"{claim.id}: {said} ({seeds}, {what}, {seconds:.0f} s of CPU)")
    scale = "quick" if what == "quick" else "book"
    for row in (row for strip in pictures(claim, scale) for row in strip.rows):
        if row.quantity in block["runs"][0]["measured"]:  # a rehearsal may measure less
            print(f"    {row.label:{LABEL}} {spread(values(block['runs'], row))}")


def _say(said: object) -> None:
    print(said, file=sys.stderr)


def _parser() -> Parser:
    parser = Parser(
        prog="python -m unrolled evidence",
        description="Measure the claims whose record is missing or stale.",
        epilog="exit status: 0 done, 1 an experiment crashed, 3 refused or not written",
    )
    parser.add_argument("claims", nargs="*", help="claims or chapters; all without")
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--confirm",
        action="store_true",
        help="run, once, the seeds that development never touched; they decide",
    )
    what.add_argument("--force", action="store_true", help="measure also what is up to date")
    what.add_argument(
        "--versions",
        action="store_true",
        help="measure also what was measured with another minor version of numpy or torch",
    )
    what.add_argument("--list", action="store_true", help="say what is stale; measure nothing")
    parser.add_argument(
        "--scale",
        choices=SCALES,
        default="book",
        help="quick shows its result and records nothing; default: book",
    )
    parser.add_argument("--jobs", type=_count, default=1, help="processes to use; default: 1")
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1, got {text!r}")
    return int(text)
