"""``python -m unrolled.experiments.rnn`` trains the writer again that the pages show."""

from unrolled.experiments.rnn._kept_writer import KEPT, keep

if __name__ == "__main__":
    keep()
    print(f"wrote {KEPT}")
