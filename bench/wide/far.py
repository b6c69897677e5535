"""Single probes over 50 ms of round trip time: how long beside round trips times RTT.

Runs itself in a network namespace of its own (`unshare`), where `wire` makes the long way.
"""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from statistics import median
from typing import Any, Final

from bench.arena import Farm, running_farm, session
from bench.contenders import REPOSITORY
from bench.farm import password_of
from bench.peers.ours_client import item
from bench.report import table
from bench.wide import wire
from bench.wide.ours import ours
from producer.client import Client, credential_test

TITLE: Final = "Over 50 ms of round trip time"
REPEATS: Final = 9
NAMESPACE: Final = ("unshare", "--net", "--map-root-user")

ROUND_TRIPS: Final = {
    ("smtp", "implicit"): 5,
    ("smtp", "starttls"): 7,
    ("smtp", "cleartext"): 4,
    ("imap", "implicit"): 4,
    ("imap", "starttls"): 6,
    ("imap", "cleartext"): 3,
}
"""To the login, as tests/real_servers/test_round_trips.py counts; the proof of access is one more.
"""

PROOF: Final = {"smtp": "sender", "imap": "mailbox"}


def section(repeats: int = REPEATS) -> str:
    command = [*NAMESPACE, sys.executable, "-m", "bench.wide.far", str(repeats)]
    try:
        ran = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        why = (getattr(error, "stderr", "") or str(error)).strip().splitlines()[-1]
        return f"Left out: no network namespace with a TUN device can be made here ({why}).\n"
    found = json.loads(ran.stdout)
    heads = ("", "round trips", "x RTT, ms", "measured, ms", "over")
    rtt_ms = found["rtt_ms"]
    rows = [
        (name, str(trips), f"{trips * rtt_ms:.0f}", f"{ms:.0f}", f"{ms / trips / rtt_ms - 1:+.1%}")
        for name, trips, ms in found["rows"]
    ]
    return f"RTT measured by TCP connections: {rtt_ms:.1f} ms. Medians of {repeats}.\n\n" + table(
        heads, rows
    )


def main(repeats: int) -> None:
    wire.lay()
    worker = ours(MAILVOUCH_ALLOW_NETWORKS=wire.NETWORK)
    with (
        running_farm(wire.NEAR, wire.FAR) as farm,
        session(worker, farm, 10) as running,
        Client(running.redis_url) as client,
    ):
        port = farm.ports["imap/cleartext/0"]
        rtt_ms = median(handshake_ms(port) for _ in range(repeats))
        rows = [
            (name, trips, median(verdict_ms(client, fields) for _ in range(repeats)))
            for name, trips, fields in probes(farm)
        ]
    print(json.dumps({"rtt_ms": rtt_ms, "rows": rows}))


def probes(farm: Farm) -> Iterator[tuple[str, int, dict[str, Any]]]:
    """What is measured: its name, its round trips, the item of the request."""
    for (protocol, security), trips in ROUND_TRIPS.items():
        job = farm.jobs(1, security)[0]
        if protocol == "smtp":
            # Without an address there is no sender to ask for.
            account = job["smtp"] | {"user": "tim", "password": password_of(b"tim").decode()}
            fields = item(job | {"smtp": account}) | {"dealerEmail": ""}
            yield f"SMTP, {security}: login", trips, fields | {"credentialsType": "SMTP"}
        fields = item(job) | {"credentialsType": protocol.upper()}
        yield f"{protocol.upper()}, {security}: login and {PROOF[protocol]}", trips + 1, fields


def verdict_ms(client: Client, fields: dict[str, Any]) -> float:
    """What the result gives as the duration of the test."""
    job_id = client.submit(credential_test({"emailCredentialsRequests": [fields]}))
    (response,) = client.wait(job_id, 60)["emailCredentialsResponses"]
    if response["outcome"] != "SUCCESS":
        raise RuntimeError(f"a probe failed: {response['error']}")
    return float(response["testDuration"])


def handshake_ms(port: int) -> float:
    """A TCP connection is there after one round trip."""
    started = time.perf_counter()
    with socket.create_connection((wire.FAR, port)):
        return 1000 * (time.perf_counter() - started)


if __name__ == "__main__":
    main(int(sys.argv[1]))
