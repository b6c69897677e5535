"""What the text of one server may cost (ARCHITECTURE.md, "What one probe may cost").

CPU time and memory, at the caps: 64 KiB a reply, many replies, a certificate of the same size.
"""

import binascii
import codecs
import string
import time
import tracemalloc
from contextlib import contextmanager

import pytest

from producer.contract.report import PhaseName
from tests.support import imap_talk, smtp_talk
from tests.support.pace import assert_within
from tests.support.text_functions import SECRETS, UNITS, grown
from worker.probing.classify.refusals import verdict_on_refusal
from worker.probing.interruptible import at_once
from worker.probing.secrecy.batch_secrets import BatchSecrets
from worker.probing.secrecy.decoding import decoded_texts
from worker.probing.secrecy.haystack import haystack_of
from worker.probing.secrecy.needles import Needles
from worker.probing.smtp.reply import ReplyReader
from worker.probing.target import Protocol
from worker.probing.transcript import Transcript

OWN_WORDS = ("mail.test", "user@mail.test")
MOST_SECONDS = 0.05
LONGEST_STRETCH_SECONDS = 0.02
SHORT_STRETCH_SECONDS = LONGEST_STRETCH_SECONDS / 2
MIXED_SECONDS = 0.035
MOST_BYTES = 4 * 1024 * 1024


class Meter:
    """Counts the CPU time of each call: no call gives way to the loop."""

    def __init__(self):
        self.stretches = []

    def __call__(self, function, *arguments):
        started = time.thread_time()
        found = function(*arguments)
        self.stretches.append(time.thread_time() - started)
        return found


def read_reply(octets):
    reader = ReplyReader()
    for more in (b"-",) * 7 + (b" ",):
        reply = reader.feed(b"535" + more + octets)
    return reply, reader.lines


def analyse(unit, secrets, meter, others=()):
    """All that is done with the text of one session."""
    octets = grown(unit, 8000).replace(b"\n", b" ")
    many = meter(BatchSecrets, others)
    transcript = meter(Transcript, Protocol.SMTP, secrets, OWN_WORDS, many)
    for _ in range(6):
        reply, lines = meter(read_reply, octets)
        meter(transcript.server, lines)
    text = meter(lambda: reply.text)
    refusal = reply.as_refusal(PhaseName.AUTH)
    portions(verdict_on_refusal(refusal, None, OWN_WORDS, secrets=secrets), meter)
    meter(transcript.scrub_certificate, (octets.decode("latin-1"),) * 8)
    portions(transcript.scrub(f"535 {text}"), meter)
    portions(transcript.without_echoes(text), meter)
    meter(transcript.lines)


def portions(work, meter):
    """Each stretch of what is done in portions."""
    while meter(next, work, work) is None:
        pass


MANY = {
    "passwords beyond ASCII": tuple(f"pässwört{number:04}" for number in range(100)),
    "long passwords beyond ASCII": tuple(f"{'ж' * 2044}{number:04}" for number in range(100)),
    "long passwords": tuple(f"{'Kq2L' * 1023}{number:04}" for number in range(100)),
    "passwords of marks": tuple(
        "\u0344" * 1000 + "\u0334" * (900 + number) for number in range(100)
    ),
    "tokens": tuple(f"{'Kq2Lm0' * 2700}{number:04}" for number in range(50)),
}
"""What a batch may give for one login: its items share what must not be shown."""


@pytest.mark.parametrize("secrets", MANY)
@pytest.mark.parametrize("shape", ["mixed", "words", "emoji"])
def test_a_batch_that_gives_many_passwords_for_one_login_stays_within_the_budget(shape, secrets):
    stays_within_its_budget_of_time(UNITS[shape], MANY[secrets])


@pytest.mark.parametrize("secrets", MANY)
def test_where_there_is_too_much_to_look_for_the_servers_words_are_withheld(secrets):
    transcript = Transcript(Protocol.SMTP, MANY[secrets])
    transcript.server([b"535 5.7.8 authentication failed"])
    assert transcript.lines() == [
        "SMTP S: 535 5.7.8 [text withheld]",
        "SMTP * the server's words are withheld: there are too many passwords to look for",
    ]
    assert at_once(transcript.scrub("authentication failed")) is None
    said = at_once(transcript.without_echoes("authentication failed"))
    assert said == "authentication failed"


