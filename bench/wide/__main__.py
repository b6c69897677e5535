"""What `make bench` has no time for: `python -m bench.wide`, some seven minutes.

    python -m bench.wide                     all but the last
    python -m bench.wide in_flight cold      some of them
    python -m bench.wide drift               100,000 jobs: five minutes more

Prints a table for each and puts it into wide.md beside this package, in the place of the one there.
"""

from typing import Final

from bench.contenders import HERE
from bench.sections import Page
from bench.wide import cold, drift, far, idle, in_flight, processes

MODULES: Final = (in_flight, processes, far, cold, idle, drift)
HEAD: Final = (
    "# Measured: many jobs, many at once, long ways, cold starts\n\n"
    "Real worker processes and real probes over TLS; farm, Redis and workers share the machine.\n"
    "A job is one SMTP and one IMAP login. Medians, ranges in brackets.\n"
)
MEASURES: Final = {
    module.__name__.rpartition(".")[2]: (module.TITLE, module.section) for module in MODULES
}
USUAL: Final = [name for name in MEASURES if name != "drift"]
PAGE: Final = Page("python -m bench.wide", HERE / "wide.md", HEAD, MEASURES, USUAL)

if __name__ == "__main__":
    PAGE.main(__doc__)
