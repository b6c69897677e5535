"""The check of citations: what leads nowhere is found, what leads somewhere is not."""

import pytest

from docs import citations


def problems(check, text, file="README.md"):
    return list(check(citations.ROOT / file, text))


@pytest.mark.parametrize(
    ("check", "text"),
    [
        (citations.paths, "see worker/probing/gone.py"),
        (citations.paths, "in tests/gone/"),
        (citations.modules, "`worker.probing.gone`"),
        (citations.modules, "`worker.settings.Gone`"),
        (citations.file_names, "as intake_of_old.py does"),
        (citations.links, "[here](docs/GONE.md)"),
        (citations.links, "[here](docs/CONTRACT.md#13-gone)"),
        (citations.contract_sections, "docs/CONTRACT.md section 99"),
        (citations.rfcs, "RFC 5321 4.2"),
        (citations.rfcs, "RFC5321"),
        (citations.nowhere, "as the study says"),
        (citations.nowhere, "the contract, section 4"),
        (citations.nowhere, "Rules S1 to S13"),
    ],
)
def test_a_citation_that_leads_nowhere_is_found(check, text):
    assert len(problems(check, text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "worker/probing/wire/tls.py, tests/hostile/ and `worker.settings.Settings`",
        "[contract](docs/CONTRACT.md#6-codes-closed-set-adding-one-is-a-contract-change)",
        "docs/CONTRACT.md section 10; RFC 5321, section 4.2.1; RFC 9051",
        "worker/<name>.py and tests/{one,two}.py are patterns",
    ],
)
def test_a_citation_that_leads_somewhere_is_left_alone(text):
    assert [one for check in citations.CHECKS for one in problems(check, text)] == []
