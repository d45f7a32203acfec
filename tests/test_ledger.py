"""The ledger measures what is stale, nothing else, and loses nothing when it is killed."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from importlib import invalidate_caches
from pathlib import Path

import numpy as np
import pytest
import records
from hypothesis import given
from hypothesis import strategies as st

from unrolled.experiments import ledger
from unrolled.experiments.ledger import command, machine, recording
from unrolled.experiments.ledger.attempts import ranges

TOY = '''
"""A laboratory of one experiment, which notes every seed it ran."""
import os
import time
from pathlib import Path
from unrolled.experiments.ledger import Claim, Row, Strip

BIAS = 1

def throw(seed, *, sides, powers, log):
    """Throw a die."""
    with open(log, "a") as file:
        file.write(f"{seed}\\n")
    if Path(log + ".wait").exists() and seed > 1:
        time.sleep(60)
    if Path(log + ".crash").exists() and seed == 2:
        raise RuntimeError("the die is cast")
    if Path(log + ".die").exists() and seed == 2:
        os._exit(3)
    return {"eyes": seed % sides + BIAS, "powers": [seed**power for power in powers]}

def most(runs):
    return max(run["eyes"] for run in runs)

SETTINGS = {"sides": 6, "powers": (1, 2), "log": LOG}
CLAIM = Claim(
    sentence="A die shows one to six.",
    experiment=throw,
    criterion="Every throw is at most six.",
    holds=lambda runs: most(runs) <= 6,
    seeds={"quick": [0], "book": [0, 1, 2, 3], "confirm": [70, 71]},
    settings={"quick": SETTINGS, "book": SETTINGS},
    strips=(Strip("eyes", rows=(Row("eyes", "a throw", published=3.5),)),),
)
'''
ALL, CONFIRM = [0, 1, 2, 3], [70, 71]
FRESH = ("[0, 1, 2, 3]", "[4, 5, 6]"), ("[70, 71]", "[72, 73]")


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """Return a laboratory: its source can be edited, its runs counted, its ledger called."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("UNROLLED_PROGRESS", "0")
    yield Lab(tmp_path)
    forget()


def forget():
    for name in [name for name in sys.modules if name.split(".")[0] == "toylab"]:
        del sys.modules[name]


class Lab:
    def __init__(self, folder):
        self.log = folder / "log"
        self.evidence = folder / "evidence"
        self.path = folder / "toylab" / "dice" / "throw.py"
        self.path.parent.mkdir(parents=True)
        (self.path.parent / "__init__.py").write_text("")
        (self.path.parent.parent / "__init__.py").write_text("")
        self.path.write_text(TOY.replace("LOG", repr(str(self.log))))

    def edit(self, *changes):
        text = self.path.read_text()
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        self.path.write_text(text)

    def flag(self, name, on=True):
        """Set or lift what makes the experiment wait, crash or die."""
        path = self.log.with_name(f"log.{name}")
        path.write_text("") if on else path.unlink()

    def claim(self):
        self.reload()
        return ledger.find("dice.throw", "toylab")

    def reload(self):
        forget()
        # The file may have the size and the second of its predecessor: no byte code of that.
        for cache in self.path.parent.parent.rglob("__pycache__/*"):
            cache.unlink()
        invalidate_caches()

    def main(self, *argv):
        """Run the ledger's command; return its exit status and the seeds that it measured."""
        self.log.write_text("")
        self.reload()
        status = ledger.main(argv, package="toylab", folder=self.evidence)
        return status, sorted(map(int, self.log.read_text().split()))

    @property
    def file(self):
        return self.evidence / "dice" / "throw.json"

    def partial(self, block="development"):
        return self.evidence / ".partial" / f"dice.throw.{block}.json"

    def attempts(self):
        return ledger.read("dice.throw", self.evidence)["attempts"]

    def measured(self):
        return [run["measured"] for run in self.attempts()[-1]["development"]["runs"]]


def timeless(block):
    """Return a block without what differs between two runs of the same thing."""
    times = ("cpu_seconds", "wall_seconds")
    runs = [{k: v for k, v in run.items() if k not in times} for run in block["runs"]]
    return {**block, "date": None, "runs": runs}


