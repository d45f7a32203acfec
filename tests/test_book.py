"""The order of the chapters, from the table of contents."""

from unrolled.core.book import chapters
from unrolled.exercises import of_chapter


def test_chapters_come_in_the_books_order():
    assert chapters()[:4] == ("windows", "rnn", "bptt", "gradients")


def test_studies_are_no_chapters(tmp_path):
    contents = tmp_path / "_toc.yml"
    contents.write_text(
        "chapters:\n  - file: chapters/rnn\n    sections:\n      - file: chapters/rnn_elman\n"
        "  - file: chapters/bptt\n  - file: notation\n"
    )
    assert chapters(contents) == ("rnn", "bptt")


def test_without_the_book_the_folders_of_exercises_count(tmp_path):
    assert set(chapters(tmp_path / "none")) == set(filter(of_chapter, chapters()))
