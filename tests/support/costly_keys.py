"""A server's flight of TLS 1.2, made by hand, whose certificates take long to decode.

Each holds a key on a curve of its own, given as a compressed point: to decompress it OpenSSL takes
a square root (Tonelli-Shanks), which is quadratic in how often two divides the field's prime less
one. Here that is 600 times, and the root is the worst there is. No certificate is worth anything.
"""

import os

TWOS = 600
PRIME = 133 * 2**TWOS + 1
SIZE = (PRIME.bit_length() + 7) // 8
X, A = 5, 1
Y = pow(3, 133, PRIME)  # 3 is no square: of order 2**600
B = (Y * Y - X**3 - A * X) % PRIME

_EC_PUBLIC_KEY = bytes.fromhex("06072a8648ce3d0201")
_PRIME_FIELD = bytes.fromhex("06072a8648ce3d0101")
_ECDSA_SHA256 = bytes.fromhex("06082a8648ce3d040302")
_POINT = b"\x02" + X.to_bytes(SIZE, "big")


def costly_flight(certificates: int) -> bytes:
    """ServerHello and Certificate, as a record: some 250 ms of computing for each certificate."""
    hello = b"\x03\x03" + os.urandom(32) + b"\0" + b"\xc0\x2f" + b"\0" + b"\0\x05\xff\x01\0\x01\0"
    one = _certificate()
    chain = (len(one).to_bytes(3, "big") + one) * certificates
    body = _message(2, hello) + _message(11, len(chain).to_bytes(3, "big") + chain)
    return b"\x16\x03\x03" + len(body).to_bytes(2, "big") + body


def _message(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + len(body).to_bytes(3, "big") + body


def _certificate() -> bytes:
    curve = _sequence(
        _integer(1),
        _sequence(_PRIME_FIELD, _integer(PRIME)),
        _sequence(_octets(A.to_bytes(SIZE, "big")), _octets(B.to_bytes(SIZE, "big"))),
        _octets(_POINT),
        _integer(2**607 - 1),
        _integer(1),
    )
    key = _sequence(_sequence(_EC_PUBLIC_KEY, curve), _tagged(3, b"\0" + _POINT))
    dates = _sequence(_tagged(0x17, b"200101000000Z"), _tagged(0x17, b"400101000000Z"))
    algorithm, nobody = _sequence(_ECDSA_SHA256), _sequence()
    signed = _sequence(_integer(1), algorithm, nobody, dates, nobody, key)
    return _sequence(signed, algorithm, _tagged(3, b"\0\x01"))


def _tagged(tag: int, body: bytes) -> bytes:
    size = len(body)
    if size < 128:
        return bytes([tag, size]) + body
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets + body


def _sequence(*parts: bytes) -> bytes:
    return _tagged(0x30, b"".join(parts))


def _octets(body: bytes) -> bytes:
    return _tagged(4, body)


def _integer(number: int) -> bytes:
    return _tagged(2, number.to_bytes(number.bit_length() // 8 + 1, "big"))
