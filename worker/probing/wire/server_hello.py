"""What a ServerHello tells before OpenSSL has seen it (RFC 8446, section 4.1.3)."""

from typing import Final

_HANDSHAKE: Final = 22
_SERVER_HELLO: Final = 2
_PRE_SHARED_KEY: Final = 41

_RETRY: Final = bytes.fromhex(
    "cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c"  # section 4.1.3
)
"""The random of a ServerHello that asks for another ClientHello."""

_RECORD_HEAD: Final = 5
_MESSAGE_HEAD: Final = 4
_RANDOM_AT: Final = 11
_SESSION_ID_AT: Final = 43


def takes_up_session(start: bytes) -> bool:
    """Tell whether a server's first bytes take up the TLS 1.3 session that was offered.

    OpenSSL then accepts no certificate, and what is left of the handshake is cheap. False where a
    complete ServerHello within one record does not say so: whoever reads on past the record's end
    sees other bytes than OpenSSL does.
    """
    if len(start) <= _SESSION_ID_AT or (start[0], start[5]) != (_HANDSHAKE, _SERVER_HELLO):
        return False
    if start[_RANDOM_AT:_SESSION_ID_AT] == _RETRY:
        return False
    size = _MESSAGE_HEAD + int.from_bytes(start[6:9], "big")
    if not size <= int.from_bytes(start[3:5], "big") <= len(start) - _RECORD_HEAD:
        return False
    # Behind the session's id: two octets of cipher suite, one of compression.
    extensions = start[_SESSION_ID_AT + 1 + start[_SESSION_ID_AT] + 3 : _RECORD_HEAD + size]
    return _has_extension(extensions[2:], _PRE_SHARED_KEY)


def _has_extension(extensions: bytes, wanted: int) -> bool:
    at = 0
    while at + 4 <= len(extensions):
        if int.from_bytes(extensions[at : at + 2], "big") == wanted:
            return True
        at += 4 + int.from_bytes(extensions[at + 2 : at + 4], "big")
    return False
