"""SMTP servers that are odd, broken or hostile."""

import base64

import pytest

from producer.contract.codes import Code
from tests.support.disguises import DISGUISES, SPREAD
from tests.support.hostile import (
    BEARER_SECRET,
    CREDENTIAL,
    GREET,
    HELLO,
    OFFER,
    SALT,
    SECRET,
    UPGRADE,
    answer_scram,
    read_cases,
    run,
    smtp,
)
from tests.support.servers import Wire
from worker.probing.target import Protocol


async def still_starting(wire):
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


def flood(unit):
    return lambda wire: wire.flood(unit)


def challenge(octets):
    return lambda wire: wire.send(b"334 " + base64.b64encode(octets) + b"\r\n")


CALLS = {
    "silence": Wire.silence,
    "drip": lambda wire: wire.drip(b"220 " + b"x" * 99, 0.3),
    "flood still starting": still_starting,
    "flood without end": flood(b"A" * 4096),
    "flood of 220-": flood(b"220-x\r\n" * 500),
    "flood of 250-": flood(b"250-X\r\n" * 300),
    "flood of 235-": flood(b"235-ok\r\n" * 300),
    "no reading": no_reading,
    "capability of 64 KiB": lambda wire: wire.send(b"250-AUTH " + b"A" * 65536 + b"\r\n"),
    "endless challenges": endless_challenges,
    "long challenge": challenge(b"x" * 3000),
    "huge challenge": challenge(b"x" * 15_000),
    "scram digits": answer_scram(f"r={{nonce}}x,s={SALT},i=" + "9" * 5000),
    "bearer error": challenge(b'{"status":"401","schemes":"bearer","scope":"mail"}'),
    "bearer echo": challenge(b'{"status":"' + BEARER_SECRET.encode() + b'"}'),
    "JSON bomb": challenge(b"[" * 5900),
    "huge JSON challenge": challenge(b"[" * 200_000),
}

PARTS = {
    "GREET": GREET,
    "HELLO": HELLO,
    "OFFER": OFFER,
    "AUTH": CREDENTIAL,
    "UPGRADE": UPGRADE,
    "LOGIN": (*GREET, "S: 250-m", "S: 250 AUTH LOGIN", "C: AUTH LOGIN"),
    "SCRAM": (*GREET, "S: 250-m", "S: 250 AUTH SCRAM-SHA-256", "C: AUTH SCRAM-SHA-256 "),
    "XOAUTH2": (*GREET, "S: 250-m", "S: 250 AUTH XOAUTH2", "C: AUTH XOAUTH2 "),
}

