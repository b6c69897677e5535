"""SMTP servers that are odd, broken or hostile (sections 1 to 6 of the catalogue, and others)."""

import base64

import pytest

from producer.contract.codes import Code
from tests.support.disguises import DISGUISES
from tests.support.hostile import (
    CREDENTIAL,
    GREET,
    HELLO,
    OFFER,
    SECRET,
    UPGRADE,
    USER,
    C,
    S,
    run,
    smtp,
)
from tests.support.servers import Wire
from worker.target import CredentialKind


def b64(data):
    return base64.b64encode(data).decode()


def drip(data, every=0.3):
    return lambda wire: wire.drip(data, every)


def flood(unit):
    return lambda wire: wire.flood(unit)


async def flood_still_starting(wire):
    while True:
        await wire.line("220-still starting")
        await wire.wait(0.1)


async def endless_challenges(wire):
    while True:
        await wire.line("334 UGFzc3dvcmQ6")
        await wire.read_line()


async def no_reading(wire):
    wire.stop_reading()
    await wire.wait(10)


QUICK = {"deadline_seconds": 1.0}
REFUSED_GREETING = (Code.GREETING_REJECTED, Code.TOO_MANY_CONNECTIONS, Code.RATE_LIMITED)

CONNECTION = [
    smtp("S-silent", Wire.silence, codes=Code.DEADLINE_EXCEEDED, mode=S, **QUICK),
    smtp("S-drip-byte", drip(b"220 " + b"x" * 99), codes=Code.DEADLINE_EXCEEDED, mode=S, **QUICK),
    smtp("S-drip-lines", flood_still_starting, codes=Code.DEADLINE_EXCEEDED, mode=S, **QUICK),
    smtp("S-flood-noeol", flood(b"A" * 4096), codes=Code.RESPONSE_TOO_LARGE, mode=S),
    smtp("S-flood-lines", flood(b"220-x\r\n" * 500), codes=Code.RESPONSE_TOO_LARGE, mode=S),
    smtp("S-421", "S: 421 4.3.2 too busy", "CLOSE", codes=REFUSED_GREETING, mode=S),
    smtp("S-554", "S: 554 5.7.1 no service here", codes=REFUSED_GREETING, mode=S),
    smtp("S-521", "S: 521 mail.test does not accept mail", codes=REFUSED_GREETING, mode=S),
    smtp(
        "S-lf-only",
        lambda wire: wire.send(b"220 hi\n"),
        "C: EHLO ",
        lambda wire: wire.send(b"250-mail.test\n250 AUTH PLAIN\n"),
        codes=Code.STARTTLS_NOT_OFFERED,
        mode=S,
    ),
    smtp("S-ssh", "S: SSH-2.0-OpenSSH_9.2p1", codes=Code.WRONG_SERVICE, mode=S),
    smtp("S-http", "S: HTTP/1.1 400 Bad Request", codes=Code.WRONG_SERVICE, mode=S),
    smtp("S-imap", "S: * OK IMAP4rev1 ready", codes=Code.WRONG_SERVICE, mode=S),
    smtp(
        "S-redis", Wire.silence, codes=Code.DEADLINE_EXCEEDED, mode=S, must_not_send=["."], **QUICK
    ),
    smtp("S-eof", "CLOSE", codes=Code.CONNECTION_CLOSED, mode=S),
    smtp("S-reset", "RESET", codes=Code.CONNECTION_CLOSED, mode=S),
    smtp(
        "S-half-greeting",
        lambda wire: wire.send(b"220 mail"),
        "CLOSE",
        codes=Code.CONNECTION_CLOSED,
        mode=S,
    ),
    smtp(
        "S-slow-legit",
        "S: 220-please wait",
        "WAIT 0.8",
        "S: 220 ok",
        "C: EHLO ",
        "S: 250-mail.test",
        "WAIT 0.3",
        "S: 250 STARTTLS",
        "C: STARTTLS",
        "S: 220 go",
        "TLS",
        "C: EHLO ",
        *OFFER,
        "C: AUTH PLAIN ",
        "S: 235 2.7.0 ok",
        codes=Code.OK,
        mode=S,
    ),
    *(
        smtp(
            f"S-code-junk {line}",
            f"S: {line}",
            codes=(Code.PROTOCOL_ERROR, Code.WRONG_SERVICE),
            mode=S,
        )
        for line in (
            "220:hello",
            "welcome",
            "2200 x",
            "+OK",
            "22",
            "999 x",
            "099 x",
            "\xef\xbc\x92\xef\xbc\x92 x",
            "",
            " 220 x",
        )
    ),
    smtp("S-354-greeting", "S: 354 go on", codes=Code.PROTOCOL_ERROR, mode=S),
    smtp(
        "S-pre-sent-tls",
        "S: 220 hi",
        "S: 250-mail.test",
        "S: 250 AUTH PLAIN",
        "S: 235 ok",
        codes=Code.PROTOCOL_ERROR,
        must_not_send=["AUTH"],
    ),
    smtp("S-greeting-mixed-codes", "S: 220-hi", "S: 554 no", codes=Code.PROTOCOL_ERROR, mode=S),
    smtp("S-noread", "S: 220 hi", no_reading, codes=Code.DEADLINE_EXCEEDED, mode=S, **QUICK),
    smtp(
        "S-nul-greeting",
        "S: 220 \0\0 hi",
        "C: EHLO ",
        "S: 250 x",
        codes=Code.STARTTLS_NOT_OFFERED,
        mode=S,
    ),
    smtp(
        "S-tls-record",
        lambda wire: wire.send(b"\x15\x03\x01\x00\x02\x02\x46"),
        codes=Code.TLS_MODE_MISMATCH,
        mode=S,
    ),
]

