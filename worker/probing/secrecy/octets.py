"""Sets of octets, for `bytes.translate`: linear in the text, without patterns."""


def all_but(kept: bytes) -> bytes:
    """Every octet that is not in `kept`."""
    return bytes(set(range(256)) - set(kept))
