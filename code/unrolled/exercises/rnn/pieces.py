"""The exercise ``rnn.pieces``."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from unrolled.exercises.grading import Exercise, Mistake

Codes = NDArray[np.int64]

_rng = np.random.default_rng(0)


def pieces(text: Codes, rows: int, steps: int) -> tuple[Codes, Codes]:
    """Cut a text into pieces of rows that go on from piece to piece.

    text has shape (N,), with N > rows * steps. Return two arrays,
    (inputs, targets), of shape (pieces, steps, rows).
    """
    count = (len(text) - 1) // (rows * steps)
    used = count * rows * steps
    inputs = text[:used].reshape(rows, count, steps)
    targets = text[1 : used + 1].reshape(rows, count, steps)
    return inputs.transpose(1, 2, 0), targets.transpose(1, 2, 0)


def _pieces_looped(text: Codes, rows: int, steps: int) -> tuple[Codes, Codes]:
    count = (len(text) - 1) // (rows * steps)
    inputs = np.zeros((count, steps, rows), dtype=text.dtype)
    targets = np.zeros_like(inputs)
    for piece in range(count):
        for step in range(steps):
            for row in range(rows):
                place = row * count * steps + piece * steps + step
                inputs[piece, step, row] = text[place]
                targets[piece, step, row] = text[place + 1]
    return inputs, targets


def _pieces_by_rows(text: Codes, rows: int, steps: int) -> tuple[Any, Any]:
    count = (len(text) - 1) // (rows * steps)
    used = count * rows * steps
    columns = [text[first : first + used].reshape(rows, -1).T for first in (0, 1)]
    inputs, targets = (each.reshape(count, steps, rows) for each in columns)
    return inputs, targets


def _pieces_torch(text: Codes, rows: int, steps: int) -> tuple[Any, Any]:
    import torch

    codes = torch.as_tensor(text)
    count = (len(codes) - 1) // (rows * steps)
    used = count * rows * steps
    inputs = codes[:used].view(rows, count, steps).permute(1, 2, 0)
    targets = codes[1 : used + 1].view(rows, count, steps).permute(1, 2, 0)
    return inputs, targets


def _drawn(length: int) -> Codes:
    return _rng.integers(0, 30, length)


EXERCISE = Exercise(
    pieces,
    cases=[
        (np.arange(11), 2, 2),
        (np.array([4, 1, 9, 2, 7, 3, 8, 6, 5, 0]), 3, 1),
        (_drawn(12), 2, 3),
        (_drawn(24), 1, 5),
        (_drawn(24), 5, 1),
        (_drawn(2), 1, 1),
        (_drawn(121), 4, 3),
        (_drawn(120), 3, 4),
        (_drawn(200), 3, 30),
        (np.zeros(31, dtype=np.int64), 3, 2),
        (_rng.integers(0x110000, size=29), 2, 4),  # as of any script
    ],
    alternatives=[_pieces_looped, _pieces_by_rows, _pieces_torch],
    mistakes={
        "row_goes_on_in_the_next_row": Mistake(
            """A row goes on in the next row of the same piece, not in the next piece.

            The state of row b is carried from piece to piece, so row b of the second piece must
            begin where row b of the first ended. Here the pieces, not the rows, are stretches
            of the text.
            """,
            """
            count = (len(text) - 1) // (rows * steps)
            used = count * rows * steps
            both = [text[k : k + used].reshape(count, rows, steps) for k in (0, 1)]
            return tuple(each.transpose(0, 2, 1) for each in both)
            """,
        ),
        "dealt_out_in_turn": Mistake(
            """The characters are dealt out to the rows in turn: none is beside its neighbour.

            Row b holds a stretch of the text. Read along time, `inputs[:, :, b]`, it must be
            the text as it stands there.
            """,
            """
            count = (len(text) - 1) // (rows * steps)
            used = count * rows * steps
            both = [text[k : k + used].reshape(count, steps, rows) for k in (0, 1)]
            return tuple(both)
            """,
        ),
        "gaps_between_the_rows": Mistake(
            """Something is left out at the end of every row. The rows should follow on each other.

            Here each row is N // rows characters, cut down to whole pieces. How many may it have,
            so that only the end of the text is left out?
            """,
            """
            stretch = (len(text) - 1) // rows
            count = stretch // steps
            both = []
            for k in (0, 1):
                row = text[k : k + rows * stretch].reshape(rows, stretch)[:, : count * steps]
                both.append(row.reshape(rows, count, steps).transpose(1, 2, 0))
            return tuple(both)
            """,
        ),
        "batch_comes_first": Mistake(
            """The rows stand before the steps: (pieces, rows, steps). In a piece, time comes
            first.
            """,
            "return tuple(each.swapaxes(1, 2) for each in solution(text, rows, steps))",
        ),
        "no_pieces": Mistake(
            """All pieces of a row are still in one. The first axis should count the pieces.

            The gradient is cut between pieces; for that they must be apart.
            """,
            """
            inputs, targets = solution(text, rows, steps)
            return inputs.reshape(-1, rows), targets.reshape(-1, rows)
            """,
        ),
        "targets_are_inputs": Mistake(
            """The target of each character is the character itself.

            It should be the one that comes after it in the text.
            """,
            "return solution(text, rows, steps)[0], solution(text, rows, steps)[0]",
        ),
        "targets_before": Mistake(
            """Inputs and targets have changed places: return inputs first, then targets.""",
            "return solution(text, rows, steps)[::-1]",
        ),
        "shifted_within_the_piece": Mistake(
            """The targets are shifted within each piece, so its last target is its first character.

            What comes after a piece's last character stands in the next piece.
            """,
            """
            inputs, _ = solution(text, rows, steps)
            return inputs, np.roll(inputs, -1, axis=1)
            """,
        ),
        "shifted_round_the_end": Mistake(
            """The last target of all is the first character of the text.

            `np.roll` puts at the end what falls off the front. The text goes on after the last
            input: that is why N must be larger than rows * steps.
            """,
            """
            inputs, _ = solution(text, rows, steps)
            flat = inputs.transpose(2, 0, 1).ravel()
            shape = rows, len(inputs), steps
            return inputs, np.roll(flat, -1).reshape(shape).transpose(1, 2, 0)
            """,
        ),
        "shifted_within_the_row": Mistake(
            """The targets stay within their row: its last target is not what comes after it in the
            text, which stands at the head of the next row.
            """,
            """
            inputs, _ = solution(text, rows, steps)
            flat = inputs.transpose(2, 0, 1).reshape(rows, -1)
            turned = np.roll(flat, -1, axis=1).reshape(rows, len(inputs), steps)
            return inputs, turned.transpose(1, 2, 0)
            """,
        ),
        "order_turned_round": Mistake(
            """The pieces, or the rows, stand in the opposite order: the first holds the text's
            beginning.
            """,
            "return tuple(each[::-1] for each in solution(text, rows, steps))",
            "return tuple(each[:, :, ::-1] for each in solution(text, rows, steps))",
        ),
        "next_number": Mistake(
            """The targets are the inputs plus 1. That is so in a text that counts, and in no other.
            """,
            "return solution(text, rows, steps)[0], solution(text, rows, steps)[0] + 1",
        ),
        "end_of_the_text_taken": Mistake(
            """Characters are left out at the start of the text. Leave out those at its end.""",
            """
            used = (len(text) - 1) // (rows * steps) * rows * steps
            return solution(text[len(text) - used - 1 :], rows, steps)
            """,
        ),
        "one_piece_short": Mistake(
            """One piece is missing that the text would fill.

            It needs pieces * rows * steps characters and one more, for the last target.
            """,
            """
            inputs, targets = solution(text, rows, steps)
            return inputs[:-1], targets[:-1]
            """,
        ),
    },
)
