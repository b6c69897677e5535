"""IMAP servers that are odd, broken or hostile."""

import base64

import pytest

from producer.contract.codes import Code
from tests.support.disguises import DISGUISES, SPREAD
from tests.support.hostile import (
    IMAP_CREDENTIAL,
    IMAP_GREET,
    IMAP_LOGIN,
    IMAP_UPGRADE,
    SECRET,
    imap,
    read_cases,
    run,
)
from tests.support.servers import Wire
from worker.probing.target import Protocol

REFUSED = Code.AUTHENTICATION_FAILED


async def drip_greeting(wire):
    await wire.drip(b"* OK " + b"x" * 99, 0.1)


async def literal_chain(wire):
    await wire.send(b"* X {1}\r\n")
    await wire.flood(b"x {1}\r\n" * 200)


async def huge_then_drip(wire):
    await wire.send(b"* OK [CAPABILITY IMAP4rev1] {4000000000}\r\n* X {4000000000}\r\n")
    await wire.drip(b"x" * 20, 0.1)


def sends(data):
    return lambda wire: wire.send(data)


async def guessed_tags(wire):
    tags = ("a1", "A1", "a001", "A0001", "A001", "1", "0001", "RUBY0001", "C1", "AAAAAA1")
    await wire.line(*(f"{tag} OK done" for tag in tags))


CALLS = {
    "silence": Wire.silence,
    "drip": drip_greeting,
    "flood": lambda wire: wire.flood(b"* 1 EXISTS\r\n" * 500),
    "flood without end": lambda wire: wire.flood(b"* OK " + b"A" * 4096),
    "flood of CR": lambda wire: wire.flood(b"* OK hi\r" * 500),
    "literal chain": literal_chain,
    "literal flood": lambda wire: wire.flood(b"* X {1900000000}\r\n" + b"x" * 8000),
    "literal huge": huge_then_drip,
    "literal digits": sends(b"* X {" + b"9" * 5000 + b"}\r\n"),
    "parentheses": sends(b"* X " + b"(" * 8000 + b"\r\n"),
    "guessed tags": guessed_tags,
    "no line end": sends(b"* OK half"),
    "tls record": sends(b"\x16\x03\x01\x00\x05"),
    "untagged for ever": lambda wire: wire.flood(b"* OK still here\r\n" * 50),
    "tagged twice": lambda wire: wire.send(b"x OK\r\n"),
}

PARTS = {
    "GREET": IMAP_GREET,
    "CREDENTIAL": IMAP_CREDENTIAL,
    "LOGIN": IMAP_LOGIN,
    "UPGRADE": IMAP_UPGRADE,
    "OK": (
        "S: {tag} OK LOGIN completed",
        "C: TAG EXAMINE INBOX",
        "S: * 3 EXISTS",
        "S: {tag} OK done",
    ),
}

