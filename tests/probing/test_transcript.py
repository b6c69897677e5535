import base64
import json
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.disguises import DISGUISES
from worker.probing.interruptible import at_once
from worker.probing.printable import MAX_LINE_CHARACTERS
from worker.probing.secrecy import withholding
from worker.probing.target import Protocol
from worker.probing.transcript import (
    MAX_LINES,
    MAX_REPLY_LINES,
    Transcript,
)

SECRET = "hunter2-Canary"

WHY = "SMTP * words that hold, or may hold, a part of a password are withheld"
IMAP_WHY = WHY.replace("SMTP", "IMAP")


def smtp(*secrets):
    return Transcript(Protocol.SMTP, secrets or [SECRET])


def imap(*secrets):
    return Transcript(Protocol.IMAP, secrets or [SECRET])


def shown(reply, *secrets):
    transcript = smtp(*secrets)
    transcript.server(reply)
    return transcript.lines()


def test_each_line_says_who_spoke():
    transcript = smtp()
    transcript.event("connected")
    transcript.server([b"220-mail.test", b"220 ready"])
    transcript.client(b"EHLO probe.test")
    transcript.client_hidden("AUTH PLAIN <hidden>")
    assert transcript.lines() == [
        "SMTP * connected",
        "SMTP S: 220-mail.test",
        "SMTP S: 220 ready",
        "SMTP C: EHLO probe.test",
        "SMTP C: AUTH PLAIN <hidden>",
    ]


@pytest.mark.parametrize("line", [b"", b"AGh1bnRlcjI=", b"hunter2", b"*", b"EHLOX y"])
def test_a_client_line_that_is_no_known_command_is_hidden_by_construction(line):
    transcript = smtp("something-else")
    transcript.client(line)
    assert transcript.lines() == ["SMTP C: <hidden>"]


def test_imap_commands_are_known_behind_their_tag():
    transcript = imap()
    transcript.client(b"q1 EXAMINE INBOX")
    transcript.client(b"EXAMINE q1")
    assert transcript.lines() == ["IMAP C: q1 EXAMINE INBOX", "IMAP C: <hidden>"]


def test_a_command_whose_argument_is_the_secret_keeps_its_verb_only():
    transcript = smtp("user@mail.test")
    transcript.client(b"MAIL FROM:<user@mail.test>")
    assert transcript.lines() == ["SMTP C: MAIL <hidden>"]


@pytest.mark.parametrize("disguise", DISGUISES)
def test_a_reply_that_echoes_the_secret_keeps_its_codes_only(disguise):
    reply = f"535 5.7.8 no: {DISGUISES[disguise](SECRET)}".encode()
    assert shown([reply]) == ["SMTP S: 535 5.7.8 [text withheld]", WHY]


def test_an_echo_that_is_split_over_the_lines_of_a_reply_is_withheld_whole():
    for text in (SECRET, base64.b64encode(f"\0u\0{SECRET}".encode()).decode()):
        reply = [f"535-5.7.8 {text[:5]}", f"535-5.7.8 {text[5:9]}", f"535 5.7.8 {text[9:]}"]
        assert shown([line.encode() for line in reply]) == [
            "SMTP S: 535 5.7.8 [text withheld]",
            WHY,
        ]


@pytest.mark.parametrize("width", [3, 7, 10, 25])
@pytest.mark.parametrize("secret", ["n9Qx7Wt2Zk", "2222228222"])
def test_no_disguise_shows_where_its_lines_are_short(secret, width):
    found = [
        (name, lines)
        for name, disguise in DISGUISES.items()
        if name != "html hex with many zeros"  # most of it is no part of the secret
        for lines in shown_in_lines(disguise(secret).encode(), secret, width)
        if not any("[text withheld]" in line for line in lines)
    ]
    assert not found


def shown_in_lines(echo, secret, width):
    parts = [echo[start : start + width] for start in range(0, len(echo), width)]
    if len(parts) <= MAX_REPLY_LINES:
        alerts = imap(secret)
        for part in parts:
            alerts.server([b"* NO [ALERT] " + part])
        yield shown([b"250-" + part for part in parts], secret)
        yield alerts.lines()


