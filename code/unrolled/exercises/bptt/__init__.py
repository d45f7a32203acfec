"""The exercises of the chapter on backpropagation through time."""

ORDER = (
    "reach",
    "scalar_gradient",
    "backward",
    "chunked_gradient",
    "catches_wrong_gradient",
)
