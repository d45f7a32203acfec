"""The statistics that a claim's sentence is worded from: a rate's interval, a difference's test.

A claim declares them in ``compared``; only what was declared before the runs were known is a test
that was planned. ``compare`` computes them from what the runs measured; each result says itself in
words, and gives its numbers as JSON keeps them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import isclose
from typing import Any, cast

import numpy as np
from scipy import stats  # type: ignore[import-untyped]

from unrolled.core.validate import Array, numbers, real, whole

LEVEL = 0.95  # of every interval
DRAWS = 9_999  # random signs, where there are too many runs to try all: from 14 on
_FLIPS = "sign flips"  # a test of the mean, not of how many runs are lower
ROUNDING = 1e-9  # what a fraction, as recorded, may miss a whole number of trials by

Measured = Mapping[str, Any]  # what one run of an experiment returned
Quantity = str | tuple[str, int] | Callable[[Measured], float]


@dataclass(frozen=True, kw_only=True)
class Rate:
    """How often something succeeds: in how many runs, or in how many trials of all runs.

    Its interval is that of Clopper and Pearson, which covers the true rate in *at least* 95 % of
    all cases. Wilson's is shorter and covers about as many on average, but at 5 to 20 runs and
    rates near 0 or 1, where most claims lie, it may cover as few as 83 %.

    Parameters
    ----------
    label : str
        What succeeds.
    quantity : str, (str, int) or callable
        What decides: the name of a measured number, or name and index of one element of a measured
        list, or a function of what one run measured.
    at_least, at_most : float, optional
        A run succeeds if its quantity lies within. Without either, the quantity itself says it: 0
        or 1, False or True.
    of : int, optional
        Trials in each run, independent of each other: the networks of a population, say. The
        quantity is then the *fraction* of them that succeeded.
    unit : str, optional
        What is counted, in the plural.

    Raises
    ------
    TypeError, ValueError
        If an argument is of another kind, nothing can lie within the bounds, or ``of`` stands
        beside a bound.
    """

    label: str
    quantity: Quantity
    at_least: float | None = None
    at_most: float | None = None
    of: int | None = None
    unit: str = "runs"

    def __post_init__(self) -> None:
        _text("label", self.label)
        _text("unit", self.unit)
        _quantity("quantity", self.quantity)
        bounds = {"at_least": self.at_least, "at_most": self.at_most}
        given = {name: real(name, bound) for name, bound in bounds.items() if bound is not None}
        if len(given) == 2 and given["at_least"] > given["at_most"]:
            raise ValueError(
                f"at_least must not be above at_most, got {self.at_least} and {self.at_most}"
            )
        if self.of is None:
            return
        whole("of", self.of)
        if given:
            raise ValueError(f"of={self.of} counts fractions, so it has no bounds, got {given}")

    def successes(self, runs: Sequence[Measured]) -> Array:
        """Return how many trials succeeded in each run, ``(R,)``.

        Raises
        ------
        KeyError, TypeError, ValueError
            If a run has no such quantity, or it is not what ``at_least``, ``at_most`` and ``of``
            make of it.
        """
        x = _values(self.quantity, runs)
        if self.at_least is not None or self.at_most is not None:
            low = -np.inf if self.at_least is None else self.at_least
            high = np.inf if self.at_most is None else self.at_most
            return ((low <= x) & (x <= high)).astype(float)
        counts = x * (self.of or 1)
        found = np.round(counts)
        if (abs(found - counts) > ROUNDING).any() or (x < 0).any() or (x > 1).any():
            wanted = f"a fraction of {self.of}" if self.of else "0 or 1 without a bound"
            raise ValueError(f"{self.label}: quantity must be {wanted}, got {x.tolist()}")
        return found


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Whether two things that every run measured differ.

    Two quantities are measured at the same seeds: their differences get a sign-flip permutation
    test of the mean, exact up to 13 runs. Two rates of runs are paired too: McNemar's exact test.
    Two rates of trials (``of``) are independent samples: Fisher's exact test. All are two-sided.

    Parameters
    ----------
    label : str
        What is compared, "error of A against B" say.
    first, second : str, (str, int), callable or Rate
        Two quantities as a ``Rate`` takes them, or two rates of the same unit.

    Raises
    ------
    TypeError, ValueError
        If an argument is of another kind, or a rate is compared with something else.
    """

    label: str
    first: Quantity | Rate
    second: Quantity | Rate

    def __post_init__(self) -> None:
        _text("label", self.label)
        kinds: set[tuple[bool | None, str]] = set()
        for name, side in (("first", self.first), ("second", self.second)):
            if isinstance(side, Rate):
                kinds.add((side.of is None, side.unit))
            else:
                _quantity(name, side)
                kinds.add((None, ""))
        if len(kinds) > 1:
            raise ValueError(
                f"{self.label}: first and second must be two quantities, or two rates that count "
                f"the same, got {self.first!r} and {self.second!r}"
            )


