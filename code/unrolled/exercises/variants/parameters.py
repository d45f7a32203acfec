"""The exercise ``variants.parameters``."""

from __future__ import annotations

from typing import Any

import numpy as np

from unrolled.exercises.grading import Exercise, Mistake

Counts = tuple[int, int, int, int, int]


def parameters(inputs: int, hidden: int) -> Counts:
    """Count what LSTM, V, CIFG, FGR and GRU learn: five whole numbers.

    inputs is I, hidden is H.
    """
    block = hidden * (inputs + hidden + 2)
    lstm = 4 * block
    v = lstm + 3 * hidden
    cifg = 3 * block + 2 * hidden
    fgr = v + 9 * hidden**2
    gru = 3 * block
    return lstm, v, cifg, fgr, gru


def _by_shapes(inputs: int, hidden: int) -> Any:
    blocks = {"LSTM": "ifgo", "V": "ifgo", "CIFG": "igo", "FGR": "ifgo", "GRU": "rzn"}
    counts = []
    for name, letters in blocks.items():
        gates = len(letters.replace("g", ""))
        shapes = [(hidden, inputs), (hidden, hidden), (hidden,), (hidden,)] * len(letters)
        shapes += [(hidden,)] * gates * (name in ("V", "CIFG", "FGR"))
        shapes += [(gates * hidden, gates * hidden)] * (name == "FGR")
        counts.append(sum(int(np.prod(shape)) for shape in shapes))
    return tuple(counts)


def _vectorised(inputs: int, hidden: int) -> Any:
    products, peepholes, gates = np.array([[4, 0, 0], [4, 3, 0], [3, 2, 0], [4, 3, 9], [3, 0, 0]]).T
    counts = products * hidden * (inputs + hidden + 2) + peepholes * hidden + gates * hidden**2
    return tuple(counts)


def _torch(inputs: int, hidden: int) -> Any:
    from torch import nn

    lstm, gru = (
        sum(each.numel() for each in cell(inputs, hidden).parameters())
        for cell in (nn.LSTM, nn.GRU)
    )
    return lstm, lstm + 3 * hidden, gru + 2 * hidden, lstm + (3 + 9 * hidden) * hidden, gru


def _lstm_is_right(result: Any, inputs: int, hidden: int) -> bool:
    """`LSTM` is not right. Begin with it, for the others are made of the same blocks.

    Write down the shapes of one gate's W, U and biases, and how many such blocks there are.
    """
    return bool(result[0] == parameters(inputs, hidden)[0])


def _v_is_right(result: Any, inputs: int, hidden: int) -> bool:
    """`LSTM` is right, and `V` is not. What is between them are the peepholes alone.

    Which gates have one, and how many numbers does it hold?
    """
    return bool(result[1] == parameters(inputs, hidden)[1])


def _cifg_is_right(result: Any, inputs: int, hidden: int) -> bool:
    """`V` is right, and `CIFG` is not. It is V without all that belongs to the forget gate.

    That is a block, and something besides.
    """
    return bool(result[2] == parameters(inputs, hidden)[2])


def _fgr_is_right(result: Any, inputs: int, hidden: int) -> bool:
    """`V` is right, and `FGR` is not. What is between them are matrices, and nothing else.

    How many gates look, at how many? The matrices have no biases of their own.
    """
    return bool(result[3] == parameters(inputs, hidden)[3])


def _gru_is_right(result: Any, inputs: int, hidden: int) -> bool:
    """`LSTM` is right, and `GRU` is not. Its blocks are as large as the LSTM's.

    How many has it? Its two gates are r and z.
    """
    return bool(result[4] == parameters(inputs, hidden)[4])


