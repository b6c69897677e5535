"""The orders and the table of `choice`: a mechanism that one of them lacks is never used."""

import pkgutil
from contextlib import suppress
from importlib import import_module

import pytest

from tests.support.fake_session import credential
from worker.probing import sasl
from worker.probing.errors import ProtocolFault
from worker.probing.sasl.choice import _MAKERS, SENDS_PASSWORD, choose, make_mechanism
from worker.probing.sasl.mechanism import Mechanism
from worker.probing.target import CredentialKind

ALL = frozenset({*_MAKERS, "OAUTHBEARER"})
BEARER = set(choose(ALL, CredentialKind.BEARER, secure=True))
PASSWORD = "pass-phrase"


def made(name):
    return make_mechanism(name, credential("user", PASSWORD), host="mail.test", port=25)


def test_every_mechanism_has_its_place_in_the_order_for_its_kind_of_credential():
    under_tls = set(choose(ALL, CredentialKind.PASSWORD, secure=True))
    assert under_tls | BEARER == ALL
    assert not under_tls & BEARER


def test_no_mechanism_is_forgotten_for_clear_text():
    in_clear = choose(ALL, CredentialKind.PASSWORD, secure=False)
    assert set(in_clear) == ALL - BEARER
    assert in_clear[0].startswith("SCRAM")


def test_every_mechanism_that_is_written_can_be_made():
    names = [f"{sasl.__name__}.{found.name}" for found in pkgutil.iter_modules(sasl.__path__)]
    written = {
        thing
        for name in names
        for thing in vars(import_module(name)).values()
        if isinstance(thing, type) and hasattr(thing, "start") and thing is not Mechanism
    }
    whole = {one for one in written if not any(issubclass(other, one) for other in written - {one})}
    assert whole == {type(made(name)) for name in ALL}


@pytest.mark.parametrize("name", sorted(ALL - BEARER))
def test_it_is_known_which_mechanisms_send_the_password_itself(name):
    mechanism = made(name)
    sent = [mechanism.start() or b""]
    with suppress(ProtocolFault):
        for _ in range(3):
            sent.append(mechanism.next(b"a challenge"))  # noqa: PERF401 - up to the one that is refused
    assert (PASSWORD.encode() in b"".join(sent)) == (name in SENDS_PASSWORD)
