"""The mail servers that everybody is measured against: SMTP and IMAP logins, nothing else.

    python -m bench.farm DIRECTORY [ADDRESS [NAME]]

Listens on ADDRESS (127.0.0.1), which clients know as NAME (ADDRESS). One uvloop process. TLS by
hand over MemoryBIO, ECDSA P-256, session tickets as OpenSSL gives them: who offers one may
resume. A login is right when the password is `password_of` the user.
Writes `farm.json` (ports, CA file) and `ca.pem` to DIRECTORY; SIGUSR1 writes the counters to
`counters.json` and sets them to zero.
"""

import asyncio
import base64
import collections
import json
import os
import resource
import signal
import ssl
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import trustme
import uvloop

SECURITIES: Final = ("cleartext", "starttls", "implicit")
DELAYS_MS: Final = (0, 1000, 8000)
BACKLOG: Final = 10_000
READ_BYTES: Final = 65_536

Counters = collections.Counter[str]


@dataclass(frozen=True, slots=True)
class Service:
    """What listens on one port."""

    protocol: str
    security: str
    delay_ms: int

    @property
    def name(self) -> str:
        return f"{self.protocol}/{self.security}/{self.delay_ms}"


class Connection(asyncio.Protocol):
    """One client: bytes in, TLS off, lines, replies after the delay, TLS on.

    `turns` counts how often the client had to wait for us: the greeting, each flight of the
    handshake, each reply. With the TCP handshake that is the number of round trips.
    """

    def __init__(self, service: Service, context: ssl.SSLContext, counters: Counters) -> None:
        self._service = service
        self._context = context
        self._counters = counters
        self._dialogue = {"smtp": SmtpDialogue, "imap": ImapDialogue}[service.protocol]()
        self._tls: ssl.SSLObject | None = None
        self._shaken = False
        self._buffer = b""
        self._turns = 0

    def connection_made(self, transport: asyncio.Transport) -> None:
        self._transport = transport  # uvloop's own class
        self._loop = asyncio.get_running_loop()
        self._counters["connections"] += 1
        if self._service.security == "implicit":
            self._start_tls()
        else:
            self._say(self._dialogue.greeting(self._offers_starttls()))

    def data_received(self, data: bytes) -> None:
        if self._tls is None:
            return self._read(data)
        self._incoming.write(data)
        if not self._shaken and not self._shake():
            return None
        try:
            while plain := self._tls.read(READ_BYTES):
                self._read(plain)
            self._transport.close()  # close_notify
        except ssl.SSLWantReadError:
            return None
        except ssl.SSLError:
            self._transport.abort()

    def eof_received(self) -> None:
        self._transport.close()

    def _read(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\n")) >= 0:
            line, self._buffer = self._buffer[: end + 1].rstrip(b"\r\n"), self._buffer[end + 1 :]
            self._counters["commands"] += 1
            self._obey(line)

    def _obey(self, line: bytes) -> None:
        reply, act = self._dialogue.answer(line, self._offers_starttls())
        self._say(reply, act)
        if act in {"right", "wrong"}:
            self._counters[f"{act} {self._service.protocol}"] += 1
            if act == "right":
                self._counters[f"turns {self._service.name}"] += self._turns
                self._counters[f"logins {self._service.name}"] += 1

    def _offers_starttls(self) -> bool:
        return self._service.security == "starttls" and not self._shaken

    def _say(self, reply: bytes, act: str = "") -> None:
        self._turns += 1
        if self._service.delay_ms:
            self._loop.call_later(self._service.delay_ms / 1000, self._write, reply, act)
        else:
            self._write(reply, act)

    def _write(self, reply: bytes, act: str) -> None:
        if self._transport.is_closing():
            return
        if self._shaken and self._tls is not None:
            self._tls.write(reply)
            reply = self._outgoing.read()
        self._transport.write(reply)
        if act == "bye":
            self._transport.close()
        elif act == "tls":
            self._start_tls()

    def _start_tls(self) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = self._context.wrap_bio(self._incoming, self._outgoing, server_side=True)

    def _shake(self) -> bool:
        assert self._tls is not None
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            if self._outgoing.pending:
                self._turns += 1
                self._transport.write(self._outgoing.read())
            return False
        except ssl.SSLError:
            self._counters["failed handshakes"] += 1
            self._transport.abort()
            return False
        self._shaken = True
        if self._outgoing.pending:
            self._transport.write(self._outgoing.read())
        if self._service.security == "implicit":
            self._say(self._dialogue.greeting(offers_starttls=False))
        return True


def is_right(user: bytes, password: bytes) -> str:
    return "right" if password == password_of(user) else "wrong"


def password_of(user: bytes) -> bytes:
    """Nothing of the address in it, as in life."""
    return b"Ok-%08x" % zlib.crc32(user)


def plain(text: bytes) -> str:
    """Judge the initial response of AUTH PLAIN (RFC 4616)."""
    _, user, password = base64.b64decode(text).split(b"\0")
    return is_right(user, password)


class SmtpDialogue:
    """RFC 5321 and 4954, as far as a login goes. `answer` gives a reply and what to do."""

    _awaits = ""
    _user = b""

    def greeting(self, offers_starttls: bool) -> bytes:
        return b"220 farm.test ESMTP\r\n"

    def answer(  # noqa: PLR0911 - one return a command
        self, line: bytes, offers_starttls: bool
    ) -> tuple[bytes, str]:
        if self._awaits:
            return self._credentials(line)
        verb, _, rest = line.partition(b" ")
        match verb.upper():
            case b"EHLO":
                way = b"250-STARTTLS\r\n" if offers_starttls else b"250-AUTH PLAIN LOGIN\r\n"
                return b"250-farm.test\r\n250-PIPELINING\r\n" + way + b"250 8BITMIME\r\n", ""
            case b"STARTTLS" if offers_starttls:
                return b"220 go ahead\r\n", "tls"
            case b"AUTH":
                return self._auth(rest)
            case b"MAIL" | b"RSET" | b"NOOP":
                return b"250 2.0.0 fine\r\n", ""
            case b"QUIT":
                return b"221 2.0.0 bye\r\n", "bye"
        return b"502 5.5.1 what\r\n", ""

    def _auth(self, rest: bytes) -> tuple[bytes, str]:
        mechanism, _, initial = rest.partition(b" ")
        if mechanism.upper() == b"PLAIN" and initial:
            return self._verdict(plain(initial))
        if mechanism.upper() == b"PLAIN":
            self._awaits = "plain"
            return b"334 \r\n", ""
        if initial:
            self._user, self._awaits = base64.b64decode(initial), "password"
            return b"334 UGFzc3dvcmQ6\r\n", ""
        self._awaits = "user"
        return b"334 VXNlcm5hbWU6\r\n", ""

    def _credentials(self, line: bytes) -> tuple[bytes, str]:
        awaited, self._awaits = self._awaits, ""
        if awaited == "plain":
            return self._verdict(plain(line))
        if awaited == "user":
            self._user, self._awaits = base64.b64decode(line), "password"
            return b"334 UGFzc3dvcmQ6\r\n", ""
        return self._verdict(is_right(self._user, base64.b64decode(line)))

    def _verdict(self, verdict: str) -> tuple[bytes, str]:
        if verdict == "right":
            return b"235 2.7.0 welcome\r\n", verdict
        return b"535 5.7.8 no\r\n", verdict


class ImapDialogue:
    """RFC 9051, as far as a login goes."""

    _awaits = b""

    def _capabilities(self, offers_starttls: bool) -> bytes:
        if offers_starttls:
            return b"CAPABILITY IMAP4rev1 SASL-IR STARTTLS LOGINDISABLED"
        return b"CAPABILITY IMAP4rev1 SASL-IR ID ENABLE NAMESPACE AUTH=PLAIN"

    def greeting(self, offers_starttls: bool) -> bytes:
        return b"* OK [" + self._capabilities(offers_starttls) + b"] farm.test\r\n"

    def answer(  # noqa: PLR0911 - one return a command
        self, line: bytes, offers_starttls: bool
    ) -> tuple[bytes, str]:
        if self._awaits:
            tag, self._awaits = self._awaits, b""
            return self._verdict(tag, plain(line))
        tag, _, command = line.partition(b" ")
        verb, _, rest = command.partition(b" ")
        done = tag + b" OK done\r\n"
        match verb.upper():
            case b"CAPABILITY":
                return b"* " + self._capabilities(offers_starttls) + b"\r\n" + done, ""
            case b"STARTTLS" if offers_starttls:
                return done, "tls"
            case b"LOGIN":
                user, password = (part.strip(b'"') for part in rest.split(b" ", 1))
                return self._verdict(tag, is_right(user, password))
            case b"AUTHENTICATE":
                return self._authenticate(tag, rest)
            case b"EXAMINE" | b"SELECT":
                return b"* 0 EXISTS\r\n* OK [UIDVALIDITY 1] valid\r\n" + done, ""
            case b"ID" | b"NAMESPACE" | b"ENABLE" | b"NOOP" | b"LIST":
                return done, ""
            case b"LOGOUT":
                return b"* BYE bye\r\n" + done, "bye"
        return tag + b" BAD what\r\n", ""

    def _authenticate(self, tag: bytes, rest: bytes) -> tuple[bytes, str]:
        _, _, initial = rest.partition(b" ")
        if initial:
            return self._verdict(tag, plain(initial))
        self._awaits = tag
        return b"+ \r\n", ""

    def _verdict(self, tag: bytes, verdict: str) -> tuple[bytes, str]:
        if verdict == "right":
            return tag + b" OK welcome\r\n", verdict
        return tag + b" NO [AUTHENTICATIONFAILED] no\r\n", verdict


def certificates(directory: Path, name: str) -> ssl.SSLContext:
    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    authority.cert_pem.write_to_path(str(directory / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name, key_type=trustme.KeyType.ECDSA).configure_cert(context)
    return context


async def serve(directory: Path, address: str = "127.0.0.1", name: str = "") -> None:
    _, most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))
    context, counters = certificates(directory, name or address), Counters()
    loop = asyncio.get_running_loop()
    ports: dict[str, int] = {}
    for protocol in ("smtp", "imap"):
        for security in SECURITIES:
            for delay_ms in DELAYS_MS:
                service = Service(protocol, security, delay_ms)
                server = await loop.create_server(
                    lambda service=service: Connection(service, context, counters),
                    address,
                    0,
                    backlog=BACKLOG,
                )
                ports[service.name] = server.sockets[0].getsockname()[1]
    ended = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    loop.add_signal_handler(signal.SIGUSR1, write_counters, directory, counters)
    write(directory / "farm.json", {"ports": ports, "ca_file": str(directory / "ca.pem")})
    await ended.wait()


def write_counters(directory: Path, counters: Counters) -> None:
    write(directory / "counters.json", dict(counters))
    counters.clear()


def write(path: Path, content: object) -> None:
    """Whole or not at all: somebody waits for the file to appear."""
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(content))
    os.replace(draft, path)  # noqa: PTH105 - the same


if __name__ == "__main__":
    uvloop.run(serve(Path(sys.argv[1]), *sys.argv[2:]))
