"""The course at the command line: ``python -m unrolled --help``.

The exit status is that of the worst verdict: 0 passed, 1 wrong, 2 not written yet, 4 the check
itself failed. ``evidence`` returns 0 when it is done, and 1 when an experiment crashed. For every
command 3 means that it could not be carried out as it was given.
"""

import os
import sys

# Before any other import, as a typing.py in the reader's folder would be imported for Python's.
# What `python -m` itself needs to come here (types, functools, warnings and a few more) has been
# imported already: a file of such a name stops Python earlier, unless it is started with -P.
if __name__ == "__main__":
    _whole = os.path.abspath
    try:
        _here, _package = _whole(""), _whole(__file__).rsplit(os.sep, 2)[0]
    except FileNotFoundError:  # as `unrolled` finds it too, at every path that it is given
        print("The current folder has been deleted: go to another one.", file=sys.stderr)
        sys.exit(3)
    _named = {_whole(p) for p in os.environ.get("PYTHONPATH", "").split(os.pathsep) if p}
    if _here not in {*_named, _package}:
        sys.path[:] = [p for p in sys.path if _whole(p) != _here]
    sys.path.sort(key=(_named - {_package}).__contains__)  # what they hold may be needed, but last

import argparse
import dataclasses
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from unrolled.core.book import chapters
from unrolled.core.terminal import USAGE, Parser, spoken
from unrolled.exercises import UnknownExercise, find, of_chapter
from unrolled.exercises.grading import BROKEN, NOT_WRITTEN, PASSED, WRONG, Exercise, Verdict
from unrolled.exercises.grading.answers import cell, check_file, check_kept, path_of, start

EXIT = {BROKEN: 4, WRONG: 1, NOT_WRITTEN: 2, PASSED: 0}  # the worst first
STATUSES = (
    "exit status: 0 passed, 1 wrong, 2 not written yet, 3 bad usage, 4 the check itself failed"
)

BAR = 20  # characters

Results = Iterator[tuple[Exercise, Verdict]]


class UsageError(Exception):
    """A command that cannot be carried out as it was given."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    return spoken(lambda: _run(argv))


def _run(argv: Sequence[str] | None) -> int:
    arguments, rest = _parser().parse_known_args(argv)
    if arguments.command == "evidence":
        from unrolled.experiments import ledger

        return int(ledger.main(rest))
    if rest:
        _parser().error(f"unrecognized arguments: {' '.join(rest)}")
    try:
        return int(arguments.run(arguments))
    except (UnknownExercise, UsageError) as error:
        print(error, file=sys.stderr)
        return USAGE


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m unrolled",
        description="Exercises and evidence of the course Unrolled.",
        epilog=f"{STATUSES}; of evidence: 0 done, 1 an experiment crashed, 3 as above",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    work = Parser(add_help=False)
    work.add_argument(
        "--work",
        type=Path,
        default=Path("work"),
        metavar="FOLDER",
        help="where your answers are kept (default: work)",
    )
    as_json = Parser(add_help=False)
    as_json.add_argument("--json", action="store_true", help="write JSON, for grading scripts")

    command = commands.add_parser(
        "start", parents=[work], help="write a starter file; never overwrites one"
    )
    command.add_argument("target", help="an exercise (windows.lag_matrix) or a chapter (windows)")
    command.set_defaults(run=_start)

    command = commands.add_parser(
        "check", parents=[work, as_json], help="check your answers", epilog=STATUSES
    )
    command.add_argument("target", help="an exercise (windows.lag_matrix) or a chapter (windows)")
    command.add_argument("file", type=Path, nargs="?", help="default: work/<chapter>/<name>.py")
    command.set_defaults(run=_check)

    command = commands.add_parser(
        "exercises", parents=[work, as_json], help="list the exercises and your progress"
    )
    command.set_defaults(run=_exercises)

    command = commands.add_parser(
        "new", help="write the file of a new exercise or claim, for authors"
    )
    command.add_argument("kind", choices=["exercise", "claim"])
    command.add_argument("name", help="chapter and name, such as lstm.half_life")
    command.set_defaults(run=_new)

    commands.add_parser(
        "evidence", add_help=False, help="measure the claims of the Evidence page again"
    )
    return parser


def _aimed_at(target: str) -> tuple[Exercise, ...]:
    """Return one exercise, or all of a chapter."""
    if target not in chapters():
        return (find(target),)
    if exercises := of_chapter(target):
        return exercises
    raise UsageError(f"target must have exercises; the chapter {target} has none yet")


def _start(arguments: argparse.Namespace) -> int:
    for exercise in _aimed_at(arguments.target):
        try:
            path, written = start(exercise, arguments.work)
        except OSError as error:
            path = path_of(exercise, arguments.work)
            raise UsageError(f"--work: cannot write {path}: {error.strerror}") from error
        print(f"{path}: {'written' if written else 'already there, left as it is'}")
    return 0


def _check(arguments: argparse.Namespace) -> int:
    exercises = _aimed_at(arguments.target)
    if arguments.file is None:
        results = _checked(exercises, arguments.work)
    elif len(exercises) > 1:
        raise UsageError(
            f"target must be one exercise when a file is given; got the chapter {arguments.target}"
        )
    elif not arguments.file.is_file():
        raise UsageError(f"file: there is no file {arguments.file}")
    else:
        results = iter([(exercises[0], check_file(exercises[0], arguments.file))])
    statuses = {verdict.status for verdict in _report(results, arguments.json)}
    return EXIT[next(status for status in EXIT if status in statuses)]


def _checked(exercises: Sequence[Exercise], work: Path) -> Results:
    """Check the kept answers, some at a time; yield the verdicts in order, as they come."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        verdicts = pool.map(lambda exercise: check_kept(exercise, work), exercises)
        try:
            yield from zip(exercises, verdicts, strict=True)
        finally:  # interrupted, or nobody reads on
            pool.shutdown(wait=False, cancel_futures=True)


