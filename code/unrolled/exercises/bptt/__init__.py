"""The exercises of the chapter on backpropagation through time."""

ORDER = (
    "reach",
    "scalar_gradient",
    "backward",
    "train_in_chunks",
    "catches_wrong_gradient",
)