CAPABILITIES = [
    smtp(
        "S-code-mismatch",
        *GREET,
        "S: 250-mail",
        "S: 250-STARTTLS",
        "S: 550 AUTH PLAIN",
        codes=Code.PROTOCOL_ERROR,
        mode=S,
    ),
    smtp(
        "S-ehlo-502-helo",
        *GREET,
        "S: 502 what",
        "C: HELO ",
        "S: 250 mail.test",
        codes=Code.AUTH_NOT_OFFERED,
        mode=C,
        must_not_send=["AUTH"],
    ),
    smtp(
        "S-ehlo-502-helo, TLS wanted",
        *GREET,
        "S: 502 what",
        "C: HELO ",
        "S: 250 mail.test",
        codes=Code.STARTTLS_NOT_OFFERED,
        mode=S,
        must_not_send=["AUTH"],
    ),
    smtp(
        "S-cap-line-64k",
        *GREET,
        lambda wire: wire.send(b"250-AUTH " + b"A" * 65536 + b"\r\n"),
        codes=Code.RESPONSE_TOO_LARGE,
        mode=S,
    ),
    smtp(
        "S-cap-many-lines",
        *GREET,
        flood(b"250-X\r\n" * 300),
        says_goodbye=False,
        codes=Code.RESPONSE_TOO_LARGE,
        mode=S,
    ),
    smtp(
        "S-auth-twice",
        *GREET,
        "S: 250-mail.test",
        "S: 250-AUTH LOGIN PLAIN",
        "S: 250-AUTH=LOGIN PLAIN",
        "S: 250 HELP",
        "C: AUTH PLAIN ",
        "S: 235 ok",
        codes=Code.OK,
    ),
    smtp(
        "S-lower-authold",
        *GREET,
        "S: 250-mail.test",
        "S: 250 auth=login plain",
        "C: AUTH PLAIN ",
        "S: 235 ok",
        codes=Code.OK,
    ),
    smtp(
        "S-ehlo-8bit",
        *GREET,
        "S: 250-m\xe4il",
        "S: 250-\x80\xff\0 X",
        "S: 250 AUTH PLAIN",
        "C: AUTH PLAIN ",
        "S: 235 ok",
        codes=Code.OK,
    ),
    smtp(
        "S-halfclose",
        *HELLO,
        "END",
        codes=(Code.CONNECTION_CLOSED, Code.PROTOCOL_ERROR),
        mode=C,
        says_goodbye=False,
    ),
    smtp(
        "S-ehlo-421",
        *GREET,
        "S: 421 4.3.2 shutting down",
        "CLOSE",
        codes=REFUSED_GREETING,
        mode=S,
        says_goodbye=False,
    ),
    smtp("S-ehlo-220", *GREET, "S: 220 again", codes=Code.PROTOCOL_ERROR, mode=S),
    smtp("S-ehlo-bare-250", *GREET, "S: 250", codes=Code.STARTTLS_NOT_OFFERED, mode=S),
    smtp(
        "S-nothing-but-xoauth2",
        *GREET,
        "S: 250-m",
        "S: 250 AUTH XOAUTH2 NTLM GSSAPI",
        codes=(Code.NO_COMMON_MECHANISM, Code.AUTH_NOT_OFFERED),
        must_not_send=["AUTH"],
    ),
]

