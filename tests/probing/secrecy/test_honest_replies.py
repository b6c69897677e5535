"""What honest servers say stays readable, whatever password a dealer chose.

Passwords drawn with a fixed seed, as people and machines make them, against every labelled reply.
"""

import random
import string

import pytest

from tests.support.replies import CORPUS, cases
from worker.probing.secrecy.batch_secrets import BatchSecrets
from worker.probing.secrecy.needles import Needles
from worker.probing.secrecy.public_words import PublicWords
from worker.probing.secrecy.scattered import holds_scattered
from worker.probing.target import Protocol
from worker.probing.transcript import WITHHELD, Transcript

LETTERS_AND_DIGITS = string.ascii_letters + string.digits
WORDS = [
    *("apple", "summer", "dragon", "market", "denver", "honda", "toyota", "sales", "finance"),
    *("service", "office", "account", "address", "login", "connection", "server", "email"),
    *("support", "welcome", "monday", "secret", "sunshine", "enable", "domain", "contact"),
    *("mountain", "coffee", "golden", "tiger", "mustang", "wheel", "garage", "london"),
    *("berlin", "jessica", "daniel", "hello", "system"),
]
USER = "sales@autohaus-mueller.de"
GREETINGS = {
    Protocol.SMTP: [
        ["220 {host} ESMTP ready"],
        ["250-{host} Hello", "250-SIZE 35882577", "250-AUTH LOGIN PLAIN XOAUTH2", "250 SMTPUTF8"],
    ],
    Protocol.IMAP: [
        ["* OK [CAPABILITY IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE AUTH=PLAIN] ready."]
    ],
}
MADE = {
    "by a machine": lambda rng: drawn(rng, rng.choice((8, 10, 12, 16, 20, 32))),
    "app password": lambda rng: " ".join(drawn(rng, 4, string.ascii_lowercase) for _ in range(4)),
    "word and year": lambda rng: f"{rng.choice(WORDS)}{rng.choice(('2024', '2025!', '#99'))}",
    "two words": lambda rng: f"{some(rng).title()}{some(rng).title()}{drawn(rng, 2)}",
    "four words": lambda rng: "-".join(some(rng) for _ in range(4)),
}
REPLIES = [case for file in sorted(CORPUS.glob("*.jsonl")) for case in cases(file.name)]


def drawn(rng, length, alphabet=LETTERS_AND_DIGITS):
    return "".join(rng.choices(alphabet, k=length))


def some(rng):
    return rng.choice(WORDS)


def said(case):
    """The lines of a session that ends with this reply."""
    protocol = case.refusal.protocol
    lines = case.reply.split("\n")
    last = lines if protocol is Protocol.SMTP else [f"A1 {line}" for line in lines]
    greetings = [[one.format(host=case.host) for one in each] for each in GREETINGS[protocol]]
    return [[line.encode() for line in each] for each in (*greetings, last)]


def is_withheld(case, password, others=None):
    transcript = Transcript(case.refusal.protocol, (password,), (case.host, USER), others)
    for lines in said(case):
        transcript.server(lines)
    return any(WITHHELD in line for line in transcript.lines())


@pytest.mark.parametrize("kind", MADE)
def test_hardly_any_honest_session_is_withheld(kind):
    rng = random.Random(kind)
    drawn_cases = rng.choices(REPLIES, k=400)
    withheld = [case.reply for case in drawn_cases if is_withheld(case, MADE[kind](rng))]
    assert len(withheld) <= 1, withheld


def test_hardly_any_honest_session_is_withheld_for_the_passwords_of_a_batch():
    rng = random.Random("batch")
    kinds = [*MADE.values(), some, lambda rng: drawn(rng, 5)]
    batches = [BatchSecrets(rng.choice(kinds)(rng) for _ in range(100)) for _ in range(4)]
    withheld = [
        case.reply
        for case in rng.choices(REPLIES, k=200)
        if is_withheld(case, drawn(rng, 14), rng.choice(batches))
    ]
    assert len(withheld) <= 4, withheld  # of 200; chance brings one or two


def test_hardly_any_honest_session_holds_a_password_in_pieces():
    rng = random.Random("pieces")
    public = PublicWords([USER])
    sessions = [b"\n".join(line for lines in said(case) for line in lines) for case in REPLIES]
    found = [
        (password, text)
        for text in rng.choices(sessions, k=2500)
        if holds_scattered([text], [password := rng.choice(list(MADE.values()))(rng)], public)
    ]
    assert len(found) <= 2, found


@pytest.mark.parametrize("password", ["finance2025!", "hello2025!", "bread#2025"])
def test_status_codes_one_after_the_other_are_no_part_of_a_password(password):
    transcript = Transcript(Protocol.SMTP, (password,))
    transcript.server([b"220 mail.test ready, hello there: finance and bread"[:26]])
    transcript.server([b"250-mail.test", b"250 ENHANCEDSTATUSCODES"])
    transcript.server([b"535 5.7.8 Error: authentication failed"])
    assert not any(WITHHELD in line for line in transcript.lines())


@pytest.mark.parametrize("password", ["account2210", "address25000", "Moon-connection"])
def test_a_public_word_with_a_letter_more_is_no_share(password):
    text = b"550 no connection from your address for this account\n220\n250\n250"
    assert not Needles([password]).found_in(text)
    assert Needles([password]).found_in(text + password.encode())