DIALOGUES = r"""
== S-silent | starttls | DEADLINE_EXCEEDED | deadline=1
CALL silence
== S-drip-byte | starttls | DEADLINE_EXCEEDED | deadline=1
CALL drip
== S-drip-lines | starttls | DEADLINE_EXCEEDED | deadline=1
CALL flood still starting
== S-flood-noeol | starttls | RESPONSE_TOO_LARGE
CALL flood without end
== S-flood-lines | starttls | RESPONSE_TOO_LARGE
CALL flood of 220-
== S-421 | starttls | GREETING_REJECTED
S: 421 4.3.2 too busy
CLOSE
== S-554 | starttls | GREETING_REJECTED
S: 554 5.7.1 no service here
== S-521 | starttls | GREETING_REJECTED
S: 521 mail.test does not accept mail
== S-lf-only | starttls | STARTTLS_NOT_OFFERED
RAW 220 hi\n
C: EHLO
RAW 250-mail.test\n250 AUTH PLAIN\n
== S-ssh | starttls | WRONG_SERVICE
S: SSH-2.0-OpenSSH_9.2p1
== S-http | starttls | WRONG_SERVICE
S: HTTP/1.1 400 Bad Request
== S-imap | starttls | WRONG_SERVICE
S: * OK IMAP4rev1 ready
== S-redis | starttls | DEADLINE_EXCEEDED | deadline=1 never=.
CALL silence
== S-eof | starttls | CONNECTION_CLOSED
CLOSE
== S-reset | starttls | CONNECTION_CLOSED
RESET
== S-half-greeting | starttls | CONNECTION_CLOSED
RAW 220 mail
CLOSE
== S-slow-legit | starttls | OK
S: 220-please wait
WAIT 0.8
S: 220 ok
C: EHLO
S: 250-mail.test
WAIT 0.3
S: 250 STARTTLS
C: STARTTLS
S: 220 go
TLS
C: EHLO
...OFFER
C: AUTH PLAIN
S: 235 2.7.0 ok
== S-code-junk 220:hello | starttls | PROTOCOL_ERROR
S: 220:hello
== S-code-junk welcome | starttls | PROTOCOL_ERROR
S: welcome
== S-code-junk 2200 x | starttls | PROTOCOL_ERROR
S: 2200 x
== S-code-junk +OK | starttls | WRONG_SERVICE
S: +OK
== S-code-junk 22 | starttls | PROTOCOL_ERROR
S: 22
== S-code-junk 999 x | starttls | PROTOCOL_ERROR
S: 999 x
== S-code-junk 099 x | starttls | PROTOCOL_ERROR
S: 099 x
== S-code-junk ?????? x | starttls | PROTOCOL_ERROR
S: \xef\xbc\x92\xef\xbc\x92 x
== S-code-junk, nothing | starttls | PROTOCOL_ERROR
RAW \r\n
== S-code-junk  220 x | starttls | PROTOCOL_ERROR
S:  220 x
== S-354-greeting | starttls | PROTOCOL_ERROR
S: 354 go on
== S-pre-sent-tls | tls | PROTOCOL_ERROR | never=AUTH
S: 220 hi
S: 250-mail.test
S: 250 AUTH PLAIN
S: 235 ok
== S-greeting-mixed-codes | starttls | PROTOCOL_ERROR
S: 220-hi
S: 554 no
== S-noread | starttls | DEADLINE_EXCEEDED | deadline=1
S: 220 hi
CALL no reading
== S-nul-greeting | starttls | STARTTLS_NOT_OFFERED
S: 220 \x00\x00 hi
C: EHLO
S: 250 x
== S-tls-record | starttls | TLS_MODE_MISMATCH
RAW \x15\x03\x01\x00\x02\x02F
== S-code-mismatch | starttls | PROTOCOL_ERROR
...GREET
S: 250-mail
S: 250-STARTTLS
S: 550 AUTH PLAIN
== S-ehlo-502-helo | clear | AUTH_NOT_OFFERED | never=AUTH
...GREET
S: 502 what
C: HELO
S: 250 mail.test
== S-ehlo-502-helo, TLS wanted | starttls | STARTTLS_NOT_OFFERED | never=AUTH
...GREET
S: 502 what
C: HELO
S: 250 mail.test
== S-cap-line-64k | starttls | RESPONSE_TOO_LARGE
...GREET
CALL capability of 64 KiB
== S-cap-many-lines | starttls | RESPONSE_TOO_LARGE | quits=no
...GREET
CALL flood of 250-
== S-auth-twice | tls | OK
...GREET
S: 250-mail.test
S: 250-AUTH LOGIN PLAIN
S: 250-AUTH=LOGIN PLAIN
S: 250 HELP
C: AUTH PLAIN
S: 235 ok
== S-lower-authold | tls | OK
...GREET
S: 250-mail.test
S: 250 auth=login plain
C: AUTH PLAIN
S: 235 ok
== S-ehlo-8bit | tls | OK
...GREET
S: 250-m\xe4il
S: 250-\x80\xff\x00 X
S: 250 AUTH PLAIN
C: AUTH PLAIN
S: 235 ok
== S-halfclose | clear | CONNECTION_CLOSED | quits=no
...HELLO
END
== S-ehlo-421 | starttls | GREETING_REJECTED | quits=no
...GREET
S: 421 4.3.2 shutting down
CLOSE
== S-ehlo-220 | starttls | PROTOCOL_ERROR
...GREET
S: 220 again
== S-ehlo-bare-250 | starttls | STARTTLS_NOT_OFFERED
...GREET
S: 250
== S-nothing-but-xoauth2 | tls | NO_COMMON_MECHANISM | never=AUTH
...GREET
S: 250-m
S: 250 AUTH XOAUTH2 NTLM GSSAPI
== S-nostarttls | starttls | STARTTLS_NOT_OFFERED | never=AUTH
...HELLO
== S-starttls-354 do something else | starttls | STARTTLS_REFUSED
...UPGRADE
S: 354 do something else
== S-starttls-454 4.7.0 not now | starttls | STARTTLS_REFUSED
...UPGRADE
S: 454 4.7.0 not now
== S-starttls-502 unknown | starttls | STARTTLS_REFUSED
...UPGRADE
S: 502 unknown
== S-starttls-250 ok | starttls | STARTTLS_REFUSED
...UPGRADE
S: 250 ok
== S-starttls-501 no | starttls | STARTTLS_REFUSED
...UPGRADE
S: 501 no
== S-starttls-554 no | starttls | STARTTLS_REFUSED
...UPGRADE
S: 554 no
== S-starttls-235 ok | starttls | STARTTLS_REFUSED
...UPGRADE
S: 235 ok
== S-starttls-334  | starttls | STARTTLS_REFUSED
...UPGRADE
S: 334\x20
== S-inject-line | starttls | STARTTLS_INJECTION | quits=no
...UPGRADE
S: 220 go
...OFFER
TLS
== S-inject-fragment | starttls | STARTTLS_INJECTION | quits=no
...UPGRADE
RAW 220 go\r\n250-AU
TLS
== S-inject-late | starttls | STARTTLS_INJECTION | quits=no
...UPGRADE
S: 220 go
WAIT 0.05
RAW 250 AUTH PLAIN\r\n
TLS
== S-inject-235 | starttls | STARTTLS_INJECTION
...UPGRADE
S: 220 go
S: 235 2.7.0 ok
== S-tls-silent | starttls | DEADLINE_EXCEEDED | deadline=1 quits=no
...UPGRADE
S: 220 go
CALL silence
== S-tls-eof | starttls | CONNECTION_CLOSED | quits=no
...UPGRADE
S: 220 go
CLOSE
== S-tls-alert-80 | starttls | TLS_HANDSHAKE_FAILED | quits=no
...UPGRADE
S: 220 2.0.0 Ready to start TLS
AWAIT 5
RAW \x15\x03\x03\x00\x02\x02P
CLOSE
== S-caps-change | starttls | AUTH_NOT_OFFERED | never=AUTH
...GREET
S: 250-mail.test
S: 250-STARTTLS
S: 250 AUTH PLAIN
C: STARTTLS
S: 220 go
TLS
C: EHLO
S: 250-mail.test
S: 250 SIZE 1000
== S-starttls-again | starttls | OK
...UPGRADE
S: 220 go
TLS
C: EHLO
S: 250-m
S: 250-STARTTLS
S: 250 AUTH PLAIN
C: AUTH PLAIN
S: 235 ok
== S-second-greeting | starttls | PROTOCOL_ERROR | never=AUTH
...UPGRADE
S: 220 go
TLS
S: 220 hello again
C: EHLO
...OFFER
== S-starttls-multiline-220 | starttls | OK
...UPGRADE
S: 220-well
S: 220 go
TLS
C: EHLO
...OFFER
C: AUTH PLAIN
S: 235 ok
== S-ehlo-after-tls-refused | starttls | GREETING_REJECTED | never=AUTH
...UPGRADE
S: 220 go
TLS
C: EHLO
S: 554 5.7.1 no
== S-auth-235 | tls | OK
...AUTH
S: 235 2.7.0 ok
== S-auth-235 in clear | clear | OK
...AUTH
S: 235 2.7.0 ok
== S-auth-235-bare | tls | OK
...AUTH
S: 235
== S-auth-535 | tls | AUTHENTICATION_FAILED
...AUTH
S: 535 5.7.8 Error: authentication failed: (reason unavailable)
== S-auth-535-multi | tls | AUTHENTICATION_FAILED | shows=https://support.google.com/
...AUTH
S: 535-5.7.8 Username and Password not accepted. For more information, go to
S: 535 5.7.8  https://support.google.com/mail/?p=BadCredentials abc - gsmtp
== S-auth-534-web | tls | WEB_LOGIN_REQUIRED
...AUTH
S: 534-5.7.14 <https://accounts.google.com/signin/continue?sarp=1> Please log in via
S: 534 5.7.14 your web browser and then try again.
== S-auth-534-app | tls | APP_PASSWORD_REQUIRED
...AUTH
S: 534-5.7.9 Application-specific password required.
S: 534 5.7.9 x gsmtp
== S-auth-535-tenant-off | tls | PROTOCOL_DISABLED
...AUTH
S: 535 5.7.139 SmtpClientAuthentication is disabled for the Tenant.
== S-auth-435 | tls | AUTHENTICATION_TEMPORARY
...AUTH
S: 435 Unable to authenticate at present
== S-auth-421 | tls | AUTHENTICATION_TEMPORARY | quits=no
...AUTH
S: 421 4.7.0 Try again later
CLOSE
== S-auth-450 | tls | RATE_LIMITED
...AUTH
S: 450 4.7.1 Error: too many AUTH commands from 192.0.2.1
== S-auth-454 | tls | AUTHENTICATION_TEMPORARY
...AUTH
S: 454 4.7.0 Temporary authentication failure
== S-auth-503 | tls | AUTH_NOT_OFFERED
...AUTH
S: 503 5.5.1 Error: authentication not enabled
== S-auth-530 | tls | AUTH_REQUIRES_TLS | never=STARTTLS
...AUTH
S: 530 5.7.0 Must issue a STARTTLS command first
== S-auth-504 | tls | OK | credentials=2
...AUTH
S: 504 5.5.4 Unrecognized authentication type
C: AUTH LOGIN
S: 334 VXNlcm5hbWU6
C: .*
S: 334 UGFzc3dvcmQ6
C: .*
S: 235 ok
== S-no-before-the-credential | tls | NO_COMMON_MECHANISM | credentials=0
...LOGIN
S: 535 5.7.8 Error: authentication failed
== S-no-to-the-user | tls | AUTHENTICATION_FAILED | credentials=0
...LOGIN
S: 334 VXNlcm5hbWU6
AWAIT 20
S: 535 5.7.8 Error: authentication failed
== S-auth-504-all | tls | NO_COMMON_MECHANISM
...GREET
S: 250-m
S: 250 AUTH PLAIN
C: AUTH PLAIN
S: 504 5.5.4 no
== S-auth-500-long | tls | OK | credentials=2
...AUTH
S: 500 5.5.6 line too long
C: AUTH PLAIN$
S: 334\x20
C: .*
S: 235 ok
== S-auth-500-twice | tls | PROTOCOL_ERROR
...AUTH
S: 500 5.5.6 line too long
C: AUTH PLAIN$
S: 500 5.5.6 line too long
== S-auth-525 | tls | ACCOUNT_LOCKED
...AUTH
S: 525 5.7.13 User Account Disabled
== S-auth-200 | tls | PROTOCOL_ERROR
...AUTH
S: 200 ok
== S-auth-220 | tls | PROTOCOL_ERROR
...AUTH
S: 220 ok
== S-auth-250 | tls | PROTOCOL_ERROR
...AUTH
S: 250 ok
== S-auth-251 | tls | PROTOCOL_ERROR
...AUTH
S: 251 ok
== S-auth-354 | tls | PROTOCOL_ERROR
...AUTH
S: 354 ok
== S-auth-garbage | tls | PROTOCOL_ERROR
...AUTH
S: OK you are in
== S-auth-eof | tls | CONNECTION_CLOSED | quits=no
...AUTH
CLOSE
== S-auth-silent | tls | DEADLINE_EXCEEDED | deadline=1
...AUTH
CALL silence
== S-auth-slow-no | tls | AUTHENTICATION_FAILED
...AUTH
WAIT 2
S: 535 no
== S-auth-none | tls | AUTH_NOT_OFFERED | never=AUTH
...GREET
S: 250 mail.test
== S-auth-loop | tls | PROTOCOL_ERROR
...LOGIN
CALL endless challenges
== S-auth-plain-loop | tls | PROTOCOL_ERROR
...AUTH
CALL endless challenges
== S-auth-235-noask | tls | AUTH_UNPROVEN | credentials=0
...LOGIN
S: 235 2.7.0 welcome
== S-auth-235-halfway | tls | AUTH_UNPROVEN | credentials=0
...LOGIN
S: 334 VXNlcm5hbWU6
C: .*
S: 235 ok
== S-auth-login-swapped | tls | AUTHENTICATION_FAILED
...LOGIN
S: 334 UGFzc3dvcmQ6
C: amVhbkBtYWlsLnRlc3Q=
S: 334 VXNlcm5hbWU6
C: .*
S: 535 no
== S-auth-login-odd-prompts | tls | OK
...LOGIN
S: 334
C: .*
S: 334\x20
C: .*
S: 235 ok
== S-auth-bad-base64 | tls | PROTOCOL_ERROR | credentials=0
...GREET
S: 250-m
S: 250 AUTH CRAM-MD5
C: AUTH CRAM-MD5
S: 334 %%%not base64%%%
C: \*
S: 501 cancelled
== S-auth-challenge-huge | tls | RESPONSE_TOO_LARGE | credentials=0
...LOGIN
CALL huge challenge
== S-auth-235-quit421 | tls | OK
...AUTH
S: 235 ok
C: QUIT
S: 421 relay is down
== S-235-rst | tls | OK | quits=no
...AUTH
S: 235 ok
RESET
== T-truncate | tls | CONNECTION_CLOSED | quits=no
...AUTH
RAW 235-2.7.0 o
CLOSE
== S-truncated-235 | tls | CONNECTION_CLOSED | quits=no
...AUTH
RAW 235 2.7.0 ok
CLOSE
== S-auth-ansi | tls | AUTHENTICATION_AMBIGUOUS
...AUTH
S: 535 \x1b[2J\x1b[32mconnected\x1b[0m \x00\x07 <script> \xff \xe2\x80\xae {"a":1} \x0b\x0c
== S-auth-535-then-235 | tls | AUTHENTICATION_FAILED
...AUTH
S: 535 no
S: 235 ok
== S-auth-235-mixed | tls | PROTOCOL_ERROR
...AUTH
S: 235-ok
S: 535 no
== S-auth-endless-235 | tls | RESPONSE_TOO_LARGE | quits=no
...AUTH
CALL flood of 235-
== S-auth-mtls-late | tls | CONNECTION_CLOSED | quits=no
...AUTH
RESET
== S-scram-iter-huge | tls | PROTOCOL_ERROR | credentials=0
...SCRAM
SCRAM r={nonce}x,s=c2FsdA==,i=2147483647
C: \*
S: 501 no
== S-scram-iter-low | tls | PROTOCOL_ERROR | credentials=0
...SCRAM
SCRAM r={nonce}x,s=c2FsdA==,i=1
C: \*
S: 501 no
== S-scram-iter-digits | tls | PROTOCOL_ERROR | credentials=0
...SCRAM
CALL scram digits
C: \*
S: 501 no
== S-scram-iter-unicode | tls | PROTOCOL_ERROR | credentials=0
...SCRAM
SCRAM r={nonce}x,s=c2FsdA==,i=\xef\xbc\x94\xef\xbc\x90\xef\xbc\x99\xef\xbc\x96
C: \*
S: 501 no
== S-scram-nonce | tls | PROTOCOL_ERROR | credentials=0
...SCRAM
SCRAM r=other,s=c2FsdA==,i=4096
C: \*
S: 501 no
== S-scram-nonce-same | tls | PROTOCOL_ERROR | credentials=0
...SCRAM
SCRAM r={nonce},s=c2FsdA==,i=4096
C: \*
S: 501 no
== S-scram-m | tls | PROTOCOL_ERROR | credentials=0
...SCRAM
SCRAM m=ext,r={nonce}x,s=c2FsdA==,i=4096
C: \*
S: 501 no
== S-scram-nosalt | tls | PROTOCOL_ERROR | credentials=0
...SCRAM
SCRAM r={nonce}x,s=,i=4096
C: \*
S: 501 no
== S-scram-nosig | tls | AUTH_UNPROVEN | credentials=0
...SCRAM
SCRAM r={nonce}x,s=c2FsdA==,i=4096
C: .*
S: 235 ok
== S-scram-badsig | tls | AUTH_UNPROVEN | credentials=0
...SCRAM
SCRAM r={nonce}x,s=c2FsdA==,i=4096
C: .*
S: 334 dj1lSGg0ZUhoNGVIaDRlSGg0ZUhoNGVIaDRlSGg0ZUhoNGVIaDRlSGg0ZUhnPQ==
C: .*
S: 235 ok
== S-scram-235-at-once | tls | AUTH_UNPROVEN | credentials=0
...SCRAM
S: 235 ok
== S-scram-e | tls | AUTHENTICATION_FAILED | credentials=0
...SCRAM
SCRAM r={nonce}x,s=c2FsdA==,i=4096
C: .*
S: 535 5.7.8 no
== S-cram-empty | tls | PROTOCOL_ERROR | credentials=0
...GREET
S: 250-m
S: 250 AUTH CRAM-MD5
C: AUTH CRAM-MD5
S: 334\x20
C: \*
S: 501 no
== S-cram-huge | tls | PROTOCOL_ERROR | credentials=0
...GREET
S: 250-m
S: 250 AUTH CRAM-MD5
C: AUTH CRAM-MD5
CALL long challenge
C: \*
S: 501 no
== S-xoauth2-401 | tls | AUTHENTICATION_FAILED | kind=bearer
...XOAUTH2
CALL bearer error
C: $
S: 535 5.7.8 no
== S-xoauth2-jsonbomb | tls | AUTHENTICATION_FAILED | kind=bearer
...XOAUTH2
CALL JSON bomb
C: .*
S: 535 no
== S-xoauth2-jsonflood | tls | RESPONSE_TOO_LARGE | kind=bearer
...XOAUTH2
CALL huge JSON challenge
== S-xoauth2-echo | tls | AUTHENTICATION_AMBIGUOUS | kind=bearer
...XOAUTH2
CALL bearer echo
C: $
S: 535 no
== S-xoauth2-235 | tls | OK | kind=bearer
...XOAUTH2
S: 235 ok
== S-echo-beside | tls | AUTHENTICATION_AMBIGUOUS | shows=535_5.7.8_[text_withheld]
...AUTH
S: 535 5.7.8 Login failed with Canary-7hunter2!battery, zorp moved
== S-echo-beside, encoded | tls | AUTHENTICATION_AMBIGUOUS
...AUTH
S: 535 5.7.8 Login failed with Q2FuYXJ5LTdodW50ZXIyIWJhdHRlcnk= zorp moved
== S-echo-beside, without a blank | tls | AUTHENTICATION_AMBIGUOUS
...AUTH
S: 535 5.7.8 {"reason":"zorpmoved","password":"Canary-7hunter2!battery"}
== S-echo-beside, known | tls | ACCOUNT_LOCKED
...AUTH
S: 535 5.7.8 Canary-7hunter2!battery: your account is locked
== S-echo-reason | tls | AUTHENTICATION_FAILED | secret=Account-is-locked!
...AUTH
S: 535 5.7.8 wrong password: Account-is-locked!
== S-echo-line | tls | AUTHENTICATION_FAILED
...AUTH
S: 535 5.7.8 wrong password: AUTH PLAIN AGplYW5AbWFpbC50ZXN0AENhbmFyeS03aHVudGVyMiFiYXR0ZXJ5
== S-echo-octets | tls | AUTHENTICATION_FAILED
...AUTH
S: 535 5.7.8 wrong: b'\x5cx00jean@mail.test\x5cx00Canary-7hunter2!battery'
== X-pw-short-beside | tls | AUTHENTICATION_AMBIGUOUS | secret=abc
...AUTH
S: 535 5.7.8 login failed, zorp moved
== X-pw-short-inside | tls | AUTHENTICATION_AMBIGUOUS | secret=zor
...AUTH
S: 535 5.7.8 login failed, zorp
== X-pw-short-plain | tls | AUTHENTICATION_FAILED | secret=abc
...AUTH
S: 535 5.7.8 jean@mail.test: login failed with abc
== S-echo-235 | tls | OK | shows=235_[text_withheld]
...AUTH
S: 235 welcome, your password is Canary-7hunter2!battery
== S-echo-greeting | tls | OK
S: 220 Canary-7hunter2!battery ready
C: EHLO
...OFFER
C: AUTH PLAIN
S: 235 ok
== S-echo-ehlo | tls | OK
...GREET
S: 250-Canary-7hunter2!battery
S: 250-yrettab!2retnuh7-yranaC
S: 250 AUTH PLAIN
C: AUTH PLAIN
S: 235 ok
== S-echo-mechanism | tls | NO_COMMON_MECHANISM
...GREET
S: 250-m
S: 250 AUTH CANARY-7HUNTER2!BATTERY X
== S-echo-split | tls | AUTHENTICATION_AMBIGUOUS
...AUTH
S: 535-5.7.8 Canary-7h
S: 535-5.7.8 unter2
S: 535 5.7.8 !battery
== S-echo-spread | tls | AUTHENTICATION_FAILED | shows=250_[text_withheld]
S: 220 mail.test
C: EHLO
S: 250-Canary-7hunter
S: 250 AUTH PLAIN
C: AUTH PLAIN
S: 535 2!battery
== S-echo-challenge | tls | AUTHENTICATION_FAILED
...LOGIN
S: 334\x20
C: .*
S: 334 Q2FuYXJ5LTdodW50ZXIyIWJhdHRlcnk=
C: .*
S: 535 no
== S-echo-enhanced | tls | AUTHENTICATION_FAILED | secret=576543210
...AUTH
S: 535 5.765.432 no 10
== X-user-secret | tls | AUTHENTICATION_FAILED | user=Canary-7hunter2!battery
...AUTH
S: 535 no such user Canary-7hunter2!battery
== X-pw-regex | tls | AUTHENTICATION_FAILED | secret=.*[(\
...AUTH
S: 535 no .*[(\x5c here
== X-pw-short | tls | AUTHENTICATION_FAILED | shows=535_5.7.8_[text_withheld] secret=abc
...AUTH
S: 535 5.7.8 abc
== S-tab-separator | starttls | PROTOCOL_ERROR
...GREET
RAW 250-mail.test\r\n250\x09AUTH PLAIN\r\n
== S-auth-nothing-behind | tls | AUTH_NOT_OFFERED | never=AUTH
...GREET
S: 250-mail.test
S: 250 AUTH
== S-auth-in-the-domain-line | tls | AUTH_NOT_OFFERED | never=AUTH
...GREET
S: 250-AUTH PLAIN LOGIN
S: 250 SIZE 1
== S-authx | tls | AUTH_NOT_OFFERED | never=AUTH
...GREET
S: 250-mail.test
S: 250-AUTHX PLAIN
S: 250 XAUTH PLAIN
== S-starttlsx | starttls | STARTTLS_NOT_OFFERED | never=STARTTLS
...GREET
S: 250-mail.test
S: 250 STARTTLSX
== S-535-and-gone | tls | AUTHENTICATION_FAILED | quits=no
...AUTH
S: 535 5.7.8 no
CLOSE
== S-535-and-reset | tls | AUTHENTICATION_FAILED | quits=no
...AUTH
S: 535 5.7.8 no
RESET
== S-535-in-pieces | tls | AUTHENTICATION_FAILED
...AUTH
RAW 5
WAIT 0.05
RAW 35-5.7.8
WAIT 0.05
RAW \x20no\r
WAIT 0.05
RAW \n535 5.7.8 n
WAIT 0.05
RAW o\r\n
== S-235-in-pieces | tls | OK
...AUTH
RAW 2
WAIT 0.05
RAW 35 2.7.0 ok\r
WAIT 0.05
RAW \n
== S-235-cr-only | tls | CONNECTION_CLOSED | quits=no
...AUTH
RAW 235 ok\r
CLOSE
== S-235-of-another-class | tls | OK
...AUTH
S: 235 5.7.8 ok
== S-5xx-that-says-yes | tls | AUTHENTICATION_AMBIGUOUS
...AUTH
S: 550 2.7.0 Authentication successful
== S-334-to-ehlo | tls | PROTOCOL_ERROR | never=AUTH
...GREET
S: 334 UGFzc3dvcmQ6
== S-421-before-ehlo | tls | PROTOCOL_ERROR | quits=no
S: 220 hi
S: 421 4.4.2 and bye
CLOSE
== S-auth-challenge-in-two-lines | tls | PROTOCOL_ERROR | credentials=0
...GREET
S: 250-m
S: 250 AUTH LOGIN
C: AUTH LOGIN
S: 334-VXNlcm5h
S: 334 bWU6
== S-504-to-the-password | tls | NO_COMMON_MECHANISM
...LOGIN
S: 334 VXNlcm5hbWU6
C: .*
S: 334 UGFzc3dvcmQ6
C: .*
S: 504 5.5.4 never mind
== S-mail-before-auth | tls | PROTOCOL_ERROR | credentials=0 never=AUTH
S: 220 hi
C: EHLO
S: 250-m
S: 250 AUTH PLAIN
S: 250 sender ok
== S-starttls-then-plain-reply | starttls | STARTTLS_INJECTION | quits=no
...UPGRADE
S: 220 go
AWAIT 5
RAW 250 mail.test\r\n
"""

ECHOES = [
    smtp(
        f"S-echo {name}",
        *CREDENTIAL,
        "S: 535 5.7.8 no " + disguise(SECRET).encode().decode("latin-1"),
        code=Code.AUTHENTICATION_AMBIGUOUS if name in SPREAD else Code.AUTHENTICATION_FAILED,
        transcript_has=["535 5.7.8 [text withheld]"],
    )
    for name, disguise in DISGUISES.items()
]

LONG = smtp(
    "X-pw-long",
    *HELLO,
    "C: AUTH PLAIN$",
    "S: 334 ",
    "C: ",
    "S: 535 no " + "a" * 4000,
    code=Code.AUTHENTICATION_FAILED,
    secret="a" * 4096,
)


@pytest.mark.parametrize(
    "case", [*read_cases(DIALOGUES, Protocol.SMTP, CALLS, PARTS), *ECHOES, LONG], ids=str
)
async def test_smtp(case):
    await run(case)