def test_an_echo_that_is_split_over_replies_withholds_what_the_server_said():
    transcript = smtp()
    transcript.server([b"220 hunter2-"])
    transcript.client(b"EHLO probe.test")
    transcript.server([b"250 Canary"])
    assert transcript.lines() == [
        "SMTP S: 220 [text withheld]",
        "SMTP C: EHLO probe.test",
        "SMTP S: 250 [text withheld]",
        WHY,
    ]


def test_the_halves_of_an_imap_echo_meet_across_alerts():
    transcript = imap()
    transcript.server([b"* NO [ALERT] hunter2-"])
    transcript.server([b"q1 NO [AUTHENTICATIONFAILED] Canary"])
    assert transcript.lines() == [*["IMAP S: NO [text withheld]"] * 2, IMAP_WHY]


def test_an_echo_from_before_the_login_is_withheld_too():
    transcript = smtp()
    transcript.server([f"220 welcome back {SECRET}".encode()])
    transcript.server([b"250 fine"])
    assert transcript.lines() == ["SMTP S: 220 [text withheld]", "SMTP S: 250 fine", WHY]


def test_codes_that_spell_the_secret_go_as_well():
    assert shown([b"535 5.123.456 12345"], "5123456") == ["SMTP S: [text withheld]", WHY]


@pytest.mark.parametrize(
    ("reply", "kept"),
    [
        (b"* BYE hunter2-Canary", "BYE"),
        (b"q7 NO [REFERRAL imap://u:hunter2-Canary@h/] no", "NO"),
        (b"hunter2-Canary OK done", "OK"),
        (b"* hunter2-Canary", ""),
        (b"+ hunter2-Canary", ""),
    ],
)
def test_of_a_withheld_imap_response_its_condition_stays(reply, kept):
    transcript = imap()
    transcript.server([reply])
    assert transcript.lines() == [f"IMAP S: {kept} [text withheld]".replace("  ", " "), IMAP_WHY]


@pytest.mark.parametrize(
    ("secret", "line"),
    [
        ("SeenDraft99", rb"* FLAGS (\Seen \Draft99)"),
        ("AnsweredNo1", rb"* FLAGS (\Answered\No1 \Deleted)"),
        (r"\*(\*)", rb"* OK [PERMANENTFLAGS (\*(\*))]"),
    ],
)
def test_a_secret_among_flags_is_found(secret, line):
    transcript = imap(secret)
    transcript.server([line])
    assert transcript.lines()[-1] == IMAP_WHY


def test_with_a_secret_too_short_to_look_for_no_server_text_is_shown():
    transcript = smtp("abc")
    transcript.event("connected")
    transcript.server([b"220 ready"])
    transcript.client(b"EHLO probe.test")
    transcript.server([b"535-5.7.8 no", b"535 5.7.8 abc"])
    assert transcript.lines() == [
        "SMTP * connected",
        "SMTP S: 220 [text withheld]",
        "SMTP C: EHLO probe.test",
        "SMTP S: 535 5.7.8 [text withheld]",
        "SMTP * the server's words are withheld: the password is too short to be told from them",
    ]


def test_what_is_no_text_fills_no_more_of_a_transcript_than_text_does():
    """An octet that is no UTF-8 is shown as four characters, five in JSON."""
    transcript = smtp()
    for _ in range(60):
        transcript.server([b"250-" + b"\xe9" * 150])
    lines = transcript.lines()
    assert len(json.dumps("\n".join(lines))) <= 32 * 1024
    assert "more lines left out" in lines[-1]


def test_the_encoded_credential_on_the_wire_is_a_secret_too():
    transcript = smtp()
    transcript.hide(b"dXNlciBhMmIzYzRkNWU2Zjc=")
    transcript.server([b"535 digest dXNlciBhMmIzYzRkNWU2Zjc= is wrong"])
    assert transcript.lines() == ["SMTP S: 535 [text withheld]", WHY]


