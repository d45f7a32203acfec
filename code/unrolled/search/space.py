"""What a search chooses from: settings drawn at random, cells changed one option at a time."""

from __future__ import annotations

import json
import operator
import reprlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import exp, inf, isfinite, log, prod
from typing import TYPE_CHECKING, Any

import numpy as np

from unrolled.core.kinds import flag, function, instance, mapping, told
from unrolled.core.validate import random_seed, real, whole

if TYPE_CHECKING:
    from unrolled.core.recurrent import Cell

Settings = dict[str, Any]


@dataclass(frozen=True)
class Range:
    """Numbers from ``low`` to ``high``, all equally likely.

    Parameters
    ----------
    low, high
        The ends, ``low < high``; of whole numbers both are included.
    log
        The logarithm is uniform instead: each doubling is equally likely. Needs ``low > 0``.
    whole
        Whole numbers only.

    Raises
    ------
    TypeError
        If an end is not a number, or not a whole one with ``whole``.
    ValueError
        If ``low >= high``, or ``low <= 0`` with ``log``; if the ends are further apart than a
        float can say, or whole ones further from 0 than 2**53.
    """

    low: float
    high: float
    log: bool = False
    whole: bool = False

    def __post_init__(self) -> None:
        flag("log", self.log), flag("whole", self.whole)
        low = _end("low", self.low, above=0 if self.log else None)
        high = _end("high", self.high, above=low)
        if not isfinite(high - low):
            raise ValueError(f"high - low must be finite, got {high:g} - {low:g}")
        if self.whole and not (isinstance(low, int) and isinstance(high, int)):
            raise TypeError(f"a whole range needs whole ends, got {self.low!r} and {self.high!r}")
        if self.whole and max(-low, high) > 2**53:
            raise ValueError(f"whole ends must be from -2**53 to 2**53, got {low} and {high}")
        object.__setattr__(self, "low", low)
        object.__setattr__(self, "high", high)

    def draw(self, rng: np.random.Generator) -> float:
        """Return a number of the range, with six significant digits unless it is whole."""
        instance("rng", rng, np.random.Generator)
        high = self.high + 1 if self.whole else self.high
        u = rng.random()
        if self.log:
            value = exp(log(self.low) + u * (log(high) - log(self.low)))
        else:
            value = self.low + u * (high - self.low)
        # Six digits: exp may differ in the last one on another machine, and a plan must not.
        value = int(value // 1) if self.whole else float(f"{value:.6g}")
        return min(max(value, self.low), self.high)


_DRAWS = 100_000  # a range has six digits, so a narrow one can run out
MOST_SETTINGS = 100_000  # of one plan
_MOST_CHOICES = 10_000  # of one name

Space = Mapping[str, Sequence[Any] | Range]
Structures = Mapping[str, Mapping[str, Sequence[Any]]]


def structures() -> Structures:
    """Return what a search may choose: cells, and the values of their options, the usual first.

    They are those of the table of cells; ``"LSTM"`` is ``LSTMVariant``, for its options.
    """
    return {name: kind.choices for name, kind in _kinds().items()}


@cache
def _kinds() -> dict[str, type[Cell]]:
    from unrolled.cells import CELLS  # brings torch, which a worker may not need

    return {row.kind.__name__.removesuffix("Variant"): row.kind for row in CELLS.values()}


def random_settings(space: Space, n: int, seed: int) -> list[Settings]:
    """Draw ``n`` different settings, each name's value independently of the others.

    Trial k of a seed is the same whatever ``n``: a search can be made longer.

    Parameters
    ----------
    space
        For each name a list of at most 10,000 choices, all equally likely, or a :class:`Range`.
        NumPy's scalars become Python's.
    n
        Number of trials, from 1 to 100,000.
    seed
        At least 0.

    Raises
    ------
    TypeError
        If a name's values are neither a list nor a ``Range``, or a choice is not plain data.
    ValueError
        If choices are missing or repeated, or the space has fewer than ``n`` settings, or so few
        more that no new one is found in 100,000 draws.

    References
    ----------
    Bergstra, J. & Bengio, Y. (2012). Random search for hyper-parameter optimization. JMLR 13.
    """
    n, seed = whole("n", n, most=MOST_SETTINGS), random_seed("seed", seed)
    mapping("space", space)
    size = prod(_size(name, values) for name, values in space.items())
    if n > size:
        raise ValueError(f"n must be at most {size}, the number of settings in space, got {n}")
    plain = {
        name: values if isinstance(values, Range) else [as_plain(each) for each in values]
        for name, values in space.items()
    }
    drawn: dict[str, Settings] = {}
    for k in range(n):
        rng = np.random.default_rng((seed, k))
        for _ in range(_DRAWS):
            settings = _draw(plain, rng)
            if (text := as_text(settings)) not in drawn:
                drawn[text] = settings
                break
        else:
            raise ValueError(
                "n must be at most the number of settings in space: "
                f"found only {k} different settings in space, got {n}"
            )
    return list(drawn.values())


def build(structure: Mapping[str, Any], input_size: int, hidden_size: int) -> Cell:
    """Build the cell that a structure describes, ``{"cell": name, option: value, ...}``.

    Raises
    ------
    TypeError
        If the cell has no such option.
    ValueError
        If there is no such cell, or its options exclude each other.
    """
    mapping("structure", structure)
    options = dict(structure)
    name = options.pop("cell", None)
    if not isinstance(name, str) or name not in _kinds():
        raise ValueError(f"structure's cell must be one of {', '.join(_kinds())}, got {told(name)}")
    return _kinds()[name](input_size, hidden_size, **options)


def check_buildable(choices: Structures) -> None:
    """Raise ValueError if there is a cell among the choices that ``build`` does not know."""
    mapping("choices", choices)
    for name in choices:
        if name not in _kinds():
            raise ValueError(f"choices must be of {', '.join(_kinds())}, got {name!r}")


def is_cell(structure: Mapping[str, Any]) -> bool:
    """Say whether a structure's options go together. Torch's random state is left as it was."""
    import torch

    with torch.random.fork_rng(devices=[]):
        try:
            build(structure, 1, 1)
        except ValueError:
            return False
    return True


def mutate(
    structure: Mapping[str, Any],
    choices: Structures | None = None,
    *,
    seed: int,
    valid: Callable[[Settings], bool] = is_cell,
) -> Settings:
    """Change one thing of a cell: the value of one option, or which cell it is.

    All such changes are equally likely. Another cell comes with the first value of each of its
    options. A change that gives no valid cell is rejected and another is drawn.

    Parameters
    ----------
    structure
        ``{"cell": name, option: value, ...}``. An option that is missing has its first value.
    choices
        The options of each cell and their values, those of :func:`structures` if not given.
    seed
        At least 0.
    valid
        What to accept.

    Raises
    ------
    TypeError
        If the structure or ``choices`` are no dictionaries, or the structure is not plain data.
    ValueError
        If the structure is not made of ``choices``, or no change of it is valid.
    """
    function("valid", valid)
    choices = structures() if choices is None else choices
    neighbours = _neighbours(filled(structure, choices), choices)
    rng = np.random.default_rng(random_seed("seed", seed))
    for k in rng.permutation(len(neighbours)):
        changed: Settings = neighbours[k]
        if valid(changed):
            return changed
    raise ValueError(f"structure must have a valid change among choices, got {dict(structure)}")


def filled(structure: Mapping[str, Any], choices: Structures) -> Settings:
    """Return a structure with every option of its cell."""
    mapping("choices", choices)
    mapping("structure", structure)
    structure = {option: as_plain(structure[option]) for option in structure}
    name = structure.get("cell", "")
    if not isinstance(name, str) or name not in choices:
        named = ", ".join(choices)
        raise ValueError(f"structure's cell must be one of choices, {named}, got {told(name)}")
    filled = {**_first(name, choices), **structure}
    for option, value in filled.items():
        if option != "cell" and value not in choices[name].get(option, ()):
            raise ValueError(f"{option}={value!r} of {name} must be among choices, and is not")
    return filled


def as_text(settings: Mapping[str, Any]) -> str:
    """Return settings as JSON, the same text for the same settings; NumPy's scalars as Python's.

    Raises
    ------
    TypeError
        If JSON would not give them back as they are.
    """
    try:
        text = json.dumps(dict(settings), sort_keys=True, allow_nan=False, default=_as_scalar)
        if json.loads(text) == dict(settings):
            return text
    except (TypeError, ValueError, RecursionError):
        pass
    raise TypeError(
        "settings must be plain data (text, finite numbers, True, False, None, and lists and "
        f"dictionaries of them), got {_shown(settings)}"
    )


def _shown(settings: Any) -> str:
    try:
        return reprlib.repr(settings)
    except Exception:  # of an integer as large as no text is, or of a broken class
        return told(settings)


def as_plain(value: Any) -> Any:
    """Return a choice as JSON gives it back. Raises TypeError as ``as_text``."""
    return json.loads(as_text({"choice": value}))["choice"]


def _as_scalar(value: Any) -> Any:
    if isinstance(value, np.bool | np.integer | np.floating):
        return value.item()
    raise TypeError


def _end(name: str, value: Any, *, above: float | None) -> float:
    """Return an end of a range as Python's int or float."""
    number = real(name, value, above=above)
    try:
        return operator.index(value)
    except TypeError:
        return number


def _size(name: str, values: Sequence[Any] | Range) -> float:
    if isinstance(values, Range):
        return values.high - values.low + 1 if values.whole else inf
    if not isinstance(values, list | tuple | range):
        raise TypeError(f"space[{name!r}] must be a list of choices or a Range, got {told(values)}")
    if values[_MOST_CHOICES:]:
        raise ValueError(f"space[{name!r}] must hold at most {_MOST_CHOICES} choices, got more")
    if not values or len({as_text({name: value}) for value in values}) < len(values):
        raise ValueError(f"space[{name!r}] must hold different choices, got {list(values)}")
    return len(values)


def _draw(space: Space, rng: np.random.Generator) -> Settings:
    return {
        name: values.draw(rng)
        if isinstance(values, Range)
        else values[int(rng.integers(len(values)))]
        for name, values in space.items()
    }


def _first(name: str, choices: Structures) -> Settings:
    return {"cell": name, **{option: values[0] for option, values in choices[name].items()}}


def _neighbours(structure: Settings, choices: Structures) -> list[Settings]:
    changed = [
        {**structure, option: value}
        for option, values in choices[structure["cell"]].items()
        for value in values
        if value != structure[option]
    ]
    return changed + [_first(name, choices) for name in choices if name != structure["cell"]]
