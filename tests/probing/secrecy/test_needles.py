import base64
import math
import random
import string
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.disguises import DISGUISES, OF_LONG_SECRETS
from worker.probing.secrecy.needles import Needles
from worker.probing.secrecy.spellings import sent_octets
from worker.probing.target import Protocol
from worker.probing.transcript import Transcript

SECRETS = ["correct-Horse7battery", "p4ss", 'a"b\\c%d&e<f', "S3cret with blanks ", "12345678"]


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_is_found_in_every_disguise(secret):
    needles = Needles([secret])
    missed = [
        name
        for name, disguise in DISGUISES.items()
        if not needles.found_in(f"535 5.7.8 no: {disguise(secret)} (bye)".encode())
    ]
    assert missed == []


LONG_SECRETS = [
    "correct-Horse7battery",
    "S3cret with blanks ",
    "tR7vLm2Kq9",
    "Kestrel-flies",
    "qwertyui",
]


@pytest.mark.parametrize("secret", LONG_SECRETS)
def test_a_long_secret_is_found_in_those_in_which_a_short_one_is_chance(secret):
    needles, others = Needles([secret]), Needles(["entirely-Other3words"])
    texts = {
        name: f"535 5.7.8 no: {disguise(secret)} (bye)".encode()
        for name, disguise in OF_LONG_SECRETS.items()
    }
    assert [name for name, text in texts.items() if not needles.found_in(text)] == []
    assert [name for name, text in texts.items() if others.found_in(text)] == []


@pytest.mark.parametrize(
    ("secret", "text"),
    [
        ("passwording-Zebra", "p@$$w0rd!ng-Z3br@"),
        ("Pa$$woer!d-elfs", "P4$$w03r!d-3lf5"),
        ("Pa$$woer!d-elfs", "look: P4$$-w03r!d3"),
        ("kestrel-flies", "11 5 19 20 18 5 12 6 12 9 5 19"),
        ("kestrel", "11-05-19-20-18-05-12"),
        ("Kestrel-flies", "the sierra said: kilo echo sierra tango romeo echo lima foxtrot lima"),
    ],
)
def test_letters_may_be_written_as_what_looks_like_them_or_by_their_number_or_name(secret, text):
    assert Needles([secret]).found_in(f"535 no: {text}".encode())


def test_an_encoded_secret_is_found_that_was_sent_with_more_around_it():
    transcript = Transcript(Protocol.SMTP, ["correct-Horse7battery"])
    sent = b"\0jean@mail.test\0correct-Horse7battery"
    transcript.hide(b"AUTH PLAIN " + base64.b64encode(sent))
    for name in ("Ascii85", "base58", "Z85"):
        transcript.server([f"535 5.7.8 {OF_LONG_SECRETS[name](sent.decode())}".encode()])
    lines = transcript.lines()
    assert [line for line in lines if "S:" in line] == ["SMTP S: 535 5.7.8 [text withheld]"] * 3


@pytest.mark.parametrize(
    ("secret", "form"),
    [
        *(("пароль-тайна", form) for form in ("{}", "{:o}", "0x{:x}", "{:04x}", "U+{:04X}")),
        *(("Zażółć-gęślą", form) for form in ("0x{:x}", "{:04x}", "U+{:04X}")),
    ],
)
@pytest.mark.parametrize("between", [" ", ", ", "-"])
def test_a_secret_is_found_as_the_numbers_of_its_code_points(secret, form, between):
    numbers = between.join(form.format(ord(one)) for one in secret)
    assert Needles([secret]).found_in(f"535 no: {numbers}".encode())
    assert not Needles(["entirely-Other3words", "жираф-чужой"]).found_in(numbers.encode())


FOREIGN = ["pässwörd-ß", "пароль-тайна", "密码就是这个", "caffè-e\u0301t\u00e9"]
WAYS = """raw|base64 at 1|base64 of plain|hex spaced|percent|reversed|upper case|html decimal
unicode escapes|hex as \\x|quoted-printable|dashes""".replace("\n", "|").split("|")


@pytest.mark.parametrize("secret", FOREIGN)
@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC"])
def test_so_is_one_that_is_not_ascii_in_every_normal_form(secret, form):
    needles, written = Needles([secret]), unicodedata.normalize(form, secret)
    missed = [way for way in WAYS if not needles.found_in(DISGUISES[way](written).encode())]
    assert missed == []


@pytest.mark.parametrize(
    ("secret", "encoding"),
    [
        *(
            ("пароль-тайна", name)
            for name in ("cp1251", "koi8-r", "iso-8859-5", "cp866", "utf-16-be")
        ),
        *(("密码就是这个", name) for name in ("gb18030", "utf-16-le")),
        *(("Zażółć-gęślą", name) for name in ("cp1250", "iso-8859-2", "cp852")),
        ("パスワード秘密", "shift_jis"),
        ("비밀번호입니다", "euc-kr"),
    ],
)
def test_one_that_is_sent_back_in_an_old_code_page_is_found(secret, encoding):
    for text in (secret, secret.upper(), secret[::-1]):
        assert Needles([secret]).found_in(b"535 no: " + text.encode(encoding) + b" bye")
    in_base64 = base64.b64encode(secret.encode(encoding))
    assert Needles([secret]).found_in(b"535 no: " + in_base64)


@pytest.mark.parametrize("secret", ["пароль-тайна", "pässwörd-ß"])
def test_utf_8_that_was_taken_for_latin_1_is_found(secret):
    assert Needles([secret]).found_in(f"535 {secret.encode().decode('latin-1')}".encode())


