"""For `dramatiq worker.app`: importing this module builds the worker of this process.

The one module whose import has an effect, because Dramatiq's command knows no other way.
`mailvouch-worker run` does the same from `worker.process.child`.
"""

from worker.process.compose import build
from worker.process.open_files import allow_open_files
from worker.queue.runner import substitute
from worker.settings import load_settings
from worker.telemetry import logs
from worker.telemetry.tracing import start_tracing

_settings = load_settings()
logs.configure(_settings.log_level, _settings.log_format)
allow_open_files(_settings.concurrency)
setup = build(_settings, start_tracing())
broker = setup.broker
substitute(setup)
