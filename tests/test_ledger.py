"""The ledger measures what is stale, nothing else, and loses nothing when it is killed."""

import json
import os
import signal
import subprocess
import sys
import time
from importlib import invalidate_caches

import numpy as np
import pytest

from unrolled.experiments import ledger
from unrolled.experiments.ledger import Claim, Row, Strip

TOY = '''
"""A laboratory of one experiment, which notes every seed it ran."""
import time
from pathlib import Path
from unrolled.experiments.ledger import Claim, Row, Strip

def throw(seed, *, sides, powers, log):
    """Throw a die."""
    with open(log, "a") as file:
        file.write(f"{seed}\\n")
    if Path(log + ".wait").exists() and seed > 1:
        time.sleep(60)
    if Path(log + ".crash").exists() and seed == 2:
        raise RuntimeError("the die is cast")
    return {"eyes": seed % sides + 1, "powers": [seed**power for power in powers]}

SETTINGS = {"sides": 6, "powers": (1, 2), "log": LOG}
CLAIMS = (
    Claim(
        id="dice.throw",
        sentence="A die shows one to six.",
        experiment=throw,
        criterion="Every throw is at most six.",
        holds=lambda runs: all(run["eyes"] <= 6 for run in runs),
        seeds={"quick": [0], "book": [0, 1, 2, 3]},
        settings={"quick": SETTINGS, "book": SETTINGS},
        strips=(Strip("eyes", rows=(Row("eyes", "a throw", published=3.5),)),),
    ),
)
'''


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """Return a laboratory: its source can be edited, its runs counted, its ledger called."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("UNROLLED_PROGRESS", "0")
    yield Lab(tmp_path)
    for name in [name for name in sys.modules if name.split(".")[0] == "toylab"]:
        del sys.modules[name]


class Lab:
    def __init__(self, folder):
        self.log = folder / "log"
        self.evidence = folder / "evidence"
        self.path = folder / "toylab" / "dice.py"
        self.path.parent.mkdir()
        (self.path.parent / "__init__.py").write_text("")
        self.path.write_text(TOY.replace("LOG", repr(str(self.log))))

    def edit(self, old, new):
        text = self.path.read_text()
        assert old in text
        self.path.write_text(text.replace(old, new))

    def claims(self):
        for name in [name for name in sys.modules if name.split(".")[0] == "toylab"]:
            del sys.modules[name]
        # The file may have the size and the second of its predecessor: no byte code of that.
        for cache in self.path.parent.glob("__pycache__/*"):
            cache.unlink()
        invalidate_caches()
        return ledger.all_claims("toylab")

    def main(self, *argv):
        """Run the ledger's command; return its exit status and the seeds that it measured."""
        self.log.write_text("")
        status = ledger.main(argv, claims=self.claims(), folder=self.evidence)
        return status, sorted(map(int, self.log.read_text().split()))

    def record(self):
        return json.loads((self.evidence / "dice.throw.json").read_text())


def timeless(record):
    """Return a record without what differs between two runs of the same thing."""
    times = ("cpu_seconds", "wall_seconds")
    runs = [{k: v for k, v in run.items() if k not in times} for run in record["runs"]]
    return {**record, "date": None, "runs": runs}


def test_a_claim_is_measured_once_and_recorded(lab, capsys):
    assert lab.main() == (0, [0, 1, 2, 3])
    record = lab.record()
    assert record["held"] is True
    assert [run["seed"] for run in record["runs"]] == record["seeds"] == [0, 1, 2, 3]
    assert record["runs"][2]["measured"] == {"eyes": 3, "powers": [2, 4]}
    assert record["experiment"] == "toylab.dice.throw"
    assert record["versions"]["numpy"] == np.__version__
    assert record["hardware"]["cpu"]
    assert record["runs"][0]["gpu"] is None
    assert "dice.throw: Held (4 seeds, book" in capsys.readouterr().out
    assert [path.name for path in lab.evidence.rglob("*.json")] == ["dice.throw.json"]

    before = (lab.evidence / "dice.throw.json").stat()
    assert lab.main() == (0, [])
    assert (lab.evidence / "dice.throw.json").stat().st_mtime_ns == before.st_mtime_ns
    assert ledger.load("dice.throw", lab.evidence) == record


