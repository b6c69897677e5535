"""What the supervisor has to know of the settings: plain values, handed over on its command line.

Nothing secret is among them: whoever may list the processes can read them. The Redis, whose URL may
hold a password, is in the environment, where the worker processes find it as well.
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Self

from producer.contract.keyspace import Keyspace
from producer.redis_url import ClusterUrl, parse_redis_url
from producer.setting_names import PREFIX

REDIS_URL: Final = f"{PREFIX}REDIS_URL"


@dataclass(frozen=True, slots=True)
class SupervisorSettings:
    """Settings that were read without trouble. `embedded`: no Redis is named, so one is started."""

    embedded: bool
    data_dir: str
    namespace: str
    shards: int
    processes: int
    concurrency: int
    shutdown_seconds: float
    metrics_host: str
    metrics_port: int
    log_level: str
    log_format: str | None

    @property
    def folder(self) -> Path:
        """The DATA_DIR."""
        return Path(self.data_dir)

    @property
    def redis_address(self) -> str:
        """The URL of the Redis to work for. May hold a password."""
        return os.environ[REDIS_URL]

    @property
    def keyspace(self) -> Keyspace:
        on_cluster = isinstance(parse_redis_url(self.redis_address), ClusterUrl)
        return Keyspace(self.namespace, self.shards, on_cluster)

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        return cls(**json.loads(text))
