"""Somebody who has only a clone: other user, empty home, no environment, Python and a shell."""

import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
STATUS = "status of line "
STRANGER = 54321
"""A user without a name, a group or a right."""

USABLE = "import ensurepip, sys; sys.exit(sys.version_info < (3, 11))"


def python_for_all():
    """The folder of a Python that other users can run; none where we may not become one."""
    found = shutil.which("python3", path="/usr/local/bin:/usr/bin") if os.geteuid() == 0 else None
    if found is None:
        return []
    tried = subprocess.run(
        [found, "-c", USABLE],
        user=STRANGER,
        group=STRANGER,
        extra_groups=[],
        env={},
        capture_output=True,
        check=False,
    )
    return [] if tried.returncode else [str(Path(found).parent)]


class Newcomer:
    """An empty home, a fresh clone, and a user who may do nothing else where we may choose one."""

    def __init__(self, folder, settings):
        folder.chmod(0o755)
        self.clone, self.home = folder / "clone", folder / "home"
        self.home.mkdir()
        self.clone.mkdir()
        words = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(words, cwd=ROOT, check=True, capture_output=True).stdout
        for name in filter(None, names.decode().split("\0")):
            if (ROOT / name).is_file():
                (self.clone / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, self.clone / name)
        python = python_for_all()
        self.identity = {"user": STRANGER, "group": STRANGER, "extra_groups": []} if python else {}
        for path in (self.home, self.clone, *self.clone.rglob("*")) if python else ():
            os.chown(path, STRANGER, STRANGER)
        kept = {k: v for k, v in os.environ.items() if k.startswith("PIP_") or k.endswith("_proxy")}
        outside = os.environ["PATH"].split(os.pathsep)
        path = os.pathsep.join([*python, *(one for one in outside if ".venv" not in one)])
        self.environment = {"PATH": path, "HOME": str(self.home), "LANG": "C.UTF-8"}
        self.environment |= kept | {f"MAILVOUCH_{name}": value for name, value in settings.items()}

    def type(self, lines, seconds=60):
        """Type lines into one shell; the exit status of each, and all that was shown."""
        typed = "".join(f"{line}\necho '{STATUS}'$?\n" for line in lines)
        done = subprocess.run(
            ["bash", "-c", f". .venv/bin/activate 2>/dev/null\n{typed}"],
            cwd=self.clone,
            env=self.environment,
            **self.identity,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
            check=False,
        )
        assert "Traceback" not in done.stdout, done.stdout
        return [
            int(found) for found in re.findall(rf"^{STATUS}(\d+)$", done.stdout, re.MULTILINE)
        ], done

    def change(self, name, **changes):
        path = self.clone / "examples" / name
        document = json.loads(path.read_text())
        if "emailCredentialsRequests" in document:
            document["emailCredentialsRequests"] = [changes]
        else:
            document |= changes
        path.write_text(json.dumps(document))

    def start(self, line, log):
        command = f". .venv/bin/activate && exec {line}"
        worker = subprocess.Popen(
            ["bash", "-c", command],
            cwd=self.clone,
            env=self.environment,
            **self.identity,
            stdout=log,
            stderr=log,
        )
        socket = self.home / ".local/share/mailvouch/redis.sock"
        for _ in range(600):
            if socket.is_socket():
                return worker
            assert worker.poll() is None
            time.sleep(0.1)
        raise AssertionError("the worker did not start")
