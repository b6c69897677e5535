from pydantic import SecretStr

from producer.contract.report import Security
from worker.limits.identity import Identity
from worker.probing.target import Credential, CredentialKind, Protocol, Target

IDENTITY = Identity(b"k" * 32)
TARGET = Target("mail.example.test", 465, Security.IMPLICIT_TLS)


def fingerprint(
    protocol=Protocol.SMTP,
    target=TARGET,
    user="amy",
    secret="hunter2",
    kind=CredentialKind.PASSWORD,
):
    return IDENTITY.fingerprint(protocol, target, Credential(user, SecretStr(secret), kind))


def test_one_host_has_one_name_whatever_its_spelling():
    assert IDENTITY.host("Mail.Example.TEST.") == IDENTITY.host("mail.example.test")


def test_an_account_is_one_whatever_the_case_of_its_user():
    assert IDENTITY.account("h", "Amy@Example.test") == IDENTITY.account("h", "amy@example.test")


def test_anything_that_changes_makes_another_credential():
    names = {
        fingerprint(),
        fingerprint(protocol=Protocol.IMAP),
        fingerprint(target=Target("mail2.example.test", 465, Security.IMPLICIT_TLS)),
        fingerprint(target=Target("mail.example.test", 587, Security.IMPLICIT_TLS)),
        fingerprint(target=Target("mail.example.test", 465, Security.STARTTLS)),
        fingerprint(user="Amy"),
        fingerprint(secret="hunter3"),
        fingerprint(kind=CredentialKind.BEARER),
    }
    assert len(names) == 8


def test_parts_cannot_run_into_each_other():
    assert fingerprint(user="ab", secret="c") != fingerprint(user="a", secret="bc")


def test_names_under_another_key_are_others():
    assert Identity(b"a").host("h") != Identity(b"b").host("h")


def test_no_name_shows_what_it_stands_for():
    assert "hunter2" not in fingerprint()
    assert len(fingerprint()) == 32


def test_a_lone_surrogate_has_a_name_too():
    assert fingerprint(secret="\ud800")
