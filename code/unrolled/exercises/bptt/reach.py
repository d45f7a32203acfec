"""The exercise ``bptt.reach``."""

from __future__ import annotations

from typing import Any

import numpy as np

from unrolled.exercises.grading import Exercise, Mistake


def reach(t: int, back: int, every: int) -> int:
    """Count the steps that an error reaches under BPTT(back; every).

    It is that of step t; count step t too. 1 <= every <= back <= t.
    """
    until_the_pass = -t % every
    return back - until_the_pass


def _reach_looped(t: int, back: int, every: int) -> int:
    start = t
    while start % every:
        start += 1
    return len(range(start - back + 1, t + 1))


def _reach_vectorised(t: int, back: int, every: int) -> Any:
    starts = np.arange(every, t + every, every)
    return t - (starts[starts >= t][0] - back)


def _reach_walked(t: int, back: int, every: int) -> int:
    now = every
    while now < t:  # a pass that does not know of the error yet
        now += every
    return sum(step <= t for step in range(now, now - back, -1))


def _reach_torch(t: int, back: int, every: int) -> Any:
    import torch

    start = torch.ceil(torch.tensor(t / every)) * every
    return t - start + back


def _within_the_pass(result: Any, t: int, back: int, every: int) -> bool:
    """No error gets to more than `back` steps, or to fewer than back - every + 1.

    A pass goes `back` steps, and an error waits for it at most every - 1 of them.
    """
    return bool(back - every + 1 <= result <= back)


EXERCISE = Exercise(
    reach,
    cases=[
        (7, 6, 4),
        (8, 6, 4),
        (9, 6, 4),
        (13, 8, 4),
        (12, 5, 5),
        (15, 5, 5),
        (11, 5, 5),
        (20, 3, 1),
        (9, 9, 2),
        (1, 1, 1),
        (100, 37, 10),
        (1001, 365, 31),
        (31, 31, 31),
        (32, 31, 31),
    ],
    alternatives=[_reach_looped, _reach_walked, _reach_vectorised, _reach_torch],
    properties=[_within_the_pass],
    mistakes={
        "always_back": Mistake(
            """This is how far the pass goes, counted from where it starts. Step t may lie before
            that.

            The pass first goes from its start down to step t. Those steps are spent before the
            error of step t has come in.
            """,
            "return back",
        ),
        "own_step_left_out": Mistake(
            """This is one step less than it should be. Likely: step t itself is not counted,
            though its error passes through it first.

            One step reached means step t alone, two mean t and t - 1, and so on.
            """,
            {"back - until_the_pass": "back - until_the_pass - 1"},
        ),
        "one_step_too_many": Mistake(
            """This is one step more than it should be. Likely: both ends are counted, as in
            5 - 3 + 1, where a difference was the number of steps already.

            From step 8 through 6 steps the pass goes to 8, 7, 6, 5, 4 and 3, and not to 2.
            """,
            {"back - until_the_pass": "back - until_the_pass + 1"},
        ),
        "numbered_from_zero": Mistake(
            """This is right for the step after t. Likely: the steps are numbered from 0 here, as
            Python counts.

            The stream begins with step 1, and step t is a start when t is a multiple of `every`.
            """,
            {"-t % every": "-(t + 1) % every"},
            {"-t % every": "every - 1 - t % every"},
        ),
        "place_in_its_chunk": Mistake(
            """This stops where the pass before started, and the pass goes on beyond that.

            It is right for chunks, where back = every. When back is longer, the pass goes on
            through steps whose own errors had their turn in an earlier pass.
            """,
            "return (t - 1) % every + 1",
        ),
        "to_the_beginning": Mistake(
            """This goes back to step 1: it is what the whole gradient does, without any
            truncation.

            A pass goes through `back` steps, and stops.
            """,
            "return t",
        ),
        "the_least": Mistake(
            """This is the least that any error reaches: that of the step right after a pass.

            Such an error waits longest, every - 1 steps, for its pass. How long does step t
            wait?
            """,
            "return back - every + 1",
        ),
        "pass_before": Mistake(
            """The wait is counted from the pass before step t. Its error waits for the next one.

            The pass before was over when step t came. The next starts at the first multiple of
            `every` that is at least t. How many steps ahead is that?
            """,
            {"-t % every": "t % every"},
        ),
        "waits_at_a_start": Mistake(
            """This is `every` steps short when a pass starts at step t itself.

            Then the error waits for nothing: the pass takes it in at once. `every - t % every` is
            `every` there, and should be 0.
            """,
            {"-t % every": "every - t % every"},
        ),
        "in_every_pass": Mistake(
            """The error is counted in every pass that goes through step t.

            A pass takes in the errors *since the pass before*, so each error has one pass, the
            first that starts at step t or later.
            """,
            """
            starts = [start for start in range(every, t + back, every) if start >= t]
            return sum(back - (start - t) for start in starts)
            """,
        ),
    },
)