def test_a_claim_is_measured_once_and_recorded(lab, capsys):
    assert lab.main() == (0, ALL)
    (attempt,) = lab.attempts()
    assert attempt["why"] == ""
    assert attempt["confirmation"] is None
    assert attempt["declared"]["sentence"] == "A die shows one to six."
    assert attempt["declared"]["experiment"] == "toylab.dice.throw.throw"
    assert attempt["declared"]["seeds"] == {"development": ALL, "confirmation": CONFIRM}
    block = attempt["development"]
    assert block["held"] is True
    assert [run["seed"] for run in block["runs"]] == ALL
    assert block["runs"][2]["measured"] == {"eyes": 3, "powers": [2, 4]}
    assert block["runs"][0]["gpu"] is None
    assert block["versions"]["numpy"] == np.__version__
    assert set(block["hardware"]) == {"cpu", "cores", "instructions"}
    assert block["threads"] == int(os.environ["OMP_NUM_THREADS"])
    assert block["os"]
    assert block["commit"] is None or re.fullmatch(r"[0-9a-f]{40}\+?", block["commit"])
    said = capsys.readouterr().out
    assert "dice.throw: Held in development, not confirmed (4 seeds, development" in said
    assert [path.name for path in lab.evidence.rglob("*.json")] == ["throw.json"]

    before = lab.file.stat()
    assert lab.main() == (0, [])
    assert lab.file.stat().st_mtime_ns == before.st_mtime_ns


def test_a_chapter_loads_what_was_measured(lab):
    lab.main()
    record = ledger.load("dice.throw", lab.evidence)
    assert [run["measured"]["eyes"] for run in record["runs"]] == [1, 2, 3, 4]
    assert record["settings"]["sides"] == 6
    assert record["seeds"] == ALL
    assert record["held"] is True
    assert record["confirmed"] == []
    lab.main("--confirm")
    confirmed = ledger.load("dice.throw", lab.evidence)["confirmed"]
    assert [run["seed"] for run in confirmed] == CONFIRM


def test_a_record_equals_a_run_in_this_process(lab):
    lab.main("--jobs", "2")
    (attempt,) = lab.attempts()
    assert timeless(attempt["development"]) == timeless(records.block(lab.claim(), "book"))
    lab.main("--confirm")
    (attempt,) = lab.attempts()
    (first,) = records.record(lab.claim())["attempts"]
    for block in ("development", "confirmation"):
        assert timeless(attempt.pop(block)) == timeless(first.pop(block))
    assert attempt == first


# Confirming


def test_the_block_that_confirms_is_run_once_and_decides(lab, capsys):
    assert lab.main("--confirm") == (3, [])
    assert "dice.throw cannot be confirmed: never measured." in capsys.readouterr().err
    lab.main()
    capsys.readouterr()
    assert lab.main("--confirm") == (0, CONFIRM)
    assert "dice.throw: Held (2 seeds, confirmation" in capsys.readouterr().out
    before = lab.file.read_bytes()
    assert lab.main("--confirm") == (0, [])
    assert re.search(r"dice\.throw was confirmed on 20\d\d-", capsys.readouterr().out)
    assert lab.file.read_bytes() == before
    assert lab.main() == (0, [])


def test_what_held_in_development_may_fall(lab, capsys):
    lab.edit(("<= 6", "<= 4"))
    lab.main()
    lab.main("--confirm")
    said = "Held in development, did not hold when confirmed"
    assert f"dice.throw: {said} (2 seeds" in capsys.readouterr().out
    assert ledger.verdict(ledger.read("dice.throw", lab.evidence)) == said


@pytest.mark.parametrize("name", ["development", "confirmation"])
def test_a_verdict_that_is_not_the_judges_is_found(lab, name):
    """Also where the record was sealed again after it was altered."""
    record = records.record(lab.claim())
    assert ledger.staleness(lab.claim(), record) is None
    block = record["attempts"][-1][name]
    block["held"] = not block["held"]
    assert ledger.staleness(lab.claim(), record) == f"the verdict on its {name} is not its judge's"


def test_stale_code_cannot_be_confirmed(lab, capsys):
    lab.main()
    lab.edit(("BIAS = 1", "BIAS = 2"))
    assert lab.main("--confirm") == (3, [])
    assert "cannot be confirmed: code changed. First `python -m" in capsys.readouterr().err


