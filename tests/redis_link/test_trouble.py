"""What an operator is told of an outage."""

import pytest

from worker.redis_link.pipe import Outage
from worker.redis_link.trouble import Trouble


@pytest.mark.parametrize(
    ("reasons", "told"),
    [
        (["cut"] * 100, ["cut"]),
        (["cut"] + ["certificate has expired"] * 100, ["cut", "certificate has expired"]),
        (["cut", "refused", "loading"], ["cut"]),
    ],
    ids=["one reason", "another that lasts", "a restart"],
)
def test_an_outage_is_told_with_its_beginning_and_with_what_it_lasts_for(caplog, reasons, told):
    trouble = Trouble()
    for reason in reasons:
        trouble.outage(Outage(reason))
    assert [record.reason for record in caplog.records] == told
    trouble.over()
    trouble.outage(Outage("cut"))
    assert caplog.records[-1].reason == "cut"
