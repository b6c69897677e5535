"""A long way on one machine: what is sent to FAR comes back to NEAR after half a round trip.

A TUN device hands every packet to this process, which swaps its addresses (a checksum is a sum and
does not mind) and sends it back 25 ms later. So a connection from here to FAR ends at a listener on
NEAR, and TCP, its handshake included, is the kernel's own. Only for a network namespace that was
made for it.
"""

import fcntl
import os
import struct
import subprocess
import threading
import time
from queue import SimpleQueue
from typing import Final

NEAR: Final = "10.88.0.1"
FAR: Final = "10.88.0.2"
NETWORK: Final = "10.88.0.0/24"
ROUND_TRIP_SECONDS: Final = 0.05

MAX_PACKET_BYTES: Final = 65_536
_TUNSETIFF: Final = 0x400454CA  # linux/if_tun.h
_IFF_TUN_NO_PI: Final = 0x1001


def lay() -> None:
    """Make the device and carry packets for as long as this process lives."""
    device = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(device, _TUNSETIFF, struct.pack("16sH22x", b"far", _IFF_TUN_NO_PI))
    for words in ("link set lo up", f"addr add {NEAR}/24 dev far", "link set far up"):
        subprocess.run(["ip", *words.split()], check=True)
    on_the_way: SimpleQueue[tuple[float, bytes]] = SimpleQueue()

    def take() -> None:
        while packet := os.read(device, MAX_PACKET_BYTES):
            if packet[0] >> 4 == 4:
                on_the_way.put((time.monotonic() + ROUND_TRIP_SECONDS / 2, packet))

    def deliver() -> None:
        while True:
            due, packet = on_the_way.get()
            time.sleep(max(0.0, due - time.monotonic()))  # loops' timers are 1 ms coarse
            os.write(device, turned(packet))

    for carry in (take, deliver):
        threading.Thread(target=carry, daemon=True).start()


def turned(packet: bytes) -> bytes:
    """An IPv4 packet with source and destination swapped."""
    return packet[:12] + packet[16:20] + packet[12:16] + packet[20:]
