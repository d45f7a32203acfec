"""The exercise ``windows.seasonal_mean``."""

from __future__ import annotations

from typing import Any

import numpy as np

from unrolled.core.validate import Array
from unrolled.exercises._drawing import numbers
from unrolled.exercises.grading import Exercise, Mistake

_rng = np.random.default_rng(0)


def seasonal_mean(history: Array, horizon: int, period: int) -> Array:
    """Forecast each step by the mean of its place in the cycle.

    history has shape (N,), oldest value first; a cycle takes period steps,
    at most N. Return the forecasts of the next horizon steps, an array of
    shape (horizon,).
    """
    cycle = [history[-back::-period].mean() for back in range(period, 0, -1)]
    return np.resize(cycle, horizon)


def _by_masks(history: Array, horizon: int, period: int) -> Array:
    N = len(history)
    place = np.arange(N) % period
    return np.array([history[place == (N + k) % period].mean() for k in range(horizon)])


def _one_at_a_time(history: Array, horizon: int, period: int) -> list[float]:
    forecasts = []
    for n in range(len(history), len(history) + horizon):
        known = [history[m] for m in range(n % period, len(history), period)]
        forecasts.append(sum(known) / len(known))
    return forecasts


def _padded_torch(history: Array, horizon: int, period: int) -> Any:
    import torch

    missing = torch.full((-len(history) % period,), torch.nan)
    cycles = torch.cat([missing, torch.tensor(history).double()]).reshape(-1, period)
    return cycles.nanmean(dim=0)[torch.arange(horizon) % period]


def _one_period_apart_is_equal(result: Array, history: Array, horizon: int, period: int) -> bool:
    """Two forecasts one period apart have the same place in the cycle. Yours differ."""
    return np.allclose(result[period:], result[:-period])


def _a_constant_stays(result: Array, history: Array, horizon: int, period: int) -> bool:
    """All values of the history are alike. Then each forecast should be that value."""
    return bool(np.ptp(history) > 0) or np.allclose(result, history[0])


def _each_among_its_own(result: Array, history: Array, horizon: int, period: int) -> bool:
    """A mean lies between the smallest and the largest of what is averaged.

    Some forecast of yours lies outside of all that was seen at its place in the cycle.
    """
    places = [history[-back::-period] for back in range(period, 0, -1)]
    ends = [(min(each), max(each)) for each in places]
    low, high = np.array([ends[k % period] for k in range(horizon)]).T
    slack = 1e-5 * np.abs(history).max()
    return bool(np.all((result >= low - slack) & (result <= high + slack)))


