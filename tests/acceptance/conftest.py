"""One deployment for the whole folder: a worker of two processes, and servers to probe."""

from dataclasses import dataclass

import pytest
import redis

from tests.support.certificates import ca_file
from tests.support.mail_office import MailOffice, mail_office
from tests.support.outsider import Outsider
from tests.support.ports import free_port
from tests.support.redis_server import data_folder
from tests.support.worker_process import WorkerProcess, running_worker, worker_environment


@dataclass
class World:
    outside: Outsider
    process: WorkerProcess
    metrics_port: int

    @property
    def log(self) -> str:
        return self.process.log()


@pytest.fixture(scope="session")
def office() -> MailOffice:
    with mail_office() as opened:
        yield opened


@pytest.fixture(scope="session")
def world():
    port = free_port()
    with data_folder() as folder:
        environment = worker_environment(
            folder,
            CA_FILE=str(ca_file(folder)),
            PROBE_DEADLINE_SECONDS="5",
            LOG_FORMAT="json",
            PROCESSES="2",
            METRICS_PORT=str(port),
            LOGIN_FAILURE_LIMIT="3",
        )
        with (
            running_worker(folder, environment) as process,
            redis.Redis(unix_socket_path=str(process.socket)) as store,
        ):
            yield World(Outsider(store, environment), process, port)
        assert process.exit_code == 0


@pytest.fixture(scope="session")
def outside(world) -> Outsider:
    return world.outside
