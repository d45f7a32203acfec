"""The exercises of the chapter on windows."""

ORDER = (
    "lag_matrix",
    "seasonal_mean",
    "iterate",
    "lowest_error",
    "parameters",
    "catches_leak",
)
