import random
import time
import unicodedata

import pytest

from tests.support.pace import assert_within
from worker.probing.normal_forms import SHORT, normalized

FORMS = ["NFC", "NFD", "NFKC", "NFKD"]
MARKS = [chr(code) for code in range(0x300, 0x20000) if unicodedata.combining(chr(code))]
COMPOSED = [
    chr(code)
    for code in range(0x80, 0x30000)
    if unicodedata.normalize("NFKD", chr(code)) != chr(code)
]
FALLING = "\u0315" * 4000 + "\u0316" * 4000
COMPOSED_FALLING = "\u0344" * 4000 + "\u0334" * 4000
HALF_WIDTH = ("\u0315" * 30 + "\uff9e" * 30) * 100


def random_text(seed):
    chosen = random.Random(seed)
    letters = ["e", "u", "가", "\u1100", "\u1161", *chosen.sample(COMPOSED, 20)]
    marks = chosen.sample(MARKS, 20)
    size = chosen.randint(SHORT, 3 * SHORT)
    return "".join(chosen.choice(chosen.choice((letters, marks, marks))) for _ in range(size))


@pytest.mark.parametrize("form", FORMS)
def test_a_form_is_that_of_the_standard_library(form):
    texts = map(random_text, range(100))
    assert all(normalized(form, text) == unicodedata.normalize(form, text) for text in texts)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "text", [FALLING, COMPOSED_FALLING, HALF_WIDTH], ids=["falling", "composed", "half width"]
)
def test_marks_in_falling_order_take_no_longer_than_others(text, form):
    assert_within(0.02, lambda: seconds_for(form, text))


def seconds_for(form, text):
    started = time.thread_time()
    normalized(form, text)
    return time.thread_time() - started
