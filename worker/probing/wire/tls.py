"""The TLS that is asked of every server, and what its failures mean."""

import ssl
from pathlib import Path
from typing import Final

from producer.contract.codes import Code
from worker.probing.errors import TlsFault

_WEAK: Final = frozenset({66, 67, 68})
"""X509_V_ERR_EE_KEY_TOO_SMALL, _CA_KEY_TOO_SMALL, _CA_MD_TOO_WEAK (security level 2)."""

_WRONG_NAME: Final = frozenset({62, 63, 64})
"""X509_V_ERR_HOSTNAME_MISMATCH, _EMAIL_MISMATCH, _IP_ADDRESS_MISMATCH."""

_BY_VERIFY_CODE: Final[dict[int, tuple[Code, str]]] = {
    9: (Code.CERTIFICATE_EXPIRED, "the certificate is not yet valid"),
    10: (Code.CERTIFICATE_EXPIRED, "the certificate has expired"),
    18: (Code.CERTIFICATE_UNTRUSTED, "the certificate is self-signed"),
    19: (Code.CERTIFICATE_UNTRUSTED, "the certificate's chain ends in an unknown root"),
    20: (Code.CERTIFICATE_UNTRUSTED, "the certificate's issuer is unknown"),
    21: (Code.CERTIFICATE_UNTRUSTED, "the certificate's issuer is unknown"),
    23: (Code.CERTIFICATE_UNTRUSTED, "the certificate was revoked"),
    24: (Code.CERTIFICATE_UNTRUSTED, "an issuer in the chain is no authority"),
    26: (Code.CERTIFICATE_UNTRUSTED, "the certificate is not meant for a server"),
}

_NO_COMPRESSED_CERTIFICATES: Final = 1 << 33
"""SSL_OP_NO_RX_CERTIFICATE_COMPRESSION of OpenSSL 3.2 and newer, without a meaning before it.

With it (RFC 8879) a server could send six times as many certificates as a handshake may have bytes.
"""

_VERSION_REASONS: Final = frozenset(
    {
        "TLSV1_ALERT_PROTOCOL_VERSION",
        "UNSUPPORTED_PROTOCOL",
        "UNSUPPORTED_SSL_VERSION",
        "WRONG_SSL_VERSION",
        "VERSION_TOO_LOW",
    }
)

_RECORD_VERSION_REASON: Final = "WRONG_VERSION_NUMBER"
"""Of the server's first record: an old version. What comes first is a record (see
`TlsChannel.feed`); later the same reason is given for bytes that are none."""

_CLIENT_CERTIFICATE_REASONS: Final = frozenset(
    {
        # Up to TLS 1.2 servers say one of these to an empty Certificate message.
        "SSLV3_ALERT_HANDSHAKE_FAILURE",
        "SSLV3_ALERT_BAD_CERTIFICATE",
        "SSLV3_ALERT_NO_CERTIFICATE",
        "TLSV1_ALERT_NO_CERTIFICATE",
    }
)


def make_context(ca_file: Path | None = None) -> ssl.SSLContext:
    """The client context that all probes of a process share: making one costs 20 ms.

    `ca_file`: trusted beside the system's authorities. Raises OSError or ssl.SSLError where that
    file cannot be read.
    """
    # Not create_default_context(): that one writes session keys to $SSLKEYLOGFILE.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # RFC 8997
    context.set_ciphers("DEFAULT:@SECLEVEL=2")
    # RFC 6125: names are taken from the subjectAltName only. Python 3.11 would still accept a CN.
    context.hostname_checks_common_name = False
    context.options |= ssl.OP_NO_RENEGOTIATION
    # Some distributions set this: an end without close_notify would pass for a regular one.
    context.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
    # The last: "~" takes away every option that Python has no name for.
    context.options |= _NO_COMPRESSED_CERTIFICATES
    # The context keeps no client's session (RFC 8446, section 4.6.1): see resumption.py.
    context.load_default_certs()
    if ca_file is not None:
        context.load_verify_locations(cafile=ca_file)
    return context


def tls_fault(error: ssl.SSLError, *, agreed: bool, answered: bool) -> TlsFault:
    """What a failure of OpenSSL's means.

    `agreed`: the server had said which version and cipher it takes.
    `answered`: our second flight, with the answer to a request for a certificate, was sent, and
    the server has said nothing since: what it sends now may be about the certificate.
    The detail is ours, OpenSSL's own text may quote the certificate.
    """
    if isinstance(error, ssl.SSLCertVerificationError):
        return _certificate_fault(error.verify_code)
    reason = getattr(error, "reason", None) or "no reason given"
    if reason in _VERSION_REASONS or (reason == _RECORD_VERSION_REASON and not agreed):
        detail = "the server speaks no TLS version from 1.2 on"
        return TlsFault(Code.TLS_VERSION_UNSUPPORTED, detail)
    # TLS 1.3 has an alert for it, which comes with the first read after the handshake.
    demanded = reason == "TLSV13_ALERT_CERTIFICATE_REQUIRED"
    if demanded or (answered and reason in _CLIENT_CERTIFICATE_REASONS):
        detail = "the server demands a certificate of the client"
        return TlsFault(Code.CLIENT_CERTIFICATE_REQUIRED, detail)
    words = reason.replace("_", " ").lower()
    return TlsFault(Code.TLS_HANDSHAKE_FAILED, f"the TLS handshake failed ({words})")


def _certificate_fault(verify_code: int) -> TlsFault:
    if verify_code in _WEAK:
        return TlsFault(Code.CERTIFICATE_WEAK, "the certificate's key or signature is too weak")
    if verify_code in _WRONG_NAME:
        detail = "the certificate is not for this host name"
        return TlsFault(Code.CERTIFICATE_NAME_MISMATCH, detail)
    unknown = (Code.CERTIFICATE_UNTRUSTED, f"the certificate failed check {verify_code}")
    return TlsFault(*_BY_VERIFY_CODE.get(verify_code, unknown))
