"""Every function through which a server's text goes, by name, and the shapes it is tried on."""

from collections.abc import Callable, Iterator

from producer.contract.report import PhaseName
from worker.probing.banner import name_service
from worker.probing.classify.refusals import classify_refusal
from worker.probing.classify.wording import comparable
from worker.probing.errors import ProtocolFault
from worker.probing.imap.capability import find_capabilities
from worker.probing.imap.response import ResponseReader
from worker.probing.interruptible import at_once
from worker.probing.printable import printable, without_sequences
from worker.probing.sasl.bearer import describe_error
from worker.probing.secrecy.decoding import Text, decoded_texts, views
from worker.probing.secrecy.letters import letters_and_digits
from worker.probing.secrecy.needles import Needles
from worker.probing.secrecy.spellings import sent_octets
from worker.probing.secrecy.word_orders import in_other_orders
from worker.probing.smtp.capability import parse_capabilities
from worker.probing.smtp.reply import ReplyReader
from worker.probing.target import Protocol, Refusal
from worker.probing.transcript import Transcript

SECRETS = ("hunter2-Canary", "pässwörd-lang", "S0mmer!")
NEEDLES = Needles(SECRETS)


def _reply(octets: bytes) -> None:
    reply = ReplyReader().feed(b"535 " + octets[:-8])
    assert reply.text is not None
    assert reply.enhanced in (None, "5.0.0")


def _response(octets: bytes) -> None:
    for head in (b"", b"* NO ", b"* OK [", b"* CAPABILITY "):
        try:
            response = ResponseReader().feed_line(head + octets)
        except ProtocolFault:
            continue
        if response is not None:
            find_capabilities(response)
            assert response.words is not None


def _bearer_error(octets: bytes) -> None:
    for text in (octets, b'{"status":"%b"}' % octets[:200]):
        comparable(describe_error(text), ("me",))


def _verdict(octets: bytes) -> None:
    """Of a text that no rule knows, so that what was learnt is asked."""
    text = f"wallet empty {octets.decode('utf-8', 'backslashreplace')}"
    for phase in (PhaseName.AUTH, PhaseName.SENDER):
        classify_refusal(Refusal(Protocol.SMTP, phase, "550", None, text), None, ("me",))


def _transcript(octets: bytes) -> None:
    for protocol in Protocol:
        transcript = Transcript(protocol, SECRETS, ("mail.test",))
        for _ in range(4):
            transcript.server([octets, octets])
        transcript.lines()
        at_once(transcript.scrub(octets.decode("utf-8", "backslashreplace")))
        transcript.scrub_certificate((octets.decode("latin-1"),))


FUNCTIONS: dict[str, Callable[[bytes], object]] = {
    "SMTP reply": _reply,
    "SMTP capabilities": lambda octets: parse_capabilities([b"mail.test", octets]),
    "IMAP response": _response,
    "service": name_service,
    "views": lambda octets: list(views(Text(octets))),
    "decoded texts": lambda octets: at_once(decoded_texts(octets)),
    "haystack": NEEDLES.found_in,
    "other orders": in_other_orders,
    "letters": lambda octets: letters_and_digits(octets.decode("utf-8", "ignore")),
    "sent octets": lambda octets: list(sent_octets(octets)),
    "bearer error": _bearer_error,
    "printable": printable,
    "sequences": lambda octets: without_sequences(octets.decode("latin-1")),
    "comparable": lambda octets: comparable(octets.decode("utf-8", "backslashreplace"), ("me",)),
    "verdict": _verdict,
    "transcript": _transcript,
}

UNITS = {
    "letter": b"a",
    "letters without a blank": b"abcdefghij",
    "words": b"authentication failed for you ",
    "digits": b"9",
    "numbers": b"97 ",
    "words of two octets": b"6874 ",
    "blanks": b" ",
    "dots": b"a.b",
    "addresses": b"a@",
    "braces": b"{",
    "literals": b"{9}",
    "brackets": b"[",
    "closed brackets": b"[a]",
    "quotes": b'"',
    "escaped quotes": b'\\"',
    "backslashes": b"\\",
    "hex escapes": b"\\x61",
    "unicode escapes": b"\\u0061",
    "surrogates": b"\\ud83d\\ude00",
    "percent": b"%61",
    "percent of percent": b"%2561",
    "ampersands": b"&",
    "references": b"&#97;",
    "long references": b"&#" + b"9" * 4400 + b";",
    "named references": b"&eacute;",
    "quoted-printable": b"=61",
    "tags": b"<b>",
    "open tags": b"<",
    "escape characters": b"\x1b",
    "sequences": b"\x1b[1;31m",
    "strings without an end": b"\x1b]0;",
    "C1 controls": "\x9b".encode(),
    "base64": b"aHVudGVyMi1DYW5hcnk",
    "base64 in pieces": b"aA== ",
    "base64 of escapes": b"JTY4JTc1JTZl",
    "hex": b"68756e74",
    "NULs": b"\0",
    "not UTF-8": b"\xe9",
    "UTF-8 taken for Latin-1": "Ã©".encode(),
    "emoji": "😀".encode(),
    "ligatures that grow": "\ufdfa".encode(),
    "marks": "\u0315\u0300".encode(),
    "zero width": "\u200b".encode(),
    "dashes": b"-_",
    "apps": b"app",
    "mixed": b"%25&#97;\\x61=41<b>\x1b[mZm9v {5} [x] a@b.c ",
}


def grown(unit: bytes, size: int) -> bytes:
    """`unit` over and over, `size` octets."""
    return (unit * (size // len(unit) + 1))[:size]


def cases() -> Iterator[tuple[str, str]]:
    for function in FUNCTIONS:
        for shape in UNITS:
            yield function, shape
