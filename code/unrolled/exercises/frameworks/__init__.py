"""The exercises of the page on Keras and PyTorch. None of them needs Keras."""

ORDER = (
    "carry_gru",
    "catches_mixing",
)