def test_without_a_secret_everything_is_shown():
    transcript = Transcript(Protocol.SMTP)
    transcript.hide(b"AUTH something-long")
    transcript.server([b"220 something-long"])
    assert transcript.lines() == ["SMTP S: 220 something-long"]


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        (b"\x1b[2J\x1b[32mconnected\x1b[0m", "connected"),
        (b"\x1b]0;title\x07after", "after"),
        (b"\x1b]8;;http://x\x1b\\link", "link"),
        (b"\x1bPq#0\x1b\\x", "x"),
        ("\x9b31mred".encode(), "red"),
        (b"a\tb", "a b"),
        (b"a\0b\x07c\x7fd", "a\ufffdb\ufffdc\ufffdd"),
        ("a\u202eb\u200bc\u2066d\ufeffe".encode(), "a\ufffdb\ufffdc\ufffdd\ufffde"),
        ("a\u2028b\u2029c\x85d".encode(), "a\ufffdb\ufffdc\ufffdd"),
        (b"caf\xe9 \xff\xfe", "caf\\xe9 \\xff\\xfe"),
        ("grün 密码".encode(), "grün 密码"),
        (b'<script>{"a":1}</script>', '<script>{"a":1}</script>'),
    ],
)
def test_only_printable_text_passes(raw, clean):
    assert shown([b"535 " + raw]) == [f"SMTP S: 535 {clean}"]


@given(st.lists(st.binary(max_size=200), max_size=5))
def test_whatever_a_server_sends_the_lines_are_printable_and_short(reply):
    for line in shown(reply):
        assert len(line) <= MAX_LINE_CHARACTERS
        assert all(unicodedata.category(one)[0] != "C" for one in line), line
        assert line.encode("utf-8")


def test_a_long_line_is_cut():
    (line,) = shown([b"220 " + b"x" * 8000])
    assert len(line) == MAX_LINE_CHARACTERS
    assert line.endswith("x…")


def test_a_secret_across_the_cut_is_withheld_all_the_same():
    assert shown([b"220 " + b"x" * 497 + SECRET.encode()]) == ["SMTP S: 220 [text withheld]", WHY]


def test_a_long_reply_is_cut_with_a_remark():
    lines = shown([b"250-X"] * (MAX_REPLY_LINES + 76))
    assert len(lines) == MAX_REPLY_LINES + 1
    assert lines[-1] == "SMTP * 76 more lines of this reply left out"


@pytest.mark.parametrize("replies", [MAX_LINES, MAX_LINES + 1, 500])
def test_many_replies_are_cut_with_a_remark(replies):
    transcript = imap()
    for _ in range(replies):
        transcript.server([b"* 1 EXISTS"])
    lines = transcript.lines()
    assert len(lines) == MAX_LINES
    left_out = f"IMAP * {replies - MAX_LINES + 1} more lines left out"
    assert lines[-1] == (left_out if replies > MAX_LINES else "IMAP S: * 1 EXISTS")


def test_scrubbed_text_is_one_clean_line_or_nothing():
    transcript = smtp()
    assert at_once(transcript.scrub("no\nreally \x1b[1mnot\x1b[0m")) == "no really not"
    assert at_once(transcript.scrub(f"no\n{SECRET}")) is None
    assert at_once(transcript.scrub("hunter2-\nCanary")) is None
    assert len(at_once(transcript.scrub("x" * 9000))) == MAX_LINE_CHARACTERS


@pytest.mark.parametrize("secret", ["a" * 4096, ".*[(\\", "(" * 300])
def test_a_password_that_looks_like_a_pattern_is_none(secret):
    started = time.process_time()
    lines = shown([b"535 " + b"a" * 8000] * 24, secret)
    # The bound of the case X-pw-regex is 0.1 s; ten times that on a busy machine.
    assert time.process_time() - started < 1
    assert lines


def test_a_certificate_is_searched_for_each_secret_anew():
    texts = ("An Authority", "mail.test", "hunter2-long.test")
    for _ in range(2):
        assert Transcript(Protocol.SMTP, ["other-secret"]).scrub_certificate(texts) == list(texts)
        assert Transcript(Protocol.SMTP, ["hunter2-long"]).scrub_certificate(texts) is None


def test_only_certificates_of_the_usual_size_are_remembered():
    kept = withholding._usual_certificate
    kept.cache_clear()
    for size in (withholding.MAX_KEPT_CHARACTERS, withholding.MAX_KEPT_CHARACTERS + 1):
        texts = ("a" * size,)
        assert Transcript(Protocol.IMAP, ["hunter2-long"]).scrub_certificate(texts) is not None
        assert Transcript(Protocol.IMAP, ["aaaaaaaa"]).scrub_certificate(texts) is None
    assert kept.cache_info().currsize == 1
