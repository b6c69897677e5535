"""A mail server that counts logins: SMTP and IMAP in clear text, any user, any password.

    python -m tests.support.mail_farm LOG

prints one line of JSON with the ports and serves until its standard input is closed. Each login
that comes in adds a line "smtp USER" or "imap USER" to LOG before it is answered. A line of
standard input tells when logins are answered: `hold` not at all, a number after so many seconds
(those that were held, too).

A process that logs in as a user whose name begins with KILLER is killed at once, as by a bug that
one mailbox alone brings out; LOG.kills has the unix time of each.
"""

import asyncio
import base64
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.peer_process import process_at

KILLER = "killer"
EVERY_ADDRESS = "0.0.0.0"  # all of 127.0.0.0/8: as many hosts as a test wants
BACKLOG = 4096


@dataclass(frozen=True)
class MailFarm:
    """The farm as seen by a test."""

    smtp: int
    imap: int
    silent: int
    log: Path
    process: subprocess.Popen[str]

    def hold(self) -> None:
        self._tell("hold")

    def answer(self, seconds: float = 0) -> None:
        self._tell(str(seconds))

    def _tell(self, word: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()

    def logins(self) -> Counter[str]:
        """How often each "smtp USER" and "imap USER" came to log in."""
        return Counter(self.log.read_text().splitlines())

    def kills(self) -> list[float]:
        """When a process was killed for its login, in unix time."""
        file = _kills_of(self.log)
        return [float(line) for line in file.read_text().splitlines()] if file.exists() else []


@contextmanager
def mail_farm(folder: Path) -> Iterator[MailFarm]:
    log = folder / "logins"
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.mail_farm", str(log)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        yield MailFarm(**json.loads(process.stdout.readline()), log=log, process=process)
        process.stdin.close()


class Logins:
    """Writes each login down and answers it when standard input says so."""

    def __init__(self, log: Path) -> None:
        self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._kills = _kills_of(log)
        self._seconds = 0.0
        self._open = asyncio.Event()
        self._open.set()

    async def take(self, protocol: str, user: str, port: int) -> None:
        """Return when a login is to be answered; `port`: the client's own."""
        os.write(self._log, f"{protocol} {user}\n".encode())
        if user.startswith(KILLER):
            self._kill(port)
        await self._open.wait()
        await asyncio.sleep(self._seconds)

    def _kill(self, port: int) -> None:
        client = process_at(port)
        if client is not None:
            with self._kills.open("a") as kills:
                kills.write(f"{time.time()}\n")
            os.kill(client, signal.SIGKILL)

    async def obey(self) -> None:
        """Follow the orders of standard input until it ends."""
        orders = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(orders), sys.stdin
        )
        while order := (await orders.readline()).decode().strip():
            if order == "hold":
                self._open.clear()
            else:
                self._seconds = float(order)
                self._open.set()


class Conversation:
    def __init__(
        self, logins: Logins, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._logins = logins
        self._reader = reader
        self._writer = writer
        self._port = writer.get_extra_info("peername")[1]

    async def smtp(self) -> None:
        self._say("220 farm ESMTP")
        while words := await self._words():
            match words[0].upper():
                case "EHLO":
                    self._say("250-farm", "250 AUTH PLAIN")
                case "AUTH":
                    await self._logins.take("smtp", _user(words[-1]), self._port)
                    self._say("235 2.7.0 welcome")
                case "QUIT":
                    break
                case _:
                    self._say("250 fine")

    async def imap(self) -> None:
        self._say("* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] farm")
        while words := await self._words():
            match words[1].upper():
                case "AUTHENTICATE":
                    await self._logins.take("imap", _user(words[-1]), self._port)
                case "EXAMINE":
                    self._say("* 0 EXISTS")
                case "LOGOUT":
                    break
            self._say(f"{words[0]} OK done")

    async def silent(self) -> None:
        while await self._words():
            pass

    async def _words(self) -> list[str]:
        return (await self._reader.readline()).decode().split()

    def _say(self, *lines: str) -> None:
        self._writer.write("".join(f"{line}\r\n" for line in lines).encode())


def _kills_of(log: Path) -> Path:
    return log.with_name(f"{log.name}.kills")


def _user(initial_response: str) -> str:
    return base64.b64decode(initial_response).split(b"\0")[1].decode()


async def _listen(logins: Logins, dialogue: str) -> int:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await getattr(Conversation(logins, reader, writer), dialogue)()
        except OSError:  # the worker was killed
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, EVERY_ADDRESS, 0, backlog=BACKLOG)
    return int(server.sockets[0].getsockname()[1])


async def _serve(log: Path) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    logins = Logins(log)
    ports = {name: await _listen(logins, name) for name in ("smtp", "imap", "silent")}
    sys.stdout.write(json.dumps(ports) + "\n")
    sys.stdout.flush()
    await logins.obey()
    os._exit(0)  # whoever is still connected was left behind on purpose


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1])))
