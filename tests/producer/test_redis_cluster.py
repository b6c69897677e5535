"""Clients of a cluster, against a real one: whoever serves the slot is found, and found again."""

import asyncio
import shutil
import threading

import pytest
import trustme

from producer.client import Client, JobState, credential_test
from producer.contract.keyspace import hash_slot_of
from producer.redis_clients import connect, connect_async
from producer.redis_failures import RedisUnavailableError
from producer.redis_url import parse_redis_url
from tests.support.ports import free_port
from tests.support.queueing import wait_for
from tests.support.redis_cluster import Node, redis_cluster
from tests.support.redis_process import redis_process

pytestmark = [pytest.mark.redis_server, pytest.mark.slow]

KEYS = ["{a}:1", "{b}:1", "{c}:1", "{d}:1", "{e}:1"]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with redis_cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running


def test_a_slot_is_reckoned_as_the_server_reckons_it(cluster):
    names = ["key", "{mailvouch}:result:1", "{mailvouch-63-}", "a{}b{c}", "{", "é", "foo{{bar}}zap"]
    node = cluster.nodes[0]
    assert [hash_slot_of(name) for name in names] == [
        node.ask("CLUSTER", "KEYSLOT", n) for n in names
    ]


def test_a_client_writes_wherever_its_slot_is(cluster):
    url = parse_redis_url(cluster.url)
    for key in KEYS:
        with connect(url, hash_slot=hash_slot_of(key)) as client:
            client.pipeline(transaction=True).set(key, "threads").expire(key, 60).execute()
            assert client.get(key) == b"threads"
            assert cluster.owner(key).ask("GET", key) == b"threads"


async def test_an_asyncio_client_does_as_well(cluster):
    url = parse_redis_url(cluster.url)
    for key in KEYS:
        async with connect_async(url, hash_slot=hash_slot_of(key)) as client:
            await client.pipeline(transaction=True).set(key, "asyncio").expire(key, 60).execute()
            assert await client.get(key) == b"asyncio"


def test_a_client_follows_its_slot_to_another_node(cluster):
    key = "{follows}:1"
    with connect(parse_redis_url(cluster.url), hash_slot=hash_slot_of(key)) as client:
        client.set(key, "before")
        source, target = cluster.owner(key), cluster.other_primary(key)
        cluster.move_slot(key, target)
        assert client.get(key) == b"before"
        assert client.set(key, "after")
    assert cluster.owner(key) is target is not source
    assert target.ask("GET", key) == b"after"


async def test_an_asyncio_client_follows_its_slot_as_well(cluster):
    key = "{follows-too}:1"
    async with connect_async(parse_redis_url(cluster.url), hash_slot=hash_slot_of(key)) as client:
        await client.set(key, "before")
        await asyncio.to_thread(cluster.move_slot, key, cluster.other_primary(key))
        assert await client.get(key) == b"before"


def test_a_submit_waits_until_a_slot_that_moves_has_arrived(cluster):
    """Its transaction makes keys, and of a slot on its way none can be made."""
    client = Client(cluster.url, namespace="moving")
    place = "{moving}:credential-tests"
    client.submit(credential_test({"emailCredentialsRequests": []}), job_id="first")
    target = cluster.other_primary(place)
    cluster.begin_to_move(place, target)
    refused = cluster.owner(place).ask("INFO", "errorstats")
    submitting = threading.Thread(
        target=client.submit,
        args=[credential_test({"emailCredentialsRequests": []})],
        kwargs={"job_id": "second"},
    )
    submitting.start()
    wait_for(lambda: cluster.owner(place).ask("INFO", "errorstats") != refused)
    cluster.move_slot(place, target)
    submitting.join()
    client.close()
    assert target.ask("LLEN", place) == 2


def test_a_node_of_the_url_that_is_gone_is_passed_over(cluster):
    gone = cluster.url.replace("redis+cluster://", f"redis+cluster://127.0.0.1:{free_port()},")
    with connect(parse_redis_url(gone), hash_slot=hash_slot_of("a")) as client:
        assert client.set("a", "x")


def test_a_cluster_that_is_away_and_a_server_that_is_none_are_told_of(cluster, tmp_path):
    url = f"redis+cluster://u:s3cret@127.0.0.1:{free_port()}"
    with pytest.raises(RedisUnavailableError) as caught, Client(url) as client:
        client.ping()
    assert "nodes of a cluster" in str(caught.value)
    assert "s3cret" not in str(caught.value)
    with redis_process(tmp_path) as server:
        alone = server.url.replace("redis://", "redis+cluster://")
        with pytest.raises(RedisUnavailableError, match="cluster support disabled"):
            Client(alone).ping()


def test_a_wrong_password_is_told_at_once(cluster):
    url = cluster.url.replace("://", "://user:wrong@")
    with pytest.raises(RedisUnavailableError, match="refuses this user"), Client(url) as client:
        client.ping()


@pytest.mark.parametrize("shards", [1, 4])
def test_a_client_submits_waits_and_tells_over_a_cluster(cluster, shards):
    with Client(cluster.url, namespace=f"tells{shards}", shards=shards) as client:
        envelopes = [credential_test({"emailCredentialsRequests": []}, f"d{n}") for n in range(50)]
        jobs = client.submit_many(envelopes)
        assert {client.state(job) for job in jobs} == {JobState.WAITING}
        with pytest.raises(TimeoutError):
            client.wait(jobs[0], 0.2)
        assert client.workers() == 0


@pytest.fixture
def tls_node(tmp_path):
    """A cluster of one node that speaks TLS; its URL."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("the embedded server has no TLS, and there is no redis-server")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    certificate = authority.issue_cert("127.0.0.1")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    port = free_port()
    options = {
        "port": port,
        "cluster": "yes",
        "auth-clients": "no",
        "ca-cert-file": tmp_path / "ca.pem",
    }
    options |= {"cert-file": tmp_path / "cert.pem", "key-file": tmp_path / "key.pem"}
    words = (str(word) for name, value in options.items() for word in (f"--tls-{name}", value))
    node = Node(tmp_path, *words)
    node.program = program
    try:
        node.start()
        node.ask("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        yield f"rediss+cluster://127.0.0.1:{port}?ssl_ca_certs={tmp_path}/ca.pem"
    finally:
        node.kill()


async def test_tls_is_spoken_with_every_node_and_its_certificate_judged(tls_node):
    key = "{tls}:1"
    with connect(parse_redis_url(tls_node), hash_slot=hash_slot_of(key)) as client:
        assert client.set(key, "x")
    async with connect_async(parse_redis_url(tls_node), hash_slot=hash_slot_of(key)) as client:
        assert await client.get(key) == b"x"
    untrusting = tls_node.partition("?")[0]
    with pytest.raises(RedisUnavailableError, match="cannot be reached"):
        Client(untrusting).ping()
