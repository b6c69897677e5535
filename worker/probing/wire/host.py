"""One normal form of a host: what is dialled, verified, counted and limited goes by it.

Looks at nothing but the text.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import idna

from producer.contract.codes import Code
from worker.probing.errors import TargetFault
from worker.probing.wire.addresses import Address, as_address

MAX_HOST_CHARACTERS: Final = 253
MAX_LABEL_CHARACTERS: Final = 63

HOSTS_KEPT: Final = 1024
"""Each is asked for some eight times a probe, and many accounts share one."""

_LABEL: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)\Z")
_NUMBER: Final = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)\Z")
"""A last label such as these makes resolvers read the name as an IPv4 address (WHATWG URL, 3.5)."""


@dataclass(frozen=True, slots=True)
class Host:
    """A host whose syntax is sound. `literal` where it is an address and needs no DNS."""

    name: str
    literal: Address | None = None


@lru_cache(HOSTS_KEPT)
def read_host(host: str) -> Host:
    """The host in its normal form: A-labels in lower case without trailing dot, or an address.

    Raises TargetFault INVALID_FIELD. Numbers that only some resolvers read as an address (127.1,
    0x7f.1, 2130706433, digits of other scripts) are none, so that no address has two spellings.
    """
    bracketed = host.startswith("[") and host.endswith("]")
    literal = as_address(host[1:-1] if bracketed else host)
    if literal is not None:
        return Host(str(literal), literal)
    return Host(_name(host))


def _name(host: str) -> str:
    name = (host.lower() if host.isascii() else _a_labels(host)).removesuffix(".")
    labels = name.split(".")
    if len(name) > MAX_HOST_CHARACTERS or not all(map(_LABEL.match, labels)):
        raise TargetFault(Code.INVALID_FIELD, "this is not a host name", hint="host")
    if _NUMBER.match(labels[-1]):
        raise TargetFault(Code.INVALID_FIELD, "this is not a host name or an address", hint="host")
    return name


def _a_labels(host: str) -> str:
    try:
        return to_a_labels(host)
    except UnicodeError:
        return ""


def to_a_labels(name: str) -> str:
    """A-labels by UTS 46; Python's own "idna" codec turns faß.de into fass.de, another's name.

    Raises UnicodeError. Punycode takes quadratic time, 8 ms for 253 ideographs, so the length of
    labels is looked at before: an A-label is longer than what it stands for.
    """
    mapped = idna.uts46_remap(name, std3_rules=False)
    if max(map(len, mapped.split("."))) > MAX_LABEL_CHARACTERS:
        raise idna.IDNAError("a label is too long")
    return idna.encode(mapped).decode("ascii")
