"""A slow SMTP server that takes every login: `python -m tests.netns.mail_server ADDRESS PORT LOG`.

Each login is a line of LOG: the client's address and the user. Slow, so that jobs are in flight
when a machine is cut off.
"""

import asyncio
import base64
import sys
from pathlib import Path

LOGIN_SECONDS = 2.0


async def main(address: str, port: int, log: Path) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await converse(reader, writer, log)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, address, port)
    async with server:
        await server.serve_forever()


async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, log: Path) -> None:
    client = writer.get_extra_info("peername")[0]
    writer.write(b"220 mail.test ESMTP\r\n")
    while line := (await reader.readline()).strip():
        verb, _, rest = line.partition(b" ")
        if verb == b"EHLO":
            writer.write(b"250-mail.test\r\n250 AUTH PLAIN\r\n")
        elif verb == b"AUTH":
            user = base64.b64decode(rest.partition(b" ")[2]).split(b"\0")[1].decode()
            with log.open("a") as file:
                file.write(f"{client} {user}\n")
            await asyncio.sleep(LOGIN_SECONDS)
            writer.write(b"235 2.7.0 ok\r\n")
        elif verb == b"QUIT":
            writer.write(b"221 bye\r\n")
            return
        else:
            writer.write(b"250 ok\r\n")
        await writer.drain()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])))
