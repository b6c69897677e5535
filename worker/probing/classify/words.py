"""Second evidence, `words.toml`: read, validated and compiled once per process."""

import re
import tomllib
from importlib.resources import files
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from producer.contract.codes import Code
from producer.contract.report import PhaseName
from worker.probing.classify.verdict import FieldKind
from worker.probing.classify.wording import Lexicon, phrases

_NAME: Final = re.compile(r"<(\w+)>")


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Row(_Strict):
    """Phrases that mean `code`; the head of the file says what each key is."""

    code: Code
    phrases: tuple[str, ...] = Field(min_length=1)
    retryable: bool | None = None
    field: FieldKind | None = None
    hint: str | None = None
    on: tuple[str, ...] = ()
    providers: frozenset[str] = frozenset()
    weak: bool = False


class _File(_Strict):
    order: dict[PhaseName, tuple[str, ...]]
    vocabulary: dict[str, str]
    group: dict[str, tuple[Row, ...]]


def parse(text: str) -> dict[PhaseName, Lexicon[Row]]:
    """A lexicon a phase. Raises pydantic.ValidationError, or KeyError for a name not defined."""
    file = _File.model_validate(tomllib.loads(text))
    compiled = {
        name: [(row, phrases(*(_spelled_out(one, file) for one in row.phrases))) for row in rows]
        for name, rows in file.group.items()
    }
    return {
        phase: Lexicon([row for name in names for row in compiled[name]])
        for phase, names in file.order.items()
    }


def _spelled_out(pattern: str, file: _File) -> str:
    return _NAME.sub(lambda name: f"{{{file.vocabulary[name[1]]}}}", pattern)


LEXICONS: Final = parse(files(__package__).joinpath("words.toml").read_text(encoding="utf-8"))
