"""Write the address ranges that a worker refuses into the fences around it.

    python deploy/refused_ranges.py            # write
    python deploy/refused_ranges.py --check    # exit 1 where a file differs from the table

The table is `worker/probing/wire/addresses.py`. What stands between the two marks of a file is
this program's; a test runs the check.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parents[1]))
from worker.probing.wire.addresses import GLOBAL_V6, REFUSED_V4, REFUSED_V6

FIRST: Final = "# refused ranges, written by deploy/refused_ranges.py"
LAST: Final = "# end of refused ranges"


def network_policy() -> Iterator[str]:
    """All of IPv4 and the internet's part of IPv6, without the refused ranges."""
    for cidr, refused in (("0.0.0.0/0", REFUSED_V4), (GLOBAL_V6, REFUSED_V6)):
        yield "- ipBlock:"
        yield f"    cidr: {cidr}"
        yield "    except:"
        yield from (f"      - {network}  # {reason}" for network, reason in refused.items())


def systemd() -> Iterator[str]:
    """A deny list: the refused ranges, and all IPv6 that is not the internet's."""
    others = sorted(ip_network("::/0").address_exclude(GLOBAL_V6))
    yield f"IPAddressDeny={' '.join(map(str, [*REFUSED_V4, *others, *REFUSED_V6]))}"


FENCES: Final[dict[str, Callable[[], Iterator[str]]]] = {
    "kubernetes/networkpolicy.yaml": network_policy,
    "systemd/mailvouch-worker.service": systemd,
}


def filled(text: str, lines: Iterator[str]) -> str:
    """Put lines between the marks of a text, as far indented as the first mark."""
    before, _, rest = text.partition(FIRST)
    _, _, after = rest.partition(LAST)
    indent = before.rpartition("\n")[2]
    body = "".join(f"{indent}{line}\n" for line in lines)
    return f"{before}{FIRST}\n{body}{indent}{LAST}{after}"


def main() -> int:
    """Write, or check."""
    parser = argparse.ArgumentParser(description="Write the refused address ranges.")
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    stale = 0
    for name, lines in FENCES.items():
        path = Path(__file__).parent / name
        text = path.read_text(encoding="utf-8")
        wanted = filled(text, lines())
        if wanted == text:
            continue
        stale += 1
        if check:
            print(f"{path}: run python deploy/refused_ranges.py", file=sys.stderr)  # noqa: T201
        else:
            path.write_text(wanted, encoding="utf-8")
    return int(check and stale > 0)


if __name__ == "__main__":
    sys.exit(main())
