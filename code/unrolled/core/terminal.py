"""Speaking to whatever the command line is connected to: any encoding, a closed pipe, nothing."""

from __future__ import annotations

import argparse
import contextlib
import errno
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn

from unrolled.core.kinds import function

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

CLOSED = 141  # what a shell reports of a program that a closed pipe ended
INTERRUPTED = 130  # and of one that Ctrl-C did
USAGE = 3  # the command could not be carried out as it was given


class Parser(argparse.ArgumentParser):
    """A parser that leaves argparse's own exit status, 2, to answers that are not written."""

    def error(self, message: str) -> NoReturn:
        """Say how the command is used and what was wrong, and exit with USAGE."""
        self.print_usage(sys.stderr)
        self.exit(USAGE, f"{self.prog}: error: {message}\n")

    def print_help(self, file: SupportsWrite[str] | None = None) -> None:
        """Print the help; where it cannot be written, argparse would say nothing."""
        print(self.format_help(), end="", file=file)


def spoken(run: Callable[[], int]) -> int:
    """Run a command that prints, and return its exit status; what is printed stops no command.

    A character that the terminal does not know is escaped. When nobody reads on, or there is no
    room to write to, the command ends without a traceback.
    """
    function("run", run)
    _open_standard_files()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # not that of a notebook
            stream.reconfigure(errors="backslashreplace")
    try:
        try:
            return run()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
    except BrokenPipeError:
        _discard_the_rest()
        return CLOSED
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        _discard_the_rest()
        _say(f"output: {error.strerror}")
        return USAGE
    except KeyboardInterrupt:
        _say("interrupted")
        return INTERRUPTED


def _open_standard_files() -> None:
    """Let what is printed go nowhere where a standard file is closed (`>&-`).

    A file that is opened later would else take its number, and be written into.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115


def _say(words: str) -> None:
    """Say a last word, if there is room for it."""
    with contextlib.suppress(OSError):
        print(words, file=sys.stderr)
    _discard_the_rest()


def _discard_the_rest() -> None:
    """Send what is still to be written nowhere: Python writes it when it ends."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            with contextlib.suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
