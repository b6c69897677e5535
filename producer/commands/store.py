"""What the operators' commands share: the store of the settings, errors as exits, tables."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import redis
from pydantic import BaseModel
from rich.table import Table

from producer.client_base import redis_url
from producer.commands.console import Exit, errors_as_exits, fail, say
from producer.commands.render import show
from producer.contract.keyspace import hash_slot_of
from producer.printable import plain
from producer.records import BadInputError, NotKnownError, OperatorError
from producer.records.store import StoreKeys
from producer.redis_clients import connect
from producer.redis_failures import FAILURES, unavailable
from producer.sealing.at_rest import PasswordVault, store_key_files
from producer.sealing.requests import SealingError
from producer.settings import Files, ProducerSettings


class StoreSettings(ProducerSettings):
    """The settings of the commands that read or write stored passwords."""

    store_keys: Files = ()


@dataclass(frozen=True, slots=True)
class OpenStore:
    """The store of the settings."""

    redis: redis.Redis
    keys: StoreKeys
    settings: StoreSettings

    def vault(self) -> PasswordVault:
        """Return the keys for stored passwords, made where there are none yet."""
        try:
            files, remark = store_key_files(self.settings.store_keys, self.settings.data_dir)
        except OSError as error:
            folder = error.filename or self.settings.data_dir
            fail(Exit.BAD_INPUT, f"MAILVOUCH_DATA_DIR: {folder}: {error.strerror}")
        if remark:
            say(remark)
        elif self.settings.redis_url and not self.settings.store_keys:
            say(f"no MAILVOUCH_STORE_KEYS, so the key is {files[0]}; the workers need the same")
        try:
            return PasswordVault.load(files)
        except SealingError as error:
            fail(Exit.BAD_INPUT, f"MAILVOUCH_STORE_KEYS: {error}")


@contextmanager
def open_store() -> Iterator[OpenStore]:
    """Open the store; turn what may go wrong with it into one line and an exit code."""
    with errors_as_exits():
        settings = StoreSettings.load()
        url = redis_url(settings)
        try:
            records = settings.keyspace.records
            with connect(url, hash_slot=hash_slot_of(records)) as client:
                yield OpenStore(client, StoreKeys(records), settings)
        except OperatorError as error:
            fail(_exit_of(error), str(error))
        except FAILURES as error:
            raise unavailable(url, error) from None


def _exit_of(error: OperatorError) -> Exit:
    if isinstance(error, BadInputError):
        return Exit.BAD_INPUT
    return Exit.UNKNOWN_JOB if isinstance(error, NotKnownError) else Exit.SOME_FAILED


def documents(models: Sequence[BaseModel]) -> list[dict[str, Any]]:
    """Write models as their documented JSON."""
    return [model.model_dump(mode="json", by_alias=True) for model in models]


def print_table(titles: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for title in titles:
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(*(plain("" if value is None else value) for value in row))
    show(table)
