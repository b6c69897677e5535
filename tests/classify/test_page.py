from pathlib import Path

from producer.contract.codes import Code, WarningCode
from worker.classify.page import page

COMMITTED = Path(__file__).parents[2] / "CODES.md"


def test_the_committed_page_is_current():
    assert COMMITTED.read_text(encoding="utf-8") == page(), (
        "run: python -m worker.classify.page > CODES.md"
    )


def test_the_page_has_every_code_once():
    text = page()
    assert {code for code in (*Code, *WarningCode) if text.count(f"| `{code}` |") != 1} == set()
