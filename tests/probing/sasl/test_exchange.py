import base64

import pytest

from producer.contract.codes import Code
from tests.support.fake_session import credential, derive_here
from worker.probing.errors import AuthFault, ProtocolFault
from worker.probing.sasl.cram_md5 import CramMd5
from worker.probing.sasl.exchange import QUICK_ITERATIONS, Exchange
from worker.probing.sasl.login import Login
from worker.probing.sasl.plain import Plain
from worker.probing.sasl.scram import Scram

PENCIL = credential("user", "pencil")
ROOM = 100


def exchange_of(mechanism, derive=derive_here):
    return Exchange(mechanism, derive)


async def test_a_yes_before_the_credential_was_sent_is_not_earned():
    exchange = exchange_of(Plain(PENCIL))
    with pytest.raises(AuthFault) as caught:
        exchange.require_complete()
    assert caught.value.code is Code.AUTH_UNPROVEN
    assert exchange.initial_response(ROOM) == base64.b64encode(b"\0user\0pencil")
    exchange.require_complete()


def test_an_initial_response_that_does_not_fit_waits_for_the_go_ahead():
    response = base64.b64encode(b"\0user\0pencil")
    exchange = exchange_of(Plain(PENCIL))
    assert exchange.initial_response(len(response) - 1) is None
    assert exchange.initial_response(len(response)) == response
    assert exchange.initial_response(ROOM) is None


async def test_a_yes_after_the_user_name_alone_is_not_earned():
    exchange = exchange_of(Login(PENCIL))
    await exchange.answer(b"")
    with pytest.raises(AuthFault):
        exchange.require_complete()
    await exchange.answer(b"")
    exchange.require_complete()


async def test_the_go_ahead_may_say_anything():
    exchange = exchange_of(Plain(PENCIL))
    assert await exchange.answer(b"go ahead, please") == base64.b64encode(b"\0user\0pencil")


@pytest.mark.parametrize(
    "challenge", [b"no base64!", b"YQ", b"YQ==YQ==", b"=", b"\xff\xff\xff\xff"]
)
async def test_a_challenge_that_is_no_base64_ends_the_exchange(challenge):
    with pytest.raises(ProtocolFault) as caught:
        await exchange_of(Login(PENCIL)).answer(challenge)
    assert caught.value.code is Code.PROTOCOL_ERROR


async def test_a_challenge_has_at_most_12288_octets():
    with pytest.raises(ProtocolFault) as caught:
        await exchange_of(CramMd5(PENCIL)).answer(b"A" * 12_292)
    assert caught.value.code is Code.RESPONSE_TOO_LARGE


async def test_there_are_at_most_three_rounds():
    class Patient(Login):
        def next(self, challenge):
            return b""

    exchange = exchange_of(Patient(PENCIL))
    for _ in range(3):
        assert await exchange.answer(b"") == b""
    with pytest.raises(ProtocolFault):
        await exchange.answer(b"")


async def test_only_what_computes_for_long_runs_beside_the_loop():
    derived = []

    async def derive(work, iterations):
        derived.append(iterations)
        return work()

    await exchange_of(CramMd5(PENCIL), derive).answer(base64.b64encode(b"<1@mail.test>"))
    for count in (4096, QUICK_ITERATIONS, QUICK_ITERATIONS + 1):
        exchange = exchange_of(Scram(PENCIL, hash_name="sha256", nonce=b"ours"), derive)
        exchange.initial_response(ROOM)
        await exchange.answer(base64.b64encode(b"r=ours+theirs,s=c2FsdA==,i=%d" % count))
    assert derived == [QUICK_ITERATIONS + 1]


async def test_a_count_beyond_the_cap_is_refused_before_anything_waits_for_it():
    async def derive(work, iterations):
        raise AssertionError(iterations)

    exchange = exchange_of(Scram(PENCIL, hash_name="sha256", nonce=b"ours"), derive)
    exchange.initial_response(ROOM)
    with pytest.raises(ProtocolFault):
        await exchange.answer(base64.b64encode(b"r=ours+theirs,s=c2FsdA==,i=9999999999"))