# What is stale


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ([("BIAS = 1", "BIAS = 0")], "code changed"),
        ([("seed % sides", "-seed % sides")], "code changed"),
        ([("[0, 1, 2, 3]", "[0, 1, 2, 3, 4]")], "seeds changed"),
        ([("[0, 1, 2, 3]", "[3, 2, 1, 0]")], "seeds changed"),
        ([('"sides": 6', '"sides": 7'), *FRESH], "settings changed"),
        ([("<= 6", "< 7"), *FRESH], "criterion changed"),
        ([('run["eyes"]', 'run["eyes"] + 0'), *FRESH], "criterion changed"),  # a judge's helper
    ],
)
def test_another_experiment_is_another_attempt(lab, capsys, changes, why):
    lab.main()
    (before,) = lab.attempts()
    lab.edit(*changes)
    capsys.readouterr()
    assert lab.main("--list") == (0, [])
    assert capsys.readouterr().out == f"dice.throw: {why}\n"
    status, seeds = lab.main()
    assert status == 0
    first, second = lab.attempts()
    assert first == before
    assert second["why"] == why
    assert seeds == sorted(second["declared"]["seeds"]["development"])
    assert "second attempt" in capsys.readouterr().out


@pytest.mark.parametrize(
    "changes",
    [
        [("at most six.", "at most 6.")],
        [("shows one to six", "shows 1 to 6")],
        [("published=3.5", "published=3.6")],
        [('"a throw"', '"one throw"')],
        [("strips=(", 'deviations=("Loaded.",), strips=(')],
        [('"""Throw a die."""', '"""Throw one die, honestly."""  # and softly')],
        [("CLAIM =", "def unused():\n    return BIAS\n\n\nCLAIM =")],
    ],
)
def test_words_and_what_is_not_called_measure_nothing(lab, changes):
    lab.main()
    before = lab.file.read_bytes()
    lab.edit(*changes)
    assert lab.main() == (0, [])
    assert lab.file.read_bytes() == before  # it keeps the words under which it was measured


def test_a_module_that_the_experiment_calls_counts_too(lab):
    (lab.path.parent / "_box.py").write_text("def bias():\n    return 1\n\n\ndef other(): ...\n")
    lab.edit(("import time\n", "import time\nfrom ._box import bias\n"), ("+ BIAS", "+ bias()"))
    lab.main()
    box = lab.path.parent / "_box.py"
    box.write_text(box.read_text().replace("...", "pass"))
    assert lab.main() == (0, [])
    box.write_text(box.read_text().replace("return 1", "return 2"))
    assert lab.main() == (0, ALL)


def test_code_that_moves_measures_nothing(lab):
    lab.main()
    text = lab.path.read_text()
    moved = text[text.index("BIAS") : text.index("def most")]
    box = "import os\nimport time\nfrom pathlib import Path\n" + moved
    (lab.path.parent / "_box.py").write_text(box)
    lab.edit((moved, ""), ("import time\n", "import time\nfrom ._box import throw\n"))
    assert lab.main() == (0, [])


def test_other_code_with_the_same_numbers_is_the_same_attempt(lab):
    lab.main()
    lab.main("--confirm")
    (before,) = lab.attempts()
    lab.edit(("seed % sides + BIAS", "BIAS + seed % sides"), ("shows one", "will show one"))
    assert lab.main() == (0, ALL)
    (after,) = lab.attempts()
    assert after["code"] != before["code"]
    assert after["confirmation"] == before["confirmation"]
    assert after["declared"] == before["declared"]  # the words under which it was first measured
    assert lab.main() == (0, [])


# Seeds


@pytest.mark.parametrize(
    ("seeds", "said"),
    [([], ""), ([3], "3"), ([4, 3], "3, 4"), ([5, 0, 1, 2, 7, 8], "0 to 2, 5, 7, 8")],
)
def test_neighbouring_seeds_are_a_range(seeds, said):
    assert ranges(seeds) == said


@given(st.sets(st.integers(0, 60)))
def test_ranges_name_every_seed_once(seeds):
    named = []
    for part in ranges(seeds).split(", "):
        ends = [int(end) for end in part.split(" to ") if end]
        named += range(ends[0], ends[-1] + 1) if ends else []
    assert named == sorted(seeds)


