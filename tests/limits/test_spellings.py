"""A spelling with limits of its own would be a way around them."""

# ruff: noqa: RUF001 - spellings are what this is about

import pytest

from worker.limits.identity import Identity

IDENTITY = Identity(b"k" * 32)

NAME = "mail.example.test"
SPELLINGS = [
    "MAIL.example.TEST",
    "mail.example.test.",
    "mail。example。test",
    "mail．example｡test",
    "\uff4d\uff41\uff49\uff4c.example.test",
    "ma\u00adil.example.test",
    "mail.ex\u200bample.test",
    "ma\u2060il.example.test",
    "ｍail.ｅxample.test.",
    "𝐦𝐚𝐢𝐥.example.test",
    "ⓜail.example.test",
]
ADDRESSES = {
    "192.0.2.7": ["[192.0.2.7]", "::ffff:192.0.2.7", "[::ffff:192.0.2.7]", "::ffff:c000:207"],
    "2001:db8::7": ["2001:DB8::7", "[2001:db8:0::7]", "2001:0db8:0000:0000:0000:0000:0000:0007"],
    "192.0.2.8": ["64:ff9b::192.0.2.8", "2002:c000:208::", "[64:ff9b::c000:208]"],
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_host_is_one_however_it_is_spelled(spelling):
    assert IDENTITY.host(spelling) == IDENTITY.host(NAME)
    assert IDENTITY.account(spelling, "jean") == IDENTITY.account(NAME, "jean")


@pytest.mark.parametrize(
    ("address", "spelling"),
    [(address, spelling) for address, others in ADDRESSES.items() for spelling in others],
)
def test_an_address_counts_as_the_address_that_is_reached(address, spelling):
    assert IDENTITY.host(spelling) == IDENTITY.host(address)


def test_an_international_name_and_its_a_label_are_one():
    assert IDENTITY.host("MAIL.Bücher.test") == IDENTITY.host("mail.xn--bcher-kva.test")


def test_other_hosts_stay_others():
    names = [NAME, "mail.example.tes", "mai1.example.test", "192.0.2.7", "2001:db8::7", "faß.test"]
    assert len({IDENTITY.host(name) for name in [*names, "fass.test"]}) == len(names) + 1


@pytest.mark.parametrize(
    "user",
    [
        "JEAN@example.test",
        "jean@Example.TEST.",
        " jean@example.test ",
        "je\u00adan@example.test",
        "ｊｅａｎ@example.test",
        "jean＠example.test",
        "jean@example。test",
        "ⓙean@example.test",
        "je\u200dan@example.test",
        "jéan@example.test",
        "ĵe\u0301ån@example.test",
        '"jean"@example.test',
        "<jean@example.test>",
        "jean @example.test",
        "je\u200ean@example.test",
        "<jean@example.test\ufe0f>",
        "je\x7fan@example.test",
        "je\U000e0061an@example.test",
    ],
)
def test_a_mailbox_is_one_however_its_user_is_spelled(user):
    assert IDENTITY.account(NAME, user) == IDENTITY.account(NAME, "jean@example.test")


def test_letters_with_a_stroke_are_those_without():
    plain, stroked = "haeldoti@example.test", "ħæłđøŧı@example.test"
    assert IDENTITY.account(NAME, stroked) == IDENTITY.account(NAME, plain)


@pytest.mark.parametrize(
    ("one", "other"), [("राम", "रमा"), ("கா", "கி"), ("กุ", "กู"), ("དེ", "དི"), ("ক্ষ", "কষ")]
)
def test_vowel_signs_make_another_mailbox(one, other):
    first, second = (f"{name}@example.test" for name in (one, other))
    assert IDENTITY.account(NAME, first) != IDENTITY.account(NAME, second)


@pytest.mark.parametrize(
    ("one", "other"),
    [("שָׁלוֹם", "שלום"), ("مُحَمَّد", "محمد"), ("がが", "かか"), ("क़", "क"), ("j\u3164", "j")],
)
def test_points_and_what_nobody_sees_make_none(one, other):
    first, second = (f"{name}@example.test" for name in (one, other))
    assert IDENTITY.account(NAME, first) == IDENTITY.account(NAME, second)


def test_other_users_stay_others():
    users = [
        "jean",
        "jean@example.test",
        "jean@éxample.test",
        "jean+a@example.test",
        "je.an@example.test",
        "jeane",
    ]
    assert len({IDENTITY.account(NAME, user) for user in users}) == len(users)


@pytest.mark.parametrize("text", ["", ".", "\ud800", "a b", "\0", "xn--", "[", "@" * 50])
def test_whatever_is_typed_has_a_name(text):
    assert IDENTITY.host(text)
    assert IDENTITY.account(text, text)