STARTTLS = [
    smtp("S-nostarttls", *HELLO, codes=Code.STARTTLS_NOT_OFFERED, mode=S, must_not_send=["AUTH"]),
    *(
        smtp(f"S-starttls-{reply}", *UPGRADE, f"S: {reply}", codes=Code.STARTTLS_REFUSED, mode=S)
        for reply in (
            "354 do something else",
            "454 4.7.0 not now",
            "502 unknown",
            "250 ok",
            "501 no",
            "554 no",
            "235 ok",
            "334 ",
        )
    ),
    smtp(
        "S-inject-line",
        *UPGRADE,
        "S: 220 go",
        "S: 250-mail.test",
        "S: 250 AUTH PLAIN LOGIN",
        "TLS",
        says_goodbye=False,
        codes=Code.STARTTLS_INJECTION,
        mode=S,
    ),
    smtp(
        "S-inject-fragment",
        *UPGRADE,
        lambda wire: wire.send(b"220 go\r\n250-AU"),
        "TLS",
        says_goodbye=False,
        codes=Code.STARTTLS_INJECTION,
        mode=S,
    ),
    smtp(
        "S-inject-late",
        *UPGRADE,
        "S: 220 go",
        "WAIT 0.05",
        lambda wire: wire.send(b"250 AUTH PLAIN\r\n"),
        "TLS",
        codes=(Code.STARTTLS_INJECTION, Code.TLS_MODE_MISMATCH, Code.TLS_HANDSHAKE_FAILED),
        mode=S,
        says_goodbye=False,
    ),
    smtp(
        "S-inject-235",
        *UPGRADE,
        "S: 220 go",
        "S: 235 2.7.0 ok",
        codes=Code.STARTTLS_INJECTION,
        mode=S,
    ),
    smtp(
        "S-tls-silent",
        *UPGRADE,
        "S: 220 go",
        Wire.silence,
        codes=Code.DEADLINE_EXCEEDED,
        mode=S,
        says_goodbye=False,
        **QUICK,
    ),
    smtp(
        "S-tls-eof",
        *UPGRADE,
        "S: 220 go",
        "CLOSE",
        codes=(Code.CONNECTION_CLOSED, Code.TLS_HANDSHAKE_FAILED),
        mode=S,
        says_goodbye=False,
    ),
    smtp(
        "S-tls-alert-80",
        *UPGRADE,
        "S: 220 2.0.0 Ready to start TLS",
        lambda wire: wire.read(5),  # of the ClientHello
        lambda wire: wire.send_raw(b"\x15\x03\x03\x00\x02\x02\x50"),
        "CLOSE",
        codes=Code.TLS_HANDSHAKE_FAILED,
        mode=S,
        says_goodbye=False,
    ),
    smtp(
        "S-caps-change",
        *GREET,
        "S: 250-mail.test",
        "S: 250-STARTTLS",
        "S: 250 AUTH PLAIN",
        "C: STARTTLS",
        "S: 220 go",
        "TLS",
        "C: EHLO ",
        "S: 250-mail.test",
        "S: 250 SIZE 1000",
        codes=Code.AUTH_NOT_OFFERED,
        mode=S,
        must_not_send=["AUTH"],
    ),
    smtp(
        "S-starttls-again",
        *UPGRADE,
        "S: 220 go",
        "TLS",
        "C: EHLO ",
        "S: 250-m",
        "S: 250-STARTTLS",
        "S: 250 AUTH PLAIN",
        "C: AUTH PLAIN ",
        "S: 235 ok",
        codes=Code.OK,
        mode=S,
    ),
    smtp(
        "S-second-greeting",
        *UPGRADE,
        "S: 220 go",
        "TLS",
        "S: 220 hello again",
        "C: EHLO ",
        *OFFER,
        codes=Code.PROTOCOL_ERROR,
        mode=S,
        must_not_send=["AUTH"],
    ),
    smtp(
        "S-starttls-multiline-220",
        *UPGRADE,
        "S: 220-well",
        "S: 220 go",
        "TLS",
        "C: EHLO ",
        *OFFER,
        "C: AUTH PLAIN ",
        "S: 235 ok",
        codes=Code.OK,
        mode=S,
    ),
    smtp(
        "S-ehlo-after-tls-refused",
        *UPGRADE,
        "S: 220 go",
        "TLS",
        "C: EHLO ",
        "S: 554 5.7.1 no",
        codes=(Code.GREETING_REJECTED, Code.PROTOCOL_ERROR),
        mode=S,
        must_not_send=["AUTH"],
    ),
]

