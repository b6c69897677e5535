import base64
import hashlib
import hmac
import json

import pytest

from producer.contract.codes import Code
from tests.support.fake_session import credential
from worker.probing.errors import ProbeFault, ProtocolFault
from worker.probing.sasl.bearer import describe_error
from worker.probing.sasl.choice import choose, make_mechanism
from worker.probing.sasl.cram_md5 import CramMd5
from worker.probing.sasl.login import Login
from worker.probing.sasl.mechanism import WEAK_SCRAM
from worker.probing.sasl.oauthbearer import OAuthBearer
from worker.probing.sasl.plain import Plain
from worker.probing.sasl.scram import MAX_ITERATIONS, MIN_ITERATIONS, Scram
from worker.probing.sasl.xoauth2 import XOAuth2
from worker.probing.target import CredentialKind

PENCIL = credential("user", "pencil")


def test_plain_says_everything_at_once_in_utf_8():
    plain = Plain(credential("jürgen@mail.test", " pa55 wörd "))
    assert not plain.complete
    assert plain.start() == "\0jürgen@mail.test\0 pa55 wörd ".encode()
    assert plain.complete


def test_plain_has_no_answer_to_a_challenge():
    plain = Plain(PENCIL)
    plain.start()
    with pytest.raises(ProtocolFault):
        plain.next(b"")


def test_plain_never_builds_a_response_whose_fields_a_nul_would_shift():
    with pytest.raises(ValueError, match="NUL"):
        Plain(credential("user", "a\0b"))


@pytest.mark.parametrize(
    "prompts", [(b"Username:", b"Password:"), (b"User Name\0", b""), (b"", b"")]
)
def test_login_answers_user_then_password_whatever_the_prompts_say(prompts):
    login = Login(PENCIL)
    assert login.start() is None
    assert login.next(prompts[0]) == b"user"
    assert not login.complete
    assert login.next(prompts[1]) == b"pencil"
    assert login.complete


def test_login_keeps_its_order_when_the_password_is_asked_for_first():
    assert Login(PENCIL).next(b"Password:") == b"user"


def test_login_does_not_send_the_password_a_second_time():
    login = Login(PENCIL)
    login.next(b"")
    login.next(b"")
    with pytest.raises(ProtocolFault):
        login.next(b"Password:")


def test_cram_md5_computes_the_example_of_rfc_2195():
    cram = CramMd5(credential("tim", "tanstaaftanstaaf"))
    assert cram.start() is None
    answer = cram.next(b"<1896.697170952@postoffice.reston.mci.net>")
    assert answer == b"tim b913a602c7eda7a495b4e6e7334d3890"
    assert cram.complete


@pytest.mark.parametrize("challenge", [b"", b"x" * 1025])
def test_cram_md5_signs_no_empty_and_no_endless_challenge(challenge):
    with pytest.raises(ProtocolFault):
        CramMd5(PENCIL).next(challenge)


def test_cram_md5_answers_once():
    cram = CramMd5(PENCIL)
    cram.next(b"<1@mail.test>")
    with pytest.raises(ProtocolFault):
        cram.next(b"<2@mail.test>")


