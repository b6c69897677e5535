"""Prints the share of a second's CPU that a page server takes with a client and no file for it."""

import os
import resource
import socket
import threading
import time

from worker.telemetry.page_server import PageServer

server = PageServer("127.0.0.1", 0, {})
client = socket.socket()
threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
time.sleep(0.2)
free = os.dup(0)
os.close(free)
_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
client.connect(server.server_address[:2])
before = time.process_time()
time.sleep(1)
print(time.process_time() - before, flush=True)  # noqa: T201 - for the test
os._exit(0)