@pytest.mark.parametrize(
    ("changes", "met"),
    [
        ([("<= 6", "<= 5")], "0 to 3, 70, 71"),
        ([('"sides": 6', '"sides": 7'), FRESH[1]], "0 to 3"),
        ([("<= 6", "<= 5"), ("[0, 1, 2, 3]", "[3, 4]")], "3, 70, 71"),
        ([("<= 6", "<= 5"), FRESH[0]], "70, 71"),
        ([("<= 6", "<= 5"), ("[0, 1, 2, 3]", "[4, 71]"), ("[70, 71]", "[72]")], "71"),
    ],
)
def test_another_test_is_refused_at_seeds_that_were_used(lab, capsys, changes, met):
    lab.main()
    lab.main("--confirm")
    before = lab.file.read_bytes()
    lab.edit(*changes)
    capsys.readouterr()
    assert lab.main() == (3, [])
    said = capsys.readouterr().err
    assert f"dice.throw needs new seeds, for attempts at this experiment have used {met}." in said
    assert re.search(r"Free are, say, seeds \d+.* to develop with and seeds 70\d\d", said)
    assert said.rstrip().endswith(f"They stand in {lab.path}.")
    assert lab.file.read_bytes() == before


def test_another_name_does_not_give_an_experiment_its_seeds_back(lab, capsys):
    assert lab.main("dice.throw")[0] == 0
    again = lab.path.with_name("again.py")
    again.write_text(lab.path.read_text().replace("<= 6", "<= 60"))
    assert lab.main("dice.again") == (3, [])
    assert "dice.again needs new seeds, for attempts at this" in capsys.readouterr().err
    again.write_text(again.read_text().replace("eyes", "pips"))  # another experiment
    assert lab.main("dice.again")[0] == 0


def test_free_seeds_are_free(lab, capsys):
    lab.main()
    lab.edit(("<= 6", "<= 5"))
    lab.main()
    develop, confirm = re.findall(r"seeds (\d+ to \d+|\d+, \d+)", capsys.readouterr().err)[-2:]
    assert (develop, confirm) == ("4 to 7", "7000, 7001")
    lab.edit(("[0, 1, 2, 3]", "[4, 5, 6, 7]"), ("[70, 71]", f"[{confirm}]"))
    assert lab.main() == (0, [4, 5, 6, 7])


def test_an_earlier_test_does_not_get_its_seeds_back(lab):
    lab.main()
    lab.edit(("<= 6", "<= 5"), *FRESH)
    lab.main()
    lab.edit(("<= 5", "<= 6"), ("[4, 5, 6]", "[0, 1, 2, 3]"), ("[72, 73]", "[74, 75]"))
    assert lab.main() == (3, [])
    assert len(lab.attempts()) == 2


def test_code_is_not_mended_until_a_block_passes(lab, capsys):
    lab.edit(("<= 6", "<= 4"))
    lab.main()
    lab.main("--confirm")  # falls: 71 % 6 + 1 is 6
    lab.edit(("BIAS = 1", "BIAS = -1"))
    assert lab.main() == (0, ALL)  # development may be repeated
    capsys.readouterr()
    assert lab.main("--confirm") == (3, [])
    said = capsys.readouterr().err
    assert "dice.throw needs new seeds, for attempts at this experiment have used 70, 71." in said
    assert "to develop with" not in said
    lab.edit(("[70, 71]", "[72, 73]"))
    assert lab.main() == (0, [])  # nothing was measured under the old ones
    assert lab.main("--confirm") == (0, [72, 73])
    first, second = lab.attempts()
    assert first["confirmation"]["held"] is False
    assert second["declared"]["seeds"]["confirmation"] == [72, 73]
    assert second["confirmation"]["held"] is True


def test_a_block_that_held_may_be_repeated(lab):
    lab.main()
    lab.main("--confirm")
    lab.edit(("BIAS = 1", "BIAS = 0"))
    assert lab.main() == (0, ALL)
    assert lab.main("--confirm") == (0, CONFIRM)
    assert [bool(each["confirmation"]) for each in lab.attempts()] == [True, True]


def test_other_seeds_to_confirm_with_are_another_attempt(lab):
    lab.main()
    lab.main("--confirm")
    lab.edit(("[70, 71]", "[80, 81]"))
    assert lab.main() == (0, ALL)
    assert [each["why"] for each in lab.attempts()] == ["", "seeds to confirm with changed"]


def test_force_measures_again(lab):
    lab.main()
    (before,) = lab.attempts()
    assert lab.main("--force") == (0, ALL)
    (after,) = lab.attempts()
    assert timeless(after["development"]) == timeless(before["development"])


# Versions