ANSI = '\x1b[2J\x1b[32mconnected\x1b[0m \0\x07 <script> \xff \xe2\x80\xae {"a":1} \x0b\x0c'

GOOGLE = (
    "S: 535-5.7.8 Username and Password not accepted. For more information, go to",
    "S: 535 5.7.8  https://support.google.com/mail/?p=BadCredentials abc - gsmtp",
)

LOGIN_FAILED = (Code.AUTHENTICATION_FAILED, Code.AUTHENTICATION_AMBIGUOUS)

AUTH = [
    smtp("S-auth-235", *CREDENTIAL, "S: 235 2.7.0 ok", codes=Code.OK),
    smtp("S-auth-235 in clear", *CREDENTIAL, "S: 235 2.7.0 ok", codes=Code.OK, mode=C),
    smtp("S-auth-235-bare", *CREDENTIAL, "S: 235", codes=Code.OK),
    smtp(
        "S-auth-535",
        *CREDENTIAL,
        "S: 535 5.7.8 Error: authentication failed: (reason unavailable)",
        codes=LOGIN_FAILED,
    ),
    smtp(
        "S-auth-535-multi",
        *CREDENTIAL,
        *GOOGLE,
        codes=LOGIN_FAILED,
        transcript_has=["https://support.google.com/"],
    ),
    smtp(
        "S-auth-534-web",
        *CREDENTIAL,
        "S: 534-5.7.14 <https://accounts.google.com/signin/continue?sarp=1> Please log in via",
        "S: 534 5.7.14 your web browser and then try again.",
        codes=Code.WEB_LOGIN_REQUIRED,
    ),
    smtp(
        "S-auth-534-app",
        *CREDENTIAL,
        "S: 534-5.7.9 Application-specific password required.",
        "S: 534 5.7.9 x gsmtp",
        codes=Code.APP_PASSWORD_REQUIRED,
    ),
    smtp(
        "S-auth-535-tenant-off",
        *CREDENTIAL,
        "S: 535 5.7.139 SmtpClientAuthentication is disabled for the Tenant.",
        codes=(Code.PROTOCOL_DISABLED, Code.PASSWORD_LOGIN_DISABLED),
    ),
    smtp(
        "S-auth-435",
        *CREDENTIAL,
        "S: 435 Unable to authenticate at present",
        codes=Code.AUTHENTICATION_TEMPORARY,
    ),
    smtp(
        "S-auth-421",
        *CREDENTIAL,
        "S: 421 4.7.0 Try again later",
        "CLOSE",
        codes=(Code.AUTHENTICATION_TEMPORARY, Code.RATE_LIMITED),
        says_goodbye=False,
    ),
    smtp(
        "S-auth-450",
        *CREDENTIAL,
        "S: 450 4.7.1 Error: too many AUTH commands from 192.0.2.1",
        codes=(Code.RATE_LIMITED, Code.AUTHENTICATION_TEMPORARY),
    ),
    smtp(
        "S-auth-454",
        *CREDENTIAL,
        "S: 454 4.7.0 Temporary authentication failure",
        codes=Code.AUTHENTICATION_TEMPORARY,
    ),
    smtp(
        "S-auth-503",
        *CREDENTIAL,
        "S: 503 5.5.1 Error: authentication not enabled",
        codes=Code.AUTH_NOT_OFFERED,
    ),
    smtp(
        "S-auth-530",
        *CREDENTIAL,
        "S: 530 5.7.0 Must issue a STARTTLS command first",
        codes=Code.AUTH_REQUIRES_TLS,
        must_not_send=["STARTTLS"],
    ),
    smtp(
        "S-auth-504",
        *CREDENTIAL,
        "S: 504 5.5.4 Unrecognized authentication type",
        "C: AUTH LOGIN",
        "S: 334 VXNlcm5hbWU6",
        "C: ",
        "S: 334 UGFzc3dvcmQ6",
        "C: ",
        "S: 235 ok",
        codes=Code.OK,
        credentials=2,
    ),
    smtp(
        "S-auth-504-all",
        *GREET,
        "S: 250-m",
        "S: 250 AUTH PLAIN",
        "C: AUTH PLAIN ",
        "S: 504 5.5.4 no",
        codes=(Code.NO_COMMON_MECHANISM, Code.AUTH_NOT_OFFERED),
    ),
    smtp(
        "S-auth-500-long",
        *CREDENTIAL,
        "S: 500 5.5.6 line too long",
        "C: AUTH PLAIN$",
        "S: 334 ",
        "C: ",
        "S: 235 ok",
        codes=Code.OK,
        credentials=2,
    ),
    smtp(
        "S-auth-500-twice",
        *CREDENTIAL,
        "S: 500 5.5.6 line too long",
        "C: AUTH PLAIN$",
        "S: 500 5.5.6 line too long",
        codes=(Code.PROTOCOL_ERROR, Code.AUTH_NOT_OFFERED),
        credentials=1,
    ),
    smtp(
        "S-auth-525", *CREDENTIAL, "S: 525 5.7.13 User Account Disabled", codes=Code.ACCOUNT_LOCKED
    ),
    *(
        smtp(
            f"S-auth-{code}",
            *CREDENTIAL,
            f"S: {code} ok",
            codes=(Code.PROTOCOL_ERROR, Code.AUTH_UNPROVEN),
        )
        for code in (200, 220, 250, 251, 354)
    ),
    smtp("S-auth-garbage", *CREDENTIAL, "S: OK you are in", codes=Code.PROTOCOL_ERROR),
    smtp("S-auth-eof", *CREDENTIAL, "CLOSE", codes=Code.CONNECTION_CLOSED, says_goodbye=False),
    smtp("S-auth-silent", *CREDENTIAL, Wire.silence, codes=Code.DEADLINE_EXCEEDED, **QUICK),
    smtp("S-auth-slow-no", *CREDENTIAL, "WAIT 2", "S: 535 no", codes=LOGIN_FAILED),
    smtp(
        "S-auth-none",
        *GREET,
        "S: 250 mail.test",
        codes=Code.AUTH_NOT_OFFERED,
        must_not_send=["AUTH"],
    ),
    smtp(
        "S-auth-loop",
        *GREET,
        "S: 250-m",
        "S: 250 AUTH LOGIN",
        "C: AUTH LOGIN",
        endless_challenges,
        codes=Code.PROTOCOL_ERROR,
        credentials=1,
    ),
    smtp(
        "S-auth-plain-loop",
        *CREDENTIAL,
        endless_challenges,
        codes=Code.PROTOCOL_ERROR,
        credentials=1,
    ),
    smtp(
        "S-auth-235-noask",
        *GREET,
        "S: 250-m",
        "S: 250 AUTH LOGIN",
        "C: AUTH LOGIN",
        "S: 235 2.7.0 welcome",
        codes=Code.AUTH_UNPROVEN,
        credentials=0,
    ),
    smtp(
        "S-auth-235-halfway",
        *GREET,
        "S: 250-m",
        "S: 250 AUTH LOGIN",
        "C: AUTH LOGIN",
        "S: 334 VXNlcm5hbWU6",
        "C: ",
        "S: 235 ok",
        codes=Code.AUTH_UNPROVEN,
        credentials=0,
    ),
    smtp(
        "S-auth-login-swapped",
        *GREET,
        "S: 250-m",
        "S: 250 AUTH LOGIN",
        "C: AUTH LOGIN",
        "S: 334 UGFzc3dvcmQ6",
        f"C: {b64(USER.encode())}",
        "S: 334 VXNlcm5hbWU6",
        "C: ",
        "S: 535 no",
        codes=(*LOGIN_FAILED, Code.PROTOCOL_ERROR),
    ),
    smtp(
        "S-auth-login-odd-prompts",
        *GREET,
        "S: 250-m",
        "S: 250 AUTH LOGIN",
        "C: AUTH LOGIN",
        "S: 334",
        "C: ",
        "S: 334 ",
        "C: ",
        "S: 235 ok",
        codes=Code.OK,
    ),
    smtp(
        "S-auth-bad-base64",
        *GREET,
        "S: 250-m",
        "S: 250 AUTH CRAM-MD5",
        "C: AUTH CRAM-MD5",
        "S: 334 %%%not base64%%%",
        r"C: \*",
        "S: 501 cancelled",
        codes=Code.PROTOCOL_ERROR,
        credentials=0,
    ),
    smtp(
        "S-auth-challenge-huge",
        *GREET,
        "S: 250-m",
        "S: 250 AUTH LOGIN",
        "C: AUTH LOGIN",
        lambda wire: wire.send(b"334 " + b"A" * 20000 + b"\r\n"),
        codes=Code.RESPONSE_TOO_LARGE,
        credentials=0,
    ),
    smtp(
        "S-auth-235-quit421",
        *CREDENTIAL,
        "S: 235 ok",
        "C: QUIT",
        "S: 421 relay is down",
        codes=Code.OK,
    ),
    smtp("S-235-rst", *CREDENTIAL, "S: 235 ok", "RESET", codes=Code.OK, says_goodbye=False),
    smtp(
        "T-truncate",
        *CREDENTIAL,
        lambda wire: wire.send(b"235-2.7.0 o"),
        "CLOSE",
        codes=Code.CONNECTION_CLOSED,
        says_goodbye=False,
    ),
    smtp(
        "S-truncated-235",
        *CREDENTIAL,
        lambda wire: wire.send(b"235 2.7.0 ok"),
        "CLOSE",
        codes=Code.CONNECTION_CLOSED,
        says_goodbye=False,
    ),
    smtp("S-auth-ansi", *CREDENTIAL, f"S: 535 {ANSI}", codes=LOGIN_FAILED),
    smtp("S-auth-535-then-235", *CREDENTIAL, "S: 535 no", "S: 235 ok", codes=LOGIN_FAILED),
    smtp("S-auth-235-mixed", *CREDENTIAL, "S: 235-ok", "S: 535 no", codes=Code.PROTOCOL_ERROR),
    smtp(
        "S-auth-endless-235",
        *CREDENTIAL,
        flood(b"235-ok\r\n" * 300),
        says_goodbye=False,
        codes=Code.RESPONSE_TOO_LARGE,
    ),
    smtp(
        "S-auth-mtls-late", *CREDENTIAL, "RESET", codes=Code.CONNECTION_CLOSED, says_goodbye=False
    ),
]

