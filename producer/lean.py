"""structlog and redis, without what both import only where it is installed and nobody uses here.

structlog.dev imports rich and Pygments for tracebacks, which neither the worker nor the gateway has
it render; redis.observability imports OpenTelemetry's metrics, which nobody switches on. Left out,
each process is 7 MB smaller and starts sooner. To be imported before anything that imports the two.
"""

import sys
from importlib import import_module


def _import_without(library: str, unused: str) -> None:
    """Import a library as if `unused` were not installed; for later imports it is again."""
    if unused in sys.modules:
        import_module(library)
        return
    sys.modules[unused] = None  # type: ignore[assignment] # the import of it raises ImportError
    try:
        import_module(library)
    finally:
        del sys.modules[unused]


_import_without("structlog", "rich")
_import_without("redis", "opentelemetry")
