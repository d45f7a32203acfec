"""The exercise ``variants.permutation_importance``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unrolled.core.validate import Array
from unrolled.exercises._drawing import numbers
from unrolled.exercises.grading import Exercise, Mistake

Orders = NDArray[np.intp]
Predict = Callable[[Array], Array]

_rng = np.random.default_rng(0)


def permutation_importance(predict: Predict, x: Array, y: Array, orders: Orders) -> Array:
    """Say how much each setting matters to a model: return (S,).

    x has shape (N, S), y has shape (N,), orders has shape (K, N).
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


def _from_errors(predict: Predict, x: Array, y: Array, orders: Orders) -> Any:
    def loss(settings: Array) -> Any:
        return np.square(y - predict(settings)).mean() / y.var()

    columns = np.arange(x.shape[1])
    return np.array(
        [
            np.mean([loss(np.where(columns == k, x[order], x)) - loss(x) for order in orders])
            for k in columns
        ]
    )


def _restored(predict: Predict, x: Array, y: Array, orders: Orders) -> Any:
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


def _torch(predict: Predict, x: Array, y: Array, orders: Orders) -> Any:
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


def _falls(predict: Predict, x: Array, y: Array, orders: Orders) -> Array:
    """Return the fall for each order and setting."""
    score = _r2(y, predict(x.copy()))
    falls = np.zeros((len(orders), x.shape[1]))
    for k, order in enumerate(orders):
        for column in range(x.shape[1]):
            shuffled = x.copy()
            shuffled[:, column] = x[order, column]
            falls[k, column] = score - _r2(y, predict(shuffled))
    return falls


def _unused_settings_do_not_matter(
    result: Array, predict: Predict, x: Array, y: Array, orders: Orders
) -> bool:
    """A setting that the model does not look at should come out at exactly 0. Yours does not.

    Likely: something else has been shuffled as well, or it is no difference of two scores.
    """
    unused = np.all(_falls(predict, x, y, orders) == 0, axis=0)
    return bool(np.all(np.abs(result[unused]) < 1e-9))


def _does_not_depend_on_units(
    result: Array, predict: Predict, x: Array, y: Array, orders: Orders
) -> bool:
    """The numbers of y are small here, or large. That should not matter: R2 has no unit.

    Likely: a small number is added to what R2 is divided by, or something is rounded.
    """
    return bool(1e-3 < np.std(y) < 1e3)


def _weighs_two(x: Array) -> Array:
    """Predicts 2 * x[:, 0] - x[:, 1]."""
    return np.asarray(2 * x[:, 0] - x[:, 1])


def _multiplies(x: Array) -> Array:
    """Predicts x[:, 0] * x[:, 1] + x[:, 2]."""
    return np.asarray(x[:, 0] * x[:, 1] + x[:, 2])


def _bends(x: Array) -> Array:
    """Predicts the square of x[:, 3], and looks at nothing else."""
    return np.asarray(x[:, 3] ** 2)


def _says_the_same(x: Array) -> Array:
    """Predicts 0.5, whatever the settings."""
    return np.full(len(x), 0.5)


def _weighs_much(x: Array) -> Array:
    """Predicts 1e6 * (x[:, 0] + x[:, 1])."""
    return np.asarray(1e6 * (x[:, 0] + x[:, 1]))


def _weighs_little(x: Array) -> Array:
    """Predicts 1e-6 * (x[:, 0] + x[:, 1])."""
    return np.asarray(1e-6 * (x[:, 0] + x[:, 1]))


def _steps(x: Array) -> Array:
    """Predicts 1 where x[:, 0] is above 0, and -1 elsewhere."""
    return np.where(x[:, 0] > 0, 1.0, -1.0)


def _case(
    predict: Predict, trials: int, settings: int, shuffles: int, truth: Predict | None = None
) -> Any:
    x = numbers(_rng, trials, settings)
    y = np.round((truth or predict)(x) + 0.5 * _rng.normal(size=trials) + 1, 1)
    return predict, x, y, np.stack([_rng.permutation(trials) for _ in range(shuffles)])


def _in_units(predict: Predict, unit: float) -> Any:
    _, x, y, orders = _case(lambda x: x[:, 0] + x[:, 1], 7, 2, 3)
    return predict, x, unit * y, orders


