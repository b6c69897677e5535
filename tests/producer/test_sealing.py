import json
import stat
from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest
from joserfc import jwe
from joserfc.jwk import OKPKey

from producer.sealing.requests import (
    ALGORITHM,
    CURVES,
    ENCRYPTION,
    MAX_TOKEN_BYTES,
    Sealer,
    SealingError,
    Unsealer,
    UnsealError,
    is_sealed,
    load_jwk,
    make_request_keys,
    make_store_key,
    oct_key_octets,
    write_request_keys,
    write_store_key,
)

PLAIN = b'{"version":1,"password":"s3cret"}'
PRIVATE, PUBLIC = make_request_keys()


def seal(plain: bytes, public_jwk: dict) -> str:
    return Sealer(public_jwk).seal(plain)


def header_of(token: str) -> dict:
    encoded = token.partition(".")[0]
    return json.loads(urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))


def with_header(token: str, **changes) -> str:
    header = {**header_of(token), **changes}
    encoded = urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
    return ".".join([encoded, *token.split(".")[1:]])


@pytest.mark.parametrize("curve", CURVES)
def test_what_is_sealed_opens_again(curve):
    private, public = make_request_keys(curve)
    token = seal(PLAIN, public)
    assert Unsealer([private]).unseal(token) == PLAIN
    header = header_of(token)
    assert (header["alg"], header["enc"], header["kid"]) == (ALGORITHM, ENCRYPTION, public["kid"])
    assert header["epk"]["crv"] == curve


def test_two_keys_are_active_while_they_are_rotated():
    new_private, new_public = make_request_keys("P-256")
    unsealer = Unsealer([new_private, PRIVATE])
    assert unsealer.unseal(seal(b"old", PUBLIC)) == b"old"
    assert unsealer.unseal(seal(b"new", new_public)) == b"new"


def test_a_key_made_elsewhere_without_kid_is_known_by_its_thumbprint():
    bare_private = {name: PRIVATE[name] for name in ("kty", "crv", "x", "d")}
    bare_public = {name: PUBLIC[name] for name in ("kty", "crv", "x")}
    token = seal(PLAIN, bare_public)
    assert header_of(token)["kid"] == PUBLIC["kid"]
    assert Unsealer([bare_private]).unseal(token) == PLAIN


def test_a_full_batch_of_the_largest_secrets_can_be_sealed():
    plain = b"x" * (50 * 3 * 16 * 1024)
    assert Unsealer([PRIVATE]).unseal(seal(plain, PUBLIC)) == plain


def test_what_could_not_be_opened_is_not_sealed():
    with pytest.raises(SealingError, match="too large"):
        seal(b"x" * MAX_TOKEN_BYTES, PUBLIC)


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (b'{"version":1}', False),
        (b'  {"version":1}', False),
        (b"", False),
        (b"[]", False),
        (b"\xff\xfe", False),
        (b"eyJhbGciOi.a.b.c.d", True),
        (b"\n eyJhbGciOi.a.b.c.d", True),
    ],
)
def test_sealed_is_told_from_plain(request_, expected):
    assert is_sealed(request_) is expected