@dataclass(frozen=True)
class Estimate:
    """What was found of a ``Rate``.

    Attributes
    ----------
    label, unit : str
        As declared.
    successes, trials : int
        So many of so many.
    low, high : float
        Ends of the 95 % interval of Clopper and Pearson.
    """

    label: str
    unit: str
    successes: int
    trials: int
    low: float
    high: float

    @property
    def words(self) -> str:
        """``17 of 20 runs (95 %: 62 to 97 %)``."""
        interval = f"{100 * LEVEL:.0f} %: {100 * self.low:.0f} to {100 * self.high:.0f} %"
        return f"{self.successes} of {self.trials} {self.unit} ({interval})"

    def as_json(self) -> dict[str, Any]:
        """Return its numbers and words."""
        return {"kind": "rate", **asdict(self), "level": LEVEL, "words": self.words}


@dataclass(frozen=True)
class Test:
    """What was found of a ``Difference``.

    Attributes
    ----------
    label, method : str
        As declared; "sign flips", "McNemar" or "Fisher".
    counted : str
        What was seen, in words.
    runs : int
        How many there are.
    lower, higher : int
        Runs in which the first is lower, and higher, than the second.
    median : float
        Median over the runs of first minus second; of rates, of their successes in a run.
    p : float
        Probability of a difference as large or larger if there were none.
    least : float or None
        The least p that so many runs can give, where a pairing sets one.
    comparisons : int
        How many tests the claim makes.
    corrected : float
        p after Holm's correction for them.
    """

    __test__ = False  # no test of pytest's

    label: str
    method: str
    counted: str
    runs: int
    lower: int
    higher: int
    median: float
    p: float
    least: float | None
    comparisons: int = 1
    corrected: float = 1.0

    @property
    def words(self) -> str:
        """``lower in all 5 runs; mean difference: p = 0.062 (the least that 5 runs can give)``."""
        of_the_mean = self.method == _FLIPS and self.lower + self.higher > 0
        joint = "; mean difference: " if of_the_mean else ", "
        said = f"{self.counted}{joint}{_p(self.p)}"
        if self.least is not None and isclose(self.p, self.least):
            said += f" (the least that {_runs(self.runs)} can give)"
        if self.comparisons > 1:
            said += f"; {_p(self.corrected)} when corrected for {self.comparisons} comparisons"
        return said

    def as_json(self) -> dict[str, Any]:
        """Return its numbers and words."""
        return {"kind": "difference", **asdict(self), "words": self.words}


def compare(
    declared: Sequence[Rate | Difference],
    development: Sequence[Measured],
    confirmation: Sequence[Measured] = (),
) -> list[Estimate | Test]:
    """Compute a claim's statistics, in the order in which they are declared.

    Parameters
    ----------
    declared
        The rates and differences. The tests among them are corrected for each other by Holm.
    development, confirmation
        What each run of the two blocks measured. Where there are runs of the confirmation, only
        they count: the others may have shaped the claim.

    Raises
    ------
    KeyError, TypeError, ValueError
        If there are no runs, or a quantity is not in what they measured, or is of another kind.
    """
    runs = confirmation or development
    if not runs:
        raise ValueError("there must be at least one run to compare, got none")
    found = [_estimate(d, runs) if isinstance(d, Rate) else _test(d, runs) for d in declared]
    corrected = iter(holm([one.p for one in found if isinstance(one, Test)]))
    comparisons = sum(isinstance(one, Test) for one in found)
    return [
        replace(one, comparisons=comparisons, corrected=next(corrected))
        if isinstance(one, Test)
        else one
        for one in found
    ]


def holm(p: Sequence[float]) -> list[float]:
    """Correct the p of several tests: the chance of *any* false alarm stays below the level.

    Parameters
    ----------
    p
        ``(n,)`` in [0, 1].

    Returns
    -------
    ``(n,)`` corrected, in the same order; each below 0.05, say, may be called significant at 5 %.
    """
    x = numbers("p", p)
    if x.ndim != 1 or not ((x >= 0) & (x <= 1)).all():
        raise ValueError(f"p must be a list of probabilities, got {list(p)!r}")
    order = np.argsort(x)
    corrected = np.empty_like(x)
    corrected[order] = np.maximum.accumulate(x[order] * np.arange(len(x), 0, -1))
    return [float(each) for each in np.minimum(corrected, 1)]


def _estimate(rate: Rate, runs: Sequence[Measured]) -> Estimate:
    successes, trials = _pooled(rate, rate.successes(runs))
    interval = stats.binomtest(successes, trials).proportion_ci(LEVEL, method="exact")
    return Estimate(
        rate.label, rate.unit, successes, trials, float(interval.low), float(interval.high)
    )