def test_another_minor_version_is_said_and_measured_when_asked(lab, capsys, monkeypatch):
    lab.main()
    now = machine.version
    monkeypatch.setattr(machine, "version", lambda name: "9.8.7" if name == "numpy" else now(name))
    capsys.readouterr()
    assert lab.main("--list") == (0, [])
    was = ".".join(np.__version__.split(".")[:2])
    note = f"measured with numpy {was}; this is 9.8"
    assert capsys.readouterr().out == f"dice.throw: recorded, not confirmed; {note}\n"
    assert lab.main() == (0, [])
    assert lab.main("--versions") == (0, ALL)
    (attempt,) = lab.attempts()
    assert attempt["development"]["versions"]["numpy"] == "9.8.7"
    assert lab.main("--versions") == (0, [])


def test_only_major_and_minor_versions_of_what_computes_count(monkeypatch):
    installed = {"numpy": "2.4.6", "torch": "2.15.0+cpu"}
    monkeypatch.setattr(machine, "version", installed.get)
    said = machine.other_versions
    assert said({"versions": {"numpy": "2.4.0", "torch": "2.15.1", "python": "3.11"}}) == ""
    assert said({"versions": {"torch": "2.13.0+cpu"}}) == "measured with torch 2.13; this is 2.15"
    both = {"numpy": "1.9.9", "torch": "2.13.0"}
    words = "measured with numpy 1.9 and torch 2.13; these are 2.4 and 2.15"
    assert said({"versions": both}) == words
    assert said({"versions": None}) == said(None) == ""


# Robustness


@pytest.fixture
def kept(tmp_path):
    """Return the file of a record that nobody had to measure."""
    runs = [{"seed": seed, "measured": {"eyes": seed + 1.0}} for seed in range(4)]
    block = {"held": True, "runs": runs}
    attempt = {"declared": {"sentence": "A die shows one."}, "development": block}
    ledger.write({"id": "dice.throw", "attempts": [attempt]}, tmp_path)
    return ledger.path_of("dice.throw", tmp_path)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: "",
        lambda text: "[]",
        lambda text: "{}",
        lambda text: text[:-20],
        lambda text: "<<<<<<< HEAD\n" + text,
        lambda text: "[" * 100_000,
        lambda text: text.replace('"eyes": 2.0', '"eyes": 3.0'),
        lambda text: text.replace('"eyes": 2.0', '"eyes": NaN'),
        lambda text: text.replace('"held": true', '"held": false'),
        lambda text: text.replace("shows one", "shows two"),
        lambda text: text.replace('"seed": 3', '"seed": 30'),
    ],
)
def test_what_was_altered_in_a_record_is_found(kept, spoil):
    text = kept.read_text()
    kept.write_text(spoil(text))
    assert kept.read_text() != text
    with pytest.raises(ledger.DamagedRecord, match=f"{re.escape(str(kept))} is damaged"):
        ledger.load("dice.throw", kept.parents[1])


def test_one_flipped_bit_in_any_byte_is_found(kept):
    good = kept.read_bytes()
    for place in range(0, len(good), 7):
        bad = bytearray(good)
        bad[place] ^= 1 << place % 8
        kept.write_bytes(bytes(bad))
        try:
            found = ledger.read("dice.throw", kept.parents[1])
        except ledger.DamagedRecord:
            continue
        assert found == json.loads(good)  # only the layout has changed


def test_a_record_of_another_claim_is_found(kept):
    kept.rename(kept.with_name("toss.json"))
    with pytest.raises(ledger.DamagedRecord, match=r"toss\.json is no record of dice\.toss"):
        ledger.read("dice.toss", kept.parents[1])


def test_a_damaged_record_is_said_kept_and_not_in_the_way(lab, capsys):
    lab.main()
    lab.path.with_name("other.py").write_text(lab.path.read_text())
    damaged = lab.file.read_text().replace('"eyes": 2.0', '"eyes": 3.0')
    lab.file.write_text(damaged)
    capsys.readouterr()
    assert lab.main() == (3, ALL)  # the other claim
    said = capsys.readouterr()
    assert f"{lab.file} is damaged" in said.err
    assert "Traceback" not in said.err
    assert "dice.other: Held" in said.out
    assert lab.file.read_text() == damaged
    assert lab.main("--list")[0] == 3


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"attempts": []},
        {"attempts": [1]},
        {"attempts": [{}]},
        {"attempts": [{"declared": {}, "code": "", "development": {"runs": [{}]}}]},
    ],
)
def test_a_record_that_is_sealed_but_none_is_said_and_not_in_the_way(lab, capsys, odd):
    lab.main()
    lab.path.with_name("other.py").write_text(lab.path.read_text())
    recording.write_sealed(lab.file, {"id": "dice.throw", **odd})
    capsys.readouterr()
    assert lab.main() == (3, ALL)  # the other claim
    assert f"{lab.file} is no record of dice.throw" in capsys.readouterr().err
    assert lab.main("--list")[0] == 3