def test_a_record_equals_a_run_in_this_process(lab):
    lab.main("--jobs", "2")
    assert timeless(lab.record()) == timeless(ledger.run(lab.claims()["dice.throw"], "book"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("seed % sides + 1", "seed % sides + 2"),
        ('"sides": 6', '"sides": 7'),
        ('"book": [0, 1, 2, 3]', '"book": [0, 1, 2, 3, 4]'),
        ('"book": [0, 1, 2, 3]', '"book": [3, 2, 1, 0]'),
        ("throw", "toss"),
        ("at most six.", "at most 6."),  # no criterion is fitted to what was measured,
        ("<= 6 for run", "<= 3 for run"),  # neither its words nor its code
    ],
)
def test_another_experiment_is_measured_again(lab, old, new):
    lab.main()
    lab.edit(old, new)
    status, seeds = lab.main()
    assert status == 0
    assert len(seeds) >= 4


def test_a_module_it_imports_counts_too(lab):
    (lab.path.parent / "box.py").write_text("bias = 0\n")
    lab.edit("import time\n", "import time\nfrom . import box\n")
    lab.main()
    (lab.path.parent / "box.py").write_text("bias = 1\n")
    assert lab.main() == (0, [0, 1, 2, 3])


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("shows one to six", "shows 1 to 6", "sentence"),
        ("published=3.5", "published=3.6", "strips"),
        ('"a throw"', '"one throw"', "strips"),
        ("strips=(", 'deviations=("Loaded.",), strips=(', "deviations"),
    ],
)
def test_new_words_change_the_record_and_measure_nothing(lab, old, new, field):
    lab.main()
    before = lab.record()
    lab.edit(old, new)
    assert lab.main() == (0, [])
    after = lab.record()
    assert {name for name in after if after[name] != before[name]} == {field}


def test_comments_and_docstrings_measure_nothing(lab):
    lab.main()
    lab.edit('"""Throw a die."""', '"""Throw one die, honestly."""  # and softly')
    assert lab.main() == (0, [])


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"scale": "book"', "<<<<<<< HEAD"])
def test_a_record_that_cannot_be_read_is_measured_again(lab, text):
    lab.main()
    path = lab.evidence / "dice.throw.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"dice\.throw\.json is no record"):
        ledger.load("dice.throw", lab.evidence)
    assert lab.main() == (0, [0, 1, 2, 3])
    assert lab.record()["held"]


