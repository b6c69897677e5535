import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer.contract.codes import Code
from tests.support.chunks import CHUNK_SIZES, Octets
from worker.probing.errors import ProtocolFault
from worker.probing.imap.response import MAX_RESPONSE_LINES, Response, ResponseReader


def read(data, chunk_octets=None):
    """Every complete response in `data`."""
    octets, responses = Octets(data, chunk_octets), []
    while True:
        reader = ResponseReader()
        try:
            while (response := reader.feed_line(octets.line())) is None:
                reader.feed_literal(octets.exactly(reader.literal_octets))
        except EOFError:
            return responses
        responses.append(response)


def read_one(data):
    (response,) = read(data)
    return response


def status(condition, code="", text=b"", *, tag=b"*", arguments=b""):
    return Response(tag, condition, code, arguments, text)


@pytest.mark.parametrize("chunk_octets", CHUNK_SIZES)
def test_responses_are_the_same_at_any_chunk_size(chunk_octets):
    data = (
        b"* OK [CAPABILITY IMAP4rev1 SASL-IR] ready\r\n"
        b"* LIST () {1}\r\n/ {5}\r\nINBOX\r\n"
        b"+ \r\n+\r\n+ go ahead\r\n"
        b"AB1 NO [AUTHENTICATIONFAILED] no\n"
    )
    assert read(data, chunk_octets) == [
        status("OK", "CAPABILITY", b"ready", arguments=b"IMAP4rev1 SASL-IR"),
        status("", text=b"LIST () {1}/ {5}INBOX"),
        status("", tag=b"+"),
        status("", tag=b"+"),
        status("", tag=b"+", text=b"go ahead"),
        status("NO", "AUTHENTICATIONFAILED", b"no", tag=b"AB1"),
    ]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"* OK", status("OK")),
        (b"* ok hello", status("OK", text=b"hello")),
        (b"* PREAUTH hi", status("PREAUTH", text=b"hi")),
        (b"* BYE [unavailable] later", status("BYE", "unavailable", b"later")),
        (b"A1 OK [X] ", status("OK", "X", tag=b"A1")),
        (b"A1 NO [ALERT]text", status("NO", "ALERT", b"text", tag=b"A1")),
        (b"A1 NO [ALERT no end", status("NO", text=b"[ALERT no end", tag=b"A1")),
        (b"A1 NO [] x", status("NO", text=b"[] x", tag=b"A1")),
        (
            b'* NO [REFERRAL "a]b" c] x',
            status("NO", "REFERRAL", b"x", arguments=b'"a]b" c'),
        ),
        (
            b"* NO [WEBALERT https://x/] Web login required.",
            status("NO", "WEBALERT", b"Web login required.", arguments=b"https://x/"),
        ),
        (b'* NO [X "open] x', status("NO", text=b'[X "open] x')),
        (b"* OKAY then", status("", text=b"OKAY then")),
        (b"* 5 EXISTS", status("", text=b"5 EXISTS")),
        (b"* OK \xff\x00", status("OK", text=b"\xff\x00")),
        (b"A1 NO failed {reason}", status("NO", text=b"failed {reason}", tag=b"A1")),
        (b"A1 NO failed {5}", status("NO", text=b"failed {5}", tag=b"A1")),
        (b"+ say {5}", status("", tag=b"+", text=b"say {5}")),
        (b'* LIST () "/" "x{5}"', status("", text=b'LIST () "/" "x{5}"')),
        (b"* X (" + b"(" * 8000, status("", text=b"X (" + b"(" * 8000)),
        (b'* X "never closed (', status("", text=b'X "never closed (')),
    ],
)
def test_a_line_is_read_as(line, expected):
    assert read_one(line + b"\r\n") == expected


def test_the_words_are_decoded_octet_by_octet_where_they_are_no_utf_8():
    assert read_one(b"* NO \xc3\xbc\xff\r\n").words == "\u00fc\\xff"


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"*",
        b"A1",
        b"A1 CAPABILITY x",
        b"A1 FETCH",
        b"HTTP/1.1 400 Bad Request",
        b"220 mail.test",
        b" * OK",
        b"\xff OK",
        b"(A1) OK",
        b"+OK",
        b"* X {-1}",
        b"* X {}",
        b"* X {1.5}",
        b"* X {" + b"9" * 5000 + b"}",
        b"* OK {" + b"9" * 5000 + b"}",
        b"* X {00000000001}",
    ],
)
def test_what_is_no_response_breaks_the_protocol(line):
    with pytest.raises(ProtocolFault) as caught:
        read(line + b"\r\n")
    assert caught.value.code is Code.PROTOCOL_ERROR


@pytest.mark.parametrize(
    "line",
    [
        b"* OK [CAPABILITY IMAP4rev1] {4000000000}",
        b"* X {1900000000}",
        b"* X {4097}",
        b"* X ~{4097}",
        b"* X {4097+}",
    ],
)
def test_a_literal_is_refused_by_its_announced_size(line):
    with pytest.raises(ProtocolFault) as caught:
        read(line + b"\r\n")
    assert caught.value.code is Code.RESPONSE_TOO_LARGE


def test_a_response_cannot_be_made_endless_by_literals():
    with pytest.raises(ProtocolFault) as caught:
        read(b"* X {1}\r\n" + b"x {1}\r\n" * MAX_RESPONSE_LINES)
    assert caught.value.code is Code.RESPONSE_TOO_LARGE


def test_a_response_has_at_most_64_kib():
    with pytest.raises(ProtocolFault) as caught:
        read(b"* X {4096}\r\n" + (b"x" * 4096 + b" {4096}\r\n") * 16)
    assert caught.value.code is Code.RESPONSE_TOO_LARGE


def test_a_word_in_brackets_that_is_longer_than_any_code_is_text():
    text = b"[" + b"\xff" * 65 + b"] no"
    assert read_one(b"* NO " + text + b"\r\n") == status("NO", "", text)


@pytest.mark.parametrize(("names", "is_code"), [(200, True), (600, False)])
def test_a_code_in_brackets_has_at_most_4_kib(names, is_code):
    arguments = b" ".join([b"X-NAME"] * names)
    text = b"[CAPABILITY " + arguments + b"] hi"
    expected = status("OK", "CAPABILITY", b"hi", arguments=arguments)
    assert read_one(b"* OK " + text + b"\r\n") == (expected if is_code else status("OK", "", text))


def test_a_code_in_brackets_may_hold_a_literal():
    assert read_one(b"* NO [BADCHARSET ({5}\r\nUTF-8)] x\r\n") == status(
        "NO", "BADCHARSET", b"x", arguments=b"({5}UTF-8)"
    )


PARTS = (
    *(b"* ", b"A1 ", b"+ ", b"OK ", b"NO ", b"BYE", b"[X", b"] ", b'"', b"\\", b"(", b" "),
    *(b"{3}", b"{0}\r\n", b"{3+}\r\n", b"{9999}\r\n", b"CAPABILITY ", b"abc", b"\xff\x00", b"\r\n"),
)
line_parts = st.sampled_from(PARTS)
octets = st.one_of(st.binary(max_size=300), st.lists(line_parts, max_size=40).map(b"".join))


@given(octets, st.integers(1, 9))
def test_any_octets_are_responses_or_our_own_fault_whatever_the_chunks(data, chunk_octets):
    assert outcome(data, chunk_octets) == outcome(data, None)


def outcome(data, chunk_octets):
    try:
        responses = read(data, chunk_octets)
    except ProtocolFault as fault:
        return fault.code
    return [(response, response.words) for response in responses]
