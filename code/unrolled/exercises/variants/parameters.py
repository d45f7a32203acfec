"""The exercise ``variants.parameters``."""

from __future__ import annotations

from typing import Any

import numpy as np

from unrolled.exercises.grading import Exercise, Mistake

Counts = tuple[int, int, int, int, int]


def parameters(inputs: int, hidden: int) -> Counts:
    """Count the parameters of five cells: return (LSTM, V, CIFG, FGR, GRU).

    inputs is I, hidden is H. Each gate, and each candidate, has input weights (H, I),
    recurrent weights (H, H) and two bias vectors (H,), as in torch. LSTM is torch's. V
    has peepholes as well. CIFG is V with f = 1 - i, a forget gate that needs no
    parameters of its own. FGR is V in which i, f and o also see i, f and o of the step
    before, all units of them. GRU is torch's. All five are whole numbers.
    """
    block = hidden * (inputs + hidden + 2)
    lstm = 4 * block
    v = lstm + 3 * hidden
    cifg = 3 * block + 2 * hidden
    fgr = v + 9 * hidden**2
    gru = 3 * block
    return lstm, v, cifg, fgr, gru


def _parameters_by_shapes(inputs: int, hidden: int) -> Any:
    blocks = {"LSTM": "ifgo", "V": "ifgo", "CIFG": "igo", "FGR": "ifgo", "GRU": "rzn"}
    counts = []
    for name, letters in blocks.items():
        gates = len(letters.replace("g", ""))
        shapes = [(hidden, inputs), (hidden, hidden), (hidden,), (hidden,)] * len(letters)
        shapes += [(hidden,)] * gates * (name in ("V", "CIFG", "FGR"))
        shapes += [(gates * hidden, gates * hidden)] * (name == "FGR")
        counts.append(sum(int(np.prod(shape)) for shape in shapes))
    return tuple(counts)


def _parameters_vectorised(inputs: int, hidden: int) -> Any:
    products, peepholes, gates = np.array([[4, 0, 0], [4, 3, 0], [3, 2, 0], [4, 3, 9], [3, 0, 0]]).T
    counts = products * hidden * (inputs + hidden + 2) + peepholes * hidden + gates * hidden**2
    return tuple(counts)


def _parameters_torch(inputs: int, hidden: int) -> Any:
    from torch import nn

    lstm, gru = (
        sum(each.numel() for each in cell(inputs, hidden).parameters())
        for cell in (nn.LSTM, nn.GRU)
    )
    return lstm, lstm + 3 * hidden, gru + 2 * hidden, lstm + (3 + 9 * hidden) * hidden, gru


def _counted(
    inputs: int,
    hidden: int,
    *,
    block: int | None = None,
    blocks: tuple[int, int, int] = (4, 3, 3),
    peepholes: tuple[int, int] | None = None,
    between: int | None = None,
) -> Counts:
    """Count with another idea of a block, of their number, of peepholes or of gate recurrence."""
    block = hidden * (inputs + hidden + 2) if block is None else block
    three, two = peepholes or (3 * hidden, 2 * hidden)
    between = 9 * hidden**2 if between is None else between
    lstm, cifg, gru = (number * block for number in blocks)
    return lstm, lstm + three, cifg + two, lstm + three + between, gru


