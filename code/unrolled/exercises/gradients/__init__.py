"""The exercises of the chapter on vanishing and exploding gradients."""

from unrolled.exercises.gradients._chain import chain as chain
from unrolled.exercises.gradients._power_norms import power_norms as power_norms

ORDER = (
    "steps_to_vanish",
    "norm_bound",
    "input_jacobians",
    "clip_each",
    "rescale_radius",
    "catches_bad_clip",
)