@pytest.mark.parametrize("odd", [{}, {"runs": 1}, {"runs": [1]}, {"runs": [{"seed": 0}]}])
def test_a_partial_result_that_is_sealed_but_none_is_said(lab, capsys, odd):
    lab.flag("crash")
    lab.main()
    lab.flag("crash", on=False)
    kept = recording.read_sealed(lab.partial())
    recording.write_sealed(lab.partial(), {"conditions": kept["conditions"], **odd})
    capsys.readouterr()
    assert lab.main() == (0, ALL)
    assert f"{lab.partial()} is damaged: it holds no runs" in capsys.readouterr().err


@pytest.mark.parametrize("spoil", [b"", b"{}", b"\xff", b'{"conditions": {}, "runs": [], "che'])
def test_a_damaged_partial_result_is_said_and_measured_again(lab, capsys, spoil):
    lab.flag("crash")
    lab.main()
    lab.flag("crash", on=False)
    lab.partial().write_bytes(spoil)
    assert lab.main("--list") == (0, [])
    assert lab.partial().read_bytes() == spoil
    capsys.readouterr()
    assert lab.main() == (0, ALL)
    said = capsys.readouterr().err
    assert f"{lab.partial()} is damaged" in said
    assert "What it held is measured again." in said
    assert not lab.partial().exists()


def test_a_place_that_cannot_be_written_is_named_before_any_work(lab, capsys):
    lab.evidence.write_text("no folder")
    assert lab.main() == (3, [])
    said = capsys.readouterr().err
    assert str(lab.evidence) in said
    assert "Traceback" not in said


def test_a_full_disk_is_a_sentence_with_the_path(lab, capsys, monkeypatch):
    def full(path, content):
        raise OSError(28, "No space left on device", str(path))

    lab.main("--scale", "quick")
    lab.evidence.mkdir()
    recording.partials(lab.evidence)
    monkeypatch.setattr(recording, "write_atomically", full)
    assert lab.main()[0] == 3
    assert f"{lab.partial()}: No space left on device" in capsys.readouterr().err


def test_an_installed_package_has_no_ledger_to_write_to(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command, "EVIDENCE", tmp_path / "evidence")
    assert ledger.main([], folder=command.EVIDENCE) == 3
    assert "measure from a copy of the repository" in capsys.readouterr().err
    assert not command.EVIDENCE.exists()


def test_a_claim_that_fails_is_a_result(lab, capsys):
    lab.edit(("<= 6", "<= 3"))
    assert lab.main() == (0, ALL)
    assert lab.attempts()[0]["development"]["held"] is False
    assert "dice.throw: Did not hold in development, not confirmed" in capsys.readouterr().out


def test_quick_is_a_rehearsal(lab, capsys):
    assert lab.main("--scale", "quick") == (0, [0])
    assert not lab.evidence.exists()
    assert "dice.throw: Held (1 seed, quick" in capsys.readouterr().out
    lab.main()
    before = lab.file.read_bytes()
    assert lab.main("--scale", "quick", "--force") == (0, [0])
    assert lab.file.read_bytes() == before


def test_a_rehearsal_may_measure_less(lab, capsys):
    lab.edit(('"powers": [', '**({"more": 1} if seed else {}), "powers": ['))
    lab.edit(
        ('Row("eyes", "a throw", published=3.5),', 'Row("more", "more"), Row("eyes", "eyes"),')
    )
    assert lab.main("--scale", "quick") == (0, [0])
    assert re.search(r"\n    eyes +1\n", capsys.readouterr().out)


def test_list_measures_and_writes_nothing(lab, capsys):
    assert lab.main("--list") == (0, [])
    assert capsys.readouterr().out == "dice.throw: never measured\n"
    assert not lab.evidence.exists()
    lab.main()
    lab.main("--confirm")
    capsys.readouterr()
    assert lab.main("--list", "dice") == (0, [])
    assert capsys.readouterr().out == "dice.throw: recorded\n"


def test_unknown_names_and_numbers_are_refused_and_nothing_is_imported(lab, capsys):
    lab.path.write_text("raise RuntimeError")
    assert lab.main("dice.thrown") == (3, [])
    assert "No claim or chapter 'dice.thrown'. Near are: dice.throw" in capsys.readouterr().err
    with pytest.raises(SystemExit) as exit_:
        lab.main("--jobs", "0")
    assert exit_.value.code == 3
    assert "must be a whole number from 1, got '0'" in capsys.readouterr().err


