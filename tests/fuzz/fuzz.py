"""Coverage-guided fuzzing of every function of a server's text, where atheris is installed.

    python -m tests.fuzz.fuzz -max_total_time=600 /tmp/new tests/fuzz/corpus

What it finds goes into the corpus, which `test_corpus.py` runs through all functions; CI fuzzes for
a minute (`test_fuzzing.py`).
"""

import sys

import atheris

with atheris.instrument_imports(include=["tests.fuzz", "worker"]):
    from tests.fuzz.feed import feed


def main() -> None:
    atheris.Setup(sys.argv, feed)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
