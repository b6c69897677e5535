"""Labelled replies, read as a dialogue hands them over.

`sample.jsonl` is the contract's sample; `corpus.jsonl` our own: literal replies where known,
realistic ones else. A line: protocol, phase, host, reply, code, retryable; some also field (the
kind of input to change, as in facts.toml: "host", not "imapHost"; null for none), source (whose
words they are), why (the label's reason) and also (codes that are as good, for words that can be
read in two ways). Those below `written/` have no host: `ANY_HOST`.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from producer.contract.report import PhaseName
from worker.probing.target import Protocol, Refusal

CORPUS = Path(__file__).parents[1] / "probing" / "classify"
ANY_HOST = "mail.example.org"
_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?: +|$)")
_RESPONSE_CODE = re.compile(r"\[([^\]]*)\] ?(.*)", re.DOTALL)


@dataclass(frozen=True)
class Case:
    host: str
    refusal: Refusal
    reply: str
    code: str
    retryable: bool
    labelled: Mapping[str, object] = field(compare=False)
    """The line as it stands, for what only some lines have."""
    also: tuple[str, ...] = ()

    @property
    def codes(self) -> tuple[str, ...]:
        return (self.code, *self.also)


def cases(name: str) -> Iterator[Case]:
    for line in (CORPUS / name).read_text(encoding="utf-8").splitlines():
        if line:
            given = json.loads(line)
            yield Case(
                given.get("host", ANY_HOST),
                refusal(**given),
                given["reply"],
                given["code"],
                given["retryable"],
                given,
                tuple(given.get("also", ())),
            )


def refusal(protocol: str, phase: str, reply: str, **_: object) -> Refusal:
    if protocol == "smtp":
        return smtp(PhaseName(phase), reply)
    return imap(PhaseName(phase), reply)


def smtp(phase: PhaseName, reply: str) -> Refusal:
    texts = [line[4:] for line in reply.split("\n")]
    match = _ENHANCED.match(texts[0])
    words = [_ENHANCED.sub("", text, count=1) for text in texts] if match else texts
    return Refusal(Protocol.SMTP, phase, reply[:3], match and match[1], "\n".join(words))


def imap(phase: PhaseName, reply: str) -> Refusal:
    condition, _, text = reply.partition(" ")
    match = _RESPONSE_CODE.match(text)
    if match:
        return Refusal(Protocol.IMAP, phase, condition, match[1], match[2])
    return Refusal(Protocol.IMAP, phase, condition, None, text)
