"""The exercise ``windows.lowest_error``."""

from __future__ import annotations

from typing import Any

import numpy as np

from unrolled.core.validate import Array
from unrolled.exercises._drawing import numbers
from unrolled.exercises.grading import Exercise, Mistake

_rng = np.random.default_rng(0)


def lowest_error(rows: Array, targets: Array) -> float:
    """Return the lowest mean squared error of any function of the row.

    rows has shape (R, w), targets has shape (R,). Two rows are equal if all
    their values are. Return a number.
    """
    same: dict[Any, Any] = {}
    for t, row in enumerate(rows):
        same.setdefault(tuple(row), []).append(targets[t])
    squares = [len(each) * np.var(each) for each in same.values()]
    return float(sum(squares) / len(targets))


def _by_masks(rows: Array, targets: Array) -> Any:
    means = [targets[(rows == row).all(axis=1)].mean() for row in rows]
    return np.mean((targets - np.array(means)) ** 2)


def _by_numbers(rows: Array, targets: Array) -> Any:
    """Number the different rows, and add up the targets of each number."""
    _, number = np.unique(rows, axis=0, return_inverse=True)
    number = number.reshape(-1)
    means = np.bincount(number, targets) / np.bincount(number)
    return ((targets - means[number]) ** 2).sum() / len(targets)


def _torch(rows: Array, targets: Array) -> Any:
    import torch

    x, y = torch.as_tensor(rows), torch.as_tensor(targets).double()
    same = (x[:, None] == x).all(dim=2).double()
    means = (same @ y) / same.sum(dim=1)
    return (y - means).square().mean()


def _zero_where_all_rows_differ(result: float, rows: Array, targets: Array) -> bool:
    """No two rows are equal. Then a function can meet every target: the lowest error is 0."""
    return len({tuple(row) for row in rows}) < len(rows) or result == 0


def _no_more_than_of_the_mean(result: float, rows: Array, targets: Array) -> bool:
    """The mean of all targets is a function of the row, too. Yours exceeds the error of that."""
    return bool(result <= np.var(targets) * (1 + 1e-5))


