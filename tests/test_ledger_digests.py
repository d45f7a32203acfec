"""A judge's digest changes when what it decides may change, and never is empty in silence."""

import sys
from importlib import import_module, invalidate_caches

import pytest

from unrolled.experiments.ledger import Claim
from unrolled.experiments.ledger.digests import code, judge, sources

HEAD = """
from functools import partial
from judging.toys._shared import best, {extra}
LIMIT = 3

def play(seed):
    return {{"x": best([seed])}}

def below(limit, of=max):
    return lambda runs: of(run["x"] for run in runs) < limit

def met(runs):
    return len(runs) > LIMIT

"""
SHARED = """
SCALE = 1

def best(values):
    return SCALE * max(values)

def unused(values):
    return min(values)
"""


@pytest.fixture
def digest(tmp_path, monkeypatch):
    """Return a function from a judge's text, in a file, to its digest."""
    monkeypatch.syspath_prepend(tmp_path)
    folder = tmp_path / "judging" / "toys"
    folder.mkdir(parents=True)
    for place in (folder, folder.parent):
        (place / "__init__.py").write_text("")
    count = iter(range(1000))

    def declared(judge_text, head=HEAD, shared=SHARED):
        forget()
        name = f"claim{next(count)}"
        (folder / "_shared.py").write_text(shared)
        text = head.format(extra="unused") + f"HOLDS = {judge_text}\n"
        for cache in folder.rglob("__pycache__/*"):
            cache.unlink()
        (folder / f"{name}.py").write_text(text)
        invalidate_caches()
        module = import_module(f"judging.toys.{name}")
        return Claim(
            sentence="",
            criterion="",
            id="toys.toy",
            module=module.__name__,
            experiment=module.play,
            holds=module.HOLDS,
            settings={"quick": {}, "book": {}},
            seeds={"quick": [0], "book": [1], "confirm": [2]},
            strips=(),
        )

    yield lambda *arguments, **keywords: judge(declared(*arguments, **keywords))
    forget()


def forget():
    for name in [name for name in sys.modules if name.split(".")[0] == "judging"]:
        del sys.modules[name]


PLAIN = 'lambda runs: best([run["x"] for run in runs]) < LIMIT'


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (PLAIN, PLAIN.replace("<", "<=")),
        (PLAIN, PLAIN.replace("LIMIT", "4")),
        (PLAIN, PLAIN.replace("best(", "unused(")),
        ("below(3)", "below(4)"),  # what a judge has closed over
        ("below(3)", "below(3, of=min)"),
        ("below([1])", "below([2])"),
        ("below(3, of=best)", "below(3, of=unused)"),
        ("(lambda x: x, lambda x: not x)[0]", "(lambda x: -x, lambda x: not x)[0]"),
        ("(lambda x: x, lambda x: not x)[1]", "(lambda x: x, lambda x: -x)[1]"),
        ("(lambda a: lambda runs: a)(1)", "(lambda a: lambda runs: not a)(1)"),
        ("met", "below(3)"),
        ("bool", "any"),
    ],
)
def test_another_judge_has_another_digest(digest, before, after):
    assert digest(before) != digest(after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (PLAIN, "lambda runs: (\n    best([run['x'] for run in runs])  # why\n    < LIMIT\n)"),
        ("(lambda x: x, lambda x: not x)[0]", "(lambda x: x, lambda x: -x)[0]"),
        ("(lambda x: x, lambda x: not x)[1]", "(lambda x: -x, lambda x: not x)[1]"),
        ("(lambda runs: (lambda x: x)(1))", "(lambda runs: (lambda x: x)(1))  # the outer one"),
    ],
)
def test_layout_and_neighbours_do_not_count(digest, before, after):
    assert digest(before) == digest(after)


@pytest.mark.parametrize("text", [PLAIN, "below(3, of=best)"])
def test_what_a_judge_calls_counts_and_nothing_else(digest, text):
    before = digest(text)
    assert digest(text, shared=SHARED.replace("* max", "+ max")) != before
    assert digest(text, shared=SHARED.replace("SCALE = 1", "SCALE = 2")) != before
    assert digest(text, shared=SHARED.replace("min(values)", "values[0]")) == before
    assert digest(text, shared="# Words.\n" + SHARED) == before
    assert digest(text, head=HEAD.replace("play(seed)", "play(seed, n=1)")) == before
    if text == PLAIN:
        assert digest(text, head=HEAD.replace("LIMIT = 3", "LIMIT = 4")) != before


def test_the_rules_of_digests_are_those_of_the_records(digest):
    """Another way of writing code down would make every record stale, and ask for new seeds."""
    assert digest(PLAIN) == "d8b10c7dea426f99"


def test_where_a_helper_stands_does_not_count(digest):
    before = digest(PLAIN)
    here = SHARED + HEAD.replace("import best, {extra}", "import SCALE as _")
    assert digest(PLAIN, head=here) == before


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("partial(met)", TypeError, "holds must be a lambda or a function"),
        ("below(object())", TypeError, "holds must close over plain values only"),
        ("eval('lambda runs: 1')", ValueError, "holds must stand in a file"),
        ("eval(compile('lambda runs: 1', __file__, 'eval'))", ValueError, "not found in line 1"),
    ],
)
def test_a_judge_that_cannot_be_read_is_refused(digest, text, error, words):
    with pytest.raises(error, match=words):
        digest(text)


def test_a_local_experiment_is_refused(digest):
    def local(seed):
        return {}

    toy = {"sentence": "", "criterion": "", "strips": (), "settings": {"quick": {}, "book": {}}}
    seeds = {"quick": [0], "book": [1], "confirm": [2]}
    claim = Claim(id="a.b", experiment=local, holds=bool, seeds=seeds, **toy)
    with pytest.raises(ValueError, match="experiment must stand at the top of its module"):
        code(claim)
    with pytest.raises(ValueError, match="experiment must stand at the top of its module"):
        sources(claim)
