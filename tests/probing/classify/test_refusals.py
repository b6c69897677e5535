import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer.contract.codes import Code
from producer.contract.report import PhaseName
from tests.support.confusion import judge, matrix
from tests.support.replies import Case, cases, refusal
from worker.probing.classify import providers
from worker.probing.classify.refusals import classify_accepted_sender, classify_refusal
from worker.probing.classify.status import TABLES
from worker.probing.target import Protocol, Refusal

SAMPLE = list(cases("sample.jsonl"))
OURS = list(cases("corpus.jsonl"))

TEMPORARY = {
    Code.AUTHENTICATION_TEMPORARY,
    Code.RATE_LIMITED,
    Code.TOO_MANY_CONNECTIONS,
    Code.QUOTA_EXCEEDED,
}


def auth(reply: str, host: str = "mail.example.org", own_words: tuple[str, ...] = ()):
    protocol = "smtp" if reply[0].isdecimal() else "imap"
    return classify_refusal(
        refusal(protocol, "auth", reply), providers.load().find(host), own_words
    )


@pytest.mark.parametrize("name", ["sample.jsonl", "corpus.jsonl"])
def test_every_labelled_reply_gets_its_code(name):
    labelled = list(cases(name))
    table = matrix(labelled)
    print(f"\n{name}\n{table}")  # noqa: T201 - pytest -s shows it, and a failure does
    wrong = [case for case in labelled if judge(case).code != case.code]
    assert not wrong, table


@pytest.mark.parametrize("case", [*SAMPLE, *OURS], ids=lambda case: case.reply[:60])
def test_every_labelled_reply_says_whether_trying_again_helps(case: Case):
    assert judge(case).retryable is case.retryable


@pytest.mark.parametrize(
    "case", [case for case in OURS if "field" in case.labelled], ids=lambda case: case.reply[:60]
)
def test_a_reply_labelled_with_a_field_says_which_input_to_change(case: Case):
    assert judge(case).field == case.labelled["field"]


def test_no_reply_is_labelled_twice():
    labelled = [(case.host, case.refusal) for case in (*SAMPLE, *OURS)]
    assert len(labelled) == len(set(labelled))


@pytest.mark.parametrize("reply", ["421", "432", "435", "450", "451", "454", "455", "499"])
@pytest.mark.parametrize("words", ["", " Authentication failed", " invalid credentials"])
def test_a_4xx_to_auth_is_never_a_wrong_password(reply, words):
    verdict = auth(reply + words)
    assert verdict.code in TEMPORARY
    assert verdict.retryable


@pytest.mark.parametrize("code", ["UNAVAILABLE", "INUSE", "LIMIT", "SERVERBUG"])
def test_an_imap_code_of_a_server_in_trouble_outweighs_vague_words(code):
    assert auth(f"NO [{code}] Login failed").code is Code.AUTHENTICATION_TEMPORARY


@pytest.mark.parametrize(
    "host", ["smtp-auth.example.com", "too-many-connections.example.org", "disabled.example.net"]
)
def test_the_users_host_and_name_are_no_evidence(host):
    user = f"rate-limit@{host}"
    verdict = auth(f"535 {host} does not like {user} ({user})", own_words=(host, user))
    assert verdict.code is Code.AUTHENTICATION_FAILED
    assert not verdict.recognised


def test_a_user_name_that_is_a_word_of_the_tables_is_no_evidence():
    verdict = auth("NO locked", own_words=("locked",))
    assert verdict.code is Code.AUTHENTICATION_FAILED
    assert auth("NO account locked out").code is Code.ACCOUNT_LOCKED
    assert auth("NO account lockedout", own_words=("locked",)).code is Code.AUTHENTICATION_FAILED


def test_words_are_whole_words():
    assert not auth("535 oauthority unthrottleable").recognised


def test_what_only_the_fall_back_explains_is_not_recognised():
    assert not auth("535 computer says no").recognised
    assert not auth("NO [X-NEW] computer says no").recognised
    assert auth("NO [AUTHENTICATIONFAILED] computer says no").recognised
    assert auth("535 Incorrect authentication data").recognised


def test_microsofts_vague_no_is_ambiguous_at_microsoft_only():
    assert auth("NO LOGIN failed.", "outlook.office365.com").code is Code.AUTHENTICATION_AMBIGUOUS
    assert auth("NO LOGIN failed.", "imap.gmail.com").code is Code.AUTHENTICATION_FAILED


def test_a_no_without_a_reason_proves_little_where_the_sender_is_judged_later():
    no = refusal("smtp", "sender", "550 no")
    judged_later = providers.load().find("smtp.sendgrid.net")
    assert classify_refusal(no, judged_later).code is Code.SENDER_INCONCLUSIVE
    assert classify_refusal(no, None).code is Code.SENDER_REJECTED


@pytest.mark.parametrize(
    ("host", "sender", "code"),
    [
        ("smtp.gmail.com", "alias@dealer.example", Code.SENDER_INCONCLUSIVE),
        ("smtp.gmail.com", "Dealer@gmail.com", Code.OK),
        ("mail.example.org", "alias@dealer.example", Code.OK),
        ("smtp.fastmail.com", "alias@dealer.example", Code.OK),
    ],
)
def test_a_yes_to_a_sender_proves_little_where_it_is_judged_later(host, sender, code):
    provider = providers.load().find(host)
    verdict = classify_accepted_sender(provider, sender=sender, user="dealer@gmail.com")
    assert verdict.code is code


def test_an_account_for_known_addresses_only_says_so():
    assert auth("525 5.7.1 Unauthorized IP address").hint == "known_addresses"


@given(
    protocol=st.sampled_from(Protocol),
    phase=st.sampled_from(PhaseName),
    condition=st.sampled_from(["NO", "BAD", "BYE", "535", "421", "999", "", "x"]),
    detail=st.none() | st.text(max_size=20),
    text=st.text(max_size=3000),
    own=st.lists(st.text(max_size=20), max_size=3),
)
def test_whatever_a_server_writes_has_a_verdict(protocol, phase, condition, detail, text, own):
    verdict = classify_refusal(Refusal(protocol, phase, condition, detail, text), None, own)
    assert isinstance(verdict.code, Code)
    assert verdict.code is not Code.OK


def test_hostile_length_is_not_read_to_its_end():
    text = "too many " * 100_000 + "account is locked"
    assert auth(f"535 {text}").code is not Code.ACCOUNT_LOCKED


@pytest.mark.parametrize(("protocol", "phase"), TABLES)
def test_every_phase_has_a_last_resort(protocol, phase):
    condition = "550" if protocol is Protocol.SMTP else "NO"
    verdict = classify_refusal(Refusal(protocol, phase, condition, None, ""), None)
    assert verdict.code is not Code.OK
