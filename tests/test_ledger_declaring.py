"""A declaration that cannot be right is refused; a claim is found by its id; words are plain."""

import dataclasses
import sys

import pytest
import records

from unrolled.experiments import ledger
from unrolled.experiments.ledger import Claim, Paper, Row, Strip, Trials, Tuned


def measure(seed, *, windows):
    return {"x": seed, "y": windows}


def claim(**changes):
    both = {"quick": {"windows": [3]}, "book": {"windows": [3, 5]}}
    return Claim(
        **{
            "id": "a.b",
            "sentence": "",
            "experiment": measure,
            "criterion": "",
            "holds": bool,
            "seeds": {"quick": [0], "book": range(3), "confirm": range(7000, 7003)},
            "settings": both,
            "strips": (),
            **changes,
        }
    )


SEEDS = {"quick": [0], "book": [1], "confirm": [2]}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"id": "Windows"}, "id must be 'chapter.name' in lower case, got 'Windows'"),
        ({"id": ""}, "id must be given where .* got none in 'test_ledger_declaring'"),
        ({"seeds": {"quick": [0]}}, r"seeds must be given for 'quick' and .*\['quick'\]"),
        ({"seeds": {"quick": [0], "book": [1]}}, r"must be .* 'confirm', got \['book', 'quick'\]"),
        ({"settings": {"quick": {}, "book": {}, "full": {}}}, "settings must be given"),
        ({"seeds": {**SEEDS, "quick": []}}, r"quick seeds must be distinct, got \[\]"),
        ({"seeds": {**SEEDS, "book": [1, 1]}}, r"book seeds must be distinct, got \[1, 1\]"),
        ({"seeds": {**SEEDS, "confirm": [1, 2]}}, r"confirm seeds must be none of .* got \[1\]"),
        ({"seeds": {**SEEDS, "confirm": [0]}}, r"confirm seeds must be none of .* got \[0\]"),
        ({"strips": [Strip("x", [Row("x", "x" * 45)])]}, "a label has 1 to 44 characters"),
        ({"strips": [Strip("x", [Row("x", "")])]}, "a label has 1 to 44 characters"),
        ({"strips": [Strip("y", [Row("y", "{}", over="lags")])]}, r"got settings \['windows'\]"),
        (
            {"strips": [Strip("y", [Row("y", "{}", over="windows", published=1.0)])]},
            "published must give a figure for each",
        ),
    ],
)
def test_a_declaration_that_cannot_be_right_is_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        claim(**changes)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"paper": "elman1990finding"}, "a.b: paper must be a Paper, got 'elman1990finding'"),
        ({"trials": 12}, "a.b: trials must be a Trials, got 12"),
        ({"tuned": ["rate"]}, "a.b: an entry of tuned must be a Tuned, got 'rate'"),
    ],
)
def test_a_field_of_another_type_is_refused(changes, words):
    with pytest.raises(TypeError, match=words):
        claim(**changes)


def test_a_verdict_and_a_reason_for_none_exclude_each_other():
    with pytest.raises(ValueError, match="untested must be empty where there is a verdict"):
        Paper(key="k", verdict=bool, untested="another task")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"tried": ()}, "cell, rate: tried must hold at least one value"),
        ({"chosen": None}, "exactly one of chosen and best must be given"),
        ({"best": "best rate"}, "exactly one of chosen and best must be given"),
        ({"chosen": 0.3}, "chosen must be among tried, got 0.3"),
    ],
)
def test_tuning_that_cannot_be_right_is_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        Tuned(**{"arm": "cell", "setting": "rate", "tried": (0.1, 1), "chosen": 0.1, **changes})


def test_a_list_becomes_a_row_for_each_value_of_its_setting():
    rows = (Row("y", "window {}", over="windows", published={5: 0.5}), Row("x", "seed", None, 3.5))
    (strip,) = ledger.pictures(claim(strips=[Strip("y", rows)]))
    assert [row.label for row in strip.rows] == ["window 3", "window 5", "seed"]
    assert [row.published for row in strip.rows] == [None, 0.5, 3.5]
    runs = [{"measured": measure(seed, windows=[3, 5])} for seed in range(2)]
    assert [ledger.values(runs, row) for row in strip.rows] == [[3, 3], [5, 5], [0, 1]]