EXERCISE = Exercise(
    lowest_error,
    cases=[
        (
            np.array([[1.0, 2], [2, 1], [1, 2], [2, 1], [1, 2], [2, 2]]),
            np.array([0.0, 5, 2, 5, 7, 9]),
        ),
        (np.array([[3.0], [3], [1], [3], [1], [2]]), np.array([1.0, 2, 4, 6, 8, 0])),
        (np.array([[3.0], [1], [1], [3], [1], [3]]), np.array([1.0, 2, 4, 6, 8, 0])),
        (numbers(_rng, 4, 3), numbers(_rng, 4)),  # all differ
        (np.array([[1.5, 2, 3]]), np.array([4.0])),
        (np.zeros((3, 4)), np.array([1.0, -2, 3])),
        (np.array([[1e-9], [2e-9], [1e-9], [2e-9]]), np.array([2.0, 4, 4, 4])),
        (np.array([[1e6, 1], [1e6, 1], [1, 1e6]]), np.array([2e6, 4e6, 5e6])),
        (np.array([[0, 1], [0, 1], [1, 0], [1, 0], [0, 1]]), np.array([1, 0, 1, 1, 1])),
        (np.array([[1.0, 2], [1, 2], [2, 1]]), np.array([1e-6, 3e-6, 2e-6])),
        (_rng.integers(0, 3, size=(60, 2)).astype(float), numbers(_rng, 60)),
        (np.repeat(numbers(_rng, 5, 31), 2, axis=0), numbers(_rng, 10)),
        (np.column_stack([[1.0, 2, 1, 2], np.ones((4, 30))]), np.array([1.0, 5, 3, 6])),
        (np.array([[0.0, 1], [-0.0, 1], [0, 2]]), np.array([2.0, 4, 4])),
    ],
    alternatives=[_by_masks, _by_numbers, _torch],
    properties=[_zero_where_all_rows_differ, _no_more_than_of_the_mean],
    equivalent={
        "return float(sum(squares) / len(targets)) -> return float(sum(squares) / len(rows))": (
            "there is a target for each row"
        ),
    },
    mistakes={
        "rows_not_used": Mistake(
            """This is the error of one forecast for all rows, the mean of all targets: the rows
            are not used.

            A function may answer different rows differently. Only equal rows share a forecast.
            """,
            "return np.var(targets)",
        ),
        "always_zero": Mistake(
            """This is 0, as if each row could be given its own target.

            A function that is asked twice about the same row answers the same. Where the two
            targets differ, at least one answer is wrong.
            """,
            "return 0.0",
        ),
        "one_target_kept": Mistake(
            """Equal rows are forecast by one of their targets, the first or the last. Another
            forecast errs less: which number has the smallest mean squared distance from several?
            """,
            """
            kept = {tuple(row): target for row, target in zip(rows, targets)}
            return np.mean([(kept[tuple(row)] - y) ** 2 for row, y in zip(rows, targets)])
            """,
            """
            kept = {}
            for row, target in zip(rows, targets):
                kept.setdefault(tuple(row), target)
            return np.mean([(kept[tuple(row)] - y) ** 2 for row, y in zip(rows, targets)])
            """,
        ),
        "middle_in_place_of_mean": Mistake(
            """Equal rows are forecast by the middle of their targets: the median, or half way from
            the smallest to the largest. For squared errors another number is better.

            Set the derivative of the summed squares by the forecast to zero.
            """,
            {"len(each) * np.var(each)": "sum((np.array(each) - np.median(each)) ** 2)"},
            {
                "len(each) * np.var(each)": (
                    "sum((np.array(each) - (min(each) + max(each)) / 2) ** 2)"
                )
            },
        ),
        "different_rows_weigh_the_same": Mistake(
            """This is the mean over the *different* rows. Asked for is the mean over all
            rows: what occurs often counts often.
            """,
            {
                "len(each) * np.var(each)": "np.var(each)",
                "/ len(targets)": "/ len(same)",
            },
        ),
        "divided_by_the_different_rows": Mistake(
            """The squares are right, and are divided by the number of different rows. A mean
            squared error divides by the number of all rows.
            """,
            {"/ len(targets)": "/ len(same)"},
        ),
        "repeated_rows_only": Mistake(
            """Rows that occur once are left out of the mean. They can be met exactly, and they
            count: their squared error is 0.
            """,
            """
            again = [(rows == row).all(axis=1).sum() > 1 for row in rows]
            return solution(rows, targets) * len(rows) / max(sum(again), 1)
            """,
        ),
        "not_a_mean": Mistake(
            """This is the sum of the squared errors. The mean divides it by the number of rows.""",
            {" / len(targets)": ""},
        ),
        "one_less_divided_by": Mistake(
            """The variance of equal rows' targets divides by one less than their number here
            (`ddof=1`, or torch's default). A mean squared error divides by the number.
            """,
            {
                "len(each) * np.var(each)": (
                    "len(each) * np.var(each, ddof=1) if len(each) > 1 else 0.0"
                )
            },
        ),
        "root": Mistake(
            """This is the root of what is asked for. Leave the mean squared error as it is.""",
            {"sum(squares) / len(targets)": "np.sqrt(sum(squares) / len(targets))"},
        ),
        "absolute_errors": Mistake(
            """These are absolute errors. Asked for is the mean of their squares.""",
            {
                "len(each) * np.var(each)": "sum(abs(np.array(each) - np.mean(each)))",
            },
            {
                "len(each) * np.var(each)": "sum(abs(np.array(each) - np.median(each)))",
            },
        ),
        "newest_value_only": Mistake(
            """Rows count as equal here when their newest values are. A function sees the whole
            row, and can tell rows apart by any value of it.
            """,
            {"tuple(row)": "row[-1]"},
        ),
        "oldest_value_only": Mistake(
            """Rows count as equal here when their oldest values are. A function sees the whole
            row, and can tell rows apart by any value of it.
            """,
            {"tuple(row)": "row[0]"},
        ),
        "order_in_the_row_lost": Mistake(
            """Rows count as equal here when they hold the same values in another order, or have
            the same sum. A function of the row sees which value stands where.
            """,
            {"tuple(row)": "tuple(sorted(row))"},
            {"tuple(row)": "row.sum()"},
            {"tuple(row)": "frozenset(row)"},
        ),
        "neighbours_only": Mistake(
            """A row is compared with the row before it only. Equal rows may stand anywhere in the
            table.
            """,
            """
            new = [t == 0 or (rows[t] != rows[t - 1]).any() for t in range(len(rows))]
            number = np.cumsum(new)
            return sum(((targets[number == k] - targets[number == k].mean()) ** 2).sum()
                       for k in set(number)) / len(rows)
            """,
        ),
        "close_rows_are_equal": Mistake(
            """Rows that are merely close count as equal here, as `np.isclose` and rounding do it.
            A function can tell apart what differs at all.
            """,
            """
            means = [targets[np.isclose(rows, row).all(axis=1)].mean() for row in rows]
            return np.mean((targets - np.array(means)) ** 2)
            """,
            "return solution(np.round(rows, 6), targets)",
        ),
        "best_linear_function": Mistake(
            """This is the lowest error of a *linear* window. Asked for is the lowest of any
            function, a table with an entry for each different row included.
            """,
            """
            design = np.column_stack([np.ones(len(rows)), rows])
            weights = np.linalg.lstsq(design, targets)[0]
            return np.mean((targets - design @ weights) ** 2)
            """,
        ),
        "counts_rows": Mistake(
            """This counts rows. Asked for is an error: by how much must the forecasts miss?""",
            "return len(rows) - len({tuple(row) for row in rows})",
            "return 1 - len({tuple(row) for row in rows}) / len(rows)",
        ),
    },
)
