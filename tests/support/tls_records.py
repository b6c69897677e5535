"""TLS records made by hand, for what no library would send: a server's, after the handshake.

The keys come from the line that OpenSSL writes to a key log. TLS 1.3 (RFC 8446) with key updates,
sealed with AES-256-GCM, TLS 1.2 (RFC 5246, 5288) with AES-128-GCM: what Python's contexts agree on.
"""

import hmac
import os
import ssl
import struct
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

APPLICATION_DATA, HANDSHAKE, ALERT = 23, 22, 21
KEY_UPDATE_WANTED = b"\x18\0\0\x01\x01"
KEY_UPDATE = b"\x18\0\0\x01\0"
HELLO_REQUEST = b"\0\0\0\0"


def ticket(size: int) -> bytes:
    """A NewSessionTicket of TLS 1.3 (RFC 8446, section 4.6.1)."""
    nonce, octets = os.urandom(8), os.urandom(size)
    body = (
        struct.pack("!II", 7200, 1) + b"\x08" + nonce + struct.pack("!H", size) + octets + b"\0\0"
    )
    return b"\x04" + len(body).to_bytes(3, "big") + body


class Tls13Records:
    """Seals what a server of TLS 1.3 says once the handshake is over."""

    def __init__(self, key_log: Path) -> None:
        self._secret = _logged(key_log, "SERVER_TRAFFIC_SECRET_0")
        self._turn_keys()

    def _turn_keys(self) -> None:
        self._aead = AESGCM(_expand_label(self._secret, b"key", 32))
        self._iv = int.from_bytes(_expand_label(self._secret, b"iv", 12), "big")
        self._number = 0

    def __call__(self, content: bytes, kind: int = APPLICATION_DATA) -> bytes:
        """One record."""
        head = b"\x17\x03\x03" + struct.pack("!H", len(content) + 17)
        nonce = (self._iv ^ self._number).to_bytes(12, "big")
        self._number += 1
        record = head + self._aead.encrypt(nonce, content + bytes([kind]), head)
        if kind == HANDSHAKE and content.startswith(b"\x18"):
            self._secret = _expand_label(self._secret, b"traffic upd", 48)
            self._turn_keys()
        return record


class Tls12Records:
    """Seals what a server of TLS 1.2 says, after so many records under these keys."""

    def __init__(self, key_log: Path, server_random: bytes, number: int = 1) -> None:
        words = next(line for line in key_log.read_text().splitlines() if line[:1] == "C").split()
        client_random, master = map(bytes.fromhex, words[1:])
        keys = _prf(master, b"key expansion" + server_random + client_random, 2 * 16 + 2 * 4)
        self._aead, self._salt = AESGCM(keys[16:32]), keys[36:40]
        self._number = number

    def __call__(self, content: bytes, kind: int = APPLICATION_DATA) -> bytes:
        """One record."""
        explicit = struct.pack("!Q", self._number)
        extra = explicit + bytes([kind]) + b"\x03\x03" + struct.pack("!H", len(content))
        sealed = explicit + self._aead.encrypt(self._salt + explicit, content, extra)
        self._number += 1
        return bytes([kind]) + b"\x03\x03" + struct.pack("!H", len(sealed)) + sealed


def logging_keys(context: ssl.SSLContext, key_log: Path) -> ssl.SSLContext:
    """Make a context's servers seal as above, send no ticket, and log their keys."""
    context.keylog_filename = str(key_log)
    context.num_tickets = 0
    context.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
    return context


def _logged(key_log: Path, label: str) -> bytes:
    lines = [line.split() for line in key_log.read_text().splitlines()]
    return bytes.fromhex(next(words[2] for words in reversed(lines) if words[0] == label))


def _expand_label(secret: bytes, label: bytes, size: int) -> bytes:
    full = b"tls13 " + label
    info = struct.pack("!HB", size, len(full)) + full + b"\0"
    return hmac.digest(secret, info + b"\x01", "sha384")[:size]


def _prf(secret: bytes, seed: bytes, size: int) -> bytes:
    block, out = seed, b""
    while len(out) < size:
        block = hmac.new(secret, block, sha256).digest()
        out += hmac.new(secret, block + seed, sha256).digest()
    return out[:size]
