import json
from pathlib import Path

from producer.contract.codes import Code
from producer.contract.names import Kind
from producer.contract.report import (
    Evidence,
    ItemReport,
    Phase,
    PhaseName,
    PhaseState,
    Probe,
    Report,
    Security,
    Suggestion,
    TlsFacts,
)

GOLDEN = (Path(__file__).parents[2] / "golden/report_example.json").read_text("utf-8")


def test_a_report_is_written_as_the_contract_says():
    probe = Probe(
        code=Code.AUTHENTICATION_FAILED,
        retryable=False,
        field="smtpPassword",
        phase=PhaseName.AUTH,
        phases=(
            Phase(name=PhaseName.DNS, state=PhaseState.OK, milliseconds=1.5),
            Phase(name=PhaseName.AUTH, state=PhaseState.FAILED, milliseconds=12.0),
            Phase(name=PhaseName.SENDER, state=PhaseState.SKIPPED, milliseconds=0.0),
        ),
        remote_address="192.0.2.7",
        tls=TlsFacts(
            version="TLSv1.3",
            cipher="TLS_AES_256_GCM_SHA384",
            subject_names=("smtp.example.com",),
            issuer="Example CA",
            days_left=40,
            verified=True,
        ),
        mechanism="PLAIN",
        server_reply="535 5.7.8 Authentication credentials invalid",
        evidence=Evidence(
            phase=PhaseName.AUTH, reply="535", enhanced_code="5.7.8", rule="words.failed"
        ),
        hint="The server did not accept the user name and password; check both.",
        suggestion=Suggestion(host="smtp.example.com", port=465, security=Security.IMPLICIT_TLS),
    )
    report = Report(
        job_id="import-42",
        kind=Kind.CREDENTIAL_TEST,
        attempts=1,
        queue_wait_ms=3,
        duration_ms=278,
        worker_version="0.1.0",
        items=(ItemReport(smtp=probe),),
    )
    assert json.dumps(report.model_dump(mode="json", by_alias=True), indent=2) == GOLDEN.strip()


def test_a_report_is_read_back_as_it_was_written():
    report = Report.model_validate_json(GOLDEN)
    assert json.loads(report.model_dump_json(by_alias=True)) == json.loads(GOLDEN)


def test_the_words_of_the_contract():
    assert " ".join(PhaseName) == (
        "dns connect tls greeting capability starttls auth mailbox sender"
    )
    assert " ".join(PhaseState) == "ok failed skipped"
