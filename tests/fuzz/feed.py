"""One text through every function that a server's text goes through."""

from tests.support.text_functions import FUNCTIONS
from worker.probing.errors import ProtocolFault


def feed(octets: bytes) -> None:
    """Only a ProtocolFault may come out: that is how parsers refuse."""
    for function in FUNCTIONS.values():
        try:
            function(octets)
        except ProtocolFault:
            continue
