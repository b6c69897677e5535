"""The description of the gateway, in the order and the words of its page for people."""

from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from producer.openapi.document import openapi

Json = dict[str, Any]


class ResponseStatus(NamedTuple):
    """One status of an operation."""

    status: str
    words: str


class Operation(NamedTuple):
    """One method of a path."""

    method: str
    path: str
    summary: str
    parameters: list[Json]
    answers: list[ResponseStatus]


class OperationGroup(NamedTuple):
    """The operations of one tag."""

    words: str
    operations: list[Operation]


@cache
def described() -> tuple[list[OperationGroup], str]:
    """Return the groups and the version of the contract."""
    document = openapi()
    groups = [
        OperationGroup(tag["description"], list(_operations(document, tag["name"])))
        for tag in document["tags"]
    ]
    return groups, document["info"]["version"]


def _operations(document: Json, tag: str) -> Iterator[Operation]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method not in ("parameters", "head") and tag in operation["tags"]:
                answers = [
                    ResponseStatus(status, answer["description"])
                    for status, answer in operation["responses"].items()
                ]
                parameters = [*item.get("parameters", []), *operation.get("parameters", [])]
                yield Operation(method.upper(), path, operation["summary"], parameters, answers)
