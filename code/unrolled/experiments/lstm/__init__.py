"""Experiments of the chapter ``lstm``, a file a claim; here, what its page calls."""

from unrolled.experiments.lstm._gates_along import gates_along as gates_along
from unrolled.experiments.lstm._holding import Vanilla as Vanilla
from unrolled.experiments.lstm._holding import as_recurrent as as_recurrent
from unrolled.experiments.lstm._holding import holder as holder
from unrolled.experiments.lstm._holding import learn as learn
from unrolled.experiments.lstm._holding import marked as marked
from unrolled.experiments.lstm._holding import traced as traced
from unrolled.experiments.lstm._kept_holders import holders as holders
from unrolled.experiments.lstm._reading_on import inside_holders as inside_holders
from unrolled.experiments.lstm._reading_on import read_on as read_on
from unrolled.experiments.lstm._reber import learn_stream as learn_stream
from unrolled.experiments.lstm._untrained import left_by_lag as left_by_lag
from unrolled.experiments.lstm.adding import chrono as chrono
