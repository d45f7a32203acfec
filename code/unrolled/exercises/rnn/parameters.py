"""The exercise ``rnn.parameters``."""

from __future__ import annotations

from typing import Any

import numpy as np

from unrolled.exercises.grading import Exercise, Mistake


def parameters(steps: int, inputs: int, hidden: int, outputs: int) -> int:
    """Count the parameters of a recurrent network that reads so many steps.

    All four are whole numbers, at least 1, and so is the result.
    """
    return hidden * inputs + hidden * hidden + hidden + outputs * hidden + outputs


def _parameters_looped(steps: int, inputs: int, hidden: int, outputs: int) -> int:
    count = 0
    for units, fan_in in ((hidden, inputs + hidden), (outputs, hidden)):
        for _ in range(units):
            count += fan_in + 1
    return count


def _parameters_vectorised(steps: int, inputs: int, hidden: int, outputs: int) -> Any:
    shapes = np.array([(hidden, inputs + hidden + 1), (outputs, hidden + 1)])
    return shapes.prod(axis=1).sum()


def _parameters_torch(steps: int, inputs: int, hidden: int, outputs: int) -> int:
    from torch import nn

    layers = nn.Linear(inputs + hidden, hidden), nn.Linear(hidden, outputs)
    return sum(p.numel() for layer in layers for p in layer.parameters())


EXERCISE = Exercise(
    parameters,
    cases=[
        (10, 5, 3, 2),
        (1, 1, 1, 1),
        (7, 2, 4, 3),
        (7, 3, 2, 4),
        (100, 3, 8, 1),
        (1, 40, 1, 30),
        (2, 1, 999, 1000),
    ],
    alternatives=[_parameters_looped, _parameters_vectorised, _parameters_torch],
    mistakes={
        "a_copy_for_each_step": Mistake(
            """Here each step has parameters of its own. A recurrent network has the same at all
            steps.

            The unrolled picture shows as many copies of the network as there are steps, but W,
            U, b, V and c are the same in every copy. The number of steps does not count.
            """,
            "return steps * solution(steps, inputs, hidden, outputs)",
            "return steps * (hidden * (inputs + hidden + 1) + outputs * (hidden + 1))",
            "return steps * hidden * (inputs + hidden + 1) + outputs * (hidden + 1)",
            "return hidden * (inputs + hidden + 1) + steps * outputs * (hidden + 1)",
            "return steps * hidden * (inputs + hidden + 1) - hidden**2 + outputs * (hidden + 1)",
        ),
        "an_input_layer_for_each_step": Mistake(
            """Here the input weights grow with the number of steps, as they do for a window.

            A recurrent network reads one step at a time, each with the same W. The number of
            steps does not count.
            """,
            "return solution(steps, steps * inputs, hidden, outputs)",
        ),
        "no_recurrent_weights": Mistake(
            """The recurrent weights are missing: U leads from every hidden unit to every hidden
            unit.

            Without them this is a perceptron, applied to each step alone.
            """,
            "return solution(steps, inputs, hidden, outputs) - hidden * hidden",
            "return (inputs + 1) * hidden + (hidden + 1) * outputs",
        ),
        "one_recurrent_weight_a_unit": Mistake(
            """Here each hidden unit receives from itself only. In U h[t - 1] it receives from all
            of them.

            U is a matrix with `hidden` rows and `hidden` columns.
            """,
            "return solution(steps, inputs, hidden, outputs) - hidden * hidden + hidden",
        ),
        "no_biases_at_all": Mistake(
            """The biases are missing: b has `hidden` entries, c has `outputs`.""",
            "return solution(steps, inputs, hidden, outputs) - hidden - outputs",
        ),
        "no_readout": Mistake(
            """The readout is missing: V leads from each hidden unit to each output, and c is its
            bias.
            """,
            "return hidden * (inputs + hidden + 1)",
        ),
        "no_readout_bias": Mistake(
            """The bias of the readout is missing: c has one entry for each output.""",
            "return solution(steps, inputs, hidden, outputs) - outputs",
        ),
        "two_biases": Mistake(
            """This counts two biases of the hidden units. `torch.nn.RNN` has two, this network has
            one.

            Their sum is all that matters: W x[t] + b_ih + U h[t - 1] + b_hh.
            """,
            "return solution(steps, inputs, hidden, outputs) + hidden",
        ),
        "states_counted": Mistake(
            """This counts the states among the parameters. They are computed, not learned.

            There are `steps` states of `hidden` numbers each; none of them is a parameter.
            """,
            "return solution(steps, inputs, hidden, outputs) + steps * hidden",
        ),
    },
)
