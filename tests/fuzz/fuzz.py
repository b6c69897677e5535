"""Coverage-guided fuzzing of every function of a server's text, where atheris is installed.

    python -m tests.fuzz.fuzz -max_total_time=60 tests/fuzz/corpus

What it finds goes into the corpus, which `test_corpus.py` runs through all functions.
"""

import sys

import atheris

with atheris.instrument_imports():
    from tests.fuzz.feed import feed


def main() -> None:
    atheris.Setup(sys.argv, feed)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
