"""Processes that other processes start."""

import os
import threading
from multiprocessing import parent_process
from multiprocessing.process import BaseProcess


def end_with_parent() -> None:
    """Let this process of a pool end when the one that started it does, however that ends.

    A pool tells its workers to end, and one that is killed cannot: they would compute on. In a
    process that no other started, nothing happens.
    """
    if parent := parent_process():
        threading.Thread(target=_end_after, args=(parent,), daemon=True).start()


def _end_after(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)
