"""Connections to the node that serves a hash slot, for redis-py's pools.

A new connection asks the known nodes which one that is. A node that no longer serves it says so
(`MOVED`): the connection is closed, and the next one asks anew. While a slot is on its way to
another node (`ASK`, `TRYAGAIN`) no key of it can be made, and all that we do makes keys: it waits
until the slot has arrived (`patience`).
"""

import asyncio
from typing import Any, Final

import redis
from redis.asyncio.connection import Connection as AsyncConnection
from redis.asyncio.connection import SSLConnection as AsyncTlsConnection
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.connection import Connection, SSLConnection
from redis.exceptions import AskError, ClusterDownError, MovedError, ResponseError, TryAgainError
from redis.retry import Retry

from producer.redis_cluster.nodes import Address, Nodes, SlotNotServedError

ASK_SECONDS: Final = 2.0
"""A node that hangs costs this much, then the next one is asked."""

_NOT_ANSWERED: Final = (redis.RedisError, OSError)
_NOT_SERVED: Final = (AskError, TryAgainError, ClusterDownError)


class SlotConnection(Connection):
    """A connection to the node that serves a slot, for threads."""

    asks_with: type[Connection] = Connection

    def __init__(self, *, nodes: Nodes, **options: Any) -> None:
        self._nodes = nodes
        super().__init__(**options)  # type: ignore[no-untyped-call]  # redis-py's

    def connect_check_health(
        self,
        check_health: bool = True,  # noqa: FBT001, FBT002 - redis-py's signature
        retry_socket_connect: bool = True,  # noqa: ARG002, FBT001, FBT002 - likewise
    ) -> None:
        """Connect; each try asks anew who serves the slot. redis-py always connects by this."""
        if not self.is_connected:
            self.retry.call_with_retry(
                lambda: self._connect_to_owner(check_health=check_health), lambda _error: None
            )

    def _connect_to_owner(self, *, check_health: bool) -> None:
        self.host, self.port = owner = self._find_owner()
        try:
            super().connect_check_health(check_health, retry_socket_connect=False)
        except _NOT_ANSWERED:
            self._nodes.failed(owner)
            raise

    def _find_owner(self) -> Address:
        error: Exception | None = None
        for node in self._nodes.each():
            try:
                return self._nodes.learn(node, self._ask(node))
            except _NOT_ANSWERED as caught:
                error = error or caught
                self._nodes.failed(node)
        raise _nobody(error) from error

    def _ask(self, node: Address) -> Any:
        connection = self.asks_with(**_asking(self._nodes, node), retry=Retry(NoBackoff(), 0))
        try:
            connection.connect()
            connection.send_command("CLUSTER", "SLOTS")
            return connection.read_response()
        finally:
            connection.disconnect()

    def read_response(self, *args: Any, **options: Any) -> Any:
        """Read a reply; a node that does not serve the slot now is a connection that is lost."""
        try:
            return super().read_response(*args, **options)
        except _NOT_SERVED as error:
            self.disconnect()  # type: ignore[no-untyped-call]  # redis-py's
            raise _not_served(error) from error


class TlsSlotConnection(SlotConnection, SSLConnection):
    asks_with = SSLConnection


class AsyncSlotConnection(AsyncConnection):
    """A connection to the node that serves a slot, for asyncio; as SlotConnection."""

    asks_with: type[AsyncConnection] = AsyncConnection

    def __init__(self, *, nodes: Nodes, **options: Any) -> None:
        self._nodes = nodes
        super().__init__(**options)

    async def connect_check_health(
        self,
        check_health: bool = True,  # noqa: FBT001, FBT002 - redis-py's signature
        retry_socket_connect: bool = True,  # noqa: ARG002, FBT001, FBT002 - likewise
    ) -> None:
        """Connect; each try asks anew who serves the slot. redis-py always connects by this."""
        if not self.is_connected:
            await self.retry.call_with_retry(
                lambda: self._connect_to_owner(check_health=check_health),
                lambda _: asyncio.sleep(0),
            )

    async def _connect_to_owner(self, *, check_health: bool) -> None:
        self.host, self.port = owner = await self._find_owner()
        try:
            await super().connect_check_health(check_health, retry_socket_connect=False)
        except _NOT_ANSWERED:
            self._nodes.failed(owner)
            raise

    async def _find_owner(self) -> Address:
        error: Exception | None = None
        for node in self._nodes.each():
            try:
                return self._nodes.learn(node, await self._ask(node))
            except _NOT_ANSWERED as caught:
                error = error or caught
                self._nodes.failed(node)
        raise _nobody(error) from error

    async def _ask(self, node: Address) -> Any:
        connection = self.asks_with(**_asking(self._nodes, node), retry=AsyncRetry(NoBackoff(), 0))
        try:
            async with asyncio.timeout(ASK_SECONDS):
                await connection.connect()
                await connection.send_command("CLUSTER", "SLOTS")
                return await connection.read_response()
        finally:
            await connection.disconnect(nowait=True)

    async def read_response(self, *args: Any, **options: Any) -> Any:
        """Read a reply; a node that does not serve the slot now is a connection that is lost."""
        try:
            return await super().read_response(*args, **options)
        except _NOT_SERVED as error:
            await self.disconnect()
            raise _not_served(error) from error


class AsyncTlsSlotConnection(AsyncSlotConnection, AsyncTlsConnection):
    asks_with = AsyncTlsConnection


def _asking(nodes: Nodes, node: Address) -> dict[str, Any]:
    host, port = node
    times = {"socket_timeout": ASK_SECONDS, "socket_connect_timeout": ASK_SECONDS}
    return {**nodes.options, **times, "host": host, "port": port}


def _nobody(error: Exception | None) -> redis.RedisError:
    if isinstance(error, redis.AuthenticationError | ResponseError):
        return error  # a wrong password is wrong at every node
    return redis.ConnectionError(f"no node of the cluster answers: {error}")


def _not_served(error: Exception) -> SlotNotServedError:
    has_moved = isinstance(error, MovedError)
    return SlotNotServedError("the slot has moved" if has_moved else f"the slot waits: {error}")
