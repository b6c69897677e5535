import string
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.disguises import DISGUISES
from worker.probing.secrecy import Needles

SECRETS = ["correct-Horse7battery", "p4ss", 'a"b\\c%d&e<f', "S3cret with blanks ", "12345678"]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("disguise", DISGUISES)
def test_a_secret_is_found_in_every_disguise(secret, disguise):
    text = f"535 5.7.8 no: {DISGUISES[disguise](secret)} (bye)".encode()
    assert Needles([secret]).found_in(text)


FOREIGN = ["pässwörd-ß", "пароль-тайна", "密码就是这个", "caffè-e\u0301t\u00e9"]
WAYS = """raw|base64 at 1|base64 of plain|hex spaced|percent|reversed|upper case|html decimal
unicode escapes|hex as \\x|quoted-printable|dashes""".replace("\n", "|").split("|")


@pytest.mark.parametrize("secret", FOREIGN)
@pytest.mark.parametrize("disguise", WAYS)
@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC"])
def test_so_is_one_that_is_not_ascii_in_every_normal_form(secret, disguise, form):
    text = DISGUISES[disguise](unicodedata.normalize(form, secret)).encode()
    assert Needles([secret]).found_in(text)


def test_one_that_is_sent_back_in_latin_1_is_found():
    assert Needles(["pässwörd"]).found_in("535 no: pässwörd".encode("latin-1"))


@pytest.mark.parametrize("secret", ["!?!?", "§§$$%%", "((((\\\\"])
def test_one_of_punctuation_only_is_found(secret):
    assert Needles([secret]).found_in(f"535 no: {secret}".encode())
    assert Needles([secret]).found_in(" ".join(secret).encode())
    assert Needles([secret]).found_in(DISGUISES["base64 at 1"](secret).encode())
    assert Needles([secret]).found_in(DISGUISES["percent, all"](secret).encode())


REPLIES = [
    "535 5.7.8 Error: authentication failed: (reason unavailable)",
    """535-5.7.8 Username and Password not accepted. For more information, go to
535 5.7.8  https://support.google.com/mail/?p=BadCredentials a640c23a62f3a-gsmtp""",
    "250-mail.test\n250-PIPELINING\n250-SIZE 52428800\n250-AUTH PLAIN LOGIN\n250 SMTPUTF8",
    "* CAPABILITY IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE LITERAL+ AUTH=PLAIN",
    """535 5.7.139 Authentication unsuccessful, basic authentication is disabled.
[VI1PR07CA0298.eurprd07.prod.outlook.com 2026-11-21T03:00:00.000Z 08DE2A7F4A5B6C7D]""",
]


@pytest.mark.parametrize("text", REPLIES)
@pytest.mark.parametrize("secret", ["hunter2-canary", "pa$$w0rd!", "Tr0ub4dor&3", "qwertz123"])
def test_what_servers_usually_say_is_not_taken_for_a_secret(text, secret):
    assert not Needles([secret]).found_in(text.encode())


def test_half_of_a_long_secret_counts_as_the_secret():
    needles = Needles(["correct-horse-battery-staple"])
    assert needles.found_in(b"535 it begins with correcthorsebatt")
    assert needles.found_in(b"535 it ends in tery_staple, y-battery-staple")
    assert not needles.found_in(b"535 correct")


def test_a_secret_too_short_to_look_for_counts_as_found_everywhere():
    needles = Needles(["abc"])
    assert needles.unsearchable
    assert needles.found_in(b"250 ok")


def test_no_secret_is_found_nowhere():
    assert not Needles([])
    assert not Needles([""])
    assert not Needles([]).found_in(b"anything")


@pytest.mark.parametrize("secret", ["a" * 4096, ".*[(\\" * 500, "(a+)+$" * 600, "aé" * 2048])
@pytest.mark.parametrize("unit", [b"a", b"\\", b"%61", b"&#97;", b"<", b"=", b"\x1b[", b"Zm9v"])
def test_searching_takes_linear_time(secret, unit):
    # Thousands of times what linear steps take would be left: this fails on a quadratic one only.
    started = time.process_time()
    Needles([secret]).found_in(unit * (65536 // len(unit)))
    assert time.process_time() - started < 5


@given(
    st.text(string.ascii_letters + string.digits, min_size=6, max_size=40),
    st.sampled_from(sorted(DISGUISES)),
    st.text(string.printable, max_size=20),
)
def test_words_around_a_disguise_do_not_help_it(secret, disguise, around):
    text = f"535 {around}\n{DISGUISES[disguise](secret)}\n{around}".encode()
    if disguise not in ("base64 spaced", "base64 of base64", "hex of base64", "percent twice"):
        assert Needles([secret]).found_in(text)


@given(st.binary(max_size=300))
def test_any_bytes_can_be_searched(data):
    Needles(["some-secret", "gehéim-süß", "!!!!"]).found_in(data)