@pytest.mark.parametrize(
    ("secret", "text"),
    [
        ("zażółć gęślą", "za+AXwA8wFCAQc g+ARkBWw-l+AQU-"),
        ("pässwörd-länge", "p+AOQ-ssw+APY-rd-l+AOQ-nge"),
        ("žluťoučký", "+AX4-lu+AWU-ou+AQ0-k+AP0-"),
    ],
)
def test_utf_7_is_found(secret, text):
    assert Needles([secret]).found_in(f"NO wrong {text}".encode())


def test_modified_utf_7_is_found_also_where_only_some_letters_need_it():
    coded = base64.b64encode("пароль".encode("utf-16-be")).decode().rstrip("=").replace("/", ",")
    assert Needles(["пароль-123456"]).found_in(f"NO [X] &{coded}--123456 bye".encode())


@pytest.mark.parametrize(
    "text",
    [
        "p+AOQ-ssw+APY-rd-l+AOQ-nge",  # UTF-7 (RFC 2152)
        "p&AOQ-ssw&APY-rd-l&AOQ-nge",  # modified UTF-7 (RFC 3501, section 5.1.3)
        r"p\u00e4ssw\u00f6rd-l\u00e4nge",
        "p&#228;ssw&ouml;rd-l&#xe4;nge",
        "p%C3%A4ssw%C3%B6rd-l%C3%A4nge",
        "p=C3=A4ssw=C3=B6rd-l=C3=A4nge",
    ],
)
def test_a_secret_is_found_where_only_the_letters_beyond_ascii_are_written_in_another_way(text):
    assert Needles(["pässwörd-länge"]).found_in(f"NO [X] {text} bye".encode())


@pytest.mark.parametrize(
    "length", [5, 6, 7, 8, 9, 11, 12, 15, 16, 24, 31, 32, 48, 64, 200, 2000, 16000]
)
def test_a_secret_is_found_without_its_last_or_first_characters_as_the_rule_says(length):
    secret = "".join(random.Random(length).choices(string.ascii_letters + string.digits, k=length))
    share = next(share for most, share in SHARES if length <= most)(length)
    for start in range(0, length - share + 1, max(1, length // 40)):
        assert Needles([secret]).found_in(f"535 no {secret[start : start + share]}".encode())


SHARES = (
    (5, lambda length: length),
    (7, lambda length: length - 1),
    (11, lambda length: math.ceil(length * 2 / 3)),
    (31, lambda length: max(8, math.ceil(length / 2))),
    (1 << 30, lambda length: min(255, max(31, length // 16))),
)
"""As the head of the package says it."""


@pytest.mark.parametrize("secret", ["password2024", "Incorrect1", "mailserver9", "mail-test-27X"])
def test_words_that_every_server_uses_are_no_share_of_a_secret(secret):
    text = b"220 smtp.mail-test.example\n535 5.7.8 Incorrect password for mailserver"
    assert not Needles([secret], public=["smtp.mail-test.example"]).found_in(text)
    assert Needles([secret]).found_in(b"535 no: " + secret.encode())


def test_the_whole_secret_counts_also_where_it_is_a_public_word():
    assert Needles(["password"]).found_in(b"535 bad password")
    assert Needles(["mail.test"], public=["mail.test"]).found_in(b"220 mail.test")


def test_a_long_token_can_be_looked_for_in_what_servers_usually_say():
    token = "".join(random.Random(0).choices(string.ascii_letters, k=16 * 1024))
    for text in REPLIES:
        assert not Needles([token]).found_in(text.encode())


def test_secrets_too_many_to_look_for_count_as_found():
    secrets = [f"{number:064x}" for number in range(20_000)]
    assert Needles(secrets).found_in(b"250 " + b"z" * 2000)


def test_a_text_with_too_many_readings_counts_as_one_that_holds_the_secret():
    layers = b"%3C&#60;\\x3c=3C<b>" * 2000
    assert Needles(["some-secret"]).found_in(layers)


def test_the_digest_and_the_proof_of_a_login_are_found_decoded():
    digest, proof = b"5bb2a3fe9d1e4a1bb0d58c3b24eaeb19", bytes(range(32))
    cram = base64.b64encode(b"user " + digest)
    scram = base64.b64encode(b"c=biws,r=abc,p=" + base64.b64encode(proof))
    for word, echo in ((cram, digest), (cram, bytes.fromhex(digest.decode())), (scram, proof)):
        needles = Needles(["some-secret"])
        for octets in sent_octets(word):
            needles.add_octets(octets)
        assert needles.found_in(b"535 " + echo)
        assert needles.found_in(b"535 " + echo.hex().encode())
        assert needles.found_in(b"535 " + base64.b64encode(echo))
        assert not needles.found_in(b"535 5.7.8 authentication failed: user abc")


@pytest.mark.parametrize("word", [b"", b"*", b"dXNlcg==", b"not base64 at all", b"LHA9IQ=="])
def test_a_sent_word_without_digest_or_proof_adds_nothing_that_matters(word):
    assert all(len(octets) < 4 for octets in sent_octets(word))


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


FRAGILE = (
    *("base64 spaced", "base64 of base64", "hex of base64", "percent twice", "base64 of html"),
    *("base64, letter by letter", "base64 in padded pieces", "hex of percent"),
)
"""Where a word beside a disguise can look like a part of it: `=`, `;` or letters at its end."""


@given(
    st.text(string.ascii_letters + string.digits, min_size=6, max_size=40),
    st.sampled_from(sorted(DISGUISES)),
    st.text(string.printable, max_size=20),
)
def test_words_around_a_disguise_do_not_help_it(secret, disguise, around):
    text = f"535 {around}\n{DISGUISES[disguise](secret)}\n{around}".encode()
    if disguise not in FRAGILE:
        assert Needles([secret]).found_in(text)


@given(st.binary(max_size=300))
def test_any_bytes_can_be_searched(data):
    Needles(["some-secret", "gehéim-süß", "!!!!"]).found_in(data)