def test_scram_sha_1_follows_the_example_of_rfc_5802():
    scram = Scram(PENCIL, hash_name="sha1", nonce=b"fyko+d2lbbFgONRv9qkxdawL")
    assert scram.start() == b"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL"
    nonce = b"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j"
    assert scram.next(nonce + b",s=QSXCR+Q6sek8bf92,i=4096") == (
        b"c=biws," + nonce + b",p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts="
    )
    assert not scram.complete
    assert scram.next(b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=") == b""
    assert scram.complete


def test_scram_sha_256_follows_the_example_of_rfc_7677():
    scram = Scram(PENCIL, hash_name="sha256", nonce=b"rOprNGfwEbeRWgbNEkqO")
    nonce = b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    scram.start()
    assert scram.next(nonce + b",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096") == (
        b"c=biws," + nonce + b",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    )
    scram.next(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")
    assert scram.complete


def scram_at(challenge):
    scram = Scram(PENCIL, hash_name="sha256", nonce=b"ours")
    scram.start()
    return scram, challenge


@pytest.mark.parametrize(
    "challenge",
    [
        b"r=theirs,s=c2FsdA==,i=4096",
        b"r=ours,s=c2FsdA==,i=4096",
        b"m=ext,r=ours+theirs,s=c2FsdA==,i=4096",
        b"r=ours+theirs,s=,i=4096",
        b"r=ours+theirs,s=!!!!,i=4096",
        b"r=ours+theirs,s=c2FsdA=,i=4096",
        b"r=ours+theirs,s=" + base64.b64encode(b"s" * 1025) + b",i=4096",
        b"r=ours+theirs,s=c2FsdA==,i=-1",
        b"r=ours+theirs,s=c2FsdA==,i=" + b"9" * 5000,
        b"r=ours\xff,s=c2FsdA==,i=4096",
        b"s=c2FsdA==,i=4096",
        b"v=c2FsdA==",
        b"",
    ],
)
def test_scram_stops_at_a_first_message_that_breaks_its_rules(challenge):
    scram, challenge = scram_at(challenge)
    with pytest.raises(ProtocolFault) as caught:
        scram.next(challenge)
    assert caught.value.code is Code.PROTOCOL_ERROR
    assert not scram.complete


@pytest.mark.parametrize(
    ("count", "hint"),
    [
        (MIN_ITERATIONS - 1, WEAK_SCRAM),
        (1, WEAK_SCRAM),
        (MAX_ITERATIONS + 1, None),
        (2**31 - 1, None),
    ],
)
def test_scram_computes_nothing_for_a_count_out_of_bounds(count, hint):
    scram, challenge = scram_at(b"r=ours+theirs,s=c2FsdA==,i=%d" % count)
    with pytest.raises(ProtocolFault) as caught:
        scram.next(challenge)
    assert caught.value.hint == hint


@pytest.mark.parametrize(
    ("final", "code"),
    [
        (b"v=c2FsdA==", Code.AUTH_UNPROVEN),
        (b"v=" + base64.b64encode(bytes(20)), Code.AUTH_UNPROVEN),
        (b"v=", Code.PROTOCOL_ERROR),
        (b"", Code.PROTOCOL_ERROR),
        (b"x=1", Code.PROTOCOL_ERROR),
    ],
)
def test_scram_believes_no_server_without_the_right_signature(final, code):
    scram, challenge = scram_at(b"r=ours+theirs,s=c2FsdA==,i=4096")
    scram.next(challenge)
    with pytest.raises(ProbeFault) as caught:
        scram.next(final)
    assert caught.value.code is code
    assert not scram.complete


def test_scram_takes_the_servers_error_quietly_and_waits_for_the_refusal():
    scram, challenge = scram_at(b"r=ours+theirs,s=c2FsdA==,i=4096")
    scram.next(challenge)
    assert scram.next(b"e=invalid-proof") == b""
    assert not scram.complete
    with pytest.raises(ProtocolFault):
        scram.next(b"")


def test_scram_escapes_the_user_name_and_prepares_both_parts():
    scram = Scram(credential("a=b,c\u00ad", "p\u00a0w\u2168"), hash_name="sha1", nonce=b"n")
    assert scram.start() == b"n,,n=a=3Db=2Cc,r=n"
    first = b"r=n2,s=c2FsdA==,i=4096"
    final = scram.next(first)
    salted = hashlib.pbkdf2_hmac("sha1", b"p wIX", b"salt", 4096)
    message = b"n=a=3Db=2Cc,r=n," + first + b"," + final.rpartition(b",p=")[0]
    server_key = hmac.digest(salted, b"Server Key", "sha1")
    scram.next(b"v=" + base64.b64encode(hmac.digest(server_key, message, "sha1")))
    assert scram.complete


def test_scram_makes_a_nonce_of_its_own_for_every_login():
    first, second = (Scram(PENCIL, hash_name="sha1").start() for _ in range(2))
    assert first != second


TOKEN = credential("user=1,@mail.test", "ya29.t0k", CredentialKind.BEARER)


def test_xoauth2_sends_user_and_token_and_answers_the_error_with_nothing():
    mechanism = XOAuth2(TOKEN)
    assert mechanism.start() == b"user=user=1,@mail.test\x01auth=Bearer ya29.t0k\x01\x01"
    assert mechanism.complete
    error = {"status": "401", "schemes": "bearer", "scope": "https://mail.test/"}
    assert mechanism.next(json.dumps(error).encode()) == b""
    assert not mechanism.complete
    assert mechanism.error == "bearer status=401 schemes=bearer scope=https://mail.test/"


def test_oauthbearer_names_the_server_it_speaks_to_and_answers_the_error_with_one_octet():
    mechanism = OAuthBearer(TOKEN, host="mail.test", port=587)
    assert mechanism.start() == (
        b"n,a=user=3D1=2C@mail.test,\x01host=mail.test\x01port=587\x01auth=Bearer ya29.t0k\x01\x01"
    )
    error = {"status": "invalid_token", "openid-configuration": "http://169.254.169.254/"}
    assert mechanism.next(json.dumps(error).encode()) == b"\x01"
    assert mechanism.error == "bearer status=invalid_token"


@pytest.mark.parametrize("make", [XOAuth2, lambda token: OAuthBearer(token, host="h", port=1)])
@pytest.mark.parametrize(
    "error",
    [b"[" * 4000, b"[" * 200_000, b"\xff", b"", b"null", b"[1]", b'{"status": 401, "scope": null}'],
)
def test_an_unreadable_bearer_error_is_an_error_without_detail(make, error):
    mechanism = make(TOKEN)
    mechanism.start()
    mechanism.next(error)
    assert mechanism.error == ""
    assert not mechanism.complete


@pytest.mark.parametrize("make", [XOAuth2, lambda token: OAuthBearer(token, host="h", port=1)])
def test_a_bearer_error_comes_once(make):
    mechanism = make(TOKEN)
    mechanism.start()
    mechanism.next(b"{}")
    with pytest.raises(ProtocolFault):
        mechanism.next(b"{}")


class EverythingOffered(tuple):
    """What a server offers that knows every mechanism there is."""

    __slots__ = ()

    def __contains__(self, name):
        return True


EVERY = ("CRAM-MD5", "SCRAM-SHA-1", "OAUTHBEARER", "SCRAM-SHA-256", "XOAUTH2", "LOGIN", "PLAIN")


def test_under_tls_the_password_goes_first_by_what_works_everywhere():
    assert choose(EVERY, CredentialKind.PASSWORD, secure=True) == (
        *("PLAIN", "LOGIN", "SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5"),
    )


def test_in_the_clear_the_password_stays_off_the_wire_where_it_can():
    assert choose(EVERY, CredentialKind.PASSWORD, secure=False)[0] == "SCRAM-SHA-256"


@pytest.mark.parametrize("secure", [True, False])
def test_a_token_never_goes_into_a_password_mechanism(secure):
    assert choose(EVERY, CredentialKind.BEARER, secure=secure) == ("XOAUTH2", "OAUTHBEARER")


def test_nothing_is_chosen_that_was_not_offered():
    assert choose(("GSSAPI", "DIGEST-MD5"), CredentialKind.PASSWORD, secure=True) == ()


CHOSEN = {
    name
    for kind in CredentialKind
    for secure in (True, False)
    for name in choose(EverythingOffered(), kind, secure=secure)
}


@pytest.mark.parametrize("name", sorted(CHOSEN))
def test_every_mechanism_that_can_be_chosen_can_be_made(name):
    assert make_mechanism(name, TOKEN, host="mail.test", port=587).name == name


def test_half_a_character_in_a_bearer_error_is_no_text_that_cannot_be_written():
    assert describe_error(rb'{"status": "\ud800 401"}') == "bearer status=? 401"
