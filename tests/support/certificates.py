"""Certificates of every kind, good and bad, for the scripted servers."""

import functools
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NAME = "mail.test"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@functools.cache
def authority() -> trustme.CA:
    """The authority that the tests' clients trust (`probing.client_context`)."""
    return trustme.CA()


@functools.cache
def foreign_authority() -> trustme.CA:
    """An authority that nobody trusts."""
    return trustme.CA()


def trust(context: ssl.SSLContext) -> ssl.SSLContext:
    """Make a client's context trust `authority`."""
    authority().configure_trust(context)
    return context


def ca_file(directory: Path) -> Path:
    """`authority` as a PEM file, for the setting CA_FILE."""
    path = directory / "ca.pem"
    authority().cert_pem.write_to_path(str(path))
    return path


def _context(chain: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # The weak kinds are what the client has to refuse: the server must not do it first.
    context.set_ciphers("ALL:@SECLEVEL=0")
    chain.configure_cert(context)
    return context


@functools.cache
def good(*names: str) -> ssl.SSLContext:
    """For `names` (NAME and loopback by default), by the trusted authority."""
    return _context(authority().issue_cert(*(names or (NAME, "localhost", "127.0.0.1", "::1"))))


def expired(*names: str) -> ssl.SSLContext:
    return _context(authority().issue_cert(*(names or (NAME,)), not_after=LONG_AGO))


def not_yet_valid() -> ssl.SSLContext:
    return _context(authority().issue_cert(NAME, not_before=datetime.now(UTC) + timedelta(days=9)))


def wrong_name() -> ssl.SSLContext:
    return good("other.test")


def unknown_authority() -> ssl.SSLContext:
    return _context(foreign_authority().issue_cert(NAME))


def common_name_only() -> ssl.SSLContext:
    """NAME as the subject's common name, another in the subjectAltName's place."""
    return own(lambda builder: builder, names=(), issuer=authority())


def self_signed() -> ssl.SSLContext:
    return own(
        lambda builder: builder.add_extension(
            x509.BasicConstraints(ca=False, path_length=None), critical=True
        )
    )


def weak_key() -> ssl.SSLContext:
    """RSA with 1024 bits, by the trusted authority."""
    return own(
        lambda builder: builder, key=rsa.generate_private_key(65537, 1024), issuer=authority()
    )


def for_clients_only() -> ssl.SSLContext:
    """Extended key usage clientAuth and nothing else."""
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
    return own(lambda builder: builder.add_extension(usage, critical=True), issuer=authority())


def demanding_client_certificate(
    version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
) -> ssl.SSLContext:
    context = _context(authority().issue_cert(NAME, "127.0.0.1"))
    context.maximum_version = version
    context.verify_mode = ssl.CERT_REQUIRED
    authority().configure_trust(context)
    return context


def only_version(version: ssl.TLSVersion) -> ssl.SSLContext:
    context = _context(authority().issue_cert(NAME, "127.0.0.1"))
    context.minimum_version = min(version, ssl.TLSVersion.TLSv1_2)
    context.maximum_version = version
    context.minimum_version = version
    return context


Build = Callable[[x509.CertificateBuilder], x509.CertificateBuilder]


def own(
    build: Build,
    *,
    names: tuple[str, ...] = (NAME,),
    common_name: str = NAME,
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | None = None,
    issuer: trustme.CA | None = None,
) -> ssl.SSLContext:
    """A certificate made by hand: `build` adds to it; signed by itself where no issuer is given."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    signer_name, signer = subject, key
    if issuer is not None:
        signer_name = x509.load_pem_x509_certificate(issuer.cert_pem.bytes()).subject
        signer = serialization.load_pem_private_key(issuer.private_key_pem.bytes(), None)
    builder = (
        x509.CertificateBuilder(issuer_name=signer_name, subject_name=subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=30))
    )
    if names:
        alternatives = x509.SubjectAlternativeName([_general_name(name) for name in names])
        builder = builder.add_extension(alternatives, critical=False)
    certificate = build(builder).sign(signer, hashes.SHA256())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with TemporaryDirectory() as directory:
        pem = Path(directory) / "chain.pem"
        pem.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context.load_cert_chain(pem)
    return context


def long_chain(length: int, curve: ec.EllipticCurve, directory: Path) -> tuple[Path, Path]:
    """PEM files: a key and so many certificates, that of NAME first; the root above them."""
    keys = [ec.generate_private_key(curve) for _ in range(length + 1)]
    subjects = [
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{number}")])
        for number in range(length)
    ]
    subjects.append(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "root")]))
    signed_by = [*range(1, length + 1), length]
    certificates = [
        _link(keys[number], subjects[number], keys[signer], subjects[signer], leaf=number == 0)
        for number, signer in enumerate(signed_by)
    ]
    pem = [one.public_bytes(serialization.Encoding.PEM) for one in certificates]
    key = keys[0].private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    chain, root = directory / "chain.pem", directory / "root.pem"
    chain.write_bytes(key + b"".join(pem[:-1]))
    root.write_bytes(pem[-1])
    return chain, root


def _link(
    key: ec.EllipticCurvePrivateKey,
    subject: x509.Name,
    signer: ec.EllipticCurvePrivateKey,
    issuer: x509.Name,
    *,
    leaf: bool,
) -> x509.Certificate:
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder(issuer_name=issuer, subject_name=subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=not leaf, path_length=None), critical=True)
    )
    if leaf:
        names = x509.SubjectAlternativeName([_general_name(NAME)])
        builder = builder.add_extension(names, critical=False)
    return builder.sign(signer, hashes.SHA256())


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)