@pytest.mark.parametrize("secrets", [SECRETS, ("x" * 16_384, "aé" * 2048, ".*[(\\" * 500)])
@pytest.mark.parametrize("shape", UNITS)
def test_one_servers_text_stays_within_its_budget_of_time(shape, secrets):
    stays_within_its_budget_of_time(UNITS[shape], secrets)


@pytest.mark.parametrize("others", MANY)
@pytest.mark.parametrize("shape", ["mixed", "words", "emoji", "percent", "base64 of escapes"])
def test_so_does_a_batch_that_gives_them_for_other_logins(shape, others):
    stays_within_its_budget_of_time(UNITS[shape], SECRETS, MANY[others])


def stays_within_its_budget_of_time(unit, secrets, others=()):
    def share():
        meter = Meter()
        analyse(unit, secrets, meter, others)
        of_all = sum(meter.stretches) / MOST_SECONDS
        return max(of_all, max(meter.stretches) / LONGEST_STRETCH_SECONDS)

    assert_within(1, share)


def test_what_costs_many_times_its_budget_would_be_noticed():
    with pytest.raises(AssertionError, match="the budget is"):
        assert_within(LONGEST_STRETCH_SECONDS, lambda: 10 * LONGEST_STRETCH_SECONDS)


FALLING = ("\u0344" * 700 + "\u0334" * 700).encode()
"""Marks that are two each, before others that belong in front of them."""


COSTLY = {
    "marks in falling order": b"wallet empty " + FALLING,
    "letters of many widths": grown("(ACCOUNT ｱ%2541\u200b".encode(), 2900),
    "letters of two": grown("фǄ".encode(), 2900),
    "words that begin many phrases": b"incorrect " * 100 + b"user locked",
    "marks among escapes": grown("\u0315\u0315한é\\141".encode(), 2900),
}


@pytest.mark.parametrize("shape", COSTLY)
def test_so_does_a_verdict(shape):
    read = ReplyReader().feed(b"535 5.7.8 " + COSTLY[shape])
    refusal = read.as_refusal(PhaseName.AUTH)

    def longest():
        meter = Meter()
        portions(verdict_on_refusal(refusal, None, OWN_WORDS, secrets=SECRETS), meter)
        return max(meter.stretches)

    assert_within(SHORT_STRETCH_SECONDS, longest)


MIXED_LINES = [
    grown(unit.encode(), 120)
    for unit in (
        *(
            "97 ",
            "\0",
            "login ",
            "@",
            "-_\uff50\uff41\uff53\uff53",
            "abcdefghij",
            "=61",
            "login 616161616161",
            "97 ",
        ),
        *("\u200b", "&eacute;", "A=", "6874 가", "LS4= ", "https://a.b/?p=", "A=", "\0"),
        *("%25&#97;\\x61=41<b>\x1b[mZm9v {5} ", "1.2.3.4 is ", "ǆ", "may be \u0f77", "app <>"),
        *("%61", "ﷻ"),
    )
]
"""Drawn at random: each line is something else, and in all of them there is something to decode."""


def test_so_does_all_that_is_done_with_one_reply_of_many_kinds_of_lines():
    reader = ReplyReader()
    for line in MIXED_LINES[:-1]:
        reader.feed(b"535-" + line)
    refusal = reader.feed(b"535 " + MIXED_LINES[-1]).as_refusal(PhaseName.AUTH)
    secrets = ("密码密码",)

    def whole():
        transcript, meter = Transcript(Protocol.SMTP, secrets, OWN_WORDS), Meter()
        transcript.server(reader.lines)
        portions(transcript.judge(), meter)
        portions(transcript.scrub(refusal.as_said), meter)
        portions(transcript.without_echoes(refusal.text), meter)
        portions(verdict_on_refusal(refusal, None, OWN_WORDS, secrets=secrets), meter)
        return sum(meter.stretches)

    assert_within(MIXED_SECONDS, whole)


PHRASES = ("user locked", *(f"{'Ⅷ' * 250}{number} x" for number in range(8)))
"""Passwords of several words, the letters of which take long to read."""


def test_so_does_one_beside_passwords_that_take_long_to_read():
    read = ReplyReader().feed(b"535 5.7.8 " + COSTLY["words that begin many phrases"])
    refusal = read.as_refusal(PhaseName.AUTH)

    def longest():
        meter = Meter()
        portions(verdict_on_refusal(refusal, None, OWN_WORDS, secrets=PHRASES), meter)
        return max(meter.stretches)

    assert_within(SHORT_STRETCH_SECONDS, longest)


