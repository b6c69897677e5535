"""What another system can do: raw Redis commands, our commands as processes, a scrape.

Nothing of ours is imported here: the letter of the contract is written out once more.
"""

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import redis

ACTORS = {"credential-tests": "test_credentials", "integration-updates": "update_integration"}
WAIT_SECONDS = 100


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Outsider:
    """One deployment, seen from outside."""

    def __init__(
        self, store: redis.Redis, environment: Mapping[str, str], namespace: str = "mailvouch"
    ) -> None:
        self.redis = store
        self.environment = dict(environment)
        self.namespace = namespace

    def key(self, *words: str) -> str:
        return ":".join((self.namespace, *words))

    def enqueue(
        self, envelope: Any, queue: str = "credential-tests", job: str | None = None
    ) -> str:
        """Section 2, word for word. `envelope`: an object, text, or None for no request."""
        job, rid = job or str(uuid4()), str(uuid4())
        message = {
            "queue_name": queue,
            "actor_name": ACTORS[queue],
            "args": [job],
            "kwargs": {},
            "options": {"redis_message_id": rid},
            "message_id": job,
            "message_timestamp": int(time.time() * 1000),
        }
        text = json.dumps(envelope) if isinstance(envelope, dict) else envelope
        with self.redis.pipeline(transaction=True) as pipe:
            if text is not None:
                pipe.set(self.key("request", job), text, nx=True, ex=86400)
            pipe.hset(self.key(f"{queue}.msgs"), rid, json.dumps(message))
            pipe.rpush(self.key(queue), rid)
            pipe.execute()
        return job

    def result(self, job: str, seconds: float = WAIT_SECONDS) -> Any:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = self.redis.get(self.key("result", job))
            if found is not None:
                return json.loads(found)
            time.sleep(0.01)
        raise AssertionError(f"no result of {job} in {seconds} s")

    def report(self, job: str) -> Any:
        return json.loads(self.redis.get(self.key("report", job)))

    def test(self, *items: Any) -> tuple[list[Any], list[Any]]:
        """Items in, (response items, report items) out."""
        body = {"emailCredentialsRequests": list(items)}
        job = self.enqueue(
            {"version": 1, "kind": "credential-test", "dealerUUID": "d-1", "body": body}
        )
        result = self.result(job)
        assert result["errors"] == result["warnings"] == []
        return result["emailCredentialsResponses"], self.report(job)["items"]

    def run(self, module: str, *words: str, stdin: str = "", **settings: str) -> Ended:
        """Run a command (`producer.cli`, `worker.cli`); `settings` without their prefix."""
        changed = {f"MAILVOUCH_{name}": value for name, value in settings.items()}
        return run_command(self.environment | changed, module, *words, stdin=stdin)

    def mailvouch(self, *words: str, stdin: str = "", **settings: str) -> Ended:
        return self.run("producer.cli", *words, stdin=stdin, **settings)

    def worker(self, *words: str, stdin: str = "", **settings: str) -> Ended:
        return self.run("worker.cli", *words, stdin=stdin, **settings)


def run_command(
    environment: Mapping[str, str], module: str, *words: str, stdin: str = "", folder: str = "/"
) -> Ended:
    ended = subprocess.run(
        [sys.executable, "-m", module, *words],
        check=False,
        cwd=folder,  # no .env of the checkout
        env=environment,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=100,
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)


def scrape(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        return answer.read().decode()


def codes(entries: Any, key: str = "errorCode") -> list[str]:
    return [entry[key] for entry in entries]


def warned(item: Any) -> list[str]:
    return codes(item["warnings"], "warningCode")
