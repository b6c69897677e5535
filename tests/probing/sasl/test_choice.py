"""The orders and the table of `choice`: a mechanism that one of them lacks is never used."""

from worker.probing.sasl.choice import _MAKERS, choose
from worker.probing.target import CredentialKind

ALL = frozenset({*_MAKERS, "OAUTHBEARER"})
BEARER = set(choose(ALL, CredentialKind.BEARER, secure=True))


def test_every_mechanism_has_its_place_in_the_order_for_its_kind_of_credential():
    under_tls = set(choose(ALL, CredentialKind.PASSWORD, secure=True))
    assert under_tls | BEARER == ALL
    assert not under_tls & BEARER


def test_no_mechanism_is_forgotten_for_clear_text():
    in_clear = choose(ALL, CredentialKind.PASSWORD, secure=False)
    assert set(in_clear) == ALL - BEARER
    assert in_clear[0].startswith("SCRAM")
