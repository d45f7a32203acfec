import sys

import pytest

from unrolled.training import progress


class Terminal:
    def __init__(self):
        self.written = ""

    def isatty(self):
        return True

    def write(self, text):
        self.written += text

    def flush(self):
        pass


@pytest.mark.parametrize("setting", ["0", None])
def test_a_bar_only_where_somebody_watches(monkeypatch, setting):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    if setting is None:
        monkeypatch.delenv("UNROLLED_PROGRESS", raising=False)
    else:
        monkeypatch.setenv("UNROLLED_PROGRESS", setting)
    assert list(progress(range(3), "epochs")) == [0, 1, 2]
    assert ("epochs" in terminal.written) == (setting is None)


def test_a_pipe_gets_no_bar(monkeypatch, capfd):
    monkeypatch.delenv("UNROLLED_PROGRESS", raising=False)
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    assert list(progress([1, 2], "epochs", total=2)) == [1, 2]
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((3, "epochs"), "items must be several, got 3"),
        (([1], 3), r"label must be .*str, got 3"),
    ],
)
def test_bad_input_is_named_whether_somebody_watches_or_not(arguments, words):
    with pytest.raises(TypeError, match=words):
        progress(*arguments)