def test_after_a_crash_only_the_missing_seeds_are_measured(lab, capsys):
    lab.flag("crash")
    assert lab.main() == (1, ALL)
    error = capsys.readouterr().err
    assert "dice.throw crashed at seed 2" in error
    assert "RuntimeError: the die is cast" in error
    assert not lab.file.exists()

    lab.flag("crash", on=False)
    assert lab.main() == (0, [2])
    assert timeless(lab.attempts()[0]["development"]) == timeless(
        records.block(lab.claim(), "book")
    )
    assert not lab.partial().exists()


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_worker_that_dies_fails_its_own_seed_only(lab, capsys, jobs):
    lab.flag("die")
    status, seeds = lab.main("--jobs", jobs)
    assert (status, set(seeds)) == (1, set(ALL))
    assert "dice.throw crashed at seed 2:\nits process died" in capsys.readouterr().err
    lab.flag("die", on=False)
    assert lab.main() == (0, [2])


def test_runs_of_other_code_are_not_mixed_in(lab):
    lab.flag("crash")
    lab.main()
    lab.flag("crash", on=False)
    lab.edit(("BIAS = 1", "BIAS = 2"))
    assert lab.main() == (0, ALL)


@pytest.mark.parametrize("block", ["development", "confirmation"])
def test_a_killed_run_goes_on_where_it_stopped(lab, block):
    argv, seeds = [], ALL
    if block == "confirmation":
        lab.edit(("[70, 71]", "[-1, 70, 71]"))
        argv, seeds = ["--confirm"], [-1, 70, 71]
        lab.main()
    lab.flag("wait")
    started = seeds[: 3 if block == "development" else 2]
    process = start(lab, argv, until=started)
    process.send_signal(signal.SIGKILL)
    process.wait()
    lab.flag("wait", on=False)

    assert lab.main(*argv) == (0, seeds[len(started) - 1 :])
    (attempt,) = lab.attempts()
    (whole,) = records.record(lab.claim())["attempts"]
    assert timeless(attempt[block]) == timeless(whole[block])


