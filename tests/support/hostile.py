r"""Cases of hostile and odd servers, run through the whole probe against standing rules.

A script is written as a dialogue, one step a string:

    "S: 220 ready"     a line of the server's, CRLF added; `{tag}` is the tag of the last command
    "C: TAG LOGIN "    a line of the client's that begins so (a regular expression; TAG is any tag)
    "TLS"              the server's side of a handshake with a good certificate
    "WAIT 0.5"  "CLOSE"  "RESET"  "END"

or as a coroutine function of the wire, for what strings cannot say. Consecutive `S:` lines leave in
one segment. After the last step the server takes down what still comes.
"""

import asyncio
import base64
import binascii
import json
import logging
import re
import time
import unicodedata
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from pydantic import SecretStr

from producer.contract.codes import Code
from producer.contract.report import Security
from tests.support import certificates
from tests.support.garbage import garbage_of_the_worker
from tests.support.probing import loopback_network
from tests.support.servers import Server, Wire, serve
from worker.probing.classify import providers
from worker.probing.classify.verdict import FieldKind
from worker.probing.gate import OpenGate
from worker.probing.prober import Prober
from worker.probing.result import ProbeResult
from worker.probing.target import Credential, CredentialKind, ProbePlan, Protocol, Target
from worker.probing.wire.allowance import MAX_SESSION_BYTES

USER = "jean@mail.test"
SECRET = "Canary-7hunter2!battery"  # every suite greps for it
DEADLINE_SECONDS = 4.0
SLACK_SECONDS = 10.0
"""What a busy machine may add. A probe that forgets its deadline never ends, or waits a minute."""

S, T, C = Security.STARTTLS, Security.IMPLICIT_TLS, Security.CLEARTEXT

Step = str | Callable[[Wire], Awaitable[None]]


@dataclass(frozen=True)
class Case:
    """One server. `credentials`: how often it may get to see one."""

    name: str
    steps: Sequence[Step]
    code: Code
    mode: Security = T
    protocol: Protocol = Protocol.SMTP
    credentials: int = 1
    deadline_seconds: float = DEADLINE_SECONDS
    secret: str = SECRET
    user: str = USER
    kind: CredentialKind = CredentialKind.PASSWORD
    context: Callable | None = certificates.good  # None: no TLS where T expects it
    other_secrets: tuple[str, ...] = ()
    batch_secrets: tuple[str, ...] = ()
    quits: bool = True
    must_not_send: Sequence[str] = ()
    transcript_has: Sequence[str] = ()

    def __str__(self) -> str:
        return self.name


@dataclass
class Outcome:
    result: ProbeResult
    server: Server
    seconds: float
    log: str = ""
    cpu_seconds: float = 0.0
    """Of this thread: our probe and the scripted server."""
    garbage: Counter[str] = field(default_factory=Counter)
    """Objects of the probe's that nothing but the cyclic garbage collector would free."""
    problems: list[str] = field(default_factory=list)

    @property
    def everything(self) -> str:
        """All that leaves the worker, as one text."""
        probe = self.result.probe.model_dump_json(by_alias=True)
        rest = [self.result.sentence, *self.result.transcript, str(self.result.unclassified)]
        return "\n".join([probe, *rest, json.dumps(self.result.warnings), self.log])


BEARER_SECRET = "ya29.Canary-Token-" + "x9" * 20
SALT = "c2FsdA=="


def smtp(name, *steps, code, **more):
    return Case(name, steps, code, **more)


def imap(name, *steps, code, **more):
    return Case(name, steps, code, protocol=Protocol.IMAP, **more)


GREET = ("S: 220 mail.test ESMTP", "C: EHLO ")
OFFER = ("S: 250-mail.test", "S: 250 AUTH PLAIN LOGIN")
HELLO = (*GREET, *OFFER)
"""Up to where the client, in clear text or inside TLS, is about to log in."""

CREDENTIAL = (*HELLO, "C: AUTH PLAIN ")
UPGRADE = (*GREET, "S: 250-mail.test", "S: 250-STARTTLS", "S: 250 SIZE 1000", "C: STARTTLS")

IMAP_GREET = ("S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready",)
IMAP_CREDENTIAL = (*IMAP_GREET, "C: TAG AUTHENTICATE PLAIN ")
IMAP_LOGIN = ("S: * OK [CAPABILITY IMAP4rev1] ready", "C: TAG LOGIN ")
IMAP_UPGRADE = ("S: * OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED] hi", "C: TAG STARTTLS")


