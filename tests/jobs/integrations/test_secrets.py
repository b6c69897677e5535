"""No password and no auth key stands in Redis, in any result, or in what is thrown."""

import base64
import json

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from producer.contract.codes import Code
from producer.contract.names import MASK, Kind
from tests.support.integration_world import BODY, BRAND, OTHER_BRAND, World, found

pytestmark = pytest.mark.redis_server

PASSWORDS = ["canary-Pässword-1f", "canary-second-2e", "canary-refused-3d"]


def _spellings(secret: str) -> list[bytes]:
    octets = secret.encode()
    # Whatever stands before a secret, some 3-byte frame of its base64 shows.
    frames = [base64.b64encode(octets[start:])[:-4] for start in range(3)]
    return [octets, json.dumps(secret).strip('"').encode(), octets.hex().encode(), *frames]


def _everything(client: redis.Redis) -> bytes:
    readers = {
        b"string": client.get,
        b"hash": client.hgetall,
        b"set": client.smembers,
        b"list": lambda key: client.lrange(key, 0, -1),
        b"zset": lambda key: client.zrange(key, 0, -1, withscores=True),
    }
    names = client.keys("*")
    return b"\0".join([*names, *(_flat(readers[client.type(name)](name)) for name in names)])


def _flat(value) -> bytes:
    if isinstance(value, dict):
        return b"\0".join([*value, *value.values()])
    if isinstance(value, bytes):
        return value
    return b"\0".join(_flat(part) for part in value if isinstance(part, bytes | tuple))


async def test_a_dump_of_redis_holds_no_password_and_no_auth_key(world: World):
    record_id = await world.create(password=PASSWORDS[0])
    await world.create(brand=OTHER_BRAND, password=PASSWORDS[0])
    outcomes = [await world.update(record_id, password=PASSWORDS[1])]
    outcomes.append(await world.update(record_id, password=MASK, name="kept"))
    world.engine.result = found(Code.AUTHENTICATION_FAILED)
    outcomes.append(await world.update(record_id, password=PASSWORDS[2]))
    outcomes.append(await world.update(record_id, auth_key="canary-wrong-key-4c"))
    told = (one.result.to_bytes() + repr(one).encode() for one in outcomes)
    dump = _everything(world.redis) + b"".join(told)
    assert b"office@shop.example" in dump
    for secret in [*PASSWORDS, *world.auth_keys.values(), "canary-wrong-key-4c"]:
        for spelling in _spellings(secret):
            assert spelling not in dump


async def test_neither_envelope_nor_draft_nor_record_shows_a_secret_in_its_repr(world: World):
    record_id = await world.create(password=PASSWORDS[0])
    world.engine.result = found(Code.OK)
    await world.update(record_id, password=PASSWORDS[0])
    envelope = world.envelope(
        Kind.INTEGRATION_UPDATE,
        {**BODY, "password": PASSWORDS[0]},
        record_id=record_id,
        brand=BRAND,
        auth_key=None,
    )
    shown = repr((envelope, world.engine.plans, world.record(record_id), world.auth_keys.keys()))
    assert PASSWORDS[0] not in shown
    assert world.auth_keys[BRAND] not in shown


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
_body = _json | st.fixed_dictionaries(
    {}, optional={name: st.just(value) | _json for name, value in BODY.items()}
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kind=st.sampled_from([kind for kind in Kind if kind.startswith("int")]), body=_body)
async def test_whatever_the_body_the_answer_is_the_documented_envelope(world: World, kind, body):
    outcome = await world.run(kind, json.loads(json.dumps(body)), record_id="none")
    document = json.loads(outcome.result.to_bytes())
    assert list(document) == ["success", "statusCode", "message", "data", "errors"]
    assert document["statusCode"] in (200, 201, 400, 404, 409)
    assert document["success"] is (document["errors"] == [])
    assert (document["data"] is None) is not document["success"]
    for error in document["errors"]:
        assert list(error) == ["code", "message", "correlationId"]
        assert error["correlationId"] == outcome.correlation_id
