"""The exercises of the chapter on backpropagation through time."""

from unrolled.exercises.bptt._checkpointed import checkpointed as checkpointed

ORDER = (
    "reach",
    "scalar_gradient",
    "step_backward",
    "backward",
    "chunked_gradient",
    "catches_wrong_gradient",
)
