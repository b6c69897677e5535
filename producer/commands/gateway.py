"""`mailvouch gateway`: the HTTP front of the queue."""

import asyncio
import importlib
import os
import threading
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

import click

import producer.lean  # noqa: F401 - before what it makes smaller

# isort: split
from producer.client_base import redis_url
from producer.commands.console import errors_as_exits, say
from producer.contract.keyspace import hash_slot_of
from producer.gateway.logs import configure, keep_flushing
from producer.gateway.serve import address_of, allow_many_connections, listen, run
from producer.gateway.settings import GatewaySettings
from producer.log_output import LogOutput
from producer.records.subscribers import list_subscribers
from producer.redis_clients import connect
from producer.redis_failures import FAILURES, unavailable
from producer.sealing.requests import Sealer, load_jwk


@click.command()
@click.option("--host", help="Address to listen on.  [default: MAILVOUCH_GATEWAY_HOST, 127.0.0.1]")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="Port to listen on.  [default: MAILVOUCH_GATEWAY_PORT, 8080]",
)
def gateway(*, host: str | None, port: int | None) -> None:
    """Serve the two documented APIs over HTTP, and a page for people.

    A worker does the testing: start one with 'mailvouch-worker run'. SIGTERM drains.

    \b
      mailvouch subscribers add me
      mailvouch gateway
    """  # noqa: D301 - \b is click's mark for a paragraph not to be rewrapped
    with errors_as_exits():
        settings = _settings(host, port)
        settings.require_protection()
        tls = settings.tls_context()
        if settings.public_key:
            Sealer(load_jwk(settings.public_key))
        listeners = listen(settings.gateway_host, settings.gateway_port)
    allow_many_connections()
    output = configure(settings.log_level, settings.log_format)
    say(f"Mailvouch gateway on {address_of(listeners[0], tls=tls is not None)}")
    # Beside the start: a Redis that hangs is waited for.
    threading.Thread(target=_say_how_to_begin, args=(settings,), daemon=True).start()
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_serve(output, run(settings, listeners, tls)))
            _exit(output)
    finally:
        output.close()


def _exit(output: LogOutput) -> NoReturn:
    """End at once: all answers are given.

    Python would wait for the threads that read a Redis that hangs, or ask for its address.
    """
    output.close()
    os._exit(0)


async def _serve(output: LogOutput, running: Coroutine[None, None, None]) -> None:
    flushing = asyncio.create_task(keep_flushing(output))
    await running
    flushing.cancel()


def _settings(host: str | None, port: int | None) -> GatewaySettings:
    """Read the settings; options win. Raises SettingsError, RedisUnavailableError."""
    chosen = {"gateway_host": host or None, "gateway_port": port}
    settings = GatewaySettings.load().model_copy(
        update={name: value for name, value in chosen.items() if value is not None}
    )
    redis_url(settings)
    return settings


def _say_how_to_begin(settings: GatewaySettings) -> None:
    """Say how to add a subscriber where there is none; a Redis that is away is no error here."""
    url = settings.redis()
    try:
        records = settings.keyspace.records
        with connect(url, hash_slot=hash_slot_of(records)) as client:
            known = list_subscribers(client, records)
    except FAILURES as error:
        say(f"for now: {unavailable(url, error)}")
        return
    if not known:
        say("nobody may use it yet; to add a subscriber: mailvouch subscribers add NAME")


def _loop_factory() -> Callable[[], Any] | None:
    """Take uvloop where it is installed: half the memory of a connection, twice the speed."""
    try:
        factory: Callable[[], Any] = importlib.import_module("uvloop").new_event_loop
    except ModuleNotFoundError:
        return None
    return factory
