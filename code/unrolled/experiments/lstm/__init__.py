"""Experiments of the chapter ``lstm``, a file a claim; here, what its page calls."""

from unrolled.experiments.lstm._gates_along import gates_along as gates_along
from unrolled.experiments.lstm._reber import learn_stream as learn_stream
from unrolled.experiments.lstm.carousel import gradients_by_lag as gradients_by_lag
