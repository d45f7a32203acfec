"""A recurrent network that predicts English, against counts of characters."""

from __future__ import annotations

from collections.abc import Sequence

from unrolled.cells import Elman
from unrolled.experiments.ledger import Claim, Row, Strip, Trials, Tuned
from unrolled.experiments.rnn._counts import STRENGTHS, best_counted_bits
from unrolled.experiments.rnn._writer import (
    WRITER,
    bits,
    bits_by_context,
    parts,
    train_writer,
    writer,
)
from unrolled.experiments.runs import stack


def writer_and_counts(
    seed: int,
    *,
    hidden: int,
    streams: int,
    steps: int,
    rate: float,
    updates: int,
    learn: int,
    orders: Sequence[int],
    contexts: Sequence[int],
) -> dict[str, float | list[float]]:
    """Learn to predict English, by a recurrent network and by counting.

    Returns
    -------
    Bits a character on text that neither has seen: ``bits`` of the network, which reads it in ten
    rows, and ``counts`` of tables that look back ``orders`` characters. ``bits, learned`` is the
    network's on the beginning of the text learned from; ``fresh`` its bits on the unseen text when
    its state began at zeros so many characters before, one for each of ``contexts``.
    """
    text = parts()
    known = text.learn[:learn]
    model = train_writer(
        writer(seed, Elman, hidden=hidden),
        known,
        streams=streams,
        steps=steps,
        rate=rate,
        updates=updates,
    )
    by_context = bits_by_context(model, text.test, longest=max(contexts))
    counted = best_counted_bits(known, text.held_out, text.test, orders=orders)
    return {
        "bits": bits(model, text.test),
        "bits, learned": bits(model, known[: len(text.test)]),
        "counts": [found for _, found in counted],
        "strengths": [strength for strength, _ in counted],
        "fresh": [by_context[context - 1] for context in contexts],
    }


CLAIM = Claim(
    sentence=(
        "A recurrent network that has read 120,000 characters of English predicts the next one "
        "better than any counts of what followed two characters, and not as well as counts of "
        "what followed four."
    ),
    experiment=writer_and_counts,
    criterion=(
        "In every run, on text held back, the network needs fewer bits a character than counts "
        "over the last two characters and more than counts over the last four, each smoothed as "
        "suits it best."
    ),
    holds=lambda runs: bool(
        (stack(runs, "bits")[:, 0] < stack(runs, "counts")[:, 2]).all()
        and (stack(runs, "bits")[:, 0] > stack(runs, "counts")[:, 4]).all()
    ),
    seeds={"quick": range(90, 91), "book": range(100, 105), "confirm": range(7000, 7005)},
    settings={
        "quick": {
            **WRITER,
            "hidden": 8,
            "updates": 5,
            "learn": 2000,
            "orders": [0, 1, 2, 3, 4],
            "contexts": [1, 2],
        },
        "book": {
            **WRITER,
            "learn": 120_000,
            "orders": [0, 1, 2, 3, 4, 5],
            "contexts": [1, 2, 3, 4, 5, 10, 20, 50],
        },
    },
    strips=[
        Strip(
            axis="Bits a character",
            rows=[
                Row("bits", "the network, on unseen text"),
                Row("counts", "counts of the last {}", over="orders"),
                Row("bits, learned", "the network, on text it learned from"),
            ],
            limits=(1.0, 4.5),
        ),
        Strip(
            axis="Bits a character, by what was read before",
            rows=[Row("fresh", "characters since zeros: {}", over="contexts")],
            limits=(1.0, 4.5),
        ),
    ],
    tuned=[
        Tuned(arm="the network", setting="first rate", tried=(0.003, 0.01, 0.03), chosen=0.01),
        Tuned(arm="the network", setting="rows", tried=(16, 32), chosen=16),
        Tuned(
            arm="counts of the last 4",
            setting="strength of the smoothing",
            tried=STRENGTHS,
            best="strengths",
            element=4,
        ),
    ],
    trials=Trials(
        8,
        where="seeds 0 to 2 on the text held out, rates at 600 updates; the test text was scored "
        "once, with seed 0, before the sentence was written",
    ),
)
