"""What a claim's file declares: the claim, its pictures, its source, and how it was tuned."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

SCALES = ("quick", "book")  # what the tests run, what is recorded
BLOCKS = ("quick", "book", "confirm")
LABEL = 44  # characters that fit on a phone

Measurement = dict[str, float | list[float]]
Judge = Callable[[list[Measurement]], bool]


@dataclass(frozen=True)
class Row:
    """One measured quantity in a picture: a dot for each seed.

    Parameters
    ----------
    quantity : str
        Its name in what the experiment returns.
    label : str
        What it is, in at most 44 characters, so that it fits on a phone. With ``over``, ``{}``
        stands for the setting's value.
    over : str, optional
        If the quantity is a list: the setting that has one value for each of its elements. The
        list is drawn as so many rows.
    published : float or mapping to float, optional
        The paper's figure for this very quantity and task; with ``over``, its figures by the
        setting's values. A figure with another metric is not drawn beside ours.
    element : int, optional
        Which element of a list this row shows; :func:`pictures` fills it in.
    """

    quantity: str
    label: str
    over: str | None = None
    published: float | Mapping[Any, float] | None = None
    element: int | None = None


@dataclass(frozen=True)
class Strip:
    """One picture: rows of dots over one horizontal axis.

    Parameters
    ----------
    axis : str
        What the axis measures, with its unit.
    rows : sequence of Row
        What is drawn, from the top.
    lines : mapping of str to float, optional
        Values to compare with, by their names: chance, a baseline, the criterion's threshold.
    limits : (float, float), optional
        The axis's least extent; it grows to hold every dot.
    """

    axis: str
    rows: Sequence[Row]
    lines: Mapping[str, float] = field(default_factory=dict)
    limits: tuple[float, float] | None = None


@dataclass(frozen=True)
class Paper:
    """Whose claim ours comes from, and what became of theirs.

    Parameters
    ----------
    key : str
        Its BibTeX key.
    where : str
        Where in it the claim or its figures stand.
    says : str
        The paper's own claim, in our words (MyST).
    verdict : callable, optional
        Whether what we measured bears the paper's claim out; without one it was not tested.
    untested : str
        Why ours does not test it (MyST).

    Raises
    ------
    ValueError
        If there is both a verdict and a reason why there is none.
    """

    key: str
    where: str = ""
    says: str = ""
    verdict: Judge | None = None
    untested: str = ""

    def __post_init__(self) -> None:
        if self.verdict and self.untested:
            raise ValueError(
                f"untested must be empty where there is a verdict, got {self.untested!r}"
            )


@dataclass(frozen=True, kw_only=True)
class Tuned:
    """One setting of one arm of an experiment that was chosen among several values.

    Parameters
    ----------
    arm : str
        What was tuned: a method, a cell.
    setting : str
        What was varied.
    tried : sequence of float
        Every value that was tried.
    chosen : float, optional
        The value that the book's settings use.
    best : str or callable, optional
        Where the experiment searches by itself: the quantity that says which value it chose in
        each run, or a function of the runs to the value that is best over all of them.
    element : int, optional
        Which element, where the quantity ``best`` is a list.

    Raises
    ------
    ValueError
        If nothing was tried, not exactly one of ``chosen`` and ``best`` is given, or ``chosen``
        was not tried.
    """

    arm: str
    setting: str
    tried: Sequence[float]
    chosen: float | None = None
    best: str | Callable[[list[Measurement]], float] | None = None
    element: int | None = None

    def __post_init__(self) -> None:
        what = f"{self.arm}, {self.setting}"
        if not self.tried:
            raise ValueError(f"{what}: tried must hold at least one value, got none")
        if (self.chosen is None) == (self.best is None):
            raise ValueError(
                f"{what}: exactly one of chosen and best must be given, "
                f"got chosen={self.chosen!r} and best={self.best!r}"
            )
        if self.chosen is not None and self.chosen not in self.tried:
            raise ValueError(
                f"{what}: chosen must be among tried, got {self.chosen!r} and {self.tried!r}"
            )


@dataclass(frozen=True)
class Trials:
    """How often the experiment was run before its claim was declared.

    Parameters
    ----------
    count : int, optional
        Runs, each of one seed at one setting; None where they were not counted.
    where : str
        With which seeds or settings, or where they are told of (MyST).
    """

    count: int | None = None
    where: str = ""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A claim, and the experiment that tests it.

    Parameters
    ----------
    sentence : str
        What we claim (MyST).
    experiment : callable
        A function at the top of its module, ``(seed, **settings) -> {name: number or list}``. It
        depends on nothing but its arguments. Every number it returns is finite.
    criterion : str
        What must come out for the claim to hold (MyST).
    holds : callable
        The criterion as a function of what the experiment returned, one entry a seed: a lambda,
        or a function of the package.
    settings : mapping of str to mapping
        What the experiment is called with at the scales ``"quick"``, a rehearsal, and ``"book"``.
    seeds : mapping of str to collection of int
        ``"quick"``, ``"book"``, and ``"confirm"``: those that development never touches. They are
        run once, at the book's settings, and decide.
    strips : sequence of Strip
        The pictures of it.
    paper : Paper, optional
        Whose claim ours comes from; without one, it is the book's own.
    deviations : sequence of str
        How the experiment differs from the paper's (MyST).
    tuned : sequence of Tuned
        What was chosen among several values, arm by arm.
    trials : Trials
        The runs made before the claim was declared.
    compared : sequence
        Statistics to show beside the verdict (``unrolled.experiments.statistics``).
    module : str
        Where the claim stands, by itself ``<package>.<chapter>.<name>``.
    id : str
        ``chapter.name``; by default from ``module``.

    Raises
    ------
    TypeError
        If ``paper``, ``trials`` or an entry of ``tuned`` has another type.
    ValueError
        If ``id`` has another form, a scale or block is missing or unknown, a block has no seeds or
        repeats one, a seed to confirm with is among the others, or a label is too long.
    """

    sentence: str
    experiment: Callable[..., Mapping[str, Any]]
    criterion: str
    holds: Judge
    settings: Mapping[str, Mapping[str, Any]]
    seeds: Mapping[str, Collection[int]]
    strips: Sequence[Strip]
    paper: Paper | None = None
    deviations: Sequence[str] = ()
    tuned: Sequence[Tuned] = ()
    trials: Trials = Trials()
    compared: Sequence[Any] = ()
    module: str = ""
    id: str = ""

    def __post_init__(self) -> None:
        if not self.module:  # this frame, that of __init__, and its caller's
            object.__setattr__(self, "module", sys._getframe(2).f_globals["__name__"])
        if not self.id:
            object.__setattr__(self, "id", _id_of(self.module))
        if not re.fullmatch(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*", self.id):
            raise ValueError(f"id must be 'chapter.name' in lower case, got {self.id!r}")
        self._check_types()
        self._check_seeds()
        for scale in SCALES:
            pictures(self, scale)

    def _check_types(self) -> None:
        expected: list[tuple[str, object, type]] = [("trials", self.trials, Trials)]
        expected += [("paper", self.paper, Paper)] if self.paper is not None else []
        expected += [("an entry of tuned", one, Tuned) for one in self.tuned]
        for name, got, kind in expected:
            if not isinstance(got, kind):
                raise TypeError(f"{self.id}: {name} must be a {kind.__name__}, got {got!r}")

    def _check_seeds(self) -> None:
        for name, given, wanted in (
            ("seeds", self.seeds, BLOCKS),
            ("settings", self.settings, SCALES),
        ):
            if set(given) != set(wanted):
                raise ValueError(
                    f"{self.id}: {name} must be given for {' and '.join(map(repr, wanted))}, "
                    f"got {sorted(given)}"
                )
        for block, seeds in self.seeds.items():
            if not seeds or len(set(seeds)) != len(seeds):
                raise ValueError(f"{self.id}: {block} seeds must be distinct, got {list(seeds)}")
        touched = {*self.seeds["quick"], *self.seeds["book"]}
        if both := sorted(touched & set(self.seeds["confirm"])):
            raise ValueError(
                f"{self.id}: confirm seeds must be none of the quick and book seeds, got {both}"
            )


def _id_of(module: str) -> str:
    """Return the id of the claim that stands in a module."""
    parts = module.split(".")
    if len(parts) < 3:
        raise ValueError(
            f"id must be given where the claim stands in no module <package>.<chapter>.<name>, "
            f"got none in {module!r}"
        )
    return ".".join(parts[-2:])


def pictures(claim: Claim, scale: str = "book") -> tuple[Strip, ...]:
    """Return a claim's pictures with their rows written out, one for each element of a list."""
    settings = claim.settings[scale]
    return tuple(
        replace(strip, rows=tuple(_written_out(claim.id, strip.rows, settings)))
        for strip in claim.strips
    )


def values(runs: Iterable[Mapping[str, Any]], row: Row) -> list[float]:
    """Return what a block's runs measured for a row of :func:`pictures`, by seed."""
    measured = [one["measured"][row.quantity] for one in runs]
    return measured if row.element is None else [found[row.element] for found in measured]


def _written_out(claim_id: str, rows: Sequence[Row], settings: Mapping[str, Any]) -> list[Row]:
    shown = [each for row in rows for each in _rows(claim_id, row, settings)]
    for row in shown:
        if not 0 < len(row.label) <= LABEL:
            raise ValueError(f"{claim_id}: a label has 1 to {LABEL} characters, got {row.label!r}")
    return shown


def _rows(claim_id: str, row: Row, settings: Mapping[str, Any]) -> list[Row]:
    """Write out a row: itself, or one for each element of its list."""
    if row.over is None:
        return [row]
    if row.over not in settings:
        raise ValueError(
            f"{claim_id}: row {row.quantity!r} is over {row.over!r}, got settings {list(settings)}"
        )
    published = row.published or {}
    if not isinstance(published, Mapping):
        raise ValueError(
            f"{claim_id}: row {row.quantity!r} is over {row.over!r}, so published must give a "
            f"figure for each of its values, got {published!r}"
        )
    return [
        replace(row, element=index, label=row.label.format(value), published=published.get(value))
        for index, value in enumerate(settings[row.over])
    ]