def _test(difference: Difference, runs: Sequence[Measured]) -> Test:
    first, second = difference.first, difference.second
    if isinstance(first, Rate) or isinstance(second, Rate):
        return _test_of_rates(difference.label, cast(Rate, first), cast(Rate, second), runs)
    return _test_of_quantities(difference.label, first, second, runs)


def _test_of_quantities(
    label: str, first: Quantity, second: Quantity, runs: Sequence[Measured]
) -> Test:
    with np.errstate(over="ignore"):
        gaps = _values(first, runs) - _values(second, runs)
    if not np.isfinite(gaps).all():
        raise ValueError(f"{label}: differences must be finite, got {gaps.tolist()}")
    lower, higher = _directions(gaps)
    return Test(
        label,
        _FLIPS,
        _direction(lower, higher, len(runs)),
        len(runs),
        lower,
        higher,
        float(np.median(gaps)),
        _flips(gaps),
        _least(len(runs)),
    )


def _test_of_rates(label: str, first: Rate, second: Rate, runs: Sequence[Measured]) -> Test:
    a, b = first.successes(runs), second.successes(runs)
    (x, n), (y, m) = _pooled(first, a), _pooled(second, b)
    lower, higher = _directions(a - b)
    if first.of is None:
        method, least = "McNemar", _least(len(runs))
        discordant = lower + higher
        p = stats.binomtest(lower, discordant).pvalue if discordant else 1.0
    else:
        method, least = "Fisher", None
        p = stats.fisher_exact([[x, n - x], [y, m - y]]).pvalue
    counted = f"{x} of {n} {first.unit} against {y} of {m}"
    middle = float(np.median(a / (first.of or 1) - b / (second.of or 1)))
    return Test(label, method, counted, len(runs), lower, higher, middle, float(p), least)


def _flips(gaps: Array) -> float:
    """Return the two-sided p of a mean difference, under signs that are as good as random."""
    if len(gaps) == 1 or not gaps.any():
        return 1.0  # scipy asks for two values
    found = stats.permutation_test(
        (gaps / abs(gaps).max(),),
        lambda x, axis: np.round(np.mean(x, axis=axis), 12),  # equal means, but for rounding, tie
        permutation_type="samples",
        n_resamples=DRAWS,  # all 2^n are tried where they are no more
        vectorized=True,
        rng=np.random.default_rng(0),
    )
    return float(found.pvalue)


def _least(runs: int) -> float:
    """Return the least two-sided p of a paired test: every run on one side."""
    tried = 2**runs
    return min(1.0, 2 / (tried if tried <= DRAWS else DRAWS + 1))


def _pooled(rate: Rate, successes: Array) -> tuple[int, int]:
    return int(successes.sum()), len(successes) * (rate.of or 1)


def _directions(gaps: Array) -> tuple[int, int]:
    return int((gaps < 0).sum()), int((gaps > 0).sum())


def _direction(lower: int, higher: int, runs: int) -> str:
    """Say in how many runs which is lower; the more frequent side is named."""
    if lower == higher == 0:
        return f"equal in {'all ' if runs > 1 else ''}{_runs(runs)}"
    word, count = ("lower", lower) if lower >= higher else ("higher", higher)
    equal = runs - lower - higher
    tie = f", equal in {equal}" if equal else ""
    if count == runs:
        return f"{word} in {'all ' if runs > 1 else ''}{_runs(runs)}"
    return f"{word} in {count} of {_runs(runs)}{tie}"


def _runs(count: int) -> str:
    return "1 run" if count == 1 else f"{count} runs"


def _p(p: float) -> str:
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"


def _values(quantity: Quantity, runs: Sequence[Measured]) -> Array:
    return np.array([real(_name(quantity), _value(quantity, run)) for run in runs])


def _value(quantity: Quantity, run: Measured) -> Any:
    if callable(quantity):
        return quantity(run)
    name, *index = (quantity,) if isinstance(quantity, str) else quantity
    if name not in run:
        raise KeyError(f"no quantity {name!r} was measured; there are {', '.join(run)}")
    if not index:
        return run[name]
    try:
        return run[name][index[0]]
    except (IndexError, TypeError):
        raise ValueError(f"{_name(quantity)}: no such element, got {run[name]!r}") from None


def _name(quantity: Quantity) -> str:
    if callable(quantity):
        return "quantity"
    return repr(quantity) if isinstance(quantity, str) else f"{quantity[0]!r}[{quantity[1]}]"


def _text(name: str, value: Any) -> None:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{name} must be some text, got {value!r}")


def _quantity(name: str, value: Any) -> None:
    pair = isinstance(value, tuple) and [*map(type, value)] == [str, int]
    if not (isinstance(value, str) or pair or callable(value)):
        raise TypeError(
            f"{name} must be a name, a pair of name and index, or a function of what a run "
            f"measured, got {value!r}"
        )