SCRAM_OFFER = (*GREET, "S: 250-m", "S: 250 AUTH SCRAM-SHA-256", "C: AUTH SCRAM-SHA-256 ")


def scram(reply, *more):
    """The server's first SCRAM message made from the client's nonce by `reply`."""

    async def step(wire):
        initial = wire.server.lines[-1].text.rpartition(b" ")[2]
        nonce = base64.b64decode(initial).rpartition(b"r=")[2].decode()
        await wire.line(f"334 {b64(reply(nonce).encode())}")

    return step


SALT = b64(b"salt")

SASL = [
    smtp(
        "S-scram-iter-huge",
        *SCRAM_OFFER,
        scram(lambda n: f"r={n}x,s={SALT},i=2147483647"),
        r"C: \*",
        "S: 501 no",
        codes=Code.PROTOCOL_ERROR,
        credentials=0,
    ),
    smtp(
        "S-scram-iter-low",
        *SCRAM_OFFER,
        scram(lambda n: f"r={n}x,s={SALT},i=1"),
        r"C: \*",
        "S: 501 no",
        codes=Code.PROTOCOL_ERROR,
        credentials=0,
    ),
    smtp(
        "S-scram-iter-digits",
        *SCRAM_OFFER,
        scram(lambda n: f"r={n}x,s={SALT},i=" + "9" * 5000),
        r"C: \*",
        "S: 501 no",
        codes=(Code.PROTOCOL_ERROR, Code.RESPONSE_TOO_LARGE),
        credentials=0,
    ),
    smtp(
        "S-scram-iter-unicode",
        *SCRAM_OFFER,
        scram(lambda n: f"r={n}x,s={SALT},i=\uff14\uff10\uff19\uff16"),
        r"C: \*",
        "S: 501 no",
        codes=Code.PROTOCOL_ERROR,
        credentials=0,
    ),
    smtp(
        "S-scram-nonce",
        *SCRAM_OFFER,
        scram(lambda n: f"r=other,s={SALT},i=4096"),
        r"C: \*",
        "S: 501 no",
        codes=Code.PROTOCOL_ERROR,
        credentials=0,
    ),
    smtp(
        "S-scram-nonce-same",
        *SCRAM_OFFER,
        scram(lambda n: f"r={n},s={SALT},i=4096"),
        r"C: \*",
        "S: 501 no",
        codes=Code.PROTOCOL_ERROR,
        credentials=0,
    ),
    smtp(
        "S-scram-m",
        *SCRAM_OFFER,
        scram(lambda n: f"m=ext,r={n}x,s={SALT},i=4096"),
        r"C: \*",
        "S: 501 no",
        codes=Code.PROTOCOL_ERROR,
        credentials=0,
    ),
    smtp(
        "S-scram-nosalt",
        *SCRAM_OFFER,
        scram(lambda n: f"r={n}x,s=,i=4096"),
        r"C: \*",
        "S: 501 no",
        codes=Code.PROTOCOL_ERROR,
        credentials=0,
    ),
    smtp(
        "S-scram-nosig",
        *SCRAM_OFFER,
        scram(lambda n: f"r={n}x,s={SALT},i=4096"),
        "C: ",
        "S: 235 ok",
        codes=Code.AUTH_UNPROVEN,
        credentials=0,
    ),
    smtp(
        "S-scram-badsig",
        *SCRAM_OFFER,
        scram(lambda n: f"r={n}x,s={SALT},i=4096"),
        "C: ",
        f"S: 334 {b64(b'v=' + b64(b'x' * 32).encode())}",
        "C: ",
        "S: 235 ok",
        codes=(Code.AUTH_UNPROVEN, Code.PROTOCOL_ERROR),
        credentials=0,
    ),
    smtp("S-scram-235-at-once", *SCRAM_OFFER, "S: 235 ok", codes=Code.AUTH_UNPROVEN, credentials=0),
    smtp(
        "S-scram-e",
        *SCRAM_OFFER,
        scram(lambda n: f"r={n}x,s={SALT},i=4096"),
        "C: ",
        "S: 535 5.7.8 no",
        codes=LOGIN_FAILED,
        credentials=0,
    ),
    smtp(
        "S-cram-empty",
        *GREET,
        "S: 250-m",
        "S: 250 AUTH CRAM-MD5",
        "C: AUTH CRAM-MD5",
        "S: 334 ",
        r"C: \*",
        "S: 501 no",
        codes=Code.PROTOCOL_ERROR,
        credentials=0,
    ),
    smtp(
        "S-cram-huge",
        *GREET,
        "S: 250-m",
        "S: 250 AUTH CRAM-MD5",
        "C: AUTH CRAM-MD5",
        f"S: 334 {b64(b'x' * 3000)}",
        r"C: \*",
        "S: 501 no",
        codes=(Code.PROTOCOL_ERROR, Code.RESPONSE_TOO_LARGE),
        credentials=0,
    ),
]

