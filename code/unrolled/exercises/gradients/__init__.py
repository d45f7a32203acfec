"""The exercises of the chapter on vanishing and exploding gradients."""

from unrolled.exercises.gradients._chain import chain as chain
from unrolled.exercises.gradients._power_norms import power_norms as power_norms

ORDER = (
    "steps_to_vanish",
    "norm_bound",
    "jacobian_product",
    "clip_by_norm",
    "rescale_radius",
    "catches_bad_clip",
)
