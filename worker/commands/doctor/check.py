"""What a check of the doctor says."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """What a check found."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the doctor's answer; `remedy` is empty where all is well."""

    name: str
    state: State
    text: str
    remedy: str = ""


def ok(name: str, text: str) -> Check:
    return Check(name, State.OK, text)


def warn(name: str, text: str, remedy: str) -> Check:
    return Check(name, State.WARN, text, remedy)


def fail(name: str, text: str, remedy: str) -> Check:
    return Check(name, State.FAIL, text, remedy)