EXERCISE = Exercise(
    parameters,
    cases=[(4, 10), (10, 4), (1, 1), (7, 3), (1, 64), (300, 2), (999, 1001)],
    alternatives=[_by_shapes, _vectorised, _torch],
    properties=[_lstm_is_right, _v_is_right, _cifg_is_right, _fgr_is_right, _gru_is_right],
    parts=("LSTM", "V", "CIFG", "FGR", "GRU"),
    mistakes={
        "one_bias": Mistake(
            """There is one bias vector here for each gate. torch has two, which it adds.

            One would do, and papers count one: their numbers are smaller than torch's.
            """,
            {"inputs + hidden + 2": "inputs + hidden + 1"},
        ),
        "no_bias": Mistake(
            """The biases are missing. Each gate, and each candidate, has two vectors (H,) in
            torch.
            """,
            {"inputs + hidden + 2": "inputs + hidden"},
        ),
        "candidates_forgotten": Mistake(
            """The candidates are missing. They are no gates, but they have weights of their own.

            An LSTM has three gates and a candidate: four blocks. A GRU has two gates and a
            candidate.
            """,
            {"4 * block": "3 * block", "cifg = 3 *": "cifg = 2 *", "gru = 3 *": "gru = 2 *"},
        ),
        "candidate_of_lstm_forgotten": Mistake(
            """The candidate of the LSTM is missing. It is no gate, but it has weights of its own.

            An LSTM has three gates and a candidate: four blocks.
            """,
            {"4 * block": "3 * block", "cifg = 3 * block": "cifg = 2 * block"},
            {"4 * block": "3 * block"},
        ),
        "candidate_of_gru_forgotten": Mistake(
            """The candidate of the GRU is missing. It is no gate, but it has weights of its own.

            A GRU has two gates and a candidate: three blocks.
            """,
            {"gru = 3 * block": "gru = 2 * block"},
        ),
        "gru_like_lstm": Mistake(
            """The GRU has a block too many. It has two gates, r and z, and a candidate: three
            blocks.
            """,
            {"gru = 3 * block": "gru = 4 * block"},
        ),
        "coupled_counted_in_full": Mistake(
            """CIFG has the forget gate's parameters, and should not: f = 1 - i needs none.

            Neither weights nor biases nor a peephole are there for it.
            """,
            {"3 * block + 2 * hidden": "4 * block + 3 * hidden"},
            {"3 * block + 2 * hidden": "4 * block + 2 * hidden"},
        ),
        "coupled_with_three_peepholes": Mistake(
            """CIFG has a peephole too many: f = 1 - i needs none. It has two, for i and o.""",
            {"3 * block + 2 * hidden": "3 * block + 3 * hidden"},
        ),
        "coupled_without_peepholes": Mistake(
            """CIFG has no peepholes here. It is V with coupled gates, so i and o have theirs.""",
            {"3 * block + 2 * hidden": "3 * block"},
        ),
        "peepholes_are_matrices": Mistake(
            """The peepholes are counted as matrices, H by H. They are vectors.

            A gate sees the state of its own cell only, through one weight for each cell.
            """,
            {"+ 3 * hidden": "+ 3 * hidden**2", "+ 2 * hidden": "+ 2 * hidden**2"},
        ),
        "peephole_for_candidate": Mistake(
            """There is a peephole too many: the candidate has none. Gates have peepholes: i, f and
            o.
            """,
            {"+ 3 * hidden": "+ 4 * hidden", "+ 2 * hidden": "+ 3 * hidden"},
        ),
        "single_peepholes": Mistake(
            """Each gate has one peephole weight here. It has one for each of H cells.""",
            {"+ 3 * hidden": "+ 3", "+ 2 * hidden": "+ 2"},
        ),
        "no_peepholes": Mistake(
            """The peepholes are missing: V has three vectors (H,), for i, f and o, and CIFG has
            two.
            """,
            {" + 3 * hidden": "", " + 2 * hidden": ""},
        ),
        "gates_see_their_own_past": Mistake(
            """FGR has three matrices (H, H) more than V here. Likely: each gate sees only itself
            one step before.

            It should see all three, and there are three of them that look: nine matrices.
            """,
            {"9 * hidden**2": "3 * hidden**2"},
        ),
        "gates_see_the_others": Mistake(
            """FGR has six matrices (H, H) more than V here. Likely: a gate sees the other two,
            and not itself.

            It sees all three of the step before, its own past as well: nine matrices.
            """,
            {"9 * hidden**2": "6 * hidden**2"},
        ),
        "gate_recurrence_without_peepholes": Mistake(
            """FGR has no peepholes here. It is V with more, so it has those of V: three vectors
            (H,).
            """,
            {"fgr = v +": "fgr = lstm +"},
        ),
        "gates_see_own_unit": Mistake(
            """FGR has nine vectors more than V here: each gate sees its own unit only. It sees all
            H: nine matrices.
            """,
            {"9 * hidden**2": "9 * hidden"},
        ),
        "candidate_sees_the_gates": Mistake(
            """FGR has twelve matrices (H, H) more than V here. Likely: the candidate sees the
            gates, or they see it.

            Only i, f and o see i, f and o: nine matrices.
            """,
            {"9 * hidden**2": "12 * hidden**2"},
        ),
        "candidate_joins_the_gates": Mistake(
            """FGR has 16 matrices (H, H) more than V here. Only i, f and o see i, f and o, so
            there are nine.

            The candidate is not one of them.
            """,
            {"9 * hidden**2": "16 * hidden**2"},
        ),
        "inputs_for_hidden": Mistake(
            """The two sizes have changed places: each block has H rows, one for each unit.""",
            "return solution(hidden, inputs)",
        ),
        "one_bias_in_gru": Mistake(
            """The GRU has one bias vector a block here. torch's has two, like its LSTM.

            In the candidate the second one does what the first cannot: the reset gate
            multiplies it.
            """,
            {"gru = 3 * block": "gru = 3 * (block - hidden)"},
        ),
        "fgr_and_gru_swapped": Mistake(
            """`FGR` and `GRU` have changed places. The order is LSTM, V, CIFG, FGR, GRU.""",
            {"cifg, fgr, gru": "cifg, gru, fgr"},
        ),
    },
)
