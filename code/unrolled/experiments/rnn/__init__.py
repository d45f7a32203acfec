"""Experiments of the chapter ``rnn``, a file a claim; here, what its page calls."""

from unrolled.experiments.rnn._elman import learn as learn
from unrolled.experiments.rnn._letter_stream import LETTERS as LETTERS
from unrolled.experiments.rnn._letter_stream import letters_foreseen as letters_foreseen
from unrolled.experiments.rnn._operator import OPERATOR as OPERATOR
from unrolled.experiments.rnn._operator import keyed_right as keyed_right
from unrolled.experiments.rnn._operator import train_operator as train_operator
from unrolled.experiments.rnn._sentences import WORDS as WORDS
from unrolled.experiments.rnn._sentences import word_states as word_states
from unrolled.experiments.rnn._teleprinter import PRINTER as PRINTER
from unrolled.experiments.rnn._teleprinter import key_codes as key_codes
from unrolled.experiments.rnn._teleprinter import train_printer as train_printer
from unrolled.experiments.rnn._teleprinter import train_window as train_window
from unrolled.experiments.rnn._teleprinter import trained as trained
