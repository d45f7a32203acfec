"""Experiments of the chapter ``windows``, a file a claim; here, what its page calls."""

from unrolled.experiments.windows._cue_task import Recall as Recall
from unrolled.experiments.windows._cue_task import learn_cue as learn_cue
from unrolled.experiments.windows._cue_task import taught as taught
from unrolled.experiments.windows._horizons import (
    direct_against_iterated as direct_against_iterated,
)
from unrolled.experiments.windows.cue import cue_by_window as cue_by_window
