"""Another name of ``unrolled.core.shapes``, by which readers have imported it."""

from unrolled.core.shapes import (
    STOP,
    Lengths,
    ManyToMany,
    ManyToOne,
    OneToMany,
    OneToOne,
    Reader,
    Synchronised,
    Writer,
    sequence_loss,
    steps_to_stop,
    symbol_loss,
)

__all__ = [
    "STOP",
    "Lengths",
    "ManyToMany",
    "ManyToOne",
    "OneToMany",
    "OneToOne",
    "Reader",
    "Synchronised",
    "Writer",
    "sequence_loss",
    "steps_to_stop",
    "symbol_loss",
]
