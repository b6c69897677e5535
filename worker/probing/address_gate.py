"""The gate once more, for the address behind a name: whoever owns a zone makes names at will.

A hundred names that all point at one server are a hundred hosts to the gate, each with its own
connections and refused logins. So before a probe connects to an address that its host's name stands
for, it passes the gate for that address as well. A host that is given as an address was counted by
it already.

The name always comes first and the address second, so no two probes wait for each other for long:
a wait for any address after the first is part of the time that there is to connect.
"""

from dataclasses import replace

from worker.probing.gate import Admitted, Cooldown, Finding, Gate, ProbeOfJob, Repeated


class TurnedAway(Exception):
    """Nothing may be sent to this address: `Cooldown` or `Repeated`."""

    def __init__(self, admission: Cooldown | Repeated) -> None:
        super().__init__(type(admission).__name__)
        self.admission = admission


class AddressGate:
    """What is asked before each connection; this class, the base, has no limits.

    Addresses are in their canonical spelling.
    """

    async def enter(self, address: str) -> None:
        """Wait for a place at this address; at once where it is held. Raises TurnedAway."""

    def leave(self, address: str) -> None:
        """Give the place back: no connection came about, or another address is used."""


class AddressesOfProbe(AddressGate):
    """The places that one probe holds at addresses, until it leaves them all."""

    def __init__(self, gate: Gate, probe: ProbeOfJob) -> None:
        self._gate = gate
        self._probe = probe
        self._held: dict[str, Admitted] = {}

    async def enter(self, address: str) -> None:
        if address in self._held:
            return
        admission = await self._gate.enter(replace(self._probe, address=address))
        if not isinstance(admission, Admitted):
            raise TurnedAway(admission)
        self._held[address] = admission

    def leave(self, address: str) -> None:
        admitted = self._held.pop(address, None)  # None: the probe has ended meanwhile
        if admitted is not None:
            self._gate.leave(admitted, None)

    def leave_all(self, finding: Finding | None) -> None:
        """Tell how the probe ended to each address that it came to."""
        while self._held:
            _, admitted = self._held.popitem()
            self._gate.leave(admitted, finding)