async def play(wire: Wire, steps: Sequence[Step]) -> None:
    tag, waiting = "?", []

    async def flush():
        if waiting:
            await wire.line(*waiting)
            waiting.clear()

    for step in steps:
        if isinstance(step, str) and step.startswith("S: "):
            waiting.append(step[3:].replace("{tag}", tag))
            continue
        await flush()
        if not isinstance(step, str):
            await step(wire)
        elif step.startswith("C: "):
            match = await wire.expect(step[3:].replace("TAG ", r"(\w+) "))
            tag = match.group(1) if match.groups() else tag
        elif step.startswith("WAIT "):
            await wire.wait(float(step[5:]))
        else:
            await _do(wire, step)
    await flush()


async def _do(wire: Wire, step: str) -> None:
    if step == "TLS":
        await wire.start_tls(certificates.good())
    else:
        {"CLOSE": wire.close, "RESET": wire.reset, "END": wire.end}[step]()
        await asyncio.sleep(0.2)
        raise EOFError


async def run(case: Case) -> Outcome:
    """Probe the case's server and hold the outcome against the standing rules."""
    outcome = await observe(case)
    check_standing_rules(case, outcome)
    return outcome


async def observe(case: Case) -> Outcome:
    """Probe the case's server, whatever comes of it."""
    with garbage_of_the_worker() as garbage:
        outcome = await _observe(case)
    outcome.garbage = garbage
    return outcome


async def _observe(case: Case) -> Outcome:
    context = case.context() if case.mode is T and case.context else None
    handler = _Collector()
    logging.getLogger().addHandler(handler)
    try:
        async with serve(lambda wire: play(wire, case.steps), tls=context) as server:
            started, worked = time.monotonic(), time.thread_time()
            result = await _prober(case).probe("job", _plan(case, server), _FIELDS)
            seconds = time.monotonic() - started
            cpu_seconds = time.thread_time() - worked
    finally:
        logging.getLogger().removeHandler(handler)
    return Outcome(result, server, seconds, "\n".join(handler.lines), cpu_seconds)


_FIELDS = {kind: kind.value for kind in FieldKind}


class _Collector(logging.Handler):
    def __init__(self):
        super().__init__()
        self.lines = []

    def emit(self, record):
        self.lines.append(self.format(record))


def _prober(case: Case) -> Prober:
    network = loopback_network()
    return Prober(network, OpenGate(), providers.load(), "probe.test", case.deadline_seconds)


def _plan(case: Case, server: Server) -> ProbePlan:
    target = Target(certificates.NAME, server.port, case.mode)
    credential = Credential(case.user, SecretStr(case.secret), case.kind)
    return ProbePlan(
        case.protocol,
        target,
        credential,
        secrets=case.other_secrets,
        batch_secrets=case.batch_secrets,
    )


def check_standing_rules(case: Case, outcome: Outcome) -> None:
    result, server = outcome.result, outcome.server
    assert result.probe.code is case.code, (result.probe.code, result.transcript)
    assert outcome.seconds < case.deadline_seconds + SLACK_SECONDS
    assert server.connections <= 1
    assert not outcome.garbage, outcome.garbage  # it would stay for hours: see forget_frames
    _check_secrecy(case, outcome)
    _check_transcript(result)
    sent = [line.text for line in server.lines]
    # So short a secret is found everywhere: it cannot be counted.
    searchable = len(case.secret) >= 4
    with_credential = [line for line in sent if searchable and _holds_credential(case, line)]
    assert len(with_credential) <= case.credentials, sent
    if case.mode is not C:
        assert not [
            line for line in server.lines if not line.tls and _holds_credential(case, line.text)
        ]
        assert not [one for one in server.in_clear if re.match(r"(?:\w+ )?(?:AUTH|LOGIN)", one)]
    for forbidden in case.must_not_send:
        assert not [one for one in server.commands if re.search(forbidden, one)], server.commands
    if case.quits and server.lines:
        assert re.fullmatch(r"QUIT|\w+ LOGOUT", server.commands[-1]), server.commands
    for wanted in case.transcript_has:
        assert any(wanted in line for line in result.transcript), result.transcript


def _holds_credential(case: Case, line: bytes) -> bool:
    """Whether a line of the client's holds the secret: as it is, quoted, or in base64."""
    words = re.findall(rb"[A-Za-z0-9+/]{2,}=*", line)
    unquoted = re.sub(rb"\\\\(.)", rb"\\1", line)
    return any(case.secret.encode() in text for text in (line, unquoted, *map(_decoded, words)))


def _decoded(word: bytes) -> bytes:
    try:
        return base64.b64decode(word, validate=True)
    except binascii.Error:
        return b""


