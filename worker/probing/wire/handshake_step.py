"""One step of a TLS handshake, and the thread that takes it."""

import time
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from threading import Lock, get_native_id

from worker.probing.priority import give_way

Advance = Callable[[], bool]


class HandshakeStep(Future[bool]):
    """A step of a handshake on its way to a thread and back.

    `seconds` of computing is what it took, once it has ended. `succeeded`: the handshake is done.
    `lasts`: so long that its place is another's. `thread_ends`: its thread ends with it.
    """

    def __init__(self, advance: Advance) -> None:
        super().__init__()
        self._advance = advance
        self.seconds = 0.0
        self.succeeded = False
        self.lasts = False
        self.thread_ends = False
        self._thread_id: int | None = None  # while it is at work
        self._lock = Lock()

    def run(self) -> bool:
        """Take the step, unless nobody waits for it any more; tell whether the thread ends."""
        if not self.set_running_or_notify_cancel():
            return False
        self._thread_id = get_native_id()
        before = time.thread_time()
        try:
            done = self._advance()
        except BaseException as error:  # noqa: BLE001 - of the handshake, for whoever waits for it
            ends = self._let_thread_go(time.thread_time() - before)
            self.set_exception(error)
            del self  # else a cycle: the exception's traceback holds this frame
        else:
            ends = self._let_thread_go(time.thread_time() - before)
            self.succeeded = done
            self.set_result(done)
        return ends

    def ends_within(self, seconds: float) -> bool:
        """Stand still until the step has ended, for so long at the most."""
        try:
            self.exception(seconds)
        except TimeoutError:
            return False
        return True

    def give_way(self) -> None:
        """Lower the priority of its thread, which then ends with it: it can do so only for good."""
        with self._lock:
            if self._thread_id is not None:
                give_way(self._thread_id)
                self.thread_ends = True

    def _let_thread_go(self, seconds: float) -> bool:
        self.seconds = seconds
        with self._lock:
            self._thread_id = None
            return self.thread_ends


def serve_handshakes(steps: SimpleQueue[HandshakeStep]) -> None:
    """Take steps until the thread ends with one."""
    while not steps.get().run():  # without a name for it: a step that failed would be in a cycle
        pass
