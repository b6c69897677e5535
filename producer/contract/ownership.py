r"""Whose a job is (docs/CONTRACT.md section 1): a dealer's credential test, a brand's integration.

An id that somebody else chose as well must not answer with the first one's data. So the owner
stands beside the result, as a hash that any language can make:

    printf 'credential-test\n%s' "$DEALER_UUID" | sha256sum
    printf 'integration\n%s' shop.example | sha256sum         # the brand, normalised
"""

import hashlib
import re
from typing import Final

from producer.contract.envelope import CredentialTestEnvelope, Envelope

_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]*://")


def owner_of(envelope: Envelope) -> str:
    """Return the owner of the job that this envelope submits: 64 hexadecimal digits."""
    if isinstance(envelope, CredentialTestEnvelope):
        return _digest("credential-test", envelope.dealer_uuid)
    return _digest("integration", normalise_brand(envelope.brand_url))


def normalise_brand(url: str) -> str:
    """Reduce a `Brand-URL` to what identifies the brand: no scheme, lower case, no last slash."""
    writable = url.encode("utf-8", "replace").decode()  # a lone surrogate: some unknown brand
    text = writable.strip().lower()
    return _SCHEME.sub("", text, count=1).rstrip("/") if _SCHEME.match(text) else text.rstrip("/")


def _digest(family: str, name: str) -> str:
    # A line break cannot be part of a family, so no two pairs make the same text.
    octets = f"{family}\n{name}".encode("utf-8", "surrogatepass")
    return hashlib.sha256(octets).hexdigest()