BEARER_OFFER = (*GREET, "S: 250-m", "S: 250 AUTH XOAUTH2", "C: AUTH XOAUTH2 ")
BEARER = {"kind": CredentialKind.BEARER, "secret": "ya29.Canary-Token-" + "x9" * 20}
ERROR = b64(b'{"status":"401","schemes":"bearer","scope":"https://mail.google.com/"}')
ECHOED = b64(b'{"status":"' + BEARER["secret"].encode() + b'"}')

OAUTH = [
    smtp(
        "S-xoauth2-401",
        *BEARER_OFFER,
        f"S: 334 {ERROR}",
        "C: $",
        "S: 535 5.7.8 no",
        codes=LOGIN_FAILED,
        **BEARER,
    ),
    smtp(
        "S-xoauth2-jsonbomb",
        *BEARER_OFFER,
        f"S: 334 {b64(b'[' * 5900)}",
        "C: ",
        "S: 535 no",
        codes=(Code.RESPONSE_TOO_LARGE, *LOGIN_FAILED, Code.PROTOCOL_ERROR),
        **BEARER,
    ),
    smtp(
        "S-xoauth2-jsonflood",
        *BEARER_OFFER,
        lambda wire: wire.send(b"334 " + b64(b"[" * 200_000).encode() + b"\r\n"),
        codes=Code.RESPONSE_TOO_LARGE,
        **BEARER,
    ),
    smtp(
        "S-xoauth2-echo",
        *BEARER_OFFER,
        f"S: 334 {ECHOED}",
        "C: $",
        "S: 535 no",
        codes=LOGIN_FAILED,
        **BEARER,
    ),
    smtp("S-xoauth2-235", *BEARER_OFFER, "S: 235 ok", codes=Code.OK, **BEARER),
]

