"""No result, report or log line holds a password, however the server writes it and wherever."""

import re
from itertools import pairwise
from string import ascii_letters

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from producer.contract.codes import Code
from tests.support.disguises import DISGUISES, OF_LONG_SECRETS
from tests.support.hostile import CREDENTIAL, IMAP_CREDENTIAL, C, imap, observe, smtp

ALPHABET = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789-_!"
WORDS = st.text(ascii_letters, min_size=9, max_size=28)
SECRETS = st.text(ALPHABET, min_size=9, max_size=28)


def squashed(text):
    return re.sub(r"[^A-Za-z0-9]", "", text)


def telling(echo):
    """Pieces of what the server wrote, each of which tells half of it or more."""
    plain = squashed(echo)
    share = max(10, len(plain) * 3 // 4)
    return {plain[start : start + share] for start in range(len(plain) - share + 1)}


def parted(text, cuts):
    places = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    return [text[start:end] for start, end in pairwise(places)]


def smtp_replies(code, parts):
    return [f"S: {code}{'-' if part is not parts[-1] else ' '}{part}" for part in parts]


@given(secret=WORDS, disguise=st.sampled_from(sorted(OF_LONG_SECRETS)))
@example(secret="AAAAAAAAAAAAAAAAAAAAAAAAAAAA", disguise="MD5")
@example(secret="AeMPORARIA", disguise="look-alikes")
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
async def test_no_password_shows_in_a_disguise_in_which_only_long_ones_are_told(secret, disguise):
    echo = OF_LONG_SECRETS[disguise](secret)
    steps = [*CREDENTIAL, f"S: 535 5.7.8 no {echo}"]
    await expect_no_trace(smtp("leak", *steps, code=Code.OK, mode=C, secret=secret), echo)


@given(
    secret=SECRETS,
    disguise=st.sampled_from(sorted(DISGUISES)),
    cuts=st.lists(st.integers(0, 10_000), max_size=2),
    early=st.booleans(),
)
@settings(max_examples=60, suppress_health_check=list(HealthCheck))
async def test_no_password_shows_in_what_an_smtp_probe_leaves_behind(secret, disguise, cuts, early):
    echo = DISGUISES[disguise](secret).encode().decode("latin-1").replace("\0", "")
    parts = parted(echo, cuts)
    steps = (
        [*smtp_replies(220, ["mail.test", *parts]), *CREDENTIAL[1:], "S: 535 5.7.8 no"]
        if early
        else [*CREDENTIAL, *smtp_replies(535, ["5.7.8 no", *parts])]
    )
    await expect_no_trace(smtp("leak", *steps, code=Code.OK, mode=C, secret=secret), echo)


@given(
    secret=SECRETS,
    disguise=st.sampled_from(sorted(DISGUISES)),
    cuts=st.lists(st.integers(0, 10_000), max_size=2),
    other=st.booleans(),
)
@example(secret="2222228222", disguise="octal run together", cuts=[196, 6034], other=False)
@example(secret="n9Qx7Wt2Zk", disguise="octal run together", cuts=[10, 20], other=True)
@settings(max_examples=60, suppress_health_check=list(HealthCheck))
async def test_no_password_of_the_item_shows_in_what_an_imap_probe_leaves_behind(
    secret, disguise, cuts, other
):
    echo = DISGUISES[disguise](secret).encode().decode("latin-1").replace("\0", "")
    *first, last = parted(echo, cuts)
    alerts = [f"S: * NO [ALERT] {part}" for part in first]
    steps = [*IMAP_CREDENTIAL, *alerts, f"S: {{tag}} NO {last}"]
    passwords = {"secret": "another-Password-9", "other_secrets": (secret,)}
    if not other:
        passwords = {"secret": secret}
    await expect_no_trace(imap("leak", *steps, code=Code.OK, mode=C, **passwords), echo)


async def expect_no_trace(case, echo):
    outcome = await observe(case)
    shown = squashed(outcome.everything)
    assert outcome.result.transcript
    assert not [piece for piece in telling(echo) if piece in shown], outcome.everything
