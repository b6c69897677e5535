"""No text of a server's raises anything but a ProtocolFault: what was found once, and new ones."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.feed import feed
from tests.support.text_functions import UNITS

CORPUS = sorted((Path(__file__).parent / "corpus").iterdir())

PIECES = st.sampled_from(list(UNITS.values())) | st.binary(max_size=20)
"""Shapes that mean something to some decoder, and noise between them."""


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.name)
def test_a_kept_text_raises_nothing(path):
    feed(path.read_bytes())


@given(st.lists(PIECES, max_size=40).map(b"".join))
@settings(max_examples=150, suppress_health_check=list(HealthCheck))
def test_a_new_text_raises_nothing(octets):
    feed(octets)