def test_an_experiment_outside_a_package_has_no_code_to_compare():
    with pytest.raises(ValueError, match=r"must stand in a package, got module test_ledger_decl"):
        records.record(claim())


# Finding


@pytest.fixture
def library(tmp_path, monkeypatch):
    """Return the folder of a package in which only what is asked for can be imported."""
    monkeypatch.syspath_prepend(tmp_path)
    package = tmp_path / "toyshelf"
    declared = (
        "from unrolled.experiments.ledger import Claim\n"
        "def f(seed): return {}\n"
        "CLAIM = Claim(sentence='', experiment=f, criterion='', holds=bool, strips=(),\n"
        "    settings={'quick': {}, 'book': {}},\n"
        "    seeds={'quick': [0], 'book': [1], 'confirm': [2]})\n"
    )
    for name, text in {
        "rnn/xor.py": declared,
        "rnn/_shared.py": "raise RuntimeError",
        "rnn/letters.py": declared.replace("CLAIM", "CLAIMS"),
        "windows/cue.py": declared.replace("sentence", "id='windows.clue', sentence"),
        "windows/sunspots.py": "raise RuntimeError",
        "zoo/lion.py": declared,
        "helper.py": "raise RuntimeError",
    }.items():
        path = package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        (path.parent / "__init__.py").write_text("")
    yield package
    for name in [name for name in sys.modules if name.split(".")[0] == "toyshelf"]:
        del sys.modules[name]


def test_ids_are_files_in_the_order_of_the_chapters(library):
    assert ledger.ids("toyshelf") == (
        *("windows.cue", "windows.sunspots", "rnn.letters", "rnn.xor", "zoo.lion"),
    )
    assert not [name for name in sys.modules if name.startswith("toyshelf.")]


def test_a_claim_knows_where_it_stands(library):
    found = ledger.find("rnn.xor", "toyshelf")
    assert (found.id, found.module) == ("rnn.xor", "toyshelf.rnn.xor")
    copy = dataclasses.replace(found, sentence="Other words.")
    assert (copy.id, copy.module) == (found.id, found.module)
    assert ledger.sources(found) == [library / "rnn" / "xor.py"]


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("rnn.xorr", "rnn.xor"),
        ("gradients.sunspot", "windows.sunspots"),
        ("rn", "rnn"),
        ("qqqqqqqqqqqq", "windows.cue, windows.sunspots, rnn.letters"),
    ],
)
def test_an_unknown_id_imports_nothing_and_names_near_ones(library, name, near):
    with pytest.raises(ledger.UnknownClaim, match=rf"No claim or chapter '{name}'\. .*{near}"):
        ledger.find(name, "toyshelf")
    assert not [name for name in sys.modules if name.startswith("toyshelf.")]


def test_a_file_without_its_claim_is_refused(library):
    with pytest.raises(TypeError, match=r"toyshelf\.rnn\.letters\.CLAIM must be a Claim, got None"):
        ledger.find("rnn.letters", "toyshelf")
    with pytest.raises(ValueError, match=r"must have the id 'windows\.cue', got 'windows\.clue'"):
        ledger.find("windows.cue", "toyshelf")


# Words


def record(development, confirmation, attempts=1):
    block = {True: {"held": True}, False: {"held": False}, None: None}
    last = {"development": block[development], "confirmation": block[confirmation]}
    return {"attempts": [last] * attempts}


@pytest.mark.parametrize(
    ("development", "confirmation", "words"),
    [
        (None, None, "Not measured"),
        (True, None, "Held in development, not confirmed"),
        (False, None, "Did not hold in development, not confirmed"),
        (True, True, "Held"),
        (False, False, "Did not hold"),
        (True, False, "Held in development, did not hold when confirmed"),
        (False, True, "Did not hold in development, held when confirmed"),
    ],
)
def test_a_verdict_is_that_of_the_block_that_confirms(development, confirmation, words):
    assert ledger.verdict(record(development, confirmation)) == words


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (1, ""),
        (2, "second attempt"),
        (3, "third attempt"),
        (9, "ninth attempt"),
        (12, "attempt 12"),
    ],
)
def test_attempts_are_counted_in_words(number, words):
    assert ledger.attempt(record(True, None, number)) == words


