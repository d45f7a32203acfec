import ast

from unrolled import windows
from unrolled.figures import source
from unrolled.figures.source import without_docstrings

CODE = '''
class A:
    """One.

    Two.
    """

    x = "kept"

    def f(self):
        r"""Three."""
        # a comment
        return """not a docstring"""


def g():
    """Only a docstring."""
'''


def test_docstrings_go_and_everything_else_stays():
    assert (
        without_docstrings(CODE).strip()
        == '''class A:
    x = "kept"

    def f(self):
        # a comment
        return """not a docstring"""


def g():'''
    )


def test_what_is_shown_is_the_tested_source():
    shown = source(windows.repeat_last, windows.WindowMLP.forward).data
    assert shown.startswith("```python\ndef repeat_last(")
    assert shown.endswith("\n```")
    code = shown.removeprefix("```python\n").removesuffix("\n```")
    functions = ast.parse(code).body
    assert [function.name for function in functions] == ["repeat_last", "forward"]
    assert not any(ast.get_docstring(function) for function in functions)
    assert "return np.full(" in code


def test_what_is_written_for_checkers_is_not_shown():
    shown = source(without_docstrings).data
    assert "lines[first:end] = [None] * ((end or first) - first)\n" in shown
    assert "type: ignore" not in shown
