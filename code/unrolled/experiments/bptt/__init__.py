"""Experiments of the chapter ``bptt``, a file a claim; here, what its page calls."""

from unrolled.experiments.bptt._learning import initial as initial
from unrolled.experiments.bptt._side_by_side import loss_curves as loss_curves
from unrolled.experiments.bptt._slips import SLIPS as SLIPS
from unrolled.experiments.bptt._slips import slipped as slipped
from unrolled.experiments.bptt.wrong_gradient import rotations as rotations
