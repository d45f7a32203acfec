"""Experiments of the chapter ``rnn``, a file a claim; here, what its page calls."""

from unrolled.experiments.rnn._counts import best_counted_bits as best_counted_bits
from unrolled.experiments.rnn._elman import learn as learn
from unrolled.experiments.rnn._kept_writer import kept as kept
from unrolled.experiments.rnn._letter_stream import LETTERS as LETTERS
from unrolled.experiments.rnn._letter_stream import letters_foreseen as letters_foreseen
from unrolled.experiments.rnn._operator import OPERATOR as OPERATOR
from unrolled.experiments.rnn._operator import keyed_right as keyed_right
from unrolled.experiments.rnn._printer_states import left_of_a_push as left_of_a_push
from unrolled.experiments.rnn._printer_states import printer_states as printer_states
from unrolled.experiments.rnn._sentences import WORDS as WORDS
from unrolled.experiments.rnn._sentences import word_states as word_states
from unrolled.experiments.rnn._sunspot_networks import fit_forecaster as fit_forecaster
from unrolled.experiments.rnn._teleprinter import key_codes as key_codes
from unrolled.experiments.rnn._teleprinter import train_printer as train_printer
from unrolled.experiments.rnn._teleprinter import train_window as train_window
from unrolled.experiments.rnn._teleprinter import trained as trained
from unrolled.experiments.rnn._writer import WRITER as WRITER
from unrolled.experiments.rnn._writer import bits as bits
from unrolled.experiments.rnn._writer import parts as parts
from unrolled.experiments.rnn._writer import train_writer as train_writer
from unrolled.experiments.rnn._writer import write as write
from unrolled.experiments.rnn._writer import writer as writer
