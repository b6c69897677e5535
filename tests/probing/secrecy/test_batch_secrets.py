"""What a server may show of other accounts' passwords: less than of the account's own is found."""

import base64
import random
import string
from dataclasses import replace

import pytest

from producer.contract.codes import Code
from tests.support.hostile import CREDENTIAL, IMAP_CREDENTIAL, C, imap, observe, smtp
from worker.probing.secrecy.batch_secrets import (
    MAX_CHARACTERS,
    MAX_LOOKED_THROUGH_BYTES,
    BatchSecrets,
)
from worker.probing.secrecy.needles import Needles
from worker.probing.secrecy.public_words import PublicWords

OTHER = "Zephyr4quartz-9"
BATCH = ("tR7vLm2Kq9", OTHER, "abc", "password", "Kestrel", "grüße-aus-köln")
OWN = "another-Secret-1"
ECHOES = [
    OTHER,
    "phyr4quart",
    OTHER[::-1],
    "z e p h y r 4 q u a r t z",
    base64.b64encode(b"\0user\0" + OTHER.encode()).decode(),
    OTHER.encode().hex(),
    "".join(f"%{octet:02x}" for octet in OTHER.encode()),
    "".join(f"&#{octet};" for octet in OTHER.encode()),
    "Kestrel",
    "grüße-aus-köln",
]


def found(text):
    return Needles([OWN], ["mail.test"], BatchSecrets(BATCH)).found_in(text.encode())


@pytest.mark.parametrize("echo", ECHOES)
def test_eight_letters_in_a_row_of_another_password_are_found(echo):
    assert found(f"535 5.7.8 {echo} is wrong")


@pytest.mark.parametrize(
    "text", ["535 wrong password, abc", "220 mail.test", "535 Zephyr is here", "NO kestrels 1"]
)
def test_a_short_or_public_one_of_another_account_silences_nobody(text):
    assert found(text) is ("kestrel" in text)


def test_nothing_is_found_where_there_is_no_other_account():
    assert not Needles([OWN], others=BatchSecrets([])).found_in(OTHER.encode())
    assert not BatchSecrets(["abc", "12345"])


@pytest.mark.parametrize("length", [8, 14, 39, 40, 100, 512])
def test_a_long_one_is_found_by_a_sixteenth_of_it(length):
    rng = random.Random(length)
    secret = "".join(rng.choices(string.ascii_letters + string.digits, k=length))
    share = max(8, 7 + -(-length // 16))
    for start in range(0, length - share + 1, max(1, length // 50)):
        text = secret[start : start + share].encode()
        assert BatchSecrets([secret]).found_in([text], PublicWords())


def test_more_text_than_there_is_time_for_counts_as_one_that_holds_a_password():
    texts = [b"x" * MAX_LOOKED_THROUGH_BYTES, b"yz"]
    assert not BatchSecrets([OTHER]).found_in(texts[:1], PublicWords())
    assert BatchSecrets([OTHER]).found_in(texts, PublicWords())


def test_no_more_secrets_are_kept_than_there_is_room_for():
    numbers = [f"{number:012}" for number in range(MAX_CHARACTERS // 12)]
    assert BatchSecrets([OTHER, *numbers]).found_in([b"Zephyr4quartz"], PublicWords())
    assert not BatchSecrets([*numbers, OTHER]).found_in([b"Zephyr4quartz"], PublicWords())


@pytest.mark.parametrize("echo", ECHOES)
async def test_no_probe_shows_the_password_of_another_item_of_its_batch(echo):
    said = echo.encode().decode("latin-1")
    cases = [
        smtp("other", *CREDENTIAL, f"S: 535 5.7.8 {said}", code=Code.OK, mode=C, secret=OWN),
        imap("other", *IMAP_CREDENTIAL, f"S: {{tag}} NO {said}", code=Code.OK, mode=C, secret=OWN),
    ]
    for case in cases:
        outcome = await observe(replace(case, batch_secrets=BATCH))
        assert echo not in outcome.everything
        assert "[text withheld]" in outcome.everything
