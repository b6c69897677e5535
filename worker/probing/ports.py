"""The ports that mail servers listen on, and what a port alone says of security.

587 and 993, 465 and 143: RFC 8314, section 3; 25: RFC 5321. 2525 is no standard, but many providers
take submissions there, for networks that block the others.
"""

from typing import Final

from producer.contract.report import Security
from worker.probing.target import Protocol

STANDARD_PORT: Final = {
    (Protocol.SMTP, Security.IMPLICIT_TLS): 465,
    (Protocol.SMTP, Security.STARTTLS): 587,
    (Protocol.SMTP, Security.CLEARTEXT): 25,
    (Protocol.IMAP, Security.IMPLICIT_TLS): 993,
    (Protocol.IMAP, Security.STARTTLS): 143,
    (Protocol.IMAP, Security.CLEARTEXT): 143,
}
SPARE_SUBMISSION_PORT: Final = 2525

_IMPLICIT_TLS_PORTS: Final = frozenset(
    port for (_, security), port in STANDARD_PORT.items() if security is Security.IMPLICIT_TLS
)


def usual_security(port: int | None) -> Security:
    """Return how bytes travel at a port where nobody said; None: the port is not known either."""
    return Security.IMPLICIT_TLS if port in _IMPLICIT_TLS_PORTS else Security.STARTTLS
