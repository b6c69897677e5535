"""Which mechanisms to use, and in which order."""

from collections.abc import Callable, Collection
from functools import partial
from typing import Final

from worker.probing.sasl.cram_md5 import CramMd5
from worker.probing.sasl.login import Login
from worker.probing.sasl.mechanism import Mechanism
from worker.probing.sasl.oauthbearer import OAuthBearer
from worker.probing.sasl.plain import Plain
from worker.probing.sasl.scram import Scram
from worker.probing.sasl.xoauth2 import XOAuth2
from worker.probing.target import Credential, CredentialKind

# There is one attempt: under TLS first what works whatever form the server stores.
_UNDER_TLS: Final[tuple[str, ...]] = ("PLAIN", "LOGIN", "SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5")
# In the clear SCRAM keeps the password off the wire. CRAM-MD5 only seems to.
_IN_CLEAR: Final = ("SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN", "CRAM-MD5")
_BEARER: Final[tuple[str, ...]] = ("XOAUTH2", "OAUTHBEARER")

SENDS_PASSWORD: Final = frozenset({"PLAIN", "LOGIN"})


def choose(offered: Collection[str], kind: CredentialKind, *, secure: bool) -> tuple[str, ...]:
    """Return the offered mechanisms that fit the credential, the one to use first."""
    by_security = _UNDER_TLS if secure else _IN_CLEAR
    order = _BEARER if kind is CredentialKind.BEARER else by_security
    return tuple(name for name in order if name in offered)


def make_mechanism(name: str, credential: Credential, *, host: str, port: int) -> Mechanism:
    """Make the mechanism of a name that `choose` returned. `host` and `port`: of the connection."""
    if name == "OAUTHBEARER":
        return OAuthBearer(credential, host=host, port=port)
    return _MAKERS[name](credential)


_MAKERS: Final[dict[str, Callable[[Credential], Mechanism]]] = {
    "PLAIN": Plain,
    "LOGIN": Login,
    "CRAM-MD5": CramMd5,
    "SCRAM-SHA-1": partial(Scram, hash_name="sha1"),
    "SCRAM-SHA-256": partial(Scram, hash_name="sha256"),
    "XOAUTH2": XOAuth2,
}
