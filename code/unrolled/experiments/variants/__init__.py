"""Experiments of the chapter ``variants``, a file a claim; here, what its page calls."""

from unrolled.experiments.variants._budget import width as width
from unrolled.experiments.variants._competition import trial as trial
from unrolled.experiments.variants._structures import (
    structure_from_numbers as structure_from_numbers,
)
from unrolled.experiments.variants._tasks import TASKS as TASKS
from unrolled.experiments.variants._tasks import VALIDATION as VALIDATION
from unrolled.experiments.variants.peepholes import free_run as free_run
from unrolled.experiments.variants.peepholes import learn_wave as learn_wave
from unrolled.experiments.variants.tournament import COMPETITORS as COMPETITORS
