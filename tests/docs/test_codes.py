from docs.make_codes import PAGE, page
from producer.contract.codes import Code, WarningCode
from worker.probing.classify.providers import load


def test_the_committed_page_is_current():
    assert PAGE.read_text(encoding="utf-8") == page(), "run: make docs"


def test_the_page_has_every_code_once():
    text = page()
    assert {code for code in (*Code, *WarningCode) if text.count(f"></a>`{code}`\n") != 1} == set()


def test_the_page_says_what_each_provider_was_compared_with_and_when():
    rows = [line for line in page().splitlines() if line.endswith(" |")]
    for provider in load().known:
        (row,) = [line for line in rows if line.startswith(f"| {provider.name} |")]
        day = f" ({provider.last_checked})" if provider.last_checked else ""
        assert row.endswith(f"| {provider.source}{day} |")