ECHO = [
    *(
        smtp(
            f"S-echo {name}",
            *CREDENTIAL,
            f"S: 535 5.7.8 no {disguise(SECRET)}".encode().decode("latin-1").replace("\n", " "),
            codes=LOGIN_FAILED,
            transcript_has=["535 5.7.8 [text withheld]"],
        )
        for name, disguise in DISGUISES.items()
    ),
    smtp(
        "S-echo-235",
        *CREDENTIAL,
        f"S: 235 welcome, your password is {SECRET}",
        codes=Code.OK,
        transcript_has=["235 [text withheld]"],
    ),
    smtp(
        "S-echo-greeting",
        f"S: 220 {SECRET} ready",
        "C: EHLO ",
        *OFFER,
        "C: AUTH PLAIN ",
        "S: 235 ok",
        codes=Code.OK,
    ),
    smtp(
        "S-echo-ehlo",
        *GREET,
        f"S: 250-{SECRET}",
        f"S: 250-{SECRET[::-1]}",
        "S: 250 AUTH PLAIN",
        "C: AUTH PLAIN ",
        "S: 235 ok",
        codes=Code.OK,
    ),
    smtp(
        "S-echo-mechanism",
        *GREET,
        "S: 250-m",
        f"S: 250 AUTH {SECRET.upper()} X",
        codes=(Code.NO_COMMON_MECHANISM, Code.AUTH_NOT_OFFERED),
    ),
    smtp(
        "S-echo-split",
        *CREDENTIAL,
        f"S: 535-5.7.8 {SECRET[:9]}",
        f"S: 535-5.7.8 {SECRET[9:15]}",
        f"S: 535 5.7.8 {SECRET[15:]}",
        codes=LOGIN_FAILED,
    ),
    smtp(
        "S-echo-spread",
        "S: 220 mail.test",
        "C: EHLO ",
        f"S: 250-{SECRET[:14]}",
        "S: 250 AUTH PLAIN",
        "C: AUTH PLAIN ",
        f"S: 535 {SECRET[14:]}",
        codes=LOGIN_FAILED,
        transcript_has=["250 [text withheld]"],
    ),
    smtp(
        "S-echo-challenge",
        *GREET,
        "S: 250-m",
        "S: 250 AUTH LOGIN",
        "C: AUTH LOGIN",
        "S: 334 ",
        "C: ",
        f"S: 334 {b64(SECRET.encode())}",
        "C: ",
        "S: 535 no",
        codes=LOGIN_FAILED,
    ),
    smtp(
        "S-echo-enhanced",
        *CREDENTIAL,
        "S: 535 5.765.432 no 10",
        codes=LOGIN_FAILED,
        secret="576543210",
    ),
    smtp(
        "X-user-secret",
        *CREDENTIAL,
        f"S: 535 no such user {SECRET}",
        codes=(*LOGIN_FAILED,),
        user=SECRET,
    ),
    smtp("X-pw-regex", *CREDENTIAL, "S: 535 no .*[(\\ here", codes=LOGIN_FAILED, secret=".*[(\\"),
    smtp(
        "X-pw-long",
        *GREET,
        *OFFER,
        "C: AUTH PLAIN$",
        "S: 334 ",
        "C: ",
        "S: 535 no " + "a" * 4000,
        codes=LOGIN_FAILED,
        secret="a" * 4096,
    ),
    smtp(
        "X-pw-short",
        *CREDENTIAL,
        "S: 535 5.7.8 abc",
        codes=LOGIN_FAILED,
        secret="abc",
        transcript_has=["535 5.7.8 [text withheld]"],
    ),
]


@pytest.mark.parametrize(
    "case", [*CONNECTION, *CAPABILITIES, *STARTTLS, *AUTH, *SASL, *OAUTH, *ECHO], ids=str
)
async def test_smtp(case):
    await run(case)
