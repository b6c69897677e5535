"""An echo that is spread over the two protocols of an item."""

from dataclasses import replace

from producer.contract.codes import Code
from producer.contract.report import Evidence, PhaseName, Probe, TlsFacts
from worker.jobs.plan import plan_item
from worker.jobs.response import item_result
from worker.probing.result import ProbeResult
from worker.probing.target import Protocol

SECRET = "Zephyr4quartz"
RAW = {
    "dealerEmail": "dealer@example.com",
    "password": SECRET,
    "smtpHost": "smtp.example.com",
    "imapHost": "imap.example.com",
}


def refused(protocol, reply, said, names=("mail.example.com",)):
    return ProbeResult(
        protocol,
        Probe(
            code=Code.AUTHENTICATION_FAILED,
            retryable=False,
            phase=PhaseName.AUTH,
            tls=TlsFacts(subject_names=names, issuer="Example CA", verified=True),
            server_reply=f"{reply} {said}",
            evidence=Evidence(phase=PhaseName.AUTH, reply=reply, rule="status.535"),
        ),
        "The password is wrong.",
        transcript=(
            f"{protocol.upper()} * connected to 192.0.2.1, port 25",
            f"{protocol.upper()} C: AUTH PLAIN <hidden>",
            f"{protocol.upper()} S: {reply} {said}",
        ),
    )


def shown(*results):
    found = item_result(plan_item(RAW), results, warnings=(), milliseconds=1.0)
    return found.response.model_dump_json() + found.report.model_dump_json(by_alias=True)


def test_a_piece_from_each_protocol_shows_in_neither():
    text = shown(
        refused(Protocol.SMTP, "535", "5.7.8 wrong: Zephyr it was"),
        refused(Protocol.IMAP, "NO", "and 4quartz it was, too"),
    )
    assert "Zephyr" not in text
    assert "4quartz" not in text
    assert "SMTP S: [text withheld]" in text
    assert '"535 [text withheld]"' in text
    assert '"NO [text withheld]"' in text
    assert "IMAP * connected to" in text


def test_a_piece_in_a_certificate_counts_as_well():
    text = shown(
        refused(Protocol.SMTP, "535", "5.7.8 wrong", names=("zephyr.example.com",)),
        refused(Protocol.IMAP, "NO", "and 4quartz it was, too"),
    )
    assert "ephyr" not in text
    assert "4quartz" not in text


def test_words_of_both_servers_stay_where_no_secret_is_in_them():
    text = shown(
        refused(Protocol.SMTP, "535", "5.7.8 Zephyr is our server, dealer@example.com"),
        refused(Protocol.IMAP, "NO", "login failed for dealer@example.com"),
    )
    assert "Zephyr is our server" in text
    assert "login failed for" in text
    assert "withheld" not in text


def test_nothing_else_that_quotes_a_server_shows_a_piece_of_it():
    quoting = [
        replace(
            one,
            sentence=f"{one.protocol} says: {one.probe.server_reply}",
            warnings=((f"{one.protocol.upper()}_SENDER_REJECTED", one.probe.server_reply),),
            unclassified=one.probe.server_reply,
            probe=one.probe.model_copy(
                update={
                    "hint": one.probe.server_reply,
                    "evidence": one.probe.evidence.model_copy(
                        update={"response_code": one.probe.server_reply[-8:]}
                    ),
                }
            ),
        )
        for one in (
            refused(Protocol.SMTP, "535", "5.7.8 wrong is Zephyr"),
            refused(Protocol.IMAP, "NO", "and is 4quartz"),
        )
    ]
    found = item_result(plan_item(RAW), quoting, warnings=(), milliseconds=1.0)
    text = shown(*quoting) + repr(found.probed)
    assert "Zephyr" not in text
    assert "4quartz" not in text
    assert [one.unclassified for one in found.probed] == [
        "535 [text withheld]",
        "NO [text withheld]",
    ]


def test_a_reply_counts_whose_line_was_left_out_of_the_transcript():
    text = shown(
        replace(refused(Protocol.SMTP, "535", "wrong is Zephyr"), transcript=("SMTP S: 220 hi",)),
        refused(Protocol.IMAP, "NO", "and is 4quartz"),
    )
    assert "Zephyr" not in text