DIALOGUES = r"""
== I-silent | starttls | DEADLINE_EXCEEDED | deadline=1
CALL silence
== I-drip-byte | starttls | DEADLINE_EXCEEDED | deadline=1
CALL drip
== I-flood-untagged | starttls | PROTOCOL_ERROR
CALL flood
== I-flood-noeol | starttls | RESPONSE_TOO_LARGE
CALL flood without end
== I-cr-only | tls | RESPONSE_TOO_LARGE
CALL flood of CR
== I-literal-huge | starttls | RESPONSE_TOO_LARGE
CALL literal huge
== I-literal-flood | starttls | RESPONSE_TOO_LARGE
CALL literal flood
== I-literal-chain | starttls | RESPONSE_TOO_LARGE
CALL literal chain
== I-literal-chain after the greeting | tls | RESPONSE_TOO_LARGE | quits=no
S: * OK hi
C: TAG CAPABILITY
CALL literal chain
== I-literal-digits | starttls | PROTOCOL_ERROR
CALL literal digits
== I-literal-negative | tls | PROTOCOL_ERROR
S: * OK hi
C: TAG CAPABILITY
S: * X {-1}
== I-literal-fraction | tls | PROTOCOL_ERROR
S: * OK hi
C: TAG CAPABILITY
S: * X {1.5}
== I-parens | tls | OK
S: * OK hi
C: TAG CAPABILITY
CALL parentheses
S: * CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR
S: {tag} OK
C: TAG AUTHENTICATE PLAIN
...OK
== I-quoted-open | tls | AUTHENTICATION_FAILED
...CREDENTIAL
S: * X "never closed (and open
S: {tag} NO [AUTHENTICATIONFAILED] no
== I-bye | starttls | TOO_MANY_CONNECTIONS
S: * BYE [UNAVAILABLE] Too many connections
== I-bad-greeting-blocked | starttls | GREETING_REJECTED
S: * BAD Your address 203.0.113.9 is on our block list
== I-no-greeting-blocked | starttls | GREETING_REJECTED
S: * NO connections from your country are not allowed
== I-bad-greeting | starttls | PROTOCOL_ERROR
S: * BAD what
== I-bye-eof | starttls | GREETING_REJECTED
S: * BYE go away
CLOSE
== I-no-greeting | starttls | PROTOCOL_ERROR
S: * NO not today
== I-tagged-greeting | starttls | PROTOCOL_ERROR
S: a1 OK ready
== I-lower | tls | OK
S: * ok [capability imap4rev1 auth=plain sasl-ir] ready
C: TAG AUTHENTICATE PLAIN
S: {tag} ok fine
C: TAG EXAMINE INBOX
S: {tag} ok
== I-pop3 | starttls | WRONG_SERVICE
S: +OK POP3 ready
== I-smtp | starttls | WRONG_SERVICE
S: 220 mail.test ESMTP
== I-tls-record | starttls | TLS_MODE_MISMATCH
CALL tls record
== I-truncated-greeting | tls | CONNECTION_CLOSED
CALL no line end
CLOSE
== I-preauth-starttls | starttls | TLS_BYPASS | never=LOGIN,AUTH
S: * PREAUTH [CAPABILITY IMAP4rev1 STARTTLS AUTH=PLAIN] welcome
== I-preauth-tls | tls | AUTH_UNPROVEN | never=LOGIN,AUTH
S: * PREAUTH [CAPABILITY IMAP4rev1] welcome
== I-preauth-clear | clear | AUTH_UNPROVEN | never=LOGIN,AUTH
S: * PREAUTH welcome
== I-nostarttls | starttls | STARTTLS_NOT_OFFERED
S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hi
== I-imap4only | starttls | STARTTLS_NOT_OFFERED
S: * OK [CAPABILITY IMAP4] hi
== I-imap4only-tls | tls | PROTOCOL_ERROR | never=LOGIN,AUTH
S: * OK [CAPABILITY IMAP4] hi
== I-starttls-no | starttls | STARTTLS_REFUSED
...UPGRADE
S: {tag} NO not now
== I-starttls-bad | starttls | STARTTLS_REFUSED
...UPGRADE
S: {tag} BAD what
== I-starttls-bye | starttls | STARTTLS_REFUSED | quits=no
...UPGRADE
S: * BYE no
CLOSE
== I-starttls-plus | starttls | PROTOCOL_ERROR
...UPGRADE
S: + continue with something
== I-starttls-wrongtag | starttls | PROTOCOL_ERROR
...UPGRADE
S: x1 OK go
== I-starttls-untagged-ok | starttls | DEADLINE_EXCEEDED | deadline=1
...UPGRADE
S: * OK go
CALL silence
== I-inject | starttls | STARTTLS_INJECTION
...UPGRADE
S: {tag} OK go
S: * CAPABILITY IMAP4rev1 AUTH=PLAIN
S: * OK [ALERT] injected
== I-inject-tagged | starttls | STARTTLS_INJECTION
...UPGRADE
S: {tag} OK go
S: {tag} OK again
== I-ok-before-cmd | starttls | PROTOCOL_ERROR | never=LOGIN,AUTH
S: * OK [CAPABILITY IMAP4rev1 STARTTLS] hi
CALL guessed tags
C: TAG STARTTLS
CALL silence
== I-untagged-before-tls | starttls | OK
S: * OK [CAPABILITY IMAP4rev1 STARTTLS] hi
C: TAG STARTTLS
S: * LIST () "/" evil
S: * 99 EXISTS
S: * OK [ALERT] your mailbox is hacked
S: {tag} OK go
TLS
C: TAG CAPABILITY
S: * CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR
S: {tag} OK
C: TAG AUTHENTICATE PLAIN
...OK
== I-caps-change | starttls | AUTH_NOT_OFFERED | never=LOGIN,AUTH
S: * OK [CAPABILITY IMAP4rev1 STARTTLS AUTH=PLAIN] hi
C: TAG STARTTLS
S: {tag} OK go
TLS
C: TAG CAPABILITY
S: * CAPABILITY IMAP4rev1 LOGINDISABLED
S: {tag} OK
== I-ok | tls | OK
...CREDENTIAL
...OK
== I-ok-login | tls | OK
...LOGIN
...OK
== I-ok-untagged-cap | tls | OK
...CREDENTIAL
S: * CAPABILITY IMAP4rev1 IDLE
...OK
== I-ok-code-cap | tls | OK
...CREDENTIAL
S: {tag} OK [CAPABILITY IMAP4rev1 IDLE] in
C: TAG EXAMINE INBOX
S: {tag} OK [READ-ONLY] done
== I-nocaps | tls | OK
S: * OK ready
C: TAG CAPABILITY
S: {tag} BAD unknown
C: TAG LOGIN
...OK
== I-rev2only | tls | OK
S: * OK [CAPABILITY IMAP4rev2 SASL-IR AUTH=PLAIN] hi
C: TAG AUTHENTICATE PLAIN
...OK
== I-logindisabled-authplain | tls | OK
S: * OK [CAPABILITY IMAP4rev1 LOGINDISABLED AUTH=PLAIN] hi
C: TAG AUTHENTICATE PLAIN
S: +
C: \S
...OK
== I-plus-bare | tls | OK
S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hi
C: TAG AUTHENTICATE PLAIN
S: + go ahead please
C: \S
...OK
== I-no-unavailable | tls | AUTHENTICATION_TEMPORARY
...CREDENTIAL
S: {tag} NO [UNAVAILABLE] back end down
== I-no-inuse | tls | AUTHENTICATION_TEMPORARY
...CREDENTIAL
S: {tag} NO [INUSE] in use
== I-no-limit | tls | AUTHENTICATION_TEMPORARY
...CREDENTIAL
S: {tag} NO [LIMIT] too many
== I-no-serverbug | tls | AUTHENTICATION_TEMPORARY
...CREDENTIAL
S: {tag} NO [SERVERBUG] oops
== I-no-contactadmin | tls | ACCOUNT_LOCKED
...CREDENTIAL
S: {tag} NO [CONTACTADMIN] account_disabled_by_admin
== I-no-authorizationfailed | tls | AUTHENTICATION_FAILED
...CREDENTIAL
S: {tag} NO [AUTHORIZATIONFAILED] no
== I-no-expired | tls | PASSWORD_EXPIRED
...CREDENTIAL
S: {tag} NO [EXPIRED] password expired
== I-no-privacyrequired | clear | AUTH_REQUIRES_TLS
...LOGIN
S: {tag} NO [PRIVACYREQUIRED] TLS first
== I-no-webalert | tls | WEB_LOGIN_REQUIRED
...CREDENTIAL
S: * NO [WEBALERT https://accounts.google.com/x] Web login required.
S: {tag} NO [ALERT] Please log in via your web browser
== I-no-x-unknown | tls | AUTHENTICATION_FAILED
...CREDENTIAL
S: {tag} NO [X-WHATEVER 1 2] Login failed.
== I-no-bare | tls | AUTHENTICATION_FAILED
...CREDENTIAL
S: {tag} NO
== I-no-before-the-credential | tls | NO_COMMON_MECHANISM | credentials=0
S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hi
C: TAG AUTHENTICATE PLAIN
S: {tag} NO [AUTHENTICATIONFAILED] Authentication failed.
== I-no-bare-before-the-credential | tls | NO_COMMON_MECHANISM | credentials=0
S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hi
C: TAG AUTHENTICATE PLAIN
S: {tag} NO
== I-unavailable-before-the-credential | tls | AUTHENTICATION_TEMPORARY | credentials=0
S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hi
C: TAG AUTHENTICATE PLAIN
S: {tag} NO [UNAVAILABLE] later
== I-no-referral | tls | AUTHENTICATION_AMBIGUOUS
...CREDENTIAL
S: {tag} NO [REFERRAL imap://evil.test/] try there
== I-ok-wrongtag | tls | PROTOCOL_ERROR
...CREDENTIAL
S: a1 OK welcome
== I-ok-untagged | tls | DEADLINE_EXCEEDED | deadline=1
...CREDENTIAL
S: * OK welcome
CALL silence
== I-preauth-midlogin | tls | PROTOCOL_ERROR | deadline=1
...CREDENTIAL
S: * PREAUTH welcome
CALL silence
== I-bye-midlogin | tls | AUTHENTICATION_TEMPORARY
...CREDENTIAL
S: * BYE [UNAVAILABLE] down
== I-eof-midlogin | tls | CONNECTION_CLOSED | quits=no
...CREDENTIAL
CLOSE
== I-half-ok | tls | CONNECTION_CLOSED | quits=no
...CREDENTIAL
CALL no line end
CLOSE
== I-ok-not-connected | tls | MAILBOX_UNAVAILABLE
...CREDENTIAL
S: {tag} OK done
C: TAG EXAMINE INBOX
S: {tag} BAD User is authenticated but not connected.
== I-unsafe-login | tls | MAILBOX_UNAVAILABLE | never=LIST
...CREDENTIAL
S: {tag} OK done
C: TAG EXAMINE INBOX
S: {tag} NO EXAMINE Unsafe Login. Please contact kefu@188.com for help
== I-ok-then-eof | tls | CONNECTION_CLOSED | quits=no
...CREDENTIAL
S: {tag} OK done
C: TAG EXAMINE INBOX
CLOSE
== I-ok-then-bye | tls | MAILBOX_UNAVAILABLE | quits=no
...CREDENTIAL
S: {tag} OK done
C: TAG EXAMINE INBOX
S: * BYE shutting down
CLOSE
== I-bye-after-logout | tls | OK
...CREDENTIAL
...OK
C: TAG LOGOUT
S: * BYE bye
CLOSE
== I-logindisabled-tls | tls | AUTH_NOT_OFFERED | never=LOGIN
S: * OK [CAPABILITY IMAP4rev1 LOGINDISABLED] hi
== I-logindisabled-clear | clear | AUTH_REQUIRES_TLS | never=LOGIN
S: * OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED] hi
== I-literal-refused | tls | PROTOCOL_ERROR | secret=pässwörd-Canary credentials=0
S: * OK [CAPABILITY IMAP4rev1] hi
C: TAG LOGIN .* \{\d+\}$
S: {tag} BAD literals are not supported
== I-literal-ok | tls | AUTH_UNPROVEN | secret=pässwörd-Canary credentials=0
S: * OK [CAPABILITY IMAP4rev1 LITERAL+] hi
C: TAG LOGIN .* \{\d+\}$
S: {tag} OK welcome
== I-endless-plus | tls | PROTOCOL_ERROR
S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] hi
C: TAG AUTHENTICATE PLAIN
S: +
S: +
S: +
S: +
== I-plus-after-login | tls | PROTOCOL_ERROR
...LOGIN
S: + more?
== I-ansi | tls | AUTHENTICATION_AMBIGUOUS
...CREDENTIAL
S: {tag} NO \x1b]0;title\x07 \x1b[2J <img onerror=x> \x00 \xe2\x80\xa8 \xe2\x80\xae ok
== I-fake-line | tls | AUTHENTICATION_AMBIGUOUS
...CREDENTIAL
S: {tag} NO sorry\xe2\x80\xa9IMAP S: a OK fine\x0bIMAP S: a OK fine\x85x
== I-compress | tls | OK | never=COMPRESS,ENABLE
S: * OK [CAPABILITY IMAP4rev1 COMPRESS=DEFLATE ENABLE AUTH=PLAIN SASL-IR] hi
C: TAG AUTHENTICATE PLAIN
...OK
== I-auth-dup | tls | OK
S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN AUTH=PLAIN SASL-IR] hi
C: TAG AUTHENTICATE PLAIN
...OK
== I-alert-flood-in-login | tls | RESPONSE_TOO_LARGE | quits=no
...CREDENTIAL
CALL untagged for ever
== I-ok-twice | tls | PROTOCOL_ERROR
...CREDENTIAL
S: {tag} OK in
S: {tag} OK in again
C: TAG EXAMINE INBOX
S: {tag} OK done
== I-presented-ok | tls | PROTOCOL_ERROR | deadline=1 never=LOGIN,AUTH
S: * OK hi
S: a1 OK LOGIN completed
C: TAG CAPABILITY
CALL silence
== I-id-is-no-matter | tls | OK
S: * OK [CAPABILITY IMAP4rev1 ID AUTH=PLAIN SASL-IR] hi
C: TAG AUTHENTICATE PLAIN
S: {tag} OK in
C: TAG ID
S: * ID NIL
S: {tag} BAD never heard
C: TAG EXAMINE INBOX
S: {tag} OK done
== I-nul | tls | OK
S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] h\x00i
C: TAG AUTHENTICATE PLAIN
...OK
== I-unclosed-code | tls | AUTHENTICATION_AMBIGUOUS
...CREDENTIAL
S: {tag} NO [ALERT it never closes
== I-braces-in-words | tls | AUTHENTICATION_FAILED
...CREDENTIAL
S: {tag} NO wrong password {5}
== I-no-text | tls | OK
...CREDENTIAL
S: {tag} OK
C: TAG EXAMINE INBOX
S: {tag} OK
== I-leading-blank | tls | PROTOCOL_ERROR
S:  * OK hi
== I-two-blanks | tls | PROTOCOL_ERROR
S: *  OK hi
== I-long-tag | tls | PROTOCOL_ERROR | never=LOGIN,AUTH
S: * OK hi
C: TAG CAPABILITY
S: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx OK done
== I-plus-in-greeting | tls | PROTOCOL_ERROR
S: + OK
== I-bye-with-ok | tls | GREETING_REJECTED | quits=no
S: * OK hi
C: TAG CAPABILITY
S: * BYE too late
S: {tag} OK done
CLOSE
== I-capability-dies | tls | CONNECTION_CLOSED | quits=no
S: * OK hi
C: TAG CAPABILITY
S: * CAPABILITY IMAP4rev1 AUTH=PLAIN
CLOSE
== I-quoted-capability | tls | PROTOCOL_ERROR
S: * OK [CAPABILITY "IMAP4rev1" AUTH=PLAIN] hi
== I-starttls-ok-then-silence | starttls | DEADLINE_EXCEEDED | deadline=1 quits=no
...UPGRADE
S: {tag} OK go
CALL silence
== I-starttls-ok-then-plain | starttls | STARTTLS_INJECTION | quits=no
...UPGRADE
S: {tag} OK go
WAIT 0.05
S: * OK still in clear
CALL silence
== I-preauth-after-tls | starttls | PROTOCOL_ERROR | deadline=1
...UPGRADE
S: {tag} OK go
TLS
S: * PREAUTH welcome
C: TAG CAPABILITY
S: {tag} BAD no
CALL silence
== I-no-in-pieces | tls | AUTHENTICATION_FAILED
...CREDENTIAL
S: * OK patience
WAIT 0.1
S: * OK patience
WAIT 0.1
S: {tag} NO [AUTHENTICATIONFAILED] no
== I-alert-then-ok | tls | OK
...CREDENTIAL
S: * NO [ALERT] quota nearly full
S: {tag} OK in
C: TAG EXAMINE INBOX
S: {tag} OK done
== I-login-ok-readonly-no | tls | MAILBOX_UNAVAILABLE
...CREDENTIAL
S: {tag} OK in
C: TAG EXAMINE INBOX
S: {tag} NO [NONEXISTENT] no such mailbox
"""