def test_an_installed_package_has_no_ledger_to_write_to(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(ledger, "EVIDENCE", tmp_path / "evidence")
    assert ledger.main([], claims={}, folder=ledger.EVIDENCE) == 2
    assert "measure from a copy of the repository" in capsys.readouterr().err
    assert not ledger.EVIDENCE.exists()


def test_a_claim_that_fails_is_a_result(lab, capsys):
    lab.edit("<= 6 for run", "<= 3 for run")
    assert lab.main() == (0, [0, 1, 2, 3])
    assert lab.record()["held"] is False
    assert "dice.throw: Did not hold" in capsys.readouterr().out


def test_force_measures_again(lab):
    lab.main()
    assert lab.main("--force") == (0, [0, 1, 2, 3])


def test_quick_is_a_rehearsal(lab, capsys):
    assert lab.main("--scale", "quick") == (0, [0])
    assert not lab.evidence.exists()
    assert "dice.throw: Held (1 seed, quick" in capsys.readouterr().out
    lab.main()
    before = lab.record()
    assert lab.main("--scale", "quick", "--force") == (0, [0])
    assert lab.record() == before


def test_a_larger_scale_replaces_a_smaller_and_stands(lab):
    lab.main()
    assert lab.main("--scale", "full") == (0, [0, 1, 2, 3])
    assert lab.record()["scale"] == "full"
    assert lab.main() == (0, [])
    assert lab.record()["scale"] == "full"


def test_list_measures_and_writes_nothing(lab, capsys):
    assert lab.main("--list") == (0, [])
    assert capsys.readouterr().out == "dice.throw: never measured\n"
    lab.main()
    lab.edit("sides + 1", "sides + 2")
    capsys.readouterr()
    assert lab.main("--list", "dice") == (0, [])
    assert capsys.readouterr().out == "dice.throw: code changed\n"


def test_unknown_names_and_numbers_are_refused(lab, capsys):
    assert lab.main("dice.thrown") == (2, [])
    assert "'dice.thrown'. There are: dice.throw" in capsys.readouterr().err
    with pytest.raises(SystemExit) as exit_:
        lab.main("--jobs", "0")
    assert exit_.value.code == 2
    assert "must be a whole number from 1, got '0'" in capsys.readouterr().err


def test_after_a_crash_only_the_missing_seeds_are_measured(lab, capsys):
    crash = lab.log.with_name("log.crash")
    crash.write_text("")
    status, seeds = lab.main()
    assert (status, seeds) == (1, [0, 1, 2, 3])
    error = capsys.readouterr().err
    assert "dice.throw crashed at seed 2" in error
    assert "RuntimeError: the die is cast" in error
    assert not (lab.evidence / "dice.throw.json").exists()

    crash.unlink()
    assert lab.main() == (0, [2])
    assert timeless(lab.record()) == timeless(ledger.run(lab.claims()["dice.throw"], "book"))
    assert not (lab.evidence / ".partial" / "dice.throw.json").exists()


def test_runs_of_other_code_are_not_mixed_in(lab):
    lab.log.with_name("log.crash").write_text("")
    lab.main()
    lab.log.with_name("log.crash").unlink()
    lab.edit("sides + 1", "sides + 2")
    assert lab.main() == (0, [0, 1, 2, 3])


def test_a_killed_run_goes_on_where_it_stopped(lab):
    wait = lab.log.with_name("log.wait")
    wait.write_text("")
    code = (
        "from pathlib import Path\nfrom unrolled.experiments import ledger\n"
        "if __name__ == '__main__':\n"
        f"    folder = Path({str(lab.evidence)!r})\n"
        "    ledger.main([], claims=ledger.all_claims('toylab'), folder=folder)"
    )
    script = lab.log.with_name("script.py")
    script.write_text(code)
    process = subprocess.Popen([sys.executable, script])
    deadline = time.monotonic() + 30
    while not lab.log.exists() or lab.log.read_text().split() != ["0", "1", "2"]:
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait.unlink()

    assert lab.main() == (0, [2, 3])
    assert timeless(lab.record()) == timeless(ledger.run(lab.claims()["dice.throw"], "book"))


def test_what_was_kept_is_hidden_from_git(lab):
    lab.log.with_name("log.crash").write_text("")
    lab.main()
    assert (lab.evidence / ".partial" / ".gitignore").read_text() == "*\n"


def test_without_a_record_load_says_how_to_get_one(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"unrolled evidence dice\.throw"):
        ledger.load("dice.throw", tmp_path)


def claim(**changes):
    both = {"quick": {"windows": [3]}, "book": {"windows": [3, 5]}}
    return Claim(
        **{
            "id": "a.b",
            "sentence": "",
            "experiment": measure,
            "criterion": "",
            "holds": bool,
            "seeds": {"quick": [0], "book": range(3)},
            "settings": both,
            "strips": (),
            **changes,
        }
    )


def measure(seed, *, windows):
    return {"x": seed, "y": windows}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"id": "Windows"}, "id must be 'chapter.name' in lower case, got 'Windows'"),
        ({"seeds": {"quick": [0]}}, r"seeds must be given for 'quick' and 'book'.*\['quick'\]"),
        ({"settings": {"quick": {}, "book": {}, "big": {}}}, "settings must be given"),
        ({"seeds": {"quick": [], "book": [1]}}, r"quick seeds must be distinct, got \[\]"),
        ({"seeds": {"quick": [0], "book": [1, 1]}}, r"book seeds must be distinct, got \[1, 1\]"),
        ({"where": "table 1"}, "where='table 1' needs a paper"),
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


