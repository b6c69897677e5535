import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer.contract.codes import Code
from producer.contract.report import PhaseName
from tests.support.chunks import CHUNK_SIZES, lines_of
from worker.probing.errors import ProtocolFault
from worker.probing.smtp.reply import MAX_LINES, Reply, ReplyReader
from worker.probing.target import Protocol, Refusal


def read(data, chunk_octets=None):
    """Every reply in `data`."""
    replies, reader = [], ReplyReader()
    for line in lines_of(data, chunk_octets):
        reply = reader.feed(line)
        if reply is not None:
            replies.append(reply)
            reader = ReplyReader()
    return replies


@pytest.mark.parametrize("chunk_octets", CHUNK_SIZES)
def test_a_reply_is_the_same_at_any_chunk_size(chunk_octets):
    data = b"220 mail.test\r\n250-mail.test\r\n250-SIZE 10\r\n250 AUTH PLAIN\r\n535 5.7.8 no\n"
    assert read(data, chunk_octets) == [
        Reply(220, (b"mail.test",)),
        Reply(250, (b"mail.test", b"SIZE 10", b"AUTH PLAIN")),
        Reply(535, (b"5.7.8 no",)),
    ]


@pytest.mark.parametrize("line", [b"220", b"220 ", b"220 ready", b"334", b"334 "])
def test_a_bare_code_is_a_reply(line):
    assert ReplyReader().feed(line).code in (220, 334)


@pytest.mark.parametrize(
    "line",
    [b"220:hello", b"welcome", b"2200 x", b"+OK", b"", b"22", b" 220 x", b"120 x", b"620 x"],
)
def test_what_is_no_reply_line_breaks_the_protocol(line):
    with pytest.raises(ProtocolFault) as caught:
        ReplyReader().feed(line)
    assert caught.value.code is Code.PROTOCOL_ERROR


def test_a_reply_cannot_change_its_code_halfway():
    reader = ReplyReader()
    reader.feed(b"250-mail.test")
    with pytest.raises(ProtocolFault) as caught:
        reader.feed(b"550 AUTH PLAIN")
    assert caught.value.code is Code.PROTOCOL_ERROR
    assert reader.lines == [b"250-mail.test"]


def test_a_reply_has_at_most_two_hundred_lines():
    reader = ReplyReader()
    for _ in range(MAX_LINES):
        assert reader.feed(b"220-still starting") is None
    with pytest.raises(ProtocolFault) as caught:
        reader.feed(b"220 ready")
    assert caught.value.code is Code.RESPONSE_TOO_LARGE


def test_a_reply_has_at_most_64_kib():
    reader = ReplyReader()
    for _ in range(8):
        reader.feed(b"220-" + b"A" * 8000)
    with pytest.raises(ProtocolFault) as caught:
        reader.feed(b"220-" + b"A" * 8000)
    assert caught.value.code is Code.RESPONSE_TOO_LARGE


@pytest.mark.parametrize(
    ("texts", "enhanced", "text"),
    [
        ((b"5.7.8 no",), "5.7.8", "no"),
        ((b"5.7.8",), "5.7.8", ""),
        ((b"5.7.139 Authentication unsuccessful",), "5.7.139", "Authentication unsuccessful"),
        ((b"5.7.8 no, see", b"5.7.8  https://x/"), "5.7.8", "no, see\nhttps://x/"),
        ((b"Incorrect authentication data",), None, "Incorrect authentication data"),
        ((b"4.7.0 other class",), None, "4.7.0 other class"),
        ((b"see 5.7.8 above",), None, "see 5.7.8 above"),
        ((b"5.7.8888 x",), None, "5.7.8888 x"),
        ((b"(#5.7.8) x",), None, "(#5.7.8) x"),
        ((b"\xff\x00 \xc3\xbc",), None, "\\xff\x00 \u00fc"),
    ],
)
def test_the_enhanced_code_stands_right_behind_the_code_and_agrees_with_it(texts, enhanced, text):
    assert Reply(535, texts).as_refusal(PhaseName.AUTH) == Refusal(
        Protocol.SMTP, PhaseName.AUTH, "535", enhanced, text
    )


@given(st.binary(max_size=300), st.integers(1, 9))
def test_any_octets_are_replies_or_our_own_fault_whatever_the_chunks(data, chunk_octets):
    assert outcome(data, chunk_octets) == outcome(data, None)


reply_lines = st.builds(
    lambda code, mark, text: b"%d%b%b" % (code, mark, text.replace(b"\n", b"")),
    st.sampled_from([220, 250, 334, 535]),
    st.sampled_from([b" ", b"-", b""]),
    st.binary(max_size=20),
)


@given(st.lists(reply_lines, max_size=20), st.integers(1, 9))
def test_any_reply_lines_are_replies_or_our_own_fault(lines, chunk_octets):
    data = b"".join(line + b"\r\n" for line in lines)
    assert outcome(data, chunk_octets) == outcome(data, None)


def outcome(data, chunk_octets):
    try:
        replies = read(data, chunk_octets)
    except ProtocolFault as fault:
        return fault.code
    return [(reply, reply.enhanced, reply.text) for reply in replies]
