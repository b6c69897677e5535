"""`mailvouch-worker run` from its start to its end."""

import pytest

from tests.support.redis_server import data_folder
from tests.support.worker_process import running_worker, worker_environment

pytestmark = pytest.mark.redis_server


def test_a_sigterm_while_it_starts_leaves_no_server_behind():
    with data_folder() as folder:
        environment = worker_environment(folder)
        # It has come no further than to the server's first answer.
        with running_worker(folder, environment) as worker:
            assert worker.stop() == 0, worker.log()
        assert not worker.socket.exists()
        assert "embedded Redis: stopped, data saved" in worker.log()
