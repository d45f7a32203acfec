"""A search that mutates cells, judged by nine fresh networks."""

from __future__ import annotations

from unrolled.experiments.ledger import Claim, Paper, Row, Strip, Trials
from unrolled.experiments.variants._structures import (
    SEARCH,
    SEARCH_COMPARED,
    found_is_not_always_best,
    structures,
)

CLAIM = Claim(
    paper=Paper(
        key="jozefowicz2015empirical",
        where="abstract",
        says="A search over ten thousand cells found one that outperforms LSTM and GRU on some "
        "tasks but not on all.",
        untested="Ours tests ten cells, on one small task.",
    ),
    sentence=(
        "Judged by nine fresh networks in place of three, the cell that a search finds errs less "
        "than the tanh cell in every run. It is not always better than both LSTM and GRU, for it "
        "may be one of them, and it does worse than the search promised; the design makes both "
        "all but sure."
    ),
    experiment=structures,
    criterion=(
        "The error of the cell that is found, the median of fresh networks on test data, is "
        "below the tanh cell's in every run, and not in every run below both the LSTM's and "
        "the GRU's. On average over the runs it is above the error for which the search chose "
        "the cell."
    ),
    holds=found_is_not_always_best,
    seeds={"quick": range(10, 11), "book": range(20, 25), "confirm": range(7000, 7005)},
    settings={
        "quick": {
            **SEARCH,
            "task": "adding",
            "rates": [0.03, 0.1],
            "generations": 1,
            "children": 3,
            "updates": 30,
            "draws": 1,
            "networks": 1,
        },
        "book": {
            **SEARCH,
            "task": "arithmetic",
            "rates": [0.01, 0.03, 0.06, 0.1],
            "generations": 3,
            "children": 3,
            "updates": 250,
            "draws": 5,
            "networks": 9,
        },
    },
    strips=[
        Strip(
            axis="Symbols of the answer wrong",
            rows=[
                Row("promised", "found, what the search promised"),
                Row("found", "found, fresh networks"),
                Row("rivals", "{}, fresh networks", over="rivals"),
            ],
            limits=(0.2, 0.6),
        ),
    ],
    compared=SEARCH_COMPARED,
    trials=Trials(where="after `variants.structures` had not held in development"),
    deviations=[
        "Task, search and criterion are those of `variants.structures`, and so are its deviations.",
        "In development the seeds are others. In the confirmation they are the same, so that "
        "both judge the same five searches.",
        "What is found is judged by the median of nine networks, what the search promises is "
        "the best of four.",
    ],
)
