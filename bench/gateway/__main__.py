"""What the HTTP gateway adds to a job, holds while it waits, lets through: about a minute.

    python -m bench.gateway                  all of it
    python -m bench.gateway latency waiting  some of it

Prints a table for each and puts it into gateway.md beside this package, in the place of the one
there. Everything shares the machine: the gateway, Redis, the workers, the mail servers, the client.
"""

from typing import Final

from bench.contenders import HERE
from bench.gateway import latency, throughput, waiting
from bench.sections import Page

HEAD: Final = (
    "# Measured: the HTTP gateway\n\n"
    "Gateway, Redis, workers, mail servers and clients share the machine. Medians, ranges in\n"
    "brackets.\n"
)
MEASURES: Final = {
    module.__name__.rpartition(".")[2]: (module.TITLE, module.section)
    for module in (latency, waiting, throughput)
}
PAGE: Final = Page("python -m bench.gateway", HERE / "gateway.md", HEAD, MEASURES, [*MEASURES])

if __name__ == "__main__":
    PAGE.main(__doc__)