@pytest.mark.parametrize(("escapes", "shown"), [(100, True), (500, False)])
def test_where_much_is_said_in_escapes_nobody_looks_which_words_hold_the_password(escapes, shown):
    transcript = Transcript(Protocol.SMTP, ["hunter2-Canary"])
    transcript.server([b"220 mail.test"])
    for letter in (b"%2541", b"%2542"):
        transcript.server([b"250 " + letter * escapes])
    transcript.server([b"535 5.7.8 not hunter2-Canary"])
    assert transcript.lines()[-2] == "SMTP S: 535 5.7.8 [text withheld]"
    assert (transcript.lines()[0] == "SMTP S: 220 mail.test") is shown


def nearly_one_letter(other):
    """A secret whose pieces a text of one letter holds but for one character in the middle."""
    return "".join(f"{'a' * (49 - at)}{other}{'a' * (49 + at)}" for at in range(32))


@pytest.mark.parametrize("size", [400, 800, 1500])
def test_passwords_of_nearly_one_letter_stay_within_it_too(size):
    secrets = tuple(map(nearly_one_letter, "bcd"))

    def longest():
        transcript, meter = Transcript(Protocol.SMTP, secrets), Meter()
        transcript.server([b"535 5.7.8 " + b"a" * size])
        portions(transcript.judge(), meter)
        return max(meter.stretches)

    assert_within(SHORT_STRETCH_SECONDS, longest)


LIGATURE = "\u2172"
"""The Roman number three: three letters i."""


def test_so_do_pieces_of_which_a_long_user_name_holds_nearly_all():
    pieces = [f"{'i' * 13}{other}ii" for other in string.ascii_lowercase[9:] + string.digits]
    own_words = (LIGATURE * 512, f"{LIGATURE * 500}@mail.test")

    def longest():
        transcript, meter = Transcript(Protocol.SMTP, ["".join(pieces)], own_words), Meter()
        meter(transcript.scrub, "zq ".join(pieces))
        return max(meter.stretches)

    assert_within(SHORT_STRETCH_SECONDS, longest)


@pytest.mark.parametrize("shape", ["mixed", "ligatures that grow", "percent", "emoji", "letter"])
def test_one_servers_text_stays_within_its_budget_of_memory_and_nothing_is_kept(shape):
    analyse(UNITS[shape], SECRETS, Meter())  # what is remembered once, is remembered now
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        analyse(UNITS[shape], SECRETS, Meter())
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak - before < MOST_BYTES
    assert after - before < 64 * 1024


@pytest.mark.parametrize("names", [30, 250])
def test_certificates_of_strangers_leave_a_fixed_total_behind(names):
    def judge(number):
        texts = (f"issuer {number}", *(f"{number}-{n}.example" for n in range(names)))
        Transcript(Protocol.SMTP, SECRETS).scrub_certificate(texts)

    for number in range(70):
        judge(number)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for number in range(70, 140):
            judge(number)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < MOST_BYTES


@pytest.mark.parametrize("shape", UNITS)
def test_no_text_is_decoded_into_more_than_twenty_four_kilobytes(shape):
    for size in (9 * 1024, 24 * 1024):
        texts = at_once(decoded_texts(grown(UNITS[shape], size))) or ()
        assert sum(len(text.octets) for text in texts) <= 24 * 1024


CYRUS = b"""* CAPABILITY IMAP4rev1 LITERAL+ ID ENABLE ACL ANNOTATE-EXPERIMENT-1 BINARY CATENATE \
CHILDREN CONDSTORE CREATE-SPECIAL-USE ESEARCH ESORT LIST-EXTENDED LIST-MYRIGHTS LIST-STATUS \
MAILBOX-REFERRALS METADATA MOVE MULTIAPPEND NAMESPACE OBJECTID PREVIEW QRESYNC QUOTA RIGHTS=kxten \
SAVEDATE SEARCH=FUZZY SORT SORT=DISPLAY SPECIAL-USE STATUS=SIZE THREAD=ORDEREDSUBJECT \
THREAD=REFERENCES UIDPLUS UNSELECT URL-PARTIAL WITHIN DIGEST=SHA1 LIST-METADATA NO_ATOMIC_RENAME \
SORT=MODSEQ SORT=UID THREAD=REFS X-CREATEDMODSEQ X-REPLICATION XLIST XMOVE AUTH=SCRAM-SHA-256 \
SASL-IR X-QUOTA=STORAGE X-QUOTA=MESSAGE X-QUOTA=X-ANNOTATION-STORAGE X-QUOTA=X-NUM-FOLDERS IDLE"""
SCRAM = (
    b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
    b"v=6rriTRBi23WpRZ/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
)
"""The server's messages of RFC 7677, section 3."""

