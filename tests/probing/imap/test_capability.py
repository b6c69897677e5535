import pytest

from worker.probing.imap.capability import Capabilities, find_capabilities
from worker.probing.imap.response import ResponseReader


def find(line):
    return find_capabilities(ResponseReader().feed_line(line))


@pytest.mark.parametrize(
    "line",
    [
        b"* CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN AUTH=PLAIN",
        b"* capability imap4REV1  sasl-ir auth=plain ",
        b"* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready",
        b"A1 OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] done",
    ],
)
def test_capabilities_come_as_data_or_as_a_code_in_any_case(line):
    capabilities = find(line)
    assert capabilities.words == {"IMAP4REV1", "SASL-IR", "AUTH=PLAIN"}
    assert capabilities.mechanisms == {"PLAIN"}
    assert "SASL-IR" in capabilities


@pytest.mark.parametrize(
    "line", [b"* OK ready", b"* LIST () NIL x", b"* CAPABILITYX y", b"+ CAPABILITY x"]
)
def test_other_responses_tell_none(line):
    assert find(line) is None


@pytest.mark.parametrize(
    ("words", "speaks"),
    [
        ((), True),
        (("IMAP4REV1",), True),
        (("IMAP4REV2",), True),
        (("IMAP4", "IMAP4REV1"), True),
        (("IMAP4",), False),
        (("AUTH=PLAIN",), False),
    ],
)
def test_a_server_that_tells_its_versions_must_speak_one_of_ours(words, speaks):
    assert Capabilities(frozenset(words)).speaks_imap is speaks


def test_at_most_two_hundred_capabilities_are_kept():
    assert len(find(b"* CAPABILITY" + b"".join(b" X%d" % n for n in range(900))).words) == 200


def test_what_the_dialogue_asks_for_is_seen_however_much_stands_before_it():
    many = b"".join(b" X%d" % n for n in range(900))
    capabilities = find(b"* CAPABILITY" + many + b" IMAP4rev1 LOGINDISABLED AUTH=PLAIN")
    assert capabilities.speaks_imap
    assert "LOGINDISABLED" in capabilities
    assert capabilities.mechanisms == {"PLAIN"}
    assert len(capabilities.words) == 200
