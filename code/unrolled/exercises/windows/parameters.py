"""The exercise ``windows.parameters``."""

from __future__ import annotations

from typing import Any

import numpy as np

from unrolled.exercises.grading import Exercise, Mistake


def parameters(window: int, hidden: int) -> int:
    """Count the trainable numbers of a perceptron over a window.

    window values enter, hidden tanh units follow, one number comes out.
    Return a whole number.
    """
    return window * hidden + hidden + hidden + 1


def _parameters_looped(window: int, hidden: int) -> int:
    count = 0
    for inputs, units in ((window, hidden), (hidden, 1)):
        for _ in range(units):
            count += inputs + 1
    return count


def _parameters_vectorised(window: int, hidden: int) -> Any:
    sizes = np.array([window, hidden, 1])
    return ((sizes[:-1] + 1) * sizes[1:]).sum()


def _parameters_torch(window: int, hidden: int) -> int:
    from torch import nn

    model = nn.Sequential(nn.Linear(window, hidden), nn.Tanh(), nn.Linear(hidden, 1))
    return sum(p.numel() for p in model.parameters())


SUM = "window * hidden + hidden + hidden + 1"

EXERCISE = Exercise(
    parameters,
    cases=[(5, 3), (1, 1), (24, 32), (2, 7), (7, 2), (1, 40), (30, 1), (999, 1001)],
    alternatives=[_parameters_looped, _parameters_vectorised, _parameters_torch],
    mistakes={
        "no_biases": Mistake(
            """This is short by hidden + 1: either all the biases or the whole output layer is
            missing.

            Each hidden unit has a bias, and so has the output. From each hidden unit there is a
            weight to the output. Of these two sets, `hidden` biases and `hidden` weights, one
            is not counted, and neither is the bias of the output.
            """,
            {SUM: "window * hidden + hidden"},
            "return (window + 1) * hidden",
        ),
        "no_output_bias": Mistake(
            """One number is missing: the bias of the output.""",
            {SUM: "window * hidden + hidden + hidden"},
        ),
        "hidden_counted_once": Mistake(
            """This is short by `hidden`: one of two sets of that size is missing.

            There are `hidden` biases, one for each hidden unit, and also `hidden` weights from
            the hidden units to the output.
            """,
            {SUM: "window * hidden + hidden + 1"},
        ),
        "first_layer_only": Mistake(
            """This counts the weights of the first layer only.

            To come: a bias for each hidden unit, a weight from each of them to the output, and
            its bias.
            """,
            {SUM: "window * hidden"},
        ),
        "one_bias_a_layer": Mistake(
            """Here each layer has one bias; in truth each of its units has one.

            The hidden layer has `hidden` biases, the output layer has one.
            """,
            {SUM: "window * hidden + hidden + 2"},
        ),
        "counts_units": Mistake(
            """These are the units of the network. What it learns is on the connections between
            them.

            Between `window` lags and `hidden` units there are window * hidden weights.
            """,
            {SUM: "window + hidden + 1"},
        ),
        "biased_inputs": Mistake(
            """The lags were given biases, too. They are data: nothing is learned for them.

            Only the hidden units and the output have biases.
            """,
            {SUM: "window * hidden + hidden + hidden + 1 + window"},
        ),
    },
)
