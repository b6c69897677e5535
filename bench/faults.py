"""What becomes of jobs when something dies, with real workers, a real Redis and counted logins.

    python -m bench.faults              every scenario, some eight minutes
    python -m bench.faults redis_hangs  one of them

Prints a row for each. Logins: how many accounts came once, twice, ...
"""

import sys
from collections.abc import Callable
from typing import Final

from tests.support import fault_scenarios as scenarios
from tests.support.fault_scenarios import Measured
from tests.support.fault_world import World, fault_world

ALL: Final[tuple[Callable[[World], Measured], ...]] = (
    scenarios.all_workers_killed,
    scenarios.redis_killed,
    scenarios.redis_hangs,
    scenarios.group_terminated,
    scenarios.malformed_messages,
    scenarios.same_job_twenty_times,
    scenarios.silent_server,
    scenarios.full_server,
    scenarios.large_batch,
    scenarios.queues_beside_each_other,
    scenarios.one_child_killed,
    scenarios.dramatiqs_command,
    scenarios.drain_too_short,
    scenarios.connections_and_scripts_lost,
    scenarios.redis_full,
    scenarios.redis_comes_back_empty,
    scenarios.worker_asleep,
    scenarios.mail_servers_killed,
    scenarios.few_open_files,
    scenarios.three_kills,
    scenarios.worker_paused,
    scenarios.redis_demoted,
    scenarios.drain_without_redis,
    scenarios.busy_account,
)
COLUMNS: Final = ("jobs", "results", "seconds", "logins")


def main(chosen: list[str]) -> None:
    print("| fault | jobs | results | seconds to the last | logins | more |")
    print("| --- | --- | --- | --- | --- | --- |")
    for scenario in ALL:
        if not chosen or scenario.__name__ in chosen:
            with fault_world() as world:
                print(row(scenario.__name__, scenario(world)), flush=True)


def row(name: str, measured: Measured) -> str:
    cells = [str(measured.get(column, "")) for column in COLUMNS]
    more = ", ".join(f"{key} {value}" for key, value in measured.items() if key not in COLUMNS)
    return " | ".join(["| " + name.replace("_", " "), *cells, more + " |"])


if __name__ == "__main__":
    main(sys.argv[1:])
