"""Who serves a hash slot of a cluster, and which nodes may know. No I/O."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import redis

Address = tuple[str, int]
Options = Mapping[str, Any]


class SlotNotServedError(redis.ConnectionError):
    """The node does not serve the slot, or not now."""


@dataclass(slots=True)
class Nodes:
    """The nodes of a cluster that may know who serves a slot; the likeliest first.

    `options` are how each of them is reached.
    """

    hash_slot: int
    options: Options
    seeds: tuple[Address, ...]
    """Those of the URL, asked where none of the others answers."""
    known: tuple[Address, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.known = self.seeds

    def learn(self, asked: Address, reply: Any) -> Address:
        """Read the reply to CLUSTER SLOTS; return who serves the slot.

        Raises SlotNotServedError.
        """
        owner, found = None, []
        for first, last, *nodes in reply:
            primary, *replicas = (_address(node, asked) for node in nodes)
            found += [primary, *replicas]
            if first <= self.hash_slot <= last:
                owner = primary
        self.known = tuple(dict.fromkeys(filter(None, (asked, *found, *self.seeds))))
        if owner is None:
            raise SlotNotServedError(f"no node of the cluster serves slot {self.hash_slot}")
        self.known = (owner, *(node for node in self.known if node != owner))
        return owner

    def each(self) -> Iterator[Address]:
        """Yield each node once, also those that are learned of meanwhile."""
        tried: set[Address] = set()
        while left := [node for node in self.known if node not in tried]:
            tried.add(left[0])
            yield left[0]

    def failed(self, node: Address) -> None:
        """Ask this one last from now on."""
        self.known = (*(one for one in self.known if one != node), node)


def _address(node: Any, asked: Address) -> Address | None:
    """One node of CLUSTER SLOTS. A node that knows no address of its own is the one asked."""
    host, port = node[0], node[1]
    text = host.decode() if isinstance(host, bytes) else host
    return None if text == "?" else (text or asked[0], int(port))