FLAGS = rb"""* FLAGS (\Answered \Flagged \Draft \Deleted \Seen $NotJunk $Junk $Forwarded $MDNSent)
* OK [PERMANENTFLAGS (\Answered \Flagged \Draft \Deleted \Seen \*)] Ok"""


def test_the_words_of_the_most_talkative_servers_are_shown():
    transcript = Transcript(Protocol.IMAP, ["correct-horse"], OWN_WORDS)
    challenges = [b"+ " + binascii.b2a_base64(said, newline=False) for said in SCRAM]
    for said in (CYRUS, CYRUS, CYRUS, *challenges, CYRUS, *FLAGS.splitlines(), b"A9 OK Completed"):
        transcript.server([said])
    assert transcript.lines()[-1] == "IMAP S: A9 OK Completed"
    assert "[text withheld]" not in "".join(transcript.lines())


def test_a_text_of_more_is_withheld_and_not_read_at_all():
    work = haystack_of(b"%2541" * 8193)
    with pytest.raises(StopIteration) as end:
        next(work)
    assert Needles(["correct-horse"]).found_in(end.value.value)


def test_what_would_be_decoded_into_more_is_withheld():
    nested = b"".join(b"%25%2661;\\x3d" + b"%d" % number for number in range(1200))
    haystack = at_once(haystack_of(nested))
    assert haystack.overfull
    assert Needles(["correct-horse"]).found_in(haystack)


@contextmanager
def undecodable_octets():
    """Counts how often one is put into words, at 0.14 microseconds."""
    usual, counted = codecs.lookup_error("backslashreplace"), []

    def counting(error):
        counted.append(error.start)
        return usual(error)

    codecs.register_error("backslashreplace", counting)
    try:
        yield counted
    finally:
        codecs.register_error("backslashreplace", usual)


NO_TEXT = "\xff" * 1000
MOST_OCTETS = 8 * 1024
IMAP_LOGIN = """
    S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] hi
    C: A1 AUTHENTICATE PLAIN AHRpbQBzZWNyZXQ=
"""
SMTP_LOGIN = """
    S: 220 hi
    C: EHLO probe.test
    S: 250-mail.test
    S: 250 AUTH PLAIN CRAM-MD5
    C: AUTH PLAIN AHRpbQBzZWNyZXQ=
"""


@pytest.mark.parametrize(
    ("talk", "login", "no"),
    [
        (imap_talk.talk, IMAP_LOGIN, f"S: * NO [ALERT] {NO_TEXT}\n    S: A1 NO no"),
        *((smtp_talk.talk, SMTP_LOGIN, f"S: {code} {NO_TEXT}") for code in (500, 504, 534)),
    ],
)
async def test_octets_that_are_no_text_are_put_into_words_once_at_a_login(talk, login, no):
    with undecodable_octets() as counted:
        _, answer = await talk(f"{login}    {no}\n")
    assert answer.refusal is not None
    assert len(counted) == len(NO_TEXT)


@pytest.mark.parametrize(
    ("talk", "login", "no"),
    [
        (imap_talk.talk, IMAP_LOGIN, f"S: * NO [ALERT] {NO_TEXT}\n    " * 50 + "S: A1 NO no"),
        (smtp_talk.talk, SMTP_LOGIN, f"S: 535-{NO_TEXT}\n    " * 50 + "S: 535 no"),
        (smtp_talk.talk, SMTP_LOGIN, f"S: 235-{NO_TEXT}\n    " * 50 + "S: 235 ok"),
    ],
)
async def test_of_many_octets_that_are_no_text_the_first_are_put_into_words(talk, login, no):
    with undecodable_octets() as counted:
        await talk(f"{login}    {no}\n")
    assert len(counted) <= MOST_OCTETS
