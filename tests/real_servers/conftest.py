"""Real servers, one of each for the whole run. In CI one that is missing is a failure."""

import os

import pytest

from tests.support.peers import DOVECOT, DOVECOT_SUBMISSION, POSTFIX_MASTER, missing
from tests.support.peers.dovecot import dovecot
from tests.support.peers.postfix import postfix
from tests.support.peers.pymap_server import pymap


def require(*programs):
    reason = missing(*programs)
    if reason and os.environ.get("CI") == "true":
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)


@pytest.fixture(scope="session")
def dovecot_peer():
    require(DOVECOT, DOVECOT_SUBMISSION)
    with dovecot() as peer:
        yield peer


@pytest.fixture(scope="session")
def postfix_peer(dovecot_peer):
    require(POSTFIX_MASTER)
    with postfix(dovecot_peer.ports["sasl"]) as peer:
        yield peer


@pytest.fixture(scope="session")
def pymap_peer():
    with pymap() as peer:
        yield peer
