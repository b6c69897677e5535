"""For `dramatiq worker.app`: importing this module builds the worker of this process.

The one module whose import has an effect, because Dramatiq's command knows no other way.
`mailvouch-worker run` does the same from `worker.process.child`.
"""

from worker.queue.signals import stop_once

stop_once()  # first: the other imports take a second, in which a signal may come twice

from worker.process.under_dramatiq import Page, start  # noqa: E402
from worker.queue.dramatiq_command import substitute  # noqa: E402
from worker.settings import load_settings  # noqa: E402

_booted, _end = start(load_settings())
setup = _booted.setup
broker = setup.broker
broker.add_middleware(Page())
substitute(setup, on_stop=_end)
