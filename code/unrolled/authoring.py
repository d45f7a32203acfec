"""New exercises and claims: files that run as they are and say what to fill in."""

from __future__ import annotations

import keyword
import re
import sys
from pathlib import Path
from string import Template

from unrolled.core.book import chapters
from unrolled.core.files import write_atomically

PACKAGE = Path(__file__).resolve().parent
BLANK = "Fill in:"  # stands wherever an author has something to say

_EXERCISE = Template('''\
"""The exercise ``$id``."""

from __future__ import annotations

from typing import Any

import numpy as np

from unrolled.core.validate import Array
from unrolled.exercises._drawing import numbers
from unrolled.exercises.grading import Exercise, Mistake

_rng = np.random.default_rng(0)


def $name(x: Array, scale: float) -> Array:
    """Fill in: say in one line what the function returns.

    Then what its arguments are, with their shapes, and what comes back, also at the
    edges. This docstring is the prompt that a reader sees, at most 88 characters wide;
    the name and the parameters are the starter.
    """
    return scale * x


# Fill in: other right answers, so that checks are not too strict. One with a loop, one in torch.


def _one_by_one(x: Array, scale: float) -> list[float]:
    return [scale * each for each in x]


def _in_torch(x: Array, scale: float) -> Any:
    import torch

    return scale * torch.as_tensor(x)


EXERCISE = Exercise(
    $name,
    # Fill in: the first case small enough to read; then sizes that all differ, 1 and 30 of what
    # can be many, zeros, huge and tiny numbers, equalities, and two neighbours of one shape.
    cases=[
        (np.array([1.0, -2.0]), 3.0),
        (numbers(_rng, 5), -0.5),
        (numbers(_rng, 5), 2.0),
        (numbers(_rng, 30), 1e6),
        (np.zeros(1), 4.0),
    ],
    alternatives=[_one_by_one, _in_torch],
    mistakes={
        # Fill in: what readers get wrong. An edit of the solution, or a body as they write it.
        "divided": Mistake(
            "Fill in: what was done, and what to do. It divides by the scale where it should "
            "multiply by it.",
            {"scale * x": "x / scale"},
        ),
        "scale_forgotten": Mistake(
            "Fill in: what was done, and what to do. The scale is not used: what comes back is "
            "the argument as it was.",
            "return x",
        ),
    },
)
''')

_CLAIM = Template('''\
"""Fill in: what is measured here, in one line."""

from __future__ import annotations

import numpy as np

from unrolled.experiments.ledger import Claim, Row, Strip, Trials


def measure(seed: int, *, tosses: int) -> dict[str, float]:
    """Fill in: the experiment. It depends on nothing but its arguments.

    Returns
    -------
    ``heads``: the share of heads among ``tosses`` tosses of a fair coin.
    """
    rng = np.random.default_rng(seed)
    return {"heads": float(rng.integers(2, size=tosses).mean())}


CLAIM = Claim(
    sentence="Fill in: one sentence that the numbers may prove wrong. A fair coin shows as many "
    "heads as tails.",
    experiment=measure,
    criterion="Fill in, before the experiment runs: the share of heads is from 0.4 to 0.6 in "
    "every run.",
    holds=lambda runs: all(0.4 <= run["heads"] <= 0.6 for run in runs),
    # Fill in: the seeds of "confirm" are never used while the experiment is developed.
    seeds={"quick": range(1), "book": range(10, 15), "confirm": range(7000, 7005)},
    settings={"quick": {"tosses": 1000}, "book": {"tosses": 1000}},
    strips=[Strip(axis="Share of heads", rows=[Row("heads", "a fair coin")], limits=(0.0, 1.0))],
    # Fill in: how many runs there were before this was declared, and where.
    trials=Trials(0, where="none"),
    # paper=Paper("key", says="what it claims", where="Table 1", untested="or a verdict"),
)
''')

_FIRST = Template(
    '"""The exercises of the chapter ``$chapter``."""\n\nORDER = (\n    "$name",\n)\n'
)
_ROOM = Template('"""What the chapter ``$chapter`` claims, measured: one file a claim."""\n')


def new(kind: str, name: str, package: Path = PACKAGE) -> Path:
    """Write the file of a new exercise or claim; an exercise is put last in its chapter's order.

    Parameters
    ----------
    kind
        ``"exercise"`` or ``"claim"``.
    name
        Its identifier, chapter and name: ``"lstm.half_life"``.
    package
        Folder of the package.

    Raises
    ------
    ValueError
        If the identifier has another form, the book has no such chapter, or the name is a word of
        Python's; for an exercise, also a module's, which a reader's file would hide.
    FileExistsError
        If there is one of that name.
    """
    chapter, _, stem = name.partition(".")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", stem):
        raise ValueError(f"name must be 'chapter.name' in lower case, got {name!r}")
    modules = {"np", *sys.stdlib_module_names} if kind == "exercise" else set[str]()
    if keyword.iskeyword(stem) or stem in modules:
        raise ValueError(f"name must be no word and no module of Python's, got {name!r}")
    if chapter not in chapters():
        raise ValueError(
            f"name must begin with a chapter of _toc.yml, one of {', '.join(chapters())}; "
            f"got {name!r}"
        )
    room = {"exercise": "exercises", "claim": "experiments"}[kind]
    path = package / room / chapter / f"{stem}.py"
    if path.exists():
        raise FileExistsError(f"name must be new, got {name!r}, which is {path}")
    if kind == "exercise":
        _put_last(path.parent / "__init__.py", chapter, stem)
        write_atomically(path, _EXERCISE.substitute(id=name, name=stem))
    else:
        init = path.parent / "__init__.py"
        if not init.exists():
            write_atomically(init, _ROOM.substitute(chapter=chapter))
        write_atomically(path, _CLAIM.substitute())
    return path


def _put_last(init: Path, chapter: str, stem: str) -> None:
    """Name an exercise at the end of its chapter's order."""
    if not init.exists():
        write_atomically(init, _FIRST.substitute(chapter=chapter, name=stem))
        return
    text = init.read_text(encoding="utf-8")
    before, order, after = text.partition("ORDER = (\n")
    names, end, rest = after.partition(")\n")
    if not order or not end:
        raise ValueError(f"{init} must hold `ORDER = (` and a name a line")
    write_atomically(init, f'{before}{order}{names}    "{stem}",\n{end}{rest}')