def test_the_papers_claim_has_its_own_verdict():
    runs = {"runs": [{"measured": {"x": 1}}]}
    found = {"attempts": [{"development": runs, "confirmation": None}]}
    assert ledger.paper_verdict(claim(), found) is None
    assert ledger.paper_verdict(claim(paper=Paper(key="k", untested="why")), found) is None
    paper = Paper(key="k", verdict=lambda runs: all(run["x"] > 1 for run in runs))
    assert ledger.paper_verdict(claim(paper=paper), found) is False
    found["attempts"][-1]["confirmation"] = {"runs": [{"measured": {"x": 2}}]}
    assert ledger.paper_verdict(claim(paper=paper), found) is True


RUNS = [{"measured": {"best": best, "all": [1, best]}} for best in (0.1, 0.3, 0.3, 1.0)]
TRIED = (0.3, 0.1, 1.0)


@pytest.mark.parametrize(
    ("how", "edge", "words"),
    [
        ({"chosen": 0.3}, 0, "rate 0.3, of 0.1, 0.3 and 1"),
        ({"chosen": 0.1}, 1, "rate 0.1, of 0.1, 0.3 and 1; at the edge of what was tried"),
        ({"chosen": 0.3, "tried": [0.3]}, 0, "rate 0.3, the only one tried"),
        (
            {"best": "best"},
            2,
            "rate 0.1, 0.3 and 1, of 0.1, 0.3 and 1; at the edge of what was tried in 2 of 4 runs",
        ),
        ({"best": "all", "element": 0}, 4, "rate 1, of 0.1, 0.3 and 1; at the edge of what was"),
        ({"best": lambda runs: sorted(run["best"] for run in runs)[1]}, 0, "rate 0.3, of 0.1"),
        ({"best": lambda runs: max(run["best"] for run in runs)}, 1, "at the edge of what was"),
    ],
)
def test_an_optimum_at_the_edge_of_what_was_tried_is_flagged(how, edge, words):
    tuned = Tuned(**{"arm": "cell", "setting": "rate", "tried": TRIED, **how})
    assert ledger.at_edge(tuned, RUNS) == edge
    assert words in ledger.tuning(tuned, RUNS)
    assert ledger.tuning(tuned, RUNS).startswith("cell: rate")


def test_a_best_that_was_not_tried_is_refused():
    tuned = Tuned(arm="cell", setting="rate", tried=[0.1, 0.3], best="best")
    with pytest.raises(ValueError, match=r"cell, rate: best must be among tried, got \[1.0\]"):
        ledger.at_edge(tuned, RUNS)


@pytest.mark.parametrize(
    ("trials", "words"),
    [
        (Trials(), "not counted."),
        (Trials(where="see the deviations."), "not counted (see the deviations)."),
        (Trials(count=0), "none."),
        (Trials(count=12, where="seeds 90 to 92"), "12 (seeds 90 to 92)."),
    ],
)
def test_trial_runs_are_told(trials, words):
    assert ledger.trial_runs(claim(trials=trials)) == f"Trial runs before declaring: {words}"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *((0.5, "0.5"), (0.99951, "0.9995"), (-1, "−1"), (0, "0"), (1234.5, "1234")),
        *((12345, "1.234 × 10⁴"), (-1.5e-7, "−1.5 × 10⁻⁷"), (1e100, "1 × 10¹⁰⁰")),
    ],
)
def test_figures_are_written_for_readers(value, text):
    assert ledger.figure(value) == text


def test_spread_is_median_and_range():
    assert ledger.spread([3, 1, 2.5]) == "2.5 (1 to 3)"
    assert ledger.spread([0.25]) == "0.25"
    assert ledger.spread([0.25, 0.25]) == "0.25 at every seed"
