"""Search over settings and over cells: planned by a seed, run on many processes, kept on disk.

A search is a plan, a list of settings, and a function that measures one of them::

    trials = random_settings({"lr": Range(1e-4, 1e-1, log=True), "cell": ["LSTM", "GRU"]}, 100, 0)
    run(measure, trials, "search.db")  # killed and called again, it goes on where it was
    importance(results("search.db"), space, "loss", seed=0)
"""

from unrolled.search.importance import Importance, importance
from unrolled.search.running import evolve, run
from unrolled.search.space import Range, build, mutate, random_settings, structures
from unrolled.search.store import Trial, results

__all__ = [
    "Importance",
    "Range",
    "Trial",
    "build",
    "evolve",
    "importance",
    "mutate",
    "random_settings",
    "results",
    "run",
    "structures",
]
