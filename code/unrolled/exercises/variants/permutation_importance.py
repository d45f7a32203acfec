"""The exercise ``variants.permutation_importance``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unrolled._validate import Array
from unrolled.exercises._drawing import numbers
from unrolled.exercises.grading import Exercise, Mistake

Orders = NDArray[np.intp]
Predict = Callable[[Array], Array]

_rng = np.random.default_rng(0)


def permutation_importance(predict: Predict, x: Array, y: Array, orders: Orders) -> Array:
    """Say how much each setting matters to the predictions of a model.

    x has shape (N, S): one trial a row, one setting a column; y has shape (N,), what
    each trial measured. predict(x) returns predictions of y, shape (N,). Their score is
    R2 = 1 - sum((y - predict(x))**2) / sum((y - mean(y))**2).
    A setting matters as much as the score falls when its column alone is shuffled.
    orders has shape (K, N): each row holds 0, ..., N - 1 in some order, and the column
    is shuffled by x[order, column]. Return the falls, the score of x minus that of the
    shuffled, averaged over the K orders: shape (S,).
    """

    def score(settings: Array) -> Any:
        return 1 - np.sum((y - predict(settings)) ** 2) / np.sum((y - np.mean(y)) ** 2)

    falls = np.zeros(x.shape[1])
    for order in orders:
        for column in range(x.shape[1]):
            shuffled = x.copy()
            shuffled[:, column] = x[order, column]
            falls[column] += score(x) - score(shuffled)
    return falls / len(orders)


def _importance_from_errors(predict: Predict, x: Array, y: Array, orders: Orders) -> Any:
    def loss(settings: Array) -> Any:
        return np.square(y - predict(settings)).mean() / y.var()

    columns = np.arange(x.shape[1])
    return np.array(
        [
            np.mean([loss(np.where(columns == k, x[order], x)) - loss(x) for order in orders])
            for k in columns
        ]
    )


def _importance_restored(predict: Predict, x: Array, y: Array, orders: Orders) -> Any:
    x, base = x.copy(), np.sum((y - predict(x)) ** 2)
    falls = []
    for column in range(x.shape[1]):
        kept, found = x[:, column].copy(), []
        for order in orders:
            x[:, column] = kept[order]
            found.append(np.sum((y - predict(x)) ** 2))
        x[:, column] = kept
        falls.append((np.mean(found) - base) / np.sum((y - y.mean()) ** 2))
    return np.array(falls)


def _importance_torch(predict: Predict, x: Array, y: Array, orders: Orders) -> Any:
    import torch

    settings, target = torch.from_numpy(x), torch.from_numpy(y)
    falls = torch.zeros(len(orders), x.shape[1], dtype=torch.float64)
    rest = (target - target.mean()).square().sum()
    best = (target - torch.as_tensor(predict(x))).square().sum()
    for k, order in enumerate(orders):
        for column in range(x.shape[1]):
            shuffled = settings.clone()
            shuffled[:, column] = settings[torch.as_tensor(order), column]
            wrong = (target - torch.as_tensor(predict(shuffled.numpy()))).square().sum()
            falls[k, column] = (wrong - best) / rest
    return falls.mean(0)


def _r2(y: Array, predicted: Array) -> Any:
    return 1 - np.sum((y - predicted) ** 2) / np.sum((y - np.mean(y)) ** 2)


def _one_shuffled(x: Array, order: Orders, column: int) -> Array:
    shuffled = x.copy()
    shuffled[:, column] = x[order, column]
    return shuffled


def _falls(
    predict: Predict,
    x: Array,
    y: Array,
    orders: Orders,
    *,
    score: Callable[[Array, Array], Any] = _r2,
    shuffle: Callable[[Array, Orders, int], Array] = _one_shuffled,
) -> Array:
    """Return the fall for each order and setting, with another idea of a score or of shuffling."""
    columns = range(x.shape[1])
    whole = score(y, predict(x.copy()))
    return np.array(
        [[whole - score(y, predict(shuffle(x, order, k))) for k in columns] for order in orders]
    )


def _unused_settings_do_not_matter(
    result: Array, predict: Predict, x: Array, y: Array, orders: Orders
) -> bool:
    """A setting that the model does not look at should come out at exactly 0. Yours does not."""
    unused = np.all(_falls(predict, x, y, orders) == 0, axis=0)
    return bool(np.all(np.abs(result[unused]) < 1e-9))


def _weighs_two(x: Array) -> Array:
    """Predicts 2 * x[:, 0] - x[:, 1]."""
    return np.asarray(2 * x[:, 0] - x[:, 1])


def _multiplies(x: Array) -> Array:
    """Predicts x[:, 0] * x[:, 1] + x[:, 2]."""
    return np.asarray(x[:, 0] * x[:, 1] + x[:, 2])


def _bends(x: Array) -> Array:
    """Predicts the square of x[:, 3], and looks at nothing else."""
    return np.asarray(x[:, 3] ** 2)


def _importance_case(
    predict: Predict, trials: int, settings: int, shuffles: int, truth: Predict | None = None
) -> Any:
    x = numbers(_rng, trials, settings)
    y = np.round((truth or predict)(x) + 0.5 * _rng.normal(size=trials) + 1, 1)
    return predict, x, y, np.stack([_rng.permutation(trials) for _ in range(shuffles)])


_R2 = "np.sum((y - predict(settings)) ** 2) / np.sum((y - np.mean(y)) ** 2)"


EXERCISE = Exercise(
    permutation_importance,
    cases=[
        _importance_case(_weighs_two, 4, 3, 2, truth=lambda x: 2 * x[:, 0] + x[:, 1]),
        _importance_case(_multiplies, 8, 3, 3),
        _importance_case(_bends, 6, 4, 1),
        _importance_case(_weighs_two, 12, 2, 5),
    ],
    alternatives=[_importance_from_errors, _importance_restored, _importance_torch],
    properties=[_unused_settings_do_not_matter],
    equivalent={
        f"return 1 - {_R2} -> return {other} - {_R2}": "a constant is not in a fall"
        for other in (0, 2)
    },
    mistakes={
        "left_shuffled": Mistake(
            """Columns stay shuffled when the next one's turn comes: each score falls for all so
            far.

            Shuffle one column at a time: begin with a new copy of x for each.
            """,
            """
            def up_to(x: Array, order: Orders, column: int) -> Array:
                return np.where(np.arange(x.shape[1]) <= column, x[order], x)

            return _falls(predict, x, y, orders, shuffle=up_to).mean(axis=0)
            """,
            """
            score = lambda x: 1 - np.sum((y - predict(x)) ** 2) / np.sum((y - y.mean()) ** 2)
            falls = np.zeros((len(orders), x.shape[1]))
            for k, order in enumerate(orders):
                shuffled = x.copy()
                for j in range(x.shape[1]):
                    shuffled[:, j] = x[order, j]
                    falls[k, j] = score(x) - score(shuffled)
            return falls.mean(axis=0)
            """,
        ),
        "copied_once": Mistake(
            """Columns stay shuffled, from one order to the next as well: x is copied only once.

            Shuffle one column at a time: begin with a new copy of x for each, inside both
            loops.
            """,
            """
            shuffled = x.copy()

            def in_the_same_copy(x: Array, order: Orders, column: int) -> Array:
                shuffled[:, column] = x[order, column]
                return shuffled

            return _falls(predict, x, y, orders, shuffle=in_the_same_copy).mean(axis=0)
            """,
            """
            score = lambda x: 1 - np.sum((y - predict(x)) ** 2) / np.sum((y - y.mean()) ** 2)
            falls, shuffled = np.zeros(x.shape[1]), x.copy()
            for order in orders:
                for j in range(x.shape[1]):
                    shuffled[:, j] = x[order, j]
                    falls[j] += score(x) - score(shuffled)
            return falls / len(orders)
            """,
        ),
        "rows_shuffled": Mistake(
            """Whole rows are shuffled, so every setting gets the same number.

            Shuffle one column and leave the others: then only that setting has lost its
            meaning.
            """,
            """
            return _falls(predict, x, y, orders, shuffle=lambda x, order, k: x[order]).mean(axis=0)
            """,
            """
            score = lambda x: 1 - np.sum((y - predict(x)) ** 2) / np.sum((y - y.mean()) ** 2)
            falls = [score(x) - score(x[order]) for order in orders]
            return np.full(x.shape[1], np.mean(falls))
            """,
        ),
        "others_shuffled": Mistake(
            """All columns but one are shuffled. It should be that one, and the others left.""",
            """
            def others(x: Array, order: Orders, column: int) -> Array:
                return np.where(np.arange(x.shape[1]) == column, x, x[order])

            return _falls(predict, x, y, orders, shuffle=others).mean(axis=0)
            """,
        ),
        "set_to_zero": Mistake(
            """The column is set to 0. Shuffle it: its values then still occur as often as before.""",
            """
            def zeroed(x: Array, order: Orders, column: int) -> Array:
                return np.where(np.arange(x.shape[1]) == column, 0, x)

            return _falls(predict, x, y, orders, shuffle=zeroed).mean(axis=0)
            """,
        ),
        "set_to_its_mean": Mistake(
            """The column is set to its mean. Shuffle it: its values then still occur as often as
            before.
            """,
            """
            def levelled(x: Array, order: Orders, column: int) -> Array:
                return np.where(np.arange(x.shape[1]) == column, x.mean(axis=0), x)

            return _falls(predict, x, y, orders, shuffle=levelled).mean(axis=0)
            """,
        ),
        "shuffled_the_other_way": Mistake(
            """The order is applied the other way round: row t goes to order[t]. It is a shuffle,
            too.

            But the exercise asks for `x[order, column]`: row t takes its value from row
            order[t].
            """,
            """
            inverse = np.argsort(orders, axis=1)
            return solution(predict, x, y, inverse)
            """,
            """
            score = lambda x: 1 - np.sum((y - predict(x)) ** 2) / np.sum((y - y.mean()) ** 2)
            falls = np.zeros(x.shape[1])
            for order in orders:
                for j in range(x.shape[1]):
                    shuffled = x.copy()
                    shuffled[order, j] = x[:, j]
                    falls[j] += score(x) - score(shuffled)
            return falls / len(orders)
            """,
        ),
        "rise": Mistake(
            """The sign is turned. A fall is the score of x minus the score of the shuffled.""",
            "return -solution(predict, x, y, orders)",
        ),
        "sign_lost": Mistake(
            """The mean falls have lost their sign. A fall may be negative, and then it says so.

            Shuffled, the column led the model less astray than as it was.
            """,
            "return np.abs(solution(predict, x, y, orders))",
            """
            score = lambda x: 1 - np.sum((y - predict(x)) ** 2) / np.sum((y - y.mean()) ** 2)
            falls = np.zeros((len(orders), x.shape[1]))
            for k, order in enumerate(orders):
                for j in range(x.shape[1]):
                    shuffled = x.copy()
                    shuffled[:, j] = x[order, j]
                    falls[k, j] = score(x) - score(shuffled)
            return np.abs(falls.mean(axis=0))
            """,
        ),
        "cut_off_at_zero": Mistake(
            """The mean falls are cut off at 0. A fall may be negative, and then it says so.

            Shuffled, the column led the model less astray than as it was.
            """,
            "return np.maximum(0, solution(predict, x, y, orders))",
            """
            score = lambda x: 1 - np.sum((y - predict(x)) ** 2) / np.sum((y - y.mean()) ** 2)
            falls = np.zeros((len(orders), x.shape[1]))
            for k, order in enumerate(orders):
                for j in range(x.shape[1]):
                    shuffled = x.copy()
                    shuffled[:, j] = x[order, j]
                    falls[k, j] = score(x) - score(shuffled)
            return np.maximum(0, falls.mean(axis=0))
            """,
        ),
        "each_sign_lost": Mistake(
            """The falls lose their sign before they are averaged. One may be negative, by chance
            alone.

            Then it has to count against the others: average the falls as they are.
            """,
            "return np.abs(_falls(predict, x, y, orders)).mean(axis=0)",
            """
            score = lambda x: 1 - np.sum((y - predict(x)) ** 2) / np.sum((y - y.mean()) ** 2)
            falls = np.zeros((len(orders), x.shape[1]))
            for k, order in enumerate(orders):
                for j in range(x.shape[1]):
                    shuffled = x.copy()
                    shuffled[:, j] = x[order, j]
                    falls[k, j] = score(x) - score(shuffled)
            return np.abs(falls).mean(axis=0)
            """,
        ),
        "each_cut_off_at_zero": Mistake(
            """Each fall is cut off at 0 before they are averaged. One may be negative, by chance
            alone.

            Then it has to count against the others: average the falls as they are.
            """,
            "return np.maximum(0, _falls(predict, x, y, orders)).mean(axis=0)",
            """
            score = lambda x: 1 - np.sum((y - predict(x)) ** 2) / np.sum((y - y.mean()) ** 2)
            falls = np.zeros((len(orders), x.shape[1]))
            for k, order in enumerate(orders):
                for j in range(x.shape[1]):
                    shuffled = x.copy()
                    shuffled[:, j] = x[order, j]
                    falls[k, j] = score(x) - score(shuffled)
            return np.maximum(0, falls).mean(axis=0)
            """,
        ),
        "score_left": Mistake(
            """This is the score of the shuffled settings. Asked for is by how much it has fallen.

            Subtract it from the score of x.
            """,
            "return _r2(y, predict(x.copy())) - solution(predict, x, y, orders)",
            """
            falls = np.zeros(x.shape[1])
            for order in orders:
                for j in range(x.shape[1]):
                    shuffled = x.copy()
                    shuffled[:, j] = x[order, j]
                    falls[j] += 1 - np.mean((y - predict(shuffled)) ** 2) / np.var(y)
            return falls / len(orders)
            """,
        ),
        "error_not_divided": Mistake(
            """The score is the mean squared error. R2 divides by the spread of y, so that no unit
            is left.

            That is the sum of (y - mean(y))**2, and the sums of errors, or both means.
            """,
            """
            return _falls(predict, x, y, orders, score=lambda y, p: -np.mean((y - p) ** 2)).mean(axis=0)
            """,
            """
            falls = np.zeros(x.shape[1])
            for order in orders:
                for j in range(x.shape[1]):
                    shuffled = x.copy()
                    shuffled[:, j] = x[order, j]
                    falls[j] += np.mean((y - predict(shuffled)) ** 2) - np.mean((y - predict(x)) ** 2)
            return falls / len(orders)
            """,
        ),
        "errors_added_up": Mistake(
            """The score is the sum of squared errors. R2 divides it by the spread of y.

            That is the sum of (y - mean(y))**2. Then no unit is left, and no number of trials.
            """,
            """
            return _falls(predict, x, y, orders, score=lambda y, p: -np.sum((y - p) ** 2)).mean(axis=0)
            """,
            """
            score = lambda x: -np.sum((y - predict(x)) ** 2)
            falls = np.zeros((len(orders), x.shape[1]))
            for k, order in enumerate(orders):
                for j in range(x.shape[1]):
                    shuffled = x.copy()
                    shuffled[:, j] = x[order, j]
                    falls[k, j] = score(x) - score(shuffled)
            return falls.mean(axis=0)
            """,
        ),
        "scored_the_wrong_way_round": Mistake(
            """In R2 the two have changed places: the errors are divided by the spread of the
            predictions.

            It is that of y, which was measured, and does not change when a column is shuffled.
            """,
            """
            def turned(y: Array, p: Array) -> Any:
                with np.errstate(all="ignore"):
                    return _r2(p, y)

            return _falls(predict, x, y, orders, score=turned).mean(axis=0)
            """,
            """
            r2 = lambda y, p: 1 - np.sum((y - p) ** 2) / np.sum((y - y.mean()) ** 2)
            score = lambda x: r2(predict(x), y)
            falls = np.zeros((len(orders), x.shape[1]))
            for k, order in enumerate(orders):
                for j in range(x.shape[1]):
                    shuffled = x.copy()
                    shuffled[:, j] = x[order, j]
                    falls[k, j] = score(x) - score(shuffled)
            return falls.mean(axis=0)
            """,
        ),
        "divided_by_squares": Mistake(
            """R2 is divided by the sum of y**2. The mean of y must be taken off first.

            R2 compares with the best constant, which is the mean, and not with 0.
            """,
            """
            return _falls(
                predict, x, y, orders, score=lambda y, p: -np.sum((y - p) ** 2) / np.sum(y**2)
            ).mean(axis=0)
            """,
        ),
        "squared_correlation": Mistake(
            """The score is the squared correlation of y and its predictions. That is not R2 here.

            It forgives predictions that are too large, or shifted; R2 does not.
            """,
            """
            def correlation(y: Array, p: Array) -> Any:
                with np.errstate(all="ignore"):
                    return np.corrcoef(y, p)[0, 1] ** 2

            return _falls(predict, x, y, orders, score=correlation).mean(axis=0)
            """,
        ),
        "share_of_the_score": Mistake(
            """The falls are divided by the score of x. Return the falls themselves.""",
            """
            falls = solution(predict, x, y, orders)
            return falls / _r2(y, predict(x.copy()))
            """,
        ),
        "shares_of_the_sum": Mistake(
            """The falls are made to add up to 1. Return the falls themselves: they say what they
            say.

            When two settings act together, the falls add up to more than what the model
            explains.
            """,
            """
            falls = solution(predict, x, y, orders)
            with np.errstate(all="ignore"):
                return falls / falls.sum()
            """,
        ),
        "orders_added_up": Mistake(
            """The falls are added over the orders. They should be averaged: divide by their
            number.
            """,
            "return _falls(predict, x, y, orders).sum(axis=0)",
            """
            score = lambda x: 1 - np.sum((y - predict(x)) ** 2) / np.sum((y - y.mean()) ** 2)
            falls = np.zeros(x.shape[1])
            for order in orders:
                for j in range(x.shape[1]):
                    shuffled = x.copy()
                    shuffled[:, j] = x[order, j]
                    falls[j] += score(x) - score(shuffled)
            return falls
            """,
        ),
        "first_order_only": Mistake(
            """Only the first order is used. One shuffle is chance: average over all K.""",
            "return _falls(predict, x, y, orders)[0]",
        ),
        "last_order_only": Mistake(
            """Only the last order is left in the result. Add up the falls, `+=`, and divide by K.""",
            "return _falls(predict, x, y, orders)[-1]",
        ),
        "not_averaged": Mistake(
            """There is a row for each order. Average over them: `mean(axis=0)`.""",
            "return _falls(predict, x, y, orders)",
        ),
        "averaged_over_settings": Mistake(
            """This is a number for each order, averaged over the settings. It is the other way
            round.

            Average over the orders, and keep a number for each setting.
            """,
            "return _falls(predict, x, y, orders).mean(axis=1)",
        ),
        "writes_into_trials": Mistake(
            """The result is right, and the caller's own x is shuffled now: `x[:, column] = ...`
            changes it.

            Shuffle a copy: `x.copy()`.
            """,
            """
            result = solution(predict, x, y, orders)
            x[:] = x[orders[-1]]
            return result
            """,
        ),
    },
)
