"""What only the cyclic garbage collector would free."""

import gc
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def garbage_of_the_worker() -> Iterator[Counter[str]]:
    """Counts, at the end of the body, the worker's objects in cycles that nobody can reach.

    Objects from before the body are left out: to look at all of a test process takes long.
    """
    found: Counter[str] = Counter()
    gc.freeze()
    gc.disable()
    try:
        yield found
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        found.update(filter(None, map(_name, gc.garbage)))
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
        gc.unfreeze()


def _name(thing: object) -> str | None:
    kind = type(thing)
    if isinstance(thing, FrameType):
        inside = "/worker/" in thing.f_code.co_filename
        return f"frame of {thing.f_code.co_qualname}" if inside else None
    return kind.__qualname__ if kind.__module__.startswith("worker.") else None
