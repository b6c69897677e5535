import pytest

from tests.support.replies import Case, cases
from worker.classify import providers
from worker.classify.refusals import classify_refusal


@pytest.mark.parametrize("case", [*cases("sample.jsonl")], ids=lambda case: case.reply[:60])
def test_every_reply_of_the_sample_gets_its_code(case: Case):
    verdict = classify_refusal(case.refusal, providers.load().find(case.host), [case.host])
    assert (verdict.code, verdict.retryable) == (case.code, case.retryable)
