"""One block of a claim to be measured: what counts already, what is kept, what it becomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from unrolled.experiments.ledger.attempts import (
    Attempt,
    declared,
    reason,
    with_confirmation,
    with_development,
)
from unrolled.experiments.ledger.declaring import Claim
from unrolled.experiments.ledger.digests import code
from unrolled.experiments.ledger.measuring import Run, block_of
from unrolled.experiments.ledger.recording import (
    Record,
    alone,
    partials,
    read,
    read_runs,
    write,
    write_sealed,
)


class Refused(Exception):  # noqa: N818
    """What was asked for is not done, and why."""


@dataclass
class Job:
    """One block of a claim to be measured.

    What it is measured under is asked before anything runs: code that is edited during a
    measurement must not pass for the code that was measured.
    """

    claim: Claim
    block: str  # "development" or "confirmation"
    stamp: Mapping[str, Any]
    why: str = ""
    now: dict[str, Any] = field(init=False)
    code: str = field(init=False)
    runs: dict[int, Run] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.now, self.code = declared(self.claim), code(self.claim)

    @property
    def seeds(self) -> list[int]:
        """The block's seeds."""
        return [*self.now["seeds"][self.block]]

    @property
    def missing(self) -> list[int]:
        """The seeds that are not measured yet."""
        return [seed for seed in self.seeds if seed not in self.runs]

    @property
    def conditions(self) -> dict[str, Any]:
        """What must be the same for two runs to belong in one block."""
        machine = {name: value for name, value in self.stamp.items() if name != "commit"}
        named = {name: self.now[name] for name in ("experiment", "settings")}
        return {**named, "code": self.code, **machine}

    def take_up(self, folder: Path) -> None:
        """Take the runs that an interrupted call left behind, if they still count.

        Raises
        ------
        DamagedRecord
            If their file is damaged.
        """
        if not (path := self._partial(folder)).is_file():
            return
        left = read_runs(path, self.conditions)
        self.runs |= {one["seed"]: one for one in left if one["seed"] in self.seeds}

    def drop(self, folder: Path) -> None:
        """Forget what an interrupted call left behind."""
        self._partial(folder).unlink(missing_ok=True)

    def keep(self, folder: Path) -> Record | None:
        """Keep what has been measured; return the claim's record if that is all of the block.

        Raises
        ------
        OSError
            If it cannot be written.
        Refused
            If the record is no longer one that this block belongs to.
        """
        with alone(folder):
            if self.missing:
                kept = {"conditions": self.conditions, "runs": [*self.runs.values()]}
                write_sealed(self._partial(folder), kept)
                return None
            record = {"id": self.claim.id, "attempts": self._attempts(folder)}
            write(record, folder)
            self.drop(folder)
            return record

    def _attempts(self, folder: Path) -> list[Attempt]:
        """Return the claim's attempts with this block, as they stand on the disk by now."""
        try:
            stored = read(self.claim.id, folder)["attempts"]
        except FileNotFoundError:
            stored = []
        runs = [self.runs[seed] for seed in self.seeds]
        block = block_of(self.claim, runs, self.stamp)
        if self.block == "development":
            return with_development(stored, self.now, self.code, block, self.why)
        if changed := reason(stored, self.now, self.code):
            raise Refused(f"{self.claim.id} was not confirmed: meanwhile, {changed}.")
        return with_confirmation(stored, self.now, block)

    def _partial(self, folder: Path) -> Path:
        return partials(folder) / f"{self.claim.id}.{self.block}.json"