@pytest.mark.skipif(
    not Path("/proc/self/task").exists(), reason="/proc, of Linux alone, names a process's children"
)
def test_workers_end_when_the_command_is_killed(lab):
    lab.flag("wait")
    process = start(lab, [], until=ALL[:3])
    children = Path(f"/proc/{process.pid}/task").glob("*/children")
    workers = [pid for child in children for pid in child.read_text().split()]
    assert workers
    process.kill()
    process.wait()
    deadline = time.monotonic() + 30
    while any(runs(pid) for pid in workers):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def runs(pid):
    """Say whether a process runs: one that ended and was not waited for has no command line."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes() != b""
    except OSError:
        return False


def start(lab, argv, until):
    """Call the ledger's command in a process of its own; return that once it runs some seeds.

    All but the last of them are kept by then.
    """
    code = (
        "from pathlib import Path\nfrom unrolled.experiments import ledger\n"
        "if __name__ == '__main__':\n"
        f"    folder = Path({str(lab.evidence)!r})\n"
        f"    ledger.main({argv!r}, package='toylab', folder=folder)"
    )
    script = lab.log.with_name("script.py")
    script.write_text(code)
    lab.log.write_text("")
    process = subprocess.Popen([sys.executable, script])
    deadline = time.monotonic() + 60
    kept = lab.partial("confirmation" if argv else "development")
    while lab.log.read_text().split() != list(map(str, until)) or not (
        kept.exists() and len(recording.read_sealed(kept)["runs"]) == len(until) - 1
    ):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.05)
    return process


def test_two_at_once_lose_and_double_nothing(lab):
    lab.flag("wait")
    other = start(lab, [], until=[0, 1, 2])
    lab.flag("wait", on=False)
    thread = threading.Thread(target=other.wait)
    thread.start()
    assert lab.main()[0] == 0
    assert len(lab.attempts()) == 1
    other.kill()
    thread.join()
    assert lab.measured() == [{"eyes": seed + 1, "powers": [seed, seed**2]} for seed in ALL]


def test_a_block_is_not_appended_twice_by_two_processes(lab):
    lab.main()
    claim = lab.claim()
    jobs = [command.Job(claim, "confirmation", {"commit": None}) for _ in range(2)]
    for job in jobs:
        for seed in job.seeds:
            job.runs[seed] = command.measure(claim.experiment, seed, claim.settings["book"])
        job.keep(lab.evidence)
    (attempt,) = lab.attempts()
    assert [run["seed"] for run in attempt["confirmation"]["runs"]] == CONFIRM


def test_what_was_kept_is_hidden_from_git(lab):
    lab.flag("crash")
    lab.main()
    assert (lab.evidence / ".partial" / ".gitignore").read_text() == "*\n"


def test_without_a_record_load_says_how_to_get_one(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"unrolled evidence dice\.throw"):
        ledger.load("dice.throw", tmp_path)


@pytest.mark.parametrize("bad", ['float("nan")', "-1e999", '[1.0, float("nan")]'])
def test_what_cannot_be_recorded_is_refused(lab, capsys, bad):
    lab.edit(("seed % sides + BIAS", bad))
    assert lab.main()[0] == 1
    assert "eyes must be finite at every seed, got" in capsys.readouterr().err


def test_numbers_of_numpy_are_recorded(lab):
    lab.edit(
        ("import time\n", "import time\nimport numpy as np\n"),
        ("seed % sides + BIAS", "np.float32(0.5)"),
        ("[seed**power for power in powers]", "np.array([1, 2])"),
    )
    lab.main()
    assert lab.measured()[0] == {"eyes": 0.5, "powers": [1, 2]}


def test_code_edited_during_a_measurement_does_not_pass_for_what_was_measured(lab):
    lab.edit(
        (
            "    return {",
            "    file = Path(__file__)\n"
            "    file.write_text(file.read_text().replace('%', '*'))\n    return {",
        )
    )
    assert lab.main() == (0, ALL)
    assert [each["eyes"] for each in lab.measured()] == [1, 2, 3, 4]
    record = ledger.read("dice.throw", lab.evidence)
    assert ledger.staleness(lab.claim(), record) == "code changed"


def test_the_time_of_processes_that_an_experiment_starts_is_counted(lab):
    burn = "import time\nwhile time.process_time() < 0.3: pass"
    lab.edit(
        ('    return {"eyes"', f'    run([sys.executable, "-c", {burn!r}])\n    return {{"eyes"'),
        ("import time\n", "import sys\nimport time\nfrom subprocess import run\n"),
    )
    lab.main()
    runs = lab.attempts()[0]["development"]["runs"]
    assert min(run["cpu_seconds"] for run in runs) >= 0.2


def test_without_git_there_is_no_commit(tmp_path, monkeypatch):
    assert machine.commit(tmp_path) is None
    monkeypatch.setenv("PATH", "")
    assert machine.commit(Path(__file__).parent) is None


def test_a_changed_tree_is_marked(tmp_path):
    def git(*arguments):
        who = ["-c", "user.name=a", "-c", "user.email=a@b"]
        subprocess.run(["git", "-C", tmp_path, *who, *arguments], check=True, capture_output=True)

    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "a.py").write_text("1\n")
    git("init")
    git("add", ".")
    git("commit", "-m", "a")
    clean = machine.commit(tmp_path)
    assert re.fullmatch("[0-9a-f]{40}", clean)
    (tmp_path / "words.md").write_text("no code\n")
    assert machine.commit(tmp_path) == clean
    (tmp_path / "code" / "a.py").write_text("2\n")
    assert machine.commit(tmp_path) == f"{clean}+"


@pytest.mark.parametrize(
    ("info", "name", "widest"),
    [
        ("model name\t: Old\nflags\t\t: fpu sse4_2 avx\n", "Old", "AVX"),
        ("model name\t: New\nflags\t\t: avx avx2 avx512f\n", "New", "AVX-512"),
        ("Features\t: fp asimd\n", None, "NEON"),
        ("", None, None),
    ],
)
def test_the_processor_and_its_widest_instructions(tmp_path, monkeypatch, info, name, widest):
    monkeypatch.setattr(machine, "CPUINFO", tmp_path / "cpuinfo")
    machine.CPUINFO.write_text(info)
    assert machine.processor() == (name or machine.processor())
    assert machine.processor()
    assert machine.instructions() == (widest or machine.platform.machine())


def test_the_ledger_itself_needs_no_arrays():
    code = (
        "import sys, unrolled.experiments.ledger\nassert not {'numpy', 'torch'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