def _report(results: Results, as_json: bool) -> list[Verdict]:
    """Print each verdict when it comes, or all of them as JSON at the end; return them."""
    verdicts = []
    for _, verdict in results:
        verdicts.append(verdict)
        if not as_json:
            print(verdict, flush=True)
    if as_json:
        print(json.dumps([dataclasses.asdict(verdict) for verdict in verdicts], indent=2))
    return verdicts


def _exercises(arguments: argparse.Namespace) -> int:
    if arguments.json:
        everything = [exercise for stem in chapters() for exercise in of_chapter(stem)]
        _report(_checked(everything, arguments.work), as_json=True)
        return 0
    for stem in filter(of_chapter, chapters()):  # a chapter may have none yet
        results = list(_checked(of_chapter(stem), arguments.work))
        passed = sum(verdict.passed for _, verdict in results)
        print(f"{stem}  {_bar(passed, len(results))}  {passed} of {len(results)}")
        width = max(len(exercise.id) for exercise, _ in results)
        for exercise, verdict in results:
            begun = path_of(exercise, arguments.work).exists()
            status = verdict.status if begun else "not started"
            print(f"  {exercise.id:{width}}  {'not right yet' if status == WRONG else status}")
    return 0


def _new(arguments: argparse.Namespace) -> int:
    from unrolled.authoring import BLANK, new

    try:
        path = new(arguments.kind, arguments.name)
    except (ValueError, OSError) as error:
        raise UsageError(str(error)) from None
    print(f"{path}: written; it runs as it is. Each {BLANK!r} in it says what to write.")
    if arguments.kind == "exercise":
        exercise = find(arguments.name)
        file = f"../code/unrolled/exercises/{exercise.id.replace('.', '/')}.py"
        print(f"\nFor the chapter:\n\n```{{code-cell}} ipython3\n{cell(exercise)}```\n")
        print(f"```{{literalinclude}} {file}\n:pyobject: {exercise.name}\n```")
        print(f"\nTested by: pytest tests/test_exercises.py -k {arguments.name}")
    else:
        print(f"\nFor the chapter:\n\n```{{evidence}} {arguments.name}\n```")
        print(f"\nMeasured by: make evidence ARGS={arguments.name}, then with --confirm")
    return 0


def _bar(done: int, total: int) -> str:
    filled = BAR * done // total
    return f"[{'#' * filled}{'.' * (BAR - filled)}]"


if __name__ == "__main__":
    sys.exit(main())
