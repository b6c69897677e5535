"""Requests as they come from Redis: plain, sealed, as large as the contract allows."""

import asyncio
import json

import pytest

from producer.contract.codes import Code
from producer.contract.envelope import EnvelopeError
from producer.contract.names import MAX_REQUEST_BYTES, Queue
from producer.sealing.requests import Sealer, Unsealer, UnsealError, make_request_keys
from worker.jobs.opening import LARGE_BYTES, Intake

PRIVATE, PUBLIC = make_request_keys()
HEAD = b'{"version":1,"kind":"credential-test","body":"'


def request(size):
    """An envelope of so many bytes."""
    return HEAD + b"x" * (size - len(HEAD) - 2) + b'"}'


def seal(plain):
    return Sealer(PUBLIC).seal(plain).encode()


@pytest.fixture
def intake():
    return Intake(Unsealer([PRIVATE]))


async def refusal(intake, raw, queue=Queue.CREDENTIAL_TESTS):
    with pytest.raises(EnvelopeError) as caught:
        await intake.open(raw, queue)
    return caught.value.code


@pytest.mark.parametrize("wrap", [bytes, seal])
@pytest.mark.parametrize("size", [1000, MAX_REQUEST_BYTES])
async def test_whatever_a_client_may_submit_is_read(intake, wrap, size):
    envelope = await intake.open(wrap(request(size)), Queue.CREDENTIAL_TESTS)
    assert len(envelope.body) == size - len(HEAD) - 2


async def test_a_byte_more_than_a_client_may_submit_is_unreadable(intake):
    assert await refusal(intake, request(MAX_REQUEST_BYTES + 1)) is Code.REQUEST_UNREADABLE


async def test_a_token_too_long_for_any_request_is_unreadable(intake):
    raw = b"eyJ" + b"x" * (2 * MAX_REQUEST_BYTES)
    assert await refusal(intake, raw) is Code.REQUEST_UNREADABLE


@pytest.mark.parametrize("size", [1000, 2 * LARGE_BYTES])
async def test_a_request_of_the_other_queue_is_invalid_at_any_size(intake, size):
    raw = request(size)
    assert await refusal(intake, raw, Queue.INTEGRATION_UPDATES) is Code.INVALID_REQUEST_DATA


async def test_a_plain_request_is_refused_where_sealed_ones_are_required():
    strict = Intake(Unsealer([PRIVATE]), require_sealed=True)
    assert await refusal(strict, request(1000)) is Code.REQUEST_NOT_SEALED


async def test_a_sealed_request_needs_a_key():
    assert await refusal(Intake(None), seal(request(1000))) is Code.REQUEST_UNREADABLE


@pytest.mark.parametrize(
    ("intake", "raw", "setting"),
    [
        (Intake(None), seal(request(1000)), "MAILVOUCH_PRIVATE_KEYS"),
        (Intake(Unsealer([PRIVATE]), require_sealed=True), request(1000), "MAILVOUCH_PUBLIC_KEY"),
    ],
    ids=["sealed", "plain"],
)
async def test_what_seals_and_opens_requests_is_named_where_it_is_missing(intake, raw, setting):
    with pytest.raises(EnvelopeError, match=setting):
        await intake.open(raw, Queue.CREDENTIAL_TESTS)


async def test_the_loop_turns_between_two_large_requests():
    turn = 0
    opened_in_turn = []

    class Note:
        def unseal(self, _raw):
            opened_in_turn.append(turn)
            raise UnsealError("noted")

    async def count_turns():
        nonlocal turn
        while True:
            turn += 1
            await asyncio.sleep(0)

    intake = Intake(Note())
    counting = asyncio.create_task(count_turns())
    raw = b"eyJ" + json.dumps("x" * LARGE_BYTES).encode()
    await asyncio.gather(*(refusal(intake, raw) for _ in range(5)))
    counting.cancel()
    assert len(set(opened_in_turn)) == 5
