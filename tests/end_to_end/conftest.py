from dataclasses import dataclass

import pytest
import redis

from producer.client import Client
from tests.support.certificates import ca_file
from tests.support.redis_server import data_folder
from tests.support.worker_process import WorkerProcess, running_worker, worker_environment


@dataclass
class Deployment:
    process: WorkerProcess
    client: Client
    redis: redis.Redis

    @property
    def log(self) -> str:
        return self.process.log()


@pytest.fixture(scope="module")
def worker():
    with data_folder() as folder:
        environment = worker_environment(
            folder, CA_FILE=str(ca_file(folder)), PROBE_DEADLINE_SECONDS="5", LOG_FORMAT="json"
        )
        with (
            running_worker(folder, environment) as process,
            Client(process.url) as client,
            redis.Redis(unix_socket_path=str(process.socket)) as connection,
        ):
            yield Deployment(process, client, connection)