ECHOES = [
    imap(
        f"I-echo {name}",
        *IMAP_CREDENTIAL,
        "S: * NO [ALERT] " + disguise(SECRET).encode().decode("latin-1"),
        "S: {tag} NO [AUTHENTICATIONFAILED] " + disguise(SECRET).encode().decode("latin-1"),
        code=Code.AUTHENTICATION_AMBIGUOUS if name in SPREAD else REFUSED,
        transcript_has=["NO [text withheld]"],
    )
    for name, disguise in DISGUISES.items()
] + [
    imap(
        "I-echo-code",
        *IMAP_CREDENTIAL,
        f"S: {{tag}} NO [{SECRET}] no",
        code=REFUSED,
    ),
    imap(
        "I-echo-code-arguments",
        *IMAP_CREDENTIAL,
        f"S: {{tag}} NO [X {SECRET}] no",
        code=REFUSED,
    ),
    imap(
        "X-echo-referral",
        *IMAP_CREDENTIAL,
        f"S: {{tag}} NO [REFERRAL imap://jean:{SECRET}@evil.test/] no",
        code=Code.AUTHENTICATION_AMBIGUOUS,
    ),
    imap(
        "I-echo-split",
        *IMAP_CREDENTIAL,
        f"S: * OK {SECRET[:9]}",
        f"S: * OK {SECRET[9:16]}",
        f"S: {{tag}} NO {SECRET[16:]}",
        code=Code.AUTHENTICATION_AMBIGUOUS,
    ),
    imap(
        "I-echo-capability",
        f"S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR AUTH={SECRET}] hi",
        "C: TAG AUTHENTICATE PLAIN",
        "S: {tag} NO no",
        code=REFUSED,
    ),
    imap(
        "I-echo-literal",
        *IMAP_CREDENTIAL,
        f"S: * X {{{len(SECRET)}}}",
        f"S: {SECRET} end",
        "S: {tag} NO no",
        code=REFUSED,
    ),
    imap(
        "I-echo-client-lines",
        *IMAP_CREDENTIAL,
        "S: * NO [ALERT] you said AUTHENTICATE PLAIN "
        + base64.b64encode(f"\0jean@mail.test\0{SECRET}".encode()).decode(),
        "S: {tag} NO no",
        code=REFUSED,
    ),
    imap(
        "I-echo-beside",
        *IMAP_CREDENTIAL,
        f"S: {{tag}} NO [AUTHENTICATIONFAILED] zorp moved {SECRET}",
        code=Code.AUTHENTICATION_AMBIGUOUS,
    ),
    imap(
        "I-echo-mailbox",
        *IMAP_CREDENTIAL,
        "S: {tag} OK in",
        "C: TAG EXAMINE INBOX",
        f"S: {{tag}} NO [X-{SECRET}] {SECRET}",
        code=Code.MAILBOX_UNAVAILABLE,
    ),
]


@pytest.mark.parametrize(
    "case", [*read_cases(DIALOGUES, Protocol.IMAP, CALLS, PARTS), *ECHOES], ids=str
)
async def test_imap(case):
    await run(case)
