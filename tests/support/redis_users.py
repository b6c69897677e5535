"""deploy/redis/make_users.py as a module: it is a program of its own, in no package."""

import importlib.util
from pathlib import Path

_FILE = Path(__file__).parents[2] / "deploy/redis/make_users.py"
_SPEC = importlib.util.spec_from_file_location("make_users", _FILE)
assert _SPEC is not None
assert _SPEC.loader is not None
make_users = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(make_users)