def _check_secrecy(case: Case, outcome: Outcome) -> None:
    """Search for the secret, without the help of the code that is to withhold it."""
    text = outcome.everything
    secret = case.secret
    if len(secret) < 4:
        return
    squashed = re.sub(r"[^a-z0-9]", "", text.lower())
    plain = re.sub(r"[^a-z0-9]", "", secret.lower())
    for spelling in {plain, plain[::-1], secret.encode().hex()} - {""}:
        assert spelling not in squashed, text
    solid = re.sub(r"[^A-Za-z0-9+/]", "", text)
    for start in range(3):
        encoded = base64.b64encode(b"\0" * start + secret.encode()).decode()
        core = encoded[4 if start else 0 : -4]
        assert len(core) < 4 or core not in solid, text
    percent = "".join(f"%{octet:02x}" for octet in secret.encode())
    assert percent not in text.lower()


def _check_transcript(result: ProbeResult) -> None:
    assert len(result.transcript) <= 64
    for line in result.transcript:
        assert re.match(r"(SMTP|IMAP) (\*|S:|C:)", line), line
        assert len(line) <= 512
        assert all(
            unicodedata.category(one)[0] != "C" and one not in "\u2028\u2029" for one in line
        )
    json.loads(result.probe.model_dump_json())
    assert sum(map(len, result.transcript)) < MAX_SESSION_BYTES


def read_cases(
    text: str, protocol: Protocol, calls: dict[str, Step], parts: dict[str, Sequence[Step]]
) -> list[Case]:
    r"""Cases out of a text, one block each.

    == name | mode | code | option=value ...
    S: ...                         steps as above; \xNN and \0 in a line stand for octets
    ...NAME                        the steps of `parts[NAME]`
    RAW ...                        octets as they are, with \r and \n where they are wanted
    AWAIT 5                        octets of the client's, whatever they are
    SCRAM r={nonce}x,...           a SCRAM message in a 334 line, with the client's nonce
    CALL NAME                      the coroutine function `calls[NAME]`
    """
    cases = []
    for block in re.split(r"^== ", text, flags=re.MULTILINE)[1:]:
        head, *lines = block.strip("\n").split("\n")
        name, mode, code, *options = (part.strip() for part in head.split("|"))
        steps: list[Step] = []
        for line in filter(None, lines):
            if line.startswith("..."):
                steps += parts[line[3:]]
            elif line.startswith("CALL "):
                steps.append(calls[line[5:]])
            elif line.startswith("RAW "):
                steps.append(_sending(_unescaped(line[4:]).encode("latin-1")))
            elif line.startswith("SCRAM "):
                steps.append(answer_scram(_unescaped(line[6:]).encode("latin-1").decode()))
            elif line.startswith("AWAIT "):
                steps.append(_awaiting(int(line[6:])))
            elif line.startswith("S: "):
                steps.append(_unescaped(line))
            else:
                steps.append(line)
        cases.append(
            Case(
                name,
                steps,
                Code(code),
                mode={"starttls": S, "tls": T, "clear": C}[mode],
                protocol=protocol,
                **_options(" ".join(options)),
            )
        )
    return cases


def _unescaped(line: str) -> str:
    octets = re.sub(r"\\x(..)", lambda one: chr(int(one[1], 16)), line)
    return octets.replace("\\r", "\r").replace("\\n", "\n")


def _sending(octets: bytes) -> Step:
    # Under TLS where a handshake was begun and not ended.
    return lambda wire: wire.send(octets)


def _awaiting(count: int) -> Step:
    return lambda wire: wire.read(count)


def answer_scram(message: str) -> Step:
    """The server's first SCRAM message; the client's is in the last line it sent."""

    async def step(wire: Wire) -> None:
        initial = wire.server.lines[-1].text.rpartition(b" ")[2]
        nonce = base64.b64decode(initial).rpartition(b"r=")[2].decode()
        answer = base64.b64encode(message.replace("{nonce}", nonce).encode()).decode()
        await wire.line(f"334 {answer}")

    return step


_OPTIONS = {
    "deadline": ("deadline_seconds", float),
    "credentials": ("credentials", int),
    "quits": ("quits", lambda value: value == "yes"),
    "never": ("must_not_send", lambda value: value.split(",")),
    "shows": ("transcript_has", lambda value: [value.replace("_", " ")]),
    "secret": ("secret", str),
    "user": ("user", str),
}


def _options(text: str) -> dict:
    if text == "kind=bearer":
        return {"kind": CredentialKind.BEARER, "secret": BEARER_SECRET}
    pairs = (option.partition("=") for option in text.split())
    return {_OPTIONS[name][0]: _OPTIONS[name][1](value) for name, _, value in pairs}
