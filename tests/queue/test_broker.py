import threading
import time

import dramatiq
import pytest
import redis

from tests.support.queueing import NS
from worker.queue.broker import HardenedBroker

pytestmark = pytest.mark.redis_server


@pytest.fixture
def actor(server):
    broker = HardenedBroker(server.url, namespace=NS)

    def test_credentials(job_id):
        raise AssertionError("declared here only to be sent")

    yield dramatiq.actor(test_credentials, broker=broker, queue_name="credential-tests")
    broker.close()


def test_what_is_sent_while_redis_is_away_arrives_once(actor, server, client):
    actor.send("before")
    server.kill()
    restart = threading.Timer(1, server.start)
    restart.start()
    actor.send("meanwhile")
    restart.join()
    assert client.llen(f"{NS}:credential-tests") == 2


@pytest.mark.slow
def test_what_is_sent_while_redis_hangs_arrives_once(actor, server, client):
    actor.send("before")
    server.freeze()
    thaw = threading.Timer(6, server.thaw)  # beyond the time-out: the first try is in its buffer
    thaw.start()
    actor.send("meanwhile")
    thaw.join()
    time.sleep(0.2)
    assert client.llen(f"{NS}:credential-tests") == 2
    assert client.hlen(f"{NS}:credential-tests.msgs") == 2


def test_a_sender_that_may_not_wait_hears_of_the_outage(server):
    broker = HardenedBroker(server.url, namespace=NS, retry_seconds=0)
    server.kill()
    with pytest.raises(redis.ConnectionError):
        broker.do_enqueue("credential-tests", "id", b"{}")
    broker.close()


def test_a_broker_needs_to_know_where_redis_is():
    with pytest.raises(ValueError, match="URL or a client"):
        HardenedBroker(namespace=NS)
