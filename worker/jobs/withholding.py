"""What servers say of an item, judged as one: an echo may be spread over both protocols. Pure.

    SMTP S: 535 5.7.8 wrong: Hunter2
    IMAP S: A1 NO battery is no password here

Each is less than a probe withholds by itself, and one result shows both.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from producer.contract.report import Probe
from worker.jobs.concealment import plain_sentence
from worker.jobs.plan import ItemPlan
from worker.probing.result import ProbeResult
from worker.probing.secrecy.public_words import PublicWords
from worker.probing.secrecy.scattered import holds_scattered
from worker.probing.target import Protocol
from worker.probing.transcript import WITHHELD
from worker.probing.wire.certificate import WITHHELD as CERTIFICATE_WITHHELD

_SAID: Final = " S: "
"""Between the protocol and what the server said, in a line of a transcript."""


def without_scattered_echoes(
    plan: ItemPlan, results: Sequence[ProbeResult]
) -> Sequence[ProbeResult]:
    """`results`, without the words of both servers where those hold a secret of the item."""
    if sum(bool(result.transcript) for result in results) < 2:
        return results  # the probe has judged what it heard
    said = "\n".join(text for result in results for text in _said(result))
    own_words = [word for probe in plan.probes for word in probe.own_words()]
    texts = [said.encode("utf-8", "replace")]
    if not holds_scattered(texts, plan.entry.secrets, PublicWords(own_words)):
        return results
    return [_without_words(result) for result in results]


def _said(result: ProbeResult) -> Iterator[str]:
    for line in result.transcript:
        _, found, words = line.partition(_SAID)
        if found:
            yield words
    yield result.probe.server_reply or ""  # its line may be one that was left out
    if tls := result.probe.tls:
        yield from (*tls.subject_names, tls.issuer or "")


def _without_words(result: ProbeResult) -> ProbeResult:
    lines = (
        f"{line.partition(_SAID)[0]}{_SAID}{WITHHELD}" if _SAID in line else line
        for line in result.transcript
    )
    probe, protocol = result.probe, result.protocol
    said = probe.server_reply and _withheld_reply(probe)
    return replace(
        result,
        sentence=result.sentence and plain_sentence(probe.code, protocol),
        probe=_without_words_of_probe(probe, protocol, said),
        warnings=tuple((code, plain_sentence(code, protocol)) for code, _ in result.warnings),
        transcript=tuple(lines),
        unclassified=result.unclassified and said,
    )


def _withheld_reply(probe: Probe) -> str:
    reply = probe.evidence.reply if probe.evidence else None
    return " ".join(filter(None, (reply, WITHHELD)))


def _without_words_of_probe(probe: Probe, protocol: Protocol | None, said: str | None) -> Probe:
    evidence = probe.evidence and probe.evidence.model_copy(
        update={"enhanced_code": None, "response_code": None}
    )
    tls = probe.tls and probe.tls.model_copy(
        update={"subject_names": (CERTIFICATE_WITHHELD,), "issuer": CERTIFICATE_WITHHELD}
    )
    hint = probe.hint and plain_sentence(probe.code, protocol)
    return probe.model_copy(
        update={"server_reply": said, "evidence": evidence, "tls": tls, "hint": hint}
    )
