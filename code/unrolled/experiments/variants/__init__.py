"""Experiments of the chapter ``variants``, a file a claim; here, what its page calls."""

from unrolled.experiments.variants._budget import width as width
from unrolled.experiments.variants._competition import trial as trial
from unrolled.experiments.variants._kept_writers import writers as writers
from unrolled.experiments.variants._structures import (
    structure_from_numbers as structure_from_numbers,
)
from unrolled.experiments.variants._tables import WALK as WALK
from unrolled.experiments.variants._tables import best_rates as best_rates
from unrolled.experiments.variants._tables import by_rate as by_rate
from unrolled.experiments.variants._tables import from_the_best as from_the_best
from unrolled.experiments.variants._tables import lead as lead
from unrolled.experiments.variants._tables import measured as measured
from unrolled.experiments.variants._tables import solved as solved
from unrolled.experiments.variants._tables import walk as walk
from unrolled.experiments.variants._tasks import TASKS as TASKS
from unrolled.experiments.variants._tasks import VALIDATION as VALIDATION
from unrolled.experiments.variants._writers import CELLS as CELLS
from unrolled.experiments.variants._writers import RATES as RATES
from unrolled.experiments.variants._writers import WEIGHTS as WEIGHTS
from unrolled.experiments.variants._writers import units as units
from unrolled.experiments.variants._writers import writer_of as writer_of
from unrolled.experiments.variants.peepholes import free_run as free_run
from unrolled.experiments.variants.peepholes import learn_wave as learn_wave
from unrolled.experiments.variants.tournament import COMPETITORS as COMPETITORS