def _unshuffled() -> Any:
    """Leave all in its place in one of the orders, and move by one in the other."""
    *others, _ = _case(_weighs_two, 5, 3, 2)
    return *others, np.stack([np.arange(5), np.roll(np.arange(5), 1)])


_R2 = "np.sum((y - predict(settings)) ** 2) / np.sum((y - np.mean(y)) ** 2)"
_COPIES = "            shuffled = x.copy()\n"
_LOOP = "    for order in orders:\n"
_MEAN = "return falls / len(orders)"
_LINE = "shuffled[:, column] = x[order, column]"
_ADD = "falls[column] += score(x) - score(shuffled)"


EXERCISE = Exercise(
    permutation_importance,
    cases=[
        _case(_weighs_two, 4, 3, 2, truth=lambda x: 2 * x[:, 0] + x[:, 1]),
        _case(_multiplies, 8, 3, 5),
        _case(_multiplies, 8, 3, 5),
        _case(_bends, 6, 4, 1),
        _case(_weighs_two, 12, 2, 5),
        _case(_steps, 9, 1, 4),
        _case(_says_the_same, 5, 2, 3, truth=lambda x: x[:, 0]),
        _case(_weighs_two, 40, 3, 2),
        _case(_weighs_two, 3, 2, 7),
        _unshuffled(),
        _in_units(_weighs_much, 1e6),
        _in_units(_weighs_little, 1e-6),
    ],
    alternatives=[_from_errors, _restored, _torch],
    properties=[_unused_settings_do_not_matter, _does_not_depend_on_units],
    equivalent={
        f"return 1 - {_R2} -> return {other} - {_R2}": "a constant is not in a fall"
        for other in (0, 2)
    },
    mistakes={
        "left_shuffled": Mistake(
            """Columns stay shuffled when the next one's turn comes, or the next order's: each score
            falls for all so far.

            Shuffle one column at a time: begin with a new copy of x for each, inside both loops.
            """,
            {_LOOP: f"{_LOOP}        shuffled = x.copy()\n", _COPIES: ""},
            {_LOOP: f"    shuffled = x.copy()\n{_LOOP}", _COPIES: ""},
        ),
        "rows_shuffled": Mistake(
            """Whole rows are shuffled, so every setting gets the same number.

            Shuffle one column and leave the others: then only that setting has lost its
            meaning.
            """,
            {_LINE: "shuffled = x[order]"},
        ),
        "others_shuffled": Mistake(
            """All columns but one are shuffled. It should be that one, and the others left.""",
            {
                _COPIES: "            shuffled = x[order]\n",
                _LINE: "shuffled[:, column] = x[:, column]",
            },
        ),
        "set_to_one_number": Mistake(
            """The column is set to one number. Shuffle it: its values then occur as often as
            before.
            """,
            {_LINE: "shuffled[:, column] = 0"},
            {_LINE: "shuffled[:, column] = x[:, column].mean()"},
        ),
        "shuffled_the_other_way": Mistake(
            """The order is applied the other way round: row t goes to order[t]. It is a shuffle,
            too.

            But the exercise asks for `x[order, column]`: row t takes its value from row
            order[t].
            """,
            {_LINE: "shuffled[order, column] = x[:, column]"},
        ),
        "results_shuffled": Mistake(
            """The results y are shuffled. Shuffle the column of a setting, and let y be.""",
            {_LINE: "pass", _ADD: "falls[column] += score(x) - _r2(y[order], predict(x))"},
        ),
        "rise": Mistake(
            """The sign is turned. A fall is the score of x minus the score of the shuffled.""",
            {"score(x) - score(shuffled)": "score(shuffled) - score(x)"},
        ),
        "negative_mean_lost": Mistake(
            """The mean falls have lost their sign, or are cut off at 0. A fall may be negative.

            Then, shuffled, the column led the model less astray than as it was.
            """,
            {_MEAN: "return np.abs(falls / len(orders))"},
            {_MEAN: "return np.maximum(0, falls / len(orders))"},
        ),
        "negative_falls_lost": Mistake(
            """The falls lose their sign, or are cut off at 0, before they are averaged. One may be
            negative, by chance alone.

            Then it has to count against the others: average the falls as they are.
            """,
            {"score(x) - score(shuffled)": "abs(score(x) - score(shuffled))"},
            {"score(x) - score(shuffled)": "max(0, score(x) - score(shuffled))"},
        ),
        "scores_cut_off_at_zero": Mistake(
            """R2 is cut off at 0. It is negative where the model predicts worse than the mean of y
            does, and shuffled it often is.
            """,
            {f"1 - {_R2}": f"max(0, 1 - {_R2})"},
        ),
        "score_left": Mistake(
            """This is the score of the shuffled settings. Asked for is by how much it has fallen.

            Subtract it from the score of x.
            """,
            {"score(x) - score(shuffled)": "score(shuffled)"},
        ),
        "errors_not_divided": Mistake(
            """The score is the mean of the squared errors, or their sum. R2 divides by the spread
            of y, so that no unit is left.

            That is the sum of (y - mean(y))**2, and the sums of errors, or both means.
            """,
            *(
                {f"1 - {_R2}": f"{score}((y - predict(settings)) ** 2)"}
                for score in ("-np.mean", "1 - np.mean", "-np.sum", "1 - np.sum")
            ),
        ),
        "errors_not_squared": Mistake(
            """The errors are not squared, or a root is taken of them. In R2 they are squared, and
            there is no root.
            """,
            {_R2: "np.sum(abs(y - predict(settings))) / np.sum(abs(y - np.mean(y)))"},
            {_R2: f"np.sqrt({_R2})"},
        ),
        "mean_by_sum": Mistake(
            """A mean is divided by a sum, or by a variance over N - 1. The errors and the spread of
            y should both be sums, or both be means over N.
            """,
            {"np.sum((y - predict(settings)) ** 2)": "np.mean((y - predict(settings)) ** 2)"},
            {"np.sum((y - np.mean(y)) ** 2)": "np.var(y)"},
            {_R2: "np.mean((y - predict(settings)) ** 2) / np.var(y, ddof=1)"},
        ),
        "divided_by_predictions": Mistake(
            """The predictions come into what the errors are divided by. It is the spread of y about
            its own mean.

            Those were measured, and do not change when a column is shuffled.
            """,
            {f"1 - {_R2}": "_r2(predict(settings), y)"},
            {"np.mean(y)": "np.mean(predict(settings))"},
            {"y - np.mean(y)": "predict(settings) - np.mean(y)"},
        ),
        "divided_by_squares": Mistake(
            """R2 is divided by the sum of y**2. The mean of y must be taken off first.

            R2 compares with the best constant, which is the mean, and not with 0.
            """,
            {"(y - np.mean(y)) ** 2": "y**2"},
        ),
        "squared_correlation": Mistake(
            """The score is the squared correlation of y and its predictions. That is not R2 here.

            It forgives predictions that are too large, or shifted; R2 does not.
            """,
            {f"1 - {_R2}": "np.corrcoef(y, predict(settings))[0, 1] ** 2"},
        ),
        "shares": Mistake(
            """The falls are divided by their sum, or by the score of x. Return the falls
            themselves.

            When two settings act together, the falls add up to more than what the model
            explains.
            """,
            {_MEAN: f"{_MEAN} / score(x)"},
            {_MEAN: "return falls / falls.sum()"},
        ),
        "not_divided_by_orders": Mistake(
            """The falls are added over the orders, and not divided by their number: K, the length
            of `orders`.
            """,
            {_MEAN: "return falls"},
            {_MEAN: "return falls / len(x)"},
            {_MEAN: "return falls / len(falls)"},
        ),
        "one_order_only": Mistake(
            """Only the first order is in the result, or only the last. Average over all K.""",
            "return _falls(predict, x, y, orders)[0]",
            "return _falls(predict, x, y, orders)[-1]",
        ),
        "not_averaged": Mistake(
            """There is a row for each order. Average over them: `mean(axis=0)`.""",
            "return _falls(predict, x, y, orders)",
        ),
        "averaged_over_settings": Mistake(
            """This is a number for each order, averaged over the settings. Average over the orders,
            and keep a number for each setting.
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
        "not_copied": Mistake(
            """Columns stay shuffled, and the caller's own x is shuffled as well: it is not copied.

            `shuffled = x` is another name for the same array. Begin with `x.copy()` for each
            column.
            """,
            {"shuffled = x.copy()": "shuffled = x"},
            """
            r2 = lambda s: _r2(y, predict(s))
            base, falls = r2(x), np.zeros(x.shape[1])
            for order in orders:
                for column in range(x.shape[1]):
                    x[:, column] = x[order, column]
                    falls[column] += base - r2(x)
            return falls / len(orders)
            """,
        ),
    },
)
