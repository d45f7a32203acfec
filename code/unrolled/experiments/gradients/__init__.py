"""Experiments of the chapter ``gradients``, a file a claim; here, what its page calls."""

from unrolled.experiments.gradients._clipped_descent import descend as descend
from unrolled.experiments.gradients._jacobians import growth_on_noise as growth_on_noise
from unrolled.experiments.gradients._jacobians import jacobians_on_noise as jacobians_on_noise
from unrolled.experiments.gradients._jacobians import tanh_jacobians as tanh_jacobians
from unrolled.experiments.gradients._latch import guessed_latches as guessed_latches
from unrolled.experiments.gradients._recall import learn_recall as learn_recall
from unrolled.experiments.gradients._recall import recall_network as recall_network
from unrolled.experiments.gradients._starts import starting as starting