EXERCISE = Exercise(
    seasonal_mean,
    cases=[
        (np.array([1.0, 2, 3, 10, 20, 30, 40]), 5, 3),
        (numbers(_rng, 11), 4, 4),
        (numbers(_rng, 9), 2, 4),
        (numbers(_rng, 8), 11, 3),
        (numbers(_rng, 12), 7, 3),  # whole cycles
        (numbers(_rng, 9), 3, 3),
        (numbers(_rng, 8), 11, 3),
        (numbers(_rng, 6), 13, 6),  # the whole history is one cycle
        (numbers(_rng, 7), 3, 5),
        (numbers(_rng, 5), 4, 1),
        (numbers(_rng, 1), 3, 1),
        (np.full(7, -2.5), 4, 3),
        (1e6 * numbers(_rng, 40), 100, 13),
        (1e-6 * numbers(_rng, 11), 5, 4),
        (np.zeros(5), 3, 2),
        (np.array([5, 0, 8, 2, 1, 7, 2, 0]), 9, 3),
    ],
    alternatives=[_by_masks, _one_at_a_time, _padded_torch],
    properties=[_one_period_apart_is_equal, _a_constant_stays, _each_among_its_own],
    mistakes={
        "last_cycle_only": Mistake(
            """Only the last cycle is used. That is seasonal repeat: it trusts each place of the
            cycle to a single value.
            """,
            "return np.resize(history[-period:], horizon)",
        ),
        "last_two_cycles_only": Mistake(
            """Only the last two cycles are used, or the first and the last. Every value counts that
            stands at the place.
            """,
            """
            cycle = [history[-back::-period][:2].mean() for back in range(period, 0, -1)]
            return np.resize(cycle, horizon)
            """,
            "return np.resize((history[-period:] + history[:period]) / 2, horizon)",
        ),
        "newer_weigh_more": Mistake(
            """Newer cycles weigh more here. In a mean all values at a place weigh the same.""",
            """
            places = [history[-back::-period] for back in range(period, 0, -1)]
            weights = [0.5 ** np.arange(len(each)) for each in places]
            cycle = [np.average(*both) for both in zip(places, weights, strict=False)]
            return np.resize([(p * w).sum() / w.sum() for p, w in zip(places, weights)], horizon)
            """,
        ),
        "zeros_left_out": Mistake(
            """Zeros are left out of the means, as if they were missing. They are values.""",
            """
            places = [history[-back::-period] for back in range(period, 0, -1)]
            sums = [each.sum() / max(np.count_nonzero(each), 1) for each in places]
            return np.resize(sums, horizon)
            """,
        ),
        "mean_of_everything": Mistake(
            """Every forecast is the mean of the whole history: the place in the cycle is lost.""",
            "return np.full(horizon, history.mean())",
        ),
        "mean_of_the_last_cycle": Mistake(
            """Every forecast is the mean of the last cycle. Values one period apart belong
            together, and not those that follow one another.
            """,
            "return np.full(horizon, history[-period:].mean())",
        ),
        "places_counted_from_the_start": Mistake(
            """The first forecast is given the place of the oldest value. Where the history does not
            end with a whole cycle, it has another.

            Which values lie a whole number of periods before the first forecast?
            """,
            "return np.resize([history[k::period].mean() for k in range(period)], horizon)",
            """
            return np.array([history[k % period :: period].mean() for k in range(horizon)])
            """,
        ),
        "front_cut_off": Mistake(
            """The oldest values are left out where they fill no whole cycle. They count as well:
            some places of the cycle have been seen once more often than others.
            """,
            """
            whole = len(history) // period * period
            return np.resize(history[-whole:].reshape(-1, period).mean(axis=0), horizon)
            """,
        ),
        "end_cut_off": Mistake(
            """The history is cut into cycles from its oldest value on, and the end that fills no
            whole cycle is left out: the newest values are lost, and the places are shifted.
            """,
            """
            whole = len(history) // period * period
            return np.resize(history[:whole].reshape(-1, period).mean(axis=0), horizon)
            """,
        ),
        "missing_counted_as_zeros": Mistake(
            """Some places of the cycle have been seen less often, and there the sum is divided by
            too many, as if zeros had been seen.
            """,
            """
            padded = np.concatenate([np.zeros(-len(history) % period), history])
            return np.resize(padded.reshape(-1, period).mean(axis=0), horizon)
            """,
            """
            cycles = len(history) / period
            sums = [history[-back::-period].sum() / cycles for back in range(period, 0, -1)]
            return np.resize(sums, horizon)
            """,
        ),
        "sums_in_place_of_means": Mistake(
            """These are sums. The more cycles there are, the larger they get: divide by how many
            values there were.
            """,
            {".mean()": ".sum()"},
        ),
        "one_place_late": Mistake(
            """Every forecast has the place of the next: all are one step too early in the cycle.

            What lies one whole period before the first forecast?
            """,
            "return solution(history, horizon + 1, period)[1:]",
            """
            backs = [*range(period - 1, 0, -1), period]
            return np.resize([history[-back::-period].mean() for back in backs], horizon)
            """,
        ),
        "one_place_early": Mistake(
            """Every forecast has the place of the one before: all are one step too late in the
            cycle.

            What lies one whole period before the first forecast?
            """,
            "return solution(history, horizon + period - 1, period)[period - 1 :]",
            """
            forecasts, N = [], len(history)
            for k in range(horizon):
                forecasts.append(history[(N - 1 + k) % period :: period].mean())
            return np.array(forecasts)
            """,
        ),
        "period_one_too_long": Mistake(
            """The period is one too long: values are averaged that lie period + 1 steps apart.""",
            "return solution(history, horizon, period + 1)",
        ),
        "period_one_too_short": Mistake(
            """The period is one too short: values are averaged that lie period - 1 steps apart.""",
            "return solution(history, horizon, period - 1)",
        ),
        "cycle_backwards": Mistake(
            """The cycle runs backwards: its newest place is forecast first.""",
            {"range(period, 0, -1)": "range(1, period + 1)"},
        ),
        "stays_at_the_end_of_the_cycle": Mistake(
            """After one cycle the forecast stays at its last value. The cycle should begin
            again.
            """,
            """
            cycle = solution(history, period, period)
            return cycle[np.minimum(np.arange(horizon), period - 1)]
            """,
        ),
        "at_most_one_cycle": Mistake(
            """The forecast stops after one cycle, though more steps were asked for.""",
            "return solution(history, period, period)[:horizon]",
        ),
        "median": Mistake(
            """These are medians, the values in the middle. Asked for are means.""",
            """
            cycle = [np.median(history[-back::-period]) for back in range(period, 0, -1)]
            return np.resize(cycle, horizon)
            """,
        ),
        "keeps_whole_numbers": Mistake(
            """Where history holds whole numbers, the means lose their decimals: an array that was
            made from it can hold nothing else.
            """,
            "return solution(history, horizon, period).astype(history.dtype)",
        ),
    },
)