TOKEN = seal(PLAIN, PUBLIC)
STRANGER = seal(PLAIN, make_request_keys()[1])


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        ("", "no JWE"),
        ("eyJ", "no JWE"),
        (TOKEN + ".more", "no JWE"),
        ("%%%." + TOKEN.partition(".")[2], "cannot be read"),
        ("W10." + TOKEN.partition(".")[2], "cannot be read"),
        (TOKEN[:-4] + ("AAAA" if not TOKEN.endswith("AAAA") else "BBBB"), "damaged"),
        (STRANGER, "names no key"),
        (with_header(TOKEN, kid=None), "names no key"),
        (with_header(TOKEN, kid=["list"]), "names no key"),
        (with_header(TOKEN, alg="dir"), "must be encrypted with"),
        (with_header(TOKEN, alg="ECDH-ES"), "must be encrypted with"),
        (with_header(TOKEN, alg="none"), "must be encrypted with"),
        (with_header(TOKEN, enc="A128CBC-HS256"), "must be encrypted with"),
        (with_header(TOKEN, zip="DEF"), "asks for more"),
        (with_header(TOKEN, crit=["exp"]), "asks for more"),
        (with_header(TOKEN, epk={"kty": "OKP", "crv": "X25519", "x": "AAAA"}), "damaged"),
        (with_header(TOKEN, epk="none"), "damaged"),
        (with_header(TOKEN, epk={"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}), "damaged"),
        (with_header(TOKEN, cty="x" * 2000), "no JWE"),
        ("eyJ" + "A" * MAX_TOKEN_BYTES, "too large"),
        ("eyJ" + "\N{SNOWMAN}....", "cannot be read"),
    ],
)
def test_a_token_that_asks_for_more_or_is_damaged_is_refused(token, reason):
    with pytest.raises(UnsealError, match=reason) as caught:
        Unsealer([PRIVATE]).unseal(token)
    assert caught.value.__cause__ is None
    assert PRIVATE["d"] not in str(caught.value)


def test_a_zero_point_is_refused():
    # X25519 with a low-order point gives everybody the same shared secret.
    zero = {"kty": "OKP", "crv": "X25519", "x": "A" * 43}
    with pytest.raises(UnsealError):
        Unsealer([PRIVATE]).unseal(with_header(TOKEN, epk=zero))


def test_a_compressed_token_is_refused_unopened():
    token = jwe.encrypt_compact(
        {"alg": ALGORITHM, "enc": ENCRYPTION, "kid": PUBLIC["kid"], "zip": "DEF"},
        b"0" * 10_000,
        OKPKey.import_key(dict(PUBLIC)),
        algorithms=[ALGORITHM, ENCRYPTION, "DEF"],
    )
    with pytest.raises(UnsealError, match="asks for more"):
        Unsealer([PRIVATE]).unseal(token)


@pytest.mark.parametrize(
    ("jwk", "reason"),
    [
        ({}, "curves"),
        ({"kty": "OKP", "crv": "Ed25519", "x": PUBLIC["x"]}, "curves"),
        ({"kty": "OKP", "crv": "X25519"}, "no usable JWK"),
        (PRIVATE, "private key"),
    ],
)
def test_a_key_that_is_no_public_one_is_refused(jwk, reason):
    with pytest.raises(SealingError, match=reason):
        Sealer(jwk)


def test_a_worker_is_not_given_a_public_key():
    with pytest.raises(SealingError, match="needs the private"):
        Unsealer([PUBLIC])


def test_key_files_are_named_by_kid_and_the_private_one_is_private(tmp_path):
    private_path, public_path = write_request_keys(tmp_path / "keys")
    private, public = load_jwk(private_path), load_jwk(public_path)
    assert private_path.name == f"request-{private['kid']}.private.jwk"
    assert public_path.name == f"request-{private['kid']}.public.jwk"
    assert stat.S_IMODE(private_path.stat().st_mode) == 0o600
    assert "d" not in public
    assert Unsealer([private]).unseal(seal(PLAIN, public)) == PLAIN


def test_a_store_key_is_256_bits_and_private(tmp_path):
    path = write_store_key(tmp_path)
    key = load_jwk(path)
    assert path.name == f"store-{key['kid']}.jwk"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(oct_key_octets(key)) == 32
    assert key["k"] not in path.name


@pytest.mark.parametrize("jwk", [{}, {"kty": "oct", "k": "AAAA"}, PUBLIC])
def test_a_store_key_of_another_size_or_kind_is_refused(jwk):
    with pytest.raises(SealingError):
        oct_key_octets(jwk)


def test_two_store_keys_differ():
    assert make_store_key()["k"] != make_store_key()["k"]


@pytest.mark.parametrize("content", [b"", b"[]", b"no json", b"\xff", b"[" * 100_000])
def test_a_file_that_is_no_jwk_is_refused_without_a_quote(tmp_path, content):
    path = tmp_path / "key.jwk"
    path.write_bytes(content)
    with pytest.raises(SealingError, match="is no JWK"):
        load_jwk(path)


def test_a_missing_key_file_is_named(tmp_path):
    with pytest.raises(SealingError, match=r"gone\.jwk cannot be read"):
        load_jwk(tmp_path / "gone.jwk")
