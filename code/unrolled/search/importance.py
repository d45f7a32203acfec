"""Which settings mattered."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, isfinite, log
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from unrolled.core.kinds import mapping, string, told
from unrolled.core.validate import real, whole
from unrolled.search.space import Range, Space, as_text
from unrolled.search.store import Trial


class Importance(NamedTuple):
    """How much each setting matters, and how far that can be believed.

    Parameters
    ----------
    explained
        The forest's R² on the held-out trials: the share of the target's variance that it
        explains. At 0 or less the importances mean nothing.
    settings
        For each setting the fall of R² when its values are shuffled among the held-out trials:
        mean and standard deviation over the shuffles.
    """

    explained: float
    settings: dict[str, tuple[float, float]]


def importance(
    rows: Sequence[Trial],
    space: Space,
    target: str,
    *,
    seed: int,
    held_out: float = 0.25,
    shuffles: int = 30,
) -> Importance:
    """Return the permutation importance of each setting for what a search measured.

    A random forest learns the target from the settings; a setting matters as much as the forest's
    predictions for trials that it has not seen suffer from shuffling it. A ``Range`` enters as a
    number, by its logarithm if it is drawn so; choices enter one-hot and are shuffled together.
    The units and the zeros of the target and of the settings change nothing.

    Parameters
    ----------
    rows
        A list of trials of settings drawn from ``space``, at least 8, all done.
    space
        As for :func:`random_settings`. Settings that are not in it are left out.
    target
        Name of a number in the results.
    seed
        Decides what is held out, the forest and the shuffles; less than 2**32.
    held_out
        Share of the trials that the forest does not see, between 0 and 1; at least 2 trials are
        to be seen, and 2 not.
    shuffles
        How often each setting is shuffled, from 2 to 1000.

    Raises
    ------
    TypeError, ValueError
        If there are too few rows, or one has no finite target or a value outside ``space``.

    References
    ----------
    Breiman, L. (2001). Random forests. Machine Learning 45.
    """
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.inspection import permutation_importance
    from sklearn.model_selection import train_test_split
    from sklearn.pipeline import make_pipeline

    seed = whole("seed", seed, least=0, most=2**32 - 1)
    shuffles = whole("shuffles", shuffles, least=2, most=1000)
    held_out = real("held_out", held_out, above=0, below=1)
    string("target", target)
    if not mapping("space", space):
        raise ValueError("space must hold at least one setting, got none")
    if not isinstance(rows, list | tuple) or not all(isinstance(row, Trial) for row in rows):
        raise TypeError(f"rows must be a list of trials, got {told(rows)}")
    if len(rows) < 8:
        raise ValueError(f"rows must be at least 8 trials, got {len(rows)}")
    if not 2 <= ceil(held_out * len(rows)) <= len(rows) - 2:
        raise ValueError(
            f"held_out must leave at least 2 trials to each, got {held_out} of {len(rows)} trials"
        )
    x = np.array([[_number(trial, name, space[name]) for name in space] for trial in rows])
    y = _without_unit(np.array([_target(trial, target) for trial in rows]))
    seen, unseen, y_seen, y_unseen = train_test_split(x, y, test_size=held_out, random_state=seed)
    forest = RandomForestRegressor(n_estimators=200, random_state=seed)
    model = make_pipeline(_one_hot(space), forest).fit(seen, y_seen)
    found = permutation_importance(
        model, unseen, y_unseen, n_repeats=shuffles, random_state=seed, scoring="r2"
    )
    spread = zip(found.importances_mean, found.importances_std, strict=True)
    of = {name: (float(mean), float(std)) for name, (mean, std) in zip(space, spread, strict=True)}
    return Importance(float(model.score(unseen, y_unseen)), of)


def _one_hot(space: Space) -> Any:
    """Return what spreads the columns of choices, which hold their places in the list."""
    from sklearn.compose import make_column_transformer
    from sklearn.preprocessing import OneHotEncoder

    columns = {
        k: values for k, values in enumerate(space.values()) if not isinstance(values, Range)
    }
    places = [list(range(len(values))) for values in columns.values()]
    encoder = OneHotEncoder(categories=places)
    return make_column_transformer((encoder, list(columns)), remainder="passthrough")


def _number(trial: Trial, name: str, values: Sequence[Any] | Range) -> float:
    """Return a setting as its place in the range, from 0 to 1, or among the choices."""
    if name not in trial.settings:
        raise ValueError(
            f"rows must have all settings of space: trial {trial.number} has no {name!r}, "
            f"got {list(trial.settings)}"
        )
    value = trial.settings[name]
    if isinstance(values, Range):
        if not isinstance(value, int | float) or not values.low <= value <= values.high:
            raise ValueError(f"{name} of trial {trial.number} must be in {values}, got {value!r}")
        low, here, high = (log(x) if values.log else x for x in (values.low, value, values.high))
        return float((here - low) / (high - low))
    texts = [as_text({name: choice}) for choice in values]
    if (text := as_text({name: value})) not in texts:
        raise ValueError(
            f"{name} of trial {trial.number} must be one of {list(values)}, got {value!r}"
        )
    return float(texts.index(text))


def _target(trial: Trial, target: str) -> float:
    value = trial.result.get(target) if isinstance(trial.result, dict) else None
    if not isinstance(value, int | float) or not isfinite(value):
        raise ValueError(
            "target must name a finite number in the results of all rows: "
            f"trial {trial.number} ({trial.status}) has no finite {target!r}, got {value!r}: "
            "leave it out"
        )
    return float(value)


def _without_unit(y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return targets from 0 to 1, in steps of 2**-30.

    The forest takes a variance below 2**-52 for none, whatever the unit. Sums of such steps are
    exact, so that two splits that are equally good are so in every unit: rounding decides nothing.
    """
    y = np.ldexp(y, -int(np.frexp(np.abs(y).max())[1]))  # exact; no difference is too large
    places = (y - y.min()) / (np.ptp(y) or 1.0)
    steps: NDArray[np.float64] = np.rint(np.ldexp(places, 30))
    return np.ldexp(steps, -30)