def test_a_list_becomes_a_row_for_each_value_of_its_setting(lab):
    powers = 'Row("powers", "seed to the power {}", over="powers", published={2: 0.5})'
    lab.edit('rows=(Row("eyes"', f'rows=({powers}, Row("eyes"')
    lab.main()
    record = lab.record()
    rows = record["strips"][0]["rows"]
    assert [row["label"] for row in rows] == [
        *("seed to the power 1", "seed to the power 2", "a throw")
    ]
    assert [row["published"] for row in rows] == [None, 0.5, 3.5]
    assert [ledger.values(record, row) for row in rows] == [
        *([0, 1, 2, 3], [0, 1, 4, 9], [1, 2, 3, 4])
    ]


def test_an_experiment_outside_a_package_has_no_code_to_compare():
    with pytest.raises(ValueError, match=r"must stand in a package, got module test_ledger"):
        ledger.run(claim())


@pytest.mark.parametrize("bad", ['float("nan")', "-1e999", '[1.0, float("nan")]'])
def test_what_cannot_be_recorded_is_refused(lab, capsys, bad):
    lab.edit("seed % sides + 1", bad)
    assert lab.main()[0] == 1
    assert "eyes must be finite at every seed, got" in capsys.readouterr().err


def test_numbers_of_numpy_are_recorded(lab):
    lab.edit("import time\n", "import time\nimport numpy as np\n")
    lab.edit("seed % sides + 1", "np.float32(0.5)")
    lab.edit("[seed**power for power in powers]", "np.array([1, 2])")
    lab.main()
    assert lab.record()["runs"][0]["measured"] == {"eyes": 0.5, "powers": [1, 2]}


def test_code_edited_during_a_measurement_does_not_pass_for_what_was_measured(lab):
    lab.edit(
        "    return {",
        "    file = Path(__file__)\n"
        "    file.write_text(file.read_text().replace('%', '*'))\n    return {",
    )
    assert lab.main() == (0, [0, 1, 2, 3])
    assert [run["measured"]["eyes"] for run in lab.record()["runs"]] == [1, 2, 3, 4]
    assert ledger.staleness(lab.claims()["dice.throw"], lab.record()) == "code changed"


def test_an_unknown_scale_is_refused():
    with pytest.raises(ValueError, match=r"scale must be one of .*, got 'large'"):
        ledger.run(claim(), "large")


def test_claims_live_in_their_chapter(lab):
    lab.edit('id="dice.throw"', 'id="coins.throw"')
    with pytest.raises(ValueError, match=r"'coins\.throw' is declared .* found in toylab\.dice"):
        lab.claims()


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


def test_the_ledger_itself_needs_no_arrays():
    code = (
        "import sys, unrolled.experiments.ledger\nassert not {'numpy', 'torch'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_second_module_of_a_chapter_says_whose_it_is(lab):
    lab.edit("CLAIMS = (", 'CHAPTER = "games"\nCLAIMS = (')
    with pytest.raises(ValueError, match=r"dice\.throw"):
        lab.claims()
    lab.edit('id="dice.throw"', 'id="games.throw"')
    assert list(lab.claims()) == ["games.throw"]


def test_the_time_of_processes_that_an_experiment_starts_is_counted(lab):
    burn = "import time\nwhile time.process_time() < 0.3: pass"
    lab.edit(
        '    return {"eyes"',
        f'    subprocess.run([sys.executable, "-c", {burn!r}])\n    return {{"eyes"',
    )
    lab.edit("from pathlib", "import subprocess\nimport sys\nfrom pathlib")
    lab.main()
    assert min(run["cpu_seconds"] for run in lab.record()["runs"]) >= 0.2