EXERCISE = Exercise(
    parameters,
    cases=[(4, 10), (1, 1), (7, 3), (30, 50)],
    alternatives=[_parameters_by_shapes, _parameters_vectorised, _parameters_torch],
    parts=("LSTM", "V", "CIFG", "FGR", "GRU"),
    mistakes={
        "one_bias": Mistake(
            """There is one bias vector here for each gate. torch has two, which it adds.

            One would do, and papers count one: their numbers are smaller than torch's.
            """,
            "return _counted(inputs, hidden, block=hidden * (inputs + hidden + 1))",
            """
            H = hidden
            gate = H * inputs + H * H + H
            lstm, v = 4 * gate, 4 * gate + 3 * H
            return lstm, v, 3 * gate + 2 * H, v + 9 * H * H, 3 * gate
            """,
        ),
        "no_bias": Mistake(
            """The biases are missing. Each gate, and each candidate, has two vectors (H,) in
            torch.
            """,
            "return _counted(inputs, hidden, block=hidden * (inputs + hidden))",
        ),
        "candidates_forgotten": Mistake(
            """The candidates are missing. They are no gates, but they have weights of their own.

            An LSTM has three gates and a candidate: four blocks. A GRU has two gates and a
            candidate.
            """,
            "return _counted(inputs, hidden, blocks=(3, 2, 2))",
            """
            H = hidden
            gate = H * inputs + H * H + 2 * H
            lstm, v = 3 * gate, 3 * gate + 3 * H
            return lstm, v, 2 * gate + 2 * H, v + 9 * H * H, 2 * gate
            """,
        ),
        "candidate_of_gru_forgotten": Mistake(
            """The candidate of the GRU is missing. It is no gate, but it has weights of its own.

            A GRU has two gates and a candidate: three blocks.
            """,
            "return _counted(inputs, hidden, blocks=(4, 3, 2))",
        ),
        "gru_like_lstm": Mistake(
            """The GRU has a block too many. It has two gates, r and z, and a candidate: three
            blocks.
            """,
            "return _counted(inputs, hidden, blocks=(4, 3, 4))",
        ),
        "coupled_counted_in_full": Mistake(
            """CIFG has the forget gate's parameters, and should not: f = 1 - i needs none.

            Neither weights nor biases nor a peephole are there for it.
            """,
            """
            return _counted(inputs, hidden, blocks=(4, 4, 3), peepholes=(3 * hidden, 3 * hidden))
            """,
        ),
        "coupled_with_three_peepholes": Mistake(
            """CIFG has a peephole too many: there is none for f = 1 - i. It has two, for i and o.""",
            "return _counted(inputs, hidden, peepholes=(3 * hidden, 3 * hidden))",
        ),
        "coupled_without_peepholes": Mistake(
            """CIFG has no peepholes here. It is V with coupled gates, so i and o have theirs.""",
            "return _counted(inputs, hidden, peepholes=(3 * hidden, 0))",
        ),
        "peepholes_are_matrices": Mistake(
            """The peepholes are counted as matrices, H by H. They are vectors.

            A gate sees the state of its own cell only, through one weight for each cell.
            """,
            "return _counted(inputs, hidden, peepholes=(3 * hidden**2, 2 * hidden**2))",
            """
            H = hidden
            gate = H * inputs + H * H + 2 * H
            lstm, v = 4 * gate, 4 * gate + 3 * H * H
            return lstm, v, 3 * gate + 2 * H * H, v + 9 * H * H, 3 * gate
            """,
        ),
        "peephole_for_candidate": Mistake(
            """There is a peephole too many: the candidate has none. Gates have peepholes: i, f and
            o.
            """,
            "return _counted(inputs, hidden, peepholes=(4 * hidden, 3 * hidden))",
        ),
        "single_peepholes": Mistake(
            """Each gate has one peephole weight here. It has one for each of H cells.""",
            "return _counted(inputs, hidden, peepholes=(3, 2))",
        ),
        "no_peepholes": Mistake(
            """The peepholes are missing: V has three vectors (H,), for i, f and o, and CIFG has
            two.
            """,
            "return _counted(inputs, hidden, peepholes=(0, 0))",
        ),
        "gates_see_their_own_past": Mistake(
            """In FGR each gate sees only itself one step before: three matrices (H, H).

            It should see all three, and there are three of them that look: nine matrices.
            """,
            "return _counted(inputs, hidden, between=3 * hidden**2)",
            """
            H = hidden
            gate = H * inputs + H * H + 2 * H
            lstm, v = 4 * gate, 4 * gate + 3 * H
            return lstm, v, 3 * gate + 2 * H, v + 3 * H * H, 3 * gate
            """,
        ),
        "gate_recurrence_without_peepholes": Mistake(
            """FGR has no peepholes here. It is V with more, so it has those of V: three vectors
            (H,).
            """,
            """
            lstm, v, cifg, _, gru = solution(inputs, hidden)
            return lstm, v, cifg, lstm + 9 * hidden**2, gru
            """,
            """
            H = hidden
            gate = H * inputs + H * H + 2 * H
            lstm, v = 4 * gate, 4 * gate + 3 * H
            return lstm, v, 3 * gate + 2 * H, lstm + 9 * H * H, 3 * gate
            """,
        ),
        "gates_see_own_unit": Mistake(
            """In FGR each gate sees its own unit only: nine vectors. It sees all H: nine matrices.""",
            "return _counted(inputs, hidden, between=9 * hidden)",
        ),
        "candidate_joins_the_gates": Mistake(
            """FGR has 16 matrices (H, H) more here. Only i, f and o see i, f and o, so there are
            nine.

            The candidate is not one of them.
            """,
            "return _counted(inputs, hidden, between=16 * hidden**2)",
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
            """
            *others, _ = solution(inputs, hidden)
            return *others, 3 * hidden * (inputs + hidden + 1)  # type: ignore[return-value]
            """,
        ),
    },
)
